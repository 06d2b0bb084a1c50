"""The panel in German: the words come from our own entry point, beside a language pack for JupyterLab itself."""

from __future__ import annotations

import json
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest
from playwright.sync_api import expect

sys.path.insert(0, str(Path(__file__).parent))

from driving import accessible, cell, open_notebook, palette, panel, show_panel, write

from jupyter_mlgov.core.facts import plain
from jupyter_mlgov.core.settings import Settings
from jupyter_mlgov.lineage.facts import Step, StepState, StepStatus
from jupyter_mlgov.promotion.facts import Reason
from jupyter_mlgov.reports.views import CheckLine, NotebookView

pytestmark = pytest.mark.slow

VIEW = NotebookView(
    notebook="deutsch.ipynb",
    workspace="w",
    model="kredit",
    gate="development → staging",
    steps=(
        StepStatus(step=Step(kind="data"), cells=("cell-0",), state=StepState.FRESH),
        StepStatus(step=Step(kind="train"), cells=("cell-1",), state=StepState.STALE),
    ),
    checks=(
        CheckLine(validator="fair.air", title="Adverse impact ratio", verdict="fail", severity="critical", summary="", cell="cell-1"),
        CheckLine(validator="env.pin", title="Pinned environment", verdict="fail", severity="high", summary="", cell="cell-1"),
    ),
    unchecked=2,
    report="sha256:" + "9f" * 32,
    why=(
        Reason(code="check", sentence="The ratio is too low.", next="Mend it."),
        Reason(code="review", sentence="Nobody read it.", next=""),
    ),
)


@pytest.fixture
def german(lab):
    file = lab.home / "settings" / "@jupyterlab" / "translation-extension" / "plugin.jupyterlab-settings"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text('{"locale": "de_DE"}')
    yield
    file.unlink()


def test_the_entry_point_leads_to_the_german_as_jupyterlab_looks_for_it():
    (found,) = [one for one in entry_points(group="jupyterlab.locale") if one.name == "jupyter_mlgov"]
    folder = Path(found.load().__file__).parent
    words = json.loads((folder / "locale" / "de_DE" / "LC_MESSAGES" / "jupyter_mlgov.json").read_text("utf-8"))
    assert words["Steps"] == ["Schritte"]


def test_panel_marks_status_palette_and_launcher_speak_german(lab, page, shots, german):
    write(lab.root / "deutsch" / "deutsch.ipynb", "a = 1", "b = a", tags={0: ["mlgov:data"], 1: ["mlgov:train"]})
    page.route("**/mlgov/api/notebook?*", lambda route: route.fulfill(json=plain(VIEW)))
    open_notebook(page, lab, "deutsch/deutsch.ipynb")
    show_panel(page)
    side = panel(page)
    for name, words in {
        "Schritte": ["1 Zelle ist veraltet", "Ausführen"],
        "Prüfungen": ["2 fehlgeschlagen", "kritisch", "2 Kontrollen sind hier nicht geprüft. Sie sind offen, nicht bestanden."],
        "Warum": ["2 Punkte stehen development → staging im Weg"],
        "Protokoll": ["Das Protokoll ist leer"],
    }.items():
        side.get_by_role("tab", name=name).click()
        for said in words:
            expect(side.get_by_role("tabpanel")).to_contain_text(said)
        page.screenshot(path=shots / f"german-{name}.png")
    expect(side.get_by_test_id("mlgov-validate")).to_have_text("Validieren")
    expect(side.get_by_test_id("mlgov-gate")).to_contain_text("Tor geschlossen")
    expect(page.locator(".jp-mlgov-status")).to_have_text("Governance: 2 Schritte · Tor geschlossen")
    expect(cell(page, 1)).to_have_attribute("data-mlgov-more", "✕ 2 Befunde")
    accessible(page, "#jp-mlgov-panel")
    palette(page, "Zelle als Schritt markieren: report")
    expect(cell(page, 0)).to_have_attribute("data-mlgov-badge", "• report")


def test_the_models_in_german(lab, page, shots, german):
    from jupyter_mlgov.workspace import Workspace

    folder = lab.root / "modelle"
    write(folder / "erstes.ipynb", "a = 1")
    Workspace.create(folder, Settings(actor="ann")).close()
    open_notebook(page, lab, "modelle/erstes.ipynb")
    page.keyboard.press("Control+Shift+l")
    page.locator(".jp-LauncherCard", has_text="Modelle").click()
    expect(page.locator(".jp-mlgov-dashboard")).to_contain_text("In diesem Arbeitsbereich wurde noch kein Modell validiert.")
    for head in ("Modell", "Risikoklasse", "Stufe", "Urteil", "Begutachtung", "Reproduziert", "Letzter Eintrag"):
        expect(page.locator(".jp-mlgov-models").get_by_role("columnheader", name=head)).to_be_visible()
    page.screenshot(path=shots / "german-models.png")
    page.get_by_role("tab", name="Portfolio an jedem Tag").click()
    shown = page.get_by_test_id("mlgov-portfolio")
    expect(shown).to_contain_text("Kennzahlen", timeout=60_000)
    expect(shown.locator("[data-figure=rollback-success]")).to_contain_text("keine Datennichts zu zählen: keine Rückwege")
    expect(shown).to_contain_text("Befunde: 0 offen, 0 überfällig")
    page.screenshot(path=shots / "german-portfolio.png")
