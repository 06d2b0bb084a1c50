"""Which files a cell opened: an audit hook and wrapped readers that only note names, and digests taken after the cell.

Recorded are files that were read or written, inside the workspace and outside it. Left out: what is only written to
temporary folders, Python's own installation, compiled and cached files, system folders, hidden folders outside the
workspace, `.mlgov` and `.git`.
"""

from __future__ import annotations

import glob
import importlib.util
import os
import stat
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.lineage import ambient, native
from jupyter_mlgov.lineage.bigfiles import BUDGET, NOT_HASHED, BigFile
from jupyter_mlgov.lineage.facts import FileRef
from jupyter_mlgov.lineage.typenames import Unfit
from jupyter_mlgov.lineage.unchanged import Unchanged, marks_that_tell

MOST = 2000
_READ, _WRITTEN, _READ_FIRST = 1, 2, 4
_WRITE_FLAGS = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_OWN = frozenset({".mlgov", ".git", "__pycache__", ".ipynb_checkpoints"})
_SYSTEM = ("/dev/", "/proc/", "/sys/", "/etc/", "/usr/", "/lib/", "/lib64/", "/run/", "/bin/", "/sbin/", "/System/", "/Library/")
_CODE = (".py", ".pyc", ".pyi", ".so", ".pyd", ".dll", ".ttf", ".otf", ".afm")

_watching: Opened | None = None
_installed = False


class Opened:
    """The names opened while one cell runs; `begun` is the wall time in nanoseconds at its start.

    `touched` are paths given to readers and databases that may have read or written: the time of change tells. `before_change` is told
    of a path before it is opened for writing, moved or removed.
    """

    def __init__(self, before_change: Callable[[str], None] = lambda _: None) -> None:
        self.before_change = before_change
        self.seen: dict[str, int] = {}
        self.touched: dict[str, None] = {}
        self.ambient = ambient.Ambient()
        self.begun = time.time_ns()
        self.overflow = False

    def note(self, path: str, *, writes: bool, reads: bool) -> None:
        if len(self.seen) >= MOST and path not in self.seen:
            self.overflow = True
            return
        old = self.seen.get(path, 0)
        first = _READ_FIRST if reads and not old & _WRITTEN else 0
        self.seen[path] = old | (_READ if reads else 0) | (_WRITTEN if writes else 0) | first


def watch(before_change: Callable[[str], None] = lambda _: None) -> Opened:
    """Begin to note what a cell opens and asks for; the hook itself is installed once per process and cannot be taken out again."""
    global _watching, _installed
    if not _installed:
        sys.addaudithook(_hook)
        native.install()
        _installed = True
    _watching = Opened(before_change)
    native.tell(_given)
    ambient.watch_variables(_watching.ambient)
    return _watching


def unwatch() -> None:
    """Stop noting."""
    global _watching
    _watching = None
    native.tell(None)
    ambient.watch_variables(None)


def release() -> None:
    """Stop noting for good: `os.environ` is as it was, and no further library is wrapped."""
    global _installed
    unwatch()
    ambient.release_variables()
    native.remove()
    _installed = False


def _hook(event: str, args: tuple[object, ...]) -> None:
    watching = _watching  # None as well when the interpreter takes its modules down
    if watching is None or (event != "open" and event not in _EVENTS):
        return
    if ambient.at_our_work():
        return
    try:
        if event == "open":
            _note(watching, args)
        elif event == "sqlite3.connect":
            _given(str(args[0]), writes=False)
        elif event in _MOVES:
            for path in args[: _MOVES[event]]:
                if isinstance(path, (str, bytes, os.PathLike)):
                    watching.before_change(os.path.abspath(os.fsdecode(path)))  # noqa: PTH100  # as below
        else:
            ambient.HANDLERS[event](watching.ambient, args)
    except Exception:  # noqa: BLE001  # an exception here would break the user's open(); refs() says what is missing
        watching.overflow = True


# Events that take a file away or replace it, with how many paths they name first.
_MOVES = {"os.remove": 1, "os.rename": 2, "os.truncate": 1}
_EVENTS = frozenset({"sqlite3.connect", *_MOVES, *ambient.HANDLERS})


def _given(path: str, writes: bool) -> None:  # a fact about the call
    """A path that was handed to a reader or writer of native code."""
    watching = _watching
    if watching is None or ambient.at_our_work() or path == ":memory:":
        return
    if "://" in path and not path.startswith("file://"):
        watching.ambient.add(watching.ambient.remote, ambient.redacted(path))
        return
    path = os.path.expanduser(path.removeprefix("file://"))  # noqa: PTH111  # a text, as the hook has them
    full = os.path.abspath(path)  # noqa: PTH100  # as the hook does
    if writes:
        watching.before_change(full)
        watching.note(full, writes=True, reads=False)
    else:
        watching.touched.update(dict.fromkeys(_spread(full)[:MOST]))


