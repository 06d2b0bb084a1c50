"""The portfolio as HTML: one file with search and sorting that run inside it, and the same without them for a notebook's cell."""

from __future__ import annotations

import re
from collections.abc import Iterable

from jupyter_mlgov.monitoring.portfolio.attention import RULE, Attention
from jupyter_mlgov.monitoring.portfolio.concentration import SOURCES, Dependencies
from jupyter_mlgov.monitoring.portfolio.figures import Figure
from jupyter_mlgov.monitoring.portfolio.inventory import FIELDS, Value
from jupyter_mlgov.monitoring.portfolio.whole import Entry, Portfolio
from jupyter_mlgov.reports.look import page_style, style, tone
from jupyter_mlgov.reports.markup import Html, el, join
from jupyter_mlgov.reports.numbers import count
from jupyter_mlgov.reports.portfolio import words
from jupyter_mlgov.reports.portfolio.graph import graph_svg
from jupyter_mlgov.reports.sifting import script_policy, sifting

# A click on a head sorts by its column, numbers as numbers, unknown last.
SCRIPT = (
    sifting("models")
    + """
const body = document.querySelector('#inventory tbody');
const compare = new Intl.Collator(undefined, { numeric: true }).compare;
document.querySelectorAll('#inventory th').forEach((head, column) => {
  head.tabIndex = 0;
  const sort = () => {
    const down = head.getAttribute('aria-sort') === 'ascending';
    document.querySelectorAll('#inventory th').forEach(other => other.removeAttribute('aria-sort'));
    head.setAttribute('aria-sort', down ? 'descending' : 'ascending');
    const of = row => row[0].children[column].textContent;
    const late = text => (text.startsWith('unknown') ? 1 : 0);
    rows.sort((one, other) => late(of(one)) - late(of(other)) || compare(of(one), of(other)) * (down ? -1 : 1));
    body.append(...rows.map(([row]) => row));
  };
  head.addEventListener('click', sort);
  head.addEventListener('keydown', event => { if (event.key === 'Enter' || event.key === ' ') { event.preventDefault(); sort(); } });
});
"""
)
_RULES = """
.mg.pf{max-width:none}.pf section{padding:10px 14px;border-bottom:1px solid var(--mg-line)}
.pf h3{font-weight:650;font-size:14px;margin:0 0 6px}
.pf .pf-figures{display:grid;grid-template-columns:repeat(auto-fill,minmax(230px,1fr));gap:10px}
.pf .pf-figure{border:1px solid var(--mg-line);border-radius:6px;padding:8px 10px}
.pf .pf-value{font-size:20px;font-weight:650;font-variant-numeric:tabular-nums}
.pf .pf-none{color:var(--mg-unknown)}.pf .pf-word{font-size:11px;fill:currentColor}
.pf th[aria-sort]::after{content:" ↕";color:var(--mg-soft)}
.pf th[aria-sort=ascending]::after{content:" ▲"}.pf th[aria-sort=descending]::after{content:" ▼"}
.pf th{font-weight:650;border-bottom:1px solid var(--mg-line);vertical-align:bottom;padding:2px 10px 2px 0}.pf #inventory th{cursor:pointer}
.pf td{padding:3px 10px 3px 0;vertical-align:top;border-bottom:1px solid var(--mg-line);font-variant-numeric:tabular-nums}
.pf tr[hidden]{display:none}.pf .pf-wide{overflow-x:auto}.pf input{font:inherit;width:24em;max-width:90%}
.pf .pf-figure details{border:0}.pf .pf-figure summary{display:block;padding:4px 0 0}.pf .pf-figure summary:hover{background:none}
.pf .pf-figure summary .mg-turn{float:right}
.pf #inventory{overflow-wrap:normal;width:max-content}.pf #inventory td,.pf #inventory th{max-width:30ch}.pf #inventory th{max-width:16ch}
.pf #inventory td{overflow-wrap:break-word}
.pf #inventory td:first-child,.pf #inventory th:first-child{position:sticky;left:0;background:var(--mg-bg);font-weight:650}
.pf .pf-rail{opacity:.25}.pf .pf-how{color:var(--mg-soft);font-size:11px;display:block}
"""
# With more models than this the page shows SHORT of the fields, and says so: a browser holds no 300,000 cells.
WHOLE = 500
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:[\d.]+Z")
SHORT = ("model", "tier", "stage", "version", "verdict", "validated", "owner", "purpose", "findings", "monitored")


