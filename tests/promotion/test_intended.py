"""Which version is in a stage by right, on any day, from entries alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from jupyter_mlgov.audit.entries import GENESIS, AuditEntry, Draft, link
from jupyter_mlgov.core.actors import Actor
from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.core.facts import fields_of
from jupyter_mlgov.core.team import Team
from jupyter_mlgov.core.verdicts import Severity
from jupyter_mlgov.promotion.facts import Answer, Decision, Reason
from jupyter_mlgov.promotion.intended import before, history, intended

DAY = datetime(2026, 6, 1, 12, tzinfo=UTC)
ANA = Actor(id="ana", source="git")


def decided(version: str, *, stage: str = "production", answer: Answer = Answer.GRANTED, model: str = "credit") -> Draft:
    reasons = () if answer is Answer.GRANTED else (Reason(code="x", sentence="No.", next="Mend.", severity=Severity.HIGH),)
    decision = Decision(
        model=model,
        version=version,
        stage=stage,
        answer=answer,
        reasons=reasons,
        report=Digest.of_text("r"),
        team=Team().digest,
        asked_by=ANA,
    )
    return Draft(action="promotion.decided", subject=model, payload=fields_of(decision))


def back(left: str, to: str, stage: str = "production") -> Draft:
    return Draft(action="rollback.ordered", subject="credit", payload={"stage": stage, "from": left, "to": to, "reason": "harm"})


def log(*drafts: Draft) -> tuple[AuditEntry, ...]:
    """One entry a day from DAY on."""
    entries: list[AuditEntry] = []
    for place, draft in enumerate(drafts):
        previous = entries[-1].digest if entries else GENESIS
        entries.append(link(draft, seq=place + 1, time=DAY + timedelta(days=place), actor=ANA, previous=previous))
    return tuple(entries)


def version(entries: tuple[AuditEntry, ...], day: float | None = None) -> str | None:
    found = intended(entries, "credit", "production", None if day is None else DAY + timedelta(days=day))
    return found.version if found else None


def test_the_newest_granted_decision_or_rollback_counts() -> None:
    entries = log(decided("1"), decided("2", answer=Answer.REFUSED), decided("3"), back("3", "1"))
    assert [version(entries, day) for day in (-0.1, 0, 1, 2, 2.9, 3)] == [None, "1", "1", "3", "3", "1"]
    assert version(entries) == "1"
    assert [move.how for move in history(entries, "credit")] == ["decision", "decision", "rollback"]


@pytest.mark.parametrize("answer", [Answer.REFUSED, Answer.AWAITING_REVIEW])
def test_what_was_not_granted_moves_nothing(answer: Answer) -> None:
    assert version(log(decided("1", answer=answer))) is None


def test_another_model_or_stage_is_another_matter() -> None:
    assert version(log(decided("1", model="fraud"), decided("2", stage="staging"))) is None


def test_a_payload_that_grants_and_gives_reasons_is_no_decision() -> None:
    forged = decided("1", answer=Answer.REFUSED)
    assert version(log(Draft(action=forged.action, subject="credit", payload={**forged.payload, "answer": "granted"}))) is None


def test_the_way_back_passes_over_what_was_taken_back() -> None:
    entries = log(decided("1"), decided("2"), back("2", "1"), decided("3"))
    found = before(entries, "credit", "production")
    assert found is not None
    assert found.version == "1"
    assert before(log(decided("1")), "credit", "production") is None


def test_a_rollback_to_what_no_decision_ever_let_into_that_stage_empties_it() -> None:
    entries = log(decided("1"), decided("2", stage="staging"), back("1", "2"))
    assert [version(entries, day) for day in (0, 1, 2)] == ["1", "1", ""]
    assert history(entries, "credit")[-1].how == "emptied"
