"""A team comes in: what its folder already has, and a workspace made beside it. Nothing that is there is written to."""

from __future__ import annotations

import configparser
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from jupyter_mlgov.core.errors import MlgovError, StorageProblem
from jupyter_mlgov.core.team import TEAM_FILE, read_team

if TYPE_CHECKING:
    from jupyter_mlgov.core.settings import Settings

# What people call the file that pins their packages; the first that is there is named in the team file.
LOCKS = ("mlgov.lock", "pylock.toml", "uv.lock", "poetry.lock", "requirements.lock", "constraints.txt", "requirements.txt")
# A notebook folder has tens; a home folder has a million files that are none of ours.
MOST_NOTEBOOKS = 200
MOST_FOLDERS = 5_000
_NOT_OURS = {"node_modules", "site-packages", "__pycache__", "mlruns", "mlartifacts"}

_TEMPLATE = """\
# What the team decides; its digest stands in each decision. All keys: docs/users/team-file.md
[model]
name = {name}
{notebook}
tier = 1

[subject]
table = "scored"          # the table a step makes with outcome, score and protected columns
# outcome = "approve"
# favourable = 1
# protected = ["white"]
# score = "score"
# baseline = "baseline"

[policy]
packs = ["us-fair-lending", "sr-26-2"]

[environment]
lock = {lock}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One thing that was there before: what it is, what was seen of it, and what that means for governed work."""

    what: Literal["notebooks", "git", "dvc", "mlflow", "team file", "lock", "workspace"]
    there: bool
    seen: str
    advice: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Folder:
    """A team's folder as it was before anything was made in it. Paths are POSIX and below `root`."""

    root: Path
    found: tuple[Found, ...]
    notebooks: tuple[str, ...] = ()
    tagged: tuple[str, ...] = ()
    lock: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """What `mlgov init` found, what it made (paths below the root; nothing when asked again) and what to type next."""

    folder: Folder
    made: tuple[str, ...]
    next: tuple[str, ...] = field(default=())


def arrive(root: Path, settings: Settings, environ: Mapping[str, str]) -> Arrival:
    """Make `.mlgov/` and a team file where they are missing. arrive() twice makes what arrive() once makes.

    Raises StorageProblem where the folder cannot be written or is a bare git repository; then nothing was made.
    """
    from jupyter_mlgov.integrations.git import is_bare
    from jupyter_mlgov.workspace.composition import FOLDER, Workspace

    root = root.resolve()
    if root.is_dir() and is_bare(root):
        raise StorageProblem(
            f"{root} is a bare git repository: it holds history and no files to work on.",
            next="Clone it (`git clone REPOSITORY FOLDER`) and run `mlgov init` in the clone.",
        )
    before = look(root, settings, environ)
    made = [] if (root / FOLDER).is_dir() else [f"{FOLDER}/"]
    Workspace.create(root, settings).close()
    made += [TEAM_FILE] if _write_team_file(before) else []
    return Arrival(folder=before, made=tuple(made), next=_next(before))


def look(root: Path, settings: Settings, environ: Mapping[str, str]) -> Folder:
    """What is in `root` and around it. Nothing is written, no program but git is started, no server is asked."""
    root = root.resolve()
    notebooks, more = _notebooks(root)
    tagged = tuple(name for name in notebooks if _has_steps(root / name))
    lock = next((name for name in LOCKS if (root / name).is_file()), "")
    found = (
        _workspaces(root),
        _said_of_notebooks(notebooks, tagged, more),
        _team(root),
        _git(root),
        _dvc(root),
        _mlflow(root, settings, environ),
        Found(what="lock", there=bool(lock), seen=lock or "none", advice="" if lock else "`python -m pip freeze > requirements.lock`"),
    )
    return Folder(root=root, found=found, notebooks=notebooks, tagged=tagged, lock=lock)


