"""The workspace: database, trail, keys, spool, outbox, disk, clock, git, the lock, DVC, MLflow."""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from jupyter_mlgov.cli.doctor.line import Line, install
from jupyter_mlgov.core.errors import MlgovError
from jupyter_mlgov.workspace.composition import FOLDER

if TYPE_CHECKING:
    from jupyter_mlgov.cli.doctor import World
    from jupyter_mlgov.workspace import Workspace

# A spool, a trail and one model need less; MLflow and DVC copy what they keep.
LOW = 1 << 30
# git itself is done in seconds; a lock that old was left by one that died.
OLD_LOCK = 600.0
# What two clocks may differ by before the order of entries from two machines says nothing.
SKEW = timedelta(seconds=5)


def standing(workspace: Workspace, world: World) -> Iterator[Line]:
    """One line each; where the database cannot be opened, what lies in it is not looked at and nothing is said of it."""
    yield Line(what="workspace", fine=True, found=str(workspace.root))
    database = _database(workspace)
    yield database
    if database.fine:
        yield from _opened(workspace, world)
    yield _disk(workspace.root, world)
    yield _identity(workspace.root)
    yield from _left_locks(workspace.root)
    yield _lock(workspace)
    yield _remote(workspace)
    yield from _registry(workspace, world)


def _database(workspace: Workspace) -> Line:
    from jupyter_mlgov.integrations.sql import versions

    try:
        found, known = versions(workspace.settings.database_url or workspace.root / FOLDER / "mlgov.db")
    except MlgovError as error:
        return _with_copy(workspace, Line(what="database", fine=False, found=error.what, next=error.next))
    if not found or found == known[-1]:
        return Line(what="database", fine=True, found=f"version {found or 'none yet'}")
    if found in known:
        next_ = "Whatever opens the workspace next brings it up; programs older than this one cannot open it then. Copy it first."
        command = f"{_mlgov('audit copy', workspace)} && {_mlgov('audit verify', workspace)}"
        return Line(what="database", fine=False, found=f"version {found}; this program writes {known[-1]}", next=next_, command=command)
    told = f"version {found[:40]}, newer than this program, which knows up to {known[-1]}"
    return Line(
        what="database", fine=False, found=told, next="Nothing is read or written.", command=install("jupyter-mlgov", more="--upgrade")
    )


def _mlgov(words: str, workspace: Workspace) -> str:
    return f"mlgov {words} -w {quote(str(workspace.root))}"


def _opened(workspace: Workspace, world: World) -> Iterator[Line]:
    try:
        waiting = workspace.journal.pending()
        verification = workspace.audit()
        newest = next(iter(workspace.journal.entries(after=max(0, workspace.journal.head()[0] - 1))), None)
    except MlgovError as error:
        yield _with_copy(workspace, Line(what="trail", fine=False, found=error.what, next=error.next))
        return
    trail = Line(what="trail", fine=verification.ok, found=verification.sentence)
    yield trail if verification.ok else _with_copy(workspace, trail)
    yield _spool(workspace.spools.folder)
    yield _keys(workspace)
    problem = waiting[0].last_problem if waiting else ""
    found = f"{len(waiting)} waiting. {problem}".strip()
    yield Line(what="outbox", fine=not waiting, found=found, command=_mlgov("sync", workspace) if waiting else "")
    yield _clock(newest.time if newest else None, world.now(), "the newest entry of the trail")


def _with_copy(workspace: Workspace, line: Line) -> Line:
    """`line` with the way back: the newest copy of the database that verifies. What came after it is lost, and anchors will say so."""
    from jupyter_mlgov.workspace.copies import newest_whole_copy

    copy = newest_whole_copy(workspace)
    if copy is None:
        next_ = f"No whole copy lies in {FOLDER}/copies (`mlgov audit copy` makes one): restore the folder from yours."
        return Line(what=line.what, fine=False, found=line.found, next=next_)
    name, entries = copy
    folder = quote(str(workspace.root / FOLDER))
    aside = "mkdir -p broken && for f in mlgov.db mlgov.db-wal mlgov.db-shm; do [ ! -e $f ] || mv -f $f broken/; done"
    next_ = f"Entries after number {entries:,} are not in the copy; the broken database is kept in {FOLDER}/broken."
    command = f"cd {folder} && {aside} && cp copies/{quote(name)} mlgov.db"
    return Line(what=line.what, fine=False, found=line.found, next=next_, command=command)


def _spool(folder: Path) -> Line:
    """Opening the trail has moved what could be moved; what is damaged was kept, and is a loss somebody should look at."""
    damaged = sorted(path.name for path in folder.glob("*.damaged")) if folder.is_dir() else []
    if damaged:
        return Line(what="spool", fine=False, found=f"{len(damaged)} damaged: {', '.join(damaged[:3])}", next="See docs/formats/spool.md.")
    return Line(what="spool", fine=True, found="all that kernels finished is in the trail")


