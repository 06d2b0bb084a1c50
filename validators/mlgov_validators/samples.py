"""The columns of a table, read for drift: in memory from DuckDB's Arrow, or as aggregates where the data live. Both give equal numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from jupyter_mlgov.sdk import Answer, Subject
from mlgov_validators.binning import (
    CELLS,
    LEAST_IN_CATEGORY,
    MOST_CATEGORIES,
    SQUARABLE,
    Grid,
    Kind,
    Side,
    category_grid,
    number_grid,
    number_side,
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Total:
    """All rows of a column, those with a value, and (of numbers) mean and standard deviation; `sql` is the question they came from."""

    rows: int
    known: int
    mean: float | None = None
    sd: float | None = None
    sql: str = ""


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
        self.ordered = np.sort(finite) + 0.0  # -0.0 is 0.0
        self._whole = whole

    @classmethod
    def read(cls, table: Table, name: str) -> Held:
        column = table.select(mlgov_x=double(table[name])).to_pyarrow().column(0)
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


class Named:
    """A column of categories, always counted where it lives. A blank text is missing."""

    kind: Kind = "category"

    def __init__(self, table: Table, name: str, ask: Ask, total: Total) -> None:
        self._ask = ask
        every = table.select(mlgov_x=value_of(table, name))
        self._x = every.filter(every.mlgov_x.notnull())
        self._rows, self._known = total.rows, total.known

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
        return self._known >= CELLS and distinct(self._x, self._ask) == self._known


def totals(table: Table, names: Sequence[str], ask: Ask) -> dict[str, Total]:
    """One question about these columns: rows, those with a value, and for numbers mean and standard deviation (divided by n)."""
    import ibis

    asked: dict[str, Any] = {"mlgov_k": table.count()}
    for number, name in enumerate(names):
        x = value_of(table, name)
        asked[f"mlgov_n{number}"] = x.count()
        if kind_of(table, name) == "number":
            fits = ibis.ifelse(x.abs() <= SQUARABLE, x, ibis.null("float64"))
            asked |= {f"mlgov_m{number}": x.mean(), f"mlgov_d{number}": fits.std(how="pop"), f"mlgov_f{number}": fits.count()}
    answer = ask(table.agg(**asked))
    row = answer.rows[0]
    return {
        name: Total(
            rows=int(str(row["mlgov_k"])),
            known=int(str(row[f"mlgov_n{number}"])),
            mean=steady(row.get(f"mlgov_m{number}")),
            sd=steady(row.get(f"mlgov_d{number}")) if row.get(f"mlgov_f{number}") == row[f"mlgov_n{number}"] else None,
            sql=answer.sql,
        )
        for number, name in enumerate(names)
    }


def ask_here(subject: Subject) -> Ask:
    """How the reference is asked: mostly it is a file of ours, wherever the subject's own table is."""
    return subject.ask_reference


def lives_here(table: Table) -> bool:
    """Are the rows on this machine anyway? An expression without a backend belongs to a Warehouse."""
    backends, unbound = table._find_backends()  # noqa: SLF001  # `get_backend` answers DuckDB for a table that has none
    return not unbound and all(backend.name == "duckdb" for backend in backends)


def value_of(table: Table, name: str) -> Any:  # ibis ships no types
    """The value that is compared: a finite double, or a text that is not blank; null where there is none."""
    import ibis

    if kind_of(table, name) == "category":
        text = table[name].cast("string")
        return ibis.ifelse(text.strip() == "", ibis.null("string"), text)
    x = double(table[name])
    return ibis.ifelse(x.isnan() | x.isinf(), ibis.null("float64"), x) if table[name].type().is_floating() else x


def double(x: Any) -> Any:  # ibis ships no types
    """The value as a double; true is 1 (by way of a whole number: not every engine casts truth to a double)."""
    return (x.cast("int64") if x.type().is_boolean() else x).cast("float64")


def distinct(x: Table, ask: Ask) -> int:
    """How many different values there are."""
    return int(str(ask(x.agg(k=x.mlgov_x.nunique())).rows[0]["k"]))


def steady(value: object) -> float | None:
    """A sum taken in parallel, to the ten digits that do not depend on the order of rows."""
    return float(f"{value:.10g}") if isinstance(value, (int, float)) else None
