"""What `mlgov doctor` looks at: the installation first, then the workspace. A thing that could not be looked at is not fine."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from jupyter_mlgov.cli.doctor.line import Line
from jupyter_mlgov.core.clock import SystemClock
from jupyter_mlgov.core.errors import MlgovError, NotReady
from jupyter_mlgov.core.settings import Settings
from jupyter_mlgov.workspace.composition import open_workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What is outside: variables, the clock, and how many bytes are free on the disk under a folder."""

    environ: Mapping[str, str]
    now: Callable[[], datetime]
    free: Callable[[Path], int]


def the_world() -> World:
    """This process's."""
    return World(environ=os.environ, now=SystemClock().now, free=lambda folder: shutil.disk_usage(folder).free)


def examine(folder: Path | None, world: World | None = None) -> list[Line]:
    """Every line, the installation's first."""
    from jupyter_mlgov.cli.doctor.installation import installation

    world = world or the_world()
    settings = Settings.from_environment(world.environ)
    try:
        workspace = open_workspace(folder, settings, Path.cwd())
    except MlgovError as error:
        command = "mlgov init" if isinstance(error, NotReady) and folder is None else ""
        return [
            *installation(settings, None, world),
            Line(what="workspace", fine=False, found=error.what, next=error.next, command=command),
        ]
    from jupyter_mlgov.cli.doctor.standing import standing

    try:
        return [*installation(settings, workspace, world), *standing(workspace, world)]
    finally:
        workspace.close()
