"""Calibration and back-tests: published numbers (oracles.md 5.4), peers, edges."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_mlgov.sdk import Verdict
from mlgov_validators import calibration as measure
from mlgov_validators.backtest import backtest, binomial_p, christoffersen, jeffreys_p, kupiec, traffic_light
from mlgov_validators.calibrated import calibrated, calibrated_groups

from .conftest import Make, judged

# -- published --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("exceptions", "statistic", "p"),
    [(4, 0.7691, 0.3805), (5, 1.9568, None), (7, 5.497, 0.0190), (10, 12.9555, None), (0, 5.0252, None)],
)
def test_kupiec_at_250_days_and_one_percent(exceptions: int, statistic: float, p: float | None) -> None:
    """oracles.md 5.4 "Kupiec 250 d, 1 %"."""
    found = kupiec(exceptions, 250, 0.01)
    assert found[0] == pytest.approx(statistic, abs=6e-5 if exceptions != 7 else 5e-4)
    assert p is None or found[1] == pytest.approx(p, abs=5e-5)


@pytest.mark.parametrize(("exceptions", "zone"), [(0, "green"), (4, "green"), (5, "yellow"), (9, "yellow"), (10, "red"), (30, "red")])
def test_the_basel_zones(exceptions: int, zone: str) -> None:
    assert traffic_light(exceptions, 250, 0.01)[0] == zone


def test_the_basel_table() -> None:
    """oracles.md 5.4 "Basel zones": 89.22 % at 4 exceptions, 99.97 % at 9 (oracle: .89219, .99975)."""
    assert traffic_light(4, 250, 0.01)[1] == pytest.approx(0.89219, abs=5e-6)
    assert traffic_light(9, 250, 0.01)[1] == pytest.approx(0.99975, abs=5e-6)


def test_jeffreys_and_the_binomial_for_a_grade() -> None:
    """oracles.md 5.4 "Jeffreys PD": N = 1000, D = 15, PD 1 %: .0632284; binomial .0824123."""
    assert jeffreys_p(15, 1000, 0.01) == pytest.approx(0.0632284, abs=5e-8)
    assert binomial_p(15, 1000, 0.01) == pytest.approx(0.0824123, abs=5e-8)


def test_christoffersen_by_hand() -> None:
    """Pairs 00: 6, 01: 1, 10: 1, 11: 1 of the run 0000110000: the likelihoods of the 1998 paper written out."""
    days = [bool(int(one)) for one in "0000110000"]
    apart = 6 * math.log(6 / 7) + math.log(1 / 7) + math.log(1 / 2) + math.log(1 / 2)
    alike = 7 * math.log(7 / 9) + 2 * math.log(2 / 9)
    statistic, p = christoffersen(days)  # type: ignore[misc]  # defined here
    assert statistic == pytest.approx(2 * (apart - alike))
    assert p == pytest.approx(math.erfc(math.sqrt(statistic / 2)))
    assert christoffersen([False] * 10) is None


# -- peers ------------------------------------------------------------------------------------------------------------


def drawn(rows: int = 3000, seed: int = 3, slope: float = 1.0, shift: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    odds = rng.normal(-1, 1.2, rows)
    y = (rng.random(rows) < 1 / (1 + np.exp(-(shift + slope * odds)))).astype(float)
    return 1 / (1 + np.exp(-odds)), y


def test_cox_is_statsmodels_logit() -> None:
    import statsmodels.api as sm

    p, y = drawn(slope=0.7, shift=0.2)
    odds = np.log(p / (1 - p))
    peer = sm.Logit(y, sm.add_constant(odds)).fit(disp=False)
    found = measure.cox(*measure.in_order(p, y))
    assert found is not None
    assert (found.intercept, found.slope) == pytest.approx(tuple(peer.params), abs=1e-6)
    assert found.slope_interval == pytest.approx(tuple(peer.conf_int()[1]), abs=1e-5)
    alone = -sum(y * np.log1p(np.exp(-odds)) + (1 - y) * np.log1p(np.exp(odds)))
    assert found.statistic == pytest.approx(2 * (peer.llf - alone), abs=1e-6)


def test_brier_and_the_curve_are_scikit_learns() -> None:
    from sklearn.calibration import calibration_curve
    from sklearn.metrics import brier_score_loss

    p, y = drawn()
    assert measure.brier(p, y) == pytest.approx(brier_score_loss(y, p), abs=1e-12)
    observed, predicted = calibration_curve(y, p, n_bins=10, strategy="quantile")
    bins = measure.equal_mass(p, y)
    assert [one.observed for one in bins] == pytest.approx(list(observed))
    assert [one.predicted for one in bins] == pytest.approx(list(predicted))


def test_murphys_parts_add_up_to_brier() -> None:
    p, y = drawn()
    rounded = np.round(p, 1)
    reliability, resolution, uncertainty = measure.murphy(measure.by_value(rounded, y))
    assert reliability - resolution + uncertainty == pytest.approx(measure.brier(rounded, y), abs=1e-12)


def test_spiegelhalter_is_a_standard_normal_where_the_probabilities_are_true() -> None:
    z = [measure.spiegelhalter(*drawn(400, seed))[0] for seed in range(300)]  # type: ignore[index]  # defined here
    assert np.mean(z) == pytest.approx(0, abs=0.2)
    assert np.std(z) == pytest.approx(1, abs=0.15)
    assert measure.spiegelhalter(np.array([0.5, 0.5]), np.array([1.0, 0.0])) is None


def test_hosmer_lemeshow_by_hand_with_both_degrees_of_freedom() -> None:
    from scipy.stats import chi2

    p, y = np.repeat([0.1, 0.3, 0.6], 100), np.array([1.0] * 14 + [0.0] * 86 + [1.0] * 25 + [0.0] * 75 + [1.0] * 66 + [0.0] * 34)
    bins = measure.by_value(p, y)
    expected = 100 * (0.04**2 / 0.09 + 0.05**2 / 0.21 + 0.06**2 / 0.24)
    assert measure.hosmer_lemeshow(bins) == pytest.approx((expected, 3, chi2.sf(expected, 3)))
    assert measure.hosmer_lemeshow(bins, fitted=True) == pytest.approx((expected, 1, chi2.sf(expected, 1)))


def test_ece_of_equal_width_is_guos_and_ties_are_never_parted() -> None:
    p, y = np.array([0.95, 0.95, 0.15, 0.15]), np.array([1.0, 0.0, 0.0, 0.0])
    assert measure.ece(measure.equal_width(p, y)) == pytest.approx(0.5 * 0.45 + 0.5 * 0.15)
    same = measure.equal_mass(np.full(100, 0.3), np.array([1.0] * 30 + [0.0] * 70))
    assert [(one.n, one.observed) for one in same] == [(100, 0.3)]
    assert measure.ece(same) == pytest.approx(0)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 10), st.booleans()), min_size=1, max_size=80), st.randoms(use_true_random=False))
def test_no_order_of_rows_moves_a_digit(rows: list[tuple[int, bool]], rng: object) -> None:
    def numbers(given: list[tuple[int, bool]]) -> tuple[object, ...]:
        p, y = measure.in_order(np.array([one / 10 for one, _ in given]), np.array([float(two) for _, two in given]))
        bins = measure.equal_mass(p, y)
        return measure.brier(p, y), measure.cox(p, y), measure.spiegelhalter(p, y), measure.ece(bins), measure.seen_over_expected(p, y)

    shuffled = rows[:]
    rng.shuffle(shuffled)  # type: ignore[attr-defined]  # a Random
    assert numbers(rows) == numbers(shuffled)


# -- verdicts ---------------------------------------------------------------------------------------------------------

ROLES = {"label": "y", "favourable": "1", "score": "s"}


@pytest.mark.parametrize(
    ("rows", "slope", "shift", "verdict"),
    [
        (4000, 1.0, 0.0, Verdict.PASS),
        (4000, 0.5, 0.0, Verdict.FAIL),
        (4000, 1.0, -0.6, Verdict.FAIL),
        (150, 1.0, -0.3, Verdict.INCONCLUSIVE),
    ],
)
def test_calibration_has_its_verdict(table: Make, rows: int, slope: float, shift: float, verdict: Verdict) -> None:
    p, y = drawn(rows, 5, slope, shift)
    result = judged(calibrated, table({"s": p, "y": y.astype(int)}, **ROLES))
    assert result.verdict is verdict, [found.message for found in result.findings]


@pytest.mark.parametrize(
    ("score", "label", "said"),
    [
        (np.linspace(-3, 3, 200), np.arange(200) % 2, "no probability"),
        (np.full(200, 0.5), np.arange(200) % 2, "no finite value"),
        (np.linspace(0, 1, 200), (np.arange(200) > 99).astype(int), "no finite value"),
        (np.linspace(0, 1, 200), np.ones(200, dtype=int), "one class only"),
    ],
)
def test_what_has_no_calibration_is_inconclusive(table: Make, score: np.ndarray, label: np.ndarray, said: str) -> None:
    result = judged(calibrated, table({"s": score, "y": label}, **ROLES))
    assert result.verdict in (Verdict.INCONCLUSIVE, Verdict.FAIL)
    assert not result.verdict.opens
    assert said in " ".join([result.summary, *(found.message for found in result.findings)])


def test_a_group_that_is_off_is_named(table: Make) -> None:
    p, y = drawn(4000, 5)
    q, z = drawn(4000, 6, shift=0.6)
    columns = {"s": np.concatenate([p, q]), "y": np.concatenate([y, z]).astype(int), "g": ["a"] * 4000 + ["b"] * 4000}
    result = judged(calibrated_groups, table(columns, **ROLES, protected=("g",)))
    assert {found.details["group"]: found.verdict for found in result.findings} == {"g = a": Verdict.PASS, "g = b": Verdict.FAIL}
    assert "over-stated" in result.findings[1].message


def test_a_small_group_is_not_passed(table: Make) -> None:
    p, y = drawn(2000, 5)
    columns = {"s": p, "y": y.astype(int), "g": ["a"] * 1990 + ["b"] * 10}
    result = judged(calibrated_groups, table(columns, **ROLES, protected=("g",)))
    assert result.verdict is Verdict.INCONCLUSIVE


def test_bands_of_the_score_stand_for_grades(table: Make) -> None:
    p, y = drawn(4000, 5)
    result = judged(backtest, table({"s": p, "y": y.astype(int)}, **ROLES))
    assert [str(found.details["grade"]) for found in result.findings] == [f"band {place} of the score" for place in range(1, 11)]
    assert result.verdict is Verdict.PASS
    assert judged(backtest, table({"s": p, "y": (y * 0.5 + 0.5 < 0.9).astype(int)}, **ROLES)).verdict is Verdict.FAIL


@pytest.mark.parametrize(
    ("hits", "days", "verdict"),
    [(2, 250, Verdict.PASS), (6, 250, Verdict.WARN), (12, 250, Verdict.FAIL), (0, 100, Verdict.INCONCLUSIVE)],
)
def test_days_over_the_limit(table: Make, hits: int, days: int, verdict: Verdict) -> None:
    every = days // max(hits, 1)
    column = [int(hits > 0 and day % every == every - 1 and day // every < hits) for day in range(days)]
    result = judged(backtest, table({"x": column}, exceeded="x"))
    assert result.verdict is verdict, [found.message for found in result.findings]


def test_exceptions_in_a_run_are_seen_in_the_order_of_time(table: Make) -> None:
    column = [1] * 4 + [0] * 246
    order = np.random.default_rng(1).permutation(250)
    plain = judged(backtest, table({"x": column}, exceeded="x"))
    shuffled = table({"x": [column[day] for day in order], "t": [int(day) for day in order]}, exceeded="x", time="t")
    assert "come in runs" in plain.findings[1].message
    assert judged(backtest, shuffled).findings[1].measured == plain.findings[1].measured


@pytest.mark.parametrize("values", [[0, 1, None] * 100, [0, 1, 2] * 100, ["a"] * 300])
def test_days_that_are_neither_yes_nor_no_are_inconclusive(table: Make, values: list[object]) -> None:
    assert judged(backtest, table({"x": values}, exceeded="x")).verdict is Verdict.INCONCLUSIVE


def test_nothing_named_does_not_apply_to_a_table_and_is_inconclusive_for_a_model(table: Make) -> None:
    from dataclasses import replace

    from jupyter_mlgov.sdk import SubjectRef

    bare = table({"x": [1, 2]})
    assert judged(backtest, bare).verdict is Verdict.NOT_APPLICABLE
    assert judged(backtest, replace(bare, ref=SubjectRef(kind="model", name="m"))).verdict is Verdict.INCONCLUSIVE
