"""Backward slices: the cells that a value rests on, and a digest that changes when one of them says something else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from jupyter_mlgov.core.errors import unknown
from jupyter_mlgov.lineage.follow import follow


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """What the value of `name` rests on: ids of cells from top to bottom, and a digest of the statements that made it.

    A comment, another layout, or a statement that the value does not rest on leaves the digest as it is; a changed constant does not.
    """

    name: str
    cells: tuple[str, ...]
    digest: str


def backward_slice(cells: Sequence[tuple[str, str]], name: str) -> Slice:
    """The slice of `name` after all of these cells (id, source). Raises UsageError for a name that none of them makes."""
    _, names = follow([source for _, source in cells])
    value = names.get(name)
    if value is None:
        raise unknown("name", name, [one for one in names if " " not in one], next="Name a variable of the notebook.")
    found = tuple(cell_id or str(place + 1) for place, (cell_id, _) in enumerate(cells) if value.slice >> place & 1)
    return Slice(name=name, cells=found, digest=f"sha256:{value.digest}")
