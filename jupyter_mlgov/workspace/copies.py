"""Copies of the trail's database: made whole while others write, and believed only when they verify."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_mlgov.core.errors import MlgovError, StorageProblem

if TYPE_CHECKING:
    from jupyter_mlgov.workspace.composition import Workspace

COPIES = "copies"


def copy(workspace: Workspace) -> Path:
    """A new file `.mlgov/copies/mlgov-TIME.db`; the database is not brought up to date for it, and no copy is ever overwritten.

    Raises UsageError where the trail lies in PostgreSQL, StorageProblem where it cannot be read or the copy not written.
    """
    from jupyter_mlgov.integrations.sql import copy_database
    from jupyter_mlgov.workspace.composition import FOLDER

    folder = workspace.root / FOLDER / COPIES
    path = folder / f"mlgov-{workspace.clock.now():%Y%m%dT%H%M%S_%fZ}.db"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        path.touch(mode=0o600, exist_ok=False)
    except OSError as error:
        raise StorageProblem(f"{path} cannot be written: {error.strerror or error}.", next="Free some space, or give access.") from None
    try:
        copy_database(workspace.settings.database_url or workspace.root / FOLDER / "mlgov.db", path)
    except MlgovError:
        path.unlink()
        raise
    return path


def newest_whole_copy(workspace: Workspace) -> tuple[str, int] | None:
    """(name, number of entries) of the newest copy whose every entry and tile verifies; None where no copy does."""
    from jupyter_mlgov.workspace.composition import FOLDER, Workspace
    from jupyter_mlgov.workspace.trail import verify

    folder = workspace.root / FOLDER / COPIES
    if workspace.settings.database_url:
        return None
    for path in sorted(folder.glob("*.db"), reverse=True) if folder.is_dir() else ():
        other = Workspace(workspace.root, replace(workspace.settings, database_url=f"sqlite:///{path}"), clock=workspace.clock)
        try:
            found = verify(other, ask_anchors=False)
        except MlgovError:
            continue
        finally:
            other.close()
        if found.ok and found.checked:
            return path.name, found.checked
    return None
