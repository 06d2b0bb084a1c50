"""How the panel draws every state: the server's answer is given here as the real fact types, the rest is a real JupyterLab."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import expect

sys.path.insert(0, str(Path(__file__).parent))

from driving import accessible, all_ran, contrasts, dark, open_notebook, palette, panel, save, show_panel, step, tab, write

from jupyter_mlgov.core.actors import Actor
from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.core.facts import plain
from jupyter_mlgov.core.verdicts import Severity
from jupyter_mlgov.lineage.facts import Step, StepState, StepStatus
from jupyter_mlgov.promotion.facts import Reason, Review
from jupyter_mlgov.reports.views import CheckLine, NotebookView, TrailLine
from jupyter_mlgov.workspace.review_desk import ReviewDesk

pytestmark = pytest.mark.slow

HOSTILE = "<script>window.hacked=1</script>"
DIGEST = "sha256:" + "41ab9e" * 10 + "41ab"
KINDS = ("data", "features", "train", "evaluate", "report")


def status(kind: str, state: StepState, why: str = "") -> StepStatus:
    return StepStatus(step=Step(kind=kind), cells=(f"cell-{KINDS.index(kind)}",), state=state, why=why, order=2, duration_ms=1234.0)


def check(validator: str, title: str, verdict: str, severity: str, summary: str) -> CheckLine:
    return CheckLine(validator=validator, title=title, verdict=verdict, severity=severity, summary=summary)


VIEW = NotebookView(
    notebook="known.ipynb",
    workspace="credit",
    model="credit-approval",
    version="3",
    stage="development",
    steps=(
        status("data", StepState.FRESH),
        status("features", StepState.FRESH),
        status("train", StepState.STALE, "`features` ran after it"),
        status("evaluate", StepState.STALE, "`train` is stale"),
        status("report", StepState.FAILED, f"ValueError: {HOSTILE}"),
    ),
    checks=(
        check("fair.air", f"Adverse impact ratio by {HOSTILE}", "fail", "critical", "ratio 0.78, at least 0.80 asked"),
        check("env.pin", "Pinned environment", "error", "high", "the check broke: KeyError"),
        check("perf.benchmark", "Better than the simple model", "inconclusive", "high", "no baseline column"),
        check("perf.discrim", "Discrimination", "warn", "medium", "AUC 0.71 (0.68–0.74)"),
        check("priv.pii", "Personal data", "pass", "high", "none found in 3 columns"),
    ),
    unchecked=27,
    report=DIGEST,
    why=(
        Reason(
            code="check",
            sentence="Adverse impact ratio is 0.78, must be at least 0.80",
            next="Look at the cell that scores, then `%mlgov validate`.",
            severity=Severity.CRITICAL,
            validator="fair.air",
            cell="cell-3",
        ),
        Reason(
            code="review", sentence="Needs one approval by someone who did not work on it", next="Ask a reviewer: `mlgov review approve`."
        ),
    ),
    gate="development → staging",
    inputs=(f"data/loanapp.parquet {DIGEST[:13]}…",),
    runs_on="Python 3.11.7 · 412 packages",
    code="git 4e1c02a + 2 uncommitted",
    waiting=1,
    reviews=(
        Review(
            actor=Actor(id="rae", source="jupyter", name="Rae"),
            verdict="refuse",
            report=Digest(DIGEST),
            comment=f"Not with {HOSTILE}",
            time=datetime(2026, 11, 23, 13, 0, tzinfo=UTC),
        ),
    ),
    trail=(
        TrailLine(seq=42, time="2026-11-23T14:02:07.000000Z", sentence="ann validated credit-approval: failed", digest=DIGEST),
        TrailLine(seq=41, time="2026-11-23T14:01:00.000000Z", sentence=f"cell {HOSTILE} of known.ipynb ran: ok", digest=DIGEST),
    ),
    next="Run the steps that are not up to date: train, evaluate.",
)


@pytest.fixture
def known(lab, page):
    """A notebook whose view is answered by the test; `answers` maps status to body and can be changed."""
    tags = {index: [f"mlgov:{kind}"] for index, kind in enumerate(KINDS)}
    write(lab.root / "known" / "known.ipynb", "a = 1", "b = a", "c = b", "d = c", "e = d", tags=tags)
    answer = {"status": 200, "body": plain(VIEW)}
    desk = ReviewDesk(
        me=Actor(id="rae", source="jupyter"), why_not="", approvers=(), stage="staging", needed=1, clock="24 hours", today="2026-11-24"
    )
    page.route("**/mlgov/api/notebook?*", lambda route: route.fulfill(status=answer["status"], json=answer["body"]))
    page.route("**/mlgov/api/reviews?*", lambda route: route.fulfill(json=plain(desk)))
    open_notebook(page, lab, "known/known.ipynb")
    show_panel(page)
    return answer


def test_every_section_shows_what_the_server_said(known, page, shots):
    expect(panel(page).locator('[data-testid="mlgov-step"]')).to_have_count(5)
    expect(panel(page)).to_contain_text("features ran after it")
    expect(panel(page)).to_contain_text("2 cells are stale")
    expect(panel(page).get_by_test_id("mlgov-gate")).to_have_text("development → staginggate shut")
    expect(page.locator(".jp-mlgov-status")).to_have_text("Governance: 5 steps · gate shut")
    expect(page.locator('.jp-Cell[data-mlgov-badge="↻ train"]')).to_be_attached()
    page.screenshot(path=shots / "panel-steps.png")
    contrasts(page)

    rows = tab(page, "Checks").get_by_test_id("mlgov-check")
    expect(rows).to_have_count(5)
    assert [row.get_attribute("data-verdict") for row in rows.all()] == ["fail", "error", "inconclusive", "warn", "pass"]
    for row, words in zip(rows.all(), ("failed", "check broke", "could not tell", "passed, look", "passed"), strict=True):
        expect(row).to_contain_text(words)
    expect(panel(page)).to_contain_text("27 controls are not checked here. They are open, not passed.")
    page.screenshot(path=shots / "panel-checks.png")
    contrasts(page)

    expect(tab(page, "Why").get_by_test_id("mlgov-reason")).to_have_count(2)
    page.screenshot(path=shots / "panel-why.png")
    contrasts(page)
    panel(page).get_by_role("button", name="Show cell").click()
    expect(page.locator('.jp-Cell.jp-mod-active[data-mlgov-badge="↻ evaluate"]')).to_be_in_viewport()
    panel(page).get_by_role("button", name="Open check").first.click()
    expect(panel(page).get_by_role("tab", name="Checks")).to_have_attribute("aria-selected", "true")

    review = tab(page, "Review")
    expect(review.get_by_test_id("mlgov-review")).to_contain_text(f"Not with {HOSTILE}")
    expect(review.get_by_role("button", name="Approve")).to_be_disabled()
    page.screenshot(path=shots / "panel-review.png")
    contrasts(page)

    expect(tab(page, "Trail").get_by_test_id("mlgov-trail")).to_have_count(2)
    page.screenshot(path=shots / "panel-trail.png")
    contrasts(page)
    assert page.evaluate("window.hacked") is None
    expect(panel(page).locator("script")).to_have_count(0)


def test_the_dark_theme_is_as_readable(known, page, shots):
    dark(page)
    for name in ("Checks", "Why", "Review", "Trail", "Steps"):
        tab(page, name)
        contrasts(page)
    page.screenshot(path=shots / "panel-dark.png")


def test_axe_finds_no_serious_fault_in_any_section(known, page, shots):
    for name in ("Steps", "Checks", "Why", "Review", "Trail"):
        tab(page, name)
        accessible(page, "#jp-mlgov-panel")
    palette(page, "Use Theme: JupyterLab Dark High Contrast")
    page.wait_for_selector("body[data-jp-theme-light=false]", state="attached")
    for name in ("Checks", "Review", "Steps"):
        tab(page, name)
        accessible(page, "#jp-mlgov-panel")
        contrasts(page)
    page.screenshot(path=shots / "panel-high-contrast.png")


def test_the_panel_is_worked_by_keyboard_alone(known, page):
    tab(page, "Steps")
    panel(page).get_by_role("tab", name="Steps").focus()
    page.keyboard.press("ArrowRight")
    expect(panel(page).get_by_role("tab", name="Checks")).to_be_focused()
    expect(panel(page).get_by_role("tab", name="Checks")).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Tab")
    expect(panel(page).get_by_role("button", name="1 failed")).to_be_focused()
    page.keyboard.press("Enter")
    expect(panel(page).get_by_test_id("mlgov-check")).to_have_count(1)


def test_a_gate_with_nothing_in_its_way_does_not_say_open(known, page):
    known["body"] = plain(replace(VIEW, why=()))
    page.keyboard.press("Control+s")
    expect(panel(page).get_by_test_id("mlgov-gate")).to_contain_text("nothing stands in the way")
    known["body"] = plain(replace(VIEW, why=(), report=""))
    page.wait_for_timeout(1100)
    page.keyboard.press("Control+s")
    expect(panel(page).get_by_test_id("mlgov-gate")).to_contain_text("gate shut")


def test_a_refusal_says_what_failed_and_what_still_works_and_tries_again(known, page, seen, shots):
    seen.provoked.append("503")
    known.update(status=503, body={"message": f"Locked by {HOSTILE}.", "expected": "", "next": "Close it: `mlgov doctor`."})
    page.keyboard.press("Control+s")
    trouble = panel(page).get_by_test_id("mlgov-trouble")
    expect(trouble).to_contain_text(f"Locked by {HOSTILE}.")
    expect(trouble).to_contain_text("still works")
    expect(page.locator(".jp-mlgov-status")).to_contain_text("cannot be read")
    page.screenshot(path=shots / "panel-trouble.png")
    contrasts(page)
    known.update(status=200, body=plain(VIEW))
    trouble.get_by_role("button", name="Try again").click()
    expect(panel(page).get_by_test_id("mlgov-step")).to_have_count(5)


def test_it_asks_again_after_things_happen_and_never_on_its_own(known, page):
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/mlgov/api/notebook" in request.url else None)
    page.wait_for_timeout(2000)
    asked.clear()
    page.wait_for_timeout(6000)
    assert asked == []
    page.keyboard.press("Control+s")
    page.wait_for_timeout(2500)
    # Once for the save, and perhaps once more when the server tells of the file that moved.
    assert 1 <= len(asked) <= 2
    page.locator(".jp-Cell").first.locator(".cm-content").click()
    page.keyboard.press("Shift+Enter")
    page.wait_for_timeout(3000)
    assert 2 <= len(asked) <= 4


def test_a_tag_that_the_record_does_not_know_yet_is_shown_so(known, page):
    body = json.loads(json.dumps(plain(VIEW)))
    body["steps"] = body["steps"][:2]
    known["body"] = body
    page.keyboard.press("Control+s")
    train = step(page, "train")
    expect(train).to_have_attribute("data-state", "tagged")
    expect(train).to_contain_text("not recorded yet")


def test_a_read_only_notebook_can_be_looked_at_but_not_tagged(lab, page, shots):
    path = write(lab.root / "known" / "locked.ipynb", "a = 1", tags={0: ["mlgov:data"]})
    before = path.read_bytes()

    def locked(route):
        answer = route.fetch()
        route.fulfill(response=answer, json={**answer.json(), "writable": False})

    page.route("**/api/contents/known/locked.ipynb?*", locked)
    open_notebook(page, lab, "known/locked.ipynb")
    show_panel(page)
    expect(panel(page)).to_contain_text("read-only")
    page.locator(".jp-Cell .jp-InputPrompt").first.click(button="right")
    page.locator(".lm-Menu-item", has_text="Governance step").hover()
    expect(page.locator("#jp-mlgov-cell-menu .lm-Menu-item", has_text="train")).to_have_class("lm-Menu-item lm-mod-disabled")
    page.screenshot(path=shots / "read-only.png")
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    assert path.read_bytes() == before


# What the panel needs of the kernel, and no more: an extension of this name with one magic that prints, waits
# until its word was seen, and may refuse.
STAND_IN = f"""
import os, sys, time, types
from IPython.core.error import UsageError

