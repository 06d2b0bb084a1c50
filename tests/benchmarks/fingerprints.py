"""Fingerprints of 10 million rows x 10 mixed columns against plain SHA-256 over the same Arrow buffers, MLflow and pandas."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

from tests.benchmarks.measure import Figure, in_turns

ROWS = 10_000_000


def mixed_table(rows: int = ROWS) -> Any:  # a pyarrow.Table
    """Ten columns as a lender has them: keys, money, rates with gaps, flags, names, categories, times."""
    import numpy as np
    import pyarrow as pa

    rng = np.random.default_rng(20260101)
    words = pa.array([f"customer {number} of branch {number % 97}" for number in range(5000)])
    return pa.table(
        {
            "id": np.arange(rows),
            "account": rng.integers(-(2**62), 2**62, rows),
            "age": rng.integers(18, 99, rows).astype("i4"),
            "amount": rng.normal(1e4, 1e3, rows),
            "rate": pa.array(rng.normal(size=rows), mask=rng.random(rows) < 0.05),
            "score": rng.random(rows).astype("f4"),
            "opened": pa.array(rng.integers(0, 2**60, rows)).cast(pa.timestamp("ns")),
            "default": pa.array(rng.random(rows) < 0.1),
            "name": words.take(pa.array(rng.integers(0, 5000, rows))),
            "branch": words.slice(0, 50).take(pa.array(rng.integers(0, 50, rows))).dictionary_encode(),
        }
    )


def plain_sha256(table: Any) -> None:
    """Every Arrow buffer once, one hasher a column, in one thread. The tables here own their whole buffers."""
    for column in table.columns:
        hasher = hashlib.sha256()
        for chunk in column.chunks:
            for buffer in [*chunk.buffers(), *(chunk.dictionary.buffers() if hasattr(chunk, "dictionary") else [])]:
                if buffer is not None:
                    hasher.update(buffer)


def timed(act: Callable[[], object], clock: Callable[[], float] = time.perf_counter) -> Callable[[], float]:
    """`act` as something that returns its seconds."""

    def run() -> float:
        start = clock()
        act()
        return clock() - start

    return run


def fingerprints() -> list[Figure]:
    """Ours on all cores and on one; 0.9 of plain means no more than 1 / 0.9 of its time.

    By the clock, and by processor time of all threads: on a busy machine the clock tells how many cores were free for whom. The work
    spread over the cores this process may use is what the clock shows on a machine that is not busy.
    """
    from jupyter_mlgov.lineage.columns import cores, of_table, table_fingerprint

    table = mixed_table()
    size = f"{ROWS // 1_000_000} million rows x {table.num_columns} columns"
    plain = timed(lambda: plain_sha256(table))
    figures = []
    for threads, asked in ((None, "<= 1.11"), (1, "(for the scale)")):
        ours, peer = in_turns(timed(lambda threads=threads: table_fingerprint(of_table(table), threads)), plain)
        name = f"{size}, {'all cores' if threads is None else 'one thread'} / plain SHA-256"
        figures.append(Figure(name=name, ours=ours, peer=peer, unit="s", asked=asked, holds=threads is not None or ours / peer <= 1 / 0.9))
    ours, peer = in_turns(
        timed(lambda: table_fingerprint(of_table(table)), time.process_time), timed(lambda: plain_sha256(table), time.process_time)
    )
    name = f"{size}, processor time a core / plain SHA-256"
    figures.append(Figure(name=name, ours=ours / cores(), peer=peer, unit="s", asked="<= 1.11", holds=ours / cores() <= peer / 0.9))
    return [*figures, *_samplers(table)]


def _samplers(table: Any) -> list[Figure]:
    import warnings

    import mlflow.data
    import pandas as pd

    from jupyter_mlgov.lineage.fingerprint import measured

    frame = table.to_pandas()
    ours = timed(lambda: measured(frame))()
    found = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, peer in (
            ("MLflow's digest (samples)", lambda: mlflow.data.from_pandas(frame).digest),
            ("pandas hash_pandas_object", lambda: pd.util.hash_pandas_object(frame)),
        ):
            seconds = timed(peer)()
            found.append(Figure(name=f"the same as pandas / {name}", ours=ours, peer=seconds, unit="s", asked="< 1", holds=ours < seconds))
    return found


_PEAK = """
import resource
from pathlib import Path
from tests.benchmarks.fingerprints import mixed_table
from jupyter_mlgov.sdk import fingerprint
def peak():
    return next(int(line.split()[1]) for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
table = mixed_table()
fingerprint(table.slice(0, 10))
Path("/proc/self/clear_refs").write_text("5")
before = peak()
fingerprint(table)
print((peak() - before) / 1024, table.nbytes / 2**20)
"""


def fingerprint_memory() -> Figure:
    """Megabytes at the peak beside the table, in a fresh process; Linux only, since the peak is read from /proc."""
    done = subprocess.run([sys.executable, "-c", _PEAK], capture_output=True, text=True, check=True)
    ours, table = (float(number) for number in done.stdout.split())
    return Figure(name="memory beside the table / the table", ours=ours, peer=table, unit="MB", asked="< 200 MB", holds=ours < 200)
