"""Questions to a table where it lives: an Ibis expression goes out, aggregates and the SQL text that made them come back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ibis.expr.types import Table

Run = Callable[[str], Sequence[Sequence[object]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back, one mapping a row, and the SQL text that was run."""

    rows: tuple[Mapping[str, object], ...]
    sql: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Warehouse:
    """A table that stays where it is. `run` executes SQL text of `dialect` (an sqlglot name, as "snowflake") and gives the rows back.

    `schema` maps each column, spelled as the warehouse spells it, to its Ibis type. `name` and the columns are quoted in the SQL.
    """

    name: str
    schema: Mapping[str, str]
    dialect: str
    run: Run
    database: str = ""
    catalog: str = ""

    @property
    def table(self) -> Table:
        import ibis

        return ibis.table(dict(self.schema), name=self.name, database=self.database or None, catalog=self.catalog or None)

    def ask(self, question: Table) -> Answer:
        """Compile, run, read. Raises what `run` raises."""
        import ibis

        sql = str(ibis.to_sql(question, dialect=self.dialect))
        names = tuple(question.columns)
        return Answer(rows=tuple(dict(zip(names, row, strict=True)) for row in self.run(sql)), sql=sql)


def ask(question: Table) -> Answer:
    """Run a question on the connection its table was opened with."""
    import ibis

    return Answer(rows=tuple(question.to_pyarrow().to_pylist()), sql=str(ibis.to_sql(question)))
