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
