"""What only people can write: the questions of each document, and the newest answer with its author, its time and its entry.

An answer is an entry of the trail, so a new one stands beside the old ones and overwrites none (`mlgov answer DOC.development`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from jupyter_mlgov.core.errors import BadInput, unknown
from jupyter_mlgov.reports.dossier.document import Gap, Span, Written
from jupyter_mlgov.reports.dossier.facts import DossierFacts
from jupyter_mlgov.validation.forms import lacks
from jupyter_mlgov.validation.policy import Question
from jupyter_mlgov.validation.records import Form

PREFIX = "DOC."


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One question. `also` names where else its answer may stand: `CONTROL/question` of a form, `table.key` of mlgov.toml."""

    id: str
    text: str
    also: tuple[str, ...] = ()


def _asks(*rows: tuple[str, ...]) -> tuple[Ask, ...]:
    return tuple(Ask(id=row[0], text=row[1], also=row[2:]) for row in rows)


ASKS: dict[str, tuple[Ask, ...]] = {
    "development": _asks(
        ("purpose", "What is the model for, and who uses it?", "SR26-2.IV.1/purpose", "documents.purpose.text", "inventory.purpose"),
        ("prohibited", "For what must it not be used?", "SR26-2.V.2/misuse", "documents.use.text"),
        ("boundaries", "Within which limits of inputs, amounts and people may it be used?"),
        ("scope", "Which regimes take the model in, which leave it out, and why?", "SR26-2.II.1/reason"),
        ("materiality", "How was materiality rated from purpose and exposure?", "SR26-2.III.1/materiality"),
        ("data_choice", "Why these data, this period and this population?", "SR26-2.V.2/data_choice", "documents.data.text"),
        ("exclusions", "Which rows, periods and groups were left out of the data, and why?"),
        ("grounds", "Which personal data are used, and on which ground?", "GDPR.9.1/ground", "GDPR.22.1/ground_22"),
        ("theory", "Which theory or evidence says that this method can do it?", "SR26-2.IV.1/theory", "documents.method.text"),
        ("alternatives", "Which designs were rejected, and on which evidence?", "SR26-2.V.2/alternatives"),
        (
            "assumptions",
            "Which assumptions does it rest on, and which test covers each?",
            "SR26-2.IV.1/assumptions",
            "documents.assumptions.text",
        ),
        ("features", "Why is each feature in, and which were left out?"),
        ("tuning", "How many settings were tried, and how was the last one chosen?"),
        ("limits", "Where does it not work, and how is its user told?", "SR26-2.IV.1/limits", "documents.limits.text"),
        ("overlays", "Which manual overlays or overrides change its output, and who decides on them?"),
        ("implementation", "How is it served, what happens when it fails, and how was it shown to give the same answers there?"),
        ("response", "Who answers an alarm, and what do they do?", "documents.monitoring.text"),
    ),
    "validation": _asks(
        ("opinion", "What is the opinion: approve, approve with conditions, or reject, and why?"),
        ("conditions", "Which conditions hold, with which limit and until when?", "SR26-2.V.1/conditions"),
        ("scope", "What was validated, over which period, and by whom?"),
        ("independence", "Why are the validators independent of those who made the model?", "SR26-2.III.3/standing"),
        ("soundness", "Is the design sound: what was challenged, and what changed?", "SR26-2.III.3/challenge"),
        ("data", "Are the data fit for the purpose?"),
        ("replication", "Who ran it again, where, and did it give the same?"),
        ("implementation", "Does what is served do what was validated?"),
        ("monitoring", "Is the monitoring plan enough for this model?"),
        ("residual", "Which risk stays, and what must users know?"),
        ("not_tested", "What was not tested, and why?"),
    ),
    "annex-iv": _asks(
        ("intended", "The intended purpose, the provider, and how the system meets hardware and other software", "DOC.development/purpose"),
        ("instructions", "Where are the instructions for use and the description for the deployer?", "AIA.13.3/instructions"),
        ("design", "The design choices, their rationale and assumptions", "DOC.development/theory", "SR26-2.IV.1/theory"),
        ("class", "How the system is classified, and why", "AIA.6.5b/class"),
        ("oversight", "The measures for human oversight", "AIA.14.4/overseers"),
        ("predetermined", "Changes that were determined in advance, and how continued performance is kept"),
        ("cybersecurity", "The measures for cybersecurity, and which attacks were tried", "AIA.15.5/attacks"),
        ("harms", "Foreseeable harms and sources of risk to health, safety and rights", "AIA.9.1/known_risks"),
        ("inputs", "What the input data must look like", "DOC.development/boundaries"),
        ("metrics", "Why these metrics fit this system"),
        ("risk_system", "The risk management system", "AIA.9.1/treated"),
        ("standards", "The harmonised standards applied, or the other solutions taken"),
        ("declaration", "Where is the EU declaration of conformity?"),
        ("post_market", "The plan for watching the system after it is on the market", "AIA.72.1/post_market"),
    ),
    "ropa": _asks(
        ("controller", "(a) The controller, its representative and the data protection officer, with contact", "documents.ropa.controller"),
        ("purposes", "(b) The purposes of the processing", "documents.ropa.purposes"),
        ("categories", "(c) The categories of people and of personal data", "documents.ropa.categories"),
        ("recipients", "(d) The categories of recipients", "documents.ropa.recipients"),
        ("transfers", "(e) Transfers to third countries, with the safeguards", "documents.ropa.transfers"),
        ("limits", "(f) The time limits for erasure", "documents.ropa.limits"),
        ("security", "(g) The technical and organisational security measures", "documents.ropa.security"),
    ),
    "dpia": _asks(
        (
            "description",
            "(a) The processing, its purposes and the interests pursued",
            "GDPR.35.7/description",
            "documents.dpia.description",
        ),
        ("necessity", "(b) Necessity and proportionality", "GDPR.35.7/necessity", "documents.dpia.necessity"),
        ("risks", "(c) The risks to the rights and freedoms of people", "GDPR.35.7/risks", "documents.dpia.risks"),
        ("measures", "(d) The measures against them, and what risk stays", "GDPR.35.7/measures", "documents.dpia.measures"),
        ("dpo", "The advice of the data protection officer, Art 35(2)", "GDPR.35.7/dpo", "documents.dpia.dpo"),
        ("views", "The views of the people concerned or their representatives, Art 35(9)", "documents.dpia.views"),
        ("review", "When and why it is reviewed, Art 35(11)", "documents.dpia.review"),
    ),
    "fria": _asks(
        ("process", "(a) The process in which the system is used", "documents.fria.process"),
        ("period", "(b) How long and how often it is used", "documents.fria.period"),
        ("people", "(c) The people and groups it is likely to affect", "documents.fria.people"),
        ("harms", "(d) The risks of harm to them", "documents.fria.harms"),
        ("oversight", "(e) Human oversight", "documents.fria.oversight"),
        ("measures", "(f) What is done when risks come true, and where people complain", "documents.fria.measures"),
    ),
    "customer": _asks(
        ("plain_purpose", "In plain words: what does the model decide or advise about a person?"),
        ("contact", "Whom does a person ask for an explanation, a correction or a human decision?", "GDPR.22.3/intervention"),
    ),
}
FORMS = tuple(f"{PREFIX}{kind}" for kind in ASKS)


