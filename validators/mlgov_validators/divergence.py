"""How far two sets of counts over the same bins lie apart: PSI with its null distribution, Kullback-Leibler, Jensen-Shannon, chi-square.

Conventions, stated once. PSI = sum (q - p) ln(q / p), natural logarithm, as a fraction (0.25, not 25). A bin empty on both sides adds
nothing. A bin empty on one side gets the share `EPSILON`, or that of half a row where this is less (beyond 5,000 rows), so that
one row more never moves a share down; the other shares are left as they are. Jensen-Shannon is to base 2: the divergence lies in
0..1, the distance is its square root.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

EPSILON = 1e-4
Counts = Sequence[float]


def shares(counts: Counts) -> tuple[float, ...] | None:
    """Counts as fractions of their sum; None where there is nothing to divide by."""
    total = math.fsum(counts)
    return tuple(count / total for count in counts) if total > 0 else None


def psi(reference: Counts, current: Counts, epsilon: float = EPSILON) -> float | None:
    """Population stability index of two rows of counts (or shares) over the same bins; None where one of them is empty.

    It is Jeffreys' divergence, KL(p, q) + KL(q, p). With shares instead of counts an empty bin gets `epsilon`.
    """
    pair = _both(reference, current)
    if pair is None:
        return None
    floors = [_floor(counts, epsilon) for counts in (reference, current)]
    whole = [(p, q) for p, q in zip(*pair, strict=True) if p or q]
    return psi_of_shares([p or floors[0] for p, _ in whole], [q or floors[1] for _, q in whole])


def psi_of_shares(reference: Sequence[float], current: Sequence[float]) -> float:
    """PSI of shares that are all over 0, taken as they are."""
    return math.fsum((q - p) * math.log(q / p) for p, q in zip(reference, current, strict=True))


def _both(reference: Counts, current: Counts) -> tuple[tuple[float, ...], tuple[float, ...]] | None:
    if len(reference) != len(current):
        raise ValueError(f"{len(reference)} bins against {len(current)}: both sides need the same bins")
    first, second = shares(reference), shares(current)
    return None if first is None or second is None else (first, second)


def _floor(counts: Counts, epsilon: float) -> float:
    total = math.fsum(counts)
    return min(epsilon, 0.5 / total) if total > 1.5 else epsilon


def filled(reference: Counts, current: Counts) -> int:
    """Bins that hold a row on either side: the B of the null distribution."""
    return sum(1 for p, q in zip(reference, current, strict=True) if p or q)


def psi_null(n: float, m: float, bins: int, level: float | None = None) -> float | None:
    """PSI by chance alone: its mean, or the value it stays under with probability `level`; None with one bin or no rows.

    PSI / (1/n + 1/m) follows a chi-square with bins - 1 degrees of freedom when nothing has drifted (Yurdakul 2018).
    """
    if bins < 2 or min(n, m) <= 0:
        return None
    scale = 1 / n + 1 / m
    if level is None:
        return scale * (bins - 1)
    from scipy.stats import chi2

    return scale * float(chi2.ppf(level, bins - 1))


def psi_p(value: float, n: float, m: float, bins: int) -> float | None:
    """P(PSI at least `value`) by chance. The sizes of both samples matter: chi2.sf(PSI, bins - 1) without them is wrong."""
    if bins < 2 or min(n, m) <= 0:
        return None
    from scipy.stats import chi2

    return float(chi2.sf(value / (1 / n + 1 / m), bins - 1))


def psi_interval(value: float, n: float, m: float, bins: int, confidence: float = 0.95) -> tuple[float, float] | None:
    """Interval of the PSI of the two populations: the non-centralities at which the observed value is a tail (non-central chi-square).

    Approximate: the variances are those of no drift. Sampling lifts PSI by (bins - 1)(1/n + 1/m) on average, so the upper end can fall
    under the observed value; it is then that value, and the interval covers more than it says. None with one bin or no rows.
    """
    if bins < 2 or min(n, m) <= 0:
        return None
    scale, tail = 1 / n + 1 / m, (1 - confidence) / 2
    lower, upper = (scale * _non_centrality(value / scale, bins - 1, above) for above in (tail, 1 - tail))
    return min(lower, value), max(upper, value)


def _non_centrality(x: float, freedom: int, above: float) -> float:
    """The non-centrality at which P(X >= x) = `above`; 0 where even none gives more."""
    from scipy.special import chndtrinc
    from scipy.stats import chi2, norm

    if chi2.sf(x, freedom) >= above:
        return 0.0
    if x > 2000:  # far out the normal form is as good
        z = float(norm.ppf(above))
        return max(0.0, (z + math.sqrt(max(0.0, z * z - freedom / 2 + x - freedom / 2))) ** 2 - freedom / 2)
    return float(chndtrinc(x, freedom, 1 - above))


def kl(p: Counts, q: Counts, base: float = math.e) -> float | None:
    """Kullback-Leibler divergence sum p ln(p / q); infinite where q is 0 and p is not, None where one side is empty."""
    pair = _both(p, q)
    if pair is None:
        return None
    if any(first and not second for first, second in zip(*pair, strict=True)):
        return math.inf
    return math.fsum(first * math.log(first / second) for first, second in zip(*pair, strict=True) if first) / math.log(base)


def jensen_shannon(reference: Counts, current: Counts, base: float = 2.0) -> float | None:
    """Jensen-Shannon divergence, in 0..1 to base 2; its square root is the distance. Never needs an epsilon."""
    pair = _both(reference, current)
    if pair is None:
        return None
    middle = [(p + q) / 2 for p, q in zip(*pair, strict=True)]
    halves = [kl(side, middle, base) for side in pair]
    return max(0.0, math.fsum(half or 0.0 for half in halves) / 2)


def chi_square(reference: Counts, current: Counts) -> tuple[float, int] | None:
    """Pearson's chi-square of the 2 x B table of two samples and its degrees of freedom; None with fewer than two filled bins.

    Both rows are samples. (Evidently takes the reference as exact, so its statistic is up to twice as large.)
    """
    n, m = math.fsum(reference), math.fsum(current)
    cells = [(p, q) for p, q in zip(reference, current, strict=True) if p + q > 0]
    if n <= 0 or m <= 0 or len(cells) < 2:
        return None
    value = math.fsum((p * m - q * n) ** 2 / (p + q) for p, q in cells) / (n * m)
    return value, len(cells) - 1


def chi_square_p(value: float, freedom: int) -> float:
    """P(chi-square at least `value`)."""
    from scipy.stats import chi2

    return float(chi2.sf(value, freedom))


def cramers_v(value: float, total: float) -> float:
    """Cramer's V of a 2 x B table: sqrt(chi2 / total), in 0..1."""
    return math.sqrt(value / total)
