"""`mlgov rollback` and `mlgov champion` of a model in a sub-folder: its own team file says which stage is the last one."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from jupyter_mlgov.cli import mlgov
from jupyter_mlgov.core.errors import UsageError
from jupyter_mlgov.core.settings import Settings
from jupyter_mlgov.promotion.intended import history
from jupyter_mlgov.workspace import Workspace
from jupyter_mlgov.workspace.guard import TrailGatekeeper
from jupyter_mlgov.workspace.reconciling import _differences
from tests.promotion.test_intended import decided


@pytest.fixture
def house(tmp_path: Path) -> Workspace:
    """The root team ends at production; the desk's own, in `desk/`, at live."""
    made = Workspace.create(tmp_path, Settings(actor="ana"))
    (tmp_path / "mlgov.toml").write_text('[model]\nname = "other"\n')
    (tmp_path / "desk").mkdir()
    (tmp_path / "desk" / "mlgov.toml").write_text('[model]\nname = "credit"\n[promotion]\nstages = ["development", "shadow", "live"]\n')
    for version in ("1", "2"):
        granted = decided(version, stage="live")
        made.record(replace(granted, payload={**granted.payload, "notebook": "desk/n.ipynb"}))
    return made


def test_the_default_stage_is_the_last_one_of_the_models_own_team(house: Workspace) -> None:
    asked = ["--workspace", str(house.root), "--format", "json"]
    found = CliRunner().invoke(mlgov, ["champion", "credit", *asked])
    assert found.exit_code == 0, found.output
    assert (json.loads(found.output)["stage"], json.loads(found.output)["version"]) == ("live", "2")
    drilled = CliRunner().invoke(mlgov, ["rollback", "credit", "--drill", "--reason", "a drill", *asked])
    assert drilled.exit_code in (0, 1), drilled.output
    assert json.loads(drilled.output)["stage"] == "live"


def test_a_model_that_nobody_decided_about_is_named_with_the_nearest(house: Workspace) -> None:
    for words in (["champion", "credti"], ["rollback", "credti", "--reason", "x"]):
        done = CliRunner().invoke(mlgov, [*words, "--workspace", str(house.root)])
        assert isinstance(done.exception, UsageError)
        assert 'Did you mean "credit"?' in str(done.exception)


def test_the_alias_champion_stands_for_the_last_stage_of_the_models_own_team(house: Workspace) -> None:
    keeper = TrailGatekeeper(house)
    assert "version 2 of credit is in live" in keeper.objection("credit", "champion", "1")
    moves = {("credit", move.stage): move for move in history(tuple(house.journal.entries()), "credit")}
    told = [one.sentence for one in _differences([("credit", "champion")], moves, {"credit": {"champion": "1"}}, keeper)]
    assert len(told) == 1
    assert "the trail says version 2, by decision" in told[0]
