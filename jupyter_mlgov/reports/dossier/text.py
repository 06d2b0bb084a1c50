"""A document as plain lines for a terminal: the same order and words, wrapped, with colour only where it was asked for."""

from __future__ import annotations

from collections.abc import Iterator

from jupyter_mlgov.reports.clean import visible
from jupyter_mlgov.reports.dossier.document import Block, Bullets, Document, Facts, Figure, Gap, Inline, Paragraph, Table, Written, walk
from jupyter_mlgov.reports.terminal import paint, wrap


def text(document: Document, *, colour: bool = False, width: int = 88) -> str:
    """The whole document as lines of at most `width` columns (never under 40)."""
    width = max(40, width)
    lines = [paint(line, "bold", colour) for line in wrap(visible(f"{document.title} — {document.subject}"), width)]
    for name, words in document.facts:
        lines += wrap(_plain(words), width, first=f"{visible(name)}: ", rest="    ")
    lines += ["", *wrap(visible(document.basis), width), *wrap(visible(document.caveat), width), ""]
    lines += [line for block in document.summary for line in _block(block, colour, width)]
    once: dict[Gap, list[str]] = {}
    for number, gap in document.missing:
        once.setdefault(gap, []).append(number)
    if once:
        lines += ["", paint(f"What is missing ({len(once)})", "bold", colour)]
    for gap, numbers in once.items():
        lines += wrap(visible(f"{', '.join(dict.fromkeys(numbers))}: {gap.what} {gap.next}"), width, first="○ ", rest="  ")
    for section in walk(document.sections):
        lines += ["", *(paint(line, "bold", colour) for line in wrap(visible(f"{section.number} {section.title}"), width))]
        lines += [line for block in section.blocks for line in _block(block, colour, width)]
    lines += ["", paint("Evidence", "bold", colour)]
    lines += [
        line
        for source in document.sources
        for line in wrap(visible(f"{source.kind} {source.what}"), width, first=f"{visible(source.digest)} ", rest="    ")
    ]
    return "\n".join(lines)


def _plain(words: Inline) -> str:
    return visible("".join(span.text for span in words), limit=4000)


def _block(block: Block, colour: bool, width: int) -> Iterator[str]:
    match block:
        case Paragraph():
            yield from wrap(_plain(block.words), width)
        case Bullets():
            for place, item in enumerate(block.items, 1):
                first = f"{place}. " if block.numbered else "- "
                yield from wrap(_plain(item), width, first=first)
        case Facts():
            for name, words in block.rows:
                yield from wrap(_plain(words), width, first=f"{visible(name)}: ", rest="    ")
        case Table():
            yield from wrap(visible(block.caption), width)
            for row in block.rows:
                named = zip(block.columns, row, strict=True)
                yield from wrap(" · ".join(f"{visible(name)}: {_plain(cell)}" for name, cell in named), width, first="| ", rest="|   ")
        case Figure():
            return
        case Gap():
            told = wrap(visible(f"Missing. {block.what} {block.next}"), width, first="○ ", rest="  ")
            yield from (paint(line, "inconclusive", colour) for line in told)
        case Written():
            yield from wrap(visible(block.question), width)
            other = "" if block.about_this else "(Written about an earlier model, not about this one.) "
            yield from wrap(other + visible(block.text, limit=4000), width, first="    ", rest="    ")
            yield from wrap(f"— {_plain(block.source)}", width, first="    ", rest="    ")
