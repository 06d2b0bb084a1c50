"""One version of a model, written for a reader in a form: which writer does it, and what the file is called."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jupyter_mlgov.core.errors import NotReady, UsageError, unknown
from jupyter_mlgov.reports.dossier.facts import DossierFacts
from jupyter_mlgov.validation.results import Report

if TYPE_CHECKING:
    from jupyter_mlgov.reports.dossier.document import Document
    from jupyter_mlgov.workspace.composition import Workspace

# What `kind` may name besides the documents of reports/dossier/assemble.py.
MATRICES = ("matrix", "matrix-back")
BINARY = ("pdf", "docx", "zip")


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What to write: MODEL or MODEL@VERSION, for which reader or which document, in which form. `since` asks for a change log."""

    name: str
    audience: str = "engineer"
    kind: str = ""
    style: str = "text"
    since: str = ""
    colour: bool = False
    width: int = 88


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """An order with the facts it is about; `before` is the earlier version of a change log."""

    workspace: Workspace
    facts: DossierFacts
    order: Order
    before: DossierFacts | None = None


def write(workspace: Workspace, order: Order) -> tuple[str, bytes]:
    """(the file's name, its content). Raises UsageError for words that do not go together, NotReady where an extra is missing."""
    from jupyter_mlgov.workspace.dossier import gather

    if order.style not in _WRITERS:
        raise unknown("form", order.style, _WRITERS, next="See `mlgov report --help`.")
    _fits(order)
    facts = gather(workspace, order.name)
    before = gather(workspace, order.since if "@" in order.since else f"{facts.model}@{order.since}") if order.since else None
    if before is not None and (before.model, before.version) == (facts.model, facts.version):
        raise UsageError(f"{before.name} is the version asked about.", next="Name an earlier one with --since.")
    return _named(facts, order), write_as(Work(workspace=workspace, facts=facts, order=order, before=before))


def write_as(work: Work) -> bytes:
    """The content alone, in the form that was ordered."""
    content = _WRITERS[work.order.style](work)
    return content.encode() if isinstance(content, str) else content


def _fits(order: Order) -> None:
    forms = _FORMS.get(order.kind, DOCUMENTS)
    if order.kind and order.style not in forms:
        raise UsageError(f"The {order.kind} is not written as {order.style}.", expected=f"Expected --format {', '.join(forms)}.")
    if order.since and (order.kind or order.style not in DOCUMENTS):
        raise UsageError("A change log is a document of its own.", expected=f"Expected --since with --format {', '.join(DOCUMENTS)} alone.")


def _named(facts: DossierFacts, order: Order) -> str:
    """A file name of our own letters: what a model is called may be anything."""
    what = f"since-{order.since}" if order.since else order.kind or _WHAT.get(order.style, order.audience)
    stem = re.sub(r"[^A-Za-z0-9._-]+", "-", f"{facts.model}-{facts.version or 'unregistered'}-{what}").lstrip(".-")[:120]
    return f"{stem}.{_SUFFIX.get(order.style, order.style)}"


def _document(work: Work) -> Document:
    if work.before is not None:
        from jupyter_mlgov.reports.dossier.changes import change_log

        return change_log(work.before, work.facts)
    from jupyter_mlgov.reports.dossier.assemble import dossier

    return dossier(work.facts, work.order.audience, work.order.kind)


def _text(work: Work) -> str:
    from jupyter_mlgov.reports.dossier.text import text

    return text(_document(work), colour=work.order.colour, width=work.order.width) + "\n"


def _html(work: Work) -> str:
    if work.order.kind in MATRICES:
        from jupyter_mlgov.reports.machine.matrix_html import matrix_html

        return matrix_html(work.facts)
    from jupyter_mlgov.reports.dossier.html import html

    return html(_document(work))


def _pdf(work: Work) -> bytes:
    from jupyter_mlgov.integrations.pdf import pdf

    return pdf(_html(work))


def _docx(work: Work) -> bytes:
    from jupyter_mlgov.integrations.docx import docx

    return docx(_document(work))


def _json(work: Work) -> str:
    if work.order.kind in MATRICES:
        from jupyter_mlgov.reports.machine.matrix import matrix_json

        return _dumped(matrix_json(work.facts))
    from jupyter_mlgov.reports.dossier.published import document_json

    return _dumped(document_json(_document(work)))


def _csv(work: Work) -> str:
    from jupyter_mlgov.reports.machine.matrix import matrix_csv

    return matrix_csv(work.facts, reverse=work.order.kind == "matrix-back")


def _card(work: Work) -> str:
    from jupyter_mlgov.reports.machine.card import model_card

    return model_card(work.facts)


def _bom(work: Work) -> str:
    """The BOM, checked by the strict validator before anybody gets it."""
    from jupyter_mlgov.integrations.cyclonedx import check_bom
    from jupyter_mlgov.reports.machine.bom import bom

    body = _dumped(bom(work.facts))
    check_bom(body.encode())
    return body


def _sarif(work: Work) -> str:
    from jupyter_mlgov.reports.sarif import sarif

    return _dumped(sarif(_judged(work.facts)))


def _statement(work: Work) -> str:
    """The newest signed statement on a decision about this very version."""
    facts = work.facts
    told = {str(act.entry) for act in facts.acts if act.action == "promotion.decided" and act.payload.get("version") == facts.version}
    signed = [act for act in facts.acts if act.action == "statement.signed" and act.payload.get("decision") in told]
    if not facts.version or not signed:
        raise NotReady(f"No decision about {facts.name} was signed.", next="Ask for one: `mlgov promote STAGE`.")
    return _dumped(signed[-1].payload.get("envelope"))


def _bundle(work: Work) -> bytes:
    from jupyter_mlgov.workspace.handing import hand_over

    return hand_over(work, write_as)


def _judged(facts: DossierFacts) -> Report:
    if facts.report is None:
        raise NotReady(f"No report on {facts.name} is in the trail.", next="Ask for one: `mlgov validate`.")
    return facts.report


def _dumped(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


_WRITERS: Mapping[str, Callable[[Work], str | bytes]] = {
    "text": _text,
    "html": _html,
    "pdf": _pdf,
    "docx": _docx,
    "json": _json,
    "csv": _csv,
    "md": _card,
    "sarif": _sarif,
    "cyclonedx": _bom,
    "intoto": _statement,
    "zip": _bundle,
}
DOCUMENTS = ("text", "json", "html", "pdf", "docx")
_FORMS = {"matrix": ("html", "csv", "json"), "matrix-back": ("csv",)}
_SUFFIX = {"text": "txt", "cyclonedx": "cdx.json", "sarif": "sarif", "intoto": "dsse.json"}
_WHAT = {"csv": "matrix", "md": "model-card", "sarif": "report", "cyclonedx": "bom", "intoto": "decision", "zip": "regulator"}
FORMATS = tuple(_WRITERS)
