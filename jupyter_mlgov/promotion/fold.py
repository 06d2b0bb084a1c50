"""What the trail says about reviews, authors and decisions. A payload that cannot be read is never an approval."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date, datetime
from typing import Literal, TypeVar

from jupyter_mlgov.audit.entries import AuditEntry
from jupyter_mlgov.core.actors import Actor
from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.core.restoring import Unreadable, restore
from jupyter_mlgov.core.verdicts import Severity
from jupyter_mlgov.promotion.counting import person
from jupyter_mlgov.promotion.facts import Answer, Decision, Fix, Limit, Reason, Review
from jupyter_mlgov.promotion.terms import Terms

# Acts on a notebook that make their actor one of its authors.
_AUTHORING = frozenset({"session.started", "cell.started", "cell.finished", "export.written"})

_T = TypeVar("_T")


class _Malformed(ValueError):
    """A field of a payload that is not what it should be; the whole payload is then left out."""


def reviews(entries: Iterable[AuditEntry], report: Digest) -> tuple[Review, ...]:
    """Every readable review of `report`, and of other reports on the same notebook (the gate says that those do not count).

    A word carries the rules it was given under, and those under which the newest review before it was asked for at each stage: what was
    put before the reviewer and what stood in mlgov.toml when he spoke may be two things.
    """
    kept = [entry for entry in entries if entry.action in ("review.given", "review.asked", "validation.done")]
    notebooks = {
        entry.payload.get("notebook") for entry in kept if entry.action == "validation.done" and entry.payload.get("digest") == report
    }
    notebooks = {name for name in notebooks if isinstance(name, str) and name}
    found = []
    asked: dict[tuple[object, object], tuple[Terms, ...]] = {}
    for entry in kept:
        if entry.action == "review.asked":
            asked[entry.payload.get("report"), entry.payload.get("stage")] = asked_under(entry)
        review = _review(entry) if entry.action == "review.given" else None
        if review and (review.report == report or entry.payload.get("notebook") in notebooks):
            before = (one for (about, _), under in asked.items() if about == review.report for one in under)
            found.append(replace(review, terms=tuple(dict.fromkeys((*review.terms, *before)))))
    return tuple(found)


def asked_under(entry: AuditEntry) -> tuple[Terms, ...]:
    """The rules in an entry that asks for a review; empty where there are none, or none that can be read."""
    try:
        return _terms([entry.payload["terms"]]) if "terms" in entry.payload else ()
    except ValueError:
        return ()


def worked_on(entries: Iterable[AuditEntry], notebook: str) -> tuple[Actor, ...]:
    """Everyone who ever opened, ran or exported `notebook`, in any session: a colleague's re-run does not make its author independent."""
    found: dict[str, Actor] = {}
    for entry in entries:
        mine = entry.subject == notebook or entry.payload.get("notebook") == notebook
        if mine and entry.action in _AUTHORING:
            found.setdefault(person(entry.actor.id), entry.actor)
    return tuple(found.values())


def origin(entries: Iterable[AuditEntry], notebook: str) -> str:
    """The notebook that `notebook` was exported from, by the newest `export.written` that names it; empty where none does."""
    found = ""
    for entry in entries:
        files = entry.payload.get("files") if entry.action == "export.written" else None
        if isinstance(files, (list, tuple)) and notebook in files and entry.subject != notebook:
            found = entry.subject
    return found


def decisions(entries: Iterable[AuditEntry], model: str) -> tuple[Decision, ...]:
    """Every readable decision about `model`, oldest first. One that says `granted` and gives reasons against it is not readable."""
    read = (_decision(entry) for entry in entries if entry.action == "promotion.decided" and entry.subject == model)
    return tuple(decision for decision in read if decision and decision.model == model)


def _review(entry: AuditEntry) -> Review | None:
    payload = entry.payload
    try:
        actor = _actor(payload.get("actor"))
        verdict = _choice(payload.get("verdict"))
        # The chain vouches for who wrote the entry; a payload in another person's name is nobody's word.
        if person(actor.id) != person(entry.actor.id):
            return None
        return Review(
            actor=entry.actor,
            verdict=verdict,
            report=Digest(_text(payload.get("report"))),
            comment=_text(payload.get("comment", "")),
            time=_time(payload.get("time")),
            attests_unchecked=_typed(payload.get("attests_unchecked", False), bool),
            limits=_limits(payload.get("limits", ())),
            until=_day(payload.get("until", "")),
            seq=entry.seq,
            terms=_terms(payload.get("terms", ())),
        )
    except ValueError:
        return None


