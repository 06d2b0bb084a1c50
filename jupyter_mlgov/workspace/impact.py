"""What a change does: which evidence falls, which still holds, and the smallest set of cells to run again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jupyter_mlgov.core.errors import MlgovError, NotReady
from jupyter_mlgov.lineage.staleness import Rerun

if TYPE_CHECKING:
    from jupyter_mlgov.workspace.composition import Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class Fallen:
    """A check whose answer no longer stands, and which of the parts it rests on are others now."""

    validator: str
    parts: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Impact:
    """What changed since the last report, in sentences; the answers that fall with it; those that hold; cells to run again, in order.

    `unknown` says why the cells could not be told. `void`: reviews whose approvals no longer count.
    """

    changed: tuple[str, ...]
    falls: tuple[Fallen, ...]
    holds: tuple[str, ...]
    rerun: tuple[Rerun, ...]
    never_ran: tuple[str, ...] = ()
    void: tuple[int, ...] = ()
    unknown: str = ""


def impact(workspace: Workspace, notebook: str) -> Impact:
    """Hold the last report on `notebook` against what is there now; nothing is run or written. Raises NotReady for no report."""
    from jupyter_mlgov.promotion.cases import State
    from jupyter_mlgov.workspace.judging import changes, last_report
    from jupyter_mlgov.workspace.recording import read_hidden_state
    from jupyter_mlgov.workspace.reviewing import queue, rules_changed

    team, lineage, report = workspace.team_for(notebook), workspace.lineage(notebook), last_report(workspace, notebook)
    if report is None:
        raise NotReady("There is no report that a change could touch.", next="Ask for one: `mlgov validate`.")
    steps = tuple(f"the step {one.step.label} {one.why or one.state.value}" for one in lineage.steps if one.state != "fresh")
    rerun: tuple[Rerun, ...] = ()
    never: tuple[str, ...] = ()
    unknown = ""
    try:
        hidden, _ = read_hidden_state(workspace, notebook)
        rerun, never = hidden.rerun, hidden.never
    except MlgovError as error:
        unknown = error.what
    before, now = _recorded(workspace, notebook, str(report.digest)), _bases(workspace, notebook)
    names = [result.validator for result in report.results if not result.validator.startswith("form:")]
    # A step that must run again makes its tables and models anew: whatever rests on them falls with it.
    falls = [Fallen(validator=name, parts=_parts(before.get(name), now.get(name)) or steps) for name in names]
    fallen = tuple(one for one in falls if one.parts)
    waiting = queue(workspace, notebook)
    rules = dict.fromkeys(one for case in waiting if not case.case.closed for one in rules_changed(case.case, team))
    return Impact(
        changed=(*changes(workspace, report, lineage, team), *rules, *steps),
        falls=fallen,
        holds=tuple(name for name in names if name not in {one.validator for one in fallen}),
        rerun=rerun,
        never_ran=never,
        void=tuple(one.case.number for one in waiting if one.state is State.VOID),
        unknown=unknown,
    )


def _parts(before: Mapping[str, str] | None, now: Mapping[str, str] | None) -> tuple[str, ...]:
    if before is None or now is None:
        return ("something it rests on has no digest, so it is measured each time",)
    return tuple(part for part in (*before, *(one for one in now if one not in before)) if before.get(part) != now.get(part))


def _recorded(workspace: Workspace, notebook: str, report: str) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for entry in workspace.journal.entries(actions=("validation.done",)):
        bases = entry.payload.get("bases")
        if entry.payload.get("notebook") == notebook and entry.payload.get("digest") == report and isinstance(bases, Mapping):
            found = {str(name): {str(part): str(value) for part, value in dict(rests).items()} for name, rests in bases.items()}
    return found


def _bases(workspace: Workspace, notebook: str) -> dict[str, Mapping[str, str]]:
    """What each check would rest on now; nothing is measured."""
    from jupyter_mlgov.validation.basis import basis
    from jupyter_mlgov.validation.checks import Check
    from jupyter_mlgov.validation.engine import placed, plan
    from jupyter_mlgov.validation.plugins import installed_policies, installed_validators
    from jupyter_mlgov.workspace.subjects import gather

    team = workspace.team_for(notebook)
    policies = installed_policies(team.policies, workspace.root)
    controls = placed(policies, team.scope, workspace.clock.now().date())
    fixed = plan(policies, installed_validators(), controls, parameters=team.parameters, also=team.also)
    subject = gather(workspace, team, workspace.lineage(notebook), fixed.needs)
    found = {check.id: basis(check, subject, fixed.settings[check.id]) for check in fixed.checks if isinstance(check, Check)}
    return {name: rests for name, rests in found.items() if rests is not None}
