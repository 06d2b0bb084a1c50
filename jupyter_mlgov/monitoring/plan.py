"""The monitoring plan of a model: from `[monitoring]` of the team file, or from its tier where nobody wrote one."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal, cast

from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.core.errors import BadInput, unknown
from jupyter_mlgov.core.facts import fields_of
from jupyter_mlgov.core.team import TEAM_FILE, Team

# Days between two looks. The cadence by tier is house; SR 26-2 sec V.4 asks for a plan and a response, not for a number.
CADENCE = {"hourly": 1 / 24, "daily": 1.0, "weekly": 7.0, "monthly": 31.0, "quarterly": 92.0, "yearly": 366.0}
BY_TIER = {1: "weekly", 2: "monthly", 3: "quarterly"}
ACTIONS = ("gate", "baseline", "rollback")
RETRAINING = ("", "propose", "start")
# Hours in which a finding must be settled, by tier (house): then it is overdue and escalates.
DEADLINES = {1: 24.0, 2: 72.0, 3: 168.0}
# Keys of [monitoring] that are no watched thing: how a run of all models controls false discovery.
OWN_KEYS = ("false_discovery",)
FALSE_DISCOVERY = 0.05

# What a name in the plan means where it does not say its `checks`.
KNOWN: Mapping[str, tuple[str, ...]] = {
    "quality": ("data.quality", "monitor.schema"),
    "schema": ("monitor.schema",),
    "drift": ("monitor.drift",),
    "psi": ("monitor.drift",),
    "performance": ("monitor.performance",),
    "auc": ("monitor.performance",),
    "fairness": ("fair.air", "fair.sig"),
    "air": ("fair.air", "fair.sig"),
    "calibration": ("perf.calibration",),
    "volume": ("monitor.volume",),
    "disagreement": ("monitor.disagreement",),
    "reasons": ("monitor.reasons",),
    "explanations": ("monitor.reasons",),
    "overrides": ("monitor.overrides",),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """One watched thing. `checks` are validators (empty: no machine measures it); `every` in days; `source` says who wrote this down.

    `action` is what a finding does beside the alarm, the refuted evidence and the shut gate: nothing more, the baseline, or a rollback.
    `retrain` proposes a training run, or starts it; never does it promote. `deadline` hours: then a finding nobody settled is overdue.
    """

    name: str
    checks: tuple[str, ...]
    frequency: str
    owner: str = ""
    threshold: str = ""
    response: str = ""
    source: str = ""
    action: Literal["gate", "baseline", "rollback"] = "gate"
    retrain: Literal["", "propose", "start"] = ""
    deadline: float = DEADLINES[1]

    @property
    def every(self) -> float:
        return CADENCE[self.frequency]


def plan_of(team: Team, installed: tuple[str, ...]) -> tuple[Watched, ...]:
    """Everything that is watched, in the order of the file. Raises UsageError or BadInput for a frequency, action or check nobody knows."""
    given = team.register.get("monitoring", {})
    for name, one in given.items():
        if not isinstance(one, dict) and name not in OWN_KEYS:
            raise unknown(f"key in [monitoring] of {TEAM_FILE}", name, OWN_KEYS, next="What is watched is a table: [monitoring.NAME].")
    body = {name: one for name, one in given.items() if isinstance(one, dict)}
    if not body:
        return _by_tier(team, installed)
    return tuple(_watched(str(name), one, team, installed) for name, one in body.items())


def _by_tier(team: Team, installed: tuple[str, ...]) -> tuple[Watched, ...]:
    names = ["quality", "drift"]
    names += ["performance"] if team.roles.score and (team.roles.label or team.roles.outcome) else []
    names += ["fairness"] if team.roles.protected else []
    source = f"tier {team.tier}; nobody wrote [monitoring] in {TEAM_FILE}"
    return tuple(
        Watched(
            name=name,
            checks=_installed(KNOWN[name], installed),
            frequency=BY_TIER[team.tier],
            source=source,
            deadline=DEADLINES[team.tier],
        )
        for name in names
    )


def plan_digest(plan: tuple[Watched, ...]) -> Digest:
    """The name of a plan: two equal plans have one."""
    return Digest.of_json([fields_of(one) for one in plan])


def changes(before: Sequence[Mapping[str, object]], after: tuple[Watched, ...]) -> tuple[str, ...]:
    """What is another in the plan than in the one on record, in words. A thing that is watched no more is said first."""
    was = {str(one.get("name")): one for one in before}
    now = {one.name: fields_of(one) for one in after}
    gone = [f"{name} is watched no more" for name in was if name not in now]
    new = [f"{name} is watched now" for name in now if name not in was]
    other = [
        f"{key} of {name} was {_word(was[name].get(key))} and is {_word(one.get(key))}"
        for name, one in now.items()
        if name in was
        for key in one
        if key != "source" and was[name].get(key) != one.get(key)
    ]
    return (*gone, *new, *other)


def _word(value: object) -> str:
    text = ", ".join(str(one) for one in value) if isinstance(value, list) else str(value)
    return text[:80] or "nothing"


def false_discovery(team: Team) -> float:
    """The share of false ones that a run of all models allows among its findings. Raises BadInput outside 0..0.5."""
    given = team.register.get("monitoring", {}).get("false_discovery", FALSE_DISCOVERY)
    if isinstance(given, bool) or not isinstance(given, (int, float)) or not 0 < given <= 0.5:
        raise BadInput(f"false_discovery in [monitoring] of {TEAM_FILE} must be a number over 0 and at most 0.5.", next="Usual is 0.05.")
    return float(given)


def _watched(name: str, body: Mapping[str, object], team: Team, installed: tuple[str, ...]) -> Watched:
    where = f"[monitoring.{name}] of {TEAM_FILE}"
    frequency = str(body.get("frequency") or BY_TIER[team.tier]).lower()
    if frequency not in CADENCE:
        raise unknown(f"frequency in {where}", frequency, tuple(CADENCE))
    action = str(body.get("action", "gate"))
    if action not in ACTIONS:
        raise unknown(f"action in {where}", action, ACTIONS)
    retrain = str(body.get("retrain", ""))
    if retrain not in RETRAINING:
        raise unknown(f"retrain in {where}", retrain, RETRAINING[1:])
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
        retrain=cast("Literal['', 'propose', 'start']", retrain),
        deadline=_hours(body.get("deadline"), where, DEADLINES[team.tier]),
    )


def _hours(given: object, where: str, otherwise: float) -> float:
    """`"24 hours"` or `"3 days"` in hours."""
    if given is None:
        return otherwise
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(hour|day)s?\s*", str(given))
    if not found or float(found[1]) <= 0:
        raise BadInput(f"deadline in {where} must be hours or days.", next='For instance `deadline = "24 hours"`.')
    return float(found[1]) * (24 if found[2] == "day" else 1)


def _installed(asked: tuple[str, ...], installed: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(check for check in installed if any(fnmatchcase(check, one) for one in asked))
