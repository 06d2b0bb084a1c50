"""Distances between two samples: published numbers (oracles.md 5.4), laws, and scipy on random data."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.spatial import distance

from mlgov_validators.binning import bins, grid_ks, grid_wasserstein, number_grid, number_side
from mlgov_validators.distances import apart, ks_p
from mlgov_validators.divergence import chi_square, cramers_v, jensen_shannon, kl, psi, psi_interval, psi_null, psi_p
from mlgov_validators.intervals import benjamini_hochberg

TEN, SKEWED = [0.1] * 10, [0.06, 0.07, 0.08, 0.09, 0.10, 0.10, 0.11, 0.12, 0.13, 0.14]
FOUR, FALLING = [0.25] * 4, [0.4, 0.3, 0.2, 0.1]
PAPER = (
    0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0000,
)  # fmt: skip


def test_psi_oracle() -> None:
    """oracles.md 5.4 "PSI"."""
    assert psi(TEN, SKEWED) == pytest.approx(0.0625791, abs=5e-8)
    assert psi(FOUR, FALLING) == pytest.approx(0.2282174, abs=5e-8)
    assert (kl(FALLING, FOUR), kl(FOUR, FALLING)) == (pytest.approx(0.1064401, abs=5e-8), pytest.approx(0.1217773, abs=5e-8))


def test_jensen_shannon_oracle() -> None:
    """oracles.md 5.4 gives .0401816 to base 2; the closed form is .0402016 (by hand and by scipy): the line has a slip."""
    assert jensen_shannon(FOUR, FALLING) == pytest.approx(0.0402016, abs=5e-8)
    assert jensen_shannon(FOUR, FALLING) == pytest.approx(distance.jensenshannon(FOUR, FALLING, base=2) ** 2, abs=1e-15)
    assert jensen_shannon([1, 0], [0, 1]) == 1.0


def test_psi_null_oracle() -> None:
    """oracles.md 5.4 "PSI null"; catalogue.md 4.3: chance passes .10 in 35 % at 200 rows a side, 1.8 % at 400, 1e-7 at 1,000."""
    assert (psi_null(1000, 1000, 10), psi_null(200, 200, 10)) == (pytest.approx(0.018), pytest.approx(0.09))
    assert psi_null(1000, 1000, 10, 0.95) == pytest.approx(0.03384, abs=5e-6)
    assert psi_null(200, 200, 10, 0.95) == pytest.approx(0.1692, abs=5e-5)
    assert psi_p(0.1, 200, 200, 10) == pytest.approx(0.35, abs=0.005)
    assert psi_p(0.1, 400, 400, 10) == pytest.approx(0.018, abs=5e-4)
    assert psi_p(0.1, 1000, 1000, 10) == pytest.approx(1e-7, rel=0.1)


def test_psi_by_chance_is_what_a_simulation_gives() -> None:
    """Ten equal bins, 1,000 rows a side: the oracle's simulation had mean .01812 and 95 % point .03416."""
    random = np.random.default_rng(20261123)
    first, second = (random.multinomial(1000, TEN, size=4000) for _ in range(2))
    values = [psi(a, b) or 0.0 for a, b in zip(first.tolist(), second.tolist(), strict=True)]
    assert np.mean(values) == pytest.approx(0.018, rel=0.03)
    assert np.quantile(values, 0.95) == pytest.approx(0.03384, rel=0.04)


def test_the_interval_of_psi_covers_as_it_says() -> None:
    """True PSI .0625791 between two populations: about 95 of 100 intervals hold it."""
    random = np.random.default_rng(7)
    held = 0
    for _ in range(250):
        first, second = random.multinomial(1000, TEN).tolist(), random.multinomial(1000, SKEWED).tolist()
        low, high = psi_interval(psi(first, second) or 0.0, 1000, 1000, 10) or (1.0, 0.0)
        held += low <= 0.0625791 <= high
    assert held / 250 >= 0.92
    assert psi_interval(0.0, 1000, 1000, 10) == (0.0, 0.0)
    for value in (1e-6, 0.003, 0.018, 0.1, 3.0):
        bounds = psi_interval(value, 200, 1000, 10)
        assert bounds is not None
        assert 0 <= bounds[0] <= value <= bounds[1]


def test_bh_1995_oracle() -> None:
    """oracles.md 5.4 "BH 1995": 15 p-values, q = .05 rejects 4, Bonferroni 3."""
    adjusted = benjamini_hochberg(PAPER)
    assert sum(p <= 0.05 for p in adjusted) == 4
    assert sum(p * len(PAPER) <= 0.05 for p in PAPER) == 3
    assert list(adjusted) == pytest.approx(list(stats.false_discovery_control(PAPER, method="bh")))


