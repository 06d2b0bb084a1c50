"""Numbers printed in rules, papers and textbooks that oracles.md does not list. Each names its source; all were computed again."""

from __future__ import annotations

import math

import numpy as np
import pytest

from jupyter_mlgov.sdk import Verdict
from mlgov_validators.backtest import kupiec, traffic_light
from mlgov_validators.calibration import brier, murphy
from mlgov_validators.conditional import conditional
from mlgov_validators.decisions import mcnemar
from mlgov_validators.distances import apart, ks_p
from mlgov_validators.divergence import chi_square, chi_square_p, jensen_shannon
from mlgov_validators.error_rates import Confusion
from mlgov_validators.fairness import adverse_impact
from mlgov_validators.intervals import clopper_pearson, holm, newcombe, pooled_z, rate_gap_p, ratio_interval
from mlgov_validators.logistic import fit_logit
from mlgov_validators.proxies import cramer
from mlgov_validators.ranking import auc
from mlgov_validators.stratified import breslow_day, common_odds_ratio, mantel_haenszel_test, risk_difference

from .conftest import Make, judged

# -- rates ------------------------------------------------------------------------------------------------------------


def test_the_example_of_the_agencies(counts: Make) -> None:
    """Uniform Guidelines, Questions and Answers, no. 12 (44 FR 11996, 1979): 48 of 80 (60 %) and 12 of 40 (30 %), ratio 50 %."""
    (found,) = judged(adverse_impact, counts({"White": (48, 80), "Black": (12, 40)})).findings
    assert (found.measured, found.verdict) == (0.5, Verdict.FAIL)


def test_files_of_women_and_men(counts: Make) -> None:
    """Rosen & Jerdee, J. Applied Psychology 59 (1974): 14 of 24 "women" and 21 of 24 "men" promoted, a gap of 29.2 %. Too few to fail."""
    (found,) = judged(adverse_impact, counts({"woman": (14, 24), "man": (21, 24)})).findings
    assert found.measured == pytest.approx(2 / 3)
    assert round(21 / 24 - 14 / 24, 3) == 0.292
    assert found.verdict is Verdict.INCONCLUSIVE


def test_a_lady_tasting_tea() -> None:
    """Fisher, The Design of Experiments (1935), ch. II: all right by chance 1 in 70; three of four 17 in 70. Two-sided here."""
    assert rate_gap_p(4, 4, 0, 4) == (pytest.approx(2 / 70), "Fisher exact")
    assert rate_gap_p(3, 4, 1, 4) == (pytest.approx(34 / 70), "Fisher exact")


def test_convictions_of_twins() -> None:
    """Fisher, Statistical Methods for Research Workers, sec 21: 10 of 13 and 2 of 17, chi-square 13.032 without the correction."""
    z = pooled_z(2, 17, 10, 13)
    assert z is not None
    assert z * z == pytest.approx(13.032, abs=5e-4)


def test_aspirin_and_heart_attacks() -> None:
    """Physicians' Health Study; Agresti, Categorical Data Analysis, sec 2.2: 189 of 11,034 and 104 of 11,037, relative risk 1.82."""
    interval, method = ratio_interval(189, 11034, 104, 11037)
    assert method == "Katz"
    assert interval == pytest.approx((1.433, 2.306), abs=5e-4)
    assert pytest.approx(1.82, abs=5e-3) == 189 * 11037 / (104 * 11034)


@pytest.mark.parametrize(
    ("k", "n", "lower", "upper"), [(81, 263, 0.2527, 0.3676), (15, 148, 0.0578, 0.1617), (0, 20, 0, 0.1684), (1, 29, 0.0009, 0.1776)]
)
def test_clopper_pearson_as_in_newcombe_1998a(k: int, n: int, lower: float, upper: float) -> None:
    """Newcombe, Statistics in Medicine 17 (1998) 857-872, table I, method 5."""
    assert clopper_pearson(k, n) == pytest.approx((lower, upper), abs=5e-5)


