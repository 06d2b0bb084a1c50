"""What a decision rests on, recorded with it: with the log up to that moment it is enough to decide again, and `replay` does."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from typing import Literal

from jupyter_mlgov.audit.entries import AuditEntry
from jupyter_mlgov.audit.personal import PREFIX
from jupyter_mlgov.core.actors import Actor
from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.core.facts import fields_of, plain
from jupyter_mlgov.core.restoring import Unreadable, restore
from jupyter_mlgov.core.team import Team
from jupyter_mlgov.lineage.facts import StepStatus
from jupyter_mlgov.lineage.staleness import HiddenState
from jupyter_mlgov.promotion import fold, gates, since
from jupyter_mlgov.promotion.authorship import authors, copied_from, copies
from jupyter_mlgov.promotion.conditions import Circumstances
from jupyter_mlgov.promotion.data import KeptData
from jupyter_mlgov.promotion.facts import Decision, Limit
from jupyter_mlgov.promotion.intended import intended
from jupyter_mlgov.promotion.registry import ModelVersion
from jupyter_mlgov.promotion.waivers import waivers
from jupyter_mlgov.validation.results import Report

# What is compared: the answer and its grounds. Wording may get better from one version of the program to the next.
_MEANING = ("model", "version", "stage", "answer", "report", "team", "asked_by", "approved_by", "limits", "until", "waivers")
_TOLERANCE = timedelta(minutes=15)


@dataclass(frozen=True, slots=True, kw_only=True)
class Docket:
    """All that a decision saw that is not in the log before it. `as_of` is the last entry it read; `at` its moment (RFC 3339).

    `report` names the report by digest; reviews, waivers, authors, drills and the decision before are read from the log. `clock` says how
    time was told: 2 by since.LogClock, 1 (decisions of older programs) by the latest time of any entry. `origin` is the notebook that this
    one was exported from, and `copied` are those that it was copied from (authorship.copied_from): whoever worked on those worked on this
    one. None: decisions of older programs, which looked at no copies.
    """

    team: Team
    notebook: str
    stage: str
    version: ModelVersion | None
    report: Digest | None
    stale: tuple[str, ...]
    steps: tuple[StepStatus, ...]
    committers: tuple[Actor, ...]
    git_problem: str
    data: tuple[KeptData, ...]
    limits: tuple[Limit, ...]
    asked_by: Actor
    at: str
    as_of: int
    hidden: HiddenState | None = None
    clock: int = 1
    origin: str = ""
    copied: tuple[str, ...] | None = None


def decide(docket: Docket, entries: Iterable[AuditEntry]) -> Decision:
    """The gate's answer from the docket and the log up to `as_of`; later entries are not looked at. Pure."""
    before: Sequence[AuditEntry] = [entry for entry in entries if entry.seq <= docket.as_of]
    before = since.by_the_log(before) if docket.clock > 1 else before
    team, model = docket.team, docket.team.model
    report = find_report(before, docket.report)
    stages = team.stages
    previous = stages[stages.index(docket.stage) - 1] if docket.stage in stages[1:] else ""
    versions = since.known_as(before, model, docket.version)
    seen = Circumstances(
        at=datetime.fromisoformat(docket.at),
        measured=since.measured(before, docket.notebook, docket.report),
        drilled=since.drilled(before, model, docket.stage),
        rerun=since.rerun(before, docket.report),
        waivers=waivers(before, model),
        limits=docket.limits,
        git_problem=docket.git_problem,
        refuted=since.refuted(before, model, versions),
    )
    # Who approved it did not know what the rollback knew.
    back = since.taken_back(before, model, docket.stage, versions)
    words = fold.reviews(before, report.digest) if report else ()
    decision = gates.decide(
        team=team,
        stage=docket.stage,
        model=model,
        version=docket.version,
        report=report,
        stale=docket.stale,
        steps=docket.steps,
        reviews=tuple(word for word in words if word.verdict != "approve" or word.seq > back),
        authors=authors(before, docket.notebook, docket.committers, docket.origin, docket.copied or ()),
        asked_by=docket.asked_by,
        previous=_let_in(before, model, previous),
        data=docket.data,
        seen=seen,
        hidden=docket.hidden,
    )
    void = sum(word.verdict == "approve" and word.seq <= back for word in words)
    told = f"This model was taken out of {docket.stage} since (entry {back:,}); approvals from before that do not count: {void}."
    notes = (*((told,) if void else ()), *_copied(docket, before))
    return replace(decision, notes=(*decision.notes, *notes)) if notes else decision


