"""An export as the panel shows it: what it would make before it is made, and where it lies afterwards."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jupyter_mlgov.pipelines.steps import PlannedStep
    from jupyter_mlgov.workspace.composition import Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportStep:
    """One step of the job: which cells it runs, after which steps, what it takes of them (`model of train`), gives, reads and writes."""

    name: str
    tag: str
    cells: tuple[str, ...]
    after: tuple[str, ...]
    takes: tuple[str, ...]
    gives: tuple[str, ...]
    reads: tuple[str, ...]
    writes: tuple[str, ...]
    parameters: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportFile:
    """A file that one target would write; `exists` says that one of ours is there, which it replaces."""

    target: str
    path: str
    exists: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportPlan:
    """What would be made. `refusals` say why the notebook cannot be cut into steps; `proof` names the targets that need a proof first."""

    notebook: str
    targets: tuple[str, ...]
    steps: tuple[ExportStep, ...]
    notes: tuple[str, ...]
    refusals: tuple[str, ...]
    files: tuple[ExportFile, ...]
    proof: tuple[str, ...]
    known: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportDone:
    """The files that were written, below the workspace, and what the proof said (empty: none was needed)."""

    files: tuple[str, ...]
    proof: str


def planned(workspace: Workspace, notebook: str, targets: tuple[str, ...]) -> ExportPlan:
    """What an export to `targets` would make; nothing is. Raises UsageError for an unknown target, BadInput for no pipeline."""
    from jupyter_mlgov.pipelines.target import known_targets
    from jupyter_mlgov.workspace.jobs import drafted

    draft = drafted(workspace, notebook, targets, None)
    graph = draft.plan.graph
    return ExportPlan(
        notebook=draft.plan.name,
        targets=tuple(draft.files),
        steps=tuple(_step(one) for one in graph.steps),
        notes=graph.notes,
        refusals=tuple(str(one) for one in graph.refusals),
        files=tuple(
            ExportFile(target=name, path=_near(path, workspace.root), exists=path.exists())
            for name, made in draft.files.items()
            for path in made
        ),
        proof=draft.by_step,
        known=known_targets(),
    )


def _step(one: PlannedStep) -> ExportStep:
    return ExportStep(
        name=one.name,
        tag=str(one.step),
        cells=one.cells,
        after=one.after,
        takes=tuple(f"{name} of {maker}" for name, maker in one.takes.items()),
        gives=one.gives,
        reads=(*one.data, *one.reads),
        writes=one.writes,
        parameters=one.parameters,
    )


def made(workspace: Workspace, notebook: str, targets: tuple[str, ...]) -> ExportDone:
    """Write `notebook` for each target, after a proof where one is needed. Raises what export_notebook() raises."""
    from jupyter_mlgov.workspace.jobs import export_notebook

    written = export_notebook(workspace, notebook, targets, None)
    proofs = workspace.journal.entries(actions=("export.proven",), subject=notebook)
    said = [str(entry.payload.get("sentence") or "") for entry in proofs]
    needed = planned(workspace, notebook, targets).proof
    return ExportDone(files=tuple(_near(path, workspace.root) for path in written), proof=said[-1] if needed and said else "")


def _near(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)
