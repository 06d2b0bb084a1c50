"""What the team file says of a model, as an act carries it: the portfolio of a past day reads it from the log and not from today's file."""

from __future__ import annotations

from collections.abc import Mapping

from jupyter_mlgov.core.actors import Actor
from jupyter_mlgov.core.facts import fields_of
from jupyter_mlgov.core.team import Team
from jupyter_mlgov.monitoring.portfolio.inventory import PEOPLE

_SECTIONS = ("inventory", "dependencies", "findings")


def declared(team: Team) -> dict[str, object]:
    """Tier, stages, scope, packs, and the tables of the register that the portfolio shows. People become actors: their names are sealed."""
    said = {name: team.register[name] for name in _SECTIONS if name in team.register}
    if "inventory" in said:
        said["inventory"] = sealed(said["inventory"])
    return fields_of({"tier": team.tier, "stages": team.stages, "scope": team.scope, "policies": team.policies, **said})


def sealed(inventory: Mapping[str, object]) -> dict[str, object]:
    """An inventory whose people are actors, declared and not proven."""
    return {name: _person(value) if name in (*PEOPLE, "reports_to") else value for name, value in inventory.items()}


def _person(value: object) -> object:
    return Actor(id=value, source="declared") if isinstance(value, str) and value.strip() else value
