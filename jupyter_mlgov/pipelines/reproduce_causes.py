"""Where two runs part first, and what in their records can explain it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from jupyter_mlgov.lineage.comparison import Difference
from jupyter_mlgov.lineage.facts import CellRun, Lineage, Outcome
from jupyter_mlgov.pipelines.reproduce import Artefact, Grade, last_runs

CauseKind = Literal["code", "data", "generator", "clock", "network", "package", "threads", "blas", "machine", "variable", "program", "none"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """A recorded fact that can make the second run differ. `cell` is where it stands, empty for the environment."""

    kind: CauseKind
    sentence: str
    cell: str = ""


NOTHING = Cause(
    kind="none",
    sentence="nothing in the record explains it: look for threads that race, unordered sets, or state that no cell made",
)


def first_divergent(artefacts: Iterable[Artefact]) -> Artefact | None:
    """The first artefact that diverged, in the order of the cells' second run; else the first that nobody could tell about."""
    found = list(artefacts)
    for grade in (Grade.DIVERGENT, Grade.UNKNOWN, Grade.SAME):
        for one in found:
            if one.grade is grade:
                return one
    return None


def causes(cell: str, before: Lineage, after: Lineage, environment: Sequence[Difference]) -> tuple[Cause, ...]:
    """What can explain that `cell` diverged, the likeliest first.

    What is known to differ (code, data) comes before what can differ (chance, clock, network), in the cell itself before the cells that
    it rests on; then the environment. `environment` are its differences from the recorded one.
    """
    mine, theirs = last_runs(before), last_runs(after)
    above = _above(cell, theirs if cell in theirs else mine)
    pairs = [(mine.get(one), theirs.get(one)) for one in above]
    found = [
        *_code(pairs),
        *_data(pairs),
        *(cause for kind in ("unseeded", "clocks", "network") for pair in pairs for cause in _outside(kind, pair)),
        *_environment(environment),
        *(cause for kind in ("variables", "programs") for pair in pairs for cause in _outside(kind, pair)),
    ]
    return tuple(dict.fromkeys(found)) or (NOTHING,)


# What the kernel itself asks for in each cell.
_FURNITURE = frozenset({"IPYKERNEL_CELL_NAME"})

Pair = tuple[CellRun | None, CellRun | None]


def _above(cell: str, runs: dict[str, CellRun]) -> list[str]:
    """The cell, then the cells its names come from, nearest first, then every other cell that ran before it."""
    order = list(runs)
    upto = order[: order.index(cell) + 1] if cell in runs else order
    needed, chain, rest = set[str](), [], []
    for one in reversed(upto):
        run = runs[one]
        if one == cell or needed & {*run.writes, *run.changed}:
            chain.append(one)
            needed |= set(run.reads)
        else:
            rest.append(one)
    return [*chain, *rest]


def _code(pairs: Iterable[Pair]) -> Iterator[Cause]:
    for one, two in pairs:
        if one and two and one.source_digest != two.source_digest and one.meaning != two.meaning:
            yield Cause(kind="code", sentence=f"cell {one.cell_id} says something else now", cell=one.cell_id)


def _data(pairs: Iterable[Pair]) -> Iterator[Cause]:
    for one, two in pairs:
        if one is None or two is None:
            continue
        now = {ref.path: ref.digest for ref in two.files_read}
        for ref in one.files_read:
            if ref.path in now and ref.digest != now[ref.path]:
                yield Cause(kind="data", sentence=f"the data changed: {ref.path} has other content now", cell=one.cell_id)
        fresh = {(ref.system, ref.version, ref.digest) for ref in two.sources_read}
        for source in one.sources_read:
            if fresh and (source.system, source.version, source.digest) not in fresh:
                told = f"the data changed: version {source.version} of the {source.system} table {source.name} was read then"
                yield Cause(kind="data", sentence=told, cell=one.cell_id)


def _outside(kind: str, pair: Pair) -> Iterator[Cause]:
    runs = [run for run in pair if run is not None]
    if not runs:
        return
    cell = runs[0].cell_id
    if names := _names(runs, "unseeded", kind):
        yield Cause(kind="generator", sentence=f"cell {cell} draws from a generator without a seed ({names})", cell=cell)
    if names := _names(runs, "clocks", kind):
        yield Cause(kind="clock", sentence=f"cell {cell} reads the clock ({names})", cell=cell)
    if kind == "network" and (names := _joined([*_all(runs, "connections"), *_all(runs, "remote")])):
        yield Cause(kind="network", sentence=f"cell {cell} talks to the network ({names})", cell=cell)
    if names := _names(runs, "variables", kind):
        yield Cause(kind="variable", sentence=f"cell {cell} reads environment variables ({names})", cell=cell)
    if names := _names(runs, "programs", kind):
        yield Cause(kind="program", sentence=f"cell {cell} starts programs ({names})", cell=cell)


def _names(runs: Iterable[CellRun], field: str, kind: str) -> str:
    return _joined(_all(runs, field)) if kind == field else ""


def _all(runs: Iterable[CellRun], field: str) -> list[str]:
    return [name for run in runs for name in getattr(run.surroundings, field) if name not in _FURNITURE]


def _joined(names: Iterable[str]) -> str:
    found = list(dict.fromkeys(names))
    return ", ".join(found[:5]) + (f" and {len(found) - 5} more" if len(found) > 5 else "")


def _environment(found: Iterable[Difference]) -> Iterator[Cause]:
    for one in found:
        if not one.matters or not one.known:
            continue
        if one.kind in ("package", "files"):
            yield Cause(kind="package", sentence=f"a package changed: {one}")
        elif one.kind == "setting" and one.what.endswith("_THREADS"):
            yield Cause(kind="threads", sentence=f"another number of threads: {one}")
        elif one.kind == "blas":
            yield Cause(kind="blas", sentence=f"another linear algebra library or thread count: {one}")
        else:
            yield Cause(kind="variable" if one.kind == "setting" else "machine", sentence=f"{one}")


def failure(after: Lineage) -> CellRun | None:
    """The cell that ended the second run, if one did."""
    return next((run for run in after.runs if run.outcome is not Outcome.OK), None)
