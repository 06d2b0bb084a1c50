"""The shortest list: in order, merged where one deed answers several reasons, apart where it does not."""

from __future__ import annotations

from jupyter_mlgov.core.actors import Actor
from jupyter_mlgov.core.team import Team
from jupyter_mlgov.core.verdicts import Severity
from jupyter_mlgov.promotion.facts import Answer, Decision, Reason
from jupyter_mlgov.promotion.why import shortest


def a_decision(*codes: str) -> Decision:
    reasons = tuple(
        Reason(code=code, sentence=f"{code} {index}.", next=f"do {code} {index}.", cell=f"c{index}") for index, code in enumerate(codes)
    )
    return Decision(
        model="credit",
        version="",
        stage="staging",
        answer=Answer.REFUSED if reasons else Answer.GRANTED,
        reasons=reasons,
        report=None,
        team=Team().digest,
        asked_by=Actor(id="ana", source="os"),
    )


def codes(*given: str) -> list[str]:
    return [reason.code for reason in shortest(a_decision(*given))]


def test_an_open_gate_leaves_nothing_to_do() -> None:
    assert codes() == []


def test_a_stale_report_swallows_its_verdicts_and_says_that_they_are_judged_anew() -> None:
    todo = shortest(a_decision("stale-report", "verdict-fail", "verdict-error", "approvals"))
    assert [reason.code for reason in todo] == ["validate", "approvals"]
    assert "2 blocking verdicts of the last report" in todo[0].sentence


def test_steps_come_first_as_one_line_then_the_validation_that_they_make_due() -> None:
    todo = shortest(a_decision("step-stale", "step-never-ran", "verdict-fail", "no-version", "approvals"))
    assert [reason.code for reason in todo] == ["run", "validate", "approvals"]
    assert "do step-stale 0." in todo[0].next
    assert "do step-never-ran 1." in todo[0].next


def test_a_failed_step_is_mended_before_others_run() -> None:
    assert codes("step-stale", "step-failed", "no-report") == ["step-failed", "step-stale", "validate"]


def test_failing_validators_stay_apart_when_the_report_holds() -> None:
    assert codes("verdict-fail", "verdict-fail", "no-version") == ["verdict-fail", "verdict-fail", "no-version"]


def test_one_review_answers_the_unchecked_controls_and_the_missing_approval() -> None:
    (todo,) = shortest(a_decision("unchecked", "unchecked", "approvals"))
    assert todo.code == "review"
    assert "--attest-unchecked" in todo.next
    assert todo.severity is Severity.HIGH


def test_a_reason_nobody_foresaw_is_kept() -> None:
    assert codes("something-new", "no-report") == ["validate", "something-new"]
