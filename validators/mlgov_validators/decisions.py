"""Two models' decisions on the same rows, and one model's decisions at its cutoff."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mlgov_validators.intervals import Interval, wilson
from mlgov_validators.resampling import mean_interval

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]
    Answers = NDArray[np.bool_]

EXACT_UNDER = 25


@dataclass(frozen=True, slots=True, kw_only=True)
class Discord:
    """Rows on which one model alone is right: `ours` ours, `theirs` the other."""

    ours: int
    theirs: int

    @property
    def p(self) -> float:
        return mcnemar(self.ours, self.theirs)[1]

    @property
    def test(self) -> str:
        return "exact" if self.ours + self.theirs < EXACT_UNDER else "chi-square, corrected"


def mcnemar(b: int, c: int, *, corrected: bool = True) -> tuple[float | None, float]:
    """Statistic and two-sided p that b and c are equally likely (McNemar 1947): exact binomial, without a statistic, when b + c < 25."""
    if b + c < EXACT_UNDER:
        from scipy.stats import binom

        return None, min(1.0, 2 * float(binom.cdf(min(b, c), b + c, 0.5))) if b + c else 1.0
    off = 1 if corrected and b != c else 0
    statistic = (abs(b - c) - off) ** 2 / (b + c)
    return statistic, math.erfc(math.sqrt(statistic / 2))


def discord(ours: Answers, theirs: Answers, truth: Answers) -> Discord:
    """Count the rows on which exactly one of two decisions is right."""
    right, other = ours == truth, theirs == truth
    return Discord(ours=int((right & ~other).sum()), theirs=int((~right & other).sum()))


def cost_difference(
    ours: Answers, theirs: Answers, truth: Answers, cost_approved: float, cost_refused: float, draws: int
) -> tuple[float, Interval | None]:
    """Mean cost of a row, ours minus theirs, with its paired bootstrap interval.

    `cost_approved` is what approving a bad case costs, `cost_refused` what refusing a good one does. Rows fall in eight kinds.
    """
    import numpy as np

    kinds = np.bincount(ours.astype(int) * 4 + theirs.astype(int) * 2 + truth.astype(int), minlength=8)

    def cost(approved: bool, good: bool) -> float:
        return cost_approved if approved and not good else cost_refused if good and not approved else 0.0

    values = [cost(bool(kind & 4), bool(kind & 1)) - cost(bool(kind & 2), bool(kind & 1)) for kind in range(8)]
    counts = [int(one) for one in kinds]
    mean = math.fsum(value * count for value, count in zip(values, counts, strict=True)) / sum(counts)
    return mean, mean_interval(values, counts, draws=draws)


@dataclass(frozen=True, slots=True, kw_only=True)
class AtCutoff:
    """Hits among what was flagged and among what there was; None where nothing was flagged, or nothing was there."""

    hits: int
    flagged: int
    there: int

    @property
    def precision(self) -> float | None:
        return self.hits / self.flagged if self.flagged else None

    @property
    def recall(self) -> float | None:
        return self.hits / self.there if self.there else None

    @property
    def f1(self) -> float | None:
        return 2 * self.hits / (self.flagged + self.there) if self.flagged + self.there else None

    @property
    def details(self) -> dict[str, object]:
        first, second = wilson(self.hits, self.flagged), wilson(self.hits, self.there)
        found: dict[str, object] = {"precision": self.precision, "recall": self.recall, "f1": self.f1}
        return {**found, "precision_interval": list(first) if first else None, "recall_interval": list(second) if second else None}


def at_cutoff(flagged: Answers, there: Answers) -> AtCutoff:
    """Count a decision against what there was."""
    return AtCutoff(hits=int((flagged & there).sum()), flagged=int(flagged.sum()), there=int(there.sum()))
