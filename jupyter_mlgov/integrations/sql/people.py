"""The keys of persons in a table beside the log; its rows can be deleted, and that is the point. AES-256-GCM by `cryptography`."""

from __future__ import annotations

import base64
import binascii
import json
import os
import secrets
from collections.abc import Collection

from sqlalchemy import delete, insert, select

from jupyter_mlgov.audit.personal import PREFIX, Person
from jupyter_mlgov.core.actors import Actor
from jupyter_mlgov.core.canonical import canonical_json
from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.core.errors import StorageProblem
from jupyter_mlgov.integrations.sql.backend import Backend
from jupyter_mlgov.integrations.sql.tables import people

_NONCE = 12
_COLUMNS = select(people.c.person, people.c.key, people.c.sealed)


class SqlPeople:
    """The People port.

    A pseudonym is the digest of the person's sealed name: the log commits to the ciphertext, and says nothing once the key is gone.
    Keys are kept once read; that one was destroyed by another process is noticed when its person acts again.
    """

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._known: dict[str, tuple[Person, bytes] | None] = {}

    def pseudonym(self, actor: Actor) -> str:
        body = canonical_json({"id": actor.id, "name": actor.name})
        chosen = _COLUMNS.where(people.c.tag == Digest.of_bytes(body))
        with self._backend.reading() as connection:
            found = connection.execute(chosen).first()
        if found is None:
            key = secrets.token_bytes(32)
            sealed = _seal(key, body, b"")
            person = PREFIX + Digest.of_text(sealed).hex[:32]
            with self._backend.writing() as connection:
                found = connection.execute(chosen).first()
                if found is None:
                    values = {"person": person, "tag": Digest.of_bytes(body), "key": key, "sealed": sealed}
                    connection.execute(insert(people), [values])
                    found = connection.execute(chosen).first()
        if found is None:
            raise StorageProblem("A person's key was not kept by the database.", next="Try again.")
        return self._remember(str(found[0]), bytes(found[1]), str(found[2]))

    def person(self, pseudonym: str) -> Person | None:
        known = self._look(pseudonym)
        return known[0] if known else None

    def everybody(self) -> tuple[Person, ...]:
        self._known.clear()
        with self._backend.reading() as connection:
            rows = connection.execute(_COLUMNS.order_by(people.c.person)).all()
        names = [self._remember(str(person), bytes(key), str(sealed)) for person, key, sealed in rows]
        return tuple(known[0] for name in names if (known := self._known[name]))

    def seal(self, pseudonym: str, text: str) -> str:
        known = self._look(pseudonym)
        if known is None:
            raise StorageProblem(f"The key of {pseudonym} is gone, so nothing can be sealed under it.", next="Try again.")
        return _seal(known[1], text.encode("utf-8", "surrogatepass"), pseudonym.encode())

    def open(self, pseudonym: str, sealed: str) -> str | None:
        known = self._look(pseudonym)
        content = _open(known[1], sealed, pseudonym.encode()) if known else None
        return None if content is None else content.decode("utf-8", "surrogatepass")

    def erase(self, pseudonyms: Collection[str]) -> int:
        with self._backend.writing() as connection:
            gone = connection.execute(delete(people).where(people.c.person.in_(sorted(pseudonyms)))).rowcount
        self._backend.scrub()
        for pseudonym in pseudonyms:
            self._known[pseudonym] = None
        return gone

    def _look(self, pseudonym: str) -> tuple[Person, bytes] | None:
        if pseudonym not in self._known:
            with self._backend.reading() as connection:
                found = connection.execute(_COLUMNS.where(people.c.person == pseudonym)).first()
            if found is None:
                self._known[pseudonym] = None
            else:
                self._remember(str(found[0]), bytes(found[1]), str(found[2]))
        return self._known[pseudonym]

    def _remember(self, pseudonym: str, key: bytes, sealed: str) -> str:
        """Take the row for what it proves to be: a sealed name that is not the pseudonym's own counts for nobody."""
        body = _open(key, sealed, b"") if PREFIX + Digest.of_text(sealed).hex[:32] == pseudonym else None
        fields = json.loads(body) if body is not None else None
        person = Person(pseudonym=pseudonym, id=fields["id"], name=fields["name"]) if fields else None
        self._known[pseudonym] = (person, key) if person else None
        return pseudonym


def _seal(key: bytes, content: bytes, about: bytes) -> str:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    nonce = os.urandom(_NONCE)
    return base64.b64encode(nonce + AESGCM(key).encrypt(nonce, content, about)).decode()


def _open(key: bytes, sealed: str, about: bytes) -> bytes | None:
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    try:
        raw = base64.b64decode(sealed, validate=True)
        return AESGCM(key).decrypt(raw[:_NONCE], raw[_NONCE:], about)
    except (InvalidTag, ValueError, binascii.Error):
        return None
