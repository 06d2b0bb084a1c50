"""How many units a canary needs before it can answer: sizes for a difference, and for being not worse by more than a margin."""

from __future__ import annotations

import math
from typing import Literal

from scipy.stats import chi2, norm


def difference_size(
    before: float, after: float, *, alpha: float = 0.05, power: float = 0.8, variance: Literal["pooled", "unpooled"] = "pooled"
) -> int:
    """Units per arm to find a change of a rate from `before` to `after`, two-sided, at one look.

    Pooled: Fleiss, Levin & Paik 2003, eq. 4.14 without continuity correction; unpooled: both terms with each arm's own variance.
    """
    za, zb = norm.ppf(1 - alpha / 2), norm.ppf(power)
    own = math.sqrt(before * (1 - before) + after * (1 - after))
    mean = (before + after) / 2
    null = math.sqrt(2 * mean * (1 - mean)) if variance == "pooled" else own
    return math.ceil(float((za * null + zb * own) / (after - before)) ** 2)


def margin_size(rate: float, margin: float, *, alpha: float = 0.05, power: float = 0.8) -> int:
    """Units per arm to show that a rate is not worse by more than `margin`, one-sided, when both arms are truly at `rate`."""
    z = norm.ppf(1 - alpha) + norm.ppf(power)
    return math.ceil(2 * rate * (1 - rate) * float(z / margin) ** 2)


def sample_ratio(counts: tuple[int, int], weights: tuple[float, float]) -> float:
    """p of the sample-ratio check: Pearson's chi-square (1 df) of the arms' sizes against the weights they were to have.

    Under .001 the split itself is broken, and nothing measured on it counts (Fabijan et al. 2019, KDD).
    """
    total, whole = sum(counts), sum(weights)
    expected = [total * weight / whole for weight in weights]
    if not total or not all(expected):
        return math.nan
    return float(chi2.sf(sum((seen - wanted) ** 2 / wanted for seen, wanted in zip(counts, expected, strict=True)), 1))
