"""Tables in files as streams of batches: Parquet of any size in bounded memory, and CSV by a declared schema."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from jupyter_mlgov.lineage.columns import ROWS, Content, of_batches
from jupyter_mlgov.lineage.typenames import Unfit, text

Declared = Any  # a pyarrow.Schema, or a mapping from column to Arrow type or its name ("int64", "timestamp[us, tz=UTC]")
_BUFFER = 1 << 20


def is_parquet(path: Path) -> bool:
    """Whether a plain file begins as Parquet does; its name does not matter."""
    if not path.is_file():
        return False
    with path.open("rb") as stream:
        return stream.read(4) == b"PAR1"


def of_parquet(path: Path) -> Content:
    """A Parquet file, batch by batch; a column chunk is read through a buffer, never as a whole. Raises Unfit when it cannot be read."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    def opened() -> Any:
        try:
            return pq.ParquetFile(path, pre_buffer=False, buffer_size=_BUFFER)
        except (OSError, ValueError) as error:
            raise Unfit(f"{text(path.name)} cannot be read as Parquet: {_first_line(error)}") from None

    def batches() -> Iterator[Any]:
        with opened() as file:
            try:
                yield from file.iter_batches(batch_size=ROWS)
            except (OSError, pa.ArrowException) as error:
                raise Unfit(f"{text(path.name)} cannot be read as Parquet: {_first_line(error)}") from None

    with opened() as file:
        return of_batches(file.schema_arrow, batches)


SEPARATORS = ",;\t|"  # what may part the fields of a CSV file, the likeliest first


def of_csv(path: Path, declared: Declared | None) -> Content:
    """A CSV file with a header line, in UTF-8. Its types are the declared ones; without, every column is text.

    An empty field is missing, `""` is the empty text. The first of SEPARATORS that parts the names of the header parts the fields.
    Raises Unfit for a value that is not of its column's type and for other columns than the declared ones.
    """
    import pyarrow as pa
    from pyarrow import csv

    names, separator = _header(path)
    schema = schema_of(declared) if declared is not None else pa.schema([(name, pa.string()) for name in names])
    if list(schema.names) != names:
        raise Unfit(f"{text(path.name)} has the columns {names}, and {list(schema.names)} were declared"[:400])
    plain = pa.schema([pa.field(field.name, _plain_type(field.type)) for field in schema])
    convert = csv.ConvertOptions(
        column_types=plain, strings_can_be_null=True, quoted_strings_can_be_null=False, null_values=[""], auto_dict_encode=False
    )

    def batches() -> Iterator[Any]:
        try:
            with csv.open_csv(
                path,
                csv.ReadOptions(block_size=1 << 22),
                csv.ParseOptions(newlines_in_values=True, delimiter=separator),
                convert_options=convert,
            ) as reader:
                yield from reader
        except (OSError, pa.ArrowException) as error:
            if "Empty CSV" in str(error):
                return
            raise Unfit(f"{text(path.name)} cannot be read as CSV of the declared types: {_first_line(error)}") from None

    return of_batches(plain, batches)


def schema_of(declared: Declared) -> Any:
    """The pyarrow.Schema that was declared. Raises Unfit for a name that is no Arrow type."""
    import pyarrow as pa

    if isinstance(declared, pa.Schema):
        return declared
    if not isinstance(declared, Mapping):
        raise Unfit("a schema is a pyarrow.Schema or a mapping from column to type")
    try:
        return pa.schema([(name, kind if isinstance(kind, pa.DataType) else pa.type_for_alias(kind)) for name, kind in declared.items()])
    except (ValueError, TypeError) as error:
        raise Unfit(f"the declared schema cannot be used: {_first_line(error)}") from None


def _plain_type(kind: Any) -> Any:
    from pyarrow import types as is_

    return _plain_type(kind.value_type) if is_.is_dictionary(kind) or is_.is_run_end_encoded(kind) else kind


def _header(path: Path) -> tuple[list[str], str]:
    """The names of the columns, and the first of SEPARATORS that parts them; a comma where none does."""
    import csv

    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            read: dict[str, list[str]] = {}
            for separator in SEPARATORS:
                stream.seek(0)
                read[separator] = next(csv.reader(stream, delimiter=separator), [])
        return next(((names, separator) for separator, names in read.items() if len(names) > 1), (read[","], ","))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise Unfit(f"{text(path.name)} cannot be read as CSV: {_first_line(error)}") from None


def _first_line(error: BaseException) -> str:
    return text(str(error).strip().partition("\n")[0])[:200] or type(error).__name__
