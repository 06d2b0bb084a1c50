"""A notebook of five hundred cells: every mark is there wherever one scrolls, and comes back after a cell left the page."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from playwright.sync_api import expect

sys.path.insert(0, str(Path(__file__).parent))

from driving import cell, open_notebook, write

pytestmark = pytest.mark.slow

CELLS = 500
KINDS = ("data", "features", "train", "evaluate")

LOST = """() => {
  const kinds = ['data', 'features', 'train', 'evaluate'];
  const cells = [...document.querySelectorAll('.jp-NotebookPanel .jp-Cell[data-windowed-list-index]')];
  return cells.map(node => [Number(node.dataset.windowedListIndex), node.dataset.mlgovBadge,
      getComputedStyle(node, '::before').content])
    .filter(([at, badge, drawn]) => badge !== `• ${kinds[at % 4]}` || !drawn.includes(kinds[at % 4]));
}"""


def test_no_mark_is_dropped_while_five_hundred_cells_scroll_by(lab, page, shots):
    tags = {index: [f"mlgov:{KINDS[index % 4]}"] for index in range(CELLS)}
    write(lab.root / "many" / "many.ipynb", *(f"x{index} = {index}\ny{index} = x{index}" for index in range(CELLS)), tags=tags)
    open_notebook(page, lab, "many/many.ipynb")
    expect(cell(page, 0)).to_have_attribute("data-mlgov-badge", "• data")
    seen: set[int] = set()
    for place in [*range(0, CELLS, 45), CELLS - 1, *range(CELLS - 1, 0, -130), 0]:
        page.evaluate("at => window.jupyterapp.shell.currentWidget.content.scrollToItem(at, 'center')", place)
        expect(cell(page, place)).to_be_in_viewport()
        assert page.evaluate(LOST) == []
        seen |= set(page.evaluate("() => [...document.querySelectorAll('.jp-Cell')].map(n => Number(n.dataset.windowedListIndex))"))
    assert len(seen) > CELLS / 2
    page.screenshot(path=shots / "many.png")
    # One tag more, far from the top, and its mark moves with it.
    page.evaluate("() => window.jupyterapp.shell.currentWidget.content.scrollToItem(400, 'center')")
    cell(page, 400).locator(".jp-InputPrompt").click()
    page.evaluate("() => window.jupyterapp.commands.execute('mlgov:tag-cell', {kind: 'report'})")
    expect(cell(page, 400)).to_have_attribute("data-mlgov-badge", "• report")
