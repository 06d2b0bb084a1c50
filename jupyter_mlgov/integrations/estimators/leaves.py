"""Shapley values of a forest from tables of its leaves: what a leaf gives depends only on which of its conditions hold.

A leaf of value v whose path asks D features is the game v * prod(z of those known) * prod(r of the others): z is 1 where the row meets
the leaf's conditions on that feature, r the share of the training rows that do, split by split (path-dependent TreeSHAP, Lundberg et al.
2020, algorithm 1). A row can meet them in 2^D ways; the values of each are counted once, at load (Yang 2021, Fast TreeSHAP v2). The
Shapley weight s! (D-1-s)! / D! is the integral of t^s (1-t)^(D-1-s) over [0, 1], so that the sum over all subsets is the integral of a
product, a polynomial of degree D-1, which Gauss and Legendre's rule of ceil(D/2) points gives exactly.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]
    Flags = NDArray[np.bool_]
    Places = NDArray[np.intp]

# Numbers in all tables of one model (64 MiB), and features of one path: beyond either nothing is tabled.
MOST, DEEPEST = 2**23, 12
_BLOCK = 2**18
_NONE = float("nan")


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """What one path asks of one feature: low < x <= high (NaN: no lower end), or a gap; `share` of the training rows met it."""

    low: float
    high: float
    gaps: bool
    share: float


Leaf = tuple[float, dict[int, Split]]  # value, and what is asked of each feature


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaves:
    """All leaves of a forest, tree by tree; first one entry for each feature that a leaf asks, in the order of the leaves.

    `table[base[entry] + pattern]` is what the entry's feature gets where the row meets the conditions that the bits of `pattern` name.
    """

    width: int
    value: Numbers
    low: Numbers
    high: Numbers
    gaps: Flags
    feature: Places
    bit: Places
    start: Places
    owner: Places
    base: Places
    table: Numbers
    whole: Places

    def met(self, row: Numbers) -> Places:
        """For each leaf, the bits of the conditions that `row` (float64, one number a feature) meets."""
        import numpy as np

        asked = row.take(self.feature)
        met: Flags = (asked <= self.high) > (asked <= self.low)
        if np.isnan(row).any():
            met = np.where(np.isnan(asked), self.gaps, met)
        found: Places = np.add.reduceat(met * self.bit, self.start)
        return found

    def points(self, met: Places) -> Numbers:
        """Shapley value of each feature, for a row that meets these."""
        import numpy as np

        given: Any = self.table.take(met.take(self.owner) + self.base)
        found: Any = np.bincount(self.feature, given, self.width)  # its stub knows no weights
        return found  # type: ignore[no-any-return]  # as above

    def reached(self, met: Places) -> Places:
        """The leaves whose conditions all hold: one for each tree, in the order of the trees."""
        import numpy as np

        return np.flatnonzero(met == self.whole)


def leaves_of(trees: Any, place: int, width: int) -> Leaves | None:
    """The tables of shap's TreeEnsemble for one of its outputs; None where they would be too large, or a tree is of another kind.

    `width`: features of the model. Numbers are kept as shap has them: nothing is rounded.
    """
    import numpy as np

    if getattr(trees, "threshold_types", None) is not None and np.any(trees.threshold_types > 0):
        return None
    leaves: list[Leaf] = []
    budget = MOST
    for number in range(len(trees.children_left)):
        for leaf in _walk(trees, number, place):
            asked = len(leaf[1])
            budget -= asked << asked
            if asked > DEEPEST or budget < 0:
                return None
            leaves.append(leaf)
    return _laid(leaves, width) if leaves else None


def _walk(trees: Any, number: int, place: int) -> Iterator[Leaf]:
    """The leaves of one tree, from left to right. Raises ValueError where no training row came to a node."""
    left, right, gap = (getattr(trees, f"children_{side}")[number].tolist() for side in ("left", "right", "default"))
    feature, at, cover = (getattr(trees, name)[number].tolist() for name in ("features", "thresholds", "node_sample_weight"))
    value = trees.values[number][:, place].tolist()
    waiting: list[tuple[int, dict[int, Split]]] = [(0, {})]
    while waiting:
        node, path = waiting.pop()
        if left[node] < 0:
            # A tree that is one leaf asks feature 0 for nothing.
            yield value[node], path or {0: _anything()}
            continue
        if not cover[node] > 0:
            raise ValueError("a node that no training row came to")
        own = path.get(feature[node]) or _anything()
        for child, is_left in ((right[node], False), (left[node], True)):
            split = Split(
                low=own.low if is_left else _later(own.low, at[node]),
                high=min(own.high, at[node]) if is_left else own.high,
                gaps=own.gaps and gap[node] == child,
                share=own.share * (cover[child] / cover[node]),
            )
            waiting.append((child, {**path, feature[node]: split}))


def _anything() -> Split:
    return Split(low=_NONE, high=float("inf"), gaps=True, share=1.0)


def _later(low: float, at: float) -> float:
    return at if not low >= at else low


def _laid(leaves: list[Leaf], width: int) -> Leaves:
    import numpy as np

    sizes = np.array([len(path) for _, path in leaves], np.intp)
    start = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.intp)
    splits = [split for _, path in leaves for split in path.values()]
    share = np.array([one.share for one in splits])
    value = np.array([value for value, _ in leaves])
    lengths = np.repeat(1 << sizes, sizes)
    base = np.concatenate([[0], np.cumsum(lengths)[:-1]]).astype(np.intp)
    table = np.empty(int(lengths.sum()))
    for asked in np.unique(sizes).tolist():
        which = np.flatnonzero(sizes == asked)
        step = max(1, _BLOCK // (asked << asked))
        for begin in range(0, len(which), step):
            some = which[begin : begin + step]
            entries = start[some, None] + np.arange(asked)
            found = _tabled(value[some], share[entries])
            table[(base[entries][:, :, None] + np.arange(1 << asked)).ravel()] = found.ravel()
    return Leaves(
        width=width,
        value=value,
        low=np.array([one.low for one in splits]),
        high=np.array([one.high for one in splits]),
        gaps=np.array([one.gaps for one in splits], bool),
        feature=np.array([name for _, path in leaves for name in path], np.intp),
        bit=np.concatenate([1 << np.arange(size, dtype=np.intp) for size in sizes.tolist()]),
        start=start,
        owner=np.repeat(np.arange(len(leaves), dtype=np.intp), sizes),
        base=base,
        table=table,
        whole=(1 << sizes) - 1,
    )


def _tabled(value: Numbers, share: Numbers) -> Numbers:
    """(leaves, D, 2^D): what each feature of a leaf gets under each pattern. `share` is (leaves, D)."""
    import numpy as np

    asked = share.shape[1]
    z = (np.arange(1 << asked) >> np.arange(asked)[:, None] & 1).astype(np.float64)  # (D, 2^D)
    at, weight = np.polynomial.legendre.leggauss((asked + 1) // 2)
    at, weight = (at + 1) / 2, weight / 2
    found = np.zeros((len(value), asked, 1 << asked))
    for t, w in zip(at.tolist(), weight.tolist(), strict=True):
        factor = z * t + share[:, :, None] * (1 - t)
        # The product over the others, without dividing: those before times those after.
        before, after = np.ones_like(factor), np.ones_like(factor)
        np.cumprod(factor[:, :-1], axis=1, out=before[:, 1:])
        np.cumprod(factor[:, :0:-1], axis=1, out=after[:, -2::-1] if asked > 1 else after[:, :0])
        found += w * before * after
    return found * (z - share[:, :, None]) * value[:, None, None]
