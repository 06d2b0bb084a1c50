"""Frames as people really have them: whatever the dtypes, no check breaks, and what a frame cannot show is no pass."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from jupyter_mlgov.core.errors import BadInput
from jupyter_mlgov.sdk import Roles, Verdict, table_subject
from jupyter_mlgov.validation.engine import validate
from jupyter_mlgov.validation.plugins import installed_validators

HERE = replace(installed_validators(), installed=False)
ROWS = 240
ROLES = Roles(
    outcome="ok", favourable="1", label="y", protected=("g",), score="s", baseline="b", features=("x", "z"), legitimate=("z",), time="t"
)
ASKED = ("fair.air", "fair.sig", "fair.errors", "fair.calib", "fair.conditional", "perf.discrim", "perf.calibration", "perf.benchmark",
         "data.quality", "monitor.drift")  # fmt: skip
RANKED = ("fair.calib", "perf.discrim", "perf.calibration", "perf.benchmark")
FAIR = ("fair.air", "fair.sig", "fair.errors", "fair.conditional")
Change = Callable[[pd.DataFrame], pd.DataFrame]


def frame() -> pd.DataFrame:
    chance = np.random.default_rng(20261124)
    x = chance.normal(size=ROWS)
    score = 1 / (1 + np.exp(-x))
    return pd.DataFrame(
        {
            "x": x,
            "z": chance.normal(size=ROWS),
            "g": np.where(np.arange(ROWS) % 2, "a", "b"),
            "s": score,
            "b": chance.random(ROWS),
            "y": (chance.random(ROWS) < score).astype(int),
            "ok": (score > 0.5).astype(int),
            "t": pd.date_range("2026-01-01", periods=ROWS, freq="h"),
        }
    )


def verdicts(given: pd.DataFrame, roles: Roles = ROLES) -> dict[str, Verdict]:
    report = validate(table_subject(given, roles, "t", reference=frame()), (), HERE, only=ASKED)
    assert [result.summary for result in report.results if result.verdict is Verdict.ERROR] == []
    return {result.validator: result.verdict for result in report.results}


@functools.cache
def plain() -> dict[str, Verdict]:
    return verdicts(frame())


SAME: dict[str, Change] = {
    "categories, one never used": lambda f: f.assign(g=pd.Categorical(f.g, categories=["a", "b", "never"])),
    "nullable": lambda f: f.convert_dtypes(),
    "arrow": lambda f: f.convert_dtypes(dtype_backend="pyarrow"),
    "small integers": lambda f: f.assign(y=f.y.astype("int8"), ok=f.ok.astype("uint8")),
    "floats as labels": lambda f: f.assign(y=f.y.astype(float), ok=f.ok.astype(float)),
    "truth values as labels": lambda f: f.assign(y=f.y.astype(bool), ok=f.ok.astype(bool)),
    "another index": lambda f: f.set_index(pd.MultiIndex.from_arrays([f.g, range(ROWS)])),
    "times of a zone": lambda f: f.assign(t=f.t.dt.tz_localize("UTC").dt.tz_convert("Asia/Kolkata")),
}


@pytest.mark.parametrize("name", SAME)
def test_the_dtype_of_equal_values_changes_no_verdict(name: str) -> None:
    told = verdicts(SAME[name](frame()))
    drift = "monitor.drift"  # and data.quality: they judge the types themselves
    assert {key: value for key, value in told.items() if key not in (drift, "data.quality")} == {
        key: value for key, value in plain().items() if key not in (drift, "data.quality")
    }


def test_texts_as_labels_are_the_same_outcomes() -> None:
    given = frame()
    given["y"], given["ok"] = (np.where(given[name] == 1, "yes", "no") for name in ("y", "ok"))
    told = verdicts(given, replace(ROLES, favourable="yes"))
    assert [told[name] for name in (*FAIR, *RANKED)] == [plain()[name] for name in (*FAIR, *RANKED)]


BLIND: dict[str, tuple[Change, tuple[str, ...]]] = {
    "outcomes of one kind": (lambda f: f.assign(y=1), RANKED),
    "scores that are all missing": (lambda f: f.assign(s=np.nan), RANKED),
    "scores that are all alike": (lambda f: f.assign(s=0.5), RANKED),
    "scores that are all infinite": (lambda f: f.assign(s=np.inf), RANKED),
    "a score that is text": (lambda f: f.assign(s=f.s.astype(str)), RANKED),
    "one group": (lambda f: f.assign(g="a"), FAIR),
    "no group": (lambda f: f.assign(g=pd.Series([None] * ROWS, dtype=object)), (*FAIR, "fair.calib")),
    "a group of one": (lambda f: f.assign(g=["b", *["a"] * (ROWS - 1)]), FAIR),
    "nobody approved": (lambda f: f.assign(ok=0), ("fair.air", "fair.sig", "fair.errors", "fair.conditional")),
    "one row": (lambda f: f.head(1), (*FAIR, *RANKED)),
    "two rows": (lambda f: f.head(2), (*FAIR, *RANKED)),
    "no row": (lambda f: f.head(0), ASKED),
    "a label that is never favourable": (lambda f: f.assign(y=2), RANKED),
}


@pytest.mark.parametrize("name", BLIND)
def test_what_a_frame_cannot_show_is_no_pass(name: str) -> None:
    change, blind = BLIND[name]
    told = verdicts(change(frame()))
    assert {check: told[check] for check in blind if told[check].opens} == {}


def test_two_columns_of_one_name_and_durations_are_refused_with_the_name() -> None:
    twice = pd.concat([frame(), frame()[["x"]]], axis=1)
    with pytest.raises(BadInput, match="x"):
        table_subject(twice, ROLES, "t")
    with pytest.raises(BadInput, match="The columns x are durations"):
        table_subject(frame().assign(x=pd.to_timedelta(range(ROWS), unit="h")), ROLES, "t")
