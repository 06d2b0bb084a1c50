"""proxy.detect and fair.lda: peers, planted proxies, and a hold-out that the search cannot reach."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_mlgov.sdk import Subject, Verdict
from mlgov_validators.alternatives import alternatives
from mlgov_validators.logistic import fit_ridge
from mlgov_validators.proxies import cramer, eta_squared, proxies

from .conftest import Make, judged

# -- peers ------------------------------------------------------------------------------------------------------------


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2)), min_size=2, max_size=80))
def test_cramers_v_is_scipys(rows: list[tuple[int, int]]) -> None:
    from scipy.stats.contingency import association, crosstab

    one, other = (np.array([row[place] for row in rows]) for place in (0, 1))
    if len(set(one)) < 2 or len(set(other)) < 2:
        assert cramer(one, other) == (0.0, 0.0)
        return
    assert cramer(one, other)[0] == pytest.approx(association(crosstab(one, other).count, method="cramer"), abs=1e-12)


def test_bergsma_takes_the_bias_out() -> None:
    rng = np.random.default_rng(1)
    pairs = [cramer(rng.integers(0, 10, 100), rng.integers(0, 2, 100)) for _ in range(200)]
    assert np.mean([v for v, _ in pairs]) > 0.25, "chance alone looks like a link"
    assert np.mean([corrected for _, corrected in pairs]) < 0.12


def test_eta_squared_is_one_way_anova() -> None:
    from scipy.stats import f_oneway

    rng = np.random.default_rng(2)
    codes = rng.integers(0, 3, 300)
    values = rng.normal(size=300) + codes * 0.4
    eta = eta_squared(values, codes)
    assert eta is not None
    expected = f_oneway(*(values[codes == place] for place in range(3))).statistic
    assert (eta / 2) / ((1 - eta) / 297) == pytest.approx(expected)
    assert eta_squared(np.ones(5), np.array([0, 0, 1, 1, 1])) is None


@pytest.mark.parametrize("strength", [1.0, 0.01])
def test_the_penalised_fit_is_scikit_learns(strength: float) -> None:
    from sklearn.linear_model import LogisticRegression

    rng = np.random.default_rng(3)
    columns = rng.normal(size=(400, 5))
    positive = rng.random(400) < 1 / (1 + np.exp(-columns[:, 0] + 0.5))
    peer = LogisticRegression(C=strength, tol=1e-10, max_iter=1000).fit(columns, positive)
    ours = fit_ridge(columns, positive, strength)
    assert ours[0] == pytest.approx(float(peer.intercept_[0]), abs=1e-5)
    assert list(ours[1:]) == pytest.approx(list(peer.coef_[0]), abs=1e-5)
    assert np.isfinite(fit_ridge(columns, columns[:, 0] > 0, 1.0)).all(), "separated outcomes have an answer"


# -- proxy.detect -----------------------------------------------------------------------------------------------------


def applicants(rows: int = 1200, seed: int = 5) -> dict[str, object]:
    rng = np.random.default_rng(seed)
    group = rng.choice(["a", "b", "c"], rows, p=[0.5, 0.3, 0.2])
    income, debt = rng.normal(50, 10, rows), rng.normal(size=rows)
    district = np.where(rng.random(rows) < 0.85, group, rng.choice(["a", "b", "c"], rows))
    distance = np.where(group == "b", rng.choice([-3.0, 3.0], rows), 0) + rng.normal(size=rows) * 0.3
    y = (rng.random(rows) < 1 / (1 + np.exp(-(income - 50) / 10))).astype(int)
    return {
        "g": group, "income": income, "debt": debt, "district": [f"d{one}" for one in district], "distance": distance, "zip_code": debt * 2,
        "y": y, "s": income / 10 + 0.5 * (district == "a"),
    }  # fmt: skip


def asked(table: Make, *features: str, **more: object) -> Subject:
    given = applicants()
    return table(given, outcome="y", favourable="1", protected=("g",), features=features, **{"score": "s", **more})


def test_a_text_that_gives_the_group_away_fails_where_it_counts_and_warns_where_it_does_not(table: Make) -> None:
    result = judged(proxies, asked(table, "district"))
    assert result.findings[0].verdict is Verdict.FAIL, result.findings[0].message
    assert "V 0." in result.findings[0].message
    assert "number 1 of 1 in the model" in result.findings[0].message
    found = {one.where: one for one in judged(proxies, asked(table, "income", "debt", "distance", "district")).findings}
    assert found["income"].verdict is Verdict.PASS
    assert found["district"].verdict is Verdict.WARN, "flagged, and not in the top quarter: never a pass"


BISG = {"source": "BISG, surnames and tracts of 2020", "error": 0.19, "error_source": "2,100 customers who said it"}


@pytest.mark.parametrize(
    ("column", "register", "expected", "said"),
    [
        ("g", {}, None, ""),
        ("race_bisg", {}, Verdict.INCONCLUSIVE, "is named as a guess, and nobody declared that it is a proxy"),
        ("p_black", {}, Verdict.INCONCLUSIVE, "is float64 and holds fractions, as a probability does and a group does not"),
        ("male", {}, None, ""),
        ("wide", {}, None, ""),
        ("wild", {}, Verdict.INCONCLUSIVE, "is float64 and holds fractions"),
        (
            "race_bisg",
            {"race_bisg": BISG},
            Verdict.WARN,
            "is a proxy (BISG, surnames and tracts of 2020), wrong in 19.0% of cases",
        ),
        ("race_bisg", {"race_bisg": {**BISG, "error": 1.9}}, Verdict.INCONCLUSIVE, "lacks error"),
        ("race_bisg", {"race_bisg": {**BISG, "error_source": ""}}, Verdict.INCONCLUSIVE, "lacks error_source"),
        ("g", {"race_bsig": BISG}, Verdict.WARN, "race_bsig is no protected column"),
    ],
)
def test_a_protected_column_that_is_a_guess_is_declared_with_its_source_and_error(
    table: Make, column: str, register: dict[str, object], expected: Verdict | None, said: str
) -> None:
    given = applicants()
    beyond = [-9.5e74, 1e300, np.inf, -np.inf, np.nan, 2.0**63]  # no 64-bit integer holds them
    values = {
        "p_black": np.random.default_rng(3).random(1200), "male": np.resize([1.0, 0.0, np.nan], 1200),
        "wide": np.resize([0.0, 1.0, *beyond], 1200), "wild": np.resize([0.0, 0.5, *beyond], 1200),
    }.get(column, given["g"])  # fmt: skip
    subject = table({**given, column: values}, protected=(column,), features=("income", "debt"), score="s")
    findings = judged(proxies, replace(subject, register={"proxies": register})).findings
    found = next((one for one in findings if "prox" in one.message), None)
    assert (found.verdict if found else None) is expected
    assert said in (found.message if found else "")


def test_a_link_that_is_not_monotone_is_seen(table: Make) -> None:
    """Group b lives at both ends: AUC sees nothing, ten bands do."""
    result = judged(proxies, asked(table, "income", "debt", "distance"))
    found = {one.where: one for one in result.findings}["distance"]
    assert isinstance(found.measured, float)
    assert found.measured < 0.65
    assert found.details["cramer_v_of_bands"] > 0.4  # type: ignore[operator]  # a number
    assert found.verdict is not Verdict.PASS
    assert found.details["within_outcome_p"] == pytest.approx(1 / 201)


def test_a_strong_link_without_a_way_to_tell_the_weight_is_inconclusive(table: Make) -> None:
    assert judged(proxies, asked(table, "district", score="")).findings[0].verdict is Verdict.INCONCLUSIVE


def test_a_name_that_often_stands_for_origin_is_said(table: Make) -> None:
    found = {one.where: one for one in judged(proxies, asked(table, "income", "zip_code")).findings}
    assert found["zip_code"].verdict is Verdict.WARN
    assert "often stands for" in found["zip_code"].message


def test_the_model_itself_is_asked_where_it_is_there(table: Make) -> None:
    from dataclasses import replace

    def predict(features: object) -> np.ndarray:
        return np.asarray(features.column("debt").to_numpy())  # type: ignore[attr-defined]  # a pyarrow table

    subject = replace(asked(table, "income", "debt", "district"), predict=predict)
    ranks = {one.where: one.details.get("rank") for one in judged(proxies, subject).findings}
    assert ranks["debt"] == 1


def test_a_model_that_answers_nan_has_no_weights_and_that_is_said(table: Make) -> None:
    columns = {"g": ["a", "b"] * 60, "f": [0.0, 9.0] * 60, "h": list(range(120)), "s": [0.5] * 120}
    given = table(columns, protected=("g",), features=("f", "h"), score="s")
    result = judged(proxies, replace(given, predict=lambda rows: np.full(rows.num_rows, np.nan)))
    assert result.verdict is Verdict.INCONCLUSIVE
    assert "of unknown weight" in result.summary


def test_all_together_are_said_and_two_small_groups_are_not_judged(table: Make) -> None:
    result = judged(proxies, asked(table, "income", "debt", "district", "distance"))
    assert "All 4 features together predict g = a with AUC" in result.findings[-1].message
    assert result.findings[-1].details["overlap_spearman"] is not None
    few = table({"g": ["a"] * 29 + ["b"] * 100, "x": list(range(129))}, protected=("g",), features=("x",))
    assert judged(proxies, few).verdict is Verdict.INCONCLUSIVE


def test_missing_values_and_an_empty_feature_do_not_pass(table: Make) -> None:
    columns = {"g": ["a", "b"] * 60, "x": [None] * 120, "s": [0.1, 0.2] * 60}
    import pyarrow as pa

    columns["x"] = pa.array(columns["x"], type=pa.float64())  # type: ignore[assignment]  # a column
    result = judged(proxies, table(columns, protected=("g",), features=("x",), score="s"))
    assert result.verdict is Verdict.INCONCLUSIVE


# -- fair.lda ---------------------------------------------------------------------------------------------------------


def world(lean: float, weight: float, rows: int = 4000, seed: int = 7) -> dict[str, object]:
    """`z` leans on the group and says little about the outcome; `x` says much."""
    rng = np.random.default_rng(seed)
    group = rng.integers(0, 2, rows)
    z = np.where(rng.random(rows) < lean, group, 1 - group)
    x, noise = rng.normal(size=rows), rng.normal(size=rows)
    y = (rng.random(rows) < 1 / (1 + np.exp(-(1.2 * x + weight * (z - 0.5))))).astype(int)
    return {"g": group, "z": z, "x": x, "noise": noise, "y": y}


def searched(table: Make, columns: dict[str, object]) -> Subject:
    return table(columns, label="y", favourable="1", protected=("g",), features=("x", "z", "noise"))


def test_an_alternative_that_is_there_is_found_and_told_with_its_price(table: Make) -> None:
    result = judged(alternatives, searched(table, world(0.95, 0.3)))
    (found,) = result.findings
    assert result.verdict is Verdict.WARN, found.message
    assert "without z" in str(found.details["chosen"])
    assert found.details["tried"] == 15
    assert found.details["looks_at_the_reported_rows"] == 1
    assert "costs" in found.message
    assert "moves AIR from" in found.message


def test_without_a_gap_nothing_is_gained(table: Make) -> None:
    assert judged(alternatives, searched(table, world(0.5, 0.3))).verdict is Verdict.PASS


def test_the_choice_does_not_depend_on_the_rows_it_is_reported_on(table: Make) -> None:
    """Turn every outcome and group of the reported quarter round: the same alternative is chosen, and only its figures change."""
    from mlgov_validators.alternatives import _parts

    columns = world(0.95, 0.3)
    first = judged(alternatives, searched(table, columns)).findings[0]
    parts = _parts(np.asarray(columns["y"]))
    kept = {*parts.learn.tolist(), *parts.choose.tolist()}
    assert not kept & {*parts.report.tolist()}
    turned = {name: np.array(values) for name, values in columns.items()}
    turned["y"][parts.report] = 1 - turned["y"][parts.report]
    turned["g"][parts.report] = 1 - turned["g"][parts.report]
    second = judged(alternatives, searched(table, turned)).findings[0]
    assert second.details["chosen"] == first.details["chosen"]
    assert second.details["front"] == first.details["front"]
    assert second.details["auc"] != first.details["auc"]


def test_the_best_of_many_looks_is_not_mistaken_for_a_finding(table: Make) -> None:
    """Twelve features of noise: on the rows they were chosen on some look fairer; on the reported rows the gain averages out."""
    gains = []
    for seed in range(12):
        rng = np.random.default_rng(seed)
        x = rng.normal(size=1200)
        columns = {"g": rng.integers(0, 2, 1200), "x": x, "y": (rng.random(1200) < 1 / (1 + np.exp(-x))).astype(int)}
        columns |= {f"n{number}": rng.normal(size=1200) for number in range(12)}
        names = tuple(name for name in columns if name not in ("g", "y"))
        found = judged(alternatives, table(columns, label="y", favourable="1", protected=("g",), features=names)).findings[0]
        assert isinstance(found.measured, float)
        gains.append(found.measured)
    assert abs(np.mean(gains)) < 0.03, gains


@pytest.mark.parametrize("rows", [60, 200])
def test_too_few_rows_to_search_and_report_are_inconclusive(table: Make, rows: int) -> None:
    assert judged(alternatives, searched(table, world(0.9, 0.3, rows))).verdict is Verdict.INCONCLUSIVE


def test_wide_tables_get_fewer_fits_and_say_how_many(table: Make) -> None:
    rng = np.random.default_rng(1)
    columns = {f"n{number}": rng.normal(size=3000) for number in range(120)}
    columns |= {"g": rng.integers(0, 2, 3000), "y": rng.integers(0, 2, 3000)}
    names = tuple(name for name in columns if name.startswith("n"))
    found = judged(alternatives, table(columns, label="y", favourable="1", protected=("g",), features=names)).findings[0]
    assert found.details["tried"] == math.floor(4e10 / (1500 * 120 * 120)) or found.details["tried"] == 60
