"""The portfolio in every form: from a real flow of reviews and decisions, for a terminal, as CSV and as one file that asks for nothing."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from jupyter_mlgov.cli import mlgov
from jupyter_mlgov.core.clock import stamp
from jupyter_mlgov.reports.portfolio.page import SHORT, WHOLE, fragment, page
from jupyter_mlgov.reports.portfolio.table import cell, csv_text
from jupyter_mlgov.reports.portfolio.text import text
from jupyter_mlgov.testing import BEN, NOON, FixedClock
from jupyter_mlgov.workspace.portfolio import figures, point, portfolio
from jupyter_mlgov.workspace.reviewing import ask
from tests.monitoring.histories import act, demand, validated
from tests.workspace.gated import NOTEBOOK, Gated, gated
from tests.workspace.gated import validated as reported

EVIL = '=cmd|"/C calc"!A0<script>alert(1)</script>'


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(NOON)


@pytest.fixture
def workspace(tmp_path: Path, clock: FixedClock) -> Iterator[Gated]:
    found = gated(tmp_path, clock)
    yield found
    found.close()


@pytest.fixture
def shown(workspace: Gated) -> Any:
    """A portfolio with a hostile model, a shared file and something of everything."""
    fine = [demand("A", "v.one", "pass"), demand("B", "v.two", "fail", standing="readiness")]
    data = {f"data/{EVIL}.csv": "sha256:1"}
    drafts = [validated(name, name, fine, data=data, inventory={"purpose": EVIL}) for name in (EVIL, "a", "b", "c")]
    workspace.personal.append([*drafts, act("evidence.refuted", EVIL, reason=EVIL, due="2026-11-01")], actor=BEN)
    return portfolio(point(workspace), workspace, inventory=True)


def test_a_real_review_and_promotion_are_counted(workspace: Gated, clock: FixedClock) -> None:
    """Through the product's own acts: ask, approve, promote; nothing of it is made for the figures."""
    report = reported(workspace)
    ben = workspace.acting("ben@firm.example")
    for stage in ("staging", "production"):
        asked = ask(workspace, NOTEBOOK, stage)
        assert portfolio(point(workspace), workspace).reviews[0].review.due == stamp(asked.deadline)
        clock.advance(timedelta(hours=6))
        ben.review(NOTEBOOK, "approve", "I read it.", attests_unchecked=True)
        assert workspace.promote(stage, NOTEBOOK).answer == "granted"
        workspace = workspace.acting("ana@firm.example")
    found = {one.id: one for one in figures(point(workspace))}
    assert report.digest
    assert (found["review-hours"].n, found["review-hours"].value) == (2, 6.0)
    assert (found["deployment-success"].good, found["deployment-success"].n) == (1, 1)
    (model,) = portfolio(point(workspace), workspace).first
    assert (model.model, model.stage, model.version) == ("credit", "production", "1")
    ben.close()


def test_the_page_asks_for_nothing_runs_only_its_own_script_and_holds_no_foreign_markup(shown: Any) -> None:
    html = page(shown)
    assert 'content="default-src &#x27;none&#x27;;' in html
    assert html.count("<script>") == 1
    assert "<script>alert" not in html
    assert "http://" not in html
    assert "https://" not in html
    assert "<svg" in html
    assert "<script" not in fragment(shown)


@pytest.mark.slow
def test_search_and_sorting_work_in_a_browser_and_nothing_is_asked_for(browser: Any, shown: Any, tmp_path: Path) -> None:
    path = tmp_path / "portfolio.html"
    path.write_text(page(shown), "utf-8")
    tab = browser.new_page()
    asked: list[str] = []
    said: list[str] = []
    tab.on("request", lambda request: asked.append(request.url))
    tab.on("console", lambda message: said.append(message.text))
    tab.on("pageerror", lambda error: said.append(str(error)))
    tab.goto(path.as_uri())
    names = "() => [...document.querySelectorAll('#inventory tbody tr:not([hidden])')].map(row => row.children[0].textContent)"
    head = tab.locator("#inventory th").first
    head.click()
    up = tab.evaluate(names)
    head.press("Enter")
    assert tab.evaluate(names) == up[::-1]
    assert head.get_attribute("aria-sort") == "descending"
    tab.fill("#search", "calc unknown")
    assert tab.evaluate("() => document.querySelector('#shown').textContent") == "4 of 4 models"
    tab.fill("#search", "no such word")
    assert tab.evaluate(names) == []
    assert asked == [path.as_uri()]
    assert said == []
    tab.close()


