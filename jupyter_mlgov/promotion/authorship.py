"""Who the authors of a notebook are: one answer for the gate, waivers, findings, dossiers and validators."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from jupyter_mlgov.audit.entries import AuditEntry
from jupyter_mlgov.core.actors import Actor
from jupyter_mlgov.promotion import fold
from jupyter_mlgov.promotion.counting import person as _person
from jupyter_mlgov.promotion.counting import same, stranger

# Acts that say what stands in a cell, and which notebook was exported to which files: what authors() and copies() read beside sessions.
CELLS = ("cell.started", "cell.finished")


@dataclass(frozen=True, slots=True, kw_only=True)
class Copied:
    """`cells` of the `of` working cells of a notebook ran in `notebook` before they ran in it. Imports and displays do not count."""

    notebook: str
    cells: int
    of: int

    @property
    def sentence(self) -> str:
        """The fact and what follows from it."""
        told = f"{self.cells} of its {self.of} working cells ran in {self.notebook} before"
        return f"{told}, so whoever worked on that one is an author of it"


def authors(
    entries: Iterable[AuditEntry],
    notebook: str,
    committers: tuple[Actor, ...] = (),
    origin: str | None = None,
    copied: Iterable[str] | None = None,
) -> tuple[Actor, ...]:
    """Who ran, opened or exported the notebook, the one it was exported from or one it was copied from, and who committed it; each once.

    `origin` and `copied` are those notebooks by name; None: as the log says.
    """
    entries = tuple(entries)
    worked = [actor for name in sources(entries, notebook, origin, copied) for actor in fold.worked_on(entries, name)]
    found = {_person(actor.id): actor for actor in reversed((*worked, *committers))}
    return tuple(reversed(found.values()))


def sources(
    entries: Iterable[AuditEntry], notebook: str, origin: str | None = None, copied: Iterable[str] | None = None
) -> tuple[str, ...]:
    """The notebook, the one it was exported from, and those that either was copied from; see authors()."""
    entries = tuple(entries)
    origin = fold.origin(entries, notebook) if origin is None else origin
    copied = copies(entries, notebook, origin) if copied is None else copied
    return tuple(name for name in dict.fromkeys((notebook, origin, *copied)) if name)


def copies(entries: Iterable[AuditEntry], notebook: str, origin: str = "") -> tuple[str, ...]:
    """The names of those that the notebook, or the one it was exported from, was copied from, in the order of the log."""
    entries = tuple(entries)
    found = (one.notebook for name in (notebook, origin) if name for one in copied_from(entries, name))
    return tuple(name for name in dict.fromkeys(found) if name not in (notebook, origin))


def copied_from(entries: Iterable[AuditEntry], notebook: str) -> tuple[Copied, ...]:
    """The recorded notebooks that at least half of this one's working cells, or of theirs, came from: equal cells that ran there first.

    Cells are equal where comments and layout are aside; their order does not count, and neither does what the files are called. One
    equal cell alone counts only where it is a tagged step: `df = pd.read_csv("x.csv")` is anybody's.
    """
    books: dict[str, _Book] = {}
    for entry in entries:
        if entry.action in CELLS:
            books.setdefault(entry.subject, _Book()).take(entry)
    mine = books.pop(notebook, None)
    if mine is None:
        return ()
    working = mine.working()
    found = []
    for name, other in books.items():
        first = {cell for cell in working if other.first.get(cell, mine.first[cell]) < mine.first[cell]}
        half = 2 * len(first) >= min(len(working), len(other.working()) or 1)
        if half and (len(first) > 1 or any(cell in mine.steps or cell in other.steps for cell in first)):
            found.append(Copied(notebook=name, cells=len(first), of=len(working)))
    return tuple(found)


@dataclass(slots=True)
class _Book:
    """The cells of one notebook as the log tells them: what each says now, when each text first ran, which texts are tagged steps."""

    now: dict[str, str] = field(default_factory=dict)
    first: dict[str, int] = field(default_factory=dict)
    steps: set[str] = field(default_factory=set)
    idle: set[str] = field(default_factory=set)

    def take(self, entry: AuditEntry) -> None:
        told = entry.payload
        text = told.get("meaning") or told.get("source_digest")
        if not isinstance(text, str):
            return
        self.now[str(told.get("cell_id"))] = text
        self.first.setdefault(text, entry.seq)
        if told.get("step"):
            self.steps.add(text)
        if entry.action == "cell.finished":
            (self.idle.discard if _works(told) else self.idle.add)(text)

    def working(self) -> frozenset[str]:
        """The texts of the cells as they are now that make something."""
        return frozenset(self.now.values()) - self.idle


def _works(told: Mapping[str, object]) -> bool:
    """Does a cell make something: a name that is no import, or a file? Imports, displays and magics do not."""
    made, imported = (set(value) if isinstance(value := told.get(name), (list, tuple)) else set() for name in ("writes", "imports"))
    return bool(told.get("step") or told.get("files_written") or told.get("outputs") or made - imported)


def hindrance(actor: Actor, entries: Iterable[AuditEntry], notebook: str, committers: tuple[Actor, ...], reviewers: tuple[str, ...]) -> str:
    """Why the word of `actor` does not count on the model of `notebook`, or an empty text; of an author by a copy it says which."""
    entries = tuple(entries)
    why = stranger(actor, authors(entries, notebook, committers), reviewers)
    because = reason(actor, entries, notebook) if why else ""
    return f"{why}: {because}" if because else why


def reason(actor: Actor, entries: Iterable[AuditEntry], notebook: str) -> str:
    """Which copied notebook alone makes `actor` an author of this one; empty where none does, or where more than that does."""
    entries = tuple(entries)
    origin = fold.origin(entries, notebook)

    def worked(name: str) -> bool:
        return any(same(actor.id, one.id) for one in fold.worked_on(entries, name))

    if any(worked(name) for name in (notebook, origin) if name):
        return ""
    told = (f"{name}: {one.sentence}" for name in (notebook, origin) if name for one in copied_from(entries, name) if worked(one.notebook))
    return next(told, "")
