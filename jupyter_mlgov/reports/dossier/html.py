"""A document as one HTML page that needs nothing from outside: for the screen, and laid out in pages for print and PDF."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import count as counter

from jupyter_mlgov.core.verdicts import Verdict
from jupyter_mlgov.reports.clean import visible
from jupyter_mlgov.reports.dossier.document import (
    Block,
    Bullets,
    Document,
    Facts,
    Figure,
    Gap,
    Inline,
    Paragraph,
    Section,
    Source,
    Span,
    Table,
    Written,
    walk,
)
from jupyter_mlgov.reports.dossier.paper import paper
from jupyter_mlgov.reports.figures import figure_of
from jupyter_mlgov.reports.html import CSP
from jupyter_mlgov.reports.look import tone
from jupyter_mlgov.reports.markup import Html, anchor, el, join, link, prose, say

LONGEST = 4000  # letters of one run of text; what is cut is counted


def html(document: Document) -> str:
    """The whole page. Law: it asks for nothing, runs nothing, and every text in it reads as text."""
    head = el(
        "head",
        el("meta", charset="utf-8"),
        el("meta", http_equiv="Content-Security-Policy", content=CSP),
        el("meta", name="referrer", content="no-referrer"),
        el("meta", name="viewport", content="width=device-width, initial-scale=1"),
        el("meta", name="description", content=f"{document.title}: {document.subject}"),
        el("title", f"{document.title} — {document.subject}"),
        paper(f"{document.subject} · {document.title}"),
    )
    places = _places(document.sources)
    write = _Writer(places)
    body = el(
        "body",
        _title_page(document, write),
        _contents(document),
        el("main", _missing(document, write), *(write.section(one, 2) for one in document.sections), _evidence(document.sources, places)),
    )
    return "<!doctype html>\n" + el("html", head, body, lang="en") + "\n"


def section_id(number: str) -> str:
    """`s-3-1` for 3.1."""
    return "s-" + "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in number)


def _places(sources: Sequence[Source]) -> dict[str, int]:
    return {source.digest: place for place, source in enumerate(sources, 1)}


def _title_page(document: Document, write: _Writer) -> Html:
    rows = [part for name, words in document.facts for part in (el("dt", name), el("dd", write.words(words)))]
    return el(
        "header",
        el("p", "Model governance", class_="over"),
        el("h1", document.title),
        el("p", document.subject, class_="subject"),
        el("dl", *rows, class_="facts"),
        el("p", document.basis, class_="soft"),
        el("p", document.caveat, class_="caveat"),
        el("section", el("h2", "Summary", id="summary"), *(write.block(block) for block in document.summary), aria_labelledby="summary"),
        class_="title",
    )


def _contents(document: Document) -> Html:
    items = (
        [el("li", anchor("missing", f"What is missing ({len({gap for _, gap in document.missing})})"), class_="level-1")]
        if document.missing
        else []
    )
    for one in walk(document.sections):
        level = one.number.count(".") + 1
        if level <= 2:
            items.append(el("li", anchor(section_id(one.number), f"{one.number} {one.title}"), class_=f"level-{level}"))
    items.append(el("li", anchor("evidence", "Evidence"), class_="level-1"))
    return el("nav", el("h2", "Contents", id="contents"), el("ul", *items), class_="contents", aria_labelledby="contents")


def _missing(document: Document, write: _Writer) -> Html:
    if not document.missing:
        return Html()
    once: dict[Gap, list[str]] = {}
    for number, gap in document.missing:
        once.setdefault(gap, []).append(number)
    rows = tuple((_numbers(numbers), (Span(text=gap.what),), _next(gap)) for gap, numbers in once.items())
    said = "Nobody may read this document as if these were there."
    table = Table(caption="What is missing, by section", columns=("Section", "Missing", "To get it"), rows=rows, widths=(9, 61, 30))
    return el("section", el("h2", "What is missing", id="missing"), el("p", said), write.block(table), class_="missing")


def _numbers(numbers: Sequence[str]) -> Inline:
    linked = [Span(text=number, link=section_id(number)) for number in dict.fromkeys(numbers)]
    return tuple(span for number in linked for span in (number, Span(text=", ")))[:-1]


def _next(gap: Gap) -> Inline:
    return (Span(text=gap.next or "—"),)


def _evidence(sources: Sequence[Source], places: dict[str, int]) -> Html:
    said = (
        "Each number in this document leads here. A digest names content that cannot change without changing its name; evidence and tables "
        "lie in the workspace's object store under it, entries of the trail in the log (`mlgov audit verify`)."
    )
    widths = {"No": 6, "What": 13, "Name": 23, "Digest": 58}
    head = el("thead", el("tr", *(el("th", name, scope="col", style=f"width:{share}%") for name, share in widths.items())))
    rows = [
        el(
            "tr",
            el("td", f"{places[one.digest]}"),
            el("td", one.kind),
            el("td", one.what),
            el("td", el("code", one.digest)),
            id=f"e-{places[one.digest]}",
        )
        for one in sources
    ]
    table = el("table", el("caption", "Evidence"), head, el("tbody", *rows), class_="wide")
    return el("section", el("h2", "Evidence", id="evidence"), el("p", prose(said)), table if rows else "")


class _Writer:
    """Blocks as HTML; tables and figures are numbered in the order they come."""

    def __init__(self, places: dict[str, int]) -> None:
        self.places = places
        self.tables, self.figures = counter(1), counter(1)

    def section(self, one: Section, level: int) -> Html:
        head = el(f"h{min(level, 4)}", f"{one.number} {one.title}", id=section_id(one.number))
        return el(
            "section", head, *(self.block(block) for block in one.blocks), *(self.section(inner, level + 1) for inner in one.sections)
        )

    def words(self, words: Inline) -> Html:
        return join(*(self._span(span) for span in words))

    def _span(self, span: Span) -> Html:
        if span.look == "code":
            text = el("code", _long(span.text))
        elif span.look == "strong":
            text = el("strong", _long(span.text))
        elif span.verdict is not None:
            text = el("span", _long(span.text), class_=f"verdict {tone(span.verdict)}")
        else:
            text = el("span", _long(span.text), class_="soft") if span.look == "soft" else _plain(span.text)
        if span.evidence in self.places:
            return anchor(f"e-{self.places[span.evidence]}", text, name="ev")
        if span.link.startswith("https://"):
            return link(span.link, text)
        return anchor(span.link, text) if span.link else text

    def block(self, block: Block) -> Html:
        match block:
            case Paragraph():
                return el("p", self.words(block.words))
            case Bullets():
                return el("ol" if block.numbered else "ul", *(el("li", self.words(item)) for item in block.items))
            case Facts():
                return el(
                    "dl", *(part for name, words in block.rows for part in (el("dt", name), el("dd", self.words(words)))), class_="facts"
                )
            case Table():
                return self._table(block)
            case Figure():
                return self._figure(block)
            case Gap():
                following = join(" ", el("span", prose(block.next), class_="soft")) if block.next else ""
                return el("p", el("strong", "Missing. "), prose(block.what), following, class_="gap")
            case Written():
                return self._written(block)

    def _table(self, block: Table) -> Html:
        caption = el("caption", f"Table {next(self.tables)}. {visible(block.caption)}")
        head = el("thead", el("tr", *_heads(block)))
        rows = [el("tr", *(el("td", self.words(cell)) for cell in row)) for row in block.rows]
        wide = " wide" if len(block.columns) > 4 else ""
        return el("table", caption, head, el("tbody", *rows), class_=f"numbers{wide}")

    def _figure(self, block: Figure) -> Html:
        drawn = figure_of(block.finding)
        if not drawn:
            return Html()
        caption = Span(text=f"Figure {next(self.figures)}. {block.caption}", evidence=block.evidence)
        return el("figure", drawn, el("figcaption", self.words((caption,))))

    def _written(self, block: Written) -> Html:
        other = "" if block.about_this else el("strong", "Written about an earlier model, not about this one. ")
        foot = el("p", "— ", self.words(block.source), class_="soft")
        return el("div", el("p", block.question, class_="ask"), el("blockquote", el("p", other, _long(block.text))), foot, class_="written")


def _heads(block: Table) -> Iterator[Html]:
    shares = block.widths if len(block.widths) == len(block.columns) else (0,) * len(block.columns)
    for name, share in zip(block.columns, shares, strict=True):
        yield el("th", name, scope="col", style=f"width:{share}%" if share else None)


def _long(text: str) -> Html:
    return say(text, limit=LONGEST)


def _plain(text: str) -> Html:
    """Prose with `what to type` as code, cut at the same length."""
    return prose(text) if len(text) < 2000 else _long(text)


def verdict_classes() -> tuple[str, ...]:
    """The classes that colour a verdict, for the style sheet and its test."""
    return tuple(dict.fromkeys(tone(verdict) for verdict in Verdict))
