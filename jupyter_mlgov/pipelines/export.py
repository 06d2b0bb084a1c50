"""A notebook written out as a job for other tools: all files of all targets, or none."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from jupyter_mlgov.core.errors import StorageProblem, unknown
from jupyter_mlgov.core.team import Team
from jupyter_mlgov.lineage.facts import Lineage
from jupyter_mlgov.pipelines import dvc_target, papermill_target
from jupyter_mlgov.pipelines.files import replace_file
from jupyter_mlgov.pipelines.plan import Plan, plan

Files = dict[Path, bytes]
TARGETS: dict[str, Callable[[Plan, Path], Files]] = {"papermill": papermill_target.files, "dvc": dvc_target.files}


def export(root: Path, notebook: str, team: Team, lineage: Lineage, targets: tuple[str, ...], folder: Path) -> tuple[Path, ...]:
    """Write `notebook` (its name below `root`) for each target into `folder`, at the same place below it. Returns the files.

    Equal input gives equal bytes. Raises UsageError for an unknown target, BadInput for a notebook that is no pipeline or a file in
    the way that is not ours, StorageProblem for a folder that cannot be written; nothing is written then.
    """
    for target in targets:
        if target not in TARGETS:
            raise unknown("target", target, TARGETS, next="For instance `mlgov export --to papermill,dvc`.")
    job = plan(root.resolve(), notebook, team, lineage)
    found: Files = {}
    for target in dict.fromkeys(targets):
        found.update(TARGETS[target](job, folder.resolve() / job.folder))
    for path, content in found.items():
        _write(path, content)
    return tuple(found)


def _write(path: Path, content: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, content)
    except OSError as error:
        raise StorageProblem(
            f"{path} cannot be written: {error.strerror or error}.", next="Name a folder that can be written: `mlgov export --output DIR`."
        ) from None


__all__ = ["TARGETS", "Plan", "export", "plan"]
