"""`mlgov diff A B`: what a side names (a file, a folder, a Delta table, a recorded state), and the two compared."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from jupyter_mlgov.core.errors import BadInput, NotReady, UsageError, unknown
from jupyter_mlgov.lineage.columns import Content
from jupyter_mlgov.lineage.compare import Difference, compare, compare_files, compare_rows
from jupyter_mlgov.lineage.facts import Fingerprint, Lineage, ObjectRef
from jupyter_mlgov.lineage.fingerprint import file_digest, measured_content, measured_path
from jupyter_mlgov.lineage.folders import entries
from jupyter_mlgov.lineage.tablefiles import is_parquet, of_csv, of_parquet
from jupyter_mlgov.lineage.typenames import Unfit
from jupyter_mlgov.lineage.unchanged import mark

if TYPE_CHECKING:
    from jupyter_mlgov.workspace.composition import Workspace

RECORDED = "run:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One side: its name as given, how to read its rows (None: only the record is left), and the record or path behind it."""

    name: str
    content: Callable[[], Content] | None = None
    recorded: Fingerprint | None = None
    path: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """How to compare: the schema of CSV files, whether order counts, how many rows to name and values to show."""

    schema: Path | None = None
    ordered: bool = True
    most: int = 10
    values: int = 0


def difference(left: str, right: str, wish: Wish, workspace: Callable[[], Workspace], notebook: str | None = None) -> Difference:
    """Compare what two words name. `workspace` is asked for recorded states (`run:NAME`) only.

    Raises UsageError for a word that names nothing, BadInput for content that cannot be read or compared.
    """
    try:
        return _difference(left, right, wish, workspace, notebook)
    except Unfit as error:
        raise BadInput(f"Cannot compare: {error}.", next="See `mlgov diff --help`.") from None
    except OSError as error:
        raise BadInput(f"Cannot compare: {error.filename or left} cannot be read: {error.strerror or error}.") from None


def compared(left: str, right: str, wish: Wish) -> Difference:
    """difference() of two files or folders, for which no workspace is needed."""

    def none() -> Workspace:
        raise UsageError("A recorded state needs a workspace.")

    return difference(left, right, wish, none)


def _difference(left: str, right: str, wish: Wish, workspace: Callable[[], Workspace], notebook: str | None) -> Difference:
    declared = _schema(wish.schema)
    sides = [_side(word, workspace, notebook, declared) for word in (left, right)]
    sides = [_typed_like(one, other, declared) for one, other in (sides, sides[::-1])]
    one, other = sides
    if one.path is not None and one.path.is_dir() and other.path is not None and other.path.is_dir():
        return _folders(one, other)
    if one.path is not None and other.path is not None and one.content is None and other.content is None:
        return replace(
            compare(measured_path(one.path), measured_path(other.path), names=(left, right)), note=_first_byte(one.path, other.path)
        )
    before = [_mark(side) for side in sides]
    found = _tables(one, other, wish)
    if [_mark(side) for side in sides] != before:
        raise Unfit("a file changed while it was read")
    return found


def _mark(side: Side) -> object:
    return mark(side.path) if side.path is not None else None


def _tables(one: Side, other: Side, wish: Wish) -> Difference:
    prints = [_print(side, wish) for side in (one, other)]
    found = compare(prints[0], prints[1], names=(one.name, other.name))
    if found.same or not wish.ordered:
        return found
    if one.content is None or other.content is None:
        lost = one if one.content is None else other
        return replace(found, note=f"{lost.name} is a record without its rows: which columns, but not how many rows.")
    return compare_rows(found, one.content(), other.content(), most=wish.most, values=wish.values)


def _print(side: Side, wish: Wish) -> Fingerprint:
    if side.recorded is not None and (wish.ordered or side.content is None):
        return side.recorded
    if side.content is None:
        raise Unfit(f"{side.name} is no table")
    # What a CSV file's types are depends on the other side, so only Parquet is remembered.
    kept: Literal["", "table"] = "table" if side.path is not None and is_parquet(side.path) else ""
    return measured_content(side.content, side.path, ordered=wish.ordered, kept=kept)


