"""A report in a terminal: the same order and the same words, one screen, no box drawing."""

from __future__ import annotations

from jupyter_mlgov.core.verdicts import Verdict
from jupyter_mlgov.promotion.facts import Reason
from jupyter_mlgov.reports.clean import visible
from jupyter_mlgov.reports.context import Context
from jupyter_mlgov.reports.numbers import measured, rate, share
from jupyter_mlgov.reports.reading import (
    CAVEAT,
    Standing,
    controls,
    coverage,
    grouped,
    headline,
    looks,
    not_in_force,
    reason_mark,
    severity,
    thresholds,
    unchecked,
    verified,
)
from jupyter_mlgov.reports.terminal import columns, pad, paint, wrap
from jupyter_mlgov.validation.results import CheckResult, Finding, Report

_HANG = 11
_STANDING_PAINT = {Standing.MAY_GO: "go", Standing.NOT_YET: "no", Standing.NOTHING: "inconclusive", Standing.CLEAR: "bold"}


def text(report: Report, context: Context | None = None, *, colour: bool = False, width: int = 88) -> str:
    """The whole report as text of at most `width` columns (never under 40); escape codes only when `colour` is asked for."""
    context, width = context or Context(), max(40, width)
    shut, folded = grouped(report)
    lines = [*head_lines(report, context, colour, width), *reason_lines(context.why, colour, width), ""]
    for result in shut:
        lines += [*_result(report, result, colour, width), ""]
    for verdict, results in folded:
        lines += _folded(verdict, results, colour, width)
    if not report.results:
        lines += wrap("Nothing was checked. This is no verdict: nothing here opens a gate.", width)
    lines += unchecked_lines(report, colour, width)
    lines += _held_to(report, [result for _, results in folded for result in results], colour, width)
    lines += ["", *foot_lines(report, colour, width)]
    return "\n".join(lines)


def head_lines(report: Report, context: Context, colour: bool, width: int) -> list[str]:
    """Title, standing, tallies, digest, and what is out of date or waived."""
    told = headline(report, context)
    made = f" · {context.made:%Y-%m-%d %H:%M} UTC" if context.made else ""
    title = wrap(visible(told.title, limit=200), width)
    state = wrap(f"{told.standing} — {told.detail}", width)
    lines = [paint(line, "bold", colour) for line in title]
    lines += [paint(line, _STANDING_PAINT[told.standing], colour) for line in state]
    lines += wrap(_tallies(report), width)
    lines += [paint(line, "soft", colour) for line in wrap(f"report {report.digest}{made}", width)]
    lines += [line for change in context.stale for line in wrap(visible(change), width, first="↻ ")]
    lines += [line for sentence in context.waived for line in wrap(visible(sentence), width, first="⏲ ")]
    return lines + (wrap(visible(report.note), width) if report.note else [])


def reason_lines(reasons: tuple[Reason, ...], colour: bool, width: int, *, numbered: bool = True) -> list[str]:
    """Reasons, numbered or below a report's results: mark, sentence, and what to type next on a line of its own."""
    lines: list[str] = []
    hang = " " * (4 if numbered else _HANG)
    for number, reason in enumerate(reasons, start=1):
        sign, verdict = reason_mark(reason)
        cell = f" (cell {reason.cell})" if reason.cell else ""
        first = f"{number} {sign} " if numbered else f"{sign} {pad('gate', _HANG - 2)}"
        told = wrap(visible(reason.sentence + cell), width, first=first, rest=hang)
        lines += [paint(line, verdict, colour) for line in told]
        lines += wrap(visible(reason.next), width, first=f"{hang}Next: ", rest=f"{hang}      ") if reason.next else []
    return lines


def _tallies(report: Report) -> str:
    counted = report.counts().items()
    shown = [f"{Verdict(verdict).mark} {number} {Verdict(verdict).word}" for verdict, number in counted] or ["? 0 checks ran"]
    left = len(unchecked(report))
    return " · ".join([*shown, *([f"○ {left} not checked here"] if left else [])])


def _result(report: Report, result: CheckResult, colour: bool, width: int) -> list[str]:
    asked = severity(report, result.validator) or "unasked"
    first = f"{result.verdict.mark} {pad(asked, 9)}"
    where = f"{result.validator}{f' · cell {result.cell}' if result.cell else ''}"
    told = f"{visible(result.title or result.validator, limit=200)} — {result.verdict.word} ({visible(where, limit=80)})"
    lines = [paint(line, result.verdict, colour) for line in wrap(told, width, first=first)]
    lines += _indented(result.summary, width)
    for finding in sorted(result.findings, key=lambda one: one.verdict.rank):
        lines += _finding(finding, result, width)
    lines += _indented(result.fix, width, label="Next: ")
    cited = controls(report, result.validator)
    lines += [line for item in cited[:2] for line in _indented(f"{item.control} · {item.cite} ({verified(item)})", width)]
    more = f"and {len(cited) - 2} more {'control' if len(cited) == 3 else 'controls'}; see the HTML report"
    return lines + (_indented(more, width) if len(cited) > 2 else []) + _thresholds(report, result, width)


