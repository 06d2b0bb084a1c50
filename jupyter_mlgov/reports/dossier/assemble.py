"""From facts to documents: which documents there are, who reads which, and their title page, summary and list of gaps."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from jupyter_mlgov.core.errors import unknown
from jupyter_mlgov.reports.dossier import customer, development, parts, regulatory, validation
from jupyter_mlgov.reports.dossier.document import (
    Block,
    Bullets,
    Document,
    Gap,
    Inline,
    Paragraph,
    Section,
    Source,
    Span,
    all_spans,
    code,
    gaps,
    numbered,
    say,
)
from jupyter_mlgov.reports.dossier.facts import DossierFacts
from jupyter_mlgov.reports.reading import CAVEAT, coverage
from jupyter_mlgov.validation.results import CheckResult

FIRST = 9  # things in the way that a summary names


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of document."""

    title: str
    basis: str
    sections: Callable[[DossierFacts], tuple[Section, ...]]


KINDS: dict[str, Kind] = {
    "development": Kind(title=development.TITLE, basis=development.BASIS, sections=development.sections),
    "validation": Kind(title=validation.TITLE, basis=validation.BASIS, sections=validation.sections),
    "annex-iv": Kind(title=regulatory.ANNEX_TITLE, basis=regulatory.ANNEX_BASIS, sections=regulatory.annex_iv),
    "ropa": Kind(title=regulatory.ROPA_TITLE, basis=regulatory.ROPA_BASIS, sections=regulatory.record),
    "dpia": Kind(title=regulatory.DPIA_TITLE, basis=regulatory.DPIA_BASIS, sections=regulatory.assessment),
    "fria": Kind(title=regulatory.FRIA_TITLE, basis=regulatory.FRIA_BASIS, sections=regulatory.rights),
    "customer": Kind(title=customer.TITLE, basis=customer.BASIS, sections=customer.sections),
}
AUDIENCES: dict[str, tuple[str, ...]] = {
    "regulator": ("validation", "development", "annex-iv", "ropa", "dpia", "fria"),
    "validator": ("validation",),
    "engineer": ("development",),
    "customer": ("customer",),
}


def dossier(facts: DossierFacts, audience: str = "", kind: str = "") -> Document:
    """One document of `kind`, or all that `audience` reads as parts of one. Raises UsageError for an unknown word."""
    if kind:
        if kind not in KINDS:
            raise unknown("document", kind, KINDS, next="See `mlgov report --help`.")
        return _one(facts, kind)
    if audience not in AUDIENCES:
        raise unknown("reader", audience, AUDIENCES, next="See `mlgov report --help`.")
    kinds = AUDIENCES[audience]
    if len(kinds) == 1:
        return _one(facts, kinds[0])
    told = [_one(facts, kind) for kind in kinds]
    return _whole(
        facts, "dossier", "Compliance dossier", "Each part says where its headings come from and how sure that is.", numbered(told)
    )


def _one(facts: DossierFacts, kind: str) -> Document:
    found = KINDS[kind]
    return _whole(facts, kind, found.title, found.basis, found.sections(facts))


def _whole(facts: DossierFacts, kind: str, title: str, basis: str, sections: tuple[Section, ...]) -> Document:
    missing = tuple(gap for section in sections for gap in gaps(section))
    summary = tuple(_summary(facts, missing, kind == "customer"))
    return finished((facts,), kind, title, basis, facts.name, summary, sections)


def finished(
    about: tuple[DossierFacts, ...],
    kind: str,
    title: str,
    basis: str,
    subject: str,
    summary: tuple[Block, ...],
    sections: tuple[Section, ...],
) -> Document:
    """The document with its title page, its gaps and the list of its evidence. The title page is of the last of `about`."""
    document = Document(
        kind=kind,
        title=title,
        subject=subject,
        basis=basis,
        facts=tuple(_facts(about[-1], kind == "customer")),
        summary=summary,
        sections=sections,
        missing=tuple(gap for section in sections for gap in gaps(section)),
        caveat=CAVEAT,
    )
    return replace(document, sources=tuple(_sources(about, document)))


def _facts(facts: DossierFacts, outside: bool) -> Iterator[tuple[str, Inline]]:  # outside: for readers who may see no names
    report = facts.report
    yield "Model", say(facts.model)
    yield "Version", say(facts.version or "not registered")
    yield "Stage by decision", say(facts.stage or "none")
    if not outside:
        yield "Tier", say(str(facts.team.tier), facts.team.digest)
        yield "Opinion", say(facts.opinion)
    yield "Written", say(f"{facts.made:%Y-%m-%d %H:%M} UTC" + ("" if outside else f" for {facts.by}"))
    if report is not None:
        yield "Report", code(report.digest, report.digest)
    if facts.judged_at is not None:
        yield "Judged", say(f"{facts.judged_at:%Y-%m-%d %H:%M} UTC", facts.judged)
    if facts.digest:
        yield "Model digest", code(facts.digest, facts.digest)


