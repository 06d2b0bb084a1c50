"""The review queue: ask, claim, talk, measure again, and the sealed packet that says what is reviewed. Each act is an entry."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from jupyter_mlgov.audit.entries import Draft
from jupyter_mlgov.core.canonical import canonical_json
from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.core.errors import MlgovError, NotReady, UsageError, unknown
from jupyter_mlgov.core.facts import fields_of, plain
from jupyter_mlgov.promotion.cases import ACTIONS, Case, SecondRun, State, cases
from jupyter_mlgov.promotion.facts import Review
from jupyter_mlgov.promotion.terms import Terms, changed, every, terms
from jupyter_mlgov.promotion.words import words

if TYPE_CHECKING:
    from jupyter_mlgov.core.team import Team
    from jupyter_mlgov.promotion.facts import Limit
    from jupyter_mlgov.validation.results import Report
    from jupyter_mlgov.workspace.composition import Workspace

PACKET = "mlgov-review-packet-1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Queued:
    """A case, its state now, when somebody must have answered, and what has come due."""

    case: Case
    state: State
    deadline: datetime
    due: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Packet:
    """What is reviewed, by digests: the report, its evidence, the kept objects, the cells. `problems` says what is not as it was sealed."""

    digest: Digest
    content: dict[str, object]
    problems: tuple[str, ...] = ()


def ask(workspace: Workspace, notebook: str, stage: str) -> Queued:
    """Ask for a review of the newest report, for `stage`. Asking twice for the same is one case.

    Raises NotReady where there is no report or it no longer holds, UsageError for an unknown stage.
    """
    from jupyter_mlgov.promotion.deadlines import after
    from jupyter_mlgov.promotion.since import log_time
    from jupyter_mlgov.workspace.judging import changes, last_report

    team = workspace.team_for(notebook)
    team.gate(stage)
    report = last_report(workspace, notebook)
    if report is None:
        raise NotReady("There is no report to review.", next="Ask for one: `mlgov validate`.")
    changed = changes(workspace, report, workspace.lineage(notebook), team)
    if changed:
        raise NotReady(f"The report no longer holds, because since then {'; '.join(changed)}.", next="Validate again: `mlgov validate`.")
    for one in queue(workspace, notebook):
        if (one.case.stage, one.case.report) == (stage, report.digest) and one.state not in (State.VOID, State.CLOSED):
            return one
    rules = terms(team, stage)
    sealed = workspace.objects.put(canonical_json(_packet(workspace, notebook, stage, report, rules)))
    due = after(log_time(workspace.journal.entries(), workspace.clock.now()), team.clock.hours, team.clock)
    payload = {"notebook": notebook, "stage": stage, "report": report.digest, "packet": sealed, "terms": fields_of(rules), "due": due}
    entry = workspace.journal.append([Draft(action="review.asked", subject=team.model, payload=payload)], actor=workspace.actor())[-1]
    return find(workspace, entry.seq)


def _packet(workspace: Workspace, notebook: str, stage: str, report: Report, rules: Terms) -> dict[str, object]:
    """No names in it: objects cannot be erased."""
    lineage = workspace.lineage(notebook)
    kept = [ref.stored for run in lineage.runs for ref in run.outputs if ref.stored]
    return {
        "schema": PACKET,
        "model": report.subject.name,
        "notebook": notebook,
        "stage": stage,
        "report": report.digest,
        "subject": plain(report.subject),
        "policies": [plain(policy) for policy in report.policies],
        "rules": rules.digest,
        "terms": plain(rules),
        "evidence": {result.validator: list(result.evidence) for result in report.results if result.evidence},
        "objects": sorted({str(digest) for digest in kept}),
        "cells": [{"cell": run.cell_id, "source": run.source_digest} for run in lineage.runs if run.step],
    }


def queue(workspace: Workspace, notebook: str | None = None) -> tuple[Queued, ...]:
    """Every case (of `notebook`), oldest first. A case whose subject changed since its report is void, and says what changed."""
    from jupyter_mlgov.promotion.deadlines import deadline, dues
    from jupyter_mlgov.promotion.since import log_time

    entries = tuple(workspace.journal.entries())
    now = log_time(entries, workspace.clock.now())
    found = []
    for case in cases(entries):
        if notebook is not None and case.notebook != notebook:
            continue
        case = replace(case, changed=case.changed or _changed(workspace, case))
        clock = workspace.team_for(case.notebook).clock
        told = tuple(due.kind for due in dues(case, clock, now))
        found.append(Queued(case=case, state=case.state, deadline=deadline(case, clock), due=told))
    return tuple(found)


def _changed(workspace: Workspace, case: Case) -> tuple[str, ...]:
    from jupyter_mlgov.workspace.judging import changes, last_report

    if case.closed:
        return ()
    report = last_report(workspace, case.notebook)
    if report is None:
        return ("its report is no longer on record",)
    lineage, team = workspace.lineage(case.notebook), workspace.team_for(case.notebook)
    told = (*changes(workspace, report, lineage, team), *rules_changed(case, team))
    if report.digest != case.report:
        told = (f"there is a newer report ({report.digest.short})", *told)
    stale = tuple(f"the step {status.step.label} {status.why or status.state.value}" for status in lineage.steps if status.state != "fresh")
    return (*told, *stale)


def rules_changed(case: Case, team: Team) -> tuple[str, ...]:
    """What the gate asks now and did not when the review was asked for, in one sentence; empty where it asks the same."""
    if case.stage not in team.stages[1:]:
        return (f"mlgov.toml no longer has a gate into {case.stage}",)
    others = changed(case.terms, terms(team, case.stage))
    return (f"the rules of the gate into {case.stage} changed ({'; '.join(others)})",) if others else ()


def find(workspace: Workspace, number: int) -> Queued:
    """Case `number`. Raises UsageError with the known ones."""
    known = {one.case.number: one for one in queue(workspace)}
    if number not in known:
        raise unknown("review", str(number), [str(one) for one in known], next="See `mlgov review queue`.")
    return known[number]


def live(workspace: Workspace, number: int) -> Queued:
    """Case `number`, if a word on it would still count."""
    one = find(workspace, number)
    if one.state is State.VOID:
        raise NotReady(
            f"Review {number} is void, because since then {'; '.join(one.case.changed)}.", next="See `mlgov review impact`, then ask again."
        )
    if one.state is State.CLOSED:
        raise NotReady(f"Review {number} is closed: its gate has opened.", next="See `mlgov review queue`.")
    return one


def claim(workspace: Workspace, number: int) -> Queued:
    """Take a case. Raises UsageError where somebody has it, or where the claimer worked on the model or may not approve it."""
    from jupyter_mlgov.promotion.counting import person

    one = live(workspace, number)
    me = workspace.actor()
    why_not = stranger_here(workspace, one.case)
    if why_not:
        raise UsageError(f"{me} cannot review {one.case.model}: {why_not}.", next="Somebody else takes it.")
    if one.case.claimed_by is None:
        _act(workspace, one.case, "review.claimed", {})
        one = find(workspace, number)
    taken = one.case.claimed_by
    if taken is None or person(taken.id) != person(me.id):
        raise UsageError(f"{taken} has review {number}.", next=f"They let it go with `mlgov review release {number}`.")
    return one


def stranger_here(workspace: Workspace, case: Case) -> str:
    """Why the acting person's approval would not count for `case`; empty where it would."""
    return objection_to(workspace, case.notebook, case.stage)


