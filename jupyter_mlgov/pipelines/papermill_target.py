"""The `papermill` target: the same notebook, clean, with its parameters cell, ready for `papermill --engine mlgov`."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import cast

from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.core.errors import BadInput
from jupyter_mlgov.lineage.fold import REPEATED
from jupyter_mlgov.pipelines.documents import PARAMETERS, Cell, is_parameters, load, notebook_of
from jupyter_mlgov.pipelines.plan import Plan, graph_or_refuse
from jupyter_mlgov.pipelines.stepbook import step_document
from jupyter_mlgov.pipelines.steps import PlannedStep
from jupyter_mlgov.pipelines.target import FileTarget

_MARKER = "papermill-error-cell-tag"
GATE = "gate"
_NOTHING: dict[str, object] = {"parameters": [], "takes": {}, "gives": [], "made": [], "after": []}


def files(plan: Plan, folder: Path) -> dict[Path, bytes]:
    """One notebook, NAME.papermill.ipynb. Raises BadInput when another file is in its place."""
    if plan.deployment.per_step:
        return _per_step(plan, folder)
    path = folder / f"{plan.stem}.papermill.ipynb"
    _check_place(path, plan)
    text = json.dumps(_document(plan), ensure_ascii=False, indent=1, sort_keys=True) + "\n"
    return {path: text.encode("utf-8", "surrogatepass")}


def _per_step(plan: Plan, folder: Path) -> dict[Path, bytes]:
    """A notebook for each step in NAME.steps/, numbered in their order, which hand their values on in NAME.steps/values/.

    Raises BadInput for a notebook that cannot be cut.
    """
    graph = graph_or_refuse(plan.notebook, plan.parameters, plan.name)
    place = folder / f"{plan.stem}.steps"
    found: dict[Path, bytes] = {}
    for number, step in enumerate(graph.steps, 1):
        document = step_document(plan.notebook, plan.document, step)
        about: dict[str, object] = {"name": step.name, "tag": str(step.step), "after": list(step.after), "stage": plan.stage}
        about |= {"parameters": list(step.parameters), "takes": dict(step.takes), "gives": list(step.gives), "made": list(step.made)}
        found[place / f"{number:02d}-{step.name}.ipynb"] = _signed(plan, document, about)
    if plan.stage:
        path = place / f"{len(graph.steps) + 1:02d}-{GATE}.ipynb"
        found[path] = _signed(plan, _gate_document(plan, graph.steps[0]), {**_NOTHING, "name": GATE, "stage": plan.stage})
    for path in found:
        _check_place(path, plan)
    return found


def _signed(plan: Plan, document: dict[str, object], about: dict[str, object]) -> bytes:
    """The step's notebook as bytes, with what the job needs to know of it and the digest by which a later change is seen."""
    metadata = cast("dict[str, dict[str, object]]", document["metadata"])
    cells = cells_digest(cast("list[dict[str, object]]", document["cells"]))
    metadata["mlgov"] |= {"exported_from": plan.name, "cells": cells, "team": plan.team, "digests": plan.digests.told()}
    metadata["mlgov"]["step"] = {"values": "values", **about}
    return (json.dumps(document, ensure_ascii=False, indent=1, sort_keys=True) + "\n").encode("utf-8", "surrogatepass")


def _gate_document(plan: Plan, first: PlannedStep) -> dict[str, object]:
    """The notebook behind the steps: it takes no values, judges what they left, and asks for the stage."""
    document = step_document(plan.notebook, plan.document, replace(first, name=GATE, pieces=()))
    metadata = {"tags": [REPEATED], "mlgov": {"own": True, "index": len(plan.notebook.cells) + 1}}
    return {**document, "cells": [{**_gate(plan, set()), "metadata": metadata}]}


