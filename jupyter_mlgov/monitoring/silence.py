"""Silence is an alarm: which watched things were due and nobody measured them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from jupyter_mlgov.audit.entries import AuditEntry
from jupyter_mlgov.monitoring.plan import Watched

GRACE = 0.1  # of the period: a scheduler that starts a minute late is no silence


@dataclass(frozen=True, slots=True, kw_only=True)
class Silent:
    """A watched thing of a version that should have been measured by `due`. `last` is None where it never was."""

    name: str
    last: datetime | None
    due: datetime

    @property
    def sentence(self) -> str:
        since = f"was last measured {self.last:%Y-%m-%d %H:%M} UTC" if self.last else "was never measured"
        return f"{self.name} {since} and was due {self.due:%Y-%m-%d %H:%M} UTC"


def silent(
    entries: Iterable[AuditEntry], model: str, version: str, since: datetime, plan: tuple[Watched, ...], now: datetime
) -> tuple[Silent, ...]:
    """What is overdue at `now` for a version in production `since`. A run that could not tell is no measurement."""
    ran = [entry for entry in entries if entry.action == "monitor.ran" and entry.subject == model]
    ran = [entry for entry in ran if entry.payload.get("version") == version]
    found = []
    for one in plan:
        times = [entry.time for entry in ran if one.name in measured(entry)]
        last = max(times, default=None)
        due = (last or since) + timedelta(days=one.every * (1 + GRACE))
        if now > due:
            found.append(Silent(name=one.name, last=last, due=due))
    return tuple(found)


def measured(entry: AuditEntry) -> tuple[str, ...]:
    """The watched names that a run of the monitor measured."""
    names = entry.payload.get("measured")
    return tuple(name for name in names if isinstance(name, str)) if isinstance(names, list) else ()
