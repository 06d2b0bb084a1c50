"""One root for each column of a table, from its blocks of rows (docs/formats/fingerprint.md, method `mlgov-table-2`)."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.lineage.encoding import Seen, block_parts, plain
from jupyter_mlgov.lineage.facts import Fingerprint
from jupyter_mlgov.lineage.typenames import Node, Unfit, node_of, spelled, text, zone_of

METHOD = "mlgov-table-2"
ROWS = 1 << 16
MOST_THREADS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """`ROWS` rows of one column (fewer in the last block), read when asked: a pyarrow.Array, since pyarrow ships no types."""

    column: int
    number: int
    read: Callable[[], Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """A table as blocks of its columns. `types` are pyarrow's; `rows` is -1 where only the last block will tell."""

    names: tuple[str, ...]
    types: tuple[Any, ...]
    blocks: Callable[[], Iterator[Block]]
    rows: int = -1


@dataclass(slots=True, kw_only=True)
class _Column:
    node: Node
    digests: dict[int, bytes] = field(default_factory=dict)
    seen: Seen = field(default_factory=set)
    rows: int = 0


def table_fingerprint(content: Content, threads: int | None = None) -> Fingerprint:
    """Root of all rows and columns. Raises Unfit for a type without a canonical form.

    Chunks, widths and encodings never matter; a changed cell changes the root of its column and of the table, and no other.
    At most one block a thread is held beside what the source itself holds.
    """
    columns = [_Column(node=node_of(kind)) for kind in content.types]
    small = 0 <= content.rows * max(1, len(columns)) <= ROWS
    _work(content.blocks(), columns, 1 if small else threads or cores())
    rows = columns[0].rows if columns else max(0, content.rows)
    return named(METHOD, content, rows, [_type(column) for column in columns], [_root(column, rows) for column in columns])


def named(
    method: str, content: Content, rows: int, types: list[str], roots: list[Digest], more: Mapping[str, str] | None = None
) -> Fingerprint:
    """The fingerprint of a table from the roots of its columns, and what `more` the method puts under the table's root."""
    names = distinct(content.names)
    described = [{"name": name, "type": kind, "root": root} for name, kind, root in zip(names, types, roots, strict=True)]
    zones = [zone_of(kind) for kind in content.types]
    shown = [f"timestamp[{zone}]" if kind == "timestamp[UTC]" else kind for kind, zone in zip(types, zones, strict=True)]
    return Fingerprint(
        method=method,
        root=Digest.of_json({"method": method, "rows": rows, "columns": described, **(more or {})}),
        columns=dict(zip(names, roots, strict=True)),
        schema=dict(zip(names, shown, strict=True)),
        rows=rows,
    )


def distinct(given: tuple[str, ...]) -> list[str]:
    """A second column `x` is called `x#2`, since a mapping has no place for two."""
    names = [text(name) for name in given]
    seen: dict[str, int] = {}
    taken, result = set(names), []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        label = name if seen[name] == 1 else f"{name}#{seen[name]}"
        while seen[name] > 1 and label in taken:
            label += "#"
        taken.add(label)
        result.append(label)
    return result


def cores() -> int:
    """Processors this process may use, at most `MOST_THREADS`."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(allowed, MOST_THREADS)


def _work(blocks: Iterator[Block], columns: list[_Column], threads: int) -> None:
    """Hash every block; each thread takes the next one when it is done, so that no more than one a thread is held."""
    if threads == 1:
        for block in blocks:
            _hash(block, columns[block.column])
        return
    lock, stopped = threading.Lock(), threading.Event()

    def run() -> None:
        try:
            while not stopped.is_set():
                with lock:
                    block = next(blocks, None)
                if block is None:
                    return
                _hash(block, columns[block.column])
        except BaseException:
            stopped.set()
            raise

    with ThreadPoolExecutor(threads, "mlgov-fingerprint") as pool:
        futures = [pool.submit(run) for _ in range(threads)]
        try:
            for future in futures:
                future.result()
        except BaseException:  # Ctrl-C too: nobody waits for the rest of the table
            stopped.set()
            raise


def _hash(block: Block, column: _Column) -> None:
    array = block.read()
    hasher = hashlib.sha256()
    for part in block_parts(array, column.node, column.seen):
        hasher.update(part)
    column.digests[block.number] = hasher.digest()
    column.rows += len(array) if block.column == 0 else 0


def _type(column: _Column) -> str:
    """The type by its content: where no row has a value it is `null`. An empty column keeps the type it was declared with."""
    return spelled(column.node, column.seen.__contains__) if column.digests else spelled(column.node)


def _root(column: _Column, rows: int) -> Digest:
    blocks = b"".join(column.digests[number] for number in range(len(column.digests)))
    header = b"mlgov-column-2\n" + _type(column).encode() + b"\n" + rows.to_bytes(8, "little")
    return Digest.of_bytes(header + blocks)


def of_table(table: Any) -> Content:
    """A pyarrow.Table in memory."""

    def blocks() -> Iterator[Block]:
        for number, start in enumerate(range(0, table.num_rows, ROWS)):
            for place, column in enumerate(table.columns):
                yield Block(column=place, number=number, read=partial(_slice, column, start))

    return Content(names=tuple(table.column_names), types=tuple(table.schema.types), blocks=blocks, rows=table.num_rows)


def _slice(column: Any, start: int) -> Any:
    return joined(column.slice(start, ROWS))


def of_batches(schema: Any, batches: Callable[[], Iterator[Any]]) -> Content:
    """A stream of record batches of any size; read one after the other, each batch once."""

    def blocks() -> Iterator[Block]:
        nodes = [node_of(kind) for kind in schema.types]
        for number, table in enumerate(tables_of(batches())):
            if table.schema.types != schema.types and [node_of(kind) for kind in table.schema.types] != nodes:
                raise Unfit("a batch has other types than its table")
            for place, column in enumerate(table.columns):
                yield Block(column=place, number=number, read=partial(joined, column))

    return Content(names=tuple(schema.names), types=tuple(schema.types), blocks=blocks, rows=-1 if len(schema) else 0)


def tables_of(batches: Iterator[Any]) -> Iterator[Any]:
    """Tables of `ROWS` rows (fewer in the last) from record batches of any size."""
    import pyarrow as pa

    held: list[Any] = []
    count = 0
    for batch in batches:
        held.append(batch)
        count += batch.num_rows
        while count >= ROWS:
            table = pa.Table.from_batches(held)
            yield table.slice(0, ROWS)
            held = table.slice(ROWS).to_batches()
            count -= ROWS
    if count:
        yield pa.Table.from_batches(held)


def joined(column: Any) -> Any:
    """One pyarrow.Array from a ChunkedArray of a block's rows; no copy where it lies in one chunk."""
    import pyarrow as pa

    chunks = [chunk for chunk in column.chunks if len(chunk)]
    if len(chunks) == 1:
        return chunks[0]
    return pa.concat_arrays([plain(chunk) for chunk in chunks]) if chunks else pa.array([], column.type)