def _workspaces(root: Path) -> Found:
    from jupyter_mlgov.workspace.composition import FOLDER

    if (root / FOLDER).is_dir():
        return Found(what="workspace", there=True, seen="here already; kept as it is")
    above = next((folder for folder in root.parents if (folder / FOLDER).is_dir()), None)
    if above is None:
        return Found(what="workspace", there=False, seen="none")
    advice = f"What runs in this folder is recorded here from now on. One record for all: remove {root / FOLDER} and work with the other."
    return Found(what="workspace", there=False, seen=f"another one lies above, in {above}", advice=advice)


def _notebooks(root: Path) -> tuple[tuple[str, ...], bool]:
    """(names, whether there may be more). Hidden folders, environments and checkpoints are left out; links are not followed."""
    found: list[str] = []
    for number, (folder, below, files) in enumerate(os.walk(root)):
        if number >= MOST_FOLDERS or len(found) >= MOST_NOTEBOOKS:
            return tuple(sorted(found)[:MOST_NOTEBOOKS]), True
        below[:] = sorted(name for name in below if not _foreign(Path(folder, name)))
        found += [Path(folder, name).relative_to(root).as_posix() for name in files if name.endswith(".ipynb") and name[:1] != "."]
    return tuple(sorted(found)), False


def _foreign(folder: Path) -> bool:
    return folder.name.startswith(".") or folder.name in _NOT_OURS or (folder / "pyvenv.cfg").is_file()


def _has_steps(path: Path) -> bool:
    """Whether any cell is tagged as a step; a file that is no notebook has none."""
    from jupyter_mlgov.integrations.notebooks import read_notebook

    try:
        return any(tag.startswith("mlgov:") for cell in read_notebook(path).cells for tag in cell.tags)
    except (MlgovError, OSError):
        return False


def _said_of_notebooks(notebooks: tuple[str, ...], tagged: tuple[str, ...], more: bool) -> Found:
    if not notebooks:
        return Found(what="notebooks", there=False, seen="none yet")
    count = f"{len(notebooks)}{' or more' if more else ''}"
    names = ", ".join(notebooks[:3]) + (" …" if len(notebooks) > 3 else "")
    return Found(what="notebooks", there=True, seen=f"{count}, {len(tagged)} with tagged steps ({names})")


def _team(root: Path) -> Found:
    path = root / TEAM_FILE
    if not (path.exists() or path.is_symlink()):
        return Found(what="team file", there=False, seen="none")
    try:
        team = read_team(root)
    except MlgovError as error:
        return Found(what="team file", there=True, seen=f"{TEAM_FILE}, kept, and it cannot be read: {error.what}", advice=error.next)
    return Found(what="team file", there=True, seen=f"{TEAM_FILE} for model {team.model}; kept as it is")


def _git(root: Path) -> Found:
    from jupyter_mlgov.integrations.git import branch_of, git_identity, top_of

    top = top_of(root) if root.is_dir() else None
    if top is None:
        return Found(what="git", there=False, seen="no repository", advice="`git init`: the commit of the code is part of lineage.")
    branch = branch_of(root)
    seen = f"repository {top}, {f'on branch {branch}' if branch else 'no branch checked out (detached HEAD)'}; nothing is committed for you"
    if git_identity(root) is None:
        return Found(what="git", there=True, seen=seen, advice="git does not know who you are: `mlgov doctor` says how to tell it.")
    return Found(what="git", there=True, seen=seen, advice="" if branch else "Commits on no branch get lost: `git switch -c NAME`.")


def _dvc(root: Path) -> Found:
    from jupyter_mlgov.integrations.dvc.tracking import dvc_folder

    home = dvc_folder(root)
    if home is None:
        return Found(what="dvc", there=False, seen="none; `mlgov track FILE` makes it ready when you want it")
    names = dvc_remotes(home)
    advice = "" if names else "No remote: what only this machine has cannot pass a gate that asks for data. See `mlgov doctor`."
    return Found(what="dvc", there=True, seen=f"{home}, remote {', '.join(names) or 'none'}; kept as it is", advice=advice)


