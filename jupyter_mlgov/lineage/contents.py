"""What a value is to us, told from its class alone, and its content in canonical hands."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any, Literal, cast

from jupyter_mlgov.lineage.columns import ROWS, Content, of_batches, of_table
from jupyter_mlgov.lineage.typenames import Unfit

Kind = Literal["table", "array", "model"]


def kind_of(value: object) -> Kind | None:
    """What `value` is to us, told from its class alone: its own `==`, `len`, `hash`, `repr` and `__class__` are never asked.

    Lazy frames, queries, generators and everything else are None: the recorder must not run or consume them. Nothing is imported: a
    value of a library needs that library loaded.
    """
    kind = type(value)
    if any(is_a(kind, library, name) for library, name in _TABLES):
        return "table"
    if is_a(kind, "numpy", "ndarray") or is_sparse(value):
        return "array"
    return "model" if is_a(kind, "sklearn.base", "BaseEstimator") and hasattr(kind, "predict") and is_fitted(value) else None


_TABLES = (
    ("pandas", "DataFrame"),
    ("pandas", "Series"),
    ("pyarrow", "Table"),
    ("pyarrow", "RecordBatch"),
    ("pyarrow", "ChunkedArray"),
    ("pyarrow", "Array"),
    ("polars", "DataFrame"),
    ("polars", "Series"),
)

# What stands for rows that somebody must ask for, and what asking for them would do.
_UNASKED = (
    ("polars", "LazyFrame", "a polars LazyFrame is not run for its fingerprint; call .collect() first"),
    ("pyarrow", "RecordBatchReader", "a RecordBatchReader can be read once, and its rows are yours; call .read_all() first"),
)


def content_of(value: object) -> Content:
    """The content of anything kind_of() calls a table. Raises Unfit for a column of Python objects without a canonical form."""
    import pyarrow as pa

    kind = type(value)
    if is_a(kind, "pandas", "DataFrame") or is_a(kind, "pandas", "Series"):
        from jupyter_mlgov.lineage.frames import of_pandas

        return of_pandas(value)
    if is_a(kind, "polars", "DataFrame") or is_a(kind, "polars", "Series"):
        from jupyter_mlgov.lineage.frames import of_polars

        return of_polars(value if is_a(kind, "polars", "DataFrame") else cast("Any", value).to_frame())
    if issubclass(kind, pa.RecordBatch):
        return of_table(pa.Table.from_batches([value]))
    if issubclass(kind, pa.ChunkedArray) or issubclass(kind, pa.Array):
        return of_table(pa.table({"": value}))
    return of_table(value)


def queried(value: object) -> Content | None:
    """The content of what asks a system for its rows: a DuckDB relation, an Ibis table, a Delta table, an Arrow dataset.

    Only for who asks for its fingerprint by name, since the query is run, once, in bounded memory. None for other things; raises
    Unfit for what would be consumed or run against its owner's will.
    """
    kind = type(value)
    for library, name, why in _UNASKED:
        if is_a(kind, library, name):
            raise Unfit(why)
    asked = cast("Any", value)
    if is_a(kind, "duckdb", "DuckDBPyRelation"):
        # A relation remembers how far it was read: only a copy of it is.
        return _of_reader(lambda: asked.select("*").fetch_arrow_reader(ROWS))
    if is_a(kind, "ibis.expr.types", "Table"):
        return _of_reader(lambda: asked.to_pyarrow_batches(chunk_size=ROWS))
    asked = asked.to_pyarrow_dataset() if is_a(kind, "deltalake", "DeltaTable") else asked
    if is_a(type(asked), "pyarrow.dataset", "Dataset"):
        return of_batches(asked.schema, lambda: asked.to_batches(batch_size=ROWS, batch_readahead=2, fragment_readahead=1))
    return None


def _of_reader(opened: Any) -> Content:
    """A query that is run once, when its schema is asked for; its batches can be read once."""
    reader = opened()

    def batches() -> Iterator[Any]:
        yield from reader

    return of_batches(reader.schema, batches)


def arrow(value: object) -> Any:  # a pyarrow.Table; pyarrow ships no types
    """The Arrow table of anything kind_of() calls a table, whole: what the object store keeps."""
    import pyarrow as pa

    from jupyter_mlgov.lineage.columns import distinct

    content = content_of(value)
    if issubclass(type(value), pa.Table):
        return value
    schema = pa.schema(list(zip(distinct(content.names), content.types, strict=True)))
    columns: list[list[Any]] = [[] for _ in content.names]
    for block in content.blocks():
        columns[block.column].append(block.read())
    if not columns:
        return pa.table({}) if content.rows <= 0 else pa.table({"__rows__": pa.nulls(content.rows)})
    return pa.Table.from_arrays([pa.chunked_array(parts, kind) for parts, kind in zip(columns, content.types, strict=True)], schema=schema)


def is_sparse(value: object) -> bool:
    """Whether it is one of scipy's sparse matrices or arrays."""
    return is_a(type(value), "scipy.sparse", "spmatrix") or is_a(type(value), "scipy.sparse", "sparray")


def is_a(kind: type, library: str, name: str) -> bool:
    """Whether `kind` is that class of a library, or one below it. Nothing is imported."""
    module = sys.modules.get(library)
    wanted = getattr(module, name, None) if module is not None else None
    return isinstance(wanted, type) and issubclass(kind, wanted)


def is_fitted(value: object) -> bool:
    """Whether a scikit-learn estimator says that it learned something."""
    validation = sys.modules.get("sklearn.utils.validation")
    if validation is None:
        return False
    try:
        validation.check_is_fitted(value)
    except Exception:  # noqa: BLE001  # NotFittedError or whatever a foreign estimator raises: not a fitted model to us
        return False
    return True
