"""The canonical bytes of a block of rows of one column (docs/formats/fingerprint.md, method `mlgov-table-2`).

What needs no change is handed on as it lies in Arrow's buffers, without a copy; what does is changed a block at a time.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import Any

from jupyter_mlgov.lineage.typenames import Node, Unfit

Part = Any  # bytes, or an array that lies contiguous in memory: hashlib takes both
Seen = set[tuple[int, ...]]
PRESENT, SOME, NONE = b"\x00", b"\x01", b"\x02"
_EXPONENTS = {"s": 0, "ms": 3, "us": 6, "ns": 9}
_SAMPLE = 64


def block_parts(array: Any, node: Node, seen: Seen) -> Iterator[Part]:
    """Rows as uint64, then the bytes of the node. `seen` hears of each part of the type that has a value.

    `array` is a pyarrow.Array of any layout of that type.
    """
    if sys.byteorder != "little":
        raise Unfit("fingerprints are computed on little-endian machines only")
    yield len(array).to_bytes(8, "little")
    yield from _node(array, node, seen, ())


def plain(array: Any) -> Any:
    """The array without dictionary, run-end encoding and named storage."""
    from pyarrow import types as is_

    while True:
        kind = array.type
        if is_.is_dictionary(kind):
            array = array.dictionary_decode()
        elif is_.is_run_end_encoded(kind):
            import pyarrow.compute as pc

            array = pc.run_end_decode(array)
        elif hasattr(kind, "storage_type"):
            array = array.storage if kind.extension_name != "arrow.bool8" else array.storage.cast("bool")
        else:
            return array


def _node(array: Any, node: Node, seen: Seen, path: tuple[int, ...]) -> Iterator[Part]:
    array = plain(array)
    if node.family == "float":
        yield from _floats(array, seen, path)
        return
    missing = array.null_count
    if missing == len(array):
        yield NONE
        return
    seen.add(path)
    yield from (SOME, _bitmap(array)) if missing else (PRESENT,)
    if node.family in _NESTED:
        if not path:
            array.validate()  # of a damaged array (some libraries make them) pyarrow would read beyond the end, or end the process
        yield from _NESTED[node.family](array, node, seen, path)
    else:
        yield from _PLAIN[node.family](array)


def _bitmap(array: Any) -> Part:
    """One bit a row, the first row in the lowest bit: 1 where there is a value; the last byte is filled with 0."""
    return _packed(array.buffers()[0], array.offset, len(array))


def _packed(bits: Any, offset: int, count: int) -> Any:
    """`count` bits of a buffer from bit `offset` on, in whole bytes; no copy where they begin and end a byte."""
    import numpy as np

    first, ahead = divmod(offset, 8)
    held = np.frombuffer(bits, "u1", (ahead + count + 7) // 8, first)
    if not ahead and not count % 8:
        return held
    return np.packbits(np.unpackbits(held, bitorder="little")[ahead : ahead + count], bitorder="little")


def _present(array: Any) -> Any:
    """A flag a row, or None where every row has a value."""
    import numpy as np

    return np.unpackbits(_bitmap(array), count=len(array), bitorder="little").view(bool) if array.null_count else None


def _bools(array: Any) -> Iterator[Part]:
    bits = _packed(array.buffers()[1], array.offset, len(array))
    yield bits & _bitmap(array) if array.null_count else bits


def _numbers(array: Any, kind: str) -> Any:
    """The numbers of a fixed-width array as they lie in its buffer."""
    import numpy as np

    return np.frombuffer(array.buffers()[1], kind, len(array), array.offset * np.dtype(kind).itemsize)


def _filled(array: Any) -> Any:
    """The numbers of an integer array, 0 where one is missing; no copy where none is."""
    import numpy as np
    from pyarrow import types as is_

    sign = "u" if is_.is_unsigned_integer(array.type) else "i"
    numbers, present = _numbers(array, f"<{sign}{array.type.bit_width // 8}"), _present(array)
    return numbers if present is None else np.where(present, numbers, numbers.dtype.type(0))


def _ints(array: Any) -> Iterator[Part]:
    yield from whole(_filled(array))


def whole(numbers: Any) -> Iterator[Part]:
    """Width w and the numbers as w-byte two's complement: the least of 1, 2, 4, 8, 16 that holds all of them."""
    import numpy as np

    if numbers.dtype.kind == "u":
        if numbers.dtype.itemsize == 8 and int(numbers.max()) >= 1 << 63:
            words = np.zeros((len(numbers), 2), "<u8")
            words[:, 0] = numbers
            yield from (b"\x10", words)
            return
        numbers = numbers.view("i8") if numbers.dtype.itemsize == 8 else numbers
    width = _width(numbers)
    yield bytes((width,))
    yield np.ascontiguousarray(numbers, dtype=f"<i{width}")


