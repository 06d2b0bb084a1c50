"""Planted drift, a planted fairness gap and a silent monitor are each found within one tick and shut the gate; health does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from jupyter_mlgov.audit.entries import Draft
from jupyter_mlgov.core.errors import BadInput, MlgovError, NotReady, UsageError
from jupyter_mlgov.core.verdicts import Verdict
from jupyter_mlgov.rollout.serving.field import field
from jupyter_mlgov.workspace.monitoring import look, quiet, running, settle, state
from tests.workspace.gated import NOTEBOOK, Gated
from tests.workspace.watched import TEAM, against, alarms, house, later, window

pytestmark = pytest.mark.usefixtures("checks_here")


@pytest.fixture
def workspace(tmp_path: Path) -> Gated:
    return house(tmp_path)


def test_a_window_like_the_one_it_was_judged_on_is_measured_and_good(workspace: Gated) -> None:
    tick = look(workspace, "credit", window(workspace))
    assert (tick.verdict, dict(tick.unmeasured), tick.acts) == (Verdict.PASS, {}, ())
    assert set(tick.measured) == {"quality", "drift", "performance", "fairness"}
    assert (against(workspace), alarms(workspace)) == ((), [])
    entry = next(iter(workspace.journal.entries(actions=("monitor.ran",))))
    assert (entry.payload["rows"], entry.payload["verdict"]) == (4000, "passed")


@pytest.mark.parametrize(("planted", "name"), [({"shift": 1.0}, "drift"), ({"gap": 0.4}, "fairness")])
def test_what_was_planted_is_found_in_one_tick_and_shuts_the_gate(workspace: Gated, planted: dict[str, float], name: str) -> None:
    tick = look(workspace, "credit", window(workspace, **planted))
    assert name in tick.found
    assert tick.verdict is Verdict.FAIL
    assert any(said.startswith(f"{name} in window w1") for said in against(workspace))
    raised = [alarm for alarm in alarms(workspace) if alarm["kind"] == f"monitor {name}"]
    assert [alarm["severity"] for alarm in raised] == ["critical"]
    why = workspace.why("staging", NOTEBOOK)
    assert why.answer.value != "granted"
    before = len(against(workspace))
    look(workspace, "credit", window(workspace, "w2", seed=3, **planted))
    assert len(against(workspace)) == before, "one refutation stands until somebody settles it"
    assert len([alarm for alarm in alarms(workspace) if alarm["kind"] == f"monitor {name}"]) == 2


def test_a_finding_shuts_gates_and_lets_the_model_answer_unless_the_plan_says_otherwise(tmp_path: Path) -> None:
    made = house(tmp_path, TEAM + '[monitoring.drift]\nfrequency = "daily"\n')
    look(made, "credit", window(made, shift=1.0))
    now = field(made.journal.entries(), "credit", "production")
    assert (now.champion, now.refuted, now.tripped) == ("1", frozenset(), "")


def test_the_plan_may_have_the_baseline_answer(tmp_path: Path) -> None:
    made = house(tmp_path, TEAM + '[monitoring.drift]\nfrequency = "daily"\naction = "baseline"\n')
    tick = look(made, "credit", window(made, shift=1.0))
    assert "The baseline answers in its stead." in tick.acts
    assert field(made.journal.entries(), "credit", "production").tripped.startswith("by hand: finding ")


def test_without_outcomes_performance_is_not_told_and_is_no_health(workspace: Gated) -> None:
    tick = look(workspace, "credit", window(workspace, labels=False))
    assert "performance" in tick.unmeasured
    assert tick.verdict is Verdict.INCONCLUSIVE
    assert against(workspace) == ()
    assert [alarm["kind"] for alarm in alarms(workspace)] == ["monitor could not tell"]


def test_silence_is_found_shuts_the_gate_once_and_ends_with_the_next_measurement(workspace: Gated) -> None:
    assert quiet(workspace) == ()
    later(workspace, 6)
    assert quiet(workspace) == ()
    later(workspace, 2)
    said = quiet(workspace)
    assert len(said) == 4
    assert "was never measured" in said[0]
    assert len(against(workspace)) == 4
    assert {alarm["kind"] for alarm in alarms(workspace)} == {"monitor silent"}
    quiet(workspace)
    assert (len(against(workspace)), len(alarms(workspace))) == (4, 4)
    look(workspace, "credit", window(workspace))
    assert against(workspace) == ()
    assert quiet(workspace) == ()
    later(workspace, 8)
    assert len(quiet(workspace)) == 4


def test_a_tick_that_could_not_tell_does_not_end_a_silence(workspace: Gated) -> None:
    later(workspace, 8)
    look(workspace, "credit", window(workspace, labels=False))
    assert [line for line in quiet(workspace) if "performance" in line]


def test_an_author_settles_nothing_and_a_reviewer_says_why(workspace: Gated) -> None:
    look(workspace, "credit", window(workspace, shift=1.0))
    with pytest.raises(UsageError, match="another person"):
        settle(workspace, "credit", "drift", "the feed was mended")
    reviewer = workspace.acting("bob@firm.example")
    with pytest.raises(UsageError, match="Why"):
        settle(reviewer, "credit", "drift", " ")
    with pytest.raises(UsageError, match="drift"):
        settle(reviewer, "credit", "quality", "x")
    settle(reviewer, "credit", "drift", "the feed was mended")
    assert not any(said.startswith("drift") for said in against(workspace))


def test_who_wrote_the_notebook_that_the_job_was_exported_from_settles_nothing(workspace: Gated) -> None:
    look(workspace, "credit", window(workspace, shift=1.0))
    exported = Draft(action="export.written", subject="draft.ipynb", payload={"files": [NOTEBOOK]})
    workspace.acting("carl@firm.example").record(Draft(action="session.started", subject="draft.ipynb"))
    workspace.record(exported)
    with pytest.raises(UsageError, match=r"carl@firm\.example .* worked on n\.ipynb"):
        settle(workspace.acting("carl@firm.example"), "credit", "drift", "the feed was mended")
    settle(workspace.acting("bob@firm.example"), "credit", "drift", "the feed was mended")


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ('[monitoring.drift]\nfrequency = "often"\n', "frequency"),
        ('[monitoring.drift]\nchecks = ["monitor.drfit"]\n', "check in"),
        ('[monitoring.drift]\nchecks = "monitor.drift"\n', "list of validators"),
        ('[monitoring.drift]\naction = "panic"\n', "action in"),
    ],
)
def test_a_plan_nobody_understands_is_a_sentence_and_an_alarm(tmp_path: Path, more: str, said: str) -> None:
    made = house(tmp_path, TEAM + more)
    with pytest.raises(MlgovError) as error:
        look(made, "credit", window(made))
    assert said in str(error.value)
    assert len(quiet(made)) == 1
    assert [alarm["kind"] for alarm in alarms(made)] == ["monitor plan"]


def test_a_watched_number_that_no_machine_measures_is_said_and_goes_silent(tmp_path: Path) -> None:
    made = house(tmp_path, TEAM + '[monitoring.complaints]\nfrequency = "daily"\n[monitoring.drift]\nfrequency = "daily"\n')
    tick = look(made, "credit", window(made))
    assert tick.unmeasured == {"complaints": "no machine measures it"}
    assert state(made, running(made, "credit"))["complaints"]["said"].startswith("never measured")


def test_wrong_words_and_empty_windows_are_sentences(workspace: Gated, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="credit"):
        look(workspace, "cerdit", window(workspace))
    with pytest.raises(BadInput, match="not there"):
        look(workspace, "credit", tmp_path / "none.parquet")
    with pytest.raises(BadInput, match="no row"):
        look(workspace, "credit", window(workspace, n=0))
    with pytest.raises(UsageError, match="watched thing"):
        look(workspace, "credit", window(workspace), only=("drfit",))
    workspace.record(Draft(action="stage.emptied", subject="credit", payload={"stage": "production"}))
    with pytest.raises(NotReady, match="nothing to watch"):
        look(workspace, "credit", window(workspace))


def test_the_shell_tells_the_same_with_its_exit_codes(workspace: Gated) -> None:
    from click.testing import CliRunner

    from jupyter_mlgov.cli.monitor import monitor

    shell, where = CliRunner(), ["--workspace", str(workspace.root)]
    told = shell.invoke(monitor, ["run", "credit", "--window", str(window(workspace, shift=1.0)), *where])
    assert (told.exit_code, "! Alarm (critical): drift in window w1" in told.output) == (1, True), told.output
    told = shell.invoke(monitor, ["plan", "credit", *where])
    assert "found: drift in window w1" in told.output
    told = shell.invoke(monitor, ["run", "credit", "--window", str(window(workspace, labels=False)), "--only", "performance", *where])
    assert told.exit_code == 3, told.output


STRICT = """
[policy]
id = "strict"
version = "1"
title = "Strict"
framework = "F"
[[control]]
id = "C.1"
cite = "c"
url = ""
verified = "P"
obligation = "do"
automation = "auto"
severity = "high"
gates = ["train"]
basis = "b"
[[control.requirements]]
validator = "fair.air"
parameters = { limit = "999/1000", early = "1", min_n = 30 }
[control.requirements.sources]
limit = "firm policy"
early = "firm policy"
min_n = "firm policy"
"""


def test_the_thresholds_are_those_of_the_packs_it_was_let_in_under(tmp_path: Path) -> None:
    """What the validator's own defaults would pass, a stricter pack finds."""
    slight = {"gap": 0.04}
    lax = tmp_path / "lax"
    lax.mkdir()
    usual = house(lax)
    (tmp_path / "strict.toml").write_text(STRICT, "utf-8")
    made = house(tmp_path, TEAM.replace('"sr-26-2"', '"strict.toml"') + '[monitoring.fairness]\nchecks = ["fair.air"]\n')
    tick = look(made, "credit", window(made, **slight))
    assert [one.id for one in tick.report.policies] == ["strict.toml"]
    assert "fairness" in tick.found
    (lax / "mlgov.toml").write_text(TEAM + '[monitoring.fairness]\nchecks = ["fair.air"]\n', "utf-8")
    assert look(usual, "credit", window(usual, "w2", **slight)).found == {}


def test_its_words_for_how_often_are_those_that_the_plan_is_checked_by() -> None:
    """Rooms that may not import each other: the validator reads the plan, the monitor carries it out."""
    from jupyter_mlgov.monitoring.plan import BY_TIER, CADENCE
    from mlgov_validators.documents import CADENCE as CHECKED
    from mlgov_validators.documents import SLOWEST

    assert (CADENCE, BY_TIER) == (CHECKED, SLOWEST)
