"""Where papermill's paths lie, and what a notebook is called in its workspace."""

from __future__ import annotations

import os
from pathlib import Path

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


def name_in_workspace(path: Path) -> str:
    """The notebook's POSIX path below its workspace: the one of MLGOV_WORKSPACE, else the nearest above; else its file name."""
    full = path.resolve()
    named = os.environ.get("MLGOV_WORKSPACE", "")
    for folder in [Path(named).resolve()] if named else full.parents:
        if (folder / _WORKSPACE).is_dir() and full.is_relative_to(folder):
            return full.relative_to(folder).as_posix()
    return full.name
