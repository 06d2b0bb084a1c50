"""Questions to a table where it lives: an Ibis expression goes out, aggregates and the SQL text that made them come back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa
    from ibis.expr.types import Table

Run = Callable[[str], Sequence[Sequence[object]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back, as Arrow and as one mapping a row, and the SQL text that was run."""

    table: pa.Table
    sql: str

    @property
    def rows(self) -> tuple[Mapping[str, object], ...]:
        return tuple(self.table.to_pylist())


@dataclass(frozen=True, slots=True, kw_only=True)
class Warehouse:
    """A table that stays where it is. `run` executes SQL text of `dialect` (an sqlglot name, as "snowflake") and gives the rows back.

    `schema` maps each column, spelled as the warehouse spells it, to its Ibis type. `name` and the columns are quoted in the SQL.
    `cancel` ends the query that `run` waits for, from another thread; it is called when a check is past its limit.
    """

    name: str
    schema: Mapping[str, str]
    dialect: str
    run: Run
    database: str = ""
    catalog: str = ""
    cancel: Callable[[], object] | None = None

    @property
    def table(self) -> Table:
        import ibis

        return ibis.table(dict(self.schema), name=self.name, database=self.database or None, catalog=self.catalog or None)

    def ask(self, question: Table) -> Answer:
        """Compile, run, read. Raises what `run` raises."""
        import ibis
        import pyarrow as pa

        sql = str(ibis.to_sql(question, dialect=self.dialect))
        names = tuple(question.columns)
        rows = [dict(zip(names, row, strict=True)) for row in self.run(sql)]
        return Answer(table=pa.table({name: [row[name] for row in rows] for name in names}), sql=sql)


def ask(question: Table) -> Answer:
    """Run a question on the connection its table was opened with."""
    import ibis

    return Answer(table=question.to_pyarrow(), sql=str(ibis.to_sql(question)))
