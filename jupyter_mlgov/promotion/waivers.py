"""Waivers: what a gate lets pass for a while, for a reason, within a limit, on the word of people who did not ask for it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from jupyter_mlgov.audit.entries import AuditEntry
from jupyter_mlgov.core.actors import Actor
from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.core.verdicts import Severity
from jupyter_mlgov.promotion.counting import lapsed, person, same, stranger
from jupyter_mlgov.validation.results import Report, RequirementResult

LONGEST = timedelta(days=90)
WAIVED = "waived"
ACTIONS = ("waiver.asked", "waiver.answered", "waiver.withdrawn")


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiver:
    """Lifts one validator's verdict, or one control's demands, until the end of the day `until`.

    `scope` is the digest of the model it is for, or None for every version. `approvals` are those who said yes, in order; whether they
    count is for objection() to say. `id` is the digest of the entry that asked for it.
    """

    id: Digest
    seq: int
    waives: str
    reason: str
    limit: str
    until: str
    scope: Digest | None
    asked_by: Actor
    asked_at: datetime
    approvals: tuple[Actor, ...] = ()
    refused_by: Actor | None = None
    withdrawn: bool = False

    @property
    def sentence(self) -> str:
        """How it is shown wherever the verdict is shown."""
        who = ", ".join(str(actor) for actor in self.approvals) or "nobody yet"
        return f"{self.waives} is waived until {self.until} by {who} (asked by {self.asked_by}: {self.reason}; limit: {self.limit})"


def waivers(entries: Iterable[AuditEntry], model: str) -> tuple[Waiver, ...]:
    """Every readable waiver about `model`, oldest first, with what people said of it. What cannot be read waives nothing."""
    found: dict[str, Waiver] = {}
    for entry in entries:
        if entry.subject != model or entry.action not in ACTIONS:
            continue
        if entry.action == "waiver.asked":
            asked = _asked(entry)
            if asked:
                found[asked.id] = asked
            continue
        name = entry.payload.get("waiver")
        if isinstance(name, str) and name in found:
            found[name] = _told(found[name], entry)
    return tuple(found.values())


def _asked(entry: AuditEntry) -> Waiver | None:
    texts = [entry.payload.get(name) for name in ("waives", "reason", "limit", "until")]
    waives, reason, limit, until = (text if isinstance(text, str) else "" for text in texts)
    if not all(text.strip() for text in (waives, reason, limit, until)):
        return None
    scope = entry.payload.get("scope")
    try:
        date.fromisoformat(until)
        about = None if scope == "model" else Digest(str(scope))
    except ValueError:
        return None
    return Waiver(
        id=entry.digest,
        seq=entry.seq,
        waives=waives,
        reason=reason,
        limit=limit,
        until=until,
        scope=about,
        asked_by=entry.actor,
        asked_at=entry.time,
    )


def _told(waiver: Waiver, entry: AuditEntry) -> Waiver:
    """A refusal or withdrawal is for good; a yes counts once a person. Who withdraws it is the one who asked."""
    if entry.action == "waiver.withdrawn":
        mine = person(entry.actor.id) == person(waiver.asked_by.id)
        return replace(waiver, withdrawn=waiver.withdrawn or mine)
    verdict = entry.payload.get("verdict")
    if verdict == "refuse":
        return replace(waiver, refused_by=waiver.refused_by or entry.actor)
    known = {person(actor.id) for actor in waiver.approvals}
    if verdict != "approve" or person(entry.actor.id) in known:
        return waiver
    return replace(waiver, approvals=(*waiver.approvals, entry.actor))


def severity(waives: str, report: Report) -> Severity:
    """The gravest severity among the demands that `waives` would lift; `low` where it lifts none."""
    found = [item.severity for item in report.requirements if item.binds and waives in (item.validator, item.control)]
    return min(found, key=lambda one: one.rank, default=Severity.LOW)


def objection(waiver: Waiver, report: Report, *, authors: tuple[Actor, ...], reviewers: tuple[str, ...], at: datetime | None) -> str:
    """Why `waiver` lifts nothing of this report at the moment `at`; an empty text when it does.

    Approvers are not the asker and not an author; two are needed where something critical is lifted.
    """
    if waiver.withdrawn:
        return "it was withdrawn"
    if waiver.refused_by:
        return f"{waiver.refused_by} refused it"
    if lapsed(waiver.until, at):
        return f"it lapsed after {waiver.until}"
    if date.fromisoformat(waiver.until) - waiver.asked_at.date() > LONGEST:
        return f"it asks for more than {LONGEST.days} days"
    if waiver.scope is not None and waiver.scope != report.subject.model:
        return "it is for another version of the model"
    if not authors:
        return "nobody knows who worked on the model, so nobody can be told to be independent of it"
    counting = [actor for actor in waiver.approvals if not _why_not(actor, waiver, authors, reviewers)]
    needed = 2 if severity(waiver.waives, report) is Severity.CRITICAL else 1
    if len(counting) < needed:
        told = "; ".join(f"{actor}: {why}" for actor in waiver.approvals if (why := _why_not(actor, waiver, authors, reviewers)))
        missing = "one approval" if needed - len(counting) == 1 else f"{needed - len(counting)} approvals"
        return f"it lacks {missing} by people who did not ask for it{f' ({told})' if told else ''}"
    return ""


def _why_not(actor: Actor, waiver: Waiver, authors: tuple[Actor, ...], reviewers: tuple[str, ...]) -> str:
    if same(actor.id, waiver.asked_by.id):
        return "who asks for a waiver cannot approve it"
    return stranger(actor, authors, reviewers)


def in_force(
    found: Iterable[Waiver], report: Report, *, authors: tuple[Actor, ...], reviewers: tuple[str, ...], at: datetime | None
) -> tuple[Waiver, ...]:
    """Those to which there is no objection."""
    return tuple(one for one in found if not objection(one, report, authors=authors, reviewers=reviewers, at=at))


def waived(report: Report, lifting: Iterable[Waiver]) -> Report:
    """`report` as a gate reads it: the demands that a waiver lifts no longer bind, and say who lifted them until when.

    Results stay what they are: a waiver is a decision, not a verdict. The digest of what comes back is not the report's.
    """
    by: Mapping[str, Waiver] = {one.waives: one for one in lifting}
    asked = {item.validator for item in report.requirements}
    bare = tuple(_of_its_own(one) for name, one in by.items() if name not in asked and report.result(name) is not None)
    lifted = tuple(_lifted(item, by) for item in report.requirements)
    return replace(report, requirements=(*lifted, *bare))


def _lifted(item: RequirementResult, by: Mapping[str, Waiver]) -> RequirementResult:
    waiver = by.get(item.validator) or by.get(item.control)
    return replace(item, standing=WAIVED, note=waiver.sentence) if waiver and item.binds else item


def _of_its_own(waiver: Waiver) -> RequirementResult:
    """The demand of nobody on a validator that ran because the team asked for it, lifted."""
    return RequirementResult(
        policy="",
        control="",
        cite="",
        url="",
        obligation="",
        verified="",
        severity=Severity.LOW,
        automation="",
        gates=(),
        validator=waiver.waives,
        verdict=None,
        standing=WAIVED,
        note=waiver.sentence,
    )