def _width(numbers: Any) -> int:
    """Bytes for all of the numbers; a look at the first few often tells that no narrower width will do."""
    least = 1
    for part in (numbers[:_SAMPLE], numbers):
        low, high = (int(part.min()), int(part.max())) if len(part) else (0, 0)
        while low < -(1 << (8 * least - 1)) or high >= 1 << (8 * least - 1):
            least *= 2
        if least == 8:
            break
    return least


def _floats(array: Any, seen: Seen, path: tuple[int, ...]) -> Iterator[Part]:
    """Width 4 where every number is a binary32, else 8; IEEE 754. NaN is a missing value like null; -0.0 is 0.0; a missing one is 0.0."""
    import numpy as np

    if array.null_count == len(array):
        yield NONE
        return
    numbers, present = _numbers(array, f"<f{array.type.bit_width // 8}"), _present(array)
    numbers = numbers.astype("<f4") if numbers.dtype.itemsize == 2 else numbers
    zero = numbers.dtype.type(0)
    if present is not None:
        numbers = np.where(present, numbers, zero)
    if np.isnan(numbers.min()):  # min() is NaN where any is
        present = ~np.isnan(numbers) if present is None else present & ~np.isnan(numbers)
        numbers = np.where(present, numbers, zero)
    if present is not None and not present.any():
        yield NONE
        return
    seen.add(path)
    yield from (PRESENT,) if present is None else (SOME, np.packbits(present, bitorder="little"))
    # -0.0 is the least of all when its bits are read as a whole number.
    signs = numbers.view(f"i{numbers.dtype.itemsize}")
    if int(signs.min()) == np.iinfo(signs.dtype).min:
        numbers = numbers + zero
    yield from _narrowed(numbers)


def _narrowed(numbers: Any) -> Iterator[Part]:
    import numpy as np

    if numbers.dtype.itemsize == 8:
        with np.errstate(over="ignore"):
            narrow = None
            for part in (numbers[:_SAMPLE], numbers):
                narrow = part.astype("<f4")
                if not (narrow == part).all():
                    yield from (b"\x08", np.ascontiguousarray(numbers, dtype="<f8"))
                    return
        numbers = narrow
    yield from (b"\x04", np.ascontiguousarray(numbers, dtype="<f4"))


def _texts(array: Any) -> Iterator[Part]:
    """The lengths in bytes as whole numbers, then the bytes of all values one after the other; a missing one has length 0."""
    import numpy as np
    import pyarrow as pa
    from pyarrow import types as is_

    kind = array.type
    if is_.is_fixed_size_binary(kind) or is_.is_binary_view(kind):
        array = array.cast(pa.large_binary())
    elif is_.is_string_view(kind):
        array = array.cast(pa.large_string())
    if array.null_count:
        array = array.fill_null("" if is_.is_string(array.type) or is_.is_large_string(array.type) else b"")
    _, ends, content = array.buffers()
    width = "i8" if is_.is_large_string(array.type) or is_.is_large_binary(array.type) else "i4"
    offsets = np.frombuffer(ends, dtype=width)[array.offset : array.offset + len(array) + 1]
    yield from whole(np.diff(offsets))
    # The content buffer is the whole parent's: only this block's bytes count.
    yield memoryview(content)[int(offsets[0]) : int(offsets[-1])] if content is not None else b""


def _dates(array: Any) -> Iterator[Part]:
    import pyarrow as pa

    yield from _ints(array.cast(pa.date32()).cast(pa.int32()))


def _moments(array: Any) -> Iterator[Part]:
    """The exponent of the coarsest unit that holds all values (0 s, 3 ms, 6 µs, 9 ns), then whole numbers of that unit."""
    import pyarrow as pa

    ticks = _filled(array.cast(pa.int32()).cast(pa.int64()) if array.type.bit_width == 32 else array.cast(pa.int64()))
    exponent = _EXPONENTS[array.type.unit]
    for coarse in (0, 3, 6, 9):
        reduced = _reduced(ticks, 10 ** (exponent - coarse)) if coarse < exponent else ticks
        if reduced is not None:
            yield bytes((min(coarse, exponent),))
            yield from whole(reduced)
            return


def _reduced(numbers: Any, factor: int) -> Any:
    """The numbers divided by `factor`, or None where one of them is no multiple of it."""
    for part in (numbers[:_SAMPLE], numbers):
        quotient = part // factor
        if not (quotient * factor == part).all():
            return None
    return quotient


