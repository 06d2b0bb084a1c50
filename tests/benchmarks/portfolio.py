"""The portfolio's figures on a made-up house: pages, figures of a past day, a rebuild of all read tables; beside MLflow's own listing.

`python -m tests.benchmarks.portfolio --models 10000 --weeks 156 --postgres` is the size that was asked for: about five million entries.
"""

from __future__ import annotations

import argparse
import os
import random
import resource
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

from jupyter_mlgov.audit.entries import GENESIS, AuditEntry, Draft
from jupyter_mlgov.audit.stored import COLUMNS, written
from jupyter_mlgov.core.clock import SystemClock
from jupyter_mlgov.core.settings import Settings
from jupyter_mlgov.integrations.sql import open_journal
from jupyter_mlgov.integrations.sql.journal import SqlJournal
from jupyter_mlgov.monitoring.portfolio.projecting import rebuild
from jupyter_mlgov.monitoring.portfolio.store import SORTS, Asked
from jupyter_mlgov.testing import BEN
from jupyter_mlgov.workspace import Workspace
from jupyter_mlgov.workspace.portfolio import Point, figures, portfolio
from tests.benchmarks.measure import Figure
from tests.monitoring.histories import act, applied, asked, decided, demand, given, ran, validated

MODELS, WEEKS = 1_000, 156
CYCLE = 13  # weeks from one version to the next
CELLS = 11  # runs of cells in a session, each with two entries
BEGIN = datetime(2023, 11, 20, tzinfo=UTC)
PEERS = 1_000  # models in MLflow's registry: each costs it some ten milliseconds to make
_ADD = f"INSERT INTO log ({', '.join(COLUMNS)}) VALUES ({', '.join('?' * 9)})"


