"""robust.*: the model itself is asked; the numbers are what a model with known weights must give."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from jupyter_mlgov.sdk import CheckResult, Finding, Subject, Verdict
from mlgov_validators.adversarial import adversarial
from mlgov_validators.robustness import sensitivity
from mlgov_validators.stress import stress

from .conftest import Make, judged
from .others import kept, linear

N = 400
RANDOM = np.random.default_rng(2)
X, Z = RANDOM.normal(size=N), RANDOM.normal(size=N)


def only(result: CheckResult, where: str) -> Finding:
    return next(one for one in result.findings if one.where == where)


def direction(result: CheckResult) -> Finding:
    return next(one for one in result.findings if one.where == "x" and "step" in one.allowed)


def model(
    table: Make, predict: Any, register: dict[str, Any] | None = None, columns: dict[str, Any] | None = None, **roles: Any
) -> Subject:
    given = table(columns or {"x": X, "z": Z, "y": [0, 1] * (N // 2)}, **{"features": ("x", "z"), "cutoff": "0.5", **roles})
    return replace(given, predict=predict, register=register)


def steep(features: Any) -> Any:
    """A model whose decision hangs on the third digit of x."""
    x = features.column("x").to_numpy(zero_copy_only=False)
    return (np.floor(x * 1000) % 2).astype(float)


def test_flips_at_one_percent_are_counted(table: Make) -> None:
    """Rows within 1 % of the cut: |x + z| <= .01 max(|x|, |z|), each input by itself."""
    result = judged(sensitivity, model(table, linear({"x": 1, "z": 1})))
    near = int((np.abs(X + Z) <= 0.01 * np.abs(X)).sum())
    calm = next(one for one in result.findings if "few decisions" in one.message)
    assert calm.measured is not None
    assert near / N <= calm.measured <= 0.02
    assert result.verdict in (Verdict.PASS, Verdict.WARN)


def test_a_decision_that_hangs_on_a_digit_fails(table: Make) -> None:
    result = judged(sensitivity, model(table, steep))
    found = only(result, "x")
    assert (result.verdict, found.verdict) == (Verdict.FAIL, Verdict.FAIL)
    assert found.measured is not None
    assert found.measured > 0.4
    assert "A 1% change in x turns" in found.message
    assert found.details["max_change"] == 1.0


def test_a_declared_direction_is_tried_on_a_grid(table: Make) -> None:
    def bump(features: Any) -> Any:
        x = features.column("x").to_numpy(zero_copy_only=False)
        return 1 / (1 + np.exp(-(x - 3 * np.exp(-((x - 0.5) ** 2) * 20))))

    declared = {"features": {"x": {"monotone": "increasing"}}}
    broken_ = direction(judged(sensitivity, model(table, bump, declared)))
    assert "go the other way" in broken_.message
    assert broken_.verdict is Verdict.FAIL
    assert direction(judged(sensitivity, model(table, linear({"x": 1}), declared))).verdict is Verdict.PASS


def test_the_same_subject_gives_the_same_findings(table: Make) -> None:
    given = model(table, linear({"x": 1, "z": 1}))
    assert judged(sensitivity, given) == judged(sensitivity, given)


def broken(_: Any) -> Any:
    raise ValueError("no such column")


@pytest.mark.parametrize("check", [sensitivity, stress, adversarial], ids=lambda check: check.id)
@pytest.mark.parametrize(
    "predict",
    [broken, lambda t: np.full(t.num_rows, np.nan), lambda _: np.zeros(3), lambda t: np.zeros((t.num_rows, 2))],
    ids=["raises", "NaN", "wrong number", "two columns"],
)
def test_a_model_that_cannot_be_asked_is_never_a_pass(table: Make, check: Any, predict: Any) -> None:
    assert judged(check, model(table, predict)).verdict in (Verdict.INCONCLUSIVE, Verdict.FAIL)


@pytest.mark.parametrize(
    "columns",
    [{"x": [1.0] * 50}, {"x": [None] * 50}, {"x": ["a"] * 50}, {"x": [1.0], "z": [2.0]}],
)
@pytest.mark.parametrize("check", [sensitivity, stress, adversarial], ids=lambda check: check.id)
@pytest.mark.filterwarnings("ignore:Degrees of freedom")
def test_odd_tables_have_a_verdict(table: Make, check: Any, columns: dict[str, Any]) -> None:
    result = judged(check, model(table, linear({"x": 1}), columns=columns, features=("x",)))
    assert result.verdict is not Verdict.ERROR, result.summary
    if check is not stress:
        assert result.verdict is not Verdict.PASS


def test_without_a_cutoff_nothing_flips_and_nothing_passes(table: Make) -> None:
    assert judged(sensitivity, model(table, linear({"x": 1}), cutoff="")).verdict is Verdict.INCONCLUSIVE


# -- stress -----------------------------------------------------------------------------------------------------------


def test_a_silent_zero_fails(table: Make) -> None:
    def zero(features: Any) -> Any:
        x = features.column("x").to_numpy(zero_copy_only=False)
        return np.where(np.isnan(x), 0.0, 0.7)

    result = judged(stress, model(table, zero))
    assert result.verdict is Verdict.FAIL
    assert only(result, "x").message == "With x missing the model answers 0.00 instead of refusing."


def test_a_model_that_raises_on_missing_values_warns(table: Make) -> None:
    def careful(features: Any) -> Any:
        x = features.column("x").to_numpy(zero_copy_only=False)
        if np.isnan(x).any():
            raise ValueError("Input X contains NaN")
        return 1 / (1 + np.exp(-np.clip(x, -9, 9)))

    result = judged(stress, model(table, careful, features=("x",)))
    assert result.verdict is Verdict.WARN
    assert "Whoever calls it must guard" in result.summary
    assert "Input X contains NaN" in result.summary


GUARDED = linear({"x": 1, "z": 1, "clip": 8})


def test_a_scenario_of_the_firm_has_its_own_tolerance(table: Make) -> None:
    def told(tolerance: float) -> CheckResult:
        return judged(stress, model(table, GUARDED, {"scenarios": {"slump": {"add": {"x": -1.0}, "tolerance": tolerance}}}))

    share = ((X + Z >= 0) != (X + Z - 1 >= 0)).mean()
    assert only(told(0.9), "slump").measured == pytest.approx(share)
    assert (told(0.9).verdict, told(0.05).verdict) == (Verdict.PASS, Verdict.FAIL)


@pytest.mark.parametrize("body", [1, {}, {"add": {"nope": 1}}, {"multiply": {"x": "2"}}, {"set": 3}])
def test_a_scenario_that_cannot_be_read_is_inconclusive(table: Make, body: Any) -> None:
    assert judged(stress, model(table, GUARDED, {"scenarios": {"bad": body}})).verdict is Verdict.INCONCLUSIVE


def test_values_outside_the_agreed_range_are_tried(table: Make) -> None:
    found = only(judged(stress, model(table, GUARDED, {"features": {"x": {"max": 5}}})), "x")
    assert (found.verdict, found.message) == (Verdict.WARN, "The model takes x = 10, over the agreed 5, like any other value.")


# -- adversarial ------------------------------------------------------------------------------------------------------


def splits(given: Subject, train: dict[str, Any], test: dict[str, Any]) -> Subject:
    return replace(given, split_paths={"train": kept(given, "train", train), "test": kept(given, "test", test)})


def test_evasion_counts_the_refusals_a_person_can_turn(table: Make) -> None:
    """score >= .5 where x + z >= 0; x may change by a tenth of itself, so those with -.1|x| <= x + z < 0 can turn."""
    register = {"features": {"x": {"mutable": True, "change": 0.1}}}
    found = judged(adversarial, model(table, linear({"x": 1, "z": 1}), register, label="y")).findings[0]
    refused = X + Z < 0
    assert found.measured == pytest.approx((refused & (X + Z + 0.1 * np.abs(X) >= 0)).sum() / refused.sum())
    assert found.n == refused.sum()


def test_a_model_that_learned_its_rows_by_heart_gives_them_away(table: Make) -> None:
    labels = RANDOM.integers(0, 2, N)
    memory = dict(zip(X.tolist(), labels.tolist(), strict=True))

    def parrot(features: Any) -> Any:
        return np.array([float(memory.get(x, 0.5)) for x in features.column("x").to_pylist()])

    other = RANDOM.normal(size=N)
    given = model(table, parrot, {"features": {"x": {"mutable": True}}}, label="y", favourable="1")
    train, test = {"x": X, "z": Z, "y": labels}, {"x": other, "z": Z, "y": RANDOM.integers(0, 2, N)}
    result = judged(adversarial, splits(given, train, test))
    found = next(one for one in result.findings if "tells training rows" in one.message)
    assert (found.verdict, found.measured) == (Verdict.WARN, pytest.approx(1.0))
    fair = judged(adversarial, splits(replace(given, predict=linear({"x": 1})), train, test))
    assert next(one for one in fair.findings if "tells training rows" in one.message).verdict is Verdict.PASS


def test_label_flips_on_a_thin_signal_bend_more_than_on_a_clear_one(table: Make) -> None:
    def influence(noise: float) -> float:
        y = (X + Z + noise * RANDOM.normal(size=N) > 0).astype(int)
        side = {"x": X, "z": Z, "y": y}
        given = model(table, linear({"x": 1}), {"features": {"x": {"mutable": True}}}, label="y", favourable="1")
        found = next(one for one in judged(adversarial, splits(given, side, side)).findings if "stand-in" in one.message)
        assert found.measured is not None
        return found.measured

    assert influence(0.1) < influence(30.0)


def test_what_nobody_said_is_inconclusive(table: Make) -> None:
    result = judged(adversarial, model(table, linear({"x": 1}), label="y"))
    assert result.verdict is Verdict.INCONCLUSIVE
    assert "Nobody said which inputs a person can change" in result.summary
