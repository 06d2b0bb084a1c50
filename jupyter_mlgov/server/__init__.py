"""What the browser asks the Jupyter server: where a notebook stands, and its last report. Nothing heavy is imported here."""

from __future__ import annotations

from jupyter_mlgov.server.app import GovernanceApp

__all__ = ["GovernanceApp"]
