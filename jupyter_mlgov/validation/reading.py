"""Opens a Parquet or CSV file as an Ibis table on DuckDB, so that validators ask for aggregates and pull no rows."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_mlgov.core.errors import BadInput

if TYPE_CHECKING:
    from ibis.expr.types import Table

_MAGIC = b"PAR1"
_SEPARATED = (".csv", ".tsv", ".txt")


def open_table(path: Path) -> Table:
    """The table in `path`, on a DuckDB connection of its own: what one validator does to it, no other sees.

    Parquet is known by its content (stored objects have no suffix), CSV by its suffix. Raises BadInput for any other file.
    """
    kind = _kind(path)
    import duckdb
    import ibis

    # No extension is ever fetched: what DuckDB brings along reads both formats.
    connection = ibis.duckdb.connect(autoinstall_known_extensions=False, autoload_known_extensions=False)
    try:
        if kind == "parquet":
            return connection.read_parquet(_literal(path))
        # The whole file decides the types, so that equal content has equal types; read once, asked often.
        view = connection.read_csv(_literal(path), header=True, sample_size=-1)
        return connection.create_table("subject", view)
    except (duckdb.Error, ibis.IbisError, OSError, ValueError) as error:
        raise BadInput(f"{path.name} cannot be read as {kind}: {_first_line(error)}", next="Mend the file, or name another.") from None


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
    return lines[0][:300]