def house(models: int, weeks: int) -> Iterator[tuple[datetime, Draft, bool]]:
    """(when, what, is it a decision of which the next act needs the digest) in order of time; the digest comes by `send`."""
    noise = random.Random(1)
    for week in range(weeks):
        for number in range(models):
            when = BEGIN + timedelta(weeks=week, seconds=number * 600_000 / models)
            name = f"model-{number:05}"
            yield when, act("monitor.ran", name, version="1", window=str(week), verdict="passed", measured=["drift"]), False
            if (week + number) % CYCLE == 0:
                yield from _version(name, number, week // CYCLE + 1, when, noise)


def _version(name: str, number: int, version: int, when: datetime, noise: random.Random) -> Iterator[tuple[datetime, Draft, bool]]:
    """A session, a report, its review, its promotion, and what sometimes follows."""
    for cell in range(CELLS):
        yield when, ran(name), False
        read = {"reads": ["frame"], "writes": ["model"], "duration_ms": 12.5, "outcome": "ok", "cell_id": f"c{cell}", "order": cell}
        yield when, act("cell.finished", f"{name}.ipynb", **read), False
    report = f"{name} {version}"
    verdicts = [noise.choice(("pass", "pass", "pass", "warn", "fail")) for _ in range(4)]
    demands = [demand(f"C{one}", f"v.{one % 12}", verdicts[one % 4]) for one in range(16)]
    demands += [demand(f"C{one}", f"form:C{one}", "pass") for one in range(8)]
    demands += [demand(f"EUAIA.{one}", f"v.{one}", verdicts[one % 4], standing="readiness", policy="eu-ai-act") for one in range(6)]
    data = {f"data/feed-{number % 40}.parquet": f"sha256:{number % 40:064x}", f"data/{name}.parquet": f"sha256:{number:064x}"}
    inventory = {"purpose": f"scores customers of product {number % 90}", "materiality": "high", "complexity": "medium"}
    yield when, validated(name, report, demands, data=data, tier=number % 3 + 1, inventory=inventory), False
    yield when, act("form.answered", name, control="DOC.development"), False
    yield when + timedelta(minutes=9), act("form.answered", name, control="DOC.validation"), False
    yield when, asked(name, report, due=(when + timedelta(hours=24)).isoformat()), False
    yield when, act("review.claimed", name, review=0), False
    if noise.random() < 0.97:
        yield when, given(name, report, when), False
        yield when, decided(name, str(version), report=report), True
        yield when, act("promotion.applied", name, stage="production", version=str(version)), False
    if noise.random() < 0.2:
        yield when, act("rollback.ordered", name, stage="production", to=str(version - 1), **{"from": str(version)}), False
        yield when, act(noise.choice(("rollback.done", "rollback.done", "rollback.failed")), name, stage="production"), False
    if noise.random() < 0.3:
        yield when, act("canary.settled", name, canary=report, agreed=noise.random() < 0.9), False
    if noise.random() < 0.3:
        yield when, act("evidence.refuted", name, reason="scores drifted", due=(when + timedelta(days=30)).date().isoformat()), False


def fill(journal: SqlJournal, path: Path, models: int, weeks: int) -> int:
    """Write the house's log as the journal chains it, by the driver alone; how many entries that are."""
    seq, previous, decision = 0, GENESIS, ""
    rows: list[tuple[int | str, ...]] = []
    with closing(sqlite3.connect(path)) as link:
        link.execute("PRAGMA synchronous = OFF")
        for when, draft, is_decision in house(models, weeks):
            one = draft if draft.action != "promotion.applied" else _applied(draft, decision)
            entry, row = written(one, seq=seq + 1, time=when, actor=BEN, previous=previous)
            seq, previous = entry.seq, entry.digest
            decision = entry.digest if is_decision else decision
            rows.append(row)
            if len(rows) == 20_000:
                link.executemany(_ADD, rows)
                link.commit()
                rows.clear()
        link.executemany(_ADD, rows)
        link.commit()
    return seq


def _applied(draft: Draft, decision: str) -> Draft:
    return applied(draft.subject, str(draft.payload["version"]), cast("AuditEntry", _Named(decision)))


class _Named:
    """As much of an entry as the next one names."""

    def __init__(self, digest: str) -> None:
        self.digest = digest


def copied(path: Path, url: str) -> SqlJournal:
    """The same log in PostgreSQL."""
    import psycopg

    journal = open_journal(url, SystemClock())
    with psycopg.connect(url) as there, closing(sqlite3.connect(path)) as here, there.cursor() as cursor:
        cursor.execute("ALTER TABLE log DISABLE TRIGGER ALL")
        with cursor.copy(f"COPY log ({', '.join(COLUMNS)}) FROM STDIN") as copy:
            for row in here.execute(f"SELECT {', '.join(COLUMNS)} FROM log ORDER BY seq"):
                copy.write_row(row)
        cursor.execute("ALTER TABLE log ENABLE TRIGGER ALL")
        there.commit()
    return journal


def take(models: int, weeks: int, *, postgres: bool, workspace: Workspace, peer: float) -> list[Figure]:
    """The figures of one house, from SQLite and, where asked for, from PostgreSQL."""
    path = workspace.root / ".mlgov" / "mlgov.db"
    size = fill(workspace.database, path, models, weeks)
    found = [_size(size, path)]
    found += _answers("SQLite", workspace, workspace.database, size, peer)
    if postgres:
        from tests.postgres import running, schema

        with running() as server:
            journal = copied(path, schema(server.url))
            found += _answers("PostgreSQL", workspace, journal, size, peer)
            journal.close()
    return found


def _answers(what: str, workspace: Workspace, journal: SqlJournal, size: int, peer: float) -> list[Figure]:
    tables = journal.read_tables()
    memory, start, work = _peak(), time.perf_counter(), time.process_time()
    if rebuild(journal, tables) != size:
        raise RuntimeError("the rebuild did not reach the end of the log")
    whole, work, grown = time.perf_counter() - start, time.process_time() - work, _peak() - memory
    end = BEGIN + timedelta(weeks=WEEKS)
    days = [BEGIN + timedelta(days=day) for day in (40, 200, 500, 800, 1000)]
    points = [Point(moment=day, upto=tables.at(day), tables=tables) for day in days]
    now = Point(moment=end, upto=size, tables=tables)
    label = f"{what}, {size:,} entries"
    return [
        Figure(name=f"{label}: rebuild of all read tables", ours=whole, peer=size / 1e6, unit="s", asked="< 300 s", holds=whole < 300),
        Figure(name=f"{label}: of that our own processor time", ours=work, peer=whole, unit="s", asked="(for the scale)", holds=True),
        Figure(name=f"{label}: memory the rebuild added", ours=grown, peer=0, unit="MB", asked="< 500 MB", holds=grown < 500),
        *_pages(f"{label}: a page now", [now], peer),
        *_pages(f"{label}: a page as of a day", points, peer),
        _timed(f"{label}: figures as of a day, slowest", [lambda one=one: figures(one) for one in points], 1.0),
        _timed(f"{label}: the whole portfolio as of a day", [lambda one=one: portfolio(one, workspace) for one in points[-2:]], 10.0),
    ]


def _pages(name: str, points: list[Point], peer: float) -> list[Figure]:
    """Pages of a hundred in every order, from every part of the list, with and without words; by the clock and by our processor time."""
    times: list[tuple[float, float]] = []
    for one in points:
        for sort in SORTS:
            for offset, words in ((0, ""), (900, ""), (0, "model-000 production")):
                question = Asked(now=one.moment, sort=sort, offset=offset, words=words)
                start, work = time.perf_counter(), time.process_time()
                one.tables.page(question, one.upto)
                times.append(((time.perf_counter() - start) * 1000, (time.process_time() - work) * 1000))
    clock, worked = (sorted(one[side] for one in times)[int(len(times) * 0.95)] for side in (0, 1))
    return [
        Figure(name=f"{name}, p95 / MLflow's", ours=clock, peer=peer, unit="ms", asked="< 100 ms", holds=clock < 100),
        Figure(name=f"{name}, p95, processor time", ours=worked, peer=clock, unit="ms", asked="< 100 ms", holds=worked < 100),
    ]


def _timed(name: str, calls: list[Callable[[], object]], limit: float) -> Figure:
    times = []
    for call in calls:
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return Figure(name=name, ours=max(times), peer=statistics.median(times), unit="s", asked=f"< {limit:g} s", holds=max(times) < limit)


def _size(size: int, path: Path) -> Figure:
    return Figure(name="entries, and the log's bytes", ours=size / 1e6, peer=path.stat().st_size / 1e9, unit="M", asked="(GB)", holds=True)


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def mlflow_listing(folder: Path, models: int) -> float:
    """A page of a hundred from MLflow's own registry in SQLite, by name, p95 in milliseconds; `models` of them, where ours may be more."""
    from mlflow import MlflowClient

    client: Any = MlflowClient(f"sqlite:///{folder / 'mlflow.db'}", registry_uri=f"sqlite:///{folder / 'mlflow.db'}")
    for number in range(models):
        client.create_registered_model(f"model-{number:05}", description="scores customers")
    times = []
    for _ in range(3):
        token = None
        for _ in range(9):
            start = time.perf_counter()
            page = client.search_registered_models(max_results=100, page_token=token, order_by=["name ASC"])
            times.append((time.perf_counter() - start) * 1000)
            token = page.token
    return sorted(times)[int(len(times) * 0.95)]


def portfolios(models: int = MODELS, weeks: int = WEEKS, *, postgres: bool = True, peers: int = PEERS) -> list[Figure]:
    """The figures at a size; `make bench` takes a tenth of what was asked for."""
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        peer = mlflow_listing(root, peers)
        with closing(Workspace.create(root / "house", Settings(actor="ann"))) as workspace:
            (root / "house" / ".mlgov" / "mlgov.db").unlink(missing_ok=True)
            workspace.close()
        with closing(Workspace(root / "house", Settings(actor="ann"))) as workspace:
            return take(models, weeks, postgres=postgres, workspace=workspace, peer=peer)


if __name__ == "__main__":
    flags = argparse.ArgumentParser()
    flags.add_argument("--models", type=int, default=MODELS)
    flags.add_argument("--weeks", type=int, default=WEEKS)
    flags.add_argument("--peers", type=int, default=PEERS)
    flags.add_argument("--postgres", action="store_true")
    chosen = flags.parse_args()
    print(f"load {os.getloadavg()[0]:.2f} on {os.cpu_count()} cores, {time.strftime('%Y-%m-%d %H:%M')}", flush=True)
    for figure in portfolios(chosen.models, chosen.weeks, postgres=chosen.postgres, peers=chosen.peers):
        print(figure, flush=True)
    print(f"load {os.getloadavg()[0]:.2f}")
