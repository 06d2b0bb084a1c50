"""`[data] track` and `mlgov track`: files in DVC, their hash and revision in the trail, once for each content."""

from __future__ import annotations

import subprocess
import uuid
from datetime import UTC, datetime
from pathlib import Path

import pytest

from jupyter_mlgov.audit.entries import Draft
from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.core.facts import fields_of
from jupyter_mlgov.core.settings import Settings
from jupyter_mlgov.lineage.facts import CellRun, Environment, FileRef, Outcome, Session, Step
from jupyter_mlgov.workspace import Workspace
from jupyter_mlgov.workspace.tracking import kept_data, track_now

MOMENT = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    root = tmp_path / "a b"
    root.mkdir()
    for words in (["init", "-q"], ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-q", "--allow-empty", "-m", "x"]):
        subprocess.run(["git", *words], cwd=root, check=True)
    return Workspace.create(root, Settings(actor="ana", tracking_uri="http://127.0.0.1:9"))


def ran(workspace: Workspace, asked: str) -> None:
    """A session whose one step read `in.csv` and wrote `out.csv`, in a team that asks for `asked`."""
    root = workspace.root
    (root / "mlgov.toml").write_text(f"[data]\ntrack = {asked}\n")
    (root / "in.csv").write_text("in")
    (root / "out.csv").write_text("out")
    session = Session(
        id=uuid.uuid4().hex,
        notebook="n.ipynb",
        host="papermill",
        started=MOMENT,
        environment=Environment(python="3", platform="x", packages={}),
    )
    run = CellRun(
        id=uuid.uuid4().hex,
        session=session.id,
        notebook="n.ipynb",
        cell_id="c",
        order=1,
        started=MOMENT,
        source_digest=Digest.of_text("x"),
        step=Step(kind="data"),
        files_read=(FileRef(path="in.csv", digest=Digest.of_text("in")), FileRef(path="/elsewhere/z.csv", digest=Digest.of_text("z"))),
        files_written=(FileRef(path="out.csv", digest=Digest.of_text("out")),),
        outcome=Outcome.OK,
    )
    workspace.record(
        Draft(action="session.started", subject="n.ipynb", payload=fields_of(session)),
        Draft(action="cell.finished", subject="n.ipynb", payload=fields_of(run)),
    )


def tracked(workspace: Workspace) -> dict[str, object]:
    return {entry.subject: entry.payload["revision"] for entry in workspace.journal.entries(actions=("file.tracked",))}


@pytest.mark.parametrize(
    ("asked", "names"),
    [("[]", set()), ('["inputs"]', {"in.csv"}), ('["outputs"]', {"out.csv"}), ('["inputs", "outputs"]', {"in.csv", "out.csv"})],
)
def test_the_team_file_says_which_files_of_steps_dvc_keeps(workspace: Workspace, asked: str, names: set[str]) -> None:
    ran(workspace, asked)
    workspace.project("n.ipynb")
    workspace.deliver()
    assert set(tracked(workspace)) == names
    assert {path.name for path in workspace.root.glob("?*.dvc")} == {f"{name}.dvc" for name in names}
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=workspace.root, capture_output=True, text=True, check=True).stdout.strip()
    assert all(str(revision).startswith(head) for revision in tracked(workspace).values())
    workspace.project("n.ipynb")
    workspace.deliver()
    assert len(list(workspace.journal.entries(actions=("file.tracked",)))) == len(names)


def test_a_file_that_changed_since_the_step_is_not_tracked_in_its_name(workspace: Workspace) -> None:
    ran(workspace, '["inputs"]')
    workspace.project("n.ipynb")
    (workspace.root / "in.csv").write_text("another")
    workspace.deliver()
    assert tracked(workspace) == {}
    (told,) = [entry for entry in workspace.journal.entries(actions=("projection.delivered",)) if entry.payload["target"] == "dvc"]
    assert told.payload["note"] == "not tracked: the file was changed since the step saw it"


def test_data_that_is_not_pushed_is_found_for_the_gate(workspace: Workspace, tmp_path: Path) -> None:
    ran(workspace, "[]")
    lineage = workspace.lineage("n.ipynb")
    assert [(item.path, item.state) for item in kept_data(workspace, lineage)] == [("in.csv", "untracked")]
    track_now(workspace, workspace.root / "in.csv")
    (item,) = kept_data(workspace, lineage)
    assert (item.state, item.dvc_file) == ("no remote", "in.csv.dvc")
    assert item.revision.endswith("+dirty")
