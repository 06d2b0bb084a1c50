"""What a canary is judged by, fixed before it starts: `[canary]` of mlgov.toml, and the versions it is about."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from jupyter_mlgov.core.errors import BadInput, unknown
from jupyter_mlgov.rollout.power import margin_size
from jupyter_mlgov.rollout.steps import Route

Among = Literal["adverse", "favourable", "all"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Primary:
    """The question that labels answer: is the share of `event` among requests that were `among` not worse by more than `margin`?

    One-sided `alpha`, spent over `looks` looks (O'Brien-Fleming type, Lan & DeMets 1983); `n` units per arm is the planned end.
    `maturity` is how many hours old a request must be before its label counts, in both arms alike.
    """

    among: Among = "adverse"
    event: str = "1"
    harm: Literal["higher", "lower"] = "lower"
    rate: float = 0.9
    margin: float = 0.02
    alpha: float = 0.025
    power: float = 0.8
    looks: int = 5
    maturity: float = 0.0
    n: int = 0

    @property
    def planned(self) -> int:
        return self.n or margin_size(self.rate, self.margin, alpha=self.alpha, power=self.power)


@dataclass(frozen=True, slots=True, kw_only=True)
class CanaryPlan:
    """Everything that may decide. `most` percent is what the approvals allow the challenger; `alpha` is shared by the guards (Holm).

    `differ`: the share of entities that the two versions may decide otherwise about, seen in shadow; 20 % is house.
    """

    model: str
    stage: str
    champion: str
    challenger: str
    route: Route = field(default_factory=Route)
    alpha: float = 0.05
    mde: float = 0.02
    burn_in: int = 100
    slow: float = 0.5
    differ: float = 0.2
    groups: tuple[str, ...] = ()
    primary: Primary | None = None
    most: float = 100.0


_ROUTE = ("steps", "units", "hours", "most_units")
_OWN = ("alpha", "mde", "burn_in", "slow", "differ")


def read_plan(
    register: Mapping[str, Mapping[str, object]],
    *,
    model: str,
    stage: str,
    champion: str,
    challenger: str,
    groups: tuple[str, ...] = (),
    most: float = 100.0,
    path: str = "mlgov.toml",
) -> CanaryPlan:
    """`[canary]` as a plan. Raises UsageError for an unknown key, BadInput for a value that cannot be."""
    table = dict(register.get("canary", {}))
    primary = table.pop("primary", None)
    for key in table:
        if key not in (*_ROUTE, *_OWN):
            raise unknown(f"key in [canary] of {path}", key, [*_ROUTE, *_OWN, "primary"])
    own: dict[str, Any] = {key: _number(path, key, table[key], whole=key == "burn_in") for key in _OWN if key in table}
    return CanaryPlan(
        model=model,
        stage=stage,
        champion=champion,
        challenger=challenger,
        route=read_route(register, path),
        groups=groups,
        primary=_primary(primary, path),
        most=most,
        **own,
    )


def read_route(register: Mapping[str, Mapping[str, object]], path: str = "mlgov.toml") -> Route:
    """The steps of `[canary]`, what each asks for, and the end. Raises BadInput for what cannot be."""
    table = register.get("canary", {})
    route: dict[str, Any] = {}
    if "steps" in table:
        steps = table["steps"]
        if not isinstance(steps, list) or not all(isinstance(step, int) and not isinstance(step, bool) for step in steps):
            raise _bad(path, "steps in [canary] must be whole percentages")
        route["steps"] = tuple(steps)
    for key, name in (("units", "units"), ("hours", "hours"), ("most_units", "most")):
        if key in table:
            route[name] = _number(path, key, table[key], whole=key != "hours")
    try:
        return Route(**route)
    except ValueError as error:
        raise _bad(path, f"steps in [canary]: {error}".rstrip(".")) from None


def _primary(body: object, path: str) -> Primary | None:
    if body is None:
        return None
    if not isinstance(body, Mapping):
        raise _bad(path, "[canary.primary] must be a table")
    known = [*Primary.__dataclass_fields__]
    values: dict[str, Any] = {}
    choices = {"among": ("adverse", "favourable", "all"), "harm": ("higher", "lower")}
    for key, value in body.items():
        if key not in known:
            raise unknown(f"key in [canary.primary] of {path}", str(key), known)
        if key in choices and value not in choices[key]:
            raise _bad(path, f"{key} in [canary.primary] must be one of {', '.join(choices[key])}")
        if key == "event":
            values[key] = str(value)
        else:
            values[key] = value if key in choices else _number(path, key, value, whole=key in ("looks", "n"), least=0)
    for key in ("rate", "margin", "alpha", "power"):
        if key in values and not 0 < values[key] < 1:
            raise _bad(path, f"{key} in [canary.primary] must be between 0 and 1")
    return Primary(**values)


def _number(path: str, key: str, value: object, *, whole: bool, least: float = 1e-9) -> float:
    number = value if isinstance(value, (int, float)) and not isinstance(value, bool) else math.nan
    if not math.isfinite(number) or number < least or (whole and not isinstance(number, int)):
        raise _bad(path, f"{key} in [canary] must be a {'whole ' if whole else ''}number over 0")
    return number


def _bad(path: str, rule: str) -> BadInput:
    return BadInput(f"{path}: {rule}.", next=f"Mend {path} and run the command again.")
