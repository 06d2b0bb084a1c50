"""Where to look first: how grave a model is, times how old its evidence is; and what is due or overdue beside that."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from jupyter_mlgov.core.verdicts import Severity
from jupyter_mlgov.monitoring.portfolio.facts import OpenFinding, OpenReview, Standing

# Tier -> weight, a house figure. A tier that nobody said weighs as the gravest.
WEIGHTS = {1: 3, 2: 2, 3: 1}
UNKNOWN_WEIGHT = 3
# Severity -> place in a list. One that nobody said, or that is no word of ours, stands with the gravest.
GRAVITY = {severity.value: place for place, severity in enumerate(Severity)}
SOON = 72  # hours before a deadline that are near, a house figure
RULE = (
    "Weight of the tier (1: 3, 2: 2, 3: 1, not known: 3; house) times days since the newest whole report. A model that was never validated "
    "counts from the day it was first seen."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attention:
    """One model in the order of looking. `days` is the age of its evidence, or of the model where it has none; `why` are sentences."""

    model: str
    tier: int
    stage: str
    version: str
    verdict: str
    validated: str
    days: float
    score: float
    why: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DueReview:
    """An open review. `hours` until its deadline, below 0 when it is overdue, None where the log does not say the deadline."""

    model: str
    tier: int
    review: OpenReview
    hours: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DueFinding:
    """An open finding. `days` since it was due, below 0 when it is not yet, None where nobody set a day; `open_days` since it was found."""

    model: str
    tier: int
    finding: OpenFinding
    days: float | None
    open_days: float | None

    @property
    def overdue(self) -> bool:
        return self.days is not None and self.days > 0

    @property
    def urgency(self) -> tuple[object, ...]:
        """To sort by: the overdue ones by severity and then by days, then what is due next, then what has no day, by severity and age."""
        grave = GRAVITY.get(self.finding.severity, 0)
        if self.overdue:
            return (0, grave, -(self.days or 0.0), self.model)
        if self.days is not None:
            return (1, -self.days, grave, self.model)
        return (2, grave, -(self.open_days or 0.0), self.model)


def attention(standing: Standing, now: datetime) -> Attention:
    """How much this model asks to be looked at, by RULE."""
    since = standing.validated or standing.first
    days = max(0.0, _days(since, now))
    weight = WEIGHTS.get(standing.grade, UNKNOWN_WEIGHT)
    return Attention(
        model=standing.model,
        tier=standing.grade,
        stage=standing.stage,
        version=standing.version,
        verdict=standing.verdict,
        validated=standing.validated,
        days=round(days, 1),
        score=round(weight * days, 1),
        why=_why(standing, days),
    )


def _why(standing: Standing, days: float) -> tuple[str, ...]:
    said = [f"evidence is {days:.0f} days old" if standing.validated else f"never validated, known for {days:.0f} days"]
    said += [] if standing.grade else ["its tier is not known, so it counts as tier 1"]
    said += ["its tier is declared, nothing was judged by it"] if standing.grade and not standing.tier else []
    said += [f"the newest report says: {standing.verdict}"] if standing.verdict in ("fail", "error", "inconclusive") else []
    said += [f"open finding{'s' if len(standing.findings) > 1 else ''}: {len(standing.findings)}"] if standing.findings else []
    return tuple(said)


def due_reviews(standing: Standing, now: datetime) -> tuple[DueReview, ...]:
    """The open reviews of one model with what is left of their time. A deadline that cannot be read is one that the log does not say."""
    late = ((one, _since(one.due, now, digits=4)) for one in standing.reviews)
    return tuple(
        DueReview(model=standing.model, tier=standing.grade, review=one, hours=None if days is None else round(-24 * days, 2))
        for one, days in late
    )


def due_findings(standing: Standing, now: datetime) -> tuple[DueFinding, ...]:
    """The open findings of one model. A day that cannot be read is a day nobody set."""
    return tuple(
        DueFinding(model=standing.model, tier=standing.grade, finding=one, days=_since(one.due, now), open_days=_since(one.since, now))
        for one in standing.findings
    )


def _since(text: str, now: datetime, digits: int = 1) -> float | None:
    try:
        return round(_days(text, now), digits) if text else None
    except ValueError:
        return None


def _days(text: str, now: datetime) -> float:
    """Days from a stamp to `now`; a bare date counts from its end, so that something due today is not overdue today."""
    moment = datetime.fromisoformat(f"{text}T23:59:59+00:00" if len(text) == len("2026-12-31") else text)
    if moment.tzinfo is None:
        raise ValueError(text)
    return (now - moment).total_seconds() / 86400
