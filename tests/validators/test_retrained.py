"""Seeds of the training run, weights over draws of the rows, deletion and insertion, tests of load."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from jupyter_mlgov.core.team import Scope
from jupyter_mlgov.sdk import Subject, Verdict
from jupyter_mlgov.validation.results import CheckResult
from mlgov_validators.explain import explanations
from mlgov_validators.fidelity import fidelity
from mlgov_validators.probes import probe
from mlgov_validators.retrained import spearman, weights_over_draws
from mlgov_validators.robustness import sensitivity
from mlgov_validators.stress import stress

from .conftest import Make, judged
from .others import linear

RANDOM = np.random.default_rng(11)
N = 600
X = {name: RANDOM.normal(size=N).round(3) for name in ("x", "z", "w")}
P = 1 / (1 + np.exp(-(3 * X["x"] + X["z"])))
Y = (RANDOM.random(N) < P).astype(int)


def scored(table: Make, **more: Any) -> Subject:
    columns = {**{name: list(values) for name, values in X.items()}, "y": Y.tolist(), "s": list(P), **more}
    given = table(columns, label="y", favourable="1", score="s", cutoff="0.5", features=("x", "z", "w"))
    return replace(given, predict=linear({"x": 3, "z": 1, "w": 0}))


def about(result: CheckResult, where: str) -> Any:
    return next(one for one in result.findings if one.where == where)


def seeds(spread: float, number: int = 5) -> dict[str, list[float]]:
    noisy = {f"score_seed_{place}": P + spread * place * RANDOM.normal(size=N) for place in range(number)}
    return {name: list(values) for name, values in noisy.items()}


@pytest.mark.parametrize(
    ("spread", "number", "verdict"), [(0.001, 5, Verdict.PASS), (0.2, 5, Verdict.WARN), (0.001, 3, Verdict.INCONCLUSIVE), (0, 0, None)]
)
def test_seeds_are_judged_by_the_spread_of_their_auc(table: Make, spread: float, number: int, verdict: Verdict | None) -> None:
    found = about(judged(sensitivity, scored(table, **seeds(spread, number))), "seeds")
    assert found.verdict is (verdict or Verdict.NOT_APPLICABLE)
    if number == 5:
        from sklearn.metrics import roc_auc_score

        areas = found.details["auc"]
        assert found.measured == pytest.approx(np.std(areas, ddof=1))
        assert areas[0] == pytest.approx(roc_auc_score(Y, P))


def test_one_outcome_has_no_auc_to_vary(table: Make) -> None:
    result = judged(sensitivity, scored(table, **seeds(0.01), y=[1] * N))
    assert about(result, "seeds").verdict is Verdict.INCONCLUSIVE


def test_the_spread_of_a_weight_is_the_standard_error_of_a_mean(table: Make) -> None:
    """A bootstrap of a mean from its rows has the standard deviation s / sqrt(n) (Efron 1979)."""
    asked = probe(scored(table), N)
    found = weights_over_draws(asked, draws=4000)
    weights = found.details["weights"]
    assert isinstance(weights, dict)
    assert list(weights) == ["x", "z", "w"]
    assert weights["w"] == {"weight": 0.0, "sd": 0.0}
    order = np.random.default_rng(20261123).permutation(N)
    moved = np.abs(asked.predict(asked.changed({"x": asked.values("x")[order]})) - asked.score)
    assert weights["x"]["weight"] == pytest.approx(moved.mean())
    assert weights["x"]["sd"] == pytest.approx(moved.std() / np.sqrt(N), rel=0.06)


def test_spearman_is_scipys_and_undefined_where_nothing_is_ordered() -> None:
    from scipy.stats import spearmanr

    assert spearman(X["x"], X["z"]) == pytest.approx(spearmanr(X["x"], X["z"]).statistic)
    assert spearman(X["x"], np.zeros(N)) is None
    assert spearman(X["x"], np.full(N, np.nan)) is None


def test_deletion_and_insertion_know_true_attributions_from_turned_ones(table: Make) -> None:
    asked = probe(scored(table), 40)
    names = ["x", "z", "w"]
    own = np.column_stack([asked.values(name) for name in names])
    middle = np.median(own, axis=0)
    true = (own - middle) * np.array([3.0, 1.0, 0.0])
    good = fidelity(asked.predict, asked.rows, own, middle, true, names)
    bad = fidelity(asked.predict, asked.rows, own, middle, 1 / (1e-9 + np.abs(true)), names)
    assert [one.verdict for one in good] == [Verdict.PASS, Verdict.PASS]
    assert [one.verdict for one in bad] == [Verdict.WARN, Verdict.WARN]


def test_deletion_of_one_input_is_the_change_of_its_score(table: Make) -> None:
    """With one input there is one step: deleting it leaves the middle's score; before insertion it stands there as well."""
    given = table({"x": [0.0, 1.0, 2.0], "s": [0.5, 0.7, 0.9]}, score="s", features=("x",))
    asked = probe(replace(given, predict=linear({"x": 1})), 3)
    own = asked.values("x")[:, None]
    found = fidelity(asked.predict, asked.rows, own, np.array([1.0]), own, ["x"])
    expected = float(np.abs(asked.score - asked.score[1]).mean())
    assert [one.measured for one in found] == pytest.approx([expected, expected])


