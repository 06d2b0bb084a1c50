"""Jupyter Notebook 7: the same panel, badges and tags beside a single notebook."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from playwright.sync_api import expect

sys.path.insert(0, str(Path(__file__).parent))

from driving import panel, tab, write

from jupyter_mlgov.core.settings import Settings

pytestmark = pytest.mark.slow


# The first two come with our extension kept from the page, too: jupyter-scheduler asks for a service that Notebook 7 has not, and its
# settings break after it. The third is a command of JupyterLab's file browser, which this page has not and we never ask for.
NOT_OURS = (
    "Plugin '@jupyterlab/scheduler:plugin' failed to activate",
    "Cannot read properties of undefined (reading 'schema')",
    "Command 'filebrowser:open-path' not registered",
)


def test_the_panel_and_the_badges_are_in_notebook_7_too(lab, page, shots, seen):
    from jupyter_mlgov.workspace import Workspace

    seen.provoked.extend(NOT_OURS)
    folder = lab.root / "seven"
    write(folder / "seven.ipynb", "a = 1", "b = a", tags={0: ["mlgov:data"]})
    Workspace.create(folder, Settings(actor="ann")).close()
    page.goto(f"{lab.url}/notebooks/seven/seven.ipynb?token={lab.token}")
    page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=90_000)
    expect(page.locator('.jp-Cell[data-mlgov-badge="○ data"]')).to_be_attached(timeout=60_000)
    page.keyboard.press("Control+Alt+Shift+g")
    expect(panel(page)).to_be_visible()
    expect(panel(page).get_by_test_id("mlgov-step")).to_have_attribute("data-state", "never ran")
    expect(panel(page).get_by_test_id("mlgov-gate")).to_contain_text("gate shut")
    expect(tab(page, "Trail")).to_contain_text("made this workspace")
    page.screenshot(path=shots / "notebook7.png")
