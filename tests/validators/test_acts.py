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
from jupyter_mlgov.validation.plugins import installed_validators
from jupyter_mlgov.validation.records import Act, Records
from jupyter_mlgov.validation.runners import Here
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
