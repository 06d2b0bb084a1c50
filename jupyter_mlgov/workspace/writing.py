"""One version of a model, written for a reader in a form: which writer does it, and what the file is called."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jupyter_mlgov.core.errors import UsageError, unknown
from jupyter_mlgov.reports.dossier.facts import DossierFacts

if TYPE_CHECKING:
    from jupyter_mlgov.reports.dossier.document import Document
    from jupyter_mlgov.workspace.composition import Workspace

# What `kind` may name besides the documents of reports/dossier/assemble.py.
MATRICES = ("matrix", "matrix-back")
BINARY = ("pdf", "docx", "zip")


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What to write: MODEL or MODEL@VERSION, for which reader or which document, in which form."""

    name: str
    audience: str = "engineer"
    kind: str = ""
    style: str = "text"
    colour: bool = False
    width: int = 88


def write(workspace: Workspace, order: Order) -> tuple[str, bytes]:
    """(the file's name, its content). Raises UsageError for words that do not go together, NotReady where an extra is missing."""
    from jupyter_mlgov.workspace.dossier import gather

    writer = _WRITERS.get(order.style)
    if writer is None:
        raise unknown("form", order.style, _WRITERS, next="See `mlgov report --help`.")
    _fits(order)
    facts = gather(workspace, order.name)
    content = writer(facts, order)
    return _named(facts, order), content.encode() if isinstance(content, str) else content


def _fits(order: Order) -> None:
    forms = _FORMS.get(order.kind or order.style)
    if order.kind and forms is not None and order.style not in forms:
        raise UsageError(f"The {order.kind} is not written as {order.style}.", expected=f"Expected --format {', '.join(forms)}.")


def _named(facts: DossierFacts, order: Order) -> str:
    """A file name of our own letters: what a model is called may be anything."""
    what = order.kind or order.audience
    stem = re.sub(r"[^A-Za-z0-9._-]+", "-", f"{facts.model}-{facts.version or 'unregistered'}-{what}").lstrip(".-")[:120]
    return f"{stem}.{_SUFFIX.get(order.style, order.style)}"


def _document(facts: DossierFacts, order: Order) -> Document:
    from jupyter_mlgov.reports.dossier.assemble import dossier

    return dossier(facts, order.audience, order.kind)


def _text(facts: DossierFacts, order: Order) -> str:
    from jupyter_mlgov.reports.dossier.text import text

    return text(_document(facts, order), colour=order.colour, width=order.width) + "\n"


def _html(facts: DossierFacts, order: Order) -> str:
    if order.kind in MATRICES:
        from jupyter_mlgov.reports.machine.matrix_html import matrix_html

        return matrix_html(facts)
    from jupyter_mlgov.reports.dossier.html import html

    return html(_document(facts, order))


def _pdf(facts: DossierFacts, order: Order) -> bytes:
    from jupyter_mlgov.integrations.pdf import pdf

    return pdf(_html(facts, order))


def _docx(facts: DossierFacts, order: Order) -> bytes:
    from jupyter_mlgov.integrations.docx import docx

    return docx(_document(facts, order))


def _json(facts: DossierFacts, order: Order) -> str:
    if order.kind in MATRICES:
        from jupyter_mlgov.reports.machine.matrix import matrix_json

        return _dumped(matrix_json(facts))
    from jupyter_mlgov.reports.dossier.published import document_json

    return _dumped(document_json(_document(facts, order)))


def _csv(facts: DossierFacts, order: Order) -> str:
    from jupyter_mlgov.reports.machine.matrix import matrix_csv

    return matrix_csv(facts, reverse=order.kind == "matrix-back")


def _dumped(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


_WRITERS: Mapping[str, Callable[[DossierFacts, Order], str | bytes]] = {
    "text": _text,
    "html": _html,
    "pdf": _pdf,
    "docx": _docx,
    "json": _json,
    "csv": _csv,
}
_FORMS = {"matrix": ("html", "csv", "json"), "matrix-back": ("csv",)}
_SUFFIX = {"text": "txt"}
FORMATS = tuple(_WRITERS)
