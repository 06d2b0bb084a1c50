"""Real DVC: files are tracked once, recognised after, and refused in sentences."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest

from jupyter_mlgov.core.errors import BadInput, StorageProblem
from jupyter_mlgov.integrations.dvc import TrackedFile, track, tracked


def dvc(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "dvc", *words], cwd=folder, capture_output=True, text=True, check=True)


@pytest.fixture(params=["no git", "git", "git above"])
def root(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    folder = tmp_path / "outer" / "workspace"
    folder.mkdir(parents=True)
    if request.param != "no git":
        subprocess.run(["git", "init", "-q", str(folder if request.param == "git" else folder.parent)], check=True)
    return folder


@pytest.mark.parametrize("name", ["x.csv", "-ü b.csv", "data/a;b$(c).csv"])
def test_dvc_itself_finds_what_was_tracked(root: Path, name: str, capfd: pytest.CaptureFixture[str]) -> None:
    path = root / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("hej")
    assert tracked(root, path) is None
    found = track(root, path)
    assert found == TrackedFile(path=name, md5=hashlib.md5(b"hej").hexdigest(), dvc_file=f"{name}.dvc")
    assert capfd.readouterr().out == ""
    path.unlink()
    dvc(root, "checkout")
    assert path.read_text() == "hej"


def test_asking_again_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("hej")
    first = track(tmp_path, Path("x.csv"))
    record = (tmp_path / "x.csv.dvc").stat().st_mtime_ns
    assert track(tmp_path, tmp_path / "x.csv") == first == tracked(tmp_path, Path("x.csv"))
    assert (tmp_path / "x.csv.dvc").stat().st_mtime_ns == record


def test_a_changed_file_is_not_the_tracked_one(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("one")
    first = track(tmp_path, path)
    path.write_text("two")
    assert tracked(tmp_path, path) is None
    assert track(tmp_path, path).md5 != first.md5


def test_a_file_in_a_tracked_folder_is_recognised(tmp_path: Path) -> None:
    (tmp_path / "data" / "deep").mkdir(parents=True)
    (tmp_path / "data" / "deep" / "x.csv").write_text("hej")
    dvc(tmp_path, "init", "--no-scm", "-q")
    dvc(tmp_path, "add", "-q", "data")
    found = TrackedFile(path="data/deep/x.csv", md5=hashlib.md5(b"hej").hexdigest(), dvc_file="data.dvc")
    assert track(tmp_path, Path("data/deep/x.csv")) == found
    (tmp_path / "data" / "deep" / "x.csv").write_text("other")
    assert tracked(tmp_path, Path("data/deep/x.csv")) is None


def test_what_a_pipeline_made_is_recognised(tmp_path: Path) -> None:
    dvc(tmp_path, "init", "--no-scm", "-q")
    (tmp_path / "dvc.yaml").write_text("stages:\n  make:\n    cmd: echo hej > made.csv\n    outs: [made.csv]\n")
    dvc(tmp_path, "repro", "-q")
    assert track(tmp_path, Path("made.csv")).dvc_file == "dvc.lock"


def test_a_file_outside_the_workspace_is_refused(tmp_path: Path) -> None:
    root = tmp_path / "w"
    root.mkdir()
    (tmp_path / "secret.csv").write_text("x")
    (root / "link.csv").symlink_to(tmp_path / "secret.csv")
    for path in (tmp_path / "secret.csv", Path("../secret.csv"), Path("link.csv")):
        with pytest.raises(BadInput, match="outside the workspace"):
            track(root, path)
    assert not (root / ".dvc").exists()


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    with pytest.raises(BadInput, match=r"nope.csv is not there.*dvc pull"):
        track(tmp_path, Path("nope.csv"))
    with pytest.raises(BadInput, match="data is a folder"):
        track(tmp_path, Path("data"))


def test_a_file_that_git_keeps_is_refused_with_the_command_to_type(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    (tmp_path / "x.csv").write_text("hej")
    subprocess.run(["git", "-C", str(tmp_path), "add", "x.csv"], check=True)
    with pytest.raises(BadInput, match=r"x.csv is kept by git.*git rm --cached -- 'x.csv'"):
        track(tmp_path, Path("x.csv"))


def test_dvc_that_cannot_work_is_a_sentence(tmp_path: Path) -> None:
    dvc(tmp_path, "init", "--no-scm", "-q")
    (tmp_path / "x.csv").write_text("hej")
    (tmp_path / "dvc.yaml").write_text("stages: [this is: no pipeline")
    with pytest.raises(StorageProblem, match=r"DVC cannot track x.csv"):
        track(tmp_path, Path("x.csv"))
