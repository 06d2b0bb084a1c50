"""Which version the log says is in a stage, now or at any moment before: folded from decisions and rollbacks alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from jupyter_mlgov.audit.entries import AuditEntry
from jupyter_mlgov.core.actors import Actor
from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.promotion.facts import Answer
from jupyter_mlgov.promotion.fold import decisions

# Entries that say which version is to be in a stage.
INTENDING = ("promotion.decided", "rollback.ordered", "stage.emptied")


@dataclass(frozen=True, slots=True, kw_only=True)
class Intended:
    """A version that was let into `stage`, since when, by which entry. `version` is empty where the stage was emptied."""

    model: str
    stage: str
    version: str
    since: datetime
    actor: Actor
    entry: Digest
    how: Literal["decision", "rollback", "emptied"]


def history(entries: Iterable[AuditEntry], model: str) -> tuple[Intended, ...]:
    """Every version that ever was to be in a stage of `model`, oldest first. A refused or unreadable decision moves nothing."""
    return tuple(_moves(entries, model))


def intended(entries: Iterable[AuditEntry], model: str, stage: str, at: datetime | None = None) -> Intended | None:
    """The newest of history() for `stage`, at the moment `at` (inclusive; default: now). None: nothing was ever let in."""
    found = [move for move in history(entries, model) if move.stage == stage and (at is None or move.since <= at)]
    return found[-1] if found else None


def before(entries: Iterable[AuditEntry], model: str, stage: str) -> Intended | None:
    """The newest other version that was in `stage` before the present one: where a rollback goes to unless somebody says.

    A version that was itself rolled back is passed over: it was taken out for a reason.
    """
    entries = tuple(entries)
    moves = [move for move in history(entries, model) if move.stage == stage and move.version]
    if not moves:
        return None
    left = {
        str(entry.payload.get("from"))
        for entry in entries
        if entry.action == "rollback.ordered" and entry.subject == model and entry.payload.get("stage") == stage
    }
    others = [move for move in moves if move.version != moves[-1].version and move.version not in left]
    return others[-1] if others else None


def _moves(entries: Iterable[AuditEntry], model: str) -> Iterator[Intended]:
    """A rollback leads back only to what a decision once let into that very stage; any other order leaves nothing in it."""
    held: set[tuple[str, str]] = set()
    for entry in entries:
        if entry.subject != model or entry.action not in INTENDING:
            continue
        if entry.action == "promotion.decided":
            for decision in decisions([entry], model):
                if decision.answer is Answer.GRANTED and decision.version:
                    held.add((decision.stage, decision.version))
                    yield _move(entry, decision.stage, decision.version, "decision")
            continue
        stage, version = entry.payload.get("stage"), entry.payload.get("to", "")
        if not isinstance(stage, str) or not stage or not isinstance(version, str):
            continue
        back = entry.action == "rollback.ordered" and (stage, version) in held
        yield _move(entry, stage, version if back else "", "rollback" if back else "emptied")


def _move(entry: AuditEntry, stage: str, version: str, how: Literal["decision", "rollback", "emptied"]) -> Intended:
    return Intended(model=entry.subject, stage=stage, version=version, since=entry.time, actor=entry.actor, entry=entry.digest, how=how)
