"""Ports: places outside the workspace that keep a checkpoint, so that a log replaced as a whole has witnesses against it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Occasion:
    """Why a checkpoint is left: usually a promotion of `version` of `model` to `stage`. All empty for one made by hand."""

    model: str = ""
    version: str = ""
    stage: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What the log keeps of a checkpoint that was left somewhere: the note, and what the place gave back."""

    anchor: str
    note: str
    answer: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Witness:
    """A note found outside. `exclusive`: the place is this workspace's own, so a note of another log there means a replaced log."""

    where: str
    note: str
    exclusive: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Testimony:
    """What one anchor says: the notes it holds, what it could not tell, and receipts it says it never gave."""

    anchor: str
    witnesses: tuple[Witness, ...] = ()
    cannot: str = ""
    denied: tuple[str, ...] = ()


class Anchor(Protocol):
    """Port: one place that keeps checkpoints (MLflow, git, a file, a webhook, a time-stamping authority)."""

    @property
    def name(self) -> str:
        """As it stands in the log and on the screen, for instance `git` or `file /mnt/worm/mlgov.txt`. Never holds a secret."""
        ...

    def leave(self, note: str, occasion: Occasion) -> Mapping[str, str]:
        """Leave `note` there. Raises MlgovError when it did not take; whatever it returns is kept in the log as the receipt."""
        ...

    def testify(self, receipts: Sequence[Receipt]) -> Testimony:
        """The notes found there now, whether or not the log has a receipt for them. Raises nothing: see `cannot`."""
        ...
