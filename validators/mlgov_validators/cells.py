"""Rows counted in the cells of several columns, where the data live: one aggregate query, no rows pulled."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jupyter_mlgov.sdk import Missing, Subject
from mlgov_validators.values import same, text_of

MOST_VALUES = 1000
MOST_GROUPS = 100
MOST_CELLS = 20_000

Key = tuple[str | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """A column to count by, and how many different values it may have; with a `cut`, the question whether it is at or over that."""

    column: str
    most: int
    beyond: str = "so they are no groups; band it first"
    cut: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cells:
    """Counts by the texts of the columns (None: no value). `withheld`: groups kept back because a cell of theirs was too small."""

    counts: Mapping[Key, int]
    sql: str
    withheld: int = 0

    @property
    def rows(self) -> int:
        return sum(self.counts.values())

    def values(self, place: int) -> tuple[str, ...]:
        """The different texts of one column, sorted."""
        return tuple(sorted({text for key in self.counts if (text := key[place]) is not None}))


def group_axis(column: str) -> Axis:
    """A protected column: a hundred groups at most."""
    return Axis(column=column, most=MOST_GROUPS)


def decision_axis(column: str, what: str = "decision") -> Axis:
    """A column of decisions or outcomes."""
    return Axis(column=column, most=MOST_VALUES, beyond=f"so it is no {what}")


def tally(subject: Subject, axes: Sequence[Axis], *, groups: int, min_cell: int = 0, most: int = MOST_CELLS) -> Cells:
    """Count the rows of each combination of values.

    The first `groups` axes are the groups. Where `min_cell` is over 1, a group with a smaller cell stays in the warehouse as a whole:
    the query itself leaves it out, so nothing of it travels. Where that is one group, or all such together hold too few rows, the
    smallest of the others stays as well, so that no total gives it away. Raises Missing where there are too many values or combinations.
    """
    table = subject.columns(*(axis.column for axis in axes))
    # Our own names: a column of the table may be called anything.
    names = [f"mlgov_{number}" for number in range(len(axes))]
    chosen = table.select(**{name: _expression(table, axis) for name, axis in zip(names, axes, strict=True)})
    counted = chosen.group_by(names).agg(mlgov_rows=chosen.count())
    withheld = 0
    if min_cell > 1:
        judged = _kept_back(counted, names[:groups], min_cell)
        kept = judged.filter(judged.mlgov_kept == 1).select(*names[:groups]).distinct()
        withheld = _number(subject, kept.aggregate(mlgov_groups=kept.count()))
        counted = judged.filter(judged.mlgov_kept == 0).select(*names, "mlgov_rows")
    answer = subject.ask(counted.limit(most + 1))
    counts: Counter[Key] = Counter()
    for row in _rows(answer.table.to_pydict(), [*names, "mlgov_rows"]):
        counts[tuple(text_of(value) for value in row[:-1])] += int(row[-1])
    cells = Cells(counts=counts, sql=answer.sql, withheld=withheld)
    _refuse_too_many(subject, chosen, cells, axes, names, full=answer.table.num_rows > most, most=most)
    return cells


def _kept_back(counted: Any, groups: Sequence[str], min_cell: int) -> Any:  # ibis ships no types
    """The cells with `mlgov_kept`: 1 where their group stays in the warehouse. Small groups come first, then the smallest of the others."""
    import ibis

    placed = counted.mutate(
        mlgov_small=ibis.ifelse(counted.mlgov_rows.min().over(group_by=groups) < min_cell, 1, 0),
        mlgov_total=counted.mlgov_rows.sum().over(group_by=groups),
    )
    order = [placed.mlgov_small.desc(), placed.mlgov_total, *(placed[name] for name in groups)]
    placed = placed.mutate(mlgov_place=ibis.dense_rank().over(order_by=order))
    first_open = ibis.ifelse(placed.mlgov_small == 1, placed.mlgov_place + 1, 0).max().over()
    together = ibis.ifelse(placed.mlgov_small == 1, placed.mlgov_rows, 0).sum().over()
    placed = placed.mutate(mlgov_open=first_open, mlgov_together=together)
    one_more = (placed.mlgov_open == 1) | ((placed.mlgov_open > 1) & (placed.mlgov_together < min_cell))
    also = one_more & (placed.mlgov_place == placed.mlgov_open)
    return placed.mutate(mlgov_kept=ibis.ifelse((placed.mlgov_small == 1) | also, 1, 0))


def _expression(table: Any, axis: Axis) -> Any:  # ibis ships no types
    column = table[axis.column]
    if axis.cut is None:
        return column
    if not column.type().is_numeric():
        raise Missing(f"{axis.column} is {column.type()}, not a number, so it is no score.")
    import ibis

    over = column.cast("float64") >= axis.cut
    return column.isnan().ifelse(ibis.null("boolean"), over) if column.type().is_floating() else over


def _rows(columns: Mapping[str, Sequence[Any]], names: Sequence[str]) -> Iterator[tuple[Any, ...]]:
    return zip(*(columns[name] for name in names), strict=True)


def _number(subject: Subject, question: Any) -> int:  # ibis ships no types
    return int(str(next(iter(subject.ask(question).rows[0].values()))))


def _refuse_too_many(
    subject: Subject, chosen: Any, cells: Cells, axes: Sequence[Axis], names: Sequence[str], *, full: bool, most: int
) -> None:
    for place, (axis, name) in enumerate(zip(axes, names, strict=True)):
        seen = len({key[place] for key in cells.counts})
        if seen > axis.most or (full and _distinct(subject, chosen, name, axis.most) > axis.most):
            raise Missing(f"{axis.column} has more than {axis.most:,} different values, {axis.beyond}.")
    if full:
        crossed = ", ".join(axis.column for axis in axes)
        raise Missing(f"{crossed} have more than {most:,} combinations of values; band them first.")


def _distinct(subject: Subject, chosen: Any, name: str, most: int) -> int:
    few = chosen.select(name).distinct().limit(most + 1)
    return _number(subject, few.aggregate(mlgov_values=few.count()))


def favourable_of(column: str, seen: Sequence[str], wanted: str) -> set[str]:
    """The texts among `seen` that are the favourable value. Raises Missing, naming what was seen, when there is none."""
    good = {text for text in seen if same(text, wanted)}
    if not good:
        shown = ", ".join(repr(value[:40]) for value in seen[:10]) or "none at all"
        raise Missing(f'The favourable value "{wanted}" never occurs in {column}. Values seen: {shown}.')
    return good
