"""What the panel, the status line and `%mlgov` show of one notebook, as one fact."""

from __future__ import annotations

from dataclasses import dataclass

from jupyter_mlgov.lineage.facts import StepStatus
from jupyter_mlgov.promotion.facts import Reason, Review


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckLine:
    """One verdict as a line. `stale`: what changed since; `waived`: who lifted it until when; else empty. `cell`: what made its table.

    `alone` is the verdict of a newer measurement of this check by itself, about what is there now, and `alone_summary` its words. It stands
    beside the report's own verdict and never in its place: a partial report opens no gate.
    """

    validator: str
    title: str
    verdict: str
    severity: str
    summary: str
    stale: str = ""
    waived: str = ""
    cell: str = ""
    alone: str = ""
    alone_summary: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrailLine:
    """One entry of the trail as a sentence; `time` is RFC 3339."""

    seq: int
    time: str
    sentence: str
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Answering:
    """How a model answers in `stage`, by the trail. `state` is the one word that matters most of: `killed`, `breaker open`, `canary`,
    `shadow`, `serving`, `not served`.

    `champion` answers, `challenger` gets `share` percent (0 in shadow), `waiting` was let in and no canary moves it yet: versions, or
    empty. `endpoints`: replicas that said that they serve it and not that they left. `canary` is the state of the newest one, `look` its
    last answer. `breaker`, `killed` and `trouble` say why, or are empty.
    """

    stage: str
    state: str
    champion: str = ""
    challenger: str = ""
    waiting: str = ""
    share: float = 0.0
    endpoints: tuple[str, ...] = ()
    canary: str = ""
    look: str = ""
    look_at: str = ""
    breaker: str = ""
    killed: str = ""
    trouble: str = ""

    @property
    def sentence(self) -> str:
        """One line: who answers, and what else is to be known."""
        arms = f"version {self.champion} answers" if self.champion else "no version answers"
        said = {
            "killed": f"stopped by its kill switch: {self.killed}",
            "breaker open": f"the breaker is open: {self.breaker}",
            "canary": f"{arms}, and version {self.challenger} gets {self.share:g} %",
            "shadow": f"{arms}, and version {self.challenger} computes in shadow",
            "serving": arms,
            "not served": "nobody serves it now",
        }[self.state]
        return f"{self.stage}: {said}"


@dataclass(frozen=True, slots=True, kw_only=True)
class NotebookView:
    """Where one notebook stands. `next` is the one thing to do now; `problem` says what could not be read, never silently empty.

    `disorder`: ids of the cells that ran before a cell above them did. `version` and `stage` are of the model by name, whichever version;
    `let_in` are the stages that this very model is in, and `gate` is the one it goes for (`staging → production`), also once it is there.
    `team_file` is the mlgov.toml that decides about it, below the workspace; empty: there is none.
    """

    notebook: str
    workspace: str
    model: str = ""
    version: str = ""
    stage: str = ""
    let_in: tuple[str, ...] = ()
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
    answering: Answering | None = None
    team_file: str = ""
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
    """One model of a workspace as a line. Times are RFC 3339; empty texts where there was no such thing yet.

    `traffic` is the state of Answering, `traffic_said` its sentence, `traffic_share` what the challenger gets; empty where nobody ever
    served it.
    """

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
    traffic: str = ""
    traffic_said: str = ""
    traffic_share: float = 0.0
    moved: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelPage:
    """Some of a workspace's models, how many fit in all, and the last entry of the trail that was read for them."""

    rows: tuple[ModelRow, ...]
    models: int
    entries: int
