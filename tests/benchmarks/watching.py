"""A window of ten million rows held against a kept profile: time and memory, against Evidently on a sample that it can bear.

`MLGOV_BENCH_WINDOW=1000000 make bench` takes a tenth of the time.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.benchmarks.measure import Figure

ROWS = int(os.environ.get("MLGOV_BENCH_WINDOW", "10000000"))
SAMPLE = min(ROWS, 100_000)  # of each side, for the peer

# Each in a process of its own, so that the peak of memory is its own.
_OURS = """
import json, resource, sys, time
from dataclasses import replace
from pathlib import Path
from jupyter_mlgov.core.team import Roles
from jupyter_mlgov.sdk import table_subject
from jupyter_mlgov.validation.engine import validate
from jupyter_mlgov.validation.plugins import installed_validators
folder = Path(sys.argv[1])
roles = Roles(outcome="approve", favourable="1", protected=("sex",), score="score", label="good", cutoff="0.5")
start = time.perf_counter()
subject = replace(table_subject(folder / "window.parquet", roles, "credit"), reference_path=folder / "profile.json")
read = time.perf_counter() - start
took = {}
for name in ("monitor.drift", "monitor.performance", "data.quality", "fair.air", "fair.sig"):
    start = time.perf_counter()
    found = validate(subject, (), replace(installed_validators(), installed=False), only=(name,)).results[0]
    assert found.verdict.value in ("pass", "warn"), found.summary
    took[name] = time.perf_counter() - start
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
print(json.dumps({"read": read, "took": took, "peak": peak}))
"""
_PEER = """
import json, resource, sys, time, warnings
warnings.simplefilter("ignore")
import pandas as pd
from evidently import Report
from evidently.presets import DataDriftPreset
folder, rows = sys.argv[1], int(sys.argv[2])
import pyarrow.parquet as pq
now = next(pq.ParquetFile(folder + "/window.parquet").iter_batches(rows)).to_pandas()
before = next(pq.ParquetFile(folder + "/reference.parquet").iter_batches(rows)).to_pandas()
Report([DataDriftPreset()]).run(now.head(1000), before.head(1000))
start = time.perf_counter()
Report([DataDriftPreset()]).run(now, before).dict()
print(json.dumps({"took": time.perf_counter() - start, "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6}))
"""


def watching() -> list[Figure]:
    """Everything a tick measures of the window; Evidently's drift preset alone on a sample, and what that would be for every row."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _window(folder / "reference.parquet", min(ROWS, 1_000_000), seed=1)
        _window(folder / "window.parquet", ROWS, seed=2)
        _profile(folder)
        ours, peer = _run(_OURS, folder), _run(_PEER, folder, str(SAMPLE))
    told = f"a window of {ROWS:,} x 15"
    took: dict[str, float] = ours["took"]
    each = took["monitor.drift"] / ROWS, peer["took"] / SAMPLE
    return [
        _figure(f"{told}: read and named by its digest", ours["read"], 0, "s", "seconds", ours["read"] < 30),
        _figure(f"{told}: all checks of a tick", sum(took.values()), 0, "s", "seconds", sum(took.values()) < 60),
        _figure(f"{told}: drift / Evidently on {SAMPLE:,}", took["monitor.drift"], peer["took"], "s", "(for the scale)", True),
        _figure("drift, a million rows each / Evidently", each[0] * 1e6, each[1] * 1e6, "s", "peer >= 20 x", each[1] >= 20 * each[0]),
        _figure(f"{told}: memory / Evidently's on {SAMPLE:,}", ours["peak"], peer["peak"], "GB", "< 6 GB", ours["peak"] < 6),
        _figure("the profile instead of a million reference rows", ours["size"], 0, "KB", "< 200 KB", ours["size"] < 200),
    ]


def _figure(name: str, ours: float, peer: float, unit: str, asked: str, holds: bool) -> Figure:
    return Figure(name=name, ours=ours, peer=peer, unit=unit, asked=asked, holds=holds)


def _run(program: str, folder: Path, *words: str) -> dict[str, float | dict[str, float]] | dict:  # type: ignore[type-arg]  # JSON
    done = subprocess.run([sys.executable, "-c", program, str(folder), *words], capture_output=True, text=True, check=True)
    found = json.loads(done.stdout.strip().splitlines()[-1])
    return {**found, "size": (folder / "profile.json").stat().st_size / 1e3}


def _window(path: Path, rows: int, seed: int) -> None:
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    random = np.random.default_rng(seed)
    writer = None
    for start in range(0, rows, 1_000_000):
        n = min(1_000_000, rows - start)
        columns = {f"x{number}": random.normal(0.01 * seed, 1, n) for number in range(10)}
        score = 1 / (1 + np.exp(-columns["x0"]))
        table = pa.table(
            {
                **columns,
                "region": random.choice(["north", "south", "east", "west"], n),
                "sex": random.integers(0, 2, n),
                "score": score,
                "approve": (score > 0.4).astype(int),
                "good": (random.random(n) < score).astype(int),
            }
        )
        writer = writer or pq.ParquetWriter(path, table.schema)
        writer.write_table(table)
    assert writer is not None
    writer.close()


def _profile(folder: Path) -> None:
    from jupyter_mlgov.core.team import Roles
    from jupyter_mlgov.sdk import table_subject
    from jupyter_mlgov.validation.profiling import profile_of

    roles = Roles(outcome="approve", favourable="1", protected=("sex",), score="score", label="good", cutoff="0.5")
    (folder / "profile.json").write_text(profile_of(table_subject(folder / "reference.parquet", roles, "credit")), "utf-8")


WATCHING = (watching,)
