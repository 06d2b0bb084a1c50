"""Data under version control: what `[data] track` or `mlgov track` asks DVC to keep, and whether its remote has it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from jupyter_mlgov.audit.entries import Draft
from jupyter_mlgov.audit.journal import Parcel
from jupyter_mlgov.core.errors import BadInput
from jupyter_mlgov.lineage.facts import FileRef, Lineage

if TYPE_CHECKING:
    from jupyter_mlgov.integrations.dvc import TrackedFile
    from jupyter_mlgov.promotion.data import KeptData
    from jupyter_mlgov.workspace.composition import Workspace

# Words of `[data] track` for what the record knows: files that steps read, and files that they wrote.
WORDS = ("inputs", "outputs")


def track_named(workspace: Workspace, notebook: str) -> None:
    """Have DVC track the files that `[data] track` in mlgov.toml names, before they are read. Raises BadInput for one that is not there."""
    for name in workspace.team_for(notebook).track:
        if name in WORDS:
            continue
        path = workspace.root / name
        if not path.is_file():
            raise BadInput(
                f"{name} is named in [data] track of mlgov.toml and is not there.", next="Put the file there, or run `dvc pull`."
            )
        track_now(workspace, path)


def track_now(workspace: Workspace, path: Path) -> TrackedFile:
    """Have DVC track `path`; what it already tracks is recognised.

    The trail learns hash, `.dvc` file and git revision, once for each content.
    """
    from jupyter_mlgov.integrations.dvc import track

    found = track(workspace.root, path)
    known = {(entry.subject, entry.payload.get("hash")) for entry in workspace.journal.entries(actions=("file.tracked",))}
    if (found.path, found.md5) not in known:
        payload = {"hash": found.md5, "file": found.dvc_file, "revision": revision(workspace)}
        workspace.record(Draft(action="file.tracked", subject=found.path, payload=payload))
    return found


def revision(workspace: Workspace) -> str:
    """The git commit that the workspace stands at, with `+dirty` where files were changed since; empty outside of git."""
    from jupyter_mlgov.integrations.git import code_state

    code = code_state(workspace.root)
    return code.commit + ("+dirty" if code.commit and code.dirty else "")


def parcels(workspace: Workspace, lineage: Lineage) -> tuple[Parcel, ...]:
    """What `[data] track = ["inputs", "outputs"]` asks for: a parcel for each file that a step read or wrote, and each content of it."""
    asked = workspace.team_for(lineage.notebook).track
    runs = [run for run in lineage.runs if run.step is not None]
    written = [ref for run in runs for ref in run.files_written]
    names = {ref.path for ref in written}
    read = [ref for run in runs for ref in run.files_read if ref.path not in names]
    wanted: list[FileRef] = [*(read if "inputs" in asked else ()), *(written if "outputs" in asked else ())]
    newest = {ref.path: ref for ref in wanted if ref.digest is not None and _inside(ref.path)}
    return tuple(
        Parcel(key=f"dvc:{ref.path}:{ref.digest}", target="dvc", kind="file", payload={"path": ref.path, "digest": ref.digest})
        for ref in newest.values()
    )


def deliver(workspace: Workspace, parcel: Parcel) -> dict[str, object]:
    """Track the parcel's file, if it still is what the step saw; the answer says when it is not."""
    from jupyter_mlgov.core.digests import Digest

    path = workspace.root / str(parcel.payload["path"])
    seen = parcel.payload.get("digest")
    if not path.is_file():
        return {"path": str(parcel.payload["path"]), "note": "not tracked: the file is gone"}
    if seen and Digest.of_file(path) != seen:
        return {"path": str(parcel.payload["path"]), "note": "not tracked: the file was changed since the step saw it"}
    found = track_now(workspace, path)
    return {"path": found.path, "hash": found.md5, "file": found.dvc_file}


def kept_data(workspace: Workspace, lineage: Lineage) -> tuple[KeptData, ...]:
    """For each data file that the model rests on: is it in DVC, and does the remote have it? Asks the remote."""
    from jupyter_mlgov.integrations.dvc import kept

    paths: Iterable[str] = sorted(path for path in lineage.data if _inside(path))
    found = [kept(workspace.root, path) for path in paths]
    now = revision(workspace) if found else ""
    return tuple(replace(item, revision=now) if item.md5 else item for item in found)


def _inside(path: str) -> bool:
    pure = PurePosixPath(path)
    return not pure.is_absolute() and ".." not in pure.parts
