"""The main job in a real JupyterLab: the credit notebook runs, the panel says where it stands, Validate says why not."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest
from playwright.sync_api import expect

sys.path.insert(0, str(Path(__file__).parent))

from driving import all_ran, contrasts, dark, kernel_idle, open_notebook, panel, run_all, save, show_panel, step, tab, write

from jupyter_mlgov.core.settings import Settings

pytestmark = pytest.mark.slow


@pytest.fixture(scope="session")
def credit(lab) -> Path:
    """The demo's folder below the server's root: real data, team file, git commit."""
    from jupyter_mlgov.workspace.demo import prepare

    folder = lab.root / "credit"
    prepare(folder, Settings(), print).close()
    return folder


def test_the_credit_notebook_goes_the_whole_way(lab, credit, page, shots):
    open_notebook(page, lab, "credit/credit_approval.ipynb")
    show_panel(page)
    expect(panel(page).get_by_test_id("mlgov-step")).to_have_count(4)
    expect(step(page, "train")).to_have_attribute("data-state", "never ran")
    expect(page.locator(".jp-mlgov-status")).to_contain_text("Governance: 4 steps · gate shut")

    run_all(page)
    for label in ("data", "features", "train", "evaluate"):
        expect(step(page, label)).to_have_attribute("data-state", "fresh", timeout=180_000)
    report = page.locator(".jp-mlgov-report").first
    expect(report).to_be_visible(timeout=180_000)
    expect(report).to_contain_text("fair.air")
    kernel_idle(page)
    save(page)
    page.screenshot(path=shots / "credit-steps.png")
    # The graph is drawn from the record, and a click in it goes to the cell.
    graph = panel(page).get_by_test_id("mlgov-graph")
    graph.locator("summary").click()
    node = graph.locator("svg.mgl [data-cell]").filter(has_text="train").first
    expect(node).to_be_visible()
    graph.screenshot(path=shots / "credit-graph.png")
    node.click()
    expect(page.locator(".jp-Cell.jp-mod-active")).to_contain_text("scorecard")
    graph.locator("summary").click()

    # The numbers are published ones: shared/controls/oracles.md, LA1.
    row = report.locator('details[data-validator="fair.air"]')
    expect(row).to_have_attribute("data-verdict", "fail")
    expect(row).to_contain_text("218")
    expect(row).to_contain_text("1,527")
    row.scroll_into_view_if_needed()
    page.screenshot(path=shots / "credit-report.png")

    checks = tab(page, "Checks")
    expect(checks.get_by_test_id("mlgov-check").first).to_have_attribute("data-verdict", "fail")
    expect(checks.locator('[data-validator="fair.air"]')).to_have_attribute("data-verdict", "fail")
    page.screenshot(path=shots / "credit-checks.png")
    why = tab(page, "Why")
    expect(why.get_by_test_id("mlgov-reason").first).to_be_visible()
    page.screenshot(path=shots / "credit-why.png")
    trail = tab(page, "Trail")
    expect(trail).to_contain_text("validated credit-approval")
    page.screenshot(path=shots / "credit-trail.png")
    contrasts(page)
    dark(page)
    tab(page, "Steps")
    contrasts(page)
    page.screenshot(path=shots / "credit-dark.png")
    row.scroll_into_view_if_needed()
    page.screenshot(path=shots / "credit-report-dark.png")


def test_the_report_in_the_cell_shows_progress_is_searched_opened_and_worked_by_keyboard_and_stays_without_a_kernel(
    lab, credit, page, shots
):
    book = json.loads((credit / "credit_approval.ipynb").read_text())
    book["cells"] = [{**cell, "outputs": [], "execution_count": None} if cell["cell_type"] == "code" else cell for cell in book["cells"]]
    (credit / "asked.ipynb").write_text(json.dumps(book))
    open_notebook(page, lab, "credit/asked.ipynb")
    run_all(page)
    # While it runs: how many checks are behind, and which one is at work.
    progress = page.locator(".jp-OutputArea-output", has_text=re.compile(r"\d+/\d+ [a-z]+\.[a-z]+")).first
    expect(progress).to_be_visible(timeout=180_000)
    page.screenshot(path=shots / "validate-progress.png")
    report = page.locator(".jp-mlgov-report").first
    expect(report).to_be_visible(timeout=180_000)
    all_ran(page)
    expect(progress).to_have_count(0)
    searched_and_opened(page, report, shots)
    save(page)

    # The same with the kernel gone, and the static form that the saved file carries beside it.
    page.get_by_role("menuitem", name="Kernel", exact=True).click()
    page.get_by_role("menuitem", name="Shut Down Kernel", exact=True).click()
    page.locator(".jp-StatusBar-Widget", has_text="No Kernel").wait_for()
    searched_and_opened(page, report, shots)
    html = next(
        "".join(out["data"]["text/html"])
        for cell in json.loads((credit / "asked.ipynb").read_text())["cells"]
        for out in cell.get("outputs", [])
        if "application/vnd.mlgov.report+json" in out.get("data", {})
    )
    static = page.context.new_page()
    static.set_content(html)  # nbconvert and whoever has no renderer of ours: no script, and everything is there
    expect(static.get_by_text("Adverse impact ratio").first).to_be_visible()
    assert "<script" not in html
    static.screenshot(path=shots / "report-static.png", full_page=True)
    static.close()


def searched_and_opened(page, report, shots) -> None:
    """Filter, search and each verdict's numbers, plot, paragraph, evidence, cell and fix, by the keyboard alone."""
    rows, state = report.locator("details.jp-mlgov-report-row"), report.get_by_role("status")
    box = report.get_by_role("searchbox", name="Search the checks")
    report.scroll_into_view_if_needed()
    cells = page.locator(".jp-Cell").count()
    box.focus()
    page.keyboard.type("dd adverse")  # two d's delete a cell where a notebook hears them
    expect(state).to_contain_text("0 of")
    page.keyboard.press("Escape")
    page.keyboard.type("adverse impact")
    expect(rows.filter(visible=True)).to_have_count(1)
    expect(state).to_contain_text("keep the gate shut")
    assert page.locator(".jp-Cell").count() == cells
    page.keyboard.press("Escape")
    expect(state).to_have_text("")
    passed = report.get_by_role("button", name="passed", exact=False).filter(has_text=re.compile("^✓"))
    passed.focus()
    page.keyboard.press("Space")
    expect(passed).to_have_attribute("aria-pressed", "true")
    expect(report.locator('details[data-verdict="fail"]').first).to_be_hidden()
    expect(report.locator('details[data-verdict="pass"]').first).to_be_visible()
    page.keyboard.press("Enter")
    expect(passed).to_have_attribute("aria-pressed", "false")

    air = report.locator('details[data-validator="fair.air"]')
    summary = air.locator("summary").first
    summary.focus()
    if air.get_attribute("open") is None:
        page.keyboard.press("Enter")
    expect(air).to_have_attribute("open", "")
    for words in ("218", "0.7792", "allowed: at least 0.80", "Look at fair.conditional", "FAIR.AIR.1", "evidence", "cell"):
        expect(air.locator(".jp-mlgov-report-body")).to_contain_text(words)
    expect(air.locator("svg circle")).to_have_count(2)
    report.screenshot(path=shots / "report-opened.png")
    contrasts(page)
    link = air.locator("button.jp-mlgov-cell")
    link.focus()
    page.keyboard.press("Enter")
    expect(page.locator(".jp-Cell.jp-mod-active")).to_contain_text("scored")
    summary.focus()
    page.keyboard.press("Enter")
    expect(air).not_to_have_attribute("open", "")


