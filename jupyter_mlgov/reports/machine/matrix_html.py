"""The traceability matrix as one page with a search that runs inside it: both directions, no request, no script but ours."""

from __future__ import annotations

from collections.abc import Iterable

from jupyter_mlgov.core.verdicts import Verdict
from jupyter_mlgov.reports.dossier.facts import DossierFacts
from jupyter_mlgov.reports.dossier.paper import paper
from jupyter_mlgov.reports.look import tone
from jupyter_mlgov.reports.machine.matrix import Trace, backward, traces
from jupyter_mlgov.reports.markup import Html, el, join, link
from jupyter_mlgov.reports.reading import CAVEAT
from jupyter_mlgov.reports.sifting import script_policy, sifting

SCRIPT = sifting("lines")
FORWARD = ("Regulation", "Control", "Requirement", "Validator", "Answer", "Evidence", "Cell", "Data")


def matrix_html(facts: DossierFacts) -> str:
    """The whole page: forward by regulation, backward by data and cell, one search over both."""
    found = traces(facts)
    title = f"Traceability matrix — {facts.name}"
    head = el(
        "head",
        el("meta", charset="utf-8"),
        el("meta", http_equiv="Content-Security-Policy", content=script_policy(SCRIPT)),
        el("meta", name="referrer", content="no-referrer"),
        el("meta", name="viewport", content="width=device-width, initial-scale=1"),
        el("title", title),
        paper(title),
        el(
            "style",
            Html("body{max-width:none}tr[hidden]{display:none}@page{size:A4 landscape}input{font:inherit;width:24em;max-width:90%}"),
        ),
    )
    search = el(
        "p",
        el("label", "Search ", for_="search"),
        el("input", id="search", type="search"),
        el("span", " ", el("span", id="shown", aria_live="polite")),
    )
    empty = el("p", "There is no report on this version, so there is no path to trace.", class_="gap")
    body = el(
        "body",
        el("header", el("h1", title), el("p", CAVEAT, class_="caveat")),
        el("main", search, _forward(found), _back(found)) if found else empty,
        Html(f"<script>{SCRIPT}</script>") if found else "",
    )
    return "<!doctype html>\n" + el("html", head, body, lang="en") + "\n"


def _forward(found: tuple[Trace, ...]) -> Html:
    rows = [
        _row(
            join(link(one.url, one.regulation), el("br"), el("span", f"wording: {one.wording}", class_="soft")),
            join(el("code", one.control), el("br"), el("span", one.obligation, class_="soft")),
            join(one.requirement, el("br"), el("span", f"{one.severity}, {one.standing}", class_="soft")),
            one.validator,
            _answer(one),
            _evidence(one),
            one.cell or "—",
            one.data or "—",
        )
        for one in found
    ]
    return _table("From the regulation to the data", FORWARD, rows)


def _back(found: tuple[Trace, ...]) -> Html:
    """Only what was measured has a way back."""
    rows = [
        _row(
            one.data or "—",
            one.cell or "—",
            _evidence(one),
            _answer(one),
            one.validator,
            one.requirement,
            el("code", one.control),
            link(one.url, one.regulation),
        )
        for one in backward(found)
        if one.evidence
    ]
    return _table("From the data back to the regulation", FORWARD[::-1], rows)


def _answer(one: Trace) -> Html:
    words = {verdict.word: verdict for verdict in Verdict}
    verdict = words.get(one.answer)
    mark = f"{verdict.mark} {one.answer}" if verdict else f"○ {one.answer}"
    more = join(el("br"), one.measured) if one.measured else ""
    note = join(el("br"), el("span", one.note, class_="soft")) if one.note and verdict is None else ""
    return join(el("span", mark, class_=tone(verdict.value if verdict else "unchecked")), more, note)


def _evidence(one: Trace) -> Html:
    return el("code", one.evidence) if one.evidence else Html("—")


def _row(*cells: str) -> Html:
    return el("tr", *(el("td", cell) for cell in cells), data_row=True)


def _table(title: str, columns: Iterable[str], rows: list[Html]) -> Html:
    head = el("thead", el("tr", *(el("th", name, scope="col") for name in columns)))
    return el("section", el("h2", title), el("table", el("caption", f"{len(rows)} lines"), head, el("tbody", *rows), class_="wide"))
