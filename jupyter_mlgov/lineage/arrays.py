"""Roots of numpy arrays and of scipy's sparse matrices (methods `mlgov-array-1` and `mlgov-sparse-1`)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.lineage.frames import python_value
from jupyter_mlgov.lineage.tagging import tagged
from jupyter_mlgov.lineage.typenames import Unfit

ARRAY_METHOD = "mlgov-array-1"
SPARSE_METHOD = "mlgov-sparse-1"
_BYTES = 1 << 23


def array_root(value: Any) -> Digest:
    """The root of a numpy array of any layout. Raises Unfit for masked arrays and for objects without a canonical form."""
    import numpy as np

    if isinstance(value, np.ma.MaskedArray):
        raise Unfit("masked arrays have no canonical form")
    head = {"method": ARRAY_METHOD, "shape": [int(size) for size in value.shape]}
    if value.dtype.names:
        fields = [[name, array_root(value[name])] for name in value.dtype.names]
        return Digest.of_json({**head, "fields": fields})
    if value.dtype.kind == "O":
        return Digest.of_json({**head, "dtype": "object", "values": [tagged(python_value(item)) for item in value.ravel()]})
    if value.dtype.kind in "UST":
        return Digest.of_json({**head, "dtype": "text", "values": [tagged(item) for item in value.ravel().tolist()]})
    if value.dtype.kind == "V":
        raise Unfit("arrays of raw bytes without a type have no canonical form")
    little = value.dtype.newbyteorder("<")
    hasher = hashlib.sha256()
    for part in _parts(value):
        hasher.update(_canonical(np.ascontiguousarray(part, dtype=little)))
    return Digest.of_json({**head, "dtype": little.str, "content": hasher.hexdigest()})


def _parts(value: Any) -> Iterator[Any]:
    """The array in C order, some megabytes at a time, so that a transposed or big-endian one is never copied as a whole."""
    if value.ndim == 0 or value.nbytes <= _BYTES:
        yield value
        return
    each = value.nbytes // value.shape[0]
    if each > _BYTES:
        for row in value:
            yield from _parts(row)
        return
    step = max(1, _BYTES // max(1, each))
    for start in range(0, value.shape[0], step):
        yield value[start : start + step]


def _canonical(little: Any) -> Any:
    """NaN has one bit pattern, -0.0 is 0.0."""
    import numpy as np

    if little.dtype.kind in "fc" and little.size:
        with np.errstate(all="ignore"):
            kind = little.dtype.type
            changed = little + kind(0)
            little = np.where(np.isnan(changed), kind(np.nan), changed).astype(little.dtype, copy=False)
    return little.tobytes() if little.dtype.kind in "mM" or not little.size else np.ascontiguousarray(little).data


def sparse_root(value: Any) -> Digest:
    """The root of a scipy sparse matrix or array: shape, type, and each stored number that is not 0 with its place.

    The same in every format: duplicates are added up, stored zeros left out, entries sorted by place.
    """
    import numpy as np

    whole = value.tocoo(copy=True)
    whole.sum_duplicates()
    whole.eliminate_zeros()
    places = [np.asarray(place) for place in (whole.coords if hasattr(whole, "coords") else (whole.row, whole.col))]
    order = np.lexsort(places[::-1])
    return Digest.of_json(
        {
            "method": SPARSE_METHOD,
            "shape": [int(size) for size in whole.shape],
            "places": [array_root(place[order].astype("<i8")) for place in places],
            "numbers": array_root(whole.data[order]),
        }
    )