def test_validate_in_the_panel_asks_the_kernel_and_leaves_no_trace_in_the_notebook(lab, credit, page, shots):
    path = credit / "credit_approval.ipynb"
    open_notebook(page, lab, "credit/credit_approval.ipynb")
    show_panel(page)
    run_all(page)
    all_ran(page)
    save(page)
    before = json.loads(path.read_text())
    seen = validations(credit)

    panel(page).get_by_test_id("mlgov-validate").click()
    expect(panel(page).get_by_test_id("mlgov-work")).to_be_visible()
    page.screenshot(path=shots / "validating.png")
    expect(panel(page).get_by_test_id("mlgov-work")).to_have_count(0, timeout=120_000)
    expect(panel(page).get_by_test_id("mlgov-complaint")).to_have_count(0)
    expect(tab(page, "Checks").get_by_test_id("mlgov-check").first).to_be_visible()
    assert validations(credit) == seen + 1
    expect(tab(page, "Trail").get_by_test_id("mlgov-trail").filter(has_text=" validated ").first).to_be_visible()
    save(page)
    assert json.loads(path.read_text()) == before


def validations(folder: Path) -> int:
    """How many validations stand in the trail itself. What the panel shows comes a moment later, and is only the newest page."""
    from jupyter_mlgov.workspace import Workspace

    workspace = Workspace(folder)
    try:
        return sum(1 for _ in workspace.journal.entries(actions=("validation.done",)))
    finally:
        workspace.close()


def test_an_edit_upstream_makes_steps_stale_and_run_them_mends_it(lab, credit, page, shots):
    open_notebook(page, lab, "credit/credit_approval.ipynb")
    show_panel(page)
    run_all(page)
    expect(step(page, "evaluate")).to_have_attribute("data-state", "fresh", timeout=180_000)
    kernel_idle(page)
    features = page.locator('.jp-Cell[data-mlgov-badge="✓ features"]')
    features.locator(".cm-content").click()
    page.keyboard.press("Control+End")
    page.keyboard.type("\nfeatures = features.copy()")
    save(page)
    expect(step(page, "train")).to_have_attribute("data-state", "stale")
    expect(page.locator('.jp-Cell[data-mlgov-badge="↻ train"]')).to_be_attached()
    page.screenshot(path=shots / "stale.png")
    panel(page).get_by_role("button", name="Run them").click()
    for label in ("features", "train", "evaluate"):
        expect(step(page, label)).to_have_attribute("data-state", "fresh", timeout=120_000)


def test_a_click_on_a_step_brings_its_cell_into_view(lab, credit, page):
    open_notebook(page, lab, "credit/credit_approval.ipynb")
    show_panel(page)
    step(page, "evaluate").click()
    target = page.locator('.jp-Cell.jp-mod-active[data-mlgov-badge$="evaluate"]')
    expect(target).to_be_in_viewport()


def test_a_failing_validation_is_said_as_text(lab, page, shots):
    """Without a recorded run there is nothing to judge: the kernel says so, and the panel repeats it."""
    folder = lab.root / "bare"
    folder.mkdir(exist_ok=True)
    (folder / ".mlgov").mkdir(exist_ok=True)
    (folder / "mlgov.toml").write_text("[model]\nnmae = '<script>x</script>'\n")
    write(folder / "bare.ipynb", "a = 1")
    open_notebook(page, lab, "bare/bare.ipynb")
    show_panel(page)
    panel(page).get_by_test_id("mlgov-validate").click()
    complaint = panel(page).get_by_test_id("mlgov-complaint")
    expect(complaint).to_contain_text('"nmae"', timeout=60_000)
    expect(panel(page).get_by_test_id("mlgov-problem")).to_contain_text('"nmae"')
    expect(page.locator(".jp-mlgov-status")).to_contain_text("cannot be read")
    page.screenshot(path=shots / "complaint.png")
