"""The tree as it lies in storage: tiles of 256 hashes, written when they are full (after C2SP tlog-tiles).

A tile of level 0 holds the hashes of 256 leaves, one of level 1 the roots of 256 tiles of level 0, and so on. So appending costs
O(1) hashes on average, and a proof reads one tile a level, whatever the length of the log.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from jupyter_mlgov.audit.merkle import consistency_path, inclusion_path, leaf_hash, levels_over, subtree

HEIGHT = 8
WIDTH = 1 << HEIGHT
_KEPT = 2048

# One row of the log as bytes: seq, time, actor, action, subject, payload, payload_digest, previous, digest.
Row = tuple[int, bytes, bytes, bytes, bytes, bytes, bytes, bytes, bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """`hashes` are 32 bytes each, 256 of them; `root` is the hash over them all."""

    level: int
    index: int
    root: bytes
    hashes: bytes


class Ledger(Protocol):
    """What verification reads of a log: its rows as raw bytes and the stored tiles. Nothing here is believed; it is recomputed.

    Raises DamagedEntry or StorageProblem where the database cannot be read.
    """

    def size(self) -> int:
        """The number of the last entry."""
        ...

    def rows(self, after: int, upto: int) -> Iterator[Row]:
        """Rows with after < seq <= upto, in order."""
        ...

    def leaves(self, start: int, stop: int) -> list[bytes]:
        """The 32-byte digests of the leaves start <= index < stop."""
        ...

    def tile(self, level: int, index: int) -> bytes | None:
        """The 8,192 bytes of a whole tile; None when it was not written yet."""
        ...

    def roots(self, level: int, start: int, stop: int) -> list[bytes]:
        """The roots of the whole tiles start <= index < stop of a level, in order."""
        ...

    def whole_tiles(self, level: int, start: int, stop: int) -> Iterator[tuple[bytes, bytes]]:
        """(root, hashes) of the whole tiles start <= index < stop of a level, in order."""
        ...

    def place(self) -> str | None:
        """Where another process finds the same log (a URL), or None when it cannot."""
        ...


class Tree:
    """Roots and proofs over a Ledger. Keeps the tiles it has read; a log only grows, so a whole tile never changes."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._whole: OrderedDict[tuple[int, int], list[list[bytes]]] = OrderedDict()
        self._open: dict[int, tuple[int, int, list[list[bytes]]]] = {}

    def size(self) -> int:
        return self._ledger.size()

    def root(self, size: int) -> bytes:
        """The root over the first `size` entries. Raises ValueError when the log is shorter."""
        return subtree(self._node, 0, size)

    def inclusion(self, index: int, size: int) -> tuple[bytes, ...]:
        """The path of leaf `index` in the tree of `size`: O(log n) hashes."""
        return inclusion_path(self._node, index, size)

    def consistency(self, old: int, new: int) -> tuple[bytes, ...]:
        """The proof that the tree of `old` is the beginning of the tree of `new`."""
        return consistency_path(self._node, old, new)

    def _node(self, level: int, index: int) -> bytes:
        if level and level % HEIGHT == 0 and (found := self._whole.get((level // HEIGHT - 1, index))):
            return found[HEIGHT][0]
        tier, row = divmod(level, HEIGHT)
        tile, place = index >> (HEIGHT - row), index & ((1 << (HEIGHT - row)) - 1)
        rows = self._whole.get((tier, tile)) or self._read(tier, tile, (place + 1) << row)
        return rows[row][place]

    def _read(self, tier: int, tile: int, needed: int) -> list[list[bytes]]:
        """The rows of hashes in a tile, with at least `needed` hashes in its lowest one."""
        kept = self._open.get(tier)
        if kept and kept[0] == tile and kept[1] >= needed:
            return kept[2]
        stored = self._ledger.tile(tier, tile)
        if stored is not None:
            rows = levels_over(_cut(stored))
            self._whole[tier, tile] = rows
            if len(self._whole) > _KEPT:
                self._whole.popitem(last=False)
            return rows
        hashes = self._unwritten(tier, tile)
        if len(hashes) < needed:
            raise ValueError(f"the log is shorter: tile {tile} of level {tier} holds {len(hashes)} hashes, {needed} are needed")
        rows = levels_over(hashes)
        self._open[tier] = (tile, len(hashes), rows)
        return rows

    def _unwritten(self, tier: int, tile: int) -> list[bytes]:
        start, stop = tile * WIDTH, (tile + 1) * WIDTH
        if tier == 0:
            return [leaf_hash(digest) for digest in self._ledger.leaves(start, stop)]
        return self._ledger.roots(tier - 1, start, stop)


def tile_of(level: int, index: int, hashes: Sequence[bytes]) -> Tile:
    """The whole tile over 256 hashes."""
    return Tile(level=level, index=index, root=levels_over(hashes)[HEIGHT][0], hashes=b"".join(hashes))


def due(ledger_size: int, written: Sequence[int]) -> Iterator[tuple[int, int]]:
    """(level, index) of every tile that `ledger_size` entries fill and that is not among the first `written[level]` tiles, lowest first."""
    level, full = 0, ledger_size // WIDTH
    while full:
        for index in range(written[level] if level < len(written) else 0, full):
            yield level, index
        level, full = level + 1, full // WIDTH


def _cut(hashes: bytes) -> list[bytes]:
    return [hashes[at : at + 32] for at in range(0, len(hashes), 32)]