def objection_to(workspace: Workspace, notebook: str, stage: str) -> str:
    """Why the acting person's approval of `notebook` for `stage` would not count; empty where it would."""
    from jupyter_mlgov.promotion.authorship import hindrance
    from jupyter_mlgov.workspace.judging import committers

    team = workspace.team_for(notebook)
    people, problem = committers(workspace, notebook)
    return problem or hindrance(workspace.actor(), workspace.journal.entries(), notebook, people, team.approvers(team.gate(stage)))


def release(workspace: Workspace, number: int) -> Queued:
    """Let a claimed case go. Raises UsageError where it is somebody else's."""
    from jupyter_mlgov.promotion.counting import person

    one = find(workspace, number)
    taken = one.case.claimed_by
    if taken is None or person(taken.id) != person(workspace.actor().id):
        raise UsageError(f"Review {number} is not yours: {taken or 'nobody'} has it.", next="See `mlgov review queue`.")
    _act(workspace, one.case, "review.released", {})
    return find(workspace, number)


def say(workspace: Workspace, number: int, kind: Literal["question", "answer"], text: str) -> Queued:
    """Ask about a case, or answer. Raises BadInput for a text that is too long, UsageError for one that says nothing."""
    one = live(workspace, number)
    _act(workspace, one.case, "review.said", {"kind": kind, "comment": words(text, kind)})
    return find(workspace, number)


