"""Ports: the one place where acts are written, the outbox beside it, and the store of content by digest."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol, get_args

from jupyter_mlgov.audit.entries import AuditEntry, Draft
from jupyter_mlgov.core.actors import Actor
from jupyter_mlgov.core.digests import Digest

Target = Literal["mlflow", "dvc", "openlineage", "notify"]
TARGETS: frozenset[str] = frozenset(get_args(Target))


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """Something to be told to a foreign system. `key` makes delivering twice one deed (idempotency token)."""

    key: str
    target: Target
    kind: str
    payload: Mapping[str, object] = field(default_factory=dict)
    attempts: int = 0
    last_problem: str = ""


class Journal(Protocol):
    """An append-only, hash-linked log with an outbox that commits in the same transaction.

    append() then verify() holds for any history. Raises StorageProblem when it cannot write (read-only, locked, full, damaged).
    """

    def append(self, drafts: Sequence[Draft], *, actor: Actor, parcels: Sequence[Parcel] = ()) -> tuple[AuditEntry, ...]: ...

    def entries(self, *, after: int = 0, actions: Collection[str] = (), subject: str | None = None) -> Iterator[AuditEntry]:
        """Entries in order; `actions` empty means all. The chain is not followed here: verify() does that.

        Raises DamagedEntry (audit/stored.py) at the first row that is not, byte for byte, what could have been written.
        """
        ...

    def head(self) -> tuple[int, Digest]:
        """(seq, digest) of the last entry; (0, GENESIS) for an empty log."""
        ...

    def pending(self) -> tuple[Parcel, ...]:
        """Undelivered parcels, oldest first."""
        ...

    def delivered(self, parcel: Parcel, draft: Draft, *, actor: Actor) -> None:
        """Take the parcel out of the outbox and append `draft`, in one transaction."""
        ...

    def failed(self, parcel: Parcel, problem: str) -> None:
        """Count one more attempt; the parcel stays."""
        ...

    def damage(self) -> str:
        """What the storage itself says is broken (a torn page, a missing index row), or an empty text."""
        ...

    def close(self) -> None: ...


class ObjectStore(Protocol):
    """Content by digest: tables, models, notebooks, reports. What was put is never changed."""

    def put(self, content: bytes) -> Digest: ...

    def put_file(self, path: Path) -> Digest: ...

    def get(self, digest: Digest) -> bytes:
        """The content, checked against its name. Raises StorageProblem when it is missing or was changed."""
        ...

    def path(self, digest: Digest) -> Path:
        """Where the content lies, for readers that want a file; checked like get()."""
        ...
