"""A document as data: sections of blocks, numbers that name their evidence, and gaps that say what is missing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

from jupyter_mlgov.core.verdicts import Verdict
from jupyter_mlgov.validation.results import Finding


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A run of text. `evidence` is the digest of what it was read from; `look` how it is set."""

    text: str
    evidence: str = ""
    look: Literal["plain", "code", "strong", "soft"] = "plain"
    verdict: Verdict | None = None
    link: str = ""


Inline = tuple[Span, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Paragraph:
    """Words in a row."""

    words: Inline


@dataclass(frozen=True, slots=True, kw_only=True)
class Bullets:
    """A list, numbered where the order counts."""

    items: tuple[Inline, ...]
    numbered: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Names with their values, one a line."""

    rows: tuple[tuple[str, Inline], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A captioned table; `widths` are shares of the line, which writers may even out. Each row has as many cells as `columns`."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Inline, ...], ...]
    widths: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A finding as a plot; its numbers stand in the document as text, too."""

    caption: str
    finding: Finding
    evidence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """What the document should say and cannot. `next` is what to type or whom to ask."""

    what: str
    next: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What a person wrote, where it was kept, and whether it is about this very model."""

    question: str
    text: str
    source: Inline
    about_this: bool = True


Block = Paragraph | Bullets | Facts | Table | Figure | Gap | Written


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A numbered section: `number` as `3.1`, without a dot at its end."""

    number: str
    title: str
    blocks: tuple[Block, ...] = ()
    sections: tuple[Section, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What a digest stands for, for the list of evidence at the end."""

    digest: str
    kind: str
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A whole document. `basis` says where its section list comes from and how sure that is; `facts` stand on the title page.

    `caveat` stands on the title page and at the foot: evidence supports a control, and no sentence here says more.
    """

    kind: str
    title: str
    subject: str
    basis: str
    facts: tuple[tuple[str, Inline], ...]
    summary: tuple[Block, ...]
    sections: tuple[Section, ...]
    sources: tuple[Source, ...] = ()
    caveat: str = ""
    missing: tuple[tuple[str, Gap], ...] = field(default=())


def say(text: object, evidence: object = "") -> Inline:
    """One run of text, with the digest it was read from."""
    return (Span(text=str(text), evidence=str(evidence or "")),)


def code(text: object, evidence: object = "") -> Inline:
    """One run set as code."""
    return (Span(text=str(text), evidence=str(evidence or ""), look="code"),)


def gaps(section: Section) -> Iterator[tuple[str, Gap]]:
    """Every gap of a section and of those inside it, with the number of its section."""
    for block in section.blocks:
        if isinstance(block, Gap):
            yield section.number, block
    for inner in section.sections:
        yield from gaps(inner)


def walk(sections: Sequence[Section]) -> Iterator[Section]:
    """Sections and those inside them, in reading order."""
    for section in sections:
        yield section
        yield from walk(section.sections)


def spans(blocks: Sequence[Block]) -> Iterator[Span]:
    """Every run of text of some blocks."""
    for block in blocks:
        match block:
            case Paragraph():
                yield from block.words
            case Bullets():
                yield from (span for item in block.items for span in item)
            case Facts():
                yield from (span for _, words in block.rows for span in words)
            case Table():
                yield from (span for row in block.rows for cell in row for span in cell)
            case Figure():
                yield Span(text=block.caption, evidence=block.evidence)
            case Written():
                yield Span(text=block.text)
                yield from block.source
            case Gap():
                yield Span(text=block.what)


def all_spans(document: Document) -> Iterator[Span]:
    """Every run of text of a document."""
    yield from (span for _, words in document.facts for span in words)
    yield from spans(document.summary)
    for section in walk(document.sections):
        yield from spans(section.blocks)


def numbered(parts: Sequence[Document]) -> tuple[Section, ...]:
    """Several documents as parts of one: part 2's section 3 is 2.3."""
    found = []
    for place, part in enumerate(parts, 1):
        inner = tuple(_under(section, str(place)) for section in part.sections)
        basis = Paragraph(words=(Span(text=part.basis, look="soft"),))
        found.append(Section(number=str(place), title=part.title, blocks=(basis,), sections=inner))
    return tuple(found)


def _under(section: Section, number: str) -> Section:
    whole = f"{number}.{section.number}"
    inner = tuple(_under(one, number) for one in section.sections)
    return Section(number=whole, title=section.title, blocks=section.blocks, sections=inner)
