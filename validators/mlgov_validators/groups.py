"""Favourable outcomes by group, counted where the data live: what every fairness validator begins with."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from jupyter_mlgov.sdk import Finding, Missing, Subject, Verdict
from mlgov_validators.intervals import wilson
from mlgov_validators.values import same, text_of

MOST_VALUES = 1000
MOST_GROUPS = 100


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

    @property
    def left_out(self) -> int:
        return self.rows - sum(group.n for group in self.groups)

    @property
    def details(self) -> dict[str, object]:
        return {"column": self.column, "rows": self.rows, "without_group": self.without_group, "without_outcome": self.without_outcome}


def count(subject: Subject, column: str) -> Counted:
    """Count outcomes by the groups of `column`: one aggregate query, no rows pulled.

    Raises Missing when the favourable value never occurs, or where there are too many different values to be decisions or groups.
    """
    roles = subject.roles
    table = subject.table
    # Our own names: a column of the table may be called anything.
    pairs = table.select(mlgov_group=table[column], mlgov_outcome=table[roles.outcome])
    _few(pairs, "mlgov_outcome", MOST_VALUES, f"{roles.outcome} has more than {MOST_VALUES} different values, so it is no decision")
    _few(pairs, "mlgov_group", MOST_GROUPS, f"{column} has more than {MOST_GROUPS} different values, so they are no groups; band it first")
    cells = pairs.group_by(["mlgov_group", "mlgov_outcome"]).agg(mlgov_rows=pairs.count()).to_pyarrow().to_pylist()
    tally: Counter[tuple[str | None, str | None]] = Counter()
    for cell in cells:
        tally[text_of(cell["mlgov_group"]), text_of(cell["mlgov_outcome"])] += int(cell["mlgov_rows"])
    seen = sorted({outcome for _, outcome in tally if outcome is not None})
    good = {outcome for outcome in seen if same(outcome, roles.favourable)}
    if not good:
        shown = ", ".join(repr(value[:40]) for value in seen[:10]) or "none at all"
        raise Missing(f'The favourable value "{roles.favourable}" never occurs in {roles.outcome}. Values seen: {shown}.')
    return _counted(column, tally, good)


def _few(pairs: object, name: str, most: int, sentence: str) -> None:
    different = pairs.select(name).distinct().limit(most + 1).count().execute()  # type: ignore[attr-defined]  # ibis ships no types
    if int(different) > most:
        raise Missing(f"{sentence}.")


def _counted(column: str, tally: Counter[tuple[str | None, str | None]], good: set[str]) -> Counted:
    favourable: Counter[str] = Counter()
    whole: Counter[str] = Counter()
    for (group, outcome), rows in tally.items():
        if group is not None and outcome is not None:
            whole[group] += rows
            favourable[group] += rows if outcome in good else 0
    groups = tuple(Group(label=f"{column} = {name}", k=favourable[name], n=whole[name]) for name in sorted(whole))
    return Counted(
        column=column,
        groups=groups,
        rows=sum(tally.values()),
        without_group=sum(rows for (group, _), rows in tally.items() if group is None),
        without_outcome=sum(rows for (_, outcome), rows in tally.items() if outcome is None),
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
