"""Which stage a model goes for: the first that has not let in this very model, in every surface that names none."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from jupyter_mlgov.audit.entries import Draft
from jupyter_mlgov.core.facts import fields_of
from jupyter_mlgov.lineage.facts import Fingerprint, ObjectRef
from jupyter_mlgov.promotion.facts import Answer
from jupyter_mlgov.testing import FixedClock, cell_run, digest, session
from jupyter_mlgov.workspace.judging import next_stage, way_of
from jupyter_mlgov.workspace.review_desk import desk
from tests.workspace.gated import NOTEBOOK, TEAM, Gated, gated, validated

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
FOUR = f'{TEAM}[promotion]\nstages = ["lab", "pilot", "staging", "production"]\n[promotion.approvals]\nproduction = 2\n'


def trained(house: Gated, content: str) -> None:
    """A model whose copy was kept: `why` knows it without the registry."""
    stored = house.objects.put(content.encode())
    model = ObjectRef(name="model", kind="model", stored=stored, fingerprint=Fingerprint(method="mlgov-model-1", root=digest(content)))
    run = cell_run("train", notebook=NOTEBOOK, outputs=(model,), session=f"s{content}", id=f"r{content}")
    house.record(
        Draft(action="session.started", subject=NOTEBOOK, payload=fields_of(session(notebook=NOTEBOOK, id=f"s{content}"))),
        Draft(action="cell.finished", subject=NOTEBOOK, payload=fields_of(run)),
    )


@pytest.fixture
def house(tmp_path: Path) -> Gated:
    made = gated(tmp_path, FixedClock(), team=FOUR)
    trained(made, "first")
    validated(made)
    return made


def approved(house: Gated, *people: str) -> None:
    for who in people:
        house.acting(who).review(NOTEBOOK, "approve", "read", attests_unchecked=True)


def granted(house: Gated, stage: str) -> None:
    assert house.promote(stage, NOTEBOOK).answer is Answer.GRANTED, house.why(stage, NOTEBOOK).reasons


def test_the_next_stage_is_the_first_one_that_did_not_let_in_this_very_model(house: Gated) -> None:
    approved(house, "bob@firm.example")
    seen = []
    for stage in ("pilot", "staging"):
        view = house.view(NOTEBOOK)
        seen.append((view.gate, view.stage, view.let_in, desk(house, NOTEBOOK).stage, desk(house, NOTEBOOK).needed))
        assert next_stage(house, NOTEBOOK) == stage
        granted(house, stage)
    view = house.view(NOTEBOOK)
    seen.append((view.gate, view.stage, view.let_in, desk(house, NOTEBOOK).stage, desk(house, NOTEBOOK).needed))
    assert seen == [
        ("lab → pilot", "lab", (), "pilot", 1),
        ("pilot → staging", "pilot", ("pilot",), "staging", 1),
        ("staging → production", "staging", ("pilot", "staging"), "production", 2),
    ]
    # What stands before production is what production asks for, and nothing of the gates behind: one more approval.
    assert [reason.code for reason in view.why] == ["approvals"]
    approved(house, "cara@firm.example")
    assert house.view(NOTEBOOK).next == "Nothing stands in the way: `%mlgov promote production`."
    granted(house, "production")
    done = house.view(NOTEBOOK)
    assert (done.gate, done.stage, done.let_in) == ("staging → production", "production", ("pilot", "staging", "production"))
    assert done.next == "This very model is in production, the last stage, as version 1."
    assert way_of(house, NOTEBOOK).done


def test_another_model_begins_at_the_first_gate_while_the_old_one_stays_where_it_is(house: Gated) -> None:
    approved(house, "bob@firm.example")
    granted(house, "pilot")
    granted(house, "staging")
    trained(house, "second")
    view = house.view(NOTEBOOK)
    assert (view.gate, view.let_in, view.stage, view.version) == ("lab → pilot", (), "staging", "1")


def test_a_model_that_was_taken_out_of_a_stage_goes_for_that_one_again(house: Gated) -> None:
    approved(house, "bob@firm.example", "cara@firm.example")
    for stage in ("pilot", "staging", "production"):
        granted(house, stage)
    house.record(Draft(action="stage.emptied", subject="credit", payload={"stage": "staging", "from": "1", "to": "", "reason": "broken"}))
    view = house.view(NOTEBOOK)
    assert (view.gate, view.let_in, view.stage) == ("pilot → staging", ("pilot",), "production")


def test_why_and_review_ask_take_the_next_stage_in_a_shell_and_a_bare_promote_never_does(
    house: Gated, monkeypatch: pytest.MonkeyPatch
) -> None:
    from jupyter_mlgov.cli import mlgov
    from jupyter_mlgov.kernel.magics import GovernanceMagics

    approved(house, "bob@firm.example")
    granted(house, "pilot")
    granted(house, "staging")
    monkeypatch.chdir(house.root)
    monkeypatch.setenv("MLGOV_ACTOR", "ana@firm.example")
    said = CliRunner().invoke(mlgov, ["why"])
    assert said.exit_code == 1
    assert "staging" not in said.output
    assert "production" in said.output
    asked = CliRunner().invoke(mlgov, ["review", "ask", "--format", "json"])
    assert '"stage": "production"' in asked.output
    # A notebook that is run a second time must not ask for a stage that nobody named.
    stages: list[str] = []
    monkeypatch.setattr(type(house), "promote", lambda _, stage, __, *limits: stages.append(stage) or house.why(stage, NOTEBOOK))
    magics = object.__new__(GovernanceMagics)
    magics.session = type("Session", (), {"workspace": house, "notebook": NOTEBOOK})()
    magics._promote([])
    assert stages == ["pilot"]


def test_a_team_without_a_gate_is_told_so(tmp_path: Path) -> None:
    from jupyter_mlgov.core.errors import UsageError

    house = gated(tmp_path, FixedClock(), team=f'{TEAM}[promotion]\nstages = ["lab"]\n')
    assert house.view(NOTEBOOK).gate == ""
    with pytest.raises(UsageError, match="have no gate"):
        next_stage(house, NOTEBOOK)
