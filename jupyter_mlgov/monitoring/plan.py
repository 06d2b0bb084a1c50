"""The monitoring plan of a model: from `[monitoring]` of the team file, or from its tier where nobody wrote one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal, cast

from jupyter_mlgov.core.errors import BadInput, unknown
from jupyter_mlgov.core.team import TEAM_FILE, Team

# Days between two looks. The cadence by tier is house; SR 26-2 sec V.4 asks for a plan and a response, not for a number.
CADENCE = {"hourly": 1 / 24, "daily": 1.0, "weekly": 7.0, "monthly": 31.0, "quarterly": 92.0, "yearly": 366.0}
BY_TIER = {1: "weekly", 2: "monthly", 3: "quarterly"}
ACTIONS = ("gate", "baseline", "rollback")

# What a name in the plan means where it does not say its `checks`.
KNOWN: Mapping[str, tuple[str, ...]] = {
    "quality": ("data.quality",),
    "drift": ("monitor.drift",),
    "psi": ("monitor.drift",),
    "performance": ("monitor.performance",),
    "auc": ("monitor.performance",),
    "fairness": ("fair.air", "fair.sig"),
    "air": ("fair.air", "fair.sig"),
    "calibration": ("perf.calibration",),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """One watched thing. `checks` are validators (empty: no machine measures it); `every` in days; `source` says who wrote this down.

    `action` is what a finding does beside the alarm, the refuted evidence and the shut gate: nothing more, the baseline, or a rollback.
    """

    name: str
    checks: tuple[str, ...]
    frequency: str
    owner: str = ""
    threshold: str = ""
    response: str = ""
    source: str = ""
    action: Literal["gate", "baseline", "rollback"] = "gate"

    @property
    def every(self) -> float:
        return CADENCE[self.frequency]


def plan_of(team: Team, installed: tuple[str, ...]) -> tuple[Watched, ...]:
    """Everything that is watched, in the order of the file. Raises UsageError or BadInput for a frequency, action or check nobody knows."""
    body = {name: one for name, one in team.register.get("monitoring", {}).items() if isinstance(one, dict)}
    if not body:
        return _by_tier(team, installed)
    return tuple(_watched(str(name), one, team, installed) for name, one in body.items())


def _by_tier(team: Team, installed: tuple[str, ...]) -> tuple[Watched, ...]:
    names = ["quality", "drift"]
    names += ["performance"] if team.roles.score and (team.roles.label or team.roles.outcome) else []
    names += ["fairness"] if team.roles.protected else []
    source = f"tier {team.tier}; nobody wrote [monitoring] in {TEAM_FILE}"
    return tuple(
        Watched(name=name, checks=_installed(KNOWN[name], installed), frequency=BY_TIER[team.tier], source=source) for name in names
    )


def _watched(name: str, body: Mapping[str, object], team: Team, installed: tuple[str, ...]) -> Watched:
    where = f"[monitoring.{name}] of {TEAM_FILE}"
    frequency = str(body.get("frequency") or BY_TIER[team.tier]).lower()
    if frequency not in CADENCE:
        raise unknown(f"frequency in {where}", frequency, tuple(CADENCE))
    action = str(body.get("action", "gate"))
    if action not in ACTIONS:
        raise unknown(f"action in {where}", action, ACTIONS)
    asked = body.get("checks", list(KNOWN.get(name, ())))
    if not isinstance(asked, list) or not all(isinstance(one, str) for one in asked):
        raise BadInput(f"checks in {where} must be a list of validators.", next='For instance `checks = ["monitor.drift"]`.')
    for one in asked:
        if not any(fnmatchcase(check, one) for check in installed):
            raise unknown(f"check in {where}", one, installed)
    return Watched(
        name=name,
        checks=_installed(tuple(asked), installed),
        frequency=frequency,
        owner=str(body.get("owner", "")),
        threshold=str(body.get("threshold", "")),
        response=str(body.get("response", "")),
        source=TEAM_FILE,
        action=cast("Literal['gate', 'baseline', 'rollback']", action),
    )


def _installed(asked: tuple[str, ...], installed: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(check for check in installed if any(fnmatchcase(check, one) for one in asked))
