"""fair.air and fair.sig at their edges: small numbers, nulls, odd values, many rows."""

from __future__ import annotations

import time

import numpy as np
import pytest

from jupyter_mlgov.sdk import Verdict
from mlgov_validators.fairness import adverse_impact, significance

from .conftest import Make, judged


@pytest.mark.parametrize(
    ("groups", "air", "sig"),
    [
        ({"a": (505, 1000), "b": (500, 1000)}, Verdict.PASS, Verdict.PASS),
        ({"a": (850, 1000), "b": (1000, 1000)}, Verdict.WARN, Verdict.WARN),
        ({"a": (43, 100), "b": (50, 100)}, Verdict.WARN, Verdict.PASS),
        ({"a": (35, 100), "b": (46, 100)}, Verdict.INCONCLUSIVE, Verdict.INCONCLUSIVE),
        ({"a": (10, 29), "b": (400, 1000)}, Verdict.INCONCLUSIVE, Verdict.INCONCLUSIVE),
        ({"a": (29, 29), "b": (999, 1000)}, Verdict.INCONCLUSIVE, Verdict.INCONCLUSIVE),
        ({"a": (0, 50), "b": (50, 50)}, Verdict.FAIL, Verdict.FAIL),
        ({"a": (50, 50), "b": (60, 60)}, Verdict.PASS, Verdict.PASS),
        ({"only": (40, 80)}, Verdict.INCONCLUSIVE, Verdict.INCONCLUSIVE),
        ({"a": (0, 50), "b": (0, 50)}, Verdict.INCONCLUSIVE, Verdict.INCONCLUSIVE),
    ],
)
def test_bands(counts: Make, groups: dict[object, tuple[int, int]], air: Verdict, sig: Verdict) -> None:
    subject = counts(groups)
    assert (judged(adverse_impact, subject).verdict, judged(significance, subject).verdict) == (air, sig)


def test_the_reference_is_the_highest_rate_with_enough_cases(counts: Make) -> None:
    result = judged(adverse_impact, counts({"a": (400, 800), "b": (480, 800), "tiny": (5, 5)}))
    assert {one.details["reference"] for one in result.findings} == {"group = b"}
    assert result.verdict is Verdict.INCONCLUSIVE


@pytest.mark.parametrize(
    ("values", "favourable"),
    [
        ([1, 0], "1"), ([1.0, 0.0], "1"), ([True, False], "1"), ([True, False], "true"), (["1", "0"], "1"), (["1.0", "0"], "1"),
        ([1, 0], "1.0"), ([" >50K", " <=50K"], ">50K"), (["True", "False"], "true"), (["yes", "no"], " yes "),
    ],
)  # fmt: skip
def test_the_favourable_value_is_found_in_any_dress(table: Make, values: list[object], favourable: str) -> None:
    columns = {"g": ["a"] * 100 + ["b"] * 100, "y": [values[0]] * 80 + [values[1]] * 20 + [values[0]] * 90 + [values[1]] * 10}
    result = judged(adverse_impact, table(columns, outcome="y", favourable=favourable, protected=("g",)))
    assert result.findings[0].measured == pytest.approx(80 / 90), result.summary


@pytest.mark.parametrize("check", [adverse_impact, significance])
def test_a_favourable_value_that_never_occurs_is_inconclusive_naming_the_values(table: Make, check: object) -> None:
    result = judged(check, table({"g": ["a", "b"], "y": ["yes", "no"]}, outcome="y", favourable="YES!", protected=("g",)))  # type: ignore[arg-type]  # a Check
    assert result.verdict is Verdict.INCONCLUSIVE
    assert "'no', 'yes'" in result.summary


def test_rows_without_group_or_outcome_are_counted_and_said(table: Make) -> None:
    columns = {"g": ["a"] * 100 + ["b"] * 100 + [None] * 3 + ["a"] * 2, "y": ([1] * 50 + [0] * 50) * 2 + [1] * 3 + [None] * 2}
    result = judged(adverse_impact, table(columns, outcome="y", favourable="1", protected=("g",)))
    assert result.verdict is Verdict.WARN
    assert "5 of 205 rows are in no group: 3 have no value of g and 2 have no outcome" in result.findings[-1].message