def test_with_many_models_the_page_shows_fewer_fields_and_says_so(workspace: Gated) -> None:
    drafts = [validated(f"m{number:04}", "r", [demand("A", "v.one", "pass")]) for number in range(WHOLE + 1)]
    workspace.personal.append(drafts, actor=BEN)
    html = page(portfolio(point(workspace), workspace, inventory=True))
    assert f"With more than {WHOLE} models {len(SHORT)} of" in html
    assert html.count("data-row") == WHOLE + 1 + 1  # and the script's own word


def test_every_cell_of_the_csv_is_text_to_a_spreadsheet_and_says_who_says_so(shown: Any) -> None:
    rows = list(csv.DictReader(io.StringIO(csv_text(shown.inventory))))
    assert {one["purpose"] for one in rows} == {f"'{EVIL}"}
    assert {one["purpose_from"] for one in rows} == {"team file"}
    assert {(one["exposure"], one["exposure_from"]) for one in rows} == {("unknown", "unknown")}
    assert not any(value.lstrip().startswith(("=", "+", "-", "@", "|", "%")) for one in rows for value in one.values())


@pytest.mark.parametrize("start", ["=1", "+1", "-1", "@x", "\tx", "\r=1", " =1", "|x", "%x"])
def test_what_starts_a_formula_starts_none(start: str) -> None:
    assert cell(start).startswith("'")


def test_plain_text_stays_as_it_is() -> None:
    assert cell("credit scoring, 2026") == "credit scoring, 2026"


def test_the_text_says_what_is_overdue_shared_and_not_known(shown: Any) -> None:
    told = text(shown, width=200)
    assert "no data" in told
    assert "Findings: 1 open, 1 overdue" in told
    assert "100% of 4 models rest on it" in told
    assert "\x1b" not in told


def test_the_shell_prints_each_form_and_the_entries_behind_a_figure(workspace: Gated, tmp_path: Path) -> None:
    workspace.personal.append([act("rollback.done", "m", stage="production")], actor=BEN)
    workspace.close()

    def run(*words: str) -> Any:
        return CliRunner().invoke(mlgov, ["portfolio", *words, "--workspace", str(tmp_path)], catch_exceptions=True)

    assert "100.0 %" in run().output
    assert json.loads(run("--format", "json").output)["models"] == 1
    assert run("--format", "csv").output.startswith("model,")
    out = tmp_path / "p.html"
    assert run("--format", "html", "--out", str(out)).exit_code == 0
    assert out.read_text("utf-8").startswith("<!doctype html>")
    found = json.loads(run("entries", "rollback-success", "--format", "json").output)
    assert (found["figure"]["n"], found["total"], found["counts"][0]["model"]) == (1, 1, "m")
    assert "rollback-success: 100.0 %" in run("figures").output
    assert "entries are folded" in run("rebuild").output
    assert "rollback-success: no data" in run("figures", "--as-of", "2020-01-01").output


def test_an_option_in_the_wrong_place_is_refused_and_not_dropped(tmp_path: Path, workspace: Gated) -> None:
    """`--as-of` before the sub-verb would otherwise show today as if it were that day."""
    done = CliRunner().invoke(mlgov, ["portfolio", "--as-of", "2020-01-01", "figures", "--workspace", str(tmp_path)])
    assert done.exit_code != 0
    assert "is not for it" in str(done.exception)
