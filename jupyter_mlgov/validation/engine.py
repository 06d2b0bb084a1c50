"""Runs validators on a subject, each on its own, and answers the packs' demands. What broke is `error`, what saw nothing `inconclusive`."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace

from jupyter_mlgov.core.canonical import canonical_json
from jupyter_mlgov.core.errors import unknown
from jupyter_mlgov.core.evidence import Evidence
from jupyter_mlgov.core.facts import plain
from jupyter_mlgov.core.verdicts import Verdict, worst
from jupyter_mlgov.validation.checks import Check
from jupyter_mlgov.validation.needs import Look, lacking, look
from jupyter_mlgov.validation.plugins import Broken, Registry
from jupyter_mlgov.validation.policy import Control, Policy, Requirement
from jupyter_mlgov.validation.results import CheckResult, Finding, Report, RequirementResult, SubjectRef
from jupyter_mlgov.validation.settings import TeamParameters, settle
from jupyter_mlgov.validation.subjects import Missing, Subject

Progress = Callable[[int, int, str], None]


class _Unusable(Exception):  # never leaves this module; the reader sees the sentence
    """A validator returned something that is no answer."""


def validate(
    subject: Subject,
    policies: Sequence[Policy],
    registry: Registry,
    *,
    parameters: TeamParameters | None = None,
    progress: Progress | None = None,
    only: Collection[str] = (),
) -> Report:
    """Run every installed validator (or `only` these) on `subject` and answer what `policies` ask.

    A validator nobody installed leaves its demands unchecked (None). Raises UsageError or BadInput, before anything runs, for an
    unknown name in `only`, in a pack's parameters or in the team's `parameters`, and for a team parameter that would weaken a pack.
    """
    for name in (*only, *(parameters or {})):
        if name not in registry.ids:
            raise unknown("validator", name, registry.ids)
    chosen = [name for name in registry.ids if not only or name in only]
    checks = [registry.get(name) for name in chosen]
    settings = {check.id: settle(check, policies, parameters or {}) for check in checks if isinstance(check, Check)}
    seen = look(subject)
    results: list[CheckResult] = []
    for number, check in enumerate(checks):
        if progress:
            progress(number, len(checks), check.id)
        results.append(_broken(check) if isinstance(check, Broken) else _judge(check, subject, settings[check.id], seen))
    if progress:
        progress(len(checks), len(checks), "")
    asked = {name for policy in policies for name in policy.validators}
    return _report(subject.ref, policies, _not_all_beside_the_point(subject, results, asked), only)


def evidence(result: CheckResult, ref: SubjectRef) -> Evidence:
    """What `result` measured of `ref`, as the record whose id stands in `result.evidence`."""
    payload = {"parameters": plain(result.parameters), "findings": plain(result.findings)}
    return Evidence(kind="measurement", subject=ref.digest, maker=f"{result.validator} {result.version}", payload=payload)


# -- one validator ----------------------------------------------------------------------------------------------------


def _judge(check: Check, subject: Subject, values: Mapping[str, object], seen: Look | None) -> CheckResult:
    lack = lacking(check, subject, seen)
    if lack:
        verdict, sentence = lack
        what, _, advice = sentence.partition(". ")
        return _filled(_said(check, verdict, f"{what.rstrip('.')}.", fix=advice), check, subject, values)
    try:
        return _filled(_answer(check, check(subject, **values)), check, subject, values)
    except Missing as missing:
        told = " ".join(filter(None, (missing.what, missing.expected)))
        return _filled(_said(check, Verdict.INCONCLUSIVE, told, fix=missing.next), check, subject, values)
    except _Unusable as problem:
        return _filled(_said(check, Verdict.ERROR, str(problem)), check, subject, values)
    except (Exception, SystemExit) as error:  # noqa: BLE001  # a broken check is a result, never a pass; the others still run
        return _filled(_said(check, Verdict.ERROR, _sentence(error, subject)), check, subject, values)


def _answer(check: Check, returned: object) -> CheckResult:
    """What a validator returned, as a result. Raises _Unusable for anything that is no answer."""
    findings: tuple[Finding, ...] | None
    own: list[Verdict] = []
    if isinstance(returned, CheckResult):
        findings, own = returned.findings, [_verdict(returned.verdict)]
        summary = returned.summary
    else:
        findings = (returned,) if isinstance(returned, Finding) else tuple(returned) if isinstance(returned, (list, tuple)) else None
        summary = ""
    if findings is None or not all(isinstance(item, Finding) for item in findings):
        raise _Unusable(f"{check.id} returned {type(returned).__name__}. Expected a Finding, a list of them, or a CheckResult.")
    verdict = worst([*own, *(_verdict(item.verdict) for item in findings)])
    if not findings and verdict in (Verdict.PASS, Verdict.WARN):
        return _said(check, Verdict.INCONCLUSIVE, f"{check.id} said {verdict.word} and showed nothing it measured.")
    first = next((item.message for item in findings if item.verdict is verdict), "")
    fallback = "Nothing was measured." if not findings else verdict.word
    return replace(_said(check, verdict, summary or first or fallback), findings=findings)


def _verdict(value: object) -> Verdict:
    if not isinstance(value, Verdict):
        raise _Unusable(f"A verdict is {type(value).__name__}. Expected jupyter_mlgov.sdk.Verdict.")
    return value


def _said(check: Check, verdict: Verdict, sentence: str, *, fix: str = "") -> CheckResult:
    return CheckResult(validator=check.id, version=check.version, title=check.title, verdict=verdict, summary=sentence, fix=fix)


def _filled(result: CheckResult, check: Check, subject: Subject, values: Mapping[str, object]) -> CheckResult:
    """The result with parameters, source, fix, cell and the id of its evidence."""
    given = {name: value if isinstance(value, (bool, int, float, str)) else str(value) for name, value in sorted(values.items())}
    whole = replace(result, source=check.source, fix=result.fix or check.fix, cell=_cell(subject), parameters=given)
    try:
        canonical_json(plain(whole))
        if whole.findings:
            return replace(whole, evidence=(evidence(whole, subject.ref).id,))
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        problem = f"{check.id} returned a value that a record cannot carry: {error}"
        return replace(_said(check, Verdict.ERROR, problem), source=check.source, fix=check.fix, cell=_cell(subject))
    return whole


def _cell(subject: Subject) -> str:
    """The cell that last made the subject's table."""
    runs = subject.lineage.runs if subject.lineage else ()
    made = [run.cell_id for run in runs if any(ref.name == subject.roles.table for ref in run.outputs)]
    return made[-1] if made else ""


