"""A replica that answers with one version alone: while that version is lawful, and not a moment longer."""

from __future__ import annotations

from jupyter_mlgov.audit.entries import Draft
from jupyter_mlgov.rollout.serving.field import Field, field, pinned
from tests.promotion.test_intended import back, decided, log


def at(version: str, *drafts: Draft) -> Field:
    return pinned(field(log(*drafts), "credit", "production"), version)


def test_the_champion_and_the_one_before_it_answer_in_their_own_pods() -> None:
    both = (decided("6"), decided("7"))
    assert [at(version, *both).champion for version in ("6", "7", "5")] == ["6", "7", ""]


def test_the_third_rollout_ends_the_first_version() -> None:
    assert at("6", decided("6"), decided("7"), decided("8")).champion == ""


def test_a_version_that_was_rolled_back_answers_nobody() -> None:
    drafts = (decided("6"), decided("7"), back("7", "6"))
    assert (at("7", *drafts).champion, at("6", *drafts).champion) == ("", "6")


def test_the_kill_switch_and_a_refutation_reach_every_pod() -> None:
    killed = Draft(action="killswitch.thrown", subject="credit", payload={"reason": "harm"})
    refuted = Draft(action="evidence.refuted", subject="credit", payload={"version": "6"})
    found = at("6", decided("6"), decided("7"), killed, refuted)
    assert "harm" in found.killed
    assert "6" in found.refuted


def canary(action: str, **payload: object) -> Draft:
    return Draft(action=action, subject="credit", payload={"stage": "production", **payload})


def test_each_pod_knows_its_arm_and_the_step_from_the_trail_alone() -> None:
    begun = (decided("6"), decided("7"), canary("canary.started", champion="6", challenger="7"))
    identity = str(log(*begun)[-1].digest)
    at_five = (*begun, canary("canary.judged", canary=identity, state="canary", step=1, share=5))
    ended = (*at_five, canary("canary.judged", canary=identity, state="promoted", step=4, share=100))
    told = [
        [(found.pod, found.step, bool(found.canary)) for found in (at(version, *drafts) for version in ("6", "7"))]
        for drafts in (begun, at_five, ended)
    ]
    assert told == [
        [("champion", -1, True), ("shadow", -1, True)],
        [("champion", 1, True), ("challenger", 1, True)],
        [("champion", -1, False), ("champion", -1, False)],
    ]


def test_a_pod_of_neither_version_answers_nobody_during_a_canary() -> None:
    assert at("5", decided("6"), decided("7"), canary("canary.started", champion="6", challenger="7")).champion == ""
