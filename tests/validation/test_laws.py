"""The one law, over random tables: nothing makes the engine raise, and a check that broke or saw nothing never opens a gate."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jupyter_mlgov.core.errors import BadInput
from jupyter_mlgov.core.team import Roles
from jupyter_mlgov.core.verdicts import Verdict
from jupyter_mlgov.sdk import Finding, Missing, Subject, SubjectRef, validator
from jupyter_mlgov.validation.engine import validate
from jupyter_mlgov.validation.plugins import Registry, installed_policies, installed_validators
from jupyter_mlgov.validation.results import report_json
from jupyter_mlgov.validation.tables import open_table

NAMES = ['"; DROP TABLE x; --', "<script>alert(1)</script>", "", " ", "a", "A", "é", "select", "n", "mlgov_rows", "x.y", "'", "\\", "a\nb"]
# Fifty tables are judged in this process: another for each would be all that is measured.
HERE = replace(installed_validators(), installed=False)
CELLS = st.one_of(
    st.lists(st.one_of(st.none(), st.integers(-3, 3)), min_size=0, max_size=12),
    st.lists(st.one_of(st.none(), st.floats(allow_nan=True)), min_size=0, max_size=12),
    st.lists(st.one_of(st.none(), st.text(max_size=6), st.sampled_from(["1", "yes", "<b>", "4111111111111111"])), min_size=0, max_size=12),
    st.lists(st.one_of(st.none(), st.booleans()), min_size=0, max_size=12),
    st.lists(st.one_of(st.none(), st.dates()), min_size=0, max_size=12),
    st.lists(st.one_of(st.none(), st.binary(max_size=4)), min_size=0, max_size=12),
    st.lists(st.one_of(st.none(), st.lists(st.integers(0, 2), max_size=2)), min_size=0, max_size=12),
)


@st.composite
def tables(draw: st.DrawFn) -> tuple[pa.Table, Roles]:
    names = draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=4, unique=True))
    columns = [draw(CELLS) for _ in names]
    rows = min(map(len, columns))
    given = pa.table([pa.array(column[:rows]) for column in columns], names=names)
    pick = st.sampled_from([*names, "not there"])
    roles = Roles(
        outcome=draw(pick),
        favourable=draw(st.sampled_from(["1", "yes", "true", ""])),
        protected=(draw(pick),),
        score=draw(pick),
        baseline=draw(pick),
    )
    return given, roles


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tables(), st.sampled_from(["table", "model"]))
def test_no_table_makes_the_engine_raise_or_open_on_nothing(tmp_path: Path, drawn: tuple[pa.Table, Roles], kind: str) -> None:
    content, roles = drawn
    pq.write_table(content, tmp_path / "t.parquet")
    subject = Subject(ref=SubjectRef(kind=kind, name="t", roles=asdict(roles)), roles=roles, table_path=tmp_path / "t.parquet")
    report = validate(subject, installed_policies(("us-fair-lending", "sr-26-2")), HERE)
    assert report_json(report)["digest"] == report.digest
    for name in ("fair.air", "fair.sig", "perf.discrim", "perf.benchmark"):
        result = report.result(name)
        assert result is not None
        assert result.summary
        # A dozen rows are never enough for any of these, whatever is in them.
        allowed = {Verdict.INCONCLUSIVE, Verdict.ERROR}
        if kind == "table" and ("" in (roles.outcome, roles.score, roles.baseline) or not any(roles.protected)):
            allowed.add(Verdict.NOT_APPLICABLE)  # an empty name is no name: nobody asked
        assert result.verdict in allowed, (name, result.verdict, result.summary)


N = 400
GROUP, DECIDED, SCORE = ["a", "b"] * (N // 2), [1, 1, 0, 1] * (N // 4), [0.1, 0.4, 0.6, 0.9] * (N // 4)
HOLLOW = {
    "no rows": {"g": [], "y": [], "s": [], "b": []},
    "all null": {name: pa.nulls(N, "float64") for name in "gysb"},
    "one group": {"g": ["a"] * N, "y": DECIDED, "s": [1.0] * N, "b": [1.0] * N},
    "scores that are no numbers": {"g": ["a"] * N, "y": DECIDED, "s": [float("nan"), float("inf")] * (N // 2), "b": [float("-inf")] * N},
    "outcomes that are neither": {"g": GROUP, "y": [7, -3, 2, 9] * (N // 4), "s": SCORE, "b": SCORE},
    "one outcome": {"g": ["a"] * N, "y": [1] * N, "s": SCORE, "b": SCORE},
    "text for numbers": {"g": ["a"] * N, "y": ["x", "y"] * (N // 2), "s": ["high", "low"] * (N // 2), "b": [""] * N},
    "missing columns": {"z": [1] * N},
}


@pytest.mark.parametrize("what", [*HOLLOW, "names twice"])
def test_a_table_in_which_there_is_nothing_to_see_opens_nothing(tmp_path: Path, what: str) -> None:
    """Enough rows, and still nothing that a check of fairness or performance could measure."""
    content = (
        pa.table(HOLLOW[what]) if what in HOLLOW else pa.table([GROUP, DECIDED, DECIDED, SCORE, SCORE], names=["g", "y", "y", "s", "b"])
    )
    pq.write_table(content, tmp_path / "t.parquet")
    roles = Roles(outcome="y", favourable="1", protected=("g",), score="s", label="y", baseline="b")
    subject = Subject(ref=SubjectRef(kind="model", name="t", roles=asdict(roles)), roles=roles, table_path=tmp_path / "t.parquet")
    only = ["fair.air", "fair.sig", "fair.errors", "fair.calib"]
    only += [] if what == "one group" else ["perf.discrim", "perf.benchmark", "perf.calibration"]
    for result in validate(subject, (), HERE, only=only).results:
        assert not result.verdict.opens, (result.validator, result.verdict, result.summary)
        if what == "names twice":
            assert "two columns with the name 'y'" in result.summary


@pytest.mark.parametrize("header", ["a,y,y", "a;y;y", '"a","y","y"'])
def test_a_csv_file_with_a_name_twice_is_refused(tmp_path: Path, header: str) -> None:
    (tmp_path / "t.csv").write_text(f"{header}\n" + header.replace("a", "1").replace("y", "2") + "\n", "utf-8")
    with pytest.raises(BadInput, match="two columns with the name 'y'"):
        open_table(tmp_path / "t.csv")


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from([ValueError, RuntimeError, Missing, MemoryError, RecursionError, SystemExit, AssertionError]), st.text(max_size=20))
def test_a_validator_that_breaks_or_starves_never_opens(tmp_path: Path, kind: type[BaseException], text: str) -> None:
    @validator("test.law", title="Law")
    def breaks(subject: Subject) -> Finding:
        raise kind(text)

    subject = Subject(ref=SubjectRef(kind="model", name="m"), roles=Roles())
    assert not validate(subject, (), Registry.of(breaks)).results[0].verdict.opens


# -- files ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["a[1].csv", "a*.csv", "a?.csv", "it's.csv", 'a"b.csv', "ä b.csv"])
def test_a_files_name_means_that_file_alone(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("x\n1\n2\n", "utf-8")
    (tmp_path / "a1.csv").write_text("x\n1\n2\n3\n", "utf-8")
    assert int(open_table(tmp_path / name).count().execute()) == 2


def test_parquet_is_known_by_its_content(tmp_path: Path) -> None:
    pq.write_table(pa.table({"x": [1]}), tmp_path / "62hex")
    assert open_table(tmp_path / "62hex").columns == ("x",)


@settings(max_examples=40, deadline=None)
@given(
    st.one_of(
        st.sampled_from([ValueError, MemoryError, ModuleNotFoundError, Missing, SystemExit, RecursionError]),
        st.one_of(st.none(), st.text(max_size=5), st.booleans(), st.lists(st.none(), max_size=2)),
    ),
    st.sampled_from(["critical", "high"]),
    st.sampled_from(["train", "review", "staging", ""]),
)
def test_whatever_a_validator_does_but_measure_keeps_the_gate_shut(deed: object, severity: str, gate: str) -> None:
    """Through the engine and the gate: an approved, fresh, whole report with one validator that broke or starved is never granted."""
    from jupyter_mlgov.core.team import Team
    from jupyter_mlgov.core.verdicts import Severity
    from jupyter_mlgov.lineage.facts import Step, StepState, StepStatus
    from jupyter_mlgov.promotion.facts import Answer, Review
    from jupyter_mlgov.promotion.gates import decide
    from jupyter_mlgov.promotion.registry import ModelVersion
    from jupyter_mlgov.testing import ANA, BEN, NOON, digest
    from jupyter_mlgov.validation.policy import Control, Policy, Requirement

    @validator("test.law", title="Law")
    def breaks(subject: Subject) -> Finding:
        if isinstance(deed, type):
            raise deed("so")
        return deed  # type: ignore[return-value]  # what is no answer is the point

    @validator("test.fine", title="Fine")
    def fine(subject: Subject) -> Finding:
        return Finding(message="fine", verdict=Verdict.PASS, measured=1.0)

    def granted(*checks: str) -> Answer:
        asks = tuple(Requirement(validator=name) for name in checks)
        control = Control(
            id="C.1", cite="c", url="", verified="P", obligation="do", automation="auto", severity=Severity(severity),
            gates=(gate,) if gate else (), basis="b", requirements=asks,
        )  # fmt: skip
        pack = Policy(id="p", version="1", title="P", framework="F", controls=(control,))
        subject = Subject(ref=SubjectRef(kind="model", name="m", model=digest("m")), roles=Roles())
        report = validate(subject, (pack,), Registry.of(breaks, fine))
        review = Review(actor=BEN, verdict="approve", report=report.digest, comment="ok", time=NOON, attests_unchecked=True)
        return decide(
            team=Team(model="m", policies=("p",)), stage="staging", model="m", report=report, stale=(), asked_by=ANA,
            version=ModelVersion(model="m", version="1", run_id="r", model_digest=digest("m")),
            steps=(StepStatus(step=Step(kind="train"), cells=("c",), state=StepState.FRESH),), reviews=(review,), authors=(ANA,),
        ).answer  # fmt: skip

    assert granted("test.fine") is Answer.GRANTED, "the gate can open at all"
    assert granted("test.fine", "test.law") is not Answer.GRANTED
