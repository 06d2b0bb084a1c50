"""The table of models in a real JupyterLab: ten thousand of them, sorted, filtered, scrolled, and live."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from playwright.sync_api import expect

sys.path.insert(0, str(Path(__file__).parent))

from driving import accessible, contrasts, dark, light, open_notebook, palette, write

from jupyter_mlgov.audit.entries import Draft
from jupyter_mlgov.core.settings import Settings

pytestmark = pytest.mark.slow

MODELS = 10_000
HOSTILE = "<img src=x onerror=window.hacked=1>"


def validated(model: str, verdict: str) -> Draft:
    return Draft(action="validation.done", subject=model, payload={"notebook": f"{model}.ipynb", "verdict": verdict, "digest": "d"})


@pytest.fixture(scope="module")
def portfolio(lab):
    from jupyter_mlgov.workspace import Workspace

    root = lab.root / "portfolio"
    root.mkdir()
    workspace = Workspace.create(root, Settings(actor="ann"))
    words = ("passed", "passed, look", "could not tell", "failed")
    workspace.record(*(validated(f"model-{number:05}", words[number % 4]) for number in range(MODELS)), validated(HOSTILE, "failed"))
    write(root / "first.ipynb", "a = 1")
    yield workspace
    workspace.close()


def rows(page):
    return page.get_by_test_id("mlgov-model")


def test_ten_thousand_models_are_sorted_filtered_and_scrolled_and_news_come_in(lab, portfolio, page, shots):
    open_notebook(page, lab, "portfolio/first.ipynb")
    light(page)
    palette(page, "Show Models")
    expect(page.locator(".jp-mlgov-dashboard")).to_contain_text(f"{MODELS + 1} models", timeout=60_000)
    assert rows(page).count() < 100
    expect(rows(page).first).to_contain_text("<img src=x")
    assert page.evaluate("window.hacked") is None

    table = page.locator(".jp-mlgov-models")
    table.get_by_role("columnheader", name="Verdict").get_by_role("button").click()
    expect(rows(page).first).to_contain_text("failed")
    page.get_by_role("searchbox", name="Find a model").fill("model-00042")
    expect(page.locator(".jp-mlgov-dashboard")).to_contain_text("1 model")
    expect(rows(page)).to_have_count(1)
    page.get_by_role("searchbox", name="Find a model").fill("")
    expect(page.locator(".jp-mlgov-dashboard")).to_contain_text(f"{MODELS + 1} models")
    table.get_by_role("columnheader", name="Model").get_by_role("button").click()

    # The far end is one scroll away, and only what is in view is in the page.
    page.get_by_test_id("mlgov-models").evaluate("node => node.scrollTo(0, node.scrollHeight)")
    expect(page.locator('[aria-rowindex="10002"]')).to_contain_text("model-09999")
    assert rows(page).count() < 100
    page.get_by_test_id("mlgov-models").evaluate("node => node.scrollTo(0, 0)")
    expect(page.locator('[aria-rowindex="3"]')).to_contain_text("model-00000")
    page.screenshot(path=shots / "models.png")
    contrasts(page, ".jp-mlgov-dashboard *")
    accessible(page, ".jp-mlgov-dashboard")

    # Somebody else does something: the row moves without a question from here.
    portfolio.record(Draft(action="review.asked", subject="model-00000", payload={"stage": "staging"}))
    expect(page.locator('[aria-rowindex="3"]')).to_contain_text("waits", timeout=60_000)
    dark(page)
    contrasts(page, ".jp-mlgov-dashboard *")
    page.screenshot(path=shots / "models-dark.png")
