"""Which version is to answer whom, folded from the trail alone: every replica that reads the same entries comes to the same field."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

from jupyter_mlgov.audit.entries import AuditEntry
from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.promotion.intended import INTENDING, Intended, history

# Entries that move the field.
MOVING = (
    *INTENDING,
    "evidence.refuted",
    "killswitch.thrown",
    "killswitch.lifted",
    "breaker.ordered",
    "alarm.raised",
    "canary.started",
    "canary.judged",
    "canary.ordered",
)
Pod = Literal["champion", "challenger", "shadow"]
_ENDS = ("promoted", "aborted", "inconclusive")


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """`champion` answers; `challenger` computes in shadow, or answers `share` percent. `waiting` was let in and no canary moves it yet.

    `kept`: the version before, which may go on where the new champion cannot be loaded here (after a decision, never after a rollback).
    `killed` says why nobody answers, `tripped` why the baseline does; empty: not. `pod`: as what the one version of a pinned replica stands
    in the canary in force; the log of predictions says so, and a look can tell the arms apart.
    """

    champion: str = ""
    kept: str = ""
    waiting: str = ""
    challenger: str = ""
    share: float = 0.0
    shadow: bool = False
    canary: str = ""
    step: int = -1
    killed: str = ""
    tripped: str = ""
    refuted: frozenset[str] = frozenset()
    pod: Pod = "champion"


def field(entries: Iterable[AuditEntry], model: str, stage: str, switch: Literal["at once", "canary"] = "at once") -> Field:
    """The field of `model` in `stage` after these entries."""
    now = Field()
    entries = [entry for entry in entries if entry.subject == model]
    # Over all of them at once: a rollback leads back only to what an earlier entry let in.
    moves = {move.entry: move for move in history(entries, model) if move.stage == stage}
    for entry in entries:
        if entry.action in INTENDING:
            if entry.digest in moves:
                now = _moved(now, moves[entry.digest], switch)
        elif entry.action == "evidence.refuted":
            if entry.payload.get("serving") == "keep":
                continue  # a monitor's finding shuts gates; whether the model goes on answering is said by its plan
            now = replace(now, refuted=now.refuted | {str(entry.payload.get("version", ""))})
        elif entry.action.startswith("canary."):
            if entry.payload.get("stage", stage) == stage:
                now = _stepped(now, entry)
        else:
            now = _switched(now, entry)
    return now


def pinned(now: Field, version: str) -> Field:
    """The field for a replica that answers with `version` alone, while others answer with another one: the pods of a cluster's rollout.

    It answers while the version is the champion, the one before it, or on its way in; after that, and after a rollback, nobody does.
    What it answers belongs to the canary in force where the version is one of its two.
    """
    bare = Field(killed=now.killed, tripped=now.tripped, refuted=now.refuted)
    if version not in {now.champion, now.kept, now.waiting, now.challenger}:
        return bare
    if not now.canary or version not in (now.champion, now.challenger):
        return replace(bare, champion=version)
    pod: Pod = "champion" if version == now.champion else "shadow" if now.shadow else "challenger"
    return replace(bare, champion=version, canary=now.canary, step=now.step, pod=pod)


def _moved(now: Field, move: Intended, switch: str) -> Field:
    """A decision lets a version in; a rollback or an emptied stage takes it out at once and ends any canary."""
    bare = replace(now, challenger="", waiting="", share=0.0, shadow=False, canary="", step=-1)
    if move.how == "emptied":
        return replace(bare, champion="", kept="")
    if move.how == "decision" and move.version == now.champion:
        return bare
    if move.how == "decision" and switch == "canary" and now.champion:
        return replace(bare, waiting=move.version)
    return replace(bare, champion=move.version, kept=now.champion if move.how == "decision" else "")


def _stepped(now: Field, entry: AuditEntry) -> Field:
    payload = entry.payload
    if entry.action == "canary.started":
        return replace(
            now,
            champion=str(payload.get("champion") or now.champion),
            challenger=str(payload.get("challenger", "")),
            waiting="",
            share=0.0,
            shadow=True,
            canary=str(Digest(entry.digest)),
            step=-1,
        )
    if not now.canary or payload.get("canary") != now.canary:
        return now
    state, share, step = str(payload.get("state", "")), payload.get("share"), payload.get("step")
    if state == "promoted":
        return replace(now, kept=now.champion, champion=now.challenger, challenger="", share=0.0, shadow=False, canary="", step=-1)
    if state in _ENDS:
        return replace(now, challenger="", share=0.0, shadow=False, canary="", step=-1)
    if isinstance(share, (int, float)) and isinstance(step, int) and 0 <= share <= 100:
        return replace(now, share=float(share), shadow=step < 0, step=step)
    return now


def _switched(now: Field, entry: AuditEntry) -> Field:
    why = str(entry.payload.get("reason") or entry.payload.get("problem") or "no reason was given")
    if entry.action == "killswitch.thrown":
        return replace(now, killed=f"{why} ({entry.actor}, {entry.time:%Y-%m-%d %H:%M} UTC)")
    if entry.action == "killswitch.lifted":
        return replace(now, killed="")
    if entry.action == "breaker.ordered":
        return replace(now, tripped=f"by hand: {why}" if entry.payload.get("to") == "baseline" else "")
    if entry.action == "alarm.raised" and str(entry.payload.get("kind", "")).startswith("drift"):
        return replace(now, tripped=f"drift alarm: {why}")
    return now
