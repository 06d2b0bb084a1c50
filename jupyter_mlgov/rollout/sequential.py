"""Tests of a difference that may be looked at again and again: mSPRT at any time, group-sequential bounds at planned looks.

Rates of two arms; d is challenger minus champion. Conventions are named, since two of them are called "the" Lan-DeMets bounds.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.stats import norm

Sides = Literal["one", "two"]
Spending = Literal["obrien-fleming", "pocock"]

_REACH = 8.0  # beyond eight standard deviations a normal density is nothing
_FARTHEST = 12.0
_NODES = 160  # the bounds stand to the tenth digit from about 100 on


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """Cumulative counts of one arm: `events` of `n` units."""

    n: int
    events: int

    @property
    def rate(self) -> float:
        """Events per unit; NaN where there is no unit."""
        return self.events / self.n if self.n else math.nan

    @property
    def variance(self) -> float:
        """p(1-p), with half an event added to either side: no plug-in variance is zero because nothing happened yet."""
        rate = (self.events + 0.5) / (self.n + 1)
        return rate * (1 - rate)


def msprt(n: float, d: float, variance: float, tau2: float) -> float:
    """The mixture likelihood ratio L_n of "d is not 0" against "d is 0".

    `n` units per arm, `variance` V = s1^2 + s2^2 of one pair, `tau2` the variance of the normal mixture over d (house default: MDE^2).
    Reject at level alpha when L >= 1/alpha, at any time, however often one looked.
    Source: Robbins 1970; Johari, Pekelis & Walsh 2017 (KDD), 2022 (Operations Research), eq. for the normal mixture.
    """
    spread = variance + n * tau2
    return math.sqrt(variance / spread) * math.exp(min(n * n * tau2 * d * d / (2 * variance * spread), 700.0))


def msprt_radius(n: float, variance: float, tau2: float, alpha: float) -> float:
    """Half the width of the always-valid interval around d: the values that msprt() has not rejected."""
    spread = variance + n * tau2
    return math.sqrt(2 * variance * spread / (n * n * tau2) * (math.log(1 / alpha) + 0.5 * math.log(spread / variance)))


def paired(champion: Arm, challenger: Arm) -> tuple[float, float, float]:
    """(n, d, V) for msprt() from two arms of any sizes: n is their harmonic mean, V keeps the variance of d at V / n."""
    n = 2 / (1 / champion.n + 1 / challenger.n)
    spread = champion.variance / champion.n + challenger.variance / challenger.n
    return n, challenger.rate - champion.rate, n * spread


def spent(t: float, alpha: float, kind: Spending) -> float:
    """The error that may be used up to information fraction t, by Lan & DeMets 1983 (Biometrika 70).

    O'Brien-Fleming type 2 - 2 Phi(z_{alpha/2} / sqrt t); Pocock type alpha ln(1 + (e - 1) t).
    """
    if kind == "pocock":
        return alpha * math.log(1 + (math.e - 1) * t)
    return float(2 - 2 * norm.cdf(norm.ppf(1 - alpha / 2) / math.sqrt(t)))


def spending_bounds(
    fractions: Sequence[float], alpha: float, *, kind: Spending = "obrien-fleming", sides: Sides = "one"
) -> tuple[float, ...]:
    """Critical z at each look, by the spending function and the recursion of Armitage, McPherson & Rowe 1969.

    `fractions` rise to at most 1. `sides="one"`: alpha is spent on the upper side alone (two such bounds at .025 are what most software
    prints as "two-sided .05"). `sides="two"`: alpha is spent on |z|. The two conventions differ, and both are right.
    """
    _rising(fractions)
    steps = [spent(t, alpha, kind) for t in fractions]
    return _bounds(fractions, [now - before for now, before in zip(steps, [0.0, *steps[:-1]], strict=True)], sides)


def constant_bounds(looks: int, alpha: float, kind: Spending) -> tuple[float, ...]:
    """The classical two-sided bounds at equally spaced looks: Pocock's one c, or O'Brien & Fleming's c / sqrt(k / K)."""
    fractions = [(k + 1) / looks for k in range(looks)]

    def shape(c: float) -> list[float]:
        return [c if kind == "pocock" else c / math.sqrt(t) for t in fractions]

    c = float(brentq(lambda value: crossing(fractions, shape(value), "two")[-1] - alpha, 1.0, 5.0, xtol=1e-9))
    return tuple(shape(c))


def crossing(fractions: Sequence[float], bounds: Sequence[float], sides: Sides, drift: float = 0.0) -> tuple[float, ...]:
    """The chance of having crossed `bounds` by each look, where z at information 1 has mean `drift`."""
    walk, total, told = _Walk.start(drift), 0.0, []
    for t, bound in zip(fractions, bounds, strict=True):
        total += walk.beyond(t, bound, sides)
        told.append(total)
        walk = walk.kept(t, bound, sides)
    return tuple(told)


def _rising(fractions: Sequence[float]) -> None:
    if not fractions or any(b <= a for a, b in zip([0.0, *fractions], fractions, strict=False)) or fractions[-1] > 1 + 1e-12:
        raise ValueError("Information fractions rise from over 0 to at most 1.")


def _bounds(fractions: Sequence[float], steps: Sequence[float], sides: Sides) -> tuple[float, ...]:
    walk, found = _Walk.start(0.0), []
    for t, step in zip(fractions, steps, strict=True):
        # An early look may spend so little that no z a float can tell from certainty reaches it: its bound is infinite.
        lost = walk.beyond(t, _FARTHEST, sides) >= step
        found.append(math.inf if lost else float(brentq(_left, 0.0, _FARTHEST, args=(walk, t, sides, step), xtol=1e-12)))
        walk = walk.kept(t, found[-1], sides)
    return tuple(found)


def _left(z: float, walk: _Walk, t: float, sides: Sides, step: float) -> float:
    return walk.beyond(t, z, sides) - step


@lru_cache(maxsize=1)
def _legendre() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    return nodes, weights


@dataclass(frozen=True, slots=True)
class _Walk:
    """The score process that has not crossed yet, at information `t`: mass `mass[j]` near `points[j]` (Gauss-Legendre)."""

    t: float
    drift: float
    points: NDArray[np.float64]
    mass: NDArray[np.float64]

    @classmethod
    def start(cls, drift: float) -> _Walk:
        return cls(0.0, drift, np.zeros(1), np.ones(1))

    def beyond(self, t: float, z: float, sides: Sides) -> float:
        """The chance to be beyond the bound `z` (in standard deviations) at the look at `t`."""
        spread, edge = math.sqrt(t - self.t), z * math.sqrt(t)
        mean = self.points + self.drift * (t - self.t)
        tail = norm.sf((edge - mean) / spread)
        if sides == "two":
            tail = tail + norm.cdf((-edge - mean) / spread)
        return float(self.mass @ tail)

    def kept(self, t: float, z: float, sides: Sides) -> _Walk:
        """What goes on after the look at `t`."""
        spread, edge = math.sqrt(t - self.t), min(z, _FARTHEST) * math.sqrt(t)
        low = -edge if sides == "two" else min(self.drift * t, 0.0) - _REACH * math.sqrt(t)
        nodes, weights = _legendre()
        points = low + (edge - low) * (nodes + 1) / 2
        mean = self.points + self.drift * (t - self.t)
        density = norm.pdf((points[:, None] - mean[None, :]) / spread) / spread @ self.mass
        return _Walk(t, self.drift, points, density * weights * (edge - low) / 2)
