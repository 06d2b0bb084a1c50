"""What to do now: the shortest list that leads to an open gate, from all the reasons of a decision."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from jupyter_mlgov.core.verdicts import Severity
from jupyter_mlgov.promotion.facts import Decision, Fix, Reason
from jupyter_mlgov.promotion.fixes import VALIDATE, together

_RUN = frozenset({"no-steps", "step-never-ran", "step-running", "step-stale", "step-killed", "hidden-state"})
_MEND = frozenset({"step-failed"})
_VALIDATE = frozenset({"no-report", "stale-report", "partial-report", "policy-missing", "nothing-measured", "old-evidence"})
# What a new run and a new report answer anew: not worth a line of its own while they are due.
_RENEWED = frozenset({"no-model", "no-version", "model-mismatch", "refused", "no-authors"})
_REVIEW = frozenset({"unchecked", "approvals", "no-rerun"})


def shortest(decision: Decision) -> tuple[Reason, ...]:
    """The to-dos, in the order in which to do them. Empty exactly when the gate is open.

    Running and validating come first and swallow what they renew; failing validators stay apart; one review answers all that need one.
    """
    reasons = decision.reasons
    mend = [reason for reason in reasons if reason.code in _MEND]
    run = [reason for reason in reasons if reason.code in _RUN]
    judge = [reason for reason in reasons if reason.code in _VALIDATE]
    due = bool(mend or run or judge)
    renewed = [reason for reason in reasons if reason.code.startswith("verdict-") or reason.code in _RENEWED] if due else []
    listed = {id(reason) for reason in (*mend, *run, *judge, *renewed)}
    review = [reason for reason in reasons if reason.code in _REVIEW]
    rest = [reason for reason in reasons if id(reason) not in listed and reason.code not in _REVIEW]
    return (*mend, *_run(run), *_validate(judge, renewed, after_run=bool(mend or run)), *_one_mend(rest), *_review(review))


def _run(reasons: list[Reason]) -> tuple[Reason, ...]:
    if len(reasons) < 2:
        return tuple(reasons)
    return (
        Reason(
            code="run",
            sentence=f"{len(reasons)} steps are not up to date. {_joined(reason.sentence for reason in reasons)}",
            next=_joined(reason.next for reason in reasons),
            severity=_gravest(reasons),
            cell=next((reason.cell for reason in reasons if reason.cell), ""),
            fix=together(tuple(reasons)),
        ),
    )


def _validate(judge: list[Reason], renewed: list[Reason], *, after_run: bool) -> tuple[Reason, ...]:
    """One validation for all that asks for one; also after a run, because what it renews must be judged again."""
    if not judge and not renewed:
        return ()
    told = _joined(reason.sentence for reason in judge) or "What the steps make anew must be judged anew."
    verdicts = sum(reason.code.startswith("verdict-") for reason in renewed)
    if verdicts:
        which = "One blocking verdict" if verdicts == 1 else f"{verdicts} blocking verdicts"
        told += f" {which} of the last report will be judged anew."
    first = "Then type" if after_run else "Type"
    return (
        Reason(code="validate", sentence=told, next=f"{first} `%mlgov validate`.", severity=_gravest([*judge, *renewed]), fix=VALIDATE),
    )


def _one_mend(reasons: list[Reason]) -> tuple[Reason, ...]:
    """Checks that could not tell for want of the same thing are one to-do."""
    alike: dict[tuple[str, str], list[Reason]] = {}
    for number, reason in enumerate(reasons):
        alike.setdefault((reason.code, reason.next) if reason.code == "verdict-inconclusive" else (reason.code, str(number)), []).append(
            reason
        )
    return tuple(group[0] if len(group) == 1 else _together(group) for group in alike.values())


def _together(group: list[Reason]) -> Reason:
    _, _, told = group[0].sentence.partition(": ")
    names = ", ".join(reason.validator for reason in group)
    return replace(group[0], sentence=f"{len(group)} checks could not tell ({names}): {told}", severity=_gravest(group))


def _review(reasons: list[Reason]) -> tuple[Reason, ...]:
    if len(reasons) < 2:
        return tuple(reasons)
    attested = any(reason.code == "unchecked" for reason in reasons)
    command = 'mlgov review approve -m "why"' + (" --attest-unchecked" if attested else "")
    told = _joined(reason.sentence for reason in sorted(reasons, key=lambda reason: reason.code != "approvals"))
    review = replace(reasons[0].fix or Fix(kind="ask-person"), command=command)
    by_hand = " They judge the unchecked controls by hand and say so." if attested else ""
    return (
        replace(
            reasons[0], code="review", sentence=told, next=f"Ask a reviewer: `{command}`.{by_hand}", severity=_gravest(reasons), fix=review
        ),
    )


def _gravest(reasons: list[Reason]) -> Severity:
    return min((reason.severity for reason in reasons), key=lambda severity: severity.rank)


def _joined(sentences: Iterable[str]) -> str:
    return " ".join(dict.fromkeys(sentences))
