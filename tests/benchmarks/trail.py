"""The trail's figures: commits a second against the database itself, a million entries verified, a proof."""

from __future__ import annotations

import random
import resource
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from jupyter_mlgov.audit.entries import GENESIS, Draft
from jupyter_mlgov.audit.scan import roots_agree, scan_log
from jupyter_mlgov.audit.stored import COLUMNS, written
from jupyter_mlgov.audit.tiles import Tree
from jupyter_mlgov.core.clock import SystemClock
from jupyter_mlgov.integrations.sql import open_journal
from jupyter_mlgov.integrations.sql.filling import fill_tiles, runner
from jupyter_mlgov.testing import ANA
from tests.benchmarks.measure import Figure, in_turns

MANY = 1_000_000
DRAFT = Draft(action="cell.finished", subject="credit.ipynb", payload={"cell_id": "5f0c", "duration_ms": 12.5, "outcome": "ok"})
_ADD = f"INSERT INTO log ({', '.join(COLUMNS)}) VALUES ({', '.join('?' * 9)})"


def commits() -> list[Figure]:
    """Entries a second through the journal, against the same rows by the driver alone with the same grouping."""
    from tests.postgres import running, schema

    figures = []
    with tempfile.TemporaryDirectory() as name:
        for group, count in ((1, 1000), (20, 6000)):
            ours, peer = in_turns(
                _journal(f"sqlite:///{name}/ours-{group}.db", group, count), _sqlite(Path(name) / f"peer-{group}.db", group, count)
            )
            figures.append(_rate(f"SQLite, {group} entries a commit", count / ours, count / peer))
    with running() as server:
        for group, count in ((1, 500), (20, 4000)):
            ours, peer = in_turns(_journal(schema(server.url), group, count), _postgres(schema(server.url), group, count), runs=3)
            figures.append(_rate(f"PostgreSQL, {group} entries a commit", count / ours, count / peer))
    return figures


def million() -> list[Figure]:
    """A million entries verified, and one proof at 100,000, from a database on disk."""
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "mlgov.db"
        _fill(path, MANY)
        with closing(open_journal(path, SystemClock())) as journal:
            ledger = journal.ledger()
            start, work = time.perf_counter(), _work()
            spans = scan_log(ledger)
            if not spans or not roots_agree(ledger, spans):
                raise RuntimeError("the log we wrote does not verify")
            whole, work = time.perf_counter() - start, _work() - work
            tree, noise = Tree(ledger), random.Random(1)
            places = [noise.randrange(100_000) for _ in range(2000)]
            for place in places:
                tree.inclusion(place, 100_000)
            proofs = []
            for place in places:
                start = time.perf_counter()
                tree.inclusion(place, 100_000)
                proofs.append(time.perf_counter() - start)
            with closing(sqlite3.connect(path)) as link:
                start, reading = time.perf_counter(), _work()
                for _ in link.execute("SELECT * FROM log"):
                    pass
                read, reading = time.perf_counter() - start, _work() - reading
    title = "1,000,000 entries verified / read by SQLite"
    return [
        Figure(name=f"{title}, processor time", ours=work, peer=reading, unit="s", asked="< 10 s", holds=work < 10),
        Figure(name=title, ours=whole, peer=read, unit="s", asked="< 10 s", holds=whole < 10),
        Figure(
            name="an inclusion proof at 100,000 entries (median)",
            ours=statistics.median(proofs) * 1000,
            peer=0,
            unit="ms",
            asked="< 0.1 ms",
            holds=statistics.median(proofs) < 0.0001,
        ),
    ]


