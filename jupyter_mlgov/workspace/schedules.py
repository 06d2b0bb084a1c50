"""`mlgov monitor schedule`: the files of a monitor that runs by itself, written and said in the trail."""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from jupyter_mlgov.audit.entries import Draft
from jupyter_mlgov.core.errors import StorageProblem, UsageError
from jupyter_mlgov.monitoring.plan import plan_digest
from jupyter_mlgov.monitoring.schedule import Scheduled, files, frequency_of
from jupyter_mlgov.workspace.watched import running

if TYPE_CHECKING:
    from jupyter_mlgov.workspace.composition import Workspace


def write_schedule(
    workspace: Workspace,
    model: str,
    targets: tuple[str, ...],
    *,
    window: str,
    schedule: str = "",
    image: str = "",
    output: Path | None = None,
) -> tuple[Path, ...]:
    """Write the files of each target. Raises UsageError for an unknown target, no schedule, or a window outside the workspace.

    BadInput where a file that is not ours, or was changed by hand, is in the way: then nothing is written.
    """
    if not targets:
        raise UsageError("No target was named.", next="`mlgov monitor schedule MODEL --to papermill,cron --window FOLDER`.")
    place = PurePosixPath(window)
    if place.is_absolute() or ".." in place.parts or not window.strip():
        raise UsageError(f'The window "{window}" lies outside the workspace.', expected="A path below the workspace, as `windows/credit`.")
    now = running(workspace, model)
    folder = (output or workspace.root).resolve()
    job = Scheduled(
        model=model,
        window=place.as_posix(),
        schedule=schedule or frequency_of(tuple(one.frequency for one in now.plan)),
        plan=plan_digest(now.plan),
        team=now.team.digest,
        image=image,
        here=Path(os.path.relpath(workspace.root, folder)).as_posix(),
    )
    made = files(job, targets, folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path, content in made.items():
            path.write_bytes(content)
    except OSError as error:
        raise StorageProblem(f"{folder} cannot be written: {error.strerror or error}.", next="Name another folder with --output.") from None
    payload = {"targets": [f"monitor {one}" for one in targets], "files": [path.name for path in made], "plan": job.plan}
    workspace.record(Draft(action="export.written", subject=model, payload=payload))
    return tuple(made)
