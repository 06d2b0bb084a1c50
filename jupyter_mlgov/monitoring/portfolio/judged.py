"""Validations, reviews and written answers, folded into a model's standing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from jupyter_mlgov.audit.entries import AuditEntry
from jupyter_mlgov.core.clock import stamp
from jupyter_mlgov.core.verdicts import Verdict
from jupyter_mlgov.monitoring.portfolio.facts import Ahead, Count, OpenFinding, OpenReview, Sitting, Standing
from jupyter_mlgov.monitoring.portfolio.reading import hours, items, table, text
from jupyter_mlgov.promotion.counting import person
from jupyter_mlgov.validation.results import FORM, IN_FORCE

Folded = tuple[Standing, tuple[Count, ...]]
PAUSE = 0.5  # hours between two answers of one sitting at most
_DECIDED = frozenset({"pass", "warn", "fail", "not_applicable"})
_WORDS = {verdict.word: verdict.value for verdict in Verdict} | {verdict.value: verdict.value for verdict in Verdict}
_READINESS = "readiness"


def validated(now: Standing, entry: AuditEntry) -> Folded:
    """A whole report replaces the one before; a partial one (it has a note) changes nothing but what the team file says."""
    payload = entry.payload
    notebook = text(payload.get("notebook")) or now.notebook
    now = declared(replace(now, notebook=notebook), table(payload.get("declared")))
    report = table(payload.get("report"))
    if text(report.get("note")):
        return now, ()
    digest, subject = text(payload.get("digest")), table(report.get("subject"))
    controls, machine, evidenced = _controls(report)
    after = replace(
        now,
        verdict=_WORDS.get(text(payload.get("verdict")), ""),
        validated=stamp(entry.time),
        report=entry.seq,
        digest=digest,
        model_digest=text(subject.get("model")),
        controls=controls,
        machine=machine,
        evidenced=evidenced,
        data={str(name): text(value) for name, value in table(subject.get("data")).items()},
        ahead=tuple(_ahead(report)),
        reviews=tuple(one for one in now.reviews if one.notebook != notebook or one.report == digest),
    )
    return after, tuple(_changes(now, after, entry))


def _changes(before: Standing, after: Standing, entry: AuditEntry) -> Iterator[Count]:
    """A newer report takes the place of the older one in the shares of controls."""
    entries = tuple(filter(None, (before.report, entry.seq)))
    for figure, old, new in (
        ("controls-by-machine", before.machine, after.machine),
        ("controls-evidenced", before.evidenced, after.evidenced),
    ):
        n = after.controls - before.controls
        yield Count(figure=figure, model=after.model, seq=entry.seq, n=n, good=new - old, entries=entries)


def _controls(report: Mapping[str, object]) -> tuple[int, int, int]:
    """(controls in force, those every demand of which a validator decided, those with any answer of a validator)."""
    found: dict[tuple[str, str], list[tuple[bool, str]]] = {}
    for item in map(table, items(report.get("requirements"))):
        if item.get("standing") == IN_FORCE:
            name, verdict = text(item.get("validator")), text(item.get("verdict"))
            machine = bool(name) and not name.startswith(FORM)
            found.setdefault((text(item.get("policy")), text(item.get("control"))), []).append((machine, verdict))
    alone = sum(all(machine and verdict in _DECIDED for machine, verdict in asked) for asked in found.values())
    some = sum(any(machine and verdict in _DECIDED for machine, verdict in asked) for asked in found.values())
    return len(found), alone, some


def _ahead(report: Mapping[str, object]) -> Iterator[Ahead]:
    for item in map(table, items(report.get("requirements"))):
        if item.get("standing") == _READINESS:
            named = {name: text(item.get(name)) for name in ("policy", "control", "severity", "verdict")}
            yield Ahead(**named)


# -- what the team file said ------------------------------------------------------------------------------------------


def declared(now: Standing, team: Mapping[str, object]) -> Standing:
    """`now` with what the team file said in this act: tier, stages, register. An older act says nothing of it and changes nothing."""
    if not team:
        return now
    tier, stages = team.get("tier"), tuple(text(one) for one in items(team.get("stages")))
    own = tuple(one for one in now.findings if one.entry)
    return replace(
        now,
        tier=tier if isinstance(tier, int) and tier in (1, 2, 3) else now.tier,
        stages=stages if len(stages) > 1 and all(stages) else now.stages,
        team={str(name): value for name, value in team.items() if name not in ("tier", "stages")},
        findings=(*own, *_listed(table(team.get("findings")))),
    )


def _listed(findings: Mapping[str, object]) -> Iterator[OpenFinding]:
    """The open ones of `[findings.ID]` in a team file."""
    for name, body in findings.items():
        said = table(body)
        if name == "none" or text(said.get("closed")):
            continue
        named = {key: text(said.get(key)) for key in ("severity", "due")}
        yield OpenFinding(entry=0, id=str(name), what=text(said.get("what")), since=text(said.get("opened")), **named)


# -- reviews ----------------------------------------------------------------------------------------------------------


def asked(now: Standing, entry: AuditEntry) -> Folded:
    """A newer case on the same notebook and stage takes the place of the older one."""
    payload = entry.payload
    named = {name: text(payload.get(name)) for name in ("notebook", "stage", "report", "due")}
    if not named["notebook"] or not named["stage"] or not named["report"]:
        return now, ()
    notebook, stage, report, due = named.values()
    case = OpenReview(number=entry.seq, asked=stamp(entry.time), notebook=notebook, stage=stage, report=report, due=due)
    kept = tuple(one for one in now.reviews if (one.notebook, one.stage) != (case.notebook, case.stage))
    return replace(now, reviews=(*kept, case), notebook=case.notebook), ()


def claimed(now: Standing, entry: AuditEntry) -> Folded:
    """Somebody took a review, or let it go."""
    number, there = entry.payload.get("review"), entry.action == "review.claimed"
    reviews = tuple(replace(one, claimed=there) if one.number == number else one for one in now.reviews)
    return replace(now, reviews=reviews), ()


def answered(now: Standing, entry: AuditEntry) -> Folded:
    """The first word on a report ends the time in review; what a person wrote must be readable as a word."""
    report, when = text(entry.payload.get("report")), stamp(entry.time)
    mine = tuple(one for one in now.reviews if report and one.report == report)
    if not mine or not _is_word(entry):
        return now, ()
    counts = tuple(
        Count(figure="review-hours", model=now.model, seq=entry.seq, n=1, hours=hours(one.asked, when), entries=(one.number, entry.seq))
        for one in mine
    )
    return replace(now, reviews=tuple(one for one in now.reviews if one not in mine)), counts


def _is_word(entry: AuditEntry) -> bool:
    """As promotion/fold.py takes it, over the raw log, in which comments are sealed: a word in another person's name is nobody's."""
    who = text(table(entry.payload.get("actor")).get("id"))
    return entry.payload.get("verdict") in ("approve", "refuse") and bool(who) and person(who) == person(entry.actor.id)


# -- documentation ----------------------------------------------------------------------------------------------------


def wrote(now: Standing, entry: AuditEntry) -> Folded:
    """Two answers of one person at most PAUSE apart belong to one sitting, and the time between them was spent on them."""
    when, who, sitting = stamp(entry.time), entry.actor.id, now.sitting
    before = sitting.last.get(who, "")
    gap = hours(before, when) if before else 0.0
    spent = gap * 3600 if gap <= PAUSE else 0.0
    after = Sitting(
        seconds=round(sitting.seconds + spent, 3), entries=(*sitting.entries, entry.seq)[-200:], last={**sitting.last, who: when}
    )
    return replace(now, sitting=after), ()
