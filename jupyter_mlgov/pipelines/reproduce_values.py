"""Two columns of values: how far apart by place, and whether they can be two samples of one distribution."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Values = Sequence[object]
# Fewer values than this on a side say nothing about a distribution.
FEWEST = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Closeness:
    """`largest` difference by place (None: no numbers, other lengths, or a gap on one side only); `p` of the two-sample `test`.

    `problem` says why there is no p-value.
    """

    largest: float | None = None
    p: float | None = None
    test: str = ""
    n: int = 0
    problem: str = ""


def closeness(before: Values, after: Values) -> Closeness:
    """Numbers by place and by the two-sample Kolmogorov-Smirnov test; other values by a chi-square test of their counts."""
    mine, theirs = _numbers(before), _numbers(after)
    n = min(len(before), len(after))
    if mine is None or theirs is None:
        return _counted(before, after, n)
    largest = _largest(mine, theirs)
    import numpy as np

    one, two = mine[np.isfinite(mine)], theirs[np.isfinite(theirs)]
    if min(len(one), len(two)) < FEWEST:
        return Closeness(largest=largest, n=n, problem=f"fewer than {FEWEST} values say nothing about a distribution")
    if len(mine) - len(one) != len(theirs) - len(two):
        return Closeness(largest=largest, n=n, problem="another number of values is missing or infinite")
    from scipy.stats import ks_2samp

    return Closeness(largest=largest, p=float(ks_2samp(one, two).pvalue), test="Kolmogorov-Smirnov", n=n)


def _numbers(values: Values) -> NDArray[np.float64] | None:
    import numpy as np

    given: list[Any] = list(values)
    if not all(value is None or (isinstance(value, (int, float)) and not isinstance(value, bool)) for value in given):
        return None
    return np.array([np.nan if value is None else value for value in given], dtype=np.float64)


def _largest(one: NDArray[np.float64], two: NDArray[np.float64]) -> float | None:
    import numpy as np

    if len(one) != len(two):
        return None
    finite = np.isfinite(one)
    if (finite != np.isfinite(two)).any() or not np.array_equal(one[~finite], two[~finite], equal_nan=True):
        return None
    return float(np.abs(one[finite] - two[finite]).max(initial=0.0))


def _counted(before: Values, after: Values, n: int) -> Closeness:
    if n < FEWEST:
        return Closeness(n=n, problem=f"fewer than {FEWEST} values say nothing about a distribution")
    mine, theirs = Counter(map(str, before)), Counter(map(str, after))
    words = sorted({*mine, *theirs})
    expected = [(mine[word] + theirs[word]) / 2 for word in words]
    if len(words) > n / 5 or min(expected) < 5:  # Cochran 1954: no expected count under 5
        return Closeness(n=n, problem="too many rare values for a chi-square test")
    if len(words) == 1:
        return Closeness(p=1.0, test="chi-square", n=n)
    from scipy.stats import chi2_contingency

    found = chi2_contingency([[mine[word] for word in words], [theirs[word] for word in words]])
    return Closeness(p=float(found.pvalue), test="chi-square", n=n)


def auc(scores: Values, labels: Sequence[bool]) -> float | None:
    """Area under the ROC curve as the Mann-Whitney statistic (Hanley and McNeil 1982); None without both classes or with a gap."""
    import numpy as np
    from scipy.stats import rankdata

    given = _numbers(scores)
    truth = np.asarray(labels, dtype=bool)
    good = int(truth.sum())
    if given is None or not np.isfinite(given).all() or good in (0, len(truth)):
        return None
    ranks = rankdata(given)
    return float((ranks[truth].sum() - good * (good + 1) / 2) / (good * (len(truth) - good)))
