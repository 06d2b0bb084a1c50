"""Opens a table as an Ibis table on DuckDB, so that validators ask for aggregates and pull no rows.

A file (Parquet, CSV), a Delta folder, a frame of pandas or polars, an Arrow table, or an Ibis table on any connection.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_mlgov.core.errors import BadInput, NotReady
from jupyter_mlgov.lineage.tablefiles import SEPARATORS
from jupyter_mlgov.validation.warehouse import Warehouse

if TYPE_CHECKING:
    from ibis.expr.types import Table

_MAGIC = b"PAR1"
_SEPARATED = (".csv", ".tsv", ".txt")
NAME = "subject"  # of the table in the SQL text: the same on every machine


def open_table(source: object, columns: Sequence[str] = ()) -> Table:
    """The table in `source`, on a DuckDB connection of its own: what one validator does to it, no other sees.

    `columns` alone are read where some are named. Parquet is known by its content (stored objects have no suffix), CSV by its suffix,
    Delta by its log. An Ibis table stays on its own connection, a Warehouse where it is. Raises BadInput for anything else, NotReady
    when the extra for Delta is not installed.
    """
    from ibis.expr.types import Table as IbisTable

    if isinstance(source, Warehouse):
        source = source.table
    if isinstance(source, IbisTable):
        return source.select(*columns) if columns else source
    if isinstance(source, Path):
        found = _delta(source) if source.is_dir() else _file(source)
        return found.select(*columns) if columns else found
    return _registered(_arrow(source, columns))


def _file(path: Path) -> Table:
    kind = _kind(path)
    import duckdb
    import ibis

    connection = _connection()
    try:
        if kind == "parquet":
            _named_once(path, _parquet_names(path))
            return connection.read_parquet(_literal(path), table_name=NAME)
        # The whole file decides the types, so that equal content has equal types; read once, asked often.
        view = connection.read_csv(_literal(path), header=True, sample_size=-1)
        _named_once(path, _header(path, len(view.columns)))
        if said := _said_otherwise(connection, path, [name for name, kind in view.schema().items() if kind.is_boolean()]):
            view = connection.read_csv(_literal(path), header=True, sample_size=-1, types=dict.fromkeys(said, "string"))
        connection.create_table(NAME, view)
        return connection.table(NAME)  # by its bare name: the SQL text is evidence, and equal for equal content
    except (duckdb.Error, ibis.IbisError, OSError, ValueError) as error:
        raise BadInput(f"{path.name} cannot be read as {kind}: {_first_line(error)}", next="Mend the file, or name another.") from None


def _named_once(path: Path, names: Sequence[str]) -> None:
    """Refuse a name that two columns have: a reader makes up another for the second, and nobody could say which one was judged."""
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise BadInput(f"{path.name} has two columns with the name {twice[0]!r:.80}.", next="Give each column a name of its own.")


def _said_otherwise(connection: Any, path: Path, columns: Sequence[str]) -> list[str]:  # ibis ships no types
    """Those of `columns` that say yes and no, or t and f: DuckDB takes them for true and false, and `--favourable yes` would find none."""
    if not columns:
        return []
    words = connection.read_csv(_literal(path), header=True, sample_size=-1, types=dict.fromkeys(columns, "string"))
    return [name for name in columns if not _is_true_or_false(words[name])]


def _is_true_or_false(column: Any) -> bool:  # ibis ships no types
    return not int(column.strip().lower().notin(["true", "false"]).sum().fill_null(0).execute())


def _parquet_names(path: Path) -> Sequence[str]:
    from pyarrow import ArrowInvalid
    from pyarrow.parquet import read_schema

    try:
        return list(read_schema(path).names)
    except (ArrowInvalid, OSError):
        return ()  # DuckDB says what is wrong with it


def _header(path: Path, number: int) -> Sequence[str]:
    """The names in the first line of a CSV file, where some separator gives as many as there are columns."""
    import csv

    with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        line = file.readline(1_000_000)
    found = (next(csv.reader([line], delimiter=separator), []) for separator in SEPARATORS)
    return next((names for names in found if len(names) == number), ())


def _connection() -> Any:  # ibis ships no types
    import ibis

    # No extension is ever fetched: what DuckDB brings along reads all of these.
    return ibis.duckdb.connect(autoinstall_known_extensions=False, autoload_known_extensions=False)


def _registered(arrow: object) -> Table:
    """An Arrow table or data set under our name; DuckDB reads it in place."""
    connection = _connection()
    connection.con.register(NAME, arrow)
    return connection.table(NAME)


def _delta(folder: Path) -> Table:
    if not (folder / "_delta_log").is_dir():
        raise BadInput(f"{folder.name} is a folder without a Delta log.", next="Name a Parquet or CSV file, or a Delta table's folder.")
    try:
        from deltalake import DeltaTable
        from deltalake.exceptions import DeltaError
    except ImportError:
        raise NotReady("Delta tables need the package deltalake.", next='`pip install "jupyter-mlgov[lake]"`.') from None
    try:
        return _registered(DeltaTable(str(folder)).to_pyarrow_dataset())
    except (DeltaError, OSError, ValueError) as error:
        raise BadInput(f"{folder.name} cannot be read as Delta: {_first_line(error)}", next="Mend the table, or name another.") from None


def _arrow(frame: Any, columns: Sequence[str]) -> object:
    """The frame, or only `columns` of it, as Arrow; text columns of pandas 3 and all of polars without a copy."""
    import pyarrow as pa

    chosen = list(columns)
    if isinstance(frame, pa.Table):
        return frame.select(chosen) if chosen else frame
    kind = type(frame).__module__.partition(".")[0]
    try:
        if kind == "pandas":
            return pa.Table.from_pandas(frame[chosen] if chosen else frame, preserve_index=False)
        if kind == "polars":
            eager = frame.collect() if hasattr(frame, "collect") else frame
            return (eager.select(chosen) if chosen else eager).to_arrow()
    except (pa.ArrowException, KeyError, ValueError, TypeError) as error:
        raise BadInput(f"The {kind} frame cannot be read: {_first_line(error)}", next="Give each column one plain type.") from None
    raise BadInput(
        f"A {type(frame).__name__} is no table.",
        expected="Expected a path, a pandas or polars frame, an Arrow table, an Ibis table or a Warehouse.",
    )


def _kind(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            start = stream.read(4)
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror or error}.", next="Name a Parquet or CSV file that is there.") from None
    if start == _MAGIC:
        return "parquet"
    if path.suffix.lower() in _SEPARATED and start:
        return "CSV"
    if not start:
        raise BadInput(f"{path.name} is empty.", expected="Expected a Parquet file, or a CSV file with a header line.")
    raise BadInput(
        f"{path.name} is neither Parquet nor CSV.",
        expected=f"A Parquet file begins with PAR1; a CSV file is named {', '.join(_SEPARATED)}.",
        next="Write the table as Parquet and name that file.",
    )


def _literal(path: Path) -> str:
    """DuckDB expands `*?[` in paths; a file's own name must mean itself."""
    return re.sub(r"([*?\[])", r"[\1]", str(path.resolve()))


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines() or [type(error).__name__]
    if any("not utf-8" in line.lower() for line in lines):
        return "its text is not UTF-8 (perhaps Latin-1 or Windows-1252)."
    return lines[0][:300]
