"""The panel, the tags and the report in a real JupyterLab: what a person sees and what is written to disk."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from playwright.sync_api import expect

sys.path.insert(0, str(Path(__file__).parent))

from driving import cell, contrasts, dark, open_notebook, palette, panel, run_all, save, show_panel, tags_on_disk, write

pytestmark = pytest.mark.slow

HOSTILE = "<script>window.hacked=1</script><img src=x onerror=window.hacked=1>"
# A real report of the real fact types, about a table with a hostile column; published numbers of loanapp (LA1).
REPORT = f"""
from fractions import Fraction
from IPython.display import display
from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.core.verdicts import Severity, Verdict
from jupyter_mlgov.validation.results import *

bad = {HOSTILE!r}
d = Digest.of_text("x")
groups = (Estimate(label=f"{{bad}} = 0", value=218/308, interval=(.654, .756), k=218, n=308),
          Estimate(label="white = 1", value=1527/1681, interval=(.894, .921), k=1527, n=1681))
found = Finding(message=f"218 of 308 against 1,527 of 1,681 in `{{bad}}`: ratio 0.78, at least 0.80 asked.", verdict=Verdict.FAIL,
                measured=.779174, allowed="at least 0.80", n=1989, interval=(.72, .84), where=bad, estimates=groups,
                reference=.8*1527/1681, reference_label="0.80 of the higher rate = 72.7 %", fix="6 more approvals would reach it.")
results = (
    CheckResult(validator="fair.air", version="1.0", title="Adverse impact ratio", verdict=Verdict.FAIL, summary=f"ratio 0.78 by {{bad}}",
                findings=(found,), source="29 CFR 1607.4(D), in lending by convention", evidence=(d,)),
    CheckResult(validator="perf.benchmark", version="1.0", title="Better than the simple model", verdict=Verdict.INCONCLUSIVE,
                summary="no baseline column", fix="Declare `baseline` in mlgov.toml"),
    CheckResult(validator="priv.pii", version="1.0", title="Personal data", verdict=Verdict.PASS, summary="none found"),
    CheckResult(validator="env.pin", version="1.0", title="Pinned environment", verdict=Verdict.ERROR, summary="the check broke"),
    CheckResult(validator="perf.discrim", version="1.0", title="Discrimination", verdict=Verdict.WARN, summary="AUC 0.71"),
    CheckResult(validator="lineage.complete", version="1.0", title="Lineage", verdict=Verdict.PASS, summary="complete"),
)
def asked(validator, severity, verdict):
    return RequirementResult(policy="us-fair-lending", control="FAIR.AIR.1", cite="12 CFR 1002.4", url="", verified="2026-11-01",
                             obligation="Look for disparate impact.", severity=severity, automation="full", gates=("staging",),
                             validator=validator, verdict=verdict)
report = Report(subject=SubjectRef(kind="model", name="credit-approval", rows=1989),
                policies=(PolicyRef(id="us-fair-lending", version="2026-07-21", title="US fair lending", digest=d),), results=results,
                requirements=(asked("fair.air", Severity.CRITICAL, Verdict.FAIL),
                              asked("perf.benchmark", Severity.HIGH, Verdict.INCONCLUSIVE),
                              asked("env.pin", Severity.HIGH, Verdict.ERROR), asked("doc.card", Severity.HIGH, None)))