def test_explanations_are_asked_for_their_fidelity(table: Make) -> None:
    phi = {f"phi_{name}": list(weight * X[name]) for name, weight in (("x", 3), ("z", 1), ("w", 0))}
    result = judged(explanations, scored(table, **phi, phi_base=[0.0] * N))
    assert {about(result, "deletion").verdict, about(result, "insertion").verdict} == {Verdict.PASS}


LOAD = {"peak_messages": 900, "tested_messages": 2000, "peak_trades": 40, "tested_trades": 80, "passed": True}


@pytest.mark.parametrize(
    ("change", "verdict", "said"),
    [
        ({}, Verdict.PASS, "Tested with 80 trades"),
        ({"tested_trades": 79}, Verdict.FAIL, "Tested with 79 trades; the peak of six months was 40"),
        ({"passed": False}, Verdict.FAIL, "did not hold"),
        ({"passed": "yes"}, Verdict.INCONCLUSIVE, "whether it held"),
        ({"peak_messages": 0}, Verdict.INCONCLUSIVE, "peak_messages"),
    ],
)
def test_load_is_twice_the_peak(table: Make, change: dict[str, object], verdict: Verdict, said: str) -> None:
    result = judged(stress, replace(scored(table), register={"load": {**LOAD, **change}}))
    told = [one for one in result.findings if one.where == "load"]
    assert max(told, key=lambda one: -one.verdict.rank).verdict is verdict
    assert any(said in one.message for one in told)


def test_a_trading_model_without_a_test_of_load_is_not_passed(table: Make) -> None:
    trading = replace(scored(table), scope=Scope(use=("algorithmic trading",)))
    assert about(judged(stress, trading), "load").verdict is Verdict.INCONCLUSIVE
    assert about(judged(stress, scored(table)), "load").verdict is Verdict.NOT_APPLICABLE


def test_a_text_input_that_is_missing_is_tried_too(table: Make) -> None:
    given = table({"x": [float(n) for n in range(40)], "kind": ["a", "b"] * 20}, cutoff="0.5", features=("x", "kind"))

    def predict(rows: Any) -> Any:
        gone = np.array([one is None for one in rows.column("kind").to_pylist()])
        return np.where(gone, 0.0, 0.6 + rows.column("x").to_numpy(zero_copy_only=False).clip(-1, 40) / 1000)

    result = judged(stress, replace(given, predict=predict))
    assert "With kind missing the model answers 0.00 instead of refusing." in [one.message for one in result.findings]
