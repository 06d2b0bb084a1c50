"""Intervals and tests for rates, with their papers. Plain arithmetic on counts; equal input gives equal output on every machine."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from statistics import NormalDist

Interval = tuple[float, float]


def critical(confidence: float) -> float:
    """The two-sided normal quantile: 1.959964 at 0.95."""
    return NormalDist().inv_cdf(0.5 + confidence / 2)


def wilson(k: int, n: int, confidence: float = 0.95) -> Interval | None:
    """Wilson's score interval of k/n (Newcombe 1998a, method 3); None for n = 0."""
    if n == 0:
        return None
    z = critical(confidence)
    p = k / n
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return (0.0 if k == 0 else max(0.0, middle - half)), (1.0 if k == n else min(1.0, middle + half))


def newcombe(k: int, n: int, k_ref: int, n_ref: int, confidence: float = 0.95) -> Interval | None:
    """Hybrid score interval of k/n - k_ref/n_ref (Newcombe 1998b, method 10); None where a group is empty."""
    first, second = wilson(k, n, confidence), wilson(k_ref, n_ref, confidence)
    if first is None or second is None:
        return None
    p, q = k / n, k_ref / n_ref
    lower = p - q - math.hypot(p - first[0], second[1] - q)
    upper = p - q + math.hypot(first[1] - p, q - second[0])
    return max(-1.0, lower), min(1.0, upper)


def ratio_interval(k: int, n: int, k_ref: int, n_ref: int, confidence: float = 0.95) -> tuple[Interval | None, str]:
    """Interval of (k/n) / (k_ref/n_ref) and the name of its method; None where the reference rate is 0 or a group is empty.

    Katz et al. 1978 on the log scale; Koopman's 1984 score interval where Katz is undefined (no or only favourable outcomes).
    """
    if n == 0 or k_ref == 0:
        return None, "undefined"
    if k > 0 and not (k == n and k_ref == n_ref):
        half = critical(confidence) * math.sqrt(1 / k - 1 / n + 1 / k_ref - 1 / n_ref)
        ratio = k * n_ref / (n * k_ref)
        return (ratio * math.exp(-half), ratio * math.exp(half)), "Katz"
    return koopman(k, n, k_ref, n_ref, confidence), "Koopman"


def koopman(k: int, n: int, k_ref: int, n_ref: int, confidence: float = 0.95) -> Interval:
    """Koopman's score interval of a ratio of two rates (Biometrics 1984); `k_ref` > 0."""
    lower = _koopman_lower(k, n, k_ref, n_ref, confidence)
    upside = _koopman_lower(k_ref, n_ref, k, n, confidence)
    return lower, 1 / upside


def _koopman_lower(k: int, n: int, k_ref: int, n_ref: int, confidence: float) -> float:
    """The ratio below the observed one at which the score statistic meets its critical value, by bisection on the log scale."""
    if k == 0:
        return 0.0
    limit = critical(confidence) ** 2
    high = math.log(k * n_ref / (n * k_ref)) if k_ref else math.log(float(n_ref) * 4)
    low = high - 60.0
    for _ in range(200):
        middle = (low + high) / 2
        if _score(math.exp(middle), k, n, k_ref, n_ref) > limit:
            low = middle
        else:
            high = middle
    return math.exp(high)


def _score(ratio: float, k: int, n: int, k_ref: int, n_ref: int) -> float:
    """Koopman's U: how far the counts lie from `ratio`, as a chi-square with one degree of freedom."""
    b = ratio * (n + k_ref) + k + n_ref
    root = math.sqrt(max(0.0, b * b - 4 * ratio * (n + n_ref) * (k + k_ref)))
    p = 2 * ratio * (k + k_ref) / (b + root)  # the smaller root, in the form that loses no digits
    if p <= 0:
        return math.inf if k else 0.0
    if p >= 1:
        return 0.0 if k == n else math.inf
    return (k - n * p) ** 2 / (n * p * (1 - p)) * (1 + n * (ratio - p) / (n_ref * (1 - p)))


def pooled_z(k: int, n: int, k_ref: int, n_ref: int) -> float | None:
    """Standard deviations between two rates under one pooled rate (Hazelwood, 433 U.S. 299); None where that has no spread."""
    total, favourable = n + n_ref, k + k_ref
    if n == 0 or n_ref == 0 or favourable in (0, total):
        return None
    pooled = favourable / total
    return (k_ref / n_ref - k / n) / math.sqrt(pooled * (1 - pooled) * (1 / n + 1 / n_ref))


def two_sided(z: float) -> float:
    """P(|Z| >= |z|) of the standard normal."""
    return math.erfc(abs(z) / math.sqrt(2))


