"""Every state of the Review, Why and Export sections, drawn from the real fact types in a real JupyterLab: by keyboard, in every theme."""

from __future__ import annotations

import re
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import expect

sys.path.insert(0, str(Path(__file__).parent))

from driving import accessible, contrasts, dark, open_notebook, palette, panel, show_panel, tab, write

from jupyter_mlgov.core.actors import Actor
from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.core.facts import plain
from jupyter_mlgov.promotion.cases import Case, Said, SecondRun, State
from jupyter_mlgov.promotion.facts import Fix, Limit, Reason, Review
from jupyter_mlgov.promotion.waivers import Waiver
from jupyter_mlgov.reports.views import CheckLine, NotebookView
from jupyter_mlgov.validation.policy import Question
from jupyter_mlgov.workspace.answers import Asked
from jupyter_mlgov.workspace.export_desk import ExportFile, ExportPlan, ExportStep
from jupyter_mlgov.workspace.review_desk import CaseView, FormView, PacketView, ReviewDesk, Waivable, WaiverView
from jupyter_mlgov.workspace.reviewing import Queued

pytestmark = pytest.mark.slow

HOSTILE = "<script>window.hacked=1</script>"
DIGEST = Digest("sha256:" + "41ab9e" * 10 + "41ab")
NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
ANN, RAE = Actor(id="ann", source="jupyter", name="Ann"), Actor(id="rae", source="jupyter", name="Rae")

CHECKS = (
    CheckLine(validator="fair.air", title="Adverse impact ratio", verdict="fail", severity="critical", summary=f"0.78 of {HOSTILE}"),
    CheckLine(validator="perf.discrim", title="Discrimination", verdict="pass", severity="high", summary="AUC 0.81"),
)
VIEW = NotebookView(
    notebook="desk.ipynb",
    workspace="credit",
    model="credit-approval",
    stage="development",
    checks=CHECKS,
    unchecked=7,
    report=DIGEST,
    gate="development → staging",
    why=(
        Reason(
            code="validate",
            sentence="The report is stale.",
            next="Type `%mlgov validate`.",
            fix=Fix(kind="insert-cell", code="%mlgov validate"),
        ),
        Reason(code="verdict-fail", sentence="The ratio is 0.78.", next="Look at the cell.", validator="fair.air", cell="cell-0"),
        Reason(code="review", sentence="Needs one approval.", next="Ask a reviewer.", fix=Fix(kind="ask-person")),
    ),
    reviews=(
        Review(
            actor=RAE,
            verdict="approve",
            report=DIGEST,
            comment=f"Fine with {HOSTILE}",
            time=NOON,
            limits=(Limit(name="traffic", most=0.05), Limit(name="exposure", most=1_000_000)),
            until="2026-12-31",
        ),
    ),
)
CASE = Case(
    number=41,
    id=DIGEST,
    model="credit-approval",
    notebook="desk.ipynb",
    stage="staging",
    report=DIGEST,
    packet=DIGEST,
    asked_by=ANN,
    asked_at=NOON,
    claimed_by=RAE,
    talk=(Said(kind="question", actor=RAE, time=NOON, text=HOSTILE), Said(kind="answer", actor=ANN, time=NOON, text="Because.")),
    reruns=(SecondRun(actor=RAE, time=NOON, found=DIGEST, same=True),),
)
WAIVER = Waiver(
    id=DIGEST,
    seq=7,
    waives="fair.air",
    reason=HOSTILE,
    limit="traffic below 5%",
    until="2026-12-31",
    scope=None,
    asked_by=ANN,
    asked_at=NOON,
)


def case(state: State = State.CLAIMED, hours: float = 5, due: tuple[str, ...] = (), **changes: object) -> CaseView:
    queued = Queued(case=replace(CASE, **changes), state=state, deadline=datetime.now(UTC) + timedelta(hours=hours), due=due)
    return CaseView(queued=queued, mine=True, why_not="", open_questions=0)


