"""The limits a version starts under: signed into the trail before it answers anybody, once for each content."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from jupyter_mlgov.audit.entries import Draft
from jupyter_mlgov.core.facts import plain

if TYPE_CHECKING:
    from jupyter_mlgov.core.team import Team
    from jupyter_mlgov.rollout.serving.arms import Vouched
    from jupyter_mlgov.workspace.composition import Workspace


def started(workspace: Workspace, team: Team, vouched: Vouched) -> Iterator[Draft]:
    """`limits.set` where limits are declared and were not set like that yet, then `rollout.started`; nothing for a version that started."""
    entries = tuple(workspace.personal.entries(actions=("limits.set", "rollout.started"), subject=vouched.model))
    if any(entry.action == "rollout.started" and entry.payload.get("version") == vouched.version for entry in entries):
        return
    limits: dict[str, object] = dict(team.register.get("limits", {}))
    if vouched.traffic < 1:
        limits["traffic"] = vouched.traffic
    last = next((entry for entry in reversed(entries) if entry.action == "limits.set"), None)
    if limits and (last is None or last.payload.get("limits") != plain(limits)):
        yield Draft(action="limits.set", subject=vouched.model, payload={"limits": limits})
    yield Draft(action="rollout.started", subject=vouched.model, payload={"version": vouched.version, "stage": vouched.stage})
