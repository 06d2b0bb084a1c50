"""What is in production and watched: the version, its team, and its plan, which is fixed in the trail whenever it changes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from jupyter_mlgov.audit.entries import Draft
from jupyter_mlgov.core.errors import NotReady
from jupyter_mlgov.core.facts import fields_of
from jupyter_mlgov.core.team import Team
from jupyter_mlgov.monitoring.plan import Watched, changes, plan_digest, plan_of
from jupyter_mlgov.promotion.intended import INTENDING, Intended, intended

if TYPE_CHECKING:
    from jupyter_mlgov.workspace.composition import Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A version in production, with the notebook that made it and what is watched of it."""

    move: Intended
    notebook: str
    team: Team
    plan: tuple[Watched, ...]


def running(workspace: Workspace, model: str) -> Running:
    """Raises UsageError for a model nobody decided about, NotReady where none of its versions is in the last stage."""
    from jupyter_mlgov.validation.plugins import installed_validators

    notebook, team = workspace.decided(model)
    move = intended(workspace.journal.entries(actions=INTENDING, subject=model), model, team.stages[-1])
    if move is None or not move.version:
        raise NotReady(f"No version of {model} is in {team.stages[-1]}, so there is nothing to watch.", next="See `mlgov champion`.")
    return Running(move=move, notebook=notebook, team=team, plan=plan_of(team, installed_validators().ids))


def fix_plan(workspace: Workspace, now: Running) -> tuple[str, ...]:
    """Put the plan into the trail where it is another than the last one of this version. Returns what changed, in words."""
    digest = plan_digest(now.plan)
    known = [
        entry
        for entry in workspace.journal.entries(actions=("monitor.planned",), subject=now.move.model)
        if entry.payload.get("version") == now.move.version
    ]
    before = known[-1].payload if known else None
    if before is not None and before.get("plan") == digest:
        return ()
    watched = before.get("watched") if before is not None else None
    said = changes([one for one in watched if isinstance(one, dict)], now.plan) if isinstance(watched, list) else ()
    payload = {
        "version": now.move.version,
        "plan": digest,
        "watched": [fields_of(one) for one in now.plan],
        "before": before.get("plan") if before is not None else None,
        "changes": list(said),
    }
    workspace.record(Draft(action="monitor.planned", subject=now.move.model, payload=payload))
    return said
