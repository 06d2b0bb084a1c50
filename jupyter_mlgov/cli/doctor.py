"""What `mlgov doctor` looks at. A thing that could not be looked at is not fine."""

from __future__ import annotations

import importlib.metadata
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from jupyter_mlgov._version import __version__
from jupyter_mlgov.cli.options import opened
from jupyter_mlgov.core.errors import MlgovError


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One thing looked at."""

    what: str
    fine: bool
    found: str
    next: str = ""


def examine(folder: Path | None) -> list[Line]:
    """Installation first, then the workspace."""
    return [
        _python(),
        *(_package(name) for name in ("jupyterlab", "ipykernel", "papermill", "mlflow", "dvc")),
        _git(),
        _lab(),
        *_workspace(folder),
    ]


def _python() -> Line:
    version = ".".join(map(str, sys.version_info[:3]))
    return Line(what="Python", fine=sys.version_info >= (3, 11), found=f"{version}, jupyter_mlgov {__version__}")


def _package(name: str) -> Line:
    try:
        return Line(what=name, fine=True, found=importlib.metadata.version(name))
    except importlib.metadata.PackageNotFoundError:
        return Line(what=name, fine=False, found="not installed", next=f"pip install {name}")


def _git() -> Line:
    path = shutil.which("git")
    return Line(
        what="git",
        fine=path is not None,
        found="found" if path else "not on PATH",
        next="" if path else "Install git: commits are part of lineage.",
    )


def _lab() -> Line:
    built = Path(sys.prefix) / "share" / "jupyter" / "labextensions" / "jupyter-mlgov" / "package.json"
    if built.is_file():
        return Line(what="JupyterLab panel", fine=True, found="installed")
    return Line(
        what="JupyterLab panel",
        fine=False,
        found="not installed in this environment",
        next="Install the wheel, or `make lab` in a checkout.",
    )


def _workspace(folder: Path | None) -> list[Line]:
    try:
        workspace = opened(folder)
        verification = workspace.audit()
        waiting = workspace.journal.pending()
    except MlgovError as error:
        return [Line(what="workspace", fine=False, found=error.what, next=error.next)]
    lines = [
        Line(what="workspace", fine=True, found=str(workspace.root)),
        Line(what="trail", fine=verification.ok, found=verification.sentence, next="" if verification.ok else "See `mlgov audit verify`."),
    ]
    lines.append(_spool(workspace.spools.folder))
    problem = waiting[0].last_problem if waiting else ""
    lines.append(
        Line(what="outbox", fine=not waiting, found=f"{len(waiting)} waiting. {problem}".strip(), next="`mlgov sync`" if waiting else "")
    )
    return lines


def _spool(folder: Path) -> Line:
    """Opening the trail has moved what could be moved; what is damaged was kept, and is a loss somebody should look at."""
    damaged = sorted(path.name for path in folder.glob("*.damaged")) if folder.is_dir() else []
    if damaged:
        return Line(what="spool", fine=False, found=f"{len(damaged)} damaged: {', '.join(damaged[:3])}", next="See docs/formats/spool.md.")
    return Line(what="spool", fine=True, found="all that kernels finished is in the trail")
