"""Which key was whose, from when to when: a fold of the log, so that "valid at the time of signing" can be asked years later."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from jupyter_mlgov.audit.entries import AuditEntry, Draft
from jupyter_mlgov.audit.notes import PublicKey, parse_key
from jupyter_mlgov.core.clock import stamp
from jupyter_mlgov.core.errors import BadInput

KEY_ACTIONS = ("key.made", "key.revoked")
LIFE = timedelta(days=365)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyLife:
    """A key from its entry in the log to its revocation. Places in the log count, not clocks: nobody can set those back.

    `revoked` is the number of the entry that revoked (or, at a rotation, retired) it; None while it may sign.
    """

    key: PublicKey
    made: int
    made_at: datetime
    expires: datetime
    revoked: int | None = None
    reason: str = ""

    def why_not(self, size: int, moment: datetime) -> str:
        """Why a signature over a log of `size` entries, made at `moment`, does not count; empty when it does."""
        if size < self.made:
            return f"key {self.key.id} was made later, at entry {self.made:,}"
        if self.revoked is not None and size >= self.revoked:
            return f"key {self.key.id} was revoked at entry {self.revoked:,} ({self.reason})"
        if moment >= self.expires:
            return f"key {self.key.id} had expired on {stamp(self.expires)[:10]}"
        return ""


def key_lives(entries: Iterable[AuditEntry]) -> tuple[KeyLife, ...]:
    """Every key of the log, oldest first. An entry that is no key is left out: it vouches for nothing."""
    found: dict[str, KeyLife] = {}
    for entry in entries:
        named = str(entry.payload.get("key_id", ""))
        if entry.action == "key.made":
            life = _made(entry)
            if life and life.key.id not in found:
                found[life.key.id] = life
        elif entry.action == "key.revoked" and named in found and found[named].revoked is None:
            found[named] = replace(found[named], revoked=entry.seq, reason=str(entry.payload.get("reason", "")))
    return tuple(found.values())


def made_draft(key: PublicKey, now: datetime, life: timedelta = LIFE) -> Draft:
    """The entry that introduces `key`."""
    return Draft(action="key.made", subject=key.name, payload={"key": str(key), "key_id": key.id, "expires": stamp(now + life)})


def revoked_draft(key: PublicKey, reason: str) -> Draft:
    """The entry from which on nothing signed by `key` counts."""
    return Draft(action="key.revoked", subject=key.name, payload={"key_id": key.id, "reason": reason})


def _made(entry: AuditEntry) -> KeyLife | None:
    try:
        key = parse_key(str(entry.payload.get("key", "")))
        expires = datetime.fromisoformat(str(entry.payload.get("expires", "")))
    except (BadInput, ValueError):
        return None
    if expires.tzinfo is None:
        return None
    return KeyLife(key=key, made=entry.seq, made_at=entry.time, expires=expires)
