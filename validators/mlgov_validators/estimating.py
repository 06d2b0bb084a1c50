"""What can be said of performance before outcomes are known: confidence-based estimates, which are marked and close nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from jupyter_mlgov.sdk import Finding, Verdict
from mlgov_validators.profiles import Validated

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]

BINS = 10


def reliability(score: Numbers, good: NDArray[np.bool_], bins: int = BINS) -> tuple[tuple[float, float], ...]:
    """(mean score, share favourable) of bins of equal mass, by rising score; equal scores stay together. Shares never fall (pooled)."""
    import numpy as np

    if not len(score):
        return ()
    order = np.argsort(score, kind="stable")
    score, good = score[order], good[order]
    ends = np.unique(np.searchsorted(score, score[np.arange(1, bins + 1) * len(score) // bins - 1], "right"))
    found: list[tuple[float, float, int]] = []
    start = 0
    for end in ends:
        found.append((float(score[start:end].mean()), float(good[start:end].mean()), int(end - start)))
        start = end
        while len(found) > 1 and found[-2][1] > found[-1][1]:  # pool adjacent violators
            (x, y, n), (u, v, m) = found[-2:]
            found[-2:] = [((x * n + u * m) / (n + m), (y * n + v * m) / (n + m), n + m)]
    return tuple((x, y) for x, y, _ in found)


def probabilities(score: Numbers, then: Validated | None) -> Numbers | None:
    """Scores as probabilities of the favourable outcome: by the reliability curve, or as they are in 0..1; None where neither will do."""
    import numpy as np

    curve = then.reliability if then else ()
    if len(curve) > 1:
        x, y = np.array(curve).T
        return np.asarray(np.interp(score, x, y), dtype=np.float64)
    return score if len(score) and score.min() >= 0 and score.max() <= 1 else None


def expected_auc(score: Numbers, p: Numbers) -> float | None:
    """The AUC to be expected when row i is favourable with chance p_i: pairs weighted p_i (1 - p_j), ties half; None without such pairs."""
    import numpy as np

    order = np.argsort(score, kind="stable")
    score, p = score[order], p[order]
    lost = np.concatenate(([0.0], np.cumsum(1 - p)))
    low, high = np.searchsorted(score, score, "left"), np.searchsorted(score, score, "right")
    own = 1 - p  # a row is no pair with itself
    won = float((p * (lost[low] + (lost[high] - lost[low] - own) / 2)).sum())
    pairs = float(p.sum() * (1 - p).sum() - (p * own).sum())
    return won / pairs if pairs > 0 else None


def estimated(score: Numbers, then: Validated | None, cut: float | None, fail: float) -> Iterator[Finding]:
    """The estimate for rows without an outcome (finite scores); nothing where the scores are no probabilities."""
    p = probabilities(score, then)
    if p is None or not len(p):
        return
    chosen = p[score >= cut] if cut is not None else p
    rate = f"precision at {cut:g}" if cut is not None else "rate of favourable outcomes"
    area = expected_auc(score, p)
    fall = then.auc - area if then is not None and area is not None else 0.0
    told = [f"AUC {area:.3f}" + (f" (validated {then.auc:.3f})" if then else "")] if area is not None else []
    told += [f"{rate} {chosen.mean():.3f}"] if len(chosen) else []
    if not told:
        return
    assumed = (
        "if the calibration of the validation still holds" if then and len(then.reliability) > 1 else "if scores are true probabilities"
    )
    yield Finding(
        message=f"Estimated, not measured (CBPE): {', '.join(told)} for {len(score):,} rows without an outcome, {assumed}.",
        verdict=Verdict.WARN if fall > fail else Verdict.NOT_APPLICABLE,
        n=len(score),
        details={
            "estimated": float(chosen.mean()) if len(chosen) else None,
            "estimated_auc": area,
            "method": "confidence-based performance estimation",
            "assumes": assumed,
        },
    )
