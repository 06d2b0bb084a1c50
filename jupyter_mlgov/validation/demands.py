"""What the packs ask of one subject, answered: each control's demand on a validator or on people, with where the control stands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date

from jupyter_mlgov.core.team import Scope
from jupyter_mlgov.validation.policy import Control, Policy, Requirement
from jupyter_mlgov.validation.results import FORM, CheckResult, RequirementResult, Unchecked
from jupyter_mlgov.validation.standing import Footing, Standing, footing

Told = CheckResult | Unchecked
Placed = tuple[Policy, Control, Footing]


def placed(policies: Sequence[Policy], scope: Scope, today: date | None) -> tuple[Placed, ...]:
    """Every control of every pack, with where it stands for a model of this scope on this day."""
    return tuple((policy, control, footing(policy, control, scope, today)) for policy in policies for control in policy.controls)


def asked(controls: Sequence[Placed], stage: str = "") -> tuple[str, ...]:
    """The validators that controls ask for (of `stage` alone, where one is named); what is over or out of scope asks nothing."""
    silent = (Standing.ENDED, Standing.OUT_OF_SCOPE)
    return tuple(
        dict.fromkeys(
            ask.validator
            for _, control, where in controls
            if where.standing not in silent and (not stage or stage in control.gates)
            for ask in control.requirements
        )
    )


def demands(controls: Sequence[Placed], told: Mapping[str, Told]) -> Iterator[RequirementResult]:
    """A demand that nothing answered has the verdict None, and its note says why; a control that asks nothing is one such demand."""
    for policy, control, where in controls:
        asked_of: list[Requirement | None] = [*control.requirements]
        for ask in asked_of if control.requirements or control.questions else [None]:
            yield _demand(policy, control, where, ask.validator if ask else "", told.get(ask.validator) if ask else None, ask)
        if control.questions:
            name = f"{FORM}{control.id}"
            yield _demand(policy, control, where, name, told.get(name), None)


def _thresholds(ask: Requirement | None, answer: Told | None) -> tuple[str, ...]:
    """Every parameter the answer was measured with (those the pack sets, where nothing was measured), with source and mark."""
    used = dict(ask.parameters) if ask else {}
    if isinstance(answer, CheckResult):
        used.update(answer.parameters)
    return tuple(ask.told(name, value) for name, value in used.items()) if ask else ()


def _demand(policy: Policy, control: Control, where: Footing, name: str, answer: Told | None, ask: Requirement | None) -> RequirementResult:
    note = where.why
    if isinstance(answer, Unchecked):
        note = " ".join(filter(None, (answer.summary, answer.fix, note)))
    elif answer is None and where.standing in (Standing.IN_FORCE, Standing.READINESS):
        note = " ".join(filter(None, (f"No validator {name} is installed or was asked to run." if name else "", note)))
    return RequirementResult(
        policy=policy.id,
        control=control.id,
        cite=control.cite,
        url=control.url,
        obligation=control.obligation,
        verified=control.verified,
        severity=control.severity,
        automation=control.automation,
        gates=control.gates,
        validator=name,
        verdict=answer.verdict if isinstance(answer, CheckResult) else None,
        standing=where.standing.value,
        note=note,
        asks=_thresholds(ask, answer),
    )
