"""The record as Prometheus reads it: 10,000 models, the first page and the ones after it."""

from __future__ import annotations

import resource
import tempfile
import time
from datetime import timedelta
from pathlib import Path

from jupyter_mlgov.audit.entries import Draft
from jupyter_mlgov.integrations.serving.telling import text
from jupyter_mlgov.testing import FixedClock
from jupyter_mlgov.workspace.exporting import SHAPES, Exporter
from tests.benchmarks.measure import Figure
from tests.promotion.test_intended import decided
from tests.workspace.gated import NOTEBOOK, gated
from tests.workspace.watched import TEAM

MODELS = 10_000
WINDOWS = 10


def scrapes() -> list[Figure]:
    """Ours over what prometheus-client alone takes to write the same rows; the time-out that Prometheus has by itself is 10 s."""
    with tempfile.TemporaryDirectory() as name:
        workspace = gated(Path(name), FixedClock(), team=TEAM)
        for first in range(0, MODELS, 500):
            workspace.journal.append([draft for n in range(first, first + 500) for draft in _story(n)], actor=workspace.actor())
        exporter = Exporter(workspace)
        start = time.perf_counter()
        page = exporter.text()
        whole = time.perf_counter() - start
        rows = exporter.rows()
        start = time.perf_counter()
        text(SHAPES, rows)
        peer = time.perf_counter() - start
        start = time.perf_counter()
        exporter.text()
        again = time.perf_counter() - start
        workspace.journal.append([_ran(n) for n in range(100)], actor=workspace.actor())
        workspace.clock.advance(timedelta(minutes=1))  # type: ignore[attr-defined]  # a FixedClock
        start = time.perf_counter()
        exporter.text()
        moved = time.perf_counter() - start
        workspace.close()
    size = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    what = f"a page of {MODELS:,} models ({len(rows):,} series, {len(page) / 2**20:.0f} MiB)"
    return [
        Figure(
            name=f"the first page of {MODELS:,} models, {MODELS * (WINDOWS + 1):,} entries / the page written",
            ours=whole,
            peer=peer,
            unit="s",
            asked="< 60 s",
            holds=whole < 60,
        ),
        Figure(name=f"{what} / prometheus-client alone", ours=again, peer=peer, unit="s", asked="< 10 s", holds=again < 10),
        Figure(
            name="the same after 100 windows came / prometheus-client alone",
            ours=moved,
            peer=peer,
            unit="s",
            asked="< 10 s",
            holds=moved < 10,
        ),
        Figure(name="memory of the process at its most", ours=size, peer=2048, unit="MiB", asked="< 2 GiB", holds=size < 2048),
    ]


def _story(number: int) -> list[Draft]:
    one = decided("1", model=f"model-{number:05}")
    let_in = Draft(action=one.action, subject=one.subject, payload={**one.payload, "notebook": NOTEBOOK})
    return [let_in, *(_ran(number) for _ in range(WINDOWS))]


def _ran(number: int) -> Draft:
    verdicts = dict.fromkeys(("monitor.drift", "data.quality", "monitor.performance", "fair.air", "fair.sig"), "passed")
    names = ["drift", "quality", "performance", "fairness"]
    payload = {"version": "1", "measured": names, "verdicts": verdicts, "effects": dict.fromkeys(verdicts, 0.01), "rows": 1000}
    return Draft(action="monitor.ran", subject=f"model-{number:05}", payload=payload)
