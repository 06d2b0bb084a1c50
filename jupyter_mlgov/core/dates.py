"""A day or a time as people type it."""

from __future__ import annotations

from datetime import UTC, datetime, time

from jupyter_mlgov.core.errors import BadInput


def moment_of(text: str) -> datetime | None:
    """The end of a date in UTC, or the moment as given. Raises BadInput for anything else, and for a time without its zone."""
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
        if len(text) == len("2026-06-30"):
            return datetime.combine(found.date(), time.max, UTC)
        if found.tzinfo is not None:
            return found.astimezone(UTC)
    except (ValueError, OverflowError):
        raise BadInput(f"{text[:40]!r} is no date.", expected="Expected 2026-06-30 or 2026-06-30T14:00+02:00.") from None
    raise BadInput(f"{text[:40]!r} says no zone.", expected="Expected for instance 2026-06-30T14:00+00:00.")