def _broken(check: Broken) -> CheckResult:
    fix = f"Mend or uninstall {check.distribution}."
    return CheckResult(validator=check.id, version="", title=check.id, verdict=Verdict.ERROR, summary=check.sentence, fix=fix)


def _sentence(error: BaseException, subject: Subject) -> str:
    """The error in a line that is equal on every machine: no path, no address in memory."""
    text = " ".join(str(error).split())
    if subject.table_path is not None:
        text = text.replace(str(subject.table_path.resolve()), "the table").replace(str(subject.table_path), "the table")
    text = re.sub(r" at 0x[0-9a-fA-F]+", "", text)[:300]
    return f"The check broke: {type(error).__name__}{f': {text}' if text else ''}"


# -- all of them ------------------------------------------------------------------------------------------------------


def _not_all_beside_the_point(subject: Subject, results: list[CheckResult], asked: Collection[str]) -> tuple[CheckResult, ...]:
    """A plain table of which nothing that was asked could be measured is not clear: those answers become `inconclusive`."""
    answers = [result for result in results if result.validator in asked]
    if not subject.is_table or not answers or any(result.verdict is not Verdict.NOT_APPLICABLE for result in answers):
        return tuple(results)
    more = " Nothing the policy asks was measured, so nothing is clear."
    return tuple(
        replace(result, verdict=Verdict.INCONCLUSIVE, summary=result.summary + more) if result.validator in asked else result
        for result in results
    )


def _report(ref: SubjectRef, policies: Sequence[Policy], results: tuple[CheckResult, ...], only: Collection[str]) -> Report:
    verdicts = {result.validator: result.verdict for result in results}
    demands = tuple(
        _demand(policy, control, ask, verdicts)
        for policy in policies
        for control in policy.controls
        for ask in control.requirements or (Requirement(validator=""),)
    )
    note = f"Partial: only {', '.join(sorted(only))} ran. No gate takes it." if only else ""
    return Report(subject=ref, policies=tuple(policy.ref for policy in policies), results=results, requirements=demands, note=note)


def _demand(policy: Policy, control: Control, ask: Requirement, verdicts: Mapping[str, Verdict]) -> RequirementResult:
    return RequirementResult(
        policy=policy.id,
        control=control.id,
        cite=control.cite,
        url=control.url,
        obligation=control.obligation,
        verified=control.verified,
        severity=control.severity,
        automation=control.automation,
        gates=control.gates,
        validator=ask.validator,
        verdict=verdicts.get(ask.validator),
    )


__all__ = ["evidence", "validate"]
