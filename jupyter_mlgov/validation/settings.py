"""Which parameters a validator runs with: the packs' demands, the strictest of several, tightened by the team if it likes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from jupyter_mlgov.core.errors import BadInput, unknown
from jupyter_mlgov.validation.checks import MIN_CELL, Check
from jupyter_mlgov.validation.policy import Policy

TeamParameters = Mapping[str, Mapping[str, object]]
EVERY = "*"  # `[policy.parameters."*"]`: what the team asks of every check


def settle(check: Check, policies: Iterable[Policy], team: TeamParameters) -> dict[str, object]:
    """The parameters `check` runs with.

    Raises UsageError for an unknown parameter, BadInput for a wrong type, for two packs that cannot both be met, and for a team
    parameter that is weaker than what stands without it (or whose strictness nobody can compare).
    """
    chosen: dict[str, tuple[object, str]] = {}
    for name, value, where in _demands(check, policies):
        taken = check.parameter(name, value, where)
        chosen[name] = _stricter(check, name, chosen[name], (taken, where)) if name in chosen else (taken, where)
    values = {**check.defaults, **{name: value for name, (value, _) in chosen.items()}}
    for name, value in team.get(check.id, {}).items():
        where = f'[policy.parameters."{check.id}"] of mlgov.toml'
        values[name] = _tightened(check, name, values.get(name, 0), check.parameter(name, value, where), where)
    return values


def smallest_cell(policies: Iterable[Policy], team: TeamParameters) -> int:
    """The largest `min_cell` that a pack or the team asks of any check: it holds for all, or one would show what another keeps back.

    Raises UsageError for anything else asked of every check, BadInput for what is no number of rows.
    """
    for name in team.get(EVERY, {}):
        if name != MIN_CELL:
            raise unknown(f'parameter of every check (asked for in [policy.parameters."{EVERY}"] of mlgov.toml)', name, (MIN_CELL,))
    packs = (ask for policy in policies for control in policy.controls for ask in control.requirements)
    asked = [values[MIN_CELL] for values in (*(ask.parameters for ask in packs), *team.values()) if MIN_CELL in values]
    for value in asked:
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            raise BadInput(
                f"min_cell is {value!r}.", expected="Expected a whole number of rows.", next="Mend mlgov.toml or the policy pack."
            )
    return max((value for value in asked if isinstance(value, int)), default=0)


def _demands(check: Check, policies: Iterable[Policy]) -> Iterator[tuple[str, object, str]]:
    for policy in policies:
        for control in policy.controls:
            for ask in control.requirements:
                if ask.validator == check.id:
                    for name, value in ask.parameters.items():
                        yield name, value, f"{policy.id}, control {control.id}"


def _stricter(check: Check, name: str, one: tuple[object, str], other: tuple[object, str]) -> tuple[object, str]:
    if one[0] == other[0]:
        return one
    if check.side(name) is None:
        raise BadInput(
            f"{one[1]} asks {name} = {one[0]} of {check.id}, {other[1]} asks {other[0]}.",
            expected=f"{check.id} does not say which is the stricter, so both cannot be met.",
            next="Judge under one of the two packs.",
        )
    return one if check.at_least_as_strict(name, one[0], other[0]) else other


def _tightened(check: Check, name: str, standing: object, asked: object, where: str) -> object:
    if asked == standing or (check.side(name) is not None and check.at_least_as_strict(name, asked, standing)):
        return asked
    why = f"which would weaken {standing}" if check.side(name) else f"which stands at {standing} and has no stricter side"
    raise BadInput(
        f"{where} sets {name} = {asked}, {why}.",
        expected="A team can tighten what its policy packs ask, never loosen it.",
        next="Take the line out, or change the policy pack in a commit of its own.",
    )
