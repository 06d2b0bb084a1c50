"""The tree is RFC 9162's: its published vectors, its laws, and the tiles it is kept in."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_mlgov.audit.entries import Draft
from jupyter_mlgov.audit.merkle import EMPTY, consistent, included, leaf_hash, node_hash
from jupyter_mlgov.audit.tiles import WIDTH, Tree, due, tile_of
from jupyter_mlgov.testing import ANA, MemoryJournal

# oracles.md 5.5, "RFC 6962 roots": the reference leaves of Certificate Transparency and the root over the first n of them.
LEAVES = [
    bytes.fromhex(text) for text in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
]
ROOTS = {
    1: ("6e340b9c", "a01d"),
    2: ("fac54203", "c125"),
    3: ("aeb6bcfe", "6e77"),
    4: ("d37ee418", "14b7"),
    5: ("4e3bbb1f", "64d4"),
    6: ("76e67dad", "87ef"),
    7: ("ddb89be4", "4c8c"),
    8: ("5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328", "4328"),
}


class Leaves:
    """A Ledger over leaf data; `tiles` are those that were written."""

    def __init__(self, data: list[bytes], tiles: dict[tuple[int, int], bytes] | None = None) -> None:
        self.data, self.tiles, self.asked = data, tiles or {}, 0

    def size(self) -> int:
        return len(self.data)

    def rows(self, after: int, upto: int) -> object:
        raise NotImplementedError

    def leaves(self, start: int, stop: int) -> list[bytes]:
        self.asked += 1
        return self.data[start:stop]

    def tile(self, level: int, index: int) -> bytes | None:
        self.asked += 1
        return self.tiles.get((level, index))

    def roots(self, level: int, start: int, stop: int) -> list[bytes]:
        self.asked += 1
        found = [(index, hashes) for (tier, index), hashes in sorted(self.tiles.items()) if tier == level and start <= index < stop]
        return [tile_of(level, index, [hashes[at : at + 32] for at in range(0, 8192, 32)]).root for index, hashes in found]

    def whole_tiles(self, level: int, start: int, stop: int) -> object:
        raise NotImplementedError

    def place(self) -> None:
        return None


def tree(data: list[bytes]) -> Tree:
    """A tree whose whole tiles are all written, as a journal writes them."""
    ledger = Leaves(data)
    for level, index in due(len(data), ()):
        start, stop = index * WIDTH, (index + 1) * WIDTH
        hashes = [leaf_hash(one) for one in data[start:stop]] if level == 0 else ledger.roots(level - 1, start, stop)
        ledger.tiles[level, index] = tile_of(level, index, hashes).hashes
    return Tree(ledger)  # type: ignore[arg-type]  # rows() is not asked for


def plain_root(data: list[bytes]) -> bytes:
    """MTH of RFC 9162, 2.1.1, as its text defines it."""
    if not data:
        return hashlib.sha256(b"").digest()
    if len(data) == 1:
        return leaf_hash(data[0])
    half = 1
    while half * 2 < len(data):
        half *= 2
    return node_hash(plain_root(data[:half]), plain_root(data[half:]))


def test_the_empty_root_is_the_published_one() -> None:
    assert tree([]).root(0) == EMPTY
    assert EMPTY.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@pytest.mark.parametrize("size", ROOTS)
def test_the_roots_over_the_reference_leaves_are_the_published_ones(size: int) -> None:
    """oracles.md 5.5, "RFC 6962 roots"."""
    begin, end = ROOTS[size]
    root = tree(LEAVES).root(size).hex()
    assert root.startswith(begin)
    assert root.endswith(end)


def test_the_published_inclusion_path_of_leaf_0_in_8() -> None:
    """oracles.md 5.5, "inclusion (0,8)"."""
    path = [step.hex() for step in tree(LEAVES).inclusion(0, 8)]
    published = [("96a296d2", "cfc7"), ("5f083f0a", "031e"), ("6b47aaf2", "f6e4")]
    assert [(step[:8], step[-4:]) for step in path] == published


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 255, 256, 257, 511, 513, 1000])
def test_every_root_is_the_definitions_root_whether_tiles_are_written_or_not(size: int) -> None:
    data = [number.to_bytes(4, "big") for number in range(size)]
    assert tree(data).root(size) == plain_root(data)
    assert Tree(Leaves(data[:255])).root(min(size, 255)) == plain_root(data[: min(size, 255)])  # type: ignore[arg-type]  # as above


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_each_proof_holds_and_no_other_leaf_place_or_root_passes_for_it(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, 700))
    index = data.draw(st.integers(0, size - 1))
    leaves = [number.to_bytes(4, "big") for number in range(size)]
    one = tree(leaves)
    path, root = one.inclusion(index, size), one.root(size)
    assert len(path) <= size.bit_length()
    assert included(leaf_hash(leaves[index]), index, size, path, root)
    assert not included(leaf_hash(b"other"), index, size, path, root)
    assert not included(leaf_hash(leaves[index]), (index + 1) % size, size, path, root) or size == 1
    assert not included(leaf_hash(leaves[index]), index, size, (*path, b"\0" * 32), root)
    assert not included(leaf_hash(leaves[index]), size, size, path, root)
    if path:
        assert not included(leaf_hash(leaves[index]), index, size, path[:-1], root)
        broken = bytearray(path[-1])
        broken[0] ^= 1
        assert not included(leaf_hash(leaves[index]), index, size, (*path[:-1], bytes(broken)), root)


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_a_log_that_grew_proves_it_and_a_changed_one_cannot(data: st.DataObject) -> None:
    new = data.draw(st.integers(1, 700))
    old = data.draw(st.integers(1, new))
    leaves = [number.to_bytes(4, "big") for number in range(new)]
    one = tree(leaves)
    path = one.consistency(old, new)
    assert consistent(old, new, path, one.root(old), one.root(new))
    changed = [*leaves]
    changed[data.draw(st.integers(0, old - 1))] = b"forged"
    other = tree(changed)
    assert not consistent(old, new, other.consistency(old, new), one.root(old), other.root(new))
    assert not consistent(old, new, path, one.root(old), other.root(new))
    assert not consistent(old + 1, new, path, one.root(old), one.root(new))


def test_a_proof_asks_for_a_number_of_tiles_that_does_not_grow_with_the_log() -> None:
    one = tree([number.to_bytes(4, "big") for number in range(70_000)])
    ledger = one._ledger
    ledger.asked = 0  # type: ignore[attr-defined]  # our own ledger
    one.inclusion(12_345, 70_000)
    assert ledger.asked <= 12  # type: ignore[attr-defined]  # our own ledger
    ledger.asked = 0  # type: ignore[attr-defined]  # our own ledger
    one.inclusion(12_300, 70_000)
    assert ledger.asked <= 2  # type: ignore[attr-defined]  # our own ledger


def test_a_leaf_outside_the_tree_has_no_proof() -> None:
    with pytest.raises(ValueError, match="not in a tree of 8"):
        tree(LEAVES).inclusion(8, 8)
    with pytest.raises(ValueError, match="no tree of 9 leaves grows into one of 8"):
        tree(LEAVES).consistency(9, 8)
    with pytest.raises(ValueError, match="the log is shorter"):
        tree(LEAVES).root(9)


def test_the_leaves_of_a_log_are_the_digests_of_its_entries() -> None:
    journal = MemoryJournal()
    entries = journal.append([Draft(action="session.ended", subject=str(number)) for number in range(5)], actor=ANA)
    data = [bytes.fromhex(entry.digest.hex) for entry in entries]
    assert Tree(journal.ledger()).root(5) == plain_root(data)
