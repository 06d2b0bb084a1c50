"""Track a data file, and tell what a tracked file's hash is."""

from __future__ import annotations

import hashlib
import json
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from jupyter_mlgov.core.errors import BadInput, MlgovError, NotReady, StorageProblem

# Measured here: DVC's own Python API takes 1.5 s for init and add, its command line 6.8 s. The command line is also what phones home.


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackedFile:
    """A file under DVC. `path` and `dvc_file` (what git keeps instead of it) are POSIX paths below the workspace root."""

    path: str
    md5: str
    dvc_file: str


def track(root: Path, path: Path) -> TrackedFile:
    """Have DVC track `path` as it is now; asking again changes nothing. A folder without DVC is made ready, with git or without.

    Raises BadInput for a file that is missing, outside `root` or git's own, StorageProblem when DVC cannot write.
    """
    name = _inside(root, path)
    found = tracked(root, path)
    if found is not None:
        return found
    with quiet_dvc(name):
        from dvc.repo import Repo

        home = dvc_folder(root)
        if home is None:
            _initialise(root)
        repo = Repo(str(home or root.resolve()))
        try:
            repo.add([str(root.resolve() / name)])
        finally:
            repo.close()
    found = tracked(root, path)
    if found is None:
        raise StorageProblem(f"DVC was asked to track {name} and its hash is not there.", next="Look at `dvc status`, then run again.")
    return found


def tracked(root: Path, path: Path) -> TrackedFile | None:
    """The record of a file that DVC tracks, if it holds the file as it is now; None when it is untracked or was changed since.

    Reads DVC's files without importing DVC. Raises BadInput for a file that is missing or outside `root`.
    """
    name = _inside(root, path)
    full = root.resolve() / name
    with full.open("rb") as stream:
        md5 = hashlib.file_digest(stream, "md5").hexdigest()  # DVC's name for content
    for record, known in _records(root.resolve(), full):
        if known == md5:
            return TrackedFile(path=name, md5=md5, dvc_file=record.relative_to(root.resolve()).as_posix())
    return None


def _inside(root: Path, path: Path) -> str:
    """`path` below `root`, as POSIX text. A link is followed: what it points to must lie inside as well."""
    full = path if path.is_absolute() else root / path
    home = root.resolve()
    place = full.parent.resolve() / full.name
    if not place.is_relative_to(home) or not full.resolve().is_relative_to(home):
        raise BadInput(f"{path} lies outside the workspace {root}.", next="Copy the file into the workspace, and read it from there.")
    if not full.is_file():
        what = "is a folder" if full.is_dir() else "is not there"
        raise BadInput(f"{path} {what}.", expected="Expected a data file.", next="Check the name, or run `dvc pull` if DVC keeps it.")
    return place.relative_to(home).as_posix()


def dvc_folder(root: Path) -> Path | None:
    """The DVC repository that `root` belongs to."""
    home = root.resolve()
    return next((folder for folder in (home, *home.parents) if (folder / ".dvc").is_dir()), None)


def _initialise(root: Path) -> None:
    from dvc.repo import Repo

    home = root.resolve()
    above = any((folder / ".git").exists() for folder in home.parents)
    here = (home / ".git").exists()
    Repo.init(str(home), no_scm=not here and not above, subdir=above and not here).close()


def _records(root: Path, full: Path) -> Iterator[tuple[Path, str]]:
    """(file that holds DVC's record, md5 it holds) for every record about `full`: its own, a folder's, a pipeline's."""
    own = full.with_name(full.name + ".dvc")
    for out in _outs(own):
        if out.get("path") == full.name and out.get("hash") == "md5":
            yield own, str(out.get("md5", ""))
    for folder in (parent for parent in full.parents if parent.is_relative_to(root)):
        yield from _in_pipeline(folder / "dvc.lock", full)
        if folder != root:
            yield from _in_folder(root, folder, full)


def _in_folder(root: Path, folder: Path, full: Path) -> Iterator[tuple[Path, str]]:
    """A folder under DVC is one hash; the list behind it lies in DVC's cache."""
    record = folder.with_name(folder.name + ".dvc")
    home = dvc_folder(root)
    for out in _outs(record):
        md5 = str(out.get("md5", ""))
        if home is None or not md5.endswith(".dir") or out.get("path") != folder.name:
            continue
        listing = _json(home / ".dvc" / "cache" / "files" / "md5" / md5[:2] / md5[2:])
        for entry in listing if isinstance(listing, list) else []:
            if isinstance(entry, dict) and entry.get("relpath") == full.relative_to(folder).as_posix():
                yield record, str(entry.get("md5", ""))


def _in_pipeline(lock: Path, full: Path) -> Iterator[tuple[Path, str]]:
    stages = _yaml(lock).get("stages")
    for stage in stages.values() if isinstance(stages, dict) else []:
        outs = stage.get("outs", []) if isinstance(stage, dict) else []
        for out in outs:
            if isinstance(out, dict) and lock.parent / str(out.get("path", "")) == full and out.get("hash") == "md5":
                yield lock, str(out.get("md5", ""))


def _outs(record: Path) -> list[dict[str, object]]:
    outs = _yaml(record).get("outs", [])
    return [out for out in outs if isinstance(out, dict)] if isinstance(outs, list) else []


def _yaml(path: Path) -> dict[str, object]:
    """What a file of DVC's says; empty for none, or one that is not YAML: DVC itself will say so when it is asked to track."""
    if not path.is_file():
        return {}
    import yaml

    try:
        content = yaml.safe_load(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return {}
    return content if isinstance(content, dict) else {}


def _json(path: Path) -> object:
    try:
        return json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return None


@contextmanager
def quiet_dvc(name: str) -> Iterator[None]:
    """DVC's errors as sentences; its progress bars and hints for its own command line stay silent."""
    log = logging.getLogger("dvc")
    before = log.level
    with warnings.catch_warnings():
        # pygtrie 2.5, which DVC uses, deprecates a call that DVC 3.67 still makes.
        warnings.filterwarnings("ignore", "_NoneStep.value will soon", DeprecationWarning)
        try:
            import dvc.repo  # noqa: F401  # its import sets the level of DVC's log, so it comes first

            log.setLevel(logging.ERROR)
            yield
        except MlgovError:
            raise
        except Exception as error:  # noqa: BLE001  # whatever DVC raises becomes a sentence; nothing is swallowed
            raise _sentence(name, error) from None
        finally:
            log.setLevel(before)


def _sentence(name: str, error: Exception) -> MlgovError:
    from dvc.exceptions import DvcException
    from dvc.lock import LockError
    from dvc.output import OutputAlreadyTrackedError

    first = (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
    if isinstance(error, LockError):
        return StorageProblem(f"{name} cannot be tracked now: another DVC command runs in this workspace.", next="Try again when it ended.")
    if isinstance(error, OutputAlreadyTrackedError):
        return BadInput(
            f"{name} is kept by git, so DVC cannot track it.", next=f"Take it out of git first: `git rm --cached -- '{name}'`, then commit."
        )
    if isinstance(error, ImportError):
        return NotReady(f"DVC cannot reach its store for {name}: {first}.", next="Install what it names, in this environment.")
    if isinstance(error, (OSError, DvcException)):
        return StorageProblem(f"DVC cannot track {name}: {first}.", next="Mend that and run again; `dvc doctor` tells more.")
    return StorageProblem(f"DVC broke while it tracked {name}: {type(error).__name__}: {first}.", next="`dvc doctor` tells more.")
