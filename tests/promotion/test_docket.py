"""A decision is decided again from the log alone, and one that was changed does not agree."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_mlgov.audit.entries import CLOCK_TOLERANCE, GENESIS, AuditEntry, Draft, link
from jupyter_mlgov.core.clock import stamp
from jupyter_mlgov.core.team import parse_team
from jupyter_mlgov.core.verdicts import Severity
from jupyter_mlgov.lineage.hidden import HiddenState
from jupyter_mlgov.lineage.staleness import Because, Rerun
from jupyter_mlgov.promotion import fold
from jupyter_mlgov.promotion.docket import replay
from jupyter_mlgov.promotion.facts import Limit
from jupyter_mlgov.promotion.since import LogClock, latest_time
from jupyter_mlgov.testing import NOON
from tests.promotion.world import ANA, BOB, CARL, NOTEBOOK, World


def good() -> World:
    world = World()
    world.validate()
    world.review(BOB)
    assert world.opens()
    return world


def relinked(entries: tuple[AuditEntry, ...], seq: int, payload: dict[str, object]) -> list[AuditEntry]:
    """The whole log written anew with another payload at `seq`: every digest fits again, as after an attack on the storage."""
    found: list[AuditEntry] = []
    for entry in entries:
        body = payload if entry.seq == seq else entry.payload
        previous = found[-1].digest if found else GENESIS
        draft = Draft(action=entry.action, subject=entry.subject, payload=body)
        found.append(link(draft, seq=entry.seq, time=entry.time, actor=entry.actor, previous=previous))
    return found


def test_a_decision_is_decided_again_with_the_same_answer() -> None:
    world = good()
    world.edited = True
    assert not world.opens()
    assert [one.outcome for one in replay(world.entries())] == ["agrees", "agrees"]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"answer": "refused", "reasons": [{"code": "x", "sentence": "s", "next": "n", "severity": "high"}]}, "answer was 'refused'"),
        ({"version": "9"}, "version was '9'"),
        ({"approved_by": []}, "approved_by"),
        ({"stage": "production"}, "stage was 'production'"),
        ({"docket": {}}, "docket cannot be read"),
        ({"reasons": [{"code": "x", "sentence": "s", "next": "n", "severity": "high"}]}, "cannot be read, or contradicts itself"),
    ],
)
def test_a_changed_decision_does_not_replay_and_is_named(change: dict[str, object], told: str) -> None:
    world = good()
    entry = world.entries()[-1]
    (found,) = replay(relinked(world.entries(), entry.seq, {**entry.payload, **change}))
    assert found.outcome == "disagrees"
    assert told in found.why
    assert f"Entry {entry.seq}" in found.sentence


@pytest.mark.parametrize(
    "change",
    [
        {"as_of": 99},
        {"at": "2020-01-01T00:00:00.000000Z"},
        {"asked_by": {"id": "eve", "source": "os", "name": ""}},
        {"steps": []},
        {"version": None},
        {"stale": ["the table changed"]},
        {"report": None},
        {"committers": [{"id": BOB.id, "source": "git", "name": ""}]},
    ],
)
def test_a_changed_docket_does_not_replay(change: dict[str, object]) -> None:
    world = good()
    entry = world.entries()[-1]
    body = {**entry.payload, "docket": {**dict(entry.payload["docket"]), **change}}  # type: ignore[call-overload]  # a payload is JSON; here it is an object
    (found,) = replay(relinked(world.entries(), entry.seq, body))
    assert found.outcome == "disagrees"


def test_a_changed_review_before_it_is_found_out_too() -> None:
    world = good()
    review = next(entry for entry in world.entries() if entry.action == "review.given")
    (found,) = replay(relinked(world.entries(), review.seq, {**review.payload, "verdict": "refuse"}))
    assert found.outcome == "disagrees"
    assert "refused" in found.why


def test_hidden_state_is_part_of_what_is_decided_again() -> None:
    world = good()
    rerun = Rerun(cell="c2", place=2, because=Because.EDITED, why="was edited after it ran")
    decision = world.ask(hidden=HiddenState(rerun=(rerun,), lingering=(("x", "c9"),)))
    assert [reason.code for reason in decision.reasons] == ["hidden-state", "hidden-state"]
    assert [reason.fix and reason.fix.kind for reason in decision.reasons] == ["run-cell", "restart"]
    assert [one.outcome for one in replay(world.entries())] == ["agrees", "agrees"]


def test_a_decision_without_its_docket_is_unproven_and_not_agreed_to() -> None:
    world = good()
    entry = world.entries()[-1]
    body = {key: value for key, value in entry.payload.items() if key != "docket"}
    (found,) = replay(relinked(world.entries(), entry.seq, body))
    assert found.outcome == "unproven"


def test_a_reviewer_who_leaves_the_team_file_counts_no_more_and_the_past_still_replays() -> None:
    world = World(parse_team('[model]\nname = "credit"\n[policy]\npacks = ["p"]\n[promotion]\nreviewers = ["bob@firm.example"]\n'))
    world.validate()
    world.review(BOB)
    assert world.opens()
    world.team = replace(world.team, reviewers=(CARL.id,))
    decision = world.ask()
    assert [reason.code for reason in decision.reasons] == ["approvals"]
    assert "does not name them" in " ".join(decision.notes)
    assert [one.outcome for one in replay(world.entries())] == ["agrees", "agrees"]


def test_a_clock_set_back_neither_revives_a_lapsed_approval_nor_outdates_a_later_refusal() -> None:
    world = World()
    world.validate()
    world.review(BOB, until=world.clock.now().date().isoformat())
    world.clock.advance(timedelta(days=2))
    assert [reason.code for reason in world.ask().reasons] == ["approvals"]
    world.clock.advance(timedelta(days=-2))
    assert [reason.code for reason in world.ask().reasons] == ["approvals"]
    world.review(BOB, "refuse")
    assert "refused" in [reason.code for reason in world.ask().reasons]
    assert {one.outcome for one in replay(world.entries())} == {"agrees"}


ACTS = st.sampled_from(
    ["train", "edit", "ok", "high", "critical", "bob", "carl", "ana", "no", "waive", "yes", "stage", "prod", "days", "back"]
)


@settings(max_examples=60, deadline=None)
@given(st.lists(ACTS, max_size=25), st.data())
def test_replay_agrees_for_any_history_and_not_with_a_changed_payload(acts: list[str], data: st.DataObject) -> None:
    world = World()
    waivers: list[AuditEntry] = []
    for act in [*acts, "stage"]:
        perform(world, act, waivers)
    entries = world.entries()
    found = replay(entries)
    assert {one.outcome for one in found} == {"agrees"}
    decided = [entry for entry in entries if entry.action == "promotion.decided"]
    victim = data.draw(st.sampled_from(decided))
    granted = victim.payload["answer"] == "granted"
    reason = {"code": "x", "sentence": "s", "next": "n", "severity": "high", "validator": "", "cell": ""}
    lie = {"answer": "refused", "reasons": [reason]} if granted else {"answer": "granted", "reasons": []}
    again = replay(relinked(entries, victim.seq, {**victim.payload, **lie}))
    assert [one.outcome for one in again if one.seq == victim.seq] == ["disagrees"]


def perform(world: World, act: str, waivers: list[AuditEntry]) -> None:
    deeds: dict[str, Any] = {
        "train": lambda: world.train(ANA),
        "edit": lambda: setattr(world, "edited", True),
        "ok": lambda: world.validate(),
        "high": lambda: world.validate(Severity.HIGH),
        "critical": lambda: world.validate(Severity.CRITICAL),
        "bob": lambda: world.report and world.review(BOB, limits=(Limit(name="traffic", most=0.05),)),
        "carl": lambda: world.report and world.review(CARL),
        "ana": lambda: world.report and world.review(ANA),
        "no": lambda: world.report and world.review(CARL, "refuse"),
        "waive": lambda: world.report and waivers.append(world.waive(ANA)),
        "yes": lambda: waivers and world.answer(BOB, waivers[-1]),
        "stage": lambda: world.ask("staging"),
        "prod": lambda: world.ask("production", limits=(Limit(name="traffic", most=0.01),)),
        "days": lambda: world.clock.advance(timedelta(days=20)),
        "back": lambda: world.write(ANA, "rollback.ordered", stage="staging", to="0", **{"from": str(world.version)}, reason="harm"),
    }
    deeds[act]()


def test_an_approval_from_before_rules_were_recorded_counts_as_it_did_and_its_decision_replays() -> None:
    world = World(parse_team('[model]\nname = "credit"\n[policy]\npacks = ["p"]\n[promotion.gates.staging]\napprovals = 2\n'))
    world.validate()
    for who in (BOB, CARL):
        entry = world.review(who)
        old = {key: value for key, value in entry.payload.items() if key != "terms"}
        world.journal.append([Draft(action="review.given", subject="credit", payload=old)], actor=who)
    assert world.opens()
    world.team = parse_team('[model]\nname = "credit"\n[policy]\npacks = ["p"]\n[promotion.gates.staging]\napprovals = 1\n')
    assert world.opens()
    assert [one.outcome for one in replay(world.entries())] == ["agrees", "agrees"]


@pytest.mark.parametrize("terms", ["none", [{"stage": "staging"}], {}])
def test_an_approval_whose_rules_cannot_be_read_is_no_approval(terms: object) -> None:
    world = World()
    report, entry = world.validate().digest, world.review(BOB)
    assert fold.reviews(world.entries(), report)
    assert not fold.reviews(relinked(world.entries(), entry.seq, {**entry.payload, "terms": terms}), report)


def test_a_clock_set_forward_and_back_does_not_stop_the_time() -> None:
    """Measured, approved and waived in 2030, then set back: by the latest time of the log nothing would have aged until 2030."""
    rules = "[promotion.gates.staging]\nevidence_days = 30\n"
    world = World(parse_team(f'[model]\nname = "credit"\n[policy]\npacks = ["p"]\n{rules}'))
    years = timedelta(days=4 * 365)
    world.clock.advance(years)
    world.validate(Severity.HIGH)
    world.answer(BOB, world.waive(ANA, days=80))
    world.review(BOB, until=(world.clock.now() + timedelta(days=60)).date().isoformat())
    assert world.opens()
    world.clock.advance(-years)
    assert world.opens(), "what was measured a minute ago by the log is young"
    world.clock.advance(timedelta(days=40))
    assert [reason.code for reason in world.ask().reasons] == ["old-evidence"]
    world.clock.advance(timedelta(days=30))
    assert [reason.code for reason in world.ask().reasons] == ["old-evidence", "approvals"]
    world.clock.advance(timedelta(days=20))
    assert [reason.code for reason in world.ask().reasons] == ["old-evidence", "verdict-fail", "approvals"]
    world.validate()
    world.review(BOB)
    assert world.opens(), "the way out is to do it again, not to wait until 2030"
    assert {one.outcome for one in replay(world.entries())} == {"agrees"}


def test_a_decision_of_an_older_program_replays_by_the_clock_it_went_by_and_a_new_one_cannot_pass_for_one() -> None:
    world = World()
    world.validate()
    world.review(BOB)
    world.clock.advance(timedelta(days=900))
    world.write(ANA, "cell.finished", NOTEBOOK, notebook=NOTEBOOK)
    world.clock.advance(timedelta(days=-899))
    assert world.opens(clock=1, at=stamp(latest_time(world.entries(), world.clock.now())))
    assert [one.outcome for one in replay(world.entries())] == ["agrees"]
    assert world.opens()
    world.ask(clock=1, at=stamp(latest_time(world.entries(), world.clock.now())))
    found = replay(world.entries())
    assert [one.outcome for one in found] == ["agrees", "agrees", "disagrees"]
    assert "tells the time" in found[-1].why


TIMES = st.lists(st.integers(-(10**6), 10**6), max_size=20)


@given(TIMES, st.integers(-(10**6), 10**6), st.integers(0, 10**6))
def test_time_by_the_log_never_goes_back_nor_stands_still(before: list[int], last: int, later: int) -> None:
    moments = [NOON + timedelta(seconds=second) for second in (*before, last)]
    clock = LogClock()
    told = [clock.read(moment) for moment in moments]
    assert all(one <= other for one, other in pairwise(told))
    assert all(moment <= time + CLOCK_TOLERANCE for moment, time in zip(moments, told, strict=True))
    assert clock.read(moments[-1] + timedelta(seconds=later)) - told[-1] >= timedelta(seconds=later) - CLOCK_TOLERANCE
    if moments == sorted(moments):
        assert told == moments


def test_who_worked_on_a_notebook_cannot_approve_the_job_that_was_exported_from_it() -> None:
    """The exported notebook is run by a scheduler's account, under a name of its own: its author was nobody there."""
    world = World()
    world.write(CARL, "session.started", "draft.ipynb", id="d")
    world.write(ANA, "export.written", "draft.ipynb", targets=["papermill"], files=[NOTEBOOK, "jobs/dvc.yaml"])
    world.validate()
    world.review(CARL)
    decision = world.ask(origin="draft.ipynb")
    assert [reason.code for reason in decision.reasons] == ["approvals"]
    assert any("Carl" in note and "four eyes" in note for note in decision.notes)
    world.ask(origin="")
    assert [one.outcome for one in replay(world.entries())] == ["agrees", "disagrees"], "a docket that hides where it came from"
    world.review(BOB)
    assert world.opens(origin="draft.ipynb")


def test_what_was_taken_out_of_a_stage_needs_a_word_that_knows_it() -> None:
    world = World()
    world.validate()
    world.review(BOB)
    assert world.opens()
    world.write(ANA, "stage.emptied", stage="staging", to="", reason="harm", **{"from": str(world.version)})
    decision = world.ask()
    assert [reason.code for reason in decision.reasons] == ["approvals"]
    assert "taken out of staging since" in decision.notes[-1]
    world.review(BOB)
    assert world.opens()
    assert {one.outcome for one in replay(world.entries())} == {"agrees"}
