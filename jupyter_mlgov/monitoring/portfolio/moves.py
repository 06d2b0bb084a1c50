"""Decisions, rollbacks and canaries, folded into a model's standing, and what each adds to the figures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from jupyter_mlgov.audit.entries import AuditEntry
from jupyter_mlgov.core.clock import stamp
from jupyter_mlgov.monitoring.portfolio.facts import Count, Deployed, Sitting, Standing
from jupyter_mlgov.monitoring.portfolio.judged import Folded, declared
from jupyter_mlgov.monitoring.portfolio.reading import hours, table, text
from jupyter_mlgov.promotion.facts import Answer
from jupyter_mlgov.promotion.fold import decisions

# The first cell that ran of a notebook: (entry, time), or None.
First = Callable[[str], tuple[int, str] | None]
_TEAM = ("tier", "stages", "scope", "policies")
_SECTIONS = ("inventory", "dependencies", "findings")


def decided(now: Standing, entry: AuditEntry) -> Folded:
    """A granted decision moves the model; into the last stage it is a deployment, and ends the documentation of that version."""
    payload = entry.payload
    team = table(table(payload.get("docket")).get("team"))
    register = table(team.get("register"))
    now = declared(
        now, {**{name: team[name] for name in _TEAM if name in team}, **{name: register[name] for name in _SECTIONS if name in register}}
    )
    now = replace(now, notebook=text(payload.get("notebook")) or now.notebook)
    found = decisions([entry], entry.subject)
    if not found or found[0].answer is not Answer.GRANTED:
        return now, ()
    given = found[0]
    reviews = tuple(one for one in now.reviews if (one.stage, one.report) != (given.stage, given.report))
    now = replace(now, reviews=reviews)
    if not given.version:
        return now, ()
    versions = now.let_in.get(given.stage, ())
    let_in = {**now.let_in, given.stage: versions if given.version in versions else (*versions, given.version)}
    now = replace(now, held={**now.held, given.stage: given.version}, let_in=let_in)
    if given.stage != now.stages[-1]:
        return now, ()
    counts = [Count(figure="deployment-success", model=now.model, seq=entry.seq, n=1, entries=(entry.seq,))]
    if now.sitting.seconds > 0:
        spent, said = round(now.sitting.seconds / 3600, 4), (*now.sitting.entries, entry.seq)
        counts.append(Count(figure="documentation-hours", model=now.model, seq=entry.seq, n=1, hours=spent, entries=said))
    return replace(now, pending={**now.pending, entry.digest: entry.seq}, sitting=Sitting()), tuple(counts)


def applied(now: Standing, entry: AuditEntry, first: First) -> Folded:
    """The registry took a decision. The first time in the last stage also says how long the way was from the first cell."""
    decision = text(entry.payload.get("decision"))
    if decision not in now.pending:
        return now, ()
    begun, version = now.pending[decision], text(entry.payload.get("version"))
    there = Deployed(version=version, decided=begun, applied=entry.seq)
    after = replace(
        now,
        pending={name: seq for name, seq in now.pending.items() if name != decision},
        deployed=(*(one for one in now.deployed if one.version != version), there),
        produced=now.produced or stamp(entry.time),
    )
    counts = [Count(figure="deployment-success", model=now.model, seq=entry.seq, n=0, good=1, entries=(begun, entry.seq))]
    cell = None if now.produced else first(now.notebook)
    if cell is not None:
        way = hours(cell[1], stamp(entry.time))
        counts.append(Count(figure="time-to-production", model=now.model, seq=entry.seq, n=1, hours=way, entries=(cell[0], entry.seq)))
    return after, tuple(counts)


def ordered(now: Standing, entry: AuditEntry) -> Folded:
    """A rollback leads back only to what was once let in; what is taken back was no successful deployment."""
    stage, to, left = (text(entry.payload.get(name)) for name in ("stage", "to", "from"))
    if not stage:
        return now, ()
    there = to if to in now.let_in.get(stage, ()) else ""
    now = replace(now, held={**now.held, stage: there})
    taken = tuple(one for one in now.deployed if stage == now.stages[-1] and one.version == left)
    counts = tuple(
        Count(
            figure="deployment-success",
            model=now.model,
            seq=entry.seq,
            n=0,
            good=-1,
            entries=(one.decided, one.applied, entry.seq),
        )
        for one in taken
    )
    return replace(now, deployed=tuple(one for one in now.deployed if one not in taken)), counts


def emptied(now: Standing, entry: AuditEntry) -> Folded:
    """What is taken out of a stage with no other in its stead has not failed by that: a model may simply end."""
    stage = text(entry.payload.get("stage"))
    return (replace(now, held={**now.held, stage: ""}) if stage else now), ()


def came_back(now: Standing, entry: AuditEntry) -> Folded:
    """One that was done counts for the figure, one that failed or was refused against it."""
    good = int(entry.action == "rollback.done")
    return now, (Count(figure="rollback-success", model=now.model, seq=entry.seq, n=1, good=good, entries=(entry.seq,)),)


def settled(now: Standing, entry: AuditEntry) -> Folded:
    """A canary's answer held against the labels. A later answer about the same canary takes the place of the earlier one."""
    name, agreed = text(entry.payload.get("canary")), entry.payload.get("agreed")
    before = now.canaries.get(name)
    known = {key: value for key, value in now.canaries.items() if key != name}
    after = replace(now, canaries={**known, name: int(agreed)} if isinstance(agreed, bool) else known)
    n = int(isinstance(agreed, bool)) - int(before is not None)
    good = int(agreed is True) - (before or 0)
    if not n and not good:
        return after, ()
    return after, (Count(figure="canary-agreement", model=now.model, seq=entry.seq, n=n, good=good, entries=(entry.seq,)),)
