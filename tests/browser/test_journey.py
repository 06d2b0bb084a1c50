"""The five minutes of docs/users/panel.md by real clicks: an author and a reviewer, two browsers, one server that knows both."""

from __future__ import annotations

import json
import re
import sqlite3
import sys
import warnings
from pathlib import Path

import pytest
from playwright.sync_api import expect

sys.path.insert(0, str(Path(__file__).parent))

from driving import (
    accessible,
    all_ran,
    contrasts,
    dark,
    kernel_idle,
    open_notebook,
    palette,
    panel,
    run_all,
    save,
    show_panel,
    step,
    tab,
    write,
)
from house import AUTHOR, REVIEWER, House

from jupyter_mlgov.audit.entries import Draft
from jupyter_mlgov.core.settings import Settings
from jupyter_mlgov.workspace import Workspace

pytestmark = pytest.mark.slow

NOTEBOOK = "by_sex/credit_approval.ipynb"
MODEL = "credit-approval-by-sex"
HOUSE = """
[policy]
id = "house"
version = "1"
title = "House rules"
framework = "HOUSE"
effective = "2026-01-01"
scope = "Every model of the house."

[[control]]
id = "HOUSE.1"
cite = "House rule 1"
url = "https://house.invalid/1"
verified = "P"
obligation = "Somebody who did not make the model read its features."
evidence = "answer"
threshold = "answered"
automation = "human"
severity = "low"
gates = ["review"]
basis = "written by the house"
questions = [{ id = "read", text = "Which features did you read, and which one surprised you?" }]
"""


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    """The demo's folder as it is before anybody ran anything, and a server for Ann and Rae."""
    made = House(tmp_path_factory.mktemp("house"), tmp_path_factory.mktemp("journey"))
    prepared(made.root / "credit")
    made.start()
    try:
        yield made
    finally:
        made.stop()


def prepared(folder: Path) -> None:
    """The demo, with one tag still to be given and without its magics: the panel does that here."""
    from jupyter_mlgov.workspace.demo import git, prepare

    prepare(folder, Settings(), print).close()
    path = folder / NOTEBOOK
    book = json.loads(path.read_text("utf-8"))
    cells = [cell for cell in book["cells"] if cell["id"] not in ("say", "validate", "why")]
    for cell in cells:
        if cell["id"] == "parameters":
            cell["source"] = "".join(cell["source"]).replace('"data/', '"../data/')
        if cell["id"] == "evaluate":
            del cell["metadata"]["tags"]
    path.write_text(json.dumps({**book, "cells": cells}), "utf-8")
    # A control that nobody who worked on the model may answer, as a team writes its own.
    (folder / "packs").mkdir()
    (folder / "packs" / "house.toml").write_text(HOUSE, "utf-8")
    team = folder / "by_sex" / "mlgov.toml"
    team.write_text(
        team.read_text("utf-8").replace('packs = ["us-fair-lending"]', 'packs = ["us-fair-lending", "packs/house.toml"]'), "utf-8"
    )
    git(folder, "add", "packs")
    git(folder, "commit", "--quiet", "--all", "--message=As Ann found it")


@pytest.fixture
def rae(browser, seen, house):
    """Rae's own browser."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(60_000)
    page = context.new_page()
    seen.watch(page)
    yield page
    context.close()


SECTIONS = ("Steps", "Checks", "Why", "Review", "Trail")


def portraits(page, shots, theme: str) -> None:
    """The panel's five sections, for the documentation (tests/browser/pictures.py)."""
    for name in SECTIONS:
        section = tab(page, name)
        expect(section.get_by_text("Reading who asked")).to_have_count(0)
        section.evaluate("node => node.scrollTo(0, 0)")
        panel(page).screenshot(path=shots / f"portrait-{theme}-{name.lower()}.png")


def edited(page, cell, more: str) -> None:
    """Write these lines at the end of a cell, or take the last line away again, and save."""
    cell.locator(".cm-content").click()
    page.keyboard.press("Control+End")
    if more:
        page.keyboard.type(more)
    else:
        page.keyboard.press("Shift+Home")
        page.keyboard.press("Backspace")
        page.keyboard.press("Backspace")
    save(page)


def run_stale(page) -> None:
    """Let the panel run the steps that are stale, and wait until the record has them."""
    tab(page, "Steps")
    expect(step(page, "evaluate")).to_have_attribute("data-state", "stale")
    panel(page).get_by_role("button", name=re.compile("Run (it|them)")).click()
    expect(step(page, "evaluate")).to_have_attribute("data-state", "fresh")
    kernel_idle(page)


