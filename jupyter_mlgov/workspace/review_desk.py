"""All that the panel's Review section shows of one notebook, as one fact: cases, waivers, people's questions, and whose word counts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from jupyter_mlgov.core.actors import Actor
from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.core.errors import UsageError
from jupyter_mlgov.core.gating import ReviewClock
from jupyter_mlgov.promotion.waivers import Waiver
from jupyter_mlgov.reports.views import CheckLine
from jupyter_mlgov.workspace.reviewing import Queued

if TYPE_CHECKING:
    from jupyter_mlgov.core.team import Team
    from jupyter_mlgov.validation.results import Report
    from jupyter_mlgov.workspace.composition import Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseView:
    """A case as the acting person sees it. `mine`: they have claimed it. `why_not`: why their approval would not count; empty: it would."""

    queued: Queued
    mine: bool
    why_not: str
    open_questions: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WaiverView:
    """A waiver, why it lifts nothing now (empty: it does), and why the acting person may not say yes to it. `mine`: they asked for it."""

    waiver: Waiver
    severity: str
    objection: str
    mine: bool
    why_not: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Waivable:
    """A check or control that could be lifted, with how it stands in the report."""

    name: str
    title: str
    severity: str
    verdict: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FormView:
    """A control, or a document, whose questions people answer. `human`: only somebody who did not work on the model may."""

    control: str
    title: str
    automation: str
    answered_by: str = ""
    answered_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewDesk:
    """Whose desk it is (`me`), why their approval would not count here, whose would (`approvers` empty: anybody who did not work on it),
    how many the next `stage` needs, how long a review may take (`clock`, in words), and everything that lies on the desk."""

    me: Actor
    why_not: str
    approvers: tuple[str, ...]
    stage: str
    needed: int
    clock: str
    today: str
    cases: tuple[CaseView, ...] = ()
    waivers: tuple[WaiverView, ...] = ()
    waivable: tuple[Waivable, ...] = ()
    forms: tuple[FormView, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PacketView:
    """The sealed packet of a case: what it holds, what is not as it was sealed, the verdicts it is about, and what changed since."""

    digest: Digest
    report: Digest
    model: str
    stage: str
    policies: tuple[str, ...]
    checks: tuple[CheckLine, ...]
    unchecked: int
    evidence: int
    objects: int
    cells: tuple[str, ...]
    problems: tuple[str, ...]
    changed: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reran:
    """Whether a second measurement gave the same report, and which answers are others now."""

    same: bool
    found: str
    others: tuple[str, ...]


def desk(workspace: Workspace, notebook: str) -> ReviewDesk:
    """What lies on the acting person's desk about `notebook`; nothing is measured or written."""
    from jupyter_mlgov.promotion.since import log_time
    from jupyter_mlgov.workspace.judging import last_report, way_of
    from jupyter_mlgov.workspace.reviewing import objection_to, queue

    team, report = workspace.team_for(notebook), last_report(workspace, notebook)
    stage = way_of(workspace, notebook).stage
    now = log_time(workspace.journal.entries(), workspace.clock.now())
    gate = team.gate(stage) if stage else None
    return ReviewDesk(
        me=workspace.actor(),
        why_not=objection_to(workspace, notebook, stage) if stage else "",
        approvers=team.approvers(gate) if gate else (),
        stage=stage,
        needed=gate.approvals if gate else 0,
        clock=clock_words(team.clock),
        today=now.date().isoformat(),
        cases=tuple(_case(workspace, one) for one in reversed(queue(workspace, notebook))),
        waivers=tuple(_waivers(workspace, notebook, team)),
        waivable=tuple(_waivable(report)) if report else (),
        forms=tuple(_forms(workspace, notebook, team)),
    )


def clock_words(clock: ReviewClock) -> str:
    """`24 hours`, or `8 working hours (mon-fri 09:00-17:00 Europe/Berlin)`."""
    if clock.business != "yes":
        return f"{clock.hours} hours"
    return f"{clock.hours} working hours ({' '.join(clock.days)} {clock.opens}-{clock.closes} {clock.zone})"


def _case(workspace: Workspace, one: Queued) -> CaseView:
    from jupyter_mlgov.promotion.counting import person
    from jupyter_mlgov.workspace.reviewing import stranger_here

    taken = one.case.claimed_by
    return CaseView(
        queued=one,
        mine=taken is not None and person(taken.id) == person(workspace.actor().id),
        why_not=stranger_here(workspace, one.case),
        open_questions=one.case.open_questions,
    )


