"""What each look at a canary says: always-valid p-value and interval, the split, and the decision they allow."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Literal

from jupyter_mlgov.rollout.power import sample_ratio
from jupyter_mlgov.rollout.sequential import Arm, msprt, msprt_radius, paired

Harm = Literal["higher", "lower"]
BROKEN_SPLIT = 0.001


class Verdict(StrEnum):
    """What a look allows. Only `abort` ends the canary; `no harm shown` at the end does not promote by itself."""

    WAIT = "wait"
    GO_ON = "go on"
    ABORT = "abort"
    BETTER = "better"
    NOT_WORSE = "not worse"
    STOP = "stop: broken split"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """How looks are judged, fixed before the first one. `mde` is the smallest difference that matters; tau^2 = mde^2.

    `harm` says which direction hurts; `margin` how much worse is still acceptable (0: none asked);
    `burn_in` how many events each arm needs before the plug-in variance is trusted; `weights` the planned split champion : challenger.
    """

    alpha: float = 0.05
    mde: float = 0.01
    harm: Harm = "higher"
    margin: float = 0.0
    burn_in: int = 100
    weights: tuple[float, float] | None = None

    @property
    def tau2(self) -> float:
        return self.mde * self.mde


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One look. `p` is the smallest 1/L up to here (at most 1); `interval` is around the difference challenger - champion."""

    number: float
    champion: Arm
    challenger: Arm
    difference: float | None
    likelihood: float | None
    p: float
    interval: tuple[float, float] | None
    split_p: float | None
    verdict: Verdict
    why: str


def judge(looks: Iterable[tuple[float, Arm, Arm]], rules: Rules) -> tuple[Look, ...]:
    """Every look in turn. An interval never grows: each is cut by the ones before it, which are valid at the same time.

    After an abort or a broken split the later looks say the same: what was true once at level alpha is not unsaid.
    """
    told: list[Look] = []
    ended: Look | None = None
    for number, champion, challenger in looks:
        found = _judged(number, champion, challenger, told[-1] if told else None, rules)
        if found.split_p is not None and found.split_p < BROKEN_SPLIT:
            why = f"the arms are not split as planned (p = {found.split_p:.2g}): nothing measured on them counts"
            found = replace(found, verdict=Verdict.STOP, why=why)
        if ended is not None:
            found = replace(found, verdict=ended.verdict, why=f"{ended.verdict} since look {ended.number:g}")
        elif found.verdict in (Verdict.ABORT, Verdict.STOP):
            ended = found
        told.append(found)
    return tuple(told)


def _judged(number: float, champion: Arm, challenger: Arm, before: Look | None, rules: Rules) -> Look:
    """One look with the running p and interval; what `before` knew is kept where this one cannot say more."""
    look = Look(
        number=number,
        champion=champion,
        challenger=challenger,
        difference=None,
        likelihood=None,
        p=before.p if before else 1.0,
        interval=before.interval if before else None,
        split_p=sample_ratio((champion.n, challenger.n), rules.weights) if rules.weights else None,
        verdict=Verdict.WAIT,
        why=_too_early(champion, challenger, rules),
    )
    if look.why:
        return look
    n, d, variance = paired(champion, challenger)
    likelihood, radius = msprt(n, d, variance, rules.tau2), msprt_radius(n, variance, rules.tau2, rules.alpha)
    was = look.interval or (-math.inf, math.inf)
    p, low, high = min(look.p, 1 / likelihood), max(was[0], d - radius), min(was[1], d + radius)
    verdict, why = _verdict(p, low, high, rules)
    return replace(look, difference=d, likelihood=likelihood, p=p, interval=(low, high), verdict=verdict, why=why)


def _too_early(champion: Arm, challenger: Arm, rules: Rules) -> str:
    fewest = min(champion.events, challenger.events, champion.n - champion.events, challenger.n - challenger.events)
    if min(champion.n, challenger.n) == 0 or fewest < rules.burn_in:
        return f"burn-in: {fewest} events or non-events in the smaller arm, {rules.burn_in} asked before a variance is trusted"
    return ""


def _verdict(p: float, low: float, high: float, rules: Rules) -> tuple[Verdict, str]:
    """From the running interval, so that verdict and interval never say different things."""
    worse, better = (low > 0, high < 0) if rules.harm == "higher" else (high < 0, low > 0)
    worst = high if rules.harm == "higher" else -low
    if low > high:
        return Verdict.GO_ON, "the intervals of different looks do not meet: the rates drift, look at the days apart"
    if worse:
        return Verdict.ABORT, f"harm shown at level {rules.alpha:g} (p = {p:.3g})"
    if better:
        return Verdict.BETTER, f"better at level {rules.alpha:g} (p = {p:.3g})"
    if rules.margin and worst < rules.margin:
        return Verdict.NOT_WORSE, f"not worse by {rules.margin:g}: at most {worst:.3g}"
    return Verdict.GO_ON, "neither harm nor benefit is shown yet"
