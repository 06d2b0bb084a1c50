"""Names for content: `sha256:` and 64 hex characters."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from pathlib import Path

from jupyter_mlgov.core.canonical import canonical_json

_FORM = re.compile(r"sha256:[0-9a-f]{64}")


class Digest(str):
    """`sha256:…` of canonical JSON or of bytes. Same content, same name, on every machine."""

    __slots__ = ()

    def __new__(cls, text: str) -> Digest:
        if not _FORM.fullmatch(text):
            raise ValueError(f"Not a digest: {text[:80]!r}. Expected 'sha256:' and 64 lower-case hex characters.")
        return super().__new__(cls, text)

    @classmethod
    def of_bytes(cls, content: bytes) -> Digest:
        return str.__new__(cls, "sha256:" + hashlib.sha256(content).hexdigest())  # a digest by its making

    @classmethod
    def of_chunks(cls, chunks: Iterable[bytes]) -> Digest:
        hasher = hashlib.sha256()
        for chunk in chunks:
            hasher.update(chunk)
        return cls("sha256:" + hasher.hexdigest())

    @classmethod
    def of_json(cls, value: object) -> Digest:
        return cls.of_bytes(canonical_json(value))

    @classmethod
    def of_text(cls, text: str) -> Digest:
        return cls.of_bytes(text.encode("utf-8", "surrogatepass"))

    @classmethod
    def of_file(cls, path: Path) -> Digest:
        with path.open("rb") as stream:
            return cls("sha256:" + hashlib.file_digest(stream, "sha256").hexdigest())

    @property
    def hex(self) -> str:
        return self[7:]

    @property
    def short(self) -> str:
        """The first six hex characters with the method, for people's eyes only."""
        return self[:13] + "…"
