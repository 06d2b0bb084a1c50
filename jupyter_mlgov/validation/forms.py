"""Questions that people answer: what a form must hold to count, and what a signed one says about its control.

An answer is never free: silence, a placeholder, and an author's own word where independence is asked leave a control unchecked.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from jupyter_mlgov.core.errors import BadInput, MlgovError, unknown
from jupyter_mlgov.core.verdicts import Verdict
from jupyter_mlgov.validation.demands import Placed, Told
from jupyter_mlgov.validation.policy import Control, Policy, Question
from jupyter_mlgov.validation.records import Form
from jupyter_mlgov.validation.results import FORM, CheckResult, Finding, Unchecked
from jupyter_mlgov.validation.standing import Standing
from jupyter_mlgov.validation.subjects import Subject

HOLDS = Question(id="holds", text="Does the model meet this control? yes or no.")
LEAST = 12  # letters and digits of an answer that says something
_WORDS = "todo|tbd|tba|n/?a|none|nothing|lorem ipsum.*|x+|test|asdf.*|answer|your answer.*|fill (this )?in.*"
_PLACEHOLDER = re.compile(rf"(?i)^\W*({_WORDS})?\W*$")


def questions(control: Control) -> tuple[Question, ...]:
    """The pack's questions, then the one that decides."""
    return (*control.questions, HOLDS)


def find_control(policies: Sequence[Policy], id: str) -> tuple[Policy, Control]:
    """The control of this id. Raises UsageError naming the nearest, and BadInput for one that asks people nothing."""
    for policy in policies:
        found = policy.control(id)
        if found and not found.questions:
            raise BadInput(f"{id} is decided by machine and has no questions.", next=f"See `mlgov policy show {id}`.")
        if found:
            return policy, found
    raise unknown("control with questions", id, [one.id for policy in policies for one in policy.controls if one.questions])


def checked(control: Control, answers: Mapping[str, str]) -> dict[str, str]:
    """The answers, trimmed, when every question has one that says something.

    Raises UsageError for an unknown question, BadInput for a missing, empty, repeated or placeholder answer.
    """
    asked = {one.id: one.text for one in questions(control)}
    for name in answers:
        if name not in asked:
            raise unknown(f"question of {control.id}", name, sorted(asked))
    taken = {name: " ".join(str(answers.get(name, "")).split()) for name in asked}
    taken["holds"] = {"y": "yes", "n": "no"}.get(taken["holds"].lower(), taken["holds"].lower())
    for name, text in taken.items():
        if problem := _problem(name, text, asked[name], [other for key, other in taken.items() if key != name]):
            raise BadInput(
                f"{control.id}: the answer to `{name}` {problem}.",
                expected=f'The question is: "{asked[name]}"',
                next="Nothing was recorded. Answer every question, or none.",
            )
    return taken


def lacks(text: str, question: str) -> str:
    """What keeps `text` from being an answer to `question`, as words that go on from "the answer …"; empty where it says something."""
    return _problem("", " ".join(text.split()), question, [])


def _problem(name: str, text: str, question: str, others: list[str]) -> str:
    if not text:
        return "is missing"
    if name == HOLDS.id:
        return "" if text in ("yes", "no") else "is neither yes nor no"
    if _PLACEHOLDER.match(text) or text.casefold().strip(" ?.") == question.casefold().strip(" ?."):
        return "is a placeholder"
    if sum(letter.isalnum() for letter in text) < LEAST:
        return f"has fewer than {LEAST} letters and says nothing that can be checked"
    return "is the same text as another answer" if text in others else ""


def answered(subject: Subject, controls: Sequence[Placed]) -> Iterator[tuple[str, Told]]:
    """`form:CONTROL` and what its people said, for every control that asks people and can still be answered."""
    for _, control, where in controls:
        if control.questions and where.standing in (Standing.IN_FORCE, Standing.READINESS):
            yield f"{FORM}{control.id}", _told(subject, control)


def _told(subject: Subject, control: Control) -> Told:
    name = f"{FORM}{control.id}"
    form = subject.form(control.id)
    if subject.is_table:
        return Unchecked(validator=name, summary="A plain table carries nobody's answers.", fix="Judge a notebook's model.")
    if form is None:
        older = any(one.control == control.id for one in subject.forms)
        why = "Its questions were answered about another model than this." if older else "Nobody has answered its questions."
        return Unchecked(validator=name, summary=why, fix=f"`mlgov answer {control.id}`.")
    try:
        answers = checked(control, form.answers)
    except MlgovError as problem:
        return Unchecked(validator=name, summary=f"The answers on record do not answer: {problem}", fix=f"`mlgov answer {control.id}`.")
    if control.automation == "human" and not _independent(form, subject):
        return Unchecked(
            validator=name,
            summary=f"{form.actor} answered and worked on the model, or nobody knows who did.",
            fix=f"Somebody else answers: `mlgov answer {control.id}`.",
        )
    return _result(control, form, answers)


def _independent(form: Form, subject: Subject) -> bool:
    authors = {one.id.strip().casefold() for one in subject.records.authors} if subject.records else set()
    return bool(authors) and form.actor.id.strip().casefold() not in authors


def _result(control: Control, form: Form, answers: Mapping[str, str]) -> CheckResult:
    verdict = Verdict.PASS if answers["holds"] == "yes" else Verdict.FAIL
    word = "met" if verdict is Verdict.PASS else "not met"
    said = f"{form.actor} answered on {form.time.date().isoformat()}: {word}."
    details = {"actor": form.actor.id, "identity": form.actor.source, "entry": form.entry or ""}
    findings = tuple(
        Finding(message=f"{one.text} {answers[one.id]}", verdict=verdict, where=one.id, details=details) for one in questions(control)
    )
    return CheckResult(
        validator=f"{FORM}{control.id}",
        version="1",
        title=f"Answers for {control.id}",
        verdict=verdict,
        summary=said,
        findings=findings,
        source=control.cite,
        fix="" if verdict is Verdict.PASS else "Mend what the answers name, then answer again.",
    )
