"""Favourable outcomes by group, counted where the data live: what every fairness validator begins with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from jupyter_mlgov.sdk import Finding, Subject, Verdict
from mlgov_validators.cells import Cells, decision_axis, favourable_of, group_axis, tally
from mlgov_validators.intervals import wilson


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """`k` favourable outcomes of `n` in one group."""

    label: str
    k: int
    n: int

    @property
    def rate(self) -> float:
        return self.k / self.n

    @property
    def interval(self) -> tuple[float, float]:
        return wilson(self.k, self.n) or (0.0, 1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """The groups of one protected column, and the rows that are in none (no group, or no outcome)."""

    column: str
    groups: tuple[Group, ...]
    rows: int
    without_group: int
    without_outcome: int
    sql: str = ""
    withheld: int = 0

    @property
    def left_out(self) -> int:
        return self.rows - sum(group.n for group in self.groups)

    @property
    def details(self) -> dict[str, object]:
        found = {"column": self.column, "rows": self.rows, "without_group": self.without_group, "without_outcome": self.without_outcome}
        return {**found, "sql": self.sql}


def count(subject: Subject, column: str, min_cell: int = 0) -> Counted:
    """Count outcomes by the groups of `column`: one aggregate query, no rows pulled.

    Raises Missing when the favourable value never occurs, or where there are too many different values to be decisions or groups.
    """
    roles = subject.roles
    cells = tally(subject, (group_axis(column), decision_axis(roles.outcome)), groups=1, min_cell=min_cell)
    good = set() if cells.withheld and not cells.counts else favourable_of(roles.outcome, cells.values(1), roles.favourable)
    return _counted(column, cells, good)


def _counted(column: str, cells: Cells, good: set[str]) -> Counted:
    favourable: Counter[str] = Counter()
    whole: Counter[str] = Counter()
    for (group, outcome), rows in cells.counts.items():
        if group is not None and outcome is not None:
            whole[group] += rows
            favourable[group] += rows if outcome in good else 0
    groups = tuple(Group(label=f"{column} = {name}", k=favourable[name], n=whole[name]) for name in sorted(whole))
    return Counted(
        column=column,
        groups=groups,
        rows=cells.rows,
        without_group=sum(rows for (group, _), rows in cells.counts.items() if group is None),
        without_outcome=sum(rows for (_, outcome), rows in cells.counts.items() if outcome is None),
        sql=cells.sql,
        withheld=cells.withheld,
    )


def reference(groups: tuple[Group, ...], min_n: int) -> Group:
    """The group others are compared with: the highest rate among those with at least `min_n` cases (of all, where none has)."""
    enough = [group for group in groups if group.n >= min_n] or list(groups)
    return min(enough, key=lambda group: (-group.rate, -group.n, group.label))


def unfit(counted: Counted) -> Finding | None:
    """Why these groups cannot be compared at all, or None."""
    if len(counted.groups) >= 2:
        return None
    name = counted.column
    if counted.withheld:
        said = f"After suppression of small cells fewer than two groups of {name} are left: there is nothing to compare."
        return Finding(message=said, verdict=Verdict.INCONCLUSIVE, where=name, details=counted.details)
    if not counted.groups:
        said = f"No row has both a value of {name} and an outcome, so there are no groups to compare."
    else:
        said = f"{name} has one group only ({counted.groups[0].label}, {counted.groups[0].n:,} rows): there is nothing to compare it with."
    return Finding(message=said, verdict=Verdict.INCONCLUSIVE, where=name, details=counted.details)


def left_out(counted: Counted, most: float) -> Finding | None:
    """A finding about rows that no group holds: said always, `inconclusive` when more than the share `most`."""
    if not counted.left_out:
        return None
    share = counted.left_out / counted.rows
    parts = [f"{counted.without_group:,} have no value of {counted.column}"] if counted.without_group else []
    parts += [f"{counted.without_outcome:,} have no outcome"] if counted.without_outcome else []
    said = f"{counted.left_out:,} of {counted.rows:,} rows are in no group: {' and '.join(parts)}. They were not judged."
    verdict = Verdict.INCONCLUSIVE if share > most else Verdict.WARN
    allowed = f"at most {most:.0%} left out"
    return Finding(
        message=said, verdict=verdict, measured=share, allowed=allowed, n=counted.rows, where=counted.column, details=counted.details
    )


def kept_back(column: str, withheld: int, min_cell: int, details: Mapping[str, object]) -> Finding | None:
    """A finding about groups that stayed in the warehouse because a cell of theirs was smaller than policy lets out."""
    if not withheld:
        return None
    said = (
        f"{withheld:,} groups of {column} have a cell of fewer than {min_cell} rows, or would give one away by subtraction. "
        "Policy keeps them back, so they were not judged."
    )
    return Finding(message=said, verdict=Verdict.INCONCLUSIVE, allowed=f"cells of at least {min_cell}", where=column, details=details)
