"""explain.*: reason codes by comment 9(b)(2)-5 (oracles.md 5.4), Shapley values against shap and the closed form."""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from jupyter_mlgov.sdk import CheckResult, Subject, Unanswered, Verdict
from mlgov_validators.explain import explanations, shapley
from mlgov_validators.reasons import VAGUE, points_lost, principal_reasons, reason_codes

from .conftest import Make, judged
from .others import linear, repeated

RANDOM = np.random.default_rng(4)


def test_reason_codes_oracle() -> None:
    """oracles.md 5.4 "reason codes": (50,40,30,20) less (20,38,5,20) is 30, 2, 25, 0; reasons 1 then 3; the 4th is never stated."""
    lost = points_lost((50, 40, 30, 20), (20, 38, 5, 20))
    assert lost == (30, 2, 25, 0)
    assert principal_reasons(lost, most=2) == (0, 2)
    assert principal_reasons(lost) == (0, 2, 1)
    assert 3 not in principal_reasons(lost)


def test_no_more_than_four_and_never_a_factor_that_lost_nothing() -> None:
    assert principal_reasons((5, 4, 3, 2, 1)) == (0, 1, 2, 3)
    assert principal_reasons((-1, 0, 0)) == ()
    assert principal_reasons((1, 1)) == (0, 1)


@pytest.mark.parametrize("text", ["Score too low", "insufficient score", "internal standards", "Failed to reach qualifying score", "other"])
def test_vague_texts_are_known(text: str) -> None:
    assert VAGUE.search(text)


@pytest.mark.parametrize("text", ["Income insufficient for amount of credit requested", "Length of employment", "Delinquent past credit"])
def test_the_texts_of_the_model_form_are_not_vague(text: str) -> None:
    """Sample form C-1 of Regulation B."""
    assert not VAGUE.search(text)


FACTORS = {"features": {name: {"reason": f"Too little {name}"} for name in "abcd"}}


def refused(table: Make, reasons: list[list[str]], register: dict[str, Any] | None = FACTORS, **more: Any) -> Subject:
    """Forty people at 140 points and one refused for each list of reasons, with the oracle's points."""
    n = len(reasons)
    columns = {f"phi_{name}": [[mean, 40], [own, n]] for name, mean, own in zip("abcd", (50, 40, 30, 20), (20, 38, 5, 20), strict=True)}
    columns["s"] = [[140.0, 40], [83.0, n]]
    whole: dict[str, Any] = repeated(columns)
    for place in range(max(map(len, reasons), default=0) or 1):
        whole[f"reason_{place + 1}"] = [""] * 40 + [row[place] if place < len(row) else "" for row in reasons]
    return replace(table({**whole, **more.pop("columns", {})}, score="s", **{"cutoff": "120", **more}), register=register)


def failing(result: CheckResult) -> str:
    return " ".join(one.message for one in result.findings if one.verdict is Verdict.FAIL)


GOOD = ["Too little a", "Too little c"]


@pytest.mark.parametrize(
    ("reasons", "said"),
    [
        ([GOOD, []], "1 of 2 refusals have no reason."),
        ([GOOD, ["Too little a", "Too little d"]], "1 of 2 refusals name a factor that lost no points against the 30 at or just above"),
        ([GOOD, ["Too little c"]], "1 of 2 refusals do not name the factor that lost most points."),
        ([GOOD, ["Score too low"]], "1 of 2 refusals carry a vague text"),
        ([GOOD, ["Too little a", "Shoe size"]], "1 of 2 refusals name something that is no factor of the score."),
        ([GOOD, ["a", "b", "c", "a", "b"]], "1 of 2 refusals have more than four reasons"),
    ],
)  # fmt: skip
def test_each_wrong_notice_is_counted(table: Make, reasons: list[list[str]], said: str) -> None:
    result = judged(reason_codes, refused(table, reasons))
    assert result.verdict is Verdict.FAIL
    assert said in failing(result)


def test_the_right_reasons_pass_and_their_interval_stands_beside_them(table: Make) -> None:
    result = judged(reason_codes, refused(table, [GOOD, ["a", "c", "b"]]))
    assert result.verdict is Verdict.PASS
    assert all(one.interval for one in result.findings if one.verdict is Verdict.PASS)
    assert judged(reason_codes, refused(table, [GOOD], register=None)).verdict is Verdict.FAIL  # texts that no factor has
    assert judged(reason_codes, refused(table, [["a", "c"]], register=None)).verdict is Verdict.WARN  # names, but no texts


def test_mending_a_stated_factor_must_help(table: Make) -> None:
    """A model in which `a` counts the other way: telling people to raise it is wrong."""
    columns = {name: [float(mean)] * 40 + [float(own)] for name, mean, own in zip("abcd", (50, 40, 30, 20), (20, 38, 5, 20), strict=True)}
    given = refused(table, [GOOD], columns=columns)
    right = judged(reason_codes, replace(given, predict=linear({"a": 0.01, "c": 0.01})))
    wrong = judged(reason_codes, replace(given, predict=linear({"a": -0.01, "c": 0.01})))
    assert right.verdict is Verdict.PASS, right.summary
    assert "1 of 2 stated factors raise the score" in failing(wrong)


