"""The engine: what broke is said, what saw nothing is not passed, equal inputs give an equal digest."""

from __future__ import annotations

from dataclasses import asdict, replace
from fractions import Fraction
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from jupyter_mlgov.core.errors import BadInput, UsageError
from jupyter_mlgov.core.team import Roles
from jupyter_mlgov.core.verdicts import Severity, Verdict
from jupyter_mlgov.sdk import Check, CheckResult, Finding, Missing, Subject, SubjectRef, validator
from jupyter_mlgov.validation.engine import evidence, validate
from jupyter_mlgov.validation.plugins import Registry
from jupyter_mlgov.validation.policy import Control, Policy, Requirement
from jupyter_mlgov.validation.results import Report


def subject(path: Path, columns: dict[str, list[object]], roles: Roles | None = None, kind: str = "table") -> Subject:
    pq.write_table(pa.table(columns), path / "t.parquet")
    roles = roles or Roles()
    return Subject(ref=SubjectRef(kind=kind, name="t", roles=asdict(roles)), roles=roles, table_path=path / "t.parquet")


def check(returned: object, id: str = "test.one", needs: tuple[str, ...] = ()) -> Check:
    @validator(id, title="One", needs=needs)
    def one(subject: Subject) -> Finding:
        if isinstance(returned, BaseException):
            raise returned
        return returned  # type: ignore[return-value]  # wrong answers are the point

    return one


def passing(id: str = "test.fine") -> Check:
    return check(Finding(message="fine", verdict=Verdict.PASS, measured=1.0), id)


def pack(*asks: Requirement, id: str = "p") -> Policy:
    control = Control(
        id="C.1", cite="cite", url="", verified="P", obligation="do", automation="auto", severity=Severity.HIGH, gates=("train",),
        basis="b",
        requirements=asks,
    )  # fmt: skip
    return Policy(id=id, version="1", title="P", framework="F", controls=(control,))


def run(one: Check, given: Subject, *others: Check, **more: object) -> Report:
    return validate(given, (), Registry.of(one, *others), **more)  # type: ignore[arg-type]  # passed through


def test_a_validator_that_raises_is_an_error_and_the_others_still_run(tmp_path: Path) -> None:
    report = run(check(ZeroDivisionError("division by zero")), subject(tmp_path, {"a": [1]}), passing())
    broken = report.result("test.one")
    assert broken is not None
    assert (broken.verdict, broken.summary) == (Verdict.ERROR, "The check broke: ZeroDivisionError: division by zero")
    fine = report.result("test.fine")
    assert fine is not None
    assert fine.verdict is Verdict.PASS


def test_a_validator_that_exits_is_an_error(tmp_path: Path) -> None:
    assert run(check(SystemExit(0)), subject(tmp_path, {"a": [1]})).results[0].verdict is Verdict.ERROR