def _copied(docket: Docket, before: Sequence[AuditEntry]) -> tuple[str, ...]:
    """Why people who never ran this notebook are its authors, a sentence for each notebook it was copied from."""
    if not docket.copied:
        return ()
    return tuple(f"{name}: {one.sentence}." for name in (docket.notebook, docket.origin) if name for one in copied_from(before, name))


def _let_in(before: Sequence[AuditEntry], model: str, stage: str) -> Decision | None:
    """The newest decision on `stage`, as long as what it let in was not taken out again by a rollback."""
    found = [one for one in fold.decisions(before, model) if one.stage == stage]
    there = intended(before, model, stage)
    return found[-1] if found and there and there.version == found[-1].version else None


def find_report(entries: Iterable[AuditEntry], digest: Digest | None) -> Report | None:
    """The report of this digest as it stands in the log, whole and unchanged; None where there is none."""
    if digest is None:
        return None
    for entry in entries:
        if entry.action == "validation.done" and entry.payload.get("digest") == digest:
            found = report_of(entry.payload.get("report"))
            if found is not None and found.digest == digest:
                return found
    return None


def report_of(body: object) -> Report | None:
    """The report in a payload; None where it is none."""
    if not isinstance(body, Mapping):
        return None
    try:
        report: Report = restore(Report, {name: body[name] for name in (field.name for field in fields(Report)) if name in body}, "report")
    except (Unreadable, ValueError, TypeError):
        return None
    return report


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """What came of deciding again. `unproven`: it cannot be decided again from what is on record, and `why` says what is missing."""

    entry: Digest
    seq: int
    model: str
    stage: str
    answer: str
    outcome: Literal["agrees", "disagrees", "unproven"]
    why: str = ""

    @property
    def sentence(self) -> str:
        told = {"agrees": "decided again, with the same answer", "disagrees": "does NOT replay", "unproven": "cannot be decided again"}
        return (
            f"Entry {self.seq:,}, {self.model} to {self.stage} ({self.answer}): {told[self.outcome]}{f': {self.why}' if self.why else ''}."
        )


def replay(entries: Sequence[AuditEntry]) -> tuple[Replayed, ...]:
    """Every decision of the log, decided again from the entries before it and its own docket. Pure; in order.

    Law: for a log that was only written by this program all agree; a decision whose answer, grounds or docket were changed does not.
    """
    return tuple(_again(entry, entries) for entry in entries if entry.action == "promotion.decided")


def doubt(entry: AuditEntry, entries: Sequence[AuditEntry]) -> str:
    """Why nothing may rest on this decision; empty where it replays, or where only a person whose word it rests on was erased since."""
    found = _again(entry, entries)
    erased = found.outcome == "unproven" and "docket" in entry.payload
    return "" if found.outcome == "agrees" or erased else found.why


def _again(entry: AuditEntry, entries: Sequence[AuditEntry]) -> Replayed:
    def told(outcome: Literal["agrees", "disagrees", "unproven"], why: str = "") -> Replayed:
        stage, answer = (str(entry.payload.get(name, ""))[:60] for name in ("stage", "answer"))
        return Replayed(entry=entry.digest, seq=entry.seq, model=entry.subject, stage=stage, answer=answer, outcome=outcome, why=why)

    if "docket" not in entry.payload:
        return told("unproven", "what it saw was not recorded with it")
    read = fold.decisions([entry], entry.subject)
    if not read:
        return told("disagrees", "the decision itself cannot be read, or contradicts itself")
    try:
        docket: Docket = restore(Docket, _with_later_fields(entry.payload["docket"]), "docket")
        odd = _odd(docket, entry, entries)
        again = decide(docket, entries) if not odd else None
    except (Unreadable, ValueError) as error:
        return told("disagrees", f"its docket cannot be read ({str(error)[:200]})")
    if again is None:
        return told("disagrees", odd)
    different = differences(read[0], again)
    if not different:
        return told("agrees")
    if _erased(docket, entries):
        return told("unproven", "a person whose word it rests on was erased from the trail")
    return told("disagrees", "; ".join(different))


