"""How an entry lies in storage: nine readable columns, and the way back that names a damaged row instead of breaking on it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from json.encoder import encode_basestring
from typing import cast, get_args

from jupyter_mlgov.audit.entries import AuditEntry, Draft
from jupyter_mlgov.audit.journal import TARGETS, Parcel, Target
from jupyter_mlgov.core.actors import Actor, IdentitySource
from jupyter_mlgov.core.canonical import NotCanonical, canonical_json
from jupyter_mlgov.core.clock import stamp
from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.core.errors import BadInput, StorageProblem
from jupyter_mlgov.core.facts import fields_of, plain

COLUMNS = ("seq", "time", "actor", "action", "subject", "payload", "payload_digest", "previous", "digest")
LARGEST_PAYLOAD = 32_000_000
_LARGEST = 2**53 - 1
_NEXT = "Run `mlgov audit verify`, and restore the workspace from a copy."


class TooLarge(BadInput, ValueError):
    """A payload that no entry may carry. Nothing was written."""

    def __init__(self, action: str, size: int) -> None:
        super().__init__(
            f"The act `{action}` carries {size / 1e6:,.1f} MB.",
            expected=f"An entry of the trail holds at most {LARGEST_PAYLOAD // 1_000_000} MB.",
            next="Shorten the text, or put the content into a file and name it.",
        )


class DamagedEntry(StorageProblem):
    """The entry at `seq` cannot be trusted as it is stored; `reason` says what of it was changed or cannot be read."""

    def __init__(self, seq: int, reason: str, *, label: str = "") -> None:
        self.seq, self.reason = seq, reason
        super().__init__(f"Entry {seq:,}{label} {reason}", next=_NEXT)


def store(entry: AuditEntry) -> dict[str, int | str]:
    """The row of `entry`: text that people can read, JSON in canonical form. restore(store(entry)) == entry."""
    return {
        "seq": entry.seq,
        "time": stamp(entry.time),
        "actor": _actor_text(entry.actor),
        "action": entry.action,
        "subject": entry.subject,
        "payload": canonical_json(entry.payload).decode("utf-8"),
        "payload_digest": str(entry.payload_digest),
        "previous": str(entry.previous),
        "digest": str(entry.digest),
    }


def written(draft: Draft, *, seq: int, time: datetime, actor: Actor, previous: Digest) -> tuple[AuditEntry, tuple[int | str, ...]]:
    """link() and store() in one go, each text made once: written(d)[0] == link(d), and written(d)[1] are the values of store(link(d))."""
    payload = fields_of(draft.payload)
    body = canonical_json(payload)
    if len(body) > LARGEST_PAYLOAD:
        raise TooLarge(draft.action, len(body))
    payload_digest, moment, who = Digest.of_bytes(body), stamp(time), _actor_text(actor)
    fields = (
        f'{{"action":{encode_basestring(draft.action)},"actor":{who},"payload":"{payload_digest}","previous":"{previous}",'
        f'"seq":{seq},"subject":{encode_basestring(draft.subject)},"time":"{moment}"}}'
    )
    try:
        digest = Digest.of_bytes(fields.encode("utf-8"))
    except UnicodeEncodeError as error:
        raise NotCanonical(f"A string holds a lone surrogate, which JSON text cannot carry: {error.reason}.") from None
    entry = AuditEntry(
        seq=seq,
        time=time,
        actor=actor,
        action=draft.action,
        subject=draft.subject,
        payload=payload,
        payload_digest=payload_digest,
        previous=previous,
        digest=digest,
    )
    row = (seq, moment, who, draft.action, draft.subject, body.decode("utf-8"), str(payload_digest), str(previous), str(digest))
    return entry, row


def restore(row: Sequence[object]) -> AuditEntry:
    """The entry a row holds. Raises DamagedEntry when any column is not, byte for byte, what store() would have written.

    The payload is held against its digest here, so nobody folds a changed payload; the chain itself is for verify().
    """
    seq, time, actor, action, subject, payload, *digests = row
    if not isinstance(seq, int):
        raise DamagedEntry(-1, "was changed: its number is not a whole number.")
    texts = dict(zip(COLUMNS[1:], (time, actor, action, subject, payload, *digests), strict=True))
    label = entry_label(action, time)
    for column, text in texts.items():
        if not _is_text(text):
            raise DamagedEntry(seq, f"was changed: its {column} is no longer text.", label=label)
    for column in COLUMNS[6:]:
        if not _is_digest(str(texts[column])):
            raise DamagedEntry(seq, f"was changed: its {column} is no longer a digest.", label=label)
    if "sha256:" + hashlib.sha256(str(payload).encode()).hexdigest() != texts["payload_digest"]:
        raise DamagedEntry(seq, "was changed: its payload no longer matches its digest.", label=label)
    body, who, moment = payload_value(str(payload)), actor_of(str(actor)), _moment(str(time))
    if body is None:
        raise DamagedEntry(seq, "was changed: its payload is not a JSON object.", label=label)
    if who is None:
        raise DamagedEntry(seq, "was changed: its actor is no longer one.", label=label)
    if moment is None:
        raise DamagedEntry(seq, "was changed: its time is no longer one.", label=label)
    return AuditEntry(
        seq=seq,
        time=moment,
        actor=who,
        action=str(action),
        subject=str(subject),
        payload=body,
        payload_digest=Digest(str(texts["payload_digest"])),
        previous=Digest(str(texts["previous"])),
        digest=Digest(str(texts["digest"])),
    )


def store_parcel(parcel: Parcel) -> dict[str, int | str]:
    """The outbox row of `parcel`. restore_parcel(store_parcel(parcel).values()) == parcel."""
    payload = canonical_json(plain(parcel.payload))
    return {
        "key": parcel.key,
        "target": parcel.target,
        "kind": parcel.kind,
        "payload": payload.decode("utf-8"),
        "payload_digest": str(Digest.of_bytes(payload)),
        "attempts": parcel.attempts,
        "last_problem": parcel.last_problem,
    }


def restore_parcel(row: Sequence[object]) -> Parcel:
    """The parcel a row holds. Raises StorageProblem when its content was changed: a wrong number must not reach a registry."""
    key, target, kind, payload, digest, attempts, problem = row
    body = payload_value(payload) if isinstance(payload, str) and _is_text(payload) else None
    intact = body is not None and Digest.of_text(str(payload)) == digest and target in TARGETS
    if not intact or not isinstance(attempts, int) or not all(isinstance(item, str) for item in (key, kind, problem)):
        raise StorageProblem(f"The outbox is damaged: the parcel {_shown(key)} no longer matches its digest.", next=_NEXT)
    return Parcel(
        key=str(key),
        target=cast("Target", target),  # one of TARGETS: checked just above
        kind=str(kind),
        payload=body or {},
        attempts=attempts,
        last_problem=str(problem),
    )


def entry_label(action: object, time: object) -> str:
    """How an entry is named beside its number: " (`promotion.decided`, 2026-11-23T14:02:07.000000Z)"."""
    return f" (`{_shown(action)}`, {_shown(time)})"


def payload_value(text: str) -> dict[str, object] | None:
    """The object in canonical JSON `text`, or None. Whole numbers past 2**53 come from floats and go back to them."""
    try:
        value = json.loads(text, parse_int=_whole)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _whole(text: str) -> int | float:
    number = int(text)
    return number if abs(number) <= _LARGEST else float(number)


def _shown(value: object) -> str:
    """At most 60 signs, plain ASCII on one line: a damaged row may hold anything."""
    return ascii(value[:60]).strip("'\"")[:60] if isinstance(value, str) else type(value).__name__


def _is_text(value: object) -> bool:
    try:
        return isinstance(value, str) and bool(value.encode("utf-8") or True)
    except UnicodeEncodeError:
        return False


def _is_digest(text: str) -> bool:
    try:
        return bool(Digest(text))
    except ValueError:
        return False


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None and stamp(moment) == text else None


@lru_cache(maxsize=64)
def _actor_text(actor: Actor) -> str:
    return canonical_json(plain(actor)).decode("utf-8")


@lru_cache(maxsize=64)
def actor_of(text: str) -> Actor | None:
    """The actor in the stored text, or None when it is not, byte for byte, what store() writes."""
    value = payload_value(text)
    if value is None or not all(isinstance(item, str) for item in value.values()):
        return None
    try:
        actor = Actor(**value)  # type: ignore[arg-type] # checked just above to be texts; the round trip below checks the rest
        return actor if actor.source in get_args(IdentitySource) and _actor_text(actor) == text else None
    except (TypeError, ValueError):
        return None
