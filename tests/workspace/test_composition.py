"""The composition root's own few rules: which workspace, which team, which lock."""

from __future__ import annotations

from pathlib import Path

import pytest

from jupyter_mlgov.core.errors import NotReady, UsageError
from jupyter_mlgov.core.settings import Settings
from jupyter_mlgov.workspace import Workspace
from jupyter_mlgov.workspace.composition import open_workspace
from jupyter_mlgov.workspace.subjects import read_lock, read_unhashed


def test_the_nearest_parent_with_a_workspace_is_found(tmp_path: Path) -> None:
    Workspace.create(tmp_path)
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    assert Workspace.find(below).root == tmp_path.resolve()


def test_no_workspace_above_is_said(tmp_path: Path) -> None:
    with pytest.raises(NotReady, match="No workspace in"):
        Workspace.find(tmp_path)


def test_a_named_folder_wins_over_the_environment_and_that_over_the_current_one(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("named", "environment", "current")]
    for folder in folders:
        Workspace.create(folder)
    settings = Settings(workspace=str(folders[1]))
    assert open_workspace(folders[0], settings, folders[2]).root == folders[0]
    assert open_workspace(None, settings, folders[2]).root == folders[1]
    assert open_workspace(None, Settings(), folders[2]).root == folders[2]


def test_what_is_kept_is_out_of_git(tmp_path: Path) -> None:
    Workspace.create(tmp_path)
    assert (tmp_path / ".mlgov" / ".gitignore").read_text().splitlines()[-1] == "*"


def test_the_nearest_team_file_counts(tmp_path: Path) -> None:
    workspace = Workspace.create(tmp_path)
    (tmp_path / "mlgov.toml").write_text('[model]\nname = "outer"\n')
    (tmp_path / "sub" / "deep").mkdir(parents=True)
    (tmp_path / "sub" / "mlgov.toml").write_text('[model]\nname = "inner"\n')
    assert workspace.team_for("x.ipynb").model == "outer"
    assert workspace.team_for("sub/deep/x.ipynb").model == "inner"


def test_without_a_name_the_model_is_called_like_the_notebook(tmp_path: Path) -> None:
    assert Workspace.create(tmp_path).team_for("a/churn.ipynb").model == "churn"


@pytest.mark.parametrize("path", ["../x.ipynb", "/etc/x.ipynb", "a/../../x.ipynb"])
def test_a_notebook_outside_is_refused(tmp_path: Path, path: str) -> None:
    workspace = Workspace.create(tmp_path / "w")
    with pytest.raises(UsageError, match="lies outside the workspace"):
        workspace.name_of(Path(path))


@pytest.mark.parametrize(
    ("text", "pins", "hashed"),
    [
        ("a==1\nB_c==2.0\n", {"a": "1", "b-c": "2.0"}, False),
        ("a==1 \\\n    --hash=sha256:00\n", {"a": "1"}, True),
        ("a==1 --hash=sha256:00\nb==2\n", {"a": "1", "b": "2"}, False),
        ("# a==1\n\na[x]==1 ; python_version > '3'\n-r other.txt\nb>=2\n", {"a": "1"}, False),
        ("", {}, False),
    ],
)
def test_a_lock_is_read_as_pip_reads_it(tmp_path: Path, text: str, pins: dict[str, str], hashed: bool) -> None:
    (tmp_path / "lock").write_text(text)
    assert read_lock(tmp_path / "lock") == (pins, hashed)
    assert (set(read_unhashed(tmp_path / "lock")) == set()) is (hashed or not pins)


def test_a_missing_lock_is_no_lock_and_not_an_empty_one(tmp_path: Path) -> None:
    assert read_lock(tmp_path / "none") == (None, False)
