"""Bins fixed on the reference, and what each sample holds in them: all that drift needs, so that no reference row has to be kept.

A number's grid is made of values of the reference: those at the ranks ceil(k n / 100), and the value just under the smallest. Cell i
holds the x with points[i-1] < x <= points[i]; the last cell, all above. PSI takes ten bins of equal mass from it (ranks
ceil(k n / 10)), or one bin for each value where the reference has at most ten, and one bin more for rows without a finite value.
"""

from __future__ import annotations

import math
import sys
from bisect import bisect_right
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]

BINS = 10
CELLS = 100
MOST_CATEGORIES = 50
SQUARABLE = 1e150  # beyond it a square may be no double: there is no deviation, and engines differ in how they say so
LEAST_IN_CATEGORY = 5

Kind = Literal["number", "category"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """The bins of one column. Numbers: `points` bound the cells, `cuts` are those that bound PSI's bins. Categories: `labels`."""

    kind: Kind
    points: tuple[float, ...] = ()
    cuts: tuple[float, ...] = ()
    labels: tuple[str, ...] = ()

    @property
    def cells(self) -> int:
        """Cells of a side: a number's, or a category's with one for all other values; not counting the missing."""
        return len(self.points if self.kind == "number" else self.labels) + 1

    @property
    def bin_labels(self) -> tuple[str, ...]:
        """What each bin holds, for the reader."""
        if self.kind == "category":
            return (*self.labels, "other values", "missing")
        if not self.cuts:
            return ("any value", "missing")
        inner = [f"{low:g} < x <= {high:g}" for low, high in pairwise(self.cuts)]
        first = f"x <= {self.cuts[0]:g}"
        if self.cuts[0] == self.points[0]:  # the number just under the smallest
            first, inner[:1] = f"x < {self.cuts[1]:g}", [f"x = {self.cuts[1]:g}"]
        return (first, *inner, f"x > {self.cuts[-1]:g}", "missing")


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One sample in a grid's cells: counts, sums of the values (numbers only), and the rows without a (finite) value."""

    counts: tuple[int, ...]
    missing: int
    sums: tuple[float, ...] = ()
    mean: float | None = None
    sd: float | None = None

    @property
    def known(self) -> int:
        return sum(self.counts)

    @property
    def rows(self) -> int:
        return self.known + self.missing


def rank_values(n: int, parts: int) -> list[int]:
    """The places (from 0) of the k-th of `parts` quantiles in n sorted values: ceil(k n / parts) - 1, in whole numbers."""
    return [-(-k * n // parts) - 1 for k in range(1, parts + 1)] if n else []


def number_grid(ordered: Numbers) -> Grid:
    """The grid of a sorted array without NaN or infinity."""
    import numpy as np

    n = len(ordered)
    if not n:
        return Grid(kind="number")
    values = [float(ordered[0])]
    while len(values) <= BINS:  # at most BINS + 1 jumps: enough to see whether there are more values than bins
        place = int(np.searchsorted(ordered, values[-1], "right"))
        if place == n:
            return discrete_grid(values)
        values.append(float(ordered[place]))
    return ranked_grid([float(ordered[place]) for place in rank_values(n, CELLS)], float(ordered[0]))


def discrete_grid(values: list[float]) -> Grid:
    """The grid of a reference that has these few values only: each is a bin, with one under the first and one over the last."""
    points = tuple(sorted({_under(values[0]), *values}))
    return Grid(kind="number", points=points, cuts=points)


def ranked_grid(at_ranks: list[float], least: float) -> Grid:
    """The grid from the values at the ranks of `rank_values(n, CELLS)` and the smallest value."""
    points = tuple(sorted({_under(least), *at_ranks}))
    step = CELLS // BINS
    cuts = tuple(sorted({at_ranks[k * step - 1] for k in range(1, BINS)}))
    return Grid(kind="number", points=points, cuts=cuts)


def _under(value: float) -> float:
    """The number just under; never one so small that an engine reads it as 0."""
    return math.nextafter(value, -math.inf) if value else -sys.float_info.min


def number_side(ordered: Numbers, missing: int, grid: Grid) -> Side:
    """What a sorted array without NaN or infinity holds in the grid's cells."""
    import numpy as np

    ends = np.searchsorted(ordered, np.asarray(grid.points), "right") if grid.points else np.empty(0, dtype=np.int64)
    bounds = [0, *(int(end) for end in ends), len(ordered)]
    pairs = list(pairwise(bounds))
    with np.errstate(over="ignore", invalid="ignore"):  # what overflows is None below
        sums = [float(ordered[low:high].sum()) for low, high in pairs]
        mean, sd = (float(ordered.mean()), float(ordered.std())) if len(ordered) else (math.nan, math.nan)
    return Side(
        counts=tuple(high - low for low, high in pairs),
        missing=missing,
        sums=tuple(sums) if all(math.isfinite(total) for total in sums) else (),
        mean=mean if math.isfinite(mean) else None,
        sd=sd if math.isfinite(sd) and max(abs(ordered[0]), abs(ordered[-1])) <= SQUARABLE else None,
    )


def category_grid(tally: list[tuple[str, int]]) -> Grid:
    """The grid of a category: its `MOST_CATEGORIES` commonest values with at least `LEAST_IN_CATEGORY` rows; the rest is one bin."""
    # No engine's SQL text can carry a NUL, so a value with one stays among the others.
    named = [pair for pair in tally if pair[1] >= LEAST_IN_CATEGORY and "\0" not in pair[0]]
    common = sorted(named, key=lambda pair: (-pair[1], pair[0]))
    return Grid(kind="category", labels=tuple(label for label, _ in common[:MOST_CATEGORIES]))


def bins(side: Side, grid: Grid) -> tuple[int, ...]:
    """The side's counts in PSI's bins, the missing last."""
    if grid.kind == "category":
        return (*side.counts, side.missing)
    totals = [0] * (len(grid.cuts) + 1)
    for number, count in enumerate(side.counts):
        # The cell under points[number] lies whole in one bin, because every cut is a point.
        place = bisect_right(grid.cuts, grid.points[number - 1]) if number else 0
        totals[place] += count
    return (*totals, side.missing)


def grid_ks(reference: Side, current: Side) -> tuple[float, tuple[int, int]] | None:
    """(largest distance of the two distribution functions at the grid's points, rows of each at or under that point)."""
    if not reference.known or not current.known:
        return None
    best, below, first, second = 0.0, (0, 0), 0, 0
    for a, b in zip(reference.counts, current.counts, strict=True):
        first, second = first + a, second + b
        gap = abs(first / reference.known - second / current.known)
        if gap > best:
            best, below = gap, (first, second)
    return best, below


def grid_wasserstein(reference: Side, current: Side, grid: Grid) -> float | None:
    """Wasserstein-1 from counts and sums of the cells: exact unless the two functions cross inside a cell, else a little less."""
    n, m = reference.known, current.known
    if not n or not m or not reference.sums or not current.sums or not grid.points:
        return None
    total, first, second = 0.0, 0, 0
    for number, (a, b) in enumerate(zip(reference.counts, current.counts, strict=True)):
        mean_gap = current.sums[number] / m - reference.sums[number] / n
        before = first / n - second / m
        first, second = first + a, second + b
        after = first / n - second / m
        low = grid.points[number - 1] if number else 0.0  # before the first cell and after the last the two functions are equal
        high = grid.points[number] if number < len(grid.points) else 0.0
        total += abs(high * after - low * before + mean_gap)
    return total
