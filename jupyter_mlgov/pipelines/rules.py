"""`[pipelines]` of the team file: how steps run unattended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import cast

from jupyter_mlgov.core.errors import BadInput, unknown
from jupyter_mlgov.core.team import TEAM_FILE, Team

_KEYS = {"allow_pickle": bool, "timeout": int, "retries": int}


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRules:
    """`timeout` is in seconds for the whole step, 0 for none; `retries` how often a step that failed is run again."""

    timeout: int = 0
    retries: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """`allow_pickle`: values without an open format may cross as pickles, which is a finding each time. `steps` by label or name."""

    allow_pickle: bool = False
    default: StepRules = field(default_factory=StepRules)
    steps: Mapping[str, StepRules] = field(default_factory=dict)

    def of(self, *names: str) -> StepRules:
        """The rules of the step that has one of these names."""
        return next((self.steps[name] for name in names if name in self.steps), self.default)


def rules_of(team: Team) -> Rules:
    """Raises UsageError for an unknown key, BadInput for a value of a wrong type."""
    body = dict(team.register.get("pipelines", {}))
    steps = body.pop("step", {})
    if not isinstance(steps, dict) or not all(isinstance(one, dict) for one in steps.values()):
        raise _wrong("step in [pipelines]", "a table a step, like [pipelines.step.train]")
    for key, value in body.items():
        _check(key, value, "[pipelines]", tuple(_KEYS))
    default = StepRules(timeout=cast("int", body.get("timeout", 0)), retries=cast("int", body.get("retries", 0)))
    found = {str(name): _step(str(name), one, default) for name, one in steps.items()}
    return Rules(allow_pickle=bool(body.get("allow_pickle", False)), default=default, steps=found)


def _step(name: str, body: Mapping[str, object], default: StepRules) -> StepRules:
    for key, value in body.items():
        _check(key, value, f"[pipelines.step.{name}]", ("timeout", "retries"))
    return StepRules(timeout=cast("int", body.get("timeout", default.timeout)), retries=cast("int", body.get("retries", default.retries)))


def _check(key: str, value: object, where: str, known: tuple[str, ...]) -> None:
    if key not in known:
        raise unknown(f"key in {where} of {TEAM_FILE}", key, known)
    kind = _KEYS[key]
    if type(value) is not kind or (kind is int and cast("int", value) < 0):
        raise _wrong(f"{key} in {where}", "true or false" if kind is bool else "a number, 0 or more")


def _wrong(what: str, expected: str) -> BadInput:
    return BadInput(f"{TEAM_FILE}: {what} must be {expected}.", next=f"Mend {TEAM_FILE} and run the command again.")
