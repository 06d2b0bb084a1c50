"""What the panel, the status line and `%mlgov` show of one notebook, as one fact."""

from __future__ import annotations

from dataclasses import dataclass

from jupyter_mlgov.lineage.facts import StepStatus
from jupyter_mlgov.promotion.facts import Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckLine:
    """One verdict as a line; `stale` says what changed since, in a sentence, or is empty."""

    validator: str
    title: str
    verdict: str
    severity: str
    summary: str
    stale: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrailLine:
    """One entry of the trail as a sentence; `time` is RFC 3339."""

    seq: int
    time: str
    sentence: str
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NotebookView:
    """Where one notebook stands. `next` is the one thing to do now; `problem` says what could not be read, never silently empty."""

    notebook: str
    workspace: str
    model: str = ""
    version: str = ""
    stage: str = ""
    steps: tuple[StepStatus, ...] = ()
    checks: tuple[CheckLine, ...] = ()
    unchecked: int = 0
    report: str = ""
    why: tuple[Reason, ...] = ()
    gate: str = ""
    inputs: tuple[str, ...] = ()
    runs_on: str = ""
    code: str = ""
    waiting: int = 0
    trail: tuple[TrailLine, ...] = ()
    next: str = ""
    problem: str = ""
