"""The notebook file as facts: its cells, tags, parameters cell and kernel, read from JSON without changing a byte."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.core.errors import BadInput

PARAMETERS = "parameters"
KALE_PARAMETERS = "pipeline-parameters"
MADE = "mlgov-"
INJECTED = "injected-parameters"
_ANSI = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")
_ELEMENT = re.compile(r"<[^>]*>")
_CELL_ID = re.compile(r"[a-zA-Z0-9_-]{1,64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One cell as the file has it. `index` counts all cells from 1; `outputs` are texts, one per stream, value or error."""

    id: str
    index: int
    type: str
    source: str
    tags: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()

    @property
    def own_id(self) -> str:
        """The id that stands in the file; empty where it has none, for one made of place and content changes with an edit."""
        return "" if self.id.startswith(MADE) else self.id


@dataclass(frozen=True, slots=True, kw_only=True)
class Notebook:
    """A notebook file. `kernel` and `language` are empty where the file does not say."""

    path: Path
    kernel: str
    language: str
    cells: tuple[Cell, ...]

    @property
    def parameters_cells(self) -> tuple[Cell, ...]:
        """The code cells that declare parameters, by papermill's tag or by Kale's; a tag on text declares nothing."""
        return tuple(cell for cell in self.cells if is_parameters(cell))

    def tagged(self, tag: str) -> tuple[Cell, ...]:
        """The cells that carry `tag`, in order."""
        return tuple(cell for cell in self.cells if tag in cell.tags)


def is_parameters(cell: Cell) -> bool:
    """A code cell that holds the parameters, by papermill's tag or by Kale's."""
    return cell.type == "code" and bool({PARAMETERS, KALE_PARAMETERS} & set(cell.tags))


def load(path: Path) -> dict[str, object]:
    """The JSON object in `path`, known to have the shape of a notebook. Raises BadInput with a sentence for anything else."""
    try:
        text = path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        raise BadInput(f"There is no notebook {path}.", next=_near(path)) from None
    except UnicodeDecodeError as error:
        raise _not_json(path, f"byte {error.start} is not UTF-8") from None
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror or error}.", expected="Expected a notebook file (.ipynb).") from None
    return notebook_text(text, path)


def notebook_text(text: str, path: Path) -> dict[str, object]:
    """The JSON object in `text`, the content of `path`, as load() gives it."""
    try:
        document = json.loads(text)
    except json.JSONDecodeError as error:
        raise _not_json(path, f"line {error.lineno}, column {error.colno}: {error.msg}") from None
    except RecursionError:
        raise _not_json(path, "it is nested too deeply") from None
    _check_shape(document, path)
    return cast("dict[str, object]", document)


def notebook_of(document: Mapping[str, object], path: Path) -> Notebook:
    """The facts of a document that load() returned. Raises BadInput naming the cell that is not one."""
    metadata = _mapping(document.get("metadata", {}), f"the metadata of {path}")
    spec = _mapping(metadata.get("kernelspec") or {}, f"the kernelspec of {path}")
    info = _mapping(metadata.get("language_info") or {}, f"the language_info of {path}")
    cells: list[Cell] = []
    seen: set[str] = set()
    for index, raw in enumerate(cast("list[object]", document["cells"]), 1):
        cell = _cell(_mapping(raw, f"cell [{index}] of {path}"), index, path, seen)
        seen.add(cell.id)
        cells.append(cell)
    return Notebook(
        path=path,
        kernel=_text(spec.get("name")),
        language=_text(info.get("name")) or _text(spec.get("language")),
        cells=tuple(cells),
    )


def stable_id(index: int, kind: str, source: str) -> str:
    """An id for a cell whose file has none (nbformat 4.4 and older): made of its place and content, equal on every machine."""
    return MADE + Digest.of_json([index, kind, source]).hex[:24]


def _near(path: Path) -> str:
    try:
        names = sorted(one.name for one in path.parent.glob("*.ipynb"))
    except OSError:
        names = []
    return f"Notebooks in that folder: {', '.join(names[:20])}." if names else "Check the name; no notebook is in that folder."