EMPTY = ReviewDesk(me=RAE, why_not="", approvers=(), stage="staging", needed=1, clock="24 hours", today="2026-11-24")
FULL = replace(
    EMPTY,
    cases=(case(), case(State.VOID, number=30, changed=(f"the model {HOSTILE} changed",), claimed_by=None)),
    waivers=(WaiverView(waiver=WAIVER, severity="critical", objection="it lacks 2 approvals", mine=False, why_not=""),),
    waivable=(Waivable(name="fair.air", title="Adverse impact ratio", severity="critical", verdict="fail"),),
    forms=(FormView(control="DOC.development", title="The development document", automation="document"),),
)
PACKET = PacketView(
    digest=DIGEST,
    report=DIGEST,
    model="credit-approval",
    stage="staging",
    policies=("US fair lending 2026-11-24",),
    checks=CHECKS,
    unchecked=7,
    evidence=14,
    objects=4,
    cells=("a", "b"),
    problems=(),
    changed=("a tagged cell changed",),
)
ASKED = Asked(
    policy="documents",
    control="DOC.development",
    cite="Answer what you can.",
    obligation="What only people can write.",
    verified="",
    automation="human",
    questions=(Question(id="purpose", text=f"What is it for, {HOSTILE}?"), Question(id="holds", text="Does it hold? yes or no.")),
)
PLAN = ExportPlan(
    notebook="desk.ipynb",
    targets=("papermill", "dvc"),
    steps=tuple(
        ExportStep(
            name=name,
            tag=name,
            cells=("cell-0",),
            after=after,
            takes=tuple(f"table of {one}" for one in after),
            gives=("table",),
            reads=(),
            writes=(),
            parameters=("seed",),
        )
        for name, after in (("data", ()), ("features", ("data",)), ("train", ("features",)))
    ),
    notes=("cell [3] has no tag; it runs in the step train",),
    refusals=(),
    files=(
        ExportFile(target="papermill", path="credit/desk.papermill.yaml", exists=False),
        ExportFile(target="dvc", path="credit/dvc.yaml", exists=True),
    ),
    proof=("dvc",),
    known=("argo", "dvc", "papermill"),
)


@pytest.fixture
def desk(lab, page):
    """A notebook whose routes are answered by the test; each answer can be changed, and an answer of None never comes."""
    write(lab.root / "desk" / "desk.ipynb", "a = 1", tags={0: ["mlgov:data"]})
    presence = {"version": "0", "user": "rae", "name": "Rae", "proven": True, "rights": ["read", "run", "review"]}
    answers = {"notebook": VIEW, "reviews": FULL, "packet": PACKET, "export": PLAN, "status": presence, "answers": ASKED}

    def answering(name):
        def answered(route):
            found = answers[name]
            if isinstance(found, int):
                route.fulfill(status=found, json={"message": "The record is locked.", "expected": "", "next": "Wait a moment."})
            elif found is not None:
                route.fulfill(json=plain(found))

        return answered

    for name in answers:
        page.route(f"**/mlgov/api/{name}?*", answering(name))

    def opened():
        open_notebook(page, lab, "desk/desk.ipynb")
        show_panel(page)
        return answers

    return answers, opened


def looked_at(page, shots, name):
    panel(page).screenshot(path=shots / f"review-{name}.png")
    contrasts(page)
    accessible(page, "#jp-mlgov-panel")


def test_a_full_desk_is_readable_in_every_theme_and_width_and_worked_by_keyboard(desk, page, shots):
    _, opened = desk
    opened()
    review = tab(page, "Review")
    expect(review.get_by_test_id("mlgov-clock")).to_contain_text(re.compile(r"(5 h 0|4 h 5\d) min left"))
    # By keyboard alone: the packet opens, and the confirmation can be reached and left.
    review.get_by_role("button", name="Read the packet").focus()
    page.keyboard.press("Enter")
    expect(review.get_by_test_id("mlgov-packet")).to_contain_text("a tagged cell changed")
    word = review.get_by_label("Your word on this report")
    word.focus()
    page.keyboard.type("Read it all.")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    expect(review.get_by_label("I judged by hand")).to_be_checked()
    review.get_by_role("button", name="Approve…").press("Enter")
    expect(review.get_by_role("button", name="Yes, approve")).to_be_focused()
    page.keyboard.press("Escape")
    expect(review.get_by_test_id("mlgov-sure")).to_have_count(0)
    folded = review.locator("details:not([open]) > summary")
    while folded.count():
        folded.first.click()
    expect(review.get_by_test_id("mlgov-limits")).to_have_text(
        "on condition: traffic at most 5%, exposure at most 1,000,000, until 2026-12-31"
    )
    expect(review.get_by_label("What is it for")).to_be_visible()
    assert page.evaluate("window.hacked") is None
    assert review.evaluate("node => node.scrollWidth <= node.clientWidth"), "wider than the panel"
    looked_at(page, shots, "full")
    page.set_viewport_size({"width": 760, "height": 1500})
    looked_at(page, shots, "narrow")
    assert review.evaluate("node => node.scrollWidth <= node.clientWidth"), "wider than the panel"
    page.set_viewport_size({"width": 1440, "height": 1900})
    dark(page)
    looked_at(page, shots, "dark")
    page.emulate_media(forced_colors="active")
    panel(page).screenshot(path=shots / "review-forced.png")
    accessible(page, "#jp-mlgov-panel")
    page.emulate_media(forced_colors="none")
    palette(page, "Use Theme: JupyterLab Dark High Contrast")
    page.wait_for_selector('body[data-jp-theme-name="JupyterLab Dark High Contrast"]', state="attached")
    looked_at(page, shots, "high-contrast")