def rate_gap_p(k: int, n: int, k_ref: int, n_ref: int) -> tuple[float, str]:
    """Two-sided p of equal rates and the test's name: pooled z, or Fisher's exact test when an expected cell is under 5."""
    total, favourable = n + n_ref, k + k_ref
    smallest = min(n, n_ref) * min(favourable, total - favourable)
    z = pooled_z(k, n, k_ref, n_ref)
    if z is not None and smallest >= 5 * total:
        return two_sided(z), "pooled z"
    from scipy.stats import fisher_exact

    return min(1.0, float(fisher_exact([[k, n - k], [k_ref, n_ref - k_ref]])[1])), "Fisher exact"


def holm(p_values: Sequence[float]) -> tuple[float, ...]:
    """Holm's step-down adjusted p-values (Holm 1979), in the order given."""
    order = sorted(range(len(p_values)), key=lambda index: p_values[index])
    adjusted = [0.0] * len(p_values)
    running = 0.0
    for place, index in enumerate(order):
        running = max(running, min(1.0, (len(p_values) - place) * p_values[index]))
        adjusted[index] = running
    return tuple(adjusted)


def benjamini_hochberg(p_values: Sequence[float]) -> tuple[float, ...]:
    """Step-up adjusted p-values (Benjamini & Hochberg 1995), in the order given; rejected at q where the adjusted p is at most q."""
    count = len(p_values)
    adjusted = [0.0] * count
    running = 1.0
    for place, index in sorted(enumerate(sorted(range(count), key=lambda index: p_values[index])), reverse=True):
        running = min(running, p_values[index] * count / (place + 1))
        adjusted[index] = running
    return tuple(adjusted)


def clopper_pearson(k: int, n: int, confidence: float = 0.95) -> Interval | None:
    """The exact interval of k/n (Clopper & Pearson 1934); None for n = 0."""
    return _beta_interval(k, n, confidence, k, n - k + 1, k + 1, n - k)


def jeffreys(k: int, n: int, confidence: float = 0.95) -> Interval | None:
    """The interval of k/n under Jeffreys' prior Beta(1/2, 1/2), with the ends 0 and 1 at k = 0 and k = n (Brown, Cai & DasGupta 2001)."""
    return _beta_interval(k, n, confidence, k + 0.5, n - k + 0.5, k + 0.5, n - k + 0.5)


def _beta_interval(k: int, n: int, confidence: float, a: float, b: float, c: float, d: float) -> Interval | None:
    if n == 0:
        return None
    from scipy.special import betaincinv

    tail = (1 - confidence) / 2
    lower = 0.0 if k == 0 else float(betaincinv(a, b, tail))
    upper = 1.0 if k == n else float(betaincinv(c, d, 1 - tail))
    return lower, upper


def miettinen_nurminen(k: int, n: int, k_ref: int, n_ref: int, confidence: float = 0.95, *, corrected: bool = True) -> Interval | None:
    """Score interval of k/n - k_ref/n_ref (Miettinen & Nurminen 1985; without the factor N/(N-1), `corrected`, it is Mee's of 1984)."""
    if n == 0 or n_ref == 0:
        return None
    gap, limit = k / n - k_ref / n_ref, critical(confidence)
    total = n + n_ref
    factor = total / (total - 1) if corrected and total > 1 else 1.0

    def beyond(difference: float) -> bool:
        p_ref = _constrained(k, n, k_ref, n_ref, difference)
        p = min(1.0, max(0.0, p_ref + difference))
        variance = (p * (1 - p) / n + p_ref * (1 - p_ref) / n_ref) * factor
        return (gap - difference) ** 2 > limit * limit * variance

    return _edge(gap, -1.0, beyond), _edge(gap, 1.0, beyond)


def _constrained(k: int, n: int, k_ref: int, n_ref: int, difference: float) -> float:
    """The reference rate that is likeliest when the other is `difference` higher: the root of the cubic in the paper's appendix."""
    total, favourable = n + n_ref, k + k_ref
    l3 = float(total)
    l2 = (n + 2 * n_ref) * difference - total - favourable
    l1 = (n_ref * difference - total - 2 * k_ref) * difference + favourable
    l0 = k_ref * difference * (1 - difference)
    q = l2**3 / (3 * l3) ** 3 - l1 * l2 / (6 * l3 * l3) + l0 / (2 * l3)
    p = math.copysign(math.sqrt(max(0.0, l2 * l2 / (3 * l3) ** 2 - l1 / (3 * l3))), q)
    if p == 0:
        return min(1.0, max(0.0, -l2 / (3 * l3)))
    angle = (math.pi + math.acos(min(1.0, max(-1.0, q / p**3)))) / 3
    return min(1.0, max(0.0, 2 * p * math.cos(angle) - l2 / (3 * l3)))


def _edge(inside: float, outside: float, beyond: Callable[[float], bool]) -> float:
    """Where `beyond` turns true between `inside` and `outside`, by bisection; `outside` itself where it never does."""
    if not beyond(outside):
        return outside
    for _ in range(100):
        middle = (inside + outside) / 2
        if beyond(middle):
            outside = middle
        else:
            inside = middle
    return (inside + outside) / 2
