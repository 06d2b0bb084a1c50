"""What the panel, the status line and `%mlgov` show of one notebook, as one fact."""

from __future__ import annotations

from dataclasses import dataclass

from jupyter_mlgov.lineage.facts import StepStatus
from jupyter_mlgov.promotion.facts import Reason, Review


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckLine:
    """One verdict as a line. `stale`: what changed since; `waived`: who lifted it until when; else empty. `cell`: what made its table."""

    validator: str
    title: str
    verdict: str
    severity: str
    summary: str
    stale: str = ""
    waived: str = ""
    cell: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrailLine:
    """One entry of the trail as a sentence; `time` is RFC 3339."""

    seq: int
    time: str
    sentence: str
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NotebookView:
    """Where one notebook stands. `next` is the one thing to do now; `problem` says what could not be read, never silently empty.

    `disorder`: ids of the cells that ran before a cell above them did.
    """

    notebook: str
    workspace: str
    model: str = ""
    version: str = ""
    stage: str = ""
    steps: tuple[StepStatus, ...] = ()
    disorder: tuple[str, ...] = ()
    checks: tuple[CheckLine, ...] = ()
    unchecked: int = 0
    report: str = ""
    why: tuple[Reason, ...] = ()
    gate: str = ""
    reviews: tuple[Review, ...] = ()
    inputs: tuple[str, ...] = ()
    runs_on: str = ""
    code: str = ""
    waiting: int = 0
    trail: tuple[TrailLine, ...] = ()
    next: str = ""
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrailPage:
    """Entries of the trail, the newest first, and how many there are in all."""

    lines: tuple[TrailLine, ...]
    entries: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TrailVerified:
    """Whether the trail is whole: one sentence, what was proven, what is broken, what could not be proven, and what nobody can see."""

    ok: bool
    sentence: str
    proven: tuple[str, ...] = ()
    broken: tuple[str, ...] = ()
    unproven: tuple[str, ...] = ()
    cannot_see: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SuggestedStep:
    """A step proposed for one untagged cell. `others`: kinds that would fit as well; it is then no sure proposal."""

    cell: str
    kind: str
    why: str
    others: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Presence:
    """Who looks, and what they may do (`read`, `run`, `review`, `admin`). `proven`: the server knows persons, not just a shared token."""

    version: str
    user: str
    name: str
    proven: bool
    rights: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRow:
    """One model of a workspace as a line. Times are RFC 3339; empty texts where there was no such thing yet."""

    model: str
    notebook: str = ""
    tier: str = ""
    stage: str = ""
    version: str = ""
    verdict: str = ""
    validated: str = ""
    review: str = ""
    review_since: str = ""
    reproduced: str = ""
    reproduced_at: str = ""
    moved: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelPage:
    """Some of a workspace's models, how many fit in all, and the last entry of the trail that was read for them."""

    rows: tuple[ModelRow, ...]
    models: int
    entries: int
