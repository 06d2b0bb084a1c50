"""The trail as gatekeeper of an MLflow registry (entry point `mlflow.model_registry_store`, scheme `mlgov+…`)."""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_mlgov.core.errors import MlgovError
from jupyter_mlgov.core.settings import Settings
from jupyter_mlgov.promotion.intended import INTENDING, history, intended

if TYPE_CHECKING:
    from jupyter_mlgov.audit.entries import AuditEntry
    from jupyter_mlgov.integrations.mlflow.guarded import GuardedStore
    from jupyter_mlgov.workspace.composition import Workspace

# An alias of this name is asked for like the last stage's: it is what serving tools look for.
CHAMPION = "champion"


class TrailGatekeeper:
    """Answers from the newest entries of the log each time: a decision of a second ago counts, and so does a rollback."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    def governed(self) -> Collection[str]:
        """Every stage of every team file in the workspace but the first, which has no gate; and `champion`."""
        teams = [self._workspace.team, *(self._workspace.team_for(notebook) for notebook in self._workspace.notebooks())]
        return frozenset({CHAMPION, *(stage for team in teams for stage in team.stages[1:])})

    def objection(self, model: str, stage: str, version: str) -> str:
        """See Gatekeeper. A trail that cannot be read objects to everything."""
        stage = self._workspace.team.stages[-1] if stage.lower() == CHAMPION else stage
        try:
            now = intended(self._entries(), model, stage)
        except MlgovError as error:
            return f"The trail cannot be read, so nothing is let into {stage}: {error.what}"
        if now is None and not version:
            return ""
        if now is None:
            return f"No decision lets version {version} of {model} into {stage}."
        if now.version != version:
            there = f"version {now.version}" if now.version else "nothing"
            wanted = f"version {version}" if version else "an empty stage"
            return f"The trail says that {there} of {model} is in {stage} since {now.since:%Y-%m-%d %H:%M} UTC, not {wanted}."
        return ""

    def granted(self, model: str, version: str) -> bool:
        """See Gatekeeper."""
        try:
            moves = history(self._entries(), model)
        except MlgovError:
            return False
        newest = {move.stage: move.version for move in moves}
        return version in newest.values()

    def _entries(self) -> tuple[AuditEntry, ...]:
        return tuple(self._workspace.journal.entries(actions=INTENDING))


class Nobody:
    """In the place of a trail that was not found: it lets nothing through."""

    def __init__(self, why: str) -> None:
        self._why = why

    def governed(self) -> Collection[str]:
        """The stages that teams have unless they say otherwise, and MLflow's usual names."""
        return ("staging", "production", CHAMPION, "challenger", "prod")

    def objection(self, model: str, stage: str, version: str) -> str:
        """Always one."""
        return f"No trail was found, so nobody can say whether version {version} of {model} may be in {stage}: {self._why}"

    def granted(self, model: str, version: str) -> bool:  # noqa: ARG002 # the port's signature
        """Never."""
        return False


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
