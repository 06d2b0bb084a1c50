"""What a stage asks for, as the team wrote it: `[promotion.gates.STAGE]`, `[promotion.roles]` and `[promotion.clock]`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, time
from typing import Any
from zoneinfo import ZoneInfo

from jupyter_mlgov.core.errors import BadInput, unknown

# Extra conditions a gate can name: the data is where others can fetch it; the reviewer validated again and got the same digest.
NEEDS = ("pushed-data", "rerun")
GATE_KEYS = ("packs", "approvals", "role", "evidence_days", "drill_days", "needs", "tier")
CLOCK_KEYS = ("hours", "warn_hours", "escalate_hours", "business", "days", "opens", "closes", "zone", "holidays")
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
TIERS = ("1", "2", "3")


@dataclass(frozen=True, slots=True, kw_only=True)
class GateRule:
    """What one stage asks for. `role` names who may approve; 0 days means that no age is asked for.

    `evidence_days`: how old the oldest measurement may be. `drill_days`: how long ago a rollback of the stage was drilled at most.
    """

    stage: str
    policies: tuple[str, ...]
    approvals: int = 1
    role: str = ""
    evidence_days: int = 0
    drill_days: int = 0
    needs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewClock:
    """How long a review may take. With `business`, only hours between `opens` and `closes` of `days` in `zone` count.

    `warn_hours` before the deadline somebody is warned; `escalate_hours` after it the alarm goes up.
    """

    hours: int = 24
    warn_hours: int = 4
    escalate_hours: int = 24
    business: str = "no"
    days: tuple[str, ...] = DAYS[:5]
    opens: str = "09:00"
    closes: str = "17:00"
    zone: str = "UTC"
    holidays: tuple[str, ...] = ()


def rule_of(stage: str, *, policies: tuple[str, ...], approvals: int, gates: Mapping[str, Mapping[str, object]], tier: int) -> GateRule:
    """The rule of `stage`: the team's defaults, over them its own table, over that the table of the model's tier."""
    own: dict[str, Any] = dict(gates.get(stage, {}))
    tiers: Any = own.pop("tier", {})
    own.update(tiers.get(str(tier), {}))
    return GateRule(
        stage=stage,
        policies=tuple(own.get("packs", policies)),
        approvals=own.get("approvals", approvals),
        role=own.get("role", ""),
        evidence_days=own.get("evidence_days", 0),
        drill_days=own.get("drill_days", 0),
        needs=tuple(own.get("needs", ())),
    )


def read_gates(body: object, path: str) -> dict[str, dict[str, object]]:
    """The tables under [promotion.gates]. Raises UsageError with the nearest for an unknown key, BadInput for a wrong type."""
    found = {}
    for stage, table in _table(body, "[promotion.gates]", path).items():
        where = f"[promotion.gates.{stage}]"
        rule = _rule(table, where, path, GATE_KEYS)
        tiers = {}
        for tier, more in _table(rule.pop("tier", {}), f"{where} tier", path).items():
            if tier not in TIERS:
                raise unknown(f"tier in {where} of {path}", tier, TIERS)
            tiers[tier] = _rule(more, f"[promotion.gates.{stage}.tier.{tier}]", path, GATE_KEYS[:-1])
        found[stage] = {**rule, **({"tier": tiers} if tiers else {})}
    return found


def _rule(body: object, where: str, path: str, known: tuple[str, ...]) -> dict[str, object]:
    values = dict(_table(body, where, path))
    for key, value in values.items():
        if key not in known:
            raise unknown(f"key in {where} of {path}", key, known)
        if key in ("approvals", "evidence_days", "drill_days"):
            _expect(
                isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 10_000, f"{key} in {where} must be a number", path
            )
        elif key in ("packs", "needs"):
            values[key] = texts(value, f"{key} in {where}", path)
        elif key == "role":
            _expect(isinstance(value, str) and bool(value), f"role in {where} must be a name of [promotion.roles]", path)
    for need in texts(values.get("needs", []), f"needs in {where}", path):
        if need not in NEEDS:
            raise unknown(f"need in {where} of {path}", need, NEEDS)
    return values


def read_groups(body: object, path: str) -> dict[str, tuple[str, ...]]:
    """[promotion.roles]: a role's name and the people who have it."""
    found = {}
    for name, people in _table(body, "[promotion.roles]", path).items():
        found[name] = texts(people, f"{name} in [promotion.roles]", path)
        _expect(bool(found[name]), f"{name} in [promotion.roles] names nobody", path)
    return found


