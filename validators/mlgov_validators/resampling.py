"""Bootstrap intervals from counts: what resampling rows would give, without the rows.

Rows that carry the same value are alike to a bootstrap. Drawing how often each value comes (multinomial; binomial for two) is the same
experiment as drawing rows, and costs nothing per row (Efron 1979).
"""

from __future__ import annotations

from collections.abc import Sequence

from mlgov_validators.intervals import Interval

DRAWS = 2000
SEED = 20261123


def rate_interval(k: int, n: int, confidence: float = 0.95, draws: int = DRAWS, seed: int = SEED) -> Interval | None:
    """Percentile bootstrap interval of k/n; None for n = 0."""
    if n == 0:
        return None
    import numpy as np

    drawn = np.random.default_rng(seed).binomial(n, k / n, size=draws) / n
    low, high = np.quantile(drawn, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)


def mean_interval(
    values: Sequence[float], counts: Sequence[int], confidence: float = 0.95, draws: int = DRAWS, seed: int = SEED
) -> Interval | None:
    """Percentile bootstrap interval of the mean of `counts` rows of each of `values`; None where there are no rows."""
    n = sum(counts)
    if n == 0:
        return None
    import numpy as np

    drawn = np.random.default_rng(seed).multinomial(n, [count / n for count in counts], size=draws) @ np.array(values, dtype=float) / n
    low, high = np.quantile(drawn, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)
