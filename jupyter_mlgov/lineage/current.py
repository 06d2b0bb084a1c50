"""Which cell runs in this process now, for those who are called from inside it (MLflow's run tags)."""

from __future__ import annotations

from jupyter_mlgov.lineage.facts import CellRun

_current: CellRun | None = None


def running() -> CellRun | None:
    """The recorded cell that runs now, as it began; None outside of one."""
    return _current


def now_running(run: CellRun | None) -> None:
    """Said by the recorder when a cell begins and, with None, when it ended."""
    global _current  # a kernel runs one cell at a time; this is that one
    _current = run
