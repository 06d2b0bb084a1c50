"""One column of a table, read for drift: in memory from DuckDB's Arrow, or as aggregates where the data live. Both give equal numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from jupyter_mlgov.sdk import Answer, Subject
from mlgov_validators.binning import (
    BINS,
    CELLS,
    LEAST_IN_CATEGORY,
    MOST_CATEGORIES,
    Grid,
    Kind,
    Side,
    category_grid,
    discrete_grid,
    number_grid,
    number_side,
    rank_values,
    ranked_grid,
)
from mlgov_validators.distances import Apart, apart

if TYPE_CHECKING:
    import numpy as np
    from ibis.expr.types import Table
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]

Ask = Callable[["Table"], Answer]  # Subject.ask


def kind_of(table: Table, name: str) -> Kind | str:
    """`number` or `category`; else why this type of column has no drift that could be measured."""
    type_ = table[name].type()
    if type_.is_string():
        return "category"
    if type_.is_numeric() or type_.is_boolean():
        return "number"
    if type_.is_temporal():
        return "a time always moves on"
    return f"values of type {str(type_)[:40]} are not compared"


class Column(Protocol):
    """A column of one sample: what it holds in a grid, and the grid it would give as a reference."""

    kind: Kind

    def grid(self) -> Grid: ...

    def side(self, grid: Grid) -> Side: ...

    def is_key(self) -> bool: ...


class Held:
    """A column of numbers in memory, sorted; null, NaN and infinite values are counted as missing."""

    kind: Kind = "number"

    def __init__(self, values: Numbers, missing: int = 0, *, whole: bool = False) -> None:
        import numpy as np

        finite = values[np.isfinite(values)]
        self.missing = missing + len(values) - len(finite)
        self.ordered = np.sort(finite)
        self._whole = whole

    @classmethod
    def read(cls, table: Table, name: str) -> Held:
        column = table.select(mlgov_x=_double(table[name])).to_pyarrow().column(0)
        values = column.drop_null().to_numpy()
        return cls(values, len(column) - len(values), whole=table[name].type().is_integer())

    def grid(self) -> Grid:
        return number_grid(self.ordered)

    def side(self, grid: Grid) -> Side:
        return number_side(self.ordered, self.missing, grid)

    def is_key(self) -> bool:
        """Whole numbers that all differ: a row's name, not a quantity."""
        return self._whole and len(self.ordered) >= CELLS and bool((self.ordered[1:] > self.ordered[:-1]).all())

    def apart(self, other: Held) -> Apart | None:
        return apart(self.ordered, other.ordered)


class Asked:
    """A column of numbers that stays where it lives: each answer is an aggregate query."""

    kind: Kind = "number"

    def __init__(self, table: Table, name: str, ask: Ask) -> None:
        import ibis

        self._ask = ask
        x = _double(table[name])
        if table[name].type().is_floating():
            x = ibis.ifelse(x.isnan() | x.isinf(), ibis.null("float64"), x)
        self._whole = table[name].type().is_integer()
        every = table.select(mlgov_x=x)
        self._x = every.filter(every.mlgov_x.notnull())
        self._rows, self._known = _rows(every, ask)

    def grid(self) -> Grid:
        import ibis

        few = [float(str(row["mlgov_x"])) for row in self._ask(self._x.distinct().limit(BINS + 1)).rows]
        if not few:
            return Grid(kind="number")
        if len(few) <= BINS:
            return discrete_grid(sorted(few))
        places = rank_values(self._known, CELLS)
        numbered = self._x.mutate(mlgov_place=ibis.row_number().over(order_by=self._x.mlgov_x))
        wanted = self._ask(numbered.filter(numbered.mlgov_place.isin(sorted({0, *places})))).rows
        found = {int(str(row["mlgov_place"])): float(str(row["mlgov_x"])) for row in wanted}
        return ranked_grid([found[place] for place in places], found[0])

    def side(self, grid: Grid) -> Side:
        import ibis

        if not grid.points:
            cell: Any = ibis.literal(0)
        else:
            cell = _tree(self._x.mlgov_x, grid.points, 0, len(grid.points))
        told = self._x.mutate(mlgov_cell=cell).group_by("mlgov_cell")
        counts, sums = [0] * grid.cells, [0.0] * grid.cells
        for row in self._ask(told.agg(k=lambda t: t.count(), s=lambda t: t.mlgov_x.sum())).rows:
            number = int(str(row["mlgov_cell"]))
            counts[number], sums[number] = int(str(row["k"])), _steady(row["s"]) or 0.0
        whole = self._ask(self._x.agg(m=self._x.mlgov_x.mean(), d=self._x.mlgov_x.std(how="pop"))).rows[0]
        return Side(
            counts=tuple(counts), missing=self._rows - self._known, sums=tuple(sums), mean=_steady(whole["m"]), sd=_steady(whole["d"])
        )

    def is_key(self) -> bool:
        return self._whole and self._known >= CELLS and _distinct(self._x, self._ask) == self._known

    def apart(self, other: Asked) -> Apart | None:
        """The same distances as in memory: one merge of both samples by a window over their distinct values."""
        import ibis

        n, m = self._known, other._known
        if not n or not m:
            return None
        both = ibis.union(self._x.mutate(r=ibis.literal(1), c=ibis.literal(0)), other._x.mutate(r=ibis.literal(0), c=ibis.literal(1)))
        points = both.group_by("mlgov_x").agg(r=both.r.sum(), c=both.c.sum())
        along = ibis.window(order_by=points.mlgov_x, preceding=None, following=0)
        walked = points.mutate(
            first=points.r.sum().over(along),
            second=points.c.sum().over(along),
            step=points.mlgov_x.lead().over(order_by=points.mlgov_x) - points.mlgov_x,
        )
        walked = walked.mutate(gap=(walked["first"] / float(n) - walked["second"] / float(m)).abs())
        told = walked.agg(
            w=(walked.gap * walked.step).sum(),
            a=walked["first"].argmax(walked.gap),
            b=walked["second"].argmax(walked.gap),
        )
        row = self._ask(told).rows[0]
        below = (int(str(row["a"])), int(str(row["b"])))
        return Apart(ks=abs(below[0] / n - below[1] / m), wasserstein=_steady(row["w"]) or 0.0, below=below)


