"""Writing the tiles that entries fill, inside the transaction that writes the entries."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sqlalchemy import Connection

from jupyter_mlgov.audit.merkle import leaf_hash
from jupyter_mlgov.audit.stored import DamagedEntry
from jupyter_mlgov.audit.tiles import WIDTH, due, tile_of

# Runs one statement of ours with `?` for its values, and returns its rows.
Run = Callable[[str, Sequence[object]], list[tuple[object, ...]]]


def fill_tiles(run: Run) -> None:
    """Write every whole tile that is still missing. Raises DamagedEntry where a digest of the log cannot be read."""
    size = _whole(run("SELECT coalesce(max(seq), 0) FROM log", ())[0][0])
    written = [_whole(row[1]) + 1 for row in run("SELECT level, max(idx) FROM tiles GROUP BY level ORDER BY level", ())]
    for level, index in due(size, written):
        start, stop = index * WIDTH, (index + 1) * WIDTH
        hashes = [leaf_hash(one) for one in leaves(run, start, stop)] if level == 0 else roots(run, level - 1, start, stop)
        tile = tile_of(level, index, hashes)
        run("INSERT INTO tiles (level, idx, root, hashes) VALUES (?, ?, ?, ?)", (level, index, tile.root, tile.hashes))


def leaves(run: Run, start: int, stop: int) -> list[bytes]:
    """The digests of the entries start < seq <= stop, 32 bytes each."""
    found = run("SELECT seq, digest FROM log WHERE seq > ? AND seq <= ? ORDER BY seq", (start, stop))
    return [_raw(seq, digest) for seq, digest in found]


def roots(run: Run, level: int, start: int, stop: int) -> list[bytes]:
    """The roots of the tiles start <= index < stop of `level`."""
    found = run("SELECT root FROM tiles WHERE level = ? AND idx >= ? AND idx < ? ORDER BY idx", (level, start, stop))
    return [bytes(root) for (root,) in found if isinstance(root, (bytes, memoryview))]


def runner(connection: Connection, mark: str) -> Run:
    """The same over a connection of SQLAlchemy, whose driver writes `mark` for a value."""

    def run(statement: str, values: Sequence[object]) -> list[tuple[object, ...]]:
        done = connection.exec_driver_sql(statement.replace("?", mark), tuple(values))
        return [tuple(row) for row in done] if done.returns_rows else []

    return run


def _whole(value: object) -> int:
    return value if isinstance(value, int) else 0


def _raw(seq: object, digest: object) -> bytes:
    try:
        return bytes.fromhex(str(digest).removeprefix("sha256:"))
    except ValueError:
        raise DamagedEntry(_whole(seq), "was changed: its digest is no longer a digest.") from None
