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