def first_question(entries: int = 100_000) -> Figure:
    """Processor time of a registry's first question after a start, against the same one where the decision never replayed here."""
    from jupyter_mlgov.core.settings import Settings
    from jupyter_mlgov.workspace import Workspace
    from jupyter_mlgov.workspace.guard import TrailGatekeeper
    from tests.promotion.world import let_in

    def asked(workspace: Workspace) -> float:
        fresh = Workspace(workspace.root, workspace.settings)
        start = time.process_time()
        keeper = TrailGatekeeper(fresh)
        if keeper.stage_of("production") != "production" or keeper.objection("credit", "production", "1"):
            raise RuntimeError("what was let in is not")
        work = time.process_time() - start
        fresh.close()
        return work

    with tempfile.TemporaryDirectory() as name:
        workspace = Workspace.create(Path(name), Settings(actor="ana", deliver="manual"))
        let_in(workspace.journal, "1")
        for first in range(0, entries, 5000):
            drafts = [
                Draft(action="cell.finished", subject=f"nb-{at % 50}.ipynb", payload={"cell_id": str(at)})
                for at in range(first, first + 5000)
            ]
            workspace.database.append(drafts, actor=ANA)
        whole = asked(workspace)
        again = statistics.median(asked(workspace) for _ in range(3))
        workspace.close()
    title = f"a guarded registry's first question at {entries:,} entries / deciding again"
    return Figure(name=title, ours=again, peer=whole, unit="s", asked="< 0.5 s", holds=again < 0.5)


def _work() -> float:
    """Processor time of this process and of those it waited for: what a busy machine cannot make longer by much."""
    return sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))


def _rate(name: str, ours: float, peer: float) -> Figure:
    return Figure(name=f"{name}, journal / driver", ours=ours, peer=peer, unit="/s", asked=">= 0.5", holds=ours / peer >= 0.5)


def _journal(url: str, group: int, count: int) -> Callable[[], float]:
    journal = open_journal(url, SystemClock())

    def run() -> float:
        start = time.perf_counter()
        for _ in range(count // group):
            journal.append([DRAFT] * group, actor=ANA)
        return time.perf_counter() - start

    return run


def _rows(first: int, group: int) -> list[tuple[int | str, ...]]:
    _, row = written(DRAFT, seq=first, time=SystemClock().now(), actor=ANA, previous=GENESIS)
    return [(first + at, *row[1:]) for at in range(group)]


def _sqlite(path: Path, group: int, count: int) -> Callable[[], float]:
    """The same durability: write-ahead log, synchronous=FULL, one transaction a group. The rows are made before the clock starts."""
    link = sqlite3.connect(path, isolation_level=None)
    link.execute("PRAGMA journal_mode = WAL")
    link.execute("PRAGMA synchronous = FULL")
    link.execute(f"CREATE TABLE log (seq INTEGER PRIMARY KEY, {', '.join(f'{name} TEXT NOT NULL' for name in COLUMNS[1:])})")
    at = [1]

    def run() -> float:
        groups = [_rows(at[0] + number * group, group) for number in range(count // group)]
        at[0] += count
        start = time.perf_counter()
        for rows in groups:
            link.execute("BEGIN IMMEDIATE")
            link.executemany(_ADD, rows)
            link.execute("COMMIT")
        return time.perf_counter() - start

    return run


def _postgres(url: str, group: int, count: int) -> Callable[[], float]:
    import psycopg

    link = psycopg.connect(url)
    link.execute(f"CREATE TABLE log (seq BIGINT PRIMARY KEY, {', '.join(f'{name} TEXT NOT NULL' for name in COLUMNS[1:])})")
    link.commit()
    at = [1]

    def run() -> float:
        groups = [_rows(at[0] + number * group, group) for number in range(count // group)]
        at[0] += count
        start = time.perf_counter()
        for rows in groups:
            with link.cursor() as cursor:
                cursor.executemany(_ADD.replace("?", "%s"), rows)
            link.commit()
        return time.perf_counter() - start

    return run


def _fill(path: Path, count: int) -> None:
    """A real log of `count` entries, written in few transactions so that the benchmark is about reading it."""
    journal = open_journal(path, SystemClock())
    previous, clock = GENESIS, SystemClock()
    with journal._backend.writing() as connection:
        for first in range(1, count + 1, 10_000):
            rows = []
            for seq in range(first, min(first + 10_000, count + 1)):
                draft = Draft(
                    action="cell.finished",
                    subject=f"nb-{seq % 50}.ipynb",
                    payload={"cell_id": str(seq), "duration_ms": seq / 7, "outcome": "ok"},
                )
                entry, row = written(draft, seq=seq, time=clock.now(), actor=ANA, previous=previous)
                rows.append(row)
                previous = entry.digest
            connection.exec_driver_sql(_ADD, rows)
        fill_tiles(runner(connection, "?"))
    journal.close()
