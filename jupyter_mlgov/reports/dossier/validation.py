"""The validation report: fifteen sections, the last but one the control matrix; what was not tested is said."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from jupyter_mlgov.core.verdicts import Verdict
from jupyter_mlgov.promotion.conditions import shown
from jupyter_mlgov.promotion.counting import approving, ignored, last_words
from jupyter_mlgov.reports.dossier import parts, recorded, standing
from jupyter_mlgov.reports.dossier.checked import checks
from jupyter_mlgov.reports.dossier.development import DATA, PERSONAL, plan
from jupyter_mlgov.reports.dossier.document import Block, Bullets, Facts, Gap, Inline, Paragraph, Section, Span, Table, code, say
from jupyter_mlgov.reports.dossier.facts import DossierFacts
from jupyter_mlgov.reports.dossier.parts import asked, section
from jupyter_mlgov.reports.reading import not_in_force, verified
from jupyter_mlgov.validation.results import RequirementResult

TITLE = "Validation report"
BASIS = (
    "Sections after SR 26-2 sec V (primary text); the list is the house's. An opinion is a person's: the program repeats it and "
    "forms none. Evidence supports a control; it never shows that a law is kept."
)


def sections(facts: DossierFacts) -> tuple[Section, ...]:
    """The numbered sections of the report."""

    def write(*ids: str) -> tuple[Block, ...]:
        return asked(facts, "validation", *ids)

    return (
        section("1", "Opinion and conditions", opinion(facts), write("opinion", "conditions")),
        section("2", "Scope and independence", independence(facts), write("scope", "independence")),
        section("3", "Conceptual soundness", write("soundness"), checks(facts, "soundness.questionnaire", caption="Conceptual soundness")),
        section("4", "Data review", recorded.data(facts), checks(facts, *DATA, *PERSONAL, caption="Data checks"), write("data")),
        section(
            "5",
            "Replication",
            checks(facts, "repro.rerun", "env.pin", caption="Reproduction"),
            recorded.reproduction(facts),
            write("replication"),
        ),
        section(
            "6",
            "Outcomes analysis",
            checks(facts, "perf.discrim", "perf.calibration", "perf.backtest", "monitor.performance", caption="Outcomes"),
        ),
        section("7", "Benchmarking", checks(facts, "perf.benchmark", caption="Benchmarks")),
        section("8", "Sensitivity and stress", checks(facts, "robust.*", caption="Sensitivity and stress")),
        section(
            "9", "Fairness and explainability", checks(facts, "fair.*", "proxy.detect", "explain.*", caption="Fairness and explainability")
        ),
        section(
            "10",
            "Implementation and process",
            checks(facts, "deploy.*", "code.*", "gov.*", "audit.*", caption="Implementation and process"),
            write("implementation"),
        ),
        section(
            "11", "Monitoring plan", plan(facts), checks(facts, "monitor.plan", "monitor.drift", caption="Monitoring"), write("monitoring")
        ),
        section("12", "Findings", standing.findings(facts)),
        section("13", "Residual risk and warnings to users", write("residual")),
        section("14", "Control matrix", matrix(facts), untested(facts), write("not_tested")),
        section("15", "Signatures", signatures(facts)),
    )


def opinion(facts: DossierFacts) -> Iterator[Block]:
    """What reviewers said about this very report, and what the gate answered."""
    report = facts.report
    if report is None:
        yield Gap(what="No report on this version is in the trail, so there is nothing to have an opinion on.", next="`mlgov validate`")
        return
    yield Paragraph(words=(Span(text="Opinion on record: ", look="strong"), *say(f"{facts.opinion}.", report.digest)))
    mine = [review for review in facts.reviews if review.report == report.digest]
    refused = any(review.verdict == "refuse" for review in last_words(facts.reviews, report.digest))
    if not refused and not approving(facts.reviews, report.digest, facts.authors, facts.team.reviewers, facts.made):
        following = '`mlgov review approve -m "…"` by somebody who did not work on the model'
        yield Gap(what="No review of this report counts as an opinion.", next=following)
    for sentence in ignored(facts.reviews, report.digest, facts.authors, facts.team.reviewers, facts.made):
        yield Paragraph(words=say(sentence))
    for review in mine:
        word = "Approved" if review.verdict == "approve" else "Refused"
        attests = " Judged by hand what no check measured." if review.attests_unchecked else ""
        limits = f" Only with {', '.join(shown(limit) for limit in review.limits)}." if review.limits else ""
        ends = f" Until {review.until}." if review.until else ""
        said = f"{word} by {review.actor}, {review.time:%Y-%m-%d %H:%M} UTC.{limits}{ends}{attests} {review.comment}"
        yield Paragraph(words=say(said.strip(), report.digest))
    if facts.decision is not None:
        found = facts.decision
        yield Paragraph(
            words=say(f"The gate to {found.stage} last answered: {found.answer.value}, on version {found.version or 'none'}.", found.team)
        )
        if found.reasons:
            yield Bullets(items=tuple(say(reason.sentence) for reason in found.reasons), numbered=True)
        for waiver in found.waivers:
            yield Paragraph(words=(Span(text="The gate let something pass by waiver "), *code(waiver[:19] + "…", waiver), Span(text=".")))


def independence(facts: DossierFacts) -> Iterator[Block]:
    """Who made the model and who judged it, by the trail."""
    authors = ", ".join(str(one) for one in facts.authors) or "nobody is known"
    reviewers = ", ".join(dict.fromkeys(str(one.actor) for one in facts.reviews)) or "nobody"
    both = sorted({one.id for one in facts.authors} & {one.actor.id for one in facts.reviews})
    yield Facts(
        rows=(("Worked on the model", say(authors)), ("Reviewed it", say(reviewers)), ("Did both", say(", ".join(both) or "nobody")))
    )
    yield from checks(facts, "gov.sod", caption="Segregation of duties")


def matrix(facts: DossierFacts) -> Iterator[Block]:
    """Control, result, evidence: a line a demand, the grave ones first."""
    report = facts.report
    if report is None:
        yield Gap(what="There is no report, so no control has a result.", next="`mlgov validate`")
        return
    ordered = sorted(report.requirements, key=lambda item: (not item.binds, item.policy, item.severity.rank, item.control, item.validator))
    columns = ("Control", "Source", "Wording seen as", "Severity", "Asked of", "Answer", "Evidence")
    before = ("", *(item.control for item in ordered))
    rows = tuple(_control(facts, item, again=item.control == last) for item, last in zip(ordered, before, strict=False))
    yield Table(caption="Control, result, evidence", columns=columns, rows=rows, widths=(13, 27, 11, 9, 15, 13, 12))


def _control(facts: DossierFacts, item: RequirementResult, *, again: bool) -> tuple[Inline, ...]:
    """A row; what the row above says of the same control is not said `again`."""
    result = facts.report.result(item.validator) if facts.report else None
    digest = parts.evidence_of(facts, result) if result else ""
    if item.verdict is None:
        answer: Inline = (Span(text="○ unchecked" if item.binds else f"○ {item.standing}", verdict=Verdict.INCONCLUSIVE),)
    else:
        answer = (parts.verdict_span(item.verdict, digest),) + (() if item.binds else (Span(text=f" ({item.standing})", look="soft"),))
    evidence = code(digest[7:19] + "…", digest) if digest else say("none")
    asked_of = "people" if item.validator.startswith("form:") else item.validator or "people"
    cited: Inline = (Span(text="as above", look="soft"),) if again else say(item.cite)
    return (code(item.control), cited, say(verified(item)), say(item.severity.value), say(asked_of), answer, evidence)


def untested(facts: DossierFacts) -> Iterator[Block]:
    """What was not tested: demands without an answer, and what is not in force."""
    report = facts.report
    if report is None:
        return
    left = {(item.control, item.validator or "a person’s judgement"): item for item in report.unchecked}
    if left:
        yield Paragraph(words=(Span(text=f"Not tested: {len(left)} demands in force.", evidence=report.digest, look="strong"),))
        yield Bullets(items=tuple(_left(left)))
        supposed = {item.note.partition(_SUPPOSED)[2] for item in left.values()} - {""}
        if supposed:
            yield Paragraph(words=say(f"Some of these are taken to apply, because{'; because'.join(sorted(supposed))}", report.digest))
    apart = not_in_force(report)
    if apart:
        yield Paragraph(words=say(f"Not asked today — {apart}.", report.digest))


_SUPPOSED = " Taken to apply, because"


def _left(left: Mapping[tuple[str, str], RequirementResult]) -> Iterator[Inline]:
    """A line for each reason why something was not tested, with the demands it leaves open."""
    reasons: dict[tuple[str, str], list[str]] = {}
    for (control, name), item in left.items():
        if name.startswith("form:"):
            reasons.setdefault(("people", "Nobody has answered its questions: `mlgov answer CONTROL`."), []).append(control)
        else:
            told = item.note.partition(_SUPPOSED)[0].strip() or "nothing answered."
            reasons.setdefault((name, told), []).append(control)
    for (name, told), open_controls in reasons.items():
        yield (Span(text=f"{name}: ", look="code"), Span(text=f"{told} ({', '.join(open_controls)})"))


def signatures(facts: DossierFacts) -> Iterator[Block]:
    """Who signed what in the trail. A name typed into a document is no signature."""
    signed = [act for act in facts.acts if act.action in ("review.given", "promotion.decided", "statement.signed", "form.answered")]
    rows = tuple(
        (
            say(f"{act.time:%Y-%m-%d %H:%M}"),
            say(str(act.actor)),
            say(parts.act_words(act)),
            code(str(act.entry)[:19] + "…", act.entry or ""),
        )
        for act in signed
    )
    if rows:
        yield Table(
            caption="Signed entries of the trail", columns=("When (UTC)", "Who", "What", "Entry"), rows=rows, widths=(16, 20, 42, 22)
        )
    else:
        yield Gap(what="Nobody signed anything about this version in the trail.", next="`mlgov review approve`")
    chain = facts.chain
    if chain is not None:
        word = f"whole: {facts.size} entries" if chain.ok else f"NOT whole: {chain.problem}"
        yield Paragraph(words=say(f"The trail was verified when this was written: {word}."))
