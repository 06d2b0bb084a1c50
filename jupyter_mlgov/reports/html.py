"""A report as HTML: a fragment for a notebook's output and a whole page that needs no network, no script and no server."""

from __future__ import annotations

from jupyter_mlgov.core.verdicts import Verdict
from jupyter_mlgov.promotion.facts import Reason
from jupyter_mlgov.reports.clean import visible
from jupyter_mlgov.reports.context import Context
from jupyter_mlgov.reports.look import page_style, style, tone
from jupyter_mlgov.reports.markup import Html, el, join, prose
from jupyter_mlgov.reports.numbers import count
from jupyter_mlgov.reports.reading import (
    CAVEAT,
    Standing,
    Unchecked,
    coverage,
    grouped,
    headline,
    looks,
    not_in_force,
    reason_mark,
    unchecked,
)
from jupyter_mlgov.reports.result_html import control_html, folded_html, result_html
from jupyter_mlgov.validation.results import Report, SubjectRef

# Nothing may be fetched, run, framed or sent; only the style in the file itself applies.
CSP = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
_STANDING_TONES = {Standing.MAY_GO: "mg-pass", Standing.NOT_YET: "mg-fail", Standing.CLEAR: "mg-ink", Standing.NOTHING: "mg-unknown"}


def page(report: Report, context: Context | None = None) -> str:
    """The whole document, to be opened from a disk or sent by mail."""
    context = context or Context()
    told = headline(report, context)
    return document(f"{told.title} — {told.standing}", _section(report, context))


def fragment(report: Report, context: Context | None = None) -> str:
    """The same as one element with its scoped style, for a cell's output."""
    return el("div", style(), _section(report, context or Context()))


def document(title: str, *body: str) -> str:
    """A page around `body`: language, character set, title, and a policy that forbids everything but inline style."""
    head = el(
        "head",
        el("meta", charset="utf-8"),
        el("meta", http_equiv="Content-Security-Policy", content=CSP),
        el("meta", name="referrer", content="no-referrer"),
        el("meta", name="viewport", content="width=device-width, initial-scale=1"),
        el("title", title),
        page_style(),
        style(),
    )
    return "<!doctype html>\n" + el("html", head, el("body", el("main", *body)), lang="en") + "\n"


def _section(report: Report, context: Context) -> Html:
    shut, folded = grouped(report)
    return el(
        "section",
        _head(report, context),
        _tally(report),
        _stale(context.stale),
        _waived(context.waived),
        _note(report.note),
        _why(context.why),
        *(result_html(report, result, is_open=True) for result in shut),
        *(folded_html(report, verdict, results) for verdict, results in folded),
        "" if report.results else el("p", "Nothing was checked. This is no verdict: nothing here opens a gate.", class_="mg-band"),
        _unchecked(report),
        _foot(report),
        class_="mg",
        aria_label="Governance report",
    )


def _head(report: Report, context: Context) -> Html:
    told = headline(report, context)
    made = join(el("time", f"{context.made:%Y-%m-%d %H:%M} UTC", datetime=context.made.isoformat()), " · ") if context.made else ""
    return el(
        "header",
        el("h2", told.title),
        el("span", f"{told.standing} — {told.detail}", class_=f"mg-state {_STANDING_TONES[told.standing]}"),
        el("span", made, "report ", el("code", report.digest.short, title=report.digest), class_="mg-meta"),
        class_="mg-head",
    )


def _tally(report: Report) -> Html:
    shown = [_count(Verdict(verdict), number) for verdict, number in report.counts().items()]
    shown = shown or [el("span", "? 0 checks ran", class_="mg-unknown")]
    if left := len(unchecked(report)):
        shown.append(el("span", el("span", f"○ {left}", class_="mg-k"), " not checked here", class_="mg-mute"))
    titles = " · ".join(policy.title or policy.id for policy in report.policies)
    far = f"{titles} — {coverage(report)}" if titles else str(coverage(report))
    return el("div", *shown, el("span", far, class_="mg-far"), class_="mg-tally")


def _count(verdict: Verdict, number: int) -> Html:
    return el("span", el("span", f"{verdict.mark} {number}", class_="mg-k"), f" {verdict.word}", class_=tone(verdict))


