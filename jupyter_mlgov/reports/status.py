"""Where one notebook stands and what to do next, on one screen: `%mlgov`, `mlgov status`."""

from __future__ import annotations

from jupyter_mlgov.core.verdicts import Verdict
from jupyter_mlgov.lineage.facts import StepState, StepStatus
from jupyter_mlgov.reports.clean import visible
from jupyter_mlgov.reports.html import reasons_html
from jupyter_mlgov.reports.look import style, tone
from jupyter_mlgov.reports.markup import Html, el, join, prose
from jupyter_mlgov.reports.terminal import columns, pad, paint, wrap
from jupyter_mlgov.reports.text import reason_lines
from jupyter_mlgov.reports.views import CheckLine, NotebookView

# state -> mark and the verdict whose colour it has. A step that ran is no verdict on it.
STATES = {
    StepState.FRESH: ("✓", "pass"),
    StepState.STALE: ("↻", "inconclusive"),
    StepState.FAILED: ("✕", "fail"),
    StepState.KILLED: ("✕", "fail"),
    StepState.RUNNING: ("…", "inconclusive"),
    StepState.NEVER_RAN: ("○", "not_applicable"),
}


def status_text(view: NotebookView, *, colour: bool = False, width: int = 88) -> str:
    """Model and stage, steps, checks, what stands in the way, and the one thing to do now."""
    width = max(40, width)
    lines = [paint(line, "bold", colour) for line in wrap(_title(view), width)]
    lines += [paint(line, "fail", colour) for line in wrap(visible(view.problem), width, first="✕ ")] if view.problem else []
    for status in view.steps:
        lines += _step(status, colour, width)
    lines += [] if view.steps or view.problem else ["No steps yet."]
    for check in view.checks:
        lines += _check(check, colour, width)
    if view.unchecked:
        lines += wrap(_unchecked(view), width, first="○ ")
    if view.why:
        lines += [f"Before {_gate(view)}:", *reason_lines(view.why, colour, width)]
    for name, value in _facts(view):
        lines += wrap(visible(value), width, first=pad(name, 10))
    return "\n".join([*lines, *(paint(line, "bold", colour) for line in wrap(visible(view.next), width, first="Next: "))])


def status_html(view: NotebookView) -> str:
    """The same as a fragment."""
    problem = el("p", "✕ ", prose(view.problem), class_="mg-band mg-fail") if view.problem else ""
    steps = [el("li", _step_html(status)) for status in view.steps]
    checks = [el("li", _check_html(check)) for check in view.checks]
    checks += [el("li", f"○ {_unchecked(view)}", class_="mg-mute")] if view.unchecked else []
    pairs = [part for name, value in _facts(view) for part in (el("dt", name), el("dd", value))]
    body = (
        el("header", el("h2", _title(view)), class_="mg-head"),
        problem,
        el("p", el("strong", "Next: "), prose(view.next), class_="mg-band") if view.next else "",
        _band("Steps", el("ul", *steps)) if steps else ("" if view.problem else el("p", "No steps yet.", class_="mg-band")),
        _band("Checks", el("ul", *checks)) if checks else "",
        _band(f"Before {_gate(view)}", reasons_html(view.why)) if view.why else "",
        el("div", el("dl", *pairs, class_="mg-facts"), class_="mg-foot") if pairs else "",
    )
    return el("div", style(), el("section", *body, class_="mg", aria_label="Where you stand"))


class ShownStatus:
    """`%mlgov` as the last value of a cell."""

    def __init__(self, view: NotebookView) -> None:
        self.view = view

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, object]:  # noqa: ARG002  # IPython's signature
        return {"text/html": status_html(self.view), "text/plain": status_text(self.view)}


def _title(view: NotebookView) -> str:
    version = f" v{view.version.removeprefix('v')}" if view.version else ""
    model = f" · {view.model}{version}" if view.model else ""
    stage = f" · in {view.stage}" if view.stage else ""
    return visible(f"{view.notebook or 'no notebook'}{model}{stage}", limit=300)


def _gate(view: NotebookView) -> str:
    return visible(view.gate or "the next stage", limit=120)


def _unchecked(view: NotebookView) -> str:
    return f"{view.unchecked} {'control' if view.unchecked == 1 else 'controls'} of the policies not checked here, so not passed"


def _step_words(status: StepStatus) -> str:
    number = f"[{status.order}] " if status.order else ""
    why = f" — {status.why}" if status.why else ""
    return visible(f"{number}{status.step.label}: {status.state}{why}", limit=400)


def _step(status: StepStatus, colour: bool, width: int) -> list[str]:
    sign, verdict = STATES[status.state]
    return [paint(line, verdict, colour) for line in wrap(_step_words(status), width, first=f"{sign} ", rest="    ")]


def _step_html(status: StepStatus) -> Html:
    sign, verdict = STATES[status.state]
    return join(el("span", sign, class_=tone(verdict), aria_hidden="true"), " ", _step_words(status))


def _check_words(check: CheckLine) -> tuple[str, str, str]:
    """Mark, colour and sentence; a stale verdict keeps its word but loses its colour."""
    known = check.verdict in list(Verdict)
    word = Verdict(check.verdict).word if known else check.verdict
    title = visible(check.title or check.validator, limit=200)
    if check.stale:
        return "↻", "not_applicable", f"{title}: was “{visible(word, limit=40)}” before {visible(check.stale, limit=300)}"
    return (
        Verdict(check.verdict).mark if known else "?",
        check.verdict,
        f"{title} — {visible(word, limit=40)}. {visible(check.summary, limit=300)}",
    )


def _check(check: CheckLine, colour: bool, width: int) -> list[str]:
    sign, verdict, words = _check_words(check)
    first = f"{sign} {pad(visible(check.severity, limit=12), 9)}"
    rest = " " * columns(first)
    lines = [paint(line, verdict, colour) for line in wrap(words, width, first=first, rest=rest)]
    return [*lines, *(wrap(visible(check.waived), width, first=f"{rest}⏲ ", rest=f"{rest}  ") if check.waived else [])]


def _check_html(check: CheckLine) -> Html:
    sign, verdict, words = _check_words(check)
    waived = el("div", "⏲ ", prose(check.waived)) if check.waived else ""
    return join(
        el("span", sign, class_=tone(verdict), aria_hidden="true"), " ", el("span", f"{check.severity} ", class_="mg-soft"), words, waived
    )


def _facts(view: NotebookView) -> list[tuple[str, str]]:
    waiting = f"{view.waiting} to deliver to MLflow or DVC" if view.waiting else ""
    trail = view.trail[0] if view.trail else None
    pairs = [
        ("inputs", ", ".join(view.inputs)),
        ("runs on", view.runs_on),
        ("code", view.code),
        ("report", view.report),
        ("traffic", view.answering.sentence if view.answering else ""),
        ("canary", view.answering.look if view.answering else ""),
        ("waiting", waiting),
        ("trail", f"{trail.seq}. {trail.sentence} ({trail.time})" if trail else ""),
    ]
    return [(name, value) for name, value in pairs if value]


def _band(title: str, content: Html) -> Html:
    return el("div", el("p", el("strong", title)), content, class_="mg-band")