def _keys(workspace: Workspace) -> Line:
    """Private keys are their owner's alone. One that others could read signs no more; a new one is made when next needed."""
    from jupyter_mlgov.workspace.trail import keys

    folder = workspace.root / FOLDER / "keys"
    files = sorted(path for path in folder.glob("*") if path.suffix in (".pem", ".key")) if folder.is_dir() else []
    open_ = [path for path in files if path.stat().st_mode & 0o077]
    if not open_:
        return Line(what="keys", fine=True, found=f"{len(files)}, readable by their owner alone" if files else "none yet")
    signing = {life.key.id for life in keys(workspace) if life.revoked is None}
    revoke = [
        f'{_mlgov(f"audit keys revoke {path.stem}", workspace)} --reason "others could read it"' for path in open_ if path.stem in signing
    ]
    shut = [f"chmod 600 {quote(str(path))}" for path in open_]
    modes = ", ".join(f"{path.name} (mode {path.stat().st_mode & 0o777:03o})" for path in open_)
    next_ = "Whoever read one can sign in its name: what it signs from now on must not count."
    return Line(what="keys", fine=False, found=f"others can read {modes}", next=next_, command=" && ".join([*shut, *revoke]))


def _clock(other: datetime | None, now: datetime, what: str) -> Line:
    if other is None or other - now <= SKEW:
        return Line(what="clock", fine=True, found=f"not behind {what}")
    told = f"this machine's clock is {(other - now).total_seconds():,.0f} s behind {what}"
    next_ = "Deadlines and the order of entries from several machines rest on it."
    return Line(what="clock", fine=False, found=told, next=next_, command="sudo timedatectl set-ntp true")


def _disk(root: Path, world: World) -> Line:
    free = world.free(root)
    if free >= LOW:
        return Line(what="disk", fine=True, found=f"{free / 1e9:,.1f} GB free")
    found = f"only {free / 1e6:,.0f} MB free under {root}"
    place = Path(world.environ.get("PIP_CACHE_DIR") or Path.home() / ".cache" / "pip")
    if place.is_dir() and any(path.is_file() for path in place.rglob("*")):
        next_ = (
            "pip's cache can be made anew; nothing of the workspace can. See what else is big: `du -xh --max-depth=2 . | sort -h | tail`."
        )
        return Line(what="disk", fine=False, found=found, next=next_, command=f"{quote(sys.executable)} -m pip cache purge")
    next_ = f"See what is big: `du -xh --max-depth=2 . | sort -h | tail`. Nothing under {FOLDER} may go: it is evidence."
    return Line(what="disk", fine=False, found=found, next=next_)


def _identity(root: Path) -> Line:
    from jupyter_mlgov.integrations.git import git_identity, top_of

    if top_of(root) is None:
        return Line(what="git identity", fine=True, found="no repository here", next="With one (`git init`) the commit is part of lineage.")
    person = git_identity(root)
    if person is not None and person[0]:
        return Line(what="git identity", fine=True, found=f"{person[0]} <{person[1]}>")
    place = quote(str(root))
    name = f'git -C {place} config user.name "$(id -un)"'
    command = f'{name} && git -C {place} config user.email "$(id -un)@$(hostname)"'
    next_ = "Reviews are told from authors by it: put in your own name and address."
    return Line(what="git identity", fine=False, found="git knows no name and address for you", next=next_, command=command)


def _left_locks(root: Path) -> Iterator[Line]:
    """Files by which git and DVC keep others out, left behind by a process that died."""
    from jupyter_mlgov.integrations.dvc.tracking import dvc_folder
    from jupyter_mlgov.integrations.git import index_lock

    left = []
    path = index_lock(root)
    if path is not None and time.time() - path.stat().st_mtime > OLD_LOCK:
        left.append(path)
    home = dvc_folder(root)
    if home is not None and _all_dead(home / ".dvc" / "tmp" / "rwlock"):
        left.append(home / ".dvc" / "tmp" / "rwlock")
    if left:
        names = ", ".join(map(str, left))
        command = "rm -f " + " ".join(quote(str(path)) for path in left)
        yield Line(
            what="left locks", fine=False, found=f"{names}: held by nobody", next="A commit or `dvc` would wait for ever.", command=command
        )
    else:
        yield Line(what="left locks", fine=True, found="none")


def _all_dead(path: Path) -> bool:
    """Whether every process that DVC's rwlock names is gone, and it names one: {path: {"read": [{"pid": …}], "write": {"pid": …}}}."""
    try:
        held = json.loads(path.read_text("utf-8"))
        infos = [info for one in held.values() for info in (*one.get("read", ()), one.get("write")) if info]
        pids = [int(info["pid"]) for info in infos]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False
    return bool(pids) and not any(_alive(pid) for pid in pids)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True


