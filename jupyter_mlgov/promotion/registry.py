"""Port: the place where the world looks up which version of a model is in which stage."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Protocol

from jupyter_mlgov.promotion.facts import Decision


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelVersion:
    """A registered version; `model_digest` is our digest of the model it carries (tag `mlgov.model`)."""

    model: str
    version: str
    run_id: str
    model_digest: str


class ModelRegistry(Protocol):
    """Raises SystemUnreachable when the registry does not answer."""

    def latest(self, model: str) -> ModelVersion | None: ...

    def find(self, model: str, model_digest: str, among: Collection[str]) -> ModelVersion | None:
        """The newest of these versions that carries this very model. Who may write to the registry may write any tag on any version."""
        ...

    def at_stage(self, model: str, stage: str) -> ModelVersion | None: ...

    def aliases(self) -> Mapping[str, Mapping[str, str]]:
        """model -> alias -> version, for every registered model that has one."""
        ...

    def point(self, model: str, stage: str, version: str, tags: Mapping[str, str]) -> None:
        """Set alias `stage` to `version` (empty: take it away) and read it back; `tags` say who, when and why on the version."""
        ...

    def promote(self, version: ModelVersion, decision: Decision, entry: str) -> None:
        """Set alias `decision.stage`, with who, when and why as tags; `entry` is the trail entry's digest."""
        ...
