"""The traceability matrix: regulation paragraph, control, requirement, validator, evidence, cell and data, both ways."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass, fields

from jupyter_mlgov.core.facts import plain
from jupyter_mlgov.reports.clean import visible
from jupyter_mlgov.reports.dossier.facts import DossierFacts
from jupyter_mlgov.reports.numbers import measured
from jupyter_mlgov.reports.reading import CAVEAT, verified
from jupyter_mlgov.validation.results import FORM, CheckResult, RequirementResult

SCHEMA = "mlgov-matrix-1"
FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet takes for the beginning of a formula


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """One path from a paragraph to a cell and its data. Texts are empty where the path ends early: then nothing was checked."""

    regulation: str
    wording: str
    control: str
    obligation: str
    severity: str
    standing: str
    requirement: str
    validator: str
    answer: str
    measured: str
    evidence: str
    cell: str
    data: str
    note: str
    url: str


COLUMNS = tuple(one.name for one in fields(Trace))


def traces(facts: DossierFacts) -> tuple[Trace, ...]:
    """Every path of the report on this version, by regulation; none where there is no report."""
    report = facts.report
    if report is None:
        return ()
    found = [trace for item in report.requirements for trace in _of(facts, item)]
    return tuple(sorted(found, key=lambda one: (one.regulation, one.control, one.requirement, one.data)))


def backward(found: tuple[Trace, ...]) -> tuple[Trace, ...]:
    """The same paths in the other direction: by data and cell, then evidence, back to the paragraph."""
    return tuple(
        sorted(found, key=lambda one: (not one.evidence, one.data, one.cell, one.evidence, one.validator, one.regulation, one.control))
    )


def matrix_json(facts: DossierFacts) -> dict[str, object]:
    """The published form (docs/formats/matrix.md): the paths, and for each end of them what lies at the other."""
    found = traces(facts)
    forward: dict[str, dict[str, None]] = {}
    back: dict[str, dict[str, None]] = {}
    for one in found:
        forward.setdefault(one.control, {}).setdefault(one.evidence or "unchecked")
        if one.evidence:
            for end in filter(None, (one.evidence, one.data, f"cell {one.cell}" if one.cell else "")):
                back.setdefault(end, {}).setdefault(one.control)
    return {
        "schema": SCHEMA,
        "model": facts.model,
        "version": facts.version,
        "report": facts.report.digest if facts.report else "",
        "caveat": CAVEAT,
        "paths": [plain(one) for one in found],
        "forward": {control: list(ends) for control, ends in forward.items()},
        "backward": {end: list(controls) for end, controls in sorted(back.items())},
    }


def matrix_csv(facts: DossierFacts, *, reverse: bool = False) -> str:
    """RFC 4180 with a head. No cell begins as a formula: such a cell gets an apostrophe in front, which spreadsheets do not show."""
    found = traces(facts)
    held = io.StringIO(newline="")
    writer = csv.writer(held, lineterminator="\r\n", quoting=csv.QUOTE_ALL)
    columns = COLUMNS[::-1] if reverse else COLUMNS
    writer.writerow(columns)
    for one in backward(found) if reverse else found:
        writer.writerow([cell(getattr(one, name)) for name in columns])
    return held.getvalue()


def cell(text: object) -> str:
    """`text` on one line, made safe for spreadsheets; blanks in front do not hide a formula."""
    shown = visible(text)
    return f"'{shown}" if str(text)[:1] in FORMULA or shown.lstrip()[:1] in FORMULA or shown[:1] in FORMULA else shown


def _of(facts: DossierFacts, item: RequirementResult) -> Iterator[Trace]:
    result = facts.report.result(item.validator) if facts.report else None
    digests = result.evidence if result is not None else ()
    data = _data(facts) if result is not None and not item.validator.startswith(FORM) else ("",)
    for digest in digests or ("",):
        for name in data if digest else ("",):
            yield Trace(
                regulation=item.cite,
                wording=verified(item),
                control=item.control,
                obligation=item.obligation,
                severity=item.severity.value,
                standing=item.standing,
                requirement=_requirement(facts, item),
                validator=f"{result.validator} {result.version}" if result else item.validator or "a person",
                answer=item.verdict.word if item.verdict is not None else "unchecked",
                measured=_measured(result),
                evidence=digest,
                cell=result.cell if result else "",
                data=name,
                note=item.note,
                url=item.url,
            )


def _data(facts: DossierFacts) -> tuple[str, ...]:
    """Files and the table that the report is about, each with its digest."""
    report = facts.report
    if report is None:
        return ("",)
    named = [f"{path} {digest}" for path, digest in sorted(report.subject.data.items())]
    named += [f"table {facts.team.roles.table} {report.subject.table}"] if report.subject.table else []
    return tuple(named) or ("",)


def _requirement(facts: DossierFacts, item: RequirementResult) -> str:
    """The demand in a line: which check, with which parameters that the pack sets and where each number comes from."""
    policy = next((one for one in facts.policies if one.id == item.policy), None)
    control = policy.control(item.control) if policy else None
    asked = next((one for one in control.requirements if one.validator == item.validator), None) if control else None
    name = "people answer" if item.validator.startswith(FORM) else item.validator or "a person judges"
    if asked is None or not asked.parameters:
        return f"{item.policy}: {name}"
    settings = "; ".join(f"{key} = {value} ({asked.sources.get(key, 'no source')})" for key, value in asked.parameters.items())
    return f"{item.policy}: {name}, {settings}"


def _measured(result: CheckResult | None) -> str:
    numbers = [measured(one) for one in result.findings if one.measured is not None] if result else []
    return numbers[0] if numbers else ""
