"""The list of models is a fold of the trail: the same from the start or bit by bit, paged, sorted, and quick at ten thousand."""

import time

import pytest

from jupyter_mlgov.audit.entries import Draft
from jupyter_mlgov.core.settings import Settings
from jupyter_mlgov.workspace import Workspace
from jupyter_mlgov.workspace.register import SORTS, Register

MODELS = 10_000


def validated(model: str, verdict: str) -> Draft:
    return Draft(action="validation.done", subject=model, payload={"notebook": f"{model}.ipynb", "verdict": verdict, "digest": "d"})


@pytest.fixture
def workspace(tmp_path):
    found = Workspace.create(tmp_path, Settings(actor="ann"))
    (tmp_path / "mlgov.toml").write_text("[model]\ntier = 1\n")
    yield found
    found.close()


def names(page) -> list[str]:
    return [row.model for row in page.rows]


def ask(register, workspace, **changed):
    asked = {"words": "", "sort": "model", "descending": False, "offset": 0, "limit": 100} | changed
    return register.page(workspace, **asked)


def test_a_row_tells_verdict_review_stage_and_last_reproduction(workspace):
    workspace.record(
        validated("credit", "failed"),
        Draft(action="review.asked", subject="credit", payload={"stage": "staging"}),
        Draft(action="review.given", subject="credit", payload={"verdict": "approve", "report": "d"}),
        Draft(action="promotion.applied", subject="credit", payload={"stage": "staging", "version": "3"}),
        Draft(action="reproduce.done", subject="credit", payload={"grade": "equal", "version": "3"}),
    )
    row = ask(Register(), workspace).rows[0]
    assert (row.model, row.notebook, row.tier, row.stage, row.version) == ("credit", "credit.ipynb", "1", "staging", "3")
    assert (row.verdict, row.review, row.reproduced) == ("fail", "approved", "equal")
    assert row.validated < row.review_since <= row.reproduced_at == row.moved


def test_a_new_report_needs_a_new_review(workspace):
    workspace.record(Draft(action="review.given", subject="m", payload={"verdict": "approve"}), validated("m", "passed"))
    assert ask(Register(), workspace).rows[0].review == ""


def test_the_fold_bit_by_bit_is_the_fold_from_the_start(workspace):
    kept = Register()
    for number in range(6):
        workspace.record(validated(f"m{number % 3}", "passed" if number % 2 else "failed"))
        ask(kept, workspace)
    assert ask(kept, workspace) == ask(Register(), workspace)


@pytest.mark.parametrize("sort", SORTS)
def test_pages_of_any_order_together_are_all_rows_once(workspace, sort):
    workspace.record(*(validated(f"m{number:02}", ("passed", "failed", "could not tell")[number % 3]) for number in range(25)))
    register = Register()
    for descending in (False, True):
        pages = [names(ask(register, workspace, sort=sort, descending=descending, offset=at, limit=10)) for at in (0, 10, 20, 30)]
        assert sorted(name for page in pages for name in page) == [f"m{number:02}" for number in range(25)]
        assert [len(page) for page in pages] == [10, 10, 5, 0]


def test_the_gravest_verdict_comes_first_and_words_filter(workspace):
    workspace.record(validated("a", "passed"), validated("b", "failed"), validated("c", "could not tell"))
    assert names(ask(Register(), workspace, sort="verdict")) == ["b", "c", "a"]
    found = ask(Register(), workspace, words="FAIL b")
    assert (names(found), found.models) == (["b"], 1)


def test_ten_thousand_models_are_read_once_and_then_only_what_is_new(workspace):
    """Work, not time, is asserted: the second page reads no entry again. The time is told for whoever looks."""
    workspace.record(*(validated(f"model-{number:05}", "passed") for number in range(MODELS)))
    register, began = Register(), time.perf_counter()
    first = ask(register, workspace)
    read = time.perf_counter() - began
    assert (first.models, len(first.rows)) == (MODELS, 100)
    workspace.record(validated("model-00007", "failed"))
    journal, asked = workspace.personal, []
    real = journal.entries
    journal.entries = lambda **given: asked.append(given["after"]) or real(**given)  # type: ignore[method-assign] # counts what is read, then asks the real one
    began = time.perf_counter()
    page = ask(register, workspace, sort="verdict")
    print(f"{MODELS} models: {read:.2f} s to read, {time.perf_counter() - began:.3f} s for a page")
    assert names(page)[0] == "model-00007"
    assert asked == [first.entries]
