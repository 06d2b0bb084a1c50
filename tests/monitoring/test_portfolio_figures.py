"""Each figure on a history small enough to count by hand: value, denominator, and the entries that it came from."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from jupyter_mlgov.audit.entries import AuditEntry, Draft
from jupyter_mlgov.core.errors import BadInput, UsageError
from jupyter_mlgov.core.settings import Settings
from jupyter_mlgov.monitoring.portfolio.figures import FIGURES, Figure
from jupyter_mlgov.reports.portfolio import words
from jupyter_mlgov.testing import ANA, BEN, NOON, FixedClock
from jupyter_mlgov.workspace import Workspace
from jupyter_mlgov.workspace.portfolio import came_from, figures, point, portfolio
from tests.monitoring.histories import act, applied, asked, decided, demand, given, ran, validated

Say = Callable[..., AuditEntry]


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(NOON)


@pytest.fixture
def workspace(tmp_path: Path, clock: FixedClock) -> Iterator[Workspace]:
    Workspace.create(tmp_path, Settings(actor="ann"))
    found = Workspace(tmp_path, Settings(actor="ann"), clock=clock)
    yield found
    found.close()


@pytest.fixture
def say(workspace: Workspace, clock: FixedClock) -> Say:
    def said(draft: Draft, *, after: float = 0, who: object = BEN) -> AuditEntry:
        clock.advance(timedelta(hours=after))
        return workspace.personal.append([draft], actor=who)[-1]  # type: ignore[arg-type]  # an actor

    return said


def figure(workspace: Workspace, name: str) -> Figure:
    return next(one for one in figures(point(workspace)) if one.id == name)


def entries(workspace: Workspace, name: str) -> list[tuple[int, ...]]:
    return [one.entries for one in came_from(point(workspace), name)[0]]


def test_nothing_counted_is_no_data_and_never_a_per_cent(workspace: Workspace) -> None:
    found = figures(point(workspace))
    assert [one.id for one in found] == [one.id for one in FIGURES]
    assert {one.value for one in found} == {None}
    assert {words.value(one) for one in found} == {"no data"}
    assert all("nothing to count" in words.basis(one) for one in found)


def test_a_deployment_that_was_rolled_back_did_not_stand_and_one_that_never_took_did_not_either(workspace: Workspace, say: Say) -> None:
    """Four let in: one stands, one was rolled back, one never reached the registry, one only went to staging and is none."""
    first = say(decided("m", "1"))
    took = say(applied("m", "1", first))
    second = say(decided("m", "2"))
    again = say(applied("m", "2", second))
    back = say(act("rollback.ordered", "m", stage="production", to="1", **{"from": "2"}))
    lost = say(decided("m", "3"))
    say(decided("m", "4", stage="staging"))
    found = figure(workspace, "deployment-success")
    assert (found.good, found.n, found.value) == (1, 3, 1 / 3)
    assert entries(workspace, "deployment-success") == [
        (lost.seq,),
        (second.seq, again.seq, back.seq),
        (second.seq, again.seq),
        (second.seq,),
        (first.seq, took.seq),
        (first.seq,),
    ]


def test_drills_are_no_rollbacks_and_a_refused_one_counts_against(workspace: Workspace, say: Say) -> None:
    for action in ("rollback.done", "rollback.done", "rollback.failed", "rollback.refused", "rollback.drilled"):
        say(act(action, "m", stage="production", outcome="drilled"))
    found = figure(workspace, "rollback-success")
    assert (found.good, found.n, found.value) == (2, 4, 0.5)


def test_a_canary_counts_once_with_what_labels_said_last_and_not_while_nobody_can_tell(workspace: Workspace, say: Say) -> None:
    say(act("canary.settled", "m", canary="a", agreed=None))
    assert figure(workspace, "canary-agreement").value is None
    say(act("canary.settled", "m", canary="a", agreed=True))
    say(act("canary.settled", "m", canary="b", agreed=True))
    say(act("canary.settled", "m", canary="a", agreed=False))
    found = figure(workspace, "canary-agreement")
    assert (found.good, found.n) == (1, 2)


def test_hours_in_review_run_from_asking_to_the_first_word_on_that_report(workspace: Workspace, say: Say, clock: FixedClock) -> None:
    for model, waited in (("a", 3.0), ("b", 10.0), ("c", 80.0)):
        question = say(asked(model, model))
        say(given(model, "another report", clock.now()), after=waited / 2)
        answer = say(given(model, model, clock.now()), after=waited / 2)
        say(given(model, model, clock.now(), "refuse"), after=1)
        assert entries(workspace, "review-hours")[0] == (question.seq, answer.seq)
    found = figure(workspace, "review-hours")
    assert (found.n, found.value, found.mean, found.longest) == (3, 10.0, 31.0, 80.0)
    assert words.value(found) == "10.0 h"


def test_a_word_in_another_persons_name_ends_no_review(workspace: Workspace, say: Say, clock: FixedClock) -> None:
    say(asked("m", "r"))
    say(given("m", "r", clock.now(), who=ANA), after=1)
    assert figure(workspace, "review-hours").n == 0


def test_documentation_is_the_time_between_answers_of_one_sitting(workspace: Workspace, say: Say) -> None:
    """Ben writes at 0, 20 and 40 minutes, then after lunch once; Ana's answer between is no pause of his. 40 minutes are counted."""
    form = act("form.answered", "m", control="DOC.development")
    acts = [say(form), say(form, after=0.25, who=ANA), say(form, after=1 / 12), say(form, after=1 / 3), say(form, after=2)]
    end = say(decided("m", "1"))
    found = figure(workspace, "documentation-hours")
    assert found.n == 1
    assert found.value == pytest.approx(2 / 3, abs=0.001)
    assert entries(workspace, "documentation-hours") == [(*(one.seq for one in acts), end.seq)]


