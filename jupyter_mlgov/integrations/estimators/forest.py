"""Points of a forest from tables of its leaves, where those give what shap gives; else nothing, and shap is asked as before."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jupyter_mlgov.integrations.estimators.leaves import leaves_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from jupyter_mlgov.integrations.estimators.leaves import Leaves

    Numbers = NDArray[np.float64]

# How near the tables must come to shap, as a part of the largest value; and how many rows they are tried on.
NEAR, PROBES = 1e-9, 96


@dataclass(frozen=True, slots=True, kw_only=True)
class Forest:
    """The tables of one output of a forest.

    `reads` is what the trees compare: float32 where scikit-learn's trees do. `probes` are the rows that it was tried on.
    """

    leaves: Leaves
    reads: str
    sign: float
    probes: Numbers

    def __call__(self, rows: Numbers) -> Numbers:
        import numpy as np

        found = np.empty((len(rows), self.leaves.width))
        for place, row in enumerate(self.read(rows)):
            found[place] = self.leaves.points(self.leaves.met(row))
        return self.signed(found)

    def read(self, rows: Numbers) -> Numbers:
        """The rows as the trees see them."""
        import numpy as np

        return rows.astype(self.reads).astype(np.float64) if self.reads != "float64" else rows

    def signed(self, points: Numbers) -> Numbers:
        """Points of the favourable class."""
        return points if self.sign > 0 else -points


def forest(trees: Any, shap: Callable[[Numbers], Numbers], matrix: Numbers, place: int | None) -> Forest | None:
    """The tables of shap's TreeEnsemble; None where they would be too large or are not what `shap` says of the rows they are tried on."""
    import numpy as np

    try:
        several = trees.values.shape[2] > 1
        leaves = leaves_of(trees, (place or 0) if several else 0, matrix.shape[1])
        if leaves is None:
            return None
        probes = probes_of(leaves, matrix)
        sign = -1.0 if place == 0 and not several else 1.0
        made = Forest(leaves=leaves, reads=np.dtype(trees.input_dtype).name, sign=sign, probes=probes)
        same = near(made(probes), shap(probes))
    except Exception:  # noqa: BLE001 # shap's inner arrays may be others in another version: then it is asked itself
        return None
    return made if same else None


def near(one: Numbers, other: Numbers) -> bool:
    """Whether both are the same to NEAR of the largest."""
    import numpy as np

    return bool(np.isfinite(one).all()) and float(np.abs(one - other).max(initial=0.0)) <= NEAR * float(np.abs(other).max(initial=0.0))


def probes_of(leaves: Leaves, matrix: Numbers) -> Numbers:
    """Rows that were judged on; the same with values that lie on a split; the same with gaps, where the sample has some."""
    import numpy as np

    rng = np.random.default_rng(8)
    own = matrix[np.linspace(0, len(matrix) - 1, min(PROBES, len(matrix))).astype(int)]
    on = own.copy()
    for column in range(matrix.shape[1]):
        ends = leaves.high[leaves.feature == column]
        ends = ends[np.isfinite(ends)]
        if len(ends):
            chosen = rng.random(len(on)) < 0.5
            on[chosen, column] = rng.choice(ends, int(chosen.sum()))
    if not np.isnan(matrix).any():
        return np.concatenate([own, on])
    gaps = own.copy()
    gaps[rng.random(gaps.shape) < 0.3] = np.nan
    return np.concatenate([own, on, gaps])
