"""What checks said, as several documents repeat it: a table, the words, the figures, and what gave no answer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from jupyter_mlgov.core.verdicts import Verdict
from jupyter_mlgov.reports.dossier.document import Block, Bullets, Figure, Gap, Inline, Paragraph, Span, Table, say
from jupyter_mlgov.reports.dossier.facts import DossierFacts
from jupyter_mlgov.reports.dossier.parts import evidence_of, verdict_span
from jupyter_mlgov.reports.numbers import count, measured
from jupyter_mlgov.reports.reading import severity
from jupyter_mlgov.reports.svg import rows as plotted
from jupyter_mlgov.validation.results import CheckResult, Estimate, Finding

FIGURES = 3  # more than so many small figures of one check become one


def checks(facts: DossierFacts, *names: str, caption: str) -> Iterator[Block]:
    """One table of what these checks said, their plots, and a gap for each that gave no answer."""
    report = facts.report
    if report is None:
        yield Gap(what=f"{caption}: no report on this version is in the trail.", next="`mlgov validate`")
        return
    wanted = [result for result in report.results if _named(result.validator, names)]
    if wanted:
        columns = ("Check", "Answer", "Measured", "Allowed", "n", "Severity")
        table = tuple(_row(facts, result) for result in wanted)
        yield Table(caption=caption, columns=columns, rows=table, widths=(34, 14, 20, 17, 7, 8))
    for result in wanted:
        yield from _more(facts, result)
    yield from _unanswered(facts, names)


def _named(validator: str, names: tuple[str, ...]) -> bool:
    return any(validator == name or (name.endswith(".*") and validator.startswith(name[:-1])) for name in names)


def _row(facts: DossierFacts, result: CheckResult) -> tuple[Inline, ...]:
    report, digest = facts.report, evidence_of(facts, result)
    first = next((one for one in sorted(result.findings, key=lambda one: one.verdict.rank) if one.measured is not None), None)
    grave = severity(report, result.validator) if report else None
    return (
        (Span(text=result.title or result.validator, look="strong"), Span(text=f" {result.validator} {result.version}", look="soft")),
        (verdict_span(result.verdict, digest),),
        say(measured(first) if first else "—", digest if first else ""),
        say((first.allowed if first else "") or "—"),
        say(count(first.n) if first and first.n is not None else "—", digest if first and first.n is not None else ""),
        say(grave.value if grave else "not asked"),
    )


def _more(facts: DossierFacts, result: CheckResult) -> Iterator[Block]:
    """What a result says in words: its summary, its findings where they say more, its plots, what to do."""
    digest = evidence_of(facts, result)
    mark = Span(text=f"{result.validator}: ", look="code")
    yield Paragraph(words=(mark, Span(text=result.summary or result.verdict.word, evidence=digest)))
    more = [one for one in result.findings if one.message != result.summary]
    passed = [one for one in more if one.verdict is Verdict.PASS]
    # A reader of a document looks for what did not pass; many that did are counted, and each stands in the evidence.
    shown = [one for one in more if one.verdict is not Verdict.PASS] if len(passed) > FIGURES else more
    items = [(verdict_span(one.verdict), Span(text=f" {_sentence(one)}", evidence=digest)) for one in shown]
    if len(shown) < len(more):
        items.append((verdict_span(Verdict.PASS), Span(text=f" {len(passed)} further findings; each is in the evidence.", evidence=digest)))
    if items:
        yield Bullets(items=tuple(items))
    yield from _figures(result, digest)
    if not result.verdict.opens and result.fix:
        yield Paragraph(words=(Span(text="To mend it: ", look="strong"), Span(text=result.fix)))


def _figures(result: CheckResult, digest: str) -> Iterator[Block]:
    """A figure a finding that compares something; lone numbers, or a row of small figures, become one where they are many.

    A single number with its interval says no more as a figure than in the table.
    """
    title = result.title or result.validator
    drawn = [one for one in result.findings if _compares(one)]
    lone = [one for one in result.findings if not _compares(one) and plotted(one)]
    whole = [*drawn, *lone] if all(one.estimates and not _curved(one) for one in drawn) else lone
    if len(whole) > FIGURES:
        yield Figure(
            caption=f"{title}: estimates with their intervals; limits stand in the text",
            finding=Finding(message=title, verdict=result.verdict, estimates=tuple(_named_rows(whole))),
            evidence=digest,
        )
        drawn = [one for one in drawn if one not in whole]
    for one in drawn:
        group = one.estimates[0].label if len(one.estimates) == 1 else one.where
        yield Figure(caption=f"{title}: {group or 'estimates with their intervals'}", finding=one, evidence=digest)


def _curved(finding: Finding) -> bool:
    return bool(finding.details.get("bins") or finding.details.get("roc"))


def _compares(finding: Finding) -> bool:
    """Whether there is more than one number to see: a curve, several groups, or a limit."""
    shown = plotted(finding)
    return _curved(finding) or len(shown) > 1 or (bool(shown) and finding.reference is not None)


def _named_rows(findings: Iterable[Finding]) -> Iterator[Estimate]:
    """The rows of several findings; one that only says what was measured is called by its place."""
    for one in findings:
        for estimate in plotted(one):
            yield estimate if one.estimates or not one.where else replace(estimate, label=one.where)


def _sentence(finding: Finding) -> str:
    number = measured(finding)
    told = finding.message
    return told if not number or number in told else f"{told} Measured {number}{f', allowed {finding.allowed}' if finding.allowed else ''}."


def _unanswered(facts: DossierFacts, names: tuple[str, ...]) -> Iterator[Block]:
    """Demands on these checks that nothing answered; and checks that no pack of the team asks for, in a line."""
    report = facts.report
    if report is None:
        return
    seen: set[str] = set()
    for item in report.requirements:
        if item.verdict is None and item.validator not in seen and _named(item.validator, names) and item.binds:
            seen.add(item.validator)
            what, _, following = item.note.partition(" Taken to apply, because")[0].partition(" `mlgov")
            yield Gap(what=f"{item.validator} gave no answer. {what}".strip(), next=f"`mlgov{following}" if following else "")
    known = seen | {result.validator for result in report.results} | {item.validator for item in report.requirements}
    unasked = [name for name in names if not name.endswith(".*") and name not in known]
    if unasked:
        yield Paragraph(
            words=(Span(text=f"No pack of this team asks for: {', '.join(unasked)}. Not measured, so nothing is said.", look="soft"),)
        )