def read_clock(body: object, path: str) -> ReviewClock:
    """[promotion.clock]. Raises BadInput for an hour, day, zone or date that is none."""
    where = "[promotion.clock]"
    values: dict[str, Any] = dict(_table(body, where, path))
    for key, value in values.items():
        if key not in CLOCK_KEYS:
            raise unknown(f"key in {where} of {path}", key, CLOCK_KEYS)
        if key.endswith("hours"):
            good = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 8760
            _expect(good, f"{key} in {where} must be a whole number of hours", path)
        elif key == "business":
            _expect(isinstance(value, bool), f"business in {where} must be true or false", path)
            values[key] = "yes" if value else "no"
        elif key in ("days", "holidays"):
            values[key] = tuple(sorted({str(day) for day in value}, key=str)) if key == "holidays" and isinstance(value, list) else value
            values[key] = texts(list(values[key]), f"{key} in {where}", path)
        else:
            values[key] = value.isoformat(timespec="minutes") if isinstance(value, time) else value
            _expect(isinstance(values[key], str), f"{key} in {where} must be text", path)
    clock = ReviewClock(**values)
    _sensible(clock, where, path)
    return clock


def _sensible(clock: ReviewClock, where: str, path: str) -> None:
    for day in clock.days:
        if day not in DAYS:
            raise unknown(f"day in {where} of {path}", day, DAYS)
    try:
        opens, closes = time.fromisoformat(clock.opens), time.fromisoformat(clock.closes)
        [date.fromisoformat(day) for day in clock.holidays]
        ZoneInfo(clock.zone)
    except (ValueError, OSError, KeyError) as error:
        raise BadInput(f"{path}: {where} cannot be read: {error}.", next=f"Mend {path} and run the command again.") from None
    _expect(opens < closes and bool(clock.days), f"{where} leaves no hour in which anybody works", path)
    _expect(clock.hours > 0, f"hours in {where} must be at least 1", path)


def check_gates(
    gates: Mapping[str, Mapping[str, object]],
    groups: Mapping[str, tuple[str, ...]],
    stages: tuple[str, ...],
    packs: tuple[str, ...],
    path: str,
) -> None:
    """Every gate is of a stage, every role and pack it names is known. Raises UsageError with the nearest."""
    for stage, own in gates.items():
        if stage not in stages[1:]:
            raise unknown(f"stage in [promotion.gates] of {path}", stage, stages[1:])
        tiers: Any = own.get("tier", {})
        for rule in (own, *tiers.values()):
            role = rule.get("role")
            if role and role not in groups:
                raise unknown(f"role in [promotion.gates.{stage}] of {path}", str(role), groups)
            for pack in rule.get("packs", ()):
                if pack not in packs:
                    raise unknown(
                        f"pack in [promotion.gates.{stage}] of {path}", pack, packs, next="Reports are made under [policy] packs."
                    )


def texts(value: object, where: str, path: str) -> tuple[str, ...]:
    """A list of texts as a tuple. Raises BadInput."""
    if not isinstance(value, (list, tuple)) or not all(isinstance(item, str) for item in value):
        raise BadInput(f"{path}: {where} must be a list of texts.", next=f"Mend {path} and run the command again.")
    return tuple(value)


def _table(body: object, where: str, path: str) -> Mapping[str, object]:
    if not isinstance(body, dict):
        raise BadInput(f"{path}: {where} must be a table.", next=f"Mend {path} and run the command again.")
    return body


def _expect(holds: bool, rule: str, path: str) -> None:
    if not holds:
        raise BadInput(f"{path}: {rule}.", next=f"Mend {path} and run the command again.")
