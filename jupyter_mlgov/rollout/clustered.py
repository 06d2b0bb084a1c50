"""Rates over requests whose units are customers: many requests of one customer are no many observations.

The standard error is that of a ratio of sums over customers, by linearisation (Cochran 1977, sec. 6.3; for experiments Deng, Lu & Litz
2018, KDD, "Applying the delta method in metric analytics"). Its ratio to that of as many independent requests is Kish's design effect
(1965), which for equal sizes m and correlation rho within a customer is 1 + (m - 1) rho.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Clustered:
    """Sums over `clusters` customers of their requests m and of those that show the event y: enough for rate and standard error."""

    clusters: int = 0
    requests: int = 0
    events: int = 0
    requests_squared: int = 0
    events_squared: int = 0
    crossed: int = 0

    @property
    def rate(self) -> float:
        """Events a request; NaN where there is none."""
        return self.events / self.requests if self.requests else math.nan

    @property
    def variance(self) -> float:
        """Of the rate, clustered by customer; NaN under two customers, who say nothing about how customers differ."""
        if self.clusters < 2:
            return math.nan
        spread = self.events_squared - 2 * self.rate * self.crossed + self.rate**2 * self.requests_squared
        return max(0.0, spread) * self.clusters / (self.clusters - 1) / self.requests**2

    @property
    def design_effect(self) -> float:
        """How many times the variance of independent requests it is; NaN where that is 0."""
        alone = self.rate * (1 - self.rate) / self.requests if self.requests else math.nan
        return self.variance / alone if alone > 0 else math.nan


def clustered(pairs: Iterable[tuple[object, bool]]) -> Clustered:
    """From (customer, shows the event), one a request."""
    asked: dict[object, int] = {}
    shown: dict[object, int] = {}
    for who, event in pairs:
        asked[who] = asked.get(who, 0) + 1
        shown[who] = shown.get(who, 0) + bool(event)
    sums = [(m, shown[who]) for who, m in asked.items()]
    return Clustered(
        clusters=len(sums),
        requests=sum(m for m, _ in sums),
        events=sum(y for _, y in sums),
        requests_squared=sum(m * m for m, _ in sums),
        events_squared=sum(y * y for _, y in sums),
        crossed=sum(m * y for m, y in sums),
    )


def standard_error(champion: Clustered, challenger: Clustered) -> float:
    """Of the difference of two arms that share no customer."""
    return math.sqrt(champion.variance + challenger.variance)


def pooled_design_effect(champion: Clustered, challenger: Clustered) -> float:
    """The variance of the difference against that of as many independent requests; NaN where that is 0."""
    alone = sum(one.rate * (1 - one.rate) / one.requests if one.requests else math.nan for one in (champion, challenger))
    return (champion.variance + challenger.variance) / alone if alone > 0 else math.nan
