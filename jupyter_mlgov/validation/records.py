"""What people answered and what the trail tells about a model: the facts that validators of governance read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from jupyter_mlgov.core.actors import Actor
from jupyter_mlgov.core.digests import Digest


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """The answers one person gave to a control's questions: signed by the entry of the trail it came from, dated, bound to a model.

    `model` is the digest of the model that was answered about; an answer about another model does not count for this one.
    `answers` maps the id of a question to its text. `entry` is the digest of the trail's entry.
    """

    control: str
    answers: Mapping[str, str]
    actor: Actor
    time: datetime
    model: Digest | None = None
    entry: Digest | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """One act of the trail about the model: who, when, what (`action` of docs/formats/trail.md) and its payload."""

    action: str
    subject: str
    actor: Actor
    time: datetime
    payload: Mapping[str, object] = field(default_factory=dict)
    entry: Digest | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """What verifying the trail said. `problem` is empty where it is whole; `anchored` is the time of the newest entry that a witness
    outside holds, None where none does; `signed` counts the first entries under a signed checkpoint.

    `asked` is the hour in which the `witnesses` were asked, when the trail had `size` entries under this `root` (hex); `silent` says in
    sentences which of them could not be asked, and what else was not proven.
    """

    ok: bool
    problem: str = ""
    anchored: datetime | None = None
    signed: int = 0
    asked: datetime | None = None
    size: int = 0
    root: str = ""
    witnesses: tuple[str, ...] = ()
    silent: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Records:
    """What the trail tells about one model. `acts` leaves validations out: a verdict does not rest on earlier verdicts.

    `now` is the moment of asking, from the clock that was handed in; `authors` is everybody who ever ran or exported the notebook.
    """

    now: datetime
    model: str
    acts: tuple[Act, ...] = ()
    authors: tuple[Actor, ...] = ()

    def about(self, *actions: str) -> tuple[Act, ...]:
        """The acts with one of these actions, oldest first."""
        return tuple(act for act in self.acts if act.action in actions)
