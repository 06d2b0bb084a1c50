"""Every form of a report and of a version, for subjects as others will bring them: nothing known, foreign names, a thousand findings."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from types import SimpleNamespace
from typing import Any
from urllib.parse import unquote

import jsonschema
import pytest

from jupyter_mlgov.core.team import Team
from jupyter_mlgov.core.verdicts import Severity, Verdict
from jupyter_mlgov.integrations.cyclonedx import check_bom
from jupyter_mlgov.lineage.facts import Lineage
from jupyter_mlgov.reports.bundle import bundle
from jupyter_mlgov.reports.context import Context
from jupyter_mlgov.reports.dossier.assemble import dossier
from jupyter_mlgov.reports.dossier.html import html as dossier_html
from jupyter_mlgov.reports.html import page as report_html
from jupyter_mlgov.reports.machine.bom import bom
from jupyter_mlgov.reports.machine.card import model_card as card
from jupyter_mlgov.reports.machine.matrix import matrix_csv
from jupyter_mlgov.reports.read import read_report
from jupyter_mlgov.reports.sarif import sarif
from jupyter_mlgov.reports.schema import report_schema
from jupyter_mlgov.reports.text import text as report_text
from jupyter_mlgov.testing import session
from jupyter_mlgov.validation.results import CheckResult, Finding, Report, RequirementResult, SubjectRef, report_json

FORMULA = ("=", "+", "-", "@", "\t", "\r")
LONG = ("=HYPERLINK(1)'; DROP TABLE x; -- <img src=x onerror=hacked()> " * 6)[:300]
UNICODE = "модель-नमूना-模型-𝓂 \u202e\u200f é"


def checked(name: str, *findings: Finding, verdict: Verdict = Verdict.FAIL) -> CheckResult:
    return CheckResult(validator=name, version="1", title=name, verdict=verdict, summary=name, findings=findings)


def asked(name: str, control: str = "C.1") -> RequirementResult:
    return RequirementResult(
        policy=name,
        control=control,
        cite=name,
        url="https://example.org/a b",
        obligation=name,
        verified="P",
        severity=Severity.HIGH,
        automation="auto",
        gates=(),
        validator=name,
        verdict=Verdict.FAIL,
    )


def nothing(made: SimpleNamespace) -> Any:
    """No model, no data, no notebook, no session, no version."""
    subject = SubjectRef(kind="table", name="")
    return made.dossier_facts(
        Report(subject=subject, policies=(), results=(), requirements=()),
        version="",
        lineage=Lineage(notebook="", session=None, runs=(), steps=()),
        authors=(),
        runs={},
        why=(),
    )


def foreign(made: SimpleNamespace) -> Any:
    """Names of many scripts, with a space, marks that turn the line around and a path that is no ASCII."""
    notebook = f"отчёт/{UNICODE}.ipynb"
    subject = SubjectRef(kind="model", name=UNICODE, notebook=notebook, data={f"données/{UNICODE}.csv": made.digest("d")})
    report = Report(subject=subject, policies=(), results=(checked(UNICODE),), requirements=(asked(UNICODE),))
    team = Team(model=UNICODE)
    return made.dossier_facts(
        report, model=UNICODE, version="1.0 β", team=team, lineage=Lineage(notebook=notebook, session=session(), runs=(), steps=())
    )


def thousand(made: SimpleNamespace) -> Any:
    """A check with a thousand findings about columns of 300 letters, each of them an attack on HTML, SQL and spreadsheets."""
    findings = tuple(
        Finding(message=f"{LONG} {number}", verdict=Verdict.FAIL, measured=number / 7, allowed=LONG, n=number, where=LONG)
        for number in range(1000)
    )
    subject = SubjectRef(kind="model", name=LONG, notebook="a.ipynb", data={LONG: made.digest("d")}, roles={"protected": [LONG]})
    report = Report(subject=subject, policies=(), results=(checked(LONG, *findings),), requirements=(asked(LONG, LONG),))
    return made.dossier_facts(report)


def packaged(made: SimpleNamespace) -> Any:
    """An environment whose packages have names with spaces, odd versions, none at all."""
    facts = made.dossier_facts()
    ran = facts.lineage.session
    packages = {"a package": "1", "no-version": "", "späße": "1.0+local.ü", "<b>": "=1+1", "@scope/x": "v 2"}
    return replace(facts, lineage=replace(facts.lineage, session=replace(ran, environment=replace(ran.environment, packages=packages))))


ODD: tuple[Callable[[SimpleNamespace], Any], ...] = (nothing, foreign, thousand, packaged)


@pytest.fixture(scope="module", params=ODD, ids=[one.__name__ for one in ODD])
def facts(request: pytest.FixtureRequest, made: SimpleNamespace) -> Any:
    return request.param(made)


def test_the_json_is_valid_by_its_schema_and_reads_back(facts: Any) -> None:
    body = json.loads(json.dumps(report_json(facts.report), allow_nan=False))
    jsonschema.validate(body, report_schema())
    assert read_report(body) == facts.report


class Seen(HTMLParser):
    """Elements, addresses, and handlers of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.loads: list[str] = []
        self.handlers: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.handlers += [name for name, _ in attrs if name.startswith("on")]
        self.loads += [
            value or "" for name, value in attrs if name in ("src", "srcset", "data", "action") or (tag == "link" and name == "href")
        ]


def test_the_pages_hold_foreign_text_as_text_and_load_nothing(facts: Any) -> None:
    for page in (report_html(facts.report, Context()), dossier_html(dossier(facts, "regulator"))):
        seen = Seen()
        seen.feed(page)
        assert not seen.tags & {"script", "img", "iframe", "object", "embed", "link"}
        assert seen.loads == []
        assert seen.handlers == []
        assert not re.search(r"url\((?!#)", page)


def test_no_field_of_the_csv_is_run_by_a_spreadsheet(facts: Any) -> None:
    for reverse in (False, True):
        rows = list(csv.reader(io.StringIO(matrix_csv(facts, reverse=reverse), newline=""), strict=True))
        assert len({len(row) for row in rows}) == 1
        assert [value for row in rows for value in row if value.lstrip().startswith(FORMULA)] == []


def test_the_bom_is_valid_by_the_strict_validator(facts: Any) -> None:
    assert check_bom(json.dumps(bom(facts)).encode()) == "1.6"


def test_sarif_points_to_the_real_path_in_ascii(facts: Any) -> None:
    (run,) = json.loads(json.dumps(sarif(facts.report)))["runs"]
    known = {facts.report.subject.notebook, *facts.report.subject.data}
    for result in run["results"]:
        for location in result["locations"]:
            uri = location.get("physicalLocation", {}).get("artifactLocation", {}).get("uri")
            if uri is not None:
                assert re.fullmatch(r"[A-Za-z0-9._~/%-]+", uri)
                assert unquote(uri) in known


def test_terminal_and_notebook_say_the_same_standing_and_nothing_is_green_by_silence(facts: Any) -> None:
    shown = bundle(facts.report, Context())
    plain = report_text(facts.report, Context())
    assert str(shown["text/plain"]) == plain
    assert facts.report.digest[7:19] in plain
    assert not re.search(r"[\x00-\x08\x1b\u202e]", plain)
    if facts.report.blocking or not facts.report.results:
        assert "may go" not in plain.lower()


def test_a_model_card_and_a_dossier_come_of_it_all_the_same(facts: Any) -> None:
    assert card(facts).startswith("---\n")
    for reader in ("engineer", "customer"):
        assert dossier(facts, reader).sections
