"""perf.discrim and perf.benchmark: against scikit-learn, and at their edges."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_mlgov.sdk import Verdict
from mlgov_validators.performance import benchmark, discrimination
from mlgov_validators.ranking import auc, hanley_mcneil, ks, paired_difference, roc

from .conftest import Make, judged

ROLES = {"label": "y", "favourable": "1", "score": "s"}


def sample(rows: int = 600, shift: float = 1.5, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    label = rng.integers(0, 2, rows)
    return label, rng.normal(size=rows) + shift * label


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.tuples(st.booleans(), st.integers(-3, 3)), min_size=2, max_size=60).filter(lambda rows: len({one for one, _ in rows}) == 2)
)
def test_auc_is_scikit_learns_with_ties_too(rows: list[tuple[bool, int]]) -> None:
    from sklearn.metrics import roc_auc_score

    label, score = np.array([one for one, _ in rows]), np.array([float(two) for _, two in rows])
    assert auc(score, label).value == pytest.approx(roc_auc_score(label, score), abs=1e-12)


def test_ks_is_scipys() -> None:
    from scipy.stats import ks_2samp

    label, score = sample()
    assert ks(score, label == 1) == pytest.approx(ks_2samp(score[label == 1], score[label == 0]).statistic, abs=1e-12)


def test_delong_is_near_hanley_mcneil_and_the_bootstrap() -> None:
    label, score = sample(2000)
    area = auc(score, label == 1)
    assert area.variance**0.5 == pytest.approx(hanley_mcneil(area.value, int(label.sum()), int((1 - label).sum())), rel=0.1)
    rng = np.random.default_rng(5)
    drawn = [auc(score[rows], label[rows] == 1).value for rows in (rng.integers(0, 2000, 2000) for _ in range(400))]
    assert area.variance**0.5 == pytest.approx(float(np.std(drawn)), rel=0.15)


def test_a_paired_difference_covers_the_bootstrap() -> None:
    label, score = sample(1500)
    other = score + np.random.default_rng(9).normal(size=1500)
    gap, interval, _ = paired_difference(auc(score, label == 1), auc(other, label == 1))
    assert interval is not None
    rng = np.random.default_rng(3)
    rows = [rng.integers(0, 1500, 1500) for _ in range(400)]
    drawn = [auc(score[one], label[one] == 1).value - auc(other[one], label[one] == 1).value for one in rows]
    assert interval == pytest.approx(tuple(np.quantile(drawn, [0.025, 0.975])), abs=0.006)
    assert gap == pytest.approx(float(np.mean(drawn)), abs=0.003)


@pytest.mark.parametrize(
    ("label", "score", "verdict", "said"),
    [
        (*sample(), Verdict.PASS, "over the floor"),
        (*sample(shift=0.1), Verdict.FAIL, "under the floor"),
        (sample()[0], -sample()[1], Verdict.FAIL, "wrong way"),
        (sample()[0], np.ones(600), Verdict.FAIL, "same score"),
        (sample()[0], sample()[0] * 1.0, Verdict.WARN, "perfectly"),
        (np.ones(600), sample()[1], Verdict.INCONCLUSIVE, "one class only"),
        (np.array([1] * 5 + [0] * 595), sample()[1], Verdict.INCONCLUSIVE, "too few"),
        (sample()[0], np.full(600, np.nan), Verdict.INCONCLUSIVE, "one class only"),
        (sample()[0], np.array(["x"] * 600), Verdict.INCONCLUSIVE, "not a number"),
        (np.arange(600) + 2, sample()[1], Verdict.INCONCLUSIVE, "never occurs"),
    ],
)
def test_discrimination_has_its_verdict(table: Make, label: np.ndarray, score: np.ndarray, verdict: Verdict, said: str) -> None:
    result = judged(discrimination, table({"y": label, "s": score}, **ROLES))
    assert result.verdict is verdict, result.summary
    assert said in " ".join([result.summary, *(one.message for one in result.findings)])


@pytest.mark.parametrize(("gone", "verdict"), [(6, Verdict.WARN), (60, Verdict.INCONCLUSIVE)])
def test_scores_that_are_nan_are_counted_and_said(table: Make, gone: int, verdict: Verdict) -> None:
    label, score = sample()
    score[:gone] = np.nan
    result = judged(discrimination, table({"y": label, "s": score}, **ROLES))
    assert result.verdict is verdict
    assert f"{gone} of 600 rows have no score" in result.findings[-1].message


def test_the_label_is_the_outcome_where_no_other_is_named(table: Make) -> None:
    label, score = sample()
    result = judged(discrimination, table({"y": label, "s": score}, outcome="y", favourable="1", score="s"))
    assert result.verdict is Verdict.PASS


@pytest.mark.parametrize(
    ("shift", "noise", "verdict"),
    [(0.0, 2.0, Verdict.PASS), (0.0, 0.0, Verdict.WARN), (2.0, 0.0, Verdict.FAIL)],
    ids=["better", "same", "worse"],
)
def test_the_benchmark_has_its_verdict(table: Make, shift: float, noise: float, verdict: Verdict) -> None:
    label, score = sample(2000)
    rng = np.random.default_rng(2)
    baseline = score + shift * label + noise * rng.normal(size=2000)
    result = judged(benchmark, table({"y": label, "s": score, "b": baseline}, **ROLES, baseline="b"))
    assert result.verdict is verdict, result.summary


def test_the_order_of_rows_does_not_move_a_digit(table: Make) -> None:
    label, score = sample(5000)
    baseline = score + np.random.default_rng(4).normal(size=5000)
    order = np.random.default_rng(8).permutation(5000)
    first = table({"y": label, "s": score, "b": baseline}, **ROLES, baseline="b")
    results = [judged(check, first) for check in (discrimination, benchmark)]
    second = table({"y": label[order], "s": score[order], "b": baseline[order]}, **ROLES, baseline="b")
    assert results == [judged(check, second) for check in (discrimination, benchmark)]


def test_the_roc_curve_is_that_of_scikit_learn_and_its_area_is_the_auc() -> None:
    from sklearn.metrics import roc_curve

    rng = np.random.default_rng(7)
    score, positive = np.round(rng.normal(size=300), 2), rng.random(300) < 0.4
    fpr, tpr, _ = roc_curve(positive, score, drop_intermediate=False)
    whole = roc(score, positive, most=1000)
    assert whole["fpr"] == pytest.approx(fpr, abs=1e-6)
    assert whole["tpr"] == pytest.approx(tpr, abs=1e-6)
    assert np.trapezoid(whole["tpr"], whole["fpr"]) == pytest.approx(auc(score, positive).value, abs=1e-5)
    thinned = roc(score, positive)
    assert len(thinned["fpr"]) <= 41
    exact = {(round(x, 6), round(y, 6)) for x, y in zip(fpr, tpr, strict=True)}
    assert set(zip(thinned["fpr"], thinned["tpr"], strict=True)) <= exact
    assert (thinned["fpr"][0], thinned["tpr"][0], thinned["fpr"][-1], thinned["tpr"][-1]) == (0, 0, 1, 1)
