"""The published JSON: described by its schema, read back whole, refused when changed; the same digest in each form."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jsonschema
import pytest

from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.core.errors import BadInput
from jupyter_mlgov.reports.bundle import MIME, Shown, bundle
from jupyter_mlgov.reports.published import PublishedReport
from jupyter_mlgov.reports.read import read_report
from jupyter_mlgov.reports.sarif import sarif
from jupyter_mlgov.reports.schema import report_schema, schema_text
from jupyter_mlgov.validation.results import CheckResult, Estimate, Finding, PolicyRef, RequirementResult, SubjectRef, report_json


def as_json(report: Any) -> dict[str, Any]:
    return json.loads(json.dumps(report_json(report)))


def test_the_published_schema_is_the_one_of_the_dataclasses(checkout: Path) -> None:
    """Written by `python -c "from jupyter_mlgov.reports.schema import schema_text; print(schema_text(), end='')"`."""
    assert (checkout / "docs/formats/report.schema.json").read_text("utf-8") == schema_text()


def test_each_sample_is_valid_and_reads_back_the_same(sample_reports: Mapping[str, Any]) -> None:
    jsonschema.Draft202012Validator.check_schema(report_schema())
    for sample in sample_reports.values():
        body = as_json(sample.report)
        jsonschema.validate(body, report_schema())
        assert read_report(body) == sample.report
        assert read_report(json.dumps(body)).digest == sample.report.digest


@pytest.mark.parametrize("change", ["unknown key", "missing key", "text for a number", "no such verdict"])
def test_the_schema_refuses_what_is_no_report(made: SimpleNamespace, change: str) -> None:
    body = as_json(made.mixed())
    if change == "unknown key":
        body["results"][0]["extra"] = 1
    elif change == "missing key":
        del body["results"][0]["summary"]
    elif change == "text for a number":
        body["results"][3]["findings"][0]["measured"] = "0.9"
    else:
        body["results"][0]["verdict"] = "fine"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(body, report_schema())
    with pytest.raises(BadInput, match="This report is refused"):
        read_report(body)


def leaves(body: object, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    if isinstance(body, dict):
        return [leaf for key, value in body.items() for leaf in leaves(value, (*path, key))]
    if isinstance(body, list):
        return [leaf for index, value in enumerate(body) for leaf in leaves(value, (*path, index))]
    return [path]


def test_a_change_at_any_leaf_is_refused(made: SimpleNamespace) -> None:
    body = as_json(made.mixed())
    for path in leaves(body):
        changed = copy.deepcopy(body)
        place: Any = changed
        for key in path[:-1]:
            place = place[key]
        old = place[path[-1]]
        place[path[-1]] = {"fail": "pass"}.get(old, old + "x") if isinstance(old, str) else 7 if old is None else old + 1
        with pytest.raises(BadInput, match="This report is refused"):
            read_report(changed)


def test_a_flipped_verdict_is_refused_with_both_digests(made: SimpleNamespace) -> None:
    body = as_json(made.mixed())
    body["results"][3]["verdict"] = "pass"
    with pytest.raises(BadInput, match=r"it was changed after it was made\. Its digest says sha256:\w+….* Ask for the report again"):
        read_report(body)


@pytest.mark.parametrize("given", ["", "{", "[]", "null", '{"schema": "other"}', b"\xff", "[" * 100_000])
def test_what_is_no_report_is_refused_with_a_sentence(given: str | bytes) -> None:
    with pytest.raises(BadInput, match="This report is refused"):
        read_report(given)


def test_one_digest_in_all_three_forms(sample_reports: Mapping[str, Any]) -> None:
    for sample in sample_reports.values():
        forms = Shown(sample.report, sample.context)._repr_mimebundle_()
        assert list(forms) == [MIME, "text/html", "text/plain"]
        body = forms[MIME]
        assert isinstance(body, dict)
        assert body["digest"] == sample.report.digest
        assert str(sample.report.digest) in str(forms["text/html"])
        assert str(sample.report.digest) in str(forms["text/plain"]).replace("\n", "")
        json.dumps(forms)


def test_the_context_is_outside_the_digest(sample_reports: Mapping[str, Any]) -> None:
    sample = sample_reports["mixed"]
    with_context, without = bundle(sample.report, sample.context)[MIME], bundle(sample.report)[MIME]
    assert isinstance(with_context, dict)
    assert isinstance(without, dict)
    assert with_context["digest"] == without["digest"]
    assert with_context["context"]["stage"] == "staging"
    jsonschema.validate(json.loads(json.dumps(with_context)), report_schema())
    assert read_report(json.loads(json.dumps(with_context))) == sample.report


def test_the_page_of_the_format_names_each_field_and_its_example_is_real(checkout: Path, made: SimpleNamespace) -> None:
    page = (checkout / "docs/formats/report.md").read_text("utf-8")
    for kind in (PublishedReport, SubjectRef, PolicyRef, CheckResult, Finding, Estimate, RequirementResult):
        for one in fields(kind):
            assert f"`{one.name}`" in page, f"{kind.__name__}.{one.name}"
    example = re.search(r"```json\n(.*?)```", page, re.S)
    assert example
    body = json.loads(example.group(1))
    jsonschema.validate(body, report_schema())
    report = read_report(body)
    found = report.result("fair.air")
    assert found is not None
    assert round(found.findings[0].measured or 0, 6) == 0.779174


ALLOWED_KINDS = {"pass", "open", "informational", "notApplicable", "review", "fail"}


def test_sarif_has_the_structure_that_2_1_0_asks_for(sample_reports: Mapping[str, Any]) -> None:
    """OASIS SARIF 2.1.0: required properties (3.13, 3.14, 3.18, 3.19, 3.20, 3.27, 3.49), kind and level (3.27.9, 3.27.10)."""
    for sample in sample_reports.values():
        log = json.loads(json.dumps(sarif(sample.report)))
        assert log["version"] == "2.1.0"
        assert log["$schema"].startswith("https://")
        (run,) = log["runs"]
        driver, rules = run["tool"]["driver"], run["tool"]["driver"]["rules"]
        assert driver["name"]
        for rule in rules:
            assert rule["id"]
            assert rule["shortDescription"]["text"]
            assert rule.get("helpUri", "https://").startswith("https://")
        for result in run["results"]:
            assert result["message"]["text"]
            assert result["kind"] in ALLOWED_KINDS
            assert result["level"] in {"none", "note", "warning", "error"}
            assert (result["level"] == "none") == (result["kind"] != "fail")
            assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
            for location in result["locations"]:
                uri = location.get("physicalLocation", {}).get("artifactLocation", {}).get("uri", "x")
                assert re.fullmatch(r"[A-Za-z0-9._~/%-]+", uri)
                assert location["logicalLocations"][0]["name"]
            assert not re.search(r"(?<!\{)\{\d+\}", result["message"]["text"])
        (invocation,) = run["invocations"]
        assert isinstance(invocation["executionSuccessful"], bool)
        assert all(note["message"]["text"] and note["level"] for note in invocation["toolExecutionNotifications"])


def test_sarif_says_each_verdict_in_its_own_words(made: SimpleNamespace) -> None:
    (run,) = json.loads(json.dumps(sarif(made.mixed())))["runs"]
    said = {result["ruleId"]: (result["kind"], result["level"]) for result in run["results"]}
    assert said == {
        "fair.air": ("fail", "error"),
        "fair.sig": ("fail", "error"),
        "lineage.complete": ("open", "none"),
        "perf.benchmark": ("open", "none"),
        "priv.pii": ("fail", "warning"),
        "env.pin": ("pass", "none"),
        "perf.discrim": ("pass", "none"),
        "sr-26-2/SR26-2.III.3": ("open", "none"),
        "us-fair-lending/FAIR.AIR.1": ("open", "none"),
    }
    air = next(result for result in run["results"] if result["ruleId"] == "fair.air")
    assert air["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "credit_approval.ipynb"
    assert air["locations"][0]["logicalLocations"][0]["name"] == "cell 7"
    levels = [note["level"] for note in run["invocations"][0]["toolExecutionNotifications"]]
    assert levels == ["error", "warning"]
    assert run["invocations"][0]["executionSuccessful"] is False


def test_sarif_of_nothing_is_no_success(sample_reports: Mapping[str, Any]) -> None:
    (run,) = sarif(sample_reports["empty"].report)["runs"]  # type: ignore[misc]  # a plain object
    assert run["results"] == []
    assert run["invocations"][0]["executionSuccessful"] is False


def test_a_changed_report_never_keeps_the_digest_of_the_one_it_was_made_from(sample_reports: Mapping[str, Any]) -> None:
    """A report's digest is made once and kept with it; a copy with other content has its own."""
    for sample in sample_reports.values():
        report = sample.report
        assert (
            report.digest == report.digest == Digest.of_json({name: as_json(report)[name] for name in (one.name for one in fields(report))})
        )
        other = replace(report, note=report.note + " changed")
        assert other.digest != report.digest
        assert replace(other, note=report.note).digest == report.digest
