"""The canary as a state machine: total and pure. From a state and what was observed there is exactly one next state."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum


class State(StrEnum):
    """Where a canary stands. The last three are ends: nothing leaves them."""

    SHADOW = "shadow"
    CANARY = "canary"
    HOLD = "hold"
    PROMOTED = "promoted"
    ABORTED = "aborted"
    INCONCLUSIVE = "inconclusive"

    @property
    def ended(self) -> bool:
        return self in (State.PROMOTED, State.ABORTED, State.INCONCLUSIVE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Shares of traffic in percent, in order; units per arm and hours that each step asks for; units at which it ends undecided."""

    steps: tuple[int, ...] = (1, 5, 25, 50, 100)
    units: int = 1000
    hours: float = 24.0
    most: int = 1_000_000

    def __post_init__(self) -> None:
        if not self.steps or list(self.steps) != sorted(set(self.steps)) or self.steps[0] <= 0 or self.steps[-1] != 100:
            raise ValueError("Steps rise from over 0 to 100 %.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollout:
    """A canary on its route. `step` counts from 0 and is -1 in shadow; `share` is the challenger's traffic now."""

    route: Route
    state: State = State.SHADOW
    step: int = -1
    why: str = ""

    @property
    def share(self) -> int:
        """Percent of traffic that the challenger answers."""
        if self.state is State.PROMOTED:
            return 100
        if self.state in (State.SHADOW, State.ABORTED, State.INCONCLUSIVE) or self.step < 0:
            return 0
        return self.route.steps[self.step]


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """What is known at one look. None: could not be told, which never moves a canary forward.

    `units` and `hours` are of this step alone; `total` of the whole canary. `proven`: the planned test says not worse.
    """

    split_ok: bool | None = None
    harm: bool | None = None
    errors_double: bool | None = None
    proven: bool | None = None
    units: int = 0
    hours: float = 0.0
    total: int = 0
    abort: bool = False
    hold: bool = False


def next_state(rollout: Rollout, seen: Observation) -> Rollout:
    """The one successor. Laws: an ended canary stays; harm, a broken split, doubled errors or an order abort from anywhere;
    traffic grows by at most one step a look, and only on a known good split, known absence of harm, enough units and hours;
    the last step is promoted only when `proven`; out of units without proof ends inconclusive and does not promote.
    """
    if rollout.state.ended:
        return rollout
    stop = _stop(seen)
    if stop:
        return replace(rollout, state=State.ABORTED, why=stop)
    if seen.hold:
        return replace(rollout, state=State.HOLD, why="held by order")
    last = rollout.step == len(rollout.route.steps) - 1
    if seen.total >= rollout.route.most and seen.proven is not True:
        return replace(rollout, state=State.INCONCLUSIVE, why=f"{seen.total:,} units and no proof: not promoted")
    if seen.split_ok is None or seen.harm is None or seen.errors_double is None:
        return replace(rollout, state=State.HOLD if rollout.step >= 0 else State.SHADOW, why="a guard could not tell")
    going = replace(rollout, state=State.CANARY if rollout.step >= 0 else State.SHADOW)
    if seen.units < rollout.route.units or seen.hours < rollout.route.hours:
        asked = f"{rollout.route.units:,} units and {rollout.route.hours:g} h"
        return replace(going, why=f"waits: {seen.units:,} units in {seen.hours:.1f} h, {asked} asked")
    if not last:
        return replace(going, state=State.CANARY, step=rollout.step + 1, why="every guard was clear")
    if seen.proven is True:
        return replace(going, state=State.PROMOTED, why="not worse, by the planned test")
    return replace(going, why="waits for proof")


def beyond(rollout: Rollout, share: float) -> bool | None:
    """Has it gone past `share` percent of the traffic? False: it ended otherwise and never will; None: not yet.

    Past 100 % is where it was promoted.
    """
    if rollout.state.ended:
        return rollout.state is State.PROMOTED
    return True if rollout.share > share else None


def _stop(seen: Observation) -> str:
    if seen.abort:
        return "by order"
    if seen.split_ok is False:
        return "the split is broken"
    if seen.harm is True:
        return "harm was shown"
    return "errors are more than twice the champion's" if seen.errors_double is True else ""
