"""Writing the tiles that entries fill, inside the transaction that writes the entries."""

from __future__ import annotations

from sqlalchemy import Connection, func, insert, select

from jupyter_mlgov.audit.merkle import leaf_hash
from jupyter_mlgov.audit.stored import DamagedEntry
from jupyter_mlgov.audit.tiles import WIDTH, due, tile_of
from jupyter_mlgov.integrations.sql.tables import log, tiles

_WRITTEN = select(tiles.c.level, func.max(tiles.c.idx)).group_by(tiles.c.level).order_by(tiles.c.level)


def fill_tiles(connection: Connection) -> None:
    """Write every whole tile that is still missing. Raises DamagedEntry where a digest of the log cannot be read."""
    size = int(connection.execute(select(func.max(log.c.seq))).scalar() or 0)
    written = [int(row[1]) + 1 for row in connection.execute(_WRITTEN)]
    for level, index in due(size, written):
        start, stop = index * WIDTH, (index + 1) * WIDTH
        hashes = [leaf_hash(one) for one in leaves(connection, start, stop)] if level == 0 else roots(connection, level - 1, start, stop)
        tile = tile_of(level, index, hashes)
        values = {"level": level, "idx": index, "root": tile.root, "hashes": tile.hashes}
        connection.execute(insert(tiles), [values])


def leaves(connection: Connection, start: int, stop: int) -> list[bytes]:
    """The digests of the entries start < seq <= stop, 32 bytes each."""
    found = connection.execute(select(log.c.seq, log.c.digest).where(log.c.seq > start, log.c.seq <= stop).order_by(log.c.seq))
    return [_raw(int(seq), digest) for seq, digest in found]


def roots(connection: Connection, level: int, start: int, stop: int) -> list[bytes]:
    """The roots of the tiles start <= index < stop of `level`."""
    chosen = select(tiles.c.root).where(tiles.c.level == level, tiles.c.idx >= start, tiles.c.idx < stop).order_by(tiles.c.idx)
    return [bytes(root) for (root,) in connection.execute(chosen)]


def _raw(seq: int, digest: object) -> bytes:
    try:
        return bytes.fromhex(str(digest).removeprefix("sha256:"))
    except ValueError:
        raise DamagedEntry(seq, "was changed: its digest is no longer a digest.") from None
