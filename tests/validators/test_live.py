"""monitor.performance: matured cohorts with intervals; an estimate is never a measurement."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from jupyter_mlgov.sdk import CheckResult, Subject, Verdict
from mlgov_validators.live import live_performance

from .conftest import Make, judged
from .others import kept

RANDOM = np.random.default_rng(9)
N = 3000


def decided(signal: float, n: int = N) -> dict[str, Any]:
    """Scores that are true probabilities when `signal` is 1."""
    score = RANDOM.random(n)
    return {"s": score, "y": (RANDOM.random(n) < 0.5 + signal * (score - 0.5)).astype(int).tolist()}


VALIDATED = decided(1.0)


def live(table: Make, columns: dict[str, Any], **more: Any) -> Subject:
    register = more.pop("register", None)
    given = table(columns, score="s", label="y", favourable="1", **{"cutoff": "0.5", **more})
    return replace(given, register=register, reference_path=kept(given, "reference", VALIDATED))


def told(result: CheckResult) -> str:
    return " ".join(one.message for one in result.findings)


def test_a_fall_is_measured_with_the_interval_of_both_samples(table: Make) -> None:
    now = decided(0.6)
    first = judged(live_performance, live(table, now)).findings[0]
    fall = roc_auc_score(VALIDATED["y"], VALIDATED["s"]) - roc_auc_score(now["y"], now["s"])
    assert first.measured == pytest.approx(fall, abs=1e-12)
    assert first.interval is not None
    assert 0 < first.interval[0] < fall < first.interval[1]
    assert first.verdict is Verdict.FAIL


def test_as_validated_passes(table: Make) -> None:
    result = judged(live_performance, live(table, decided(1.0)))
    assert result.verdict is Verdict.PASS, told(result)
    assert "Matured: precision" in told(result)
    assert "ratio" in told(result)


def test_a_small_sample_does_not_fail_by_chance(table: Make) -> None:
    verdicts = {judged(live_performance, live(table, decided(1.0, 100))).findings[0].verdict for _ in range(5)}
    assert Verdict.FAIL not in verdicts
    assert judged(live_performance, live(table, decided(1.0, 20))).verdict is Verdict.INCONCLUSIVE


def test_scores_that_promise_too_much_are_noticed(table: Make) -> None:
    now = decided(1.0)
    now["s"] = np.sqrt(now["s"])
    found = next(one for one in judged(live_performance, live(table, now)).findings if "ratio" in one.message)
    assert found.verdict is Verdict.WARN
    assert found.measured == pytest.approx(0.75, abs=0.03)


def test_an_estimate_is_marked_and_closes_nothing(table: Make) -> None:
    now = decided(1.0, 200)
    now["y"] = [None] * 200
    result = judged(live_performance, live(table, {"s": now["s"], "y": [*now["y"][:-1], 1]}))
    found = next(one for one in result.findings if one.message.startswith("Estimated, not measured"))
    assert found.verdict is Verdict.NOT_APPLICABLE
    assert result.verdict is Verdict.INCONCLUSIVE


def test_outcomes_that_do_not_come_fail(table: Make) -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    now = decided(1.0)
    now["t"] = [start + timedelta(days=k // 15) for k in range(N)]
    now["y"] = [y if k < 600 else None for k, y in enumerate(now["y"])]
    plan = {"monitoring": {"auc": {"label_delay": "60 days"}}}
    result = judged(live_performance, live(table, now, time="t", register=plan))
    assert "The newest outcome is 160 days older than the newest decision; the label delay is 60 days." in told(result)
    assert result.verdict is Verdict.FAIL
    assert (
        judged(live_performance, live(table, now, time="t", register={"monitoring": {"auc": {"label_delay": "90 days"}}})).verdict
        is not Verdict.FAIL
    )


def test_a_bad_month_is_named(table: Make) -> None:
    good, bad = decided(1.0), decided(0.0, 800)
    when = [datetime(2026, 6, 5, tzinfo=UTC)] * N + [datetime(2026, 7, 5, tzinfo=UTC)] * 800
    now = {"s": [*good["s"], *bad["s"]], "y": [*good["y"], *bad["y"]], "t": when}
    assert "Cohort 2026-07: AUC" in told(judged(live_performance, live(table, now, time="t")))


@pytest.mark.parametrize(
    "columns",
    [
        {"s": [0.5] * 80, "y": [0, 1] * 40},
        {"s": [None] * 80, "y": [0, 1] * 40},
        {"s": [0.5] * 80, "y": [1] * 80},
        {"s": [float("inf")] * 80, "y": [0, 1] * 40},
        {"s": ["a"] * 80, "y": [0, 1] * 40},
        {"s": [0.0] * 80, "y": [0, 1] * 40},
    ],
)
def test_odd_scores_have_a_verdict_and_it_is_no_pass(table: Make, columns: dict[str, Any]) -> None:
    result = judged(live_performance, live(table, columns))
    assert result.verdict not in (Verdict.ERROR, Verdict.PASS), result.summary


def test_nothing_to_compare_with_is_inconclusive(table: Make) -> None:
    given = replace(live(table, decided(1.0)), reference_path=None)
    result = judged(live_performance, given)
    assert result.verdict is Verdict.INCONCLUSIVE
    assert "no reference with score and outcome" in result.summary
