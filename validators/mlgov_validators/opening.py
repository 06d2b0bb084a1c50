"""The columns of one table, opened for drift: in memory where the rows are here, as aggregates where they are not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from mlgov_validators.samples import Ask, Held, Named, Total, kind_of, lives_here, totals
from mlgov_validators.warehoused import Asked

if TYPE_CHECKING:
    from ibis.expr.types import Table

    from jupyter_mlgov.sdk import Answer

AT_ONCE = 100  # columns of one question: no engine's SQL text gets too long


class Columns:
    """The columns of one table, opened one by one: numbers in memory where DuckDB reads a local file or frame, the rest as aggregates.

    Rows, means and deviations of all that stay where they are come from one question (of at most `AT_ONCE` columns each).
    """

    def __init__(self, table: Table, names: Sequence[str], ask: Ask) -> None:
        self._table, self._ask = table, ask
        self._here = lives_here(table)
        self._totals: dict[str, Total] = {}
        away = [name for name in names if not self._held(name)]
        for start in range(0, len(away), AT_ONCE):
            self._totals.update(totals(table, away[start : start + AT_ONCE], ask))

    def _held(self, name: str) -> bool:
        return self._here and kind_of(self._table, name) == "number"

    def open(self, name: str, told: list[str] | None = None) -> Held | Asked | Named:
        """The column `name`. The SQL text of each question to come is put into `told`, after those that were asked for it already."""
        if self._held(name):
            return Held.read(self._table, name)
        total = self._totals[name]
        told = [] if told is None else told
        told.append(total.sql)
        ask = _noting(self._ask, told)
        return (Named if kind_of(self._table, name) == "category" else Asked)(self._table, name, ask, total)


def _noting(ask: Ask, told: list[str]) -> Ask:
    """`ask`, which puts the SQL text of each question into `told`."""

    def noted(question: Table) -> Answer:
        answer = ask(question)
        told.append(answer.sql)
        return answer

    return noted
