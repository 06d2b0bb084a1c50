"""`mlgov init` in folders as teams have them: it finds, it makes what is missing, it changes nothing, and twice is once."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_mlgov.cli import mlgov
from jupyter_mlgov.core.errors import StorageProblem
from jupyter_mlgov.core.team import read_team
from jupyter_mlgov.workspace import Workspace

GIT = ("-c", "user.name=Ana", "-c", "user.email=ana@example.org", "-c", "init.defaultBranch=main")
REPOSITORIES = ("none", "empty", "branch", "detached", "above")
TEAM_FILES = ("none", "good", "broken", "link to nowhere", "link out", "folder")
DVCS = ("none", "no remote", "remote", "local remote", "garbage")


def git(folder: Path, *words: str) -> None:
    subprocess.run(["git", *GIT, *words], cwd=folder, check=True, capture_output=True)


def notebook(*tags: str) -> str:
    cell = {"cell_type": "code", "id": "a", "metadata": {"tags": list(tags)}, "source": "1", "outputs": [], "execution_count": None}
    return json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5})


def init(folder: Path, environ: Mapping[str, str] | None = None) -> Result:
    done = CliRunner().invoke(mlgov, ["init", "--workspace", str(folder), "--format", "json"], standalone_mode=False, env=environ)
    if done.exception is not None:
        raise done.exception
    return done


def told(folder: Path, environ: Mapping[str, str] | None = None) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(init(folder, environ).stdout)
    body["seen"] = {one["what"]: one for one in body["found"]}
    return body


def snapshot(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Every path with its mode, and its bytes or where it points."""
    found = {}
    for path in sorted(folder.rglob("*")):
        content = os.fsencode(path.readlink()) if path.is_symlink() else path.read_bytes() if path.is_file() else b""
        found[path.relative_to(folder).as_posix()] = (path.lstat().st_mode, content)
    return found


def plant_repository(folder: Path, kind: str) -> None:
    if kind in ("none", "above"):
        return
    git(folder, "init", "-q")
    if kind != "empty":
        git(folder, "commit", "-q", "--allow-empty", "-m", "first")
    if kind == "detached":
        git(folder, "checkout", "-q", "--detach")


def plant_team_file(folder: Path, kind: str) -> None:
    path = folder / "mlgov.toml"
    if kind == "good":
        path.write_text('[model]\nname = "mine"\n')
    elif kind == "broken":
        path.write_text("[model\n")
    elif kind == "link to nowhere":
        path.symlink_to("gone.toml")
    elif kind == "link out":
        (folder.parent / "theirs.toml").write_text("")
        path.symlink_to("../theirs.toml")
    elif kind == "folder":
        path.mkdir()


def plant_dvc(folder: Path, kind: str) -> None:
    if kind == "none":
        return
    (folder / ".dvc").mkdir()
    remote = "[core]\n    remote = ours\n['remote \"ours\"']\n    url = s3://bucket/data\n"
    text = {"no remote": "", "remote": remote, "local remote": "", "garbage": "\x00]["}[kind]
    (folder / ".dvc" / "config").write_text(text)
    if kind == "local remote":
        (folder / ".dvc" / "config.local").write_text(remote)


@settings(max_examples=40)
@given(
    name=st.text(st.characters(exclude_characters="/\x00", exclude_categories=["Cs"]), min_size=1, max_size=12).filter(
        lambda name: name not in (".", "..") and len(name.encode()) < 200
    ),
    repository=st.sampled_from(REPOSITORIES),
    team=st.sampled_from(TEAM_FILES),
    dvc=st.sampled_from(DVCS),
    notebooks=st.lists(
        st.sampled_from(["a b.ipynb", 'q"\\.ipynb', "ü/modèle.ipynb", "broken.ipynb", ".ipynb_checkpoints/x.ipynb"]), unique=True
    ),
    lock=st.sampled_from(["", "uv.lock", "requirements.txt"]),
    uri=st.sampled_from(["", "http://user:hunter2@mlflow.example:5000", "sqlite:///x.db"]),
)
def test_in_any_folder_nothing_that_was_there_changes_and_twice_is_once(
    name: str, repository: str, team: str, dvc: str, notebooks: list[str], lock: str, uri: str
) -> None:
    with tempfile.TemporaryDirectory() as place:
        top = Path(place)
        if repository == "above":
            git(top, "init", "-q")
        folder = top / name
        folder.mkdir()
        plant_repository(folder, repository)
        plant_team_file(folder, team)
        plant_dvc(folder, dvc)
        for one in notebooks:
            (folder / one).parent.mkdir(exist_ok=True)
            (folder / one).write_text("{" if one == "broken.ipynb" else notebook("mlgov:train") if one == "a b.ipynb" else notebook())
        if lock:
            (folder / lock).write_text("numpy==2.1\n")
        before = snapshot(top)
        environ = {"MLFLOW_TRACKING_URI": uri} if uri else None
        body = told(folder, environ)
        after = snapshot(top)
        assert {path: after[path] for path in before} == before
        new = {Path(path).relative_to(name).parts[0] for path in after.keys() - before.keys()}
        assert new == {".mlgov"} | ({"mlgov.toml"} if team == "none" else set())
        assert {word.rstrip("/") for word in body["made"]} == new
        again = told(folder, environ)
        assert (again["made"], snapshot(top)) == ([], after)
        assert "hunter2" not in json.dumps([body, again])
        assert body["seen"]["git"]["there"] is (repository != "none")
        assert body["seen"]["dvc"]["there"] is (dvc != "none")
        if team == "none":
            made = read_team(folder)
            assert made.lock == (lock or "requirements.lock")
            assert made.notebook in ("", *notebooks)


