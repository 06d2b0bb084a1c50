"""What differs between two states of a table, file or folder: from fingerprints alone, and by rows where both sides have them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from jupyter_mlgov.lineage.columns import Content, distinct
from jupyter_mlgov.lineage.facts import Fingerprint
from jupyter_mlgov.lineage.typenames import Unfit


@dataclass(frozen=True, slots=True, kw_only=True)
class Retyped:
    """A column that both sides have, as other types."""

    column: str
    was: str
    now: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Renamed:
    """A column with the same content and another name."""

    was: str
    now: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One differing cell, shown only to who asks for values."""

    row: int
    was: str
    now: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """A column whose content differs. `rows` counts differing rows by place (None: not counted); `first` are the first ones, from 0."""

    column: str
    rows: int | None = None
    first: tuple[int, ...] = ()
    samples: tuple[Sample, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """How `right` differs from `left`. `basis` says what was looked at; `note` what could not be.

    For tables the names are columns, for folders files. `same` is the equality of the two roots and nothing else.
    """

    left: str
    right: str
    kind: str
    same: bool
    basis: str = "fingerprints"
    left_rows: int = -1
    right_rows: int = -1
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    renamed: tuple[Renamed, ...] = ()
    retyped: tuple[Retyped, ...] = ()
    changed: tuple[Changed, ...] = ()
    reordered: bool = False
    note: str = ""


def compare(left: Fingerprint, right: Fingerprint, *, names: tuple[str, str] = ("A", "B")) -> Difference:
    """From two fingerprints alone. Raises Unfit for fingerprints of two methods, which nothing can compare."""
    if left.method != right.method:
        raise Unfit(f"{names[0]} has a fingerprint by {left.method} and {names[1]} one by {right.method}; only one method can be compared")
    start = Difference(
        left=names[0], right=names[1], kind=left.method, same=left.root == right.root, left_rows=left.rows, right_rows=right.rows
    )
    if not left.columns and not right.columns:
        return start
    renamed = _renamed(left.columns, right.columns)
    moved = {one.was for one in renamed}, {one.now for one in renamed}
    common = [name for name in left.columns if name in right.columns]
    retyped = [
        Retyped(column=name, was=left.schema[name], now=right.schema[name])
        for name in common
        if left.schema.get(name) != right.schema.get(name)
    ]
    return replace(
        start,
        added=tuple(name for name in right.columns if name not in left.columns and name not in moved[1]),
        removed=tuple(name for name in left.columns if name not in right.columns and name not in moved[0]),
        renamed=renamed,
        retyped=tuple(retyped),
        changed=tuple(Changed(column=name) for name in common if left.columns[name] != right.columns[name]),
        reordered=common != [name for name in right.columns if name in left.columns],
    )


def _renamed(left: Mapping[str, str], right: Mapping[str, str]) -> tuple[Renamed, ...]:
    """Columns gone here and new there with one root: only where it is plain which became which."""
    gone = {name: root for name, root in left.items() if name not in right}
    new = {name: root for name, root in right.items() if name not in left}
    found = []
    for was, root in gone.items():
        heirs = [name for name, other in new.items() if other == root]
        if len(heirs) == 1 and list(gone.values()).count(root) == 1:
            found.append(Renamed(was=was, now=heirs[0]))
    return tuple(found)


def compare_rows(found: Difference, left: Content, right: Content, *, most: int = 10, values: int = 0) -> Difference:
    """`found` with the number of differing rows of each changed column, in bounded memory.

    Rows are compared by place, as far as both sides go; a column whose type differs is not compared. `most` first rows are named, and
    `values` of them shown.
    """
    from jupyter_mlgov.lineage.cells import count_differing

    other = {one.column for one in found.retyped if not _comparable(one.was, one.now)}
    wanted = [one.column for one in found.changed if one.column not in other]
    if not wanted:
        return found
    places = [(distinct(side.names).index(name)) for name in wanted for side in (left, right)]
    counted = count_differing(left, right, list(zip(places[::2], places[1::2], strict=True)), most=most, values=values)
    by_name = dict(zip(wanted, counted, strict=True))
    changed = []
    for one in found.changed:
        tally = by_name.get(one.column)
        samples = tuple(Sample(row=row, was=was, now=now) for row, was, now in tally.samples) if tally else ()
        changed.append(replace(one, rows=tally.rows, first=tuple(tally.first), samples=samples) if tally else one)
    return replace(found, changed=tuple(changed), basis="rows")


def _comparable(was: str, now: str) -> bool:
    """Another zone is the same instant, and a column without any value has no type of its own."""
    return "null" in (was, now) or (was.startswith("timestamp[") and now.startswith("timestamp["))


def compare_files(
    left: Mapping[bytes, tuple[bytes, str]], right: Mapping[bytes, tuple[bytes, str]], *, names: tuple[str, str], roots: tuple[str, str]
) -> Difference:
    """Two folders, by the entries that folders.entries() gives."""

    def shown(name: bytes) -> str:
        return name.decode("utf-8", "backslashreplace")

    common = [name for name in sorted(left) if name in right]
    gone, new = (
        {shown(name): side[name][1] for name in sorted(side) if name not in other} for side, other in ((left, right), (right, left))
    )
    renamed = _renamed(gone, new)
    return Difference(
        left=names[0],
        right=names[1],
        kind="mlgov-folder-1",
        same=roots[0] == roots[1],
        added=tuple(name for name in new if name not in {one.now for one in renamed}),
        removed=tuple(name for name in gone if name not in {one.was for one in renamed}),
        renamed=renamed,
        changed=tuple(Changed(column=shown(name)) for name in common if left[name] != right[name]),
    )
