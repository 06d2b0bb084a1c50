"""Real DVC and a real remote: whether others can fetch the data that a model rests on."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from jupyter_mlgov.core.errors import BadInput
from jupyter_mlgov.integrations.dvc import kept, push, track

NAME = "data/ü x.csv"


def dvc(folder: Path, *words: str) -> None:
    subprocess.run([sys.executable, "-m", "dvc", *words], cwd=folder, capture_output=True, text=True, check=True)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "workspace"
    (folder / "data").mkdir(parents=True)
    (folder / NAME).write_text("hej")
    return folder


def test_a_file_goes_from_untracked_to_pushed(root: Path, tmp_path: Path) -> None:
    assert kept(root, NAME).state == "untracked"
    tracked = track(root, root / NAME)
    assert kept(root, NAME).state == "no remote"
    store = tmp_path / "store"
    dvc(root, "remote", "add", "-d", "team", str(store))
    found = kept(root, NAME)
    assert (found.state, found.md5, found.dvc_file, found.remote) == ("not pushed", tracked.md5, f"{NAME}.dvc", "team")
    dvc(root, "push")
    assert kept(root, NAME).state == "pushed"


def test_what_the_remote_has_is_kept_though_the_cache_lost_it_and_not_the_other_way_round(root: Path, tmp_path: Path) -> None:
    track(root, root / NAME)
    push(root, tmp_path / "store")
    shutil.rmtree(root / ".dvc" / "cache")
    assert kept(root, NAME).state == "pushed"
    shutil.rmtree(tmp_path / "store")
    assert kept(root, NAME).state == "not pushed"


def test_a_file_that_changed_since_it_was_pushed_is_not_kept(root: Path, tmp_path: Path) -> None:
    track(root, root / NAME)
    push(root, tmp_path / "store")
    (root / NAME).write_text("hello")
    assert kept(root, NAME).state == "untracked"


@pytest.mark.parametrize("url", ["s3://nobody-has-this/x", "ssh://127.0.0.1:1/x"])
def test_a_remote_that_cannot_be_asked_is_unknown_never_pushed(root: Path, url: str) -> None:
    track(root, root / NAME)
    dvc(root, "remote", "add", "-d", "far", url)
    found = kept(root, NAME)
    assert found.state == "unknown"
    assert found.problem


def test_a_file_that_is_gone_or_outside_is_unknown(root: Path) -> None:
    dvc(root, "init", "--no-scm")
    assert kept(root, "data/none.csv").state == "unknown"
    assert kept(root, "../x").state == "unknown"


def test_a_missing_file_is_not_tracked_but_said(root: Path) -> None:
    with pytest.raises(BadInput, match="is not there"):
        track(root, root / "none.csv")
