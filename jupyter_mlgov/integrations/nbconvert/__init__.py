"""The door to nbconvert: `jupyter nbconvert --to mlgov-report` and `--to mlgov-script`."""

from __future__ import annotations

from jupyter_mlgov.integrations.nbconvert.report import ReportExporter
from jupyter_mlgov.integrations.nbconvert.script import ScriptExporter

__all__ = ["ReportExporter", "ScriptExporter"]