def _summary(facts: DossierFacts, missing: Sequence[tuple[str, Gap]], outside: bool) -> Iterator[Block]:
    """One page that a board member understands: what it is, what was found, what stands in the way, what is missing."""
    yield Paragraph(words=(Span(text="Checks: ", look="strong"), *parts.counts(facts)))
    report = facts.report
    if report is not None:
        yield Paragraph(words=(Span(text="Controls in force: ", look="strong"), *say(f"{coverage(report)}.", report.digest)))
    if not facts.latest:
        yield Paragraph(words=say("This is not the newest version of the model. What mlgov.toml says is told as it reads now."))
    if facts.stale:
        yield Paragraph(words=(Span(text="Out of date. ", look="strong"), Span(text="Since the report: " + "; ".join(facts.stale) + ".")))
    if facts.why and not outside:
        yield Paragraph(words=(Span(text=f"{len(facts.why)} things stand before the next stage:", look="strong"),))
        yield Bullets(items=_first(tuple(say(reason.sentence) for reason in facts.why)), numbered=True)
    elif report is not None and report.blocking:
        yield Paragraph(words=(Span(text="What keeps a gate shut:", look="strong"),))
        told = tuple(
            say(f"{one.title or one.validator}: {one.summary or one.verdict.word}", parts.evidence_of(facts, one))
            for one in report.blocking
        )
        yield Bullets(items=_first(told), numbered=True)
    if missing:
        number = len({gap for _, gap in missing})
        yield Paragraph(words=(Span(text=f"{number} things are missing from this document; they are listed first.", look="strong"),))
    else:
        yield Paragraph(words=say("Nothing that this document asks for is missing."))


def _first(items: tuple[Inline, ...]) -> tuple[Inline, ...]:
    """So many as fit on a summary of one page; the others are counted."""
    left = len(items) - FIRST
    return items if left <= 1 else (*items[:FIRST], say(f"and {left} more, in the sections below"))


def _told(result: CheckResult, outside: bool) -> str:  # outside: a summary may name a person or a column
    return result.verdict.word if outside else result.summary or result.verdict.word


def _sources(about: tuple[DossierFacts, ...], document: Document) -> Iterator[Source]:
    """Every digest the document links to, once, with what it stands for."""
    known = {digest: told for facts in about for digest, told in _known(facts).items()}
    seen: dict[str, None] = dict.fromkeys(span.evidence for span in all_spans(document) if span.evidence)
    for digest in seen:
        kind, what = known.get(digest, ("digest", "named in the record"))
        yield Source(digest=digest, kind=kind, what=what)


def _known(facts: DossierFacts) -> dict[str, tuple[str, str]]:
    found: dict[str, tuple[str, str]] = {str(facts.team.digest): ("team file", "mlgov.toml as it stood")}
    found |= {entry: ("trail entry", f"cell run {run[:12]}") for run, entry in facts.runs.items()}
    found |= {str(form.entry): ("trail entry", f"answers to {form.control}") for form in facts.forms if form.entry}
    found |= {str(act.entry): ("trail entry", act.action) for act in facts.acts if act.entry}
    session = facts.lineage.session
    if session is not None:
        found[session.environment.digest] = ("environment", f"Python {session.environment.python}")
    for run in facts.lineage.runs:
        for ref in (*run.inputs, *run.outputs):
            if ref.fingerprint is not None:
                found[ref.fingerprint.root] = (ref.kind, ref.name)
                found |= {str(digest): ("column", f"{ref.name}.{name}") for name, digest in ref.fingerprint.columns.items()}
    found |= {str(digest): ("file", path) for path, digest in facts.lineage.data.items()}
    report = facts.report
    if report is not None:
        found |= {str(digest): ("evidence", result.validator) for result in report.results for digest in result.evidence}
        found |= {str(pack.digest): ("policy pack", pack.id) for pack in report.policies}
        found[report.digest] = ("report", f"{len(report.results)} checks")
        found |= {str(facts.lineage.slice): ("cells", "tagged cells and parameters")} if facts.lineage.slice else {}
    if facts.decision is not None:
        found.setdefault(str(facts.decision.team), ("team file", "mlgov.toml at the decision"))
    return found
