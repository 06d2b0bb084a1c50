"""Whether a control binds now: in force, still to come (readiness), over, or about something else."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from jupyter_mlgov.core.team import Scope
from jupyter_mlgov.validation.policy import SCOPE, Control, Policy


class Standing(StrEnum):
    """Only what is in force keeps a gate shut; the rest is shown as what it is."""

    IN_FORCE = "in force"
    READINESS = "readiness"
    ENDED = "no longer in force"
    OUT_OF_SCOPE = "out of scope"

    @property
    def binds(self) -> bool:
        return self is Standing.IN_FORCE


@dataclass(frozen=True, slots=True, kw_only=True)
class Footing:
    """A control's standing, and why, in a sentence (empty where there is nothing to say)."""

    standing: Standing
    why: str = ""


def footing(policy: Policy, control: Control, scope: Scope, today: date | None) -> Footing:
    """Where `control` stands for a model of this scope on this day.

    A scope fact that nobody said makes a control apply, and the reader is told so. Without a day everything dated is in force.
    """
    outside, assumed = _scoped(policy, control, scope)
    if outside:
        return Footing(standing=Standing.OUT_OF_SCOPE, why=outside)
    if control.status:
        return Footing(standing=Standing.READINESS, why=f"Not in force: {control.status}.")
    begins, ends = control.applies_from or policy.effective, control.applies_until or policy.until
    if today and begins and date.fromisoformat(begins) > today:
        return Footing(standing=Standing.READINESS, why=f"Not in force before {begins}.")
    if today and ends and date.fromisoformat(ends) <= today:
        return Footing(standing=Standing.ENDED, why=f"No longer in force since {ends}.")
    return Footing(standing=Standing.IN_FORCE, why=assumed)


def _scoped(policy: Policy, control: Control, scope: Scope) -> tuple[str, str]:
    """(why it lies outside, what was assumed); each may be empty."""
    silent = []
    for name in SCOPE:
        wanted = control.applies_if.get(name) or policy.applies_if.get(name, ())
        known = scope.known(name)
        if wanted and not known:
            silent.append(name)
        elif wanted and not any(_meet(one, other) for one in known for other in wanted):
            return f"{name} is {', '.join(known)}; this is for {', '.join(wanted)}.", ""
    keys = " and ".join(f"`{name}`" for name in silent)
    return "", f"Taken to apply, because nobody said {keys} under [model] in mlgov.toml." if silent else ""


def _meet(known: str, wanted: str) -> bool:
    """Equal but for case; a country meets its parts, because a model for `US` may be used in `US-NYC`."""
    one, other = known.strip().casefold(), wanted.strip().casefold()
    return one == other or one.startswith(f"{other}-") or other.startswith(f"{one}-")