@pytest.mark.parametrize(
    ("one", "other", "lower", "upper"),
    [
        ((6, 7), (2, 7), 0.0582, 0.8062), ((5, 56), (0, 29), -0.0381, 0.1926), ((0, 10), (0, 20), -0.1611, 0.2775),
        ((0, 10), (0, 10), -0.2775, 0.2775), ((10, 10), (0, 10), 0.6075, 1.0),
    ],
)  # fmt: skip
def test_the_other_differences_of_newcombe_1998b(one: tuple[int, int], other: tuple[int, int], lower: float, upper: float) -> None:
    """Newcombe, Statistics in Medicine 17 (1998) 873-890, table II, method 10, examples c to f and h."""
    assert newcombe(*one, *other) == pytest.approx((lower, upper), abs=5e-5)


def test_holms_steps_on_the_p_values_of_benjamini_and_hochberg() -> None:
    """Benjamini & Hochberg (1995), sec 3.2: Bonferroni (and Hochberg's step-up) reject three; Holm's step-down lies between the two."""
    p = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0]
    assert sum(one <= 0.05 for one in holm(p)) == 3
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx((0.03, 0.06, 0.06, 0.02))


# -- strata -----------------------------------------------------------------------------------------------------------


def test_penicillin_in_rabbits() -> None:
    """Mantel-Haenszel in R's help of mantelhaen.test (after Agresti 1990, p. 231): 3.9286, p .04747, common odds ratio 7 (1.03-47.73)."""
    strata = [(0, 6, 0, 5), (3, 6, 0, 6), (6, 6, 2, 6), (5, 6, 6, 6), (2, 2, 5, 5)]
    assert mantel_haenszel_test(strata) == pytest.approx((3.9286, 0.04747), abs=5e-5)
    odds = common_odds_ratio(strata)
    assert odds is not None
    assert odds.value == pytest.approx(7.0)
    assert odds.interval() == pytest.approx((1.026713, 47.725133), rel=1e-5)


# (exposed cases, exposed, unexposed cases, unexposed) by age.
ILLE_ET_VILAINE = [(1, 10, 0, 106), (4, 30, 5, 169), (25, 54, 21, 159), (42, 69, 34, 173), (19, 37, 36, 124), (5, 5, 8, 39)]


def test_alcohol_and_the_oesophagus() -> None:
    """Breslow & Day, Statistical Methods in Cancer Research I (1980), ch. 4: odds ratio 5.158 by Mantel-Haenszel, by age no heterogeneity.

    The crude table is 96, 109, 104, 666 and its odds ratio 5.64.
    """
    cases = [sum(one) for one in zip(*ILLE_ET_VILAINE, strict=True)]
    assert cases == [96, 96 + 109, 104, 104 + 666]
    assert pytest.approx(5.64, abs=5e-3) == 96 * 666 / (109 * 104)
    odds, agree = common_odds_ratio(ILLE_ET_VILAINE), breslow_day(ILLE_ET_VILAINE)
    assert odds is not None
    assert agree is not None
    assert odds.value == pytest.approx(5.158, abs=5e-4)
    assert (agree[1], agree[0]) == (5, pytest.approx(9.32, abs=0.02))


def test_smoking_and_lung_cancer_in_eight_cities() -> None:
    """Liu (1992), Agresti's table 3.3, and statsmodels' documentation: 2.174 (1.984-2.383), test 280.138, Breslow-Day 5.200, p .636."""
    from statsmodels.datasets import china_smoking

    data = china_smoking.load_pandas().data
    names = [f"smoking_{smokes}_cancer_{cancer}" for smokes in ("yes", "no") for cancer in ("yes", "no")]
    strata = [(a, a + b, c, c + d) for a, b, c, d in data[names].astype(int).itertuples(index=False)]
    odds, agree, test = common_odds_ratio(strata), breslow_day(strata), mantel_haenszel_test(strata, corrected=False)
    assert odds is not None
    assert agree is not None
    assert test is not None
    assert odds.value == pytest.approx(2.174, abs=6e-4)
    assert odds.interval() == pytest.approx((1.984, 2.383), abs=6e-4)
    assert test[0] == pytest.approx(280.138, abs=1e-3)
    assert agree == (pytest.approx(5.2, abs=6e-4), 7, pytest.approx(0.636, abs=6e-4))