def test_an_interrupt_passes_through(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        run(check(KeyboardInterrupt()), subject(tmp_path, {"a": [1]}))


@pytest.mark.parametrize(
    ("returned", "verdict"),
    [
        (None, Verdict.ERROR),
        ("pass", Verdict.ERROR),
        (["pass"], Verdict.ERROR),
        (True, Verdict.ERROR),
        ([], Verdict.INCONCLUSIVE),
        (Finding(message="m", verdict="pass"), Verdict.ERROR),  # type: ignore[arg-type]  # plug-ins may
        (Finding(message="m", verdict=Verdict.PASS, measured=float("nan")), Verdict.ERROR),
        (Finding(message="m", verdict=Verdict.PASS, measured=object()), Verdict.ERROR),  # type: ignore[arg-type]  # plug-ins may
        (CheckResult(validator="x", version="1", title="t", verdict=Verdict.PASS, summary="trust me"), Verdict.ERROR),
        (CheckResult(validator="test.one", version="1", title="t", verdict=Verdict.PASS, summary="trust me"), Verdict.INCONCLUSIVE),
        (Missing("no column"), Verdict.INCONCLUSIVE),
        ([Finding(message="a", verdict=Verdict.PASS), Finding(message="b", verdict=Verdict.FAIL)], Verdict.FAIL),
    ],
)  # fmt: skip
def test_only_an_answer_with_something_measured_can_open(tmp_path: Path, returned: object, verdict: Verdict) -> None:
    result = run(check(returned), subject(tmp_path, {"a": [1]})).results[0]
    assert result.verdict is verdict
    assert result.summary


def test_a_result_cannot_hide_a_failed_finding(tmp_path: Path) -> None:
    hidden = CheckResult(
        validator="test.one",
        version="9",
        title="t",
        verdict=Verdict.PASS,
        summary="fine",
        findings=(Finding(message="bad", verdict=Verdict.FAIL),),
    )
    result = run(check(hidden), subject(tmp_path, {"a": [1]})).results[0]
    assert (result.verdict, result.validator, result.version) == (Verdict.FAIL, "test.one", "1.0")


@pytest.mark.parametrize(
    ("need", "of_a_table"),
    [
        ("protected", Verdict.INCONCLUSIVE),
        ("outcome", Verdict.INCONCLUSIVE),
        ("score", Verdict.NOT_APPLICABLE),
        ("label", Verdict.NOT_APPLICABLE),
        ("baseline", Verdict.NOT_APPLICABLE),
    ],
)
def test_a_role_nobody_named_is_inconclusive_for_a_model_and_where_a_table_of_decisions_must_have_it(
    tmp_path: Path, need: str, of_a_table: Verdict
) -> None:
    """`--policy us-fair-lending` without --protected ended in CHECKS CLEAR and exit code 0: no group was ever compared."""
    one = check(Finding(message="m", verdict=Verdict.PASS), needs=("scored", need))
    table = run(one, subject(tmp_path, {"a": [1]})).results[0]
    model = run(one, subject(tmp_path, {"a": [1]}, kind="model")).results[0]
    assert (table.verdict, model.verdict) == (of_a_table, Verdict.INCONCLUSIVE)
    assert f"No --{need} was named" in table.summary
    assert f"`{need} = " in model.fix
    assert "mlgov.toml" in model.fix


@pytest.mark.parametrize("need", ["lineage", "environment", "texts", "lock"])
def test_a_record_that_is_not_there_is_never_a_pass(tmp_path: Path, need: str) -> None:
    one = check(Finding(message="m", verdict=Verdict.PASS), needs=(need,))
    assert run(one, subject(tmp_path, {"a": [1]})).results[0].verdict is Verdict.NOT_APPLICABLE
    assert run(one, subject(tmp_path, {"a": [1]}, kind="model")).results[0].verdict is Verdict.INCONCLUSIVE


@pytest.mark.parametrize("kind", ["table", "model"])
def test_a_named_column_that_is_missing_is_inconclusive_with_the_nearest(tmp_path: Path, kind: str) -> None:
    one = check(Finding(message="m", verdict=Verdict.PASS), needs=("scored", "score"))
    result = run(one, subject(tmp_path, {"scores": [0.1]}, Roles(score="scor"), kind)).results[0]
    assert result.verdict is Verdict.INCONCLUSIVE
    assert '"scor"' in result.summary
    assert 'Did you mean "scores"?' in result.fix


def test_an_empty_table_is_inconclusive(tmp_path: Path) -> None:
    one = check(Finding(message="m", verdict=Verdict.PASS), needs=("scored",))
    assert run(one, subject(tmp_path, {"a": []})).results[0].verdict is Verdict.INCONCLUSIVE


def test_a_table_of_which_nothing_asked_was_measured_is_not_clear(tmp_path: Path) -> None:
    """`mlgov validate --data t.csv --policy us-fair-lending` and no role named: all answers beside the point is no clearance."""
    one = check(Finding(message="m", verdict=Verdict.PASS), needs=("scored", "score"))
    report = validate(subject(tmp_path, {"a": [1]}), (pack(Requirement(validator="test.one")),), Registry.of(one, passing()))
    assert [result.validator for result in report.blocking] == ["test.one"]


def test_a_demand_on_a_validator_nobody_installed_is_unchecked(tmp_path: Path) -> None:
    asks = pack(Requirement(validator="test.fine"), Requirement(validator="not.here"))
    report = validate(subject(tmp_path, {"a": [1]}), (asks,), Registry.of(passing()))
    assert [(item.validator, item.verdict) for item in report.requirements] == [("test.fine", Verdict.PASS), ("not.here", None)]
    assert [item.validator for item in report.unchecked] == ["not.here"]


def test_a_partial_report_says_so_and_an_unknown_name_gets_the_nearest(tmp_path: Path) -> None:
    given = subject(tmp_path, {"a": [1]})
    report = run(check(None), given, passing(), only=("test.fine",))
    assert [result.validator for result in report.results] == ["test.fine"]
    assert "Partial" in report.note
    with pytest.raises(UsageError, match=r'Did you mean "test\.fine"'):
        run(passing(), given, only=("test.fin",))


def test_the_digest_knows_no_path_and_no_time(tmp_path: Path) -> None:
    digests = set()
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        given = subject(tmp_path / name, {"a": [1]})
        digests.add(run(check(ValueError(f"in {given.table_path} at 0x7f12 {name}")), given, passing()).digest)
    assert len(digests) == 2  # the texts differ by their names
    (tmp_path / "x").mkdir()
    (tmp_path / "y").mkdir()
    first, second = (subject(tmp_path / name, {"a": [1]}) for name in "xy")
    left = run(check(ValueError(f"cannot read {first.table_path}")), first)
    right = run(check(ValueError(f"cannot read {second.table_path}")), second)
    assert left.digest == right.digest


def test_evidence_is_named_by_what_was_measured(tmp_path: Path) -> None:
    given = subject(tmp_path, {"a": [1]})
    result = run(passing(), given).results[0]
    assert result.evidence == (evidence(result, given.ref, (), ()).id,)
    assert evidence(replace(result, findings=()), given.ref, (), ()).id not in result.evidence


def test_progress_counts_to_the_end(tmp_path: Path) -> None:
    told: list[tuple[int, int, str]] = []
    run(passing(), subject(tmp_path, {"a": [1]}), check(None), progress=lambda *step: told.append(step))
    assert told == [(0, 2, "test.fine"), (1, 2, "test.one"), (2, 2, "")]


def test_what_one_validator_does_to_the_table_no_other_sees(tmp_path: Path) -> None:
    @validator("test.a", title="Spoils", needs=("scored",))
    def spoils(subject: Subject) -> Finding:
        table = subject.table
        connection = table._find_backend()
        connection.drop_view(table.get_name())
        return Finding(message="gone", verdict=Verdict.PASS)

    @validator("test.b", title="Counts", needs=("scored",))
    def counts(subject: Subject) -> Finding:
        return Finding(message="n", verdict=Verdict.PASS, n=int(subject.table.count().execute()))

    report = run(spoils, subject(tmp_path, {"a": [1, 2]}), counts)
    assert [result.verdict for result in report.results] == [Verdict.PASS, Verdict.PASS], [result.summary for result in report.results]
    assert report.results[1].findings[0].n == 2


# -- parameters -------------------------------------------------------------------------------------------------------


@validator("test.limits", title="Limits", stricter={"limit": "higher"})
def limits(subject: Subject, *, limit: Fraction = Fraction(4, 5), word: str = "a") -> Finding:
    return Finding(message=f"{limit} {word}", verdict=Verdict.PASS)


def asked(id: str = "p", **parameters: object) -> Policy:
    return asked_of("test.limits", id=id, **parameters)


def asked_of(check: str, id: str, **parameters: object) -> Policy:
    return pack(Requirement(validator=check, parameters=parameters, sources=dict.fromkeys(parameters, "s")), id=id)


def message(given: Subject, *policies: Policy, **team: object) -> str:
    parameters = {"test.limits": team} if team else None
    return validate(given, policies, Registry.of(limits), parameters=parameters).results[0].findings[0].message


def test_the_pack_overrides_the_default_and_the_stricter_pack_wins(tmp_path: Path) -> None:
    given = subject(tmp_path, {"a": [1]})
    assert message(given) == "4/5 a"
    assert message(given, asked(limit="9/10", word="b")) == "9/10 b"
    assert message(given, asked(limit="9/10"), asked(id="q", limit="4/5")) == "9/10 a"


def test_a_team_tightens_and_never_loosens(tmp_path: Path) -> None:
    given = subject(tmp_path, {"a": [1]})
    assert message(given, asked(limit="4/5"), limit=0.9) == "9/10 a"
    with pytest.raises(BadInput, match="would weaken 4/5"):
        message(given, asked(limit="4/5"), limit="1/2")
    with pytest.raises(BadInput, match="no stricter side"):
        message(given, word="b")


@validator("m.age", title="Age", stricter={"days": "lower, 0 asks nothing"})
def age(subject: Subject, *, days: float = 0.0) -> Finding:
    """Says how old rows may be."""
    return Finding(message=f"{days:g}", verdict=Verdict.PASS, measured=1.0)


def days(given: Subject, *asked_for: float, **team: float) -> str:
    policies = tuple(asked_of("m.age", id=f"p{at}", days=one) for at, one in enumerate(asked_for))
    parameters = {"m.age": team} if team else None
    return validate(given, policies, Registry.of(age), parameters=parameters).results[0].findings[0].message


def test_a_most_that_nobody_set_is_tightened_by_any_number_and_never_taken_away(tmp_path: Path) -> None:
    """0 asks nothing, so 30 days are harder than 0; a number under 0 would have switched the question off."""
    given = subject(tmp_path, {"a": [1]})
    assert days(given) == "0"
    assert days(given, days=30.0) == "30"
    assert days(given, 30.0, days=7.0) == "7"
    assert days(given, 0.0, 30.0, 90.0) == "30"
    for weaker in (90.0, 0.0, -1.0):
        with pytest.raises(BadInput, match="would weaken 30"):
            days(given, 30.0, days=weaker)


@pytest.mark.parametrize(
    ("policy", "error", "said"),
    [
        (asked(limti="4/5"), UsageError, 'Did you mean "limit"'),
        (asked(limit="four"), BadInput, "Expected a fraction"),
        (asked(word=1), BadInput, "Expected text"),
    ],
)
def test_a_wrong_parameter_is_refused_before_anything_runs(tmp_path: Path, policy: Policy, error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        message(subject(tmp_path, {"a": [1]}), policy)


def test_two_packs_that_cannot_both_be_met_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="cannot be met"):
        message(subject(tmp_path, {"a": [1]}), asked(word="a"), asked(id="q", word="b"))


def test_a_team_parameter_for_an_unknown_validator_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"test\.limits"):
        validate(subject(tmp_path, {"a": [1]}), (), Registry.of(limits), parameters={"test.limit": {}})


@pytest.mark.parametrize("id", ["fair", "Fair.air", "", "fair air", "<b>.x"])
def test_a_bad_id_is_refused(id: str) -> None:
    with pytest.raises(BadInput):
        validator(id, title="t")


def test_an_unknown_need_and_a_wrong_signature_are_refused() -> None:
    with pytest.raises(UsageError, match='Did you mean "score"'):
        validator("a.b", title="t", needs=("scor",))
    with pytest.raises(BadInput, match="signature"):
        validator("a.b", title="t")(lambda subject, loose: None)  # type: ignore[arg-type, return-value]  # the point
