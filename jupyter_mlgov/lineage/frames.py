"""Data frames of pandas and polars as Arrow columns, converted a block at a time: a frame of any size needs little beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, cast

from jupyter_mlgov.core.canonical import canonical_json
from jupyter_mlgov.lineage.columns import ROWS, Block, Content, joined
from jupyter_mlgov.lineage.tagging import DEEPEST, tagged
from jupyter_mlgov.lineage.typenames import Unfit, text

Read = Callable[[int, int], Any]  # first row, rows -> pyarrow.Array


def of_polars(frame: Any) -> Content:
    """A polars DataFrame, as it lies in memory."""
    columns = [(series.name, _polars_column(series)) for series in frame.get_columns()]
    return _content(columns, frame.height)


def _polars_column(series: Any) -> tuple[Any, Read]:
    if "Object" in str(series.dtype):
        # polars hands Arrow the addresses of the objects, which are others in every process.
        raise Unfit(f"unstable: column {text(series.name)[:60]!r} holds Python objects whose content polars does not know")

    def read(start: int, count: int) -> Any:
        array = series.slice(start, count).to_arrow()
        return joined(array) if hasattr(array, "chunks") else array

    return read(0, 0).type, read


def of_pandas(value: Any) -> Content:
    """A pandas DataFrame or Series: its columns, then the levels of its index unless that only counts rows.

    A level is named as pyarrow.Table.from_pandas names it: by its own name, else `__index_level_0__` and so on.
    """
    series = value.ndim == 1
    columns = [value] if series else [value.iloc[:, place] for place in range(value.shape[1])]
    names = [value.name] if series else list(value.columns)
    found = [
        ("" if name is None and series else str(name), column_of(str(name), column)) for name, column in zip(names, columns, strict=True)
    ]
    if not _only_counts(value.index):
        for level in range(value.index.nlevels):
            name = value.index.names[level]
            label = f"__index_level_{level}__" if name is None else str(name)
            found.append((label, column_of(label, value.index.get_level_values(level).to_series())))
    return _content(found, len(value))


def _content(columns: list[tuple[str, tuple[Any, Read]]], rows: int) -> Content:
    def blocks() -> Iterator[Block]:
        for number, start in enumerate(range(0, rows, ROWS)):
            for place, (_, (_, read)) in enumerate(columns):
                yield Block(column=place, number=number, read=partial(read, start, min(ROWS, rows - start)))

    return Content(names=tuple(name for name, _ in columns), types=tuple(kind for _, (kind, _) in columns), blocks=blocks, rows=rows)


def _only_counts(index: Any) -> bool:
    """A RangeIndex says nothing about a row but its place (Arrow and Parquet do not keep it as a column either); nor does 0, 1, 2 …"""
    import numpy as np
    import pandas as pd

    if isinstance(index, pd.RangeIndex):
        return True
    if index.name is not None or index.nlevels > 1:
        return False
    return len(index) == 0 or (index.dtype == np.dtype("int64") and bool((index.to_numpy() == np.arange(len(index))).all()))


def column_of(name: str, column: Any) -> tuple[Any, Read]:
    """The Arrow type of a pandas column and how to read its rows. Raises Unfit for Python objects without a canonical form."""
    import numpy as np
    import pyarrow as pa

    if column.dtype == np.dtype(object):
        return _objects(name, column)
    if isinstance(column.dtype, np.dtype) and column.dtype.kind in "biufmM":
        values = column.to_numpy()

        def numbers(start: int, count: int) -> Any:
            return pa.Array.from_pandas(np.ascontiguousarray(values[start : start + count]))

        return numbers(0, 0).type, numbers
    if hasattr(column.dtype, "fill_value"):
        return _sparse(column)
    return _whole(name, column)


def _sparse(column: Any) -> tuple[Any, Read]:
    """A sparse column of pandas is its dense content."""
    import pyarrow as pa

    def dense(start: int, count: int) -> Any:
        return pa.Array.from_pandas(column.iloc[start : start + count].sparse.to_dense())

    return dense(0, 0).type, dense


def _whole(name: str, column: Any) -> tuple[Any, Read]:
    """Arrow-backed columns lie in Arrow already; categories, periods, intervals and the like become one Arrow array."""
    import pyarrow as pa

    try:
        array = pa.Array.from_pandas(column)
    except (pa.ArrowException, TypeError, ValueError, OverflowError):
        return _spelled(name, column)
    chunked = array if isinstance(array, pa.ChunkedArray) else pa.chunked_array([array])
    return chunked.type, lambda start, count: joined(chunked.slice(start, count))


def _objects(name: str, column: Any) -> tuple[Any, Read]:
    """A column of Python objects of one kind as that kind; texts a block at a time, since they may be most of the frame."""
    import pyarrow as pa
    from pandas.api.types import infer_dtype

    kind = infer_dtype(column, skipna=True)
    if kind in ("string", "bytes", "boolean") and len(column) > ROWS:
        chosen = {"string": pa.large_string(), "bytes": pa.large_binary(), "boolean": pa.bool_()}[kind]
        return chosen, lambda start, count: pa.array(column.iloc[start : start + count], chosen, from_pandas=True)
    if kind.startswith("mixed") and any(_is_deep(value) for value in column):
        raise Unfit(f"column {text(name)[:60]!r}: a value is nested too deeply or holds itself")
    if kind.startswith("mixed") and any(_is_set(value) for value in column):
        return _spelled(name, column)  # Arrow would take the items as they come, in an order that hangs on the process's hash seed
    return _whole(name, column)


def _is_set(value: object) -> bool:
    if isinstance(value, (list, tuple)):
        return any(_is_set(item) for item in value)
    return isinstance(value, (set, frozenset)) or (isinstance(value, dict) and any(_is_set(item) for item in value.values()))


def _is_deep(value: object, depth: int = 0) -> bool:
    """Whether lists and dicts lie in one another without an end that we wait for: pyarrow would follow them until the process dies."""
    if depth > DEEPEST:
        return True
    if isinstance(value, dict):
        return any(_is_deep(item, depth + 1) for item in value.values())
    if isinstance(value, (list, tuple, set, frozenset)):
        return any(_is_deep(item, depth + 1) for item in value)
    is_array = type(value).__module__ == "numpy" and getattr(getattr(value, "dtype", None), "kind", "") == "O"
    return is_array and any(_is_deep(item, depth + 1) for item in cast("Any", value).ravel().tolist())


def _spelled(name: str, column: Any) -> tuple[Any, Read]:
    """A column of mixed Python values, each spelled as tagged canonical JSON."""
    import pandas as pd
    import pyarrow as pa

    def spell(value: object) -> str | None:
        if value is None or value is pd.NA or value is pd.NaT or (type(value) is float and value != value):
            return None
        return canonical_json(tagged(python_value(value))).decode()

    def read(start: int, count: int) -> Any:
        try:
            return pa.array([spell(value) for value in column.iloc[start : start + count]], pa.large_string())
        except Unfit as error:
            raise Unfit(f"column {text(name)[:60]!r}: {error}") from None

    return pa.large_string(), read


def python_value(value: object) -> object:
    """A numpy scalar as Python's own; everything else as it is."""
    import numpy as np

    return value.item() if isinstance(value, np.generic) else value
