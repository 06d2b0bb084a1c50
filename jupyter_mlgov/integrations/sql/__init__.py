"""The door to the database: the journal of a workspace, in an SQLite file or a PostgreSQL database."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jupyter_mlgov.core.clock import Clock
    from jupyter_mlgov.integrations.sql.backend import Backend
    from jupyter_mlgov.integrations.sql.journal import SqlJournal
    from jupyter_mlgov.integrations.sql.ledger import SqlLedger

WAIT = 5.0


def open_journal(url: str | Path, clock: Clock, *, wait: float = WAIT) -> SqlJournal:
    """Open the journal at `url` (`sqlite:///…`, the path of an SQLite file, or `postgresql://…`) and bring its tables up to date.

    `wait` is how many seconds to wait for another writer. Raises StorageProblem when the database cannot be opened, is not
    ours or is newer than this program, and UsageError for a URL we cannot serve. SQLAlchemy is imported here, not before;
    Alembic only when tables must be made or changed.
    """
    from jupyter_mlgov.integrations.sql.journal import SqlJournal

    return SqlJournal(_backend(url, wait), clock)


def versions(url: str | Path) -> tuple[str, tuple[str, ...]]:
    """(version of the database's tables, the versions this program knows, oldest first). Nothing is changed.

    The version is empty where no database was made yet. Raises StorageProblem when it cannot be opened or is not ours.
    """
    from jupyter_mlgov.integrations.sql.migrate import known_versions, version_of

    if isinstance(url, Path) and not url.exists():
        return "", known_versions()
    backend = _backend(url, WAIT)
    try:
        return version_of(backend), known_versions()
    finally:
        backend.release()


def copy_database(url: str | Path, to: Path) -> None:
    """A whole copy of an SQLite journal, taken while others write. Raises UsageError for PostgreSQL, StorageProblem where it fails."""
    from jupyter_mlgov.core.errors import UsageError
    from jupyter_mlgov.integrations.sql.sqlite import SqliteBackend

    backend = _backend(url, WAIT)
    try:
        if not isinstance(backend, SqliteBackend):
            raise UsageError("The trail lies in PostgreSQL.", next="Copy it with `pg_dump`.")
        backend.copy(to)
    finally:
        backend.release()


def open_ledger(url: str | Path) -> SqlLedger:
    """The log at `url` for reading, in a process that helps to verify it."""
    from jupyter_mlgov.integrations.sql.ledger import SqlLedger

    return SqlLedger(_backend(url, WAIT))


def _backend(url: str | Path, wait: float) -> Backend:
    if isinstance(url, str) and url.startswith(("postgresql:", "postgresql+psycopg:", "postgres:")):
        from jupyter_mlgov.integrations.sql.postgres import PostgresBackend

        return PostgresBackend(url, wait=wait)
    from jupyter_mlgov.integrations.sql.sqlite import SqliteBackend

    return SqliteBackend(url, wait=wait)
