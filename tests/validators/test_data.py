"""data.quality, data.represent, data.leakage: each rule with its number, and no table too odd for a verdict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from jupyter_mlgov.sdk import Check, CheckResult, Finding, Missing, Subject, SubjectRef, Unanswered, Verdict
from jupyter_mlgov.validation.warehouse import Warehouse
from mlgov_validators.drift import monitor_drift
from mlgov_validators.leakage import leakage
from mlgov_validators.quality import data_quality
from mlgov_validators.represent import represent

from .conftest import Make, judged, lineage
from .others import kept

RANDOM = np.random.default_rng(11)


def only(result: CheckResult, where: str, verdict: Verdict | None = None) -> Finding:
    return next(one for one in result.findings if one.where == where and verdict in (None, one.verdict))


def agreed(subject: Subject, **columns: Mapping[str, object]) -> Subject:
    return replace(subject, register={"features": columns})


# -- data.quality -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "rule", "share", "said"),
    [
        ([1.0] * 90 + [None] * 10, {"nulls": 0.05}, 0.10, "10.00% nulls, the agreement allows at most 5.00% nulls"),
        ([1.0] * 90 + [float("nan")] * 10, {"nulls": 0.05}, 0.10, "10.00% nulls"),
        (["a"] * 98 + ["", "  "], {"nulls": 0.01}, 0.02, "2.00% nulls"),
        ([-1.0] * 3 + [1.0] * 97, {"min": 0}, 0.03, "3 values are under 0"),
        ([1] * 96 + [2] * 4, {"max": 1}, 0.04, "4 values are over 1"),
        (["a"] * 99 + ["z"], {"values": ["a", "b"]}, 0.01, "1 rows hold other values ('z')"),
        ([0, 1] * 49 + [2, 2], {"values": [0, 1]}, 0.02, "2 rows hold other values"),
        ([*range(99), 5], {"unique": True}, 0.01, "1 values occur again"),
    ],
)
def test_each_broken_rule_has_its_share_and_interval(table: Make, values: list[Any], rule: dict[str, Any], share: float, said: str) -> None:
    result = judged(data_quality, agreed(table({"x": values}), x=rule))
    found = only(result, "x", Verdict.FAIL)
    assert said in found.message
    assert found.measured == pytest.approx(share)
    assert found.interval is not None
    assert found.interval[0] < share < found.interval[1]
    assert found.n == 100


def test_a_column_that_is_gone_or_of_another_type_fails(table: Make) -> None:
    result = judged(data_quality, agreed(table({"x": ["1", "2"]}), x={"type": "number"}, y={"type": "text"}))
    assert "x is string; agreed was number." in only(result, "x", Verdict.FAIL).message
    assert only(result, "y").message == "y is agreed and is not in the table."


def test_a_model_without_an_agreement_is_unanswered_unless_something_fails(table: Make) -> None:
    model = SubjectRef(kind="model", name="m")
    with pytest.raises(Unanswered, match="nobody said what this table must hold"):
        data_quality(replace(table({"x": [1.0, 2.0]}), ref=model))
    assert judged(data_quality, replace(table({"x": [1.0, np.inf]}), ref=model)).verdict is Verdict.FAIL


@pytest.mark.parametrize(
    ("columns", "verdict", "said"),
    [
        ({"x": pa.nulls(5, "float64"), "y": [1, 2, 3, 4, 5]}, Verdict.FAIL, "x holds no value in 5 rows"),
        ({"x": [1.0, np.inf, 2.0]}, Verdict.FAIL, "1 of 3 values are infinite"),
        ({"x": [7] * 5, "y": [1, 2, 3, 4, 5]}, Verdict.WARN, "one value only"),
        ({"x": ["1", "2.5", "-3", "n/a"]}, Verdict.WARN, "3 of 4 texts are numbers and 1 are not"),
        ({"x": [1, 1, 2]}, Verdict.WARN, "1 of 3 rows are the same as another"),
    ],
)
def test_what_is_wrong_whatever_was_agreed(table: Make, columns: dict[str, Any], verdict: Verdict, said: str) -> None:
    result = judged(data_quality, table(columns))
    assert any(one.verdict is verdict and said in one.message for one in result.findings), [one.message for one in result.findings]


def test_a_key_that_occurs_twice_fails(table: Make) -> None:
    result = judged(data_quality, table({"id": [1, 2, 2, 3], "x": [1.5, 2.5, 3.5, 4.5]}, key="id"))
    assert only(result, "id", Verdict.FAIL).measured == 0.25


def test_missing_by_group(table: Make) -> None:
    """40 % of one group's incomes are missing and 5 % of the other's."""
    group = ["a"] * 200 + ["b"] * 200
    income = [None if k < 80 else 1.0 + k for k in range(200)] + [None if k < 10 else 1.5 + k for k in range(200)]
    found = only(judged(data_quality, table({"g": group, "income": income}, protected=("g",))), "income", Verdict.WARN)
    assert "missing in 40.0% of g = a and in 5.0% of g = b" in found.message
    assert found.measured == pytest.approx(0.35)


def test_freshness_is_measured_against_the_run_not_against_today(table: Make) -> None:
    then = datetime(2026, 11, 23, tzinfo=UTC)
    given = table({"t": [then - timedelta(days=9), then - timedelta(days=4)], "x": [1, 2]}, time="t")
    given = replace(given, lineage=lineage())
    (found,) = [one for one in data_quality(given, max_age_days=3.0) if one.where == "t" and one.measured]
    assert (found.verdict, found.measured) == (Verdict.FAIL, pytest.approx(4.0))
    assert [one.verdict for one in data_quality(given, max_age_days=5.0) if one.where == "t"] == [Verdict.PASS]
    with pytest.raises(Missing, match="no column of the table says"):
        data_quality(table({"x": [1, 2]}), max_age_days=1.0)


@pytest.mark.filterwarnings("ignore")  # evidently warns of numpy and pandas
def test_evidentlys_summary_is_attached_and_decides_nothing(table: Make) -> None:
    given = table({"x": [1.0, 2.0, None] * 20, "c": ["a", "b", "c"] * 20})
    *ours, attached = data_quality(given, evidently=True)
    assert ours == list(data_quality(given))
    assert (attached.verdict, "data-quality preset" in attached.message) == (Verdict.NOT_APPLICABLE, True)


def test_a_value_with_a_nul_breaks_nothing(table: Make) -> None:
    """No SQL text can carry one: it was a broken check on every table that held such a text."""
    given = table({"c": ["a\0b"] * 60 + ["z"] * 60})
    given = replace(given, reference_path=kept(given, "reference", {"c": ["a\0b"] * 60 + ["z"] * 60}))
    for check in (data_quality, represent, monitor_drift):
        assert judged(check, given).verdict in (Verdict.PASS, Verdict.WARN), judged(check, given).summary


def test_new_values_are_seen(table: Make) -> None:
    given = table({"c": ["a"] * 9 + ["new"], "x": list(range(10))})
    given = replace(given, reference_path=kept(given, "reference", {"c": ["a", "b"]}))
    assert "1 of 10 values are none that the reference has" in only(judged(data_quality, given), "c").message


@pytest.mark.parametrize("body", [{"x": 1}, {"x": {"min": "0"}}, {"x": {"mim": 0}}, {"x": {"type": "int"}}, {"x": {"monotone": "up"}}])
def test_an_agreement_that_cannot_be_read_is_inconclusive(table: Make, body: dict[str, Any]) -> None:
    result = judged(data_quality, replace(table({"x": [1, 2]}), register={"features": body}))
    assert result.verdict is Verdict.INCONCLUSIVE
    assert "[features.x] in mlgov.toml" in result.summary


def test_the_warehouse_is_asked_for_counts_alone(table: Make) -> None:
    import duckdb

    connection = duckdb.connect()
    connection.register("loans", pd.DataFrame({"x": [1.0, None, 3.0], "c": ["a", "b", ""]}))
    sizes: list[int] = []

    def run(sql: str) -> list[tuple[object, ...]]:
        rows = connection.sql(sql).fetchall()
        sizes.append(len(rows))
        return rows

    house = Warehouse(name="loans", schema={"x": "float64", "c": "string"}, dialect="duckdb", run=run)
    here = table({"x": [1.0, None, 3.0], "c": ["a", "b", ""]})
    rules = {"x": {"nulls": 0.1}, "c": {"nulls": 0.5}}
    there = agreed(replace(here, source=house, table_path=None), **rules)
    assert list(data_quality(there)) == list(data_quality(agreed(here, **rules)))
    assert max(sizes) == 1


# -- data.represent ---------------------------------------------------------------------------------------------------

PEOPLE = {"age": ["25-64"] * 800 + ["under 25"] * 130 + ["over 64"] * 70}


def against(table: Make, now: Mapping[str, Any], before: Mapping[str, Any], **roles: Any) -> CheckResult:
    given = table(now, **roles)
    return judged(represent, replace(given, reference_path=kept(given, "reference", before)))


def test_a_group_that_is_thin_is_named_with_both_shares(table: Make) -> None:
    """The catalogue's own example: under-25s are 4 % of training rows and 13 % of applicants."""
    result = against(table, {"age": ["25-64"] * 880 + ["under 25"] * 40 + ["over 64"] * 80}, PEOPLE, protected=("age",))
    thin = next(one for one in result.findings if "under 25" in one.message and one.allowed)
    assert "age = under 25 is 4.0% of 1,000 rows and 13.0% of the population" in thin.message
    assert thin.measured == pytest.approx(4 / 13)
    assert result.verdict in (Verdict.WARN, Verdict.FAIL)