def _waivers(workspace: Workspace, notebook: str, team: Team) -> Iterator[WaiverView]:
    from jupyter_mlgov.promotion.authorship import hindrance
    from jupyter_mlgov.promotion.counting import same
    from jupyter_mlgov.workspace.judging import committers
    from jupyter_mlgov.workspace.waiving import standings

    found = standings(workspace, notebook)
    if not found:
        return
    people, problem = committers(workspace, notebook)
    me = workspace.actor()
    why_not = problem or hindrance(me, workspace.journal.entries(), notebook, people, team.reviewers)
    for one in reversed(found):
        mine = same(me.id, one.waiver.asked_by.id)
        yield WaiverView(
            waiver=one.waiver,
            severity=one.severity,
            objection=one.objection,
            mine=mine,
            why_not="who asks for a waiver cannot approve it" if mine else why_not,
        )


def _waivable(report: Report) -> Iterator[Waivable]:
    """What stands in the way by name, the gravest first: checks that block, then controls that nobody measured."""
    from jupyter_mlgov.reports.reading import unchecked

    for result in sorted(report.blocking, key=lambda one: report.severity(one.validator).rank):
        severity = report.severity(result.validator).value
        yield Waivable(name=result.validator, title=result.title, severity=severity, verdict=result.verdict.value)
    for missing in unchecked(report):
        asked = missing.control
        yield Waivable(name=asked.control, title=asked.obligation, severity=asked.severity.value, verdict="")


def _forms(workspace: Workspace, notebook: str, team: Team) -> Iterator[FormView]:
    """Documents first, then every control of the team's packs that asks people; with the newest answer about this very model."""
    from jupyter_mlgov.reports.dossier.writing import ASKS, PREFIX
    from jupyter_mlgov.validation.plugins import installed_policies
    from jupyter_mlgov.workspace.subjects import forms

    model = workspace.lineage(notebook).model
    digest = model.fingerprint.root if model and model.fingerprint else None
    given = {form.control: form for form in forms(workspace, team.model) if digest and form.model == digest}
    asked = [(f"{PREFIX}{name}", f"The {name} document", "document") for name in ASKS]
    controls = [one for policy in installed_policies(team.policies, workspace.root) for one in policy.controls if one.questions]
    asked += [(one.id, one.obligation, one.automation) for one in controls]
    for control, title, automation in asked:
        form = given.get(control)
        who, when = (str(form.actor), form.time) if form else ("", None)
        yield FormView(control=control, title=title, automation=automation, answered_by=who, answered_at=when)


def about(workspace: Workspace, notebook: str, number: int) -> Queued:
    """Case `number`, when it is about `notebook`. Raises UsageError for another's: what one looks at is what one acts on."""
    from jupyter_mlgov.workspace.reviewing import find

    one = find(workspace, number)
    if one.case.notebook != notebook:
        raise UsageError(f"Review {number} is about another notebook.", next="Open that notebook.")
    return one


def opened(workspace: Workspace, notebook: str, number: int) -> PacketView:
    """The packet of a case, each thing in it held against its digest. Raises StorageProblem where the packet itself was changed."""
    from jupyter_mlgov.promotion.docket import find_report
    from jupyter_mlgov.reports.reading import unchecked
    from jupyter_mlgov.workspace.reviewing import packet
    from jupyter_mlgov.workspace.view import check_lines

    one = about(workspace, notebook, number)
    sealed = packet(workspace, number)
    report = find_report(workspace.journal.entries(actions=("validation.done",)), one.case.report)
    lost = () if report else ("its report is no longer on record, or was changed",)
    content = sealed.content
    return PacketView(
        digest=sealed.digest,
        report=one.case.report,
        model=one.case.model,
        stage=one.case.stage,
        policies=tuple(f"{policy.title} {policy.version}" for policy in report.policies) if report else (),
        checks=check_lines(report, (), {}),
        unchecked=len(unchecked(report)) if report else 0,
        evidence=_count(content, "evidence"),
        objects=_count(content, "objects"),
        cells=tuple(_cells(content)),
        problems=(*lost, *sealed.problems),
        changed=one.case.changed,
    )


def _count(content: dict[str, object], name: str) -> int:
    found = content.get(name)
    if isinstance(found, dict):
        return sum(len(value) for value in found.values() if isinstance(value, list))
    return len(found) if isinstance(found, list) else 0


def _cells(content: dict[str, object]) -> Iterator[str]:
    found = content.get("cells")
    for one in found if isinstance(found, list) else ():
        if isinstance(one, dict):
            yield str(one.get("cell"))


def rerun(workspace: Workspace, notebook: str, number: int) -> Reran:
    """Measure everything of a case again, as the acting person, and say in the trail what came out."""
    from jupyter_mlgov.workspace.reviewing import rerun as again

    about(workspace, notebook, number)
    done, others = again(workspace, number)
    return Reran(same=done.same, found=done.found, others=others)
