"""How long the trail's entries are kept for, and what stands against erasing a person: folds of the log."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from jupyter_mlgov.audit.entries import AuditEntry, Draft

# The longest class whose words begin an action counts. Every action is in one: what ran, what was judged, and what was decided or ordered.
CLASSES: dict[int, tuple[str, ...]] = {
    5: (
        *("session.", "cell.", "recording.", "projection.", "file.", "export.", "run.", "step.", "pipeline.", "parameters."),
        *("data.", "code.", "serving.", "endpoint."),
    ),
    7: (
        *("validation.", "review.", "form.", "thresholds.", "reproduce.", "monitor.", "reference.", "registry.", "retraining."),
        *("inventory.", "alarm.", "alert."),
    ),
    10: (
        *("promotion.", "statement.", "checkpoint.", "key.", "hold.", "person.", "erasure.", "workspace.", "bundle.", "clock."),
        *("waiver.", "rollback.", "stage.", "evidence.", "finding.", "limits.", "model.", "rollout.", "canary.", "breaker.", "killswitch."),
    ),
}
SHORTEST = min(CLASSES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Retained:
    """One class: `years`, how many entries it has, and when the oldest and the newest of them are due."""

    years: int
    entries: int
    oldest_due: datetime
    newest_due: datetime


def years_of(action: str) -> int:
    """5, 7 or 10."""
    return max((years for years, words in CLASSES.items() if action.startswith(words)), default=SHORTEST)


def due(entry: AuditEntry) -> datetime:
    """From when on the entry's class no longer asks for it."""
    year = entry.time.year + years_of(entry.action)
    leap_day = (entry.time.month, entry.time.day) == (2, 29)
    return entry.time.replace(year=year, day=28) if leap_day else entry.time.replace(year=year)


def retained(entries: Iterable[AuditEntry]) -> tuple[Retained, ...]:
    """Each class that has entries, the shortest first."""
    found: dict[int, list[datetime]] = {}
    for entry in entries:
        found.setdefault(years_of(entry.action), []).append(due(entry))
    return tuple(
        Retained(years=years, entries=len(times), oldest_due=min(times), newest_due=max(times)) for years, times in sorted(found.items())
    )


def holds(entries: Iterable[AuditEntry]) -> dict[str, str]:
    """Who or what is under legal hold, and why: placed and not lifted since."""
    found: dict[str, str] = {}
    for entry in entries:
        if entry.action == "hold.placed":
            found[entry.subject] = str(entry.payload.get("reason", ""))
        elif entry.action == "hold.lifted":
            found.pop(entry.subject, None)
    return found


def hold_draft(subject: str, reason: str, *, lift: bool) -> Draft:
    """The entry that places or lifts a hold."""
    return Draft(action="hold.lifted" if lift else "hold.placed", subject=subject, payload={"reason": reason})
