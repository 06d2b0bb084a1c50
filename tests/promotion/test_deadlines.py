"""The review's clock: plain hours by default, working hours if asked, each step told in its time."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_mlgov.core.actors import Actor
from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.core.errors import BadInput
from jupyter_mlgov.core.gating import ReviewClock
from jupyter_mlgov.promotion.cases import Case
from jupyter_mlgov.promotion.deadlines import after, deadline, dues

ANA = Actor(id="ana", source="git")
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)  # a Monday
WORK = ReviewClock(business="yes", zone="Europe/Zurich")


def case(at: datetime = NOON) -> Case:
    digest = Digest.of_text("x")
    return Case(number=1, id=digest, model="m", notebook="n", stage="staging", report=digest, packet=digest, asked_by=ANA, asked_at=at)


def test_a_day_by_default() -> None:
    assert deadline(case(), ReviewClock()) == NOON + timedelta(hours=24)


@pytest.mark.parametrize(
    ("start", "hours", "end"),
    [
        ("2026-11-23T09:00+01:00", 8, "2026-11-23T17:00+01:00"),
        ("2026-11-23T09:00+01:00", 9, "2026-11-24T10:00+01:00"),
        ("2026-11-23T06:00+01:00", 1, "2026-11-23T10:00+01:00"),
        ("2026-11-23T18:00+01:00", 1, "2026-11-24T10:00+01:00"),
        ("2026-11-27T16:00+01:00", 2, "2026-11-30T10:00+01:00"),  # over a weekend
        ("2026-12-24T16:00+01:00", 2, "2026-12-28T10:00+01:00"),  # over a holiday and a weekend
        ("2026-10-23T16:00+02:00", 2, "2026-10-26T10:00+01:00"),  # over the end of summer time
        ("2026-11-23T12:30+01:00", 0, "2026-11-23T12:30+01:00"),
    ],
)
def test_working_hours(start: str, hours: int, end: str) -> None:
    clock = replace(WORK, holidays=("2026-12-25",))
    assert after(datetime.fromisoformat(start), hours, clock) == datetime.fromisoformat(end)


def test_warning_alarm_and_escalation_come_in_their_time_and_stay() -> None:
    clock = ReviewClock()
    told = {hours: [due.kind for due in dues(case(), clock, NOON + timedelta(hours=hours))] for hours in (19, 20, 24, 48)}
    assert told == {19: [], 20: ["warning"], 24: ["warning", "alarm"], 48: ["warning", "alarm", "escalation"]}


def test_an_answered_void_or_closed_case_is_never_due() -> None:
    late = NOON + timedelta(days=9)
    assert dues(replace(case(), closed=True), ReviewClock(), late) == ()
    assert dues(replace(case(), changed=("the model changed",)), ReviewClock(), late) == ()
    assert dues(replace(case(), claimed_by=ANA), ReviewClock(), late) != ()


def test_a_calendar_without_a_working_hour_is_said() -> None:
    days = tuple((datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=n)).date().isoformat() for n in range(5000))
    with pytest.raises(BadInput, match="No working hours"):
        after(NOON, 1, replace(WORK, holidays=days))


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 365 * 24 * 60), st.integers(0, 60), st.integers(0, 60))
def test_working_hours_add_up_and_never_go_back(minutes: int, one: int, more: int) -> None:
    start = NOON + timedelta(minutes=minutes)
    first = after(start, one, WORK)
    assert start <= first <= after(start, one + more, WORK)
    if one:
        assert after(first, more, WORK) == after(start, one + more, WORK) or more == 0
