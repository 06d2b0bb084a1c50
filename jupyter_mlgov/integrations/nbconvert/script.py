"""`mlgov-script`: the cells a model rests on as one Python file, in their order and without what only looks."""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from nbconvert.exporters.exporter import Exporter
from nbconvert.utils.exceptions import ConversionException
from traitlets import Unicode

from jupyter_mlgov.core.errors import MlgovError, NotReady, unknown
from jupyter_mlgov.lineage.dataflow import names
from jupyter_mlgov.lineage.slices import backward_slice
from jupyter_mlgov.lineage.tags import step_of
from jupyter_mlgov.pipelines.documents import Cell, Notebook, notebook_of
from jupyter_mlgov.pipelines.runnable import check_language

# Lines that do nothing to a value: a script goes without them.
_IDLE = re.compile(r"^\s*%(load_ext|reload_ext|matplotlib|config|autoreload|mlgov|autosave)\b.*$")
_STEP = re.compile(r"^\s*%%mlgov\s+step\b.*\n?")
# Cells that change what others meet without a name of the notebook in between: kept whatever the slice says.
_AMBIENT = re.compile(r"sys\.path|os\.(environ|putenv|chdir)|chdir\(|seed|set_option|set_config|filterwarnings|addsitedir|set_start_method")


class ScriptExporter(Exporter):  # type: ignore[misc]  # nbconvert ships no types for us to see
    """The backward slice of a model. `--ScriptExporter.model=NAME` names its variable; default: the last one that a train step binds."""

    export_from_notebook = "Script of the model"
    output_mimetype = "text/x-python"
    model = Unicode("", help="The variable that holds the model; default: the last name bound in the last `mlgov:train` cell.").tag(
        config=True
    )

    def _file_extension_default(self) -> str:
        return ".py"

    def from_notebook_node(self, nb: Any, resources: Any = None, **kw: Any) -> tuple[str, Any]:
        """The script, and nbconvert's resources. Raises ConversionException with a sentence where there is none to be had."""
        whole, resources = super().from_notebook_node(nb, resources, **kw)
        name = str((resources.get("metadata") or {}).get("name") or "notebook")
        try:
            return script(notebook_of(whole, Path(f"{name}.ipynb")), self.model), resources
        except MlgovError as error:
            raise ConversionException(str(error)) from None


def script(notebook: Notebook, model: str = "") -> str:
    """The cells that `model` rests on. Raises NotReady without a train step, UsageError for an unknown name, BadInput for another language
    or for a magic that only IPython knows in a cell that is needed."""
    check_language(notebook)
    cells = [cell for cell in notebook.cells if cell.type == "code"]
    plain = [(cell.id, _without_idle(cell.source)) for cell in cells]
    last, name = _model(notebook, cells, model)
    upto = plain[: last + 1]
    needed = set(backward_slice(upto, name).cells)
    needed |= {cell for cell, source in upto if _AMBIENT.search(source)}
    kept = [(cell, source) for cell, (one, source) in zip(cells, plain, strict=True) if one in needed]
    for cell, source in kept:
        _refuse_magics(notebook, cell, source)
    left = [str(cell.index) for cell in cells if cell.id not in needed and cell.source.strip()]
    head = [
        f"# What {name!a} rests on, from {notebook.path.name!a}: cells {', '.join(str(cell.index) for cell, _ in kept)}.",
        f"# Left out: {', '.join(left)}." if left else "# Nothing is left out.",
        "# Paths are relative to the notebook's folder: run it there.",
    ]
    parts = ["\n".join(head), *(f"# [{cell.index}]{_label(cell)}\n{source.strip()}" for cell, source in kept)]
    return "\n\n".join(parts) + "\n"


def _label(cell: Cell) -> str:
    step = step_of(cell.tags, f"cell [{cell.index}]")
    return f" {step}" if step is not None else ""


def _without_idle(source: str) -> str:
    return "\n".join(line for line in _STEP.sub("", source).splitlines() if not _IDLE.match(line))


def _model(notebook: Notebook, cells: Sequence[Cell], wanted: str) -> tuple[int, str]:
    """(place of the cell up to which the script goes, name of the model)."""
    bound = [(place, name) for place, cell in enumerate(cells) for name in _binds(cell)]
    if wanted:
        found = [place for place, name in bound if name == wanted]
        if not found:
            raise unknown(
                "variable", wanted, dict.fromkeys(name for _, name in bound), next="Name the model: `--ScriptExporter.model=NAME`."
            )
        return found[-1], wanted
    trained = [(place, name) for place, name in bound if _kind(cells[place]) == "train"]
    if not trained:
        raise NotReady(
            f"{notebook.path} has no train step that binds a name, so it is not known which model is meant.",
            next="Tag the cell `mlgov:train`, or name the variable: `--ScriptExporter.model=NAME`.",
        )
    return trained[-1]


def _kind(cell: Cell) -> str:
    step = step_of(cell.tags, f"cell [{cell.index}]")
    return step.kind if step is not None else ""


def _binds(cell: Cell) -> list[str]:
    flow = names(_without_idle(cell.source))
    functions = {one.name for one in flow.functions}
    return [name for name in flow.writes if name not in flow.imports and name not in functions and name != "*"]


def _refuse_magics(notebook: Notebook, cell: Cell, source: str) -> None:
    """A magic, a shell line and an `await` outside a function are no syntax of Python's."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # an odd escape in the user's text is not our news
            compile(source, cell.id, "exec")
    except (SyntaxError, ValueError):
        raise NotReady(
            f"Cell [{cell.index}] of {notebook.path} uses what only IPython runs (a magic, a shell line), and the model rests on it.",
            next="Write it in Python, or use `--to script`.",
        ) from None
