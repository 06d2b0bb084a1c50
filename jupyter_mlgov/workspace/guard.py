"""The trail as gatekeeper of an MLflow registry (entry point `mlflow.model_registry_store`, scheme `mlgov+…`)."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_mlgov.core.errors import MlgovError, UsageError
from jupyter_mlgov.core.settings import Settings
from jupyter_mlgov.promotion.docket import doubt
from jupyter_mlgov.promotion.facts import Answer
from jupyter_mlgov.promotion.fold import decisions
from jupyter_mlgov.promotion.intended import INTENDING, history, intended
from jupyter_mlgov.workspace.believing import Replayed

if TYPE_CHECKING:
    from jupyter_mlgov.audit.entries import AuditEntry
    from jupyter_mlgov.integrations.mlflow.guarded import GuardedStore
    from jupyter_mlgov.workspace.composition import Workspace

# An alias of this name is asked for like the last stage's: it is what serving tools look for.
CHAMPION = "champion"


def reads_like(alias: str, stage: str) -> bool:
    """Would people read this alias as the stage? Case, blanks, width, accents, signs nobody sees, and letters of other scripts are aside.

    A letter that is not ASCII may stand for any one letter, as long as some of the others are the stage's own: `рroduction` with a
    Cyrillic first letter reads like production, and a name in another script does not.
    """
    typed, wanted = _bare(alias), _bare(stage)
    if typed == wanted:
        return True
    pairs = list(zip(typed, wanted, strict=False))
    close = len(typed) == len(wanted) and all(one == other or not one.isascii() for one, other in pairs)
    return close and any(one == other for one, other in pairs)


def _bare(text: str) -> str:
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text).casefold())
    return "".join(sign for sign in plain if unicodedata.category(sign)[0] not in "MZC")


class TrailGatekeeper:
    """Answers from the newest entries of the log each time: a decision of a second ago counts, and so does a rollback.

    It reads the moves of the model that is asked about, and the whole log only for a decision that was never decided again on this machine.
    """

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._believed: set[str] = set()
        self._replayed = Replayed(workspace.root / ".mlgov")

    def governed(self) -> Collection[str]:
        """Every stage of every team file in the workspace but the first, which has no gate; every stage on record; and `champion`.

        A stage that was taken out of mlgov.toml stays governed: the file is the team's, and the record is not.
        """
        teams = [self._workspace.team, *(self._workspace.team_for(notebook) for notebook in self._workspace.notebooks())]
        entries = self._workspace.journal.entries(actions=INTENDING)
        recorded = (entry.payload.get("stage") for entry in entries)
        stages = {stage for team in teams for stage in team.stages[1:]} | {stage for stage in recorded if isinstance(stage, str) and stage}
        return frozenset({CHAMPION, *stages})

    def stage_of(self, alias: str) -> str:
        """See Gatekeeper. Where trail or team file cannot be read, every alias may be a stage."""
        try:
            # The name of a stage as the team file spells it is that stage, whatever else there is; only other names ask for all of them.
            if alias == CHAMPION or alias in self._workspace.team.stages[1:]:
                return alias
            return next((stage for stage in sorted(self.governed()) if reads_like(alias, stage)), "")
        except MlgovError:
            return alias

    def last_stage(self, model: str) -> str:
        """The stage that `champion` of this model stands for: the last one of its own team file. Raises BadInput for a broken one."""
        try:
            return self._workspace.decided(model)[1].stages[-1]
        except UsageError:  # nobody decided about it, so nothing of it is in any stage
            return self._workspace.team.stages[-1]

    def objection(self, model: str, stage: str, version: str, carries: str | None = None) -> str:
        """See Gatekeeper. A trail that cannot be read objects to everything."""
        try:
            last = self.last_stage(model)
            stage = last if stage.lower() == CHAMPION else stage
            now = intended(self._entries(model), model, stage)
            doubted = self._doubt(model, stage, version, carries) if now is not None and version and now.version == version else ""
        except MlgovError as error:
            return f"Trail or team file cannot be read, so nothing is let into {stage}: {error.what}"
        if now is None and not version:
            return ""
        if now is None:
            return f"No decision lets version {version} of {model} into {stage}."
        if now.version != version:
            there = f"version {now.version}" if now.version else "nothing"
            wanted = f"version {version}" if version else "an empty stage"
            return f"The trail says that {there} of {model} is in {stage} since {now.since:%Y-%m-%d %H:%M} UTC, not {wanted}."
        return f"The decision that let version {version} of {model} into {stage} {doubted}." if doubted else ""

    def kept(self, model: str, version: str = "") -> str:
        """See Gatekeeper. A trail that cannot be read keeps everything."""
        try:
            held = sorted({move.version for move in {move.stage: move for move in history(self._entries(model), model)}.values()} - {""})
        except MlgovError as error:
            return f"The trail cannot be read, so nothing of {model} is deleted: {error.what}"
        mine = [one for one in held if one == version or not version]
        return f"The trail says that version {mine[0]} of {model} is in a stage; roll back first: `mlgov rollback`." if mine else ""

    def _doubt(self, model: str, stage: str, version: str, carries: str | None) -> str:
        """Why the newest decision that let this in is not believed. One that replayed once is not decided again: the log only grows."""
        entries = self._workspace.journal.entries(actions=("promotion.decided",), subject=model)
        wanted = (stage, version, Answer.GRANTED)
        mine = [entry for entry in entries if any((one.stage, one.version, one.answer) == wanted for one in decisions([entry], model))]
        if not mine:
            return "is not on record"
        why = self._does_not_replay(mine[-1])
        if why:
            return f"does not replay: {why}"
        decided = _judged(mine[-1])
        return (
            ""
            if carries in (None, decided)
            else f"was about the model {decided}, and that version carries {carries or 'none that is named'}"
        )

    def _does_not_replay(self, decision: AuditEntry) -> str:
        """Why it does not; empty where it does, did for this process before, or did on this machine and the log goes on from there."""
        journal = self._workspace.journal
        if decision.digest in self._believed or self._replayed.holds(decision, lambda size: journal.entries(after=size)):
            self._believed.add(decision.digest)
            return ""
        entries = tuple(journal.entries())
        why = doubt(decision, entries)
        if not why:
            self._believed.add(decision.digest)
            self._replayed.keep(decision, entries[-1])
        return why

    def granted(self, model: str, version: str) -> bool:
        """See Gatekeeper."""
        try:
            moves = history(self._entries(model), model)
        except MlgovError:
            return False
        newest = {move.stage: move.version for move in moves}
        return version in newest.values()

    def _entries(self, model: str) -> tuple[AuditEntry, ...]:
        return tuple(self._workspace.journal.entries(actions=INTENDING, subject=model))


def _judged(entry: AuditEntry) -> str:
    """The digest of the model that a decision was about."""
    docket = entry.payload.get("docket")
    about = docket.get("version") if isinstance(docket, Mapping) else None
    return str(about.get("model_digest", "")) if isinstance(about, Mapping) else ""


class Nobody:
    """In the place of a trail that was not found: it lets nothing through."""

    def __init__(self, why: str) -> None:
        self._why = why

    def stage_of(self, alias: str) -> str:
        """Any alias may be a stage of a team whose file nobody has read."""
        return alias

    def objection(self, model: str, stage: str, version: str, carries: str | None = None) -> str:  # noqa: ARG002 # the port's signature
        """Always one."""
        return f"No trail was found, so nobody can say whether version {version} of {model} may be in {stage}: {self._why}"

    def granted(self, model: str, version: str) -> bool:  # noqa: ARG002 # the port's signature
        """Never."""
        return False

    def kept(self, model: str, version: str = "") -> str:  # noqa: ARG002 # the port's signature
        """Always."""
        return f"No trail was found, so nobody can say whether {model} is in a stage: {self._why}"


def governed_store(store_uri: str, tracking_uri: str = "") -> GuardedStore:  # noqa: ARG001 # MLflow passes both
    """The registry behind `store_uri`, guarded by the trail of the workspace in MLGOV_WORKSPACE, or of the nearest folder that has one."""
    from jupyter_mlgov.integrations.mlflow.guarded import GuardedStore
    from jupyter_mlgov.workspace.composition import open_workspace

    settings = Settings.from_environment(os.environ)
    keeper: Any
    try:
        keeper = TrailGatekeeper(open_workspace(None, settings, Path.cwd()))
    except MlgovError as error:
        keeper = Nobody(str(error))
    return GuardedStore(store_uri, keeper)
