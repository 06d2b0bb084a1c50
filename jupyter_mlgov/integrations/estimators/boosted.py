"""Scores and points of histogram-boosted trees in one pass: which conditions of each leaf hold says which leaf each tree reaches."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jupyter_mlgov.integrations.estimators.forest import Forest

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Boosted:
    """`values` of the leaves and the `start` they are added to, tree by tree, as scikit-learn adds them; `outcome` makes scores of sums."""

    forest: Forest
    trees: int
    values: Numbers
    start: float
    outcome: Callable[[Numbers], Numbers]

    def __call__(self, rows: Numbers) -> tuple[Numbers, Numbers] | None:
        """(scores, points of what the last step sees); None where a row is not in one leaf of each tree."""
        import numpy as np

        leaves = self.forest.leaves
        sums, points = np.empty(len(rows)), np.empty((len(rows), leaves.width))
        added = np.empty(self.trees + 1)
        added[0] = self.start
        for place, row in enumerate(self.forest.read(rows)):
            met = leaves.met(row)
            reached = leaves.reached(met)
            if len(reached) != self.trees:
                return None
            added[1:] = self.values[reached]
            sums[place] = np.add.accumulate(added)[-1]  # one after another: a sum in pairs has other last bits
            points[place] = leaves.points(met)
        return self.outcome(sums), self.forest.signed(points)


def boosted(last: Any, raw: object, place: int | None) -> Boosted | None:
    """The short way of a HistGradientBoosting model with one outcome; None where it is another, or does not give the very same scores."""
    import numpy as np

    if not type(last).__name__.startswith("HistGradientBoosting") or not isinstance(raw, Forest):
        return None
    try:
        if last.n_trees_per_iteration_ != 1:
            return None
        made = Boosted(
            forest=raw,
            trees=int(last.n_iter_),
            values=raw.leaves.value,
            start=float(np.asarray(last._baseline_prediction).item()),  # noqa: SLF001 # tried below, bit by bit
            outcome=_outcome(last, place),
        )
        rows = raw.probes
        gaps = np.where(np.arange(rows.size).reshape(rows.shape) % 3 == 0, np.nan, rows)  # it takes gaps at any time
        if not _same(made, last, np.concatenate([rows, gaps]), place):
            return None
    except Exception:  # noqa: BLE001 # its inner parts may be others in another version: then it is asked itself
        return None
    return made


def _same(made: Boosted, last: Any, rows: Numbers, place: int | None) -> bool:
    """Whether the scores are the model's own to the last bit, for all rows at once and for some alone."""
    import numpy as np

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it misses the names of its columns here
        for some in (rows, *(rows[at : at + 1] for at in range(0, len(rows), 61))):
            asked = last.predict(some) if place is None else last.predict_proba(some)[:, place]
            found = made(some)
            if found is None or not np.array_equal(found[0], asked):
                return False
    return True


def _outcome(last: Any, place: int | None) -> Callable[[Numbers], Numbers]:
    """From the sum of the leaves to the score, by the model's own loss."""
    loss = last._loss  # noqa: SLF001 # what it makes is tried bit by bit
    if place is None:
        return lambda sums: loss.link.inverse(sums)
    return lambda sums: loss.predict_proba(sums)[:, place]
