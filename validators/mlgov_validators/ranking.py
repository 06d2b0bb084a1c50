"""How well scores rank: AUC with DeLong's covariance, KS. Exact counts where counts are meant; order of rows never matters."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mlgov_validators.intervals import critical

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Auc:
    """Area under the ROC curve with its placement values (DeLong, DeLong & Clarke-Pearson 1988)."""

    value: float
    positives: Numbers
    negatives: Numbers

    @property
    def variance(self) -> float:
        return _spread(self.positives) + _spread(self.negatives)

    def interval(self, confidence: float = 0.95) -> tuple[float, float] | None:
        """DeLong's interval; None where the placements do not vary (perfect or constant scores) and it would claim certainty."""
        if self.variance <= 0:
            return None
        half = critical(confidence) * math.sqrt(self.variance)
        return max(0.0, self.value - half), min(1.0, self.value + half)


def auc(score: Numbers, positive: NDArray[np.bool_]) -> Auc:
    """P(score of a positive > score of a negative), ties half; both classes must be there. 2*AUC*m*n is counted in whole numbers."""

    high, low = score[positive], score[~positive]
    won, lost = _above(high, low), _above(low, high)
    value = int(won.sum()) / (2 * len(high) * len(low))
    return Auc(value=value, positives=won / (2 * len(low)), negatives=1 - lost / (2 * len(high)))


def _above(values: Numbers, others: Numbers) -> NDArray[np.int64]:
    """For each value twice the number of `others` under it, equal ones counting half; looked up in order, which memory likes."""
    import numpy as np

    order, ladder = np.argsort(values), np.sort(others)
    ordered = values[order]
    found = np.empty(len(values), dtype=np.int64)
    found[order] = np.searchsorted(ladder, ordered, "left") + np.searchsorted(ladder, ordered, "right")
    return found


def paired_difference(first: Auc, second: Auc, confidence: float = 0.95) -> tuple[float, tuple[float, float] | None, float]:
    """(AUC1 - AUC2, its DeLong interval, p) for two scores of the same rows; no interval and p = 1 where they rank alike."""
    gap = first.value - second.value
    variance = _spread(first.positives - second.positives) + _spread(first.negatives - second.negatives)
    if variance <= 0:
        return gap, None, 1.0 if gap == 0 else 0.0
    error = math.sqrt(variance)
    half = critical(confidence) * error
    return gap, (gap - half, gap + half), math.erfc(abs(gap) / error / math.sqrt(2))


def hanley_mcneil(value: float, positives: int, negatives: int) -> float:
    """Standard error of an AUC from the counts alone (Hanley & McNeil 1982); the check on DeLong's."""
    q1, q2 = value / (2 - value), 2 * value * value / (1 + value)
    top = value * (1 - value) + (positives - 1) * (q1 - value * value) + (negatives - 1) * (q2 - value * value)
    return math.sqrt(top / (positives * negatives))


def ks(score: Numbers, positive: NDArray[np.bool_]) -> float:
    """Largest distance between the two classes' distribution functions (Kolmogorov-Smirnov)."""
    import numpy as np

    high, low, points = np.sort(score[positive]), np.sort(score[~positive]), np.unique(score)
    gaps = np.searchsorted(high, points, "right") / len(high) - np.searchsorted(low, points, "right") / len(low)
    return float(np.abs(gaps).max())


def roc(score: Numbers, positive: NDArray[np.bool_], most: int = 40) -> dict[str, list[float]]:
    """The ROC curve (rates of false and true positives over falling thresholds, equal scores as one) from (0, 0) to (1, 1).

    Of more than `most` + 1 points those stay that lie nearest to even steps along the curve; each is exact.
    """
    import numpy as np

    points, place = np.unique(-score, return_inverse=True)
    every, hits = np.bincount(place, minlength=len(points)), np.bincount(place, positive, minlength=len(points))
    right, wrong = np.cumsum(hits), np.cumsum(every - hits)
    tpr, fpr = np.append(0.0, right / right[-1]), np.append(0.0, wrong / wrong[-1])
    if len(tpr) > most + 1:
        kept = np.unique(np.searchsorted(tpr + fpr, np.linspace(0.0, 2.0, most + 1)).clip(0, len(tpr) - 1))
        tpr, fpr = tpr[kept], fpr[kept]
    return {"fpr": [round(float(value), 6) for value in fpr], "tpr": [round(float(value), 6) for value in tpr]}


def _spread(placements: Numbers) -> float:
    """Variance of the mean of the placements; sorted first, so that the order of rows cannot move the last digit."""
    import numpy as np

    return float(np.var(np.sort(placements), ddof=1)) / len(placements) if len(placements) > 1 else 0.0


def average_precision(score: Numbers, positive: NDArray[np.bool_]) -> float:
    """Area under the precision-recall curve by steps, not by lines (which flatter): sum of precision * gain in recall; equal scores as one.

    By chance it is the share of positives (Davis & Goadrich 2006).
    """
    import numpy as np

    points, place = np.unique(-score, return_inverse=True)
    every, hits = np.bincount(place, minlength=len(points)), np.bincount(place, positive, minlength=len(points))
    flagged, found = np.cumsum(every), np.cumsum(hits)
    return float(math.fsum(found / flagged * hits)) / int(positive.sum())
