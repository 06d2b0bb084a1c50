"""Fairness by group on many rows against Fairlearn's MetricFrame, and a bootstrap from counts against one from rows.

Each side runs in a process of its own, so that what it adds to the memory can be read off. `MLGOV_BENCH=quick` takes a million rows in
place of ten. MetricFrame runs once (it takes minutes); ours five times, the median counts.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.benchmarks.measure import Figure

QUICK = os.environ.get("MLGOV_BENCH") == "quick"
ROWS = 1_000_000 if QUICK else 10_000_000

# 4 metrics, 2 attributes crossed. The peer's frame is in memory before the clock starts, and so is ours.
_PREPARE = """
import json, resource, statistics, sys, time
import numpy as np, pandas as pd, pyarrow as pa, pyarrow.parquet as pq
ROWS, PATH = int(sys.argv[1]), sys.argv[2]
def memory():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
"""

_MAKE = """
rng = np.random.default_rng(20261123)
race = pa.DictionaryArray.from_arrays(rng.integers(0, 4, ROWS).astype("int8"), ["asian", "black", "other", "white"]).cast("string")
sex = pa.DictionaryArray.from_arrays(rng.integers(0, 2, ROWS).astype("int8"), ["f", "m"]).cast("string")
y, d = rng.integers(0, 2, ROWS), rng.integers(0, 2, ROWS)
pq.write_table(pa.table({"race": race, "sex": sex, "y": y, "d": d}), PATH)
"""

_PEER = """
import warnings
warnings.simplefilter("ignore")
from fairlearn.metrics import MetricFrame, false_positive_rate, selection_rate, true_positive_rate
from sklearn.metrics import accuracy_score
frame = pd.read_parquet(PATH)
metrics = {"selection": selection_rate, "tpr": true_positive_rate, "fpr": false_positive_rate, "accuracy": accuracy_score}
before, start = memory(), time.perf_counter()
by_group = MetricFrame(metrics=metrics, y_true=frame.y, y_pred=frame.d, sensitive_features=frame[["race", "sex"]]).by_group
seconds = time.perf_counter() - start
found = {f"{race}/{sex}": [float(one) for one in row] for (race, sex), row in zip(by_group.index, by_group.to_numpy())}
print(json.dumps({"seconds": seconds, "memory": memory() - before, "found": found}))
"""

_OURS = """
from pathlib import Path
from jupyter_mlgov.sdk import Roles, Subject, SubjectRef
from mlgov_validators.cells import decision_axis, group_axis, tally
from mlgov_validators.error_rates import Confusion
KIND = sys.argv[3]
roles = Roles(outcome="d", label="y", favourable="1", protected=("race", "sex"))
if KIND == "pandas":
    subject = Subject(ref=SubjectRef(kind="table", name="t"), roles=roles, source=pd.read_parquet(PATH))
elif KIND == "arrow":
    subject = Subject(ref=SubjectRef(kind="table", name="t"), roles=roles, source=pq.read_table(PATH))
else:
    subject = Subject(ref=SubjectRef(kind="table", name="t"), roles=roles, table_path=Path(PATH))
def measure():
    cells = tally(subject, (group_axis("race"), group_axis("sex"), decision_axis("d"), decision_axis("y")), groups=2).counts
    found = {}
    for race in ("asian", "black", "other", "white"):
        for sex in ("f", "m"):
            n = {(d, y): cells.get((race, sex, d, y), 0) for d in "01" for y in "01"}
            one = Confusion(label="", tp=n["1", "1"], fp=n["1", "0"], fn=n["0", "1"], tn=n["0", "0"])
            found[f"{race}/{sex}"] = [one.selection, one.tpr, one.fpr, one.accuracy]
    return found
import duckdb, ibis
before, seconds = memory(), []
for _ in range(5):
    start = time.perf_counter()
    found = measure()
    seconds.append(time.perf_counter() - start)
print(json.dumps({"seconds": statistics.median(seconds), "memory": memory() - before, "found": found}))
"""

_BOOTSTRAP = """
from mlgov_validators.resampling import rate_interval
import mlgov_validators.resampling
n, draws = 1_000_000, 20
rng = np.random.default_rng(1)
rows = (rng.random(n) < 0.3).astype(float)
start = time.perf_counter()
for _ in range(draws):
    rows[rng.integers(0, n, n)].mean()
peer = (time.perf_counter() - start) / draws * 2000
rate_interval(10, 100)
ours = []
for _ in range(5):
    start = time.perf_counter()
    rate_interval(int(rows.sum()), n)
    ours.append(time.perf_counter() - start)
print(json.dumps({"ours": statistics.median(ours), "peer": peer}))
"""


def _run(program: str, *words: str) -> dict[str, object]:
    done = subprocess.run([sys.executable, "-c", _PREPARE + program, *words], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    found: dict[str, object] = json.loads(done.stdout.strip().splitlines()[-1]) if done.stdout.strip() else {}
    return found


def fairness_by_group() -> list[Figure]:
    """4 metrics by 2 crossed attributes, from pandas, Arrow and Parquet, against MetricFrame on the same rows; equal to the last bit."""
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "loans.parquet")
        _run(_MAKE, str(ROWS), path)
        peer = _run(_PEER, str(ROWS), path)
        ours = {kind: _run(_OURS, str(ROWS), path, kind) for kind in ("pandas", "arrow", "parquet")}
    figures = []
    for kind, least in (("pandas", 100), ("arrow", 100), ("parquet", 500)):
        one = ours[kind]
        if one["found"] != peer["found"]:
            raise RuntimeError(f"from {kind} the rates are not MetricFrame's: {one['found']} {peer['found']}")
        seconds, theirs = float(str(one["seconds"])), float(str(peer["seconds"]))
        name = f"fairness by group, {ROWS // 1_000_000}M rows, {kind} / MetricFrame"
        figures.append(Figure(name=name, ours=seconds, peer=theirs, unit="s", asked=f"< 1/{least}", holds=seconds * least <= theirs))
        mine, memory = max(0.0, float(str(one["memory"]))), float(str(peer["memory"]))
        name = f"  memory it adds, {kind} / MetricFrame"
        figures.append(Figure(name=name, ours=mine, peer=memory, unit="MB", asked="< 1/20", holds=mine * 20 <= memory))
    return figures


def bootstrap_from_counts() -> Figure:
    """2,000 draws of a rate over a million rows: from its counts, against resampling rows (20 draws timed, times 100)."""
    found = _run(_BOOTSTRAP, "0", "")
    ours, peer = float(str(found["ours"])), float(str(found["peer"]))
    name = "bootstrap of a rate, counts / rows (1M rows, 2,000 draws)"
    return Figure(name=name, ours=ours * 1000, peer=peer * 1000, unit="ms", asked="< 1/1000", holds=ours * 1000 <= peer)


FIGURES = (fairness_by_group, bootstrap_from_counts)