def question(page, control: str):
    """The form of one control, open."""
    asked = tab(page, "Review").get_by_test_id("mlgov-forms")
    asked.locator("> summary").click()
    asked.get_by_role("searchbox", name="Find a question").fill(control)
    form = asked.locator(f'[data-control="{control}"]')
    form.locator("summary").click()
    return form


def sure(page, words: str) -> None:
    """Nothing that decides is done by one click."""
    page.get_by_test_id("mlgov-sure").get_by_role("button", name=words).click()


def test_five_minutes_from_a_clean_folder_to_a_model_in_staging_and_a_trail_that_knows_a_changed_byte(house, page, rae, shots, seen):
    # JupyterLab's own: a comm that Ann's page opened is unknown to the page that joins her kernel later.
    seen.provoked.append("Comm not found for comm id")
    page.set_default_timeout(60_000)
    folder = house.root / "credit"

    # 1-2  Ann opens the notebook; a tag is suggested, one click takes it; Run All; the panel draws the steps.
    open_notebook(page, house.of(AUTHOR), f"credit/{NOTEBOOK}")
    show_panel(page)
    suggestion = panel(page).locator(".jp-mlgov-suggestion", has_text="evaluate")
    suggestion.get_by_role("button", name=re.compile("Tag")).first.click()
    expect(step(page, "evaluate")).to_be_visible()
    save(page)
    run_all(page)
    all_ran(page)
    for label in ("data", "features", "train", "evaluate"):
        expect(step(page, label)).to_have_attribute("data-state", "fresh")

    # 3  Validate, by the panel's button: every check opens to numbers.
    panel(page).get_by_test_id("mlgov-validate").click()
    checks = tab(page, "Checks")
    air = checks.locator('[data-validator="fair.air"]')
    expect(air).to_have_attribute("data-verdict", "warn")
    air.locator("summary").click()
    expect(air.locator(".jp-mlgov-detail svg").first).to_be_visible()

    # A verdict that moves. One edit, and the check is stale; the run is stopped and nothing is said that was not measured; then it is run.
    evaluate = page.locator('.jp-Cell[data-mlgov-badge*="evaluate"]')
    edited(page, evaluate, '\nscored.loc[scored["male"] == 0, "approve"] = 0')
    run_stale(page)
    checks = tab(page, "Checks")
    expect(air).to_have_attribute("data-stale", "true")
    work = panel(page).get_by_test_id("mlgov-work")
    checks.get_by_role("button", name="Run what is stale").click()
    expect(work).to_have_text(re.compile(r"^\d+/\d+ "))
    panel(page).get_by_test_id("mlgov-stop").click()
    expect(work).to_have_count(0)
    expect(panel(page).get_by_test_id("mlgov-complaint")).to_contain_text("Stopped")
    expect(air).to_have_attribute("data-verdict", "warn")
    expect(air).to_have_attribute("data-stale", "true")
    page.screenshot(path=shots / "journey-stopped.png")
    checks.get_by_role("button", name="Run what is stale").click()
    expect(air).to_have_attribute("data-verdict", "fail")
    expect(air).not_to_have_attribute("data-stale", "true")
    expect(work).to_have_count(0)
    # The edit goes; that one check is measured alone, beside the report and not in its place.
    edited(page, evaluate, "")
    run_stale(page)
    tab(page, "Checks")
    air.get_by_label("select").check()
    checks.get_by_role("button", name="Run selected (1)").click()
    expect(air.get_by_test_id("mlgov-alone")).to_have_attribute("data-verdict", "warn")
    expect(air).to_have_attribute("data-verdict", "fail")
    page.screenshot(path=shots / "journey-alone.png")
    expect(work).to_have_count(0)

    # 5  An edit upstream: what rests on it is stale and the gate says so; one click runs it, one more judges it anew.
    features = page.locator('.jp-Cell[data-mlgov-badge*="features"]')
    features.locator(".cm-content").click()
    page.keyboard.press("Control+End")
    page.keyboard.type("\nfeatures = features.copy()")
    save(page)
    tab(page, "Steps")
    expect(step(page, "train")).to_have_attribute("data-state", "stale")
    expect(tab(page, "Checks")).to_contain_text("stale")
    why = tab(page, "Why")
    expect(why).to_contain_text("not up to date")
    page.screenshot(path=shots / "journey-why.png")
    why.get_by_role("button", name=re.compile(r"^Run \d cells$")).click()
    tab(page, "Steps")
    for label in ("features", "train", "evaluate"):
        expect(step(page, label)).to_have_attribute("data-state", "fresh")
    all_ran(page)
    save(page)

    seen.provoked.append("422")  # the refusals that follow, in Chromium's console
    # What only people can say. Ann answers one control: a gap and a placeholder are refused in words, and what she typed stays.
    form = question(page, "REGB.4.a")
    form.get_by_label("For each flagged proxy").fill("No proxy was flagged for sex in this file.")
    form.get_by_role("button", name="Sign these answers").click()
    expect(form.get_by_role("alert")).to_contain_text("the answer to `no_basis` is missing".replace("`", ""))
    form.get_by_label("How is it known").fill("TBD")
    form.get_by_label("Does the model meet this control").select_option("yes")
    form.get_by_role("button", name="Sign these answers").click()
    expect(form.get_by_role("alert")).to_contain_text("is a placeholder")
    page.screenshot(path=shots / "journey-form.png")
    form.get_by_label("How is it known").fill("The eleven features are listed, and none is a prohibited basis. <b>Ann</b>")
    form.get_by_role("button", name="Sign these answers").click()
    expect(form).to_contain_text("answered by Ann")
    # The other asks for somebody who did not work on it: Rae, who may review and not run.
    open_notebook(rae, house.of(REVIEWER), f"credit/{NOTEBOOK}")
    show_panel(rae)
    form = question(rae, "HOUSE.1")
    expect(form).to_contain_text("by somebody who did not work on it")
    form.get_by_label("Which features did you read").fill("All eleven; `unem` is about an industry and not about a person.")
    form.get_by_label("Does the model meet this control").select_option("yes")
    form.get_by_role("button", name="Sign these answers").click()
    expect(form).to_contain_text("answered by Rae")

    # Both stand in the next report as evidence, in the words that were signed.
    panel(page).get_by_test_id("mlgov-validate").click()
    expect(panel(page).get_by_test_id("mlgov-work")).to_have_count(0)
    checks = tab(page, "Checks")
    for control, words in (("REGB.4.a", "none is a prohibited basis. <b>Ann</b>"), ("HOUSE.1", "is about an industry")):
        answer = checks.locator(f'[data-validator="form:{control}"]')
        expect(answer).to_have_attribute("data-verdict", "pass")
        answer.locator("summary").click()
        expect(answer.locator(".jp-mlgov-detail")).to_contain_text(words)
    expect(air).to_have_attribute("data-verdict", "warn")
    page.screenshot(path=shots / "journey-answers.png")

    # 4, 6  Why: only people are missing. Ann asks for staging and is not let through.
    why = tab(page, "Why")
    expect(why.get_by_test_id("mlgov-reason")).to_have_count(1)
    why.get_by_role("button", name="Ask for staging…").click()
    sure(page, "Yes, ask")
    expect(why.get_by_test_id("mlgov-decision")).to_contain_text("Awaiting review: staging stays as it is", timeout=180_000)
    page.screenshot(path=shots / "journey-refused.png")

    # Ann may not review here, is told who may, and asks.
    review = tab(page, "Review")
    expect(review.get_by_test_id("mlgov-may-not-review")).to_contain_text(
        "Who may approve: demo-reviewer. 1 approval is needed for staging."
    )
    accessible(page, "#jp-mlgov-panel")
    review.get_by_role("button", name="Ask for a review").click()
    expect(review.get_by_test_id("mlgov-case-state")).to_have_text("waits for a reviewer")

    portraits(page, shots, "light")
    dark(page)
    portraits(page, shots, "dark")
    contrasts(page)
    palette(page, "Use Theme: JupyterLab Light")
    review = tab(page, "Review")

    # Rae claims it, reads what was sealed, and asks.
    desk = tab(rae, "Review")
    desk.get_by_role("button", name="Take it").click()
    expect(desk.get_by_test_id("mlgov-case-state")).to_have_text("being reviewed")
    desk.get_by_role("button", name="Read the packet").click()
    expect(desk.get_by_test_id("mlgov-packet")).to_contain_text("As it was sealed")
    expect(desk.get_by_test_id("mlgov-packet")).to_contain_text("Nothing changed since it was sealed.")
    desk.get_by_label("A question to those who made it").fill("Why 500 rounds?")
    desk.get_by_role("button", name="Ask", exact=True).click()

    # Ann hears of it without asking, and answers; so does Rae.
    expect(review.get_by_test_id("mlgov-talk")).to_contain_text("Rae asks: Why 500 rounds?")
    review.get_by_label("Your answer").fill("It converges at 300; the rest is margin.")
    review.get_by_role("button", name="Answer", exact=True).click()
    expect(desk.get_by_test_id("mlgov-talk")).to_contain_text("It converges at 300; the rest is margin.")
    rae.screenshot(path=shots / "journey-review.png")
    contrasts(rae)
    accessible(rae, "#jp-mlgov-panel")

    # Rae approves with a condition, after reading what that means.
    form = desk.get_by_test_id("mlgov-review-form")
    form.get_by_label("Your word on this report").fill("Read it; judged the rest by hand.")
    form.get_by_label(re.compile("I judged by hand")).check()
    form.get_by_text("Conditions", exact=True).click()
    form.get_by_label("Traffic at most").fill("5")
    form.get_by_role("button", name="Approve with conditions…").click()
    expect(form.get_by_test_id("mlgov-sure")).to_contain_text(f"of {MODEL} as Rae, with traffic at most 5%?")
    rae.screenshot(path=shots / "journey-approve.png")
    sure(rae, "Yes, approve")
    expect(desk.get_by_test_id("mlgov-limits")).to_contain_text("traffic at most 5%")

    # Ann sees it, asks again, and the alias moves.
    expect(review.get_by_test_id("mlgov-review")).to_contain_text("Rae approved")
    why = tab(page, "Why")
    expect(why).to_contain_text("Nothing that is known stands in the way")
    why.get_by_role("button", name="Ask for staging…").click()
    sure(page, "Yes, ask")
    expect(why.get_by_test_id("mlgov-decision")).to_contain_text(f"Granted: staging is version 3 of {MODEL}.", timeout=180_000)
    expect(why.get_by_test_id("mlgov-decision")).to_contain_text("Approved by Rae.")
    page.screenshot(path=shots / "journey-granted.png")
    assert alias_of(folder, "staging") == "3"

    # The gate after that one: the panel goes on to it by itself, and says how much of the traffic Rae's condition leaves.
    expect(why.get_by_test_id("mlgov-let-in")).to_have_text("This very model is in staging.")
    expect(panel(page).get_by_test_id("mlgov-gate")).to_contain_text("staging → production")
    expect(why.get_by_test_id("mlgov-reason")).to_contain_text("The approval allows")
    why.get_by_role("button", name="Ask for production…").click()
    sure(page, "Yes, ask")
    expect(why.get_by_test_id("mlgov-decision")).to_contain_text("Refused: production stays as it is.", timeout=180_000)
    why.get_by_label("Traffic asked for, %").fill("5")
    page.screenshot(path=shots / "journey-production.png")
    why.get_by_role("button", name="Ask for production…").click()
    sure(page, "Yes, ask")
    expect(why.get_by_test_id("mlgov-decision")).to_contain_text(f"Granted: production is version 3 of {MODEL}.", timeout=180_000)
    expect(why.get_by_role("button", name=re.compile("Ask for"))).to_have_count(0)
    assert alias_of(folder, "production") == "3"

    # 7  The export says what it would make, then makes it; the model is made again in a fresh kernel.
    panel(page).get_by_test_id("mlgov-export-open").click()
    export = panel(page).get_by_test_id("mlgov-export")
    expect(export.get_by_test_id("mlgov-export-step")).to_have_count(4)
    named = export.get_by_test_id("mlgov-export-files").locator("li").all_inner_texts()
    assert named
    assert not any((folder / name).exists() for name in named)
    page.screenshot(path=shots / "journey-export.png")
    accessible(page, "#jp-mlgov-panel")
    export.get_by_role("button", name=re.compile(r"^Write \d+ files$")).click()
    expect(export.get_by_test_id("mlgov-exported")).to_contain_text(named[0], timeout=180_000)
    assert all((folder / name).is_file() for name in named)
    cell = magic(page, f"%mlgov reproduce {MODEL}@3 --environment current")
    expect(cell.locator(".jp-OutputArea").first).to_contain_text(f"✓ identical  {MODEL} version 3", timeout=180_000)
    kernel_idle(page)

    # 8  The trail tells it all and is whole; one changed byte, and it names the entry.
    trail = tab(page, "Trail")
    trail.get_by_role("button", name="Verify the trail").click()
    expect(trail.get_by_test_id("mlgov-verify")).to_contain_text("✓")
    page.screenshot(path=shots / "journey-trail.png")
    seen.provoked.append("503")  # what rests on a damaged record is refused, and Chromium tells its console
    entry = tampered(folder)
    trail.get_by_role("button", name="Verify the trail").click()
    expect(trail.get_by_test_id("mlgov-verify").locator(".jp-mlgov-mod-fail").first).to_contain_text(str(entry))
    # What rests on it is refused, and no section says that there was nothing. A damaged file moves nothing by itself: somebody looks again.
    page.evaluate("() => { window.jupyterapp.commands.execute('mlgov:refresh'); }")
    expect(panel(page).get_by_test_id("mlgov-unreadable")).to_contain_text("The record cannot be read.")
    expect(trail).not_to_contain_text("empty")
    page.screenshot(path=shots / "journey-tampered.png")


