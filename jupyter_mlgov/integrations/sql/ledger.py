"""The log as verification reads it: raw rows and stored tiles, on the Ledger port (audit/tiles.py)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

from sqlalchemy import func, select

from jupyter_mlgov.audit.stored import COLUMNS
from jupyter_mlgov.audit.tiles import Row
from jupyter_mlgov.integrations.sql import filling
from jupyter_mlgov.integrations.sql.backend import Backend
from jupyter_mlgov.integrations.sql.tables import log, tiles


class SqlLedger:
    """Reads only. Opened on a backend whose tables are up to date."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    def size(self) -> int:
        with self._backend.reading() as connection:
            return int(connection.execute(select(func.max(log.c.seq))).scalar() or 0)

    def rows(self, after: int, upto: int) -> Iterator[Row]:
        statement = f"SELECT {', '.join(COLUMNS)} FROM log WHERE seq > ? AND seq <= ? ORDER BY seq"  # noqa: S608 constants of ours
        return cast("Iterator[Row]", self._backend.rows(statement, after, upto))

    def leaves(self, start: int, stop: int) -> list[bytes]:
        with self._backend.reading() as connection:
            return filling.leaves(filling.runner(connection, self._backend.mark), start, stop)

    def tile(self, level: int, index: int) -> bytes | None:
        with self._backend.reading() as connection:
            chosen = select(tiles.c.hashes).where(tiles.c.level == level, tiles.c.idx == index)
            found = connection.execute(chosen).scalar()
        return None if found is None else bytes(found)

    def roots(self, level: int, start: int, stop: int) -> list[bytes]:
        with self._backend.reading() as connection:
            return filling.roots(filling.runner(connection, self._backend.mark), level, start, stop)

    def whole_tiles(self, level: int, start: int, stop: int) -> Iterator[tuple[bytes, bytes]]:
        chosen = select(tiles.c.root, tiles.c.hashes).where(tiles.c.level == level, tiles.c.idx >= start, tiles.c.idx < stop)
        with self._backend.reading() as connection:
            for root, hashes in connection.execute(chosen.order_by(tiles.c.idx)):
                yield bytes(root), bytes(hashes)

    def place(self) -> str | None:
        return f"jupyter_mlgov.integrations.sql|{self._backend.url}"
