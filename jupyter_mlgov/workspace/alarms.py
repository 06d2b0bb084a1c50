"""Who must be told, once each: reviews that come due, and alarms. What is to be told waits in the outbox until it was taken."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from jupyter_mlgov.audit.journal import Parcel

if TYPE_CHECKING:
    from jupyter_mlgov.audit.entries import AuditEntry
    from jupyter_mlgov.workspace.composition import Workspace

# An alarm older than this is history when the first place to tell is named.
_RECENT = timedelta(days=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """What one look found: cases due now, messages put into the outbox, and what could not be sent."""

    due: tuple[str, ...]
    posted: int
    problems: tuple[str, ...]
    places: int


def watch(workspace: Workspace) -> Watched:
    """Post what has come due and every alarm that nobody was told of, and send what waits. Safe to run at any time, by many at once."""
    due, posted = post(workspace)
    problems = workspace.deliver()
    return Watched(due=due, posted=posted, problems=problems, places=len(_places(workspace)))


def post(workspace: Workspace) -> tuple[tuple[str, ...], int]:
    """(what is due, in sentences; how many messages were put into the outbox). Each message is put there once for each place."""
    messages = (*_of_reviews(workspace), *_of_alarms(workspace))
    due = tuple(message.title for message in messages if message.kind != "alarm raised")
    names = _places(workspace)
    if not messages or not names:
        return due, 0
    known = {str(entry.payload.get("key")) for entry in workspace.journal.entries(actions=("projection.delivered",))}
    known |= {parcel.key for parcel in workspace.journal.pending()}
    parcels = [parcel for message in messages for parcel in _parcels(message, names) if parcel.key not in known]
    if parcels:
        workspace.journal.append([], actor=workspace.actor(), parcels=parcels)
    return due, len(parcels)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Message:
    key: str
    kind: str
    title: str
    body: str
    model: str


def _parcels(message: _Message, names: tuple[str, ...]) -> Iterator[Parcel]:
    for place in names:
        payload = {"place": place, "title": message.title, "body": message.body, "model": message.model}
        yield Parcel(key=f"notify:{message.key}:{place}", target="notify", kind=message.kind, payload=payload)


def _places(workspace: Workspace) -> tuple[str, ...]:
    if not workspace.settings.notify.strip():
        return ()
    from jupyter_mlgov.integrations.notify import places

    return tuple(place.name for place in places(workspace.settings.notify))


def _of_reviews(workspace: Workspace) -> Iterator[_Message]:
    """No names of people: a message leaves the house and cannot be erased."""
    from jupyter_mlgov.workspace.reviewing import queue

    words = {"warning": "is due soon", "alarm": "is overdue", "escalation": "is still not answered"}
    for one in queue(workspace):
        case = one.case
        for kind in one.due:
            title = f"Review {case.number} of {case.model} for {case.stage} {words[kind]}"
            taken = "Somebody has claimed it." if case.claimed_by else "Nobody has claimed it."
            body = f"Due {one.deadline:%Y-%m-%d %H:%M} UTC. {taken} `mlgov review packet {case.number}` shows what it is about."
            yield _Message(key=f"{case.id}:{kind}", kind=f"review {kind}", title=title[:300], body=body, model=case.model)


def _of_alarms(workspace: Workspace) -> Iterator[_Message]:
    oldest = workspace.clock.now() - _RECENT
    for entry in workspace.journal.entries(actions=("alarm.raised",)):
        if entry.time >= oldest:
            yield _Message(key=entry.digest, kind="alarm raised", title=_title(entry), body=_body(entry), model=entry.subject)


def _title(entry: AuditEntry) -> str:
    return f"{entry.payload.get('kind') or 'alarm'}: {entry.subject}"[:300]


def _body(entry: AuditEntry) -> str:
    more = [f"{word}: {entry.payload[word]}" for word in ("severity", "due") if entry.payload.get(word)]
    when = f"entry {entry.seq}, {entry.time:%Y-%m-%d %H:%M} UTC"
    return f"{entry.payload.get('problem') or entry} ({'; '.join([*more, when])})"[:2000]
