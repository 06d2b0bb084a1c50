"""monitor.drift: its verdicts, equal numbers in memory, in SQL and from a stored profile, and Evidently's own figures."""

from __future__ import annotations

import json
import math
import warnings
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import ibis
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from jupyter_mlgov.sdk import Finding, Missing, Verdict
from jupyter_mlgov.validation.results import CheckResult
from jupyter_mlgov.validation.warehouse import Warehouse, ask
from mlgov_validators.comparing import Drift, compare
from mlgov_validators.distances import apart, ks_p
from mlgov_validators.divergence import jensen_shannon, psi_of_shares
from mlgov_validators.drift import monitor_drift
from mlgov_validators.evidently_presets import psi_shares
from mlgov_validators.profiles import make_profile, open_reference, read_profile
from mlgov_validators.samples import Held, lives_here

from .conftest import Make, judged
from .others import kept

N = 4000
RANDOM = np.random.default_rng(20261124)
BEFORE = {
    "score": RANDOM.normal(size=N),
    "income": np.where(RANDOM.random(N) < 0.05, np.nan, RANDOM.lognormal(size=N)),
    "flag": RANDOM.random(N) < 0.3,
    "count": RANDOM.poisson(3, N),
    "region": RANDOM.choice(["north", "south", "x' OR 1=1 --"], N),
    'a"; DROP TABLE t;--': RANDOM.normal(size=N),
}
NOW = {
    "score": RANDOM.normal(0.6, 1, 3000),
    "income": np.where(RANDOM.random(3000) < 0.05, np.nan, RANDOM.lognormal(0.02, 1, 3000)),
    "flag": RANDOM.random(3000) < 0.3,
    "count": RANDOM.poisson(4, 3000),
    "region": RANDOM.choice(["north", "south", "x' OR 1=1 --", "new"], 3000, p=[0.4, 0.3, 0.2, 0.1]),
    'a"; DROP TABLE t;--': RANDOM.normal(size=3000),
}


def run(table: Make, before: Mapping[str, object], now: Mapping[str, object], **roles: object) -> CheckResult:
    given = table(now, **roles)
    return judged(monitor_drift, replace(given, reference_path=kept(given, "reference", before)))


def where(result: CheckResult, name: str) -> Finding:
    return next(one for one in result.findings if one.where == name)


def test_the_score_speaks_first_and_names_its_driver(table: Make) -> None:
    result = run(table, BEFORE, NOW, score="score")
    first = result.findings[0]
    assert (result.verdict, first.verdict, first.where) == (Verdict.FAIL, Verdict.FAIL, "score")
    assert first.measured is not None
    assert first.interval is not None
    assert first.interval[0] < first.measured
    assert "(limit 0.25, p < 0.001)" in first.message
    assert "points. Of the inputs, region moved most" in first.message
    assert first.n == 3000
    assert where(result, "count").verdict is Verdict.WARN
    (still,) = [one for one in result.findings if one.verdict is Verdict.PASS]
    assert still.message.startswith("3 of 5 inputs are stable")
    assert set(still.details) == {"income", "flag", 'a"; DROP TABLE t;--'}


def test_small_samples_do_not_cry_drift_and_do_not_pass(table: Make) -> None:
    """200 rows a side: chance alone passes .10 in 35 % of cases. That is not drift; nor can it be called stable with 60."""
    random = np.random.default_rng(3)
    verdicts = []
    for _ in range(25):
        columns = [{"x": random.normal(size=200)} for _ in range(2)]
        verdicts.append(run(table, *columns).verdict)
    assert verdicts.count(Verdict.FAIL) + verdicts.count(Verdict.WARN) <= 2
    assert verdicts.count(Verdict.INCONCLUSIVE) >= 4
    few = run(table, {"x": list(range(60))}, {"x": list(range(60))})
    assert few.verdict is Verdict.INCONCLUSIVE
    assert "0.25 could not be seen" in few.summary


def test_twenty_still_columns_pass_together(table: Make) -> None:
    """Without Benjamini-Hochberg and an effect size, one of twenty would warn by chance."""
    random = np.random.default_rng(5)
    columns = [{f"x{number}": random.normal(size=2000) for number in range(20)} for _ in range(2)]
    assert run(table, *columns).verdict is Verdict.PASS


def test_large_samples_need_an_effect_as_well(table: Make) -> None:
    random = np.random.default_rng(6)
    result = run(table, {"x": random.normal(size=200_000)}, {"x": random.normal(0.03, 1, 200_000)})
    assert result.verdict is Verdict.PASS
    details = result.findings[0].details["x"]
    assert isinstance(details, dict)
    assert details["ks_p"] < 1e-6


