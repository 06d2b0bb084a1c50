"""`--quick`: only the steps from the first changed one on, upon values that were kept and are what they were."""

from __future__ import annotations

from pathlib import Path

import pytest

from jupyter_mlgov.pipelines.reproduce import Grade
from jupyter_mlgov.workspace import Workspace
from tests.workspace.test_reproducing import CELLS, NAME, TEAM, again, git, made, ran, written

pytestmark = pytest.mark.slow

LAST = ("c5", "mean = float(scored['score'].mean()) + float(open('add.txt').read())", ["mlgov:evaluate"])
FIRST = ("c4", "scored = loans.assign(score=loans['x'] * float(open('times.txt').read()))", ["mlgov:features"])


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    made_here = made(tmp_path_factory.mktemp("quick") / "w ü", team=TEAM)
    folder = (made_here.root / NAME).parent
    written(made_here.root / NAME, (*CELLS[:2], FIRST, LAST))
    (made_here.root / ".gitignore").write_text("*.txt\n")
    git(made_here.root, "add", "-A")
    git(made_here.root, "commit", "-qm", "files that nobody keeps")
    (folder / "add.txt").write_text("1.5")
    (folder / "times.txt").write_text("0.5")
    ran(made_here)
    return made_here


def path(workspace: Workspace, name: str) -> Path:
    return (workspace.root / NAME).parent / name


def test_where_nothing_changed_nothing_is_replayed(workspace: Workspace) -> None:
    done = again(workspace, quick=True)
    assert (done.grade, done.artefacts) == (Grade.UNKNOWN, ())
    assert "Nothing that a step rests on has changed" in done.why


def test_only_the_changed_step_runs_upon_the_kept_table(workspace: Workspace) -> None:
    path(workspace, "add.txt").write_text("2.5")
    try:
        done = again(workspace, quick=True)
    finally:
        path(workspace, "add.txt").write_text("1.5")
    assert (done.replayed, done.grade) == (("evaluate",), Grade.DIVERGENT), done.why
    assert {(one.cell, one.name, one.grade.value) for one in done.artefacts} == {
        ("c5", "scored", "identical"),
        ("c5", "mean", "divergent"),
    }
    assert (done.causes[0].kind, "add.txt" in done.causes[0].sentence) == ("data", True)
    act = list(workspace.journal.entries(actions=("reproduce.done",)))[-1]
    assert (act.payload["model_digest"], act.payload["replayed"]) == ("", ["evaluate"])


def test_a_value_that_was_not_kept_is_said(workspace: Workspace) -> None:
    path(workspace, "times.txt").write_text("0.25")
    try:
        done = again(workspace, quick=True)
    finally:
        path(workspace, "times.txt").write_text("0.5")
    assert done.grade is Grade.UNKNOWN
    assert "`loans`, which step data made and a later one takes, was not kept" in done.why