def test_a_column_that_is_mostly_empty_cannot_pass(table: Make) -> None:
    columns = {"g": ["a"] * 40 + ["b"] * 40 + [None] * 900, "y": ([1] * 20 + [0] * 20) * 2 + [1] * 900}
    assert judged(adverse_impact, table(columns, outcome="y", favourable="1", protected=("g",))).verdict is Verdict.INCONCLUSIVE


@pytest.mark.parametrize("values", [[None] * 4, [float("nan")] * 4, [""] * 4])
def test_a_column_with_no_value_is_inconclusive(table: Make, values: list[object]) -> None:
    columns = {"g": pa_column(values), "y": [1, 0, 1, 0]}
    assert judged(adverse_impact, table(columns, outcome="y", favourable="1", protected=("g",))).verdict is Verdict.INCONCLUSIVE


def pa_column(values: list[object]) -> object:
    import pyarrow as pa

    return pa.array(values, type=pa.string()) if values[0] is None else pa.array(values)


def test_each_protected_column_is_judged(table: Make) -> None:
    columns = {"g": ["a", "b"] * 100, "h": ["x"] * 100 + ["y"] * 100, "y": [1] * 100 + [0] * 50 + [1] * 50}
    result = judged(adverse_impact, table(columns, outcome="y", favourable="1", protected=("g", "h")))
    assert [one.where for one in result.findings] == ["g", "h"]
    assert [one.verdict for one in result.findings] == [Verdict.PASS, Verdict.FAIL]


def test_a_continuous_column_is_no_group(table: Make) -> None:
    columns = {"age": [float(number) for number in range(200)], "y": [1, 0] * 100}
    result = judged(adverse_impact, table(columns, outcome="y", favourable="1", protected=("age",)))
    assert result.verdict is Verdict.INCONCLUSIVE
    assert "band it" in result.summary


@pytest.mark.parametrize("name", ['"; DROP TABLE x; --', "<script>alert(1)</script>", "mlgov_outcome", "n", "a.b", "select", "é\n"])
def test_a_hostile_column_name_is_only_a_name(table: Make, name: str) -> None:
    columns = {name: ["a"] * 50 + ["b"] * 50, "y": ([1] * 25 + [0] * 25) * 2}
    result = judged(adverse_impact, table(columns, outcome="y", favourable="1", protected=(name,)))
    assert result.verdict is Verdict.PASS, result.summary
    assert name in result.findings[0].message


def test_fairlearn_counts_the_same_rates(table: Make) -> None:
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # fairlearn's own imports warn on new pandas
        from fairlearn.metrics import MetricFrame, selection_rate

    rng = np.random.default_rng(20261123)
    group, good = rng.choice(["a", "b", "c"], 3000), rng.integers(0, 2, 3000)
    frame = MetricFrame(metrics=selection_rate, y_true=good, y_pred=good, sensitive_features=group)
    result = judged(adverse_impact, table({"g": group, "y": good}, outcome="y", favourable="1", protected=("g",)))
    ours = {one.label.removeprefix("g = "): one.value for found in result.findings for one in found.estimates}
    assert ours == pytest.approx(frame.by_group.to_dict())


def test_many_rows_are_quick_and_their_order_does_not_matter(table: Make) -> None:
    rng = np.random.default_rng(7)
    group, good = rng.choice(["a", "b"], 200_000), rng.integers(0, 2, 200_000)
    order = rng.permutation(200_000)
    started = time.perf_counter()
    first = judged(adverse_impact, table({"g": group, "y": good}, outcome="y", favourable="1", protected=("g",)))
    assert time.perf_counter() - started < 60
    second = judged(adverse_impact, table({"g": group[order], "y": good[order]}, outcome="y", favourable="1", protected=("g",)))
    assert first == second
