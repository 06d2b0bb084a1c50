"""One root for each column of a table, from its Arrow content (docs/formats/fingerprint.md, method `mlgov-table-1`)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from jupyter_mlgov.core.canonical import canonical_json
from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.lineage.facts import Fingerprint

METHOD = "mlgov-table-1"
SLICE = 1 << 18
_UNITS = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}


class Unfit(ValueError):
    """Content that has no canonical form here; the text says why."""


def table_fingerprint(table: Any) -> Fingerprint:  # a pyarrow.Table; pyarrow ships no types
    """Root of all rows and columns of an Arrow table. Chunks never matter. Raises Unfit for a type without a canonical form."""
    names = _distinct([_text(name) for name in table.column_names])
    types = [type_text(column.type) for column in table.columns]
    roots = [column_root(column) for column in table.columns]
    described = [{"name": name, "type": kind, "root": root} for name, kind, root in zip(names, types, roots, strict=True)]
    return Fingerprint(
        method=METHOD,
        root=Digest.of_json({"method": METHOD, "rows": table.num_rows, "columns": described}),
        columns=dict(zip(names, roots, strict=True)),
        schema=dict(zip(names, types, strict=True)),
        rows=table.num_rows,
    )


def _distinct(names: list[str]) -> list[str]:
    """A second column `x` is called `x#2`, since a mapping has no place for two."""
    seen: dict[str, int] = {}
    taken, result = set(names), []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        label = name if seen[name] == 1 else f"{name}#{seen[name]}"
        while seen[name] > 1 and label in taken:
            label += "#"
        taken.add(label)
        result.append(label)
    return result


def _text(name: object) -> str:
    return str(name).encode("utf-8", "backslashreplace").decode("utf-8")


def column_root(column: Any) -> Digest:  # a pyarrow.ChunkedArray
    """SHA-256 of header, rows and the digests of the three streams: validity, lengths, data."""
    validity, lengths, data = hashlib.sha256(), hashlib.sha256(), hashlib.sha256()
    write = _writer(column.type)
    for chunk in column.chunks:
        for start in range(0, len(chunk), SLICE):
            valid, sizes, content = write(_plain_array(chunk.slice(start, SLICE)))
            validity.update(valid)
            lengths.update(sizes)
            data.update(content)
    header = b"mlgov-column-1\n" + type_text(column.type).encode() + b"\n" + len(column).to_bytes(8, "little")
    return Digest.of_bytes(header + validity.digest() + lengths.digest() + data.digest())


def type_text(kind: Any) -> str:  # a pyarrow.DataType
    """The normalised name of a type: widths and encodings that do not change the content are left out."""
    import pyarrow as pa
    from pyarrow import types as is_

    if is_.is_dictionary(kind) or is_.is_run_end_encoded(kind):
        return type_text(kind.value_type)
    if isinstance(kind, pa.BaseExtensionType):
        raise Unfit(f"the extension type {_text(kind)[:80]} has no canonical form")
    for test, name in _SIMPLE:
        if getattr(is_, test)(kind):
            return name
    if is_.is_timestamp(kind):
        return f"timestamp[{kind.tz}]" if kind.tz else "timestamp"
    if is_.is_struct(kind):
        inner = [kind.field(index) for index in range(kind.num_fields)]
        return "struct<" + ",".join(f"{_text(field.name)}:{type_text(field.type)}" for field in inner) + ">"
    if is_.is_map(kind):
        return f"map<{type_text(kind.key_type)},{type_text(kind.item_type)}>"
    if is_.is_list(kind) or is_.is_large_list(kind) or is_.is_fixed_size_list(kind):
        return f"list<{type_text(kind.value_type)}>"
    raise Unfit(f"the type {_text(kind)[:80]} has no canonical form")


_SIMPLE = (
    ("is_null", "null"),
    ("is_boolean", "bool"),
    ("is_signed_integer", "int64"),
    ("is_unsigned_integer", "uint64"),
    ("is_floating", "float64"),
    ("is_string", "string"),
    ("is_large_string", "string"),
    ("is_string_view", "string"),
    ("is_binary", "binary"),
    ("is_large_binary", "binary"),
    ("is_binary_view", "binary"),
    ("is_fixed_size_binary", "binary"),
    ("is_date", "date"),
    ("is_time", "time"),
    ("is_duration", "duration"),
    ("is_decimal", "decimal"),
)


def _plain_array(array: Any) -> Any:
    from pyarrow import types as is_

    if is_.is_dictionary(array.type):
        return array.dictionary_decode()
    if is_.is_run_end_encoded(array.type):
        import pyarrow.compute as pc

        return pc.run_end_decode(array)
    return array


def _writer(kind: Any) -> Any:
    """The function that turns an array of this type into its three streams."""
    name = type_text(kind)
    simple = {"bool": _whole, "int64": _whole, "uint64": _whole, "date": _whole, "time": _whole, "null": _nothing}
    simple |= {"float64": _floats, "string": _texts, "binary": _texts, "duration": _moments, "decimal": _decimals}
    if name.startswith("timestamp"):
        return _moments
    return simple.get(name, _nested)


def _valid(array: Any) -> bytes:
    """One byte a row: 1 where there is a value."""
    if array.null_count == 0:
        return b"\x01" * len(array)
    content: bytes = array.is_valid().to_numpy(zero_copy_only=False).astype("u1").tobytes()
    return content


def _nothing(array: Any) -> tuple[bytes, bytes, bytes]:
    return b"\x00" * len(array), b"", b""


def _whole(array: Any) -> tuple[bytes, bytes, bytes]:
    """Booleans as one byte, integers as 8 bytes little-endian, dates as days, times of day as nanoseconds; missing ones as 0."""
    import pyarrow as pa
    from pyarrow import types as is_

    valid = _valid(array)
    if is_.is_boolean(array.type):
        return valid, b"", array.fill_null(False).to_numpy(zero_copy_only=False).astype("u1").tobytes()
    if is_.is_date(array.type):
        array = array.cast(pa.date32()).cast(pa.int32())
    if is_.is_time(array.type):
        array = array.cast(pa.time64("ns")).cast(pa.int64())
    width = "<u8" if is_.is_unsigned_integer(array.type) else "<i8"
    numbers = (array.fill_null(0) if array.null_count else array).to_numpy(zero_copy_only=False)
    return valid, b"", numbers.astype(width, copy=False).tobytes()


def _floats(array: Any) -> tuple[bytes, bytes, bytes]:
    """IEEE 754 doubles, little-endian. NaN is a missing value like null; -0.0 is 0.0; a missing one is 0.0."""
    import numpy as np

    numbers = array.to_numpy(zero_copy_only=False).astype("<f8", copy=False)
    missing = np.isnan(numbers)
    numbers = np.where(missing, 0.0, numbers) + 0.0
    return (~missing).astype("u1").tobytes(), b"", numbers.astype("<f8", copy=False).tobytes()


def _texts(array: Any) -> tuple[bytes, bytes, bytes]:
    """Each length as 8 bytes little-endian, and the bytes of all values one after the other; missing ones have length 0."""
    import numpy as np
    import pyarrow as pa
    from pyarrow import types as is_

    valid = _valid(array)
    text = is_.is_string(array.type) or is_.is_large_string(array.type) or is_.is_string_view(array.type)
    if is_.is_fixed_size_binary(array.type):
        array = array.cast(pa.binary())
    array = array.cast(pa.large_string() if text else pa.large_binary())
    array = array.fill_null("" if text else b"") if array.null_count else array
    _, ends, content = array.buffers()
    if len(array) == 0 or ends is None:
        return valid, b"", b""
    offsets = np.frombuffer(ends, dtype="i8")[array.offset : array.offset + len(array) + 1]
    data = memoryview(content)[offsets[0] : offsets[-1]] if content is not None else b""
    return valid, np.diff(offsets).astype("<u8").tobytes(), bytes(data)


def _moments(array: Any) -> tuple[bytes, bytes, bytes]:
    """Whole seconds (floor) as int64 and the nanoseconds above them as uint32: any Arrow unit fits. Timestamps since 1970 in UTC."""
    import numpy as np
    import pyarrow as pa

    factor = _UNITS[array.type.unit]
    ticks = array.cast(pa.int64())
    numbers = (ticks.fill_null(0) if ticks.null_count else ticks).to_numpy(zero_copy_only=False)
    both = np.empty(len(numbers), dtype=[("s", "<i8"), ("n", "<u4")])
    both["s"], both["n"] = numbers // factor, (numbers % factor) * (_UNITS["ns"] // factor)
    return _valid(array), b"", both.tobytes()


def _decimals(array: Any) -> tuple[bytes, bytes, bytes]:
    """The shortest plain text, without trailing zeros behind the point; precision and scale of the column do not matter."""
    return _spelled(array, lambda value: _decimal(value).encode())


def _nested(array: Any) -> tuple[bytes, bytes, bytes]:
    """Canonical JSON of each value, each scalar with a letter for its type (see `tagged`)."""
    return _spelled(array, lambda value: canonical_json(tagged(value)))


def _spelled(array: Any, spell: Any) -> tuple[bytes, bytes, bytes]:
    values = [b"" if value is None else spell(value) for value in array.to_pylist()]
    return _valid(array), b"".join(len(value).to_bytes(8, "little") for value in values), b"".join(values)


def _decimal(value: Decimal) -> str:
    text = format(value, "f")
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in ("-0", "") else text


def tagged(value: object) -> object:
    """A Python value as JSON in which `1`, `1.0`, `"1"` and True differ. Raises Unfit for anything else."""
    for kind, write in _TAGGED:
        if isinstance(value, kind):
            return write(value)
    if value is None:
        return None
    raise Unfit(f"a value of type {type(value).__name__} has no canonical form")


def _tagged_float(value: float) -> object:
    return None if value != value else ["f", (value + 0.0).hex()]


def _pairs(value: Mapping[object, object]) -> Iterator[list[object]]:
    for key, item in value.items():
        yield [tagged(key), tagged(item)]


_TAGGED: tuple[tuple[Any, Any], ...] = (
    (bool, lambda value: value),
    (int, lambda value: ["i", str(int(value))]),
    (float, _tagged_float),
    (str, lambda value: ["s", _text(value)]),
    (bytes, lambda value: ["b", value.hex()]),
    (datetime, lambda value: ["t", value.isoformat()]),
    ((date, time), lambda value: ["t", value.isoformat()]),
    (timedelta, lambda value: ["d", value.days, value.seconds, value.microseconds]),
    (Decimal, lambda value: ["n", _decimal(value)]),
    ((list, tuple), lambda value: ["l", *(tagged(item) for item in value)]),
    (dict, lambda value: ["o", *_pairs(value)]),
)
