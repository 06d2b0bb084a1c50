"""A notebook written out as a job for other tools: all files of all targets, or none."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.core.errors import BadInput, StorageProblem
from jupyter_mlgov.core.team import Team
from jupyter_mlgov.lineage.facts import Lineage
from jupyter_mlgov.pipelines.files import replace_file
from jupyter_mlgov.pipelines.plan import Deployment, Plan, plan
from jupyter_mlgov.pipelines.target import Files, target


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """An export before it is written: every file by target. `by_step`: a job of it runs step by step, so that needs a proof."""

    plan: Plan
    files: dict[str, Files]
    by_step: tuple[str, ...]

    @property
    def paths(self) -> tuple[Path, ...]:
        return tuple(dict.fromkeys(path for made in self.files.values() for path in made))


def draft(
    root: Path,
    notebook: str,
    team: Team,
    lineage: Lineage,
    targets: Iterable[str],
    folder: Path,
    deployment: Deployment | None = None,
) -> Draft:
    """The files of `notebook` (its name below `root`) for each target in `folder`, at the same place below it. Nothing is written.

    Raises UsageError for an unknown target, BadInput for a notebook that is no pipeline, or a file in the way that is not ours.
    """
    found = [target(name) for name in dict.fromkeys(targets)]
    job = plan(root.resolve(), notebook, team, lineage, deployment)
    place = folder.resolve() / job.folder
    files = {one.name: one.files(job, place) for one in found}
    return Draft(plan=job, files=files, by_step=tuple(one.name for one in found if one.by_step(job)))


def write(made: Draft) -> tuple[Path, ...]:
    """Write every file of the draft. Raises BadInput when the notebook was edited since it was read, StorageProblem."""
    path = made.plan.root / made.plan.name
    try:
        now = Digest.of_file(path)
    except OSError:
        now = None
    if now != made.plan.digests.notebook:
        raise BadInput(f"{made.plan.name} was edited while it was exported, so nothing was written.", next="Export it again.")
    for files in made.files.values():
        for one, content in files.items():
            _write(one, content)
    return made.paths


def export(
    root: Path,
    notebook: str,
    team: Team,
    lineage: Lineage,
    targets: tuple[str, ...],
    folder: Path,
    deployment: Deployment | None = None,
) -> tuple[Path, ...]:
    """draft() and write(). Equal input gives equal bytes."""
    return write(draft(root, notebook, team, lineage, targets, folder, deployment))


def _write(path: Path, content: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, content)
    except OSError as error:
        raise StorageProblem(
            f"{path} cannot be written: {error.strerror or error}.", next="Name a folder that can be written: `mlgov export --output DIR`."
        ) from None


__all__ = ["Draft", "Plan", "draft", "export", "plan", "write"]
