"""The questions behind the routes, as plain blocking functions: they know files and the workspace, but no HTTP."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from jupyter_mlgov.core.errors import NotReady
from jupyter_mlgov.core.facts import plain
from jupyter_mlgov.core.settings import Settings
from jupyter_mlgov.lineage.facts import Lineage
from jupyter_mlgov.reports.views import NotebookView
from jupyter_mlgov.server.paths import notebook_at
from jupyter_mlgov.validation.records import Form
from jupyter_mlgov.validation.results import Report, report_json
from jupyter_mlgov.workspace.answers import Asked

# How often, and within how many seconds of a save, an unreadable notebook is looked at again.
LOOKS = 4
SETTLING = 2.0


class Room(Protocol):
    """What the server needs of a workspace."""

    @property
    def root(self) -> Path: ...

    def view(self, notebook: str) -> NotebookView: ...

    def report(self, notebook: str) -> Report | None: ...

    def lineage(self, notebook: str) -> Lineage: ...

    def questions(self, control: str, notebook: str) -> Asked: ...

    def answer(self, control: str, answers: Mapping[str, str], notebook: str) -> Form: ...

    def close(self) -> None: ...


def open_workspace(start: Path, settings: Settings) -> Room:
    """The workspace of the operator's choice, else of the folder `start`. Raises NotReady where there is none."""
    from jupyter_mlgov.workspace.composition import open_workspace as opened

    return opened(None, settings, start)


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """Answers what the routes ask, below `root`. `open` finds the workspace: the one seam to the rest of the house."""

    root: Path
    settings: Settings
    open: Callable[[Path, Settings], Room] = open_workspace

    def notebook(self, path: str) -> object:
        """The view of a notebook. Where no workspace is, an empty view that says so and what to do."""
        notebook = notebook_at(self.root, path)
        try:
            room = self.open(notebook.parent, self.settings)
        except NotReady as problem:
            what = problem.what if self.settings.workspace else "Nothing is recorded here yet."
            return plain(NotebookView(notebook=notebook.name, workspace="", problem=what, next=_START))
        with closing(room):
            return plain(_settled(room, _name(room, notebook), notebook))

    def graph(self, path: str) -> object:
        """What ran on what, as one SVG: `{"svg": …}`. Raises NotReady where no workspace is."""
        notebook = notebook_at(self.root, path)
        with closing(self.open(notebook.parent, self.settings)) as room:
            return _graph(room.lineage(_name(room, notebook)))

    def questions(self, path: str, control: str) -> object:
        """What a control asks people about the notebook's model. Raises UsageError for an unknown control."""
        notebook = notebook_at(self.root, path)
        with closing(self.open(notebook.parent, self.settings)) as room:
            return plain(room.questions(control, _name(room, notebook)))

    def give(self, path: str, control: str, answers: Mapping[str, str]) -> object:
        """Record answers, as `mlgov answer` does. Raises BadInput for answers that say nothing, NotReady without a model."""
        notebook = notebook_at(self.root, path)
        with closing(self.open(notebook.parent, self.settings)) as room:
            return plain(room.answer(control, answers, _name(room, notebook)))

    def report(self, path: str) -> object:
        """The last report of a notebook. Raises NotReady where nothing was validated yet."""
        notebook = notebook_at(self.root, path)
        with closing(self.open(notebook.parent, self.settings)) as room:
            report = room.report(_name(room, notebook))
        if report is None:
            raise NotReady(f"{notebook.name} has no report yet.", next="Run `%mlgov validate` in it, or press Validate in the panel.")
        return report_json(report)


def _graph(lineage: Lineage) -> object:
    from jupyter_mlgov.reports.lineage import lineage_svg

    return {"svg": lineage_svg(lineage)}


def _settled(room: Room, name: str, notebook: Path) -> NotebookView:
    """Jupyter writes a notebook in place, so a look during a save sees half a file: where one fails just then, look again."""
    view = room.view(name)
    for _ in range(LOOKS):
        if not view.problem or time.time() - notebook.stat().st_mtime > SETTLING:
            break
        time.sleep(SETTLING / 10)
        view = room.view(name)
    return view


_START = "Run `%load_ext jupyter_mlgov` in the notebook to start recording."


def _name(room: Room, notebook: Path) -> str:
    try:
        return notebook.relative_to(room.root.resolve()).as_posix()
    except ValueError:
        raise NotReady(
            f"{notebook.name} lies outside the workspace {room.root.name}.", next="Set MLGOV_WORKSPACE to a folder above it, or to nothing."
        ) from None
