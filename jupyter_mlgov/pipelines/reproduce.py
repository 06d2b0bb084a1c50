"""A second run held against the record: a grade for each artefact, and the worst of them for the whole."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Literal, Protocol

from jupyter_mlgov.core.errors import BadInput, unknown
from jupyter_mlgov.lineage.compare import compare
from jupyter_mlgov.lineage.facts import CellRun, FileRef, Fingerprint, Lineage, ObjectRef, Outcome
from jupyter_mlgov.pipelines.reproduce_values import Closeness, Values, closeness

SECTION = "reproduce"
# Stores that note the time of each run: what lies in them is no result.
_STORES = ("mlruns/", "mlartifacts/", "mlflow.db", "runs/")


class Grade(StrEnum):
    """How an artefact of the second run compares with the recorded one."""

    IDENTICAL = "identical"
    WITHIN = "within tolerance"
    SAME = "same in distribution"
    UNKNOWN = "could not tell"
    DIVERGENT = "divergent"


_ORDER = tuple(Grade)


def worst(grades: Iterable[Grade]) -> Grade:
    """The worst of them; of none at all nothing can be told."""
    return max(grades, key=_ORDER.index, default=Grade.UNKNOWN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """`[reproduce]` of mlgov.toml: absolute tolerances of metrics and columns, and columns that need only the same distribution.

    `alpha`: two samples count as different when their test has a smaller p-value. `snowflake_days`: how long the account's Time Travel
    keeps what was read; 0: Snowflake is not asked.
    """

    tolerance: Mapping[str, float]
    distribution: tuple[str, ...] = ()
    alpha: float = 0.05
    snowflake_days: int = 0


LONGEST_TRAVEL = 90  # days; Snowflake's most, for permanent tables of its Enterprise edition


def declared(section: Mapping[str, object]) -> Declared:
    """The section as facts. Raises BadInput for a wrong type or a negative tolerance, UsageError for an unknown key."""
    known = ("tolerance", "distribution", "alpha", "snowflake_days")
    for key in section:
        if key not in known:
            raise unknown("key in [reproduce] of mlgov.toml", key, known)
    tolerance, columns, alpha = section.get("tolerance", {}), section.get("distribution", []), section.get("alpha", 0.05)
    if not isinstance(tolerance, Mapping) or not all(_positive(value) for value in tolerance.values()):
        raise _wrong("tolerance must be a table of metric or column = number, none of them negative")
    if not isinstance(columns, list) or not all(isinstance(name, str) for name in columns):
        raise _wrong("distribution must be a list of columns")
    if not isinstance(alpha, float) or not 0 < alpha < 1:
        raise _wrong("alpha must lie between 0 and 1")
    days = section.get("snowflake_days", 0)
    if not isinstance(days, int) or isinstance(days, bool) or not 0 <= days <= LONGEST_TRAVEL:
        raise _wrong(f"snowflake_days must be a whole number of days, at most {LONGEST_TRAVEL}")
    allowed = {str(name): float(value) for name, value in tolerance.items()}
    return Declared(tolerance=allowed, distribution=tuple(columns), alpha=alpha, snowflake_days=days)


def _positive(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value) and value >= 0


def _wrong(rule: str) -> BadInput:
    return BadInput(f"mlgov.toml: {rule} in [reproduce].", next="Mend mlgov.toml and run the command again.")


Kind = Literal["table", "array", "model", "metric", "file", "data"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Artefact:
    """One thing that a cell took in or made, with its grade. `why` is empty where it is identical."""

    cell: str
    step: str
    name: str
    kind: Kind
    side: Literal["in", "out"]
    grade: Grade
    why: str = ""


class Kept(Protocol):
    """Rows that were kept: the values of one column of a recorded table and of the same table of the second run, or None."""

    def __call__(self, before: ObjectRef, after: ObjectRef, column: str, /) -> tuple[Values, Values] | None: ...


def graded(before: Lineage, after: Lineage, wanted: Declared, kept: Kept, *, score: str = "") -> tuple[Artefact, ...]:
    """Every artefact of the recorded cells, in the order in which they ran again.

    A model that differs is within tolerance where the column `score` of a kept table has a declared tolerance and keeps it.
    """
    mine, theirs = last_runs(before), last_runs(after)
    order = [*(cell for cell in theirs if cell in mine), *(cell for cell in mine if cell not in theirs)]
    found = [one for cell in order for one in _cell(mine[cell], theirs.get(cell), wanted, kept)]
    return tuple(_by_scores(one, found, wanted, score) for one in found)


def last_runs(lineage: Lineage) -> dict[str, CellRun]:
    """The last run of each cell, in the order of these runs."""
    runs: dict[str, CellRun] = {}
    for run in lineage.runs:
        runs.pop(run.cell_id, None)
        runs[run.cell_id] = run
    return runs


def _cell(before: CellRun, after: CellRun | None, wanted: Declared, kept: Kept) -> Iterator[Artefact]:
    if before.outcome is not Outcome.OK:
        return
    ran = after is not None and after.outcome is Outcome.OK
    lost = "" if ran else "the cell did not run again" if after is None else f"the cell ended with: {after.error or after.outcome}"
    label = before.step.label if before.step else ""

    def one(name: str, kind: Kind, side: Literal["in", "out"], grade: Grade, why: str) -> Artefact:
        return Artefact(cell=before.cell_id, step=label, name=name, kind=kind, side=side, grade=grade, why=why)

    later = after if after is not None and ran else None
    for side, mine, theirs in (
        ("in", before.inputs, later.inputs if later else ()),
        ("out", before.outputs, later.outputs if later else ()),
    ):
        there = {ref.name: ref for ref in theirs}
        for ref in {ref.name: ref for ref in mine}.values():
            grade, why = (Grade.UNKNOWN, lost) if lost else _object(ref, there.get(ref.name), wanted, kept)
            yield one(ref.name, ref.kind, "in" if side == "in" else "out", grade, why)
    for name, value in before.metrics.items():
        grade, why = (Grade.UNKNOWN, lost) if lost or later is None else _metric(name, value, later.metrics.get(name), wanted)
        yield one(name, "metric", "out", grade, why)
    if before.step is not None:
        for ref_, other in _files(before.files_written, later.files_written if later else ()):
            grade, why = (Grade.UNKNOWN, lost) if lost else _file(ref_, other)
            yield one(ref_.path, "file", "out", grade, why)


def _object(before: ObjectRef, after: ObjectRef | None, wanted: Declared, kept: Kept) -> tuple[Grade, str]:
    if after is None:
        return Grade.DIVERGENT, "the second run did not make it"
    mine, theirs = before.fingerprint, after.fingerprint
    if mine is None or theirs is None:
        return Grade.UNKNOWN, (before if mine is None else after).note or "it has no fingerprint"
    if mine.method != theirs.method:
        return Grade.UNKNOWN, f"fingerprints of two methods: {mine.method} and {theirs.method}"
    if mine.root == theirs.root:
        return Grade.IDENTICAL, ""
    if not mine.columns:
        told = before.name in wanted.tolerance
        return (Grade.UNKNOWN, "a tolerance is declared, but its values were not kept") if told else (Grade.DIVERGENT, "it differs")
    return _table(before, after, (mine, theirs), wanted, kept)


def _table(before: ObjectRef, after: ObjectRef, prints: tuple[Fingerprint, Fingerprint], wanted: Declared, kept: Kept) -> tuple[Grade, str]:
    found = compare(*prints)
    if prints[0].rows != prints[1].rows:
        return Grade.DIVERGENT, f"{prints[1].rows:,} rows where {prints[0].rows:,} were recorded"
    shape = [*found.added, *found.removed, *(one.was for one in found.renamed), *(one.column for one in found.retyped)]
    if shape or found.reordered:
        return Grade.DIVERGENT, f"other columns, types or order: {', '.join(shape[:5]) or 'the order of columns'}"
    if not found.changed:
        return Grade.DIVERGENT, "the same columns with another index or order of rows"
    told = [_column(one.column, before, after, wanted, kept) for one in found.changed]
    grade = worst(each for each, _ in told)
    return grade, "; ".join(why for each, why in told if each is grade)


def _column(name: str, before: ObjectRef, after: ObjectRef, wanted: Declared, kept: Kept) -> tuple[Grade, str]:
    limit = wanted.tolerance.get(name)
    if limit is None and name not in wanted.distribution:
        return Grade.DIVERGENT, f"column {name} differs"
    values = kept(before, after, name)
    if values is None:
        return Grade.UNKNOWN, f"column {name} differs; something is declared for it, but its rows were not kept"
    near = closeness(*values)
    if limit is not None and near.largest is not None and near.largest <= limit:
        return Grade.WITHIN, f"column {name} differs by {near.largest:.3g} at most, allowed {limit:g}"
    if name in wanted.distribution:
        return _distributed(name, near, wanted)
    far = "in values that are no numbers" if near.largest is None else f"by {near.largest:.3g}, allowed {limit:g}"
    return Grade.DIVERGENT, f"column {name} differs {far}"


def _distributed(name: str, near: Closeness, wanted: Declared) -> tuple[Grade, str]:
    if near.p is None:
        return Grade.UNKNOWN, f"column {name}: {near.problem}"
    told = f"column {name}: {near.test} p = {near.p:.3g}, n = {near.n:,}"
    return (Grade.SAME if near.p >= wanted.alpha else Grade.DIVERGENT), told


def _metric(name: str, before: float, after: float | None, wanted: Declared) -> tuple[Grade, str]:
    if after is None:
        return Grade.DIVERGENT, "the second run did not measure it"
    if before == after or (math.isnan(before) and math.isnan(after)):
        return Grade.IDENTICAL, ""
    apart = abs(before - after)
    limit = wanted.tolerance.get(name)
    why = f"{before:.9g} was recorded, {after:.9g} came now"
    if limit is not None and apart <= limit:
        return Grade.WITHIN, f"{why}; allowed {limit:g}"
    return Grade.DIVERGENT, why


def _files(before: Iterable[FileRef], after: Iterable[FileRef]) -> Iterator[tuple[FileRef, FileRef | None]]:
    there = {ref.path: ref for ref in after}
    for ref in {ref.path: ref for ref in before}.values():
        if not ref.path.startswith(_STORES):
            yield ref, there.get(ref.path)


def _file(before: FileRef, after: FileRef | None) -> tuple[Grade, str]:
    if after is None:
        return Grade.DIVERGENT, "the second run did not write it"
    if before.digest is None or after.digest is None:
        return Grade.UNKNOWN, "its content is not known"
    return (Grade.IDENTICAL, "") if before.digest == after.digest else (Grade.DIVERGENT, "other content")


def _by_scores(one: Artefact, found: Iterable[Artefact], wanted: Declared, score: str) -> Artefact:
    """A model is what it scores: its parameters may differ in the last bit."""
    if one.kind != "model" or one.grade is not Grade.DIVERGENT or score not in wanted.tolerance:
        return one
    scored = [each for each in found if each.kind == "table" and f"column {score} differs by" in each.why]
    if scored and all(each.grade is Grade.WITHIN for each in scored):
        return replace(one, grade=Grade.WITHIN, why=f"its parameters differ; {scored[0].why}")
    return one


def out_of_order(recorded: Lineage, cells: Iterable[str]) -> tuple[str, ...]:
    """Cells whose last run came before the last run of a cell above them; `cells` are the notebook's, from top to bottom."""
    place = {run.cell_id: number for number, run in enumerate(last_runs(recorded).values())}
    found, latest = [], -1
    for cell in cells:
        if cell not in place:
            continue
        if place[cell] < latest:
            found.append(cell)
        latest = max(latest, place[cell])
    return tuple(found)
