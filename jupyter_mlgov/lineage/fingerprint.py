"""A digest of all the content of a table, array, fitted model, file or folder (docs/formats/fingerprint.md)."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, cast

from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.lineage.arrays import ARRAY_METHOD, SPARSE_METHOD, array_root, sparse_root
from jupyter_mlgov.lineage.columns import Content, table_fingerprint
from jupyter_mlgov.lineage.contents import content_of, is_a, is_fitted, kind_of, queried
from jupyter_mlgov.lineage.facts import Fingerprint
from jupyter_mlgov.lineage.folders import FOLDER_METHOD, entries, folder_root
from jupyter_mlgov.lineage.models import METHOD as MODEL_METHOD
from jupyter_mlgov.lineage.models import model_root
from jupyter_mlgov.lineage.tablefiles import Declared, of_csv, of_parquet
from jupyter_mlgov.lineage.typenames import Unfit, text
from jupyter_mlgov.lineage.unchanged import Unchanged, is_regular, steady

FILE_METHOD = "mlgov-file-1"
PARQUET = (".parquet", ".pq")

_files: Unchanged[Fingerprint] = Unchanged()


def fingerprint(value: object) -> Fingerprint | None:
    """The fingerprint of a value as measured() takes it; None for other things and for content without a canonical form."""
    try:
        return measured(value)
    except Unfit:
        return None


def measured(value: object, *, ordered: bool = True, schema: Declared | None = None) -> Fingerprint | None:
    """The fingerprint of all of a table, array, fitted model, file or folder (a Path); None for other things.

    A Parquet file has the fingerprint of its table, and so has a CSV file with a declared `schema`; any other file has that of its bytes.
    `ordered=False` is for tables: the same rows in any order have the same root, under a method of another name. Raises Unfit with
    the reason where the content has no canonical form, cannot be read, or changed while it was read.
    """
    path = cast("Path", value) if issubclass(type(value), Path) else None
    try:
        content = None if path else _table(value)
        if path is not None:
            return _path(path, ordered=ordered, schema=schema)
        if content is not None:
            return _of_content(content, ordered=ordered)
        if not ordered:
            raise Unfit("only a table has rows that can be taken without their order")
        if kind_of(value) == "array":
            return _array(value)
        return _model(value) if is_a(type(value), "sklearn.base", "BaseEstimator") else None
    except Unfit:
        raise
    except Exception as error:
        raise Unfit(f"reading it raised {type(error).__name__}") from error


def _table(value: object) -> Content | None:
    return content_of(value) if kind_of(value) == "table" else queried(value)


def _of_content(content: Content, *, ordered: bool) -> Fingerprint:
    if ordered:
        return table_fingerprint(content)
    from jupyter_mlgov.lineage.unordered import unordered_fingerprint

    return unordered_fingerprint(content)


def _array(value: Any) -> Fingerprint:
    """Shape, type and content of a numpy array in C order, or of a sparse matrix in any format."""
    dense = is_a(type(value), "numpy", "ndarray")
    rows = int(value.shape[0]) if value.ndim else -1
    kind = str(value.dtype.newbyteorder("="))
    return Fingerprint(
        method=ARRAY_METHOD if dense else SPARSE_METHOD,
        root=array_root(value) if dense else sparse_root(value),
        schema={"dtype": kind[:200], "shape": str(tuple(int(size) for size in value.shape))},
        rows=rows,
    )


def _model(value: object) -> Fingerprint:
    """A fitted estimator; the recorder calls only those that predict a model, but a transformer has content all the same."""
    if not is_fitted(value):
        raise Unfit(f"{type(value).__qualname__} is not fitted: it has learned nothing yet")
    name = f"{type(value).__module__}.{type(value).__qualname__}"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a deprecated attribute warns when it is read; that is not the user's doing
        return Fingerprint(method=MODEL_METHOD, root=model_root(value), schema={"class": name})


def _path(path: Path, *, ordered: bool, schema: Declared | None) -> Fingerprint:
    try:
        if path.is_dir():
            return Fingerprint(method=FOLDER_METHOD, root=folder_root(entries(path, file_digest)))
        if not is_regular(path):
            raise Unfit(f"{text(path.name)} is no plain file: reading it would consume it")
        if schema is not None:
            return measured_content(lambda: of_csv(path, schema), path, ordered=ordered, kept="")
        if path.suffix.lower() in PARQUET:
            return measured_content(lambda: of_parquet(path), path, ordered=ordered)
        if not ordered:
            raise Unfit("only a table has rows that can be taken without their order")
        return Fingerprint(method=FILE_METHOD, root=file_digest(path))
    except OSError as error:
        raise Unfit(f"{text(path.name)} cannot be read: {error.strerror or error}") from None


def measured_path(path: Path) -> Fingerprint:
    """The bytes of a file or the entries of a folder. Raises Unfit when it cannot be read or changes meanwhile."""
    if path.is_dir():
        return _path(path, ordered=True, schema=None)
    return Fingerprint(method=FILE_METHOD, root=file_digest(path))


def measured_content(
    content: Callable[[], Content], path: Path | None, *, ordered: bool = True, kept: Literal["", "table"] = "table"
) -> Fingerprint:
    """The fingerprint of a table that lies in the file `path`, if it lies in one. Raises Unfit when the file changes meanwhile.

    With `kept`, a file that does not change is not read again.
    """
    if path is None:
        return _of_content(content(), ordered=ordered)
    if kept:
        return _files.get(path, lambda _: _of_content(content(), ordered=ordered), f"{kept} {ordered}")
    # What a declared schema makes of a file is not remembered: the schema would have to be part of the name.
    return steady(path, lambda _: _of_content(content(), ordered=ordered))


def file_digest(path: Path) -> Digest:
    """The digest of the file's bytes; a file that did not change is not read again. Raises Unfit when it changes meanwhile, OSError."""
    return _files.get(path, lambda file: Fingerprint(method=FILE_METHOD, root=Digest.of_file(file)), "bytes").root
