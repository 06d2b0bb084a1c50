"""The team's word on each column: `[features.COLUMN]` in mlgov.toml, read by every check of data, robustness and explanations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import cast

from jupyter_mlgov.sdk import Missing, Subject

TYPES = ("number", "text", "flag", "time")
DIRECTIONS = ("increasing", "decreasing")


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """What a column must hold (`type nulls min max values unique`), and what it may do to a decision.

    `monotone`: the score never moves the other way when this value grows. `mutable`: the person can change it, by at most the share
    `change` of it. `as_of`: the column with the time at which this value was known. `reason`: the text told to a person it counted
    against. `inquiries`: the factor counts inquiries on the credit file, which may be named beside four others (15 U.S.C. 1681g(f)).
    """

    type: str = ""
    nulls: float = 0.0
    min: float | None = None
    max: float | None = None
    values: tuple[str, ...] = ()
    unique: bool = False
    monotone: str = ""
    mutable: bool = False
    change: float = 0.1
    as_of: str = ""
    reason: str = ""
    inquiries: bool = False


def contracts(subject: Subject) -> dict[str, Contract]:
    """The contracts by column; empty where the team wrote none. Raises Missing for one that cannot be read."""
    told = (subject.register or {}).get("features") or {}
    return {name: _contract(name, body) for name, body in told.items()}


def _contract(name: str, body: object) -> Contract:
    if not isinstance(body, Mapping):
        raise _bad(name, "is no table", "a table of keys")
    known = {field.name for field in fields(Contract)}
    odd = [str(key) for key in body if key not in known]
    if odd:
        raise _bad(name, f"has the unknown key {odd[0][:40]!r}", f"one of {', '.join(sorted(known))}")
    values: dict[str, object] = {}
    for key, value in body.items():
        if key in ("nulls", "min", "max", "change"):
            fits = isinstance(value, (int, float)) and not isinstance(value, bool)
        elif key in ("unique", "mutable", "inquiries"):
            fits = isinstance(value, bool)
        elif key == "values":
            fits = isinstance(value, (list, tuple)) and bool(value)
        else:
            fits = isinstance(value, str)
        if not fits:
            raise _bad(name, f"has {key} = {str(value)[:40]!r}", "a value of another kind")
        values[key] = tuple(str(one) for one in value) if isinstance(value, (list, tuple)) else value
    made = Contract(**values)  # type: ignore[arg-type]  # each kind was looked at above
    if made.type not in ("", *TYPES):
        raise _bad(name, f"has type {made.type[:40]!r}", f"one of {', '.join(TYPES)}")
    if made.monotone not in ("", *DIRECTIONS):
        raise _bad(name, f"has monotone {made.monotone[:40]!r}", f"one of {', '.join(DIRECTIONS)}")
    return made


def _bad(name: str, what: str, expected: str) -> Missing:
    return Missing(f"[features.{name}] in mlgov.toml {what}.", expected=f"Expected {expected}.", next="Mend mlgov.toml and run it again.")


def number(value: object) -> float | None:
    """An aggregate as a float; None where the engine gave none."""
    return None if value is None else float(cast("float", value))
