"""Decisions on the same rows, precision and recall, bootstrap from counts: published numbers and peers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_mlgov.sdk import Subject, Verdict
from jupyter_mlgov.validation.engine import validate
from jupyter_mlgov.validation.plugins import Registry
from jupyter_mlgov.validation.results import CheckResult
from mlgov_validators.decisions import at_cutoff, cost_difference, discord, mcnemar
from mlgov_validators.performance import benchmark, discrimination
from mlgov_validators.ranking import auc, average_precision, paired_difference
from mlgov_validators.resampling import mean_interval, rate_interval

from .conftest import Make, judged

ROLES = {"label": "y", "favourable": "1", "score": "s"}


def with_parameters(check: object, subject: Subject, **values: object) -> CheckResult:
    return validate(subject, (), Registry.of(check), parameters={check.id: values}).results[0]  # type: ignore[attr-defined,arg-type]  # a Check


def test_mcnemar_of_the_approval_ratings() -> None:
    """Agresti, Categorical Data Analysis, table 10.1: 86 against 150 changed their mind, z^2 = 17.36 without the correction."""
    assert mcnemar(86, 150, corrected=False)[0] == pytest.approx(17.36, abs=5e-3)
    assert mcnemar(86, 150)[0] == pytest.approx(63**2 / 236)


@pytest.mark.parametrize(("b", "c"), [(0, 0), (3, 9), (12, 12), (24, 0), (13, 12), (40, 10), (10, 40)])
def test_statsmodels_agrees_on_mcnemar(b: int, c: int) -> None:
    from statsmodels.stats.contingency_tables import mcnemar as peer

    if b + c == 0:
        assert mcnemar(b, c) == (None, 1.0)
        return
    theirs = peer([[5, b], [c, 5]], exact=b + c < 25, correction=True)
    assert mcnemar(b, c)[1] == pytest.approx(theirs.pvalue, abs=1e-12)
    assert (mcnemar(b, c)[0] is None) == (b + c < 25)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.booleans(), st.integers(-3, 3)), min_size=1, max_size=60).filter(lambda rows: any(one for one, _ in rows)))
def test_average_precision_is_scikit_learns(rows: list[tuple[bool, int]]) -> None:
    from sklearn.metrics import average_precision_score

    label, score = np.array([one for one, _ in rows]), np.array([float(two) for _, two in rows])
    assert average_precision(score, label) == pytest.approx(average_precision_score(label, score), abs=1e-12)


def test_precision_of_nothing_flagged_is_undefined() -> None:
    none, some = np.array([False, False]), np.array([True, False])
    assert (at_cutoff(none, some).precision, at_cutoff(none, some).recall) == (None, 0.0)
    assert at_cutoff(some, none).recall is None
    assert at_cutoff(none, none).f1 is None


def test_delong_on_scores_that_rank_alike_has_no_interval() -> None:
    score, label = np.array([0.1, 0.4, 0.35, 0.8]), np.array([False, False, True, True])
    assert auc(score, label).value == 0.75
    assert paired_difference(auc(score, label), auc(score * 2, label)) == (0.0, None, 1.0)


def test_a_bootstrap_from_counts_is_the_bootstrap_of_rows() -> None:
    rng = np.random.default_rng(1)
    rows = np.repeat([1.0, 0.0, -0.5], [120, 250, 30])
    drawn = np.array([rng.choice(rows, len(rows)).mean() for _ in range(2000)])
    assert mean_interval([1.0, 0.0, -0.5], [120, 250, 30]) == pytest.approx(tuple(np.quantile(drawn, [0.025, 0.975])), abs=0.006)
    zeros = np.repeat([1.0, 0.0], [120, 280])
    drawn = np.array([rng.choice(zeros, 400).mean() for _ in range(2000)])
    assert rate_interval(120, 400) == pytest.approx(tuple(np.quantile(drawn, [0.025, 0.975])), abs=0.006)
    assert rate_interval(120, 400) == rate_interval(120, 400)
    assert rate_interval(0, 0) is None
    assert mean_interval([1.0], [0]) is None


def test_cost_counts_each_kind_of_mistake() -> None:
    ours, theirs = np.array([True, True, False, False]), np.array([True, False, True, False])
    truth = np.array([True, False, True, False])
    mean, interval = cost_difference(ours, theirs, truth, 5.0, 1.0, 200)
    assert mean == pytest.approx((5.0 + 1.0) / 4)
    assert interval is not None
    assert discord(ours, theirs, truth).ours == 0
    assert discord(ours, theirs, truth).theirs == 2


def sample(rows: int = 4000) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(4)
    y = (rng.random(rows) < 0.9).astype(int)
    odds = rng.normal(size=rows) + 1.6 * y
    worse = odds + rng.normal(size=rows) * 2
    return {"y": y, "s": 1 / (1 + np.exp(-odds)), "b": 1 / (1 + np.exp(-worse)), "live": 1 / (1 + np.exp(-odds - 0.01))}


def test_the_live_model_is_compared_as_well_and_only_has_to_be_no_better(table: Make) -> None:
    result = judged(benchmark, table(sample(), **ROLES, baseline="b", champion="live"))
    assert [found.details["against"] for found in result.findings] == ["b", "live"]
    assert result.verdict is Verdict.PASS


def test_a_better_champion_fails_the_challenger(table: Make) -> None:
    given = sample()
    given["s"], given["live"] = given["b"], given["s"]
    given["b"] = np.random.default_rng(9).random(len(given["y"]))
    result = judged(benchmark, table(given, **ROLES, baseline="b", champion="live"))
    assert [found.verdict for found in result.findings] == [Verdict.PASS, Verdict.FAIL]
    assert "loses" in result.findings[1].message


def test_at_a_cutoff_decisions_and_cost_are_compared(table: Make) -> None:
    result = judged(benchmark, table(sample(), **ROLES, baseline="b", cutoff="0.5"))
    assert [found.where for found in result.findings] == ["s", "b", "b"]
    assert str(result.findings[1].details["test"]).startswith("McNemar")
    assert result.findings[2].details["interval_method"] == "paired bootstrap from counts"


def test_precision_and_recall_are_of_the_rarer_outcome(table: Make) -> None:
    given = sample()
    result = judged(discrimination, table(given, **ROLES, cutoff="0.5"))
    details = result.findings[0].details
    flagged, bad = given["s"] < 0.5, given["y"] == 0
    assert details["rarer"] == "unfavourable outcome"
    assert details["precision"] == pytest.approx((flagged & bad).sum() / flagged.sum())
    assert details["recall"] == pytest.approx((flagged & bad).sum() / bad.sum())
    assert details["pr_auc"] == pytest.approx(average_precision(-given["s"], bad))


@pytest.mark.parametrize(
    ("values", "roles", "verdict"),
    [
        ({"pr_floor": 0.9}, {}, Verdict.FAIL),
        ({"recall_floor": 0.99}, {"cutoff": "0.5"}, Verdict.FAIL),
        ({"recall_floor": 0.01}, {"cutoff": "0.5"}, Verdict.PASS),
        ({"precision_floor": 0.1}, {}, Verdict.INCONCLUSIVE),
        ({"precision_floor": 0.1}, {"cutoff": "-1"}, Verdict.INCONCLUSIVE),
        ({"precision_floor": 0.1}, {"cutoff": "half"}, Verdict.INCONCLUSIVE),
    ],
)
def test_a_floor_that_is_set_is_judged(table: Make, values: dict[str, object], roles: dict[str, str], verdict: Verdict) -> None:
    result = with_parameters(discrimination, table(sample(), **ROLES, **roles), **values)
    assert result.verdict is verdict, [found.message for found in result.findings]
