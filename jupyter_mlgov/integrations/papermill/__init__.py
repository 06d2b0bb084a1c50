"""papermill's engine `mlgov`, and `mlgov run`: a notebook as a job whose every cell is recorded."""

from __future__ import annotations

from jupyter_mlgov.integrations.papermill.engine import GovernedEngine
from jupyter_mlgov.integrations.papermill.results import RunResult
from jupyter_mlgov.integrations.papermill.running import run_notebook

__all__ = ["GovernedEngine", "RunResult", "run_notebook"]
