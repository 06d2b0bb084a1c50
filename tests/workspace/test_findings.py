"""The way of a finding, by itself, over a real workspace: alarm, gate, review, breaker, rollback, retraining, escalation, settlement."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlgov.audit.entries import Draft
from jupyter_mlgov.core.errors import BadInput, StorageProblem, UsageError
from jupyter_mlgov.core.verdicts import Verdict
from jupyter_mlgov.integrations.mlflow.connection import connected
from jupyter_mlgov.rollout.serving.field import field
from jupyter_mlgov.workspace import Workspace, findings
from jupyter_mlgov.workspace.monitoring import look, quiet, running, settle
from jupyter_mlgov.workspace.reviewing import queue
from tests.promotion.test_intended import decided
from tests.workspace.gated import NOTEBOOK, Gated, validated
from tests.workspace.watched import TEAM, against, alarms, house, later, window

pytestmark = pytest.mark.usefixtures("checks_here")
DRIFT = '[monitoring.drift]\nfrequency = "daily"\n'


def planned(folder: Path, more: str = "") -> Gated:
    return house(folder, TEAM + DRIFT + more)


def entries(workspace: Workspace, *actions: str) -> list[dict[str, Any]]:
    return [dict(entry.payload) for entry in workspace.journal.entries(actions=actions)]


def test_log_alarm_refutation_and_shut_gate_are_one_piece_within_a_second_of_the_verdict(tmp_path: Path) -> None:
    made = planned(tmp_path, 'owner = "olga@firm.example"\ndeadline = "3 hours"\n')
    tick = look(made, "credit", window(made, shift=1.0))
    ran, alarm, refuted = (entry for entry in made.journal.entries(actions=("monitor.ran", "alarm.raised", "evidence.refuted")))
    assert (ran.seq + 1, ran.seq + 2) == (alarm.seq, refuted.seq), "one transaction: nobody sees the finding without its gate"
    assert (alarm.payload["owner"], alarm.payload["severity"]) == ("olga@firm.example", "critical")
    assert refuted.payload["severity"] == "critical"
    assert alarm.payload["due"] == refuted.payload["due"]
    assert str(alarm.payload["due"]) == str(made.clock.now().isoformat()).replace("+00:00", "").replace("T12:", "T15:") + ".000000Z"
    assert refuted.payload["by"] == ran.payload["report"] == str(tick.report.digest)
    assert made.why("production", NOTEBOOK).answer.value != "granted"
    assert 0 < float(str(ran.payload["seconds"])) < 60, "detection is measured, from the first look to the shut gate"


def test_a_review_is_opened_with_the_finding_as_its_first_question_once(tmp_path: Path) -> None:
    made = planned(tmp_path)
    validated(made)
    tick = look(made, "credit", window(made, shift=1.0))
    (case,) = [one.case for one in queue(made)]
    assert (case.stage, case.notebook) == ("production", NOTEBOOK)
    assert f"Review {case.number} asks about it." in tick.acts
    (question,) = case.talk
    assert "drift in window w1" in question.text
    look(made, "credit", window(made, "w2", seed=3, shift=1.0))
    assert [len(one.case.talk) for one in queue(made)] == [1]


def test_without_a_report_that_holds_no_review_is_pretended(tmp_path: Path) -> None:
    made = planned(tmp_path)
    tick = look(made, "credit", window(made, shift=1.0))
    assert any(act.startswith("No review could be opened: There is no report") for act in tick.acts)


def test_a_rollback_by_policy_brings_the_version_before_back_or_says_why_not(tmp_path: Path) -> None:
    made = planned(tmp_path, 'action = "rollback"\n')
    look(made, "credit", window(made, shift=1.0))
    tried = entries(made, "rollback.ordered", "rollback.refused", "rollback.failed")
    assert len(tried) == 1
    assert str(tried[0]["reason"]).startswith("finding ")
    look(made, "credit", window(made, "w2", seed=3, shift=1.0))
    assert len(entries(made, "rollback.ordered", "rollback.refused", "rollback.failed")) == 1, "tried once for a finding"


def in_mlflow(folder: Path, store: Path, *versions: str) -> Workspace:
    """The house with version 2 of two in production, over an MLflow registry in SQLite in which these versions are registered."""
    made = planned(folder, 'action = "rollback"\n')
    delivered = {"key": "run:s1:k", "kind": "run", "target": "mlflow", "model": "credit", "version": "2"}
    second = decided("2")
    made.record(
        Draft(action="projection.delivered", subject="credit", payload=delivered),
        Draft(action=second.action, subject="credit", payload={**second.payload, "notebook": NOTEBOOK}),
    )
    shutil.copy(store, folder / "mlflow.db")
    uri = f"sqlite:///{folder / 'mlflow.db'}"
    if versions:
        with connected(uri) as client:
            client.create_registered_model("credit")
            for version in versions:
                assert str(client.create_model_version("credit", folder.as_uri()).version) == version
    workspace = Workspace(folder, replace(made.settings, tracking_uri=uri), clock=made.clock)
    if versions:
        workspace.registry.point("credit", "production", versions[-1], {})
    return workspace


def at(workspace: Workspace) -> str:
    found = workspace.registry.at_stage("credit", "production")
    return found.version if found else ""


def test_a_rollback_by_policy_moves_a_real_registry_once_and_its_receipt_is_in_the_log(tmp_path: Path, empty_mlflow: Path) -> None:
    made = in_mlflow(tmp_path, empty_mlflow, "1", "2")
    assert at(made) == "2"
    tick = look(made, "credit", window(made, shift=1.0))
    assert at(made) == "1"
    ordered, done = made.journal.entries(actions=("rollback.ordered", "rollback.done"))
    assert (ordered.action, ordered.payload["from"], ordered.payload["to"]) == ("rollback.ordered", "2", "1")
    assert (done.action, done.payload["left"], done.payload["to"], done.payload["outcome"]) == ("rollback.done", "2", "1", "done")
    assert str(done.payload["reason"]).startswith("finding ")
    assert done.payload["after"] == [{"name": "registry", "answer": "ok", "said": "production is version 1"}]
    assert done.payload["said"] in tick.acts
    assert [one["kind"] for one in entries(made, "alarm.raised")].count("rollback") == 1


def test_a_rollback_by_policy_that_the_registry_does_not_take_is_said_and_alarmed(tmp_path: Path, empty_mlflow: Path) -> None:
    made = in_mlflow(tmp_path, empty_mlflow)
    tick = look(made, "credit", window(made, shift=1.0))
    (failed,) = entries(made, "rollback.failed")
    assert (failed["to"], failed["outcome"]) == ("1", "failed")
    assert failed["problem"]
    assert failed["said"] in tick.acts
    (alarm,) = [one for one in entries(made, "alarm.raised") if one["kind"] == "rollback failed"]
    assert alarm["problem"] == failed["said"]
    assert entries(made, "rollback.done") == []


def test_a_rollback_by_policy_that_cannot_even_be_tried_is_said_at_each_look_and_alarmed_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = planned(tmp_path, 'action = "rollback"\n')

    def broken(*_: object) -> None:
        raise StorageProblem("The disk is full.", next="Make room.")

    monkeypatch.setattr("jupyter_mlgov.workspace.rollback.roll_back", broken)
    for name, seed in (("w1", 2), ("w2", 3)):
        tick = look(made, "credit", window(made, name, seed=seed, shift=1.0))
        assert "The rollback that the plan orders could not be tried: The disk is full. Make room." in tick.acts
    (alarm,) = [one for one in entries(made, "alarm.raised") if one["kind"] == "rollback failed"]
    assert (alarm["severity"], alarm["problem"]) == ("critical", "The rollback that the plan orders could not be tried: The disk is full.")


def test_the_breaker_by_policy_is_ordered_once(tmp_path: Path) -> None:
    made = planned(tmp_path, 'action = "baseline"\n')
    look(made, "credit", window(made, shift=1.0))
    look(made, "credit", window(made, "w2", seed=3, shift=1.0))
    assert len(entries(made, "breaker.ordered")) == 1
    assert field(made.journal.entries(), "credit", "production").tripped.startswith("by hand: finding ")


def test_retraining_is_proposed_and_nothing_runs(tmp_path: Path) -> None:
    made = planned(tmp_path, 'retrain = "propose"\n')
    tick = look(made, "credit", window(made, shift=1.0))
    (one,) = entries(made, "retraining.proposed")
    assert (one["notebook"], one["started"]) == (NOTEBOOK, False)
    assert any("Training again is proposed" in act for act in tick.acts)
    assert not (tmp_path / "runs").exists()
    look(made, "credit", window(made, "w2", seed=3, shift=1.0))
    assert len(entries(made, "retraining.proposed")) == 1


def test_retraining_started_by_the_plan_runs_the_notebook_and_promotes_nothing(tmp_path: Path) -> None:
    import nbformat

    made = planned(tmp_path, 'retrain = "start"\n')
    cell = nbformat.v4.new_code_cell("open('trained.txt', 'w').write('again')", metadata={"tags": ["mlgov:train"]})
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    nbformat.write(nbformat.v4.new_notebook(cells=[cell], metadata=kernel), tmp_path / NOTEBOOK)
    before = len(entries(made, "promotion.decided"))
    tick = look(made, "credit", window(made, shift=1.0))
    assert (tmp_path / "trained.txt").read_text("utf-8") == "again"
    assert any(act.startswith("Trained again:") and act.endswith("Nothing was promoted by it.") for act in tick.acts)
    assert len(entries(made, "promotion.decided")) == before
    assert running(made, "credit").move.version == "1"


def test_a_run_that_cannot_start_is_said_and_the_gate_is_shut_all_the_same(tmp_path: Path) -> None:
    made = planned(tmp_path, 'retrain = "start"\n')
    tick = look(made, "credit", window(made, shift=1.0))
    assert any("There is no notebook" in act for act in tick.acts)
    assert len(against(made)) == 1


def test_what_nobody_settled_by_its_deadline_escalates_once(tmp_path: Path) -> None:
    made = planned(tmp_path, 'deadline = "1 day"\n')
    look(made, "credit", window(made, shift=1.0))
    assert quiet(made) == ()
    later(made, 1.05)
    (said,) = quiet(made)
    assert "nobody has settled it" in said
    (alarm,) = [one for one in alarms(made) if one["kind"] == "monitor overdue"]
    assert (alarm["severity"], alarm["watched"]) == ("critical", "drift")
    quiet(made)
    assert len([one for one in alarms(made) if one["kind"] == "monitor overdue"]) == 1


def test_a_finding_settled_in_time_never_escalates(tmp_path: Path) -> None:
    made = planned(tmp_path, 'deadline = "1 day"\n')
    look(made, "credit", window(made, shift=1.0))
    settle(made.acting("bob@firm.example"), "credit", "drift", "the feed was mended")
    later(made, 1.05)
    assert quiet(made) == ()


def test_who_ran_the_monitor_that_found_it_does_not_settle_it(tmp_path: Path) -> None:
    made = planned(tmp_path)
    cora = made.acting("cora@firm.example")
    look(cora, "credit", window(made, shift=1.0))
    with pytest.raises(UsageError, match="ran the monitor that found it"):
        settle(cora, "credit", "drift", "fine")
    settle(made.acting("bob@firm.example"), "credit", "drift", "fine")


def test_a_monitor_that_was_killed_leaves_all_or_nothing_and_the_next_carries_out_the_rest(tmp_path: Path) -> None:
    """Killed after the entry and before the breaker: the next look of a scheduler does what the plan says."""
    made = planned(tmp_path, 'action = "baseline"\n')
    path = window(made, shift=1.0)
    child = multiprocessing.get_context("fork").Process(target=_killed, args=(made, path))
    child.start()
    child.join(timeout=120)
    assert child.exitcode == -signal.SIGKILL
    assert len(against(made)) == 1, "the finding and its shut gate are one piece"
    assert entries(made, "breaker.ordered") == []
    quiet(made)
    assert len(entries(made, "breaker.ordered")) == 1
    quiet(made)
    assert len(entries(made, "breaker.ordered")) == 1


def _killed(made: Gated, path: Path) -> None:
    findings.follow = lambda *_: os.kill(os.getpid(), signal.SIGKILL)  # type: ignore[assignment]  # in a process of its own
    made.close()
    look(Gated(made.root, made.settings, clock=made.clock), "credit", path)


def test_two_monitors_at_once_find_it_once(tmp_path: Path) -> None:
    made = planned(tmp_path)
    path = window(made, shift=1.0)
    look(made, "credit", window(made, "w0", seed=9))  # the reference is kept
    made.close()
    fork = multiprocessing.get_context("fork")
    children = [fork.Process(target=_looking, args=(made, path)) for _ in range(2)]
    for child in children:
        child.start()
    for child in children:
        child.join(timeout=120)
    assert [child.exitcode for child in children] == [0, 0]
    assert len(entries(made, "monitor.ran")) == 3
    assert len(against(made)) == 1
    assert len([one for one in alarms(made) if one["kind"] == "monitor drift"]) == 1


def _looking(made: Gated, path: Path) -> None:
    tick = look(Gated(made.root, made.settings, clock=made.clock), "credit", path)
    os._exit(0 if tick.verdict is Verdict.FAIL else 1)


def test_a_disk_that_takes_nothing_is_a_sentence_and_no_verdict(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import errno

    made = planned(tmp_path)
    look(made, "credit", window(made, "w0"))
    put = type(made.objects).put

    def full(self: object, content: bytes) -> object:
        raise StorageProblem(f"{os.strerror(errno.ENOSPC)}: the objects cannot be written.", next="Make room.")

    monkeypatch.setattr(type(made.objects), "put", full)
    with pytest.raises(StorageProblem, match="No space left"):
        look(made, "credit", window(made, "w1", seed=3, shift=1.0))
    assert len(entries(made, "monitor.ran")) == 1, "a look that could not be kept is none, and goes silent"
    monkeypatch.setattr(type(made.objects), "put", put)
    assert look(made, "credit", window(made, "w1", seed=3, shift=1.0)).verdict is Verdict.FAIL


def test_a_clock_that_was_set_back_hides_no_silence(tmp_path: Path) -> None:
    made = planned(tmp_path)
    look(made, "credit", window(made))
    later(made, 3)
    made.record(Draft(action="finding.settled", subject="credit", payload={"finding": "x", "how": "y"}))
    later(made, -3)
    assert len(quiet(made)) == 1, "the log knows that three days went by"


def test_a_plan_that_changed_between_two_windows_is_said_and_on_record(tmp_path: Path) -> None:
    made = planned(tmp_path, '[monitoring.fairness]\nfrequency = "daily"\n')
    look(made, "credit", window(made))
    (tmp_path / "mlgov.toml").write_text(TEAM + DRIFT.replace("daily", "monthly"), "utf-8")
    again = Gated(made.root, made.settings, clock=made.clock)
    tick = look(again, "credit", window(made, "w2", seed=3))
    assert [note for note in tick.notes if note.startswith("The plan changed")] == [
        "The plan changed: fairness is watched no more.",
        "The plan changed: frequency of drift was daily and is monthly.",
    ]
    first, second = entries(again, "monitor.planned")
    assert second["before"] == first["plan"] != second["plan"]
    assert entries(again, "monitor.ran")[-1]["plan"] == second["plan"]


def test_a_model_that_was_retired_is_watched_no_more_and_another_is(tmp_path: Path) -> None:
    made = planned(tmp_path)
    later(made, 3)
    assert len(quiet(made)) == 1
    made.record(Draft(action="stage.emptied", subject="credit", payload={"stage": "production", "from": "1"}))
    assert quiet(made) == ()
    made.record(Draft(action="promotion.decided", subject="credit", payload={**decided("2").payload, "notebook": NOTEBOOK}))
    later(made, 3)
    assert [line for line in quiet(made) if "version 2" in line]


@pytest.mark.parametrize("given", ["soon", "0 hours", "-1 days", "24"])
def test_a_deadline_nobody_understands_is_a_sentence(tmp_path: Path, given: str) -> None:
    made = planned(tmp_path, f'deadline = "{given}"\n')
    with pytest.raises(BadInput, match="deadline in"):
        running(made, "credit")


@pytest.mark.parametrize(("more", "said"), [('retrain = "maybe"\n', "retrain in"), ("[monitoring]\nq = 1\n", "key in")])
def test_another_word_in_the_plan_is_refused(tmp_path: Path, more: str, said: str) -> None:
    made = house(tmp_path, TEAM + (more + DRIFT if more.startswith("[") else DRIFT + more))
    with pytest.raises(UsageError, match=said):
        running(made, "credit")
