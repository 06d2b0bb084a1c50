"""Hidden state of a recorded session: what the kernel holds that a run of the notebook from the top would not give, cell by cell."""

from __future__ import annotations

from collections.abc import Sequence

from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.lineage.facts import CellRun, Outcome, StepState
from jupyter_mlgov.lineage.staleness import Because, HiddenState, Rerun
from jupyter_mlgov.lineage.steps import Cell, Judge, present

_NOTHING = Digest.of_text("")


def hidden_state(runs: Sequence[CellRun], cells: Sequence[Cell]) -> HiddenState:
    """Judge a session's `runs` against the code cells of the file as they are now: (id, step, digest of the source)."""
    here = present(runs, [cell for cell in cells if cell[2] != _NOTHING])
    judge = Judge(runs, here)
    rerun, never = [], []
    for place, (cell_id, _, digest) in enumerate(here, 1):
        view = judge.cell(cell_id)
        if view.state is StepState.NEVER_RAN:
            never.append(cell_id)
        elif view.state in (StepState.STALE, StepState.FAILED, StepState.KILLED):
            edited = view.run is not None and digest is not None and digest != view.run.source_digest
            because = Because.EDITED if edited else Because.UPSTREAM
            rerun.append(Rerun(cell=cell_id, place=place, because=because, why=view.why or str(view.state)))
    return HiddenState(
        rerun=tuple(rerun),
        never=tuple(never),
        lingering=_lingering(runs, {cell_id for cell_id, _, _ in cells} & {cell_id for cell_id, _, _ in here} | _injected(runs)),
        disorder=disordered(runs, [cell_id for cell_id, _, _ in here]),
        recorded=bool(runs),
    )


def _injected(runs: Sequence[CellRun]) -> set[str]:
    return {run.cell_id for run in runs if "injected-parameters" in run.tags}


def _lingering(runs: Sequence[CellRun], here: set[str]) -> tuple[tuple[str, str], ...]:
    """Names whose last maker is a cell that the notebook has no more."""
    makers = {name: run for run in runs if run.outcome is Outcome.OK for name in run.writes}
    gone = {name: run for name, run in makers.items() if run.cell_id not in here and not name.startswith("_") and name not in run.imports}
    return tuple(sorted((name, run.cell_id) for name, run in gone.items()))


def disordered(runs: Sequence[CellRun], order: Sequence[str]) -> tuple[str, ...]:
    """The cells of `order` (ids, from the top) that ran before a cell above them did."""
    last = {run.cell_id: run.order for run in runs}
    found, highest = [], 0
    for cell_id in order:
        if cell_id in last and last[cell_id] < highest:
            found.append(cell_id)
        highest = max(highest, last.get(cell_id, 0))
    return tuple(found)