def test_empty_loading_broken_late_forbidden_and_ones_own_are_designed(desk, page, seen, shots):
    answers, opened = desk
    answers["reviews"] = None
    opened()
    review = tab(page, "Review")
    expect(review).to_contain_text("Reading who asked, and who has it…")
    looked_at(page, shots, "loading")

    def again(**changes):
        answers.update(changes)
        tab(page, "Why")
        return tab(page, "Review")

    seen.provoked.append("503")
    expect(again(reviews=503)).to_contain_text("The reviews cannot be shown. The record is locked. Wait a moment.")
    looked_at(page, shots, "broken")
    answers["reviews"] = EMPTY
    review.get_by_role("button", name="Try again").click()
    expect(review).to_contain_text("Nobody was asked to review this report for staging.")
    expect(review).to_contain_text("Who may approve: anybody who did not work on the model.")
    looked_at(page, shots, "empty")
    late = replace(EMPTY, cases=(case(hours=-30, due=("warning", "alarm", "escalation")),))
    expect(again(reviews=late).get_by_test_id("mlgov-clock")).to_contain_text(re.compile(r"overdue by 30 h \d min, escalated"))
    looked_at(page, shots, "late")
    own = replace(EMPTY, why_not="an author of the model cannot approve it (four eyes)")
    expect(again(reviews=own).get_by_test_id("mlgov-self")).to_contain_text("You cannot approve it: an author")
    review.get_by_label("Your word on this report").fill("It is mine.")
    expect(review.get_by_role("button", name="Approve…")).to_be_disabled()
    looked_at(page, shots, "own")
    answers["notebook"] = replace(VIEW, report="")
    opened()
    expect(tab(page, "Review")).to_contain_text("no report yet")


def test_who_may_only_look_is_told_who_may_what(desk, page, shots):
    answers, opened = desk
    answers["status"] = {**answers["status"], "rights": ["read"]}
    answers["reviews"] = replace(FULL, approvers=("rae", "kim"), needed=2)
    opened()
    review = tab(page, "Review")
    expect(review.get_by_test_id("mlgov-may-not-review")).to_contain_text("Who may approve: rae, kim. 2 approvals are needed for staging.")
    for name in ("Take it", "Measure again", "Ask for it", "Lift it…", "Ask"):
        expect(review.get_by_role("button", name=name, exact=True)).to_have_count(0)
    looked_at(page, shots, "forbidden")
    why = tab(page, "Why")
    expect(why.get_by_role("button", name="Ask for staging…")).to_be_disabled()
    expect(why.get_by_role("button", name="Insert and run")).to_be_disabled()
    looked_at(page, shots, "why-forbidden")


def test_why_and_export_show_before_they_do(desk, page, shots):
    answers, opened = desk
    answers["notebook"] = replace(VIEW, steps=())
    opened()
    why = tab(page, "Why")
    why.get_by_role("button", name="Ask for staging…").press("Enter")
    expect(why.get_by_test_id("mlgov-sure")).to_contain_text("The gate will refuse, and the refusal enters the trail.")
    looked_at(page, shots, "why")
    why.get_by_role("button", name="Not now").click()
    why.get_by_role("button", name="Insert and run").click()
    expect(page.locator(".jp-Cell .cm-content").last).to_have_text("%mlgov validate")
    page.evaluate("window.jupyterapp.commands.execute('mlgov:open', {section: 'export'})")
    export = panel(page).get_by_test_id("mlgov-export")
    expect(export.get_by_test_id("mlgov-export-step")).to_have_count(3)
    expect(export).to_contain_text("credit/dvc.yaml (is there; replaced)")
    looked_at(page, shots, "export")
    dark(page)
    looked_at(page, shots, "export-dark")
