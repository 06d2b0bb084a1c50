"""What the catalogue asks of oversight, approvals, documents, retention and rates beside the counts themselves."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest

from jupyter_mlgov.core.actors import Actor
from jupyter_mlgov.core.team import Roles, Scope
from jupyter_mlgov.sdk import Subject, SubjectRef, Verdict
from jupyter_mlgov.validation.plugins import installed_policies
from jupyter_mlgov.validation.records import Act, Records
from jupyter_mlgov.validation.standing import Standing, footing
from mlgov_validators.documents import complete, retention
from mlgov_validators.fairness import adverse_impact
from mlgov_validators.governance import approval
from mlgov_validators.people import oversight
from mlgov_validators.performance import discrimination

from .conftest import THEN, Make, judged, lineage, whole_record

BEN = Actor(id="ben", source="git")


def model(**more: Any) -> Subject:
    return Subject(ref=SubjectRef(kind="model", name="m", notebook="n.ipynb"), roles=Roles(), **more)


@pytest.mark.parametrize(
    ("up", "down", "verdict"),
    [
        (20, 20, Verdict.PASS),
        (40, 0, Verdict.WARN),
        (0, 40, Verdict.WARN),
        (30, 5, Verdict.INCONCLUSIVE),
        (None, 40, Verdict.NOT_APPLICABLE),
    ],
)
def test_overrides_go_both_ways(up: int | None, down: int, verdict: Verdict) -> None:
    body = {"reviewed": 500, "overridden": 40, "median_seconds": 45, "planted": 10, "caught": 9, "stop_tested": "2026-11-01"}
    ways = {"to_unfavourable": down, **({} if up is None else {"to_favourable": up})}
    result = judged(oversight, model(register={"oversight": {**body, **ways}}))
    assert next(one for one in result.findings if one.where == "ways").verdict is verdict


def act(action: str, hours: float, **payload: object) -> Act:
    return Act(action=action, subject="m", actor=BEN, time=THEN + timedelta(hours=hours), payload=payload)


@pytest.mark.parametrize(
    ("acts", "verdict", "said"),
    [
        ((act("review.asked", 100), act("review.given", 103, verdict="approve")), Verdict.PASS, "waited 3 hours"),
        ((act("review.asked", 100),), Verdict.WARN, "has waited 40 hours"),
        ((act("review.asked", 130),), Verdict.PASS, "has waited 10 hours"),
    ],
)
def test_a_review_that_waits_for_more_than_a_day_is_said(acts: tuple[Act, ...], verdict: Verdict, said: str) -> None:
    given = (act("review.given", 1, verdict="approve"), *acts)
    records = Records(now=THEN + timedelta(hours=140), model="m", acts=given, authors=(Actor(id="ana", source="git"),))
    found = next(one for one in judged(approval, model(records=records)).findings if one.where == "queue")
    assert (found.verdict, said in found.message) == (verdict, True)


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("The AUC is 0.81 on the hold-out rows.", "says auc 0.81; the run says 0.778"),
        ("We reached auc: 0.778 on the hold-out rows.", ""),
        ("An auc of 0.78 was reached on hold-out rows.", ""),
        ("Its auc {auc=0.778} is over the floor of 0.65.", ""),
        ("Version 0.81 of the auc library was in use here.", ""),
    ],
)
def test_a_number_typed_by_hand_is_held_against_the_run(text: str, wrong: str) -> None:
    runs = whole_record()
    record = lineage((*runs[:-1], replace(runs[-1], metrics={"auc": 0.778})))
    register = {"documents": {"method": {"text": text, "updated": "2026-11-24"}}}
    told = [one.message for one in judged(complete, model(register=register, lineage=record)).findings if "the run says" in one.message]
    assert [one for one in told if "0.81" in one] == ([f"Section method {wrong}."] if wrong else [])


@pytest.mark.parametrize(("asked", "verdict"), [(False, Verdict.PASS), (True, Verdict.FAIL)])
def test_five_years_become_seven_where_the_authority_asked(asked: bool, verdict: Verdict) -> None:
    kept = {"keep_years": 5, "laws": ["mifid"], "restore_tested": "2026-10-01", "erasure": "key destroyed", "authority_asked": asked}
    result = judged(retention, model(register={"retention": {"calls": {**kept, "legal_hold": "case 12"}}}))
    assert result.verdict is verdict
    assert asked or "Nothing of it may be deleted: case 12" in result.summary


def test_a_group_under_two_percent_is_said_and_still_measured(counts: Make) -> None:
    found = {
        one.details["group"]: one
        for one in judged(adverse_impact, counts({"a": (900, 1000), "b": (1800, 2000), "thin": (10, 40)})).findings
    }
    assert "under 2% of the rows" in found["group = thin"].message
    assert found["group = thin"].verdict is Verdict.FAIL
    assert "2% of the rows" not in found["group = a"].message


def test_fraud_asks_for_more_than_credit(table: Make) -> None:
    random = np.random.default_rng(3)
    label = random.integers(0, 2, 2000)
    given = table({"y": label.tolist(), "s": (label + random.normal(0, 1.4, 2000)).tolist()}, label="y", favourable="1", score="s")
    credit, fraud = judged(discrimination, given), judged(discrimination, replace(given, scope=Scope(use=("fraud",))))
    assert credit.findings[0].verdict is Verdict.PASS, credit.summary
    assert (fraud.findings[0].verdict, fraud.findings[0].allowed) == (Verdict.FAIL, "at least 0.8")


DATES = [
    *(("eu-ai-act", name, "2027-12-02") for name in (
        "AIA.6.5b", "AIA.9.1", "AIA.9.8", "AIA.10.2", "AIA.11.IV", "AIA.12.1", "AIA.13.3", "AIA.14.4", "AIA.15.4", "AIA.15.5", "AIA.17.1",
        "AIA.26.5", "AIA.27.1", "AIA.72.1",
    )),
    ("eu-ai-act", "AIA.4a.1", "2026-07-27"),
    ("optional", "E23.1", "2027-05-01"),
]  # fmt: skip


@pytest.mark.parametrize(("pack", "control", "first"), DATES, ids=[name for _, name, _ in DATES])
def test_a_control_is_readiness_to_the_day_before_and_binds_from_its_date(pack: str, control: str, first: str) -> None:
    """Regulation (EU) 2026/1744 moved the high-risk chapter to 2 December 2027; Art 4a: 27 July 2026; OSFI E-23: 1 May 2027."""
    (policy,) = installed_policies((pack,))
    (one,) = [item for item in policy.controls if item.id == control]
    day = date.fromisoformat(first)
    assert footing(policy, one, Scope(), day - timedelta(days=1)).standing is Standing.READINESS
    assert footing(policy, one, Scope(), day).standing is Standing.IN_FORCE


def test_drafts_and_pending_rules_never_bind_and_article_72_names_both_dates() -> None:
    act_, optional = installed_policies(("eu-ai-act", "optional"))
    for name in ("MAS.AIRG.1", "CO.26-189"):
        (one,) = [item for item in optional.controls if item.id == name]
        assert footing(optional, one, Scope(), date(2030, 1, 1)).standing is Standing.READINESS
    (monitoring,) = [item for item in act_.controls if item.id == "AIA.72.1"]
    assert "2 Aug 2026" in monitoring.cite
    assert monitoring.applies_from == "2027-12-02"
