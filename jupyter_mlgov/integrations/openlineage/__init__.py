"""The door to OpenLineage: one START and one COMPLETE or FAIL event for each step run, to a file or a collector."""

from __future__ import annotations

from jupyter_mlgov.integrations.openlineage.parcel import run_parcels
from jupyter_mlgov.integrations.openlineage.sender import OpenLineageSender

__all__ = ["OpenLineageSender", "run_parcels"]
