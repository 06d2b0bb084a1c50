"""One validator on one subject: what it needs, what it is given, and how whatever it does becomes a result."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from jupyter_mlgov.core.canonical import canonical_json
from jupyter_mlgov.core.evidence import Evidence
from jupyter_mlgov.core.facts import plain
from jupyter_mlgov.core.verdicts import Verdict, worst
from jupyter_mlgov.validation.checks import MIN_CELL, Check
from jupyter_mlgov.validation.disclosure import disclosed
from jupyter_mlgov.validation.needs import Look, lacking
from jupyter_mlgov.validation.plugins import Broken
from jupyter_mlgov.validation.results import CheckResult, Finding, PolicyRef, RequirementResult, SubjectRef, Unchecked
from jupyter_mlgov.validation.seen import seen_by
from jupyter_mlgov.validation.subjects import Missing, Subject, Unanswered

OURS = "jupyter-mlgov"


class _Unusable(Exception):  # never leaves this module; the reader sees the sentence
    """A validator returned something that is no answer."""


def run(check: Check, subject: Subject, values: Mapping[str, object], looked: Look | None) -> CheckResult | Unchecked:
    """What `check` says of `subject`. Never raises for what a validator does; an interrupt passes through."""
    lack = lacking(check, subject, looked)
    if lack:
        verdict, sentence = lack
        what, _, advice = sentence.partition(". ")
        return _filled(_said(check, verdict, f"{what.rstrip('.')}.", fix=advice), check, subject, values)
    try:
        return _filled(_answer(check, check(seen_by(subject, check), **_own(check, values))), check, subject, values)
    except Unanswered as silent:
        return Unchecked(validator=check.id, summary=" ".join(filter(None, (silent.what, silent.expected))), fix=silent.next or check.fix)
    except Missing as missing:
        told = " ".join(filter(None, (missing.what, missing.expected)))
        return _filled(_said(check, Verdict.INCONCLUSIVE, told, fix=missing.next), check, subject, values)
    except _Unusable as problem:
        return _filled(_said(check, Verdict.ERROR, str(problem)), check, subject, values)
    except ModuleNotFoundError as absent:
        told = f"{check.id} needs the package {absent.name or 'it imports'}, which is not installed."
        return _filled(_said(check, Verdict.ERROR, told, fix=_install(check, absent.name or "")), check, subject, values)
    except MemoryError:
        return _filled(_said(check, Verdict.ERROR, f"{check.id} ran out of memory."), check, subject, values)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001  # a broken check is a result, never a pass; a panic in Rust is no Exception
        return _filled(_said(check, Verdict.ERROR, _sentence(error, subject)), check, subject, values)


def _own(check: Check, values: Mapping[str, object]) -> dict[str, object]:
    """What the validator's function takes; the smallest cell is the engine's to keep where the function does not ask for it."""
    return {name: value for name, value in values.items() if name in check.defaults}


def broken(check: Broken) -> CheckResult:
    """The result of a validator that could not be imported."""
    fix = f"Mend or uninstall {check.distribution}."
    return CheckResult(validator=check.id, version="", title=check.id, verdict=Verdict.ERROR, summary=check.sentence, fix=fix)


def stopped(check: Check, subject: Subject, values: Mapping[str, object], why: str) -> CheckResult:
    """The result of a validator that gave no answer: it was stopped, or its process ended."""
    return _filled(_said(check, Verdict.ERROR, why), check, subject, values)


def evidence(result: CheckResult, ref: SubjectRef, policies: Sequence[PolicyRef], asked: Sequence[RequirementResult]) -> Evidence:
    """What `result` measured of `ref`, as the record whose id stands in `result.evidence`.

    `asked` are the demands on its validator: the record says of each the pack (by digest), the control, how sure its wording is, and
    each threshold with its source and how that was seen.
    """
    digests = {policy.id: policy.digest for policy in policies}
    payload = {
        "parameters": plain(result.parameters),
        "findings": plain(result.findings),
        "source": result.source,
        "asked": [
            {
                "policy": one.policy,
                "digest": digests.get(one.policy),
                "control": one.control,
                "verified": one.verified,
                "thresholds": one.asks,
            }
            for one in asked
            if one.validator == result.validator
        ],
    }
    return Evidence(kind="measurement", subject=ref.digest, maker=f"{result.validator} {result.version}", payload=payload)


def _install(check: Check, module: str) -> str:
    if check.extra:
        return f'pip install "{OURS}[{check.extra}]"' if check.measure.__module__.startswith("mlgov_validators") else check.extra
    return f"pip install {module.partition('.')[0]}" if module else ""


def _answer(check: Check, returned: object) -> CheckResult:
    """What a validator returned, as a result. Raises _Unusable for anything that is no answer."""
    findings: tuple[Finding, ...] | None
    own: list[Verdict] = []
    if isinstance(returned, CheckResult):
        if returned.validator != check.id:
            raise _Unusable(f'{check.id} returned the answer of "{str(returned.validator)[:80]}".')
        findings, own = returned.findings, [_verdict(returned.verdict)]
        summary = returned.summary
    else:
        findings = (returned,) if isinstance(returned, Finding) else tuple(returned) if isinstance(returned, (list, tuple)) else None
        summary = ""
    if findings is None or not all(isinstance(item, Finding) for item in findings):
        raise _Unusable(f"{check.id} returned {type(returned).__name__}. Expected a Finding, a list of them, or a CheckResult.")
    if odd := next((item for item in findings if item.n is not None and item.n < 0), None):
        raise _Unusable(f"{check.id} counted {odd.n} rows.")
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
    """The result with parameters, source, fix and cell, and without what policy keeps back."""
    given = {name: value if isinstance(value, (bool, int, float, str)) else str(value) for name, value in sorted(values.items())}
    whole = replace(result, source=check.source, fix=result.fix or check.fix, cell=_cell(subject), parameters=given)
    least = values.get(MIN_CELL, 0)
    if check.counts_rows and isinstance(least, int):
        whole = disclosed(whole, least, subject.ref.rows)
    try:
        canonical_json(plain(whole))
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        problem = f"{check.id} returned a value that a record cannot carry: {error}"
        return replace(_said(check, Verdict.ERROR, problem), source=check.source, fix=check.fix, cell=_cell(subject))
    return whole


def _cell(subject: Subject) -> str:
    """The cell that last made the subject's table."""
    runs = subject.lineage.runs if subject.lineage else ()
    made = [run.cell_id for run in runs if any(ref.name == subject.roles.table for ref in run.outputs)]
    return made[-1] if made else ""


def _sentence(error: BaseException, subject: Subject) -> str:
    """The error in a line that is equal on every machine: no path, no address in memory."""
    text = " ".join(str(error).split())
    if subject.table_path is not None:
        text = text.replace(str(subject.table_path.resolve()), "the table").replace(str(subject.table_path), "the table")
    text = re.sub(r" at 0x[0-9a-fA-F]+", "", text)[:300]
    return f"The check broke: {type(error).__name__}{f': {text}' if text else ''}"
