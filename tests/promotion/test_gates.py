"""The gate: every reason, in words, and no way round any of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_mlgov.core.actors import Actor
from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.core.errors import UsageError
from jupyter_mlgov.core.team import Team
from jupyter_mlgov.core.verdicts import Severity, Verdict
from jupyter_mlgov.lineage.facts import Step, StepState, StepStatus
from jupyter_mlgov.promotion.facts import Answer, Decision, Review
from jupyter_mlgov.promotion.gates import decide
from jupyter_mlgov.promotion.registry import ModelVersion
from jupyter_mlgov.promotion.why import shortest
from jupyter_mlgov.validation.results import CheckResult, PolicyRef, Report, RequirementResult, SubjectRef

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
ANA = Actor(id="ana@firm.example", source="git", name="Ana")
BOB = Actor(id="bob@firm.example", source="jupyter", name="Bob")
EVE = Actor(id="eve@firm.example", source="declared", name="Eve")
MODEL = Digest.of_text("model")
TEAM = Team(model="credit", policies=("us-fair-lending", "sr-26-2"))
VERSION = ModelVersion(model="credit", version="3", run_id="r", model_digest=MODEL)


def result(validator: str, verdict: Verdict, **more: object) -> CheckResult:
    return replace(
        CheckResult(validator=validator, version="1", title=validator.title(), verdict=verdict, summary=f"{validator} is {verdict.value}"),
        **more,
    )


def demand(
    validator: str,
    verdict: Verdict | None,
    *,
    severity: Severity = Severity.HIGH,
    gates: tuple[str, ...] = ("review",),
    control: str = "C1",
) -> RequirementResult:
    return RequirementResult(
        policy="sr-26-2",
        control=control,
        cite="",
        url="",
        obligation="",
        verified="P",
        severity=severity,
        automation="auto",
        gates=gates,
        validator=validator,
        verdict=verdict,
    )


def a_report(
    *results: CheckResult,
    demands: tuple[RequirementResult, ...] = (),
    policies: tuple[str, ...] = TEAM.policies,
    model: Digest | None = MODEL,
) -> Report:
    return Report(
        subject=SubjectRef(kind="model", name="credit", notebook="credit.ipynb", model=model),
        policies=tuple(PolicyRef(id=name, version="1", title=name, digest=Digest.of_text(name)) for name in policies),
        results=results,
        requirements=demands,
    )


GOOD = a_report(result("fair.air", Verdict.PASS), demands=(demand("fair.air", Verdict.PASS),))


def step(state: StepState = StepState.FRESH, name: str = "train") -> StepStatus:
    return StepStatus(step=Step(kind=name), cells=(f"cell-{name}",), state=state)


def review(actor: Actor, report: Report = GOOD, verdict: str = "approve", *, attests: bool = True, minutes: int = 0) -> Review:
    return Review(
        actor=actor,
        verdict=verdict,
        report=report.digest,
        comment="read it",
        time=NOON + timedelta(minutes=minutes),
        attests_unchecked=attests,
    )


def ask(report: Report | None = GOOD, **more: object) -> Decision:
    """Everything in order, but for what `more` says."""
    facts: dict[str, object] = {
        "team": TEAM,
        "stage": "staging",
        "model": "credit",
        "version": VERSION,
        "report": report,
        "stale": (),
        "steps": (step(),),
        "reviews": (review(BOB, report),) if report else (),
        "authors": (ANA,),
        "asked_by": BOB,
    }
    return decide(**{**facts, **more})


def codes(decision: Decision) -> list[str]:
    return [reason.code for reason in decision.reasons]


def test_with_everything_in_order_the_gate_opens_and_says_who_opened_it() -> None:
    decision = ask()
    assert decision.answer is Answer.GRANTED
    assert decision.reasons == ()
    assert decision.approved_by == (BOB,)
    assert (decision.model, decision.version, decision.report, decision.team) == ("credit", "3", GOOD.digest, TEAM.digest)


BAD = a_report(
    result("fair.air", Verdict.FAIL, cell="c7", fix="Look at the gap."),
    demands=(demand("fair.air", Verdict.FAIL, severity=Severity.CRITICAL),),
)
INCONCLUSIVE = a_report(
    result("perf.oot", Verdict.INCONCLUSIVE), result("x", Verdict.PASS), demands=(demand("perf.oot", Verdict.INCONCLUSIVE),)
)
UNCHECKED = a_report(result("fair.air", Verdict.PASS), demands=(demand("gov.inventory", None, gates=("commit",)),))

BLOCKS: list[tuple[str, dict[str, object]]] = [
    ("no-report", {"report": None, "reviews": (review(BOB),)}),
    ("stale-report", {"stale": ("the model changed",)}),
    ("partial-report", {"report": replace(GOOD, note="Only fair.air was asked.")}),
    ("policy-missing", {"report": a_report(result("fair.air", Verdict.PASS), policies=("sr-26-2",))}),
    ("nothing-measured", {"report": a_report(result("fair.air", Verdict.NOT_APPLICABLE))}),
    ("nothing-measured", {"report": a_report()}),
    ("no-steps", {"steps": ()}),
    ("step-stale", {"steps": (step(), step(StepState.STALE, "evaluate"))}),
    ("step-failed", {"steps": (step(StepState.FAILED),)}),
    ("step-never-ran", {"steps": (step(StepState.NEVER_RAN),)}),
    ("step-killed", {"steps": (step(StepState.KILLED),)}),
    ("step-running", {"steps": (step(StepState.RUNNING),)}),
    ("verdict-fail", {"report": BAD}),
    ("verdict-fail", {"report": a_report(result("y", Verdict.FAIL))}),
    ("verdict-inconclusive", {"report": INCONCLUSIVE}),
    ("verdict-error", {"report": a_report(result("z", Verdict.ERROR), result("x", Verdict.PASS), demands=(demand("z", Verdict.ERROR),))}),
    ("verdict-fail", {"report": a_report(result("x", Verdict.PASS), demands=(demand("gone", Verdict.FAIL),))}),
    ("no-version", {"version": None}),
    ("model-mismatch", {"version": replace(VERSION, model_digest=Digest.of_text("another"))}),
    ("model-mismatch", {"version": replace(VERSION, model_digest="")}),
    ("model-mismatch", {"version": replace(VERSION, model="other")}),
    ("no-model", {"report": a_report(result("x", Verdict.PASS), model=None)}),
    ("refused", {"reviews": (review(BOB), review(EVE, verdict="refuse"))}),
    ("refused", {"reviews": (review(BOB), review(BOB, verdict="refuse", minutes=1))}),
    ("refused", {"reviews": (review(BOB), review(BOB, verdict="refuse"))}),
    ("refused", {"reviews": (review(BOB), review(ANA, verdict="refuse"))}),
    ("no-authors", {"authors": ()}),
    ("unchecked", {"report": UNCHECKED, "reviews": (review(BOB, UNCHECKED, attests=False),)}),
    ("unchecked", {"report": UNCHECKED, "reviews": (review(BOB, UNCHECKED, attests=False), review(ANA, UNCHECKED))}),
    ("approvals", {"reviews": ()}),
    ("approvals", {"reviews": (review(ANA),)}),
    ("approvals", {"reviews": (review(Actor(id=" ANA@firm.example", source="declared")),)}),
    ("approvals", {"reviews": (review(Actor(id=" ", source="declared")),)}),
    ("approvals", {"reviews": (review(BOB, BAD),)}),
    ("approvals", {"team": replace(TEAM, reviewers=("carol",))}),
    ("approvals", {"team": replace(TEAM, approvals={"staging": 2})}),
    ("approvals", {"team": replace(TEAM, approvals={"staging": 2}), "reviews": (review(BOB), review(BOB, minutes=1))}),
    ("previous-stage", {"stage": "production"}),
]


@pytest.mark.parametrize(("code", "facts"), BLOCKS, ids=[f"{index}-{code}" for index, (code, _) in enumerate(BLOCKS)])
def test_each_of_these_alone_keeps_the_gate_shut_and_says_what_to_do(code: str, facts: dict[str, object]) -> None:
    if isinstance(facts.get("report"), Report) and "reviews" not in facts:
        facts = {**facts, "reviews": (review(BOB, facts["report"]),)}
    decision = ask(**facts)
    assert code in codes(decision)
    assert decision.answer is not Answer.GRANTED
    for reason in (*decision.reasons, *shortest(decision)):
        assert reason.sentence
        assert reason.next
    assert shortest(decision)


def _can_stand_together(one: tuple[str, dict[str, object]], two: tuple[str, dict[str, object]]) -> bool:
    """Not two values for one fact; a review is of one report, so those two go together; no version differs from a model nobody named."""
    (first, left), (second, right) = one, two
    if {first, second} == {"model-mismatch", "no-model"}:
        return False
    return not set(left) & set(right) and not {"report", "reviews"} <= {*left, *right} and "stage" not in (*left, *right)


PAIRS = [(one, two) for one, two in combinations(BLOCKS, 2) if _can_stand_together(one, two)]


@pytest.mark.parametrize(("one", "two"), PAIRS[::4], ids=lambda block: block[0])
def test_two_obstacles_are_both_said(one: tuple[str, dict[str, object]], two: tuple[str, dict[str, object]]) -> None:
    facts = {**one[1], **two[1]}
    if isinstance(facts.get("report"), Report) and "reviews" not in facts:
        facts["reviews"] = (review(BOB, facts["report"]),)
    decision = ask(**facts)
    assert {one[0], two[0]} <= set(codes(decision))
    assert decision.answer is not Answer.GRANTED


def test_an_unknown_stage_is_a_usage_error_that_names_the_nearest() -> None:
    with pytest.raises(UsageError, match='Did you mean "staging"'):
        ask(stage="stagin")
    with pytest.raises(UsageError):
        ask(stage="development")


def test_only_a_missing_word_is_awaiting_review_and_a_refusing_word_is_a_refusal() -> None:
    assert ask(reviews=()).answer is Answer.AWAITING_REVIEW
    assert ask(UNCHECKED, reviews=()).answer is Answer.AWAITING_REVIEW
    assert ask(reviews=(review(BOB, verdict="refuse"),)).answer is Answer.REFUSED
    assert ask(reviews=(), stale=("the model changed",)).answer is Answer.REFUSED


def test_a_blocking_verdict_brings_its_severity_cell_and_fix() -> None:
    reason = ask(BAD).reasons[0]
    assert (reason.severity, reason.validator, reason.cell, reason.next) == (Severity.CRITICAL, "fair.air", "c7", "Look at the gap.")
    assert "fair.air is fail" in reason.sentence


def test_a_reviewer_may_take_a_refusal_back_but_nobody_else_may() -> None:
    assert ask(reviews=(review(BOB, verdict="refuse"), review(BOB, minutes=1))).answer is Answer.GRANTED
    assert ask(reviews=(review(BOB, verdict="refuse"), review(EVE, minutes=1))).answer is Answer.REFUSED


def test_what_does_not_count_is_said_so() -> None:
    decision = ask(reviews=(review(ANA), review(EVE, BAD), review(BOB)))
    assert decision.answer is Answer.GRANTED
    assert any("Ana" in note and "four eyes" in note for note in decision.notes)
    assert any("Eve" in note and "another report" in note for note in decision.notes)


def test_a_declared_reviewer_counts_and_is_said_to_be_declared() -> None:
    decision = ask(reviews=(review(EVE),))
    assert decision.answer is Answer.GRANTED
    assert decision.notes == ("Reviewer identity was declared, not proven: Eve.",)


@pytest.mark.parametrize(
    ("gates", "staging", "production"),
    [
        (("monitoring",), False, False),
        (("production", "monitoring"), False, True),
        (("train",), True, True),
        (("commit", "monitoring"), True, True),
        (("review",), True, True),
        (("someday",), True, True),
        ((), True, True),
    ],
)
def test_a_control_of_a_later_time_does_not_hold_up_an_earlier_gate(gates: tuple[str, ...], staging: bool, production: bool) -> None:
    report = a_report(result("fair.air", Verdict.PASS), demands=(demand("gov.inventory", None, gates=gates),))
    silent = (review(BOB, report, attests=False),)
    assert ("unchecked" in codes(ask(report, reviews=silent))) is staging
    assert ("unchecked" in codes(ask(report, reviews=silent, stage="production"))) is production


def test_unchecked_controls_are_counted_once_each_by_policy() -> None:
    demands = (demand("a", None, control="C1"), demand("b", None, control="C1"), demand("c", None, control="C2"))
    reason = ask(a_report(result("x", Verdict.PASS), demands=demands), reviews=()).reasons[0]
    assert reason.sentence == "2 controls of sr-26-2 have no machine check here."
    assert reason.next == 'A reviewer judges them by hand: `mlgov review approve -m "why" --attest-unchecked`.'


def test_production_asks_that_this_very_version_went_through_staging() -> None:
    let_in = ask()
    assert ask(stage="production", previous=let_in).answer is Answer.GRANTED
    assert codes(ask(stage="production", previous=replace(let_in, version="2"))) == ["previous-stage"]
    assert codes(ask(stage="production", previous=replace(let_in, answer=Answer.REFUSED))) == ["previous-stage"]
    assert codes(ask(stage="production", previous=replace(let_in, stage="production"))) == ["previous-stage"]


def test_zero_approvals_still_need_a_person_for_what_no_machine_checked() -> None:
    team = replace(TEAM, approvals={"staging": 0})
    assert ask(team=team, reviews=()).answer is Answer.GRANTED
    assert codes(ask(UNCHECKED, team=team, reviews=())) == ["unchecked"]


# -- laws ---------------------------------------------------------------------------------------------------------------

ACTORS = [ANA, BOB, EVE]
RESULTS = st.lists(
    st.tuples(st.sampled_from(["fair.air", "perf.oot", "priv.pii"]), st.sampled_from(Verdict)), max_size=3, unique_by=lambda pair: pair[0]
)
DEMANDS = st.lists(
    st.tuples(
        st.sampled_from(["fair.air", "perf.oot", "gone"]),
        st.sampled_from([*Verdict, None]),
        st.sampled_from(Severity),
        st.sampled_from([("review",), ("production",), ("monitoring",)]),
    ),
    max_size=3,
)


@st.composite
def worlds(draw: st.DrawFn) -> dict[str, object]:
    demands = tuple(demand(name, verdict, severity=severity, gates=gates) for name, verdict, severity, gates in draw(DEMANDS))
    report = a_report(
        *(result(name, verdict) for name, verdict in draw(RESULTS)),
        demands=demands,
        policies=draw(st.sampled_from([TEAM.policies, ("sr-26-2",)])),
    )
    word = st.builds(
        review,
        st.sampled_from(ACTORS),
        st.sampled_from([report, GOOD, BAD]),
        st.sampled_from(["approve", "approve", "refuse"]),
        attests=st.booleans(),
        minutes=st.integers(0, 3),
    )
    return {
        "team": replace(TEAM, approvals={"staging": draw(st.integers(0, 2))}, reviewers=draw(st.sampled_from([(), (BOB.id,)]))),
        "report": draw(st.sampled_from([report, report, None])),
        "stale": draw(st.sampled_from([(), (), ("the model changed",)])),
        "steps": tuple(
            step(state) for state in draw(st.lists(st.sampled_from([StepState.FRESH, StepState.FRESH, *StepState]), max_size=3))
        ),
        "version": draw(st.sampled_from([VERSION, VERSION, None])),
        "reviews": tuple(draw(st.lists(word, max_size=4))),
        "authors": tuple(draw(st.lists(st.sampled_from(ACTORS), max_size=2, unique=True))),
    }


@settings(max_examples=400, deadline=None)
@given(worlds())
def test_no_world_with_a_blocking_fact_is_let_through(world: dict[str, object]) -> None:
    decision = ask(**world)
    report, authors, team = world["report"], world["authors"], world["team"]
    assert (decision.answer is Answer.GRANTED) == (decision.reasons == ())
    assert bool(shortest(decision)) == bool(decision.reasons)
    if decision.answer is not Answer.GRANTED:
        return
    assert report is not None
    assert not report.blocking
    assert world["stale"] == ()
    assert world["version"] is not None
    assert all(status.state is StepState.FRESH for status in world["steps"])
    assert world["steps"]
    words = [one for one in world["reviews"] if one.report == report.digest]
    independent = {one.actor.id for one in words if one.verdict == "approve"} - {author.id for author in authors}
    assert len(independent) >= team.approvals["staging"]
    if any(set(item.gates) & {"commit", "train", "review", "staging"} for item in report.unchecked):
        assert any(one.attests_unchecked and one.actor.id in independent for one in words)


@settings(max_examples=300, deadline=None)
@given(worlds(), st.data())
def test_adding_a_blocking_fact_never_opens(world: dict[str, object], data: st.DataObject) -> None:
    report = world["report"]
    worse: list[dict[str, object]] = [
        {"stale": (*world["stale"], "the table changed")},
        {"steps": (*world["steps"], step(StepState.STALE))},
        {"version": None},
        {"report": None},
        {"authors": (*world["authors"], BOB)} if world["authors"] else {"authors": ()},
        {"reviews": ()},
    ]
    if report is not None:
        worse.append({"reviews": (*world["reviews"], review(EVE, report, "refuse", minutes=9))})
        failed = replace(report, results=(*report.results, result("more", Verdict.FAIL)))
        worse.append(
            {
                "report": failed,
                "reviews": tuple(replace(one, report=failed.digest) if one.report == report.digest else one for one in world["reviews"]),
            }
        )
    before = ask(**world)
    after = ask(**{**world, **data.draw(st.sampled_from(worse))})
    assert after.answer is not Answer.GRANTED or before.answer is Answer.GRANTED