def _with_later_fields(body: object) -> object:
    """The docket of an older program with the fields that it did not have, as it would have filled them."""
    return {"hidden": None, "clock": 1, "origin": "", "copied": None, **body} if isinstance(body, Mapping) else body


def _odd(docket: Docket, entry: AuditEntry, entries: Sequence[AuditEntry]) -> str:
    """What contradicts the entry that carries the docket: a docket may not look into the future, be another's, or be back-dated."""
    if docket.as_of >= entry.seq:
        return "its docket reads entries that come after it"
    if docket.team.model != entry.subject or docket.asked_by.id != entry.actor.id:
        return "its docket is about another model or another person"
    told = since.log_time if docket.clock > 1 else since.latest_time
    moment = told((one for one in entries if one.seq <= entry.seq), entry.time)
    if docket.clock not in (1, 2) or (docket.clock == 1 and any(_clock(one) > 1 for one in entries if one.seq < entry.seq)):
        return "its docket tells the time as no decision of this log does any more"
    if docket.clock > 1 and docket.origin != fold.origin((one for one in entries if one.seq <= docket.as_of), docket.notebook):
        return "its docket names another notebook as the one that its own was exported from"
    if docket.copied is None and any(_copied_named(one) for one in entries if one.seq < entry.seq):
        return "its docket looks at no copied notebooks, as no decision of this log does any more"
    if docket.copied is not None and docket.copied != copies(
        (one for one in entries if one.seq <= docket.as_of), docket.notebook, docket.origin
    ):
        return "its docket names other notebooks as those that its own was copied from"
    if abs(datetime.fromisoformat(docket.at) - moment) > _TOLERANCE:
        return "its docket has another time than its entry"
    body = entry.payload["docket"]
    twin = next((one for one in entries if one.seq < entry.seq and one.payload.get("docket") == body), None)
    return f"its docket is that of entry {twin.seq:,}, copied" if twin else ""


def _clock(entry: AuditEntry) -> int:
    docket = entry.payload.get("docket") if entry.action == "promotion.decided" else None
    clock = docket.get("clock") if isinstance(docket, Mapping) else None
    return clock if isinstance(clock, int) else 1


def _copied_named(entry: AuditEntry) -> bool:
    docket = entry.payload.get("docket") if entry.action == "promotion.decided" else None
    return isinstance(docket, Mapping) and docket.get("copied") is not None


def differences(recorded: Decision, again: Decision) -> tuple[str, ...]:
    """What is not the same, in words; empty where both mean the same. Sentences are not compared."""
    one, other = fields_of(recorded), fields_of(again)
    told = [f"{name} was {_short(one[name])} and is {_short(other[name])}" for name in _MEANING if one[name] != other[name]]
    before, now = ([(r.code, r.validator, r.severity.value, r.cell) for r in decision.reasons] for decision in (recorded, again))
    if before != now:
        told.append(f"its reasons were {_codes(before)} and are {_codes(now)}")
    return tuple(told)


def _codes(reasons: list[tuple[str, str, str, str]]) -> str:
    return ", ".join(":".join(filter(None, reason[:2])) for reason in reasons) or "none"


def _short(value: object) -> str:
    return repr(plain(value))[:80]


def _erased(docket: Docket, entries: Iterable[AuditEntry]) -> bool:
    about = (docket.team.model, docket.notebook)
    read = (entry for entry in entries if entry.seq <= docket.as_of and (entry.subject in about or entry.payload.get("notebook") in about))
    people = (docket.asked_by, *docket.committers, *(entry.actor for entry in read))
    return any(actor.id.startswith(PREFIX) for actor in people)
