"""`mlgov reproduce --quick`: only the steps from the first changed one on, upon values of the recorded run that were kept."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_mlgov.core.errors import NotReady
from jupyter_mlgov.lineage.comparison import Difference
from jupyter_mlgov.lineage.environment import normalised
from jupyter_mlgov.lineage.facts import CellRun, Lineage, ObjectRef
from jupyter_mlgov.pipelines.reproduce import last_runs
from jupyter_mlgov.pipelines.steps import PlannedStep
from jupyter_mlgov.workspace.stepping import StepBook, run_step, step_book

if TYPE_CHECKING:
    from jupyter_mlgov.workspace.composition import Workspace

TOKEN = "reproduce"
_WHOLE = "Run it whole, without --quick."


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """Which steps ran again, the recorded runs of their cells, and why the last one did not end well (empty when it did)."""

    steps: tuple[str, ...]
    recorded: Lineage
    problem: str = ""


def replay(
    workspace: Workspace,
    again: Workspace,
    recorded: Lineage,
    changed: Collection[str],
    environment: Sequence[Difference],
    given: Mapping[str, object],
    folder: Path,
    say: Callable[[str], None],
) -> Replayed:
    """Run the steps from the first one that read a file in `changed` or uses a package in `environment` that is another now.

    Raises NotReady where nothing changed, or where a value that these steps take was not kept; BadInput for a notebook that cannot be
    cut into steps.
    """
    book = step_book(again.path_of(recorded.notebook), recorded.notebook)
    runs = last_runs(recorded)
    steps = book.graph.steps
    first = next((place for place, step in enumerate(steps) if _changed(step, runs, changed, environment)), None)
    if first is None:
        raise NotReady("Nothing that a step rests on has changed since, so there is no step to replay.", next=_WHOLE)
    used = {name: value for name, value in given.items() if name in {one.name for one in book.parameters}}
    kept = _restored(workspace, recorded, book, first, used, folder)
    problem = ""
    for step in steps[first:]:
        say(f"replaying {step.label} …")
        place = folder / "values" / step.name
        done = run_step(again, book, step, kept, place, used, token=TOKEN)
        if done.outcome != "ok":
            problem = done.sentence
            break
        kept = [*kept, place]
    cells = {cell for step in steps[first:] for cell in step.cells}
    mine = replace(recorded, runs=tuple(run for run in recorded.runs if run.cell_id in cells))
    return Replayed(steps=tuple(step.label for step in steps[first:]), recorded=mine, problem=problem)


def _changed(step: PlannedStep, runs: Mapping[str, CellRun], changed: Collection[str], environment: Sequence[Difference]) -> bool:
    packages = {one.what for one in environment if one.kind == "package" and one.matters}
    everywhere = any(one.kind == "python" and one.matters for one in environment)
    mine = [runs[cell] for cell in step.cells if cell in runs]
    read = {ref.path for run in mine for ref in run.files_read}
    used = {normalised(name) for run in mine for name in run.distributions}
    return everywhere or bool(read & set(changed)) or bool(used & packages)


def _restored(workspace: Workspace, recorded: Lineage, book: StepBook, first: int, given: Mapping[str, object], folder: Path) -> list[Path]:
    """Folders, one a step that is not run again, with the values that the others take of it, each verified against its fingerprint."""
    from jupyter_mlgov.pipelines.crossing import write_manifest, write_values
    from jupyter_mlgov.pipelines.stepbook import step_digest

    before = {step.name: step for step in book.graph.steps[:first]}
    known = {one.name: one.default for one in book.parameters if one.literal and not one.secret} | dict(given)
    wanted: dict[str, list[str]] = {}
    for step in book.graph.steps[first:]:
        for name, maker in step.takes.items():
            if maker in before and name not in wanted.setdefault(maker, []):
                wanted[maker].append(name)
    places = []
    for maker, names in wanted.items():
        place = folder / "kept" / maker
        values = {name: _value(workspace, recorded, before[maker], name) for name in names}
        about = {"step": maker, "notebook": book.name, "code": str(step_digest(before[maker], known))}
        write_manifest(place, about, write_values(values, place, step=maker))
        places.append(place)
    return places


def _value(workspace: Workspace, recorded: Lineage, maker: PlannedStep, name: str) -> Any:
    from jupyter_mlgov.lineage.fingerprint import measured

    refs = [ref for run in recorded.runs if run.cell_id in maker.cells for ref in run.outputs if ref.name == name]
    ref = refs[-1] if refs else None
    if ref is None or ref.stored is None or ref.fingerprint is None:
        raise NotReady(
            f"`{name}`, which step {maker.label} made and a later one takes, was not kept.",
            expected="Kept are the tables of [subject] in mlgov.toml and the models of train steps.",
            next=_WHOLE,
        )
    value = _opened(workspace, ref)
    again = measured(value)
    if again is None or again.root != ref.fingerprint.root:
        raise NotReady(f"`{name}` of step {maker.label} comes back from the store in another form than it had.", next=_WHOLE)
    return value


def _opened(workspace: Workspace, ref: ObjectRef) -> Any:
    assert ref.stored is not None  # noqa: S101  # its caller asked
    if ref.kind == "model":
        from jupyter_mlgov.workspace.models import opened

        return opened(workspace.objects.get(ref.stored))
    path = workspace.objects.path(ref.stored)
    import pyarrow.parquet as pq

    return pq.read_table(path).to_pandas()
