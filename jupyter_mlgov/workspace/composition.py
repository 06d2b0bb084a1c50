"""One folder with a `.mlgov/` in it: its journal, objects, team, people and foreign systems, put together."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Literal

from jupyter_mlgov.audit.entries import Draft
from jupyter_mlgov.core.actors import Actor, Identity
from jupyter_mlgov.core.clock import Clock, SystemClock
from jupyter_mlgov.core.errors import NotReady, StorageProblem, UsageError, unknown
from jupyter_mlgov.core.settings import Settings
from jupyter_mlgov.core.team import TEAM_FILE, Team, read_team

if TYPE_CHECKING:
    from jupyter_mlgov.audit.journal import Journal, ObjectStore
    from jupyter_mlgov.audit.personal import People
    from jupyter_mlgov.audit.tiles import Ledger
    from jupyter_mlgov.audit.verify import Verification
    from jupyter_mlgov.integrations.sql.journal import SqlJournal
    from jupyter_mlgov.lineage.facts import Lineage
    from jupyter_mlgov.lineage.recorder import Recorder
    from jupyter_mlgov.lineage.spool import Spools
    from jupyter_mlgov.promotion.facts import Decision, Limit, Review
    from jupyter_mlgov.promotion.registry import ModelRegistry
    from jupyter_mlgov.reports.context import Context
    from jupyter_mlgov.reports.views import NotebookView
    from jupyter_mlgov.validation.engine import Judgement
    from jupyter_mlgov.validation.records import Form
    from jupyter_mlgov.validation.results import Report
    from jupyter_mlgov.workspace.answers import Asked

FOLDER = ".mlgov"
IGNORE = "# Records, objects and the embedded MLflow of jupyter_mlgov: kept out of git, back them up.\n*\n"


class Workspace:
    """The composition root. Every part is opened when first asked for; nothing here decides anything."""

    def __init__(self, root: Path, settings: Settings | None = None, *, clock: Clock | None = None) -> None:
        self.root = root.resolve()
        self.settings = settings or Settings()
        self.clock = clock or SystemClock()

    @classmethod
    def find(cls, start: Path, settings: Settings | None = None) -> Workspace:
        """The workspace of the nearest parent folder. Raises NotReady where there is none."""
        start = start.resolve()
        for folder in (start, *start.parents):
            if (folder / FOLDER).is_dir():
                return cls(folder, settings)
        raise NotReady(f"No workspace in {start} or above it.", next="Make one with `mlgov init`, or look at `mlgov demo --workspace DIR`.")

    @classmethod
    def create(cls, root: Path, settings: Settings | None = None) -> Workspace:
        """Make `.mlgov/` in `root` (nothing happens where it is). Raises StorageProblem where it cannot be written."""
        folder = root.resolve() / FOLDER
        if folder.is_dir():
            return cls(root, settings)
        try:
            folder.mkdir(parents=True)
            (folder / ".gitignore").write_text(IGNORE, "utf-8")
        except OSError as error:
            raise StorageProblem(
                f"No workspace can be made in {root}: {error.strerror or error}.",
                next="Name a folder that can be written: `--workspace DIR`.",
            ) from None
        workspace = cls(root, settings)
        workspace.record(Draft(action="workspace.created", subject=workspace.root.name))
        return workspace

    @property
    def journal(self) -> Journal:
        """The trail with all that kernels finished: what their spools hold is moved into it first. Raises StorageProblem."""
        self.spools.drain(self.personal)
        return self.personal

    @cached_property
    def people(self) -> People:
        """The keys of persons, which `mlgov audit erase` destroys."""
        return self.database.people()

    @cached_property
    def personal(self) -> Journal:
        """The trail with names and comments opened, where their keys are still there."""
        from jupyter_mlgov.audit.personal import PersonalJournal

        return PersonalJournal(self.database, self.people)

    @cached_property
    def spools(self) -> Spools:
        from jupyter_mlgov.lineage.spool import Spools

        return Spools(self.root / FOLDER / "spool")

    @cached_property
    def database(self) -> SqlJournal:
        """The trail as it lies in storage, without what still waits in spools."""
        from jupyter_mlgov.integrations.sql import open_journal

        return open_journal(self.settings.database_url or self.root / FOLDER / "mlgov.db", self.clock)

    @property
    def ledger(self) -> Ledger:
        """The same log as raw rows and tree tiles, for proofs and verification."""
        return self.database.ledger()

    @cached_property
    def objects(self) -> ObjectStore:
        from jupyter_mlgov.integrations.objects import FileObjects

        return FileObjects(self.root / FOLDER / "objects")

    @property
    def tracking_uri(self) -> str:
        return self.settings.tracking_uri or f"sqlite:///{self.root / FOLDER / 'mlflow.db'}"

    @property
    def registry(self) -> ModelRegistry:
        from jupyter_mlgov.integrations.mlflow import MlflowRegistry

        return MlflowRegistry(self.tracking_uri)

    @cached_property
    def identity(self) -> Identity:
        from jupyter_mlgov.integrations.git import git_identity
        from jupyter_mlgov.integrations.identity import SystemIdentity
        from jupyter_mlgov.integrations.oidc import oidc_actor

        return SystemIdentity(self.settings.actor, git_identity=lambda: git_identity(self.root), token=lambda: oidc_actor(os.environ))

    def actor(self) -> Actor:
        return self.identity.actor()

    def acting_as(self, person: Actor) -> Workspace:
        """This workspace, with what is done in it done by `person`: the Jupyter server knows who is signed in."""
        from jupyter_mlgov.integrations.identity import Known

        self.identity = Known(person)
        return self

    def record(self, *drafts: Draft) -> None:
        self.journal.append(drafts, actor=self.actor())
        if self.settings.notify and any(draft.action == "alarm.raised" for draft in drafts):
            from jupyter_mlgov.workspace.alarms import post

            post(self)
            self.deliver_later()

    # -- notebooks and their teams ------------------------------------------------------------------------------------

    def name_of(self, path: Path) -> str:
        """A notebook's name: its POSIX path below the root. Raises UsageError for a path outside it."""
        full = path if path.is_absolute() else self.root / path
        try:
            return full.resolve().relative_to(self.root).as_posix()
        except ValueError:
            raise UsageError(
                f"{path} lies outside the workspace {self.root}.", next="Name a notebook inside it, or another --workspace."
            ) from None

    def path_of(self, notebook: str) -> Path:
        return self.root / PurePosixPath(notebook)

    def team_for(self, notebook: str) -> Team:
        """The nearest `mlgov.toml` from the notebook's folder up to the root; the defaults where there is none."""
        folder = self.path_of(notebook).parent if notebook else self.root
        while folder != self.root and not (folder / TEAM_FILE).exists() and self.root in folder.parents:
            folder = folder.parent
        team = read_team(folder)
        return team if team.model != "model" or not notebook else replace(team, model=PurePosixPath(notebook).stem)

    def decided(self, model: str) -> tuple[str, Team]:
        """(notebook, team) of the newest decision about `model`; the notebook is empty where that decision names none.

        Raises UsageError for a model that nobody decided about.
        """
        mine = [entry.payload.get("notebook") for entry in self.journal.entries(actions=("promotion.decided",), subject=model)]
        if not mine:
            known = sorted({entry.subject for entry in self.journal.entries(actions=("promotion.decided",))})
            raise unknown("model with a decision", model, known, next="Ask for one: `mlgov promote STAGE`.")
        notebook = str(mine[-1] or "")
        return notebook, self.team_for(notebook)

    @property
    def team(self) -> Team:
        return self.team_for("")

    def notebooks(self) -> tuple[str, ...]:
        """Every notebook with a recorded session, the last used one first."""
        seen = [entry.subject for entry in self.journal.entries(actions=("session.started",))]
        return tuple(dict.fromkeys(reversed(seen)))

    def notebook(self, named: str | None = None) -> str:
        """The notebook meant: the named one, the team file's, or the last one that ran.

        Raises UsageError, with the nearest known one, for a name that is neither a file nor in the record, NotReady for none at all.
        """
        known = self.notebooks()
        if named:
            name = self.name_of(Path(named))
            if name not in known and not self.path_of(name).is_file():
                raise unknown("notebook", name, known, next="Name one by its path in the workspace.")
            return name
        chosen = self.team.notebook or (known[0] if known else "")
        if not chosen:
            raise NotReady("Nothing has run in this workspace yet.", next="Run a notebook: `mlgov run NOTEBOOK`, or Run All in JupyterLab.")
        return chosen

    # -- lineage ------------------------------------------------------------------------------------------------------

    def recorder(self, notebook: str, host: str) -> Recorder:
        from jupyter_mlgov.workspace.recording import open_recorder

        return open_recorder(self, notebook, host)

    def lineage(self, notebook: str) -> Lineage:
        """The last session of `notebook`, with the state of its steps as the file reads now."""
        from jupyter_mlgov.workspace.recording import read_lineage

        return read_lineage(self, notebook)

    def project(self, notebook: str) -> None:
        """Put what the outbox must tell MLflow about the last session of `notebook` into it; deliver() sends it."""
        from jupyter_mlgov.workspace.delivery import post

        post(self, notebook)

    def deliver(self, say: Callable[[str], None] | None = None) -> tuple[str, ...]:
        """Send what waits in the outbox; a parcel that fails stays. Returns the problems as sentences."""
        from jupyter_mlgov.workspace.delivery import deliver

        return deliver(self, say)

    def deliver_later(self) -> None:
        """Send what waits in a process of its own, where the operator did not ask for `MLGOV_DELIVER=manual`."""
        from jupyter_mlgov.workspace.delivery import deliver_later

        deliver_later(self)

    # -- judging ------------------------------------------------------------------------------------------------------

    def validate(
        self,
        notebook: str,
        progress: Callable[[int, int, str], None] | None = None,
        only: Collection[str] = (),
        *,
        stage: str = "",
        fresh: bool = False,
    ) -> Report:
        return self.judge(notebook, progress, only, stage=stage, fresh=fresh).report

    def judge(
        self,
        notebook: str,
        progress: Callable[[int, int, str], None] | None = None,
        only: Collection[str] = (),
        *,
        stage: str = "",
        fresh: bool = False,
    ) -> Judgement:
        """validate(), with why each answer was measured or taken from the record."""
        from jupyter_mlgov.workspace.judging import validate

        return validate(self, notebook, progress, only, stage=stage, fresh=fresh)

    def questions(self, control: str, notebook: str) -> Asked:
        """What people are asked for a control, and what they answered so far."""
        from jupyter_mlgov.workspace.answers import questions

        return questions(self, control, notebook)

    def answer(self, control: str, answers: Mapping[str, str], notebook: str) -> Form:
        """Record the acting person's answers about the model as it is now."""
        from jupyter_mlgov.workspace.answers import answer

        return answer(self, control, answers, notebook)

    def report(self, notebook: str) -> Report | None:
        from jupyter_mlgov.workspace.judging import last_report

        return last_report(self, notebook)

    def stale(self, report: Report, notebook: str) -> tuple[str, ...]:
        from jupyter_mlgov.workspace.judging import changes

        return changes(self, report, self.lineage(notebook), self.team_for(notebook))

    def context(self, report: Report, notebook: str) -> Context:
        """What is said beside `report`: the next gate's answer now, what stands in the way, and what went stale. Asks no server."""
        from jupyter_mlgov.promotion.why import shortest
        from jupyter_mlgov.reports.context import Context
        from jupyter_mlgov.workspace.judging import way_of
        from jupyter_mlgov.workspace.waiving import standings

        stage = way_of(self, notebook).stage
        stale = self.stale(report, notebook)
        lifted = tuple(f"{one.waiver.sentence}." for one in standings(self, notebook) if not one.objection)
        if report.note or not stage:
            return Context(stale=stale, waived=lifted)
        decision = self.why(stage, notebook)
        return Context(stage=stage, why=shortest(decision), stale=stale, answer=decision.answer, version=decision.version, waived=lifted)

    def why(self, stage: str, notebook: str) -> Decision:
        """The gate's answer as it would be now; nothing is asked for and nothing is written."""
        from jupyter_mlgov.workspace.judging import decide

        return decide(self, stage, notebook, ask_registry=False)[0]

    def promote(self, stage: str, notebook: str, limits: tuple[Limit, ...] = ()) -> Decision:
        from jupyter_mlgov.workspace.judging import promote

        return promote(self, stage, notebook, limits)

    def review(
        self,
        notebook: str,
        verdict: Literal["approve", "refuse"],
        comment: str,
        *,
        attests_unchecked: bool,
        limits: tuple[Limit, ...] = (),
        until: str = "",
        number: int | None = None,
    ) -> tuple[Review, Report]:
        """The acting person's word on the newest report; see reviewing.review()."""
        from jupyter_mlgov.workspace.reviewing import review

        return review(self, notebook, verdict, comment, attests_unchecked=attests_unchecked, limits=limits, until=until, number=number)

    def view(self, notebook: str) -> NotebookView:
        """Where `notebook` stands, for the panel and `%mlgov`. Raises nothing for a user's mistake: see `problem`."""
        from jupyter_mlgov.workspace.view import view

        return view(self, notebook)

    # -- the trail ----------------------------------------------------------------------------------------------------

    def audit(self) -> Verification:
        """The log against itself, its signatures and the anchors that can be reached, even where a spool cannot be moved into it."""
        from jupyter_mlgov.workspace.trail import verify

        return verify(self)

    def close(self) -> None:
        if "database" in self.__dict__:
            self.database.close()


def open_workspace(folder: Path | None, settings: Settings, start: Path) -> Workspace:
    """The named workspace, or the nearest one above `start`. Raises NotReady, and says so for a folder that is none."""
    named = folder or (Path(settings.workspace) if settings.workspace else None)
    if named is None:
        return Workspace.find(start, settings)
    if not (named / FOLDER).is_dir():
        raise NotReady(
            f"{named} is not a workspace: it has no {FOLDER}/ in it.", next=f"Make it one with `mlgov init --workspace {named}`."
        )
    return Workspace(named, settings)


__all__ = ["FOLDER", "Workspace", "open_workspace"]
