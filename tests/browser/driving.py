"""What a person does in JupyterLab, as short words for the tests."""

from __future__ import annotations

import json
from pathlib import Path

import nbformat
from playwright.sync_api import Locator, Page, expect


def open_notebook(page: Page, lab, notebook: str) -> None:
    """Open a notebook and wait until its kernel is idle (the toolbar's indicator says so too early)."""
    page.goto(lab.page_of(notebook))
    page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=90_000)
    kernel_idle(page)


def kernel_idle(page: Page) -> None:
    page.locator(".jp-StatusBar-Widget", has_text="(ipykernel) | Idle").wait_for(timeout=90_000)


def run_all(page: Page) -> None:
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()


ALL_RAN = """() => {
  const cells = [...window.jupyterapp.shell.currentWidget.content.model.cells]
    .filter(cell => cell.type === 'code' && cell.sharedModel.getSource().trim() !== '');
  return cells.length > 0 && cells.every(cell => cell.executionCount !== null && cell.executionState !== 'running');
}"""


def all_ran(page: Page) -> None:
    """Every code cell with something in it has its number and none runs.

    Between two cells the kernel is idle for a moment: its light alone says too little.
    """
    page.wait_for_function(ALL_RAN, timeout=180_000)
    kernel_idle(page)


def cell(page: Page, index: int) -> Locator:
    return page.locator(f'.jp-NotebookPanel:not(.lm-mod-hidden) .jp-Cell[data-windowed-list-index="{index}"]')


def panel(page: Page) -> Locator:
    return page.locator("#jp-mlgov-panel")


def show_panel(page: Page) -> Locator:
    if not panel(page).is_visible():
        page.locator(".jp-SideBar.jp-mod-right [data-id=jp-mlgov-panel]").click()
    expect(panel(page)).to_be_visible()
    return panel(page)


def tab(page: Page, name: str) -> Locator:
    """Open a tab of the panel and return its body."""
    panel(page).get_by_role("tab", name=name).click()
    body = panel(page).get_by_role("tabpanel")
    expect(body).to_be_visible()
    return body


def step(page: Page, label: str) -> Locator:
    """The row of one step."""
    return panel(page).locator(".jp-mlgov-step", has=page.locator(f'.jp-mlgov-step-name:text-is("{label}")'))


def palette(page: Page, words: str) -> None:
    """Run the command that the palette offers for `words`."""
    page.keyboard.press("Control+Shift+c")
    page.locator(".lm-CommandPalette-input").fill(words)
    page.locator(".lm-CommandPalette-itemLabel", has_text=words).first.click()


def save(page: Page) -> None:
    page.keyboard.press("Control+s")
    page.wait_for_function("() => !document.querySelector('.lm-DockPanel-tabBar .lm-mod-current.jp-mod-dirty')")


def tags_on_disk(path: Path) -> list[list[str]]:
    return [cell["metadata"].get("tags", []) for cell in json.loads(path.read_text("utf-8"))["cells"]]


def dark(page: Page) -> None:
    palette(page, "Use Theme: JupyterLab Dark")
    page.wait_for_selector("body[data-jp-theme-light=false]", state="attached")


def light(page: Page) -> None:
    """The theme is a setting, and stays as the test before left it."""
    palette(page, "Use Theme: JupyterLab Light")
    page.wait_for_selector("body[data-jp-theme-light=true]", state="attached")


def write(path: Path, *sources: str, tags: dict[int, list[str]] | None = None) -> Path:
    """A notebook with these code cells and tags by cell index."""
    cells = [nbformat.v4.new_code_cell(source, id=f"cell-{index}") for index, source in enumerate(sources)]
    for index, words in (tags or {}).items():
        cells[index].metadata["tags"] = words
    notebook = nbformat.v4.new_notebook(cells=cells)
    notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, path)
    return path


CONTRAST = """ours => {
  const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
  const rgb = colour => { canvas.fillStyle = '#000'; canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3); };
  const light = colour => { const [r, g, b] = rgb(colour).map(v => v / 255).map(v => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4);
    return .2126 * r + .7152 * g + .0722 * b; };
  const ground = node => { for (; node; node = node.parentElement) { const c = getComputedStyle(node).backgroundColor;
    if (!/rgba\\(0, 0, 0, 0\\)|transparent/.test(c)) return c; } return '#fff'; };
  return [...document.querySelectorAll(ours)]
    .filter(n => [...n.childNodes].some(c => c.nodeType === 3 && c.textContent.trim()) && n.getClientRects().length)
    .map(n => { const s = getComputedStyle(n); const [a, b] = [light(n instanceof SVGElement ? s.fill : s.color), light(ground(n))];
      return [n.textContent.trim().slice(0, 30), (Math.max(a, b) + .05) / (Math.min(a, b) + .05)]; });
}"""


def contrasts(page: Page, ours: str = ".jp-mlgov-report *, #jp-mlgov-panel *") -> None:
    """Every text of ours that is on the screen has a contrast of at least 4.5:1 with its ground (WCAG 2.2, 1.4.3)."""
    found = page.evaluate(CONTRAST, ours)
    assert found
    weak = [(words, round(ratio, 2)) for words, ratio in found if ratio < 4.5]
    assert weak == []


def accessible(page: Page, *ours: str) -> None:
    """axe-core (WCAG 2 A and AA) finds no serious or critical fault in these parts of the page."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(
        page, context={"include": [[part] for part in ours]}, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]}
    )
    assert found.response["passes"], "axe looked at nothing"
    grave = [one for one in found.response["violations"] if one["impact"] in ("serious", "critical")]
    assert [(one["id"], [node["html"][:160] for node in one["nodes"]]) for one in grave] == []
