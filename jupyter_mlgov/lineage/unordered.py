"""The same rows in any order have the same root (method `mlgov-table-2-unordered`).

Each row has a digest; what is hashed is the sorted list of different rows, each with how often it occurs. Sums or XORs of
row digests would be quicker, and a forger could find other rows with the same sum (Wagner, 2002, "A generalized birthday problem").
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.lineage.bags import Bag
from jupyter_mlgov.lineage.columns import Content, named
from jupyter_mlgov.lineage.encoding import Seen, block_parts, plain
from jupyter_mlgov.lineage.facts import Fingerprint
from jupyter_mlgov.lineage.typenames import Node, node_of, spelled

METHOD = "mlgov-table-2-unordered"
CELL = 33
_ONE = (1).to_bytes(8, "little") + b"\x00"  # the beginning of a block of one row that has a value


def unordered_fingerprint(content: Content) -> Fingerprint:
    """Roots of the bags of rows and of each column's values, in bounded memory. Raises Unfit for a type without a canonical form."""
    import numpy as np

    nodes = [node_of(kind) for kind in content.types]
    seen: list[Seen] = [set() for _ in nodes]
    bags, rows, count = [Bag(CELL) for _ in nodes], Bag(32), 0
    held: list[Any] = []
    for block in content.blocks():
        cells = cells_of(block.read(), nodes[block.column], seen[block.column])
        bags[block.column].add(cells)
        held.append(cells)
        if len(held) == len(nodes):
            rows.add(_digests(np.ascontiguousarray(np.concatenate(held, axis=1))))
            count, held = count + len(cells), []
    count = count if nodes else max(0, content.rows)
    types = [spelled(node, found.__contains__) if count else spelled(node) for node, found in zip(nodes, seen, strict=True)]
    roots = [_root(kind, count, bag) for kind, bag in zip(types, bags, strict=True)]
    return named(METHOD, content, count, types, roots, more={"bag": rows.digest().hex()})


def _root(kind: str, rows: int, bag: Bag) -> Digest:
    return Digest.of_bytes(b"mlgov-column-2-unordered\n" + kind.encode() + b"\n" + rows.to_bytes(8, "little") + bag.digest())


def _digests(records: Any) -> Any:
    """H of each row of bytes."""
    content, width = memoryview(records).cast("B"), records.shape[1]
    return _table(content[start : start + width] for start in range(0, len(content), width))


def _table(contents: Iterable[Any]) -> Any:
    import numpy as np

    sha = hashlib.sha256
    return np.frombuffer(b"".join([sha(content).digest() for content in contents]), "u1").reshape(-1, 32)


def cells_of(array: Any, node: Node, seen: Seen) -> Any:
    """A cell a row, `CELL` bytes each: 0 … 0 where a value is missing, else 1 and the digest of the block of that row alone."""
    import numpy as np

    array = plain(array)
    array = _without_nan(array) if node.family == "float" else _without_views(array)
    cells = np.zeros((len(array), CELL), "u1")
    present = array.is_valid().to_numpy(zero_copy_only=False)
    if node.family == "null" or not present.any():
        return cells
    if node.family in _SPELLED:
        seen.add(())
        contents: Iterable[bytes] = _SPELLED[node.family](array.drop_null())
    else:
        contents = _blocks_of_one(array, np.flatnonzero(present).tolist(), node, seen)
    cells[present, 0] = 1
    cells[present, 1:] = _table(contents)
    return cells


def _without_views(array: Any) -> Any:
    """pyarrow 25 cannot filter views."""
    import pyarrow as pa
    from pyarrow import types as is_

    if is_.is_string_view(array.type):
        return array.cast(pa.large_string())
    return array.cast(pa.large_binary()) if is_.is_binary_view(array.type) else array


def _without_nan(array: Any) -> Any:
    import pyarrow as pa
    import pyarrow.compute as pc

    array = array.cast(pa.float32()) if array.type == pa.float16() else array
    return pc.if_else(pc.is_nan(array), None, array)


def _blocks_of_one(array: Any, places: list[int], node: Node, seen: Seen) -> Iterator[bytes]:
    for place in places:
        yield b"".join(bytes(part) for part in block_parts(array.slice(place, 1), node, seen))


def _whole(value: int) -> bytes:
    width = 1
    while not -(1 << (8 * width - 1)) <= value < 1 << (8 * width - 1):
        width *= 2
    return bytes((width,)) + value.to_bytes(width, "little", signed=True)


def _ints(array: Any) -> Iterator[bytes]:
    return (_ONE + _whole(value) for value in array.to_numpy(zero_copy_only=False).tolist())


def _floats(array: Any) -> Iterator[bytes]:
    import numpy as np

    numbers = array.to_numpy(zero_copy_only=False) + 0.0
    with np.errstate(over="ignore"):
        short = numbers.astype("<f4") == numbers
    for value, narrow in zip(numbers.tolist(), short.tolist(), strict=True):
        yield _ONE + (b"\x04" + struct.pack("<f", value) if narrow else b"\x08" + struct.pack("<d", value))


def _texts(array: Any) -> Iterator[bytes]:
    for value in array.to_pylist():
        content = value.encode() if isinstance(value, str) else value
        yield _ONE + _whole(len(content)) + content


_SPELLED: dict[str, Callable[[Any], Iterator[bytes]]] = {"int": _ints, "float": _floats, "string": _texts, "binary": _texts}