def test_one_lonely_answer_measures_no_time_and_is_no_zero(workspace: Workspace, say: Say) -> None:
    say(act("form.answered", "m", control="DOC.development"))
    say(decided("m", "1"))
    assert figure(workspace, "documentation-hours").value is None


def test_the_way_to_production_is_from_the_first_cell_and_counts_a_model_once(workspace: Workspace, say: Say) -> None:
    cell = say(ran("m"))
    say(ran("m"), after=1)
    for version in ("1", "2"):
        decision = say(decided("m", version), after=50)
        last = say(applied("m", version, decision))
        if version == "1":
            took = last
    found = figure(workspace, "time-to-production")
    assert (found.n, found.value) == (1, 51.0)
    assert entries(workspace, "time-to-production") == [(cell.seq, took.seq)]


def test_controls_are_those_in_force_of_the_newest_whole_report_of_every_model(workspace: Workspace, say: Say) -> None:
    """A has two validators, B a validator and people, C people, D a broken check, E nobody, and F is not in force."""
    demands = [
        *(demand("A", "v.one", "pass"), demand("A", "v.two", "fail")),
        *(demand("B", "v.one", "pass"), demand("B", "form:B", "pass")),
        *(demand("C", "form:C", "pass"), demand("D", "v.three", "error"), demand("E", "v.four", None)),
        demand("F", "v.one", "pass", standing="readiness"),
    ]
    say(validated("old", "r0", [demand("A", "v.one", "pass")]))
    old = say(validated("m", "r1", [demand("A", "v.one", "pass")]))
    new = say(validated("m", "r2", demands))
    say(validated("m", "r3", [demand("A", "form:A", "pass")], note="partial"))
    machine, evidence = figure(workspace, "controls-by-machine"), figure(workspace, "controls-evidenced")
    assert (machine.good, machine.n) == (2, 6)
    assert (evidence.good, evidence.n) == (3, 6)
    assert entries(workspace, "controls-by-machine")[0] == (old.seq, new.seq)


def test_what_no_log_can_say_yet_and_what_no_figure_is_called_is_refused(workspace: Workspace, clock: FixedClock) -> None:
    with pytest.raises(BadInput, match="has not come yet"):
        point(workspace, clock.now() + timedelta(seconds=1))
    with pytest.raises(UsageError, match="rollback-success"):
        came_from(point(workspace), "rollback-succes")


def test_what_is_due_first_stands_first_and_an_unknown_deadline_is_said(workspace: Workspace, say: Say, clock: FixedClock) -> None:
    say(asked("late", "a", due=(NOON + timedelta(hours=1)).isoformat()))
    say(asked("soon", "b", due=(NOON + timedelta(hours=9)).isoformat()))
    say(asked("old log", "c"))
    say(act("evidence.refuted", "late", reason="drift", due="2026-11-20"))
    settled = say(act("evidence.refuted", "soon", reason="gap", due="2026-11-01"))
    say(act("finding.settled", "soon", finding=settled.digest))
    clock.advance(timedelta(hours=4))
    found = portfolio(point(workspace), workspace)
    assert [(one.model, one.hours) for one in found.reviews] == [("late", -3.0), ("soon", 5.0), ("old log", None)]
    assert words.review(found.reviews[2]).endswith("the trail says no deadline")
    assert [(one.model, one.overdue) for one in found.findings] == [("late", True)]
    assert (found.overdue, found.findings_in_all) == (1, 1)


def test_of_overdue_findings_the_gravest_stand_first_and_an_unknown_severity_stands_with_them_and_is_said(
    workspace: Workspace, say: Say, clock: FixedClock
) -> None:
    for model, severity, due in (
        ("low", "low", "2026-10-01"),
        ("high", "high", "2026-11-10"),
        ("old entry", None, "2026-11-12"),
        ("critical", "critical", "2026-11-14"),
        ("odd", "dreadful", "2026-11-13"),
        ("not yet", "critical", "2026-12-01"),
        ("no day", "critical", ""),
    ):
        say(act("evidence.refuted", model, reason="drift", due=due, **({} if severity is None else {"severity": severity})))
    found = portfolio(point(workspace), workspace)
    order = ["old entry", "odd", "critical", "high", "low", "not yet", "no day"]
    assert [one.model for one in found.findings] == order
    assert (found.overdue, found.findings_in_all) == (5, 7)
    said = {one.model: words.finding(one) for one in found.findings}
    assert said["old entry"] == "old entry: drift, severity unknown (overdue by 10 days)"
    assert said["critical"] == "critical: drift, critical (overdue by 8 days)"


def test_grave_models_with_old_evidence_are_looked_at_first_and_an_unknown_tier_counts_as_the_gravest(
    workspace: Workspace, say: Say, clock: FixedClock
) -> None:
    fine = [demand("A", "v.one", "pass")]
    say(validated("tier 3, old", "a", fine, tier=3))
    say(act("reproduce.done", "nobody knows"), after=24 * 10)
    say(validated("tier 1, newer", "b", fine, tier=1), after=24 * 20)
    say(validated("tier 2, middle", "c", fine, tier=2))
    clock.advance(timedelta(days=10))
    found = portfolio(point(workspace), workspace).first
    assert [(one.model, one.score) for one in found] == [
        ("nobody knows", 90.0),
        ("tier 3, old", 40.0),
        ("tier 1, newer", 30.0),
        ("tier 2, middle", 20.0),
    ]
    assert found[0].why == ("never validated, known for 30 days", "its tier is not known, so it counts as tier 1")
