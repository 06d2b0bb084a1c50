"""Reviews as cases: who asked for what, who took it, what was asked and answered, and what people said in the end."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Literal

from jupyter_mlgov.audit.entries import AuditEntry
from jupyter_mlgov.core.actors import Actor
from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.promotion import fold
from jupyter_mlgov.promotion.counting import last_words, person
from jupyter_mlgov.promotion.facts import Answer, Review
from jupyter_mlgov.promotion.since import LogClock
from jupyter_mlgov.promotion.terms import Terms

ACTIONS = ("review.asked", "review.claimed", "review.released", "review.said", "review.reran", "review.given", "promotion.decided")


class State(StrEnum):
    """Where a case stands. `void`: what it was about has changed, so no word on it counts any more."""

    WAITING = "waiting"
    CLAIMED = "claimed"
    ANSWERED = "answered"
    REFUSED = "refused"
    CLOSED = "closed"
    VOID = "void"


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A question or an answer in a case."""

    kind: Literal["question", "answer"]
    actor: Actor
    time: datetime
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondRun:
    """Somebody measured everything again; `same` says whether the report came out as it was."""

    actor: Actor
    time: datetime
    found: str
    same: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One asked-for review. `number` is its place in the log; `asked_at` is by the log's order, whatever a clock said.

    `packet` names the sealed object with all that is to be reviewed, `terms` the gate's rules it was asked for under. `changed` says why
    the case is void, and is empty otherwise.
    """

    number: int
    id: Digest
    model: str
    notebook: str
    stage: str
    report: Digest
    packet: Digest
    asked_by: Actor
    asked_at: datetime
    claimed_by: Actor | None = None
    talk: tuple[Said, ...] = ()
    reruns: tuple[SecondRun, ...] = ()
    words: tuple[Review, ...] = ()
    closed: bool = False
    changed: tuple[str, ...] = ()
    terms: tuple[Terms, ...] = ()

    @property
    def state(self) -> State:
        """The newest word of each reviewer counts; one refusal refuses."""
        if self.closed:
            return State.CLOSED
        if self.changed:
            return State.VOID
        words = last_words(self.words, self.report)
        if any(word.verdict == "refuse" for word in words):
            return State.REFUSED
        if words:
            return State.ANSWERED
        return State.CLAIMED if self.claimed_by else State.WAITING

    @property
    def is_due(self) -> bool:
        """Somebody must still say something: only then the clock runs."""
        return self.state in (State.WAITING, State.CLAIMED)

    @property
    def open_questions(self) -> int:
        """Questions asked after the last answer."""
        last = max((place for place, said in enumerate(self.talk) if said.kind == "answer"), default=-1)
        return len(self.talk) - 1 - last


def cases(entries: Iterable[AuditEntry]) -> tuple[Case, ...]:
    """Every readable case, oldest first. A newer case on the same notebook and stage takes the place of an older one on another report."""
    found: dict[int, Case] = {}
    clock = LogClock()
    for entry in entries:
        latest = clock.read(entry.time)
        if entry.action not in ACTIONS:
            continue
        if entry.action == "review.asked":
            case = _asked(entry, latest)
            if case:
                found = {number: _overtaken(old, case) for number, old in found.items()}
                found[case.number] = case
        elif entry.action == "promotion.decided":
            granted = [one for one in fold.decisions([entry], entry.subject) if one.answer is Answer.GRANTED]
            for decision in granted:
                mine = [c for c in found.values() if (c.model, c.stage, c.report) == (decision.model, decision.stage, decision.report)]
                found.update({case.number: replace(case, closed=True) for case in mine})
        elif entry.action == "review.given":
            found.update({case.number: _word(case, entry) for case in found.values() if case.report == entry.payload.get("report")})
        else:
            number = entry.payload.get("review")
            if isinstance(number, int) and number in found:
                found[number] = _act(found[number], entry)
    return tuple(found.values())


def _overtaken(old: Case, new: Case) -> Case:
    mine = (old.notebook, old.stage) == (new.notebook, new.stage) and not old.closed
    return replace(old, changed=(f"review {new.number} was asked for instead",)) if mine else old


def _asked(entry: AuditEntry, at: datetime) -> Case | None:
    texts = [entry.payload.get(name) for name in ("notebook", "stage", "report", "packet")]
    try:
        notebook, stage, report, packet = (text if isinstance(text, str) else "" for text in texts)
        if not notebook or not stage:
            return None
        return Case(
            number=entry.seq,
            id=entry.digest,
            model=entry.subject,
            notebook=notebook,
            stage=stage,
            report=Digest(report),
            packet=Digest(packet),
            asked_by=entry.actor,
            asked_at=at,
            terms=fold.asked_under(entry),
        )
    except ValueError:
        return None


def _word(case: Case, entry: AuditEntry) -> Case:
    words = [review for review in fold.reviews([entry], case.report) if review.report == case.report]
    return replace(case, words=(*case.words, *words))


def _act(case: Case, entry: AuditEntry) -> Case:
    """The first who claims has it; only the claimer releases it."""
    payload = entry.payload
    if entry.action == "review.claimed":
        return case if case.claimed_by else replace(case, claimed_by=entry.actor)
    if entry.action == "review.released":
        mine = case.claimed_by is not None and person(case.claimed_by.id) == person(entry.actor.id)
        return replace(case, claimed_by=None) if mine else case
    if entry.action == "review.reran":
        found = str(payload.get("found"))
        again = SecondRun(actor=entry.actor, time=entry.time, found=found, same=found == case.report == payload.get("report"))
        return replace(case, reruns=(*case.reruns, again))
    kind, text = payload.get("kind"), payload.get("comment")
    if kind not in ("question", "answer") or not isinstance(text, str):
        return case
    said = Said(kind="question" if kind == "question" else "answer", actor=entry.actor, time=entry.time, text=text)
    return replace(case, talk=(*case.talk, said))
