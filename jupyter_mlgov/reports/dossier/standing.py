"""What stands open: checks that keep a gate shut, waivers, and the findings on the team's register."""

from __future__ import annotations

from collections.abc import Iterator

from jupyter_mlgov.promotion.waivers import Waiver, objection
from jupyter_mlgov.reports.dossier.document import Block, Gap, Paragraph, Table, code, say
from jupyter_mlgov.reports.dossier.facts import DossierFacts
from jupyter_mlgov.reports.dossier.parts import evidence_of, short, verdict_span


def findings(facts: DossierFacts) -> Iterator[Block]:
    """What stands open: results that do not open a gate, and the register of the team file."""
    report = facts.report
    if report is not None and report.blocking:
        made = tuple(
            (
                say(str(number)),
                say(result.title or result.validator),
                (verdict_span(result.verdict, evidence_of(facts, result)),),
                say(report.severity(result.validator).value),
                say(result.fix or "—"),
            )
            for number, result in enumerate(report.blocking, 1)
        )
        yield Table(
            caption="Checks that keep a gate shut",
            columns=("No", "Check", "Answer", "Severity", "To mend it"),
            rows=made,
            widths=(6, 26, 16, 10, 42),
        )
    elif report is not None:
        yield Paragraph(words=say("No check of the report keeps a gate shut.", report.digest))
    yield from waived(facts)
    register = facts.team.register.get("findings", {})
    listed = [(name, body) for name, body in register.items() if isinstance(body, dict)]
    if listed:
        keys = ("severity", "owner", "opened", "due", "retested")
        listing = tuple((say(name), *(say(str(body.get(key, "—")), facts.team.digest) for key in keys)) for name, body in listed)
        yield Table(
            caption="Findings on the team's register", columns=("Finding", "Severity", "Owner", "Opened", "Due", "Retested"), rows=listing
        )
    else:
        yield Gap(
            what="mlgov.toml has no [findings], not even [findings.none].",
            next="Write `[findings.none]` with confirmed_by and on, or each finding.",
        )


def waived(facts: DossierFacts) -> Iterator[Block]:
    """Every waiver that was asked for, and whether it lifts anything today. A waived check keeps its answer."""
    if not facts.waivers:
        return
    rows = tuple(
        (say(one.waives), say(one.reason), say(one.limit), say(one.until), say(_lifts(facts, one)), code(short(one.id), one.id))
        for one in facts.waivers
    )
    columns = ("Waives", "Reason", "Limit", "Until", "Today", "Entry")
    yield Table(caption="Waivers", columns=columns, rows=rows, widths=(14, 24, 18, 11, 18, 15))


def _lifts(facts: DossierFacts, waiver: Waiver) -> str:
    if facts.report is None:
        return "lifts nothing: there is no report"
    why_not = objection(waiver, facts.report, authors=facts.authors, reviewers=facts.team.reviewers, at=facts.made)
    return f"lifts nothing: {why_not}" if why_not else f"lifted by {', '.join(str(one) for one in waiver.approvals)}"