def _thresholds(report: Report, result: CheckResult, width: int) -> list[str]:
    """The limits it was held to, each with its source and how that was seen."""
    return _indented(" · ".join(thresholds(report, result.validator)), width, label="Held to: ")


def _held_to(report: Report, results: list[CheckResult], colour: bool, width: int) -> list[str]:
    """The same of what is folded: a paragraph a validator."""
    told = [(result.validator, " · ".join(thresholds(report, result.validator))) for result in results]
    lines = [line for name, limits in told if limits for line in wrap(visible(f"{name}: {limits}"), width, rest=" " * 4)]
    head = wrap("What these were held to, with the source of each limit and how that was seen:", width)
    return [paint(line, "soft", colour) for line in ["", *head, *lines]] if lines else []


def _finding(finding: Finding, result: CheckResult, width: int) -> list[str]:
    lines = [] if finding.message == result.summary else _indented(finding.message, width, label=f"{finding.verdict.mark} ")
    lines += _estimates(finding, width)
    allowed = f"allowed {finding.allowed}" if finding.allowed else ""
    said = [measured(finding), allowed, f"n {finding.n:,}" if finding.n is not None else "", finding.where]
    lines += _indented(" · ".join(part for part in said if part), width)
    return lines + (_indented(finding.fix, width, label="Next: ") if finding.fix != result.fix else [])


def _estimates(finding: Finding, width: int) -> list[str]:
    """A line a group: name, rate with its interval, share. A name too long for the column stands above its numbers."""
    labels = [visible(estimate.label, limit=60) for estimate in finding.estimates]
    most = min(24, (width - _HANG) // 3)
    room = min(max(map(columns, labels), default=0), most)
    lines: list[str] = []
    for label, estimate in zip(labels, finding.estimates, strict=True):
        beside = label if columns(label) <= room else ""
        lines += [] if beside == label else wrap(label, width, first=" " * _HANG)
        lines += wrap(f"{rate(estimate)} · {share(estimate)}", width, first=" " * _HANG + pad(beside, room) + "  ")
    return lines


def _indented(words: str, width: int, *, label: str = "") -> list[str]:
    if not words:
        return []
    return wrap(visible(words), width, first=" " * _HANG + label, rest=" " * (_HANG + columns(label)))


def _folded(verdict: Verdict, results: tuple[CheckResult, ...], colour: bool, width: int) -> list[str]:
    names = " · ".join(visible(result.title or result.validator, limit=80) for result in results)
    lines = wrap(f"{verdict.word}: {names}", width, first=f"{verdict.mark} {pad(str(len(results)), 9)}", rest=" " * _HANG)
    if verdict is not Verdict.WARN:
        return [paint(line, verdict, colour) for line in lines]
    said = [line for result in results for line in _indented(result.summary, width, label="! ")]
    return [paint(line, verdict, colour) for line in lines] + said


def unchecked_lines(report: Report, colour: bool, width: int, named: int = 8) -> list[str]:
    """The controls that nobody checked here; the first `named` by name."""
    found = unchecked(report)
    if not found:
        return []
    names = ", ".join(visible(one.control.control, limit=60) for one in found[:named])
    more = f" and {len(found) - named} more" if len(found) > named else ""
    sentence = f"not checked here, so not passed; a person has to judge them: {names}{more}"
    return [paint(line, "soft", colour) for line in wrap(sentence, width, first=f"○ {pad(str(len(found)), 9)}", rest=" " * _HANG)]


def foot_lines(report: Report, colour: bool, width: int) -> list[str]:
    """The packs, how much of them a machine saw, the caveat, and looks at the hold-out set."""
    packs = ", ".join(f"{visible(item.id)} {visible(item.version)}" for item in report.policies) or "no policy"
    apart = not_in_force(report)
    lines = wrap(f"{packs} · {coverage(report)}{f' · {apart}' if apart else ''}. {CAVEAT}", width)
    lines += wrap(looks(report), width) if looks(report) else []
    return [paint(line, "soft", colour) for line in lines]
