"""What a person who is judged by the model, or a firm that buys it, may read: plain words, no names, no rows."""

from __future__ import annotations

from collections.abc import Iterator

from jupyter_mlgov.reports.dossier.document import Block, Gap, Paragraph, Section, Table, Written, say
from jupyter_mlgov.reports.dossier.facts import DossierFacts
from jupyter_mlgov.reports.dossier.parts import asked, counts, evidence_of, section, verdict_span

TITLE = "About this model"
BASIS = "Written for readers outside the firm. It names no person and holds no row of data. It says what was measured, and what was not."


def sections(facts: DossierFacts) -> tuple[Section, ...]:
    """Five short sections."""
    return (
        section("1", "What it is for", _nameless(asked(facts, "customer", "plain_purpose"))),
        section("2", "What it looks at", _inputs(facts)),
        section("3", "How well it was tested", Paragraph(words=counts(facts)), _tests(facts)),
        section("4", "Where it does not work", _nameless(asked(facts, "development", "limits", "prohibited"))),
        section("5", "Whom to ask", _nameless(asked(facts, "customer", "contact"))),
    )


def _nameless(blocks: tuple[Block, ...]) -> Iterator[Block]:
    """What was written, without who wrote it."""
    for block in blocks:
        if isinstance(block, Written):
            entry = next((span.evidence for span in block.source), "")
            yield Written(question=block.question, text=block.text, source=say("kept in the trail", entry), about_this=block.about_this)
        else:
            yield block


def _inputs(facts: DossierFacts) -> Iterator[Block]:
    features = facts.team.roles.features
    if features:
        yield Paragraph(words=say(f"The model looks at: {', '.join(features)}.", facts.team.digest))
    else:
        yield Gap(what="The features of the model are not declared.", next='Write `features = ["…"]` under [subject] in mlgov.toml.')


def _tests(facts: DossierFacts) -> Iterator[Block]:
    report = facts.report
    if report is None:
        yield Gap(what="There is no report on this version.", next="`mlgov validate`")
        return
    rows = tuple(
        (say(result.title or result.validator), (verdict_span(result.verdict, evidence_of(facts, result)),)) for result in report.results
    )
    yield Table(caption="What was checked", columns=("Check", "Answer"), rows=rows, widths=(66, 34))
    left = len({item.control for item in report.unchecked})
    if left:
        yield Paragraph(words=say(f"{left} rules that apply had at least one part that nobody checked.", report.digest))
