"""The queue in a real workspace: asked, claimed, talked about, sealed, approved with conditions; and void when its subject changes."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from jupyter_mlgov.audit.entries import Draft
from jupyter_mlgov.core.errors import BadInput, NotReady, StorageProblem, UsageError
from jupyter_mlgov.core.facts import fields_of
from jupyter_mlgov.core.restoring import restore
from jupyter_mlgov.core.verdicts import Severity
from jupyter_mlgov.promotion.cases import State
from jupyter_mlgov.promotion.docket import replay
from jupyter_mlgov.promotion.facts import Answer, Limit
from jupyter_mlgov.promotion.terms import Terms, every, terms
from jupyter_mlgov.reports.html import page
from jupyter_mlgov.reports.text import text
from jupyter_mlgov.testing import FixedClock
from jupyter_mlgov.workspace import reviewing, waiving
from jupyter_mlgov.workspace.impact import impact
from jupyter_mlgov.workspace.waiving import Wish
from tests.workspace.gated import NOTEBOOK, TEAM, Gated, gated, train, validated

BOB, CARL = "bob@firm.example", "carl@firm.example"


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture
def house(tmp_path: Path, clock: FixedClock) -> Gated:
    made = gated(tmp_path, clock)
    validated(made)
    return made


def asked(house: Gated) -> int:
    return reviewing.ask(house, NOTEBOOK, "staging").case.number


def test_from_asking_to_the_alias_with_every_word_in_the_trail(house: Gated) -> None:
    number = asked(house)
    assert asked(house) == number, "asking twice is one case"
    bob = house.acting(BOB)
    assert reviewing.claim(bob, number).state is State.CLAIMED
    reviewing.say(bob, number, "question", "why 500 rounds?")
    case = reviewing.say(house, number, "answer", "it converged at 300").case
    assert [said.kind for said in case.talk] == ["question", "answer"]
    bob.review(NOTEBOOK, "approve", "read it", attests_unchecked=True, number=number)
    decision = house.promote("staging", NOTEBOOK)
    assert decision.answer is Answer.GRANTED, decision.reasons
    assert [actor.id for actor in decision.approved_by] == [BOB]
    assert house.shown == {"staging": "1"}
    assert reviewing.find(house, number).state is State.CLOSED
    assert [one.outcome for one in replay(tuple(house.journal.entries()))] == ["agrees"]
    assert house.audit().ok


def test_who_worked_on_it_cannot_claim_it_and_a_claimed_one_is_taken(house: Gated) -> None:
    number = asked(house)
    with pytest.raises(UsageError, match="four eyes"):
        reviewing.claim(house, number)
    with pytest.raises(UsageError, match="four eyes"):
        reviewing.claim(house.acting("ana"), number)
    reviewing.claim(house.acting(BOB), number)
    with pytest.raises(UsageError, match="has review"):
        reviewing.claim(house.acting(CARL), number)
    with pytest.raises(UsageError, match="not yours"):
        reviewing.release(house.acting(CARL), number)
    reviewing.release(house.acting(BOB), number)
    assert reviewing.claim(house.acting(CARL), number).case.claimed_by


def test_a_changed_subject_voids_it_and_says_what_changed(house: Gated) -> None:
    number = asked(house)
    house.acting(BOB).review(NOTEBOOK, "approve", "fine", attests_unchecked=True, number=number)
    train(house, "2")
    one = reviewing.find(house, number)
    assert one.state is State.VOID
    assert any("the model changed" in told for told in one.case.changed)
    with pytest.raises(NotReady, match=r"void, because since then.*the model changed"):
        house.acting(CARL).review(NOTEBOOK, "approve", "too late", attests_unchecked=True, number=number)
    assert house.promote("staging", NOTEBOOK).answer is Answer.REFUSED
    validated(house)
    decision = house.promote("staging", NOTEBOOK)
    assert [reason.code for reason in decision.reasons] == ["approvals"]
    assert any("of another report" in note for note in decision.notes)


def test_a_review_of_an_outdated_report_is_refused_by_its_number(house: Gated) -> None:
    number = asked(house)
    validated(house, Severity.LOW)
    with pytest.raises(NotReady, match="there is a newer report"):
        house.acting(BOB).review(NOTEBOOK, "approve", "read the old one", attests_unchecked=True, number=number)


def test_a_report_that_no_longer_holds_cannot_be_put_into_the_queue(house: Gated) -> None:
    train(house, "2")
    with pytest.raises(NotReady, match="no longer holds"):
        asked(house)


def test_impact_names_what_changed_what_falls_and_the_reviews_that_are_void(house: Gated) -> None:
    number = asked(house)
    train(house, "2")
    found = impact(house, NOTEBOOK)
    assert "the model changed" in found.changed
    assert {one.validator for one in found.falls} == {"perf.discrim", "fair.air"}
    assert found.void == (number,)
    assert found.unknown


def test_the_packet_is_sealed_and_a_changed_object_is_named(house: Gated) -> None:
    number = asked(house)
    found = reviewing.packet(house, number)
    assert found.problems == ()
    assert found.content["report"] == reviewing.find(house, number).case.report
    assert "ana@firm" not in str(found.content), "an object cannot be erased, so no name stands in it"
    path = house.objects.path(found.digest)
    path.chmod(0o644)
    path.write_bytes(path.read_bytes().replace(b"staging", b"STAGING"))
    with pytest.raises(StorageProblem):
        reviewing.packet(house, number)


def test_conditions_are_carried_and_kept_at_the_last_stage_and_lapse(house: Gated, clock: FixedClock) -> None:
    until = (clock.now() + timedelta(days=5)).date().isoformat()
    five = Limit(name="traffic", most=0.05)
    house.acting(BOB).review(NOTEBOOK, "approve", "a pilot", attests_unchecked=True, limits=(five,), until=until)
    assert house.promote("staging", NOTEBOOK).limits == (five,)
    assert [reason.code for reason in house.promote("production", NOTEBOOK).reasons] == ["limit-unsaid"]
    assert house.promote("production", NOTEBOOK, (five,)).answer is Answer.GRANTED
    clock.advance(timedelta(days=6))
    assert house.promote("production", NOTEBOOK, (five,)).answer is not Answer.GRANTED
    with pytest.raises(UsageError, match="no conditions"):
        house.acting(BOB).review(NOTEBOOK, "refuse", "no", attests_unchecked=False, limits=(five,))
    with pytest.raises(UsageError, match="is past"):
        house.acting(BOB).review(NOTEBOOK, "approve", "yes", attests_unchecked=False, until="2020-01-01")


def test_a_waiver_from_asking_to_lapsing(house: Gated, clock: FixedClock) -> None:
    validated(house, Severity.CRITICAL)
    for who in (BOB, CARL):
        house.acting(who).review(NOTEBOOK, "approve", "but for fairness", attests_unchecked=True)
    until = (clock.now() + timedelta(days=60)).date().isoformat()
    wish = Wish(waives="fair.air", reason="the book closes", limit="no new customers", until=until)
    number = waiving.ask(house, NOTEBOOK, wish).number
    with pytest.raises(UsageError, match="asked for this waiver"):
        waiving.answer(house, NOTEBOOK, number, "approve", "")
    first = waiving.answer(house.acting(BOB), NOTEBOOK, number, "approve", "bearable")
    assert "one approval" in first.objection
    assert house.promote("staging", NOTEBOOK).answer is Answer.REFUSED
    assert waiving.answer(house.acting(CARL), NOTEBOOK, number, "approve", "").objection == ""
    decision = house.promote("staging", NOTEBOOK)
    assert decision.answer is Answer.GRANTED, decision.reasons
    assert any("waived until" in note and "no new customers" in note for note in decision.notes)
    report = house.report(NOTEBOOK)
    assert report
    told = "fair.air is waived until"
    assert told in text(report, house.context(report, NOTEBOOK), width=500)
    assert told in page(report, house.context(report, NOTEBOOK))
    assert [told in check.waived for check in house.view(NOTEBOOK).checks if check.validator == "fair.air"] == [True]
    assert [check.verdict for check in house.view(NOTEBOOK).checks if check.validator == "fair.air"] == ["fail"]
    clock.advance(timedelta(days=61))
    assert house.context(report, NOTEBOOK).waived == ()
    assert "lapsed" in waiving.find(house, NOTEBOOK, number).objection
    assert house.promote("staging", NOTEBOOK).answer is Answer.REFUSED


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"waives": "fair.ari"}, 'Did you mean "fair.air"'),
        ({"until": "2027-06-01"}, "more than 90 days"),
        ({"until": "2020-01-01"}, "is past"),
        ({"reason": ""}, "says nothing"),
        ({"limit": " - "}, "says nothing"),
        ({"reason": "x" * 10_001}, "10,001 characters"),
    ],
)
def test_a_wish_that_cannot_be_granted_is_refused_at_once(house: Gated, more: dict[str, str], told: str) -> None:
    wish = {"waives": "fair.air", "reason": "why", "limit": "less", "until": "2026-12-24", **more}
    before = house.journal.head()
    with pytest.raises((UsageError, BadInput), match=told):
        waiving.ask(house, NOTEBOOK, Wish(**wish))
    assert house.journal.head() == before


HOSTILE = '<img src=x onerror=alert(1)>\'; DROP TABLE entries; --\t=HYPERLINK("http://x")\x1b[2J'


def test_hostile_text_is_kept_as_it_was_written_and_shown_without_its_teeth(house: Gated) -> None:
    from jupyter_mlgov.reports.why import decision_html, decision_text

    number = asked(house)
    reviewing.say(house.acting(BOB), number, "question", HOSTILE)
    house.acting(BOB).review(NOTEBOOK, "refuse", HOSTILE, attests_unchecked=False)
    waiving.ask(house, NOTEBOOK, Wish(waives="fair.air", reason=HOSTILE, limit=HOSTILE, until="2026-12-24"))
    decision = house.promote("staging", NOTEBOOK)
    assert reviewing.find(house, number).case.talk[0].text == HOSTILE
    assert "<img" not in decision_html(decision)
    assert "\x1b" not in decision_text(decision)
    assert house.audit().ok


def test_a_comment_of_a_hundred_megabytes_is_refused_and_nothing_is_written(house: Gated) -> None:
    before = house.journal.head()
    with pytest.raises(BadInput, match="100,000,000 characters"):
        house.acting(BOB).review(NOTEBOOK, "approve", "x" * 100_000_000, attests_unchecked=True)
    assert house.journal.head() == before


RULES = (
    TEAM
    + '[promotion]\nreviewers = ["bob@firm.example", "carl@firm.example"]\n[promotion.gates.staging]\napprovals = 2\nevidence_days = 30\n'
)
MILDER = RULES.replace("approvals = 2", "approvals = 1").replace("evidence_days = 30\n", "")
TOLD = "approvals was 2, is 1; evidence_days was 30, is 0"


def ruled(house: Gated, text: str) -> None:
    (house.root / "mlgov.toml").write_text(text, "utf-8")


def test_rules_made_milder_after_asking_void_the_review_and_say_which_from_what_to_what(house: Gated) -> None:
    ruled(house, RULES)
    number = asked(house)
    ruled(house, MILDER)
    one = reviewing.find(house, number)
    assert one.state is State.VOID
    assert one.case.changed == (f"the rules of the gate into staging changed ({TOLD})",)
    bob = house.acting(BOB)
    with pytest.raises(NotReady, match=f"void.*{TOLD}"):
        bob.review(NOTEBOOK, "approve", "by number", attests_unchecked=True, number=number)
    with pytest.raises(NotReady, match=f"void.*{TOLD}"):
        bob.review(NOTEBOOK, "approve", "without a number", attests_unchecked=True)
    assert TOLD in str(impact(house, NOTEBOOK).changed)
    assert impact(house, NOTEBOOK).void == (number,)
    with pytest.raises(NotReady, match="void"):
        reviewing.claim(bob, number)
    again = asked(house)
    assert again != number, "the new rules are put before the reviewer in a packet of their own"
    bob.review(NOTEBOOK, "approve", "as it stands now", attests_unchecked=True, number=again)
    assert house.promote("staging", NOTEBOOK).answer is Answer.GRANTED


def test_rules_made_milder_after_an_approval_void_it_and_the_gate_says_so(house: Gated) -> None:
    ruled(house, RULES)
    house.acting(BOB).review(NOTEBOOK, "approve", "the first of two", attests_unchecked=True)
    ruled(house, MILDER)
    decision = house.promote("staging", NOTEBOOK)
    assert [reason.code for reason in decision.reasons] == ["approvals"]
    assert any(BOB in note and TOLD in note for note in decision.notes)
    ruled(house, RULES)
    assert not any("other rules" in note for note in house.promote("staging", NOTEBOOK).notes), "put back as they were, it counts again"
    assert {one.outcome for one in replay(tuple(house.journal.entries()))} == {"agrees"}


def test_an_approval_given_around_the_check_counts_no_more_where_it_was_asked_for_under_other_rules(house: Gated) -> None:
    """Asked for under two approvals, the file made milder, and approved by a program that does not look: the gate looks."""
    ruled(house, RULES)
    asked(house)
    ruled(house, MILDER)
    bob, report = house.acting(BOB), house.report(NOTEBOOK)
    assert report
    word = {"actor": fields_of(bob.actor()), "verdict": "approve", "report": report.digest, "comment": "fine", "attests_unchecked": True}
    payload = {**word, "time": "2026-11-24T10:00:00+00:00", "notebook": NOTEBOOK, "terms": [fields_of(one) for one in every(bob.team)]}
    bob.record(Draft(action="review.given", subject="credit", payload=payload))
    decision = house.promote("staging", NOTEBOOK)
    assert decision.answer is not Answer.GRANTED
    assert any(TOLD in note for note in decision.notes)


def test_the_packet_holds_the_rules_and_their_digest(house: Gated) -> None:
    ruled(house, RULES)
    content = reviewing.packet(house, asked(house)).content
    rules = terms(house.team_for(NOTEBOOK), "staging")
    assert content["rules"] == rules.digest
    assert restore(Terms, content["terms"], "terms") == rules
    assert "bob@firm" not in str(content), "an object cannot be erased, so no name stands in it"


def test_a_model_renamed_in_case_only_is_another_model_and_its_approvals_are_void(house: Gated) -> None:
    number = asked(house)
    house.acting(BOB).review(NOTEBOOK, "approve", "fine", attests_unchecked=True, number=number)
    ruled(house, TEAM.replace('"credit"', '"Credit"'))
    assert "the model's name changed" in reviewing.find(house, number).case.changed
    decision = house.promote("staging", NOTEBOOK)
    assert decision.answer is Answer.REFUSED
    assert "stale-report" in [reason.code for reason in decision.reasons]
    assert house.shown == {}
