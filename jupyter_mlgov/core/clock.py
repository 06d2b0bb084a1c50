"""Time as an argument: every fact is stamped by a clock that was handed in."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Port: the present moment, aware and in UTC."""

    def now(self) -> datetime: ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)


def stamp(moment: datetime) -> str:
    """RFC 3339 in UTC with microseconds, e.g. `2026-11-23T14:02:07.000000Z`; sorts as text."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")[:26] + "Z"
