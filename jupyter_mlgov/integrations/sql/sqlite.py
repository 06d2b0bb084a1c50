"""All that only SQLite understands: pragmas, triggers, error codes, the file and its read-only cases."""

from __future__ import annotations

import os
import sqlite3
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.pool import NullPool, QueuePool

from jupyter_mlgov.core.errors import StorageProblem, UsageError
from jupyter_mlgov.integrations.sql.tables import metadata

TRIGGERS = {
    "log_keeps_rows": "CREATE TRIGGER log_keeps_rows BEFORE DELETE ON log BEGIN SELECT RAISE(ABORT, 'the trail is append-only'); END",
    "log_keeps_words": "CREATE TRIGGER log_keeps_words BEFORE UPDATE ON log BEGIN SELECT RAISE(ABORT, 'the trail is append-only'); END",
    # Also stops INSERT OR REPLACE, which deletes without asking the trigger above.
    "log_grows_at_its_end": (
        "CREATE TRIGGER log_grows_at_its_end BEFORE INSERT ON log WHEN NEW.seq IS NOT (SELECT coalesce(max(seq), 0) + 1 FROM log) "
        "BEGIN SELECT RAISE(ABORT, 'the trail grows at its end only'); END"
    ),
}
TILE_TRIGGERS = {
    "tiles_keep_rows": "CREATE TRIGGER tiles_keep_rows BEFORE DELETE ON tiles BEGIN SELECT RAISE(ABORT, 'the trail is append-only'); END",
    "tiles_keep_words": "CREATE TRIGGER tiles_keep_words BEFORE UPDATE ON tiles BEGIN SELECT RAISE(ABORT, 'the trail is append-only'); END",
}
_GUARDS = {**TRIGGERS, **TILE_TRIGGERS}

_AUDIT = "Run `mlgov audit verify`, and restore the workspace from a copy."
_GIVE_ACCESS = "Give write access, or use `--workspace DIR`."

# How SQLite's error name begins -> what happened, what to do next.
_PROBLEMS = (
    (
        "SQLITE_BUSY",
        "{place} is locked by another kernel; waited {wait:g} s and wrote nothing.",
        "Stop the one that holds it, or try again.",
    ),
    (
        "SQLITE_LOCKED",
        "{place} is locked by another kernel; waited {wait:g} s and wrote nothing.",
        "Stop the one that holds it, or try again.",
    ),
    ("SQLITE_READONLY", "{place} cannot be written: it or its folder is read-only.", _GIVE_ACCESS),
    ("SQLITE_FULL", "{place} cannot grow: the disk is full. Nothing of this act was written.", "Free some space and try again."),
    (
        "SQLITE_IOERR_WRITE",
        "{place} cannot grow: the system refused the write. Nothing of this act was written.",
        "Is the disk or a quota full?",
    ),
    ("SQLITE_NOTADB", "{place} is not an SQLite database, or its first page was overwritten.", _AUDIT),
    ("SQLITE_CORRUPT", "{place} is damaged: SQLite says {said}.", _AUDIT),
    ("SQLITE_CANTOPEN", "{place} cannot be opened: it is missing, no file, or not ours to read.", "See `mlgov init`."),
)


