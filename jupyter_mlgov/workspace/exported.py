"""A folder that `mlgov export --to papermill --per-step` wrote, as a pipeline that can be run: `mlgov run NAME.steps`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.core.errors import BadInput
from jupyter_mlgov.lineage.fold import REPEATED
from jupyter_mlgov.lineage.tags import step_of
from jupyter_mlgov.pipelines.documents import PARAMETERS, Notebook, load, notebook_of
from jupyter_mlgov.pipelines.papermill_target import GATE, digest_there
from jupyter_mlgov.pipelines.parameters import Parameter
from jupyter_mlgov.pipelines.runnable import parameters_of
from jupyter_mlgov.pipelines.steps import Graph, Piece, PlannedStep
from jupyter_mlgov.workspace.stepping import StepBook

if TYPE_CHECKING:
    from jupyter_mlgov.workspace.composition import Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """The steps as they were exported, and the stage that the job asks for; empty where the team had none."""

    book: StepBook
    stage: str = ""


def exported_pipeline(workspace: Workspace, folder: Path) -> Exported:
    """Read the step notebooks of `folder`. Raises BadInput where there are none, or one was changed since it was exported."""
    found = [(path, load(path)) for path in sorted(folder.glob("*.ipynb"))]
    about = {path: _about(document) for path, document in found}
    steps = [(path, document) for path, document in found if about[path] and about[path]["step"]["name"] != GATE]
    if not steps:
        raise BadInput(
            f"{folder} holds no exported steps.",
            expected="Expected a folder NAME.steps.",
            next="Make one: `mlgov export --to papermill --per-step`.",
        )
    for path, document in found:
        if about[path] and about[path].get("cells") != digest_there(document):
            raise BadInput(f"{path} was changed since it was exported.", next="Change the notebook itself, and export it again.")
    first = about[steps[0][0]]
    name = str(first["exported_from"])
    notebooks = [notebook_of(document, path) for path, document in steps]
    planned = [_planned(document, book, about[book.path]["step"]) for (_, document), book in zip(steps, notebooks, strict=True)]
    declared: dict[str, Parameter] = {one.name: one for book in notebooks for one in parameters_of(book)}
    place = workspace.path_of(name)
    whole = Notebook(path=place, kernel=notebooks[0].kernel, language=notebooks[0].language, cells=())
    book = StepBook(
        path=place,
        name=name,
        digest=Digest(str(first["digests"]["notebook"])),
        document={"metadata": {"kernelspec": cast("Mapping[str, Any]", steps[0][1]["metadata"])["kernelspec"]}},
        notebook=whole,
        parameters=tuple(declared.values()),
        graph=Graph(steps=tuple(planned)),
    )
    return Exported(book=book, stage=str(first["step"].get("stage", "")))


def _about(document: Mapping[str, object]) -> Mapping[str, Any]:
    metadata = document.get("metadata")
    about = metadata.get("mlgov") if isinstance(metadata, dict) else None
    return about if isinstance(about, dict) and isinstance(about.get("step"), dict) else {}


def _planned(document: Mapping[str, object], book: Notebook, about: Mapping[str, Any]) -> PlannedStep:
    raw = cast("list[Mapping[str, Any]]", document["cells"])
    pieces = tuple(
        Piece(
            cell=cell.id,
            index=int(told["metadata"]["mlgov"]["index"]),
            source=cell.source,
            own=bool(told["metadata"]["mlgov"]["own"]),
            parameters=PARAMETERS in cell.tags,
            repeated=REPEATED in cell.tags,
            tags=cell.tags,
        )
        for cell, told in zip(book.cells, raw, strict=True)
    )
    own = [piece for piece in pieces if piece.own]
    step = step_of((str(about["tag"]),), f"the metadata of {book.path}")
    if step is None:
        raise BadInput(f"{book.path} names no step.", next="Export the notebook again.")
    return PlannedStep(
        name=str(about["name"]),
        step=step,
        cells=tuple(piece.cell for piece in own),
        numbers=tuple(piece.index for piece in own),
        pieces=pieces,
        takes=dict(about["takes"]),
        gives=tuple(about["gives"]),
        made=tuple(about["made"]),
        parameters=tuple(about["parameters"]),
        after=tuple(about["after"]),
    )
