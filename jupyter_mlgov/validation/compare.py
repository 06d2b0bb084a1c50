"""Two packs side by side, and what is on record judged again under another one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date

from jupyter_mlgov.core.team import Scope
from jupyter_mlgov.validation.demands import Told, demands, placed
from jupyter_mlgov.validation.policy import Control, Policy, same
from jupyter_mlgov.validation.results import FORM, Report, RequirementResult, Unchecked


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """`sign` is + for what the new pack adds, - for what it drops, ~ for what it says otherwise."""

    sign: str
    control: str
    what: str


def compare(old: Policy, new: Policy) -> tuple[Change, ...]:
    """What `new` asks that `old` did not, and the other way, control by control and validator by validator."""
    before, after = {one.id: one for one in old.controls}, {one.id: one for one in new.controls}
    found = [Change(sign="-", control=name, what=before[name].obligation) for name in before if name not in after]
    found += [Change(sign="+", control=name, what=after[name].obligation) for name in after if name not in before]
    both = [name for name in before if name in after]
    found += [Change(sign="~", control=name, what=what) for name in both for what in _within(before[name], after[name])]
    asked, asks = set(old.validators), set(new.validators)
    found += [Change(sign="-", control=name, what="is no longer asked for") for name in sorted(asked - asks)]
    found += [Change(sign="+", control=name, what="is asked for now") for name in sorted(asks - asked)]
    return tuple(found)


def _within(old: Control, new: Control) -> list[str]:
    parts = ("cite", "obligation", "severity", "automation", "gates", "applies_from", "applies_until", "applies_if", "verified")
    pairs = [(part, getattr(old, part), getattr(new, part)) for part in parts]
    one, other = ({ask.validator: dict(ask.parameters) for ask in control.requirements} for control in (old, new))
    pairs += [(name, one.get(name, "not asked"), other.get(name, "not asked")) for name in sorted({*one, *other})]
    return [f"{name}: {_shown(was)} → {_shown(now)}" for name, was, now in pairs if was != now]


def _shown(value: object) -> str:
    return ", ".join(str(item) for item in value) if isinstance(value, tuple) else str(value)


def rejudged(report: Report, policy: Policy, today: date | None, scope: Scope | None = None) -> tuple[RequirementResult, ...]:
    """The demands of `policy` answered from what `report` measured. A validator whose parameters `policy` sets otherwise must run again."""
    told: dict[str, Told] = {}
    for result in report.results:
        differs = _differs(policy, result.validator, result.parameters)
        silent = Unchecked(
            validator=result.validator, summary=f"On record with another {differs}.", fix="`mlgov validate` under this pack."
        )
        told[result.validator] = silent if differs else result
    found = demands(placed((policy,), scope or Scope(), today), told)
    return tuple(replace(item, note=item.note or "no evidence on record") if item.verdict is None else item for item in found)


def _differs(policy: Policy, validator: str, ran: object) -> str:
    if validator.startswith(FORM) or not isinstance(ran, Mapping):
        return ""
    for control in policy.controls:
        for ask in control.requirements:
            if ask.validator == validator:
                for name, value in ask.parameters.items():
                    if not same(ran.get(name), value):
                        return name
    return ""