def _spread(path: str) -> list[str]:
    """The files a reader finds under `path`: itself, those of a folder, those of a pattern."""
    if os.path.isdir(path):  # noqa: PTH112  # a text, as the hook has them
        return sorted(os.path.join(folder, name) for folder, _, names in os.walk(path) for name in names)  # noqa: PTH118  # as above
    if glob.has_magic(path) and not os.path.exists(path):  # noqa: PTH110  # as above
        return sorted(found for found in glob.glob(path, recursive=True) if not os.path.isdir(found))  # noqa: PTH112, PTH207  # as above
    return [path]


def _note(watching: Opened, args: tuple[object, ...]) -> None:
    raw, mode, flags = args[0], args[1], args[2]
    if isinstance(raw, int):
        return
    path = _source(os.fsdecode(raw)) if isinstance(raw, (str, bytes, os.PathLike)) else ""
    if (
        not path
        or path[0] == "<"
        or path.endswith((".pyc", ".so"))
        or (path.endswith(".py") and ("/site-packages/" in path or path.startswith(_LIBRARY)))
    ):
        return
    text = mode if isinstance(mode, str) else ""
    number = flags if isinstance(flags, int) else 0
    writes = any(sign in text for sign in "wax+") or (not text and bool(number & _WRITE_FLAGS))
    reads = ("r" in text or "+" in text) and "w" not in text if text else not number & os.O_WRONLY
    full = os.path.abspath(path)  # noqa: PTH100  # resolve() would ask the disk on each open
    if writes:
        watching.before_change(full)
    watching.note(full, writes=writes, reads=reads)


def _source(path: str) -> str:
    """The module behind a compiled file: what was imported is the same whether Python compiled it today or before."""
    if not path.endswith(".pyc") or path.startswith(_LIBRARY) or "/site-packages/" in path:
        return path
    try:
        return importlib.util.source_from_cache(path)
    except (ValueError, NotImplementedError):
        return path


# What an installation says of itself stands in the environment's record, wherever it lies; no model is made of it. Nor of our own
# rules, which an editable installation reads from a checkout.
_INSTALLED = ("/site-packages/", "/dist-packages/", ".dist-info/", ".egg-info/", "/validators/mlgov_validators/")
_PATHS = sysconfig.get_paths()
_LIBRARY = tuple({_PATHS[name] + os.sep for name in ("stdlib", "platstdlib", "purelib", "platlib")})
_PREFIXES = tuple({prefix.rstrip("/") + "/" for prefix in (sys.prefix, sys.base_prefix, sys.exec_prefix) if prefix not in ("/usr", "/")})


@dataclass(frozen=True, slots=True, kw_only=True)
class Files:
    """The files of one cell run. Those in `later` stand in `read` and `written` without a digest, each with its gap."""

    read: tuple[FileRef, ...] = ()
    written: tuple[FileRef, ...] = ()
    gaps: tuple[str, ...] = ()
    later: tuple[BigFile, ...] = ()


