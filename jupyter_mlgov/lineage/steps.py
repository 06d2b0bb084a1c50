"""How each step stands: fresh, or stale with the reason, by following names from cell run to cell run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.lineage.boundary import PARAMETER_TAGS
from jupyter_mlgov.lineage.facts import CellRun, Outcome, Step, StepState, StepStatus

Cell = tuple[str, Step | None, Digest | None]

_BROKEN = {
    Outcome.FAILED: StepState.FAILED,
    Outcome.SYNTAX: StepState.FAILED,
    Outcome.KILLED: StepState.KILLED,
    Outcome.RUNNING: StepState.RUNNING,
}
# Of a step's cells the one that stands worst speaks for it.
_WORST = (StepState.RUNNING, StepState.FAILED, StepState.KILLED, StepState.NEVER_RAN, StepState.STALE, StepState.FRESH)


def step_statuses(runs: Sequence[CellRun], cells: Sequence[Cell]) -> tuple[StepStatus, ...]:
    """The steps of a notebook in the order of its cells.

    `cells` are its code cells as they are now: (cell id, step, digest of the source; None where that is not known). A step is
    stale when its cell was edited after it ran, when a cell it took a name from was edited, failed, ran again later, is
    gone or is itself stale, or when it took a name from a cell below it.
    """
    cells = present(runs, cells)
    judge = Judge(runs, cells)
    groups: dict[Step, list[str]] = {}
    for cell_id, step, _ in cells:
        if step is not None:
            groups.setdefault(step, []).append(cell_id)
    return tuple(_status(step, ids, judge) for step, ids in groups.items())


def present(runs: Sequence[CellRun], cells: Sequence[Cell]) -> list[Cell]:
    """`cells` without those that the front end said were deleted, which a file that is not saved yet still has."""
    gone: set[str] = set()
    for run in runs:
        gone = (gone | set(run.deleted)) - {run.cell_id}
    return [cell for cell in cells if cell[0] not in gone]


def _status(step: Step, cell_ids: list[str], judge: Judge) -> StepStatus:
    views = [judge.cell(cell_id) for cell_id in cell_ids]
    worst = min(views, key=lambda view: _WORST.index(view.state))
    ran = [view.run for view in views if view.run is not None]
    return StepStatus(
        step=step,
        cells=tuple(cell_ids),
        state=worst.state,
        why=worst.why,
        order=max((run.order for run in ran), default=0),
        duration_ms=round(sum(run.duration_ms for run in ran), 3),
        reads=tuple(dict.fromkeys(name for run in ran for name in run.reads)),
        writes=tuple(dict.fromkeys(name for run in ran for name in run.writes)),
    )


@dataclass(frozen=True, slots=True)
class View:
    """How one cell stands, why, and its last run."""

    state: StepState
    why: str = ""
    run: CellRun | None = None


class Judge:
    """The runs of a session held against the cells of the file."""

    def __init__(self, runs: Sequence[CellRun], cells: Sequence[Cell]) -> None:
        self._cells = {cell_id: (place, step, digest) for place, (cell_id, step, digest) in enumerate(cells)}
        by_digest = _unique({cell_id: digest for cell_id, _, digest in cells})
        self._runs = [(place, self._cell_of(run, by_digest), run) for place, run in enumerate(runs)]
        self._last = {cell_id: (place, run) for place, cell_id, run in self._runs}
        self._views: dict[str, View] = {}
        self._reasons: dict[int, str] = {}

    def _cell_of(self, run: CellRun, by_digest: dict[Digest, str]) -> str:
        """The id in the file; a front end with ids of its own is matched by the text of the cell."""
        return run.cell_id if run.cell_id in self._cells else by_digest.get(run.source_digest, run.cell_id)

    def cell(self, cell_id: str) -> View:
        """How one cell of the file stands."""
        _, step, digest = self._cells[cell_id]
        if cell_id not in self._last:
            return View(StepState.NEVER_RAN, f"{self._name(cell_id)} never ran in this session")
        at, run = self._last[cell_id]
        if run.outcome in _BROKEN:
            return View(_BROKEN[run.outcome], _broken_why(run), run)
        if digest is not None and digest != run.source_digest:
            return View(StepState.STALE, f"{self._name(cell_id)} was edited after it ran", run)
        if step is not None and step != run.step:
            return View(StepState.STALE, f"{self._name(cell_id)} ran before it was tagged `{step}`; run it again", run)
        why = self._stale(at)
        return View(StepState.STALE, why, run) if why else View(StepState.FRESH, "", run)

    def _stale(self, at: int) -> str:
        """Why the run at `at` rests on something that is no longer so, or an empty text."""
        if at not in self._reasons:
            self._reasons[at] = ""  # a cell that reads its own earlier result does not go round for ever
            self._reasons[at] = self._find_reason(at)
        return self._reasons[at]

    def _find_reason(self, at: int) -> str:
        _, cell_id, run = self._runs[at]
        for name in run.reads:
            maker = self._maker(name, at)
            why = self._later(name, at, maker) or (self._unsound(name, cell_id, maker) if maker is not None else "")
            if why:
                return why
        return ""

    def _maker(self, name: str, at: int) -> int | None:
        """The last run before `at` that bound or changed `name`."""
        return next((place for place, _, run in reversed(self._runs[:at]) if name in run.writes), None)

    def _later(self, name: str, at: int, maker: int | None) -> str:
        """Did a cell above this one, or the one that made `name`, make it again afterwards?"""
        own = self._runs[at][1]
        made = self._runs[maker] if maker is not None else None
        for _, cell_id, run in self._runs[at + 1 :]:
            if name not in run.writes or cell_id == own:
                continue
            is_maker = made is not None and cell_id == made[1]
            if not (is_maker or self._above(cell_id, own)) or (made is not None and _same_import(name, made[2], run)):
                continue
            return f"{self._name(own)} ran before {self._name(cell_id)} changed `{name}`"
        return ""

    def _unsound(self, name: str, own: str, maker: int) -> str:
        """Is the run that made `name` one to rest on?"""
        _, cell_id, run = self._runs[maker]
        if cell_id == own:
            again = "" if _made_the_same(self._last[own][1], run) else f"{self._name(own)} ran on what its own earlier run left in `{name}`"
            return again or self._stale(maker)
        if run.outcome is not Outcome.OK:
            return f"it took `{name}` from {self._name(cell_id)}, which did not finish ({run.outcome})"
        if cell_id not in self._cells:
            passed_in = PARAMETER_TAGS & set(run.tags)
            return "" if passed_in else f"it took `{name}` from {self._name(cell_id)}, which is no longer in the notebook"
        digest = self._cells[cell_id][2]
        if digest is not None and digest != run.source_digest and not _again(self._last[cell_id][1], run):
            return f"it rests on {self._name(cell_id)}, which was edited after it ran"
        if self._above(own, cell_id) and name not in run.imports:
            return f"it took `{name}` from {self._name(cell_id)}, which stands below it"
        between = self._between(name, cell_id, own)
        if between:
            return f"it took `{name}` from {self._name(cell_id)}, though {self._name(between)} between them makes it too"
        why = self._stale(maker)
        return f"it rests on {self._name(cell_id)}, which is stale: {why}" if why and "which is stale" not in why else why

    def _between(self, name: str, maker: str, own: str) -> str:
        """A cell of the file between these two whose last run made `name`: from the top, its result would have been taken."""
        ran = ((cell_id, run) for cell_id, (_, run) in self._last.items() if name in run.writes and cell_id not in (maker, own))
        places = (cell_id for cell_id, run in ran if self._above(maker, cell_id) and self._above(cell_id, own) and name not in run.imports)
        return next(places, "")

    def _above(self, one: str, other: str) -> bool:
        return one in self._cells and other in self._cells and self._cells[one][0] < self._cells[other][0]

    def _name(self, cell_id: str) -> str:
        step = self._cells[cell_id][1] if cell_id in self._cells else None
        return f"the {step.label} cell" if step is not None else f"cell {cell_id}"


def _again(last: CellRun, run: CellRun) -> bool:
    """A newer run of the cell exists: _later() speaks of it."""
    return last.id != run.id


def _made_the_same(after: CellRun, before: CellRun) -> bool:
    """Did two runs of a cell make the same of every name they wrote, by fingerprint?"""
    made = [{ref.name: ref.fingerprint.root for ref in run.outputs if ref.fingerprint} for run in (before, after)]
    return made[0] == made[1] and set(after.writes) - set(after.imports) <= set(made[1])


def _same_import(name: str, before: CellRun, after: CellRun) -> bool:
    """Running the same import again changes nothing."""
    return name in before.imports and name in after.imports and before.source_digest == after.source_digest


def _unique(digests: dict[str, Digest | None]) -> dict[Digest, str]:
    found: dict[Digest, list[str]] = {}
    for cell_id, digest in digests.items():
        if digest is not None:
            found.setdefault(digest, []).append(cell_id)
    return {digest: ids[0] for digest, ids in found.items() if len(ids) == 1}


def _broken_why(run: CellRun) -> str:
    if run.outcome is Outcome.KILLED:
        return "the kernel ended while it ran"
    return "" if run.outcome is Outcome.RUNNING else run.error or str(run.outcome)
