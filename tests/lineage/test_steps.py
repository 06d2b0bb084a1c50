"""Fresh or stale, and why: small notebooks as (cell, what it reads, what it writes), and a law against a model of a kernel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.lineage.facts import CellRun, Outcome, Step, StepState, StepStatus
from jupyter_mlgov.lineage.steps import step_statuses
from jupyter_mlgov.testing import cell_run, digest, table

KIND = {"data": "data", "features": "features", "train": "train", "evaluate": "evaluate"}


def run(
    cell: str, reads: str = "", writes: str = "", *, source: str = "", outcome: Outcome = Outcome.OK, tags: tuple[str, ...] = ()
) -> CellRun:
    fact = cell_run(
        KIND.get(cell, ""), cell_id=cell, source_digest=digest(source or cell), reads=tuple(reads.split()), writes=tuple(writes.split())
    )
    return replace(fact, outcome=outcome, tags=(*fact.tags, *tags))


def told(runs: Sequence[CellRun], cells: str, **sources: str) -> dict[str, StepStatus]:
    numbered = [replace(one, id=str(place), order=place + 1) for place, one in enumerate(runs)]
    file = [(cell, Step(kind=cell) if cell in KIND else None, digest(sources.get(cell, cell))) for cell in cells.split()]
    return {status.step.label: status for status in step_statuses(numbered, file)}


LINE = [run("data", "", "table"), run("features", "table", "x"), run("train", "x", "model"), run("evaluate", "model table", "auc")]
CELLS = "data features train evaluate"


def states(found: dict[str, StepStatus]) -> list[StepState]:
    return [status.state for status in found.values()]


def test_run_all_is_fresh() -> None:
    found = told(LINE, CELLS)
    assert states(found) == [StepState.FRESH] * 4
    assert [status.order for status in found.values()] == [1, 2, 3, 4]


def test_what_never_ran_says_so() -> None:
    assert states(told(LINE[:2], CELLS))[2:] == [StepState.NEVER_RAN] * 2


def test_an_upstream_cell_that_ran_again_makes_all_below_it_stale() -> None:
    found = told([*LINE, LINE[1]], CELLS)
    assert states(found) == [StepState.FRESH, StepState.FRESH, StepState.STALE, StepState.STALE]
    assert found["train"].why == "the train cell ran before the features cell changed `x`"
    assert "train" in found["evaluate"].why and "stale" in found["evaluate"].why


def test_running_what_is_stale_again_makes_it_fresh() -> None:
    assert states(told([*LINE, LINE[1], LINE[2], LINE[3]], CELLS)) == [StepState.FRESH] * 4
    assert states(told([*LINE, LINE[1], LINE[2]], CELLS))[3] is StepState.STALE


def test_an_edited_cell_is_stale_and_so_is_what_rests_on_it() -> None:
    found = told(LINE, CELLS, features="edited")
    assert states(found) == [StepState.FRESH, StepState.STALE, StepState.STALE, StepState.STALE]
    assert found["features"].why == "the features cell was edited after it ran"
    assert "edited" in found["train"].why


def test_an_untagged_cell_in_between_counts() -> None:
    line = [LINE[0], run("c5", "table", "limit"), run("train", "limit", "model")]
    assert states(told(line, "data c5 train")) == [StepState.FRESH] * 2
    assert told(line, "data c5 train", c5="edited")["train"].state is StepState.STALE
    assert told([*line, line[1]], "data c5 train")["train"].why == "the train cell ran before cell c5 changed `limit`"


def test_a_chain_of_cells_that_change_one_table_is_fresh_in_order() -> None:
    line = [run("data", "", "df"), run("features", "df", "df"), run("train", "df", "df model")]
    assert states(told(line, "data features train")) == [StepState.FRESH] * 3
    assert states(told([*line, line[0]], "data features train")) == [StepState.FRESH, StepState.STALE, StepState.STALE]


def test_a_cell_run_on_what_a_cell_below_it_left_is_stale() -> None:
    line = [run("data", "", "df"), run("features", "df", "x"), run("train", "x df", "df")]
    found = told([*line, line[1]], "data features train")
    assert found["features"].state is StepState.STALE and "below" in found["features"].why


def test_a_cell_run_on_its_own_result_is_stale_unless_it_made_the_same() -> None:
    line = [run("data", "", "df"), run("features", "df", "df")]
    found = told([*line, line[1]], "data features")
    assert found["features"].state is StepState.STALE and "its own earlier run" in found["features"].why
    same = replace(line[1], outputs=(table("df"),))
    assert told([line[0], same, same], "data features")["features"].state is StepState.FRESH
    other = replace(line[1], outputs=(table("df", content="x"),))
    assert told([line[0], same, other], "data features")["features"].state is StepState.STALE


def test_a_name_from_a_deleted_cell_is_said_and_injected_parameters_are_not() -> None:
    gone = [run("old", "", "x"), run("train", "x", "model")]
    assert "no longer in the notebook" in told(gone, "train")["train"].why
    injected = [run("p", "", "x", tags=("injected-parameters",)), run("train", "x", "model")]
    assert told(injected, "train")["train"].state is StepState.FRESH


def test_broken_cells_are_not_stale_but_broken() -> None:
    for outcome, state in [
        (Outcome.FAILED, StepState.FAILED),
        (Outcome.SYNTAX, StepState.FAILED),
        (Outcome.KILLED, StepState.KILLED),
        (Outcome.RUNNING, StepState.RUNNING),
    ]:
        found = told([replace(LINE[0], outcome=outcome), *LINE[1:]], CELLS)
        assert found["data"].state is state
        if outcome is not Outcome.RUNNING:
            assert found["features"].state is StepState.STALE and "did not finish" in found["features"].why


def test_importing_the_same_again_changes_nothing_and_another_import_does() -> None:
    first = replace(run("setup", "", "f"), imports=("f",))
    line = [first, run("train", "f", "model")]
    assert told([*line, first], "setup train")["train"].state is StepState.FRESH
    other = replace(first, source_digest=digest("from b import f"))
    assert told([*line, other], "setup train", setup="from b import f")["train"].state is StepState.STALE


def test_a_step_of_two_cells_is_as_good_as_its_worse_one() -> None:
    runs = [
        replace(run("a", "", "x"), id="1", step=Step(kind="data")),
        replace(run("b", "x", "y"), id="2", step=Step(kind="data"), outcome=Outcome.FAILED),
    ]
    (status,) = step_statuses(runs, [("a", Step(kind="data"), None), ("b", Step(kind="data"), None)])
    assert status.state is StepState.FAILED and status.cells == ("a", "b")


def test_a_cell_tagged_after_it_ran_must_run_again() -> None:
    (status,) = step_statuses([run("c1", "", "x")], [("c1", Step(kind="data"), digest("c1"))])
    assert status.state is StepState.STALE and "tagged" in status.why


def test_a_front_end_with_ids_of_its_own_is_matched_by_the_text() -> None:
    (status,) = step_statuses([replace(run("data"), cell_id="vscode-1")], [("data", Step(kind="data"), digest("data"))])
    assert status.state is StepState.FRESH


# -- the law ----------------------------------------------------------------------------------------------------------

NAMES = "pqr"
PROGRAM = st.lists(st.tuples(st.sets(st.sampled_from(NAMES)), st.sets(st.sampled_from(NAMES), min_size=1)), min_size=1, max_size=5)


@settings(max_examples=400)
@given(PROGRAM, st.lists(st.tuples(st.integers(0, 4), st.booleans()), max_size=12))
def test_what_is_called_fresh_has_the_value_of_a_run_from_the_top(
    program: list[tuple[set[str], set[str]]], acts: list[tuple[int, bool]]
) -> None:
    """No stale step is missed: a step called fresh made what Run All of the file as it is now would make in the same place.

    Each cell writes to its names a value that spells its text and the values it read. `acts` run a cell, or edit it.
    """
    texts = [0] * len(program)
    namespace: dict[str, str] = {}
    runs: list[CellRun] = []
    made: dict[int, str] = {}

    def value(cell: int, names: dict[str, str]) -> str:
        reads, _ = program[cell]
        return str(digest(f"{cell}.{texts[cell]}({[names.get(name, '-') for name in sorted(reads)]})"))

    for number, edit in [*((cell, False) for cell in range(len(program))), *acts]:
        cell = number % len(program)
        if edit:
            texts[cell] += 1
            continue
        reads, writes = program[cell]
        read = tuple(sorted(name for name in reads if name in namespace))
        made[cell] = value(cell, namespace)
        namespace.update(dict.fromkeys(writes, made[cell]))
        source = digest(f"{cell}.{texts[cell]}")
        fact = cell_run("data:" + str(cell), id=str(len(runs)), cell_id=str(cell), order=len(runs) + 1, source_digest=source)
        runs.append(replace(fact, reads=read, writes=tuple(sorted(writes))))

    fresh_names: dict[str, str] = {}
    expected = {}
    for cell, (_, writes) in enumerate(program):
        expected[cell] = value(cell, fresh_names)
        fresh_names.update(dict.fromkeys(writes, expected[cell]))
    cells: list[tuple[str, Step | None, Digest | None]] = [
        (str(cell), Step(kind="data", name=str(cell)), digest(f"{cell}.{texts[cell]}")) for cell in range(len(program))
    ]
    for status in step_statuses(runs, cells):
        cell = int(status.step.name)
        if status.state is StepState.FRESH:
            assert made[cell] == expected[cell], (status, [(one.cell_id, one.reads, one.writes) for one in runs])


@given(PROGRAM)
def test_run_all_from_the_top_is_always_fresh(program: list[tuple[set[str], set[str]]]) -> None:
    runs, cells, seen = [], [], set()
    for cell, (reads, writes) in enumerate(program):
        fact = cell_run(f"data:{cell}", id=str(cell), cell_id=str(cell), order=cell + 1, source_digest=digest(str(cell)))
        runs.append(replace(fact, reads=tuple(sorted(reads & seen)), writes=tuple(sorted(writes))))
        cells.append((str(cell), Step(kind="data", name=str(cell)), digest(str(cell))))
        seen |= writes
    assert {status.state for status in step_statuses(runs, cells)} == {StepState.FRESH}
