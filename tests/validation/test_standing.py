"""Which controls bind today, what only readiness asks, and what people must say."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_mlgov.core.errors import BadInput, UsageError
from jupyter_mlgov.core.team import Roles, Scope
from jupyter_mlgov.core.verdicts import Severity, Verdict
from jupyter_mlgov.sdk import Finding, Form, Records, Subject, SubjectRef, Unanswered, validator
from jupyter_mlgov.testing import ANA, BEN, digest
from jupyter_mlgov.validation.compare import compare, rejudged
from jupyter_mlgov.validation.engine import validate
from jupyter_mlgov.validation.forms import checked, find_control
from jupyter_mlgov.validation.plugins import Registry, installed_policies
from jupyter_mlgov.validation.policy import Control, Policy, Question, Requirement
from jupyter_mlgov.validation.standing import Standing, footing

TODAY = date(2026, 11, 24)
NOW = datetime(2026, 11, 24, tzinfo=UTC)
MODEL = digest("model")


@validator("test.bad", title="Bad")
def bad(subject: Subject) -> Finding:
    return Finding(message="bad", verdict=Verdict.FAIL, measured=0.0)


def control(**more: object) -> Control:
    fact = Control(
        id="C.1", cite="c", url="", verified="P", obligation="do", automation="auto", severity=Severity.CRITICAL, gates=("train",),
        basis="b", requirements=(Requirement(validator="test.bad"),),
    )  # fmt: skip
    return replace(fact, **more)  # type: ignore[arg-type]  # given by name in each test


def pack(one: Control, **more: object) -> Policy:
    return replace(Policy(id="p", version="1", title="P", framework="F", controls=(one,)), **more)  # type: ignore[arg-type]  # as above


def subject(**more: object) -> Subject:
    fact = Subject(ref=SubjectRef(kind="model", name="m", model=MODEL), roles=Roles())
    return replace(fact, **more)  # type: ignore[arg-type]  # as above


@pytest.mark.parametrize(
    ("one", "scope", "standing", "said"),
    [
        (control(), Scope(), Standing.IN_FORCE, ""),
        (control(applies_from="2026-11-24"), Scope(), Standing.IN_FORCE, ""),
        (control(applies_from="2026-11-25"), Scope(), Standing.READINESS, "2026-11-25"),
        (control(applies_until="2026-11-24"), Scope(), Standing.ENDED, "2026-11-24"),
        (control(status="draft"), Scope(), Standing.READINESS, "draft"),
        (control(applies_if={"use": ("credit",)}), Scope(), Standing.IN_FORCE, "nobody said `use`"),
        (control(applies_if={"use": ("credit",)}), Scope(use=("fraud",)), Standing.OUT_OF_SCOPE, "use is fraud"),
        (control(applies_if={"use": ("credit",)}), Scope(use=("fraud", "Credit")), Standing.IN_FORCE, ""),
        (control(applies_if={"jurisdiction": ("US-NYC",)}), Scope(jurisdiction=("US",)), Standing.IN_FORCE, ""),
        (control(applies_if={"jurisdiction": ("US",)}), Scope(jurisdiction=("EU",)), Standing.OUT_OF_SCOPE, ""),
    ],
)
def test_a_control_stands_by_its_dates_and_scope(one: Control, scope: Scope, standing: Standing, said: str) -> None:
    found = footing(pack(one), one, scope, TODAY)
    assert found.standing is standing
    assert said in found.why


def test_readiness_is_measured_and_shuts_nothing() -> None:
    one = control(applies_from="2027-12-02")
    report = validate(subject(), (pack(one),), Registry.of(bad), today=TODAY)
    assert report.requirements[0].verdict is Verdict.FAIL
    assert report.requirements[0].standing == "readiness"
    assert report.blocking == ()
    assert validate(subject(), (pack(one),), Registry.of(bad), today=date(2027, 12, 2)).blocking
    assert validate(subject(), (pack(one),), Registry.of(bad)).blocking, "without a day all is in force"


def test_what_is_out_of_scope_is_not_run_and_not_unchecked() -> None:
    one = control(applies_if={"use": ("credit",)})
    report = validate(subject(scope=Scope(use=("fraud",))), (pack(one),), Registry.of(bad), today=TODAY)
    assert report.results == ()
    assert report.unchecked == ()
    assert report.requirements[0].standing == "out of scope"


# -- people -----------------------------------------------------------------------------------------------------------

ASKED = control(automation="assisted", requirements=(), questions=(Question(id="purpose", text="What is it for?"),))
GOOD = {"purpose": "Approving mortgage applications", "holds": "yes"}


def form(answers: dict[str, str], **more: object) -> Form:
    return replace(Form(control="C.1", answers=answers, actor=ANA, time=NOW, model=MODEL), **more)  # type: ignore[arg-type]  # as above


def verdict(one: Control, **more: object) -> tuple[Verdict | None, str]:
    item = validate(subject(**more), (pack(one),), Registry.of(), today=TODAY).requirements[-1]
    assert item.validator == "form:C.1"
    return item.verdict, item.note


def test_silence_is_unchecked_and_an_answer_counts_for_its_model_alone() -> None:
    assert verdict(ASKED) == (None, "Nobody has answered its questions. `mlgov answer C.1`.")
    assert verdict(ASKED, forms=(form(GOOD),))[0] is Verdict.PASS
    assert verdict(ASKED, forms=(form({**GOOD, "holds": "no"}),))[0] is Verdict.FAIL
    other = verdict(ASKED, forms=(form(GOOD, model=digest("other")),))
    assert other[0] is None
    assert "another model" in other[1]


def test_the_newest_answer_counts() -> None:
    later = form({**GOOD, "holds": "no"}, time=NOW.replace(hour=5))
    assert verdict(ASKED, forms=(later, form(GOOD)))[0] is Verdict.FAIL


def test_where_people_decide_an_authors_word_does_not_count() -> None:
    human = replace(ASKED, automation="human")
    records = Records(now=NOW, model="m", authors=(ANA,))
    assert verdict(human, forms=(form(GOOD),), records=records)[0] is None
    assert verdict(human, forms=(form(GOOD, actor=BEN),), records=records)[0] is Verdict.PASS
    assert verdict(human, forms=(form(GOOD, actor=BEN),))[0] is None, "nobody knows who the authors are"


@pytest.mark.parametrize(
    "text", ["", "  ", "TODO", "n/a", "...", "short", "What is it for?", "lorem ipsum dolor sit amet", "yes", "x" * 40]
)
def test_an_answer_that_says_nothing_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match="purpose"):
        checked(ASKED, {"purpose": text, "holds": "yes"})
    assert verdict(ASKED, forms=(form({"purpose": text, "holds": "yes"}),))[0] is None


@given(st.dictionaries(st.sampled_from(["purpose", "holds", "other"]), st.text(max_size=30)))
def test_no_form_passes_that_checked_would_refuse(answers: dict[str, str]) -> None:
    try:
        taken = checked(ASKED, answers)
    except (BadInput, UsageError):
        assert verdict(ASKED, forms=(form(answers),))[0] is None
    else:
        assert taken["holds"] in ("yes", "no")


def test_an_unknown_control_gets_the_nearest_and_one_for_machines_says_so() -> None:
    with pytest.raises(UsageError, match=r'Did you mean "C\.1"'):
        find_control((pack(ASKED),), "C.2")
    with pytest.raises(BadInput, match="decided by machine"):
        find_control((pack(control()),), "C.1")


def test_a_validator_that_waits_for_people_leaves_its_demand_unchecked() -> None:
    @validator("test.bad", title="Waits")
    def waits(subject: Subject) -> Finding:
        raise Unanswered("No plan was written.", next="Write one.")

    report = validate(subject(), (pack(control()),), Registry.of(waits), today=TODAY)
    assert report.results == ()
    assert [(item.verdict, item.note) for item in report.unchecked] == [(None, "No plan was written. Write one.")]


# -- two packs --------------------------------------------------------------------------------------------------------


def test_old_evidence_is_judged_again_under_another_pack() -> None:
    old = validate(subject(), (pack(control()),), Registry.of(bad), today=TODAY)
    new = pack(control(id="D.1", requirements=(Requirement(validator="test.bad"), Requirement(validator="test.new"))), id="q")
    assert [(item.control, item.validator, item.verdict) for item in rejudged(old, new, TODAY)] == [
        ("D.1", "test.bad", Verdict.FAIL),
        ("D.1", "test.new", None),
    ]
    signs = {(change.sign, change.control) for change in compare(pack(control()), new)}
    assert signs == {("-", "C.1"), ("+", "D.1"), ("+", "test.new")}


def test_a_stricter_number_is_not_answered_by_a_laxer_run() -> None:
    @validator("test.bad", title="Limit", stricter={"limit": "higher"})
    def limit(subject: Subject, *, limit: float = 0.5) -> Finding:
        return Finding(message="m", verdict=Verdict.PASS, measured=0.6)

    ask = Requirement(validator="test.bad", parameters={"limit": 0.5}, sources={"limit": "s"})
    old = validate(subject(), (pack(control(requirements=(ask,))),), Registry.of(limit), today=TODAY)
    new = replace(ask, parameters={"limit": 0.7})
    assert rejudged(old, pack(control(requirements=(new,))), TODAY)[0].verdict is None


def test_the_ai_act_is_readiness_and_sr_11_7_is_over_today() -> None:
    act, legacy = installed_policies(("eu-ai-act", "sr-11-7-legacy"))
    stands = {one.id: footing(act, one, Scope(), TODAY).standing for one in act.controls}
    assert {name for name, where in stands.items() if where.binds} == {"AIA.4a.1"}
    assert all(footing(legacy, one, Scope(), TODAY).standing is Standing.ENDED for one in legacy.controls)
