"""The door to DVC: files are tracked where they lie, and a remote is asked whether it has them."""

from __future__ import annotations

from jupyter_mlgov.integrations.dvc.remote import kept, push
from jupyter_mlgov.integrations.dvc.tracking import TrackedFile, track, tracked

__all__ = ["TrackedFile", "kept", "push", "track", "tracked"]
