"""The documents the law asks for before people are scored: DPIA, FRIA, and the record of processing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from jupyter_mlgov.sdk import Finding, Subject, Unanswered, Verdict, validator
from mlgov_validators.filled import lack, moment

# GDPR Art 35(7)(a)-(d) and 35(2); the ids are those of the questions in the gdpr pack.
DPIA = {
    "description": "(a) the processing, its purposes and interests",
    "necessity": "(b) necessity and proportionality",
    "risks": "(c) the risks to people",
    "measures": "(d) the measures against them",
    "dpo": "35(2) the advice of the data protection officer",
}
# AI Act Art 27(1)(a)-(f).
FRIA = {
    "process": "(a) the process the system is used in",
    "period": "(b) how long and how often it is used",
    "people": "(c) the people and groups it affects",
    "harms": "(d) the risks of harm to them",
    "oversight": "(e) human oversight",
    "measures": "(f) measures when risks come true",
}
# GDPR Art 30(1)(a)-(g).
ROPA = {
    "controller": "(a) name and contact of the controller and the data protection officer",
    "purposes": "(b) purposes",
    "categories": "(c) categories of people and of data",
    "recipients": "(d) recipients",
    "transfers": "(e) transfers to third countries",
    "limits": "(f) time limits for erasure",
    "security": "(g) security measures",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """The sections of a document and when it was last looked at. `bound` says that it was answered about this very model."""

    name: str
    sections: Mapping[str, object]
    dated: datetime | None
    bound: bool


@validator("priv.dpia", title="DPIA and FRIA present and current", needs=("forms",), uses=("register", "records", "features"))
def impact_assessment(subject: Subject) -> list[Finding]:
    """Is there a data protection impact assessment with all its headings, newer than the last material change?

    Read from the answers to GDPR.35.7 about this very model (`mlgov form`), else from mlgov.toml:

        [documents]
        changed = 2026-11-01          # the last material change
        [documents.dpia]
        date = 2026-11-20
        inputs = ["income", "loan"]   # the columns it was made for
        description = "…"  necessity = "…"  risks = "…"  measures = "…"  dpo = "…"
        [documents.fria]              # where the model scores the credit of people or prices their insurance (Annex III 5(b), (c))
        date = 2026-11-20
        process = "…"  period = "…"  people = "…"  harms = "…"  oversight = "…"  measures = "…"

    fail: a heading that is empty, a placeholder or the template's words; no date, or a date before the last material change; a
    feature that the assessment was not made for; no FRIA where `use` under [model] has credit or insurance in the EU.
    inconclusive: no assessment at all (nobody answered), or nobody said when the last material change was.

    Source: GDPR Art 35(2), 35(7)(a)-(d), 35(11); AI Act Art 27(1)(a)-(f).

    Fix: Update the assessment for the change, have it signed again, and answer GDPR.35.7 about this model.
    """
    changed, column = _change(subject)
    dpia = _document(subject, "dpia", "GDPR.35.7")
    if dpia is None:
        raise Unanswered("There is no DPIA: nobody answered GDPR.35.7 about this model, and mlgov.toml has no [documents.dpia].")
    findings = [*_sections(dpia, DPIA, "DPIA"), *_dated(dpia, "DPIA", changed, column), *_inputs(subject, dpia)]
    if set(subject.scope.use) & {"credit", "insurance"} and "EU" in (
        *subject.scope.jurisdiction,
        *(() if subject.scope.jurisdiction else ("EU",)),
    ):
        fria = _document(subject, "fria", "")
        if fria is None:
            said = "There is no fundamental rights impact assessment ([documents.fria]), and the model decides on credit or insurance."
            findings.append(Finding(message=said, verdict=Verdict.FAIL, where="FRIA"))
        else:
            findings += [*_sections(fria, FRIA, "FRIA"), *_dated(fria, "FRIA", changed, column)]
    whole = Finding(message=f"The DPIA has its {len(DPIA)} headings filled.", verdict=Verdict.PASS, measured=float(len(DPIA)), n=len(DPIA))
    return findings or [whole]


@validator("priv.ropa", title="Record of processing entry", version="1.1", needs=("forms",), uses=("register", "protected"))
def processing_record(subject: Subject) -> list[Finding]:
    """Does the record of processing have every field of Article 30(1) for this model?

    Read from the answers to GDPR.30.1 about this very model (`mlgov form`), one question a field, else from mlgov.toml:

        [documents.ropa]
        id = "ROPA-12"
        controller = "…"  purposes = "…"  categories = "…"  recipients = "…"  transfers = "none outside the EEA"
        limits = "…"  security = "…"
        bias_testing = "…"     # where [personal.conditions] names a column: why it was needed (AI Act Art 4a(1)(f))

    fail: a field that is empty, a placeholder or shorter than 4 characters.
    Unchecked: nobody answered, and mlgov.toml has no [documents.ropa].

    Source: GDPR Art 30(1)(a)-(g); AI Act Art 4a(1)(f).

    Fix: Complete the entry with whoever keeps the record of processing, and answer GDPR.30.1 or copy it here.
    """
    document = _document(subject, "ropa", "GDPR.30.1")
    if document is None:
        said = "There is no entry: nobody answered GDPR.30.1 about this model, and mlgov.toml has no [documents.ropa]."
        raise Unanswered(said, next="`mlgov answer GDPR.30.1`, or write it: docs/validators.md shows the fields.")
    name = str(document.sections.get("id", "")).strip() or ("GDPR.30.1" if document.bound else "without an id")
    wanted = dict(ROPA)
    personal = (subject.register or {}).get("personal", {})
    if personal.get("conditions"):
        wanted["bias_testing"] = "the reason of Art 4a(1)(f) for bias testing"
    wrong = [(what, why) for key, what in wanted.items() if (why := lack(document.sections.get(key), what, least=4))]
    findings = [
        Finding(message=f"ROPA entry {name} lacks {what}: it {why}.", verdict=Verdict.FAIL, where="ROPA", details={"field": what})
        for what, why in wrong
    ]
    said = f"ROPA entry {name} has all {len(wanted)} fields."
    return findings or [Finding(message=said, verdict=Verdict.PASS, measured=float(len(wanted)), n=len(wanted))]


def _document(subject: Subject, name: str, control: str) -> Document | None:
    """The answers people gave about this very model, else the table in mlgov.toml; None where there is neither."""
    form = subject.form(control) if control else None
    body = (subject.register or {}).get("documents", {}).get(name)
    written: Mapping[str, object] = body if isinstance(body, Mapping) else {}
    if form is not None:
        return Document(name=name, sections={**written, **form.answers}, dated=form.time, bound=True)
    return Document(name=name, sections=written, dated=moment(written.get("date")), bound=False) if written else None


def _sections(document: Document, wanted: Mapping[str, str], title: str) -> Iterator[Finding]:
    for key, what in wanted.items():
        if why := lack(document.sections.get(key), what):
            yield Finding(message=f"The {title}'s section {what} {why}.", verdict=Verdict.FAIL, where=title, details={"section": key})


def _change(subject: Subject) -> tuple[datetime | None, str]:
    """(when the last material change was, what it was): from [documents] `changed`, or from acts of the trail that are changes."""
    documents = (subject.register or {}).get("documents", {})
    told = [(when, "")] if (when := moment(documents.get("changed"))) else []
    acts = [act for act in (subject.records.acts if subject.records else ()) if act.action.startswith("change.")]
    told += [(act.time, str(act.payload.get("what", ""))[:80]) for act in acts]
    return max(told, default=(None, ""), key=lambda one: one[0])


def _dated(document: Document, title: str, changed: datetime | None, what: str) -> Iterator[Finding]:
    if document.dated is None:
        yield Finding(message=f"The {title} has no date.", verdict=Verdict.FAIL, where=title)
    elif changed is not None and document.dated < changed:
        more = f" ({what})" if what else ""
        said = f"The {title} is dated {document.dated:%Y-%m-%d}, before the change of {changed:%Y-%m-%d}{more}."
        yield Finding(message=said, verdict=Verdict.FAIL, where=title, allowed="later than the last material change")
    elif changed is None and not document.bound:
        said = (
            f"Nobody said when the last material change was (`changed` under [documents]), so nobody can tell whether the {title} is newer."
        )
        yield Finding(message=said, verdict=Verdict.INCONCLUSIVE, where=title)


def _inputs(subject: Subject, document: Document) -> Iterator[Finding]:
    covered = document.sections.get("inputs")
    if isinstance(covered, list) and subject.roles.features:
        new = sorted(set(subject.roles.features) - {str(one) for one in covered})
        if new:
            said = f"The DPIA was made before the change of inputs (new input: {', '.join(new[:5])})."
            yield Finding(message=said, verdict=Verdict.FAIL, measured=float(len(new)), allowed="0 new inputs", where="DPIA")