def _decision(entry: AuditEntry) -> Decision | None:
    payload = entry.payload
    try:
        answer = Answer(_text(payload.get("answer")))
        reasons = tuple(_reason(item) for item in _items(payload.get("reasons")))
        if (answer is Answer.GRANTED) == bool(reasons):
            return None
        report = payload.get("report")
        return Decision(
            model=_text(payload.get("model")),
            version=_text(payload.get("version")),
            stage=_text(payload.get("stage")),
            answer=answer,
            reasons=reasons,
            report=None if report is None else Digest(_text(report)),
            team=Digest(_text(payload.get("team"))),
            asked_by=_actor(payload.get("asked_by")),
            approved_by=tuple(_actor(item) for item in _items(payload.get("approved_by"))),
            notes=tuple(_text(item) for item in _items(payload.get("notes"))),
            limits=_limits(payload.get("limits", ())),
            until=_day(payload.get("until", "")),
            waivers=tuple(Digest(_text(item)) for item in _items(payload.get("waivers", ()))),
        )
    except ValueError:
        return None


def _reason(value: object) -> Reason:
    item = _mapping(value)
    return Reason(
        code=_text(item.get("code")),
        sentence=_text(item.get("sentence")),
        next=_text(item.get("next")),
        severity=Severity(_text(item.get("severity"))),
        validator=_text(item.get("validator", "")),
        cell=_text(item.get("cell", "")),
        fix=_fix(item.get("fix")),
    )


def _fix(value: object) -> Fix | None:
    try:
        fix: Fix | None = None if value is None else restore(Fix, value, "fix")
    except Unreadable as error:
        raise _Malformed(str(error)) from None
    return fix


def _limits(value: object) -> tuple[Limit, ...]:
    """An approval whose limits cannot be read is no approval: they would be gone."""
    try:
        found = tuple(restore(Limit, item, "limit") for item in _items(value))
    except Unreadable as error:
        raise _Malformed(str(error)) from None
    if any(not 0 <= limit.most < math.inf for limit in found):
        raise _Malformed("a limit that is no amount")
    return found


def _terms(value: object) -> tuple[Terms, ...]:
    try:
        return tuple(restore(Terms, item, "terms") for item in _items(value))
    except Unreadable as error:
        raise _Malformed(str(error)) from None


def _day(value: object) -> str:
    text = _text(value)
    if text:
        date.fromisoformat(text)
    return text


def _actor(value: object) -> Actor:
    item = _mapping(value)
    source = _text(item.get("source"))
    if not _text(item.get("id")).strip():
        raise _Malformed("an actor without an id")
    for known in ("jupyter", "oidc", "git", "os", "declared"):
        if source == known:
            return Actor(id=_text(item.get("id")), source=known, name=_text(item.get("name", "")))
    raise _Malformed("an actor from an unknown source")


def _choice(value: object) -> Literal["approve", "refuse"]:
    if value == "approve":
        return "approve"
    if value == "refuse":
        return "refuse"
    raise _Malformed("a verdict that is neither approve nor refuse")


def _time(value: object) -> datetime:
    moment = datetime.fromisoformat(_text(value))
    if moment.tzinfo is None:
        raise _Malformed("a time without its zone")
    return moment


def _text(value: object) -> str:
    return _typed(value, str)


def _typed(value: object, kind: type[_T]) -> _T:
    if not isinstance(value, kind):
        raise _Malformed(f"not a {kind.__name__}")
    return value


def _mapping(value: object) -> Mapping[str, object]:
    if not isinstance(value, Mapping):
        raise _Malformed("not an object")
    return value


def _items(value: object) -> tuple[object, ...]:
    if not isinstance(value, (list, tuple)):
        raise _Malformed("not a list")
    return tuple(value)
