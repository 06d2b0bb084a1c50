"""Equivalence: the steps of a notebook, run one by one, must give what the notebook gives in one kernel."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.core.errors import BadInput
from jupyter_mlgov.pipelines.steps import Piece, PlannedStep
from jupyter_mlgov.workspace.stepping import StepBook, run_step, shown

if TYPE_CHECKING:
    from jupyter_mlgov.lineage.facts import Lineage
    from jupyter_mlgov.workspace.composition import Workspace


class NotEquivalent(BadInput):
    """Steps that give something else than the notebook, or that could not be run. Nothing was exported."""

    exit_code = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What was compared. `equal` values had the same root in both; `unknown` have none, so nothing is said of them."""

    plan: Digest
    equal: tuple[str, ...]
    unknown: tuple[str, ...]
    recorded: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        said = f"{len(self.equal)} values of the steps equal the notebook's"
        said += f", {len(self.recorded)} of them also what is on record" if self.recorded else ""
        return said + (
            f"; {len(self.unknown)} have no fingerprint and were not compared: {', '.join(self.unknown[:8])}." if self.unknown else "."
        )


def prove(workspace: Workspace, book: StepBook, lineage: Lineage, say: Callable[[str], None] | None = None) -> Proof:
    """Run the notebook once in one kernel and once step by step, with the parameters of the recorded run, and hold all values together.

    Neither is a run of the model: nothing enters the record. Raises NotEquivalent naming the first value that differs, and CannotCross.
    """
    values = _recorded_parameters(book, lineage)
    with tempfile.TemporaryDirectory(prefix="mlgov-proof-") as place:
        whole = _whole(workspace, book, values, Path(place) / "whole", say)
        stepwise = _stepwise(workspace, book, values, Path(place) / "steps", say)
    equal, unknown = _compare(book, whole, stepwise)
    return Proof(plan=plan_digest(book, values), equal=equal, unknown=unknown, recorded=_on_record(book, lineage, whole))


def plan_digest(book: StepBook, values: Mapping[str, object]) -> Digest:
    """What a proof holds for: the notebook's cells and the parameters it ran with."""
    cells = [[cell.id, cell.source, list(cell.tags)] for cell in book.notebook.cells if cell.type == "code"]
    return Digest.of_json({"cells": cells, "parameters": {name: repr(value) for name, value in sorted(shown(values, book).items())}})


def proof_subject(workspace: Workspace, book: StepBook, lineage: Lineage) -> Digest | None:
    """All that a proof rests on: cells, parameters, environment and data files; None where the files are not known."""
    from jupyter_mlgov.lineage.environment import environment
    from jupyter_mlgov.pipelines.plan import with_files

    if lineage.session is None:
        return None
    paths = sorted({path for step in with_files(book.graph, lineage).steps for path in (*step.data, *step.reads)})
    files = {path: str(Digest.of_file(workspace.root / path)) for path in paths if (workspace.root / path).is_file()}
    plan = plan_digest(book, _recorded_parameters(book, lineage))
    return Digest.of_json({"plan": plan, "files": files, "environment": environment().digest})


def _recorded_parameters(book: StepBook, lineage: Lineage) -> dict[str, object]:
    """Parameters of the recorded run that still fit; the notebook's defaults where they do not or none was recorded."""
    from jupyter_mlgov.core.errors import UsageError
    from jupyter_mlgov.pipelines.parameters import check

    found: dict[str, object] = {}
    for one in book.parameters:
        if one.name in lineage.parameters and one.literal and not one.secret and lineage.parameters[one.name] != one.default:
            try:
                found |= check({one.name: lineage.parameters[one.name]}, book.parameters)
            except UsageError:
                continue
    return found


def _whole(
    workspace: Workspace, book: StepBook, values: Mapping[str, object], folder: Path, say: Callable[[str], None] | None
) -> dict[str, dict[str, str | None]]:
    """The roots at the end of each step, when all run in one kernel in the order of the notebook."""
    made: dict[str, dict[str, str | None]] = {}
    last = {max(step.numbers): step for step in book.graph.steps}
    pieces = {(piece.index): piece for step in book.graph.steps for piece in step.pieces if piece.own}
    scene = _scene(book)
    ordered = [pieces.get(number) or scene[number] for number in sorted({*pieces, *scene})]
    everything = PlannedStep(name="whole", step=book.graph.steps[0].step, cells=(), numbers=(), pieces=tuple(ordered))
    snapshots = {number: step.made for number, step in last.items()}
    done = run_step(
        workspace,
        book,
        everything,
        [],
        folder,
        values,
        recorded=False,
        snapshots=snapshots,
        progress=_said(say, "the notebook in one kernel"),
    )
    if done.outcome != "ok":
        raise NotEquivalent(f"{book.name} does not run from top to bottom: {done.sentence}", next="Mend it, run it, and export again.")
    for number, roots in done.snapshots.items():
        made[last[number].name] = dict(roots)
    return made


