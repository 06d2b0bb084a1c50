"""The checks of a window: equal numbers where the data live, from a table and from a profile, and limits at their edges."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from scipy.stats import chi2

from jupyter_mlgov.core.team import Roles
from jupyter_mlgov.sdk import Check, Subject, Verdict, Warehouse, table_subject
from jupyter_mlgov.testing import ANA
from jupyter_mlgov.validation.profiling import profile_of
from jupyter_mlgov.validation.records import Act, Records
from mlgov_validators.others import disagreement, overrides
from mlgov_validators.reason_drift import reasons
from mlgov_validators.windows import schema, volume

from .conftest import THEN, judged

ROLES = Roles(score="s", baseline="b", cutoff="0.5", protected=("sex",))
TYPES = {"s": "float64", "b": "float64", "sex": "string", "overruled": "int64", "reason_1": "string", "reason_2": "string"}
REGISTER = {"monitoring": {"overrides": {"column": "overruled"}}}


def decided(seed: int, n: int = 2000, income: float = 0.3) -> pa.Table:
    rng = np.random.default_rng(seed)
    s = np.round(rng.random(n), 3)
    b = [None if k % 100 == 0 else round(float(one), 3) for k, one in enumerate(np.clip(s + rng.normal(0, 0.1, n), 0, 1))]
    names = ["income", "debt", "history"]
    first = [str(one) for one in rng.choice(names, n, p=[income, 0.4, 0.6 - income])]
    second = [None if k % 2 else str(one) for k, one in enumerate(rng.choice(names, n))]
    sex = [str(one) for one in rng.choice(["f", "m"], n)]
    return pa.table({"s": s, "b": b, "sex": sex, "overruled": (rng.random(n) < 0.1).astype(int), "reason_1": first, "reason_2": second})


def subject(source: object) -> Subject:
    return replace(table_subject(source, ROLES, "t"), register=REGISTER)


def said(check: Check, given: Subject) -> list[tuple[object, ...]]:
    return [(one.message, one.verdict, one.measured, one.n) for one in judged(check, given).findings]


@pytest.fixture(scope="module")
def profile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("reasons")
    pq.write_table(decided(1), folder / "reference.parquet")
    (folder / "profile.json").write_text(profile_of(subject(folder / "reference.parquet")), "utf-8")
    return folder / "profile.json"


CHECKS = (disagreement, overrides, reasons, schema)


@pytest.fixture(scope="module")
def snowflake() -> Iterator[Warehouse]:
    import fakesnow
    import snowflake.connector
    import snowflake.connector.pandas_tools

    words = {"string": "VARCHAR", "int64": "BIGINT", "float64": "DOUBLE"}
    with warnings.catch_warnings(), fakesnow.patch():
        warnings.simplefilter("ignore")  # the connector's own
        with snowflake.connector.connect(database="RISK", schema="PUBLIC") as connection:
            cursor = connection.cursor()
            columns = ", ".join(f'"{name}" {words[kind]}' for name, kind in TYPES.items())
            cursor.execute(f'CREATE TABLE "DECIDED" ({columns})')
            snowflake.connector.pandas_tools.write_pandas(connection, decided(2, income=0.1).to_pandas(), "DECIDED")
            yield Warehouse(name="DECIDED", schema=TYPES, dialect="snowflake", run=lambda sql: list(cursor.execute(sql).fetchall()))


@pytest.mark.filterwarnings("ignore")  # fakesnow's and the connector's own
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.id)
def test_snowflakes_sql_gives_the_same_numbers(check: Check, snowflake: Warehouse, profile: Path) -> None:
    here = said(check, replace(subject(decided(2, income=0.1)), reference_path=profile))
    assert here == said(check, replace(subject(snowflake), reference_path=profile))
    assert here


def test_reasons_against_the_profile_are_reasons_against_the_table(profile: Path) -> None:
    window = subject(decided(3, income=0.05))
    by_table = said(reasons, replace(window, reference_path=profile.parent / "reference.parquet"))
    assert by_table == said(reasons, replace(window, reference_path=profile))
    assert str(by_table[0][0]).startswith("Reasons: PSI 0.18")


def test_several_reasons_of_one_row_are_not_several_rows(profile: Path) -> None:
    """P by hand: PSI / (1/n + 1/m) with the rows that have a reason, chi-square with three bins less one."""
    found = judged(reasons, replace(subject(decided(4)), reference_path=profile)).findings[0]
    assert found.measured is not None
    assert found.details["p"] == pytest.approx(chi2.sf(found.measured / (1 / 2000 + 1 / 2000), 2), rel=1e-9)
    assert found.verdict is Verdict.PASS


def test_a_reason_nobody_knew_is_named(profile: Path) -> None:
    window = decided(4)
    new = pa.array(["<b>new</b>" if k < 100 else one for k, one in enumerate(window["reason_1"].to_pylist())])
    told = judged(reasons, replace(subject(window.set_column(4, "reason_1", new)), reference_path=profile))
    assert any("'<b>new</b>' is given in 100 of 2,000 rows" in one.message for one in told.findings)


def test_without_reasons_nothing_is_called_stable(profile: Path) -> None:
    given = replace(subject(decided(4).drop_columns(["reason_1", "reason_2"])), reference_path=profile)
    assert judged(reasons, given).verdict is Verdict.INCONCLUSIVE


def test_disagreement_leaves_out_rows_without_a_score_and_says_how_many() -> None:
    found = judged(disagreement, subject(decided(2))).findings[0]
    assert (found.n, found.details["left_out"]) == (1980, 20)
    few = decided(2).set_column(1, "b", pa.array([None] * 500 + [0.5] * 1500))
    assert judged(disagreement, subject(few)).verdict is Verdict.INCONCLUSIVE


@pytest.mark.parametrize(
    ("column", "verdict"),
    [
        ([1] * 100 + [0] * 900, Verdict.PASS),
        ([1] * 500 + [0] * 500, Verdict.FAIL),
        ([0] * 1000, Verdict.FAIL),
        ([True] * 500 + [False] * 500, Verdict.FAIL),
        ([1] * 17 + [0] * 33, Verdict.WARN),
        ([None] * 990 + [1] * 10, Verdict.INCONCLUSIVE),
        ([2] * 100, Verdict.INCONCLUSIVE),
        (["yes"] * 100, Verdict.INCONCLUSIVE),
    ],
)
def test_override_rates_at_their_edges(column: list[object], verdict: Verdict) -> None:
    sex = [("f", "m")[k % 2] for k in range(len(column))]
    assert judged(overrides, subject(pa.table({"overruled": column, "sex": sex}))).verdict is verdict


def test_a_group_that_is_overruled_more_often_is_named() -> None:
    table = pa.table({"overruled": [1] * 100 + [0] * 400 + [1] * 10 + [0] * 490, "sex": ["f"] * 500 + ["m"] * 500})
    told = judged(overrides, subject(table))
    assert any(one.message == "sex = f is overruled in 20.0%, sex = m in 2.0%." for one in told.findings)


def history(*rows: int) -> Records:
    acts = tuple(
        Act(action="monitor.ran", subject="m", actor=ANA, time=THEN + timedelta(days=k), payload={"rows": n, "table": f"t{k}"})
        for k, n in enumerate(rows)
    )
    return Records(now=THEN, model="m", acts=acts)


@pytest.mark.parametrize(
    ("rows", "records", "verdict"),
    [
        (1000, (1000, 990, 1010, 1005, 995), Verdict.PASS),
        (400, (1000, 990, 1010, 1005, 995), Verdict.FAIL),
        (2100, (1000, 990, 1010, 1005, 995), Verdict.FAIL),
        (600, (1000, 990, 1010, 1005, 995), Verdict.PASS),
        (3, (7, 8, 6, 7, 9), Verdict.PASS),
        (1000, (1000, 1000, 1000, 1000), Verdict.INCONCLUSIVE),
    ],
)
def test_volume_against_earlier_windows(rows: int, records: tuple[int, ...], verdict: Verdict) -> None:
    """Under half of seven rows is what chance brings; four earlier windows are too few."""
    given = replace(subject(pa.table({"x": list(range(rows))})), records=history(*records))
    assert judged(volume, given).verdict is verdict


def test_one_table_looked_at_five_times_is_one_earlier_window() -> None:
    acts = history(*[1000] * 5).acts
    same = Records(now=THEN, model="m", acts=tuple(replace(act, payload={**act.payload, "table": "t"}) for act in acts))
    assert judged(volume, replace(subject(pa.table({"x": [1] * 1000})), records=same)).verdict is Verdict.INCONCLUSIVE
