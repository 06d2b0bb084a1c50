"""Waivers, asked for by one person and answered by others; each act is an entry of the trail."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from jupyter_mlgov.audit.entries import Draft
from jupyter_mlgov.core.errors import NotReady, UsageError, unknown
from jupyter_mlgov.promotion.waivers import LONGEST, Waiver, objection, severity, waivers
from jupyter_mlgov.promotion.words import words

if TYPE_CHECKING:
    from jupyter_mlgov.validation.results import Report
    from jupyter_mlgov.workspace.composition import Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What somebody asks to be lifted. `scope` is `version` (the model as it is now) or `model` (every version of the name)."""

    waives: str
    reason: str
    limit: str
    until: str
    scope: Literal["version", "model"] = "version"


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A waiver and why it lifts nothing now; empty: it does."""

    waiver: Waiver
    number: int
    severity: str
    objection: str


def ask(workspace: Workspace, notebook: str, wish: Wish) -> Standing:
    """Write the wish. It lifts nothing before somebody else said yes.

    Raises UsageError for an unknown validator or control, a day that is past or more than 90 days away, or an empty reason or limit.
    """
    from jupyter_mlgov.promotion.conditions import parse_day
    from jupyter_mlgov.promotion.since import log_time

    team, report = workspace.team_for(notebook), _report(workspace, notebook)
    known = sorted({name for item in report.requirements for name in (item.control, item.validator) if name})
    known += [result.validator for result in report.results if result.validator not in known]
    if wish.waives not in known:
        raise unknown("validator or control in the report", wish.waives, known, next="See `mlgov report`.")
    today = log_time(workspace.journal.entries(), workspace.clock.now()).date()
    about = report.subject.model if wish.scope == "version" else "model"
    if about is None:
        raise NotReady("The report names no model to waive anything for.", next="Run the cell tagged `mlgov:train`, then `mlgov validate`.")
    payload = {
        "waives": wish.waives,
        "reason": words(wish.reason, "reason"),
        "limit": words(wish.limit, "compensating limit"),
        "until": parse_day(wish.until, today=today, longest=LONGEST),
        "scope": about,
        "notebook": notebook,
        "severity": severity(wish.waives, report).value,
    }
    entry = workspace.journal.append([Draft(action="waiver.asked", subject=team.model, payload=payload)], actor=workspace.actor())[-1]
    return find(workspace, notebook, entry.seq)


def answer(workspace: Workspace, notebook: str, number: int, verdict: Literal["approve", "refuse"], comment: str) -> Standing:
    """Write the acting person's word on waiver `number`. Who asked for it, or worked on the model, is refused here and by the gate."""
    from jupyter_mlgov.promotion.authorship import hindrance
    from jupyter_mlgov.promotion.counting import same
    from jupyter_mlgov.workspace.judging import committers

    standing = find(workspace, notebook, number)
    me, team = workspace.actor(), workspace.team_for(notebook)
    if verdict == "approve":
        if same(me.id, standing.waiver.asked_by.id):
            raise UsageError(f"{me} asked for this waiver.", expected="Expected somebody else to approve it.")
        people, _ = committers(workspace, notebook)
        why_not = hindrance(me, workspace.journal.entries(), notebook, people, team.reviewers)
        if why_not:
            raise UsageError(f"{me} cannot approve this waiver: {why_not}.")
    payload = {
        "waiver": standing.waiver.id,
        "waives": standing.waiver.waives,
        "verdict": verdict,
        "comment": words(comment, "comment", needed=verdict == "refuse"),
        "notebook": notebook,
    }
    workspace.record(Draft(action="waiver.answered", subject=team.model, payload=payload))
    return find(workspace, notebook, number)


def withdraw(workspace: Workspace, notebook: str, number: int) -> Standing:
    """Take back one's own wish. Raises UsageError for another person's."""
    from jupyter_mlgov.promotion.counting import person

    standing = find(workspace, notebook, number)
    if person(workspace.actor().id) != person(standing.waiver.asked_by.id):
        raise UsageError(f"{standing.waiver.asked_by} asked for this waiver.", next="Refuse it: `mlgov waive --refuse NUMBER`.")
    payload = {"waiver": standing.waiver.id, "waives": standing.waiver.waives, "notebook": notebook}
    workspace.record(Draft(action="waiver.withdrawn", subject=workspace.team_for(notebook).model, payload=payload))
    return find(workspace, notebook, number)


def find(workspace: Workspace, notebook: str, number: int) -> Standing:
    """Waiver `number` (its place in the log). Raises UsageError with the known ones."""
    found = {one.number: one for one in standings(workspace, notebook)}
    if number not in found:
        raise unknown("waiver", str(number), [str(one) for one in found], next="See `mlgov waive`.")
    return found[number]


def standings(workspace: Workspace, notebook: str) -> tuple[Standing, ...]:
    """Every waiver about the model of `notebook`, oldest first, with why it lifts nothing now where it does not."""
    from jupyter_mlgov.promotion.authorship import authors
    from jupyter_mlgov.promotion.since import log_time
    from jupyter_mlgov.workspace.judging import committers, last_report

    team, report = workspace.team_for(notebook), last_report(workspace, notebook)
    entries = tuple(workspace.journal.entries())
    mine = waivers(entries, team.model)
    if not mine:
        return ()
    people, problem = committers(workspace, notebook)
    makers = authors(entries, notebook, people)
    now = log_time(entries, workspace.clock.now())

    def why_not(waiver: Waiver) -> str:
        if report is None:
            return "there is no report"
        return problem or objection(waiver, report, authors=makers, reviewers=team.reviewers, at=now)

    return tuple(
        Standing(
            waiver=waiver,
            number=waiver.seq,
            severity=severity(waiver.waives, report).value if report else "",
            objection=why_not(waiver),
        )
        for waiver in mine
    )


def _report(workspace: Workspace, notebook: str) -> Report:
    from jupyter_mlgov.workspace.judging import last_report

    report = last_report(workspace, notebook)
    if report is None:
        raise NotReady("There is no report to waive anything of.", next="Ask for one: `mlgov validate`.")
    return report
