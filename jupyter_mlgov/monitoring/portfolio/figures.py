"""The figures: what each measures, over what, and how it reads. Every number is a sum over entries; none is typed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """A figure's meaning. `of` names its denominator; `source` says who asks for it or chose it."""

    id: str
    title: str
    kind: Literal["share", "hours"]
    of: str
    says: str
    source: str


REFERENCE = "reference case"
FIGURES = (
    Definition(
        id="deployment-success",
        title="Deployments that stood",
        kind="share",
        of="versions that a decision let into the last stage",
        says="Of these, the share that the registry showed and that no rollback has taken out since.",
        source=REFERENCE,
    ),
    Definition(
        id="canary-agreement",
        title="Canary predicted = actual",
        kind="share",
        of="canaries about which both the canary and the labels gave a clear answer",
        says="Of these, the share in which the labels that came later said what the canary had said.",
        source=REFERENCE,
    ),
    Definition(
        id="review-hours",
        title="Hours in review",
        kind="hours",
        of="reviews that were answered",
        says="Hours by the calendar from asking to the first word that approves or refuses; nights and weekends count.",
        source=REFERENCE,
    ),
    Definition(
        id="rollback-success",
        title="Rollbacks that worked",
        kind="share",
        of="rollbacks that were asked for; drills are none",
        says="Of these, the share after which registry and traffic showed the earlier version; refused and failed count against.",
        source=REFERENCE,
    ),
    Definition(
        id="documentation-hours",
        title="Hours of documentation",
        kind="hours",
        of="versions let into the last stage for which two answers or more were written in one sitting",
        says=(
            "Hours between consecutive written answers of one person, where at most 30 minutes lie between them. "
            "The time before the first answer of a sitting is in no log, so this is a lower bound."
        ),
        source=f"{REFERENCE}; the 30 minutes are a house figure",
    ),
    Definition(
        id="time-to-production",
        title="From first cell to production",
        kind="hours",
        of="models that came into the last stage for the first time, and whose first cell was recorded",
        says="Hours by the calendar from the first recorded cell of the notebook to the registry's answer.",
        source="house",
    ),
    Definition(
        id="controls-by-machine",
        title="Controls decided by machine",
        kind="share",
        of="controls in force in the newest whole report of every model",
        says="Of these, the share every demand of which a validator answered (passed, look, failed, does not apply), and no person.",
        source="house; control catalogue, plain reading",
    ),
    Definition(
        id="controls-evidenced",
        title="Controls with a machine's evidence",
        kind="share",
        of="controls in force in the newest whole report of every model",
        says="Of these, the share with at least one answer of a validator, people's answers or not.",
        source="house; control catalogue, plain reading",
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A figure at one point of the log. `value` is a share in 0..1 or the median in hours; None where `n` is 0: no data."""

    id: str
    title: str
    kind: Literal["share", "hours"]
    n: int
    good: int
    value: float | None
    mean: float | None
    longest: float | None
    of: str
    says: str
    source: str


def share(definition: Definition, n: int, good: int) -> Figure:
    """A share of `n`; with nothing to divide by it is no data, never 0 % or 100 %."""
    return _figure(definition, n, good, good / n if n else None, None, None)


def lengths(definition: Definition, n: int, middle: float | None, mean: float | None, longest: float | None) -> Figure:
    """The median, mean and longest of `n` lengths in hours."""
    return _figure(definition, n, 0, middle if n else None, mean if n else None, longest if n else None)


def _figure(definition: Definition, n: int, good: int, value: float | None, mean: float | None, longest: float | None) -> Figure:
    return Figure(
        id=definition.id,
        title=definition.title,
        kind=definition.kind,
        n=n,
        good=good,
        value=value,
        mean=mean,
        longest=longest,
        of=definition.of,
        says=definition.says,
        source=definition.source,
    )
