"""Content that DVC keeps, fetched by its hash into a folder of ours: from the cache of this machine, else from the remote."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from jupyter_mlgov.core.errors import MlgovError, NotReady
from jupyter_mlgov.integrations.dvc.tracking import _in_pipeline, _outs, dvc_folder, quiet_dvc


def fetch(root: Path, checkout: Path, name: str, into: Path) -> None:
    """Put the content that DVC recorded for `name` in `checkout` (a commit of `root`, elsewhere) at `into`.

    Only the cache and remote of `root` are read. Raises NotReady where DVC did not keep the file in that commit, there is no remote,
    or it does not have the content.
    """
    known = hashes(root, checkout, name)
    if not known:
        raise NotReady(f"DVC did not track {name} in that commit.", next="Bring the file back by hand, then ask again.")
    home = dvc_folder(root)
    if home is None:
        raise NotReady(f"{name} is kept by DVC, and this folder is no longer under DVC.", next="`dvc init`, and name its remote.")
    for md5 in known:
        kept = _cached(home, md5)
        if kept is not None:
            shutil.copyfile(kept, into)
            return
    try:
        _download(home, known[0], into)
    except MlgovError as error:
        raise NotReady(f"{name} (md5 {known[0]}) cannot be fetched: {error.what}", next="See `dvc remote list` and `dvc pull`.") from None


def hashes(root: Path, checkout: Path, name: str) -> tuple[str, ...]:
    """The MD5 sums that DVC's files in `checkout` give for `name`; none where DVC did not track it."""
    return tuple(dict.fromkeys(_hashes(root, checkout, name)))


def _hashes(root: Path, checkout: Path, name: str) -> Iterator[str]:
    """What the files of DVC in `checkout` say the content of `name` is: its own record, a pipeline's, a folder's."""
    full = checkout / PurePosixPath(name)
    for out in _outs(full.with_name(full.name + ".dvc")):
        if out.get("path") == full.name and out.get("hash") == "md5":
            yield str(out.get("md5", ""))
    for folder in (parent for parent in full.parents if parent.is_relative_to(checkout)):
        for _, md5 in _in_pipeline(folder / "dvc.lock", full):
            yield md5
        for out in _outs(folder.with_name(folder.name + ".dvc")) if folder != checkout else ():
            md5 = str(out.get("md5", ""))
            if md5.endswith(".dir") and out.get("path") == folder.name:
                yield from _listed(root, md5, full.relative_to(folder).as_posix())


def _listed(root: Path, md5: str, below: str) -> Iterator[str]:
    """A folder under DVC is one hash; the list behind it says the hash of each file."""
    home = dvc_folder(root)
    kept = _cached(home, md5) if home is not None else None
    try:
        listing = json.loads(kept.read_text("utf-8")) if kept is not None else []
    except (OSError, ValueError):
        return
    for entry in listing if isinstance(listing, list) else ():
        if isinstance(entry, dict) and entry.get("relpath") == below:
            yield str(entry.get("md5", ""))


def _cached(home: Path, md5: str) -> Path | None:
    found = home / ".dvc" / "cache" / "files" / "md5" / md5[:2] / md5[2:]
    return found if len(md5) > 2 and found.is_file() else None


def _download(home: Path, md5: str, into: Path) -> None:
    with quiet_dvc(md5):
        from dvc.config import NoRemoteError
        from dvc.repo import Repo

        repo = Repo(str(home))
        try:
            store = repo.cloud.get_remote_odb()
            place = store.oid_to_path(md5)
            if not store.fs.exists(place):
                raise NotReady("neither this machine nor the remote has that content.")
            store.fs.get_file(place, str(into))
        except NoRemoteError:
            raise NotReady("DVC has no default remote, and this machine does not have the content.") from None
        finally:
            repo.close()