KIDNEY = {"small": ((81, 87), (234, 270)), "large": ((192, 263), (55, 80))}


def test_kidney_stones_turn_round(table: Make) -> None:
    """Charig et al., BMJ 292 (1986); Julious & Mullee, BMJ 309 (1994): 78 % and 83 % in the whole, 93/87 % and 73/69 % by size."""
    rows = [
        (size, way, int(number < k))
        for size, pair in KIDNEY.items()
        for way, (k, n) in zip(("open", "keyhole"), pair, strict=True)
        for number in range(n)
    ]
    columns = {name: [row[place] for row in rows] for place, name in enumerate(("size", "way", "good"))}
    (found,) = judged(conditional, table(columns, outcome="good", favourable="1", protected=("way",), legitimate=("size",))).findings
    assert found.details["raw_gap"] == pytest.approx(273 / 350 - 289 / 350)
    assert isinstance(found.measured, float)
    assert found.measured > 0
    assert found.verdict is Verdict.INCONCLUSIVE
    assert "changes direction" in found.message
    difference = risk_difference([(*one, *other) for one, other in KIDNEY.values()])
    assert difference is not None
    assert 73 / 100 - 69 / 100 - 0.01 < difference[0] < 93 / 100 - 87 / 100 + 0.01


def test_compas_is_as_accurate_for_both() -> None:
    """Dressel & Farid, Science Advances 4 (2018), table 1: accuracy 63.8 % for black and 67.0 % for white defendants."""
    assert Confusion(label="", tp=1369, fn=532, fp=805, tn=990).accuracy == pytest.approx(0.638, abs=5e-4)
    assert Confusion(label="", tp=505, fn=461, fp=349, tn=1139).accuracy == pytest.approx(0.670, abs=5e-4)


# -- ranking and probability ------------------------------------------------------------------------------------------

RATINGS = ((33, 6, 6, 11, 2), (3, 2, 2, 11, 33))  # 58 normal and 51 abnormal scans, rated 1 to 5


def test_the_ct_scans_of_hanley_and_mcneil() -> None:
    """Hanley & McNeil, Radiology 143 (1982), table I: area .893. DeLong's error, .0307 (.83295-.95339), as Stata's [R] roctab prints it."""
    score = np.repeat(np.tile(np.arange(1.0, 6.0), 2), [*RATINGS[0], *RATINGS[1]])
    label = np.repeat([False, True], [58, 51])
    area = auc(score, label)
    assert area.value == pytest.approx(0.893, abs=5e-4)
    assert math.sqrt(area.variance) == pytest.approx(0.0307, abs=5e-5)
    assert area.interval() == pytest.approx((0.83295, 0.95339), abs=5e-5)


def test_the_ten_forecasts_of_brier() -> None:
    """Brier, Monthly Weather Review 78 (1950), table 1: P = .19 over both classes; this is half of it. Murphy's parts (1973) add up."""
    p = np.array([0.7, 0.9, 0.8, 0.4, 0.2, 0.0, 0.0, 0.0, 0.0, 0.1])
    y = np.array([0.0, 1, 1, 1, 0, 0, 0, 0, 0, 0])
    assert 2 * brier(p, y) == pytest.approx(0.19)
    from mlgov_validators.calibration import Bin

    each = [Bin(n=int((p == one).sum()), predicted=float(one), observed=float(y[p == one].mean())) for one in np.unique(p)]
    reliability, resolution, uncertainty = murphy(tuple(each))
    assert reliability - resolution + uncertainty == pytest.approx(0.095)
    assert uncertainty == pytest.approx(0.3 * 0.7)


