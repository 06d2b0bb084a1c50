"""Whether a model may go on: one pure function from the facts to a decision with every reason."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from jupyter_mlgov.core.actors import Actor
from jupyter_mlgov.core.gating import GateRule
from jupyter_mlgov.core.team import Team
from jupyter_mlgov.core.verdicts import Severity, Verdict
from jupyter_mlgov.lineage.facts import StepState, StepStatus
from jupyter_mlgov.lineage.staleness import HiddenState
from jupyter_mlgov.promotion.conditions import Circumstances, about_age, about_drill, about_limits, about_needs, asked_here, shown, tightest
from jupyter_mlgov.promotion.counting import approving, ignored, last_words
from jupyter_mlgov.promotion.data import KeptData, unpushed
from jupyter_mlgov.promotion.data import notes as not_promised
from jupyter_mlgov.promotion.facts import Answer, Decision, Reason, Review
from jupyter_mlgov.promotion.fixes import fixed
from jupyter_mlgov.promotion.registry import ModelVersion
from jupyter_mlgov.promotion.terms import Terms, terms
from jupyter_mlgov.promotion.waivers import Waiver, in_force, objection, waived
from jupyter_mlgov.validation.results import CheckResult, Report, RequirementResult

# Reasons that a reviewer's word alone can lift. Any other reason is a refusal.
REVIEW_CODES = frozenset({"unchecked", "approvals", "no-rerun"})

_NOTHING_SEEN = Circumstances()

_MEASURED = (Verdict.PASS, Verdict.WARN, Verdict.FAIL)
_STEP_CODES = {
    StepState.NEVER_RAN: ("step-never-ran", "has never run", "Run"),
    StepState.RUNNING: ("step-running", "is still running", "Wait for"),
    StepState.STALE: ("step-stale", "is out of date", "Run again"),
    StepState.FAILED: ("step-failed", "failed", "Mend and run again"),
    StepState.KILLED: ("step-killed", "was killed while it ran", "Run again"),
}


def decide(
    *,
    team: Team,
    stage: str,
    model: str,
    version: ModelVersion | None,
    report: Report | None,
    stale: tuple[str, ...],
    steps: tuple[StepStatus, ...],
    reviews: tuple[Review, ...],
    authors: tuple[Actor, ...],
    asked_by: Actor,
    previous: Decision | None = None,
    data: tuple[KeptData, ...] = (),
    seen: Circumstances = _NOTHING_SEEN,
    hidden: HiddenState | None = None,
) -> Decision:
    """The gate's answer with EVERY reason. Pure: the same facts give the same decision, so the trail can replay it.

    Laws: `granted` means no reason is left; adding a blocking fact never opens. `previous` is the newest decision on the stage before,
    `data` what was found out about the keeping of the model's data (empty: not asked), `seen` what else the trail says, `hidden` what the
    session holds that a run from the top would not give (None: there is no saved notebook to hold it against).
    Raises UsageError, naming the nearest stage, for a stage the team does not have or that has no gate.
    """
    rule = team.gate(stage)
    approvers = team.approvers(rule)
    now = terms(team, stage)
    approvals = approving(reviews, report.digest, authors, approvers, seen.at, now) if report else ()
    lifting = in_force(seen.waivers, report, authors=authors, reviewers=team.reviewers, at=seen.at) if report else ()
    judged = waived(asked_here(report, rule.policies), lifting) if report else None
    limits, until = tightest(approvals)
    reasons = (
        *_about_report(report, stale, rule.policies),
        *about_age(rule, seen, report),
        *_about_steps(steps),
        *_about_hidden(steps, hidden),
        *_about_verdicts(judged, team, stage),
        *_about_version(model, version, report),
        *_about_previous(team, stage, version, previous),
        *unpushed(data),
        *about_drill(rule, seen, model),
        *about_needs(rule, seen, data, approvals),
        *about_limits(stage if stage == team.stages[-1] else "", limits, seen.limits),
        *_about_refusals(reviews, report),
        *_about_unchecked(team, stage, judged, approvals),
        *_about_refuted(seen),
        *_about_committers(seen),
        *_about_authors(rule.approvals, team, stage, judged, authors),
        *_about_approvals(rule, approvers, approvals, authors),
    )
    return Decision(
        model=model,
        version=version.version if version else "",
        stage=stage,
        answer=_answer(reasons),
        reasons=tuple(
            fixed(_or_waived(reason, report, lifting, authors, team.reviewers, seen), approvers, team.roles) for reason in reasons
        ),
        report=report.digest if report else None,
        team=team.digest,
        asked_by=asked_by,
        approved_by=tuple(review.actor for review in approvals),
        notes=(
            *_notes(reviews, report, authors, approvers, approvals, seen, now),
            *(f"{waiver.sentence}." for waiver in lifting),
            *_idle(report, lifting, authors, team.reviewers, seen),
            *not_promised(data),
        ),
        limits=limits,
        until=until,
        waivers=tuple(waiver.id for waiver in lifting),
    )


def _or_waived(
    reason: Reason,
    report: Report | None,
    lifting: tuple[Waiver, ...],
    authors: tuple[Actor, ...],
    reviewers: tuple[str, ...],
    seen: Circumstances,
) -> Reason:
    """A verdict that a waiver would lift, had others said yes to it: that is a way on, and somebody can be asked for it."""
    if report is None or not reason.code.startswith("verdict-"):
        return reason
    controls = {item.control for item in report.requirements if item.validator == reason.validator}
    for waiver in seen.waivers:
        mine = waiver not in lifting and waiver.waives in {reason.validator, *controls}
        if mine and "lacks" in objection(waiver, report, authors=authors, reviewers=reviewers, at=seen.at):
            more = f"Or somebody who did not ask says yes to the waiver: `mlgov waive --approve {waiver.seq}`."
            return replace(reason, next=f"{reason.next.rstrip()} {more}")
    return reason


def _idle(
    report: Report | None, lifting: tuple[Waiver, ...], authors: tuple[Actor, ...], reviewers: tuple[str, ...], seen: Circumstances
) -> Iterator[str]:
    """What waivers do not do, and why: nobody may take an asked or lapsed one for a yes."""
    for waiver in seen.waivers if report else ():
        if waiver not in lifting and report:
            why = objection(waiver, report, authors=authors, reviewers=reviewers, at=seen.at)
            yield f"The waiver of {waiver.waives} lifts nothing here: {why}."


def _answer(reasons: tuple[Reason, ...]) -> Answer:
    if not reasons:
        return Answer.GRANTED
    return Answer.AWAITING_REVIEW if all(reason.code in REVIEW_CODES for reason in reasons) else Answer.REFUSED


def _about_report(report: Report | None, stale: tuple[str, ...], policies: tuple[str, ...]) -> Iterator[Reason]:
    validate = "Type `%mlgov validate`."
    if report is None:
        yield Reason(code="no-report", sentence="There is no report on this model.", next=validate, severity=Severity.CRITICAL)
        return
    if report.note:
        sentence = f"The report is not whole: {report.note.rstrip('.')}."
        yield Reason(code="partial-report", sentence=sentence, next=validate, severity=Severity.CRITICAL)
    if stale:
        sentence = f"The report no longer holds, because since then {'; '.join(stale)}."
        yield Reason(code="stale-report", sentence=sentence, next="Validate again: `%mlgov validate`.", severity=Severity.CRITICAL)
    judged = {policy.id for policy in report.policies}
    for policy in policies:
        if policy not in judged:
            sentence = f"The report was not judged under the policy {policy}, which this gate asks for."
            yield Reason(code="policy-missing", sentence=sentence, next=validate, severity=Severity.CRITICAL)
    if not any(result.verdict in _MEASURED for result in report.results):
        sentence = "No validator measured anything, so the report proves nothing."
        yield Reason(
            code="nothing-measured", sentence=sentence, next="See `%mlgov report` for what each validator lacked, then `%mlgov validate`."
        )


def _about_steps(steps: tuple[StepStatus, ...]) -> Iterator[Reason]:
    if not steps:
        sentence = "No cell of the notebook is tagged as a step, so nothing says how this model was made."
        yield Reason(
            code="no-steps", sentence=sentence, next="Tag its cells (`mlgov:data`, `mlgov:train`, …), run them, and type `%mlgov validate`."
        )
    for status in steps:
        if status.state is StepState.FRESH:
            continue
        code, told, verb = _STEP_CODES[status.state]
        why = f": {status.why.rstrip('.')}" if status.why else ""
        cells = ", ".join(status.cells) or "its cell"
        yield Reason(
            code=code,
            sentence=f"The step {status.step.label} {told}{why}.",
            next=f"{verb}: cell {cells}.",
            cell=status.cells[0] if status.cells else "",
        )


def _about_hidden(steps: tuple[StepStatus, ...], hidden: HiddenState | None) -> Iterator[Reason]:
    """Cells without a tag are no step, and what they made may be in the model all the same."""
    if hidden is None:
        return
    told = {cell for status in steps if status.state is not StepState.FRESH for cell in status.cells}
    for one in hidden.rerun:
        if one.cell not in told:
            sentence = f"Cell {one.cell} is out of date: {one.why.rstrip('.')}."
            yield Reason(code="hidden-state", sentence=sentence, next=f"Run again: cell {one.cell}.", cell=one.cell)
    for name, cell in hidden.lingering:
        sentence = f"`{name}` lives on in the kernel, and cell {cell} that made it is no longer in the notebook."
        yield Reason(code="hidden-state", sentence=sentence, next="Restart the kernel and run all cells.", cell=cell)


def _about_verdicts(report: Report | None, team: Team, stage: str) -> Iterator[Reason]:
    """A failed check keeps every gate shut; one that could not tell, the gates on which a control that asks for it bears."""
    if report is None:
        return
    told = set()
    later = {item.validator for item in report.requirements if item.binds}
    later -= {item.validator for item in report.requirements if item.binds and _bears(item.gates, team, stage)}
    for result in report.blocking:
        told.add(result.validator)
        if result.verdict is Verdict.FAIL or result.validator not in later:
            yield _blocking(report, result)
    # A demand that was answered no stays shut even where its result is not in the list of results.
    for item in report.requirements:
        grave = item.severity in (Severity.CRITICAL, Severity.HIGH)
        shut = item.verdict is Verdict.FAIL or (item.verdict is not None and not item.verdict.opens and grave)
        if shut and item.binds and item.validator not in told:
            told.add(item.validator)
            yield _unmet(item)


def _blocking(report: Report, result: CheckResult) -> Reason:
    fixes = [result.fix, *(finding.fix for finding in result.findings if not finding.verdict.opens)]
    told = result.summary.strip().rstrip(".")
    return Reason(
        code=f"verdict-{result.verdict.value}",
        sentence=f"{result.title} {result.verdict.word}{': ' if told else ''}{told}.",
        next=next(filter(None, fixes), "See the numbers with `%mlgov report`, mend it, and type `%mlgov validate`."),
        severity=report.severity(result.validator),
        validator=result.validator,
        cell=result.cell,
    )


def _unmet(item: RequirementResult) -> Reason:
    word = item.verdict.word if item.verdict else "unchecked"
    sentence = f"Control {item.control} of {item.policy} asks for {item.validator}: {word}."
    return Reason(
        code=f"verdict-{item.verdict.value if item.verdict else 'none'}",
        sentence=sentence,
        next="Type `%mlgov validate` and read `%mlgov report`.",
        severity=item.severity,
        validator=item.validator,
    )


def _about_version(model: str, version: ModelVersion | None, report: Report | None) -> Iterator[Reason]:
    if report is not None and report.subject.model is None:
        sentence = f"The report is about {report.subject.name or 'a table'} and names no model, so it says nothing about {model}."
        yield Reason(code="no-model", sentence=sentence, next="Run the cell tagged `mlgov:train`, then `%mlgov validate`.")
    if version is None:
        sentence = f"The registry has no version of {model} that carries this very model."
        yield Reason(
            code="no-version",
            sentence=sentence,
            next="Run the cell tagged `mlgov:train` to its end, then ask again: `mlgov promote` registers it.",
        )
        return
    expected = report.subject.model if report else None
    if version.model != model:
        yield _mismatch(f"Version {version.version} in the registry belongs to {version.model}, not to {model}.")
    elif expected is not None and version.model_digest != expected:
        yield _mismatch(f"Version {version.version} of {model} in the registry is not the model that the report is about.")


def _mismatch(sentence: str) -> Reason:
    next_ = "Type `%mlgov validate` for the newest model, then ask again."
    return Reason(code="model-mismatch", sentence=sentence, next=next_, severity=Severity.CRITICAL)


def _about_previous(team: Team, stage: str, version: ModelVersion | None, previous: Decision | None) -> Iterator[Reason]:
    """A stage after the first gate asks that this very version was let into the stage before."""
    before = team.stages[team.stages.index(stage) - 1]
    if before not in team.stages[1:]:
        return
    ask = f"Ask for it first: `mlgov promote {before}`."
    if previous is None or previous.stage != before or previous.answer is not Answer.GRANTED:
        yield Reason(code="previous-stage", sentence=f"This model has not been let into {before}, which comes before {stage}.", next=ask)
    elif version is not None and (previous.model, previous.version) != (version.model, version.version):
        sentence = f"Version {previous.version} was let into {before}; this is version {version.version}."
        yield Reason(code="previous-stage", sentence=sentence, next=ask)


def _about_refusals(reviews: tuple[Review, ...], report: Report | None) -> Iterator[Reason]:
    for review in last_words(reviews, report.digest) if report else ():
        if review.verdict != "approve":
            comment = f": {review.comment.strip().rstrip('.')}" if review.comment.strip() else ""
            yield Reason(
                code="refused",
                sentence=f"{review.actor} refused this report{comment}.",
                next=f"Mend what the review names and type `%mlgov validate`, or talk to {review.actor}.",
                severity=Severity.CRITICAL,
            )


def _about_unchecked(team: Team, stage: str, report: Report | None, approvals: tuple[Review, ...]) -> Iterator[Reason]:
    """Demands that no validator measured need a person who judged them by hand and says so."""
    if any(review.attests_unchecked for review in approvals):
        return
    left = _unchecked(report, team, stage)
    for policy in dict.fromkeys(item.policy for item in left):
        mine = [item for item in left if item.policy == policy]
        number = len({item.control for item in mine})
        subject = f"1 control of {policy} has" if number == 1 else f"{number} controls of {policy} have"
        yield Reason(
            code="unchecked",
            sentence=f"{subject} no machine check here.",
            next=f'A reviewer judges {"it" if number == 1 else "them"} by hand: `mlgov review approve -m "why" --attest-unchecked`.',
            severity=min((item.severity for item in mine), key=lambda severity: severity.rank),
        )


def _unchecked(report: Report | None, team: Team, stage: str) -> list[RequirementResult]:
    return [item for item in report.unchecked if _bears(item.gates, team, stage)] if report else []


def _bears(gates: tuple[str, ...], team: Team, stage: str) -> bool:
    """Does a control with these `gates` bear on `stage`? All do but those of a later time; an unknown or empty gate does (fail closed)."""
    order = team.stages
    early = stage == "staging" or ("production" in order and order.index(stage) < order.index("production"))
    later = {"monitoring", "production"} if early else {"monitoring"}
    return not gates or bool(set(gates) - later)


def _about_refuted(seen: Circumstances) -> Iterator[Reason]:
    for told in seen.refuted:
        yield Reason(
            code="refuted",
            sentence=f"What this version rests on was refuted: {told.rstrip('.')}.",
            next="Mend it and train a new version; a monitor's finding may be settled by a reviewer: `mlgov monitor settle MODEL NAME`.",
            severity=Severity.CRITICAL,
        )


def _about_committers(seen: Circumstances) -> Iterator[Reason]:
    if seen.git_problem:
        yield Reason(
            code="committers-unknown",
            sentence=f"Git could not say who committed the notebook ({seen.git_problem}), so nobody can be shown to be independent of it.",
            next="Make `git log` work in this folder, then ask again.",
        )


def _about_authors(asked: int, team: Team, stage: str, report: Report | None, authors: tuple[Actor, ...]) -> Iterator[Reason]:
    if not authors and (asked > 0 or _unchecked(report, team, stage)):
        sentence = "The trail does not say who worked on this model, so nobody can be shown to be independent of it."
        yield Reason(
            code="no-authors", sentence=sentence, next="Run the notebook under the recorder: `%load_ext jupyter_mlgov`, then Run All."
        )


def _about_approvals(
    rule: GateRule, approvers: tuple[str, ...], approvals: tuple[Review, ...], authors: tuple[Actor, ...]
) -> Iterator[Reason]:
    asked = rule.approvals
    missing = asked - len(approvals)
    if missing <= 0:
        return
    who = f"one of {', '.join(approvers)}" if approvers else "someone who did not work on it"
    count = "one approval" if missing == 1 else f"{missing} approvals"
    again = "" if missing == asked else " more"
    worked = f" ({_names(authors)} worked on it)" if authors else ""
    sentence = f"It needs {count}{again} of this report by {who}{worked}."
    yield Reason(
        code="approvals",
        sentence=sentence,
        next='Ask a reviewer to read the report and type `mlgov review approve -m "why"`.',
        severity=Severity.MEDIUM,
    )


def _names(actors: Iterable[Actor]) -> str:
    return ", ".join(dict.fromkeys(actor.name or actor.id for actor in actors))


def _notes(
    reviews: tuple[Review, ...],
    report: Report | None,
    authors: tuple[Actor, ...],
    reviewers: tuple[str, ...],
    approvals: tuple[Review, ...],
    seen: Circumstances,
    now: Terms,
) -> tuple[str, ...]:
    declared = [review.actor for review in approvals if review.actor.source == "declared"]
    notes = [f"Reviewer identity was declared, not proven: {_names(declared)}."] if declared else []
    limits, until = tightest(approvals)
    notes += [f"Approved with limits: {', '.join(shown(limit) for limit in limits)}."] if limits else []
    notes += [f"The approval ends after {until}."] if until else []
    return (*notes, *ignored(reviews, report.digest if report else None, authors, reviewers, seen.at, now))
