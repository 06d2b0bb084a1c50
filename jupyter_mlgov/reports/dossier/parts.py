"""What every section is put together with: its frame, what people wrote, the links to evidence."""

from __future__ import annotations

from collections.abc import Iterable

from jupyter_mlgov.core.verdicts import Verdict
from jupyter_mlgov.reports.dossier.document import Block, Bullets, Facts, Figure, Gap, Inline, Paragraph, Section, Span, Table, say
from jupyter_mlgov.reports.dossier.facts import DossierFacts
from jupyter_mlgov.reports.dossier.writing import written
from jupyter_mlgov.validation.results import CheckResult


def section(number: str, title: str, *blocks: Block | Iterable[Block], inner: tuple[Section, ...] = ()) -> Section:
    """A section of blocks and runs of blocks."""
    found: list[Block] = []
    for block in blocks:
        if isinstance(block, (Paragraph, Bullets, Facts, Table, Figure, Gap)) or not isinstance(block, Iterable):
            found.append(block)
        else:
            found.extend(block)
    return Section(number=number, title=title, blocks=tuple(found), sections=inner)


def asked(facts: DossierFacts, kind: str, *ids: str) -> tuple[Block, ...]:
    """What people wrote, or that they did not."""
    return tuple(written(facts, kind, name) for name in ids)


def evidence_of(facts: DossierFacts, result: CheckResult) -> str:
    """What a result's numbers rest on: its evidence, or the report where none was kept."""
    return result.evidence[0] if result.evidence else (facts.report.digest if facts.report else "")


def verdict_span(verdict: Verdict, evidence: str = "") -> Span:
    """The mark and the word."""
    return Span(text=f"{verdict.mark} {verdict.word}", evidence=evidence, verdict=verdict)


def counts(facts: DossierFacts) -> Inline:
    """`2 failed · 3 could not tell · …`, linked to the report."""
    report = facts.report
    if report is None:
        return (Span(text="no report on this version", verdict=Verdict.INCONCLUSIVE),)
    told = [f"{number} {Verdict(verdict).word}" for verdict, number in report.counts().items()]
    return say(" · ".join(told) or "0 checks ran", report.digest)


def short(digest: object) -> str:
    """The beginning of a digest, for a cell of a table that links to the whole."""
    text = str(digest or "")
    return text[:19] + "…" if text else ""


def act_words(act: object) -> str:
    """An act as the sentence the trail has for it."""
    from jupyter_mlgov.audit.entries import sentence
    from jupyter_mlgov.validation.records import Act

    assert isinstance(act, Act)  # noqa: S101  # the one type that is handed in
    return sentence(act.action, act.subject, act.actor, act.payload)
