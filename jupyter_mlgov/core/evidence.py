"""Evidence: an immutable record of what was measured; its id is its digest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from jupyter_mlgov.core.digests import Digest


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What a `maker` (validator or recorder, with its version) measured about a `subject`. Never edited."""

    kind: str
    subject: Digest
    maker: str
    payload: Mapping[str, object] = field(default_factory=dict)

    @property
    def id(self) -> Digest:
        """Digest of the whole record as canonical JSON."""
        return Digest.of_json(self.plain)

    @property
    def plain(self) -> dict[str, object]:
        """The record as JSON values: what is kept, and what its id is the digest of."""
        return {"kind": self.kind, "subject": self.subject, "maker": self.maker, "payload": self.payload}
