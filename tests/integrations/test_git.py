"""What git knows of a folder, asked of real repositories."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

import pytest

from jupyter_mlgov.integrations.git import code_state, committers, git_identity
from jupyter_mlgov.lineage.facts import CodeState

PERSON = ("-c", "user.name=Ana", "-c", "user.email=ana@example.org", "-c", "commit.gpgsign=false")


@pytest.fixture(autouse=True)
def no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """git reads its settings from these places; a test must not depend on who runs it."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "global-config"))
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", os.devnull)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    monkeypatch.delenv("GIT_DIR", raising=False)


def git(folder: Path, *words: str) -> str:
    return subprocess.run(["git", *PERSON, *words], cwd=folder, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init", "-q")
    (folder / ".gitignore").write_text("*.log\n.mlgov/\n")
    (folder / "train.py").write_text("x = 1\n")
    git(folder, "add", ".")
    git(folder, "commit", "-qm", "first")
    return folder


def test_a_clean_repository_has_its_commit_and_nothing_dirty(repository: Path) -> None:
    assert code_state(repository) == CodeState(commit=git(repository, "rev-parse", "HEAD"))


def test_changed_new_and_renamed_files_are_dirty_and_ignored_ones_are_not(repository: Path) -> None:
    (repository / "train.py").write_text("x = 2\n")
    (repository / "noise.log").write_text("x")
    (repository / "sub").mkdir()
    for name in ('sub/new "é" file.py', "sub/line\nbreak.py", "-rf", "sub/a -> b"):
        (repository / name).write_text("x")
    git(repository, "mv", ".gitignore", "moved")
    (repository / ".gitignore").write_text("*.log\n")
    found = set(code_state(repository).dirty)
    assert {"train.py", 'sub/new "é" file.py', "sub/line\nbreak.py", "-rf", "sub/a -> b", "moved"} <= found
    assert "noise.log" not in found


def test_a_staged_change_a_removal_and_a_conflict_are_dirty(repository: Path) -> None:
    git(repository, "checkout", "-qb", "other")
    (repository / "train.py").write_text("x = 2\n")
    git(repository, "commit", "-qam", "second")
    git(repository, "checkout", "-q", "-")
    (repository / "train.py").write_text("x = 3\n")
    git(repository, "commit", "-qam", "third")
    subprocess.run(["git", *PERSON, "merge", "other"], cwd=repository, capture_output=True, check=False)
    (repository / ".gitignore").unlink()
    (repository / "staged.py").write_text("y")
    git(repository, "add", "staged.py")
    assert code_state(repository).dirty == (".gitignore", "staged.py", "train.py")


def test_a_folder_inside_the_repository_sees_the_same_state(repository: Path) -> None:
    (repository / "deep" / "er").mkdir(parents=True)
    assert code_state(repository / "deep" / "er") == code_state(repository)


def test_a_repository_without_a_commit_has_none_and_its_files_are_new(tmp_path: Path) -> None:
    folder = tmp_path / "fresh"
    folder.mkdir()
    git(folder, "init", "-q")
    (folder / "a.py").write_text("x")
    found = code_state(folder)
    assert (found.commit, found.dirty, found.problem) == ("", ("a.py",), "") and found.diff is not None


def test_outside_a_repository_the_state_is_empty(tmp_path: Path) -> None:
    # The variable that keeps git from looking above is dropped by code_state; /tmp is in no repository.
    assert code_state(tmp_path) == CodeState()


def test_surroundings_that_point_elsewhere_do_not_mislead(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = code_state(repository)
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("GIT_WORK_TREE", str(tmp_path))
    assert code_state(repository) == expected


def test_a_damaged_repository_and_a_missing_git_are_a_problem_and_not_an_empty_answer(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (repository / ".git" / "config").write_text("[core\n")
    assert "git said:" in code_state(repository).problem
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "git is not installed" in code_state(repository).problem
    assert git_identity(repository) is None
    assert "is not a folder" in code_state(tmp_path / "nowhere").problem


def test_a_git_that_hangs_is_given_up_and_said(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    slow = tmp_path / "bin" / "git"
    slow.parent.mkdir()
    slow.write_text("#!/bin/sh\nexec /bin/sleep 600\n")
    slow.chmod(0o755)
    monkeypatch.setenv("PATH", f"{slow.parent}:{os.environ['PATH']}")
    start = time.monotonic()
    assert "did not answer within 0.3 s" in code_state(repository, timeout=0.3).problem
    assert git_identity(repository, timeout=0.3) is None
    assert time.monotonic() - start < 300


@pytest.mark.skipif(os.getuid() != 0, reason="giving a folder to another user needs root")
def test_a_repository_of_another_user_is_left_unread_and_said(repository: Path) -> None:
    for path in [repository, *repository.rglob("*")]:
        os.chown(path, 65534, 65534)
    state = code_state(repository)
    assert state.commit == ""
    assert "belongs to another user" in state.problem
    assert git_identity(repository) is None


def test_the_state_costs_one_call_of_git(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = subprocess.run(["which", "git"], capture_output=True, text=True, check=True).stdout.strip()
    calls = tmp_path / "calls"
    counting = tmp_path / "bin" / "git"
    counting.parent.mkdir()
    counting.write_text(f'#!/bin/sh\necho x >> "{calls}"\nexec "{real}" "$@"\n')
    counting.chmod(0o755)
    monkeypatch.setenv("PATH", f"{counting.parent}:{os.environ['PATH']}")
    assert code_state(repository).commit
    assert calls.read_text().split() == ["x"]


def test_asking_leaves_the_index_untouched(repository: Path) -> None:
    before = (repository / ".git" / "index").read_bytes()
    os.utime(repository / "train.py")
    code_state(repository)
    assert (repository / ".git" / "index").read_bytes() == before


def test_the_identity_is_gits_own_and_the_repositorys_comes_first(repository: Path, tmp_path: Path) -> None:
    assert git_identity(repository) is None
    (tmp_path / "global-config").write_text("[user]\n\tname = Ana\n\temail = ana@example.org\n")
    assert git_identity(repository) == ("Ana", "ana@example.org")
    assert git_identity(tmp_path) == ("Ana", "ana@example.org")
    git(repository, "config", "user.email", "ana@work.example")
    assert git_identity(repository) == ("Ana", "ana@work.example")


def test_a_name_without_an_email_identifies_nobody(repository: Path) -> None:
    git(repository, "config", "user.name", "Ana")
    assert git_identity(repository) is None


def test_the_digest_of_what_is_not_committed_names_the_content(repository: Path) -> None:
    assert code_state(repository).diff is None, "nothing is uncommitted"
    (repository / "train.py").write_text("x = 2\n")
    changed = code_state(repository).diff
    (repository / "new.py").write_text("y = 1\n")
    grown = code_state(repository).diff
    (repository / "new.py").write_text("y = 2\n")
    other = code_state(repository).diff
    (repository / "new.py").rename(repository / "named.py")
    renamed = code_state(repository).diff
    assert len({changed, grown, other, renamed, None}) == 5
    git(repository, "add", "train.py")
    (repository / "named.py").unlink()
    assert code_state(repository).diff == changed, "staged or not is the same content"
    (repository / "train.py").write_text("x = 1\n")
    assert code_state(repository).diff is not None


def test_no_setting_of_the_reader_changes_the_digest(repository: Path) -> None:
    (repository / "train.py").write_text("x = 2\n")
    plain = code_state(repository).diff
    for name, value in (("diff.noprefix", "true"), ("diff.external", "/bin/false"), ("color.diff", "always"), ("diff.context", "9")):
        git(repository, "config", name, value)
    assert code_state(repository).diff == plain is not None


def test_large_new_files_are_named_and_not_read(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from jupyter_mlgov.integrations import git as room

    monkeypatch.setattr(room, "MOST_NEW", 10)
    (repository / "a.txt").write_text("123456789")
    (repository / "b.csv").write_text("x" * 100)
    found = code_state(repository)
    assert found.left_out == ("b.csv",) and found.diff is not None


def test_everybody_who_wrote_or_committed_a_file_is_told_through_renames(tmp_path: Path) -> None:
    def git(*words: str, **who: str) -> None:
        names = {
            "GIT_AUTHOR_NAME": "Ana",
            "GIT_COMMITTER_NAME": "Cy",
            "GIT_AUTHOR_EMAIL": "ana@x.example",
            "GIT_COMMITTER_EMAIL": "cy@x.example",
        }
        subprocess.run(["git", *words], cwd=tmp_path, check=True, capture_output=True, env={**os.environ, **names, **who})

    assert committers(tmp_path, "a.ipynb") == ((), "")
    git("init", "--quiet")
    assert committers(tmp_path, "a.ipynb") == ((), "")
    (tmp_path / "a.ipynb").write_text("one\ntwo\nthree\n")
    git("add", ".")
    git("commit", "--quiet", "-m", "first")
    git("mv", "a.ipynb", "b.ipynb")
    git("commit", "--quiet", "-m", "second", GIT_AUTHOR_EMAIL="BO@x.example", GIT_AUTHOR_NAME="Bo")
    (tmp_path / "other").write_text("x")
    git("add", ".")
    git("commit", "--quiet", "-m", "third", GIT_AUTHOR_EMAIL="eve@x.example")
    found, problem = committers(tmp_path, "b.ipynb")
    assert problem == ""
    assert found == (("Bo", "BO@x.example"), ("Cy", "cy@x.example"), ("Ana", "ana@x.example"))


def test_a_git_that_does_not_answer_is_a_problem_and_not_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "git").write_text("#!/bin/sh\necho 'fatal: detected dubious ownership' >&2\nexit 128\n")
    (tmp_path / "bin" / "git").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    found, problem = committers(tmp_path, "a.ipynb")
    assert (found, problem) == ((), "fatal: detected dubious ownership")
