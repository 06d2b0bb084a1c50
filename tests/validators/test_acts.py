"""What validators read from the trail is what other rooms write into it: the same names, the same keys, a sentence for each."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from jupyter_mlgov.audit.entries import ACTIONS
from jupyter_mlgov.core.actors import Actor
from jupyter_mlgov.core.facts import fields_of
from jupyter_mlgov.promotion.rollback import Looked, Receipt
from jupyter_mlgov.sdk import Check, CheckResult, Verdict
from jupyter_mlgov.testing import NOON
from jupyter_mlgov.validation.here import Here
from jupyter_mlgov.validation.plugins import installed_validators
from jupyter_mlgov.validation.records import Act, Records
from mlgov_validators.acts import ACTS

from .test_governance import BARE

ANN = Actor(id="ann", source="git")


def act(action: str, hours: float = 1, **payload: object) -> Act:
    return Act(action=action, subject="m", actor=ANN, time=NOON - timedelta(hours=hours), payload=payload)


def verdict(name: str, *acts: Act) -> tuple[Verdict, str]:
    check = installed_validators().get(name)
    assert isinstance(check, Check)
    subject = replace(BARE, records=Records(now=NOON, model="m", acts=acts))
    told = Here(subject).run(check, dict(check.defaults))
    assert isinstance(told, CheckResult)
    return told.verdict, " ".join(finding.message for finding in told.findings)


@pytest.mark.parametrize("action", sorted(ACTS))
def test_every_act_that_is_read_is_in_the_vocabulary(action: str) -> None:
    assert action in ACTIONS


def receipt(outcome: str, answer: str = "ok", problem: str = "") -> dict[str, object]:
    looked = (Looked(name="golden predictions", answer=answer, said="compared"),)  # type: ignore[arg-type]  # given by the test
    made = Receipt(
        model="m", stage="production", outcome=outcome, left="2", to="1", reason="r", actor=ANN, ordered=NOON, finished=NOON,
        seconds=4.0, before=looked, after=(), passed_over=(), problem=problem,
    )  # type: ignore[arg-type]  # fmt: skip
    return fields_of(made)


@pytest.mark.parametrize(
    ("action", "outcome", "answer", "expected"),
    [
        ("rollback.drilled", "drilled", "ok", Verdict.PASS),
        ("rollback.done", "done", "ok", Verdict.PASS),
        ("rollback.drilled", "drilled", "failed", Verdict.FAIL),
        ("rollback.drilled", "drilled", "unknown", Verdict.INCONCLUSIVE),
        ("rollback.drilled", "refused", "ok", Verdict.FAIL),
        ("rollback.failed", "failed", "ok", Verdict.FAIL),
    ],
)
def test_the_receipt_of_a_way_back_is_understood(action: str, outcome: str, answer: str, expected: Verdict) -> None:
    assert verdict("deploy.rollback", act(action, **receipt(outcome, answer)))[0] is expected


def requests(before: float, now: float, error: float, effect: float | None = 3.1) -> dict[str, object]:
    told = {"step": 1, "rates": [before, now], "clusters": [900, 100], "counted": [4000, 420], "standard_error": error}
    return {"srm_p": 0.4, "harm_p": 0.3, "final": True, "noninferior": True, "requests": {**told, "design_effect": effect}}


def test_rates_a_request_are_told_with_an_error_clustered_by_customer() -> None:
    found, said = verdict("deploy.canary", act("canary.judged", **requests(0.20, 0.21, 0.018)))
    assert found is Verdict.PASS
    assert "21.00% against 20.00%, +1.00% with a standard error of 1.80% clustered by customer (4,420 requests of 1,000 customers" in said
    assert "design effect 3.10" in said
    found, said = verdict("deploy.canary", act("canary.judged", **requests(0.20, 0.26, 0.018, None)))
    assert found is Verdict.WARN
    assert "3 standard errors or more" in said
    broken = {**requests(0.2, 0.2, 0.1), "requests": {"rates": 3}}
    assert verdict("deploy.canary", act("canary.judged", **broken))[0] is Verdict.INCONCLUSIVE


def gaps(missed: int, runs: int, *acts: Act) -> tuple[Verdict, str]:
    check = installed_validators().get("audit.completeness")
    assert isinstance(check, Check)
    assert BARE.lineage is not None
    one = next(run for run in BARE.lineage.runs if run.step)
    many = tuple(replace(one, gaps=("a file changed while it was read",) if at < missed else ()) for at in range(runs))
    subject = replace(BARE, lineage=replace(BARE.lineage, runs=many), records=Records(now=NOON, model="m", acts=acts))
    told = Here(subject).run(check, dict(check.defaults))
    assert isinstance(told, CheckResult)
    return told.verdict, told.findings[0].message


@pytest.mark.parametrize(("missed", "runs", "expected"), [(0, 4, Verdict.PASS), (1, 1000, Verdict.WARN), (1, 999, Verdict.FAIL)])
def test_what_the_recorder_explains_is_a_warning_where_999_of_1000_have_their_entry(missed: int, runs: int, expected: Verdict) -> None:
    found, said = gaps(missed, runs)
    assert found is expected
    assert said.startswith(f"{runs - missed:,} of {runs:,} runs of tagged cells")


def test_a_move_without_a_decision_fails_however_small_its_share() -> None:
    assert gaps(0, 5000, APPLIED)[0] is Verdict.FAIL


GRANTED = replace(act("promotion.decided", 3, answer="granted", stage="staging"), entry="sha256:" + "1" * 64)
APPLIED = act("promotion.applied", 2, stage="staging", decision="sha256:" + "1" * 64)
DRIFT = {"model": "m", "stage": "staging", "sentence": "staging of m shows version 3 in the registry; the trail says version 2."}


@pytest.mark.parametrize(
    ("acts", "expected"),
    [
        ((), Verdict.PASS),
        ((GRANTED, APPLIED), Verdict.WARN),
        ((GRANTED, APPLIED, act("registry.reconciled", 1, drifted=[], compared=1)), Verdict.PASS),
        ((GRANTED, act("registry.reconciled", 2.5, drifted=[], compared=0), APPLIED), Verdict.WARN),
        ((GRANTED, APPLIED, act("registry.reconciled", 1, drifted=[DRIFT], compared=1)), Verdict.FAIL),
        ((GRANTED, APPLIED, act("registry.reconciled", 1, drifted=[{**DRIFT, "model": "another"}], compared=1)), Verdict.PASS),
    ],
)
def test_the_registry_must_have_been_held_against_the_trail_since_it_moved(acts: tuple[Act, ...], expected: Verdict) -> None:
    assert verdict("audit.completeness", *acts)[0] is expected
