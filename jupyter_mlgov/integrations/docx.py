"""A document as DOCX, by python-docx: real headings, repeated table heads, links to the evidence, page numbers."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from itertools import count
from typing import TYPE_CHECKING, Any

from jupyter_mlgov.core.errors import NotReady
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
    Span,
    Table,
    Written,
    walk,
)
from jupyter_mlgov.reports.figures import told

if TYPE_CHECKING:
    from docx.document import Document as Doc
    from docx.text.paragraph import Paragraph as Line

_TONES = {"fail": "B3261E", "error": "B3261E", "warn": "8A5300", "pass": "1A6B3C", "inconclusive": "6639BA", "not_applicable": "5F6871"}
_LONGEST = 4000


def docx(document: Document) -> bytes:
    """The document as DOCX bytes. What XML cannot hold is shown as an escape. Raises NotReady without the extra `docx`."""
    try:
        import docx as library
    except ImportError:
        raise NotReady("DOCX needs the package python-docx.", next='`pip install "jupyter-mlgov[docx]"`.') from None
    made = library.Document()
    writer = _Writer(made, {source.digest: place for place, source in enumerate(document.sources, 1)})
    writer.whole(document)
    held = BytesIO()
    made.save(held)
    return held.getvalue()


class _Writer:
    """Blocks appended to one DOCX."""

    def __init__(self, made: Doc, places: dict[str, int]) -> None:
        self.made, self.places = made, places
        self.tables, self.figures, self.marks = count(1), count(1), count(1)

    def whole(self, document: Document) -> None:
        self._look(document)
        self.made.add_heading(_text(document.title), 0)
        self.line((Span(text=document.subject),))
        self.block(Facts(rows=document.facts))
        self.line((Span(text=document.basis, look="soft"),))
        self.line((Span(text=document.caveat, look="strong"),))
        self.heading("Summary", 1)
        for block in document.summary:
            self.block(block)
        self._contents(document)
        if document.missing:
            self.heading("What is missing", 1, "missing")
            once: dict[Gap, list[str]] = {}
            for number, gap in document.missing:
                once.setdefault(gap, []).append(number)
            rows = tuple(
                ((Span(text=", ".join(dict.fromkeys(numbers))),), (Span(text=gap.what),), (Span(text=gap.next or "—"),))
                for gap, numbers in once.items()
            )
            self.block(
                Table(caption="What is missing, by section", columns=("Section", "Missing", "To get it"), rows=rows, widths=(12, 58, 30))
            )
        for section in document.sections:
            self.section(section, 1)
        self._evidence(document)

    def section(self, section: Section, level: int) -> None:
        self.heading(f"{section.number} {section.title}", level, _mark(section.number))
        for block in section.blocks:
            self.block(block)
        for inner in section.sections:
            self.section(inner, level + 1)

    def heading(self, words: str, level: int, mark: str = "") -> None:
        head = self.made.add_heading(_text(words), min(level, 4))
        if mark:
            self._bookmark(head, mark)

    def block(self, block: Block) -> None:
        match block:
            case Paragraph():
                self.line(block.words)
            case Bullets():
                for item in block.items:
                    self.line(item, "List Number" if block.numbered else "List Bullet")
            case Facts():
                self._table(("", ""), _pairs(block), (30, 70), head=False)
            case Table():
                self._caption(f"Table {next(self.tables)}. {block.caption}")
                self._table(block.columns, block.rows, block.widths, head=True)
            case Figure():
                numbers = tuple(((Span(text=name),), (Span(text=value, evidence=block.evidence),)) for name, value in told(block.finding))
                if numbers:
                    self._caption(f"Figure {next(self.figures)}, as numbers. {block.caption}")
                    self._table(("What", "Value"), numbers, (60, 40), head=True)
            case Gap():
                self.line((Span(text="Missing. ", look="strong"), Span(text=block.what), Span(text=f" {block.next}", look="soft")))
            case Written():
                other = "" if block.about_this else "Written about an earlier model, not about this one. "
                self.line((Span(text=block.question, look="strong"),))
                self.line((Span(text=other, look="strong"), Span(text=block.text)), "Quote")
                self.line((Span(text="— ", look="soft"), *block.source))

    def line(self, words: Inline, style: str | None = None) -> None:
        self._words(self.made.add_paragraph(style=style), words)

    def _words(self, line: Line, words: Inline) -> None:
        for span in words:
            if span.evidence in self.places:
                self._link(line, span, f"evidence{self.places[span.evidence]}")
            else:
                _dress(line.add_run(_text(span.text)), span)

    def _link(self, line: Line, span: Span, mark: str) -> None:
        from docx.oxml import OxmlElement
        from docx.oxml.ns import qn

        run = line.add_run(_text(span.text))
        _dress(run, span)
        link = OxmlElement("w:hyperlink")
        link.set(qn("w:anchor"), mark)
        run._r.addprevious(link)  # noqa: SLF001  # python-docx has no hyperlinks of its own; `_r` is its documented way to the XML
        link.append(run._r)  # noqa: SLF001  # as above

    def _bookmark(self, line: Line, mark: str) -> None:
        from docx.oxml import OxmlElement
        from docx.oxml.ns import qn

        number = str(next(self.marks))
        start, end = OxmlElement("w:bookmarkStart"), OxmlElement("w:bookmarkEnd")
        for one in (start, end):
            one.set(qn("w:id"), number)
        start.set(qn("w:name"), mark)
        line._p.append(start)  # noqa: SLF001  # as above
        line._p.append(end)  # noqa: SLF001  # as above

    def _caption(self, words: str) -> None:
        self.made.add_paragraph(_text(words), style="Caption").paragraph_format.keep_with_next = True

    def _table(self, columns: Sequence[str], rows: Sequence[Sequence[Inline]], widths: Sequence[int], *, head: bool) -> None:
        table = self.made.add_table(rows=int(head), cols=len(columns), style="Table Grid" if head else None)
        table.autofit = False
        if head:
            for cell, name in zip(table.rows[0].cells, columns, strict=True):
                cell.paragraphs[0].add_run(_text(name)).bold = True
            _repeat(table.rows[0])
        for row in rows:
            for cell, words in zip(table.add_row().cells, row, strict=True):
                self._words(cell.paragraphs[0], words)
        _widths(table, widths if len(widths) == len(columns) else [100 // len(columns)] * len(columns))

    def _contents(self, document: Document) -> None:
        self.heading("Contents", 1)
        for section in walk(document.sections):
            if section.number.count(".") < 2:
                line = self.made.add_paragraph()
                line.paragraph_format.left_indent = _points(14 * section.number.count("."))
                self._link(line, Span(text=f"{section.number} {section.title}"), _mark(section.number))

    def _evidence(self, document: Document) -> None:
        self.heading("Evidence", 1)
        if not document.sources:
            self.line((Span(text="This document names no evidence."),))
            return
        rows = tuple(
            ((Span(text=str(place)),), (Span(text=one.kind),), (Span(text=one.what),), (Span(text=one.digest, look="code"),))
            for place, one in enumerate(document.sources, 1)
        )
        self._table(("No", "What", "Name", "Digest"), rows, (7, 18, 25, 50), head=True)
        for place, row in enumerate(self.made.tables[-1].rows[1:], 1):
            self._bookmark(row.cells[0].paragraphs[0], f"evidence{place}")

    def _look(self, document: Document) -> None:
        from docx.shared import Mm, Pt

        properties = self.made.core_properties
        properties.title, properties.subject = _text(document.title)[:250], _text(document.subject)[:250]
        properties.author, properties.comments, properties.language = "", _text(document.caveat)[:250], "en"
        normal = self.made.styles["Normal"]
        normal.font.name, normal.font.size = "Cambria", Pt(10.5)
        page = self.made.sections[0]
        page.page_width, page.page_height = Mm(210), Mm(297)
        page.left_margin = page.right_margin = Mm(24)
        foot = page.footer.paragraphs[0]
        foot.add_run(_text(f"{document.subject} · {document.title} · "))
        for name in ("PAGE", "NUMPAGES"):
            _field(foot, name)
            foot.add_run(" / " if name == "PAGE" else "")


def _pairs(block: Facts) -> tuple[tuple[Inline, ...], ...]:
    return tuple(((Span(text=name, look="soft"),), words) for name, words in block.rows)


def _text(text: str) -> str:
    """What XML and a reader can hold: controls, surrogates and what reorders letters are shown as escapes."""
    return visible(text, limit=_LONGEST)


def _mark(number: str) -> str:
    return "section" + "".join(letter if letter.isascii() and letter.isalnum() else "_" for letter in number)


def _dress(run: Any, span: Span) -> None:
    from docx.shared import RGBColor

    run.bold = span.look == "strong" or None
    if span.look == "code":
        run.font.name = "Consolas"
    if span.look == "soft":
        run.font.color.rgb = RGBColor.from_string("57606A")
    if span.verdict is not None:
        run.font.color.rgb = RGBColor.from_string(_TONES[span.verdict.value])


def _repeat(row: Any) -> None:
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn

    head = OxmlElement("w:tblHeader")
    head.set(qn("w:val"), "true")
    row._tr.get_or_add_trPr().append(head)  # noqa: SLF001  # as above


def _widths(table: Any, shares: Sequence[int]) -> None:
    from docx.shared import Mm

    widths = [Mm(round(162 * share / (sum(shares) or 1))) for share in shares]
    for column, width in zip(table.columns, widths, strict=True):
        column.width = width
    for row in table._tbl.tr_lst:  # noqa: SLF001  # cell by cell through python-docx is quadratic
        for cell, width in zip(row.tc_lst, widths, strict=False):
            cell.width = width


def _field(line: Any, name: str) -> None:
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn

    field = OxmlElement("w:fldSimple")
    field.set(qn("w:instr"), name)
    line._p.append(field)  # noqa: SLF001  # as above


def _points(number: int) -> Any:
    from docx.shared import Pt

    return Pt(number)
