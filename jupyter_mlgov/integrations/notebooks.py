"""The door to notebook files: read them as facts, see whether they can run here, write them, set a cell's step."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import cast

from jupyter_mlgov.core.errors import StorageProblem, UsageError, unknown
from jupyter_mlgov.pipelines.documents import Cell, Notebook, load, notebook_of
from jupyter_mlgov.pipelines.files import replace_file

_PREFIX = "mlgov:"


def read_notebook(path: Path) -> Notebook:
    """The facts of a notebook file; the file is not changed.

    Raises BadInput for a file that is missing, not JSON, or JSON but not a notebook. See check_runnable() for kernel and tags.
    """
    return notebook_of(load(path), path)


def code_cells(path: Path) -> tuple[Cell, ...]:
    """The code cells of a Python notebook. Raises BadInput as read_notebook() does, and for a notebook in another language."""
    from jupyter_mlgov.pipelines.runnable import check_language

    notebook = read_notebook(path)
    check_language(notebook)
    return tuple(cell for cell in notebook.cells if cell.type == "code")


def check_runnable(notebook: Notebook, kernel: str = "") -> str:
    """The name of the kernel that will run `notebook` here. Raises BadInput as pipelines.runnable.check_runnable() says."""
    from jupyter_mlgov.pipelines.runnable import check_runnable

    return check_runnable(notebook, kernels(), kernel)


def kernels() -> dict[str, str]:
    """Every kernel that is installed here, with its language (empty where its spec does not say)."""
    from jupyter_client.kernelspec import KernelSpecManager

    found = cast("dict[str, dict[str, dict[str, object]]]", KernelSpecManager().get_all_specs())
    return {name: str(about.get("spec", {}).get("language", "")) for name, about in found.items()}


def python_kernels() -> dict[str, str]:
    """Every Python kernel that is installed here, with the program that its spec starts."""
    from jupyter_client.kernelspec import KernelSpecManager

    found: dict[str, str] = {}
    for name, about in KernelSpecManager().get_all_specs().items():
        spec = about.get("spec", {})
        if str(spec.get("language", "")).lower() == "python" and spec.get("argv"):
            found[name] = str(spec["argv"][0])
    return found


def write_notebook(path: Path, document: Mapping[str, object], *, indent: int | str = 1) -> None:
    """Write a notebook document as Jupyter does, whole or not at all. Raises StorageProblem when it cannot."""
    text = json.dumps(document, ensure_ascii=False, indent=indent) + "\n"
    try:
        replace_file(path, text.encode("utf-8", "surrogatepass"))
    except OSError as error:
        raise StorageProblem(
            f"{path} cannot be written: {error.strerror or error}.", next="Nothing was changed. Name another place."
        ) from None


def set_step(path: Path, cell: str, step: str | None) -> Cell:
    """Tag a cell (its number counted from 1, or its id) of a notebook file as `step` (`train`, `train:champion`); None takes it away.

    Other tags, the order of keys and the indentation stay. Raises UsageError for a cell that is not there or is not code, BadInput
    for a step in a wrong grammar. Returns the cell as it is now.
    """
    document = load(path)
    found = find_cell(notebook_of(document, path), cell)
    if step is not None and found.type != "code":
        raise UsageError(f"Cell [{found.index}] of {path} is {found.type}, not code.", expected="Only code cells are steps.")
    tag = "" if step is None else _checked(step, found)
    tags = [*(one for one in found.tags if not one.startswith(_PREFIX)), *filter(None, [tag])]
    if tags != list(found.tags):
        raw = cast("list[dict[str, object]]", document["cells"])[found.index - 1]
        _put_tags(raw, tags)
        write_notebook(path, document, indent=_indent(path))
    return notebook_of(document, path).cells[found.index - 1]


def _put_tags(raw: dict[str, object], tags: list[str]) -> None:
    metadata = cast("dict[str, object]", raw.setdefault("metadata", {}))
    if tags:
        metadata["tags"] = tags
    else:
        metadata.pop("tags", None)


def _checked(step: str, cell: Cell) -> str:
    from jupyter_mlgov.lineage.tags import step_of

    tag = step if step.startswith(_PREFIX) else _PREFIX + step
    return str(step_of((tag,), f"cell [{cell.index}]"))


def find_cell(notebook: Notebook, cell: str) -> Cell:
    """The cell with this number (from 1) or id. Raises UsageError that says which there are."""
    by_id = {one.id: one for one in notebook.cells}
    if cell in by_id:
        return by_id[cell]
    if cell.isascii() and cell.isdigit() and 1 <= int(cell) <= len(notebook.cells):
        return notebook.cells[int(cell) - 1]
    if cell.isascii() and cell.lstrip("-").isdigit():
        raise UsageError(
            f"{notebook.path} has no cell {cell}.", expected=f"Its cells are 1 to {len(notebook.cells)}.", next="See `mlgov tag NOTEBOOK`."
        )
    raise unknown(f"cell in {notebook.path}", cell, list(by_id), next="See `mlgov tag NOTEBOOK`.")


def _indent(path: Path) -> int | str:
    """The file's own indentation, so that a tag is a one-line change in git."""
    lines = path.read_text("utf-8").splitlines()
    second = lines[1] if len(lines) > 1 else " "
    blank = second[: len(second) - len(second.lstrip())]
    return blank or 1


__all__ = [
    "Cell",
    "Notebook",
    "check_runnable",
    "code_cells",
    "find_cell",
    "kernels",
    "read_notebook",
    "set_step",
    "write_notebook",
]
