"""The log into the read tables, piece by piece: what is new is added, and a rebuild gives the same rows."""

from __future__ import annotations

from collections.abc import Callable

from jupyter_mlgov.audit.journal import Journal
from jupyter_mlgov.monitoring.portfolio.facts import Count, Standing
from jupyter_mlgov.monitoring.portfolio.folding import ACTIONS, advance
from jupyter_mlgov.monitoring.portfolio.store import Batch, ReadTables

PIECE = 20_000  # entries a transaction: others write between two pieces
MOST = 20_000  # models kept in memory between two pieces

# done, total
Progress = Callable[[int, int], None]


def catch_up(journal: Journal, tables: ReadTables, *, progress: Progress | None = None, piece: int = PIECE) -> int:
    """Fold what is new; how many entries are folded then. Two that do it at once write every row once.

    `journal` is the raw log: read tables hold pseudonyms and never a name. Raises DamagedEntry at the first entry that cannot be trusted.
    """
    position, (head, _) = tables.position(), journal.head()
    if position < 0 or position > head:
        tables.clear()
        position = 0
    known: dict[str, Standing] = {}
    while position < head:
        batch = fold(journal, tables, known, position, min(head, position + piece))
        if tables.write(batch):
            position = batch.upto
        else:
            known.clear()
            position = tables.position()
        if progress is not None:
            progress(position, head)
        if len(known) > MOST:
            known.clear()
    return position


def rebuild(journal: Journal, tables: ReadTables, *, progress: Progress | None = None, piece: int = PIECE) -> int:
    """Drop every row and fold the log from its first entry."""
    tables.clear()
    return catch_up(journal, tables, progress=progress, piece=piece)


def fold(journal: Journal, tables: ReadTables, known: dict[str, Standing], after: int, upto: int) -> Batch:
    """What the entries (`after`, `upto`] say; `known` holds the models as they stood, and is moved on."""
    first = tables.first_cells(after, upto)
    standings: list[Standing] = []
    counts: list[Count] = []
    for entry in journal.entries(after=after, actions=ACTIONS):
        if entry.seq > upto:
            break
        before = known.get(entry.subject) or tables.standing(entry.subject, after)
        now, added = advance(before, entry, _first(tables, first, entry.seq))
        known[entry.subject] = now
        standings.append(now)
        counts += added
    return Batch(after=after, upto=upto, standings=standings, counts=counts, first=first)


def _first(tables: ReadTables, found: dict[str, tuple[int, str]], before: int) -> Callable[[str], tuple[int, str] | None]:
    def first(notebook: str) -> tuple[int, str] | None:
        cell = tables.first_cell(notebook) or found.get(notebook)
        return cell if cell is not None and cell[0] < before else None

    return first