class SqliteBackend:
    """One SQLite file in WAL mode. Every commit is synced to disk; a writer waits up to `wait` seconds for another one."""

    mark = "?"

    def __init__(self, url: str | Path, *, wait: float) -> None:
        self._path = _file_of(url)
        self._wait = wait
        if not self._path.parent.is_dir():
            raise StorageProblem(f"There is no folder {self._path.parent} for the database.", next="See `mlgov init`.")
        self._frozen = not _writable(self._path)
        if self._frozen and not self._path.exists():
            raise StorageProblem(f"{self._path} cannot be made: its folder is read-only.", next=_GIVE_ACCESS)
        # Connections of adding() that wait for their next use; those of an era that ended are closed instead.
        self._idle: deque[sqlite3.Connection] = deque()
        self._era = 0
        self._engine = self._make_engine()
        self._writer = self._engine.execution_options(mlgov_begin="BEGIN IMMEDIATE")
        self._use_wal()
        place = self._path.stat()
        self._inode = (place.st_dev, place.st_ino)

    def text(self, text: str) -> str:
        return text

    def values(self, row: tuple[int | str, ...]) -> tuple[int | str, ...]:
        return row

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        self._same_file()
        with self._sentences(), self._engine.connect() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        self._same_file()
        with self._sentences(), self._writer.begin() as connection:
            yield connection

    def scrub(self) -> None:
        """Deleted content is overwritten (secure_delete); what still lies in the write-ahead log goes with it."""
        with self.reading() as connection:
            connection.commit()
            connection.connection.driver_connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # type: ignore[union-attr]  # it is connected

    @contextmanager
    def adding(self) -> Iterator[_Adding]:
        self._same_file()
        with self._sentences():
            link = self._idle.pop() if self._idle else self._connect()
            era, done = self._era, False
            try:
                link.execute("BEGIN IMMEDIATE")
                yield _Adding(link)
                link.execute("COMMIT")
                done = True
            finally:
                if not done and link.in_transaction:
                    link.rollback()
                if done and era == self._era and not self._frozen:
                    self._idle.append(link)
                else:
                    link.close()

    def alone(self, deed: str) -> AbstractContextManager[None]:  # noqa: ARG002 # the port's signature
        """Nothing more than the caller's file lock: the database lies on this machine."""
        return nullcontext()

    def release(self) -> None:
        self._era += 1
        while self._idle:
            self._idle.pop().close()
        self._engine.dispose()

    def copy(self, to: Path) -> None:
        """SQLite's own online backup into the new file `to`: one state, whole, whoever writes meanwhile."""
        self._same_file()
        with self._sentences():
            link, target = self._connect(), sqlite3.connect(to)
            try:
                link.backup(target)
            finally:
                target.close()
                link.close()

    def damage(self, connection: Connection) -> str:
        found = [str(row[0]) for row in connection.exec_driver_sql("PRAGMA integrity_check(5)")]
        told = [] if found == ["ok"] else found
        return "; ".join(line.replace("\n", " ") for line in (*told, *_schema_faults(connection)))

    def rows(self, statement: str, after: int, upto: int) -> Iterator[tuple[object, ...]]:
        """Raw bytes instead of text: what is hashed is what lies in the file."""
        self._same_file()
        with self._sentences():
            link = self._connect()
            try:
                link.text_factory = bytes
                yield from link.execute(statement, (after, upto))
            finally:
                link.close()

    @property
    def url(self) -> str:
        return f"sqlite:///{self._path}"

    def problem(self, error: Exception) -> StorageProblem:
        name, said = _code(error), _said(error)
        for start, what, then in _PROBLEMS:
            if name.startswith(start):
                return StorageProblem(what.format(place=self._path, wait=self._wait, said=said), next=then)
        code = f" ({name})" if name else ""
        return StorageProblem(f"{self._path} cannot be used: {said}{code}.", next=_AUDIT)

    @contextmanager
    def _sentences(self) -> Iterator[None]:
        try:
            yield
        except (SQLAlchemyError, sqlite3.Error, OSError, UnicodeDecodeError) as error:
            raise self.problem(error) from error

    def _same_file(self) -> None:
        """SQLite goes on writing into a file that was removed or replaced, where nobody will ever read it: look first."""
        try:
            place = self._path.stat()
        except OSError:
            self.release()
            raise StorageProblem(f"{self._path} was removed or moved while in use.", next="Put it back, or see `mlgov init`.") from None
        if (place.st_dev, place.st_ino) != self._inode:
            self.release()
            self._inode = (place.st_dev, place.st_ino)

    def _make_engine(self) -> Engine:
        # A folder we may not write can be written by others: look anew each time. Otherwise keep connections, on any thread.
        pool = NullPool if self._frozen else QueuePool
        more = {} if self._frozen else {"pool_size": 4, "max_overflow": -1}
        engine = create_engine("sqlite://", creator=self._connect, poolclass=pool, skip_autocommit_rollback=False, **more)
        event.listen(engine, "begin", _begin)
        return engine.execution_options(mlgov_begin="BEGIN")

    def _connect(self, *, make: bool = False) -> sqlite3.Connection:
        mode = "mode=rwc" if make else "mode=rw"
        link = sqlite3.connect(
            _target(self._path, frozen=self._frozen, mode=mode), timeout=self._wait, isolation_level=None, check_same_thread=False, uri=True
        )
        # Bytes that are no UTF-8 reach restore(), which names the row, instead of failing the whole read.
        link.text_factory = _lenient_text
        try:
            for pragma in ("synchronous = FULL", "cell_size_check = ON", "trusted_schema = OFF", "secure_delete = ON"):
                link.execute(f"PRAGMA {pragma}")
        except BaseException:
            link.close()
            raise
        return link

    def _use_wal(self) -> None:
        """Write-ahead logging is a property of the file. Changing it needs the file alone, and SQLite does not wait for that itself."""
        if self._frozen:
            return
        until = time.monotonic() + self._wait
        while True:
            try:
                with self._sentences():
                    link = self._connect(make=True)
                    try:
                        if link.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
                            link.execute("PRAGMA journal_mode = WAL").fetchone()
                    finally:
                        link.close()
            except StorageProblem as problem:
                if not _code(problem.__cause__).startswith("SQLITE_BUSY") or time.monotonic() > until:
                    raise
                time.sleep(0.02)
            else:
                return


