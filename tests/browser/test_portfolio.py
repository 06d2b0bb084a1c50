"""The portfolio in the dashboard of a real JupyterLab: another day gives other figures, a page is a page, a wrong day is a sentence."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from playwright.sync_api import expect

sys.path.insert(0, str(Path(__file__).parent))

from driving import accessible, contrasts, dark, light, open_notebook, palette, write

from tests.monitoring.two_springs import HOSTILE, MODELS, told

pytestmark = pytest.mark.slow


def test_a_day_is_chosen_by_keyboard_and_figures_change_a_wrong_day_is_a_sentence(lab, page, shots, seen):
    root = lab.root / "springs"
    root.mkdir()
    told(root)
    write(root / "first.ipynb", "a = 1")
    open_notebook(page, lab, "springs/first.ipynb")
    light(page)
    palette(page, "Show Models")
    page.get_by_role("tab", name="Models now").focus()
    page.keyboard.press("ArrowRight")
    shown = page.get_by_test_id("mlgov-portfolio")
    moment, inventory = shown.get_by_test_id("mlgov-moment"), shown.get_by_test_id("mlgov-inventory-page")
    rollbacks = shown.locator("[data-figure=rollback-success]")
    expect(moment).to_contain_text("Now, ", timeout=60_000)
    expect(moment).to_contain_text(f"{MODELS + 1} models")
    expect(rollbacks).to_contain_text("100.0 %1 of 1 rollbacks")
    expect(shown).to_contain_text("Findings: 1 open, 1 overdue")
    expect(shown).to_contain_text(f"drift of {HOSTILE}")
    expect(shown).to_contain_text("Reviews: 0 open")
    page.screenshot(path=shots / "portfolio-now.png")

    day = shown.get_by_role("textbox", name="As it stood at the end of")
    day.fill("2024-03-04")
    day.press("Enter")
    expect(moment).to_have_text(
        f"As it stood on 2024-03-04 23:59 UTC, after {MODELS + 5} entries of the trail: {MODELS} models. "
        "What came later counts for nothing here."
    )
    expect(rollbacks).to_contain_text("no datanothing to count")
    expect(shown).to_contain_text("Findings: 0 open, 0 overdue")
    expect(shown).to_contain_text("review 125 for production")
    expect(shown.get_by_role("region", name="Coming into force")).to_contain_text("not judged under it")
    expect(inventory).to_have_text(f"1–50 of {MODELS} models")
    shown.get_by_role("button", name="Next page").press("Enter")
    expect(inventory).to_have_text(f"51–100 of {MODELS} models")
    expect(shown.get_by_test_id("mlgov-inventory-row")).to_have_count(50)
    page.screenshot(path=shots / "portfolio-march.png")
    accessible(page, ".jp-mlgov-dashboard")
    contrasts(page, ".jp-mlgov-dashboard *")
    dark(page)
    contrasts(page, ".jp-mlgov-dashboard *")
    page.screenshot(path=shots / "portfolio-dark.png")

    # Chromium notes each refused request in its console.
    seen.provoked.append("422")
    day.fill("soon")
    day.press("Enter")
    expect(shown.get_by_role("alert")).to_contain_text("'soon' is no date. Expected 2026-06-30")
    expect(rollbacks).to_have_count(0)
    shown.get_by_role("button", name="Show now").click()
    expect(rollbacks).to_contain_text("100.0 %")
    assert page.evaluate("window.hacked") is None
