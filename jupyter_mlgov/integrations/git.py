"""The door to git: which commit code came from, what was changed since, and who git says is working."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.core.errors import BadInput, NotReady
from jupyter_mlgov.lineage.facts import CodeState

TIMEOUT = 10.0
# New files beyond this many bytes in all are named instead of read.
MOST_NEW = 16_000_000
_EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
# A diff that no setting of its reader can change; external programs and text filters are not run.
_DIFF = (
    *("-c", "core.quotePath=true", "-c", "core.autocrlf=false", "diff", "--binary", "--full-index", "--no-ext-diff", "--no-textconv"),
    *("--no-color", "--no-renames", "--src-prefix=a/", "--dst-prefix=b/", "--diff-algorithm=myers", "-U3", "--ignore-submodules=none"),
)

# What git takes from its caller's surroundings instead of from the folder we name.
_FOREIGN = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_NAMESPACE", "GIT_PREFIX", "GIT_CEILING_DIRECTORIES")
_FIELDS = {"1": 8, "2": 9, "u": 10, "?": 1}


def code_state(root: Path, *, timeout: float = TIMEOUT) -> CodeState:
    """The commit of the repository around `root`, and its changed tracked and new files (paths from the repository's top).

    Outside a repository both are empty. Where git did not answer, `problem` says why: an unknown commit is not "no commit".
    A repository that belongs to somebody else is left unread, since its settings could run programs as us.
    """
    status = ("status", "--porcelain=v2", "--branch", "-z", "--untracked-files=all", "--ignore-submodules=none")
    try:
        code, out, err = _git(root, *status, timeout=timeout)
    except FileNotFoundError:
        return CodeState(problem="git is not installed, so the commit is not known" if root.is_dir() else f"{root} is not a folder")
    except OSError as error:
        return CodeState(problem=f"git could not be started: {error.strerror}")
    except subprocess.TimeoutExpired:
        return CodeState(problem=f"git did not answer within {timeout:g} s, so the commit is not known")
    if code == 0:
        found, new = _parse(out)
        return _with_diff(root, found, new, timeout) if found.dirty else found
    if "not a git repository" in err:
        return CodeState()
    if "dubious ownership" in err:
        return CodeState(problem="the repository belongs to another user; trust it with `git config --global --add safe.directory FOLDER`")
    return CodeState(problem=f"git said: {' '.join(err.split())[:200] or f'exit code {code}'}")


def git_identity(root: Path, *, timeout: float = TIMEOUT) -> tuple[str, str] | None:
    """(name, email) as git has them for `root`; None where it has no email or cannot be asked."""
    try:
        code, out, _ = _git(root, "config", "-z", "--get-regexp", r"^user\.(name|email)$", timeout=timeout)
    except (OSError, subprocess.TimeoutExpired):
        return None
    pairs = [item.partition("\n") for item in out.split("\0") if item]
    found = {key.lower(): value.strip() for key, _, value in pairs}
    email = found.get("user.email", "")
    return (found.get("user.name", ""), email) if code == 0 and email else None


def committers(root: Path, path: str, *, timeout: float = TIMEOUT) -> tuple[tuple[tuple[str, str], ...], str]:
    """((name, email) of each who wrote or committed `path` below `root`, through renames), why git could not say).

    Outside a repository, without git, or before the first commit nobody committed anything: both are empty.
    """
    words = ("log", "--follow", "--no-show-signature", "--format=%an%x00%ae%x00%cn%x00%ce", "--", path)
    try:
        code, out, err = _git(root, *words, timeout=timeout)
    except FileNotFoundError:
        return (), ""
    except (OSError, subprocess.TimeoutExpired) as error:
        return (), f"git did not answer ({type(error).__name__})"
    if code:
        nothing = "not a git repository" in err or "does not have any commits yet" in err
        return (), "" if nothing else " ".join(err.split())[:200] or f"exit code {code}"
    found: dict[str, tuple[str, str]] = {}
    for line in out.splitlines():
        names = line.split("\0")
        for name, email in zip(names[::2], names[1::2], strict=False):
            found.setdefault(email.strip().casefold(), (name.strip(), email.strip()))
    return tuple(pair for email, pair in found.items() if email), ""


def staged_files(root: Path, *, timeout: float = TIMEOUT) -> tuple[str, ...]:
    """Paths, from the repository's top, of what the next commit adds or changes. Raises BadInput where git cannot say."""
    words = ("diff", "--cached", "--name-only", "-z", "--diff-filter=ACMRT", "--no-ext-diff", "--ignore-submodules=all")
    return tuple(name for name in _asked(root, *words, timeout=timeout).decode("utf-8", "surrogateescape").split("\0") if name)


