"""A registered version run again: found by its number, whichever way it was made, and evidence for `repro.rerun` about that very model."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from jupyter_mlgov.core.settings import Settings
from jupyter_mlgov.core.verdicts import Verdict
from jupyter_mlgov.pipelines.reproduce import Grade
from jupyter_mlgov.validation.results import Report
from jupyter_mlgov.workspace import Workspace
from jupyter_mlgov.workspace.stepping import run_step, step_book
from tests.workspace.test_reproducing import CELLS, DATA, NAME, TEAM, again, git, made, ran, written

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::DeprecationWarning")]

TRAIN = (
    *CELLS[:2],
    (
        "c3",
        "from sklearn.tree import DecisionTreeClassifier as Tree\nmodel = Tree(max_depth=2, random_state=0).fit(loans[['x']], loans['y'])",
        ["mlgov:train"],
    ),
    (
        "c4",
        "scored = loans.assign(score=model.predict_proba(loans[['x']])[:, 1])\nmean = float(scored['score'].mean())",
        ["mlgov:evaluate"],
    ),
)


def trained(root: Path, store: Path) -> Workspace:
    made(root, team=TEAM + '\n[policy]\npacks = []\nalso = ["repro.rerun"]\n').close()
    written(root / NAME, TRAIN)
    git(root, "commit", "-qam", "a model")
    shutil.copy(store, root / ".mlgov" / "mlflow.db")
    return Workspace(root, Settings(deliver="manual"))


def registered(workspace: Workspace) -> str:
    workspace.project(NAME)
    assert workspace.deliver() == ()
    latest = workspace.registry.latest("loans")
    assert latest is not None
    return latest.version


def rerun(report: Report) -> Verdict | None:
    return next((one.verdict for one in report.results if one.validator == "repro.rerun"), None)


def test_a_version_is_found_run_again_and_counts_for_that_model_alone(tmp_path: Path, empty_mlflow: Path) -> None:
    workspace = trained(tmp_path / "w", empty_mlflow)
    ran(workspace)
    version = registered(workspace)
    assert rerun(workspace.validate(NAME, only=("repro.rerun",))) is None, "nobody ran it again"
    # The notebook goes on, and its last session is of another model; the version stays what it was.
    text = (workspace.root / NAME).read_text()
    (workspace.root / NAME).write_text(text.replace("max_depth=2", "max_depth=1"))
    git(workspace.root, "commit", "-qam", "another model")
    done = again(workspace, f"loans@{version}")
    assert (done.grade, done.equal, done.difference, done.auc_difference) == (Grade.IDENTICAL, True, 0.0, 0.0), done.why
    (workspace.root / NAME).write_text(text)
    assert rerun(workspace.validate(NAME, only=("repro.rerun",))) is Verdict.PASS
    (workspace.root / NAME).write_text(text.replace("max_depth=2", "max_depth=1"))
    ran(workspace)
    assert rerun(workspace.validate(NAME, only=("repro.rerun",))) is None, "the evidence is about another model"


def test_a_version_made_step_by_step_is_run_again_in_one_go(tmp_path: Path, empty_mlflow: Path) -> None:
    workspace = trained(tmp_path / "w", empty_mlflow)
    book = step_book(workspace.root / NAME, NAME)
    folders: list[Path] = []
    for step in book.graph.steps:
        folder = tmp_path / "values" / step.name
        done = run_step(workspace, book, step, folders, folder, {"rows": 30}, token="night-1")
        assert done.outcome == "ok", done.sentence
        folders.append(folder)
    version = registered(workspace)
    found = again(workspace, f"loans@{version}")
    assert found.grade is Grade.IDENTICAL, (found.why, found.artefacts)
    assert {one.kind for one in found.artefacts if one.side == "out"} >= {"table", "model", "metric"}
    assert (workspace.root / DATA).is_file()
