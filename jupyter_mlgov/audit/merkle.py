"""The Merkle tree over the log (RFC 9162, section 2.1): hashes, proofs, and the checks anybody can repeat.

A leaf's data are the 32 bytes of an entry's `digest`; entry `seq` is leaf `seq - 1`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

EMPTY = hashlib.sha256(b"").digest()
Node = Callable[[int, int], bytes]  # (level, index) -> hash of the complete subtree over 2**level leaves
_sha256 = hashlib.sha256


def leaf_hash(data: bytes) -> bytes:
    """SHA-256(0x00 || data), RFC 9162, 2.1.1."""
    return _sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256(0x01 || left || right), RFC 9162, 2.1.1."""
    return _sha256(b"\x01" + left + right).digest()


def levels_over(hashes: Sequence[bytes]) -> list[list[bytes]]:
    """Row by row the complete subtrees over `hashes`; the last row has one hash when their number is a power of two."""
    rows = [list(hashes)]
    while len(rows[-1]) > 1:
        below = rows[-1]
        rows.append([_sha256(b"\x01" + below[at] + below[at + 1]).digest() for at in range(0, len(below) - 1, 2)])
    return rows


def subtree(node: Node, start: int, stop: int) -> bytes:
    """MTH(D[start:stop]) from the hashes of complete subtrees; O(log n) of them."""
    width = stop - start
    if width == 0:
        return EMPTY
    if width & (width - 1) == 0 and start % width == 0:
        return node(width.bit_length() - 1, start // width)
    half = _split(width)
    return node_hash(subtree(node, start, start + half), subtree(node, start + half, stop))


def inclusion_path(node: Node, index: int, size: int) -> tuple[bytes, ...]:
    """PATH(index, D[0:size]), RFC 9162, 2.1.3.1. Raises ValueError for a leaf outside the tree."""
    if not 0 <= index < size:
        raise ValueError(f"leaf {index} is not in a tree of {size}")
    path: list[bytes] = []
    start, stop = 0, size
    while stop - start > 1:
        middle = start + _split(stop - start)
        if index < middle:
            path.append(subtree(node, middle, stop))
            stop = middle
        else:
            path.append(subtree(node, start, middle))
            start = middle
    return tuple(reversed(path))


def consistency_path(node: Node, old: int, new: int) -> tuple[bytes, ...]:
    """PROOF(old, D[0:new]), RFC 9162, 2.1.4.1. Raises ValueError unless 0 < old <= new."""
    if not 0 < old <= new:
        raise ValueError(f"no tree of {old} leaves grows into one of {new}")
    path: list[bytes] = []
    start, stop, whole = 0, new, True
    while old != stop:
        middle = start + _split(stop - start)
        if old <= middle:
            path.append(subtree(node, middle, stop))
            stop = middle
        else:
            path.append(subtree(node, start, middle))
            start, whole = middle, False
    if not whole:
        path.append(subtree(node, start, stop))
    return tuple(reversed(path))


def included(leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes) -> bool:
    """Does `path` lead from the hash of leaf `index` to `root`? RFC 9162, 2.1.3.2."""
    if not 0 <= index < size:
        return False
    number, last, found = index, size - 1, leaf
    for step in path:
        if last == 0:
            return False
        if number & 1 or number == last:
            found = node_hash(step, found)
            while not number & 1 and number:
                number, last = number >> 1, last >> 1
        else:
            found = node_hash(found, step)
        number, last = number >> 1, last >> 1
    return last == 0 and found == root


def consistent(old: int, new: int, path: Sequence[bytes], old_root: bytes, new_root: bytes) -> bool:
    """Is the tree of `old` leaves the beginning of the tree of `new`? RFC 9162, 2.1.4.2."""
    if old == new:
        return not path and old_root == new_root
    if not 0 < old < new or not path:
        return False
    steps = list(path) if old & (old - 1) else [old_root, *path]
    number, last = old - 1, new - 1
    while number & 1:
        number, last = number >> 1, last >> 1
    before = after = steps[0]
    for step in steps[1:]:
        if last == 0:
            return False
        if number & 1 or number == last:
            before, after = node_hash(step, before), node_hash(step, after)
            while not number & 1 and number:
                number, last = number >> 1, last >> 1
        else:
            after = node_hash(after, step)
        number, last = number >> 1, last >> 1
    return last == 0 and before == old_root and after == new_root


def _split(width: int) -> int:
    """The largest power of two smaller than `width`."""
    return 1 << (width - 1).bit_length() - 1
