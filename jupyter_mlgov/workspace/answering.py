"""How a model answers in its stage, as one fact for panel, table and report: arms, canary, breaker, kill switch, from the trail."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from jupyter_mlgov.core.clock import stamp
from jupyter_mlgov.core.errors import MlgovError
from jupyter_mlgov.reports.views import Answering
from jupyter_mlgov.rollout.serving.field import MOVING, Field, field

if TYPE_CHECKING:
    from jupyter_mlgov.audit.entries import AuditEntry
    from jupyter_mlgov.core.team import Team
    from jupyter_mlgov.workspace.composition import Workspace

# Acts of which each says that there is something to see: the model is in front of users, or was stopped before it was.
IN_TRAFFIC = (
    "rollout.started",
    "endpoint.serving",
    "endpoint.gone",
    "serving.refused",
    "canary.started",
    "canary.judged",
    "canary.ordered",
    "breaker.switched",
    "breaker.ordered",
    "killswitch.thrown",
    "killswitch.lifted",
    "limits.breached",
)
ACTIONS = tuple(dict.fromkeys((*MOVING, *IN_TRAFFIC)))


def answering(workspace: Workspace, model: str, team: Team) -> Answering | None:
    """None where nobody ever served the model nor stopped it. Reads the trail and the kill switch's file; asks no replica."""
    from jupyter_mlgov.workspace.killing import stopped

    entries = tuple(workspace.journal.entries(actions=ACTIONS, subject=model))
    file = stopped(workspace.root, model)
    if not file and not any(entry.action in IN_TRAFFIC for entry in entries):
        return None
    found = [entry for entry in entries if entry.action in ("endpoint.serving", "canary.started") and entry.payload.get("stage")]
    stage = str(found[-1].payload["stage"]) if found else team.stages[-1]
    now = field(entries, model, stage, _switch(team))
    there = _replicas(entries)
    killed = file or now.killed
    looks = [entry for entry in entries if entry.action == "canary.judged"]
    look, since = (looks[-1], looks[-1].time) if looks else (None, None)
    ended = next((entry for entry in reversed(entries) if entry.action.startswith("canary.")), None)
    opened = _breakers(entries, there)
    return Answering(
        stage=stage,
        state=_state(now, killed, opened, there),
        champion=now.champion,
        challenger=now.challenger,
        waiting=now.waiting,
        share=now.share,
        endpoints=tuple(there.values()),
        canary=str(ended.payload.get("state", "shadow")) if ended is not None else "",
        look=_said(look),
        look_at=stamp(since) if since else "",
        breaker=now.tripped or "; ".join(dict.fromkeys(opened)),
        killed=killed,
        trouble=_trouble(entries, now),
    )


def _switch(team: Team) -> Literal["at once", "canary"]:
    from jupyter_mlgov.rollout.serving.rules import read_rules

    try:
        return read_rules(team.register).switch
    except MlgovError:
        return "at once"  # a team file that cannot be read is said elsewhere; who answers is the trail's to say


def _state(now: Field, killed: str, opened: Sequence[str], there: dict[str, str]) -> str:
    """The one word that matters most."""
    if killed:
        return "killed"
    if now.tripped or opened:
        return "breaker open"
    if now.canary:
        return "shadow" if now.shadow else "canary"
    return "serving" if there else "not served"


def _replicas(entries: Sequence[AuditEntry]) -> dict[str, str]:
    """replica -> endpoint of those who said that they serve it and not that they left. One that was killed never says so."""
    there: dict[str, str] = {}
    for entry in entries:
        name = str(entry.payload.get("replica", ""))
        if entry.action == "endpoint.gone":
            there.pop(name, None)
        elif entry.action == "endpoint.serving":
            there[name] = str(entry.payload.get("endpoint", ""))
    return there


def _breakers(entries: Sequence[AuditEntry], there: dict[str, str]) -> tuple[str, ...]:
    """Why the breakers are open, of replicas that are there."""
    last = {str(entry.payload.get("replica", "")): entry for entry in entries if entry.action == "breaker.switched"}
    return tuple(
        str(entry.payload.get("why") or "no reason was given")
        for name, entry in last.items()
        if name in there and entry.payload.get("now") != "closed"
    )


def _said(look: AuditEntry | None) -> str:
    """The last look's answer: where it left the canary, and why."""
    if look is None:
        return ""
    payload = look.payload
    return f"{payload.get('state')} at {payload.get('share')} %: {payload.get('why') or 'no reason was given'}"


def _trouble(entries: Sequence[AuditEntry], now: Field) -> str:
    """The newest thing that went wrong with the versions that are there now: one that was not loaded, or a limit that was passed."""
    versions = {now.champion, now.challenger} - {""}
    mine = [one for one in entries if one.action in ("serving.refused", "limits.breached") and one.payload.get("version") in versions]
    return str(mine[-1]) if mine else ""
