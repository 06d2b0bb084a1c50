"""Judging the same subject twice gives the same report to the byte, in whatever order and process the checks ran."""

from __future__ import annotations

import random
from dataclasses import asdict, replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from jupyter_mlgov.core.facts import plain
from jupyter_mlgov.sdk import Roles, Subject, SubjectRef, Verdict
from jupyter_mlgov.validation.engine import validate
from jupyter_mlgov.validation.here import Here, Watched
from jupyter_mlgov.validation.plugins import installed_policies, installed_validators, policy_ids
from jupyter_mlgov.validation.results import Report
from jupyter_mlgov.validation.runners import SideBySide


def subject(folder: Path) -> Subject:
    chance = random.Random(20261124)
    rows = 600
    x = [chance.gauss(0, 1) for _ in range(rows)]
    group = [chance.choice("abc") for _ in range(rows)]
    score = [1 / (1 + 2.718281828 ** -(value + 0.3 * (g == "a"))) for value, g in zip(x, group, strict=True)]
    label = [int(chance.random() < one) for one in score]
    table = pa.table(
        {"x": x, "z": [chance.random() for _ in x], "group": group, "score": score, "label": label, "ok": [int(s > 0.5) for s in score]}
    )
    pq.write_table(table, folder / "t.parquet")
    pq.write_table(table.slice(0, 400), folder / "r.parquet")
    roles = Roles(
        outcome="ok", favourable="1", protected=("group",), score="score", label="label", baseline="z", features=("x", "z"),
        legitimate=("group",), reference="r", train="r", test="t",
    )  # fmt: skip
    return Subject(
        ref=SubjectRef(kind="table", name="t", rows=rows, roles=asdict(roles)), roles=roles, table_path=folder / "t.parquet",
        reference_path=folder / "r.parquet", split_paths={"train": folder / "r.parquet", "test": folder / "t.parquet"},
    )  # fmt: skip


def test_judged_twice_it_is_the_same_report_wherever_it_ran(tmp_path: Path) -> None:
    """Bootstraps, folds, searches and shap draw from seeds of their own; nothing may depend on the clock or on who ran before."""
    given = subject(tmp_path)
    packs = installed_policies(policy_ids())
    here = replace(installed_validators(), installed=False)

    def judged(runner: object) -> Report:
        return validate(given, packs, here, runner=runner)  # type: ignore[arg-type]  # one of three

    first = judged(Here(given))
    assert sum(result.verdict in (Verdict.PASS, Verdict.WARN, Verdict.FAIL) for result in first.results) >= 15
    for again in (judged(Here(given)), judged(SideBySide(given)), judged(Watched(given))):
        for one, other in zip(first.results, again.results, strict=True):
            assert plain(one) == plain(other)
        assert again.digest == first.digest
