"""The way back as facts: what was looked at before and after, what was done, and what was done instead."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from jupyter_mlgov.core.actors import Actor

Answer = Literal["ok", "failed", "unknown"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """One thing that was looked at. `unknown` is not `ok`: `said` tells why it could not be looked at."""

    name: str
    answer: Answer
    said: str = ""

    def __str__(self) -> str:
        word = {"ok": "✓", "failed": "✕", "unknown": "?"}[self.answer]
        return f"{word} {self.name}{f': {self.said}' if self.said else ''}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PassedOver:
    """A version that was not gone back to, and why."""

    version: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What a rollback or a drill did, with times. `seconds` runs from the order to the registry's answer.

    `done`: the registry shows `to`. `drilled`: everything but that. `refused`: nothing was ordered.
    `failed`: it was ordered and did not take.
    """

    model: str
    stage: str
    outcome: Literal["done", "drilled", "refused", "failed"]
    left: str
    to: str
    reason: str
    actor: Actor
    ordered: datetime
    finished: datetime
    seconds: float
    before: tuple[Looked, ...] = ()
    after: tuple[Looked, ...] = ()
    passed_over: tuple[PassedOver, ...] = ()
    problem: str = ""

    @property
    def sentence(self) -> str:
        """What happened, in one sentence."""
        what = f"{self.stage} of {self.model}"
        if self.outcome == "done":
            return f"{what} is back at version {self.to} (was {self.left or 'empty'}), {self.seconds:.2f} s after the order."
        if self.outcome == "drilled":
            return f"A rollback of {what} to version {self.to} would work: {len(self.before)} things looked at in {self.seconds:.2f} s."
        return f"{what} was not brought back: {self.problem}"


def blocking(looked: tuple[Looked, ...]) -> str:
    """Why a version is not gone back to: what failed. What could not be looked at is said, and does not stop a way back."""
    return "; ".join(f"{item.name}: {item.said}" for item in looked if item.answer == "failed")
