"""Laws of the numeric checks on any table: the order of rows, names of groups and copies of rows change nothing; intervals hold what they
measure; what is undefined is not 0, and nothing measured is never a pass."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jupyter_mlgov.core.team import Roles
from jupyter_mlgov.sdk import Check, Subject, SubjectRef, Verdict
from jupyter_mlgov.validation.engine import validate
from jupyter_mlgov.validation.here import Here
from jupyter_mlgov.validation.plugins import Registry
from jupyter_mlgov.validation.results import CheckResult, Finding
from mlgov_validators.alternatives import alternatives
from mlgov_validators.backtest import backtest
from mlgov_validators.calibrated import calibrated, calibrated_groups
from mlgov_validators.conditional import conditional
from mlgov_validators.drift import monitor_drift
from mlgov_validators.error_rates import error_rates
from mlgov_validators.fairness import adverse_impact, significance
from mlgov_validators.intersections import intersections
from mlgov_validators.intervals import benjamini_hochberg, clopper_pearson, holm, jeffreys, miettinen_nurminen, newcombe, rate_gap_p, wilson
from mlgov_validators.leakage import leakage
from mlgov_validators.live import live_performance
from mlgov_validators.performance import benchmark, discrimination
from mlgov_validators.proxies import proxies
from mlgov_validators.ranking import auc, ks
from mlgov_validators.represent import represent
from mlgov_validators.stratified import common_odds_ratio, mantel_haenszel_test, risk_difference

ROLES = Roles(
    outcome="d",
    favourable="1",
    protected=("g", "h"),
    label="y",
    score="s",
    baseline="b",
    features=("f", "k"),
    legitimate=("u",),
    cutoff="0.5",
)
GROUPED: tuple[Check, ...] = (adverse_impact, significance, error_rates, conditional, intersections, calibrated_groups)
SCORED: tuple[Check, ...] = (discrimination, benchmark, calibrated, backtest)
NUMERIC = (*GROUPED, *SCORED, alternatives, proxies, leakage, represent, monitor_drift, live_performance)
SLOW = settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))

Columns = dict[str, list[Any]]


def drawn(seed: int, n: int) -> Columns:
    """A table of `n` rows with two protected columns, scores, decisions, labels, a factor and two features."""
    random = np.random.default_rng(seed)
    g, h = random.choice(["a", "b", "c"], n), random.choice(["x", "y"], n)
    s = np.clip(random.random(n) - 0.1 * (g == "b"), 0.01, 0.99).round(3)
    y, d = (random.random(n) < s).astype(int), (s >= 0.5).astype(int)
    made = {"g": g, "h": h, "s": s, "b": (0.8 * s + 0.1).round(3), "y": y, "d": d, "u": random.choice(["p", "q"], n)}
    return {
        **{name: values.tolist() for name, values in made.items()},
        "f": random.normal(size=n).tolist(),
        "k": random.choice(["m", "n"], n).tolist(),
    }


def subject(columns: Mapping[str, Any], roles: Roles = ROLES, **more: Any) -> Subject:
    return Subject(ref=SubjectRef(kind="model", name="m", notebook="n.ipynb"), roles=roles, source=pa.table(dict(columns)), **more)


def say(check: Check, given_: Subject) -> CheckResult:
    return validate(given_, (), Registry.of(check), runner=Here(given_)).results[0]


def numbers(result: CheckResult) -> list[tuple[Any, ...]]:
    """What was measured, without the names."""
    told = [(one.verdict.value, one.measured, one.n, one.interval, sorted((e.k, e.n) for e in one.estimates)) for one in result.findings]
    return sorted(told, key=str)


@SLOW
@given(st.integers(0, 10**6), st.sampled_from([*GROUPED, *SCORED]), st.integers(60, 400))
def test_the_order_of_rows_changes_no_digit(seed: int, check: Check, n: int) -> None:
    columns = drawn(seed, n)
    order = np.random.default_rng(seed + 1).permutation(n)
    turned = {name: [values[place] for place in order] for name, values in columns.items()}
    assert say(check, subject(turned)).findings == say(check, subject(columns)).findings


@SLOW
@given(st.integers(0, 10**6), st.sampled_from(GROUPED), st.integers(60, 400))
def test_names_of_groups_change_no_number(seed: int, check: Check, n: int) -> None:
    columns = drawn(seed, n)
    names = {"a": "Zulu", "b": "ärger 'x'", "c": "a", "x": "2", "y": "10"}
    renamed = {**columns, "g": [names[one] for one in columns["g"]], "h": [names[one] for one in columns["h"]]}
    assert numbers(say(check, subject(renamed))) == numbers(say(check, subject(columns)))


@SLOW
@given(
    st.integers(0, 10**6), st.sampled_from((adverse_impact, error_rates, conditional, discrimination, calibrated)), st.integers(240, 360)
)
def test_rows_written_twice_double_the_counts_and_leave_the_rates(seed: int, check: Check, n: int) -> None:
    columns = drawn(seed, n)
    twice = {name: [one for one in values for _ in range(2)] for name, values in columns.items()}
    once, doubled = (say(check, subject(one)).findings for one in (columns, twice))
    for one, two in zip(once, doubled, strict=True):
        assert (one.n is None) == (two.n is None)
        assert one.n is None or two.n == 2 * one.n
        if one.message.startswith("Expected calibration error"):
            continue  # its bins are of equal mass and ties are kept together, which copies change
        assert (one.measured is None) == (two.measured is None)
        assert one.measured is None or two.measured == pytest.approx(one.measured, rel=1e-9, abs=1e-9)


@SLOW
@given(st.integers(0, 10**6), st.sampled_from(NUMERIC), st.integers(2, 300))
def test_intervals_hold_what_they_measure_and_rates_stay_in_their_range(
    tmp_path_factory: pytest.TempPathFactory, seed: int, check: Check, n: int
) -> None:
    path = tmp_path_factory.mktemp("laws") / "reference.parquet"
    pq.write_table(pa.table(drawn(seed + 7, 300)), path)
    for found in say(check, subject(drawn(seed, n), reference_path=path)).findings:
        sound(found)


def sound(found: Finding) -> None:
    if found.measured is not None:
        assert math.isfinite(found.measured), found.message
        if found.interval is not None:
            assert found.interval[0] - 1e-9 <= found.measured <= found.interval[1] + 1e-9, found.message
    for one in found.estimates:
        assert (one.value is None) == (one.n == 0), "over nothing a rate is undefined"
        if one.value is not None and one.interval is not None:
            assert 0 <= one.interval[0] <= one.value <= one.interval[1] <= 1
            assert one.k <= one.n


NAN, INF = float("nan"), float("inf")
N = 240
EMPTY: dict[str, Columns | Any] = {
    "nobody is selected": {"d": [0] * N, "y": [0] * N},
    "one group, the other without a name": {"g": ["a"] * 120 + [None] * 120, "h": ["x"] * 120 + [None] * 120},
    "one group": {"g": ["a"] * N, "h": ["x"] * N},
    "a constant score": {"s": [0.5] * N, "b": [0.5] * N},
    "no score": {"s": [NAN] * N, "b": [NAN] * N},
    "no outcome": {"y": [None] * N, "d": [None] * N},
    "infinite scores": {"s": [INF, -INF] * 120, "b": [INF, -INF] * 120},
    "scores as text": {"s": ["0.5"] * N, "b": ["0.4"] * N},
    "values nobody declared": {"d": ["yes", "no"] * 120, "y": ["yes", "no"] * 120},
}
BLIND: dict[str, tuple[Check, ...]] = {
    "nobody is selected": (*GROUPED, *SCORED, alternatives),
    "one group, the other without a name": (*GROUPED, alternatives, proxies),
    "one group": (*GROUPED, alternatives, proxies),
    "a constant score": (*SCORED[:3], calibrated_groups, live_performance),
    "no score": (*SCORED, calibrated_groups, live_performance),
    "no outcome": (*GROUPED, *SCORED, alternatives, leakage, live_performance),
    "infinite scores": (calibrated, calibrated_groups, backtest, live_performance),
    "scores as text": (*SCORED, calibrated_groups, live_performance),
    "values nobody declared": (*GROUPED, *SCORED, alternatives, leakage, live_performance),
}


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("laws") / "reference.parquet"
    pq.write_table(pa.table(drawn(5, 300)), path)
    return path


@pytest.mark.parametrize("what", EMPTY)
def test_nothing_measured_is_never_a_pass(what: str, reference: Path) -> None:
    given_ = subject({**drawn(3, N), **EMPTY[what]}, reference_path=reference)
    for check in NUMERIC:
        result = say(check, given_)
        assert result.verdict is not Verdict.ERROR, f"{check.id}: {result.summary}"
        if check in BLIND[what]:
            assert result.verdict not in (Verdict.PASS, Verdict.NOT_APPLICABLE), f"{check.id} passes: {result.summary}"
        for found in result.findings:
            sound(found)


@pytest.mark.parametrize("n", [0, 1, 2])
def test_a_row_or_two_prove_nothing(n: int, reference: Path) -> None:
    columns = {name: pa.array(values[:n], type=pa.array(values).type) for name, values in drawn(3, 9).items()}
    for check in NUMERIC:
        result = say(check, subject(columns, reference_path=reference))
        assert result.verdict is Verdict.INCONCLUSIVE, f"{check.id}: {result.verdict} {result.summary}"


def test_one_as_a_number_a_text_or_a_truth_is_the_same_outcome() -> None:
    columns = drawn(8, 300)
    dresses = [[int(one) for one in columns["d"]], [str(one) for one in columns["d"]], [float(one) for one in columns["d"]]]
    found = [numbers(say(adverse_impact, subject({**columns, "d": dress}))) for dress in dresses]
    assert found[0] == found[1] == found[2]
    truths = say(adverse_impact, subject({**columns, "d": [bool(one) for one in columns["d"]]}, replace(ROLES, favourable="true")))
    assert numbers(truths) == found[0]


# -- the formulas -----------------------------------------------------------------------------------------------------

COUNTS = st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@given(COUNTS)
def test_intervals_of_a_rate_lie_in_0_to_1_hold_it_and_turn_with_it(counted: tuple[int, int]) -> None:
    k, n = counted
    for interval in (wilson, clopper_pearson, jeffreys):
        bounds, other = interval(k, n), interval(n - k, n)
        assert bounds is not None
        assert other is not None
        assert 0 <= bounds[0] <= k / n + 1e-12
        assert k / n - 1e-12 <= bounds[1] <= 1
        assert bounds == pytest.approx((1 - other[1], 1 - other[0]), abs=1e-7)


@given(COUNTS, COUNTS)
def test_gaps_turn_round_with_their_groups_and_shrink_to_none_at_equality(one: tuple[int, int], other: tuple[int, int]) -> None:
    gap = one[0] / one[1] - other[0] / other[1]
    for interval in (newcombe, miettinen_nurminen):
        bounds, turned = interval(*one, *other), interval(*other, *one)
        assert bounds is not None
        assert turned is not None
        assert -1 <= bounds[0] <= gap + 1e-9
        assert gap - 1e-9 <= bounds[1] <= 1
        assert bounds == pytest.approx((-turned[1], -turned[0]), abs=1e-7)
    assert rate_gap_p(*one, *other)[0] == pytest.approx(rate_gap_p(*other, *one)[0], rel=1e-9)


@given(st.lists(st.tuples(COUNTS, COUNTS), min_size=1, max_size=5))
def test_strata_turn_round_with_their_groups(strata: list[tuple[tuple[int, int], tuple[int, int]]]) -> None:
    ways = [(*one, *other) for one, other in strata], [(*other, *one) for one, other in strata]
    odds = [common_odds_ratio(way) for way in ways]
    assert (odds[0] is None) == (odds[1] is None)
    if odds[0] and odds[1]:
        assert odds[0].value == pytest.approx(1 / odds[1].value)
    first, second = (risk_difference(way) for way in ways)
    assert first is not None
    assert second is not None
    assert first[0] == pytest.approx(-second[0])
    tests = [mantel_haenszel_test(way) for way in ways]
    assert (tests[0] is None) == (tests[1] is None)
    assert tests[0] is None or tests[0] == pytest.approx(tests[1])


SCORES = st.lists(st.tuples(st.booleans(), st.integers(-5, 5)), min_size=2, max_size=60).filter(
    lambda rows: len({one for one, _ in rows}) == 2
)


@given(SCORES, st.floats(0.1, 9), st.floats(-9, 9))
def test_auc_turns_round_with_the_scores_and_with_the_labels_and_minds_only_the_order(
    rows: list[tuple[bool, int]], a: float, b: float
) -> None:
    label, score = np.array([one for one, _ in rows]), np.array([float(two) for _, two in rows])
    area = auc(score, label).value
    assert auc(-score, label).value == pytest.approx(1 - area)
    assert auc(score, ~label).value == pytest.approx(1 - area)
    assert auc(a * score + b, label).value == area == auc(np.exp(score), label).value
    assert ks(score, label) == pytest.approx(ks(-score, ~label))
    far = ks(score, label)
    assert abs(2 * area - 1) <= 2 * far - far * far + 1e-12, "no curve within KS of the diagonal holds more"
    assert auc(np.repeat(score, 3), np.repeat(label, 3)).value == pytest.approx(area)


@given(st.lists(st.floats(1e-9, 1), min_size=1, max_size=10))
def test_adjusted_p_values_are_never_smaller_and_holm_is_never_kinder_than_hochberg(p: list[float]) -> None:
    steps, rates = holm(p), benjamini_hochberg(p)
    for raw, one, other in zip(p, steps, rates, strict=True):
        assert raw <= one * (1 + 1e-12)
        assert raw <= other * (1 + 1e-12) <= one * (1 + 1e-9)
        assert one <= 1
    order = np.random.default_rng(1).permutation(len(p))
    assert [steps[place] for place in order] == pytest.approx(holm([p[place] for place in order]))