def test_training_rows_are_looked_at_where_they_are_kept(table: Make) -> None:
    given = table(PEOPLE, protected=("age",))
    given = replace(
        given,
        reference_path=kept(given, "reference", PEOPLE),
        split_paths={"train": kept(given, "train", {"age": ["25-64"] * 900 + ["over 64"] * 100})},
    )
    result = judged(represent, given)
    assert result.verdict is Verdict.FAIL
    assert any("0.0% of 1,000 training rows" in one.message for one in result.findings)


def test_refused_applicants_without_an_outcome_are_said(table: Make) -> None:
    people = {**PEOPLE, "paid": [1] * 600 + [None] * 400}
    result = against(table, {**PEOPLE, "paid": [1] * 1000}, people, label="paid")
    found = only(result, "paid")
    assert (found.verdict, found.measured) == (Verdict.WARN, 0.4)
    assert "nothing here says how they would have done" in found.message


def test_few_rows_and_no_column_are_inconclusive(table: Make) -> None:
    assert against(table, {"age": ["25-64"] * 20}, PEOPLE).verdict is Verdict.INCONCLUSIVE
    assert against(table, {"x": [1] * 100}, PEOPLE).verdict is Verdict.INCONCLUSIVE
    assert against(table, {"age": [1.0] * 100}, PEOPLE, protected=("age",)).verdict is Verdict.INCONCLUSIVE


