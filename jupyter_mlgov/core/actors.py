"""Who acts, and how sure we are of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

IdentitySource = Literal["jupyter", "oidc", "git", "os", "declared"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """A person or service. `source` says where the name comes from; a `declared` one is somebody's word and nothing more."""

    id: str
    source: IdentitySource
    name: str = ""

    def __str__(self) -> str:
        label = self.name or self.id
        return f"{label} (declared, not proven)" if self.source == "declared" else label


class Identity(Protocol):
    """Port: tells who is acting now."""

    def actor(self) -> Actor: ...
