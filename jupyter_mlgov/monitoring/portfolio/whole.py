"""The portfolio as one fact: at one point of the log, everything a reader of it is told."""

from __future__ import annotations

from dataclasses import dataclass

from jupyter_mlgov.monitoring.portfolio.attention import Attention, DueFinding, DueReview
from jupyter_mlgov.monitoring.portfolio.coming import Coming
from jupyter_mlgov.monitoring.portfolio.concentration import Dependencies
from jupyter_mlgov.monitoring.portfolio.figures import Figure
from jupyter_mlgov.monitoring.portfolio.inventory import Value


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One model's line of the inventory."""

    model: str
    tier: int
    stage: str
    verdict: str
    entry: int
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Portfolio:
    """Where all models stood at `moment`, after the first `entries` entries of the log.

    `first` are the models to look at first, of `models` in all. `findings` and `reviews` are the open ones, the most urgent first, of
    `findings_in_all` and `reviews_in_all`. `coming` judges by the policy packs that are installed now, which no log holds.
    """

    moment: str
    entries: int
    models: int
    validated: int
    figures: tuple[Figure, ...]
    first: tuple[Attention, ...]
    findings: tuple[DueFinding, ...]
    overdue: int
    findings_in_all: int
    reviews: tuple[DueReview, ...]
    reviews_in_all: int
    coming: tuple[Coming, ...]
    dependencies: Dependencies
    inventory: tuple[Entry, ...] = ()