def test_the_logit_of_spector_and_mazzeo() -> None:
    """Greene, Econometric Analysis, the example of PSI (Spector & Mazzeo 1980): -13.021, 2.826, .095, 2.379; errors 4.931 to 1.065."""
    from statsmodels.datasets import spector

    data = spector.load_pandas().data
    columns = np.column_stack([np.ones(len(data)), data[["GPA", "TUCE", "PSI"]].to_numpy(float)])
    fit = fit_logit(columns, data["GRADE"].to_numpy(float), np.ones(len(data)))
    assert fit is not None
    assert list(fit.coefficients) == pytest.approx([-13.021, 2.826, 0.095, 2.379], abs=6e-4)
    assert [fit.error(place) for place in range(4)] == pytest.approx([4.931, 1.263, 0.1415, 1.065], abs=6e-4)


def test_mcnemar_without_the_correction_is_the_square_of_z() -> None:
    """McNemar, Psychometrika 12 (1947): (b - c)^2 / (b + c)."""
    assert mcnemar(40, 60, corrected=False)[0] == 4.0


# -- back-tests -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rate", "days", "first", "last"),
    [
        (0.01, 255, 1, 6), (0.01, 510, 2, 10), (0.01, 1000, 5, 16), (0.025, 255, 3, 11), (0.025, 510, 7, 20), (0.025, 1000, 16, 35),
        (0.05, 255, 7, 20), (0.05, 510, 17, 35), (0.05, 1000, 38, 64), (0.075, 255, 12, 27), (0.075, 510, 28, 50),
        (0.075, 1000, 60, 91), (0.10, 255, 17, 35), (0.10, 510, 39, 64), (0.10, 1000, 82, 119),
    ],
)  # fmt: skip
def test_where_kupiec_does_not_reject(rate: float, days: int, first: int, last: int) -> None:
    """Kupiec, Journal of Derivatives 3 (1995), non-rejection regions at 95 %. For 255 days and 1 % it prints N < 7; none at all
    has a ratio of 5.13, which is over the limit as well.
    """
    kept = [n for n in range(days // 4) if kupiec(n, days, rate)[0] <= 3.841459]
    assert (kept[0], kept[-1]) == (first, last)


@pytest.mark.parametrize(
    ("exceptions", "percent"),
    [(0, 8.11), (1, 28.58), (2, 54.32), (3, 75.81), (4, 89.22), (5, 95.88), (6, 98.63), (7, 99.60), (8, 99.89), (9, 99.97), (10, 99.99)],
)
def test_the_whole_table_of_basel(exceptions: int, percent: float) -> None:
    """Basel Committee, Supervisory framework for the use of backtesting (January 1996), table 2."""
    assert 100 * traffic_light(exceptions, 250, 0.01)[1] == pytest.approx(percent, abs=6e-3)


# -- distances --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("lam", "p"), [(1.2238, 0.10), (1.3581, 0.05), (1.6276, 0.01)])
def test_smirnovs_table(lam: float, p: float) -> None:
    """Smirnov, Annals of Mathematical Statistics 19 (1948): the limits of the two-sample distance at 10, 5 and 1 %."""
    n = 2_000_000
    below = round(lam * math.sqrt(2 / n) * n)
    assert ks_p((below, 0), n, n) == pytest.approx(p, rel=5e-3)


def test_two_samples_of_ten() -> None:
    """Massey, Annals of Mathematical Statistics 23 (1952): of ten and ten, a distance of .7 is significant at 5 %, one of .6 is not."""
    assert ks_p((7, 0), 10, 10) < 0.05 < ks_p((6, 0), 10, 10)


@pytest.mark.parametrize(
    ("one", "other", "distance"), [([0, 1, 3], [5, 6, 8], 5.0), ([0, 0, 0, 1], [0, 0, 1, 1], 0.25), ([0, 1], [0, 1], 0.0)]
)
def test_wasserstein_as_scipy_documents_it(one: list[float], other: list[float], distance: float) -> None:
    """The examples of scipy.stats.wasserstein_distance; the second with its weights 3:1 and 2:2 as rows."""
    found = apart(np.array(one, float), np.array(other, float))
    assert found is not None
    assert found.wasserstein == pytest.approx(distance)


def test_jensen_shannon_as_scipy_documents_it() -> None:
    """scipy.spatial.distance.jensenshannon: ([1,0,0],[0,1,0]) to base 2 is 1; ([1,0],[.5,.5]) to base e is 0.46450140402245893."""
    assert jensen_shannon([1, 0, 0], [0, 1, 0]) == pytest.approx(1.0)
    assert math.sqrt(jensen_shannon([1, 0], [0.5, 0.5], base=math.e) or 0) == pytest.approx(0.46450140402245893, abs=1e-15)


def test_chi_square_as_scipy_documents_it() -> None:
    """scipy.stats.chi2_contingency of [[10, 10, 20], [20, 20, 20]]: 2.7777777777777777, p 0.24935220877729619, 2 degrees of freedom."""
    found = chi_square([10, 10, 20], [20, 20, 20])
    assert found == (pytest.approx(2.7777777777777777), 2)
    assert chi_square_p(*found) == pytest.approx(0.24935220877729619)


def test_cramers_v_as_scipy_documents_it() -> None:
    """scipy.stats.contingency.association of [[100, 150], [203, 322], [420, 700], [320, 210]]: 0.18617813077483678."""
    cells = np.array([[100, 150], [203, 322], [420, 700], [320, 210]])
    rows, columns = np.indices(cells.shape)
    repeated = [np.repeat(one.ravel(), cells.ravel()) for one in (rows, columns)]
    assert cramer(*repeated)[0] == pytest.approx(0.18617813077483678)


def test_the_herfindahl_example_of_the_merger_guidelines() -> None:
    """US Department of Justice: four firms of 30, 30, 20 and 20 percent give 2,600."""
    from dataclasses import replace

    from jupyter_mlgov.sdk import Roles, Subject, SubjectRef
    from mlgov_validators.governance import aggregate

    nodes = {f"d{place}": {"feeds": [f"m{n}" for n in range(count)], "fallback": "x"} for place, count in enumerate((30, 30, 20, 20))}
    subject = replace(Subject(ref=SubjectRef(kind="model", name="m"), roles=Roles()), register={"dependencies": nodes})
    assert judged(aggregate, subject).findings[-1].measured == pytest.approx(0.26)


@pytest.mark.parametrize(
    ("cells", "ratio", "lower", "upper"),
    [
        ((4, 123, 11, 139), 0.41, 0.13, 1.26),  # Aronson 1948
        ((6, 306, 29, 303), 0.20, 0.09, 0.49),  # Ferguson & Simes 1949
        ((3, 231, 11, 220), 0.26, 0.07, 0.92),  # Rosenthal et al. 1960
        ((62, 13598, 248, 12867), 0.24, 0.18, 0.31),  # Hart & Sutherland 1977
        ((505, 88391, 499, 88391), 1.01, 0.89, 1.14),  # Madras 1980
    ],
)
def test_bcg_against_tuberculosis(cells: tuple[int, int, int, int], ratio: float, lower: float, upper: float) -> None:
    """The ratios of rates that every forest plot of the BCG trials prints (Colditz et al., JAMA 1994), with Katz's interval."""
    k, n, k_ref, n_ref = cells
    found, method = ratio_interval(*cells)
    assert method == "Katz"
    assert round(k * n_ref / (n * k_ref), 2) == ratio
    assert found is not None
    assert [round(end, 2) for end in found] == [lower, upper]


def test_vitamin_c_and_colds() -> None:
    """Pauling 1971, as in Agresti, Categorical Data Analysis: 17 of 139 against 31 of 140; Pearson's chi-square 4.81, p 0.028."""
    z = pooled_z(17, 139, 31, 140)
    assert z is not None
    assert round(z * z, 2) == 4.81
    assert round(rate_gap_p(17, 139, 31, 140)[0], 3) == 0.028


def test_tolbutamide_by_age() -> None:
    """UGDP 1970, as in Rothman, Greenland & Lash, Modern Epidemiology: odds ratio 1.40 and difference 0.035 over both ages."""
    strata = [(8, 106, 5, 120), (22, 98, 16, 85)]
    odds, gap = common_odds_ratio(strata), risk_difference(strata)
    assert odds is not None
    assert gap is not None
    assert (round(odds.value, 2), round(gap[0], 3)) == (1.40, 0.035)
