"""Worked examples on public pages (handouts, manuals, package documentation), each with the numbers that the page prints."""

from __future__ import annotations

import math

import numpy as np
import pytest

from jupyter_mlgov.sdk import Verdict
from mlgov_validators.decisions import mcnemar
from mlgov_validators.divergence import chi_square, chi_square_p, psi_of_shares
from mlgov_validators.fairness import adverse_impact
from mlgov_validators.intervals import (
    benjamini_hochberg,
    clopper_pearson,
    holm,
    pooled_z,
    ratio_interval,
    two_sided,
)
from mlgov_validators.ranking import auc, average_precision
from mlgov_validators.stratified import breslow_day, common_odds_ratio, mantel_haenszel_test

from .conftest import Make, judged

# (exposed cases, exposed, unexposed cases, unexposed) in each stratum, as the handouts of Columbia's course P8120 give them.
TEETH = [(30, 55, 12, 29), (4, 10, 68, 162)]
CERVICAL = [(12, 33, 25, 143), (96, 244, 92, 242)]
HEALTH_POLICY = [(55, 190, 7, 60), (48, 60, 96, 190)]


@pytest.mark.parametrize(
    ("strata", "statistic", "p"), [(TEETH, 0.57493, 0.4483), (CERVICAL, 4.2069, 0.04026)], ids=["tetracycline", "cervical cancer"]
)
def test_breslow_day_as_desctools_prints_it(strata: list[tuple[int, int, int, int]], statistic: float, p: float) -> None:
    """msph-p8120.github.io/breslow_day.html: DescTools' BreslowDayTest of the course's two examples."""
    found = breslow_day(strata)
    assert found is not None
    assert (found[0], found[1], found[2]) == (pytest.approx(statistic, rel=5e-5), 1, pytest.approx(p, abs=5e-5))


def test_opinion_on_health_policy_by_region() -> None:
    """msph-p8120.github.io/cmh.html: R's mantelhaen.test(correct = FALSE), 23.05, p 1.578e-06, odds ratio 3.541726 (2.066744-6.069367)."""
    tested, odds = mantel_haenszel_test(HEALTH_POLICY, corrected=False), common_odds_ratio(HEALTH_POLICY)
    assert tested is not None
    assert odds is not None
    assert tested == (pytest.approx(23.05, abs=5e-3), pytest.approx(1.578e-06, rel=5e-4))
    assert odds.value == pytest.approx(3.541726, abs=5e-7)
    assert odds.interval() == pytest.approx((2.066744, 6.069367), abs=5e-7)


def test_aspirin_and_blood_clots() -> None:
    """Moore, McCabe & Craig, Introduction to the Practice of Statistics, 9th ed., example 8.18: 45 and 73 of 411, 62 %, .4364-.8707."""
    interval, method = ratio_interval(45, 411, 73, 411)
    assert method == "Katz"
    assert interval == pytest.approx((0.4364, 0.8707), abs=5e-5)
    assert pytest.approx(0.62, abs=5e-3) == 45 / 73


def test_the_relative_risk_of_scipys_manual() -> None:
    """scipy.stats.contingency.relative_risk(27, 122, 44, 487): interval 1.5836990926700116 to 3.7886786315466354."""
    interval, method = ratio_interval(27, 122, 44, 487)
    assert method == "Katz"
    assert interval == pytest.approx((1.5836990926700116, 3.7886786315466354), abs=1e-12)


def test_the_exact_interval_of_scipys_manual() -> None:
    """scipy.stats.binomtest(k=7, n=50).proportion_ci(): 0.05819170033997342 to 0.26739600249700846."""
    assert clopper_pearson(7, 50) == pytest.approx((0.05819170033997342, 0.26739600249700846), abs=1e-12)


def test_women_who_smoke_twenty_years_later() -> None:
    """Appleton et al. (1996) in Faraway (2006), sec 4.4, as R prints it: dead 139 of 582 and 230 of 732, chi-square 9.121, p .002527."""
    z = pooled_z(139, 582, 230, 732)
    assert z is not None
    assert z * z == pytest.approx(9.121, abs=5e-4)
    assert two_sided(z) == pytest.approx(0.002527, abs=5e-7)


