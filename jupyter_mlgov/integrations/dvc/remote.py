"""Where DVC keeps content beside this machine: push to it, and ask whether it has a file as we know it."""

from __future__ import annotations

from pathlib import Path

from jupyter_mlgov.core.errors import MlgovError, NotReady
from jupyter_mlgov.integrations.dvc.tracking import dvc_folder, quiet_dvc, tracked
from jupyter_mlgov.promotion.data import KeptData, KeptState


def kept(root: Path, name: str) -> KeptData:
    """Whether DVC tracks the file `name` (below `root`) as it is now, and whether the default remote has that content.

    Asks the remote, which may be a network away. What could not be asked is `unknown` with its reason, never `pushed`.
    """
    if dvc_folder(root) is None:
        return KeptData(path=name, state="untracked", problem="this folder is not under DVC")
    try:
        found = tracked(root, root / name)
        if found is None:
            return KeptData(path=name, state="untracked", problem="DVC does not track it as it is now")
        state, remote, problem = _in_remote(root, found.path)
    except MlgovError as error:
        return KeptData(path=name, state="unknown", problem=error.what)
    return KeptData(path=name, state=state, md5=found.md5, dvc_file=found.dvc_file, remote=remote, problem=problem)


def _in_remote(root: Path, name: str) -> tuple[KeptState, str, str]:
    """(state, name of the remote, problem). DVC says `new` for what only this machine has, `missing` for what nobody has."""
    with quiet_dvc(name):
        from dvc.config import NoRemoteError
        from dvc.repo import Repo

        repo = Repo(str(dvc_folder(root)))
        try:
            remote = str(repo.config.get("core", {}).get("remote") or "")
            said = repo.status(targets=[str(root.resolve() / name)], cloud=True)
        except NoRemoteError:
            return "no remote", "", "DVC has no default remote"
        finally:
            repo.close()
    lacking = sorted({str(word) for word in said.values()} - {"deleted"})  # `deleted`: the remote has it, our cache no longer does
    if lacking:
        return "not pushed", remote, f"DVC says: {', '.join(lacking)}"
    return "pushed", remote, ""


def push(root: Path, remote: Path) -> None:
    """Name the folder `remote` as the DVC repository's default remote, and push to it what is tracked.

    Raises NotReady where there is no DVC repository or `remote` has a path that DVC's settings file cannot hold (it writes ASCII only),
    StorageProblem when DVC cannot write.
    """
    if not str(remote.resolve()).isascii():
        raise NotReady(f"DVC cannot name {remote} as a store: its settings hold ASCII only.", next="Use a folder with an ASCII path.")
    home = dvc_folder(root)
    if home is None:
        raise NotReady(f"{root} is not under DVC.", next="Track a file first, or run `dvc init`.")
    with quiet_dvc(str(remote)):
        from dvc.repo import Repo

        repo = Repo(str(home))
        try:
            with repo.config.edit("repo") as config:
                config["remote"]["store"] = {"url": str(remote.resolve())}
                config["core"]["remote"] = "store"
        finally:
            repo.close()
        repo = Repo(str(home))
        try:
            repo.push()
        finally:
            repo.close()