def test_ks_and_wasserstein_oracle() -> None:
    """oracles.md 5.4 "KS/W1": 0..9 against 1..10, D .1, W1 1.0; exact, and on the grid of a stored profile as well."""
    first, second = np.arange(10.0), np.arange(1.0, 11.0)
    found = apart(first, second)
    assert found
    assert (found.ks, found.wasserstein) == (pytest.approx(0.1), pytest.approx(1.0))
    grid = number_grid(first)
    sides = [number_side(one, 0, grid) for one in (first, second)]
    assert (grid_ks(*sides) or (0,))[0] == pytest.approx(0.1)
    assert grid_wasserstein(*sides, grid) == pytest.approx(1.0)


def test_ks_critical_value_of_the_catalogue() -> None:
    """catalogue.md 4.3: n = m = 1000, 5 % critical value .0607."""
    assert ks_p((561, 500), 1000, 1000) < 0.05 < ks_p((560, 500), 1000, 1000)


@pytest.mark.parametrize("gap", [60, 150, 300, 400])
def test_the_limit_for_large_samples_is_scipys_law(gap: int) -> None:
    """scipy's one-sample law at n m / (n + m), which its two-sample test uses beyond 10,000 rows."""
    theirs = stats.kstwo.sf(gap / 20_000, 10_000)
    assert ks_p((10_000 + gap, 10_000), 20_000, 20_000) == pytest.approx(theirs, abs=2e-6)


finite = st.floats(-1e6, 1e6, width=32)


@pytest.mark.filterwarnings("ignore:ks_2samp")  # scipy's own, on samples of one or two
@settings(max_examples=100, deadline=None)
@given(st.lists(finite, min_size=1, max_size=60), st.lists(finite, min_size=1, max_size=60))
def test_distances_are_scipys_on_any_samples(a: list[float], b: list[float]) -> None:
    first, second = np.sort(np.array(a)), np.sort(np.array(b))
    found = apart(first, second)
    assert found
    theirs = stats.ks_2samp(a, b)
    assert found.ks == pytest.approx(theirs.statistic, abs=1e-12)
    assert found.wasserstein == pytest.approx(stats.wasserstein_distance(a, b), rel=1e-9, abs=1e-9)
    assert ks_p(found.below, len(a), len(b)) == pytest.approx(theirs.pvalue, rel=1e-9, abs=1e-12)


@settings(max_examples=150, deadline=None)
@given(st.lists(finite, min_size=1, max_size=400), st.lists(finite, min_size=1, max_size=400))
def test_no_row_is_lost_between_the_bins(a: list[float], b: list[float]) -> None:
    first, second = np.sort(np.array(a)), np.sort(np.array(b))
    grid = number_grid(first)
    sides = [number_side(one, 3, grid) for one in (first, second)]
    assert [sum(bins(side, grid)) for side in sides] == [len(a) + 3, len(b) + 3]
    assert bins(sides[0], grid)[-1] == 3
    assert len(grid.bin_labels) == len(bins(sides[0], grid))
    exact, coarse = apart(first, second), grid_ks(*sides)
    assert exact
    assert coarse
    assert coarse[0] <= exact.ks + 1e-9


@settings(max_examples=100)
@given(st.lists(st.integers(0, 500), min_size=2, max_size=12), st.data())
def test_psi_is_symmetric_never_negative_and_zero_on_itself(first: list[int], data: st.DataObject) -> None:
    second = data.draw(st.lists(st.integers(0, 500), min_size=len(first), max_size=len(first)))
    value = psi(first, second)
    assert (value is None) == (sum(first) == 0 or sum(second) == 0)
    if value is not None:
        assert value >= 0
        assert value == pytest.approx(psi(second, first) or 0.0)
        assert psi(first, first) == 0


def test_chi_square_is_scipys_contingency() -> None:
    first, second = [30, 20, 50, 0], [25, 35, 38, 2]
    value, freedom = chi_square(first, second) or (math.nan, 0)
    theirs = stats.chi2_contingency([first, second], correction=False)
    assert (value, freedom) == (pytest.approx(theirs.statistic), theirs.dof)
    assert cramers_v(value, 200) == pytest.approx(stats.contingency.association([first, second], method="cramer"))


def test_what_is_undefined_is_none() -> None:
    assert psi([0, 0], [1, 2]) is None
    assert kl([0], [0]) is None
    assert jensen_shannon([], []) is None
    assert chi_square([5, 0], [7, 0]) is None
    assert psi_null(0, 10, 10) is None
    assert psi_p(0.1, 10, 10, 1) is None
    assert apart(np.empty(0), np.ones(1)) is None
    assert kl([1, 1], [2, 0]) == math.inf
    with pytest.raises(ValueError, match="same bins"):
        psi([1], [1, 2])


def test_one_row_more_never_moves_an_empty_bin_down() -> None:
    """With a fixed 0.0001 one row of a million would weigh less than none."""
    rest = 10**6
    values = [psi([rest // 10, rest], [count, rest]) or 0.0 for count in (0, 1, 10, 100)]
    assert values == sorted(values, reverse=True)
    assert psi([100, 900], [0, 1000]) == pytest.approx((0.1 - 1e-4) * math.log(0.1 / 1e-4) + 0.1 * math.log(1 / 0.9))
