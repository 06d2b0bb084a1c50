"""Is the model written down: whole, bound to what ran, challenged by somebody else, and with a plan to watch it?"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from jupyter_mlgov.sdk import Finding, Missing, Subject, Unanswered, Verdict, validator
from mlgov_validators.declared import absent, days, number, parts, same_person, texts, word
from mlgov_validators.filled import lack

SECTIONS = ("purpose", "data", "method", "assumptions", "performance", "limits", "use", "monitoring")
QUESTIONS = ("purpose", "theory", "assumptions", "data_choice", "alternatives", "limits", "misuse")
PLAN = ("threshold", "owner", "frequency", "source", "response", "label_delay")
CADENCE = {"hourly": 1 / 24, "daily": 1.0, "weekly": 7.0, "monthly": 31.0, "quarterly": 92.0, "yearly": 366.0}
SLOWEST = {1: "weekly", 2: "monthly", 3: "quarterly"}
_TYPED = r"(?<!\w){}(?:\s+(?:is|was|of|at)|\s*[:=])?\s+(?P<value>\d+\.\d+)(?![\w.%]|\.\d)"
_BOUND = re.compile(r"\{(?P<name>[A-Za-z_][A-Za-z0-9_.]*)\s*=\s*(?P<value>[-+]?[0-9.]+(?:[eE][-+]?[0-9]+)?)\}")


@validator("doc.complete", title="Documentation completeness", version="1.1", needs=("register", "lineage"), uses=("records",))
def complete(subject: Subject) -> list[Finding]:
    """Is every section written, is it no template, are its numbers those of the run, and is it as young as the model?

    `[documents.SECTION]` for purpose, data, method, assumptions, performance, limits, use, monitoring: `text`, and `updated` (a date).
    A number bound to the run is written `{metric=0.778}`: the metric is one a tagged cell recorded, and must agree as written.

    A number typed by hand behind a recorded metric's name (`AUC is 0.81`) is held against the run as well.

    fail: a section is missing, empty, a placeholder, or older than the run that made the model; a bound or typed number disagrees with
    the record, or a bound one names no recorded metric. warn: the section on performance binds no number. inconclusive: no session was
    recorded, or a section has no readable date. Unchecked: there is no [documents].

    Source: SR 26-2 sec IV and VI.3; AI Act Annex IV; the section list is house.

    Fix: Write the section, bind its numbers, put the date.
    """
    lineage = subject.lineage
    if lineage is None or lineage.session is None:
        raise Missing("No session of this notebook was recorded.", next="Run it with `%load_ext jupyter_mlgov`.")
    written = dict(parts(subject, "documents"))
    return [finding for name in SECTIONS for finding in _section(name, written.get(name), subject)]


def _section(name: str, body: Mapping[str, object] | None, subject: Subject) -> Iterator[Finding]:
    if body is None:
        yield Finding(message=f"There is no section {name}.", verdict=Verdict.FAIL, where=name)
        return
    text = word(body, "text")
    problem = lack(text)
    if problem:
        yield Finding(message=f"The section {name} {problem}.", verdict=Verdict.FAIL, where=name)
        return
    yield _young(name, body, subject)
    bound = list(_BOUND.finditer(text))
    for found in bound:
        yield _agrees(name, found["name"], found["value"], subject)
    yield from _typed(name, _BOUND.sub(" ", text), subject)
    if name == "performance" and not bound:
        said = "The section performance binds no number to the run, so nothing shows that it is about this model."
        yield Finding(message=said, verdict=Verdict.WARN, where=name, fix="Write numbers as {auc=0.778}.")


def _typed(name: str, text: str, subject: Subject) -> Iterator[Finding]:
    """Numbers that stand behind the name of a recorded metric and are not those of the run."""
    for metric in subject.lineage.metrics if subject.lineage else ():
        for found in re.finditer(_TYPED.format(re.escape(metric)), text, re.IGNORECASE):
            told = _agrees(name, metric, found["value"], subject)
            if told.verdict is Verdict.FAIL:
                yield told


def _young(name: str, body: Mapping[str, object], subject: Subject) -> Finding:
    lineage = subject.lineage
    trained = [run.started for run in lineage.runs if run.step and run.step.kind == "train"] if lineage else []
    age = days(body.get("updated"), trained[-1]) if trained else None
    if age is None:
        return Finding(
            message=f"Whether the section {name} is as young as the model cannot be told.", verdict=Verdict.INCONCLUSIVE, where=name
        )
    if age >= 1:
        said = f"The section {name} is {age:.0f} days older than the model."
        return Finding(message=said, verdict=Verdict.FAIL, measured=age, allowed="under 1 day", where=name)
    return Finding(message=f"The section {name} is written and as young as the model.", verdict=Verdict.PASS, where=name)


def _agrees(name: str, metric: str, written: str, subject: Subject) -> Finding:
    recorded = subject.lineage.metrics.get(metric) if subject.lineage else None
    if recorded is None:
        return Finding(message=f"Section {name} names {metric}, which no tagged cell recorded.", verdict=Verdict.FAIL, where=name)
    places = len(written.partition(".")[2])
    same = abs(round(recorded, places) - float(written)) < 0.5 * 10.0**-places
    said = f"Section {name} says {metric} {written}; the run says {recorded:.6g}."
    return Finding(message=said, verdict=Verdict.PASS if same else Verdict.FAIL, measured=recorded, allowed=written, where=name)


@validator("soundness.questionnaire", title="Conceptual soundness", needs=("forms", "records"))
def soundness(subject: Subject) -> list[Finding]:
    """Are purpose, theory, assumptions, choice of data, alternatives, limits and misuse answered, and challenged by somebody else?

    Answers come from the forms of any control about this very model (`mlgov answer`): those questions by anybody, and `challenge` by a
    person who did not work on the model.

    fail: the newest word of a challenger says that the control does not hold. inconclusive: a question is not answered, or nobody
    independent challenged. Unchecked: nobody answered any of them.

    Source: SR 26-2 sec V.2 and III (effective challenge); the question bank is house.

    Fix: Add a test for the assumption, or accept it with owner and expiry; then let the challenger answer again.
    """
    forms = sorted((form for form in subject.forms if form.model == subject.ref.model), key=lambda form: form.time)
    answers = {question: text for form in forms for question, text in form.answers.items() if not lack(text, least=12)}
    if not any(question in answers for question in QUESTIONS):
        raise Unanswered(
            "Nobody answered the questions on soundness.", next="`mlgov answer SR26-2.IV.1`, then SR26-2.V.2 and SR26-2.III.3."
        )
    findings = [_asked(question, answers.get(question, "")) for question in QUESTIONS]
    authors = tuple(author.id for author in subject.records.authors) if subject.records else ()
    outside = [
        form for form in forms if "challenge" in form.answers and authors and not any(same_person(form.actor.id, one) for one in authors)
    ]
    if not outside:
        findings.append(
            Finding(message="Nobody who did not work on the model challenged it.", verdict=Verdict.INCONCLUSIVE, where="challenge")
        )
    elif outside[-1].answers.get("holds") == "yes":
        findings.append(Finding(message=f"{outside[-1].actor} challenged it, and it holds.", verdict=Verdict.PASS, where="challenge"))
    else:
        findings.append(Finding(message=f"The challenge by {outside[-1].actor} is open.", verdict=Verdict.FAIL, where="challenge"))
    return findings


def _asked(question: str, text: str) -> Finding:
    if not text:
        return Finding(message=f"{question}: not answered.", verdict=Verdict.INCONCLUSIVE, where=question)
    return Finding(message=f"{question}: {text[:200]}", verdict=Verdict.PASS, where=question)


@validator("monitor.plan", title="Ongoing monitoring plan", version="1.1", needs=("register",))
def plan(subject: Subject) -> list[Finding]:
    """Does each watched number have a threshold, an owner, a frequency, a source, a response and the delay of its labels?

    `[monitoring.METRIC]`: `threshold`, `owner`, `frequency` (hourly, daily, weekly, monthly, quarterly, yearly), `source`, `response`,
    `label_delay`.
    Slowest allowed: weekly for tier 1, monthly for tier 2, quarterly for tier 3.

    fail: a part is missing, or the frequency is slower than the tier allows. inconclusive: the frequency is no known word.
    Unchecked: there is no [monitoring].

    Source: SR 26-2 sec V.4 (asks for a response); the cadence is house.

    Fix: Fill in the plan under [monitoring.METRIC] of mlgov.toml.
    """
    return [_watched(name, body, subject.tier) for name, body in parts(subject, "monitoring")]


def _watched(name: str, body: Mapping[str, object], tier: int) -> Finding:
    missing = absent(body, PLAN)
    if missing:
        said = f"{name} has no {', '.join(missing).replace('_', ' ')}."
        return Finding(message=said, verdict=Verdict.FAIL, measured=float(len(missing)), allowed="0 missing", where=name)
    every, slowest = word(body, "frequency").lower(), SLOWEST.get(tier, "weekly")
    if every not in CADENCE:
        return Finding(message=f'{name}: "{every}" is none of {", ".join(CADENCE)}.', verdict=Verdict.INCONCLUSIVE, where=name)
    late = CADENCE[every] > CADENCE[slowest]
    said = f"{name} is looked at {every}; tier {tier} asks for {slowest} or oftener."
    return Finding(message=said, verdict=Verdict.FAIL if late else Verdict.PASS, measured=CADENCE[every], allowed=slowest, where=name)


@validator("audit.retention", title="Retention", version="1.1", needs=("register",), stricter={"years": "higher"})
def retention(subject: Subject, *, years: float = 7.0) -> list[Finding]:
    """Is each class of record kept as long as the gravest of the laws that touch it, and was a restore tried?

    `[retention.CLASS]`: `keep_years`, `laws` (any of mifid, reg-b, reg-b-business, ai-act-documents, ai-act-logs, model),
    `restore_tested` (a date), `erasure` (how a person's data go while the hash stays), `authority_asked` (true: mifid is 7 years),
    `legal_hold` (the case for which nothing may be deleted). Years asked for: mifid 5, reg-b 25 months, reg-b-business 12 months,
    ai-act-documents 10, ai-act-logs 6 months, model `years`.

    fail: a class would be deleted before its law allows. warn: no restore was tried, or nothing is said of erasure.
    inconclusive: a class names no period or an unknown law. Unchecked: there is no [retention].

    Source: MiFIR Art 25(1); 12 CFR 1002.12(b); AI Act Art 18 and 19; life of the model and 7 years is house.

    Fix: Put the class under the longer period, or extend it; try a restore.
    """
    asked = {"mifid": 5.0, "reg-b": 25 / 12, "reg-b-business": 1.0, "ai-act-documents": 10.0, "ai-act-logs": 0.5, "model": years}
    return [_kept(name, body, asked) for name, body in parts(subject, "retention")]


def _kept(name: str, body: Mapping[str, object], asked: Mapping[str, float]) -> Finding:
    laws, keep = texts(body, "laws"), number(body, "keep_years")
    if keep is None or not laws or any(law not in asked for law in laws):
        said = f"{name} names no period, no law, or one that is none of {', '.join(asked)}."
        return Finding(message=said, verdict=Verdict.INCONCLUSIVE, where=name)
    if body.get("authority_asked") is True:
        asked = {**asked, "mifid": 7.0}
    law = max(laws, key=lambda one: asked[one])
    said = f"{name} is kept {keep:g} years; {law} asks for {asked[law]:.3g}."
    if keep < asked[law]:
        return Finding(message=said, verdict=Verdict.FAIL, measured=keep, allowed=f"at least {asked[law]:.3g} years", where=name)
    if hold := word(body, "legal_hold"):
        said += f" Nothing of it may be deleted: {hold}."
    missing = absent(body, ("restore_tested", "erasure"))
    if missing:
        said += f" Not told: {', '.join(missing).replace('_', ' ')}."
    return Finding(
        message=said, verdict=Verdict.WARN if missing else Verdict.PASS, measured=keep, allowed=f"{asked[law]:.3g} years", where=name
    )