def _decimals(array: Any) -> Iterator[Part]:
    """The least scale (0 or more) at which all values are whole, then those whole numbers (as wide as 32 bytes)."""
    import numpy as np
    import pyarrow as pa
    from pyarrow import types as is_

    scale = array.type.scale
    if is_.is_decimal32(array.type) or is_.is_decimal64(array.type):
        array = array.cast(pa.decimal128(38, scale))
    if scale < 0:
        array, scale = array.cast(pa.decimal256(76, 0)), 0
    size = array.type.byte_width
    words = np.frombuffer(array.buffers()[1], "<u8", len(array) * size // 8, array.offset * size).reshape(-1, size // 8)
    if array.null_count:
        words = np.where(_present(array)[:, None], words, np.uint64(0))
    low = np.ascontiguousarray(words[:, 0]).view("i8")
    if (words[:, 1:].view("i8") == (low >> 63)[:, None]).all():
        yield from _short_decimals(low, scale)
    else:
        yield from _long_decimals(words, scale)


def _short_decimals(numbers: Any, scale: int) -> Iterator[Part]:
    """Unscaled values that fit into 8 bytes: divided by the largest power of ten that divides them all."""
    for power in range(min(scale, 18), 0, -1):
        reduced = _reduced(numbers, 10**power)
        if reduced is not None:
            # Only where all are 0 can more than 18 be left.
            numbers, scale = reduced, 0 if not reduced.any() else scale - power
            break
    yield bytes((scale,))
    yield from whole(numbers)


def _long_decimals(words: Any, scale: int) -> Iterator[Part]:
    """Wider values, one at a time: rare, and still exact."""
    content = words.tobytes()
    size = words.shape[1] * 8
    values = [int.from_bytes(content[start : start + size], "little", signed=True) for start in range(0, len(content), size)]
    while scale > 0 and all(value % 10 == 0 for value in values):
        values, scale = [value // 10 for value in values], scale - 1
    width = 1
    while any(not -(1 << (8 * width - 1)) <= value < 1 << (8 * width - 1) for value in values):
        width *= 2
    yield from (bytes((scale, width)), b"".join(value.to_bytes(width, "little", signed=True) for value in values))


def _lists(array: Any, node: Node, seen: Seen, path: tuple[int, ...]) -> Iterator[Part]:
    """The number of items of each row (0 where it is missing), then the items of all rows as one column."""
    yield from whole(_lengths(array))
    if node.inner[0].family == "null":
        yield NONE  # there is nothing to see, and pyarrow 25 ends the process when it flattens some of these
        return
    yield from _node(array.flatten(), node.inner[0], seen, (*path, 0))


def _lengths(array: Any) -> Any:
    """Items of each row, from the buffers: pyarrow's own list_value_length ends the process at some slices (seen in 25.0)."""
    import numpy as np
    from pyarrow import types as is_

    kind, count, start = array.type, len(array), array.offset
    if is_.is_fixed_size_list(kind):
        lengths = np.full(count, kind.list_size, "<i8")
    elif is_.is_list_view(kind) or is_.is_large_list_view(kind):
        size = 4 if is_.is_list_view(kind) else 8
        lengths = np.frombuffer(array.buffers()[2], f"<i{size}", count, start * size)
    else:
        size = 8 if is_.is_large_list(kind) else 4
        lengths = np.diff(np.frombuffer(array.buffers()[1], f"<i{size}", count + 1, start * size))
    present = _present(array)
    return lengths if present is None else np.where(present, lengths, lengths.dtype.type(0))


def _maps(array: Any, node: Node, seen: Seen, path: tuple[int, ...]) -> Iterator[Part]:
    """As a list: keys of all rows in their order, then items."""
    import numpy as np

    lengths = _lengths(array)
    yield from whole(lengths)
    # Cut by hand: a cast to a list of structs makes damaged arrays of some (seen in pyarrow 25.0).
    offsets = np.frombuffer(array.buffers()[1], "<i4", len(array) + 1, array.offset * 4)
    first, count = int(offsets[0]), int(offsets[-1] - offsets[0])
    for place, child in enumerate((array.keys, array.items)):
        held = child.slice(first, count)
        if int(lengths.sum()) != count:  # entries that lie under a missing map
            held = held.filter(np.repeat(_present(array), np.diff(offsets)))
        yield from _node(held, node.inner[place], seen, (*path, place))


def _structs(array: Any, node: Node, seen: Seen, path: tuple[int, ...]) -> Iterator[Part]:
    """Each field as a column; it is missing where its struct is."""
    for place, field in enumerate(array.flatten()):
        yield from _node(field, node.inner[place], seen, (*path, place))


_PLAIN: dict[str, Callable[[Any], Iterator[Part]]] = {
    "bool": _bools,
    "int": _ints,
    "string": _texts,
    "binary": _texts,
    "date": _dates,
    "period": _ints,
    "time": _moments,
    "timestamp": _moments,
    "duration": _moments,
    "decimal": _decimals,
}
_NESTED: dict[str, Callable[[Any, Node, Seen, tuple[int, ...]], Iterator[Part]]] = {"list": _lists, "map": _maps, "struct": _structs}
