"""How long a judgement takes: `us-fair-lending`, `sr-26-2` and `gdpr` on the demo's subject and on a million rows."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.benchmarks.measure import Figure

PACKS = ("us-fair-lending", "sr-26-2", "gdpr")
ROWS = 1_000_000


def judgements() -> list[Figure]:
    """Whole processes, `mlgov validate` from start to end; the peer of the second is the first."""
    mlgov = [sys.executable, "-m", "jupyter_mlgov.cli"]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "demo"
        # Blocked (1) and could not tell (3) are answers too; anything else is no judgement and must not be timed.
        _timed([*mlgov, "demo", "--workspace", str(folder)], (0,))
        team = folder / "mlgov.toml"
        text = team.read_text("utf-8")
        assert '"sr-26-2"]' in text
        team.write_text(text.replace('"sr-26-2"]', '"sr-26-2", "gdpr"]'), "utf-8")
        ask = [*mlgov, "validate", "--workspace", str(folder)]
        cold = _timed(ask, (0, 1, 3))
        warm = min(_timed(ask, (0, 1, 3)) for _ in range(3))
    return [
        Figure(name="three packs on the demo, cold", ours=cold, peer=0.0, unit="s", asked="< 10 s", holds=cold < 10),
        Figure(name="three packs on the demo, nothing changed / before", ours=warm, peer=cold, unit="s", asked="< 1 s", holds=warm < 1),
        million_rows(),
    ]


def _timed(words: list[str], codes: tuple[int, ...]) -> float:
    start = time.perf_counter()
    done = subprocess.run(words, capture_output=True, check=False, env=dict(os.environ))
    seconds = time.perf_counter() - start
    if done.returncode not in codes:
        raise RuntimeError(f"{words} ended with {done.returncode}: {done.stderr.decode()[-2000:]}")
    return seconds


def million_rows() -> Figure:
    """A table of a million rows with its train and reference tables, all that the three packs ask of it; every answer, none broken."""
    from jupyter_mlgov.validation.engine import validate
    from jupyter_mlgov.validation.plugins import installed_policies, installed_validators

    with tempfile.TemporaryDirectory() as name:
        subject = _subject(Path(name))
        start = time.perf_counter()
        report = validate(subject, installed_policies(PACKS), installed_validators())
        seconds = time.perf_counter() - start
    broken = [result.validator for result in report.results if result.verdict.value == "error"]
    measured = sum(bool(result.findings) for result in report.results)
    what = f"three packs on {ROWS:,} rows, {measured} checks measured{f', broken: {broken}' if broken else ''}"
    return Figure(name=what, ours=seconds, peer=0.0, unit="s", asked="< 60 s", holds=seconds < 60 and not broken)


def _subject(folder: Path) -> object:
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    from jupyter_mlgov.core.team import Roles
    from jupyter_mlgov.sdk import Subject, SubjectRef

    chance = np.random.default_rng(7)
    features = {f"f{number}": chance.normal(size=ROWS) for number in range(8)}
    score = 1 / (1 + np.exp(-(features["f0"] + 0.5 * features["f1"] + chance.normal(size=ROWS))))
    table = pa.table(
        {
            **features,
            "score": score,
            "baseline": 1 / (1 + np.exp(-features["f0"])),
            "approve": (score > 0.4).astype("int64"),
            "paid": (chance.random(ROWS) < score).astype("int64"),
            "white": chance.integers(0, 2, ROWS),
            "male": chance.integers(0, 2, ROWS),
            "region": chance.choice(["north", "south", "east"], ROWS),
        }
    )
    paths = {part: folder / f"{part}.parquet" for part in ("scored", "reference", "train", "test")}
    for path in paths.values():
        pq.write_table(table, path)
    roles = Roles(
        outcome="approve", favourable="1", protected=("white", "male"), score="score", label="paid", baseline="baseline",
        legitimate=("region",), features=tuple(features), reference="reference", train="train", test="test",
    )  # fmt: skip
    return Subject(
        ref=SubjectRef(kind="model", name="m", rows=ROWS),
        roles=roles,
        table_path=paths["scored"],
        reference_path=paths["reference"],
        split_paths={"train": paths["train"], "test": paths["test"]},
        register={},
        folder=folder,
    )