def test_a_shift_that_psi_forgives_still_warns(table: Make) -> None:
    random = np.random.default_rng(8)
    result = run(table, {"x": random.normal(size=20_000)}, {"x": random.normal(0.2, 1, 20_000)})
    assert result.verdict is Verdict.WARN
    assert "standard deviations (Wasserstein; limit 0.1)" in result.summary


ONES = [1.0] * 400


@pytest.mark.parametrize(
    ("before", "now", "verdict", "said"),
    [
        ({"x": ONES}, {"x": ONES}, Verdict.PASS, "nothing moved|stable"),
        ({"x": ONES}, {"x": [0.0] * 400}, Verdict.FAIL, "x < 1"),
        ({"x": ONES}, {"x": [2.0] * 400}, Verdict.FAIL, "x = 1: -100"),
        ({"x": [None] * 400}, {"x": ONES}, Verdict.FAIL, "missing|any value"),
        ({"x": pa.nulls(400, "float64")}, {"x": pa.nulls(400, "float64")}, Verdict.PASS, "stable"),
        ({"x": ONES}, {"x": [np.inf] * 200 + [np.nan] * 200}, Verdict.FAIL, "x = 1: -100 points"),
        ({"x": ONES}, {"x": ["1"] * 400}, Verdict.FAIL, "it was a number in the reference and is a category"),
        ({"x": ["a"] * 400}, {"x": ["b"] * 400}, Verdict.FAIL, "points"),
        ({"x": ["a"] * 400}, {"x": ["  "] * 400}, Verdict.FAIL, "missing|a:"),
        ({"x": ONES}, {"y": ONES}, Verdict.INCONCLUSIVE, "no column in common"),
        ({"x": [f"id{n}" for n in range(400)]}, {"x": [f"no{n}" for n in range(400)]}, Verdict.INCONCLUSIVE, "it is a key|five rows"),
        ({"x": list(range(400))}, {"x": list(range(400, 800))}, Verdict.INCONCLUSIVE, "it is a key"),
        ({"x": [1e300, -1e300] * 200}, {"x": [1e300] * 400}, Verdict.FAIL, "points"),
        ({"x": ONES}, {"x": [1.0, 2.0]}, Verdict.INCONCLUSIVE, "and 2 in the table"),
        ({"x": [[1, 2]] * 400}, {"x": [[1, 2]] * 400}, Verdict.INCONCLUSIVE, "are not compared"),
        ({"x": pa.array([0] * 400, pa.timestamp("us"))}, {"x": pa.array([0] * 400, pa.timestamp("us"))}, Verdict.INCONCLUSIVE, "moves on"),
    ],
)  # fmt: skip
def test_no_column_is_too_odd_for_a_verdict(
    table: Make, before: dict[str, object], now: dict[str, object], verdict: Verdict, said: str
) -> None:
    import re

    result = run(table, before, now)
    told = " ".join([result.summary, *(one.message for one in result.findings)])
    assert result.verdict is verdict, told
    assert re.search(said, told), told


def test_a_declared_feature_that_is_gone_shuts(table: Make) -> None:
    """The engine says so before the check runs; the check itself, asked directly, fails."""
    given = table({"x": ONES}, features=("x", "y"))
    given = replace(given, reference_path=kept(given, "reference", {"x": ONES, "y": ONES}))
    assert judged(monitor_drift, given).verdict is Verdict.INCONCLUSIVE
    (lost, *_) = monitor_drift(given)
    assert (lost.verdict, lost.where) == (Verdict.FAIL, "y")


# -- engines ----------------------------------------------------------------------------------------------------------