def page(one: Portfolio) -> str:
    """The whole document. It asks nobody for anything and runs no script but its own, which it names by hash."""
    head = el(
        "head",
        el("meta", charset="utf-8"),
        el("meta", http_equiv="Content-Security-Policy", content=script_policy(SCRIPT)),
        el("meta", name="referrer", content="no-referrer"),
        el("meta", name="viewport", content="width=device-width, initial-scale=1"),
        el("title", f"Portfolio — {words.headline(one)}"),
        page_style(),
        style(),
        _style(),
        el("style", Html("main{max-width:1500px}")),
    )
    script = Html(f"<script>{SCRIPT}</script>") if one.inventory else ""
    body = el("body", el("main", _section(one, inventory=True)), script)
    return "<!doctype html>\n" + el("html", head, body, lang="en") + "\n"


def fragment(one: Portfolio) -> Html:
    """The same without the inventory and without a script, for a cell's output."""
    return el("div", style(), _style(), _section(one, inventory=False))


def _style() -> Html:
    return el("style", Html(_RULES.replace("\n", "")))


def _section(one: Portfolio, *, inventory: bool) -> Html:
    return el(
        "section",
        el("header", el("h2", "Portfolio"), el("span", words.headline(one), class_="mg-meta"), class_="mg-head"),
        _part("Figures", el("div", *(_figure(figure) for figure in one.figures), class_="pf-figures")),
        _part("Look here first", _first(one.first), el("p", RULE, class_="mg-small mg-soft")),
        _part(
            f"Findings: {count(one.findings_in_all)} open, {count(one.overdue)} overdue",
            _list((words.finding(item) for item in one.findings), one.findings_in_all),
        ),
        _part(f"Reviews: {count(one.reviews_in_all)} open", _list((words.review(item) for item in one.reviews), one.reviews_in_all)),
        _part("Coming into force", _coming(one)),
        _part("What models share", *_shared(one.dependencies)),
        _inventory(one) if inventory else "",
        el("div", el("p", words.CAVEAT), class_="mg-foot"),
        class_="mg pf",
        aria_label="Portfolio",
    )


def _part(title: str, *children: str) -> Html:
    return el("section", el("h3", title), *children)


def _figure(figure: Figure) -> Html:
    known = figure.value is not None
    shown = el("p", words.value(figure), class_="pf-value" if known else "pf-value pf-none")
    bar = _bar(figure.value) if figure.kind == "share" and figure.value is not None else ""
    more = el(
        "details",
        el("summary", el("span", "What it means", class_="mg-small mg-soft mg-turn")),
        el("p", figure.says, class_="mg-small"),
        el("p", f"Source: {figure.source}. Entries: ", el("code", f"mlgov portfolio entries {figure.id}"), class_="mg-small mg-soft"),
    )
    return el("div", el("p", figure.title), shown, bar, el("p", words.basis(figure), class_="mg-small mg-soft"), more, class_="pf-figure")


def _bar(share: float) -> Html:
    """A share as a line of that length on a rail."""
    width = round(100 * min(1.0, max(0.0, share)), 2)
    rail = el("rect", x=0, y=2, width="100%", height=6, fill="currentColor", class_="mg-mute", stroke_opacity=0)
    line = el("rect", x=0, y=2, width=f"{width}%", height=6, fill="currentColor")
    return el(
        "svg", el("g", rail, class_="pf-rail"), line, width="100%", height=10, aria_hidden="true", focusable="false", class_="mg-pass"
    )


def _first(models: tuple[Attention, ...]) -> Html:
    if not models:
        return el("p", "No model is in the trail yet.")
    most = max(model.score for model in models) or 1.0
    rows = [
        el(
            "tr",
            el("td", model.model),
            el("td", words.tier(model.tier)),
            el("td", f"{model.stage} {model.version}".strip() or "no stage"),
            el("td", model.verdict or words.UNKNOWN, class_=tone(model.verdict)),
            el("td", f"{model.days:.0f}"),
            el("td", _score(model.score / most), f"{model.score:,.0f}"),
            el("td", "; ".join(model.why)),
        )
        for model in models
    ]
    return _table(("Model", "Tier", "Stage", "Verdict", "Days", "Score", "Why"), rows)


def _score(share: float) -> Html:
    line = el("rect", x=0, y=1, width=f"{round(100 * share, 2)}%", height=5, fill="currentColor")
    return el("svg", line, width="80", height=7, aria_hidden="true", focusable="false", class_="mg-warn")