class _Adding:
    def __init__(self, link: sqlite3.Connection) -> None:
        self._link = link

    def run(self, statement: str, values: Sequence[object] = ()) -> list[tuple[object, ...]]:
        return self._link.execute(statement, values).fetchall()

    def many(self, statement: str, rows: Sequence[Sequence[object]]) -> None:
        self._link.executemany(statement, rows)


def _file_of(url: str | Path) -> Path:
    if isinstance(url, Path):
        return url.absolute()
    try:
        parts = make_url(url)
    except ArgumentError:
        raise UsageError(f"Not a database URL: {url[:80]!r}.", expected="Expected `sqlite:///path/to/mlgov.db`.") from None
    if parts.get_backend_name() != "sqlite":
        raise UsageError(
            f"No journal on {parts.get_backend_name()}.", expected="Expected `sqlite:///path/to/mlgov.db` or `postgresql://…`."
        )
    if not parts.database or parts.database == ":memory:" or parts.query:
        raise UsageError("A journal needs a file of its own.", expected="Expected `sqlite:///path/to/mlgov.db` without options.")
    return Path(parts.database).absolute()


def _writable(path: Path) -> bool:
    return os.access(path.parent, os.W_OK) and (not path.exists() or os.access(path, os.W_OK))


def _target(path: Path, *, frozen: bool, mode: str) -> str:
    if not frozen:
        return f"{path.as_uri()}?{mode}"
    log = path.with_name(path.name + "-wal")
    waiting = log.exists() and log.stat().st_size > 0
    # SQLite reads a WAL file in a read-only folder only as it is; without one, nothing can change under us for this one read.
    return path.as_uri() + ("?mode=ro" if waiting else "?mode=ro&immutable=1")


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options()["mlgov_begin"])


def _lenient_text(content: bytes) -> str:
    return content.decode("utf-8", "surrogateescape")


def _said(error: Exception) -> str:
    """SQLite's words on one plain line; it quotes the file, and a damaged file may hold anything, not even text."""
    if isinstance(error, UnicodeDecodeError):
        return "its table of contents holds bytes that are no text"
    return " ".join(str(getattr(error, "orig", None) or error).split()).encode("ascii", "backslashreplace").decode("ascii")[:300]


def _code(error: BaseException | None) -> str:
    origin = getattr(error, "orig", None) or error
    return str(getattr(origin, "sqlite_errorname", ""))


def _schema_faults(connection: Connection) -> Iterator[str]:
    """The guards and columns must be ours: integrity_check does not look at what a trigger or a column says."""
    rows = connection.exec_driver_sql("SELECT type, name, sql FROM sqlite_master").all()
    guards = {str(name): sql for kind, name, sql in rows if kind == "trigger"}
    for name in sorted({*_GUARDS, *guards}):
        if guards.get(name) != _GUARDS.get(name):
            yield f"the append-only guard {name!r} was {'removed' if name not in guards else 'changed'}"
    for table in metadata.sorted_tables:
        wanted = [(column.name, str(column.type.dialect_impl(connection.dialect)), column.primary_key) for column in table.columns]
        found = connection.exec_driver_sql("SELECT name, type, pk FROM pragma_table_info(?) ORDER BY cid", (table.name,)).all()
        if [(name, kind, bool(key)) for name, kind, key in found] != wanted:
            yield f"the columns of table {table.name!r} were changed"
