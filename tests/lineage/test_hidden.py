"""Hidden state as a control: stale, edited, failed and deleted cells, runs out of order, and the exact cells to run again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from jupyter_mlgov.core.verdicts import Verdict
from jupyter_mlgov.lineage.facts import CellRun, Outcome
from jupyter_mlgov.lineage.hidden import HiddenState, hidden_state
from jupyter_mlgov.reports.stale import hidden_json, hidden_text
from jupyter_mlgov.testing import cell_run, digest


def run(cell: str, reads: str = "", writes: str = "", *, source: str = "", deleted: str = "") -> CellRun:
    fact = cell_run("", cell_id=cell, source_digest=digest(source or cell), reads=tuple(reads.split()), writes=tuple(writes.split()))
    return replace(fact, step=None, tags=(), deleted=tuple(deleted.split()))


def judged(runs: Sequence[CellRun], cells: str, **sources: str) -> HiddenState:
    numbered = [replace(one, id=str(place), order=place + 1) for place, one in enumerate(runs)]
    return hidden_state(numbered, [(cell, None, digest(sources.get(cell, cell))) for cell in cells.split()])


LINE = [run("a", "", "x"), run("b", "x", "y"), run("c", "y", ""), run("d", "", "z")]


def test_a_run_from_the_top_passes() -> None:
    found = judged(LINE, "a b c d")
    assert (found.verdict, found.rerun, found.lingering, found.disorder) == (Verdict.PASS, (), (), ())


def test_an_edit_asks_for_its_readers_and_nothing_else() -> None:
    found = judged(LINE, "a b c d", a="other")
    assert ([one.cell for one in found.rerun], found.verdict) == (["a", "b", "c"], Verdict.FAIL)
    assert [str(one.because) for one in found.rerun] == ["edited", "upstream", "upstream"]


def test_a_deleted_cell_whose_value_lives_on_is_told_with_its_name() -> None:
    found = judged(LINE, "b c d")
    assert (found.lingering, [one.cell for one in found.rerun]) == ((("x", "a"),), ["b", "c"])
    assert "no longer in the notebook" in found.rerun[0].why


def test_a_cell_that_the_front_end_deleted_counts_as_gone_before_the_file_is_saved() -> None:
    """JupyterLab sends `deletedCells` with the next execution."""
    found = judged([*LINE, run("d", "", "z", deleted="a")], "a b c d")
    assert (found.lingering, [one.cell for one in found.rerun]) == ((("x", "a"),), ["b", "c"])
    undone = judged([*LINE, run("d", "", "z", deleted="a"), LINE[0], LINE[1], LINE[2]], "a b c d")
    assert undone.verdict is Verdict.PASS


def test_a_value_that_another_cell_makes_again_does_not_linger() -> None:
    assert judged([*LINE, run("e", "", "x")], "e b c d").lingering == ()


def test_cells_run_out_of_order_are_told() -> None:
    found = judged([LINE[1], LINE[0], LINE[2], LINE[3]], "a b c d")
    assert found.disorder == ("b",)
    assert [one.cell for one in found.rerun] == ["b", "c"]


def test_what_did_not_run_is_no_pass() -> None:
    assert (judged(LINE[:3], "a b c d").verdict, judged(LINE[:3], "a b c d").never) == (Verdict.INCONCLUSIVE, ("d",))
    assert judged([], "a").verdict is Verdict.INCONCLUSIVE
    failed = judged([*LINE[:3], replace(LINE[3], outcome=Outcome.FAILED)], "a b c d")
    assert ([one.cell for one in failed.rerun], failed.verdict) == (["d"], Verdict.FAIL)


def test_text_and_data_say_the_same() -> None:
    found = judged([LINE[1], *LINE], "b c d", b="other")
    text, data = hidden_text(found, {"b": 2, "c": 3, "d": 5}), hidden_json(found, {"b": 2, "c": 3, "d": 5})
    assert "Hidden state" in text and "[2] cell b was edited after it ran" in text and "`x` lives on" in text
    assert data["verdict"] == "fail" and data["lingering"] == [{"name": "x", "cell": "a"}]
