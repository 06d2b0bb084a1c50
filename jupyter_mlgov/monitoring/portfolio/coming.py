"""Policies about to come into force, and what they would close today: from the readiness that every report already measures."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from jupyter_mlgov.monitoring.portfolio.facts import Ahead
from jupyter_mlgov.validation.policy import Policy

_GRAVE = ("critical", "high")
_OPENS = ("pass", "warn", "not_applicable")


@dataclass(frozen=True, slots=True, kw_only=True)
class Coming:
    """Controls of one pack that begin on one day. `days` until then; 0 and below where reports are older than the control.

    `closes` are the models whose newest report would keep a gate shut under them, `unchecked` those where a demand was never answered.
    `clear` counts the models that meet every demand, `unjudged` those whose report says nothing of these controls: nobody knows.
    """

    date: str
    days: int
    policy: str
    title: str
    controls: tuple[str, ...]
    closes: tuple[str, ...]
    unchecked: tuple[str, ...]
    clear: int
    unjudged: int


def coming(
    packs: Sequence[Policy], ahead: Iterable[tuple[tuple[Ahead, ...], tuple[str, ...]]], validated: int, today: date
) -> tuple[Coming, ...]:
    """What begins after `today`, the nearest first, and what has begun since a report called it readiness.

    `ahead` are demands with the models for which they are so answered, `validated` counts the models with a report. A control that is
    no law yet has no day and is not here.
    """
    begins = {(pack.id, control.id): _begins(pack, control.id) for pack in packs for control in pack.controls}
    titles = {pack.id: pack.title for pack in packs}
    controls: dict[tuple[str, str], set[str]] = {}
    for (pack, control), day in begins.items():
        if day and day > today.isoformat():
            controls.setdefault((day, pack), set()).add(control)
    told: dict[tuple[str, str], dict[str, set[str]]] = {}
    for demands, models in ahead:
        for one in demands:
            day = begins.get((one.policy, one.control), "")
            if not day:
                continue
            key = (day, one.policy)
            controls.setdefault(key, set()).add(one.control)
            told.setdefault(key, {}).setdefault(_answer(one), set()).update(models)
    return tuple(_coming(key, titles[key[1]], controls[key], told.get(key, {}), validated, today) for key in sorted(controls))


def _coming(key: tuple[str, str], title: str, controls: set[str], told: dict[str, set[str]], validated: int, today: date) -> Coming:
    """One answer that closes closes for the model; one that is missing leaves it unchecked."""
    closes = told.get("closes", set())
    unchecked = told.get("unchecked", set()) - closes
    clear = told.get("opens", set()) - closes - unchecked
    return Coming(
        date=key[0],
        days=(date.fromisoformat(key[0]) - today).days,
        policy=key[1],
        title=title,
        controls=tuple(sorted(controls)),
        closes=tuple(sorted(closes)),
        unchecked=tuple(sorted(unchecked)),
        clear=len(clear),
        unjudged=validated - len(closes) - len(unchecked) - len(clear),
    )


def _begins(pack: Policy, id: str) -> str:
    control = pack.control(id)
    return "" if control is None or control.status else control.applies_from or pack.effective


def _answer(demand: Ahead) -> str:
    """As a gate takes it: any fail closes, and where it is grave also what could not be told."""
    if demand.verdict in _OPENS:
        return "opens"
    if not demand.verdict:
        return "unchecked"
    return "closes" if demand.verdict == "fail" or demand.severity in _GRAVE else "opens"
