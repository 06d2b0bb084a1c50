"""What a plan would do if it were run many times: its false alarms, its power, and how long it takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from jupyter_mlgov.rollout.sequential import spending_bounds

Method = Literal["msprt", "group-sequential", "fixed", "naive"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A canary on one rate: `looks` equally spaced looks at up to `n` units per arm, to find a change of `mde` from `rate`.

    `alpha` is two-sided. `fixed` looks once, at the end; `naive` takes the fixed test at each look, as people do.
    `msprt` rejects nothing before each arm has `burn_in` events and as many units without one, as at a real look.
    """

    rate: float
    mde: float
    n: int
    looks: int
    alpha: float = 0.05
    method: Method = "msprt"
    burn_in: int = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Shares of `runs` simulated canaries that stopped with a finding, and the mean units per arm they took; `se` is of the share."""

    stopped: float
    se: float
    units: float
    runs: int


def simulate(plan: Plan, effect: float, *, runs: int = 2000, seed: int = 20261123) -> Outcome:
    """Run `plan` when the challenger's rate is truly `plan.rate + effect`. The same seed gives the same figures."""
    rng = np.random.default_rng(seed)
    ends = np.unique(np.linspace(plan.n / plan.looks, plan.n, plan.looks).round().astype(np.int64))
    steps = np.diff(ends, prepend=0)
    champion = np.cumsum(rng.binomial(steps, plan.rate, size=(runs, len(steps))), axis=1)
    challenger = np.cumsum(rng.binomial(steps, plan.rate + effect, size=(runs, len(steps))), axis=1)
    crossed = _crossed(plan, ends, champion, challenger)
    hit = crossed.any(axis=1)
    length = np.where(hit, ends[crossed.argmax(axis=1)], ends[-1])
    share = float(hit.mean())
    return Outcome(stopped=share, se=float(np.sqrt(share * (1 - share) / runs)), units=float(length.mean()), runs=runs)


def _crossed(plan: Plan, ends: NDArray[np.int64], one: NDArray[np.int64], other: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which look of which run rejects. Variances are plug-ins with half an event added, as at a real look."""
    p, q = (one + 0.5) / (ends + 1), (other + 0.5) / (ends + 1)
    variance = p * (1 - p) + q * (1 - q)
    d = (other - one) / ends
    if plan.method == "msprt":
        tau2 = plan.mde**2
        spread = variance + ends * tau2
        logs = 0.5 * np.log(variance / spread) + ends**2 * tau2 * d**2 / (2 * variance * spread)
        fewest = np.minimum(np.minimum(one, ends - one), np.minimum(other, ends - other))
        return np.asarray((logs >= np.log(1 / plan.alpha)) & (fewest >= plan.burn_in))
    z = np.abs(d) / np.sqrt(variance / ends)
    if plan.method == "group-sequential":
        return np.asarray(z >= np.array(spending_bounds(list(ends / ends[-1]), plan.alpha / 2)))
    rejects = z >= norm.ppf(1 - plan.alpha / 2)
    if plan.method == "fixed":
        rejects[:, :-1] = False
    return np.asarray(rejects)
