"""One look at a canary, pure: from its plan, its counts and what was seen before to the one next state, with every number it rests on."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from jupyter_mlgov.rollout.canary.counts import Counts, LabelCount, StepCount
from jupyter_mlgov.rollout.canary.evidence import holm, over_steps
from jupyter_mlgov.rollout.canary.plan import CanaryPlan
from jupyter_mlgov.rollout.looks import BROKEN_SPLIT
from jupyter_mlgov.rollout.power import sample_ratio
from jupyter_mlgov.rollout.sequential import Arm, spending_bounds
from jupyter_mlgov.rollout.steps import Observation, Rollout, State, next_state

_ENOUGH_ERRORS = 10
# Of all entities of a step, those that both versions may have answered before the split is broken; house.
ASTRAY = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class Before:
    """What earlier looks left: the smallest p of each guard so far, fractions of information at which labels were looked at, and proof."""

    guards: tuple[tuple[str, float], ...] = ()
    fractions: tuple[float, ...] = ()
    proven: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardLook:
    """One guard: its always-valid p (smallest so far), the same after Holm, and whether harm is shown."""

    guard: str
    p: float
    adjusted: float
    harm: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelLook:
    """The primary question: information so far, the difference that hurts, z for "not worse by the margin", and its bound at this look
    (None: no look was due). `responded` is p of "labels come back as often in both arms".
    """

    fraction: float
    harm: float
    z: float
    bound: float | None
    responded: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A look's answer. `after` is the canary's next state; `split_p` of the step in force, or of the last that had a split."""

    observation: Observation
    after: Rollout
    guards: tuple[GuardLook, ...]
    split_p: float | None
    labels: LabelLook | None
    before: Before

    @property
    def worst(self) -> GuardLook | None:
        return min(self.guards, key=lambda one: one.adjusted, default=None)


def judge(
    plan: CanaryPlan, rollout: Rollout, counts: Counts, before: Before, *, hours: float, hold: bool = False, abort: bool = False
) -> Judged:
    """The look. `hours` since the step began. The same facts always give the same answer."""
    split_p, split_ok = _split(counts, rollout)
    guards, low = _guards(plan, counts, before)
    labels, proven, fractions = _labels(plan, counts, before)
    here = next((one for one in counts.steps if one.step == rollout.step), None)
    seen = Observation(
        split_ok=split_ok,
        harm=None if not guards else any(one.harm for one in guards),
        errors_double=_double(counts, here),
        proven=proven,
        units=here.units[1] if here else 0,
        hours=hours,
        total=sum(one.units[1] for one in counts.steps if one.step >= 0),
        abort=abort,
        hold=hold,
    )
    after = _within(plan, rollout, next_state(rollout, seen), proven)
    if seen.harm:
        worst = min((one for one in guards if one.harm), key=lambda one: one.adjusted)
        after = replace(after, why=f"harm was shown: {worst.guard} (p = {worst.adjusted:.2g} after Holm)")
    kept = Before(guards=low, fractions=fractions, proven=proven is True)
    return Judged(observation=seen, after=after, guards=guards, split_p=split_p, labels=labels, before=kept)


def _within(plan: CanaryPlan, rollout: Rollout, after: Rollout, proven: bool | None) -> Rollout:
    """What the approvals allow binds: no step goes over it. At 100 % nobody is left to compare with, so proof by labels comes before."""
    if plan.primary is not None and after.share == 100 and rollout.share < 100 and proven is not True:
        return replace(rollout, why="waits for proof: at 100 % nobody is left to compare with")
    if after.share > plan.most and after.share > rollout.share:
        return replace(
            rollout, state=State.HOLD, why=f"the approvals allow {plan.most:g} % of the traffic, and the next step asks for {after.share} %"
        )
    return after


def _split(counts: Counts, rollout: Rollout) -> tuple[float | None, bool | None]:
    """The sample-ratio check of every step that had a split; in shadow, whether the challenger saw what the champion saw."""
    newest: float | None = None
    told: bool | None = None
    for step in counts.steps:
        if step.step < 0:
            one, other = step.units
            if rollout.step < 0 and one:
                told = other >= 0.99 * one
                newest = 1.0 if told else 0.0
            continue
        if step.astray > ASTRAY * sum(step.units):
            return 0.0, False  # who met both versions is evidence for neither
        if not all(step.weights):
            continue
        p = sample_ratio(step.units, step.weights)
        if math.isnan(p):
            continue
        newest, told = p, p >= BROKEN_SPLIT and told is not False
        if not told:
            break
    return newest, told


