"""Evidence that may be looked at at any time: likelihood ratios multiplied over independent steps, p-values shared out by Holm."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from jupyter_mlgov.rollout.canary.counts import DIFFER, GuardCount, StepCount
from jupyter_mlgov.rollout.canary.plan import CanaryPlan
from jupyter_mlgov.rollout.sequential import msprt, paired

# Guards of rare events, judged by where their events fall; the others by the difference of rates.
RARE = ("errors", "slow answers", "missing features")
# Which direction hurts; a guard that is not here hurts in both (an alert or decline rate that moves is a surprise either way).
_HIGHER = (*RARE, DIFFER)
PRIOR = 20.0  # how sharply the mixture for rare events stands around the planned share


def coin(x: int, m: int, q: float) -> float:
    """Likelihood ratio of "events do not fall as planned" against "each falls to the challenger with probability q", x of m did.

    A Beta mixture around q: exact at any time and for any rate of events, since under no effect each event's arm is the coin of the split.
    Source: Lindon & Malek 2022 (NeurIPS), "Anytime-valid inference for multinomial count data", two cells.
    """
    a, b = PRIOR * q, PRIOR * (1 - q)
    log = math.lgamma(a + x) - math.lgamma(a) + math.lgamma(b + m - x) - math.lgamma(b) + math.lgamma(a + b) - math.lgamma(a + b + m)
    log -= x * math.log(q) + (m - x) * math.log1p(-q)
    return math.exp(max(-700.0, min(700.0, log)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """A guard over all steps. `likelihood` is the product of its steps'; `lean` says which way the challenger is off (its sign)."""

    guard: str
    likelihood: float
    lean: float
    units: int

    @property
    def hurts(self) -> bool:
        """Whether the way it leans is the way that hurts."""
        if self.guard.startswith("approvals of "):
            return self.lean < 0
        return self.lean > 0 if self.guard in _HIGHER else self.lean != 0


def over_steps(steps: Iterable[StepCount], plan: CanaryPlan) -> tuple[Evidence, ...]:
    """Each guard's evidence. Steps are independent given the past (counts.py), so their likelihood ratios multiply."""
    told: dict[str, list[tuple[float, float, int]]] = {}
    for step in steps:
        for one in step.guards:
            told.setdefault(one.guard, []).append(_one(one, step.weights, plan))
    return tuple(
        Evidence(
            guard=guard,
            likelihood=math.exp(min(700.0, sum(math.log(max(ratio, 1e-300)) for ratio, _, _ in found))),
            lean=sum(lean for _, lean, _ in found),
            units=sum(units for _, _, units in found),
        )
        for guard, found in told.items()
    )


def _one(guard: GuardCount, weights: tuple[float, float], plan: CanaryPlan) -> tuple[float, float, int]:
    """(likelihood ratio, lean weighted by units, units) of one guard at one step; 1 where nothing can be said yet."""
    one, other = guard.champion, guard.challenger
    units = min(one.n, other.n)
    if not one.n or not other.n or not all(weights):
        return 1.0, 0.0, units
    if guard.guard == DIFFER:
        above = other.rate > plan.differ  # a one-sided question: fewer than allowed is no evidence of anything
        return (coin(other.events, other.n, plan.differ) if above else 1.0), (other.rate - plan.differ) * units, units
    lean = (other.rate - one.rate) * units
    if guard.paired or guard.guard in RARE:
        q = 0.5 if guard.paired else other.n / (one.n + other.n)
        return coin(other.events, one.events + other.events, q), lean, units
    fewest = min(one.events, other.events, one.n - one.events, other.n - other.events)
    if fewest < plan.burn_in:
        return 1.0, lean, units
    n, d, variance = paired(one, other)
    return msprt(n, d, variance, plan.mde**2), lean, units


def holm(values: Mapping[str, float]) -> dict[str, float]:
    """p-values adjusted by Holm 1979: the smallest times m, the next times m - 1, never falling. As valid at any time as they are."""
    told, most = {}, 0.0
    for place, (name, p) in enumerate(sorted(values.items(), key=lambda item: item[1])):
        most = max(most, min(1.0, (len(values) - place) * p))
        told[name] = most
    return told