display({{"application/vnd.mlgov.report+json": report_json(report), "text/html": "<b>the html twin</b>", "text/plain": "plain"}}, raw=True)
"""


def test_a_step_is_tagged_from_toolbar_context_menu_and_palette_and_saved_as_a_tag_alone(lab, page, shots):
    path = write(lab.root / "tags" / "tagging.ipynb", "a = 1", "b = 2", "c = 3", "d = 4", tags={1: ["keep"]})
    open_notebook(page, lab, "tags/tagging.ipynb")
    show_panel(page)
    status = page.locator(".jp-mlgov-status")
    expect(status).to_contain_text("Governance: 0 steps")
    expect(panel(page)).to_contain_text("No steps yet.")

    cell(page, 1).locator(".jp-InputArea-editor").click()
    cell(page, 1).locator('[data-jp-item-name="mlgov-tag"]').click()
    expect(page.locator("#jp-mlgov-tag-menu .lm-Menu-itemLabel")).to_have_text(
        ["data", "features", "train", "evaluate", "register", "report", "", "none"]
    )
    page.screenshot(path=shots / "tag-menu.png")
    page.locator("#jp-mlgov-tag-menu .lm-Menu-item", has_text="train").click()
    expect(cell(page, 1)).to_have_attribute("data-mlgov-badge", "• train")

    cell(page, 2).locator(".jp-InputPrompt").click(button="right")
    page.locator(".lm-Menu-item", has_text="Governance step").hover()
    page.locator("#jp-mlgov-cell-menu .lm-Menu-item", has_text="evaluate").click()
    expect(cell(page, 2)).to_have_attribute("data-mlgov-badge", "• evaluate")

    cell(page, 0).locator(".jp-InputArea-editor").click()
    palette(page, "Tag Cell as Step: data")
    expect(cell(page, 0)).to_have_attribute("data-mlgov-badge", "• data")
    expect(status).to_contain_text("Governance: 3 steps")
    expect(panel(page).get_by_test_id("mlgov-step")).to_have_count(3)

    save(page)
    assert tags_on_disk(path) == [["mlgov:data"], ["keep", "mlgov:train"], ["mlgov:evaluate"], []]
    assert "mlgov" not in json.loads(path.read_text())["cells"][0]["metadata"]
    page.screenshot(path=shots / "tagged.png")


def test_a_tag_can_be_undone_and_taken_away(lab, page):
    path = write(lab.root / "tags" / "undo.ipynb", "a = 1", "b = 2", tags={1: ["mlgov:train", "keep"]})
    open_notebook(page, lab, "tags/undo.ipynb")
    expect(cell(page, 1)).to_have_attribute("data-mlgov-badge", "• train")
    cell(page, 0).locator(".jp-InputPrompt").click()
    palette(page, "Tag Cell as Step: data")
    expect(cell(page, 0)).to_have_attribute("data-mlgov-badge", "• data")
    cell(page, 0).locator(".jp-InputPrompt").click()
    page.keyboard.press("z")
    expect(cell(page, 0)).not_to_have_attribute("data-mlgov-badge", "• data")
    cell(page, 1).locator(".jp-InputPrompt").click()
    palette(page, "Tag Cell as Step: none")
    expect(cell(page, 1)).not_to_have_attribute("data-mlgov-badge", "• train")
    save(page)
    assert tags_on_disk(path) == [[], ["keep"]]


def report_of(page):
    return page.locator(".jp-mlgov-report").first


def assert_drawn(page) -> None:
    """The report stands there as the renderer draws it, with every hostile word as a word."""
    report = report_of(page)
    expect(report).to_have_attribute("data-mlgov-renderer", "mime")
    rows = report.locator(":scope > details")
    expect(rows).to_have_count(6)
    first = rows.nth(0)
    expect(first).to_have_attribute("data-validator", "fair.air")
    expect(first).to_have_attribute("open", "")
    expect(first.locator("svg circle")).to_have_count(2)
    expect(report).to_contain_text("✕ 1 failed")
    expect(report).to_contain_text("○ 1 controls not checked here")
    expect(report).to_contain_text("report sha256:")
    expect(report).to_contain_text(HOSTILE)
    expect(page.locator(".jp-OutputArea-output", has_text="the html twin")).to_have_count(0)
    assert page.evaluate("window.hacked") is None
    assert report.locator("script, img").count() == 0


def test_the_report_is_drawn_live_and_again_in_an_untrusted_notebook_in_both_themes(lab, page, shots):
    path = write(lab.root / "reports" / "report.ipynb", REPORT)
    open_notebook(page, lab, "reports/report.ipynb")
    run_all(page)
    report_of(page).wait_for()
    assert_drawn(page)
    save(page)
    report_of(page).screenshot(path=shots / "report-light.png")
    dark(page)
    report_of(page).screenshot(path=shots / "report-dark.png")
    contrasts(page)

    # Another notebook with the same outputs, never signed here: nothing in it is trusted.
    (lab.root / "reports" / "copied.ipynb").write_text(path.read_text())
    palette(page, "Use Theme: JupyterLab Light")
    open_notebook(page, lab, "reports/copied.ipynb")
    report_of(page).wait_for()
    assert_drawn(page)
    contrasts(page)


def test_without_a_kernel_the_panel_reads_but_does_not_run(lab, page, shots):
    write(lab.root / "tags" / "still.ipynb", "a = 1", tags={0: ["mlgov:data"]})
    open_notebook(page, lab, "tags/still.ipynb")
    show_panel(page)
    page.get_by_role("menuitem", name="Kernel", exact=True).click()
    page.get_by_role("menuitem", name="Shut Down Kernel", exact=True).click()
    expect(panel(page)).to_contain_text("No kernel")
    expect(panel(page).get_by_test_id("mlgov-validate")).to_be_disabled()
    expect(panel(page).get_by_test_id("mlgov-step")).to_have_count(1)
    page.screenshot(path=shots / "no-kernel.png")


def test_a_wrong_kind_is_marked_in_the_margin(lab, page):
    write(lab.root / "tags" / "wrong.ipynb", "a = 1", tags={0: ["mlgov:trian"]})
    open_notebook(page, lab, "tags/wrong.ipynb")
    expect(cell(page, 0)).to_have_attribute("data-mlgov-badge", "? trian")


def test_no_notebook_open_says_so(lab, page):
    page.goto(f"{lab.url}/lab?token={lab.token}&reset")
    page.wait_for_selector(".jp-Launcher", timeout=90_000)
    show_panel(page)
    expect(panel(page)).to_contain_text("Open a notebook to see where it stands.")


def test_the_guard_of_every_test_here_sees_console_errors_and_requests_off_loopback(page, seen):
    page.route("http://192.0.2.1/**", lambda route: route.fulfill(status=200, headers={"Access-Control-Allow-Origin": "*"}, body="x"))
    page.evaluate("console.error('boom')")
    page.evaluate("fetch('http://192.0.2.1/beacon').then(answer => answer.text())")
    page.evaluate("setTimeout(() => { throw new Error('thrown') })")
    page.wait_for_timeout(200)
    assert [words.split(":")[0] for words in seen.complaints] == ["console", "pageerror"]
    assert seen.outside == ["http://192.0.2.1/beacon"]
    seen.complaints.clear()
    seen.outside.clear()
