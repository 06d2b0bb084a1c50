"""What the trail says, and that nothing unreadable in it is an approval."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

import pytest

from jupyter_mlgov.audit.entries import GENESIS, AuditEntry, Draft, link
from jupyter_mlgov.core.actors import Actor
from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.core.facts import plain
from jupyter_mlgov.core.team import Team
from jupyter_mlgov.promotion.facts import Answer, Decision, Reason, Review
from jupyter_mlgov.promotion.fold import decisions, reviews, worked_on

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
ANA = Actor(id="ana", source="git")
BOB = Actor(id="bob", source="jupyter")
REPORT, OLDER, FOREIGN = Digest.of_text("report"), Digest.of_text("older"), Digest.of_text("foreign")


def entry(action: str, payload: Mapping[str, object], *, actor: Actor = BOB, subject: str = "credit") -> AuditEntry:
    return link(Draft(action=action, subject=subject, payload=payload), seq=1, time=NOON, actor=actor, previous=GENESIS)


def a_review(report: Digest = REPORT, **more: object) -> dict[str, object]:
    given = Review(actor=BOB, verdict="approve", report=report, comment="read", time=NOON, attests_unchecked=True)
    return {**plain(given), "notebook": "credit.ipynb", **more}


def a_decision(answer: Answer = Answer.GRANTED, *reasons: Reason) -> Decision:
    return Decision(
        model="credit",
        version="3",
        stage="staging",
        answer=answer,
        reasons=reasons,
        report=REPORT,
        team=Team().digest,
        asked_by=BOB,
        approved_by=(BOB,),
        notes=("n",),
    )


def test_a_review_comes_back_as_it_was_given() -> None:
    (found,) = reviews([entry("review.given", a_review())], REPORT)
    assert found == Review(actor=BOB, verdict="approve", report=REPORT, comment="read", time=NOON, attests_unchecked=True, seq=1)


@pytest.mark.parametrize(
    "wrong",
    [
        {"verdict": "APPROVE"},
        {"verdict": True},
        {"verdict": None},
        {"report": "sha256:short"},
        {"report": None},
        {"actor": None},
        {"actor": "bob"},
        {"actor": {"id": "bob"}},
        {"actor": {"id": "", "source": "git"}},
        {"actor": {"id": "bob", "source": "word of mouth"}},
        {"actor": {"id": "carol", "source": "git"}},
        {"time": "yesterday"},
        {"time": "2026-11-23T12:00:00"},
        {"time": 7},
        {"attests_unchecked": "yes"},
        {"attests_unchecked": 1},
        {"comment": ["x"]},
    ],
)
def test_a_malformed_payload_is_never_an_approval(wrong: dict[str, object]) -> None:
    assert reviews([entry("review.given", a_review(**wrong))], REPORT) == ()


def test_another_act_with_a_review_in_its_payload_is_no_review() -> None:
    assert reviews([entry("validation.done", a_review())], REPORT) == ()


def test_reviews_of_older_reports_on_this_notebook_come_too_and_of_other_notebooks_do_not() -> None:
    trail = [
        entry("validation.done", {"notebook": "credit.ipynb", "digest": REPORT}),
        entry("review.given", a_review(OLDER)),
        entry("review.given", a_review(FOREIGN, notebook="other.ipynb")),
        entry("review.given", a_review(REPORT)),
    ]
    assert [review.report for review in reviews(trail, REPORT)] == [OLDER, REPORT]


def test_everyone_who_ran_the_notebook_in_any_session_is_an_author_and_a_validator_of_it_is_not() -> None:
    """The four-eyes hole: let a colleague run the last session, then approve your own model."""
    carol = Actor(id="carol", source="os")
    trail = [
        entry("session.started", {}, actor=ANA, subject="credit.ipynb"),
        entry("cell.finished", {"notebook": "credit.ipynb"}, actor=ANA, subject="credit.ipynb"),
        entry("session.started", {}, actor=BOB, subject="credit.ipynb"),
        entry("validation.done", {"notebook": "credit.ipynb"}, actor=carol),
        entry("cell.finished", {}, actor=carol, subject="other.ipynb"),
    ]
    assert worked_on(trail, "credit.ipynb") == (ANA, BOB)


def test_a_decision_comes_back_as_it_was_taken() -> None:
    granted, refused = a_decision(), a_decision(Answer.REFUSED, Reason(code="no-report", sentence="s", next="n"))
    trail = [entry("promotion.decided", {**plain(one), "notebook": "credit.ipynb", "outcome": "x"}) for one in (refused, granted)]
    assert decisions(trail, "credit") == (refused, granted)
    assert decisions(trail, "other") == ()


@pytest.mark.parametrize(
    "wrong",
    [
        {"answer": "yes"},
        {"answer": None},
        {"version": 3},
        {"model": "other"},
        {"team": "x"},
        {"asked_by": None},
        {"reasons": "none"},
        {"reasons": [{"code": "no-report", "sentence": "s", "next": "n", "severity": "high"}]},
        {"reasons": [{"code": "no-report"}]},
        {"approved_by": [{"id": "bob"}]},
    ],
)
def test_a_malformed_decision_is_never_a_grant(wrong: dict[str, object]) -> None:
    assert decisions([entry("promotion.decided", {**plain(a_decision()), **wrong})], "credit") == ()
