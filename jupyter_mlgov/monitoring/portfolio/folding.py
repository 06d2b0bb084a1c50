"""One entry after another into where each model stands. Pure; what no handler knows changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from jupyter_mlgov.audit.entries import AuditEntry
from jupyter_mlgov.core.clock import stamp
from jupyter_mlgov.monitoring.portfolio import judged, moves
from jupyter_mlgov.monitoring.portfolio.facts import OpenFinding, Standing
from jupyter_mlgov.monitoring.portfolio.judged import Folded
from jupyter_mlgov.monitoring.portfolio.moves import First
from jupyter_mlgov.monitoring.portfolio.reading import table, text

# A changed fold needs another number: the read tables of the older one are then folded anew.
VERSION = 3


def advance(now: Standing | None, entry: AuditEntry, first: First) -> Folded:
    """The model of `entry` after it, and what it adds to the figures. `first` tells the first cell that ran of a notebook.

    Equal prefixes of a log give equal standings and counts, in whatever pieces they are folded.
    """
    when = stamp(entry.time)
    now = now or Standing(model=entry.subject, seq=entry.seq, first=when, moved=when)
    if entry.action == "promotion.applied":
        after, counts = moves.applied(now, entry, first)
    else:
        after, counts = _HANDLERS[entry.action](now, entry)
    return replace(after, seq=entry.seq, moved=when), counts


def _found(now: Standing, entry: AuditEntry) -> Folded:
    payload = entry.payload
    named = {name: text(payload.get(name)) for name in ("version", "severity", "due")}
    what = text(payload.get("reason"))[:500]
    one = OpenFinding(entry=entry.seq, id=entry.digest, what=what, since=stamp(entry.time), **named)
    return replace(now, findings=(*now.findings, one)), ()


def _settled(now: Standing, entry: AuditEntry) -> Folded:
    gone = text(entry.payload.get("finding"))
    return replace(now, findings=tuple(one for one in now.findings if one.id != gone)), ()


def _reproduced(now: Standing, entry: AuditEntry) -> Folded:
    return replace(now, reproduced=text(entry.payload.get("grade"))), ()


def _declared(now: Standing, entry: AuditEntry) -> Folded:
    """An import or a person declared fields: what is given replaces, a null takes the field away, the rest stays."""
    given = table(entry.payload.get("fields"))
    kept = {name: value for name, value in {**now.imported, **given}.items() if value is not None}
    return replace(now, imported=kept, edits=now.edits + 1), ()


_HANDLERS: dict[str, Callable[[Standing, AuditEntry], Folded]] = {
    "validation.done": judged.validated,
    "review.asked": judged.asked,
    "review.claimed": judged.claimed,
    "review.released": judged.claimed,
    "review.given": judged.answered,
    "form.answered": judged.wrote,
    "promotion.decided": moves.decided,
    "rollback.ordered": moves.ordered,
    "rollback.done": moves.came_back,
    "rollback.failed": moves.came_back,
    "rollback.refused": moves.came_back,
    "stage.emptied": moves.emptied,
    "canary.settled": moves.settled,
    "evidence.refuted": _found,
    "finding.settled": _settled,
    "reproduce.done": _reproduced,
    "inventory.declared": _declared,
}
ACTIONS = (*_HANDLERS, "promotion.applied")
# Of these the read tables keep the time alone: there are many of them, and they move nothing else.
WATCHED = "monitor.ran"
RAN = ("cell.started", "cell.finished")
