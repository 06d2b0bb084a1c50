"""Decisions that replayed once on this machine, remembered from one start to the next: the log only grows, so they replay again.

A note is believed only while the log still holds the entry that was its last one when the decision was decided again, and only where
it carries a code under a key that nobody else can read. Any other note is as if there were none: the whole log is read.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from jupyter_mlgov._version import __version__
from jupyter_mlgov.audit.entries import AuditEntry
from jupyter_mlgov.core.digests import Digest

_KEY = "replayed.key"
_BYTES = 32
_LONGEST = 4096  # a note is some 300 bytes; more is none of ours


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """The decision replayed against the log up to entry `size`, whose digest was `last`, by the program of this version."""

    decision: Digest
    size: int
    last: Digest
    program: str

    def code(self, key: bytes) -> str:
        """HMAC-SHA256 over the note."""
        said = json.dumps([self.decision, self.size, self.last, self.program]).encode()
        return hmac.new(key, said, hashlib.sha256).hexdigest()


class Replayed:
    """Notes in the folder `.mlgov` of a workspace. A folder that cannot be written keeps none, and nothing is believed for it."""

    def __init__(self, folder: Path) -> None:
        self._notes, self._key = folder / "replayed", folder / "keys" / _KEY

    def holds(self, decision: AuditEntry, read: Callable[[int], Iterator[AuditEntry]]) -> bool:
        """Did this very decision replay before, on the log as it is? `read` gives the entries after a place."""
        key, note = self._secret(), self._note(decision.digest)
        if key is None or note is None:
            return False
        size, last, program, code = note
        mine = Note(decision=decision.digest, size=size, last=last, program=program)
        if program != __version__ or size < decision.seq or not hmac.compare_digest(mine.code(key), code):
            return False
        found = next(read(size - 1), None)
        return found is not None and (found.seq, found.digest) == (size, last)

    def keep(self, decision: AuditEntry, last: AuditEntry) -> None:
        """`decision` replayed against the log up to `last`."""
        key = self._secret() or self._made()
        if key is None:
            return
        note = Note(decision=decision.digest, size=last.seq, last=last.digest, program=__version__)
        body = {"decision": note.decision, "size": note.size, "last": note.last, "program": note.program, "code": note.code(key)}
        path = self._path(decision.digest)
        fresh = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
        try:
            path.parent.mkdir(mode=0o700, exist_ok=True)
            fresh.write_text(json.dumps(body), "utf-8")
            fresh.replace(path)
        except OSError:
            fresh.unlink(missing_ok=True)

    def _path(self, decision: Digest) -> Path:
        return self._notes / f"{decision.removeprefix('sha256:')}.json"

    def _note(self, decision: Digest) -> tuple[int, Digest, str, str] | None:
        try:
            with self._path(decision).open("rb") as stream:
                body = json.loads(stream.read(_LONGEST))
            size, last, program, code = (body[name] for name in ("size", "last", "program", "code"))
            whole = type(size) is int and size > 0 and isinstance(program, str) and isinstance(code, str) and code.isascii()
            return (size, Digest(last), program, code) if whole else None
        except (OSError, ValueError, TypeError, KeyError, RecursionError):
            return None

    def _secret(self) -> bytes | None:
        """The key, where it is a file of ours that nobody else can read."""
        try:
            handle = os.open(self._key, os.O_RDONLY | os.O_NOFOLLOW)
            with os.fdopen(handle, "rb") as stream:
                about = os.fstat(stream.fileno())
                alone = about.st_uid == os.getuid() and not about.st_mode & 0o077
                content = stream.read(_BYTES + 1)
        except OSError:
            return None
        return content if alone and len(content) == _BYTES else None

    def _made(self) -> bytes | None:
        """A key made now; None where there is one already that does not serve, or none can be written."""
        content = secrets.token_bytes(_BYTES)
        try:
            self._key.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle = os.open(self._key, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
            with os.fdopen(handle, "wb") as stream:
                stream.write(content)
        except OSError:
            return None
        return content
