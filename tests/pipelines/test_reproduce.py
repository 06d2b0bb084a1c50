"""Grades, tolerances and causes, from records alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_mlgov.core.errors import BadInput, UsageError
from jupyter_mlgov.lineage.comparison import Difference
from jupyter_mlgov.lineage.facts import CellRun, FileRef, Lineage, ObjectRef, Outcome, SourceRef, Surroundings
from jupyter_mlgov.pipelines.reproduce import Declared, Grade, declared, graded, out_of_order, worst
from jupyter_mlgov.pipelines.reproduce_causes import NOTHING, causes, first_divergent
from jupyter_mlgov.pipelines.reproduce_values import FEWEST, auc, closeness
from jupyter_mlgov.pipelines.reproduction import Reproduction
from jupyter_mlgov.testing import cell_run, digest, session, table

NONE = Declared(tolerance={})


def lineage(*runs: CellRun) -> Lineage:
    numbered = tuple(replace(run, order=place) for place, run in enumerate(runs, 1))
    return Lineage(notebook="credit.ipynb", session=session(), runs=numbered, steps=())


def cell(name: str, step: str = "", **more: object) -> CellRun:
    return cell_run(step, cell_id=name, id=name, source_digest=digest(name), **more)


def unkept(_one: ObjectRef, _other: ObjectRef, _column: str) -> None:
    return None


def grades(before: CellRun, after: CellRun | None, wanted: Declared = NONE, kept: object = unkept) -> list[Grade]:
    found = graded(lineage(before), lineage(*([after] if after else [])), wanted, kept)  # type: ignore[arg-type]  # a stand-in
    return [one.grade for one in found]


@given(st.lists(st.sampled_from(list(Grade))))
def test_the_whole_is_never_better_than_a_part_and_nothing_is_no_pass(parts: list[Grade]) -> None:
    order = list(Grade)
    assert all(order.index(worst(parts)) >= order.index(one) for one in parts)
    assert worst([]) is Grade.UNKNOWN
    assert order == [Grade.IDENTICAL, Grade.WITHIN, Grade.SAME, Grade.UNKNOWN, Grade.DIVERGENT]


@pytest.mark.parametrize(
    ("after", "grade"),
    [
        ({}, Grade.IDENTICAL),
        ({"outputs": ()}, Grade.DIVERGENT),
        ({"outputs": (table(content="other"),)}, Grade.DIVERGENT),
        ({"outputs": (table(rows=99, content="other"),)}, Grade.DIVERGENT),
        ({"outputs": (replace(table(), fingerprint=None, note="unstable"),)}, Grade.UNKNOWN),
        ({"outcome": Outcome.FAILED, "error": "KeyError: x"}, Grade.UNKNOWN),
    ],
)
def test_a_table_is_graded_by_its_fingerprint(after: dict[str, object], grade: Grade) -> None:
    before = cell("a", "evaluate", outputs=(table(),))
    assert grades(before, replace(before, **after)) == [grade]  # type: ignore[arg-type]  # fields by name


def test_a_cell_that_did_not_run_again_is_no_verdict() -> None:
    assert grades(cell("a", "evaluate", outputs=(table(),), metrics={"auc": 0.8}), None) == [Grade.UNKNOWN, Grade.UNKNOWN]


@pytest.mark.parametrize(
    ("now", "limit", "grade"),
    [
        (0.8, None, Grade.IDENTICAL),
        (0.8001, None, Grade.DIVERGENT),
        (0.8001, 1e-3, Grade.WITHIN),
        (0.81, 1e-3, Grade.DIVERGENT),
        (float("nan"), 1e-3, Grade.DIVERGENT),
    ],
)
def test_a_metric_is_graded_by_its_declared_tolerance(now: float, limit: float | None, grade: Grade) -> None:
    before = cell("a", "evaluate", metrics={"auc": 0.8})
    wanted = Declared(tolerance={} if limit is None else {"auc": limit})
    assert grades(before, replace(before, metrics={"auc": now}), wanted) == [grade]


def test_a_column_is_compared_only_where_something_is_declared_and_its_rows_were_kept() -> None:
    one, other = table(columns=("score",)), table(columns=("score",), content="other")
    before, after = cell("a", "evaluate", outputs=(one,)), cell("a", "evaluate", outputs=(other,))
    near, far = [0.1 * n for n in range(40)], [0.1 * n + 1e-9 for n in range(40)]

    def kept(_one: ObjectRef, _other: ObjectRef, _column: str) -> tuple[list[float], list[float]]:
        return near, far

    tolerant = Declared(tolerance={"score": 1e-8})
    assert grades(before, after, tolerant, kept) == [Grade.WITHIN]
    assert grades(before, after, Declared(tolerance={"score": 1e-10}), kept) == [Grade.DIVERGENT]
    assert grades(before, after, Declared(tolerance={}, distribution=("score",)), kept) == [Grade.SAME]
    assert grades(before, after, NONE, kept) == [Grade.DIVERGENT]
    assert grades(before, after, tolerant, unkept) == [Grade.UNKNOWN]


def test_a_model_is_within_tolerance_when_its_scores_are() -> None:
    model = ObjectRef(name="model", kind="model", fingerprint=replace(table().fingerprint, columns={}, schema={}))  # type: ignore[type-var]  # it has one
    other = replace(model, fingerprint=replace(model.fingerprint, root=digest("other")))  # type: ignore[type-var]  # likewise
    scored = table(columns=("score",)), table(columns=("score",), content="other")
    before = lineage(cell("t", "train", outputs=(model,)), cell("e", "evaluate", outputs=(scored[0],)))
    after = lineage(cell("t", "train", outputs=(other,)), cell("e", "evaluate", outputs=(scored[1],)))

    def kept(_one: ObjectRef, _other: ObjectRef, _column: str) -> tuple[list[float], list[float]]:
        return [0.0] * 40, [1e-9] * 40

    wanted = Declared(tolerance={"score": 1e-8})
    assert [one.grade for one in graded(before, after, wanted, kept, score="score")] == [Grade.WITHIN, Grade.WITHIN]
    assert [one.grade for one in graded(before, after, wanted, kept)] == [Grade.DIVERGENT, Grade.WITHIN]


@pytest.mark.parametrize(
    ("section", "error", "sentence"),
    [
        ({"tolerence": {}}, UsageError, 'Did you mean "tolerance"'),
        ({"tolerance": {"auc": -1}}, BadInput, "none of them negative"),
        ({"tolerance": {"auc": True}}, BadInput, "none of them negative"),
        ({"distribution": "score"}, BadInput, "a list of columns"),
        ({"alpha": 2.0}, BadInput, "between 0 and 1"),
    ],
)
def test_what_is_declared_wrongly_is_refused(section: dict[str, object], error: type[Exception], sentence: str) -> None:
    with pytest.raises(error, match=sentence):
        declared(section)


def test_cells_that_ran_above_their_place_are_named() -> None:
    recorded = lineage(cell("b"), cell("a"), cell("c"), cell("b"))
    assert out_of_order(recorded, ("a", "b", "c")) == ("c",)
    assert out_of_order(lineage(cell("a"), cell("b")), ("a", "b", "c")) == ()


STEPS = (cell("a", writes=("x",)), cell("b", writes=("noise",)), cell("c", "features", reads=("x", "noise"), writes=("y",)))


def told(kind: str, **more: object) -> Lineage:
    return lineage(*(replace(run, **more) if run.cell_id == kind else run for run in STEPS))  # type: ignore[arg-type]  # fields by name


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        (told("b", surroundings=Surroundings(unseeded=("numpy.random",))), ("generator", "b")),
        (told("b", surroundings=Surroundings(clocks=("time.time",))), ("clock", "b")),
        (told("a", surroundings=Surroundings(connections=("db:5432",))), ("network", "a")),
        (told("c", surroundings=Surroundings(variables=("SEED", "IPYKERNEL_CELL_NAME"))), ("variable", "c")),
        (told("a", source_digest=digest("edited"), meaning="edited"), ("code", "a")),
        (told("c", surroundings=Surroundings(variables=("IPYKERNEL_CELL_NAME",))), ("none", "")),
    ],
)
def test_each_recorded_fact_is_named_as_the_cause(after: Lineage, expected: tuple[str, str]) -> None:
    found = causes("c", lineage(*STEPS), after, ())
    assert (found[0].kind, found[0].cell) == expected


def test_changed_data_come_before_what_may_differ() -> None:
    read = cell("a", files_read=(FileRef(path="d.csv", digest=digest("1")),), surroundings=Surroundings(unseeded=("random",)))
    now = replace(read, files_read=(FileRef(path="d.csv", digest=digest("2")),))
    assert [one.kind for one in causes("a", lineage(read), lineage(now), ())] == ["data", "generator"]
    source = SourceRef(system="delta", name="/w/t", version="1", digest=digest("1"))
    then, later = cell("a", sources_read=(source,)), cell("a", sources_read=(replace(source, version="2", digest=digest("2")),))
    assert causes("a", lineage(then), lineage(later), ())[0].kind == "data"


@pytest.mark.parametrize(
    ("kind", "what", "expected"),
    [
        ("package", "numpy", "package"),
        ("setting", "OMP_NUM_THREADS", "threads"),
        ("blas", "linear algebra", "blas"),
        ("cpu", "vector features", "machine"),
    ],
)
def test_the_environment_is_a_cause_only_where_it_matters_and_is_known(kind: str, what: str, expected: str) -> None:
    differs = Difference(kind=kind, what=what, one="1", other="2", matters=True)  # type: ignore[arg-type]  # one of its words
    assert causes("c", lineage(*STEPS), lineage(*STEPS), (differs,))[0].kind == expected
    for still in (replace(differs, matters=False), replace(differs, known=False)):
        assert causes("c", lineage(*STEPS), lineage(*STEPS), (still,)) == (NOTHING,)


def test_a_limit_or_a_run_that_did_not_end_is_never_a_pass() -> None:
    good = graded(lineage(cell("a", "evaluate", metrics={"m": 1.0})), lineage(cell("a", "evaluate", metrics={"m": 1.0})), NONE, unkept)
    start = Reproduction(model="m", version="1", notebook="n.ipynb", session="s", artefacts=good)
    assert (start.grade, start.exit_code) == (Grade.IDENTICAL, 0)
    assert (replace(start, limits=("x",)).grade, replace(start, problem="y").grade) == (Grade.UNKNOWN, Grade.UNKNOWN)
    assert replace(start, artefacts=()).exit_code == 3
    assert "Nothing was recorded" in replace(start, artefacts=()).why
    assert first_divergent(good) is None


def test_the_area_under_the_curve_is_the_share_of_pairs_in_order() -> None:
    """Against the definition on every pair (ties count a half), as Hanley and McNeil 1982 have it."""
    rng = np.random.default_rng(3)
    scores, labels = rng.integers(0, 6, 60).astype(float).tolist(), (rng.random(60) > 0.4).tolist()
    good = [score for score, label in zip(scores, labels, strict=True) if label]
    bad = [score for score, label in zip(scores, labels, strict=True) if not label]
    pairs = [1.0 if g > b else 0.5 if g == b else 0.0 for g in good for b in bad]
    assert auc(scores, labels) == pytest.approx(sum(pairs) / len(pairs), abs=1e-12)
    assert auc([0.1, None], [True, False]) is None
    assert auc([0.1, 0.2], [True, True]) is None


def test_two_samples_are_held_apart_by_the_test_and_small_ones_are_not_judged() -> None:
    rng = np.random.default_rng(1)
    one, same, other = (rng.normal(shift, 1, 400).tolist() for shift in (0, 0, 1))
    assert (closeness(one, same).p or 0) > 0.05
    assert (closeness(one, other).p or 0) < 1e-6
    assert closeness(one[: FEWEST - 1], same).p is None
    assert closeness(["a", "b"] * 100, ["b", "a"] * 100).p == pytest.approx(1.0)
    assert (closeness(["a", "b"] * 100, ["a"] * 200).p or 0) < 1e-6
    assert closeness([1.0, None], [1.0, 2.0]).largest is None
    assert closeness([float("inf"), 1.0], [float("inf"), 1.5]).largest == 0.5
    assert closeness([1.0, 2.0], [1.0]).largest is None