asked = []

def load(shell):
    def mlgov(line):
        asked.append(line)
        print("  1/2 fair.air", flush=True)
        late = time.monotonic() + 120
        while not os.path.exists("seen") and time.monotonic() < late:
            time.sleep(0.05)
        if len(asked) > 1:
            raise UsageError("Nothing to judge in {HOSTILE}. Run the notebook.")
    shell.register_magic_function(mlgov, "line", "mlgov")

module = types.ModuleType("jupyter_mlgov")
module.load_ipython_extension = load
sys.modules["jupyter_mlgov"] = module
"""


def test_validate_shows_progress_then_refreshes_and_a_refusal_as_text(lab, page, shots):
    path = write(lab.root / "known" / "asks.ipynb", STAND_IN, "asked")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/mlgov/api/notebook" in request.url else None)
    open_notebook(page, lab, "known/asks.ipynb")
    show_panel(page)
    page.locator(".jp-Cell").first.locator(".cm-content").click()
    page.keyboard.press("Shift+Enter")
    page.locator('.jp-InputPrompt:text-is("[1]:")').wait_for()
    button, work = panel(page).get_by_test_id("mlgov-validate"), panel(page).get_by_test_id("mlgov-work")
    page.wait_for_timeout(2000)
    asked.clear()

    button.click()
    expect(work).to_have_text("1/2 fair.air")
    expect(button).to_be_disabled()
    page.screenshot(path=shots / "validating.png")
    (path.parent / "seen").touch()
    expect(work).to_have_count(0)
    expect(button).to_be_enabled()
    expect(panel(page).get_by_test_id("mlgov-complaint")).to_have_count(0)
    page.wait_for_timeout(1500)
    assert asked

    button.click()
    complaint = panel(page).get_by_test_id("mlgov-complaint")
    expect(complaint).to_have_text(f"Nothing to judge in {HOSTILE}. Run the notebook.")
    page.screenshot(path=shots / "refused.png")
    # Nothing of this is in the notebook: the next prompt is [2], and no cell got an output.
    page.locator(".jp-Cell").nth(1).locator(".cm-content").click()
    page.keyboard.press("Shift+Enter")
    expect(page.locator(".jp-OutputArea-executeResult")).to_have_text(["[2]:['validate', 'validate']"])
    all_ran(page)
    save(page)
    assert [cell["execution_count"] for cell in json.loads(path.read_text())["cells"][:2]] == [1, 2]
