"""The launcher's card and the settings in a real JupyterLab, changed as a user changes them: in the settings' own editor and store."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from playwright.sync_api import expect

sys.path.insert(0, str(Path(__file__).parent))

from driving import accessible, cell, open_notebook, panel, show_panel, write

pytestmark = pytest.mark.slow


@pytest.fixture
def chosen(lab):
    """Write settings as the editor does: a file in the user's settings folder, gone after the test."""
    file = lab.home / "settings" / "jupyter-mlgov" / "plugin.jupyterlab-settings"

    def write_settings(text: str) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    yield write_settings
    file.unlink(missing_ok=True)


def test_the_launcher_has_a_card_that_opens_the_models(lab, page, shots):
    from jupyter_mlgov.core.settings import Settings
    from jupyter_mlgov.workspace import Workspace

    folder = lab.root / "launched"
    write(folder / "first.ipynb", "a = 1")
    Workspace.create(folder, Settings(actor="ann")).close()
    open_notebook(page, lab, "launched/first.ipynb")
    page.keyboard.press("Control+Shift+l")
    card = page.locator(".jp-LauncherCard", has_text="Models")
    expect(card).to_be_visible()
    expect(page.locator(".jp-Launcher-sectionTitle", has_text="Governance")).to_be_visible()
    page.screenshot(path=shots / "launcher.png")
    card.click()
    expect(page.locator(".jp-mlgov-dashboard")).to_contain_text("No model was validated in this workspace yet.")


def test_without_settings_marks_are_drawn_and_the_panel_stands_at_the_right(lab, page):
    write(lab.root / "settings" / "usual.ipynb", "a = 1", tags={0: ["mlgov:data"]})
    open_notebook(page, lab, "settings/usual.ipynb")
    expect(cell(page, 0)).to_have_attribute("data-mlgov-badge", "• data")
    expect(page.locator(".jp-SideBar.jp-mod-right [data-id=jp-mlgov-panel]")).to_be_visible()


def test_settings_take_marks_away_move_the_panel_open_another_section_and_propose_nothing(lab, page, chosen):
    chosen('{"badges": false, "side": "left", "section": "trail", "suggestions": false}')
    write(lab.root / "settings" / "other.ipynb", "import pandas as pd\nd = pd.read_csv('x.csv')", "a = 1", tags={1: ["mlgov:data"]})
    open_notebook(page, lab, "settings/other.ipynb")
    page.locator(".jp-SideBar.jp-mod-left [data-id=jp-mlgov-panel]").click()
    expect(panel(page)).to_be_visible()
    expect(panel(page).get_by_role("tab", name="Trail")).to_have_attribute("aria-selected", "true")
    panel(page).get_by_role("tab", name="Steps").click()
    expect(panel(page).get_by_test_id("mlgov-step")).to_have_count(1)
    expect(panel(page).get_by_test_id("mlgov-suggestions")).to_have_count(0)
    expect(page.locator("[data-mlgov-badge]")).to_have_count(0)


def test_a_change_in_the_settings_editor_is_seen_at_once(lab, page, shots, chosen):
    write(lab.root / "settings" / "live.ipynb", "a = 1", tags={0: ["mlgov:data"]})
    open_notebook(page, lab, "settings/live.ipynb")
    expect(cell(page, 0)).to_have_attribute("data-mlgov-badge", "• data")
    page.keyboard.press("Control+,")
    page.locator(".jp-PluginList-entry", has_text="Governance").first.click()
    form = page.locator(".jp-SettingsForm", has_text="Marks beside cells")
    expect(form).to_be_visible()
    for title in ("Marks beside cells", "Side of the panel", "First section", "Suggest steps", "Ask again without news, in seconds"):
        expect(form).to_contain_text(title)
    page.screenshot(path=shots / "settings.png")
    form.locator("input[type=checkbox]").first.uncheck()
    expect(page.locator("[data-mlgov-badge]")).to_have_count(0)


def test_without_a_websocket_the_panel_says_so_and_asks_every_five_seconds_at_most(lab, page, chosen):
    """What a proxy that lets no websocket through makes of us: refused here, in the page itself."""
    chosen('{"poll": 1}')
    page.route_web_socket("**/mlgov/api/events*", lambda socket: socket.close())
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/mlgov/api/notebook" in request.url else None)
    write(lab.root / "settings" / "deaf.ipynb", "a = 1", tags={0: ["mlgov:data"]})
    open_notebook(page, lab, "settings/deaf.ipynb")
    show_panel(page)
    expect(panel(page)).to_contain_text("No news from the server")
    page.wait_for_timeout(1500)
    asked.clear()
    page.wait_for_timeout(6000)
    assert 1 <= len(asked) <= 2
    accessible(page, "#jp-mlgov-panel")