def test_the_same_people_asked_twice_about_the_president() -> None:
    """Agresti (1990), p. 350, in R's help of mcnemar.test; Penn State's STAT 504 prints 17.3559, p 3.099e-05, without the correction."""
    assert mcnemar(86, 150, corrected=False) == (pytest.approx(17.3559, abs=5e-5), pytest.approx(3.099e-05, rel=5e-4))


def test_smokers_in_four_groups_of_patients() -> None:
    """Fleiss (1981) in R's help of prop.test; matstat.org prints 12.6 with 3 degrees of freedom, p .005585."""
    smokers, patients = (83, 90, 129, 70), (86, 93, 136, 82)
    found = chi_square(smokers, tuple(all_ - k for all_, k in zip(patients, smokers, strict=True)))
    assert found == (pytest.approx(12.6, abs=5e-3), 3)
    assert chi_square_p(*found) == pytest.approx(0.005585, abs=5e-7)


def test_smokers_in_four_groups_have_their_verdict(counts: Make) -> None:
    """The same table as a question of four fifths: 70 of 82 (85.4 %) against 90 of 93 (96.8 %) is a ratio of 88.2 %."""
    groups = dict(zip("abcd", ((83, 86), (90, 93), (129, 136), (70, 82)), strict=True))
    found = judged(adverse_impact, counts(groups)).findings
    lowest = min(one.measured for one in found if one.measured is not None)
    assert lowest == pytest.approx((70 / 82) / (90 / 93))
    assert not any(one.verdict is Verdict.FAIL for one in found)


@pytest.mark.parametrize(
    ("p", "method", "expected"),
    [
        ((0.319, 0.201, 0.4, 0.374, 0.113), holm, {0: 0.957, 1: 0.804, 4: 0.565}),
        ((0.319, 0.201, 0.4, 0.374, 0.113), benjamini_hochberg, {0: 0.4, 1: 0.4, 2: 0.4, 3: 0.4, 4: 0.4}),
        ((0.008, 0.03, 0.123, 0.6, 0.2), benjamini_hochberg, {0: 0.04, 1: 0.075, 2: 0.205, 3: 0.6, 4: 0.25}),
    ],
    ids=["holm", "bh, all level", "bh"],
)
def test_adjusted_p_values_as_stdlib_documents_them(p: tuple[float, ...], method: object, expected: dict[int, float]) -> None:
    """@stdlib/stats/padjust, the examples of its page (after R's p.adjust)."""
    found = method(p)  # type: ignore[operator]  # one of two functions
    assert {place: found[place] for place in expected} == pytest.approx(expected)


@pytest.mark.parametrize(
    ("value", "freedom", "p"),
    [(24.40567, 10, 0.006593), (0.1, 1, 0.751830), (0.1, 2, 0.951229)],
    ids=["Hosmer-Lemeshow", "PSI, 1 df", "PSI, 2 df"],
)
def test_tails_of_chi_square(value: float, freedom: int, p: float) -> None:
    """real-statistics.com, Hosmer-Lemeshow test, example 1 (12 groups); stats.stackexchange.com, question 219822, on the PSI."""
    assert chi_square_p(value, freedom) == pytest.approx(p, abs=5e-7)


def test_the_incomes_of_two_years() -> None:
    """GeeksforGeeks, Population Stability Index: 40/30/30 % expected, 35/25/40 % observed; the sum of its three terms, by hand."""
    by_hand = -0.05 * math.log(7 / 8) - 0.05 * math.log(5 / 6) + 0.1 * math.log(4 / 3)
    assert psi_of_shares((0.4, 0.3, 0.3), (0.35, 0.25, 0.4)) == pytest.approx(by_hand, abs=1e-15)
    assert by_hand == pytest.approx(0.0446, abs=5e-5)


def test_four_scores_of_scikit_learns_manual() -> None:
    """sklearn.metrics.average_precision_score of (0, 0, 1, 1) and (.1, .4, .35, .8): by its formula (1 + 2/3) / 2; three of four pairs."""
    score, label = np.array([0.1, 0.4, 0.35, 0.8]), np.array([False, False, True, True])
    assert average_precision(score, label) == pytest.approx(5 / 6)
    assert auc(score, label).value == pytest.approx(0.75)