# -- data.leakage -----------------------------------------------------------------------------------------------------

LABEL = [0, 1] * 200


@pytest.mark.parametrize(
    "leak",
    [
        [y * 10 + (k % 7) for k, y in enumerate(LABEL)],
        [-y * 10.0 for y in LABEL],
        [bool(y) for y in LABEL],
        ["paid" if y else "default" for y in LABEL],
    ],
    ids=["number", "the other way", "flag", "category"],
)
def test_a_feature_that_is_the_outcome_is_found(table: Make, leak: list[Any]) -> None:
    honest = [k % 13 for k in range(400)]
    result = judged(leakage, table({"y": LABEL, "leak": leak, "honest": honest}, label="y", favourable="1"))
    found = only(result, "leak")
    assert (result.verdict, found.verdict) == (Verdict.FAIL, Verdict.FAIL)
    assert found.measured == pytest.approx(1.0)


def test_a_declared_feature_that_could_not_be_tried_is_named_and_is_no_pass(table: Make) -> None:
    columns = {
        "y": [0, 1] * 50,
        "f": [float(n % 7) for n in range(100)],
        "empty": [float("nan")] * 100,
        "names": [f"n{n}" for n in range(100)],
    }
    result = judged(leakage, table(columns, label="y", favourable="1", features=("f", "empty", "names")))
    assert result.verdict is Verdict.INCONCLUSIVE
    assert any("empty" in one.message for one in result.findings)
    assert judged(leakage, table(columns, label="y", favourable="1", features=("f",))).verdict is Verdict.PASS


def test_a_category_of_many_names_is_no_leak_by_itself(table: Make) -> None:
    """Rates fitted and measured on the same rows would find a leak in pure noise."""
    noise = [f"c{value}" for value in RANDOM.integers(0, 150, 400)]
    result = judged(leakage, table({"y": LABEL, "noise": noise, "x": list(RANDOM.normal(size=400))}, label="y", favourable="1"))
    assert result.verdict is Verdict.PASS
    assert result.findings[0].measured is not None
    assert result.findings[0].measured < 0.65


