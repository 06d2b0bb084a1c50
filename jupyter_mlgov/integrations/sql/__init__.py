"""The door to the database: the journal of a workspace. SQLite works today; other databases are refused with a sentence."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jupyter_mlgov.audit.journal import Journal
    from jupyter_mlgov.core.clock import Clock

WAIT = 5.0


def open_journal(url: str | Path, clock: Clock, *, wait: float = WAIT) -> Journal:
    """Open the journal at `url` (`sqlite:///…`, or the path of an SQLite file) and bring its tables up to date.

    `wait` is how many seconds to wait for another writer. Raises StorageProblem when the database cannot be opened, is not
    ours or is newer than this program, and UsageError for a URL we cannot serve. SQLAlchemy is imported here, not before;
    Alembic only when tables must be made or changed.
    """
    from jupyter_mlgov.integrations.sql.journal import SqlJournal
    from jupyter_mlgov.integrations.sql.sqlite import SqliteBackend

    return SqlJournal(SqliteBackend(url, wait=wait), clock)
