"""Two groups compared within strata: Mantel-Haenszel odds ratio and risk difference, and whether the strata agree.

A stratum is (k, n, k_ref, n_ref): favourable and all of the group, favourable and all of the reference. An odds ratio over 1 means the
group does better. Strata with one group only tell nothing and are left out by the formulas themselves.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from mlgov_validators.intervals import Interval, critical, two_sided

Stratum = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class OddsRatio:
    """The common odds ratio with the standard error of its logarithm."""

    value: float
    error: float

    @property
    def p(self) -> float:
        return two_sided(math.log(self.value) / self.error)

    def interval(self, confidence: float = 0.95) -> Interval:
        half = critical(confidence) * self.error
        return self.value * math.exp(-half), self.value * math.exp(half)


def common_odds_ratio(strata: Sequence[Stratum]) -> OddsRatio | None:
    """Mantel & Haenszel 1959, with the variance of Robins, Breslow & Greenland 1986; None where it is 0, infinite or undefined."""
    r = s = pr = ps_qr = qs = 0.0
    for k, n, k_ref, n_ref in strata:
        total = n + n_ref
        if not total:
            continue
        a, b, c, d = k, n - k, k_ref, n_ref - k_ref
        top, bottom = a * d / total, b * c / total
        p, q = (a + d) / total, (b + c) / total
        r, s = r + top, s + bottom
        pr, ps_qr, qs = pr + p * top, ps_qr + p * bottom + q * top, qs + q * bottom
    if r == 0 or s == 0:
        return None
    variance = pr / (2 * r * r) + ps_qr / (2 * r * s) + qs / (2 * s * s)
    return OddsRatio(value=r / s, error=math.sqrt(variance))


def mantel_haenszel_test(strata: Sequence[Stratum], *, corrected: bool = True) -> tuple[float, float] | None:
    """Chi-square (1 df) and p of no association given the strata; None where nothing can vary.

    `corrected` takes 1/2 off the gap where it is at least that large, as R does.
    """
    gap = variance = 0.0
    for k, n, k_ref, n_ref in strata:
        total, favourable = n + n_ref, k + k_ref
        if total < 2:
            continue
        gap += k - n * favourable / total
        variance += n * n_ref * favourable * (total - favourable) / (total * total * (total - 1))
    if variance == 0:
        return None
    off = 0.5 if corrected and abs(gap) >= 0.5 else 0.0
    statistic = (abs(gap) - off) ** 2 / variance
    return statistic, math.erfc(math.sqrt(statistic / 2))


def breslow_day(strata: Sequence[Stratum], *, tarone: bool = False) -> tuple[float, int, float] | None:
    """Chi-square, degrees of freedom and p of one odds ratio in all strata (Breslow & Day 1980; Tarone's 1985 correction on request)."""
    common = common_odds_ratio(strata)
    used = [one for one in strata if one[1] and one[3] and 0 < one[0] + one[2] < one[1] + one[3]]
    if common is None or len(used) < 2:
        return None
    statistic = gap = spread = 0.0
    for k, n, k_ref, n_ref in used:
        expected = _expected(common.value, n, n_ref, k + k_ref)
        cells = (expected, n - expected, k + k_ref - expected, n_ref - k - k_ref + expected)
        if min(cells) <= 0:
            return None
        variance = 1 / sum(1 / cell for cell in cells)
        statistic += (k - expected) ** 2 / variance
        gap, spread = gap + k - expected, spread + variance
    if tarone:
        statistic -= gap * gap / spread
    from scipy.stats import chi2

    return statistic, len(used) - 1, float(chi2.sf(statistic, len(used) - 1))


def _expected(odds: float, n: int, n_ref: int, favourable: int) -> float:
    """Favourable outcomes of the group if its odds ratio in this stratum were `odds`: the root that keeps every cell positive."""
    if odds == 1:
        return n * favourable / (n + n_ref)
    a = 1 - odds
    b = n_ref - favourable + odds * (n + favourable)
    c = -odds * n * favourable
    root = math.sqrt(b * b - 4 * a * c)
    return -2 * c / (b + root)  # the smaller root, in the form that loses no digits


def risk_difference(strata: Sequence[Stratum], confidence: float = 0.95) -> tuple[float, Interval] | None:
    """Mantel-Haenszel difference of rates (group minus reference) with the variance of Sato 1989; None where no stratum has both."""
    weights = gap = p_term = q_term = 0.0
    for k, n, k_ref, n_ref in strata:
        if not n or not n_ref:
            continue
        total = n + n_ref
        weights += n * n_ref / total
        gap += (k * n_ref - k_ref * n) / total
        p_term += (n * n * k_ref - n_ref * n_ref * k + n * n_ref * (n_ref - n) / 2) / (total * total)
        q_term += (k * (n_ref - k_ref) + k_ref * (n - k)) / (2 * total)
    if not weights:
        return None
    value = gap / weights
    half = critical(confidence) * math.sqrt(max(0.0, (value * p_term + q_term) / (weights * weights)))
    return value, (max(-1.0, value - half), min(1.0, value + half))
