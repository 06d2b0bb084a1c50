"""What a reader meets, in which order: one headline, tallies, gravest first, and what nobody checked. Every surface draws this."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from jupyter_mlgov.core.verdicts import Severity, Verdict
from jupyter_mlgov.promotion.facts import Answer, Reason
from jupyter_mlgov.reports.context import Context
from jupyter_mlgov.validation.policy import OWN
from jupyter_mlgov.validation.results import FORM, CheckResult, Report, RequirementResult

VERIFIED = {"P": "primary text", "Q": "quoted", "S": "paraphrased", "M": "from memory, to be checked"}
# Reasons that ask for work to be done, not for something broken to be mended.
_TO_DO = frozenset(("run", "validate", "no-report", "no-steps", "step-never-ran", "step-running", "partial-report"))
CAVEAT = "Evidence supports a control; nobody here says “compliant”."


class Standing(StrEnum):
    """The one word on top. Only MAY GO says that a gate opened."""

    MAY_GO = "MAY GO"
    NOT_YET = "NOT YET"
    CLEAR = "CHECKS CLEAR"
    NOTHING = "NOTHING WAS CHECKED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Headline:
    """`title` names model, version and stage; `standing` is the one word, `detail` the rest of the sentence."""

    title: str
    standing: Standing
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unchecked:
    """A control with demands that nobody measured here; `partly` says whether another validator did answer for it."""

    control: RequirementResult
    validators: tuple[str, ...]
    partly: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """How far machines went: controls asked for, with evidence by a machine, and decided by a machine alone."""

    controls: int
    evidence: int
    decided: int

    def __str__(self) -> str:
        if not self.controls:
            return "no policy was asked"
        noun = "control" if self.controls == 1 else "controls"
        return f"{self.evidence} of {self.controls} {noun} with evidence by machine, {self.decided} decided by machine"


def headline(report: Report, context: Context) -> Headline:
    """Fails shut: anything open, stale or unasked keeps MAY GO away."""
    standing, detail = _standing(report, context)
    stage = f" → {context.stage}" if context.stage else ""
    version = f" · v{context.version.removeprefix('v')}" if context.version else ""
    return Headline(title=f"{report.subject.name or 'unnamed subject'}{version}{stage}", standing=standing, detail=detail)


def _standing(report: Report, context: Context) -> tuple[Standing, str]:
    if all(result.verdict is Verdict.NOT_APPLICABLE for result in report.results):
        return Standing.NOTHING, "no check applies to this subject" if report.results else "no check ran on this subject"
    if standing_in_the_way := len(context.why) or len(report.blocking):
        verb = "things stand" if standing_in_the_way > 1 else "thing stands"
        return Standing.NOT_YET, f"{standing_in_the_way} {verb} in the way"
    if context.stale:
        return Standing.NOT_YET, "this report is out of date"
    if context.answer in (Answer.REFUSED, Answer.AWAITING_REVIEW):
        return Standing.NOT_YET, str(context.answer)
    if context.answer is Answer.GRANTED:
        return Standing.MAY_GO, f"the gate to {context.stage} opened" if context.stage else "the gate opened"
    controls = len(unchecked(report))
    left = f"; {controls} {'control was' if controls == 1 else 'controls were'} not checked here" if controls else ""
    return Standing.CLEAR, f"nothing that was measured stands in the way{left}"


def reason_mark(reason: Reason) -> tuple[str, str]:
    """The sign of a reason and the verdict whose colour it has: what failed is not what only waits for somebody."""
    if reason.code.startswith("verdict-"):
        verdict = reason.code.removeprefix("verdict-")
        return (Verdict(verdict).mark, verdict) if verdict in list(Verdict) else ("○", "inconclusive")
    if reason.code in ("approvals", "review", "unchecked"):
        return "⌛", "inconclusive"
    if "stale" in reason.code or reason.code in (
        "run",
        "validate",
        "no-report",
        "no-steps",
        "step-never-ran",
        "step-running",
        "partial-report",
    ):
        return "↻", "inconclusive"
    return "✕", "fail"


def gravest_first(report: Report) -> tuple[CheckResult, ...]:
    """What stands in the way, then what could not tell, then what to look at, then the rest."""

    def key(result: CheckResult) -> tuple[bool, int, int, str]:
        opens = result.verdict.opens
        severity = report.severity(result.validator).rank
        return opens, result.verdict.rank if opens else severity, severity if opens else result.verdict.rank, result.validator

    return tuple(sorted(report.results, key=key))


def grouped(report: Report) -> tuple[tuple[CheckResult, ...], tuple[tuple[Verdict, tuple[CheckResult, ...]], ...]]:
    """Results that do not open a gate, one by one; and those that do, folded by verdict."""
    ordered = gravest_first(report)
    shut = tuple(result for result in ordered if not result.verdict.opens)
    opening = (Verdict.WARN, Verdict.PASS, Verdict.NOT_APPLICABLE)
    folded = ((verdict, tuple(result for result in ordered if result.verdict is verdict)) for verdict in opening)
    return shut, tuple((verdict, results) for verdict, results in folded if results)


def severity(report: Report, validator: str) -> Severity | None:
    """The gravest severity a control gives this validator, or None where no control asks for it."""
    return report.severity(validator) if any(item.validator == validator for item in report.requirements) else None


def controls(report: Report, validator: str) -> tuple[RequirementResult, ...]:
    """The controls this validator gives evidence for, gravest first."""
    found = [item for item in report.requirements if item.validator == validator]
    return tuple(sorted(found, key=lambda item: (item.severity.rank, item.policy, item.control)))


NOTHING_KEPT_BACK = "min_cell = 0 ("  # nobody asked that small cells are kept back: no threshold that anything was held to


def thresholds(report: Report, validator: str) -> tuple[str, ...]:
    """Every threshold that a pack sets for this validator, once, with its source and how that was seen; its own defaults after them."""
    found = dict.fromkeys(ask for item in controls(report, validator) for ask in item.asks if not ask.startswith(NOTHING_KEPT_BACK))
    return tuple(sorted(found, key=lambda ask: OWN in ask))


def verified(item: RequirementResult) -> str:
    """How the wording was seen, spelled out."""
    return VERIFIED.get(item.verified, f"source mark {item.verified}" if item.verified else "source not stated")


def automation(item: RequirementResult) -> str:
    """Who can decide the control, in words."""
    words = {"auto": "a machine can decide it", "assisted": "a machine helps, a person decides", "human": "a person decides it"}
    return words.get(item.automation, item.automation)


def unchecked(report: Report) -> tuple[Unchecked, ...]:
    """Controls with a demand nobody measured, gravest first; one line a control."""
    demands: dict[tuple[str, str], list[RequirementResult]] = {}
    for item in report.requirements:
        if item.binds:
            demands.setdefault((item.policy, item.control), []).append(item)
    found = []
    for items in demands.values():
        missing = tuple(item.validator for item in items if item.verdict is None)
        if missing:
            found.append(Unchecked(control=items[0], validators=missing, partly=len(missing) < len(items)))
    return tuple(sorted(found, key=lambda one: (one.control.severity.rank, one.control.policy, one.control.control)))


def coverage(report: Report) -> Coverage:
    """Over the controls in force. A machine decided one when it may (`auto`) and one demand failed or each got an answer."""
    demands: dict[tuple[str, str], list[RequirementResult]] = {}
    for item in report.requirements:
        if item.binds:
            demands.setdefault((item.policy, item.control), []).append(item)
    undecided = (None, Verdict.ERROR, Verdict.INCONCLUSIVE)
    machine = [[item.verdict for item in items if not item.validator.startswith(FORM)] for items in demands.values()]
    evidence = sum(any(verdict not in undecided for verdict in verdicts) for verdicts in machine)
    decided = sum(items[0].automation == "auto" and _decided([item.verdict for item in items]) for items in demands.values())
    return Coverage(controls=len(demands), evidence=evidence, decided=decided)


def looks(report: Report) -> str:
    """How often this hold-out set was looked at, where that makes p-values optimistic; else empty."""
    if report.looks < 2:
        return ""
    chance = 1 - 0.95**report.looks
    return (
        f"{report.looks} different models were judged on this hold-out set. Its p-values are optimistic: with {report.looks} looks at "
        f"0.05 each, one finding by chance alone has a probability of up to {chance:.2f}."
    )


def not_in_force(report: Report) -> str:
    """A sentence about the controls that do not bind today; empty where all do."""
    counted: dict[str, set[str]] = {}
    for item in report.requirements:
        if not item.binds:
            counted.setdefault(item.standing, set()).add(item.control)
    return ", ".join(
        f"{standing}: {len(controls)} {'control' if len(controls) == 1 else 'controls'}" for standing, controls in counted.items()
    )


def _decided(verdicts: list[Verdict | None]) -> bool:
    return Verdict.FAIL in verdicts or not any(verdict in (None, Verdict.ERROR, Verdict.INCONCLUSIVE) for verdict in verdicts)
