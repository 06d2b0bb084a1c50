"""What the journal asks of one kind of database; SQLite answers in sqlite.py, PostgreSQL can answer beside it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from sqlalchemy import Connection

from jupyter_mlgov.core.errors import StorageProblem


class Adding(Protocol):
    """A transaction that adds entries."""

    def run(self, statement: str, values: Sequence[object] = ()) -> list[tuple[object, ...]]:
        """One statement with `?` for its values, and its rows."""
        ...

    def many(self, statement: str, rows: Sequence[Sequence[object]]) -> None:
        """One statement for many rows."""
        ...


class Backend(Protocol):
    """Connections, the lock that makes the log single-file, and the database's own words for what went wrong."""

    mark: str  # how a value is marked in a statement of the driver: ? or %s

    def text(self, text: str) -> str:
        """A text that may hold NUL as the driver takes it."""
        ...

    def values(self, row: tuple[int | str, ...]) -> tuple[int | str, ...]:
        """A row of the log as the driver takes it."""
        ...

    def reading(self) -> AbstractContextManager[Connection]:
        """A connection that sees one state; errors come out as StorageProblem."""
        ...

    def writing(self) -> AbstractContextManager[Connection]:
        """A transaction that holds the log for itself from its first moment, and is on disk when the block ends."""
        ...

    def rows(self, statement: str, after: int, upto: int) -> Iterator[tuple[object, ...]]:
        """Rows of a statement over (after, upto] as the driver has them, texts as UTF-8 bytes; for verification."""
        ...

    @property
    def url(self) -> str:
        """Where another process finds the same database."""
        ...

    def adding(self) -> AbstractContextManager[Adding]:
        """writing(), with the driver alone and nothing between: for the one transaction that everything waits for."""
        ...

    def alone(self, deed: str) -> AbstractContextManager[None]:
        """One process at a time does `deed`, on whatever machine. SQLite is on one machine, where a file lock says as much."""
        ...

    def problem(self, error: Exception) -> StorageProblem:
        """A sentence for what the database said."""
        ...

    def damage(self, connection: Connection) -> str:
        """What is broken in the files or the tables, or an empty text."""
        ...

    def scrub(self) -> None:
        """Leave no trace of deleted rows of `people` in the files, as far as this database can."""
        ...

    def release(self) -> None:
        """Close idle connections; the next use opens new ones."""
        ...


def protections(dialect: str, table: str) -> tuple[str, ...]:
    """The statements that make `log` or `tiles` append-only in this dialect. Raises StorageProblem where we have none."""
    if dialect == "sqlite":
        from jupyter_mlgov.integrations.sql.sqlite import TILE_TRIGGERS, TRIGGERS

        return tuple((TRIGGERS if table == "log" else TILE_TRIGGERS).values())
    if dialect == "postgresql":
        from jupyter_mlgov.integrations.sql.postgres import guards

        return guards(table)
    raise StorageProblem(f'No append-only log on "{dialect}" yet.', expected="SQLite and PostgreSQL work.")
