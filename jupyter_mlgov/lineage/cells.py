"""Which rows of two columns differ, a block at a time."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from jupyter_mlgov.lineage.columns import ROWS, Content
from jupyter_mlgov.lineage.encoding import block_parts, plain
from jupyter_mlgov.lineage.typenames import Node, node_of

_SHOWN = 60


@dataclass(slots=True)
class Tally:
    """How many rows of one column differ, the first of them, and some values (row, left, right)."""

    rows: int = 0
    first: list[int] = field(default_factory=list)
    samples: list[tuple[int, str, str]] = field(default_factory=list)


def count_differing(left: Content, right: Content, pairs: list[tuple[int, int]], *, most: int, values: int) -> list[Tally]:
    """A tally for each pair of column numbers, over the rows that both sides have. Two blocks a column are held at a time."""
    tallies = [Tally() for _ in pairs]
    sides = zip(_blocks(left, [one for one, _ in pairs]), _blocks(right, [other for _, other in pairs]), strict=False)
    for number, (mine, theirs) in enumerate(sides):
        for tally, (place, other) in zip(tallies, pairs, strict=True):
            _count(tally, mine[place](), theirs[other](), number * ROWS, most=most, values=values)
    return tallies


def _blocks(content: Content, wanted: list[int]) -> Iterator[dict[int, Any]]:
    """For each block of rows, how to read the wanted columns."""
    held: dict[int, Any] = {}
    for block in content.blocks():
        if block.column in wanted:
            held[block.column] = block.read
        if block.column == len(content.names) - 1:
            yield held
            held = {}


def _count(tally: Tally, left: Any, right: Any, start: int, *, most: int, values: int) -> None:
    common = min(len(left), len(right))
    left, right = plain(left.slice(0, common)), plain(right.slice(0, common))
    if not common or _digest(left) == _digest(right):
        return
    import numpy as np

    places = np.flatnonzero(differing(left, right))
    tally.rows += len(places)
    tally.first += [start + int(place) for place in places[: most - len(tally.first)]]
    for place in places[: max(0, values - len(tally.samples))]:
        tally.samples.append((start + int(place), _shown(left[int(place)]), _shown(right[int(place)])))


def _digest(array: Any) -> bytes:
    hasher = hashlib.sha256()
    for part in block_parts(array, node_of(array.type), set()):
        hasher.update(part)
    return hasher.digest()


def _shown(value: Any) -> str:
    text = repr(value.as_py())
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"


def differing(left: Any, right: Any) -> Any:
    """A flag a row: whether two arrays of equal length differ there, by the rules of the fingerprint."""
    one, other = node_of(left.type), node_of(right.type)
    here, there = _present(left, one), _present(right, other)
    if one.family == other.family and one.family in ("int", "float", "bool", "string", "binary", "date"):
        return (here != there) | (here & there & _unequal(left, right, one))
    if "null" in (one.family, other.family):
        return here != there
    from jupyter_mlgov.lineage.unordered import cells_of

    return (cells_of(left, one, set()) != cells_of(right, other, set())).any(axis=1)


def _present(array: Any, node: Node) -> Any:
    import numpy as np
    import pyarrow.compute as pc

    valid = array.is_valid().to_numpy(zero_copy_only=False)
    if node.family != "float":
        return valid
    return valid & ~pc.is_nan(array.cast("double")).fill_null(False).to_numpy(zero_copy_only=False).astype(np.bool_)


def _unequal(left: Any, right: Any, node: Node) -> Any:
    import pyarrow as pa
    import pyarrow.compute as pc
    from pyarrow import types as is_

    wide = {"float": pa.float64(), "bool": pa.bool_(), "string": pa.large_string(), "binary": pa.large_binary(), "date": pa.date32()}
    kind = wide.get(node.family)
    if kind is None:
        unsigned = is_.is_uint64(left.type) or is_.is_uint64(right.type)
        kind = pa.decimal128(20, 0) if unsigned and left.type != right.type else left.type if unsigned else pa.int64()
    return pc.not_equal(left.cast(kind), right.cast(kind)).fill_null(False).to_numpy(zero_copy_only=False)