def questions(form: str) -> tuple[Question, ...]:
    """The questions of `DOC.development` and its like. Raises UsageError for a form that is none."""
    if form not in FORMS:
        raise unknown("form", form, FORMS, next="See `mlgov answer --help`.")
    return tuple(Question(id=ask.id, text=ask.text) for ask in ASKS[form.removeprefix(PREFIX)])


def taken(form: str, answers: Mapping[str, str]) -> dict[str, str]:
    """The answers that were given, trimmed; a document is written bit by bit, so what is blank is left for another day.

    Raises UsageError for an unknown question, BadInput for an answer that says nothing, or for none at all.
    """
    asked = {one.id: one.text for one in questions(form)}
    found: dict[str, str] = {}
    for name, text in answers.items():
        if name not in asked:
            raise unknown(f"question of {form}", name, sorted(asked))
        words = " ".join(str(text).split())
        if not words:
            continue
        if problem := lacks(words, asked[name]):
            raise BadInput(
                f"{form}: the answer to `{name}` {problem}.", expected=f'Asked is: "{asked[name]}"', next="Nothing was recorded."
            )
        found[name] = words
    if not found:
        raise BadInput(f"{form}: no answer was given.", expected=f"Asked are: {', '.join(sorted(asked))}.", next="Nothing was recorded.")
    return found


def written(facts: DossierFacts, kind: str, id: str) -> Written | Gap:
    """The newest answer about this very model, else what mlgov.toml says, else an answer about an earlier model, else a gap."""
    ask = next(one for one in ASKS[kind] if one.id == id)
    places = (f"{PREFIX}{kind}/{id}", *ask.also)
    forms = [(form, place.partition("/")[2]) for place in places if "/" in place for form in _of(facts, place)]
    told = sorted((form for form in forms if not lacks(form[0].answers[form[1]], ask.text)), key=lambda one: one[0].time)
    mine = [one for one in told if facts.digest and one[0].model == facts.digest]
    if mine:
        return _answer(ask, *mine[-1], about_this=True)
    for place in places:
        text = _registered(facts, place) if "/" not in place else ""
        if text and not lacks(text, ask.text):
            source = (Span(text=f"mlgov.toml, [{place.rpartition('.')[0]}] {place.rpartition('.')[2]}", evidence=facts.team.digest),)
            return Written(question=ask.text, text=text, source=source)
    if told:
        return _answer(ask, *told[-1], about_this=False)
    return Gap(what=f"Nobody wrote: {ask.text}", next=f"`mlgov answer {PREFIX}{kind}` (`{id}`)")


def versions(facts: DossierFacts, kind: str) -> int:
    """How often a form of this document was answered; no answer ever replaced another."""
    return sum(form.control == f"{PREFIX}{kind}" for form in facts.forms)


def _of(facts: DossierFacts, place: str) -> list[Form]:
    control, _, question = place.partition("/")
    return [form for form in facts.forms if form.control == control and form.answers.get(question)]


def _registered(facts: DossierFacts, place: str) -> str:
    value: object = facts.team.register
    for key in place.split("."):
        value = value.get(key) if isinstance(value, Mapping) else None
    return value if isinstance(value, str) else ""


def _answer(ask: Ask, form: Form, question: str, *, about_this: bool) -> Written:
    said = f"{form.actor}, {form.time:%Y-%m-%d %H:%M} UTC, {form.control}"
    source = (Span(text=said, evidence=str(form.entry or "")),)
    return Written(question=ask.text, text=form.answers[question], source=source, about_this=about_this)
