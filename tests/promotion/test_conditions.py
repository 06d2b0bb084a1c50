"""What an approval limits, how old evidence may be, drills, data and second runs: each alone keeps the gate shut."""

from __future__ import annotations

from datetime import timedelta

import pytest

from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.core.errors import BadInput, UsageError
from jupyter_mlgov.core.team import Team, parse_team
from jupyter_mlgov.promotion import docket
from jupyter_mlgov.promotion.conditions import parse_day, parse_limit
from jupyter_mlgov.promotion.data import KeptData
from jupyter_mlgov.promotion.facts import Answer, Limit
from jupyter_mlgov.promotion.registry import ModelVersion
from jupyter_mlgov.promotion.why import shortest
from jupyter_mlgov.promotion.words import words
from jupyter_mlgov.testing import NOON
from tests.promotion.world import ANA, BOB, CARL, NOTEBOOK, World

FIVE = Limit(name="traffic", most=0.05)


def team(rule: str) -> Team:
    return parse_team(
        '[model]\nname = "credit"\ntier = 1\n[policy]\npacks = ["p"]\n'
        f'[promotion.roles]\nrisk = ["{CARL.id}"]\n[promotion.gates.staging]\n{rule}\n'
    )


def approved(rule: str = "") -> World:
    world = World(team(rule) if rule else None)
    world.validate()
    world.review(BOB)
    return world


def codes(world: World, stage: str = "staging", **more: object) -> list[str]:
    return [reason.code for reason in world.ask(stage, **more).reasons]


def test_a_conditional_approval_carries_its_limits_and_production_keeps_them() -> None:
    world = World()
    world.validate()
    world.review(BOB, limits=(FIVE,), until=(NOON + timedelta(days=10)).date().isoformat())
    staging = world.ask()
    assert staging.answer is Answer.GRANTED
    assert staging.limits == (FIVE,)
    assert any("traffic at most 5%" in note for note in staging.notes)
    assert codes(world, "production") == ["limit-unsaid"]
    assert codes(world, "production", limits=(Limit(name="traffic", most=0.06),)) == ["limit-exceeded"]
    assert codes(world, "production", limits=(FIVE,)) == []
    world.clock.advance(timedelta(days=11))
    assert codes(world, "production", limits=(FIVE,)) == ["approvals"]


def test_of_two_approvals_the_tighter_limit_counts() -> None:
    world = World()
    world.validate()
    world.review(BOB, limits=(FIVE,))
    world.review(CARL, limits=(Limit(name="traffic", most=0.5), Limit(name="exposure", most=100)))
    assert world.ask().limits == (Limit(name="exposure", most=100), FIVE)


def test_an_approval_that_lapsed_does_not_give_way_to_an_older_one_without_an_end() -> None:
    world = World()
    world.validate()
    world.review(BOB)
    world.review(BOB, until=NOON.date().isoformat())
    world.clock.advance(timedelta(days=2))
    assert codes(world) == ["approvals"]


def test_a_limit_that_cannot_be_read_makes_the_approval_unreadable() -> None:
    world = approved()
    entry = next(one for one in world.entries() if one.action == "review.given")
    for limits in ([{"name": "traffic"}], [{"name": "people", "most": 1}], [{"name": "traffic", "most": -1}], "none"):
        world = World()
        world.validate()
        world.write(BOB, "review.given", **{**entry.payload, "limits": limits})
        assert codes(world) == ["approvals"]


def test_evidence_grows_old_also_when_it_is_taken_from_the_record_again() -> None:
    world = approved("evidence_days = 30")
    assert codes(world) == []
    world.clock.advance(timedelta(days=31))
    assert codes(world) == ["old-evidence"]
    world.validate(reused=("fair.air",))
    assert codes(world) == ["old-evidence"]
    world.validate()
    assert codes(world) == []


def test_a_drill_within_the_days_is_asked_for_and_one_that_failed_is_none() -> None:
    world = approved("drill_days = 30")
    assert codes(world) == ["no-drill"]
    world.write(ANA, "rollback.drilled", stage="staging", to="1", outcome="refused")
    assert codes(world) == ["no-drill"]
    world.write(ANA, "rollback.drilled", stage="production", to="1", outcome="drilled")
    assert codes(world) == ["no-drill"]
    world.write(ANA, "rollback.drilled", stage="staging", to="1", outcome="drilled")
    assert codes(world) == []
    world.clock.advance(timedelta(days=31))
    assert codes(world) == ["no-drill"]


def test_pushed_data_means_every_file_in_a_remote() -> None:
    world = approved('needs = ["pushed-data"]')
    assert codes(world) == ["data-not-kept"]
    assert codes(world, data=(KeptData(path="a.csv", state="untracked"),)) == ["data-not-kept"]
    assert codes(world, data=(KeptData(path="a.csv", state="pushed"),)) == []


def test_a_rerun_counts_by_a_reviewer_with_the_same_result_only() -> None:
    world = approved('needs = ["rerun"]')
    assert world.report
    assert codes(world) == ["no-rerun"]
    assert world.ask().answer is Answer.AWAITING_REVIEW
    world.write(BOB, "review.reran", report=world.report.digest, found="sha256:" + "0" * 64, notebook=NOTEBOOK)
    world.write(ANA, "review.reran", report=world.report.digest, found=world.report.digest, notebook=NOTEBOOK)
    assert codes(world) == ["no-rerun"]
    world.write(BOB, "review.reran", report=world.report.digest, found=world.report.digest, notebook=NOTEBOOK)
    assert codes(world) == []