def _scene(book: StepBook) -> dict[int, Piece]:
    """Cells that only set the scene, whole, by their number."""
    own = {number for step in book.graph.steps for number in step.numbers}
    used = {piece.index for step in book.graph.steps for piece in step.pieces if not piece.own}
    found = {}
    for cell in book.notebook.cells:
        if cell.index in used and cell.index not in own:
            parameters = any(piece.parameters for step in book.graph.steps for piece in step.pieces if piece.index == cell.index)
            found[cell.index] = Piece(cell=cell.id, index=cell.index, source=cell.source, parameters=parameters, tags=cell.tags)
    return found


def _stepwise(
    workspace: Workspace, book: StepBook, values: Mapping[str, object], folder: Path, say: Callable[[str], None] | None
) -> dict[str, Mapping[str, str | None]]:
    made: dict[str, Mapping[str, str | None]] = {}
    for step in book.graph.steps:
        done = run_step(
            workspace, book, step, [folder], folder / step.name, values, recorded=False, progress=_said(say, f"step {step.name}")
        )
        if done.outcome != "ok":
            raise NotEquivalent(
                f"Step {step.name} of {book.name} does not run by itself, though the notebook does: {done.sentence}",
                next="Give it what it needs, or export without proof: --unproven, which is recorded.",
            )
        made[step.name] = done.made
    return made


def _compare(
    book: StepBook, whole: Mapping[str, Mapping[str, str | None]], stepwise: Mapping[str, Mapping[str, str | None]]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    equal: list[str] = []
    unknown: list[str] = []
    for step in book.graph.steps:
        for name in step.made:
            one, other = whole[step.name].get(name, "gone"), stepwise[step.name].get(name, "gone")
            if one != other:
                raise NotEquivalent(
                    f"`{name}`, which step {step.name} makes (cell {', '.join(map(str, step.numbers))}), is not what the"
                    f" notebook makes of it: {_short(other)} instead of {_short(one)}. Nothing was exported.",
                    next="Look for a generator without a seed, the clock, or state outside of names; --unproven exports all the same.",
                )
            (equal if one is not None else unknown).append(f"{step.name}.{name}")
    return tuple(equal), tuple(unknown)


def _short(root: str | None) -> str:
    return f"{root[:13]}…" if root and root.startswith("sha256:") else str(root)


def _on_record(book: StepBook, lineage: Lineage, whole: Mapping[str, Mapping[str, str | None]]) -> tuple[str, ...]:
    """Values whose root is what the last recorded run of the notebook had. Raises NotEquivalent where that run saw something else."""
    from jupyter_mlgov.pipelines.formats import roots_from

    found: list[str] = []
    sources = {cell.id: Digest.of_text(cell.source) for cell in book.notebook.cells}
    for step in book.graph.steps:
        runs = [run for run in lineage.runs if run.cell_id in step.cells and str(run.outcome) == "ok"]
        if any(sources.get(run.cell_id) != run.source_digest for run in runs):
            continue  # the cells were edited since: the record is of another text
        last = {ref.name: ref for run in runs for ref in run.outputs if ref.fingerprint is not None}
        for name, ref in last.items():
            now = whole[step.name].get(name)
            if now is None or ref.fingerprint is None:
                continue
            if now not in roots_from(ref.fingerprint):
                raise NotEquivalent(
                    f"The notebook itself no longer gives what is on record: `{name}` of step {step.name} is another now.",
                    next="Its data, its packages or chance changed. Run it again (`mlgov run`), then export.",
                )
            found.append(f"{step.name}.{name}")
    return tuple(found)


def _said(say: Callable[[str], None] | None, what: str) -> Callable[[int, int, str], None] | None:
    return None if say is None else lambda cell, of, _: say(f"proving: {what}, cell {cell} of {of}")