def test_what_cannot_be_told(table: Make) -> None:
    assert judged(reason_codes, refused(table, [GOOD], cutoff="")).verdict is Verdict.INCONCLUSIVE
    assert judged(reason_codes, refused(table, [GOOD], cutoff="0")).verdict is Verdict.INCONCLUSIVE
    assert judged(reason_codes, refused(table, [GOOD], cutoff="999")).verdict is Verdict.INCONCLUSIVE
    with pytest.raises(Unanswered, match="no points"):
        reason_codes(table({"s": [1.0, 2.0]}, score="s", cutoff="1.5"))


# -- explain.available ------------------------------------------------------------------------------------------------

N = 200
INPUTS = {name: RANDOM.normal(size=N) for name in "xzw"}
WEIGHTS = {"x": 2.0, "z": 1.0, "w": 0.25}


def identity(weights: dict[str, float]) -> Any:
    """A linear model: its Shapley values have a closed form, w (x - mean of the background)."""

    def predict(features: Any) -> Any:
        return sum(weight * features.column(name).to_numpy(zero_copy_only=False) for name, weight in weights.items())

    return predict


def explained(table: Make, *, gap: float = 0.0, **changes: Any) -> Subject:
    means = {name: INPUTS[name].mean() for name in WEIGHTS}
    phi = {f"phi_{name}": WEIGHTS[name] * (INPUTS[name] - means[name]) for name in WEIGHTS}
    base = sum(WEIGHTS[name] * means[name] for name in WEIGHTS)
    score = sum(WEIGHTS[name] * INPUTS[name] for name in WEIGHTS)
    columns = {**INPUTS, **phi, "phi_base": np.full(N, base + gap), "s": score, **changes}
    return replace(table(columns, score="s", features=tuple(WEIGHTS), cutoff="0"), predict=identity(WEIGHTS))


def test_shapley_values_of_a_linear_model_are_its_closed_form() -> None:
    rows = pa.table(INPUTS)
    background = pa.table({name: [float(values.mean())] * 3 for name, values in INPUTS.items()})
    phi = shapley(identity(WEIGHTS), rows.slice(0, 10), background, list(WEIGHTS), 8, 1)
    expected = np.column_stack([WEIGHTS[name] * (INPUTS[name][:10] - INPUTS[name].mean()) for name in WEIGHTS])
    assert np.abs(phi - expected).max() < 1e-9


def test_shapley_values_are_those_of_shap() -> None:
    """On a model with interactions, one background row: all orders are few, so both are exact but for sampling of orders."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its import warns of numba and IPython
        import shap

    def product(features: Any) -> Any:
        x, z, w = (features.column(name).to_numpy(zero_copy_only=False) for name in "xzw")
        return x * z + np.abs(w) * x

    rows, background = pa.table({name: values[:6] for name, values in INPUTS.items()}), pa.table({name: [0.3] for name in "xzw"})
    mine = shapley(product, rows, background, list("xzw"), 2000, 3)
    matrix = np.column_stack([INPUTS[name][:6] for name in "xzw"])
    explainer = shap.KernelExplainer(lambda m: product(pa.table(dict(zip("xzw", m.T, strict=True)))), np.full((1, 3), 0.3))
    theirs = explainer.shap_values(matrix, silent=True)
    assert np.abs(mine.sum(axis=1) - theirs.sum(axis=1)).max() < 1e-9
    assert np.abs(mine - theirs).max() < 0.05


def test_explanations_that_are_all_there_add_up_and_hold_still_pass(table: Make) -> None:
    result = judged(explanations, explained(table))
    assert result.verdict is Verdict.PASS, result.summary
    assert result.findings[0].message == "0 of 200 decisions have no stored explanation."
    assert "add up to the score within" in result.findings[1].message


def test_missing_explanations_are_counted(table: Make) -> None:
    phi = np.where(np.arange(N) < 12, np.nan, 0.0)
    result = judged(explanations, explained(table, phi_w=phi))
    assert result.findings[0].message == "12 of 200 decisions have no stored explanation."
    assert result.findings[0].measured == pytest.approx(188 / 200)
    assert result.verdict is Verdict.FAIL


@pytest.mark.parametrize(("gap", "verdict"), [(1e-8, Verdict.PASS), (0.01, Verdict.WARN), (2.0, Verdict.FAIL)])
def test_additivity_is_measured(table: Make, gap: float, verdict: Verdict) -> None:
    found = judged(explanations, explained(table, gap=gap)).findings[1]
    assert (found.verdict, found.measured) == (verdict, pytest.approx(gap, abs=1e-9))


def test_stored_attributions_in_another_order_are_noticed(table: Make) -> None:
    given = explained(table, phi_x=0.25 * INPUTS["x"], phi_w=2 * INPUTS["w"])
    assert any(
        "Stored attributions order the inputs" in one.message and one.verdict is Verdict.WARN
        for one in judged(explanations, given).findings
    )


def test_without_explanations_or_without_a_model_nothing_passes(table: Make) -> None:
    with pytest.raises(Unanswered, match="No explanation is stored"):
        explanations(table({"s": [0.1, 0.2]}, score="s"))
    assert judged(explanations, replace(explained(table), predict=None)).verdict is Verdict.INCONCLUSIVE
