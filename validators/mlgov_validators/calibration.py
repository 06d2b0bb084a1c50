"""How well probabilities match what happened: Brier, Spiegelhalter, Cox's slope and intercept, ECE, Hosmer-Lemeshow.

`p` is the predicted probability of the positive outcome, `y` is 1 where it happened. Order the rows with `in_order` first, and no digit
depends on the order they came in.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mlgov_validators.intervals import Interval, critical, two_sided

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]

EDGE = 1e-6  # a probability of 0 or 1 has no log odds; it is taken as this far inside


@dataclass(frozen=True, slots=True, kw_only=True)
class Cox:
    """log odds of y = intercept + slope * log odds of p (Cox 1958). `p` tests slope 1 and intercept 0 together by likelihood, 2 df."""

    intercept: float
    slope: float
    slope_interval: Interval
    statistic: float
    p: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Bin:
    """Rows of like probability: how many, the mean predicted, the share that happened."""

    n: int
    predicted: float
    observed: float


def in_order(p: Numbers, y: Numbers) -> tuple[Numbers, Numbers]:
    """Rows sorted by probability, then outcome."""
    import numpy as np

    order = np.lexsort((y, p))
    return p[order], y[order]


def brier(p: Numbers, y: Numbers) -> float:
    """Mean squared distance of probability and outcome (Brier 1950)."""
    return float(((p - y) ** 2).mean())


def spiegelhalter(p: Numbers, y: Numbers) -> tuple[float, float] | None:
    """z and two-sided p of "these are the true probabilities" (Spiegelhalter 1986); None where every p is 0, 1/2 or 1."""
    spread = float(((1 - 2 * p) ** 2 * p * (1 - p)).sum())
    if spread <= 0:
        return None
    z = float(((y - p) * (1 - 2 * p)).sum()) / math.sqrt(spread)
    return z, two_sided(z)


def cox(p: Numbers, y: Numbers) -> Cox | None:
    """Slope and intercept; None where there is no finite fit (one class, one probability, perfect separation)."""
    import numpy as np

    from mlgov_validators.logistic import chance, fit_logit, log_likelihood

    inside = np.clip(p, EDGE, 1 - EDGE)
    odds = np.log(inside) - np.log1p(-inside)
    rows = np.ones(len(y))
    fit = fit_logit(np.column_stack([rows, odds]), y, rows)
    if fit is None:
        return None
    intercept, slope = (float(one) for one in fit.coefficients)
    statistic = max(0.0, 2 * (fit.likelihood - log_likelihood(chance(odds), y, rows)))
    half = critical(0.95) * fit.error(1)
    return Cox(
        intercept=intercept, slope=slope, slope_interval=(slope - half, slope + half), statistic=statistic, p=math.exp(-statistic / 2)
    )


def in_the_large(p: Numbers, y: Numbers) -> float | None:
    """The intercept at slope 1: by how many log odds all predictions are off."""
    import numpy as np

    from mlgov_validators.logistic import fit_logit

    inside = np.clip(p, EDGE, 1 - EDGE)
    rows = np.ones(len(y))
    fit = fit_logit(rows[:, None], y, rows, offset=np.log(inside) - np.log1p(-inside))
    return float(fit.coefficients[0]) if fit else None


def equal_mass(p: Numbers, y: Numbers, bins: int = 10) -> tuple[Bin, ...]:
    """Bins with edges at the quantiles of p; equal probabilities are never parted, so there may be fewer than `bins`."""
    import numpy as np

    edges = np.unique(np.quantile(p, np.linspace(0, 1, bins + 1)))
    return _binned(p, y, np.searchsorted(edges[1:-1], p))


def equal_width(p: Numbers, y: Numbers, bins: int = 10) -> tuple[Bin, ...]:
    """Bins ((m-1)/M, m/M] of equal width, the empty ones left out (Guo et al. 2017)."""
    import numpy as np

    return _binned(p, y, np.clip(np.ceil(p * bins).astype(int) - 1, 0, bins - 1))


def _binned(p: Numbers, y: Numbers, place: NDArray[np.intp]) -> tuple[Bin, ...]:
    import numpy as np

    n = np.bincount(place)
    predicted, observed = np.bincount(place, p), np.bincount(place, y)
    return tuple(Bin(n=int(n[m]), predicted=float(predicted[m] / n[m]), observed=float(observed[m] / n[m])) for m in np.flatnonzero(n))


def ece(bins: tuple[Bin, ...]) -> float:
    """Expected calibration error: mean distance of predicted and observed over the bins, each by its rows (Guo et al. 2017)."""
    rows = sum(one.n for one in bins)
    return math.fsum(one.n / rows * abs(one.predicted - one.observed) for one in bins)


def ece_by_chance(bins: tuple[Bin, ...], quantile: float = 0.95, draws: int = 4000, seed: int = 20261123) -> float:
    """What ECE a perfectly calibrated model would stay under with this probability: normal draws of each bin's share, seeded."""
    import numpy as np

    rows = sum(one.n for one in bins)
    error = np.array([math.sqrt(max(0.0, one.predicted * (1 - one.predicted)) / one.n) for one in bins])
    weight = np.array([one.n / rows for one in bins])
    drawn = np.abs(np.random.default_rng(seed).normal(size=(draws, len(bins)))) @ (error * weight)
    return float(np.quantile(drawn, quantile))


def hosmer_lemeshow(bins: tuple[Bin, ...], *, fitted: bool = False) -> tuple[float, int, float] | None:
    """Statistic, degrees of freedom, p (Hosmer & Lemeshow 1980). On rows the model was `fitted` to: bins - 2; on new rows: bins.

    It depends on the binning, so it stands beside the others and decides nothing. None for fewer than three bins or a bin at 0 or 1.
    """
    if len(bins) < 3 or any(not 0 < one.predicted < 1 for one in bins):
        return None
    from scipy.stats import chi2

    statistic = math.fsum(one.n * (one.observed - one.predicted) ** 2 / (one.predicted * (1 - one.predicted)) for one in bins)
    freedom = len(bins) - 2 if fitted else len(bins)
    return statistic, freedom, float(chi2.sf(statistic, freedom))


def murphy(bins: tuple[Bin, ...]) -> tuple[float, float, float]:
    """Reliability, resolution, uncertainty (Murphy 1973): Brier = reliability - resolution + uncertainty where p is equal in each bin."""
    rows = sum(one.n for one in bins)
    base = math.fsum(one.n * one.observed for one in bins) / rows
    reliability = math.fsum(one.n * (one.predicted - one.observed) ** 2 for one in bins) / rows
    resolution = math.fsum(one.n * (one.observed - base) ** 2 for one in bins) / rows
    return reliability, resolution, base * (1 - base)


def by_value(p: Numbers, y: Numbers) -> tuple[Bin, ...]:
    """One bin for each different probability."""
    import numpy as np

    return _binned(p, y, np.unique(p, return_inverse=True)[1])


def seen_over_expected(p: Numbers, y: Numbers) -> tuple[float | None, float | None]:
    """(seen / expected outcomes, their distance in standard deviations under p); None where none was expected, or p is 0 or 1 alone."""
    expected, spread = float(p.sum()), math.sqrt(float((p * (1 - p)).sum()))
    gap = float(y.sum()) - expected
    return (float(y.sum()) / expected if expected > 0 else None), (gap / spread if spread > 0 else None)
