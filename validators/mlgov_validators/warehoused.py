"""A column of numbers that stays where it lives: a few aggregate questions a column, with the numbers that the kernel in memory gives.

One walk along the values of both samples in order tells all at once: the values at the ranks of the reference, what each sample holds
under them, and both distances. It is a sort and a running sum in the engine; at most a hundred and one rows come back.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from mlgov_validators.binning import BINS, CELLS, Grid, Kind, Side, discrete_grid, ranked_grid
from mlgov_validators.distances import Apart
from mlgov_validators.samples import Ask, Total, distinct, steady, value_of

if TYPE_CHECKING:
    from ibis.expr.types import Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Walk:
    """What one walk saw. `at_ranks` are the reference's values at the ranks ceil(k n / 100), `least` its smallest.

    `under` maps a grid's point (one of `at_ranks`, or `least` for what lies under it) to the rows of both samples up to it.
    """

    least: float
    at_ranks: tuple[float, ...]
    under: dict[float, tuple[int, int]]
    below_least: int
    apart: Apart


class Asked:
    """A column of numbers of one sample. Each answer is an aggregate query."""

    kind: Kind = "number"

    def __init__(self, table: Table, name: str, ask: Ask, total: Total) -> None:
        self.ask = ask
        self.total = total
        self._whole = table[name].type().is_integer()
        every = table.select(mlgov_x=value_of(table, name))
        self.x = every.filter(every.mlgov_x.notnull())

    def grid(self) -> Grid:
        return Merged(self, None).grid()

    def few(self) -> list[float]:
        """Its different values in order, where there are at most `BINS`; else one more than that."""
        return sorted(float(str(row["mlgov_x"])) + 0.0 for row in self.ask(self.x.distinct().limit(BINS + 1)).rows)

    def side(self, grid: Grid) -> Side:
        import ibis

        cell: Any = _tree(self.x.mlgov_x, grid.points, 0, len(grid.points)) if grid.points else ibis.literal(0)
        told = self.x.mutate(mlgov_cell=cell).group_by("mlgov_cell")
        counts, sums = [0] * grid.cells, [0.0] * grid.cells
        for row in self.ask(told.agg(k=lambda t: t.count(), s=lambda t: t.mlgov_x.sum())).rows:
            number = int(str(row["mlgov_cell"]))
            counts[number], sums[number] = int(str(row["k"])), steady(row["s"]) or 0.0
        return self.held(counts, sums)

    def held(self, counts: list[int], sums: list[float] | None = None) -> Side:
        """The side with these counts."""
        total = self.total
        return Side(counts=tuple(counts), missing=total.rows - total.known, sums=tuple(sums or ()), mean=total.mean, sd=total.sd)

    def is_key(self) -> bool:
        return self._whole and self.total.known >= CELLS and distinct(self.x, self.ask) == self.total.known


class Merged:
    """A reference with (or without) the sample that is held against it, both in one engine: walked along once."""

    kind: Kind = "number"

    def __init__(self, reference: Asked, current: Asked | None) -> None:
        self._reference, self._current = reference, current
        self._walk = _walked(reference, current) if reference.total.known else None

    def grid(self) -> Grid:
        walk = self._walk
        if walk is None:
            return Grid(kind="number")
        if len(set(walk.at_ranks)) <= BINS and len(few := self._reference.few()) <= BINS:
            return discrete_grid(few)
        return ranked_grid(list(walk.at_ranks), walk.least)

    def side(self, grid: Grid) -> Side:
        found = self._counts(grid, 0)
        return self._reference.side(grid) if found is None else self._reference.held(found)

    def other(self, grid: Grid) -> Side:
        """What the current sample holds in the grid."""
        current = self._current or self._reference
        found = self._counts(grid, 1)
        return current.side(grid) if found is None else current.held(found)

    def _counts(self, grid: Grid, which: int) -> list[int] | None:
        """Rows of one sample in the cells of a grid that the walk knows; None for any other grid."""
        walk = self._walk
        if walk is None or grid != ranked_grid(list(walk.at_ranks), walk.least):
            return None
        first = walk.below_least if which else 0
        known = (self._current or self._reference).total.known if which else self._reference.total.known
        ends = [0, first, *(walk.under[point][which] for point in grid.points[1:]), known]
        return [high - low for low, high in pairwise(ends)]

    def is_key(self) -> bool:
        return self._reference.is_key()

    def apart(self) -> Apart | None:
        """The same distances as in memory; None where a sample is empty."""
        both = self._walk is not None and self._current is not None and self._current.total.known
        return self._walk.apart if self._walk and both else None


def _walked(reference: Asked, current: Asked | None) -> Walk:
    n, m = reference.total.known, current.total.known if current else 0
    rows = reference.ask(_question(reference.x, current.x if current else None, n, m)).rows
    by_part = sorted(rows, key=lambda row: int(str(row["part"])))
    at_ranks: list[float] = []
    under: dict[float, tuple[int, int]] = {}
    for row in by_part:
        value, first = float(str(row["x"])) + 0.0, int(str(row["f"]))
        under[value] = first, int(str(row["k"])) - first
        at_ranks += [value] * (int(str(row["part"])) - len(at_ranks))
    farthest = max(by_part, key=lambda row: float(str(row["gap"])))
    below = (int(str(farthest["a"])), int(str(farthest["b"])) - int(str(farthest["a"])))
    least = min(float(str(row["least"])) + 0.0 for row in by_part if row["least"] is not None)
    return Walk(
        least=least,
        at_ranks=tuple(at_ranks),
        under=under,
        below_least=sum(int(str(row["before"])) for row in by_part),
        apart=Apart(
            ks=abs(below[0] / n - below[1] / m) if m else 0.0,
            wasserstein=steady(math.fsum(float(str(row["work"] or 0.0)) for row in by_part)) or 0.0,
            below=below,
        ),
    )


def _question(reference: Table, current: Table | None, n: int, m: int) -> Table:
    """One row for each hundredth of the reference: its first value, the rows of both up to there, the widest gap, the work done in it.

    Only the last row of equal values is looked at, so that a value is counted whole: ROWS is half the work of RANGE in engines seen.
    """
    import ibis

    both = reference.mutate(mlgov_r=ibis.literal(1))
    if current is not None:
        both = ibis.union(both, current.mutate(mlgov_r=ibis.literal(0)))
    along = ibis.window(order_by=both.mlgov_x, preceding=None, following=0)
    walked = both.mutate(
        f=both.mlgov_r.sum().over(along),
        k=ibis.row_number().over(order_by=both.mlgov_x) + 1,
        step=both.mlgov_x.lead().over(order_by=both.mlgov_x) - both.mlgov_x,
    )
    walked = walked.filter(walked.step.isnull() | (walked.step > 0))
    # As doubles first: an engine that reads 2000.0 as a decimal divides to six digits.
    first, second = walked.f.cast("float64"), (walked.k - walked.f).cast("float64")
    gap = (first / float(n) - second / float(m)).abs() if m else ibis.literal(0.0)
    walked = walked.mutate(gap=gap, part=(walked.f * CELLS) // n)
    return walked.group_by("part").agg(
        x=walked.mlgov_x.min(),
        f=walked.f.min(),
        k=walked.k.min(),
        gap=walked.gap.max(),
        a=walked.f.argmax(walked.gap),
        b=walked.k.argmax(walked.gap),
        work=(walked.gap * walked.step).sum(),
        least=ibis.ifelse(walked.f > 0, walked.mlgov_x, ibis.null("float64")).min(),
        before=ibis.ifelse(walked.f == 0, walked.k, 0).max(),
    )


def _tree(x: Any, points: tuple[float, ...], low: int, high: int) -> Any:  # ibis ships no types
    """The number of points under x, as nested CASEs: seven comparisons for a hundred points."""
    import ibis

    if low == high:
        return ibis.literal(low)
    middle = (low + high) // 2
    # As text: engines that read 0.1234… as a decimal do not come back to the same double.
    point = ibis.literal(repr(points[middle])).cast("float64")
    return ibis.ifelse(x <= point, _tree(x, points, low, middle), _tree(x, points, middle + 1, high))
