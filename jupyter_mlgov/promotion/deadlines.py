"""When a review is due, when somebody is warned, and when the alarm goes up: hours of the clock, or of working days."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Literal
from zoneinfo import ZoneInfo

from jupyter_mlgov.core.errors import BadInput
from jupyter_mlgov.core.gating import DAYS, ReviewClock
from jupyter_mlgov.promotion.cases import Case

_FARTHEST = 3660  # days that are looked through; a calendar of holidays alone has no working hour


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """Something that has come due in a case, since `at`. Each is told once."""

    kind: Literal["warning", "alarm", "escalation"]
    at: datetime


def after(start: datetime, hours: int, clock: ReviewClock) -> datetime:
    """The moment `hours` after `start`, by the hours that count. Working hours are real hours, also on a day on which clocks change.

    Raises BadInput where no working hours come.
    """
    if clock.business != "yes":
        return start + timedelta(hours=hours)
    left = timedelta(hours=hours)
    for opens, closes in _windows(start, clock):
        begin = max(start, opens)
        if begin + left <= closes:
            return begin + left
        left -= max(closes - begin, timedelta(0))
    raise BadInput("No working hours come in [promotion.clock].", next="Mend its days and holidays in mlgov.toml.")


def _windows(start: datetime, clock: ReviewClock) -> Iterator[tuple[datetime, datetime]]:
    """(opens, closes) in UTC of every working day from the day of `start` on that is not over."""
    zone: tzinfo = UTC if clock.zone == "UTC" else ZoneInfo(clock.zone)
    opens, closes = time.fromisoformat(clock.opens), time.fromisoformat(clock.closes)
    first = start.astimezone(zone).date()
    for number in range(_FARTHEST):
        day = first + timedelta(days=number)
        if _works(day, clock):
            window = tuple(datetime.combine(day, moment, zone).astimezone(UTC) for moment in (opens, closes))
            if window[1] > start:
                yield window[0], window[1]


def _works(day: date, clock: ReviewClock) -> bool:
    return DAYS[day.weekday()] in clock.days and day.isoformat() not in clock.holidays


def deadline(case: Case, clock: ReviewClock) -> datetime:
    """When somebody must have said something."""
    return after(case.asked_at, clock.hours, clock)


def dues(case: Case, clock: ReviewClock, now: datetime) -> tuple[Due, ...]:
    """All that has come due by `now`, in order; nothing for a case that is answered, void or closed.

    `now` is by the log (since.log_time): a clock that is set back takes no alarm back.
    """
    if not case.is_due:
        return ()
    hours: tuple[tuple[Literal["warning", "alarm", "escalation"], int], ...] = (
        ("warning", max(clock.hours - clock.warn_hours, 0)),
        ("alarm", clock.hours),
        ("escalation", clock.hours + clock.escalate_hours),
    )
    moments = ((kind, after(case.asked_at, number, clock)) for kind, number in hours)
    return tuple(Due(kind=kind, at=at) for kind, at in moments if at <= now)