def _guards(plan: CanaryPlan, counts: Counts, before: Before) -> tuple[tuple[GuardLook, ...], tuple[tuple[str, float], ...]]:
    past = dict(before.guards)
    evidence = over_steps(counts.steps, plan)
    smallest = {one.guard: min(past.get(one.guard, 1.0), 1.0, 1 / one.likelihood) for one in evidence}
    adjusted = holm(smallest)
    # Harm is said where the evidence now, not a peak long ago, leans the way that hurts.
    looks = tuple(
        GuardLook(guard=one.guard, p=smallest[one.guard], adjusted=adjusted[one.guard], harm=adjusted[one.guard] < plan.alpha and one.hurts)
        for one in evidence
    )
    return looks, tuple(sorted(smallest.items()))


def _errors(step: StepCount) -> tuple[Arm, Arm]:
    found = next((one for one in step.guards if one.guard == "errors"), None)
    return (found.champion, found.challenger) if found else (Arm(n=0, events=0), Arm(n=0, events=0))


def _double(counts: Counts, here: StepCount | None) -> bool | None:
    """Are the challenger's errors, at least ten of them, more than twice the champion's rate over the whole canary?"""
    if here is None:
        return None
    champions = [_errors(step)[0] for step in counts.steps]
    n, events = sum(one.n for one in champions), sum(one.events for one in champions)
    challenger = _errors(here)[1]
    if not n or not challenger.n:
        return None
    return challenger.events >= _ENOUGH_ERRORS and challenger.rate > 2 * (events + 0.5) / (n + 1)


def _labels(plan: CanaryPlan, counts: Counts, before: Before) -> tuple[LabelLook | None, bool | None, tuple[float, ...]]:
    """(the look at labels, proven, fractions so far). A new look is taken only when the next planned share of information is there."""
    primary = plan.primary
    if primary is None:
        return None, None, before.fractions
    strata = [one for one in counts.labels if one.champion.n and one.challenger.n]
    sizes = [2 / (1 / one.champion.n + 1 / one.challenger.n) for one in strata]
    total = sum(sizes)
    if not total:
        return None, True if before.proven else None, before.fractions
    difference = sum(size * (one.challenger.rate - one.champion.rate) for size, one in zip(sizes, strata, strict=True)) / total
    spread = sum(
        (size / total) ** 2 * (one.champion.variance / one.champion.n + one.challenger.variance / one.challenger.n)
        for size, one in zip(sizes, strata, strict=True)
    )
    harm = difference if primary.harm == "higher" else -difference
    z = (primary.margin - harm) / math.sqrt(spread)
    fraction = min(1.0, total / primary.planned)
    responded = _responses(strata)
    fractions, bound = before.fractions, None
    due = math.floor(fraction * primary.looks + 1e-9) > math.floor((fractions[-1] if fractions else 0.0) * primary.looks + 1e-9)
    if due:
        fractions = (*fractions, fraction)
        exact = spending_bounds(fractions, primary.alpha)[-1]
        bound = exact if math.isfinite(exact) else None  # so little is spent so early that nothing could prove it
    proven = before.proven or (bound is not None and z >= bound)
    if responded is not None and responded < BROKEN_SPLIT:
        return LabelLook(fraction=fraction, harm=harm, z=z, bound=bound, responded=responded), None, fractions
    answer = True if proven else (False if fraction >= 1.0 else None)
    return LabelLook(fraction=fraction, harm=harm, z=z, bound=bound, responded=responded), answer, fractions


def _responses(strata: list[LabelCount]) -> float | None:
    """p of "labels come back as often in both arms": where they do not, what came back says nothing about what did not."""
    from scipy.stats import chi2_contingency

    told = [[0, 0], [0, 0]]
    for one in strata:
        for place, arm in enumerate((one.champion, one.challenger)):
            told[place][0] += arm.n
            told[place][1] += one.asked[place] - arm.n
    if min(told[0][1] + told[1][1], told[0][0] + told[1][0], sum(told[0]), sum(told[1])) == 0:
        return None
    return float(chi2_contingency(told, correction=False).pvalue)
