"""The one law for the checks of fairness and performance: a dozen rows of anything never open a gate, and nothing breaks a check."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from jupyter_mlgov.sdk import Check, Roles, Subject, SubjectRef, Verdict
from mlgov_validators.alternatives import alternatives
from mlgov_validators.backtest import backtest
from mlgov_validators.calibrated import calibrated, calibrated_groups
from mlgov_validators.conditional import conditional
from mlgov_validators.error_rates import error_rates
from mlgov_validators.fairness import adverse_impact, significance
from mlgov_validators.intersections import intersections
from mlgov_validators.performance import benchmark, discrimination
from mlgov_validators.proxies import proxies

from .conftest import Make, judged

CHECKS = (
    adverse_impact, significance, error_rates, conditional, intersections, calibrated_groups, alternatives, proxies,
    discrimination, benchmark, calibrated, backtest,
)  # fmt: skip
PHASES = (Phase.explicit, Phase.reuse, Phase.generate)  # twelve checks an example: shrinking takes minutes
NAMES = ['"; DROP TABLE x; --', "<b>", "a", "A", "é", "select", "mlgov_0", "mlgov_rows", "x.y", "'", "a\nb", "subject"]
KINDS = st.sampled_from(
    [
        st.integers(-3, 3), st.floats(), st.sampled_from([0, 1]), st.sampled_from([0.0, 0.5, 1.0]), st.text(max_size=5), st.booleans(),
        st.dates(), st.binary(max_size=3), st.lists(st.integers(0, 2), max_size=2), st.decimals(-9, 9, places=2),
        st.sampled_from(["1", "0"]),
    ]
)  # fmt: skip


@st.composite
def tables(draw: st.DrawFn) -> tuple[pa.Table, Roles]:
    names = draw(st.lists(st.sampled_from(NAMES), min_size=2, max_size=6, unique=True))
    rows = draw(st.integers(1, 12))
    columns = [pa.array(draw(st.lists(st.one_of(st.none(), draw(KINDS)), min_size=rows, max_size=rows))) for _ in names]
    pick = st.sampled_from(names)
    some = st.lists(pick, min_size=1, max_size=3, unique=True).map(tuple)
    maybe = st.sampled_from(["", *names])
    columns_of = {name: draw(pick) for name in ("outcome", "score", "label", "baseline", "champion")}
    lists = {name: draw(some) for name in ("protected", "legitimate", "features")}
    optional = {name: draw(maybe) for name in ("grade", "exceeded", "time")}
    cutoff, favourable = draw(st.sampled_from(["", "0.5"])), draw(st.sampled_from(["1", "true", "yes"]))
    roles = Roles(cutoff=cutoff, favourable=favourable, **columns_of, **lists, **optional)
    return pa.table(columns, names=names), roles


HUGE = pa.table({"g": [-9.5e74, None, None], "x": [1, -2, -2]})


@example((HUGE, Roles(outcome="x", favourable="1", protected=("g",), score="x", features=("x",))))
@settings(max_examples=15, deadline=None, phases=PHASES, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(tables())
def test_a_dozen_rows_of_anything_never_open_and_never_break(tmp_path: Path, drawn: tuple[pa.Table, Roles]) -> None:
    content, roles = drawn
    pq.write_table(content, tmp_path / "t.parquet")
    subject = Subject(ref=SubjectRef(kind="model", name="m", roles=asdict(roles)), roles=roles, table_path=tmp_path / "t.parquet")
    for check in CHECKS:
        result = judged(check, subject)
        allowed = {Verdict.INCONCLUSIVE}
        if check is intersections and len(roles.protected) == 1:
            allowed.add(Verdict.NOT_APPLICABLE)
        assert result.verdict in allowed, (check.id, result.verdict, result.summary, [found.message for found in result.findings])


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.id)
def test_an_empty_table_and_a_missing_column_are_inconclusive(check: Check, table: Make) -> None:
    roles = {
        "outcome": "y", "favourable": "1", "protected": ("g",), "score": "s", "label": "l", "baseline": "b", "legitimate": ("f",),
        "features": ("f",), "exceeded": "e",
    }  # fmt: skip
    empty = table({name: pa.array([], type=pa.float64()) for name in "ygslbfe"}, **roles)
    assert judged(check, empty).verdict is Verdict.INCONCLUSIVE
    other = table({"z": [1.0] * 100}, **roles)
    result = judged(check, other)
    assert result.verdict is Verdict.INCONCLUSIVE
    assert "no column" in result.summary


def test_a_column_of_many_values_is_refused_with_a_sentence(table: Make) -> None:
    columns = {"g": [f"id {number}" for number in range(3000)], "y": [0, 1] * 1500, "l": [1, 0] * 1500, "s": [0.5, 0.4] * 1500}
    subject = table(columns, outcome="y", label="l", favourable="1", protected=("g",), score="s", legitimate=("s",))
    for check in (adverse_impact, significance, error_rates, conditional, calibrated_groups):
        result = judged(check, subject)
        assert result.verdict is Verdict.INCONCLUSIVE
        assert "g has more than 100 different values, so they are no groups; band it first" in result.summary, check.id
