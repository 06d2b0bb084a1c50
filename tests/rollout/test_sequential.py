"""Numbers that were published, or that oracles.md 5.4 gives, for tests that are looked at again and again."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_mlgov.rollout.power import difference_size, margin_size, sample_ratio
from jupyter_mlgov.rollout.sequential import Arm, constant_bounds, crossing, msprt, msprt_radius, paired, spending_bounds

FIFTHS = [0.2, 0.4, 0.6, 0.8, 1.0]


def test_msprt_value() -> None:
    """oracles.md 5.4 "mSPRT value": n=1000, d=.1, V=2, t2=.01."""
    assert msprt(1000, 0.1, 2.0, 0.01) == pytest.approx(3.278721627526389, rel=1e-14)
    assert 1 / msprt(1000, 0.1, 2.0, 0.01) == pytest.approx(0.3049969, abs=1e-7)


@pytest.mark.parametrize(
    ("alpha", "kind", "sides", "wanted"),
    [
        (0.025, "obrien-fleming", "one", [4.8769, 3.3570, 2.6803, 2.2898, 2.0310]),
        (0.05, "obrien-fleming", "two", [4.3826, 3.0997, 2.5534, 2.2538, 2.0635]),
        (0.05, "pocock", "two", [2.4380, 2.4268, 2.4102, 2.3966, 2.3860]),
    ],
)
def test_lan_demets_bounds_in_both_conventions(alpha: float, kind: str, sides: str, wanted: list[float]) -> None:
    """oracles.md 5.4 "Lan-DeMets OBF-type, K=5" in both conventions, and "Lan-DeMets Pocock-type K=5"."""
    assert spending_bounds(FIFTHS, alpha, kind=kind, sides=sides) == pytest.approx(wanted, abs=5.1e-5)


def test_three_looks_are_what_gsdesign_prints() -> None:
    """`gsDesign(k = 3, test.type = 1, alpha = 0.025, sfu = sfLDOF)$upper$bound`, printed in a public vignette on simulating such trials."""
    assert spending_bounds([1 / 3, 2 / 3, 1.0], 0.025) == pytest.approx([3.710303, 2.511427, 1.993048], abs=1e-6)


@pytest.mark.parametrize(
    ("looks", "pocock", "obf"),
    [(2, 2.1783, 1.9774), (3, 2.2895, 2.0040), (4, 2.3613, 2.0243), (5, 2.4132, 2.0401), (10, 2.5550, 2.0865)],
)
def test_pocock_and_obrien_fleming_constants(looks: int, pocock: float, obf: float) -> None:
    """Jennison & Turnbull 2000, tables 2.1 and 2.3; oracles.md 5.4 "Pocock c" and "OBF c"."""
    assert constant_bounds(looks, 0.05, "pocock")[0] == pytest.approx(pocock, abs=5.1e-5)
    assert constant_bounds(looks, 0.05, "obrien-fleming")[-1] == pytest.approx(obf, abs=5.1e-5)


def test_what_peeking_at_a_fixed_test_does() -> None:
    """Armitage, McPherson & Rowe 1969; oracles.md 5.4 "peeking at .05"."""
    for looks, wanted in ((1, 0.05), (2, 0.0831), (3, 0.1073), (4, 0.1262), (5, 0.1417), (10, 0.1934), (20, 0.2479), (50, 0.3204)):
        fractions = [(k + 1) / looks for k in range(looks)]
        assert crossing(fractions, [1.9599639845] * looks, "two")[-1] == pytest.approx(wanted, abs=5.1e-5)


def stops(drift: float, tau2: float, runs: int, looks: int = 5000) -> tuple[list[int], int]:
    """Where each of `runs` canaries of standard normal pairs (variance 2) stops at p under .05, and how many a naive test would stop."""
    random = np.random.default_rng(20261123)
    places = np.arange(1, looks + 1)
    bar = np.array([msprt_radius(float(n), 2.0, tau2, 0.05) for n in places])
    found, naive = [], 0
    for _ in range(runs // 200):
        means = np.abs(np.cumsum(random.normal(drift, math.sqrt(2), (200, looks)), axis=1) / places)
        over = means >= bar
        found += [int(one.argmax()) + 1 for one in over if one.any()]
        naive += int((means >= 1.959964 * np.sqrt(2 / places)).any(axis=1).sum())
    return found, naive


@pytest.mark.parametrize(("tau2", "share"), [(0.01, 0.026), (0.1, 0.040), (1.0, 0.043)])
def test_msprt_keeps_its_level_where_naive_looks_do_not(tau2: float, share: float) -> None:
    """oracles.md 5.4 "mSPRT type I": .026 / .040 / .043 at 5,000 looks, naive .61-.62; 1,000 runs here, so four standard errors."""
    found, naive = stops(0.0, tau2, 1000)
    assert len(found) / 1000 == pytest.approx(share, abs=4 * math.sqrt(share * (1 - share) / 1000))
    assert naive / 1000 == pytest.approx(0.615, abs=0.065)


def test_msprt_finds_a_tenth_and_stops_early() -> None:
    """oracles.md 5.4 "mSPRT power": d=.1, t2=.01: .98, stopping at 1,734 of 5,000 on average."""
    found, _ = stops(0.1, 0.01, 1000)
    stopped = [*found, *[5000] * (1000 - len(found))]
    assert len(found) / 1000 == pytest.approx(0.98, abs=0.018)
    assert sum(stopped) / 1000 == pytest.approx(1734, abs=160)


@pytest.mark.parametrize(
    ("before", "after", "pooled", "unpooled"),
    [
        (0.05, 0.06, 8158, 8155),
        (0.10, 0.12, 3841, 3839),
        (0.020, 0.025, 13809, 13807),
        (0.0017, 0.0022, 122203, 122200),
        (0.94, 0.92, 2554, 2551),
        (0.50, 0.55, 1565, 1562),
    ],
)
def test_sample_sizes(before: float, after: float, pooled: int, unpooled: int) -> None:
    """catalogue.md 4.2."""
    assert difference_size(before, after) == pooled
    assert difference_size(before, after, variance="unpooled") == unpooled


def test_sizes_for_being_not_worse() -> None:
    """catalogue.md 4.2: alerts per arm."""
    assert margin_size(0.94, 0.02) == 1744
    assert margin_size(0.03, 0.01) == 3599


@given(st.integers(1, 10**7), st.floats(1e-4, 2), st.floats(1e-8, 1), st.floats(1e-4, 0.5))
def test_the_interval_is_what_the_test_does_not_reject(n: int, variance: float, tau2: float, alpha: float) -> None:
    radius = msprt_radius(n, variance, tau2, alpha)
    assert msprt(n, radius, variance, tau2) == pytest.approx(1 / alpha, rel=1e-6)
    assert msprt(n, radius * 0.99, variance, tau2) < 1 / alpha


@given(st.lists(st.floats(0.01, 1.0), min_size=1, max_size=6, unique=True), st.floats(0.005, 0.2))
def test_spending_bounds_spend_alpha_and_no_more(raw: list[float], alpha: float) -> None:
    top = max(raw)
    fractions = sorted({round(one / top, 3) for one in raw})
    if fractions[0] <= 0.01:
        fractions[0] = 0.011 if len(fractions) == 1 or fractions[1] > 0.011 else fractions[0]
    bounds = spending_bounds(fractions, alpha)
    assert crossing(fractions, bounds, "one")[-1] == pytest.approx(alpha, rel=1e-6)


def test_unequal_arms_keep_the_variance_of_the_difference() -> None:
    n, d, variance = paired(Arm(n=9000, events=450), Arm(n=1000, events=60))
    assert d == pytest.approx(0.01)
    assert variance / n == pytest.approx(Arm(n=9000, events=450).variance / 9000 + Arm(n=1000, events=60).variance / 1000)
    assert n == pytest.approx(1800)


def test_the_split_is_checked_against_its_weights() -> None:
    assert sample_ratio((9500, 500), (95, 5)) == pytest.approx(1.0)
    assert sample_ratio((5000, 5200), (1, 1)) == pytest.approx(0.04767, abs=1e-5)
    assert sample_ratio((9000, 1000), (95, 5)) < 1e-50
    assert math.isnan(sample_ratio((0, 0), (1, 1)))
