"""Where papermill's paths lie, and what a notebook is called in its workspace."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from jupyter_mlgov.core.errors import UsageError

_WORKSPACE = ".mlgov"


def local_path(path: object) -> Path | None:
    """The file that papermill means by `path`; None for an address (`s3://…`), for standard output and for no path at all.

    papermill changes the current folder to `--cwd` while paths stay relative to where it was started.
    """
    from papermill.iorw import LocalHandler, papermill_io

    if not isinstance(path, str) or not isinstance(papermill_io.get_handler(path), LocalHandler):
        return None
    handler = papermill_io.get_handler("local")
    start = handler.cwd(None)  # the handler tells its folder only by giving it up
    handler.cwd(start)
    return Path(start or Path.cwd()) / path


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a run is recorded. `name` is for people, `told` for the kernel; `workspace` is None where the kernel will make one."""

    name: str
    told: str
    workspace: Path | None = None


def place_of(source: Path | None, name: str, given: object) -> Place:
    """The workspace that `name` belongs to, else the one of MLGOV_WORKSPACE, else the nearest above the notebook.

    Raises UsageError for a notebook outside MLGOV_WORKSPACE: its kernel would record nothing.
    """
    if source is None:
        last = str(given).rstrip("/").rpartition("/")[2] if isinstance(given, str) and given != "-" else ""
        return Place(name=name or last or "notebook.ipynb", told=name or last or "notebook.ipynb")
    full = source.resolve()
    if name and full.as_posix().endswith(f"/{name}"):
        root = Path(full.as_posix()[: -len(name)])
        if (root / _WORKSPACE).is_dir():
            return Place(name=name, told=name, workspace=root)
    named = os.environ.get("MLGOV_WORKSPACE", "")
    if named and not full.is_relative_to(Path(named).resolve()):
        raise UsageError(
            f"{source} lies outside the workspace {named}.",
            expected="MLGOV_WORKSPACE names it.",
            next="Unset it, or run a notebook inside.",
        )
    for folder in [Path(named).resolve()] if named else full.parents:
        if (folder / _WORKSPACE).is_dir():
            below = full.relative_to(folder).as_posix()
            return Place(name=below, told=below, workspace=folder)
    return Place(name=name or full.name, told=str(full))
