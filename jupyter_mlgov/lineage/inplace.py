"""Which objects changed in place while a cell ran, told by identity and content, whatever name or call changed them."""

from __future__ import annotations

import sys
import zlib
from collections.abc import Mapping
from typing import Any

# Containers up to this many items are told by the identity of each item, longer ones by their length.
ITEMS = 32
# Arrays up to this many bytes are told by their content; so much is looked at in all for one cell.
BYTES = 16_384
BUDGET = 131_072
MOST_NAMES = 5000

Mark = tuple[object, ...]


class Marks:
    """The notebook's changeable objects as they stand, and what differs at the next look. Tables are measured elsewhere."""

    def __init__(self) -> None:
        self._marks: dict[str, Mark] = {}

    def changes(self, namespace: Mapping[str, object]) -> tuple[str, ...]:
        """Names that hold the same object as at the last look, with other content."""
        before, self._marks = self._marks, marks(namespace)
        return tuple(name for name, mark in self._marks.items() if name in before and before[name] != mark and before[name][0] == mark[0])


def marks(namespace: Mapping[str, object]) -> dict[str, Mark]:
    """name -> (identity, content) of every list, dict, set, bytearray and small array."""
    found: dict[str, Mark] = {}
    if len(namespace) > MOST_NAMES:
        return found
    array = getattr(sys.modules.get("numpy"), "ndarray", None)
    budget = BUDGET
    wanted = {list, dict, set, bytearray, array}
    for name, value in [item for item in namespace.items() if type(item[1]) in wanted]:
        kind = type(value)
        if name[:1] == "_" or name in ("In", "Out"):
            continue
        if kind in (list, dict, set):
            found[name] = _container(value)
        elif kind is bytearray:
            found[name] = (id(value), zlib.crc32(value))  # type: ignore[arg-type]  # a bytearray
        elif kind is array:
            known: Any = value
            if known.nbytes <= BYTES and known.nbytes <= budget and not known.dtype.hasobject:
                budget -= known.nbytes
                found[name] = (id(value), known.shape, zlib.crc32(known.tobytes()))
    return found


def _container(value: Any) -> Mark:
    if len(value) > ITEMS:
        return (id(value), len(value))
    if type(value) is dict:
        return (id(value), *map(id, value), *map(id, value.values()))
    return (id(value), *map(id, value))


def aliases(names: tuple[str, ...], namespace: Mapping[str, object]) -> tuple[str, ...]:
    """Other names of the same objects, and arrays that look into the same memory."""
    changed = [namespace[name] for name in names if name in namespace and not _is_plain(namespace[name])]
    if not changed:
        return ()
    identities = {id(value) for value in changed}
    numpy: Any = sys.modules.get("numpy")
    arrays = [value for value in changed if numpy is not None and type(value) is numpy.ndarray]
    return tuple(
        name
        for name, value in tuple(namespace.items())
        if name not in names
        and name[:1] != "_"
        and (
            id(value) in identities
            or (arrays and type(value) is numpy.ndarray and any(numpy.may_share_memory(value, one) for one in arrays))
        )
    )


def _is_plain(value: object) -> bool:
    """Values that cannot change, or that many names share by nature."""
    return value is None or type(value) in (bool, int, float, complex, str, bytes, type, tuple, frozenset)
