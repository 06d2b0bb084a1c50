"""Readers and writers that go around Python's `open`: pyarrow, Polars and DuckDB tell us the paths they are given.

Functions are wrapped when their module is imported, and only note their path argument while a cell runs. `duckdb.sql` and
`execute` are left alone, because DuckDB looks for tables among the variables of its caller's frame: the paths in such a
query are found in its text (quoted()).
"""

from __future__ import annotations

import functools
import importlib.abc
import importlib.util
import os
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

# What the path argument is called where it is not given by its place.
_KEYWORDS = (
    *("source", "sources", "where", "path", "paths", "path_or_paths", "path_or_buffer", "input_file", "base_dir", "root_path"),
    *("file", "file_name", "file_glob", "metadata_path", "dest", "output_file"),
)
# module -> (dotted names, place of the path argument, does it write?)
_POLARS = ("avro", "csv", "excel", "ipc", "ipc_stream", "json", "lines", "ndjson", "ods", "parquet", "delta")
ENTRANCES: dict[str, tuple[tuple[tuple[str, ...], int, bool], ...]] = {
    "pyarrow.parquet": (
        (("read_table", "read_metadata", "read_schema", "read_pandas"), 0, False),
        (("ParquetFile.__init__", "ParquetDataset.__init__"), 1, False),
        (("write_table", "write_to_dataset", "ParquetWriter.__init__"), 1, True),
    ),
    "pyarrow.dataset": ((("dataset", "parquet_dataset"), 0, False), (("write_dataset",), 1, True)),
    "pyarrow.csv": ((("read_csv", "open_csv"), 0, False), (("write_csv",), 1, True)),
    "pyarrow.json": ((("read_json",), 0, False),),
    "pyarrow.feather": ((("read_table", "read_feather"), 0, False), (("write_feather",), 1, True)),
    "pyarrow.orc": ((("read_table",), 0, False), (("write_table",), 1, True)),
    "polars": (
        (tuple(f"read_{kind}" for kind in _POLARS), 0, False),
        (tuple(f"scan_{kind}" for kind in _POLARS), 0, False),
        (tuple(f"DataFrame.write_{kind}" for kind in _POLARS), 1, True),
        (tuple(f"LazyFrame.sink_{kind}" for kind in _POLARS), 1, True),
    ),
    "duckdb": (
        (("read_parquet", "from_parquet", "read_csv", "from_csv_auto", "read_json"), 0, False),
        (
            tuple(f"DuckDBPyConnection.{name}" for name in ("read_parquet", "from_parquet", "read_csv", "from_csv_auto", "read_json")),
            1,
            False,
        ),
        (tuple(f"DuckDBPyRelation.{name}" for name in ("to_parquet", "write_parquet", "to_csv", "write_csv")), 1, True),
    ),
}
# module -> what the doors to foreign systems do to it when it is loaded (workspace/recording.py names them).
_OBSERVERS: dict[str, Callable[[ModuleType], None]] = {}
_QUOTED = re.compile(r"'((?:[^'\n]|'')+)'")
_SQL = re.compile(r"\b(from|join|copy|table|read_\w+)\b", re.IGNORECASE)
_DONE = "__mlgov_notes_paths__"

# Modules that a door could not watch: every cell's record says so.
unwatched: set[str] = set()

# What to do with (path, writes); None while no cell runs.
Note = Callable[[str, bool], None]
_note: Note | None = None


def tell(note: Note | None) -> None:
    """Hand paths to `note` from now on; None stops it."""
    global _note
    _note = note


def observe(name: str, observer: Callable[[ModuleType], None]) -> None:
    """Show the module `name` to `observer` now, if it is loaded, and whenever install() sees it loaded."""
    _OBSERVERS[name] = observer
    if name in sys.modules:
        observer(sys.modules[name])


def install() -> None:
    """Wrap what is loaded, and what will be. Asking twice changes nothing."""
    for name in (*ENTRANCES, *_OBSERVERS):
        module = sys.modules.get(name)
        if module is not None:
            wrap(module)
    if not any(isinstance(finder, _AfterImport) for finder in sys.meta_path):
        sys.meta_path.insert(0, _AfterImport())


def remove() -> None:
    """Wrap no further modules; what is wrapped stays and notes nothing."""
    tell(None)
    sys.meta_path[:] = [finder for finder in sys.meta_path if not isinstance(finder, _AfterImport)]


def wrap(module: ModuleType) -> None:
    """Wrap the entrances of one module. What a version of the library has not got is passed over."""
    observer = _OBSERVERS.get(module.__name__)
    if observer is not None:
        try:
            observer(module)
        except Exception:  # noqa: BLE001 # the user's import must go on; what a door cannot watch is a gap of the cell
            unwatched.add(module.__name__)
    for names, place, writes in ENTRANCES.get(module.__name__, ()):
        for name in names:
            owner: Any = module
            *path, last = name.split(".")
            for part in path:
                owner = getattr(owner, part, None)
            original = getattr(owner, last, None)
            if callable(original) and not getattr(original, _DONE, False):
                try:
                    setattr(owner, last, _noting(original, place, writes))
                except (AttributeError, TypeError):
                    continue  # a class that cannot be changed; the text of the cell still names the file


def _noting(original: Callable[..., Any], place: int, writes: bool) -> Callable[..., Any]:  # a fact of the entrance
    @functools.wraps(original)
    def noting(*args: Any, **more: Any) -> Any:
        note = _note
        if note is not None:
            given = args[place] if len(args) > place else next((more[key] for key in _KEYWORDS if key in more), None)
            try:
                for path in paths(given):
                    note(path, writes)
            except Exception:  # noqa: BLE001  # the user's call must go on; a path we cannot read is told by the text of the cell
                note("", writes)
        return original(*args, **more)

    setattr(noting, _DONE, True)
    return noting


def paths(given: object) -> Iterator[str]:
    """The paths in an argument: a text, a path, or a list of them. Buffers, handles and frames have none."""
    if isinstance(given, (str, os.PathLike)):
        yield os.fsdecode(os.fspath(given))
    elif isinstance(given, (list, tuple)):
        for item in given[:10_000]:
            yield from paths(item)


def quoted(texts: Sequence[str]) -> Iterator[str]:
    """What stands in single quotes in texts that look like SQL: `FROM 'data/*.parquet'`."""
    for text in texts:
        if _SQL.search(text):
            for found in _QUOTED.findall(text):
                yield found.replace("''", "'")


class _AfterImport(importlib.abc.MetaPathFinder):
    """Lets the others find a module of ENTRANCES, and wraps it once it is loaded."""

    def __init__(self) -> None:
        self._asking: set[str] = set()

    def find_spec(self, fullname: str, *_: Any) -> ModuleSpec | None:
        if (fullname not in ENTRANCES and fullname not in _OBSERVERS) or fullname in self._asking:
            return None
        self._asking.add(fullname)
        try:
            spec = importlib.util.find_spec(fullname)
        finally:
            self._asking.discard(fullname)
        if spec is None or spec.loader is None or not hasattr(spec.loader, "exec_module"):
            return None
        loader: Any = spec.loader
        load = loader.exec_module

        def exec_module(module: ModuleType) -> None:
            load(module)
            wrap(module)

        loader.exec_module = exec_module
        return spec
