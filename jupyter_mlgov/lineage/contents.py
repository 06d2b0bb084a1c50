"""What a value is to us, and its content in canonical hands: Arrow for tables, a root for arrays. Nothing is asked of the value itself."""

from __future__ import annotations

import hashlib
import sys
from typing import Any, Literal, cast

from jupyter_mlgov.core.canonical import canonical_json
from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.lineage.columns import Unfit, tagged

ARRAY_METHOD = "mlgov-array-1"

Kind = Literal["table", "array", "model"]


def kind_of(value: object) -> Kind | None:
    """What `value` is to us, told from its class alone: its own `==`, `len`, `hash`, `repr` and `__class__` are never asked.

    Lazy frames, generators and everything else are None. Nothing is imported: a value of a library needs that library loaded.
    """
    kind = type(value)
    if any(_is(kind, library, name) for library, name in _TABLES):
        return "table"
    if _is(kind, "numpy", "ndarray"):
        return "array"
    return "model" if _is(kind, "sklearn.base", "BaseEstimator") and hasattr(kind, "predict") and _is_fitted(value) else None


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


def arrow(value: object) -> Any:  # a pyarrow.Table; pyarrow ships no types
    """The Arrow table of anything kind_of() calls a table. Raises Unfit for a column of Python objects without a canonical form."""
    import pyarrow as pa

    kind = type(value)
    if issubclass(kind, pa.Table):
        return value
    if issubclass(kind, pa.RecordBatch):
        return pa.Table.from_batches([value])
    if issubclass(kind, pa.ChunkedArray) or issubclass(kind, pa.Array):
        return pa.table({"": value})
    if _is(kind, "pandas", "DataFrame") or _is(kind, "pandas", "Series"):
        return _from_pandas(value)
    frame = cast("Any", value)
    return frame.to_frame().to_arrow() if _is(kind, "polars", "Series") else frame.to_arrow()


def _from_pandas(value: Any) -> Any:
    """Columns in their order, then the index as `__index__` (`__index_1__` … for further levels) unless it only counts rows from 0."""
    import pyarrow as pa

    is_series = _is(type(value), "pandas", "Series")
    pairs = [(value.name, value)] if is_series else [(value.columns[place], value.iloc[:, place]) for place in range(value.shape[1])]
    names = ["" if name is None and is_series else str(name) for name, _ in pairs]
    columns = [_pandas_column(name, column) for name, (_, column) in zip(names, pairs, strict=True)]
    if not _only_counts(value.index):
        for level in range(value.index.nlevels):
            name = "__index__" if level == 0 else f"__index_{level}__"
            names.append(name)
            columns.append(_pandas_column(name, value.index.get_level_values(level).to_series()))
    if not columns:
        # A frame without columns still has rows; Arrow has no such table from arrays.
        return pa.table({}) if len(value) == 0 else pa.table({"__rows__": pa.nulls(len(value))})
    return pa.Table.from_arrays(columns, names=[name.encode("utf-8", "backslashreplace").decode() for name in names])


def _only_counts(index: Any) -> bool:
    import numpy as np
    import pandas as pd

    if index.name is not None or index.nlevels > 1:
        return False
    if isinstance(index, pd.RangeIndex):
        return bool(index.start == 0 and index.step == 1) or len(index) == 0
    if len(index) == 0:
        return True
    return index.dtype == np.dtype("int64") and bool((index.to_numpy() == np.arange(len(index))).all())


def _pandas_column(name: str, column: Any) -> Any:
    import pyarrow as pa

    try:
        array = pa.Array.from_pandas(column)
    except (pa.ArrowException, TypeError, ValueError, OverflowError):
        return _objects(name, column)
    return array.combine_chunks() if isinstance(array, pa.ChunkedArray) and array.num_chunks == 1 else array


def _objects(name: str, column: Any) -> Any:
    """A column of mixed Python values, each spelled as tagged canonical JSON."""
    import pandas as pd
    import pyarrow as pa

    def spell(value: object) -> str | None:
        if value is None or value is pd.NA or value is pd.NaT or (type(value) is float and value != value):
            return None
        return canonical_json(tagged(_python(value))).decode()

    try:
        return pa.array([spell(value) for value in column], pa.string())
    except Unfit as error:
        raise Unfit(f"column {name[:60]!r}: {error}") from None


def _python(value: object) -> object:
    import numpy as np

    return value.item() if isinstance(value, np.generic) else value


def array_root(value: Any) -> Digest:
    """The root of a numpy array. Raises Unfit for masked arrays and for objects without a canonical form."""
    import numpy as np

    if isinstance(value, np.ma.MaskedArray):
        raise Unfit("masked arrays have no canonical form")
    head = {"method": ARRAY_METHOD, "shape": [int(size) for size in value.shape]}
    if value.dtype.names:
        fields = [[name, array_root(value[name])] for name in value.dtype.names]
        return Digest.of_json({**head, "fields": fields})
    if value.dtype.kind == "O":
        return Digest.of_json({**head, "dtype": "object", "values": [tagged(_python(item)) for item in value.ravel()]})
    if value.dtype.kind in "UST":
        return Digest.of_json({**head, "dtype": "text", "values": [tagged(item) for item in value.ravel().tolist()]})
    little = np.ascontiguousarray(value, dtype=value.dtype.newbyteorder("<"))
    if little.dtype.kind in "fc":
        with np.errstate(all="ignore"):
            little = np.where(np.isnan(little), little.dtype.type(np.nan), little + little.dtype.type(0))
        little = little.astype(little.dtype.newbyteorder("<"), copy=False)
    content = hashlib.sha256(np.ascontiguousarray(little).data if little.size and little.dtype.kind not in "mM" else little.tobytes())
    return Digest.of_json({**head, "dtype": little.dtype.str, "content": content.hexdigest()})


def _is(kind: type, library: str, name: str) -> bool:
    module = sys.modules.get(library)
    wanted = getattr(module, name, None) if module is not None else None
    return isinstance(wanted, type) and issubclass(kind, wanted)


def _is_fitted(value: object) -> bool:
    validation = sys.modules.get("sklearn.utils.validation")
    if validation is None:
        return False
    try:
        validation.check_is_fitted(value)
    except Exception:  # noqa: BLE001  # NotFittedError or whatever a foreign estimator raises: not a fitted model to us
        return False
    return True