class FileDigests:
    """Digests of files, each content read once (unchanged.py says when that is safe)."""

    def __init__(self, root: Path) -> None:
        self._root = str(root)
        self._temporary = tuple({f"{folder.rstrip('/')}/" for folder in (tempfile.gettempdir(), os.path.realpath(tempfile.gettempdir()))})
        self._known: Unchanged[Digest] = Unchanged()

    def refs(self, opened: Opened, named: Iterable[str] = ()) -> Files:
        """The files of one cell. `named`: paths that the cell spells out, which a library may open behind Python's back.

        No more than BUDGET bytes are read for it now; what is beyond stands in `later`.
        """
        gaps = [f"more than {MOST} files were opened; the rest was not noted"] if opened.overflow else []
        for path in named:
            self._note_named(opened, path)
        self._settle(opened)
        ours = {path: place for path, how in opened.seen.items() if (place := self._recorded(path, how)) is not None}
        known, later = self._digests({path: place for path, place in ours.items() if _is_asked(path, opened)})
        read, written = [], []
        for path, place in ours.items():
            how = opened.seen[path]
            if how & _READ_FIRST:
                ref, gap = _ref(path, place, opened, known, overwritten=bool(how & _WRITTEN))
                read += [ref] if ref else []
                gaps += [gap] if gap else []
            if how & _WRITTEN and not self._passing(place):
                ref, gap = _ref(path, place, opened, known, fresh=True)
                written += [ref or FileRef(path=place, digest=None)]
                gaps += [gap] if gap else []
        return Files(read=tuple(read), written=tuple(written), gaps=tuple(dict.fromkeys(gaps)), later=later)

    def _recorded(self, path: str, how: int) -> str | None:
        """The name to record of a file that was used like this; a temporary file counts only where it was read first."""
        place = self._place(path)
        return place if place is not None and (how & _READ_FIRST or (how & _WRITTEN and not self._passing(place))) else None

    def _passing(self, place: str) -> bool:
        """A temporary file outside the workspace: nobody's result."""
        return place.startswith("/") and place.startswith(self._temporary)

    def _settle(self, opened: Opened) -> None:
        """Tell for each path given to native code what happened to it, and name the files of a folder that was written."""
        for path in opened.touched:
            found = _regular(path)
            changed = found is not None and found.st_mtime_ns >= opened.begun
            opened.note(path, writes=changed, reads=not changed or path not in opened.seen)
        for path, how in tuple(opened.seen.items()):
            if how & _WRITTEN and os.path.isdir(path):  # noqa: PTH112  # as the hook does
                del opened.seen[path]
                for inner in _spread(path):
                    found = _regular(inner)
                    if found is not None and found.st_mtime_ns >= opened.begun:
                        opened.note(inner, writes=True, reads=False)

    def _note_named(self, opened: Opened, path: str) -> None:
        full = os.path.abspath(path)  # noqa: PTH100  # as the hook does
        if full in opened.seen or not self._is_inside(full):
            return
        found = _regular(full)
        if found is not None:
            changed = found.st_mtime_ns >= opened.begun
            opened.note(full, writes=changed, reads=not changed)

    def _place(self, path: str) -> str | None:
        """The name to record: relative inside the workspace, absolute outside, None for what is left out."""
        if path.startswith(_LIBRARY) or any(part in path for part in _INSTALLED) or path.endswith((".pyc", ".so")):
            return None
        for candidate in (path, os.path.realpath(path)):
            if self._is_inside(candidate):
                inside = candidate[len(self._root) :].lstrip("/")
                venv = candidate.startswith(_PREFIXES) and not self._root.startswith(_PREFIXES)
                return None if venv or _OWN & set(inside.split("/")) else _clean(inside)
        hidden = any(part.startswith(".") for part in path.split("/"))
        if hidden or path.startswith((*_SYSTEM, *_PREFIXES)) or path.endswith(_CODE):
            return None
        return _clean(path)

    def _is_inside(self, path: str) -> bool:
        return path.startswith(self._root.rstrip("/") + "/")

    def _digests(self, ours: Mapping[str, str]) -> tuple[dict[str, Digest | None], tuple[BigFile, ...]]:
        """Digests of these files (path -> its name in the record), and those that are left for later: they have none yet."""
        found: dict[str, Digest | None] = {}
        big: list[str] = []
        left = BUDGET
        for path in ours:
            size = _size(path)
            recalled = self._recall(path)
            if recalled is not None or size <= left:
                left -= 0 if recalled is not None else size
                found[path] = recalled or self.digest(path)
            else:
                big.append(path)
        marks = marks_that_tell([Path(path) for path in big])
        found.update({path: self.digest(path) for path in big if Path(path) not in marks})
        return found, tuple(BigFile(path=path, place=ours[path], mark=marks[Path(path)]) for path in big if path not in found)

    def _recall(self, path: str) -> Digest | None:
        try:
            return self._known.recall(Path(path))
        except OSError:
            return None

    def digest(self, path: str) -> Digest | None:
        """The digest of a file; None where it cannot be read or changed while it was."""
        try:
            return self._known.get(Path(path), Digest.of_file)
        except (OSError, Unfit):
            return None


def _ref(
    path: str, place: str, opened: Opened, known: Mapping[str, Digest | None], *, overwritten: bool = False, fresh: bool = False
) -> tuple[FileRef | None, str]:
    """The reference to a file and what cannot be said of it. `known` has no entry for a file that is hashed later."""
    found = _regular(path)
    if overwritten:
        return FileRef(path=place, digest=None), f"{place} was read and then written in one cell, so what was read is not known"
    if found is None:
        missing = not fresh and place[0] != "/" and not os.path.lexists(path)
        return None, f"{place} was asked for and is not there" if missing else ""
    if not fresh and _changed(found, opened):
        return FileRef(path=place, digest=None, size=found.st_size), f"{place} changed while the cell read it"
    if path not in known:
        return FileRef(path=place, digest=None, size=found.st_size), f"{place} {NOT_HASHED}"
    digest = known[path]
    gap = "" if digest else f"{place} was opened but cannot be read again, or changed while it was"
    return FileRef(path=place, digest=digest, size=found.st_size), gap


def _is_asked(path: str, opened: Opened) -> bool:
    """Does the record need what is in the file now?"""
    found = _regular(path)
    return found is not None and (bool(opened.seen[path] & _WRITTEN) or not _changed(found, opened))


def _changed(found: os.stat_result, opened: Opened) -> bool:
    """Was the file written, or another moved over it, since the cell began?"""
    return max(found.st_mtime_ns, found.st_ctime_ns) > opened.begun


def _size(path: str) -> int:
    found = _regular(path)
    return found.st_size if found is not None else 0


def _regular(path: str) -> os.stat_result | None:
    try:
        found = os.stat(path)  # noqa: PTH116  # a plain text path, thousands of times
    except (OSError, ValueError):
        return None
    return found if stat.S_ISREG(found.st_mode) else None


def _clean(path: str) -> str:
    return path.encode("utf-8", "backslashreplace").decode("utf-8")
