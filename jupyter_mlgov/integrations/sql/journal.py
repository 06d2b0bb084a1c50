"""The journal in a database: log and outbox in one transaction, on the Journal port (audit/journal.py)."""

from __future__ import annotations

import os
import weakref
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from sqlalchemy import Select, select, update

from jupyter_mlgov.audit.entries import GENESIS, AuditEntry, Draft, clock_setback
from jupyter_mlgov.audit.journal import Parcel
from jupyter_mlgov.audit.stored import COLUMNS, DamagedEntry, restore_parcel, store_parcel, written
from jupyter_mlgov.audit.tiles import WIDTH
from jupyter_mlgov.core.actors import Actor
from jupyter_mlgov.core.clock import Clock
from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.core.errors import StorageProblem
from jupyter_mlgov.integrations.sql.backend import Adding, Backend
from jupyter_mlgov.integrations.sql.filling import Run, fill_tiles, runner
from jupyter_mlgov.integrations.sql.ledger import SqlLedger
from jupyter_mlgov.integrations.sql.migrate import bring_up_to_date
from jupyter_mlgov.integrations.sql.people import SqlPeople
from jupyter_mlgov.integrations.sql.remembered import Remembered
from jupyter_mlgov.integrations.sql.tables import log, outbox

if TYPE_CHECKING:
    from jupyter_mlgov.integrations.sql.portfolio import SqlReadTables

PAGE = 500
PROBLEM_LIMIT = 2000

_HEAD = "SELECT seq, digest, time FROM log ORDER BY seq DESC LIMIT 1"
_LOG = select(*(log.c[name] for name in COLUMNS)).order_by(log.c.seq).limit(PAGE)
_ADD = f"INSERT INTO log ({', '.join(COLUMNS)}) VALUES ({', '.join('?' * len(COLUMNS))})"  # noqa: S608 constants of ours
_PARCEL = ("key", "target", "kind", "payload", "payload_digest", "attempts", "last_problem")
_POST = f"INSERT INTO outbox ({', '.join(_PARCEL)}) VALUES ({', '.join('?' * len(_PARCEL))})"  # noqa: S608 constants of ours
_WAITING = select(*(outbox.c[name] for name in _PARCEL)).order_by(outbox.c.id)