def in_sql(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on any backend but a local DuckDB: aggregates only."""
    from mlgov_validators import opening

    monkeypatch.setattr(opening, "lives_here", lambda _: False)


def drifts(before: Any, now: Any) -> dict[str, Drift]:
    found, _ = compare(before, now, list(NOW), ask, ask)
    return {one.name: one for one in found}


def frames() -> tuple[Any, Any]:
    connection = ibis.duckdb.connect()
    connection.con.register("before", pd.DataFrame(BEFORE))
    connection.con.register("now", pd.DataFrame(NOW))
    return connection.table("before"), connection.table("now")


def test_memory_and_sql_give_equal_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    before, now = frames()
    here = drifts(before, now)
    in_sql(monkeypatch)
    there = drifts(before, now)
    assert set(here) == set(there) == set(NOW)
    for name, one in here.items():
        other = there[name]
        assert (one.reference, one.current, one.labels) == (other.reference, other.current, other.labels), name
        assert (one.psi, one.p, one.adjusted, one.chi, one.js_distance) == (
            other.psi,
            other.p,
            other.adjusted,
            other.chi,
            other.js_distance,
        )
        if one.kind == "category":
            continue
        assert (one.ks, one.ks_p) == (pytest.approx(other.ks, abs=1e-12), pytest.approx(other.ks_p, rel=1e-9))
        assert one.wasserstein == pytest.approx(other.wasserstein, rel=1e-9)
        assert one.in_sd == pytest.approx(other.in_sd, rel=1e-9)


def test_a_stored_profile_gives_the_same_psi_without_a_row(tmp_path: Path) -> None:
    before, now = frames()
    whole = drifts(before, now)
    path = tmp_path / "reference.json"
    path.write_text(make_profile(before, ask).write(), "utf-8")
    assert open_reference(path) == make_profile(before, ask)
    stored = drifts(open_reference(path), now)
    for name, one in whole.items():
        other = stored[name]
        assert (one.psi, one.p, one.chi, one.js_distance) == (other.psi, other.p, other.chi, other.js_distance)
        if one.ks is not None and other.ks is not None:
            assert not other.exact
            assert other.ks <= one.ks + 1e-12 <= other.ks + other.coarse + 2e-12
            assert other.wasserstein == pytest.approx(one.wasserstein, rel=0.1)


def test_the_profile_holds_no_rare_category_and_no_row(tmp_path: Path) -> None:
    connection = ibis.duckdb.connect()
    connection.con.register("t", pd.DataFrame({"c": ["common"] * 50 + ["one of a kind"], "x": RANDOM.normal(size=51)}))
    text = make_profile(connection.table("t"), ask).write()
    assert "common" in text
    assert "one of a kind" not in text


def test_a_profile_and_the_warehouse_agree_with_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before, now = frames()
    profile = make_profile(before, ask)
    here = drifts(profile, now)
    in_sql(monkeypatch)
    there = drifts(profile, now)
    for name, one in here.items():
        assert (one.psi, one.ks, one.ks_p) == (there[name].psi, there[name].ks, there[name].ks_p), name
        if one.kind == "category":
            continue
        assert one.wasserstein == pytest.approx(there[name].wasserstein, rel=1e-7)


def test_a_warehouse_that_takes_text_is_asked_for_aggregates_only(table: Make) -> None:
    """Snowflake's SQL compiles; here DuckDB runs the text, and every answer is a handful of rows."""
    import duckdb

    connection = duckdb.connect()
    connection.register("loans", pd.DataFrame({"score": NOW["score"], "region": NOW["region"]}))
    answers: list[int] = []
    asked: list[str] = []

    def run_text(sql: str) -> list[tuple[object, ...]]:
        rows = connection.sql(sql).fetchall()
        answers.append(len(rows))
        asked.append(sql)
        return rows

    house = Warehouse(name="loans", schema={"score": "float64", "region": "string"}, dialect="duckdb", run=run_text)
    assert not lives_here(house.table)
    before = kept(table(NOW), "reference", {"score": BEFORE["score"], "region": BEFORE["region"]})
    given = replace(table(NOW, score="score"), source=house, table_path=None, reference_path=before)
    result = judged(monitor_drift, given)
    assert result.findings[0].measured == run(table, BEFORE, NOW, score="score").findings[0].measured
    assert max(answers) <= 110
    texts = where(result, "score").details["sql"]
    assert isinstance(texts, list)
    assert len(texts) == 2, "one question about all columns, one about this"
    assert set(texts) <= set(asked), "the text in the evidence is the text that was run"
    assert where(run(table, BEFORE, NOW, score="score"), "score").details.get("sql") is None, "in memory nothing was asked"
    snow = replace(house, dialect="snowflake", run=lambda sql: said.append(sql) or [(0, 0)])
    said: list[str] = []
    with pytest.raises(Exception):  # noqa: B017  # the answers above are no answers; the text is what is looked at
        monitor_drift(replace(given, source=snow))
    assert said
    assert '"loans"' in said[0]


PHASES = (Phase.explicit, Phase.reuse, Phase.generate)  # two engines an example: shrinking takes minutes
odd = st.lists(
    st.one_of(st.sampled_from([0.0, -0.0, 1.0, -1.0, 1e300, math.nan, math.inf, None]), st.integers(-40, 40), st.floats(-1e6, 1e6)),
    max_size=150,
)


@settings(max_examples=25, deadline=None, phases=PHASES, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(odd, odd)
def test_sql_gives_the_kernels_numbers_for_any_two_samples(
    monkeypatch: pytest.MonkeyPatch, before: list[float | None], now: list[float | None]
) -> None:
    """Ties, one value, none, NaN, infinity, rows all on one side: the walk in the engine and the merge in memory are one law."""
    from mlgov_validators import opening

    connection = ibis.duckdb.connect()
    for name, values in (("b", before), ("n", now)):
        connection.con.register(name, pa.table({"x": pa.array([None if v is None else float(v) for v in values], "float64")}))
    sides = connection.table("b"), connection.table("n")
    found = []
    for here in (True, False):
        with monkeypatch.context() as patch:
            patch.setattr(opening, "lives_here", lambda _, here=here: here)
            found.append(compare(*sides, ["x"], ask, ask)[0][0])
    one, other = found
    assert (one.labels, one.reference, one.current) == (other.labels, other.reference, other.current)
    assert (one.psi, one.p, one.chi, one.js_distance, one.exact) == (other.psi, other.p, other.chi, other.js_distance, other.exact)
    assert (one.ks is None) == (other.ks is None)
    if one.ks is not None:
        assert (one.ks, one.ks_p) == (pytest.approx(other.ks, abs=1e-12), pytest.approx(other.ks_p, rel=1e-9))
        assert one.wasserstein == pytest.approx(other.wasserstein, rel=1e-9)


def test_a_table_of_many_columns_is_asked_once_and_then_once_a_column(monkeypatch: pytest.MonkeyPatch) -> None:
    from jupyter_mlgov.sdk import Answer

    before, now = frames()
    names = [name for name in NOW if name != "region"]
    in_sql(monkeypatch)
    asked: list[str] = []

    def noted(question: Any) -> Answer:
        answer = ask(question)
        asked.append(answer.sql)
        return answer

    found, _ = compare(before, now, names, noted, noted)
    assert all(one.exact for one in found)
    # Totals of both tables; a walk a column; `flag` and `count` have few values, whose grid is those: each value, and both sides counted.
    # Whole numbers are asked besides whether all differ.
    assert len(asked) <= 2 + len(names) + 2 * 3 + 1
    wide = [sql for sql in asked if "STDDEV_POP" in sql]
    assert len(wide) == 2


def test_a_profile_that_is_none_is_said(table: Make, tmp_path: Path) -> None:
    for text in ("{", "{}", '{"schema": "mlgov-drift-profile-1", "rows": 1}', json.dumps({"schema": "other"})):
        with pytest.raises(Missing):
            read_profile(text)
    path = tmp_path / "bad.json"
    path.write_text("{}", "utf-8")
    result = judged(monitor_drift, replace(table({"x": ONES}), reference_path=path))
    assert (result.verdict, "no drift profile" in result.summary) == (Verdict.INCONCLUSIVE, True)


# -- Evidently --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def stattests() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its import warns of libraries that are not ours
        from evidently.legacy.calculations import stattests

    return stattests


@pytest.mark.filterwarnings("ignore")  # evidently warns of numpy and pandas
@pytest.mark.parametrize("name", ["score", "income", "count"])
def test_evidentlys_own_figures_where_conventions_agree(stattests: Any, name: str) -> None:
    """PSI and Jensen-Shannon over its bins, KS's p and Wasserstein over all rows: equal to 1e-9."""
    from evidently.legacy.calculations.stattests.utils import get_binned_data
    from evidently.legacy.core import ColumnType

    before, now = (pd.Series(one[name]).dropna() for one in (BEFORE, NOW))
    kind = ColumnType.Numerical

    def theirs(test: str) -> float:
        return float(getattr(stattests, test)(before, now, kind, 0.1).drift_score)

    shares = [list(one) for one in get_binned_data(before, now, kind, 30, False)]
    counts = [[round(share * len(rows)) for share in side] for side, rows in zip(shares, (before, now), strict=True)]
    assert psi_of_shares(*psi_shares(*counts)) == pytest.approx(theirs("psi_stat_test"), abs=1e-9)
    js = jensen_shannon(*counts, base=np.e) or 0.0
    assert js**0.5 == pytest.approx(theirs("jensenshannon_stat_test"), abs=1e-9)
    pair = (Held(before.to_numpy(float)), Held(now.to_numpy(float)))
    found = apart(pair[0].ordered, pair[1].ordered)
    assert found
    assert ks_p(found.below, len(before), len(now)) == pytest.approx(theirs("ks_stat_test"), rel=1e-9, abs=1e-300)
    assert found.wasserstein / pair[0].ordered.std() == pytest.approx(theirs("wasserstein_stat_test"), abs=1e-9)


@pytest.mark.filterwarnings("ignore")
def test_the_presets_are_attached_and_decide_nothing(table: Make, stattests: Any) -> None:
    given = table(NOW, score="score")
    given = replace(given, reference_path=kept(given, "reference", BEFORE))
    findings = monitor_drift(given, evidently=True)
    attached = findings[-1]
    assert attached.verdict is Verdict.NOT_APPLICABLE
    assert any("ValueDrift(column=score" in name for name in attached.details["evidently"])
    assert list(findings)[:-1] == list(monitor_drift(given))


def test_without_evidently_the_extra_is_named(table: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "evidently", None)
    given = table(NOW)
    given = replace(given, reference_path=kept(given, "reference", BEFORE))
    with pytest.raises(Missing, match="evidently is not installed") as said:
        monitor_drift(given, evidently=True)
    assert 'pip install "jupyter-mlgov[drift]"' in str(said.value)