def _not_json(path: Path, why: str) -> BadInput:
    return BadInput(
        f"{path} is not a notebook: it is not JSON ({why}).",
        expected="Expected a file that Jupyter saved (.ipynb).",
        next="Open it in JupyterLab and save it again, or take the last good version from git.",
    )


def _check_shape(document: object, path: Path) -> None:
    expected = "Expected a JSON object with `cells` and `nbformat` 4, as Jupyter saves it."
    if not isinstance(document, dict):
        raise BadInput(f"{path} is JSON but not a notebook: it holds {_kind(document)}.", expected=expected)
    version = document.get("nbformat")
    if isinstance(version, int) and version < 4:
        raise BadInput(
            f"{path} is a notebook of format {version}, from before 2015.",
            expected="Expected format 4.",
            next=f"Convert it: `jupyter nbconvert --to notebook --nbformat 4 {path.name}`.",
        )
    missing = [key for key in ("cells", "nbformat") if key not in document]
    if missing:
        raise BadInput(f"{path} is JSON but not a notebook: it has no `{'` and no `'.join(missing)}`.", expected=expected)
    if version != 4 or not isinstance(document["cells"], list):
        wrong = "`cells` is not a list" if version == 4 else f"`nbformat` is {json.dumps(version)}"
        raise BadInput(f"{path} is JSON but not a notebook: {wrong}.", expected=expected)


def _kind(value: object) -> str:
    names = {"list": "a list", "str": "text", "int": "a number", "float": "a number", "bool": "true or false", "NoneType": "null"}
    return names.get(type(value).__name__, type(value).__name__)


def _mapping(value: object, where: str) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise BadInput(f"{where[0].upper()}{where[1:]} is {_kind(value)}.", expected="Expected a JSON object, as Jupyter saves it.")
    return cast("Mapping[str, object]", value)


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _joined(value: object) -> str | None:
    """nbformat's multi-line string: text, or a list of texts."""
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(line, str) for line in value):
        return "".join(value)
    return None


def _cell(raw: Mapping[str, object], index: int, path: Path, seen: set[str]) -> Cell:
    where = f"cell [{index}] of {path}"
    kind, source = _text(raw.get("cell_type")), _joined(raw.get("source", ""))
    if kind not in ("code", "markdown", "raw"):
        raise BadInput(f"{where} has the type {json.dumps(raw.get('cell_type'))[:60]}.", expected="Expected code, markdown or raw.")
    if source is None:
        raise BadInput(f"{where} has a source that is not text.", expected="Expected text or a list of lines.")
    metadata = _mapping(raw.get("metadata", {}), f"the metadata of {where}")
    tags = metadata.get("tags", [])
    if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
        raise BadInput(f"{where} has tags that are not a list of texts.", expected='Expected for instance ["mlgov:train"].')
    given = _text(raw.get("id"))
    own = given if _CELL_ID.fullmatch(given) and given not in seen else stable_id(index, kind, source)
    return Cell(id=own, index=index, type=kind, source=source, tags=tuple(tags), outputs=tuple(_outputs(raw)))


def _outputs(raw: Mapping[str, object]) -> Iterator[str]:
    outputs = raw.get("outputs", [])
    for output in outputs if isinstance(outputs, list) else []:
        if isinstance(output, dict):
            yield from filter(None, _output_texts(output))


def _output_texts(output: Mapping[str, object]) -> Iterator[str]:
    """Every text a reader of this output could see; markup and terminal colours are taken out, nothing is cut."""
    yield _joined(output.get("text", "")) or ""
    if output.get("output_type") == "error":
        traceback = output.get("traceback")
        lines = [str(line) for line in traceback] if isinstance(traceback, list) else []
        yield _ANSI.sub("", "\n".join([f"{_text(output.get('ename'))}: {_text(output.get('evalue'))}", *lines]))
    data = output.get("data", {})
    for mime, content in data.items() if isinstance(data, dict) else ():
        text = _joined(content)
        if text is None:
            yield json.dumps(content, ensure_ascii=False, sort_keys=True)
        elif mime in ("text/html", "image/svg+xml"):
            yield html.unescape(_ELEMENT.sub(" ", text))
        elif not mime.startswith("image/") and mime != "application/pdf":
            yield text