def _document(plan: Plan) -> dict[str, object]:
    raw = cast("list[Mapping[str, object]]", plan.document["cells"])
    kept = [(cell, raw[cell.index - 1]) for cell in plan.notebook.cells if _MARKER not in cell.tags]
    cells = [_clean(cell, document) for cell, document in kept]
    taken = {cell.id for cell, _ in kept}
    if not plan.notebook.parameters_cells:
        cells.insert(0, _empty_parameters(taken))
    if plan.stage:
        cells.append(_gate(plan, taken))
    metadata = cast("Mapping[str, Mapping[str, object]]", plan.document.get("metadata", {}))
    spec = {"name": plan.notebook.kernel, "display_name": plan.notebook.kernel, "language": "python", **metadata.get("kernelspec", {})}
    return {
        "cells": cells,
        "metadata": {"kernelspec": spec, "language_info": {"name": "python"}, "mlgov": _about(plan, cells)},
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def _clean(cell: Cell, raw: Mapping[str, object]) -> dict[str, object]:
    """The cell without what an earlier run left in it."""
    metadata = cast("Mapping[str, object]", raw.get("metadata", {}))
    kept = {key: value for key, value in metadata.items() if key not in ("papermill", "execution", "trusted", "ExecuteTime")}
    if is_parameters(cell) != (PARAMETERS in cell.tags):  # papermill looks for its own tag, on a cell of any type
        others = [tag for tag in cell.tags if tag != PARAMETERS]
        kept["tags"] = [*others, PARAMETERS] if is_parameters(cell) else others
    clean: dict[str, object] = {"cell_type": cell.type, "id": cell.id, "metadata": kept, "source": cell.source.splitlines(keepends=True)}
    if cell.type == "code":
        clean.update(execution_count=None, outputs=[])
    elif "attachments" in raw:
        clean["attachments"] = raw["attachments"]
    return clean


def _gate(plan: Plan, taken: set[str]) -> dict[str, object]:
    """The last cell: it judges the model and asks for the stage, and stops papermill while the gate stays shut."""
    source = [
        f"# The end of the job: papermill fails while the gate to {plan.stage!a} stays shut.\n",
        "%load_ext jupyter_mlgov\n",
        "%mlgov validate\n",
        f"%mlgov promote {shlex.quote(plan.stage)} --or-stop",
    ]
    return {"cell_type": "code", "execution_count": None, "id": _free(GATE, taken), "metadata": {}, "outputs": [], "source": source}


def _free(name: str, taken: set[str]) -> str:
    while name in taken:
        name += "-"
    return name


def _empty_parameters(taken: set[str]) -> dict[str, object]:
    name = _free(PARAMETERS, taken)
    source = ["# This notebook declares no parameters. Assign defaults here, one a line, like `folds: int = 5`."]
    return {"cell_type": "code", "execution_count": None, "id": name, "metadata": {"tags": [PARAMETERS]}, "outputs": [], "source": source}


def _about(plan: Plan, cells: list[dict[str, object]]) -> dict[str, object]:
    return {
        "exported_from": plan.name,
        "cells": cells_digest(cells),
        "team": plan.team,
        "digests": plan.digests.told(),
        "steps": [step.label for step in plan.steps],
        "parameters": [parameter.name for parameter in plan.parameters],
    }


def cells_digest(cells: list[dict[str, object]]) -> Digest:
    """The name of what runs: id, type, source and tags of each cell in order."""
    facts = [
        [
            cell.get("id"),
            cell.get("cell_type"),
            "".join(cast("list[str]", cell.get("source"))),
            cast("dict[str, object]", cell["metadata"]).get("tags", []),
        ]
        for cell in cells
    ]
    return Digest.of_json(facts)


def _check_place(path: Path, plan: Plan) -> None:
    """An earlier export may be replaced; a file of somebody's own, or an export that was edited, may not."""
    if not path.exists():
        return
    try:
        there = load(path)
        notebook_of(there, path)
    except BadInput:
        there = {"metadata": {}}
    about = (
        cast("Mapping[str, Mapping[str, object]]", there["metadata"]).get("mlgov", {}) if isinstance(there.get("metadata"), dict) else {}
    )
    ours = isinstance(about, dict) and about.get("exported_from") == plan.name
    if not ours or about.get("cells") != digest_there(there):
        why = "was changed by hand since it was exported" if ours else f"is there and is no export of {plan.name}"
        raise BadInput(f"{path} {why}.", next="Move it away, or name another folder: `mlgov export --output DIR`.")


def digest_there(document: Mapping[str, object]) -> Digest:
    """cells_digest() of a notebook that load() read, whichever way its sources are written."""
    cells = cast("list[dict[str, object]]", document["cells"])
    lines = [{**cell, "source": [cell["source"]] if isinstance(cell.get("source"), str) else cell.get("source", [])} for cell in cells]
    return cells_digest(lines)


TARGET = FileTarget("papermill", files, lambda plan: plan.deployment.per_step)