def packet(workspace: Workspace, number: int) -> Packet:
    """The sealed packet of a case, each thing in it held against its digest. Raises StorageProblem where the packet itself was changed."""
    case = find(workspace, number).case
    content = json.loads(workspace.objects.get(case.packet))
    problems = []
    if content.get("report") != case.report:
        problems.append("the packet is of another report")
    wanted = [*content["objects"], *(name for names in content["evidence"].values() for name in names)]
    for name in dict.fromkeys(wanted):
        try:
            workspace.objects.path(Digest(name))
        except (MlgovError, ValueError) as error:
            problems.append(str(getattr(error, "what", error)))
    return Packet(digest=case.packet, content=content, problems=tuple(problems))


def rerun(workspace: Workspace, number: int) -> tuple[SecondRun, tuple[str, ...]]:
    """Measure everything of a case again, as the acting person. Returns what came out, and which answers are others now.

    The report under review stays the report of record: what came out beside it is kept by its digest, with the differences in words.
    """
    from jupyter_mlgov.promotion.docket import find_report
    from jupyter_mlgov.validation.results import report_json
    from jupyter_mlgov.workspace import evidence
    from jupyter_mlgov.workspace.judging import measure
    from jupyter_mlgov.workspace.rerunning import differences, like

    case = live(workspace, number).case
    before = find_report(workspace.journal.entries(actions=("validation.done",)), case.report)
    measured = measure(workspace, case.notebook, fresh=True)[0].report
    evidence.keep(workspace, measured)
    report = like(before, measured)
    others = differences(before, report) if report.digest != case.report else ()
    kept = workspace.objects.put(canonical_json(report_json(measured)))
    payload: dict[str, object] = {"report": case.report, "found": report.digest, "kept": kept, "others": list(others)}
    moment = _act(workspace, case, "review.reran", payload)
    return SecondRun(actor=workspace.actor(), time=moment, found=report.digest, same=report.digest == case.report), others


def review(
    workspace: Workspace,
    notebook: str,
    verdict: Literal["approve", "refuse"],
    comment: str,
    *,
    attests_unchecked: bool,
    limits: tuple[Limit, ...] = (),
    until: str = "",
    number: int | None = None,
) -> tuple[Review, Report]:
    """Write the acting person's word on the newest report, or on that of review `number` while it is the newest.

    `limits` and `until` are the conditions of an approval. Raises NotReady when there is no report to read or the review is void,
    BadInput for a comment that is too long, UsageError for one that says nothing or a day that is past.
    """
    from jupyter_mlgov.promotion.conditions import parse_day
    from jupyter_mlgov.promotion.since import log_time
    from jupyter_mlgov.workspace.judging import last_report

    words(comment, "comment")
    team = workspace.team_for(notebook)
    report = last_report(workspace, notebook)
    if report is None:
        raise NotReady("There is no report to review.", next="Ask for one: `mlgov validate`.")
    if verdict == "refuse" and (limits or until):
        raise UsageError("A refusal has no conditions.", next="Leave --condition, --exposure and --until away.")
    if number is not None and live(workspace, number).case.notebook != notebook:
        raise UsageError(f"Review {number} is about another notebook.", next="See `mlgov review queue`.")
    if number is None and verdict == "approve":
        _same_rules(workspace, notebook, report, team)
    given = Review(
        actor=workspace.actor(),
        verdict=verdict,
        report=report.digest,
        comment=comment,
        time=workspace.clock.now(),
        attests_unchecked=attests_unchecked,
        limits=limits,
        until=until and parse_day(until, today=log_time(workspace.journal.entries(), workspace.clock.now()).date()),
        terms=every(team),
    )
    payload = {**fields_of(given), "notebook": notebook}
    workspace.record(Draft(action="review.given", subject=team.model, payload=payload))
    return given, report


def _same_rules(workspace: Workspace, notebook: str, report: Report, team: Team) -> None:
    """An approval that would count at no gate it was asked for is not taken: the reviewer shall see the new rules first."""
    newest = {case.stage: case for case in cases(workspace.journal.entries(actions=ACTIONS)) if case.notebook == notebook}
    for case in newest.values():
        told = rules_changed(case, team) if case.report == report.digest and not case.closed else ()
        if told:
            raise NotReady(
                f"Review {case.number} is void, because since it was asked for {told[0]}.",
                next=f"Ask again, so that what is approved is what stands there now: `mlgov review ask {case.stage}`.",
            )


def _act(workspace: Workspace, case: Case, action: str, payload: dict[str, object]) -> datetime:
    draft = Draft(action=action, subject=case.model, payload={"review": case.number, "notebook": case.notebook, **payload})
    return workspace.journal.append([draft], actor=workspace.actor())[-1].time