def _side(word: str, workspace: Callable[[], Workspace], notebook: str | None, declared: Any) -> Side:
    if word.startswith(RECORDED):
        return _recorded(word, workspace(), notebook)
    path = Path(word)
    if not path.exists():
        raise UsageError(f'"{word}" is no file or folder.', expected="Expected a path, or run:NAME for a recorded table of the notebook.")
    if (path / "_delta_log").is_dir():
        return Side(name=word, content=lambda: _delta(path))
    if is_parquet(path):
        return Side(name=word, content=lambda: of_parquet(path), path=path)
    if path.suffix.lower() == ".csv" and declared is not None:
        return Side(name=word, content=lambda: of_csv(path, declared), path=path)
    return Side(name=word, path=path)


def _typed_like(side: Side, other: Side, declared: Any) -> Side:
    """A CSV file beside a table has that table's types; two of them are text, column by column."""
    path = side.path
    if path is None or side.content is not None or path.suffix.lower() != ".csv" or not path.is_file():
        return side
    both_text = other.content is None and other.path is not None and other.path.suffix.lower() == ".csv"
    if other.content is None and not both_text:
        return side
    content = other.content
    schema = dict(zip(content().names, content().types, strict=True)) if content is not None and declared is None else declared
    return replace(side, content=lambda: of_csv(path, schema))


def _schema(path: Path | None) -> Any:
    """The schema of a Parquet file, or one written as JSON: {"column": "type"}."""
    if path is None:
        return None
    if is_parquet(path):
        content = of_parquet(path)
        return dict(zip(content.names, content.types, strict=True))
    import json

    try:
        found = json.loads(path.read_text("utf-8"))
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise UsageError(
            f"{path} is no schema.", expected='Expected a Parquet file of these columns, or JSON like {"id": "int64", "rate": "float64"}.'
        )
    return found


def _delta(path: Path) -> Content:
    try:
        from deltalake import DeltaTable
    except ImportError:
        raise NotReady("Delta tables need the package deltalake.", next='`pip install "jupyter-mlgov[lake]"`.') from None
    from jupyter_mlgov.lineage.contents import queried

    content = queried(DeltaTable(str(path)))
    if content is None:
        raise Unfit(f"{path} is no Delta table")
    return content


def _recorded(word: str, workspace: Workspace, named: str | None) -> Side:
    """`run:NAME` is the newest recorded state of the table; `run:NAME@CELL` the one that this cell left."""
    notebook = workspace.notebook(named)
    name, _, cell = word.removeprefix(RECORDED).partition("@")
    lineage = workspace.lineage(notebook)
    ref = _state(lineage, name, cell)
    if ref is None:
        tables = {ref.name for run in lineage.runs for ref in (*run.inputs, *run.outputs) if ref.fingerprint and ref.fingerprint.columns}
        raise unknown(
            "recorded table", word, sorted(f"{RECORDED}{one}" for one in tables), next="Run the cell that makes it, in a tagged step."
        )
    stored = ref.stored
    content = (lambda: of_parquet(workspace.objects.path(stored))) if stored is not None and ref.kind == "table" else None
    return Side(name=word, recorded=ref.fingerprint, content=content)


def _state(lineage: Lineage, name: str, cell: str) -> ObjectRef | None:
    found = [
        ref
        for run in lineage.runs
        for ref in (*run.inputs, *run.outputs)
        if ref.name == name and ref.fingerprint is not None and (not cell or run.cell_id == cell)
    ]
    return found[-1] if found else None


def _folders(one: Side, other: Side) -> Difference:
    assert one.path is not None  # noqa: S101  # its caller asked
    assert other.path is not None  # noqa: S101  # likewise
    listed = [entries(path, file_digest) for path in (one.path, other.path)]
    from jupyter_mlgov.lineage.folders import folder_root

    roots = (folder_root(listed[0]), folder_root(listed[1]))
    return compare_files(listed[0], listed[1], names=(one.name, other.name), roots=roots)


def _first_byte(one: Path, other: Path) -> str:
    """Where two plain files part, for people to look at."""
    place = 0
    with one.open("rb") as mine, other.open("rb") as theirs:
        while True:
            left, right = mine.read(1 << 16), theirs.read(1 << 16)
            if left != right:
                same = next(
                    (index for index, pair in enumerate(zip(left, right, strict=False)) if pair[0] != pair[1]), min(len(left), len(right))
                )
                return f"The first differing byte is number {place + same:,}, counted from 0."
            if not left:
                return ""
            place += len(left)
