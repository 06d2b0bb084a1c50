"""A kept profile instead of the reference table: equal numbers, no row, wherever the window lives; estimates that say what they are."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import ibis
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from jupyter_mlgov.core.team import Roles
from jupyter_mlgov.sdk import Check, Subject, SubjectRef, Verdict, Warehouse, table_subject
from jupyter_mlgov.validation.profiling import profile_of
from mlgov_validators.drift import monitor_drift
from mlgov_validators.estimating import expected_auc, reliability
from mlgov_validators.live import live_performance
from mlgov_validators.profiles import Profile, read_profile

from .conftest import judged

ROLES = Roles(score="score", label="repaid", favourable="1", cutoff="0.5", time="at")
TYPES = {"race": "string", "score": "float64", "repaid": "int64", "at": "timestamp"}
CHECKS = (monitor_drift, live_performance)


def loans(seed: int, n: int = 3000, lift: float = 0.0) -> pa.Table:
    """Scores of two digits that are probabilities, outcomes with a null here and there, two months."""
    rng = np.random.default_rng(seed)
    score = np.round(1 / (1 + np.exp(-rng.normal(0.3 + lift, 1.2, n))), 2)
    repaid = [None if k % 53 == 0 else int(one) for k, one in enumerate(rng.random(n) < score)]
    at = np.datetime64("2026-09-03T10:00:00", "us") + rng.integers(0, 55, n) * np.timedelta64(1, "D").astype("timedelta64[us]")
    race = rng.choice(["asian", "black", "white"], n)
    return pa.table({"race": [str(one) for one in race], "score": score, "repaid": pa.array(repaid, pa.int64()), "at": at})


def subject(source: object, roles: Roles = ROLES) -> Subject:
    return replace(table_subject(source, roles, "loans"), register={"monitoring": {"auc": {"label_delay": "30 days"}}})


def said(check: Check, given: Subject) -> list[tuple[object, ...]]:
    """What the check says, numbers to eight digits and without the SQL, which differs from place to place."""

    def rounded(value: object) -> object:
        if isinstance(value, float):
            return float(f"{value:.8g}")
        if isinstance(value, (list, tuple)):
            return [rounded(one) for one in value]
        return {name: rounded(one) for name, one in value.items() if name != "sql"} if isinstance(value, dict) else value

    return [(one.message, one.verdict, rounded(one.measured), rounded(one.details)) for one in judged(check, given).findings]


@pytest.fixture(scope="module")
def profile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("profile")
    pq.write_table(loans(1), folder / "reference.parquet")
    (folder / "profile.json").write_text(profile_of(subject(folder / "reference.parquet")), "utf-8")
    return folder / "profile.json"


def test_performance_against_the_profile_is_performance_against_the_table(profile: Path) -> None:
    window = replace(subject(loans(2, lift=0.2)), reference_path=profile.parent / "reference.parquet")
    by_table = said(live_performance, window)
    assert by_table == said(live_performance, replace(window, reference_path=profile))
    assert any("Matured: precision" in str(one[0]) for one in by_table)
    assert any("Matured: AUC" in str(one[0]) for one in by_table)


def test_the_profile_holds_counts_and_no_row(profile: Path) -> None:
    text = profile.read_text("utf-8")
    found = read_profile(text)
    assert found.validated is not None
    assert found.validated.n == sum(one is not None for one in loans(1)["repaid"].to_pylist())
    assert len(text) < 40_000
    assert max(len(one.side.counts) for one in found.columns.values()) <= 101


def test_the_profile_of_before_is_read_and_knows_no_performance(profile: Path) -> None:
    body: dict[str, Any] = json.loads(profile.read_text("utf-8"))
    body.pop("validated")
    found = read_profile(json.dumps({**body, "schema": "mlgov-drift-profile-1"}))
    assert found.validated is None
    assert found.columns == read_profile(profile.read_text("utf-8")).columns


def test_another_cutoff_than_the_profiles_is_said_and_not_compared(profile: Path) -> None:
    given = replace(subject(loans(2), replace(ROLES, cutoff="0.7")), reference_path=profile)
    found = judged(live_performance, given)
    assert found.verdict is Verdict.INCONCLUSIVE
    assert "made at the cutoff 0.5, the cutoff is 0.7 now" in " ".join(one.message for one in found.findings)


def test_another_score_than_the_profiles_is_no_reference(profile: Path) -> None:
    window = loans(2).append_column("other", loans(3)["score"])
    given = replace(subject(window, replace(ROLES, score="other")), reference_path=profile)
    assert "no reference with score and outcome" in judged(live_performance, given).summary


# -- where the window lives -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def here(profile: Path) -> dict[str, list[tuple[object, ...]]]:
    window = replace(subject(loans(4, lift=0.6)), reference_path=profile)
    return {check.id: said(check, window) for check in CHECKS}


def test_a_window_in_delta_gives_the_same(profile: Path, tmp_path: Path, here: dict[str, list[tuple[object, ...]]]) -> None:
    import deltalake

    deltalake.write_deltalake(str(tmp_path / "delta"), loans(4, lift=0.6))
    window = replace(subject(tmp_path / "delta"), reference_path=profile)
    assert {check.id: said(check, window) for check in CHECKS} == here


@pytest.fixture(scope="module")
def snowflake() -> Iterator[tuple[Warehouse, list[int]]]:
    import fakesnow
    import snowflake.connector
    import snowflake.connector.pandas_tools

    answers: list[int] = []
    with warnings.catch_warnings(), fakesnow.patch():
        warnings.simplefilter("ignore")  # the connector's own
        with snowflake.connector.connect(database="RISK", schema="PUBLIC") as connection:
            cursor = connection.cursor()
            cursor.execute('CREATE TABLE "SEPTEMBER" ("race" VARCHAR, "score" DOUBLE, "repaid" BIGINT, "at" TIMESTAMP_NTZ)')
            frame = loans(4, lift=0.6).to_pandas().astype({"repaid": "Int64"})
            snowflake.connector.pandas_tools.write_pandas(connection, frame, "SEPTEMBER")

            def run(sql: str) -> list[tuple[object, ...]]:
                rows = list(cursor.execute(sql).fetchall())
                answers.append(len(rows))
                return rows

            yield Warehouse(name="SEPTEMBER", schema=TYPES, dialect="snowflake", run=run), answers


@pytest.mark.filterwarnings("ignore")  # fakesnow's and the connector's own
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.id)
def test_a_window_in_snowflake_is_asked_for_counts_and_gives_the_same(
    check: Check, profile: Path, snowflake: tuple[Warehouse, list[int]], here: dict[str, list[tuple[object, ...]]]
) -> None:
    warehouse, answers = snowflake
    del answers[:]
    assert said(check, replace(subject(warehouse), reference_path=profile)) == here[check.id]
    assert answers
    assert max(answers) < 3000, "counts of equal rows travelled, not rows"


# -- estimates --------------------------------------------------------------------------------------------------------

pairs = st.lists(st.tuples(st.integers(0, 9), st.floats(0.01, 0.99)), min_size=2, max_size=40)


@settings(max_examples=60, deadline=None)
@given(pairs)
def test_the_expected_auc_is_the_weighted_share_of_pairs(rows: list[tuple[int, float]]) -> None:
    """By the definition, pair by pair."""
    score, p = np.array([float(one) for one, _ in rows]), np.array([one for _, one in rows])
    won = total = 0.0
    for i in range(len(rows)):
        for j in range(len(rows)):
            if i != j:
                weight = p[i] * (1 - p[j])
                total += weight
                won += weight * (1.0 if score[i] > score[j] else 0.5 if score[i] == score[j] else 0.0)
    assert expected_auc(score, p) == pytest.approx(won / total, rel=1e-9)


def test_the_estimate_of_calibrated_scores_is_near_what_outcomes_then_say() -> None:
    rng = np.random.default_rng(20261124)
    p = rng.beta(2, 2, 200_000)
    good = rng.random(len(p)) < p
    assert expected_auc(p, p) == pytest.approx(roc_auc_score(good, p), abs=0.003)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.floats(-5, 5), st.booleans()), min_size=1, max_size=200))
def test_a_reliability_curve_rises_and_keeps_the_mean(rows: list[tuple[float, bool]]) -> None:
    curve = reliability(np.array([one for one, _ in rows]), np.array([one for _, one in rows], dtype=bool))
    assert [y for _, y in curve] == sorted(y for _, y in curve)
    assert [x for x, _ in curve] == sorted(x for x, _ in curve)
    assert all(0 <= y <= 1 for _, y in curve)


def test_an_estimated_fall_warns_is_marked_and_never_fails_or_passes(profile: Path) -> None:
    """Scores drawn together: the same model on applicants it cannot tell apart."""
    rng = np.random.default_rng(6)
    score = np.clip(0.55 + rng.normal(0, 0.02, 2000), 0, 1)
    window = pa.table({"race": ["white"] * 2000, "score": score, "repaid": pa.nulls(2000, pa.int64()), "at": loans(1, 2000)["at"]})
    found = judged(live_performance, replace(subject(window, replace(ROLES, time="")), reference_path=profile))
    (one,) = [one for one in found.findings if one.message.startswith("Estimated, not measured (CBPE)")]
    assert one.verdict is Verdict.WARN
    assert one.details["method"] == "confidence-based performance estimation"
    assert one.details["assumes"] == "if the calibration of the validation still holds"
    assert found.verdict is Verdict.INCONCLUSIVE, "no outcome is known, so nothing was measured"


def test_a_million_labels_are_read_without_a_python_object_each() -> None:
    """Reading them one by one took half a gigabyte a million."""
    import tracemalloc

    rng = np.random.default_rng(3)
    score = rng.random(200_000)
    window = pa.table({"score": score, "repaid": (rng.random(200_000) < score).astype(int)})
    ref = SubjectRef(kind="table", name="t", roles=asdict(ROLES))
    given = Subject(ref=ref, roles=replace(ROLES, time=""), source=window)
    judged(live_performance, given)  # imports
    tracemalloc.start()
    judged(live_performance, given)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 200_000 * 150, f"{peak / 200_000:.0f} bytes a row"


def test_a_profile_is_equal_from_duckdb_and_from_the_file(tmp_path: Path) -> None:
    pq.write_table(loans(1), tmp_path / "t.parquet")
    connection = ibis.duckdb.connect()
    connection.con.execute(f"create view t as select * from read_parquet('{tmp_path / 't.parquet'}')")
    one: Profile = read_profile(profile_of(subject(tmp_path / "t.parquet")))
    assert one == read_profile(profile_of(subject(connection.table("t"))))
