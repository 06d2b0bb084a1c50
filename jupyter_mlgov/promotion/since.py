"""When things last happened, from the log: measurements, drills, second runs. Of a clock set back the later time counts."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from jupyter_mlgov.audit.entries import CLOCK_TOLERANCE, AuditEntry
from jupyter_mlgov.core.actors import Actor
from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.promotion.counting import person
from jupyter_mlgov.promotion.registry import ModelVersion


class LogClock:
    """The time by the log: it never goes back, and goes on when a clock that was set back does.

    Set forward and back again, the latest time that any entry carries would stand still for as long as the jump was wide: nothing would
    age or lapse in it. So what was set back is added to every later reading. Machines that differ by less than the journal's own
    tolerance are no clock set back.
    """

    def __init__(self) -> None:
        self._latest: datetime | None = None
        self._ahead = timedelta()

    def read(self, moment: datetime) -> datetime:
        """The log's time at the next entry, which says `moment`."""
        behind = self._latest - moment if self._latest else timedelta()
        if behind > CLOCK_TOLERANCE:
            self._ahead += behind
        if self._latest is None or moment > self._latest or behind > CLOCK_TOLERANCE:
            self._latest = moment
        return self._latest + self._ahead


def log_time(entries: Iterable[AuditEntry], now: datetime) -> datetime:
    """The moment `now` by the log. A clock that is set back makes nothing young again, and one set forward and back stops no time."""
    clock = LogClock()
    for entry in entries:
        clock.read(entry.time)
    return clock.read(now)


def by_the_log(entries: Sequence[AuditEntry]) -> Sequence[AuditEntry]:
    """The entries with their times by the log; the very same ones where no clock was set back."""
    clock = LogClock()
    times = [clock.read(entry.time) for entry in entries]
    moved = any(time - entry.time > CLOCK_TOLERANCE for time, entry in zip(times, entries, strict=True))
    return [replace(entry, time=time) for time, entry in zip(times, entries, strict=True)] if moved else entries


def latest_time(entries: Iterable[AuditEntry], now: datetime) -> datetime:
    """`now`, or the latest time any entry carries: what decisions went by before LogClock, and by which those are decided again."""
    return max([now, *(entry.time for entry in entries)])


def measured(entries: Iterable[AuditEntry], notebook: str, report: Digest | None) -> datetime | None:
    """When the oldest result in the report was measured: one that was taken from the record counts from when it was made.

    None where no such report is on record.
    """
    made: dict[str, datetime] = {}
    found: datetime | None = None
    for entry in entries:
        if entry.action != "validation.done" or entry.payload.get("notebook") != notebook:
            continue
        reused = entry.payload.get("reused")
        taken = frozenset(reused) if isinstance(reused, (list, tuple)) else frozenset()
        body = entry.payload.get("report")
        results = body.get("results") if isinstance(body, Mapping) else None
        names = [str(one.get("validator")) for one in results or () if isinstance(one, Mapping)]
        made.update({name: entry.time for name in names if name not in taken or name not in made})
        if entry.payload.get("digest") == report:
            found = min((made[name] for name in names), default=entry.time)
    return found


def drilled(entries: Iterable[AuditEntry], model: str, stage: str) -> datetime | None:
    """When a rollback of `stage` was last drilled and would have worked, or was done."""
    found = None
    for entry in entries:
        if entry.subject == model and entry.payload.get("stage") == stage:
            worked = entry.action == "rollback.drilled" and entry.payload.get("outcome") == "drilled"
            if worked or entry.action == "rollback.done":
                found = entry.time
    return found


def rerun(entries: Iterable[AuditEntry], report: Digest | None) -> tuple[Actor, ...]:
    """Who measured everything again for this very report and got the same digest."""
    found = {
        person(entry.actor.id): entry.actor
        for entry in entries
        if entry.action == "review.reran" and report is not None and entry.payload.get("report") == entry.payload.get("found") == report
    }
    return tuple(found.values())


def known_as(entries: Iterable[AuditEntry], model: str, version: ModelVersion | None) -> frozenset[str]:
    """The versions under which this very model was decided on before, its own included: `why` asks before a version is registered."""
    if version is None:
        return frozenset()
    found = {version.version}
    for entry in entries:
        docket = entry.payload.get("docket") if entry.action == "promotion.decided" and entry.subject == model else None
        about = docket.get("version") if isinstance(docket, Mapping) else None
        if isinstance(about, Mapping) and about.get("model_digest") == version.model_digest:
            found.add(str(about.get("version")))
    return frozenset(found - {""})


def taken_back(entries: Iterable[AuditEntry], model: str, stage: str, versions: Collection[str]) -> int:
    """The place in the log of the last order that took one of these versions out of `stage`; 0: none did."""
    mine = (entry for entry in entries if entry.action in ("rollback.ordered", "stage.emptied") and entry.subject == model)
    return max((one.seq for one in mine if one.payload.get("stage") == stage and one.payload.get("from") in versions), default=0)


def refuted(entries: Iterable[AuditEntry], model: str, versions: Collection[str]) -> tuple[str, ...]:
    """What was found wrong with the evidence of these versions since they were let in, in words; what was settled since is left out."""
    mine = [entry for entry in entries if entry.subject == model and entry.action in ("evidence.refuted", "finding.settled")]
    settled = {entry.payload.get("finding") for entry in mine if entry.action == "finding.settled"}
    standing = [entry for entry in mine if entry.action == "evidence.refuted" and entry.digest not in settled]
    return tuple(
        str(entry.payload.get("reason") or "no reason given")[:500] for entry in standing if entry.payload.get("version") in versions
    )