class Named:
    """A column of categories, always counted where it lives. A blank text is missing."""

    kind: Kind = "category"

    def __init__(self, table: Table, name: str, ask: Ask) -> None:
        import ibis

        self._ask = ask
        text = table[name].cast("string")
        text = ibis.ifelse(text.strip() == "", ibis.null("string"), text)
        every = table.select(mlgov_x=text)
        self._x = every.filter(every.mlgov_x.notnull())
        self._rows, self._known = _rows(every, ask)

    def grid(self) -> Grid:
        import ibis

        told = self._x.group_by("mlgov_x").agg(k=lambda t: t.count()).filter(lambda t: t.k >= LEAST_IN_CATEGORY)
        top = self._ask(told.order_by([ibis.desc("k"), ibis.asc("mlgov_x")]).limit(MOST_CATEGORIES)).rows
        return category_grid([(str(row["mlgov_x"]), int(str(row["k"]))) for row in top])

    def side(self, grid: Grid) -> Side:
        found: dict[str, int] = {}
        if grid.labels:
            told = self._x.filter(self._x.mlgov_x.isin(list(grid.labels))).group_by("mlgov_x").agg(k=lambda t: t.count())
            found = {str(row["mlgov_x"]): int(str(row["k"])) for row in self._ask(told).rows}
        counts = [found.get(label, 0) for label in grid.labels]
        return Side(counts=(*counts, self._known - sum(counts)), missing=self._rows - self._known)

    def is_key(self) -> bool:
        return self._known >= CELLS and _distinct(self._x, self._ask) == self._known


def column(table: Table, name: str, ask: Ask) -> Held | Asked | Named:
    """The column of `table`: numbers in memory where DuckDB reads a local file or frame, as aggregates on any other backend."""
    if kind_of(table, name) == "category":
        return Named(table, name, ask)
    return Held.read(table, name) if lives_here(table) else Asked(table, name, ask)


def ask_here(subject: Subject) -> Ask:
    """How a kept table is asked: it is a file of ours, wherever the subject's own table is."""
    return Subject(ref=subject.ref, roles=subject.roles).ask


def lives_here(table: Table) -> bool:
    """Are the rows on this machine anyway? An expression without a backend belongs to a Warehouse."""
    backends, unbound = table._find_backends()  # noqa: SLF001  # `get_backend` answers DuckDB for a table that has none
    return not unbound and all(backend.name == "duckdb" for backend in backends)


def _double(x: Any) -> Any:  # ibis ships no types
    """The value as a double; true is 1 (by way of a whole number: not every engine casts truth to a double)."""
    return (x.cast("int64") if x.type().is_boolean() else x).cast("float64")


def _rows(every: Table, ask: Ask) -> tuple[int, int]:
    """All rows, and those with a value."""
    row = ask(every.agg(k=every.count(), n=every.mlgov_x.count())).rows[0]
    return int(str(row["k"])), int(str(row["n"]))


def _distinct(x: Table, ask: Ask) -> int:
    return int(str(ask(x.agg(k=x.mlgov_x.nunique())).rows[0]["k"]))


def _tree(x: Any, points: tuple[float, ...], low: int, high: int) -> Any:  # ibis ships no types
    """The number of points under x, as nested CASEs: seven comparisons for a hundred points."""
    import ibis

    if low == high:
        return ibis.literal(low)
    middle = (low + high) // 2
    # As text: engines that read 0.1234… as a decimal do not come back to the same double.
    point = ibis.literal(repr(points[middle])).cast("float64")
    return ibis.ifelse(x <= point, _tree(x, points, low, middle), _tree(x, points, middle + 1, high))


def _steady(value: object) -> float | None:
    """A sum taken in parallel, to the ten digits that do not depend on the order of rows."""
    return float(f"{value:.10g}") if isinstance(value, (int, float)) else None
