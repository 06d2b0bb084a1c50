"""A digest of all the content of a table, array, fitted model or file (docs/formats/fingerprint.md)."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any, cast

from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.lineage.columns import Unfit, table_fingerprint
from jupyter_mlgov.lineage.contents import ARRAY_METHOD, array_root, arrow, kind_of
from jupyter_mlgov.lineage.facts import Fingerprint
from jupyter_mlgov.lineage.models import model_root

MODEL_METHOD = "mlgov-model-1"
FILE_METHOD = "mlgov-file-1"


def fingerprint(value: object) -> Fingerprint | None:
    """The fingerprint of a table, array, fitted model or file (a Path); None for other things and for content without a canonical form.

    A Parquet file has the fingerprint of its table; any other file that of its bytes.
    """
    try:
        return measured(value)
    except Unfit:
        return None


def measured(value: object) -> Fingerprint | None:
    """As fingerprint(), but raises Unfit with the reason where the content has no canonical form."""
    if issubclass(type(value), Path):
        return _file(cast("Path", value))
    kind = kind_of(value)
    if kind is None:
        return None
    try:
        if kind == "table":
            return table_fingerprint(arrow(value))
        return _array(value) if kind == "array" else _model(value)
    except Unfit:
        raise
    except Exception as error:
        raise Unfit(f"reading it raised {type(error).__name__}") from error


def _array(value: Any) -> Fingerprint:
    """Shape, type and content of a numpy array in C order; NaN has one bit pattern, -0.0 is 0.0, byte order does not matter."""
    rows = int(value.shape[0]) if value.ndim else -1
    return Fingerprint(
        method=ARRAY_METHOD, root=array_root(value), schema={"dtype": str(value.dtype)[:200], "shape": str(value.shape)}, rows=rows
    )


def _model(value: object) -> Fingerprint:
    name = f"{type(value).__module__}.{type(value).__qualname__}"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a deprecated attribute warns when it is read; that is not the user's doing
        return Fingerprint(method=MODEL_METHOD, root=model_root(value), schema={"class": name})


def _file(path: Path) -> Fingerprint:
    if path.suffix.lower() in (".parquet", ".pq"):
        import pyarrow.parquet as pq

        try:
            return table_fingerprint(pq.ParquetFile(path).read())
        except (OSError, ValueError) as error:
            raise Unfit(f"{path.name} cannot be read as Parquet: {type(error).__name__}") from None
    try:
        return Fingerprint(method=FILE_METHOD, root=Digest.of_file(path))
    except OSError as error:
        raise Unfit(f"{path.name} cannot be read: {error.strerror or error}") from None
