"""The facts of the portfolio: where one model stands after some entry of the log, and what an entry adds to a figure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

STAGES = ("development", "staging", "production")


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenReview:
    """A review that somebody asked for and nobody answered. `due` is empty where the log does not say it."""

    number: int
    notebook: str
    stage: str
    report: str
    asked: str
    due: str = ""
    claimed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenFinding:
    """Something found against a model that nobody settled. `entry` 0: it stands in the team file, not in an act. `due` may be empty."""

    entry: int
    id: str
    what: str
    version: str = ""
    since: str = ""
    severity: str = ""
    due: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ahead:
    """A demand of a control that is not in force yet, as the newest report answers it; `verdict` is empty where nobody measured."""

    policy: str
    control: str
    severity: str
    verdict: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sitting:
    """Documentation since the last version that went into production: seconds between answers, the answers, who wrote last and when."""

    seconds: float = 0.0
    entries: tuple[int, ...] = ()
    last: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployed:
    """A version that was let into the last stage and took: the entries that say so."""

    version: str
    decided: int
    applied: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One model after entry `seq`, folded from the log alone. Times are RFC 3339; empty and 0 mean that the log does not say.

    `team` is what the team file said when the model was last validated or decided about, `imported` what an import or a person declared.
    `report` is the entry of the newest whole validation; `controls` counts its controls in force, `machine` those decided by validators
    alone, `evidenced` those with any validator's answer.
    """

    model: str
    seq: int
    first: str
    moved: str
    notebook: str = ""
    tier: int = 0
    stages: tuple[str, ...] = STAGES
    held: Mapping[str, str] = field(default_factory=dict)
    let_in: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    produced: str = ""
    verdict: str = ""
    validated: str = ""
    report: int = 0
    digest: str = ""
    model_digest: str = ""
    controls: int = 0
    machine: int = 0
    evidenced: int = 0
    reproduced: str = ""
    reviews: tuple[OpenReview, ...] = ()
    findings: tuple[OpenFinding, ...] = ()
    pending: Mapping[str, int] = field(default_factory=dict)
    deployed: tuple[Deployed, ...] = ()
    canaries: Mapping[str, int] = field(default_factory=dict)
    sitting: Sitting = field(default_factory=Sitting)
    edits: int = 0
    team: Mapping[str, object] = field(default_factory=dict)
    imported: Mapping[str, object] = field(default_factory=dict)
    data: Mapping[str, str] = field(default_factory=dict)
    ahead: tuple[Ahead, ...] = ()

    @property
    def stage(self) -> str:
        """The furthest stage with a version in it; empty where there is none."""
        there = [stage for stage, version in self.held.items() if version]
        ladder = {stage: place for place, stage in enumerate(self.stages)}
        return max(there, key=lambda stage: ladder.get(stage, -1), default="")

    @property
    def grade(self) -> int:
        """The tier that teams decided; where none did, the one that somebody declared; 0 where nobody said."""
        return graded(self.tier, self.imported)

    @property
    def version(self) -> str:
        return self.held.get(self.stage, "")

    @property
    def due(self) -> str:
        """The nearest deadline of an open review."""
        return min((one.due for one in self.reviews if one.due), default="")


def graded(tier: int, imported: Mapping[str, object]) -> int:
    """A decided tier, else a declared one, else 0."""
    said = str(imported.get("tier", ""))
    return tier or (int(said) if said in ("1", "2", "3") else 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """What one entry adds to one figure: to its denominator (`n`), to its numerator (`good`), and a measured length in hours.

    A later entry that takes something back adds a negative number, so the sum over the first entries of a log is the figure at that point.
    `entries` are the numbers of all entries that it came from.
    """

    figure: str
    model: str
    seq: int
    n: int
    good: int = 0
    hours: float | None = None
    entries: tuple[int, ...] = ()
