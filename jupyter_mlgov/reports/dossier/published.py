"""A document as JSON, for programs that lay it out themselves."""

from __future__ import annotations

from jupyter_mlgov.core.facts import fields_of
from jupyter_mlgov.reports.dossier.document import Block, Document, Section

SCHEMA = "mlgov-dossier-1"


def document_json(document: Document) -> dict[str, object]:
    """The document's fields; each block says its `block` kind (docs/formats/dossier.md)."""
    body = fields_of(document)
    body["summary"] = [_block(one) for one in document.summary]
    body["sections"] = [_section(one) for one in document.sections]
    body["missing"] = [{"section": number, **fields_of(gap)} for number, gap in document.missing]
    body["facts"] = [{"name": name, "words": [fields_of(span) for span in words]} for name, words in document.facts]
    return {"schema": SCHEMA, **body}


def _section(one: Section) -> dict[str, object]:
    blocks, inner = [_block(block) for block in one.blocks], [_section(section) for section in one.sections]
    return {"number": one.number, "title": one.title, "blocks": blocks, "sections": inner}


def _block(one: Block) -> dict[str, object]:
    return {"block": type(one).__name__.lower(), **fields_of(one)}
