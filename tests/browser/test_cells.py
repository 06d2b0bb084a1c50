"""Marks and tags of cells in a real JupyterLab: every state a mark can have, every way to a tag, and what is written to disk."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from playwright.sync_api import expect

sys.path.insert(0, str(Path(__file__).parent))

from driving import cell, contrasts, dark, open_notebook, save, tags_on_disk, write

from jupyter_mlgov.core.facts import plain
from jupyter_mlgov.lineage.facts import Step, StepState, StepStatus
from jupyter_mlgov.reports.views import CheckLine, NotebookView

pytestmark = pytest.mark.slow

STATES = {
    "data": (StepState.FRESH, "✓ data", "pass"),
    "features": (StepState.FRESH, "⇅ features", "warn"),
    "train": (StepState.STALE, "↻ train", "warn"),
    "evaluate": (StepState.FRESH, "✓ evaluate", "fail"),
    "register": (StepState.FAILED, "✕ register", "fail"),
    "report": (StepState.NEVER_RAN, "○ report", "mute"),
}
CELLS = {kind: f"cell-{index}" for index, kind in enumerate(STATES)}


def failed(validator: str, at: str, **more: str) -> CheckLine:
    return CheckLine(validator=validator, title=validator, verdict="fail", severity="high", summary="", cell=at, **more)


VIEW = NotebookView(
    notebook="marks.ipynb",
    workspace="w",
    gate="development → staging",
    steps=tuple(StepStatus(step=Step(kind=kind), cells=(CELLS[kind],), state=state) for kind, (state, _, _) in STATES.items()),
    disorder=(CELLS["features"],),
    checks=(
        failed("fair.air", CELLS["evaluate"]),
        failed("perf.calib", CELLS["evaluate"]),
        failed("env.pin", "cell-6"),
        failed("priv.pii", CELLS["data"], stale="a step is out of date"),
        failed("doc.card", CELLS["data"], waived="by rae until 2027"),
    ),
)


def test_every_state_of_a_cell_has_its_mark_in_the_margin(lab, page, shots):
    tags = {index: [f"mlgov:{kind}"] for index, kind in enumerate(STATES)}
    write(lab.root / "marks" / "marks.ipynb", *(f"x{index} = {index}" for index in range(8)), tags=tags)
    page.route("**/mlgov/api/notebook?*", lambda route: route.fulfill(json=plain(VIEW)))
    open_notebook(page, lab, "marks/marks.ipynb")
    for index, (_, badge, role) in enumerate(STATES.values()):
        expect(cell(page, index)).to_have_attribute("data-mlgov-badge", badge)
        expect(cell(page, index)).to_have_attribute("data-mlgov-role", role)
    # Failed checks stand below the step's mark, and alone where the cell is no step; one that is stale or waived does not.
    expect(cell(page, 3)).to_have_attribute("data-mlgov-more", "✕ 2 checks")
    expect(cell(page, 6)).to_have_attribute("data-mlgov-badge", "✕ env.pin")
    expect(cell(page, 7)).not_to_have_attribute("data-mlgov-badge", "✕ env.pin")
    assert cell(page, 0).get_attribute("data-mlgov-more") is None
    drawn = cell(page, 3).evaluate("node => getComputedStyle(node, '::before').content")
    assert "✓ evaluate" in drawn
    assert "✕ 2 checks" in drawn
    page.screenshot(path=shots / "marks.png", clip={"x": 250, "y": 80, "width": 700, "height": 620})
    dark(page)
    page.screenshot(path=shots / "marks-dark.png", clip={"x": 250, "y": 80, "width": 700, "height": 620})
    contrasts(page, ".jp-mlgov-status")


def tag_by_key(page, kind: str) -> None:
    """The keyboard alone: the shortcut opens the menu, its letter or arrows choose, Enter takes."""
    page.keyboard.press("Control+Alt+g")
    menu = page.locator("#jp-mlgov-tag-menu")
    expect(menu).to_be_visible()
    while menu.locator(".lm-mod-active .lm-Menu-itemLabel").all_inner_texts() != [kind]:
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(menu).to_be_hidden()


def test_all_selected_cells_are_tagged_by_keyboard_and_one_undo_takes_it_back(lab, page):
    path = write(lab.root / "marks" / "many.ipynb", "a = 1", "b = 2", "c = 3", "d = 4", tags={2: ["zeta", "alpha"], 3: ["mlgov:data"]})
    open_notebook(page, lab, "marks/many.ipynb")
    cell(page, 0).locator(".jp-InputPrompt").click()
    page.keyboard.press("Shift+ArrowDown")
    page.keyboard.press("Shift+ArrowDown")
    expect(page.locator(".jp-Cell.jp-mod-selected")).to_have_count(3)
    tag_by_key(page, "train")
    for index in range(3):
        expect(cell(page, index)).to_have_attribute("data-mlgov-badge", "• train")
    expect(cell(page, 3)).to_have_attribute("data-mlgov-badge", "• data")
    save(page)
    # Sorted, so that two people's tags merge; other cells and all other metadata are as they were.
    assert tags_on_disk(path) == [["mlgov:train"], ["mlgov:train"], ["alpha", "mlgov:train", "zeta"], ["mlgov:data"]]
    assert all("mlgov" not in one["metadata"] for one in json.loads(path.read_text())["cells"])

    cell(page, 0).locator(".jp-InputPrompt").click()
    page.keyboard.press("z")
    for index in range(3):
        expect(cell(page, index)).not_to_have_attribute("data-mlgov-badge", "• train")
    page.keyboard.press("Shift+z")
    expect(cell(page, 2)).to_have_attribute("data-mlgov-badge", "• train")
    page.keyboard.press("z")
    save(page)
    assert tags_on_disk(path) == [[], [], ["zeta", "alpha"], ["mlgov:data"]]


def test_tagging_and_untagging_leaves_the_file_as_it_was(lab, page):
    """nbdime and git see nothing, since nothing but the tag list is ever written, and an empty list not at all."""
    path = write(lab.root / "marks" / "same.ipynb", "a = 1", "b = 2")
    open_notebook(page, lab, "marks/same.ipynb")
    cell(page, 0).locator(".jp-InputPrompt").click()
    tag_by_key(page, "data")
    save(page)
    once = json.loads(path.read_text())
    assert once["cells"][0]["metadata"].pop("tags") == ["mlgov:data"]
    cell(page, 0).locator(".jp-InputPrompt").click()
    tag_by_key(page, "none")
    save(page)
    twice = json.loads(path.read_text())
    assert twice == once
    assert "tags" not in twice["cells"][0]["metadata"]
