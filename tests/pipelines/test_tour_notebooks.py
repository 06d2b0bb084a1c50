"""The tour notebooks on fraud and trading: cut into steps, run step by step on few rows, and the same as in one kernel."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from jupyter_mlgov.core.settings import Settings
from jupyter_mlgov.workspace import Workspace
from jupyter_mlgov.workspace.pipelines import run_pipeline
from jupyter_mlgov.workspace.stepping import step_book

SMALL = {"fraud.ipynb": {"rows": 5000, "rounds": 5}, "trading_signal.ipynb": {"days": 400, "assets": 4}}
STEPS = ["data", "features", "train", "evaluate"]


@pytest.mark.parametrize("name", SMALL)
def test_a_tour_notebook_is_cut_into_its_four_steps(name: str, checkout: Path) -> None:
    book = step_book(checkout / "notebooks" / name, name)
    assert [one.name for one in book.graph.steps] == STEPS
    assert all(one.declares.bounded for one in book.parameters if one.name != "seed")
    used = {name for one in book.graph.steps for name in one.parameters}
    assert used == {one.name for one in book.parameters}, "every parameter changes something"


@pytest.mark.slow
@pytest.mark.parametrize("name", SMALL)
def test_a_tour_notebook_gives_step_by_step_what_it_gives_in_one(name: str, checkout: Path, tmp_path: Path) -> None:
    shutil.copyfile(checkout / "notebooks" / name, tmp_path / name)
    workspace = Workspace.create(tmp_path, Settings())
    book = step_book(tmp_path / name, name)
    done = run_pipeline(workspace, book, SMALL[name], token="tour")
    assert done.outcome == "ok" and [one.step for one in done.steps] == STEPS, done.sentence
    whole: dict[str, object] = {}
    for cell in book.notebook.cells:
        if cell.type == "code" and not cell.source.startswith("%"):
            exec(cell.source, whole)
            whole.update(SMALL[name] if "parameters" in cell.tags else {})
    metrics = workspace.lineage(name).metrics
    assert metrics and metrics == {one: whole[one] for one in metrics}
    assert workspace.lineage(name).model is not None
    workspace.close()
