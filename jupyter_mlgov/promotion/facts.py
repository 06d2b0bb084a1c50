"""The facts of promotion: reviews, reasons, decisions."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Literal

from jupyter_mlgov.core.actors import Actor
from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.core.verdicts import Severity
from jupyter_mlgov.promotion.terms import Terms


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """The most that an approval allows. `traffic` is a share of all requests (0..1), `exposure` an amount in the firm's own unit."""

    name: Literal["traffic", "exposure"]
    most: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """A person's word on one report. Counts only for the report it read, never from an author of the subject.

    `attests_unchecked`: the reviewer judged by hand the controls that no validator checks here, and says so. `until` is the last day
    (2026-12-31) on which an approval counts; empty: no end. `seq` is its place in the log: the later word is the one that stands later
    there, whatever a clock said. `terms` are the rules of the gates under which it was asked for and given: it counts under no others;
    empty in entries from before they were recorded.
    """

    actor: Actor
    verdict: Literal["approve", "refuse"]
    report: Digest
    comment: str
    time: datetime
    attests_unchecked: bool = False
    limits: tuple[Limit, ...] = ()
    until: str = ""
    seq: int = 0
    terms: tuple[Terms, ...] = ()


class Answer(StrEnum):
    """A gate's answer. Only `granted` moves a model."""

    GRANTED = "granted"
    REFUSED = "refused"
    AWAITING_REVIEW = "awaiting review"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fix:
    """What would lift a reason, for a machine: cells to run, code to insert as a cell, a shell command, or people to ask.

    `restart`: restart the kernel and run all. `team-file`: declare in mlgov.toml what the reason's next step names. `people` empty with
    `ask-person`: anybody who did not work on the model.
    """

    kind: Literal["run-cell", "insert-cell", "command", "ask-person", "restart", "team-file"]
    cells: tuple[str, ...] = ()
    code: str = ""
    command: str = ""
    people: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One thing that stands in the way. `next` is what to type, run or whom to ask; `validator`/`cell` point to its place."""

    code: str
    sentence: str
    next: str
    severity: Severity = Severity.HIGH
    validator: str = ""
    cell: str = ""
    fix: Fix | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """A gate's answer with all its reasons, replayable from the trail. `report` is None when there was none to judge.

    `limits` and `until` are what the approvals allow at most; `waivers` are the entries of those that lifted something.
    """

    model: str
    version: str
    stage: str
    answer: Answer
    reasons: tuple[Reason, ...]
    report: Digest | None
    team: Digest
    asked_by: Actor
    approved_by: tuple[Actor, ...] = ()
    notes: tuple[str, ...] = field(default=())
    limits: tuple[Limit, ...] = ()
    until: str = ""
    waivers: tuple[Digest, ...] = ()
