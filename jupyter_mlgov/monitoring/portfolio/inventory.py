"""The inventory: the fields that supervisors ask for, each with where its value comes from. What nobody said is unknown, and shown so."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from jupyter_mlgov.monitoring.portfolio.facts import Standing
from jupyter_mlgov.monitoring.portfolio.reading import items, table, text
from jupyter_mlgov.monitoring.portfolio.store import Placed

How = Literal["log", "team file", "declared", "unknown"]
# People's fields: kept under a key that `mlgov audit erase` destroys.
PEOPLE = ("owner", "developer", "validator", "approver")


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field: its name in a CSV, how it reads, and who asks for it. `declarable`: people may say it; else the log alone does."""

    id: str
    title: str
    asked_by: str
    declarable: bool = True


_SR, _E23, _SS = "SR 26-2", "OSFI E-23 App. 1", "SS1/23"
FIELDS = (
    Field(id="model", title="Model", asked_by=f"{_SR} VI.2; {_E23}; {_SS} P1.2", declarable=False),
    Field(id="description", title="Description", asked_by=_E23),
    Field(id="purpose", title="Purpose and intended use", asked_by=f"{_SR} III; {_E23}; {_SS} P1.2(c)(i)"),
    Field(id="actual_use", title="Actual use", asked_by=f"{_SR} IV.2; {_SS} P1.2(c)(i)"),
    Field(id="exposure", title="Exposure", asked_by=f"{_SR} III (tiering factor)"),
    Field(id="materiality", title="Materiality", asked_by=f"{_SR} III (tiering factor); {_SS} P1.3"),
    Field(id="complexity", title="Inherent risk, complexity", asked_by=f"{_SR} III (tiering factor); {_SS} P1.3"),
    Field(id="tier", title="Tier", asked_by=f"{_SR} III; {_E23}; {_SS} P1.3"),
    Field(id="jurisdiction", title="Jurisdiction", asked_by=f"{_SS} P1.1 (scope)"),
    Field(id="use", title="Kind of use", asked_by="EU AI Act Annex III"),
    Field(id="owner", title="Owner", asked_by=f"{_E23}; {_SS} P2.2"),
    Field(id="developer", title="Developer", asked_by=_E23),
    Field(id="validator", title="Validator", asked_by=f"{_E23}; {_SS} P1.2(c)(iv)"),
    Field(id="approver", title="Approver", asked_by=_E23),
    Field(id="origin", title="Origin (own, vendor)", asked_by=f"{_E23}; {_SS} P2.6(c)"),
    Field(id="status", title="Status", asked_by=f"{_SS} P1.2"),
    Field(id="stage", title="Stage", asked_by=f"{_SS} P1.2", declarable=False),
    Field(id="version", title="Version", asked_by=_E23, declarable=False),
    Field(id="deployed", title="In production first", asked_by=_E23, declarable=False),
    Field(id="data", title="Data it was judged with", asked_by=_E23, declarable=False),
    Field(id="dependencies", title="Shared nodes", asked_by=f"{_SR} III (aggregate risk); {_E23}"),
    Field(id="boundaries", title="Operating boundaries", asked_by=f"{_SR} IV.2; {_SS} P1.2(c)(ii)"),
    Field(id="assumptions", title="Assumptions and limitations", asked_by=f"{_E23}; {_SS} P1.2(c)(iii)"),
    Field(id="findings", title="Open findings", asked_by=f"{_SR} VI.3; {_SS} P1.2(c)(iv)", declarable=False),
    Field(id="verdict", title="Last verdict", asked_by=f"{_SS} P1.2(c)(iv)", declarable=False),
    Field(id="validated", title="Last validated", asked_by=f"{_E23}; {_SS} P1.2(c)(iv)", declarable=False),
    Field(id="next_validation", title="Next validation", asked_by=f"{_E23}; {_SS} P1.2(c)(iv)"),
    Field(id="monitored", title="Last monitored", asked_by=_E23, declarable=False),
)
DECLARABLE = tuple(field.id for field in FIELDS if field.declarable)


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """What is known of one field. `how` is who says so; `unknown` has no text. `conflict`: what an import declared instead."""

    field: str
    text: str
    how: How
    conflict: str = ""


# Opens the pseudonym of a person; gives it back where the key is gone.
Named = Callable[[str], str]


def entry(placed: Placed, named: Named) -> tuple[Value, ...]:
    """The values of FIELDS. The log comes before the team file, the team file before what people declared; a contradiction is shown."""
    return tuple(_value(field, placed, named) for field in FIELDS)


def _value(field: Field, placed: Placed, named: Named) -> Value:
    now = placed.standing
    logged = _logged(field.id, placed)
    teamed = _teamed(field.id, now)
    said = _shown(now.imported.get(field.id), named)
    for found, how in ((logged, "log"), (teamed, "team file"), (said, "declared")):
        if found:
            other = said if how == "team file" and said and said.casefold() != found.casefold() else ""
            return Value(field=field.id, text=found, how=_HOWS[how], conflict=other)
    return Value(field=field.id, text="", how="unknown")


_HOWS: Mapping[str, How] = {"log": "log", "team file": "team file", "declared": "declared"}


def _logged(field: str, placed: Placed) -> str:
    now = placed.standing
    if field == "findings":
        grave = "; ".join(one.what or one.id for one in now.findings[:3])
        return f"{len(now.findings)}: {grave}" if now.findings else ("0" if now.validated else "")
    found = {
        "model": now.model,
        "stage": now.stage,
        "version": now.version,
        "deployed": now.produced,
        "data": ", ".join(sorted(now.data)),
        "verdict": now.verdict,
        "validated": now.validated,
        "monitored": placed.watched,
    }
    return found.get(field, "")


def _teamed(field: str, now: Standing) -> str:
    if field == "tier":
        return str(now.tier) if now.tier else ""
    if field == "dependencies":
        return ", ".join(sorted(map(str, table(now.team.get("dependencies")))))
    scope, inventory = table(now.team.get("scope")), table(now.team.get("inventory"))
    given = inventory.get(field) or scope.get(field)
    return _shown(given, str)


def _shown(value: object, named: Named) -> str:
    person = text(table(value).get("id"))
    if person:
        return text(table(value).get("name")) or named(person)
    listed = ", ".join(str(one) for one in items(value))
    return listed or (str(value) if isinstance(value, (str, int, float)) and not isinstance(value, bool) else "")
