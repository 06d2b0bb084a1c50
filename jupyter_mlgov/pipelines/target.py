"""What an export target is: something that makes files of a plan. Targets come in by the entry-point group `jupyter_mlgov.targets`."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Protocol, runtime_checkable

from jupyter_mlgov.core.errors import NotReady, unknown
from jupyter_mlgov.pipelines.plan import Plan

GROUP = "jupyter_mlgov.targets"
Files = dict[Path, bytes]


@runtime_checkable
class Target(Protocol):
    """A place where a governed job can run.

    `files` gives every file of the job below `folder`, whole, and writes nothing; equal plans give equal bytes. It raises UsageError for
    what the exporting person must still say, BadInput when a file that is not ours is in the way. `by_step`: the job runs the notebook
    step by step, so the export must prove that the steps give what the notebook gives; `by_step(plan)` may say so for one plan only.
    """

    @property
    def name(self) -> str: ...

    def by_step(self, plan: Plan) -> bool: ...

    def files(self, plan: Plan, folder: Path) -> Files: ...


class FileTarget:
    """A target made of two functions."""

    def __init__(self, name: str, files: Callable[[Plan, Path], Files], by_step: Callable[[Plan], bool]) -> None:
        self.name = name
        self._files, self._by_step = files, by_step

    def by_step(self, plan: Plan) -> bool:
        return self._by_step(plan)

    def files(self, plan: Plan, folder: Path) -> Files:
        return self._files(plan, folder)


def known_targets() -> tuple[str, ...]:
    """The names of all targets that are installed; nothing is imported."""
    return tuple(sorted(_points()))


def target(name: str) -> Target:
    """The target of that name. Raises UsageError naming the known ones, NotReady for one that cannot be loaded."""
    points = _points()
    if name not in points:
        raise unknown("target", name, sorted(points), next="For instance `mlgov export --to papermill,dvc`.")
    try:
        found = points[name].load()
    except Exception as error:
        raise NotReady(
            f"The target {name} ({points[name].value}) cannot be loaded: {type(error).__name__}: {error}.",
            next="Install what it needs, or leave it out of --to.",
        ) from error
    found = found() if isinstance(found, type) else found
    if not isinstance(found, Target) or found.name != name:
        raise NotReady(
            f"{points[name].value} is no target called {name}.", expected="Expected `name`, `by_step(plan)` and `files(plan, folder)`."
        )
    return found


@cache
def _points() -> dict[str, EntryPoint]:
    return {one.name: one for one in entry_points(group=GROUP)}
