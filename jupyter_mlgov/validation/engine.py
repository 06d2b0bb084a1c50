"""Runs what the packs ask on a subject and answers their demands. What broke is `error`, what saw nothing `inconclusive`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from fnmatch import fnmatchcase

from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.core.errors import unknown
from jupyter_mlgov.core.facts import plain
from jupyter_mlgov.core.verdicts import Verdict
from jupyter_mlgov.validation.basis import Basis, Earlier, Reuse, basis
from jupyter_mlgov.validation.checks import MIN_CELL, Check
from jupyter_mlgov.validation.demands import Placed, Told, asked, demands, placed
from jupyter_mlgov.validation.forms import answered
from jupyter_mlgov.validation.plugins import Broken, Registry
from jupyter_mlgov.validation.policy import Policy
from jupyter_mlgov.validation.results import FORM, CheckResult, Report, Unchecked
from jupyter_mlgov.validation.runners import Runner, runner_for
from jupyter_mlgov.validation.running import broken, evidence
from jupyter_mlgov.validation.settings import EVERY, TeamParameters, settle, smallest_cell
from jupyter_mlgov.validation.subjects import Subject

Progress = Callable[[int, int, str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What will run with which parameters, fixed before anything is measured. `note` says what makes it partial, or is empty."""

    policies: tuple[Policy, ...]
    checks: tuple[Check | Broken, ...]
    settings: Mapping[str, Mapping[str, object]]
    note: str = ""

    @property
    def thresholds(self) -> Digest:
        """The digest that enters the trail before the first result: packs, validators, versions, parameters."""
        checks = {
            check.id: [check.version, {name: str(value) for name, value in self.settings[check.id].items()}]
            for check in self.checks
            if isinstance(check, Check)
        }
        return Digest.of_json({"policies": [plain(policy.ref) for policy in self.policies], "checks": checks})

    @property
    def needs(self) -> frozenset[str]:
        """All that the chosen validators declare; what people answered is always looked at."""
        found = {need for check in self.checks if isinstance(check, Check) for need in (*check.needs, *check.uses)}
        return frozenset({*found, "forms", "records"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """A report, what each of its answers rests on, and which of them were on record already."""

    report: Report
    bases: Mapping[str, Basis] = field(default_factory=dict)
    reuse: tuple[Reuse, ...] = ()
    waiting: tuple[Unchecked, ...] = ()


def plan(
    policies: Sequence[Policy],
    registry: Registry,
    controls: Sequence[Placed],
    *,
    parameters: TeamParameters | None = None,
    only: Collection[str] = (),
    also: Collection[str] = (),
    stage: str = "",
) -> Plan:
    """The validators that the controls ask for and those of `also`; of them `only` the named ones (`fair.*`), or those of one `stage`.

    Without a policy all that is installed runs. Raises UsageError or BadInput for an unknown name, stage or parameter, and for a team
    parameter that would weaken a pack.
    """
    for name in (*also, *(parameters or {})):
        if name not in (*registry.ids, EVERY):
            raise unknown("validator", name, registry.ids)
    stages = sorted({gate for _, control, _ in controls for gate in control.gates})
    if stage and stage not in stages:
        raise unknown("stage of a control", stage, stages)
    wanted = (*asked(controls, stage), *(() if stage else also)) if policies else registry.ids
    chosen = [name for name in registry.ids if name in wanted]
    if only:
        chosen = list(_named(only, registry.ids, chosen if stage else registry.ids))
    checks = tuple(registry.get(name) for name in chosen)
    settings = {check.id: settle(check, policies, parameters or {}) for check in checks if isinstance(check, Check)}
    least = smallest_cell(policies, parameters or {})
    if least:
        settings |= {
            check.id: {**settings[check.id], MIN_CELL: least} for check in checks if isinstance(check, Check) and check.counts_rows
        }
    what = [f"only {', '.join(sorted(only))}"] * bool(only) + [f"stage {stage}"] * bool(stage)
    note = f"Partial: {' of '.join(what)} ran. No gate takes it." if what else ""
    return Plan(policies=tuple(policies), checks=checks, settings=settings, note=note)


def _named(patterns: Collection[str], known: Sequence[str], among: Sequence[str]) -> Iterator[str]:
    for pattern in patterns:
        if not any(fnmatchcase(name, pattern) for name in known):
            raise unknown("validator", pattern, known)
    yield from (name for name in known if name in among and any(fnmatchcase(name, pattern) for pattern in patterns))


def validate(
    subject: Subject,
    policies: Sequence[Policy],
    registry: Registry,
    *,
    parameters: TeamParameters | None = None,
    progress: Progress | None = None,
    only: Collection[str] = (),
    today: date | None = None,
    runner: Runner | None = None,
) -> Report:
    """Run every installed validator that `policies` ask for (or `only` these) on `subject` and answer what they ask.

    A validator nobody installed leaves its demands unchecked (None). Raises as plan() does, before anything runs.
    """
    controls = placed(policies, subject.scope, today)
    fixed = plan(policies, registry, controls, parameters=parameters, only=only)
    return judge(subject, fixed, controls, progress=progress, runner=runner or runner_for(subject, installed=registry.installed)).report


def judge(
    subject: Subject,
    fixed: Plan,
    controls: Sequence[Placed],
    *,
    runner: Runner,
    progress: Progress | None = None,
    earlier: Earlier | None = None,
    looks: int = 0,
) -> Judgement:
    """Carry out a plan. What rests on the same parts as an answer on record is taken from there; the rest is run."""
    bases: dict[str, Basis] = {}
    reuse: list[Reuse] = []
    known: dict[str, Told] = {}
    for check in fixed.checks:
        if isinstance(check, Broken):
            known[check.id] = broken(check)
            continue
        found, how = _on_record(check, subject, fixed.settings[check.id], earlier, bases)
        reuse.append(how)
        known |= {check.id: found} if found is not None else {}
    left = [(check, fixed.settings[check.id]) for check in fixed.checks if isinstance(check, Check) and check.id not in known]
    counted = Counted(done=len(known), total=len(fixed.checks), progress=progress)
    try:
        known.update(runner.run_all(left, counted.begun))
    finally:
        runner.close()
    counted.ended()
    told = {check.id: known[check.id] for check in fixed.checks}
    waiting = tuple(one for one in told.values() if isinstance(one, Unchecked))
    told.update(answered(subject, controls))
    report = _report(subject, fixed, controls, told, looks)
    return Judgement(report=report, bases=bases, reuse=tuple(reuse), waiting=waiting)


class Counted:
    """Tells `progress` how many checks are behind when one begins."""

    def __init__(self, *, done: int, total: int, progress: Progress | None) -> None:
        self._done, self._total, self._progress = done, total, progress

    def begun(self, check: str) -> None:
        if self._progress:
            self._progress(min(self._done, self._total - 1), self._total, check)
        self._done += 1

    def ended(self) -> None:
        if self._progress:
            self._progress(self._total, self._total, "")


def _on_record(
    check: Check, subject: Subject, values: Mapping[str, object], earlier: Earlier | None, bases: dict[str, Basis]
) -> tuple[Told | None, Reuse]:
    """The answer on record, if it still holds, and why it is taken or not."""
    if earlier is None:
        return None, Reuse(validator=check.id, reused=False, why="run: no record is kept of a plain table")
    rests = basis(check, subject, values)
    if rests is not None:
        bases[check.id] = rests
    return earlier.answer(check, rests)


def _report(subject: Subject, fixed: Plan, controls: Sequence[Placed], told: Mapping[str, Told], looks: int) -> Report:
    wanted = asked(controls)
    results = [answer for answer in told.values() if isinstance(answer, CheckResult)]
    forms = [answer for answer in results if answer.validator.startswith(FORM)]
    measured = _not_all_beside_the_point(subject, [answer for answer in results if answer not in forms], wanted)
    final: dict[str, Told] = {**told, **{answer.validator: answer for answer in measured}}
    policies = tuple(policy.ref for policy in fixed.policies)
    requirements = tuple(demands(controls, final))

    def named(result: CheckResult) -> CheckResult:
        found = (evidence(result, subject.ref, policies, requirements).id,) if result.findings else ()
        return replace(result, evidence=found)

    return Report(
        subject=subject.ref,
        policies=policies,
        results=tuple(named(result) for result in (*measured, *forms)),
        requirements=requirements,
        note=fixed.note,
        thresholds=fixed.thresholds,
        looks=looks,
    )


def _not_all_beside_the_point(subject: Subject, results: list[CheckResult], wanted: Collection[str]) -> tuple[CheckResult, ...]:
    """A plain table of which nothing that was asked could be measured is not clear: those answers become `inconclusive`."""
    answers = [result for result in results if result.validator in wanted]
    if not subject.is_table or not answers or any(result.verdict is not Verdict.NOT_APPLICABLE for result in answers):
        return tuple(results)
    more = " Nothing the policy asks was measured, so nothing is clear."
    return tuple(
        replace(result, verdict=Verdict.INCONCLUSIVE, summary=result.summary + more) if result.validator in wanted else result
        for result in results
    )


__all__ = ["Judgement", "Plan", "evidence", "judge", "placed", "plan", "validate"]
