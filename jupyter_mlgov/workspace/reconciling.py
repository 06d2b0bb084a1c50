"""The registry held against the trail: a write that went around the gate is found and raised as an alarm."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jupyter_mlgov.audit.entries import Draft
from jupyter_mlgov.core.facts import fields_of
from jupyter_mlgov.promotion.intended import INTENDING, Intended, history
from jupyter_mlgov.workspace.guard import CHAMPION, TrailGatekeeper

if TYPE_CHECKING:
    from jupyter_mlgov.workspace.composition import Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class Drifted:
    """One alias that is not where the trail says. Versions are empty where there is none."""

    model: str
    stage: str
    trail: str
    registry: str
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciliation:
    """What was compared, and what differs."""

    compared: int
    drifted: tuple[Drifted, ...]

    @property
    def sentence(self) -> str:
        """The outcome in one sentence."""
        if self.drifted:
            return f"{len(self.drifted)} of {self.compared} stages are not as the trail says."
        return f"The registry shows what the trail says: {self.compared} stages compared."


def reconcile(workspace: Workspace) -> Reconciliation:
    """Compare every governed alias with the trail; each difference is an alarm, once.

    Raises SystemUnreachable where the registry does not answer: nothing was compared then, and nothing is said to agree.
    """
    moves: dict[tuple[str, str], Intended] = {}
    entries = tuple(workspace.journal.entries(actions=INTENDING))
    for model in dict.fromkeys(entry.subject for entry in entries):
        moves |= {(model, move.stage): move for move in history(entries, model)}
    shows = workspace.registry.aliases()
    keeper = TrailGatekeeper(workspace)
    governed = {stage.lower() for stage in keeper.governed()}
    places = {(model, alias) for model, aliases in shows.items() for alias in aliases if alias.lower() in governed}
    drifted = tuple(_differences(sorted(places | set(moves)), moves, shows, keeper))
    found = Reconciliation(compared=len(places | set(moves)), drifted=drifted)
    known = {str(entry.payload.get("problem")) for entry in workspace.journal.entries(actions=("alarm.raised",))}
    alarms = [
        Draft(action="alarm.raised", subject=item.model, payload={"kind": "registry", "severity": "critical", "problem": item.sentence})
        for item in drifted
        if item.sentence not in known
    ]
    outcome = {"outcome": found.sentence, "drifted": [fields_of(item) for item in drifted], "compared": found.compared}
    workspace.record(Draft(action="registry.reconciled", subject=workspace.root.name, payload=outcome), *alarms)
    return found


def _differences(
    places: list[tuple[str, str]],
    moves: Mapping[tuple[str, str], Intended],
    shows: Mapping[str, Mapping[str, str]],
    keeper: TrailGatekeeper,
) -> Iterator[Drifted]:
    for model, stage in places:
        move = moves.get((model, keeper.last_stage(model) if stage.lower() == CHAMPION else stage))
        trail, registry = move.version if move else "", shows.get(model, {}).get(stage, "")
        if trail == registry:
            # Where both agree on what no decision that replays let in, both were written to.
            forged = keeper.objection(model, stage, registry) if registry else ""
            if forged:
                yield Drifted(model=model, stage=stage, trail=trail, registry=registry, sentence=forged)
            continue
        there = f"version {registry}" if registry else "nothing"
        wanted = f"version {trail}, by {move.how} of {move.actor} at {move.since:%Y-%m-%d %H:%M} UTC" if move and trail else "nothing"
        sentence = f"{stage} of {model} shows {there} in the registry; the trail says {wanted}."
        yield Drifted(model=model, stage=stage, trail=trail, registry=registry, sentence=sentence)