def dvc_remotes(home: Path) -> dict[str, str]:
    """Every remote that DVC's settings in `home` name, with its address; settings that cannot be read name none."""
    found: dict[str, str] = {}
    for name in ("config", "config.local"):
        reader = configparser.ConfigParser(interpolation=None, strict=False)
        try:
            reader.read(home / ".dvc" / name, "utf-8")
        except (configparser.Error, OSError, UnicodeDecodeError):
            continue
        for section in reader.sections():
            plain = section.strip("'")
            if plain.startswith('remote "'):
                found[plain.removeprefix('remote "').rstrip('"')] = reader[section].get("url", "")
    return found


def _mlflow(root: Path, settings: Settings, environ: Mapping[str, str]) -> Found:
    from jupyter_mlgov.integrations.mlflow.connection import shown

    if settings.tracking_uri:
        return Found(what="mlflow", there=True, seen=f"{shown(settings.tracking_uri)} (MLGOV_TRACKING_URI): runs and versions go there")
    yours = environ.get("MLFLOW_TRACKING_URI", "")
    if yours:
        advice = 'To have runs and versions of this workspace there too: `export MLGOV_TRACKING_URI="$MLFLOW_TRACKING_URI"`.'
        return Found(what="mlflow", there=True, seen=f"{shown(yours)} (MLFLOW_TRACKING_URI); left alone until you say so", advice=advice)
    local = next((name for name in ("mlruns", "mlflow.db") if (root / name).exists()), "")
    if local:
        return Found(what="mlflow", there=True, seen=f"{local} in this folder, left alone; the workspace has one of its own in .mlgov/")
    return Found(what="mlflow", there=False, seen="none; the workspace has one of its own in .mlgov/")


def _write_team_file(folder: Folder) -> bool:
    """Whether one was made. A file, a link or anything else of that name is never opened for writing."""
    name = "".join(char if char.isalnum() or char in "-_ ." else "-" for char in folder.root.name).strip() or "model"
    one = [name for name in folder.tagged or folder.notebooks if _is_text(name)]
    said = f"notebook = {_toml(one[0])}" if len(one) == 1 else '# notebook = "train.ipynb"'
    text = _TEMPLATE.format(name=_toml(name), notebook=said, lock=_toml(folder.lock or "requirements.lock"))
    path = folder.root / TEAM_FILE
    try:
        with path.open("x", encoding="utf-8") as stream:
            stream.write(text)
    except FileExistsError:
        return False
    except OSError as error:
        raise StorageProblem(
            f"{path} cannot be written: {error.strerror or error}.", next="Name a folder that can be written: `--workspace DIR`."
        ) from None
    return True


def _is_text(name: str) -> bool:
    """Whether UTF-8 can say it: a file name may be any bytes."""
    return not any("\ud800" <= char <= "\udfff" for char in name)


def _toml(text: str) -> str:
    """`text` as a TOML basic string."""
    plain = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(f"\\u{ord(char):04x}" if ord(char) < 32 or ord(char) == 127 else char for char in plain) + '"'


def _next(folder: Folder) -> tuple[str, ...]:
    from shlex import quote

    steps = []
    if not next(one for one in folder.found if one.what == "team file").there:
        steps.append(f"Fill in {TEAM_FILE}: outcome, favourable, protected, score.")
    if folder.tagged:
        return (*steps, f"mlgov run {quote(folder.tagged[0])}", "mlgov doctor")
    if folder.notebooks:
        return (*steps, f"mlgov suggest {quote(folder.notebooks[0])}", "mlgov doctor")
    return (*steps, "In a notebook here: %load_ext jupyter_mlgov", "mlgov doctor")


def sentences(arrival: Arrival) -> Iterator[str]:
    """The arrival as lines for a terminal: found, made, next."""
    yield f"Workspace {arrival.folder.root}"
    yield "Found"
    for one in arrival.folder.found:
        yield f"  {'·' if one.there else '–'} {one.what}: {one.seen}" + (f"\n      {one.advice}" if one.advice else "")
    yield f"Made: {', '.join(arrival.made) or 'nothing, all was there'}"
    yield "Next"
    yield from (f"  {step}" for step in arrival.next)
