"""A waiver lifts one thing, for a while, on the word of people who did not ask for it; anything else lifts nothing."""

from __future__ import annotations

from datetime import timedelta

import pytest

from jupyter_mlgov.core.actors import Actor
from jupyter_mlgov.core.team import Team
from jupyter_mlgov.core.verdicts import Severity
from jupyter_mlgov.promotion.waivers import waived, waivers
from jupyter_mlgov.validation.results import RequirementResult
from tests.promotion.world import ANA, BOB, CARL, World

DORA = Actor(id="dora@firm.example", source="jupyter", name="Dora")


def failing(severity: Severity = Severity.HIGH, team: Team | None = None) -> World:
    world = World(team)
    world.validate(severity)
    world.review(BOB)
    assert not world.opens()
    return world


def codes(world: World) -> list[str]:
    return [reason.code for reason in world.ask().reasons]


def test_an_approved_waiver_opens_the_gate_says_so_and_names_itself_in_the_decision() -> None:
    world = failing()
    asked = world.waive(ANA)
    assert codes(world) == ["verdict-fail"]
    world.answer(BOB, asked)
    decision = world.ask()
    assert decision.reasons == ()
    assert decision.waivers == (asked.digest,)
    assert any("fair.air is waived until" in note and "Bob" in note and "5 % of it" in note for note in decision.notes)


def test_it_lapses_by_itself() -> None:
    world = failing()
    world.answer(BOB, world.waive(ANA, days=30))
    assert world.opens()
    world.clock.advance(timedelta(days=31))
    assert codes(world) == ["verdict-fail"]
    assert any("it lapsed after" in note for note in world.ask().notes)


@pytest.mark.parametrize("who", [ANA, Actor(id="ana", source="os"), Actor(id=" ", source="os")])
def test_neither_asker_nor_author_approves_it(who: Actor) -> None:
    world = failing()
    world.answer(who, world.waive(ANA))
    assert codes(world) == ["verdict-fail"]


def test_a_reviewer_who_asks_needs_another_one() -> None:
    world = failing()
    asked = world.waive(BOB)
    world.answer(BOB, asked)
    assert codes(world) == ["verdict-fail"]
    world.answer(CARL, asked)
    assert world.opens()


def test_what_is_critical_needs_two_and_the_same_person_twice_is_one() -> None:
    world = failing(Severity.CRITICAL)
    asked = world.waive(ANA)
    world.answer(BOB, asked)
    world.answer(BOB, asked)
    assert codes(world) == ["verdict-fail"]
    world.answer(CARL, asked)
    assert world.opens()


def test_a_refusal_and_a_withdrawal_end_it_and_only_the_asker_withdraws() -> None:
    for end in ("refuse", "withdraw"):
        world = failing()
        asked = world.waive(ANA)
        world.answer(BOB, asked)
        world.write(CARL, "waiver.withdrawn", waiver=asked.digest)
        assert world.opens()
        if end == "refuse":
            world.answer(CARL, asked, "refuse")
        else:
            world.write(ANA, "waiver.withdrawn", waiver=asked.digest)
        assert codes(world) == ["verdict-fail"]


def test_for_this_version_is_not_for_the_next_and_for_the_model_is() -> None:
    for scope, opens in (("", False), ("model", True)):
        world = failing()
        world.answer(BOB, world.waive(ANA, scope=scope))
        assert world.opens()
        world.train(ANA)
        world.validate(Severity.HIGH)
        world.review(BOB)
        assert world.opens() is opens


def test_more_than_ninety_days_lift_nothing_even_when_somebody_wrote_it_into_the_log() -> None:
    world = failing()
    world.answer(BOB, world.waive(ANA, days=91))
    assert codes(world) == ["verdict-fail"]


def test_a_control_is_waived_by_its_id() -> None:
    world = failing()
    world.answer(BOB, world.waive(ANA, waives="C-fair.air"))
    assert world.opens()


def test_it_lifts_that_one_thing_and_no_other() -> None:
    world = failing()
    world.answer(BOB, world.waive(ANA, waives="perf.discrim"))
    assert codes(world) == ["verdict-fail"]


@pytest.mark.parametrize("wrong", [{"until": "soon"}, {"reason": " "}, {"limit": 5}, {"scope": "all"}, {"waives": ""}])
def test_what_cannot_be_read_waives_nothing(wrong: dict[str, object]) -> None:
    world = failing()
    asked = world.waive(ANA)
    entry = world.write(ANA, "waiver.asked", **{**asked.payload, **wrong})
    assert entry.digest not in [one.id for one in waivers(world.entries(), "credit")]


def test_the_results_stay_what_they_are_and_the_demand_says_who_lifted_it() -> None:
    world = failing()
    world.answer(BOB, world.waive(ANA))
    assert world.report
    shown = waived(world.report, waivers(world.entries(), "credit"))
    assert shown.results == world.report.results
    lifted: list[RequirementResult] = [item for item in shown.requirements if not item.binds]
    assert [item.validator for item in lifted] == ["fair.air"]
    assert lifted[0].standing == "waived"
    assert "Bob" in lifted[0].note


def test_two_demands_of_one_validator_need_both_controls_waived() -> None:
    from dataclasses import replace

    world = failing()
    assert world.report
    twice = replace(world.report, requirements=(*world.report.requirements, replace(world.report.requirements[1], control="C-2")))
    world.answer(BOB, world.waive(ANA, waives="C-fair.air"))
    assert [one.validator for one in waived(twice, waivers(world.entries(), "credit")).blocking] == ["fair.air"]
