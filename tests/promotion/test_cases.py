"""A review as a case: the first claim has it, talk and words are in order, what cannot be read is no case."""

from __future__ import annotations

from jupyter_mlgov.audit.entries import AuditEntry
from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.promotion.cases import Case, State, cases
from tests.promotion.world import ANA, BOB, CARL, NOTEBOOK, World


def asked(world: World, stage: str = "staging") -> int:
    assert world.report
    packet = Digest.of_text("packet")
    return world.write(ANA, "review.asked", notebook=NOTEBOOK, stage=stage, report=world.report.digest, packet=packet).seq


def the(world: World, number: int) -> Case:
    return next(case for case in cases(world.entries()) if case.number == number)


def begun() -> tuple[World, int]:
    world = World()
    world.validate()
    return world, asked(world)


def test_from_waiting_to_closed() -> None:
    world, number = begun()
    assert the(world, number).state is State.WAITING
    world.write(BOB, "review.claimed", review=number)
    assert the(world, number).state is State.CLAIMED
    world.review(BOB)
    assert the(world, number).state is State.ANSWERED
    assert not the(world, number).is_due
    assert world.opens()
    assert the(world, number).state is State.CLOSED


def test_the_first_claim_has_it_until_that_person_lets_it_go() -> None:
    world, number = begun()
    world.write(BOB, "review.claimed", review=number)
    world.write(CARL, "review.claimed", review=number)
    assert the(world, number).claimed_by == BOB
    world.write(CARL, "review.released", review=number)
    assert the(world, number).claimed_by == BOB
    world.write(BOB, "review.released", review=number)
    world.write(CARL, "review.claimed", review=number)
    assert the(world, number).claimed_by == CARL


def test_questions_and_answers_stand_in_order_and_open_questions_are_counted() -> None:
    world, number = begun()
    for actor, kind, text in ((BOB, "question", "why?"), (ANA, "answer", "so"), (BOB, "question", "<b>and</b>?"), (BOB, "shout", "x")):
        world.write(actor, "review.said", review=number, kind=kind, comment=text)
    case = the(world, number)
    assert [(said.kind, said.text) for said in case.talk] == [("question", "why?"), ("answer", "so"), ("question", "<b>and</b>?")]
    assert case.open_questions == 1


def test_a_refusal_refuses_until_the_same_person_approves() -> None:
    world, number = begun()
    world.review(BOB, "refuse")
    assert the(world, number).state is State.REFUSED
    world.review(CARL)
    assert the(world, number).state is State.REFUSED
    world.review(BOB)
    assert the(world, number).state is State.ANSWERED


def test_a_newer_case_for_the_same_stage_takes_its_place_and_one_for_another_stage_does_not() -> None:
    world, number = begun()
    world.train(ANA)
    world.validate()
    other = asked(world, "production")
    newer = asked(world)
    assert the(world, number).state is State.VOID
    assert the(world, number).changed == (f"review {newer} was asked for instead",)
    assert the(world, other).state is State.WAITING


def test_a_word_on_another_report_is_no_word_in_this_case() -> None:
    world, number = begun()
    world.train(ANA)
    world.validate()
    world.review(BOB)
    assert the(world, number).words == ()


def test_what_cannot_be_read_is_no_case() -> None:
    world, number = begun()
    entry: AuditEntry = next(one for one in world.entries() if one.seq == number)
    for wrong in ({"report": "x"}, {"packet": None}, {"stage": ""}, {"notebook": 7}):
        world.write(ANA, "review.asked", **{**entry.payload, **wrong})
    world.write(BOB, "review.claimed", review="7")
    assert [case.number for case in cases(world.entries())] == [number]