def _list(sentences: Iterable[str], total: int) -> Html:
    items = [el("li", sentence) for sentence in sentences]
    rest = el("li", f"and {count(total - len(items))} more") if total > len(items) else ""
    return el("ul", *items, rest, class_="mg-list") if total else el("p", "none")


def _coming(one: Portfolio) -> Html:
    items = [
        el("li", words.coming(item), el("span", f" {_names(item.closes)}", class_="mg-fail") if item.closes else "") for item in one.coming
    ]
    return el("ul", *items, class_="mg-list") if items else el("p", "none")


def _names(models: tuple[str, ...]) -> str:
    return ", ".join(models[:10]) + (f" and {count(len(models) - 10)} more" if len(models) > 10 else "")


def _shared(graph: Dependencies) -> tuple[Html, ...]:
    if graph.hhi is None:
        return (el("p", "No data: the trail names nothing that a model rests on.", class_="mg-unknown"),)
    high = ", concentrated" if graph.concentrated else ""
    unknown = f" Of {count(graph.unknown)} models nothing is known." if graph.unknown else ""
    said = f"{count(graph.models)} models, {count(graph.links)} links; concentration (HHI) {graph.hhi:.2f}{high}.{unknown}"
    drawn, left_out = graph_svg(graph)
    rows = [
        el(
            "tr",
            el("td", node.kind),
            el("td", " = ".join(node.names)),
            el("td", f"{count(len(node.feeds))} ({node.share:.0%})"),
            el("td", count(node.tier1)),
            el("td", node.fallback or "none named"),
            el("td", "; ".join(node.flags), class_="mg-fail"),
            el("td", _names(node.feeds)),
        )
        for node in graph.nodes[:100]
    ]
    more = [el("p", f"and {count(len(graph.nodes) - 100)} more nodes", class_="mg-soft")] if len(graph.nodes) > 100 else []
    table = (
        _table(("Kind", "Name", "Models", "Tier 1", "Fallback", "Flagged", "Which"), rows)
        if rows
        else el("p", "No two models share anything.")
    )
    notes = [el("p", sentence, class_="mg-small mg-soft") for sentence in SOURCES.values()]
    return (el("p", said), drawn if rows else Html(), el("p", left_out, class_="mg-soft") if left_out else Html(), table, *more, *notes)


def _inventory(one: Portfolio) -> Html:
    short = len(one.inventory) > WHOLE
    shown = [field for field in FIELDS if not short or field.id in SHORT]
    search = el(
        "p",
        el("label", "Search ", for_="search"),
        el("input", id="search", type="search"),
        el("span", " ", el("span", id="shown", aria_live="polite")),
    )
    note = (
        f"With more than {WHOLE} models {len(shown)} of {len(FIELDS)} fields are here; `mlgov portfolio --format csv` has all."
        if short
        else ""
    )
    names = {field.id for field in shown}
    rows = [_row(entry, names) for entry in one.inventory]
    head = el("tr", *(el("th", field.title, scope="col", title=field.asked_by) for field in shown))
    table = el("div", el("table", el("thead", head), el("tbody", *rows), id="inventory"), class_="pf-wide")
    return _part("Inventory", search if rows else "", el("p", note, class_="mg-soft") if note else "", table)


def _row(entry: Entry, names: set[str]) -> Html:
    return el("tr", *(el("td", *_value(value)) for value in entry.values if value.field in names), data_row=True)


def _value(value: Value) -> tuple[Html, ...]:
    if value.how == "unknown":
        return (el("span", words.UNKNOWN, class_="mg-unknown"),)
    said = value.how if value.how != "log" else ""
    conflict = el("span", f"an import says: {value.conflict}", class_="pf-how mg-fail") if value.conflict else Html()
    return (_when(value.text), el("span", said, class_="pf-how") if said else Html(), conflict)


def _when(text: str) -> Html:
    """A moment to the minute, in the trail's own zone (UTC); whole where the mouse rests. Anything else as it is."""
    if not _MOMENT.fullmatch(text):
        return join(text)
    return el("span", text[:16].replace("T", " "), title=text)


def _table(heads: tuple[str, ...], rows: list[Html]) -> Html:
    head = el("thead", el("tr", *(el("th", name, scope="col") for name in heads)))
    return el("div", el("table", head, el("tbody", *rows)), class_="pf-wide")


class Shown:
    """The portfolio as the last value of a cell."""

    def __init__(self, one: Portfolio) -> None:
        self.portfolio = one

    def _repr_html_(self) -> str:
        return str(fragment(self.portfolio))

    def __repr__(self) -> str:
        from jupyter_mlgov.reports.portfolio.text import text

        return text(self.portfolio)