def _lock(workspace: Workspace) -> Line:
    """The team's lock against what is installed: numbers that differ from it cannot be made again from it."""
    from jupyter_mlgov.lineage.comparison import compare
    from jupyter_mlgov.lineage.environment import environment, read_lock

    try:
        name = workspace.team.lock
        path = workspace.root / name
        freeze = "pip freeze" if shutil.which("uv") is None else f"uv pip freeze --python {quote(sys.executable)}"
        freeze = freeze if freeze.startswith("uv") else f"{quote(sys.executable)} -m {freeze}"
        command = f"{freeze} > {quote(str(path))}"
        if not path.is_file():
            return Line(what="lock", fine=False, found=f"{name}, which mlgov.toml names, is not there", command=command)
        pinned = read_lock(path.read_text("utf-8"), name)
        off = [one for one in compare(environment(), pinned) if one.matters and one.other]
    except (MlgovError, OSError, UnicodeDecodeError) as error:
        return Line(what="lock", fine=False, found=getattr(error, "what", str(error)), next=getattr(error, "next", ""))
    if not off:
        return Line(what="lock", fine=True, found=f"what {name} pins is what is installed, as far as it can change numbers")
    told = ", ".join(f"{one.what} {one.one or 'missing'} for {one.other}" for one in off[:3]) + (" …" if len(off) > 3 else "")
    next_ = f"This writes what is installed now; or install what it pins: `python -m pip install -r {name}`."
    return Line(what="lock", fine=False, found=f"{name} is stale: {told}", next=next_, command=command)


def _remote(workspace: Workspace) -> Line:
    """A gate asks whether others can get the data: where DVC is in use it needs a place for them."""
    from jupyter_mlgov.integrations.dvc.tracking import dvc_folder
    from jupyter_mlgov.workspace.arriving import dvc_remotes

    home = dvc_folder(workspace.root)
    if home is None:
        return Line(what="DVC", fine=True, found="not in use here")
    remotes = dvc_remotes(home)
    gone = [name for name, url in remotes.items() if url.startswith("/") and not Path(url).is_dir()]
    if remotes and not gone:
        return Line(what="DVC", fine=True, found=f"remote {', '.join(remotes)}")
    if gone:
        made = " && ".join(f"mkdir -p {quote(remotes[name])}" for name in gone)
        next_ = "Mount what belongs there; an empty folder needs `dvc push` after it."
        return Line(what="DVC", fine=False, found=f"the remote {', '.join(gone)} lies nowhere", next=next_, command=made)
    place = home.parent / f"{home.name}-dvc-store"
    next_ = "Data that only this machine has keep a gate shut. Any other place: `s3://…`, `gs://…`, `ssh://…` instead of the folder."
    command = f"cd {quote(str(home))} && mkdir -p {quote(str(place))} && dvc remote add -f -d store {quote(str(place))}"
    return Line(what="DVC", fine=False, found="DVC is in use and has no remote", next=next_, command=command)


def _registry(workspace: Workspace, world: World) -> Iterator[Line]:
    from jupyter_mlgov.integrations.mlflow.connection import knock, shown

    uri = workspace.tracking_uri
    problem, their_time = knock(uri)
    yours = world.environ.get("MLFLOW_TRACKING_URI", "")
    if problem:
        parts = urlsplit(uri)
        next_ = "Start it, or mend MLGOV_TRACKING_URI. What it must be told waits in the outbox meanwhile; `mlgov sync` sends it."
        command = ""
        if parts.scheme == "http" and parts.hostname in ("localhost", "127.0.0.1"):
            store = quote(f"sqlite:///{workspace.root / FOLDER / 'mlflow.db'}")
            log = quote(str(workspace.root / FOLDER / "mlflow-server.log"))
            words = f"mlflow server --host {parts.hostname} --port {parts.port or 80} --workers 1 --backend-store-uri {store}"
            command = f"nohup {words} > {log} 2>&1 &"
        yield Line(what="MLflow", fine=False, found=f"{shown(uri)} does not answer: {problem}", next=next_, command=command)
    elif yours and yours != uri:
        next_ = 'Runs your own code logs go elsewhere. One place for both: `export MLGOV_TRACKING_URI="$MLFLOW_TRACKING_URI"`.'
        yield Line(what="MLflow", fine=True, found=f"{shown(uri)} answers; MLFLOW_TRACKING_URI names {shown(yours)}", next=next_)
    else:
        yield Line(what="MLflow", fine=True, found=f"{shown(uri)} answers")
    if their_time is not None:
        yield _clock(their_time, world.now(), f"MLflow at {shown(uri)}")