def alias_of(folder: Path, stage: str) -> str:
    """The version that MLflow's own client finds under the alias."""
    from mlflow import MlflowClient

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # MLflow's own use of SQLAlchemy
        client = MlflowClient(f"sqlite:///{folder / '.mlgov' / 'mlflow.db'}")
        return str(client.get_model_version_by_alias(MODEL, stage).version)


def magic(page, line: str):
    """A new last cell with this line, run."""
    last = page.locator(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-Cell").last
    last.locator(".cm-content").click()
    page.keyboard.press("Escape")
    page.keyboard.press("b")
    page.keyboard.press("Enter")
    page.keyboard.type(line)
    page.keyboard.press("Control+Enter")
    return page.locator(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-Cell", has_text=line).last


def tampered(folder: Path) -> int:
    """Change one byte of the entry that granted it; its number."""
    with sqlite3.connect(folder / ".mlgov" / "mlgov.db") as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()
    path = folder / ".mlgov" / "mlgov.db"
    content = path.read_bytes()
    place = content.find(b'"answer":"granted"')
    assert place > 0
    path.write_bytes(content[: place + 10] + b"G" + content[place + 11 :])
    with sqlite3.connect(path) as database:
        (seq,) = database.execute(
            "SELECT seq FROM log WHERE action = 'promotion.decided' AND payload GLOB '*\"answer\":\"Granted\"*'"
        ).fetchone()
    database.close()
    return int(seq)


def test_tabs_and_people_agree_and_a_restarted_server_is_said_and_caught_up_with(house, page, rae, seen, shots):
    """A real restart: the process ends, another comes up on the same port. What happened meanwhile is there without a reload."""
    # What a browser says of a server that is away, and JupyterLab of kernels that went with it.
    seen.provoked += [
        "ERR_CONNECTION_REFUSED",
        "ERR_EMPTY_RESPONSE",
        "ERR_CONNECTION_RESET",
        "WebSocket",
        "Failed to fetch",
        "NetworkError",
    ]
    seen.provoked += ["404", "Kernel", "kernel", "Comm not found", "Canceled", "session", "not respond"]
    root = house.root / "live"
    root.mkdir()
    write(root / "live.ipynb", "a = 1", tags={0: ["mlgov:data"]})
    workspace = Workspace.create(root, Settings(actor="ann"))
    second = page.context.new_page()
    seen.watch(second)
    lines = {}
    for name, where, token in (("first", page, AUTHOR), ("second", second, AUTHOR), ("rae", rae, REVIEWER)):
        open_notebook(where, house.of(token), "live/live.ipynb")
        show_panel(where)
        lines[name] = tab(where, "Trail")

    def recorded(model: str) -> None:
        workspace.record(Draft(action="promotion.applied", subject=model, payload={"stage": "staging", "version": "1"}))

    recorded("told-at-once")
    for name, trail in lines.items():
        expect(trail, name).to_contain_text("told-at-once", timeout=30_000)

    house.stop()
    for where in (page, second, rae):
        expect(panel(where)).to_contain_text("No news from the server: what is shown may be old.", timeout=30_000)
    expect(lines["first"]).to_contain_text("told-at-once")
    page.screenshot(path=shots / "offline.png")
    recorded("while-it-was-away")
    house.start()
    for name, trail in lines.items():
        expect(trail, name).to_contain_text("while-it-was-away", timeout=60_000)
    for where in (page, second, rae):
        expect(panel(where)).not_to_contain_text("No news from the server")
    recorded("after-it-came-back")
    for name, trail in lines.items():
        expect(trail, name).to_contain_text("after-it-came-back", timeout=30_000)
    workspace.close()
