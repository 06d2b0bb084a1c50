"""priv.special, priv.purpose, priv.dpia, priv.ropa: what was not written down is not there, and what was is read to the word."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from jupyter_mlgov.core.team import Scope
from jupyter_mlgov.sdk import Roles, Subject, SubjectRef, Verdict
from jupyter_mlgov.testing import ANA
from jupyter_mlgov.validation.records import Act, Form, Records
from mlgov_validators.assessments import DPIA, FRIA, ROPA, impact_assessment, processing_record
from mlgov_validators.filled import lack, moment
from mlgov_validators.purpose import purpose
from mlgov_validators.special import special_categories

from .conftest import THEN, Make, digest, judged, lineage
from .told import verdict

WORDS = "What is written here is long enough to be read."
SIX = dict.fromkeys("abcdef", "A condition in words of its own.")


def model(**more: Any) -> Subject:
    ref = SubjectRef(kind="model", name="m", notebook="n.ipynb", model=digest("model"))
    return Subject(**{"ref": ref, "roles": Roles(), "lineage": lineage(), "register": {}, **more})


# -- special categories -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("column", "category"),
    [
        ("race", "racial or ethnic origin"), ("applicantEthnicity", "racial or ethnic origin"),
        ("kirchensteuer", "religious"), ("religion_code", "religious"),
        ("icd10", "health"), ("gesundheit_score", "health"), ("union_membership", "trade union"), ("dna_marker", "genetic"),
        ("sexual_orientation", "sex life"), ("prior_convictions", "criminal"), ("partei", "political"), ("iris_scan", "biometric"),
    ],
)  # fmt: skip
def test_a_special_feature_without_a_ground_fails(table: Make, column: str, category: str) -> None:
    result = judged(special_categories, table({column: [0, 1]}, features=(column,)))
    assert result.verdict is Verdict.FAIL
    assert f"data on {category}" in result.summary
    assert "ground is recorded" in result.summary


@pytest.mark.parametrize(
    "column", ["racecourse", "income", "healthy_margin_ratio", "offence", "trade_date", "unemployed", "sex", "blacklist", "score"]
)
def test_other_columns_are_not_special(table: Make, column: str) -> None:
    expected = Verdict.FAIL if column == "offence" else Verdict.PASS
    assert judged(special_categories, table({column: [0, 1]}, features=(column,))).verdict is expected


@pytest.mark.parametrize(
    ("values", "category"),
    [(["Catholic", "Muslim", "other"], "religious"), (["A10", "B20.1", "C34"], "health"), (["gay", "straight"], "sex life")],
)
def test_values_tell_a_category_whatever_the_column_is_called(table: Make, values: list[str], category: str) -> None:
    result = judged(special_categories, table({"group_code": values}, features=("group_code",)))
    assert result.verdict is Verdict.FAIL
    assert category in result.summary


@pytest.mark.parametrize(
    ("ground", "verdict"),
    [
        ("9(2)(a), consent form C-12", Verdict.PASS),
        ("9 (2) (j)", Verdict.PASS),
        ("9(2)(k)", Verdict.FAIL),
        ("we need it", Verdict.FAIL),
        ("", Verdict.FAIL),
    ],
)
def test_a_ground_is_one_of_the_ten_of_article_9(table: Make, ground: str, verdict: Verdict) -> None:
    subject = replace(table({"health": [0, 1]}, features=("health",)), register={"personal": {"grounds": {"health": ground}}})
    assert judged(special_categories, subject).verdict is verdict


def test_bias_testing_needs_all_six_conditions(table: Make) -> None:
    given = table({"race": ["a", "b"], "x": [1, 2]}, protected=("race",), features=("x",))
    assert judged(special_categories, given).verdict is Verdict.FAIL
    five = replace(given, register={"personal": {"conditions": {"race": {**SIX, "f": ""}}}})
    assert "(f) are not recorded" in judged(special_categories, five).summary
    assert judged(special_categories, replace(given, register={"personal": {"conditions": {"race": SIX}}})).verdict is Verdict.PASS


def test_what_a_proxy_tells_counts_and_what_is_none_is_said_with_its_reason(table: Make) -> None:
    given = table({"zip": ["1", "2"], "race_number": [1, 2]}, features=("zip", "race_number"))
    told = {"personal": {"inferred": {"zip": "racial or ethnic origin"}, "not_special": {"race_number": "the number of a horse race"}}}
    result = judged(special_categories, replace(given, register=told))
    assert [one.where for one in result.findings if one.verdict is Verdict.FAIL] == ["zip"]


def test_unknown_use_is_not_clean_and_no_use_is_a_warning(table: Make) -> None:
    assert judged(special_categories, table({"religion": ["a", "b"]})).verdict is Verdict.INCONCLUSIVE
    assert judged(special_categories, table({"religion": ["a", "b"], "x": [1, 2]}, features=("x",))).verdict is Verdict.WARN


# -- purpose ----------------------------------------------------------------------------------------------------------


def sets(**entry: object) -> dict[str, Any]:
    return {
        "personal": {"purpose": "credit scoring", "datasets": {"d.parquet": {"purposes": ["credit scoring"], "basis": "contract", **entry}}}
    }


@pytest.mark.parametrize(
    ("register", "expected", "said"),
    [
        (sets(), Verdict.PASS, "1 data sets"),
        (sets(purposes=["marketing"]), Verdict.FAIL, "d.parquet was collected for marketing; this run declares credit scoring."),
        (sets(purposes=["marketing"], compatible={"credit scoring": "CA-3"}), Verdict.PASS, "1 data sets"),
        (sets(purposes=[]), Verdict.FAIL, "does not say for which purposes"),
        (sets(basis=""), Verdict.FAIL, "no basis"),
        (sets(basis="because"), Verdict.FAIL, "the basis 'because'"),
        (sets(basis="consent"), Verdict.FAIL, "names no reference"),
        (sets(basis="legitimate interests", reference="LIA-7"), Verdict.PASS, "1 data sets"),
        (sets(personal=False), Verdict.FAIL, "not why"),
        (sets(personal=False, why="prices of houses, no owners"), Verdict.PASS, "1 data sets"),
        ({"personal": {"purpose": "credit scoring"}}, Verdict.FAIL, "has no entry"),
    ],
)  # fmt: skip
def test_purpose_and_basis_of_every_data_set(register: dict[str, Any], expected: Verdict, said: str) -> None:
    result = judged(purpose, model(register=register))
    assert (result.verdict, said in result.summary) == (expected, True), result.summary


@pytest.mark.parametrize("register", [{}, {"personal": {"datasets": {}, "x": 1}}])
def test_without_a_purpose_nothing_is_said(register: dict[str, Any]) -> None:
    """The demand stays unchecked: it is no pass, and the report shows it as such."""
    assert verdict(purpose, model(register=register)) is None


def test_a_run_that_read_nothing_is_inconclusive() -> None:
    assert judged(purpose, model(lineage=lineage(()), register=sets())).verdict is Verdict.INCONCLUSIVE


# -- documents --------------------------------------------------------------------------------------------------------


def dpia(**more: object) -> dict[str, Any]:
    return {"documents": {"changed": "2026-11-01", "dpia": {"date": "2026-11-20", **dict.fromkeys(DPIA, WORDS), **more}}}


@pytest.mark.parametrize("section", DPIA)
@pytest.mark.parametrize("text", ["", "TODO", "n/a", "<fill in>", "short", "..."])
def test_each_heading_must_be_filled(section: str, text: str) -> None:
    result = judged(impact_assessment, model(register=dpia(**{section: text})))
    assert result.verdict is Verdict.FAIL
    assert DPIA[section] in result.summary


def test_a_document_older_than_the_change_names_both_dates() -> None:
    register = dpia()
    register["documents"]["changed"] = "2026-11-21"
    assert judged(impact_assessment, model(register=register)).summary == "The DPIA is dated 2026-11-20, before the change of 2026-11-21."


def test_a_change_in_the_trail_counts_and_is_named() -> None:
    act = Act(action="change.declared", subject="m", actor=ANA, time=THEN, payload={"what": "new input: zip"})
    result = judged(impact_assessment, model(register=dpia(), records=Records(now=THEN, model="m", acts=(act,))))
    assert result.summary == "The DPIA is dated 2026-11-20, before the change of 2026-11-23 (new input: zip)."


def test_a_new_feature_makes_the_assessment_old() -> None:
    result = judged(impact_assessment, model(register=dpia(inputs=["income"]), roles=Roles(features=("income", "zip"))))
    assert result.verdict is Verdict.FAIL
    assert "new input: zip" in result.summary


def test_without_a_date_of_change_nobody_can_tell() -> None:
    register = dpia()
    del register["documents"]["changed"]
    assert judged(impact_assessment, model(register=register)).verdict is Verdict.INCONCLUSIVE


def test_answers_about_this_very_model_count_and_about_another_do_not() -> None:
    form = Form(control="GDPR.35.7", answers=dict.fromkeys(DPIA, WORDS), actor=ANA, time=THEN, model=digest("model"))
    assert judged(impact_assessment, model(forms=(form,))).verdict is Verdict.PASS
    assert verdict(impact_assessment, model(forms=(replace(form, model=digest("other")),))) is None
    late = {"documents": {"changed": (THEN + timedelta(days=1)).isoformat()}}
    assert judged(impact_assessment, model(forms=(form,), register=late)).verdict is Verdict.FAIL


def test_credit_in_the_union_asks_for_the_six_elements_of_article_27() -> None:
    scope = Scope(use=("credit",), jurisdiction=("EU",))
    assert "no fundamental rights impact assessment" in judged(impact_assessment, model(register=dpia(), scope=scope)).summary
    register = dpia()
    register["documents"]["fria"] = {"date": "2026-11-20", **dict.fromkeys(FRIA, WORDS)}
    assert judged(impact_assessment, model(register=register, scope=scope)).verdict is Verdict.PASS
    register["documents"]["fria"]["harms"] = "tbd"
    assert "(d) the risks of harm" in judged(impact_assessment, model(register=register, scope=scope)).summary
    assert judged(impact_assessment, model(register=dpia(), scope=Scope(use=("credit",), jurisdiction=("US",)))).verdict is Verdict.PASS


@pytest.mark.parametrize("field", ROPA)
def test_each_field_of_article_30_must_be_filled(field: str) -> None:
    entry = {"id": "ROPA-12", **dict.fromkeys(ROPA, "words"), field: "TBD"}
    result = judged(processing_record, model(register={"documents": {"ropa": entry}}))
    assert result.verdict is Verdict.FAIL
    assert result.summary == f"ROPA entry ROPA-12 lacks {ROPA[field]}: it holds a placeholder."


def test_bias_testing_needs_its_reason_in_the_record_of_processing() -> None:
    register = {"documents": {"ropa": {"id": "1", **dict.fromkeys(ROPA, "words")}}, "personal": {"conditions": {"race": SIX}}}
    assert "Art 4a(1)(f)" in judged(processing_record, model(register=register)).summary
    assert verdict(processing_record, model(register={"documents": {}})) is None


def test_the_answers_to_the_seven_questions_are_the_record_of_processing() -> None:
    """GDPR.30.1 asks one question for each of Art 30(1)(a)-(g), and one for Art 4a(1)(f); an answer about another model is none."""
    from jupyter_mlgov.validation.plugins import installed_policies

    (pack,) = installed_policies(("gdpr",))
    (control,) = [one for one in pack.controls if one.id == "GDPR.30.1"]
    asked = [question.id for question in control.questions]
    assert asked == [*ROPA, "bias_testing"]
    form = Form(control="GDPR.30.1", answers=dict.fromkeys(asked, WORDS), actor=ANA, time=THEN, model=digest("model"))
    mine = replace(model(), forms=(form,))
    assert judged(processing_record, mine).verdict is Verdict.PASS
    short = replace(form, answers={**form.answers, "limits": "tbd"})
    assert "lacks (f) time limits for erasure" in judged(processing_record, replace(mine, forms=(short,))).summary
    assert verdict(processing_record, replace(mine, forms=(replace(form, model=digest("another")),))) is None


def test_the_templates_own_words_are_no_answer() -> None:
    template = "Describe the processing operations and the purposes of the processing."
    assert lack(template + " ", template) == "repeats the template"
    assert lack("Scores applicants for mortgages to decide whether they get one.", template) == ""


@pytest.mark.parametrize(
    ("text", "known"), [("2026-11-24", True), ("2026-11-24T10:00:00+01:00", True), ("24.11.2026", False), ("", False), (None, False)]
)
def test_dates_are_read_or_are_none(text: object, known: bool) -> None:
    found = moment(text)
    assert (found is not None) is known
    assert found is None or found.tzinfo is not None


def test_regulation_b_asks_for_no_conditions_of_bias_testing_and_the_union_does() -> None:
    """us-fair-lending alone: white may be tested on. With a European pack beside it, the stricter demand stands."""
    from jupyter_mlgov.validation.checks import Check
    from jupyter_mlgov.validation.plugins import installed_policies, installed_validators
    from jupyter_mlgov.validation.settings import settle

    check = installed_validators().get("priv.special")
    assert isinstance(check, Check)
    assert settle(check, installed_policies(("us-fair-lending",)), {}) == {"testing_conditions": False}
    for union in ("gdpr", "eu-ai-act"):
        assert settle(check, installed_policies(("us-fair-lending", union)), {}) == {"testing_conditions": True}
