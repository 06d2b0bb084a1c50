"""Which cells of an edited notebook must run again, and why: the old notebook is held against the new one, and neither is run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from jupyter_mlgov.core.verdicts import Verdict
from jupyter_mlgov.lineage.effects import source_digest
from jupyter_mlgov.lineage.follow import Trace, follow
from jupyter_mlgov.lineage.nameless import sets_seed
from jupyter_mlgov.lineage.restore import restoring


class Because(StrEnum):
    """Why a cell must run again."""

    EDITED = "edited"
    NEW = "new"
    UPSTREAM = "upstream"
    RESTORE = "restore"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rerun:
    """One cell to run again. `cell` is its id (or its place, from 1), `place` counts code cells from 1."""

    cell: str
    place: int
    because: Because
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RerunPlan:
    """What to run again, in this order, so that the kernel holds what a run from the top would give.

    `changed`: cells whose text or inputs are others now, so that their values and outputs may differ. `restore`: cells that would make
    what they made before, and must run only because something they made was changed in place or overwritten since. `lingering`: names that
    live on in the kernel and that no cell makes any more. `unknown`: what could not be followed and was counted as touching everything.
    """

    changed: tuple[Rerun, ...] = ()
    restore: tuple[Rerun, ...] = ()
    lingering: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()

    @property
    def cells(self) -> tuple[Rerun, ...]:
        """All of them from top to bottom."""
        return tuple(sorted((*self.changed, *self.restore), key=lambda one: one.place))

    @property
    def is_fresh(self) -> bool:
        return not self.changed and not self.lingering


@dataclass(frozen=True, slots=True, kw_only=True)
class HiddenState:
    """`rerun`: the exact cells to run again, from the top. `never`: cells that did not run.

    `lingering`: names that live on, each with the cell that is gone. `disorder`: cells that ran before a cell above them did; where
    that matters they are in `rerun` too.
    """

    rerun: tuple[Rerun, ...] = ()
    never: tuple[str, ...] = ()
    lingering: tuple[tuple[str, str], ...] = ()
    disorder: tuple[str, ...] = ()
    recorded: bool = True

    @property
    def verdict(self) -> Verdict:
        """Pass only where every cell ran, none is stale and no name of a deleted cell lives on."""
        if not self.recorded:
            return Verdict.INCONCLUSIVE
        if self.rerun or self.lingering:
            return Verdict.FAIL
        return Verdict.INCONCLUSIVE if self.never else Verdict.PASS


Cells = Sequence[tuple[str, str]]


def cells_to_rerun(before: Cells, after: Cells) -> RerunPlan:
    """The exact cells of `after` to run again in a kernel that ran `before` from top to bottom. Cells are (id, source); ids may be empty.

    Law: a cell that is not among them would give the same values and outputs in a run of `after` from the top, as long as its code is
    deterministic and what it uses is seen in the source (see docs/formats/dataflow.md for what is not).
    """
    seeded = sets_seed([source for _, source in (*before, *after)])
    old, old_names = follow([source for _, source in before], seeded=seeded)
    new, new_names = follow([source for _, source in after], seeded=seeded)
    partners = _partners(before, after)
    told = {place: _why(place, partner, before, after, old, new) for place, partner in enumerate(partners)}
    changed = {place: why for place, why in told.items() if why is not None}
    left, wanted = old_names.snapshot(), new_names.snapshot()
    lingering = tuple(sorted(name for name in left if name not in wanted and " " not in name))
    restore = restoring(set(changed), new, left, wanted)
    label = _label(after)
    return RerunPlan(
        changed=tuple(Rerun(cell=label(place), place=place + 1, because=kind, why=why) for place, (kind, why) in sorted(changed.items())),
        restore=tuple(
            Rerun(cell=label(place), place=place + 1, because=Because.RESTORE, why=f"brings back {_named(names)}")
            for place, names in sorted(restore.items())
        ),
        lingering=lingering,
        unknown=tuple(dict.fromkeys(f"cell {label(place)}: {said}" for place, one in enumerate(new) for said in one.unknown)),
    )


def _label(cells: Cells) -> _Label:
    return _Label(tuple(cell_id for cell_id, _ in cells))


@dataclass(frozen=True, slots=True)
class _Label:
    ids: tuple[str, ...]

    def __call__(self, place: int) -> str:
        return self.ids[place] or str(place + 1)


def _partners(before: Cells, after: Cells) -> list[int | None]:
    """For each cell of `after` the cell of `before` that it was: by id, else by what it says, else by its place between such cells.

    Where not one id is in both, somebody made them anew: they say nothing.
    """
    texts = [source_digest(source) for _, source in before]
    if not {cell_id for cell_id, _ in before} & {cell_id for cell_id, _ in after}:
        before, after = [("", source) for _, source in before], [("", source) for _, source in after]
    by_id = {cell_id: place for place, (cell_id, _) in enumerate(before) if cell_id}
    found: list[int | None] = [by_id.get(cell_id) if cell_id else None for cell_id, _ in after]
    free: dict[str, list[int]] = {}
    for place in sorted(set(range(len(before))) - {one for one in found if one is not None}):
        free.setdefault(texts[place], []).append(place)
    for place, (_, source) in enumerate(after):
        same = free.get(source_digest(source), [])
        if found[place] is None and same:
            found[place] = same.pop(0)
    used = {one for one in found if one is not None}
    for place, (cell_id, _) in enumerate(after):
        above = found[place - 1] if place else -1
        guess = None if above is None else above + 1
        # Without ids an edited cell is known by what stands above it.
        if found[place] is None and guess is not None and guess < len(before) and guess not in used and not (cell_id and before[guess][0]):
            found[place] = guess
            used.add(guess)
    return found


def _why(place: int, partner: int | None, before: Cells, after: Cells, old: list[Trace], new: list[Trace]) -> tuple[Because, str] | None:
    """Why the cell's values or outputs may be others now; None where they cannot be."""
    if partner is None:
        return (Because.NEW, "never ran") if new[place].digest else None
    if old[partner].digest == new[place].digest:
        others = [name for name, digest in new[place].makes.items() if old[partner].makes.get(name) != digest]
        return (Because.UPSTREAM, f"changes {_named(others)} in place") if others else None
    if source_digest(before[partner][1]) != source_digest(after[place][1]):
        return Because.EDITED, "was edited after it ran"
    names = [name for name, digest in new[place].takes.items() if old[partner].takes.get(name) != digest]
    names += [name for name in old[partner].takes if name not in new[place].takes]
    label = _label(after)
    for name in names:
        plain = name.partition("[")[0]
        maker = _maker(plain, place, new)
        if maker is not None:
            return Because.UPSTREAM, f"takes {_shown(name)} from cell {label(maker)}, which makes it anew"
        if _maker(plain, partner, old) is not None:
            return Because.UPSTREAM, f"takes {_shown(name)}, which no cell above it makes any more"
    return Because.UPSTREAM, f"takes {_named(names)}" if names else "takes other values now"


def _maker(name: str, place: int, traces: list[Trace]) -> int | None:
    """The last cell above `place` that makes or changes `name`."""
    return next((above for above in range(place - 1, -1, -1) if name in traces[above].makes), None)


def _shown(name: str) -> str:
    return name if " " in name.partition("[")[0] else f"`{name}`"


def _named(names: Sequence[str]) -> str:
    unique = list(dict.fromkeys(names))
    more = f" and {len(unique) - 3} more" if len(unique) > 3 else ""
    return ", ".join(map(_shown, unique[:3])) + more
