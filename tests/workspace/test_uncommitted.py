"""A version made on a dirty tree runs again from what was kept of it; what was not kept is said, and a secret never is."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.core.settings import Settings
from jupyter_mlgov.pipelines.reproduce import Grade
from jupyter_mlgov.workspace import Workspace
from jupyter_mlgov.workspace.uncommitted import Kept, keep, put_back
from tests.workspace import test_reproducing as base
from tests.workspace.test_reproducing import NAME, TEAM, again, git, made, ran, written
from tests.workspace.test_reproducing_versions import TRAIN, registered

pytestmark = pytest.mark.slow
# Written apart, so that no scanner of this repository takes it for one: the form of a published example key.
KEY = "AKIA" + "IOSFODNN7EXAMPL2"


def dirty(root: Path, store: Path, monkeypatch: pytest.MonkeyPatch, depth: str = "DEPTH = 2\n") -> Workspace:
    """A committed notebook and module; then both are changed, a module is added and one deleted, and a model trained, uncommitted."""
    with monkeypatch.context() as patch:
        patch.setattr(base, "ran", lambda *_: None)  # the committed notebook need not run
        made(root, team=TEAM).close()
    folder = root / "études"
    for name in ("house.py", "old.py"):
        (folder / name).write_text("DEPTH = 1\n")
    git(root, "add", "-A")
    git(root, "commit", "-qm", "modules")
    (folder / "house.py").write_text(depth)
    (folder / "old.py").unlink()
    cells = list(TRAIN)
    source = cells[2][1].replace("max_depth=2", "max_depth=__import__('house').DEPTH + __import__('newer').MORE")
    cells[2] = (cells[2][0], source, cells[2][2])
    (folder / "newer.py").write_text("MORE = 1\n")
    (folder / "rows.csv").write_text("name,iban\nAna,1\n")
    written(root / NAME, tuple(cells))
    (root / ".mlgov" / "mlflow.db").write_bytes(store.read_bytes())
    workspace = Workspace(root, Settings(deliver="manual"))
    ran(workspace)
    return workspace


def cleaned(workspace: Workspace) -> None:
    """Everything that was not committed is thrown away."""
    git(workspace.root, "checkout", "-q", "--", ".")
    git(workspace.root, "clean", "-qfd")


def test_a_version_made_on_a_dirty_tree_is_reproduced_after_its_changes_are_gone(
    tmp_path: Path, empty_mlflow: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = dirty(tmp_path / "w", empty_mlflow, monkeypatch)
    shutil.copytree(workspace.root, tmp_path / "later")
    later = Workspace(tmp_path / "later", workspace.settings)
    (later.root / "études" / "newer.py").write_text("MORE = 3\n")
    keep(later, NAME, next(iter(later.journal.entries(actions=("session.started",)))).payload["id"])  # type: ignore[arg-type]  # JSON
    (entry,) = later.journal.entries(actions=("code.kept",))
    assert entry.payload["left_out"]["études/newer.py"] == "it changed since it ran"  # type: ignore[index]  # a mapping
    assert NAME in entry.payload["files"]  # type: ignore[operator]  # a list
    version = registered(workspace)
    registered(workspace)
    (entry,) = workspace.journal.entries(actions=("code.kept",))
    assert entry.payload["files"] == [f"études/{name}" for name in ("house.py", "my loans.ipynb", "newer.py", "old.py")]
    assert entry.payload["left_out"] == {"études/rows.csv": "it is no code"}, "rows of people are no code, and objects cannot be erased"
    content = workspace.objects.get(Digest(str(entry.payload["stored"])))
    assert b"iban" not in content
    cleaned(workspace)
    assert not (workspace.root / "études" / "newer.py").exists()
    done = again(workspace, f"loans@{version}")
    assert (done.grade, done.limits, done.equal) == (Grade.IDENTICAL, (), True), done.why
    assert (workspace.root / "études" / "house.py").read_text() == "DEPTH = 1\n", "nothing of the user's was written"


def test_changes_that_hold_a_secret_are_not_kept_and_it_is_said(
    tmp_path: Path, empty_mlflow: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = dirty(tmp_path / "w", empty_mlflow, monkeypatch, depth=f"DEPTH = 2\nKEY = '{KEY}'\n")
    version = registered(workspace)
    (entry,) = workspace.journal.entries(actions=("code.kept",))
    assert "stored" not in entry.payload
    assert "house.py" in str(entry.payload["problem"]) and "secret" in str(entry.payload["problem"])
    everything = [path.read_bytes() for path in (workspace.root / ".mlgov").rglob("*") if path.is_file()]
    assert not any(KEY.encode() in content for content in everything)
    git(workspace.root, "commit", "-qm", "the notebook", "--", NAME)
    cleaned(workspace)
    done = again(workspace, f"loans@{version}")
    assert done.grade is Grade.UNKNOWN
    told = " ".join(done.limits)
    assert "house.py had changes that were not committed, and they are not kept" in told
    assert "holds a secret" in told


@pytest.mark.parametrize("name", ["../out.py", "/etc/out.py", ".git/hooks/post-checkout", "a/../../out.py", ".GIT/config", ""])
def test_a_kept_name_that_leads_out_of_the_clone_is_passed_over(tmp_path: Path, name: str) -> None:
    top = tmp_path / "clone"
    top.mkdir()
    put_back(Kept(files={name: "x = 1\n", "good.py": "y = 1\n"}, left_out={}), top)
    assert [path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()] == ["clone/good.py"]
