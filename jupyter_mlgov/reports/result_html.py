"""One check's answer as HTML: what it says, the plot, the numbers, the controls it serves, how to mend it."""

from __future__ import annotations

import json

from jupyter_mlgov.core.verdicts import Verdict
from jupyter_mlgov.reports.clean import visible
from jupyter_mlgov.reports.figures import MOST, bars, curve, curve_bins, drift_bins, roc, roc_points, told
from jupyter_mlgov.reports.look import tone
from jupyter_mlgov.reports.markup import Html, el, join, link, prose, say
from jupyter_mlgov.reports.numbers import count, figure, measured, percent, rate, share
from jupyter_mlgov.reports.reading import automation, controls, severity, verified
from jupyter_mlgov.reports.svg import Scale, axis, rows, scale, track
from jupyter_mlgov.validation.results import CheckResult, Estimate, Finding, Report, RequirementResult


def result_html(report: Report, result: CheckResult, *, is_open: bool) -> Html:
    """One result as a <details>: its line is the summary, all evidence is inside."""
    return el("details", _line(report, result), _body(report, result), open=is_open)


def folded_html(report: Report, verdict: Verdict, results: tuple[CheckResult, ...]) -> Html:
    """Results that need no action, behind one line with their number."""
    words = {Verdict.WARN: "to look at (passed)", Verdict.PASS: "passed", Verdict.NOT_APPLICABLE: "not applicable"}
    names = " · ".join(result.title or result.validator for result in results)
    head = el(
        "summary",
        mark(verdict),
        el("span", class_="mg-sev"),
        el("span", el("span", f"{len(results)} {words[verdict]}", class_="mg-title"), el("span", f" — {names}", class_="mg-soft")),
        el("span", class_="mg-turn"),
    )
    return el("details", head, *(result_html(report, result, is_open=False) for result in results))


def mark(verdict: Verdict) -> Html:
    """The sign for the eye and the word for the ear."""
    return el("span", verdict.mark, role="img", aria_label=verdict.word, class_=tone(verdict))


def _line(report: Report, result: CheckResult) -> Html:
    asked = severity(report, result.validator)
    title = el("span", result.title or result.validator, class_="mg-title")
    word = el("span", f" — {result.verdict.word}", class_=tone(result.verdict))
    where = el("span", f"cell {visible(result.cell, limit=40)}" if result.cell else "", class_="mg-turn")
    return el("summary", mark(result.verdict), el("span", asked or "not asked", class_="mg-sev"), el("span", title, word), where)


def _body(report: Report, result: CheckResult) -> Html:
    findings = [_finding(finding, result) for finding in sorted(result.findings, key=lambda finding: finding.verdict.rank)]
    parts = [
        el("p", prose(result.summary), class_="mg-say") if result.summary else "",
        el("div", *findings) if findings else "",
        _fix(result.fix),
        _controls(controls(report, result.validator)),
        _facts(result),
    ]
    return el("div", *parts, class_="mg-body")


def _finding(finding: Finding, result: CheckResult) -> Html:
    alone = len(result.findings) == 1 and finding.verdict is result.verdict
    repeats = alone and finding.message == result.summary
    message = "" if repeats else el("p", "" if alone else join(mark(finding.verdict), " "), prose(finding.message), class_="mg-say")
    own_fix = "" if finding.fix == result.fix else _fix(finding.fix)
    return el("div", message, plot(finding), _numbers(finding), _details(finding), own_fix, class_="mg-find")


def _numbers(finding: Finding) -> Html:
    pairs = [
        ("measured", measured(finding)),
        ("allowed", finding.allowed),
        ("n", count(finding.n) if finding.n is not None else ""),
        ("where", finding.where),
    ]
    shown = [join(el("span", f"{name} ", class_="mg-soft"), value) for name, value in pairs if value]
    return el("p", join(*shown, by=" · "), class_="mg-num") if shown else Html()


def _fix(text: str) -> Html:
    return el("p", el("strong", "Next: "), prose(text), class_="mg-fix") if text else Html()


def plot(finding: Finding) -> Html:
    """Groups with their intervals on one scale, the reference through all of them; the numbers stand beside, as text.

    A check of calibration or discrimination has its curve and a drift check its bars besides.
    """
    points, shares, rates = curve_bins(finding.details), drift_bins(finding.details), roc_points(finding.details)
    drawn = curve(points) if points else bars(shares) if shares else roc(rates) if rates else Html()
    if not drawn:
        return _groups(finding)
    numbers = "; ".join(f"{name}: {value}" for name, value in told(finding)[:MOST])
    spoken = el("p", numbers, class_="mg-num mg-small mg-soft")
    return join(el("div", drawn, spoken, class_="mg-drawn"), "" if shares else _groups(finding))


