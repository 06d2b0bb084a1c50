"""A report at one look: what stands in the way and what to look at, each with its number and its fix, then how many of the rest.

Nothing that keeps a gate shut is left out here; numbers of what passed, limits with their sources, and clauses are in text().
"""

from __future__ import annotations

from collections.abc import Iterable

from jupyter_mlgov.core.verdicts import Verdict
from jupyter_mlgov.promotion.facts import Reason
from jupyter_mlgov.reports.clean import visible
from jupyter_mlgov.reports.context import Context
from jupyter_mlgov.reports.reading import grouped, severity
from jupyter_mlgov.reports.terminal import pad, paint, wrap
from jupyter_mlgov.reports.text import foot_lines, head_lines, reason_lines, unchecked_lines
from jupyter_mlgov.validation.results import CheckResult, Report

_HANG = 11
_NAMED = 6


def glance(report: Report, context: Context | None = None, *, colour: bool = False, width: int = 88, more: str = "") -> str:
    """The report in about a screen. `more` is what to type for all of it."""
    context, width = context or Context(), max(40, width)
    shut, folded = grouped(report)
    lines = [*head_lines(report, context, colour, width), ""]
    for result in shut:
        lines += _result(report, result, colour, width)
    lines += _apart(context.why, shut, colour, width)
    for verdict, results in folded:
        if verdict is Verdict.WARN:
            lines += [line for result in results for line in _result(report, result, colour, width)]
    if not report.results:
        lines += wrap("Nothing was checked. This is no verdict: nothing here opens a gate.", width)
    lines += [
        "",
        *(line for verdict, results in folded if verdict is not Verdict.WARN for line in _counted(verdict, results, colour, width)),
    ]
    lines += unchecked_lines(report, colour, width, named=3)
    lines += foot_lines(report, colour, width)
    return "\n".join(lines + ([paint(line, "soft", colour) for line in wrap(more, width)] if more else []))


def _result(report: Report, result: CheckResult, colour: bool, width: int) -> list[str]:
    """Mark, severity, title and id; the sentence with the number; what else of it does not pass; what to do."""
    asked = severity(report, result.validator) or "unasked"
    where = f"{result.validator}{f' · cell {result.cell}' if result.cell else ''}"
    told = f"{visible(result.title or result.validator, limit=200)} — {result.verdict.word} ({visible(where, limit=80)})"
    lines = [paint(line, result.verdict, colour) for line in wrap(told, width, first=f"{result.verdict.mark} {pad(asked, 9)}")]
    lines += _indented(result.summary, width)
    lines += _indented(_beside(result), width)
    return lines + _indented(_next(result), width, "Next: ")


def _next(result: CheckResult) -> str:
    """The fix of the finding that the summary tells, or the check's; its first sentence."""
    own = next((one.fix for one in result.findings if one.message == result.summary and one.fix), "")
    whole = " ".join((own or result.fix).split())
    first, stop, _ = whole.partition(". ")
    return first + stop.strip()


def _beside(result: CheckResult) -> str:
    """The findings of a result that are no better than "look" and that its summary does not tell, by place."""
    rest = [one for one in result.findings if one.message != result.summary and one.verdict in _LOOKED_AT]
    said = []
    for verdict in sorted({one.verdict for one in rest}, key=lambda verdict: verdict.rank):
        mine = [one for one in rest if one.verdict is verdict]
        places = _some(dict.fromkeys(visible(one.where, limit=40) for one in mine if one.where))
        said.append(f"{verdict.mark} {len(mine)} more {verdict.word}{f': {places}' if places else ''}.")
    return " ".join(said)


_LOOKED_AT = (Verdict.FAIL, Verdict.ERROR, Verdict.INCONCLUSIVE, Verdict.WARN)


def _some(names: Iterable[str]) -> str:
    known = list(names)
    return ", ".join(known[:_NAMED]) + (f" and {len(known) - _NAMED} more" if len(known) > _NAMED else "")


def _apart(why: tuple[Reason, ...], shut: tuple[CheckResult, ...], colour: bool, width: int) -> list[str]:
    """The gate's reasons that no result above tells: approvals, what is out of date, data nobody pushed."""
    told = {result.validator for result in shut}
    rest = tuple(one for one in why if not (one.code.startswith("verdict-") and one.validator in told))
    return reason_lines(rest, colour, width, numbered=False)


def _counted(verdict: Verdict, results: tuple[CheckResult, ...], colour: bool, width: int) -> list[str]:
    names = " · ".join(visible(result.validator, limit=80) for result in results)
    first = f"{verdict.mark} {pad(str(len(results)), 9)}"
    return [paint(line, verdict, colour) for line in wrap(f"{verdict.word}: {names}", width, first=first, rest=" " * _HANG)]


def _indented(words: str, width: int, label: str = "") -> list[str]:
    if not words:
        return []
    return wrap(visible(words), width, first=" " * _HANG + label, rest=" " * (_HANG + len(label)))
