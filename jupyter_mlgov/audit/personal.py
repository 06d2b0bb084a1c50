"""Personal fields apart from the log: the log keeps pseudonyms and ciphertext, and a key per person lies where it can be destroyed.

`append` seals, `entries` opens again; the log itself (and so every digest, proof and signature) never holds a name. When a person's key
is gone, the same entries read `person:3f2a…`, and verification does not notice: what it hashes did not change.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, cast

from jupyter_mlgov.audit.entries import AuditEntry, Draft
from jupyter_mlgov.audit.journal import Journal, Parcel
from jupyter_mlgov.core.actors import Actor
from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.core.facts import fields_of

ERASED = "(erased)"
PREFIX = "person:"
_TOKEN = re.compile(r"person:[0-9a-f]{32}")
_ACTOR = frozenset({"id", "name", "source"})
_SEALED = frozenset({"person", "sealed"})
# Free text that people write about people: sealed under the key of whoever wrote it.
_FREE = frozenset({"comment"})
_BARE = 20_000  # payloads that are remembered to hold nothing sealed


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Who stands behind a pseudonym, while the key is there."""

    pseudonym: str
    id: str
    name: str


class People(Protocol):
    """Port: the keys of persons, beside the log and not in it. Raises StorageProblem when it cannot be read or written."""

    def pseudonym(self, actor: Actor) -> str:
        """The pseudonym of this id and name; a new one with a new key on first sight, the same one for all who ask at once."""
        ...

    def person(self, pseudonym: str) -> Person | None:
        """Who that is, or None when the key is gone."""
        ...

    def everybody(self) -> tuple[Person, ...]:
        """Everybody whose key is there."""
        ...

    def seal(self, pseudonym: str, text: str) -> str:
        """`text` under the person's key, as base64."""
        ...

    def open(self, pseudonym: str, sealed: str) -> str | None:
        """The text again, or None when the key is gone or the ciphertext is not its own."""
        ...

    def erase(self, pseudonyms: Collection[str]) -> int:
        """Destroy these keys for good; how many there were."""
        ...


class PersonalJournal:
    """The Journal port over another journal, with people's names, ids and comments kept apart."""

    def __init__(self, journal: Journal, people: People) -> None:
        self._journal, self._people = journal, people
        self._bare: set[Digest] = set()  # payloads, by their digest, in which nothing was sealed: what they hold cannot change

    def append(self, drafts: Sequence[Draft], *, actor: Actor, parcels: Sequence[Parcel] = ()) -> tuple[AuditEntry, ...]:
        if not drafts:
            return self._journal.append(drafts, actor=actor, parcels=parcels)
        hidden = self._hidden(actor)
        sealed = [replace(draft, payload=fields_of(self._seal(fields_of(draft.payload), hidden.id))) for draft in drafts]
        return tuple(self._open(entry) for entry in self._journal.append(sealed, actor=hidden, parcels=parcels))

    def entries(self, *, after: int = 0, actions: Collection[str] = (), subject: str | None = None) -> Iterator[AuditEntry]:
        for entry in self._journal.entries(after=after, actions=actions, subject=subject):
            yield self._open(entry)

    def head(self) -> tuple[int, Digest]:
        return self._journal.head()

    def pending(self) -> tuple[Parcel, ...]:
        return self._journal.pending()

    def delivered(self, parcel: Parcel, draft: Draft, *, actor: Actor) -> None:
        hidden = self._hidden(actor)
        self._journal.delivered(parcel, replace(draft, payload=fields_of(self._seal(fields_of(draft.payload), hidden.id))), actor=hidden)

    def failed(self, parcel: Parcel, problem: str) -> None:
        self._journal.failed(parcel, problem)

    def damage(self) -> str:
        return self._journal.damage()

    def close(self) -> None:
        self._journal.close()

    def _hidden(self, actor: Actor) -> Actor:
        """The actor as the log knows him."""
        return Actor(id=self._people.pseudonym(actor), source=actor.source)

    def _seal(self, value: object, author: str, key: str = "") -> object:
        if isinstance(value, Mapping):
            if frozenset(value) == _ACTOR and isinstance(value["id"], str) and isinstance(value["name"], str):
                hidden = self._hidden(Actor(id=value["id"], source="declared", name=value["name"]))
                return {"id": hidden.id, "name": "", "source": value["source"]}
            return {name: self._seal(item, author, name) for name, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [self._seal(item, author) for item in value]
        if key in _FREE and isinstance(value, str) and value:
            return {"person": author, "sealed": self._people.seal(author, value)}
        return value

    def _open(self, entry: AuditEntry) -> AuditEntry:
        if not entry.actor.id.startswith(PREFIX):
            return entry
        actor = self._shown(entry.actor)
        if entry.payload_digest in self._bare:
            return replace(entry, actor=actor)
        opened = self._opened(dict(entry.payload))  # what a journal gives is JSON already
        if opened == entry.payload:
            if len(self._bare) >= _BARE:
                self._bare.clear()
            self._bare.add(entry.payload_digest)
        return replace(entry, actor=actor, payload=cast("dict[str, object]", opened))

    def _opened(self, value: object) -> object:
        if isinstance(value, dict):
            if value.keys() == _ACTOR and _TOKEN.fullmatch(str(value["id"])):
                person = self._person(str(value["id"]))
                return {"id": person.id, "name": person.name, "source": value["source"]}
            if value.keys() == _SEALED:
                text = self._people.open(str(value["person"]), str(value["sealed"]))
                return ERASED if text is None else text
            return {name: self._opened(item) if isinstance(item, (dict, list)) else item for name, item in value.items()}
        if isinstance(value, list):
            return [self._opened(item) if isinstance(item, (dict, list)) else item for item in value]
        return value

    def _shown(self, actor: Actor) -> Actor:
        person = self._person(actor.id)
        return replace(actor, id=person.id, name=person.name)

    def _person(self, pseudonym: str) -> Person:
        """Somebody whose key is gone is his pseudonym, and nobody else."""
        return self._people.person(pseudonym) or Person(pseudonym=pseudonym, id=pseudonym, name="")