class SqlJournal:
    """Append-only log and outbox behind a Backend. Safe from several threads and processes; closes before a fork."""

    def __init__(self, backend: Backend, clock: Clock) -> None:
        self._backend, self._clock, self._read = backend, clock, Remembered()
        try:
            bring_up_to_date(backend)
        except BaseException:
            backend.release()
            raise
        _OPEN.add(self)
        # A journal nobody closed is closed with its process: SQLite then folds the WAL file into the database.
        weakref.finalize(self, backend.release)

    def ledger(self) -> SqlLedger:
        """The same log as verification reads it."""
        return SqlLedger(self._backend)

    def people(self) -> SqlPeople:
        """The keys of persons, beside the log."""
        return SqlPeople(self._backend)

    def read_tables(self) -> SqlReadTables:
        """What the portfolio reads, beside the log and folded from it."""
        from jupyter_mlgov.integrations.sql.portfolio import SqlReadTables

        return SqlReadTables(self._backend)

    def append(self, drafts: Sequence[Draft], *, actor: Actor, parcels: Sequence[Parcel] = ()) -> tuple[AuditEntry, ...]:
        if not drafts and not parcels:
            return ()
        with self._backend.adding() as adding:
            entries = self._chain(adding, drafts, actor)
            for parcel in parcels:
                _post(adding, self._backend.text, parcel)
        return entries

    def entries(self, *, after: int = 0, actions: Collection[str] = (), subject: str | None = None) -> Iterator[AuditEntry]:
        """Page by page, so that a slow reader holds up no writer. Raises DamagedEntry at the first row that cannot be trusted."""
        chosen = _LOG
        if actions:
            chosen = chosen.where(log.c.action.in_(sorted(actions)))
        if subject is not None:
            chosen = chosen.where(log.c.subject == subject)
        last, full = after, True
        while full:
            rows, broken = self._page(chosen.where(log.c.seq > last) if last else chosen)
            for row in rows:
                yield self._read.restore(row)
            last = _number(rows[-1]) if rows else last
            if broken:
                raise DamagedEntry(last + 1, f"cannot be read: {broken.what}") from broken
            full = len(rows) == PAGE

    def alone(self, deed: str) -> AbstractContextManager[None]:
        """Whoever does `deed` on the same log elsewhere waits meanwhile, on other machines too where the database serves several."""
        return self._backend.alone(deed)

    def head(self) -> tuple[int, Digest]:
        with self._backend.reading() as connection:
            return _head(runner(connection, self._backend.mark))[:2]

    def pending(self) -> tuple[Parcel, ...]:
        with self._backend.reading() as connection:
            rows = connection.execute(_WAITING).all()
        return tuple(restore_parcel(row) for row in rows)

    def delivered(self, parcel: Parcel, draft: Draft, *, actor: Actor) -> None:
        """Of two that deliver the same parcel, the first is recorded; the second finds it gone and writes nothing."""
        with self._backend.adding() as adding:
            if adding.run("SELECT 1 FROM outbox WHERE key = ?", (self._backend.text(parcel.key),)):
                adding.run("DELETE FROM outbox WHERE key = ?", (self._backend.text(parcel.key),))
                self._chain(adding, [draft], actor)

    def failed(self, parcel: Parcel, problem: str) -> None:
        with self._backend.writing() as connection:
            values = {"attempts": outbox.c.attempts + 1, "last_problem": problem[:PROBLEM_LIMIT]}
            connection.execute(update(outbox).where(outbox.c.key == parcel.key).values(values))

    def damage(self) -> str:
        try:
            with self._backend.reading() as connection:
                return self._backend.damage(connection)
        except StorageProblem as problem:
            return problem.what

    def close(self) -> None:
        self._backend.release()

    def _chain(self, adding: Adding, drafts: Sequence[Draft], actor: Actor) -> tuple[AuditEntry, ...]:
        """Link `drafts` behind the head as it is now: other processes write too, so it is read inside the transaction."""
        if not drafts:
            return ()
        seq, previous, before = _head(adding.run)
        first, moments = seq, [self._clock.now() for _ in drafts]
        setback = clock_setback(before, moments[0])
        given = [(setback, moments[0])] if setback else []
        entries, rows = [], []
        for draft, moment in [*given, *zip(drafts, moments, strict=True)]:
            entry, row = written(draft, seq=seq + 1, time=moment, actor=actor, previous=previous)
            entries.append(entry)
            rows.append(self._backend.values(row))
            seq, previous = entry.seq, entry.digest
        adding.many(_ADD, rows)
        if first // WIDTH != seq // WIDTH:
            fill_tiles(adding.run)
        return tuple(entries[len(given) :])

    def _page(self, chosen: Select[tuple[object, ...]]) -> tuple[list[Sequence[object]], StorageProblem | None]:
        """Rows up to the first the database cannot read, and what it said there."""
        rows: list[Sequence[object]] = []
        try:
            with self._backend.reading() as connection:
                for row in connection.execute(chosen):
                    rows.append(row)  # noqa: PERF402 what was read before the damaged page must survive the error
        except StorageProblem as problem:
            return rows, problem
        return rows, None


def _post(adding: Adding, text: Callable[[str], str], parcel: Parcel) -> None:
    """A parcel whose key already waits is the same deed and is not queued twice."""
    if not adding.run("SELECT 1 FROM outbox WHERE key = ?", (text(parcel.key),)):
        values = [text(one) if isinstance(one, str) else one for one in store_parcel(parcel).values()]
        adding.run(_POST, values)


def _number(row: Sequence[object]) -> int:
    """The key column is a whole number in any database, however damaged the rest of its row is."""
    return row[0] if isinstance(row[0], int) else -1


def _head(run: Run) -> tuple[int, Digest, str]:
    """Number, digest and time of the last entry."""
    rows = run(_HEAD, ())
    if not rows:
        return 0, GENESIS, ""
    seq, digest, time = rows[0]
    number = seq if isinstance(seq, int) else -1
    try:
        return number, Digest(str(digest)), str(time)
    except ValueError:
        raise DamagedEntry(number, "was changed: its digest is no longer one, so nothing can be written behind it.") from None


# An SQLite connection must not be carried over a fork, so idle ones are closed before it and reopened on use on both sides.
_OPEN: weakref.WeakSet[SqlJournal] = weakref.WeakSet()


def _close_before_fork() -> None:
    for journal in tuple(_OPEN):
        journal.close()


os.register_at_fork(before=_close_before_fork)