def staged_content(root: Path, path: str, *, timeout: float = TIMEOUT) -> bytes:
    """The bytes of `path` (from the repository's top) as the next commit will have them. Raises BadInput where git cannot say."""
    return _asked(root, "cat-file", "blob", f":{path}", timeout=timeout)


def _asked(root: Path, *words: str, timeout: float) -> bytes:
    # Inside a hook the index git means is named by the environment, so that one is kept.
    kept = {key: value for key, value in os.environ.items() if key not in _FOREIGN or key == "GIT_INDEX_FILE"}
    environ = {**kept, "LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0"}
    try:
        done = subprocess.run(
            ["git", *words], cwd=root, env=environ, stdin=subprocess.DEVNULL, capture_output=True, timeout=timeout, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BadInput(f"git could not be asked: {type(error).__name__}.", next="Name the files: `mlgov scan FILE…`.") from None
    if done.returncode:
        said = " ".join(done.stderr.decode("utf-8", "replace").split())[:200]
        raise BadInput(f"git said: {said}", expected="Expected a git repository.", next="Name the files: `mlgov scan FILE…`.")
    return done.stdout


def _with_diff(root: Path, found: CodeState, new: tuple[str, ...], timeout: float) -> CodeState:
    """`found` with the digest of its uncommitted changes: git's binary diff against the commit, then each new file by name and content."""
    hasher = hashlib.sha256()
    try:
        code, out, err = _git(root, *_DIFF, found.commit or _EMPTY_TREE, timeout=timeout)
        _, top, _ = _git(root, "rev-parse", "--show-toplevel", timeout=timeout)
    except (OSError, subprocess.TimeoutExpired) as error:
        return replace(found, problem=f"the uncommitted changes could not be read: {type(error).__name__}")
    if code:
        return replace(found, problem=f"the uncommitted changes could not be read: {' '.join(err.split())[:200]}")
    hasher.update(out.encode("utf-8", "surrogateescape"))
    left_out, budget = [], MOST_NEW
    for name in sorted(new):
        path = Path(top.rstrip("\n")) / name
        try:
            size = path.lstat().st_size
            fits = size <= budget and (path.is_file() or path.is_symlink())
            content = (os.fsencode(path.readlink()) if path.is_symlink() else path.read_bytes()) if fits else None
        except OSError:
            content = None
        if content is None:
            left_out.append(name)
            continue
        budget -= len(content)
        hasher.update(f"\0new {name}\0{len(content)}\0".encode("utf-8", "surrogateescape") + content)
    return replace(found, diff=Digest(f"sha256:{hasher.hexdigest()}"), left_out=tuple(left_out))


def _git(root: Path, *words: str, timeout: float) -> tuple[int, str, str]:
    environ = {key: value for key, value in os.environ.items() if key not in _FOREIGN}
    environ.update(LC_ALL="C", GIT_TERMINAL_PROMPT="0", GIT_OPTIONAL_LOCKS="0")
    done = subprocess.run(
        ["git", *words], cwd=root, env=environ, stdin=subprocess.DEVNULL, capture_output=True, timeout=timeout, check=False
    )
    return done.returncode, done.stdout.decode("utf-8", "backslashreplace"), done.stderr.decode("utf-8", "replace")


def _parse(out: str) -> tuple[CodeState, tuple[str, ...]]:
    """The state and its new files, from porcelain v2: `# branch.oid`, then one record a path, ended by NUL (git-status(1))."""
    commit, dirty, new = "", set(), []
    records = iter(out.split("\0"))
    for record in records:
        kind = record[:1]
        if record.startswith("# branch.oid "):
            oid = record.removeprefix("# branch.oid ")
            commit = oid if re.fullmatch("[0-9a-f]{40,64}", oid) else ""
        elif kind in _FIELDS:
            dirty.add(record.split(" ", _FIELDS[kind])[-1])
            new += [record.split(" ", 1)[1]] if kind == "?" else []
            if kind == "2":
                dirty.add(next(records, ""))
    return CodeState(commit=commit, dirty=tuple(sorted(dirty - {""}))), tuple(new)


MOST_COMMITS = 200


def top_of(root: Path) -> Path | None:
    """The top folder of the repository around `root`; None outside one, and where git does not answer."""
    try:
        code, out, _ = _git(root, "rev-parse", "--show-toplevel", timeout=TIMEOUT)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return Path(out.rstrip("\n")) if code == 0 else None


def is_bare(root: Path) -> bool:
    """Whether `root` is the inside of a repository that has no working tree; False where git does not answer."""
    try:
        code, out, _ = _git(root, "rev-parse", "--is-bare-repository", timeout=TIMEOUT)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return code == 0 and out.strip() == "true"


def branch_of(root: Path) -> str:
    """The branch checked out around `root`, also one without a commit yet; empty for a detached HEAD and where git does not answer."""
    try:
        code, out, _ = _git(root, "symbolic-ref", "--quiet", "--short", "HEAD", timeout=TIMEOUT)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return out.rstrip("\n") if code == 0 else ""


def index_lock(root: Path) -> Path | None:
    """The file by which a git that is at work keeps others out of the repository around `root`; None where there is none."""
    try:
        code, out, _ = _git(root, "rev-parse", "--git-path", "index.lock", timeout=TIMEOUT)
    except (OSError, subprocess.TimeoutExpired):
        return None
    path = root / out.rstrip("\n")
    return path if code == 0 and path.is_file() else None


def has_commit(root: Path, commit: str) -> bool:
    """Whether the repository around `root` still holds `commit` (a history that was rewritten or fetched in part may not)."""
    try:
        return _git(root, "cat-file", "-e", f"{commit}^{{commit}}", timeout=TIMEOUT)[0] == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def checked_out(root: Path, commit: str, into: Path, *, timeout: float = 600.0) -> Path:
    """Fill the new folder `into` with `commit` of the repository around `root`, as a repository of its own that borrows the objects.

    Returns the folder in it that corresponds to `root`. Nothing is written to the repository itself, and none of its hooks runs.
    Raises NotReady where the commit is not there or git refuses.
    """
    top = top_of(root)
    if top is None or not has_commit(root, commit):
        raise NotReady(
            f"Commit {commit[:12]} is no longer in the repository of {root.name}.",
            next="Fetch it (`git fetch --unshallow`, or from the clone that made the version), then ask again.",
        )
    quiet = ("-c", f"core.hooksPath={os.devnull}", "-c", "advice.detachedHead=false", "-c", "protocol.file.allow=always")
    steps = (
        (root, (*quiet, "clone", "--quiet", "--shared", "--no-checkout", "--template=", str(top), str(into))),
        (into, (*quiet, "checkout", "--quiet", "--detach", commit)),
    )
    for place, words in steps:
        try:
            code, _, err = _git(place, *words, timeout=timeout)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise NotReady(f"git could not fetch commit {commit[:12]}: {type(error).__name__}.", next="Try again.") from None
        if code:
            raise NotReady(f"git could not fetch commit {commit[:12]}: {' '.join(err.split())[:200]}.", next="Mend it, then ask again.")
    return into / root.resolve().relative_to(top.resolve())


def file_at(root: Path, commit: str, name: str) -> str | None:
    """The text of `name` (below `root`) in `commit`; None where that commit does not have it or git does not answer."""
    try:
        code, text, _ = _git(root, "show", "--no-textconv", f"{commit}:./{name}", timeout=TIMEOUT)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return text if code == 0 else None


def file_versions(root: Path, name: str) -> Iterator[str]:
    """The texts that `name` (below `root`) had in the newest commits of any branch that changed it, newest first."""
    try:
        code, out, _ = _git(root, "log", "--all", f"--max-count={MOST_COMMITS}", "--format=%H", "--", f":(literal){name}", timeout=TIMEOUT)
    except (OSError, subprocess.TimeoutExpired):
        return
    for commit in out.split() if code == 0 else ():
        text = file_at(root, commit, name)
        if text is not None:
            yield text