def test_only_the_role_a_gate_names_may_approve_there() -> None:
    world = approved('role = "risk"')
    decision = world.ask()
    assert [reason.code for reason in decision.reasons] == ["approvals"]
    assert decision.reasons[0].fix and decision.reasons[0].fix.people == (CARL.id,)
    world.review(CARL)
    assert codes(world) == []


def test_a_tier_may_ask_for_more() -> None:
    world = approved("approvals = 1\n[promotion.gates.staging.tier.1]\napprovals = 2")
    assert codes(world) == ["approvals"]
    world.review(CARL)
    assert codes(world) == []


def test_who_committed_the_notebook_is_an_author_and_an_unanswered_git_keeps_it_shut() -> None:
    world = approved()
    assert codes(world, committers=(BOB,)) == ["approvals"]
    assert codes(world, git_problem="dubious ownership") == ["committers-unknown"]


def test_a_version_taken_out_of_staging_does_not_reach_production_on_the_old_decision() -> None:
    world = approved()
    assert world.opens()
    world.write(ANA, "rollback.ordered", stage="staging", to="0", **{"from": "1"}, reason="harm")
    assert codes(world, "production") == ["previous-stage"]


def test_refuted_evidence_closes_the_gate_for_that_version_alone() -> None:
    world = approved()
    world.write(CARL, "evidence.refuted", version="2", reason="leak")
    assert codes(world) == []
    world.write(CARL, "evidence.refuted", version="1", reason="leak")
    assert codes(world) == ["refuted"]


def test_each_reason_carries_a_fix_and_so_does_each_to_do() -> None:
    world = World(team('role = "risk"\nevidence_days = 1\ndrill_days = 1\nneeds = ["pushed-data", "rerun"]'))
    world.validate()
    world.edited = True
    world.clock.advance(timedelta(days=3))
    decision = world.ask()
    assert all(reason.fix for reason in decision.reasons)
    todo = {reason.code: reason.fix for reason in shortest(decision)}
    assert todo["step-stale"] and todo["step-stale"].kind == "run-cell" and todo["step-stale"].cells == ("c1",)
    assert todo["validate"] and (todo["validate"].kind, todo["validate"].code) == ("insert-cell", "%mlgov validate")
    assert todo["no-drill"] and todo["no-drill"].command.startswith("mlgov rollback credit --stage staging --drill")
    assert todo["review"] and (todo["review"].kind, todo["review"].people) == ("ask-person", (CARL.id,))


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        ("traffic<=5%", FIVE),
        (" traffic <= 0.05 ", FIVE),
        ("traffic≤5%", FIVE),
        ("exposure<=1_000_000", Limit(name="exposure", most=1_000_000)),
    ],
)
def test_limits_as_they_are_typed(text: str, limit: Limit) -> None:
    assert parse_limit(text) == limit


@pytest.mark.parametrize(
    "text",
    [
        "traffic<=500%",
        "traffic<=2",
        "exposure<=5%",
        "traffic>=5%",
        "users<=5",
        "traffic<=",
        "1e400",
        "traffic<=nan",
        "exposure<=1__0",
        "exposure<=1_",
    ],
)
def test_what_is_no_limit_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="Expected"):
        parse_limit(text)


def test_days_that_are_past_too_far_or_none_are_refused() -> None:
    today = NOON.date()
    assert parse_day("2026-11-23", today=today) == "2026-11-23"
    for wrong in ("2026-11-22", "2026-02-30", "tomorrow", ""):
        with pytest.raises(UsageError):
            parse_day(wrong, today=today)
    with pytest.raises(UsageError, match="more than 90 days"):
        parse_day("2027-02-22", today=today, longest=timedelta(days=90))


def test_a_comment_of_a_hundred_megabytes_is_refused_with_a_sentence() -> None:
    with pytest.raises(BadInput, match="100,000,000 characters"):
        words("x" * 100_000_000, "comment")
    with pytest.raises(UsageError, match="says nothing"):
        words(" -- ", "reason")
    with pytest.raises(BadInput, match="no text"):
        words("\ud800", "reason")
    hostile = "<script>alert(1)</script>'; DROP TABLE entries; -- =cmd|' /C calc'!A0"
    assert words(hostile, "comment") == hostile


def test_an_amount_that_no_number_holds_is_refused() -> None:
    with pytest.raises(UsageError, match="no amount"):
        parse_limit(f"exposure<={'9' * 400}")


def test_what_was_rolled_back_needs_a_new_word_before_it_returns() -> None:
    world = World()
    world.validate()
    world.review(BOB)
    assert world.opens()
    world.write(ANA, "rollback.ordered", stage="staging", to="0", reason="harm", **{"from": "1"})
    decision = world.ask()
    assert [reason.code for reason in decision.reasons] == ["approvals"]
    assert any("taken out of staging since" in note for note in decision.notes)
    unregistered = ModelVersion(model="credit", version="", run_id="", model_digest=Digest.of_text("model 1"))
    assert [reason.code for reason in docket.decide(world.docket("staging", version=unregistered), world.entries()).reasons] == [
        "approvals"
    ]
    world.review(BOB)
    assert world.opens()
    assert {one.outcome for one in docket.replay(world.entries())} == {"agrees"}
