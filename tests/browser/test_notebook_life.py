"""What becomes of a record when the kernel restarts and the notebook is renamed, moved or cloned: kept, or said to be gone."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from playwright.sync_api import expect

sys.path.insert(0, str(Path(__file__).parent))

from driving import all_ran, kernel_idle, open_notebook, panel, run_all, save, show_panel, step, write

from jupyter_mlgov.core.settings import Settings

pytestmark = pytest.mark.slow

LOAD = "%load_ext jupyter_mlgov"
TAGS = {1: ["mlgov:data"], 2: ["mlgov:train"]}


@pytest.fixture
def life(lab, page, request):
    """A notebook of two steps that ran, in a workspace of its own, with the panel beside it."""
    from jupyter_mlgov.workspace import Workspace

    folder = lab.root / request.node.name[:40]
    write(folder / "life.ipynb", LOAD, "table = [1, 2, 3]", "model = sum(table)", tags=TAGS)
    Workspace.create(folder, Settings(actor="ann")).close()
    open_notebook(page, lab, f"{folder.name}/life.ipynb")
    show_panel(page)
    run_all(page)
    all_ran(page)
    save(page)
    for label in ("data", "train"):
        expect(step(page, label)).to_have_attribute("data-state", "fresh", timeout=60_000)
    return folder


def sentences(folder: Path) -> list[str]:
    from jupyter_mlgov.workspace import Workspace

    workspace = Workspace(folder)
    try:
        return [f"{entry.action} {entry.subject}" for entry in workspace.journal.entries()]
    finally:
        workspace.close()


def test_a_restarted_kernel_keeps_the_record_of_what_ran_and_begins_a_new_one(life, page, shots):
    before = sentences(life)
    page.evaluate("() => { window.jupyterapp.commands.execute('kernelmenu:restart'); }")
    page.get_by_role("button", name="Confirm Kernel Restart").click()
    kernel_idle(page)
    # What ran is still known: the notebook did not change, and nothing new ran.
    expect(step(page, "train")).to_have_attribute("data-state", "fresh")
    page.locator(".jp-Cell").nth(0).locator(".cm-content").click()
    page.keyboard.press("Shift+Enter")
    page.keyboard.press("Shift+Enter")
    page.wait_for_function("() => document.querySelectorAll('.jp-InputPrompt')[1].textContent === '[2]:'")
    # A new session has no train yet: the old run's word is not taken for it.
    expect(step(page, "train")).to_have_attribute("data-state", "never ran", timeout=60_000)
    expect(step(page, "data")).to_have_attribute("data-state", "fresh")
    page.screenshot(path=shots / "restarted.png")
    after = sentences(life)
    assert after[: len(before)] == before
    assert after.count("session.started life.ipynb") == 2


def test_a_renamed_notebook_says_that_its_record_is_under_the_old_name(life, page, shots):
    """The trail cannot be rewritten: what ran, ran as life.ipynb. The panel shows the new name's own record, which is empty."""
    page.evaluate("() => window.jupyterapp.shell.currentWidget.context.rename('second.ipynb')")
    expect(panel(page)).to_contain_text("second.ipynb")
    expect(step(page, "train")).to_have_attribute("data-state", "never ran", timeout=60_000)
    expect(panel(page).get_by_test_id("mlgov-gate")).to_contain_text("gate shut")
    expect(panel(page).get_by_test_id("mlgov-next")).to_contain_text("life.ipynb, which is gone, has a record")
    assert not (life / "life.ipynb").exists()
    page.screenshot(path=shots / "renamed.png")
    assert any(line == "cell.finished life.ipynb" for line in sentences(life))
    # Run again under the new name, and its record is whole.
    page.get_by_role("menuitem", name="Kernel", exact=True).click()
    page.get_by_role("menuitem", name="Restart Kernel and Run All Cells…", exact=True).click()
    page.get_by_role("button", name="Confirm Kernel Restart").click()
    all_ran(page)
    save(page)
    expect(step(page, "train")).to_have_attribute("data-state", "fresh", timeout=60_000)
    assert any(line.startswith("cell.finished second.ipynb") for line in sentences(life))


def test_a_moved_notebook_keeps_nothing_that_is_not_its_own(life, page):
    (life / "below").mkdir()
    path = f"{life.name}/below/life.ipynb"
    page.evaluate(
        "path => window.jupyterapp.serviceManager.contents.rename(window.jupyterapp.shell.currentWidget.context.path, path)", path
    )
    expect(step(page, "train")).to_have_attribute("data-state", "never ran", timeout=60_000)
    expect(panel(page).get_by_test_id("mlgov-gate")).to_contain_text("gate shut")


def test_a_clone_has_no_record_of_what_its_original_did(life, lab, page):
    (life / "clone.ipynb").write_text((life / "life.ipynb").read_text())
    open_notebook(page, lab, f"{life.name}/clone.ipynb")
    show_panel(page)
    expect(step(page, "train")).to_have_attribute("data-state", "never ran")
    before = (life / "life.ipynb").read_bytes()
    open_notebook(page, lab, f"{life.name}/life.ipynb")
    show_panel(page)
    expect(step(page, "train")).to_have_attribute("data-state", "fresh")
    # With kernel, panel and marks there, a notebook that was only opened is as it was saved.
    expect(page.locator('.jp-Cell[data-mlgov-badge*="train"]')).to_be_attached()
    assert page.evaluate("() => window.jupyterapp.shell.currentWidget.context.model.dirty") is False
    assert (life / "life.ipynb").read_bytes() == before
