"""Validators of records and documents: what does not exist yet is said, and what people wrote is held against what happened."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlgov.sdk import Check, Roles, Subject, SubjectRef, Verdict
from jupyter_mlgov.testing import NOON
from jupyter_mlgov.validation.engine import judge, placed, plan
from jupyter_mlgov.validation.here import Here
from jupyter_mlgov.validation.plugins import Registry, installed_validators
from jupyter_mlgov.validation.records import Chain, Records
from jupyter_mlgov.validation.results import Unchecked

from .conftest import lineage
from .told import told

CASES = Path(__file__).resolve().parents[2] / "validators" / "cases"
BARE = Subject(
    ref=SubjectRef(kind="model", name="m"), roles=Roles(), lineage=lineage(), register={}, records=Records(now=NOON, model="m"),
    chain=Chain(ok=True),
)  # fmt: skip
WAITING = "gov.inventory gov.aggregate gov.findings human.oversight vendor.thirdparty doc.complete soundness.questionnaire monitor.plan"
WAITING += " deploy.limits repro.rerun audit.retention"


def check(name: str) -> Check:
    found = installed_validators().get(name)
    assert isinstance(found, Check)
    return found


def answer(name: str, subject: Subject) -> object:
    return Here(subject).run(check(name), dict(check(name).defaults))


@pytest.mark.parametrize("name", WAITING.split())
def test_what_nobody_wrote_is_unchecked_and_says_what_to_do(name: str) -> None:
    found = answer(name, BARE)
    assert isinstance(found, Unchecked)
    assert found.summary
    assert found.fix


@pytest.mark.parametrize("name", ["deploy.canary", "deploy.rollback", "deploy.killswitch"])
def test_what_never_ran_is_inconclusive(name: str) -> None:
    found = answer(name, BARE)
    assert getattr(found, "verdict", None) is Verdict.INCONCLUSIVE


@pytest.mark.parametrize("name", ["gov.sod", "gov.approval"])
def test_without_known_authors_nobody_is_independent(name: str) -> None:
    assert getattr(answer(name, BARE), "verdict", None) is Verdict.INCONCLUSIVE


def test_nothing_granted_yet_means_nothing_changed_since() -> None:
    assert getattr(answer("gov.change", BARE), "verdict", None) is Verdict.NOT_APPLICABLE


def test_a_whole_trail_without_an_outside_witness_is_only_a_warning() -> None:
    assert getattr(answer("audit.integrity", BARE), "verdict", None) is Verdict.WARN


def case(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((CASES / name / "good.json").read_text("utf-8"))
    return found


@pytest.mark.parametrize(
    ("name", "section", "part", "key", "value", "said"),
    [
        ("monitor.plan", "monitoring", "psi", "frequency", "monthly", "tier 1 asks for weekly"),
        ("monitor.plan", "monitoring", "psi", "owner", "", "has no owner"),
        ("vendor.thirdparty", "vendors", "score-v9", "licence", "", "missing: licence"),
        ("audit.retention", "retention", "runs", "keep_years", 4, "mifid|model"),
        ("doc.complete", "documents", "limits", "text", "TODO", "holds a placeholder"),
        ("doc.complete", "documents", "limits", "updated", "2026-11-01", "older than the model"),
        ("doc.complete", "documents", "performance", "text", "On the hold-out it has {gini=0.5}.", "no tagged cell recorded"),
        ("gov.findings", "findings", "F-12", "due", "2026-10-15", "40 days overdue|41 days overdue"),
        ("gov.change", "changes", "c1", "reviewed_by", "ana@example.org", "who worked on the model"),
        ("gov.change", "changes", "c1", "retested", "", "not tested again"),
    ],
)
def test_each_lack_fails_and_is_named(name: str, section: str, part: str, key: str, value: object, said: str) -> None:
    given = case(name)
    given["register"][section][part][key] = value
    found = answer(name, told(BARE, given))
    assert getattr(found, "verdict", None) is Verdict.FAIL
    messages = " ".join(finding.message for finding in getattr(found, "findings", ()))
    assert any(one in messages for one in said.split("|")), messages


@pytest.mark.parametrize(("tier", "verdict"), [(1, Verdict.PASS), (2, Verdict.FAIL), (3, Verdict.FAIL)])
def test_the_tier_is_recomputed(tier: int, verdict: Verdict) -> None:
    assert getattr(answer("gov.inventory", replace(told(BARE, case("gov.inventory")), tier=tier)), "verdict", None) is verdict


def test_an_unchanged_trail_gives_an_unchanged_answer_and_a_day_does_not() -> None:
    from jupyter_mlgov.validation.basis import basis

    one, other = BARE, replace(BARE, records=Records(now=NOON.replace(hour=23), model="m"))
    later = replace(BARE, records=Records(now=NOON.replace(month=12), model="m"))
    approval = check("gov.approval")
    assert basis(approval, one, {}) == basis(approval, other, {})
    assert basis(approval, one, {}) != basis(approval, later, {})


def test_a_plan_of_nothing_judges_nothing() -> None:
    fixed = plan((), Registry.of(), placed((), BARE.scope, None))
    assert judge(BARE, fixed, (), runner=Here(BARE)).report.results == ()
