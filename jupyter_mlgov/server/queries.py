"""The questions behind the routes, as plain blocking functions: they know files and the workspace, but no HTTP."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol, cast

from jupyter_mlgov.core.actors import Actor
from jupyter_mlgov.core.errors import BadInput, NotReady, UsageError
from jupyter_mlgov.core.facts import plain
from jupyter_mlgov.core.settings import Settings
from jupyter_mlgov.lineage.facts import Lineage
from jupyter_mlgov.promotion.conditions import parse_limit
from jupyter_mlgov.reports.views import NotebookView, TrailVerified
from jupyter_mlgov.server.paths import notebook_at
from jupyter_mlgov.validation.records import Form
from jupyter_mlgov.validation.results import Report, report_json
from jupyter_mlgov.workspace.answers import Asked

if TYPE_CHECKING:
    from jupyter_mlgov.audit.journal import Journal
    from jupyter_mlgov.audit.verify import Verification
    from jupyter_mlgov.workspace.composition import Workspace
    from jupyter_mlgov.workspace.register import Register

# How often, and within how many seconds of a save, an unreadable notebook is looked at again.
LOOKS = 4
SETTLING = 2.0
# Seconds within which a second write may leave a file's time and size as the first one did (git's "racily clean" entries).
RACY = 0.1


class Room(Protocol):
    """What the server needs of a workspace."""

    @property
    def root(self) -> Path: ...

    @property
    def journal(self) -> Journal: ...

    def acting_as(self, person: Actor) -> Room: ...

    def audit(self) -> Verification: ...

    def view(self, notebook: str) -> NotebookView: ...

    def report(self, notebook: str) -> Report | None: ...

    def lineage(self, notebook: str) -> Lineage: ...

    def questions(self, control: str, notebook: str) -> Asked: ...

    def answer(self, control: str, answers: Mapping[str, str], notebook: str) -> Form: ...

    def close(self) -> None: ...


class Superseded(NotReady):
    """What the person read is not what stands now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """How the record behind a notebook stands: `files` as the file system tells (cheap), `head` as the trail tells when they moved."""

    files: tuple[object, ...]
    head: str
    told: tuple[object, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """What somebody says of a report. `conditions` are limits as people write them (`traffic<=5%`), `number` the case it answers."""

    verdict: Literal["approve", "refuse"]
    report: str
    comment: str
    attests: bool
    conditions: tuple[str, ...] = ()
    until: str = ""
    number: int | None = None


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
    registers: dict[Path, Register] = field(default_factory=dict)

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

    def ask(self, path: str, act: Callable[[Workspace, str], object], person: Actor | None = None) -> object:
        """What `act` says of the workspace and the name in it of the notebook at `path`; what it does is done by `person`.

        Raises NotReady where no workspace is.
        """
        notebook = notebook_at(self.root, path)
        with closing(self.open(notebook.parent, self.settings)) as room:
            return plain(act(cast("Workspace", _as(room, person)), _name(room, notebook)))

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

    def give(self, path: str, control: str, answers: Mapping[str, str], person: Actor | None) -> object:
        """Record answers, as `mlgov answer` does. Raises BadInput for answers that say nothing, NotReady without a model."""
        notebook = notebook_at(self.root, path)
        with closing(self.open(notebook.parent, self.settings)) as room:
            return plain(_as(room, person).answer(control, answers, _name(room, notebook)))

    def review(self, path: str, word: Word, person: Actor | None) -> object:
        """Record a person's word on the report that they read.

        Raises Superseded where that is not the newest, NotReady for none, UsageError for an approval that would not count.
        """
        from jupyter_mlgov.workspace.judging import way_of
        from jupyter_mlgov.workspace.reviewing import find, objection_to

        def give(room: Workspace, name: str) -> object:
            report = room.report(name)
            if report is not None and report.digest != word.report:
                raise Superseded(
                    "A newer report stands than the one you read.",
                    expected=f"Expected the digest {report.digest.short}.",
                    next="Read the new one, then give your word on it.",
                )
            stage = find(room, word.number).case.stage if word.number is not None else way_of(room, name).stage
            why_not = objection_to(room, name, stage) if word.verdict == "approve" and stage else ""
            if why_not:
                raise UsageError(f"Your approval would not count: {why_not}.", next="Somebody else gives it.")
            given, _ = room.review(
                name,
                word.verdict,
                word.comment,
                attests_unchecked=word.attests,
                limits=tuple(parse_limit(text) for text in word.conditions),
                until=word.until,
                number=word.number,
            )
            return given

        return self.ask(path, give, person)

    def suggestions(self, path: str) -> object:
        """Steps for the untagged cells of the saved notebook; none where it cannot be read (the view says that) or is no Python."""
        from jupyter_mlgov.workspace.suggesting import suggested

        notebook = notebook_at(self.root, path)
        for _ in range(LOOKS):
            try:
                return plain(suggested(notebook))
            except BadInput:
                if time.time() - notebook.stat().st_mtime > SETTLING:
                    break
                time.sleep(SETTLING / 10)
        return []

    def trail(self, path: str, before: int, limit: int) -> object:
        """Entries of the trail, the newest first. Raises NotReady where no workspace is."""
        from jupyter_mlgov.workspace.view import trail_page

        notebook = notebook_at(self.root, path)
        with closing(self.open(notebook.parent, self.settings)) as room:
            return plain(trail_page(room.journal, before, limit))

    def verify(self, path: str) -> object:
        """Check the trail as `mlgov audit verify` does. Raises NotReady where no workspace is."""
        notebook = notebook_at(self.root, path)
        with closing(self.open(notebook.parent, self.settings)) as room:
            found = room.audit()
        return plain(
            TrailVerified(
                ok=found.ok,
                sentence=found.sentence,
                proven=found.proven,
                broken=found.broken,
                unproven=found.unproven,
                cannot_see=found.cannot_see,
            )
        )

    def models(self, path: str, *, words: str, sort: str, descending: bool, offset: int, limit: int) -> object:
        """A page of the models in the workspace of the notebook `path`, or of the server's own folder. Raises NotReady for none."""
        from jupyter_mlgov.workspace.register import Register

        start = notebook_at(self.root, path).parent if path else self.root
        with closing(self.open(start, self.settings)) as room:
            register = self.registers.setdefault(room.root, Register())
            workspace = cast("Workspace", room)
            return plain(register.page(workspace, words=words, sort=sort, descending=descending, offset=offset, limit=limit))

    def portfolio(self, path: str, as_of: str) -> object:
        """The portfolio of the workspace of `path` at a moment. Raises NotReady for none, BadInput for what is no day that is over."""
        from jupyter_mlgov.workspace.portfolio_desk import portfolio_view

        return self._asked_of(path, lambda workspace: portfolio_view(workspace, as_of))

    def portfolio_page(self, path: str, as_of: str, *, words: str, sort: str, descending: bool, offset: int, limit: int) -> object:
        """A page of its inventory, from the read tables. Raises as `portfolio`."""
        from jupyter_mlgov.workspace.portfolio_desk import portfolio_page

        def page(workspace: Workspace) -> object:
            return portfolio_page(workspace, as_of, words=words, sort=sort, descending=descending, offset=offset, limit=limit)

        return self._asked_of(path, page)

    def _asked_of(self, path: str, ask: Callable[[Workspace], object]) -> object:
        """What `ask` finds in the workspace of the notebook `path`, or of the server's own folder."""
        start = notebook_at(self.root, path).parent if path else self.root
        with closing(self.open(start, self.settings)) as room:
            return plain(ask(cast("Workspace", room)))

    def moment(self, path: str, before: Moment | None) -> Moment:
        """How the record behind `path` stands. The trail is asked where a file moved since `before`, or where it lies in a server."""
        notebook = notebook_at(self.root, path)
        try:
            room = self.open(notebook.parent, self.settings)
        except NotReady:
            edited = _stamp(notebook)
            return Moment(files=(edited,), head="", told=(edited,))
        with closing(room):
            root = room.root
            # Before the trail is read: what is written behind that moves these files, and the next look finds them moved.
            files = tuple(_stamp(one) for one in (notebook, *_record(root)))
            if before is not None and files == before.files and not self.settings.database_url:
                return before
            head = str(room.journal.head()[0])
        told = tuple(_stamp(one) for one in (notebook, root / "mlgov.toml", notebook.parent / "mlgov.toml"))
        return Moment(files=files if _at_rest(files) else (), head=head, told=(*told, head))

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


def _as(room: Room, person: Actor | None) -> Room:
    return room if person is None else room.acting_as(person)


def _record(root: Path) -> tuple[Path, ...]:
    """The files that move when something is recorded."""
    folder = root / ".mlgov"
    spool = folder / "spool"
    waiting = sorted(spool.rglob("*.spool")) if spool.is_dir() else []
    return (folder / "mlgov.db", folder / "mlgov.db-wal", root / "mlgov.toml", *waiting)


def _stamp(path: Path) -> tuple[int, int]:
    try:
        found = path.stat()
    except OSError:
        return (0, 0)
    return (found.st_mtime_ns, found.st_size)


def _at_rest(stamps: tuple[tuple[int, int], ...]) -> bool:
    """Whether these stamps would show a further write: where the last was a moment ago, the next may look the same."""
    return time.time_ns() - max(moved for moved, _ in stamps) >= RACY * 1e9


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