def test_values_stamped_after_the_decision(table: Make) -> None:
    day = datetime(2026, 1, 1, tzinfo=UTC)
    columns = {"y": LABEL, "x": list(range(400)), "decided": [day] * 400, "x_at": [day + timedelta(days=k < 3) for k in range(400)]}
    result = judged(leakage, agreed(table(columns, label="y", favourable="1", time="decided"), x={"as_of": "x_at"}))
    assert "x is stamped after the decision in 3 of 400 rows." in [one.message for one in result.findings]
    assert result.verdict is Verdict.FAIL


def split(table: Make, train: Mapping[str, Any], test: Mapping[str, Any], **roles: Any) -> CheckResult:
    given = table({"y": LABEL, "x": [k % 13 for k in range(400)]}, label="y", favourable="1", **roles)
    return judged(leakage, replace(given, split_paths={"train": kept(given, "train", train), "test": kept(given, "test", test)}))


def test_people_rows_and_times_on_both_sides_of_the_split(table: Make) -> None:
    train = {
        "id": list(range(100)),
        "x": list(range(100)),
        "y": [0] * 100,
        "t": [datetime(2026, 1, 1, tzinfo=UTC)] * 99 + [datetime(2026, 3, 1, tzinfo=UTC)],
    }
    test = {"id": [99, *range(200, 249)], "x": [*range(10), *range(200, 240)], "y": [0] * 50, "t": [datetime(2026, 2, 1, tzinfo=UTC)] * 50}
    whole = {"id": list(range(400)), "t": [datetime(2026, 1, 1, tzinfo=UTC)] * 400, "y": LABEL, "x": [k % 13 for k in range(400)]}
    given = table(whole, label="y", favourable="1", key="id", time="t")
    result = judged(leakage, replace(given, split_paths={"train": kept(given, "train", train), "test": kept(given, "test", test)}))
    told = " ".join(one.message for one in result.findings)
    assert "1 of 50 test rows have a id that is in the training rows as well." in told
    assert "10 of 50 test rows are equal to a training row in 2 columns; 0.00% of training rows repeat." in told
    assert "1 of 100 training rows are later than the first test row" in told
    assert result.verdict is Verdict.FAIL


def test_rows_that_repeat_anyway_are_no_leak(table: Make) -> None:
    """Four kinds of applicants: every row of either side is equal to one of the other."""
    few = {"x": [0, 1] * 100, "y": [0, 0, 1, 1] * 50}
    assert split(table, few, few).verdict is Verdict.WARN


def test_what_was_not_looked_at_is_said_and_nothing_at_all_is_inconclusive(table: Make) -> None:
    result = judged(leakage, table({"x": [1, 2]}))
    assert result.verdict is Verdict.INCONCLUSIVE
    assert "No train and test tables" in result.summary


# -- any table --------------------------------------------------------------------------------------------------------

cells = st.one_of(st.none(), st.floats(allow_nan=True, allow_infinity=True, width=32), st.sampled_from([0.0, 1.0]))
texts = st.one_of(st.none(), st.text(max_size=8), st.sampled_from(["", " ", "1", "'; DROP TABLE t; --", "<b>", "=1+1", "\0"]))


@settings(
    max_examples=6,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.data(), st.integers(1, 40))
def test_no_table_makes_a_check_break(table: Make, data: st.DataObject, n: int) -> None:
    """Hostile names, nulls, NaN, infinite, one class: always a verdict, never an error."""
    columns = {
        'x"; --': data.draw(st.lists(cells, min_size=n, max_size=n)),
        "c": data.draw(st.lists(texts, min_size=n, max_size=n)),
        "count": data.draw(st.lists(st.integers(-3, 3), min_size=n, max_size=n)),
        "y": data.draw(st.lists(st.sampled_from([0, 1]), min_size=n, max_size=n)),
    }
    kinds = {'x"; --': pa.float64(), "c": pa.string(), "count": pa.int64(), "y": pa.int64()}
    whole = {name: pa.array(values, kinds[name]) for name, values in columns.items()}
    given = table(whole, label="y", protected=("c",), score="count")
    path = kept(given, "other", whole)
    given = replace(given, reference_path=path, split_paths={"train": path, "test": path})
    checks: tuple[Check, ...] = (data_quality, represent, leakage, monitor_drift)
    for check in checks:
        assert judged(check, given).verdict is not Verdict.ERROR, (check.id, judged(check, given).summary)
