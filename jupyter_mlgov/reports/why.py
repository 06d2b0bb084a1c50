"""What stands between a model and a stage, and a gate's answer: numbered, with what to type next, in text and HTML."""

from __future__ import annotations

from jupyter_mlgov.core.actors import Actor
from jupyter_mlgov.promotion.facts import Answer, Decision, Reason
from jupyter_mlgov.reports.clean import visible
from jupyter_mlgov.reports.html import reasons_html
from jupyter_mlgov.reports.look import style
from jupyter_mlgov.reports.markup import Html, el, prose
from jupyter_mlgov.reports.terminal import paint, wrap
from jupyter_mlgov.reports.text import reason_lines

_MARKS = {Answer.GRANTED: ("✓", "pass"), Answer.REFUSED: ("✕", "fail"), Answer.AWAITING_REVIEW: ("⌛", "inconclusive")}
_TONES = {Answer.GRANTED: "mg-pass", Answer.REFUSED: "mg-fail", Answer.AWAITING_REVIEW: "mg-unknown"}
_SILENT = "The gate stays shut and gave no reason; this is a defect, please report it."


def why_text(decision: Decision, reasons: tuple[Reason, ...], *, colour: bool = False, width: int = 88) -> str:
    """The to-do list before a gate."""
    width = max(40, width)
    lines = [paint(line, "bold", colour) for line in wrap(_between(decision, reasons), width)]
    lines += reason_lines(reasons, colour, width)
    return "\n".join([*lines, *(line for sentence in _after(decision, reasons) for line in wrap(visible(sentence), width))])


def decision_text(decision: Decision, *, colour: bool = False, width: int = 88) -> str:
    """A gate's answer with every reason, who asked, who approved, and what it rests on."""
    width = max(40, width)
    sign, verdict = _MARKS[decision.answer]
    lines = [paint(line, verdict, colour) for line in wrap(_answer(decision), width, first=f"{sign} ")]
    lines += reason_lines(decision.reasons, colour, width)
    rest = [*_after(decision, decision.reasons), *decision.notes, *_ground(decision)]
    return "\n".join([*lines, *(line for sentence in rest for line in wrap(visible(sentence), width, first="  "))])


def why_html(decision: Decision, reasons: tuple[Reason, ...]) -> str:
    """The to-do list as a fragment."""
    return _card(el("h2", _between(decision, reasons)), reasons, _after(decision, reasons))


def decision_html(decision: Decision) -> str:
    """The answer as a fragment; the same words as in the terminal."""
    sign = el("span", f"{_MARKS[decision.answer][0]} ", class_=_TONES[decision.answer], aria_hidden="true")
    rest = (*_after(decision, decision.reasons), *decision.notes, *_ground(decision))
    return _card(el("h2", sign, _answer(decision)), decision.reasons, rest)


class ShownWhy:
    """The to-do list as the last value of a cell."""

    def __init__(self, decision: Decision, reasons: tuple[Reason, ...]) -> None:
        self.decision, self.reasons = decision, reasons

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, object]:  # noqa: ARG002  # IPython's signature
        return {"text/html": why_html(self.decision, self.reasons), "text/plain": why_text(self.decision, self.reasons)}


class ShownDecision:
    """A gate's answer as the last value of a cell."""

    def __init__(self, decision: Decision) -> None:
        self.decision = decision

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, object]:  # noqa: ARG002  # IPython's signature
        return {"text/html": decision_html(self.decision), "text/plain": decision_text(self.decision)}


def _card(title: Html, reasons: tuple[Reason, ...], after: tuple[str, ...]) -> str:
    listed = el("div", reasons_html(reasons), class_="mg-band") if reasons else ""
    foot = el("div", *(el("p", prose(sentence)) for sentence in after), class_="mg-foot") if after else ""
    return el("div", style(), el("section", el("header", title, class_="mg-head"), listed, foot, class_="mg", aria_label="Gate"))


def _named(decision: Decision) -> str:
    version = f" v{decision.version.removeprefix('v')}" if decision.version else ""
    return visible(f"{decision.model}{version}", limit=200)


def _between(decision: Decision, reasons: tuple[Reason, ...]) -> str:
    where = f"between {_named(decision)} and {visible(decision.stage, limit=80)}"
    if not reasons:
        return f"Nothing stands {where}" if decision.answer is Answer.GRANTED else f"Something unsaid stands {where}"
    return f"{len(reasons)} {'thing stands' if len(reasons) == 1 else 'things stand'} {where}"


def _answer(decision: Decision) -> str:
    stage = visible(decision.stage, limit=80)
    if decision.answer is Answer.GRANTED:
        return f"GRANTED: {_named(decision)} may go to {stage}"
    if decision.answer is Answer.AWAITING_REVIEW:
        return f"NOT YET: {_named(decision)} → {stage} is awaiting review"
    return f"REFUSED: {_named(decision)} may not go to {stage}"


def _after(decision: Decision, reasons: tuple[Reason, ...]) -> tuple[str, ...]:
    if decision.answer is not Answer.GRANTED and not reasons:
        return (_SILENT,)
    return ()


def _ground(decision: Decision) -> tuple[str, ...]:
    approved = f"Approved by {_people(decision.approved_by)}." if decision.approved_by else "Approved by nobody."
    report = f"Report {decision.report}." if decision.report else "No report was judged."
    return (f"Asked by {decision.asked_by}. {approved}", f"{report} Team file {decision.team}.")


def _people(actors: tuple[Actor, ...]) -> str:
    return ", ".join(str(actor) for actor in actors)