@pytest.mark.parametrize(("kind", "word"), [("empty", "main"), ("branch", "main"), ("detached", "git switch -c NAME")])
def test_what_git_stands_on_is_said(tmp_path: Path, kind: str, word: str) -> None:
    plant_repository(tmp_path, kind)
    git(tmp_path, "config", "user.email", "ana@example.org")
    found = told(tmp_path)["seen"]["git"]
    assert word in found["seen"] + found["advice"]


def test_a_git_that_does_not_know_who_works_is_said(tmp_path: Path) -> None:
    plant_repository(tmp_path, "branch")
    assert "does not know who you are" in told(tmp_path)["seen"]["git"]["advice"]


def test_a_bare_repository_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "--bare")
    before = snapshot(tmp_path)
    with pytest.raises(StorageProblem, match=r"bare git repository.*git clone"):
        init(tmp_path)
    assert snapshot(tmp_path) == before


AS_ANOTHER = """
import os, sys
from click.testing import CliRunner
from jupyter_mlgov.cli import main, mlgov
warm, shut = sys.argv[1:]
CliRunner().invoke(mlgov, ["init", "-w", warm])  # all is imported: the other user may not read where Python lies
if os.getuid() == 0:
    os.setgroups([]); os.setgid(65534); os.setuid(65534)
sys.argv[1:] = ["init", "-w", shut]
main()
"""


def test_a_folder_that_may_not_be_written_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    """As another user where this one is root, whom no mode keeps out."""
    with tempfile.TemporaryDirectory() as place:
        Path(place).chmod(0o755)
        folder = Path(place) / "shut"
        folder.mkdir(0o555)
        done = subprocess.run([sys.executable, "-c", AS_ANOTHER, tmp_path, folder], cwd="/", capture_output=True, text=True, check=False)
        assert done.returncode == 3, done.stdout + done.stderr
        assert "No workspace can be made in" in done.stderr and "--workspace DIR" in done.stderr
        assert list(folder.iterdir()) == []


@pytest.mark.parametrize(("kind", "names"), [("no remote", "remote none"), ("remote", "remote ours"), ("local remote", "remote ours")])
def test_the_remote_that_dvc_has_is_named(tmp_path: Path, kind: str, names: str) -> None:
    plant_dvc(tmp_path, kind)
    assert names in told(tmp_path)["seen"]["dvc"]["seen"]


def test_an_mlflow_of_the_teams_own_is_named_without_its_password_and_not_used_unasked(tmp_path: Path) -> None:
    found = told(tmp_path, {"MLFLOW_TRACKING_URI": "http://u:hunter2@mlflow.example:5000"})["seen"]["mlflow"]
    assert "http://mlflow.example:5000" in found["seen"] and "hunter2" not in json.dumps(found)
    assert 'export MLGOV_TRACKING_URI="$MLFLOW_TRACKING_URI"' in found["advice"]
    ours = told(tmp_path, {"MLGOV_TRACKING_URI": "http://ours.example"})["seen"]["mlflow"]
    assert "http://ours.example (MLGOV_TRACKING_URI)" in ours["seen"]
    (tmp_path / "mlruns").mkdir()
    assert "mlruns in this folder, left alone" in told(tmp_path)["seen"]["mlflow"]["seen"]


def test_the_one_notebook_with_steps_and_the_lock_enter_the_team_file_and_the_next_line(tmp_path: Path) -> None:
    (tmp_path / "ü model.ipynb").write_text(notebook("mlgov:train"))
    (tmp_path / "scratch.ipynb").write_text(notebook())
    (tmp_path / "uv.lock").write_text("")
    body = told(tmp_path)
    team = tomllib.loads((tmp_path / "mlgov.toml").read_text())
    assert (team["model"]["notebook"], team["environment"]["lock"]) == ("ü model.ipynb", "uv.lock")
    assert "mlgov run 'ü model.ipynb'" in body["next"]


def test_a_notebook_whose_name_is_no_text_is_no_trouble(tmp_path: Path) -> None:
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.ipynb")).write_text(notebook())
    assert told(tmp_path)["seen"]["notebooks"]["there"]
    assert read_team(tmp_path).notebook == ""


def test_a_workspace_above_is_told(tmp_path: Path) -> None:
    told(tmp_path)
    below = tmp_path / "below"
    below.mkdir()
    assert f"another one lies above, in {tmp_path}" in told(below)["seen"]["workspace"]["seen"]


def test_a_file_in_the_place_of_the_workspace_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / ".mlgov").write_text("mine")
    with pytest.raises(StorageProblem, match="No workspace can be made"):
        init(tmp_path)
    assert snapshot(tmp_path).keys() == {".mlgov"}


def test_the_text_says_found_made_and_next(tmp_path: Path) -> None:
    (tmp_path / "x\x1b[31m.ipynb").write_text(notebook("mlgov:data"))
    done = CliRunner().invoke(mlgov, ["init", "--workspace", str(tmp_path)], standalone_mode=False)
    assert [word for word in ("Found", "Made: .mlgov/, mlgov.toml", "Next", "mlgov doctor") if word not in done.output] == []
    assert "\x1b" not in done.output


def test_what_init_made_is_a_workspace_whose_trail_verifies(tmp_path: Path) -> None:
    told(tmp_path)
    workspace = Workspace(tmp_path)
    try:
        assert workspace.audit().ok
        assert [entry.action for entry in workspace.journal.entries()] == ["workspace.created"]
    finally:
        workspace.close()


def test_git_itself_is_not_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    assert shutil.which("git") is None
    assert told(tmp_path)["seen"]["git"]["there"] is False