def _groups(finding: Finding) -> Html:
    estimates = rows(finding)
    on = scale(estimates, finding.reference) if estimates else None
    if on is None:
        return Html()
    head = _limit(finding, on)
    body = [_row(estimate, finding, on) for estimate in estimates]
    foot = el("tr", el("td"), el("td", axis(on), class_="mg-lane"), el("td"), aria_hidden="true")
    return el("table", el("tbody", head, *body, foot), class_="mg-plot", aria_label=_spoken(finding))


def _row(estimate: Estimate, finding: Finding, on: Scale) -> Html:
    shade = f"mg-lane {tone(finding.verdict)}" if _misses(estimate, finding) else "mg-lane"
    n = join(" ", el("span", share(estimate), class_="mg-soft")) if estimate.k >= 0 else ""
    return el(
        "tr",
        el("th", say(estimate.label, limit=160), scope="row"),
        el("td", track(estimate, on, finding.reference), class_=shade),
        el("td", el("span", rate(estimate)), n, class_="mg-num mg-rate"),
    )


def _misses(estimate: Estimate, finding: Finding) -> bool:
    """Whether a group lies on the wrong side of the reference; said by colour only where `allowed` says which side is wrong."""
    if estimate.value is None or finding.reference is None or finding.verdict is Verdict.PASS:
        return False
    allowed = finding.allowed.lstrip().lower()
    if allowed.startswith(("at least", ">=", "≥")):
        return estimate.value < finding.reference
    return allowed.startswith(("at most", "<=", "≤")) and estimate.value > finding.reference


def _limit(finding: Finding, on: Scale) -> Html:
    """The reference's name, ending or beginning at its line, whichever side has more room."""
    if finding.reference is None:
        return Html()
    place = on.place(finding.reference)
    value = percent(finding.reference) if on.as_percent else figure(finding.reference)
    label = f"{finding.reference_label} = {value}" if finding.reference_label else value
    left = place <= 50
    where = f"padding-left:{place:g}%" if left else f"padding-right:{100 - place:g}%"
    text = el("div", f"┆ {label}" if left else f"{label} ┆", style=where, class_="mg-from" if left else "mg-to")
    return el("tr", el("td"), el("td", text, class_="mg-lane mg-limit-label"), el("td"))


def _spoken(finding: Finding) -> str:
    limit = f"; the reference is {finding.reference_label or figure(finding.reference)}" if finding.reference is not None else ""
    return f"Estimates with {finding.confidence * 100:g} percent intervals{limit}"


def _details(finding: Finding) -> Html:
    """Further numbers, run on like a sentence: a column of them would push away what matters."""
    drawn = {"bins", "reference", "current"} if curve_bins(finding.details) or drift_bins(finding.details) else set()
    drawn |= {"roc"} if roc_points(finding.details) else set()
    names = ((name.replace("_", " "), value) for name, value in finding.details.items() if name not in drawn)
    more = [join(el("span", f"{name} ", class_="mg-soft"), _value(value)) for name, value in names]
    return el("p", join(*more, by=" · "), class_="mg-num mg-small") if more else Html()


def _value(value: object) -> str:
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: "none"}[value]
    if isinstance(value, (int, float)):
        return figure(value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _controls(items: tuple[RequirementResult, ...]) -> Html:
    if not items:
        return el("p", "No control of these policies asks for this check.", class_="mg-src")
    return el("ul", *(el("li", control_html(item)) for item in items), class_="mg-list mg-src")


def control_html(item: RequirementResult) -> Html:
    """Which rule, where it is written, what it asks in our words, and how sure we are of the wording."""
    gates = f" · asked at {', '.join(item.gates)}" if item.gates else ""
    return join(
        el("code", item.control),
        f" · {item.severity} · ",
        link(item.url, item.cite),
        el("br"),
        el("span", item.obligation, class_="mg-obligation"),
        el("br"),
        f"Source seen as: {verified(item)}; wording here is ours. {automation(item).capitalize()}.{gates}",
        *(join(el("br"), el("span", f"Asked: {ask}.", class_="mg-threshold")) for ask in item.asks),
    )


def _facts(result: CheckResult) -> Html:
    """Who measured it, how, with which settings, and under which name the evidence is kept."""
    settings = ", ".join(f"{name} = {value}" for name, value in result.parameters.items())
    said = [
        say(f"{result.validator} {result.version}"),
        say(f"method {result.source}") if result.source else Html(),
        say(settings),
        *(join("evidence ", el("code", digest)) for digest in result.evidence),
    ]
    return el("p", join(*said, by=" · "), "" if result.evidence else " · no evidence kept", class_="mg-src")
