"""The traceability matrix leads both ways, is searched without a network, and no spreadsheet runs any of it."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_mlgov.reports.dossier.assemble import dossier
from jupyter_mlgov.reports.dossier.html import html
from jupyter_mlgov.reports.machine.matrix import COLUMNS, FORMULA, backward, cell, matrix_csv, matrix_json, traces
from jupyter_mlgov.reports.machine.matrix_html import matrix_html
from jupyter_mlgov.reports.schema import matrix_schema, matrix_schema_text


@pytest.fixture(scope="module")
def facts(made: SimpleNamespace) -> Any:
    return made.dossier_facts()


def test_each_demand_is_a_path_and_each_evidence_leads_back(facts: Any) -> None:
    body = matrix_json(facts)
    paths: Any = body["paths"]
    back: Any = body["backward"]
    assert {(one["control"], one["answer"]) for one in paths} == {
        (item.control, item.verdict.word if item.verdict else "unchecked") for item in facts.report.requirements
    }
    for one in paths:
        if one["evidence"]:
            assert one["control"] in back[one["evidence"]]
            assert one["control"] in back[one["data"]]
    ends = {one["evidence"] for one in paths} - {""}
    assert ends == {end for end in back if end.startswith("sha256:")}
    assert sorted(backward(traces(facts)), key=str) == sorted(traces(facts), key=str)
    json.dumps(body)


def test_the_json_is_valid_by_its_published_schema(checkout: Path, made: SimpleNamespace, facts: Any) -> None:
    """Written by `python -c "from jupyter_mlgov.reports.schema import matrix_schema_text as t; print(t(), end='')"`."""
    assert (checkout / "docs/formats/matrix.schema.json").read_text("utf-8") == matrix_schema_text()
    jsonschema.Draft202012Validator.check_schema(matrix_schema())
    for given_ in (facts, made.dossier_facts(made.hostile()), replace(facts, report=None)):
        jsonschema.validate(matrix_json(given_), matrix_schema())
    broken = {**matrix_json(facts), "paths": [{"control": "x"}]}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(broken, matrix_schema())


def test_what_nobody_checked_ends_early(facts: Any) -> None:
    (one,) = [trace for trace in traces(facts) if trace.control == "SR26-2.III.3"]
    assert (one.answer, one.evidence, one.cell, one.data) == ("unchecked", "", "", "")


def test_without_a_report_there_is_no_path(facts: Any) -> None:
    bare = replace(facts, report=None)
    assert traces(bare) == ()
    assert "no path to trace" in matrix_html(bare)
    assert matrix_csv(bare).count("\r\n") == 1


@given(
    text=st.text(max_size=40)
    | st.builds(str.__add__, st.sampled_from(["=", "+", "-", "@", "\t", "\r", " =", "\n@", "\u200b="]), st.text(max_size=20))
)
def test_no_cell_begins_a_formula(text: str) -> None:
    made = cell(text)
    assert not made.startswith(FORMULA)
    assert not made.lstrip().startswith(FORMULA)


def test_the_csv_reads_back_as_rfc_4180_in_both_directions(made: SimpleNamespace, facts: Any) -> None:
    for given_ in (facts, made.dossier_facts(made.hostile())):
        for reverse in (False, True):
            written = matrix_csv(given_, reverse=reverse)
            assert written.endswith("\r\n")
            rows = list(csv.reader(io.StringIO(written, newline=""), strict=True))
            assert rows[0] == list(COLUMNS[::-1] if reverse else COLUMNS)
            assert {len(row) for row in rows} == {len(COLUMNS)}
            assert len(rows) == len(traces(given_)) + 1
            assert not [value for row in rows for value in row if value.startswith(FORMULA)]


@pytest.mark.slow
def test_the_page_searches_without_asking_for_anything(browser: Any, made: SimpleNamespace, facts: Any, tmp_path: Path) -> None:
    for name, given_ in {"mixed": facts, "hostile": made.dossier_facts(made.hostile(), model=made.NASTY)}.items():
        tab = browser.new_page()
        asked: list[str] = []
        said: list[str] = []
        tab.on("request", lambda request, asked=asked: asked.append(request.url))
        tab.on("console", lambda message, said=said: said.append(message.text))
        tab.on("pageerror", lambda error, said=said: said.append(str(error)))
        tab.on("dialog", lambda dialog, said=said: said.append(dialog.message))
        path = tmp_path / f"{name}.html"
        path.write_text(matrix_html(given_), "utf-8")
        tab.goto(path.as_uri())
        assert tab.title().startswith("Traceability matrix")
        if name == "mixed":
            tab.fill("#search", "fair.air 1607.4")
            shown = tab.locator("tr[data-row]:visible")
            assert "FAIR.AIR.1" in shown.first.inner_text()
            assert 0 < shown.count() < tab.locator("tr[data-row]").count()
            assert all("fair.air" in line.lower() and "1607.4" in line for line in shown.all_inner_texts())
            tab.fill("#search", "zebra")
            assert tab.locator("tr[data-row]:visible").count() == 0
            assert tab.locator("#shown").inner_text().startswith("0 of ")
        assert asked == [path.as_uri()]
        assert said == []
        tab.close()


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_dossier_in_a_browser_asks_for_nothing_and_fits(
    browser: Any, made: SimpleNamespace, facts: Any, tmp_path: Path, scheme: str
) -> None:
    for name, given_ in {"mixed": facts, "hostile": made.dossier_facts(made.hostile(), model=made.NASTY)}.items():
        tab = browser.new_page(viewport={"width": 700, "height": 900}, color_scheme=scheme)
        asked: list[str] = []
        said: list[str] = []
        tab.on("request", lambda request, asked=asked: asked.append(request.url))
        tab.on("console", lambda message, said=said: said.append(message.text))
        tab.on("pageerror", lambda error, said=said: said.append(str(error)))
        path = tmp_path / f"{name}.html"
        path.write_text(html(dossier(given_, "regulator")), "utf-8")
        tab.goto(path.as_uri())
        assert asked == [path.as_uri()]
        assert said == []
        assert tab.evaluate("document.documentElement.scrollWidth") <= 700, name
        tab.close()
