"""What a job does when its notebook has run: `--then validate,promote=staging`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jupyter_mlgov.core.errors import UsageError, unknown

if TYPE_CHECKING:
    from jupyter_mlgov.core.team import Team
    from jupyter_mlgov.workspace.composition import Workspace

ACTS = ("validate", "promote")


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """One act behind a run; `stage` is what is asked for."""

    name: str
    stage: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """`code` is the job's exit code: 0 all clear, 1 a gate stayed shut, 3 a check could not tell."""

    code: int
    sentences: tuple[str, ...]


def parse_then(text: str, team: Team) -> tuple[Act, ...]:
    """`validate,promote=staging` as acts. Raises UsageError for an unknown act or stage, before anything runs."""
    found = []
    for part in filter(None, (one.strip() for one in text.split(","))):
        name, _, stage = part.partition("=")
        if name not in ACTS:
            raise unknown("act behind --then", name, ACTS, next="For instance `--then validate,promote=staging`.")
        if name == "promote":
            team.gate(stage)
        elif stage:
            raise UsageError(f'"{part}" is no act.', expected="Expected `validate`, or `promote=STAGE`.")
        found.append(Act(name=name, stage=stage))
    return tuple(found)


def afterwards(workspace: Workspace, notebook: str, acts: tuple[Act, ...], say: Callable[[str], None] | None = None) -> Ending:
    """Do these acts in order; one that stays shut ends them."""
    told: list[str] = []
    for act in acts:
        if say is not None:
            say(act.name)
        code, sentence = _validated(workspace, notebook, act.stage) if act.name == "validate" else _asked(workspace, notebook, act.stage)
        told.append(sentence)
        if code:
            return Ending(code=code, sentences=tuple(told))
    return Ending(code=0, sentences=tuple(told))


def _validated(workspace: Workspace, notebook: str, stage: str) -> tuple[int, str]:
    from jupyter_mlgov.core.verdicts import Verdict

    report = workspace.validate(notebook, stage=stage)
    blocking = report.blocking
    names = ", ".join(dict.fromkeys(one.validator for one in blocking))
    if any(one.verdict is Verdict.FAIL for one in blocking):
        return 1, f"Validated: blocked by {names}."
    if blocking or not report.results:
        return 3, f"Validated: could not check {names or 'anything'}."
    return 0, f"Validated: {len(report.results)} checks, nothing blocks."


def _asked(workspace: Workspace, notebook: str, stage: str) -> tuple[int, str]:
    from jupyter_mlgov.promotion.facts import Answer

    decision = workspace.promote(stage, notebook)
    reasons = " ".join(one.sentence for one in decision.reasons[:3])
    return 0 if decision.answer is Answer.GRANTED else 1, f"Asked for {stage}: {decision.answer}. {reasons}".strip()
