"""What the journal asks of one kind of database; SQLite answers in sqlite.py, PostgreSQL can answer beside it."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Protocol

from sqlalchemy import Connection

from jupyter_mlgov.core.errors import StorageProblem


class Backend(Protocol):
    """Connections, the lock that makes the log single-file, and the database's own words for what went wrong."""

    def reading(self) -> AbstractContextManager[Connection]:
        """A connection that sees one state; errors come out as StorageProblem."""
        ...

    def writing(self) -> AbstractContextManager[Connection]:
        """A transaction that holds the log for itself from its first moment, and is on disk when the block ends."""
        ...

    def problem(self, error: Exception) -> StorageProblem:
        """A sentence for what the database said."""
        ...

    def damage(self, connection: Connection) -> str:
        """What is broken in the files or the tables, or an empty text."""
        ...

    def release(self) -> None:
        """Close idle connections; the next use opens new ones."""
        ...


def protections(dialect: str) -> tuple[str, ...]:
    """The statements that make the log append-only in this dialect. Raises StorageProblem where we have none."""
    if dialect == "sqlite":
        from jupyter_mlgov.integrations.sql.sqlite import TRIGGERS

        return tuple(TRIGGERS.values())
    raise StorageProblem(f'No append-only log on "{dialect}" yet.', expected="SQLite works today.")