def _stale(changes: tuple[str, ...]) -> Html:
    if not changes:
        return Html()
    lines = [el("li", "↻ ", prose(change)) for change in changes]
    return el("div", el("p", el("strong", "Out of date. "), "Since this report:"), el("ul", *lines), class_="mg-band mg-dash")


def _waived(sentences: tuple[str, ...]) -> Html:
    if not sentences:
        return Html()
    lines = [el("li", "⏲ ", prose(sentence)) for sentence in sentences]
    return el(
        "div", el("p", el("strong", "Waived. "), "The verdict stays; this gate does not count it:"), el("ul", *lines), class_="mg-band"
    )


def _note(note: str) -> Html:
    return el("p", note, class_="mg-band") if note else Html()


def _why(reasons: tuple[Reason, ...]) -> Html:
    return el("div", reasons_html(reasons), class_="mg-band") if reasons else Html()


def reasons_html(reasons: tuple[Reason, ...]) -> Html:
    """Numbered: the mark, the sentence, what to do next."""
    return el("ol", *(_reason(number, reason) for number, reason in enumerate(reasons, start=1)), class_="mg-list")


def _reason(number: int, reason: Reason) -> Html:
    sign, verdict = reason_mark(reason)
    cell = el("span", f" (cell {reason.cell})", class_="mg-soft") if reason.cell else ""
    following = el("span", el("strong", "Next: "), prose(reason.next), class_="mg-next") if reason.next else ""
    marked = el("span", sign, class_=tone(verdict), aria_hidden="true")
    return el("li", el("span", f"{number}", class_="mg-soft"), marked, el("span", prose(reason.sentence), cell), following, class_="mg-why")


def _unchecked(report: Report) -> Html:
    found = unchecked(report)
    if not found:
        return Html()
    whole, partly = sum(not one.partly for one in found), sum(one.partly for one in found)
    sentence = f" — {whole} with no evidence here, {partly} with a part missing. They are not passed: a person has to judge them."
    title = el("span", f"Not checked here: {len(found)} {'control' if len(found) == 1 else 'controls'}", class_="mg-title")
    sign = el("span", "○", class_="mg-mute", aria_hidden="true")
    head = el("summary", sign, el("span", class_="mg-sev"), el("span", title, sentence), el("span", class_="mg-turn"))
    listed = el("ul", *(el("li", control_html(one.control), _missing(one)) for one in found), class_="mg-list mg-src")
    return el("details", head, el("div", listed, class_="mg-body"))


def _missing(one: Unchecked) -> Html:
    start = "Another check gave evidence; no validator here for" if one.partly else "No validator here for"
    return join(el("br"), f"○ {start}: {', '.join(name or 'a person’s judgement' for name in one.validators)}.")


def _foot(report: Report) -> Html:
    policies = [el("div", f"{item.title or item.id} {item.version} ", el("code", item.digest)) for item in report.policies]
    pairs = [
        ("report", el("code", report.digest)),
        ("policies", join(*policies) if policies else "none: nothing said what is allowed"),
        *_subject(report.subject),
    ]
    listed = [part for name, value in pairs for part in (el("dt", name), el("dd", value))]
    apart = not_in_force(report)
    return el(
        "footer",
        el("p", f"Policies asked: {coverage(report)}{f'; {apart}' if apart else ''}. {CAVEAT}" if report.policies else CAVEAT),
        *([el("p", looks(report))] if looks(report) else []),
        el("dl", *listed, class_="mg-facts"),
        class_="mg-foot",
    )


def _subject(subject: SubjectRef) -> list[tuple[str, str]]:
    rows = f" {count(subject.rows)} rows" if subject.rows >= 0 else ""
    pairs: list[tuple[str, str]] = [(f"subject ({subject.kind})", el("code", subject.digest))]
    pairs += [("notebook", subject.notebook)] if subject.notebook else []
    pairs += [("table", join(el("code", subject.table), rows))] if subject.table else []
    pairs += [("model", el("code", subject.model) if subject.model else "no model is part of this subject")]
    pairs += [(f"data {visible(path)}", el("code", digest)) for path, digest in subject.data.items()]
    others = (("cells", subject.slice), ("environment", subject.environment), ("code", subject.code))
    return pairs + [(name, el("code", value)) for name, value in others if value]
