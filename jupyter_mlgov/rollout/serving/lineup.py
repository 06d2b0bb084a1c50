"""Who answers now: the versions on the field and their split. One fact, replaced whole, so that no request sees half a switch."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from jupyter_mlgov.rollout.serving.arms import Arm
from jupyter_mlgov.rollout.serving.field import Pod


@dataclass(frozen=True, slots=True, kw_only=True)
class Lineup:
    """`share` percent of the entities are answered by the challenger; `shadow`: it computes beside the champion and answers nobody.

    `killed` not empty: nobody answers, and this is why. `canary` names the canary in force, `step` its step. `pod`: what the champion here
    is called in the log, where a cluster moves the traffic between replicas of one version each.
    """

    champion: Arm | None = None
    challenger: Arm | None = None
    baseline: Arm | None = None
    share: float = 0.0
    shadow: bool = False
    canary: str = ""
    step: int = -1
    killed: str = ""
    pod: Pod = "champion"

    @property
    def arms(self) -> tuple[Arm, ...]:
        return tuple(arm for arm in (self.champion, self.challenger, self.baseline) if arm is not None)


def position(entity: str, canary: str) -> float:
    """Where an entity stands in 0..100 for one canary: uniform, the same at every replica and step, another in the next canary."""
    digest = hashlib.sha256(f"{canary}\x1f{entity}".encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:8], "big") / 2**64 * 100


def bucketed(said: str) -> float | None:
    """The same from a router's two digits: the middle of its hundredth, so that every whole share cuts between. None for anything else."""
    return int(said) + 0.5 if len(said) == 2 and said.isascii() and said.isdigit() else None


def chosen(lineup: Lineup, place: float | None) -> str:
    """`challenger` or `champion`. Sticky: as the share grows, nobody goes back; without an entity the champion answers."""
    return "challenger" if lineup.challenger is not None and place is not None and place < lineup.share else "champion"
