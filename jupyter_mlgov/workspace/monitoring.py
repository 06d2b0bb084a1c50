"""A tick of the monitor: judge a window of what came in, and let a finding go its way by itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_mlgov.audit.entries import AuditEntry, Draft
from jupyter_mlgov.core.errors import BadInput, MlgovError, NotReady, UsageError, unknown
from jupyter_mlgov.core.team import Team
from jupyter_mlgov.core.verdicts import Verdict, worst
from jupyter_mlgov.monitoring.plan import Watched, plan_of
from jupyter_mlgov.monitoring.silence import measured, silent
from jupyter_mlgov.promotion.counting import person
from jupyter_mlgov.promotion.fold import authors
from jupyter_mlgov.promotion.intended import INTENDING, Intended, intended
from jupyter_mlgov.validation.results import CheckResult, Report

if TYPE_CHECKING:
    from jupyter_mlgov.validation.subjects import Subject
    from jupyter_mlgov.workspace.composition import Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A version in production, with the notebook that made it and what is watched of it."""

    move: Intended
    notebook: str
    team: Team
    plan: tuple[Watched, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """What one look at a window found. `unmeasured` maps a watched name to why; `acts` are sentences of what was done about it."""

    model: str
    version: str
    window: str
    rows: int
    report: Report
    found: Mapping[str, tuple[CheckResult, ...]]
    measured: tuple[str, ...]
    unmeasured: Mapping[str, str]
    acts: tuple[str, ...] = ()

    @property
    def verdict(self) -> Verdict:
        """Fail where something was found, inconclusive where something due could not be told, else pass."""
        if self.found:
            return Verdict.FAIL
        return Verdict.INCONCLUSIVE if self.unmeasured else Verdict.PASS


def running(workspace: Workspace, model: str) -> Running:
    """Raises UsageError for a model nobody decided about, NotReady where none of its versions is in the last stage."""
    from jupyter_mlgov.validation.plugins import installed_validators

    notebook, team = workspace.decided(model)
    move = intended(workspace.journal.entries(actions=INTENDING, subject=model), model, team.stages[-1])
    if move is None or not move.version:
        raise NotReady(f"No version of {model} is in {team.stages[-1]}, so there is nothing to watch.", next="See `mlgov champion`.")
    return Running(move=move, notebook=notebook, team=team, plan=plan_of(team, installed_validators().ids))


def look(workspace: Workspace, model: str, window: Path, *, name: str = "", only: tuple[str, ...] = ()) -> Tick:
    """Judge the rows of `window` (Parquet or CSV) by the plan, against the table that the version was judged on, and act on what is found.

    Raises UsageError for an unknown name in `only`, BadInput for a window that cannot be read or has no row.
    """
    now = running(workspace, model)
    for one in only:
        if one not in {watched.name for watched in now.plan}:
            raise unknown("watched thing", one, [watched.name for watched in now.plan], next=f"See `mlgov monitor plan {model}`.")
    plan = tuple(one for one in now.plan if not only or one.name in only)
    report = _judged(workspace, now, plan, _subject(workspace, now, window))
    tick = _told(now, plan, report, name or window.stem)
    entry = _recorded(workspace, tick)
    return replace(tick, acts=_acted(workspace, now, tick, entry))


def _subject(workspace: Workspace, now: Running, window: Path) -> Subject:
    from jupyter_mlgov.validation.tables import table_subject
    from jupyter_mlgov.workspace.reference import path_of, reference_of

    if not window.exists():
        raise BadInput(f"{window} is not there.", expected="Expected a Parquet or CSV file with the rows of the window.")
    roles = now.team.roles
    reference = path_of(workspace, reference_of(workspace, now.move, roles))
    subject = table_subject(window, roles, now.move.model)
    if subject.ref.rows == 0:
        raise BadInput(f"{window} has no row.", expected="A window without a row is silence, not health.")
    return replace(
        subject,
        reference_path=reference,
        tier=now.team.tier,
        scope=now.team.scope,
        register=now.team.register,
        folder=workspace.root,
    )


def _judged(workspace: Workspace, now: Running, plan: tuple[Watched, ...], subject: Subject) -> Report:
    from jupyter_mlgov.validation.engine import judge
    from jupyter_mlgov.validation.engine import plan as fixed_plan
    from jupyter_mlgov.validation.plugins import installed_policies, installed_validators
    from jupyter_mlgov.validation.runners import runner_for
    from jupyter_mlgov.workspace.evidence import keep
    from jupyter_mlgov.workspace.judging import fix_thresholds

    checks = tuple(dict.fromkeys(check for one in plan for check in one.checks))
    if not checks:
        raise UsageError(
            "No machine measures what is watched.", next='Name validators: `checks = ["monitor.drift"]` under [monitoring.NAME].'
        )
    packs = installed_policies(now.team.policies, workspace.root)  # their thresholds count here as they did when it was let in
    fixed = fixed_plan(packs, installed_validators(), (), parameters=now.team.parameters, only=checks)
    fix_thresholds(workspace, now.move.model, "", fixed.thresholds)
    report = judge(subject, fixed, (), runner=runner_for(subject, installed=True)).report
    keep(workspace, report)
    return report


def _told(now: Running, plan: tuple[Watched, ...], report: Report, window: str) -> Tick:
    results = {result.validator: result for result in report.results}
    found: dict[str, tuple[CheckResult, ...]] = {}
    unmeasured: dict[str, str] = {}
    for one in plan:
        mine = [results[check] for check in one.checks if check in results]
        failed = tuple(result for result in mine if result.verdict is Verdict.FAIL)
        dark = [result for result in mine if result.verdict in (Verdict.INCONCLUSIVE, Verdict.ERROR)]
        if failed:
            found[one.name] = failed
        elif not mine:
            unmeasured[one.name] = "no machine measures it"
        elif dark:
            unmeasured[one.name] = dark[0].summary
        elif all(result.verdict is Verdict.NOT_APPLICABLE for result in mine):
            unmeasured[one.name] = "nothing in the window that it could be measured on"
    measured = tuple(one.name for one in plan if one.name not in unmeasured)
    return Tick(
        model=now.move.model,
        version=now.move.version,
        window=window,
        rows=report.subject.rows,
        report=report,
        found=found,
        measured=measured,
        unmeasured=unmeasured,
    )


def _recorded(workspace: Workspace, tick: Tick) -> AuditEntry:
    payload = {
        "version": tick.version,
        "window": tick.window[:200],
        "rows": tick.rows,
        "table": tick.report.subject.table,
        "report": tick.report.digest,
        "verdict": tick.verdict.word,
        "verdicts": {result.validator: result.verdict.word for result in tick.report.results},
        "worst": worst([result.verdict for result in tick.report.results]).word,
        "measured": list(tick.measured),
        "unmeasured": dict(tick.unmeasured),
    }
    return workspace.journal.append([Draft(action="monitor.ran", subject=tick.model, payload=payload)], actor=workspace.actor())[-1]


# -- what a finding does ----------------------------------------------------------------------------------------------


def _acted(workspace: Workspace, now: Running, tick: Tick, entry: AuditEntry) -> tuple[str, ...]:
    watched = {one.name: one for one in now.plan}
    acts: list[str] = []
    for name, results in tick.found.items():
        reason = f"{name} in window {tick.window}: {results[0].summary}"[:500]
        acts += _alarmed(workspace, now, watched[name], f"monitor {name}", reason)
        acts += _refuted(workspace, now, watched[name], reason, entry)
        acts += _answered(workspace, now, watched[name], reason)
    for name, why in tick.unmeasured.items():
        acts += _alarmed(workspace, now, watched[name], "monitor could not tell", f"{name} in window {tick.window}: {why}"[:500])
    _settled(workspace, now, tick, entry)
    return tuple(acts)


def _alarmed(workspace: Workspace, now: Running, watched: Watched, kind: str, problem: str) -> list[str]:
    severity = "critical" if now.team.tier == 1 else "high"
    payload = {"kind": kind, "severity": severity, "problem": problem, "version": now.move.version, "owner": watched.owner}
    workspace.record(Draft(action="alarm.raised", subject=now.move.model, payload=payload))
    return [f"Alarm ({severity}): {problem}"]


def _refuted(workspace: Workspace, now: Running, watched: Watched, reason: str, by: AuditEntry) -> list[str]:
    """The evidence of this version no longer stands, once for each watched thing until somebody settles it: the gate shuts."""
    if watched.name in _standing(workspace, now):
        return []
    payload = {"version": now.move.version, "reason": reason, "watched": watched.name, "by": by.digest, "serving": "keep"}
    workspace.record(Draft(action="evidence.refuted", subject=now.move.model, payload=payload))
    return [f"The evidence of version {now.move.version} no longer stands; its gates are shut."]


def _standing(workspace: Workspace, now: Running) -> dict[str, AuditEntry]:
    """Watched name -> the refutation of this version that nobody settled yet."""
    entries = tuple(workspace.journal.entries(actions=("evidence.refuted", "finding.settled"), subject=now.move.model))
    settled = {entry.payload.get("finding") for entry in entries if entry.action == "finding.settled"}
    return {
        str(entry.payload.get("watched")): entry
        for entry in entries
        if entry.action == "evidence.refuted"
        and "watched" in entry.payload
        and entry.payload.get("version") == now.move.version
        and entry.digest not in settled
    }


def _answered(workspace: Workspace, now: Running, watched: Watched, reason: str) -> list[str]:
    """What the plan says beyond the gate: the baseline answers, or the version before comes back."""
    if watched.action == "baseline":
        workspace.record(Draft(action="breaker.ordered", subject=now.move.model, payload={"to": "baseline", "reason": reason}))
        return ["The baseline answers in its stead."]
    if watched.action == "rollback":
        from jupyter_mlgov.workspace.rollback import Order, roll_back

        return [roll_back(workspace, Order(model=now.move.model, stage=now.move.stage, reason=reason)).sentence]
    return []


def _settled(workspace: Workspace, now: Running, tick: Tick, by: AuditEntry) -> None:
    """A silence that ended is settled by the measurement itself; everything else needs a person."""
    for name, entry in _standing(workspace, now).items():
        if entry.payload.get("silence") and name in tick.measured:
            payload = {"finding": entry.digest, "how": "it was measured again", "by": by.digest}
            workspace.record(Draft(action="finding.settled", subject=tick.model, payload=payload))


def settle(workspace: Workspace, model: str, name: str, how: str) -> str:
    """A person who did not work on the model says why a finding is settled. Raises UsageError for an author and without a reason."""
    now = running(workspace, model)
    standing = _standing(workspace, now)
    if name not in standing:
        raise unknown("standing finding", name, list(standing), next=f"See `mlgov monitor plan {model}`.")
    if not how.strip():
        raise UsageError("Why is it settled?", next='Say it: --reason "what was found and done".')
    actor = workspace.actor()
    if any(person(one.id) == person(actor.id) for one in authors(workspace.journal.entries(), now.notebook)):
        raise UsageError(f"{actor} worked on {now.notebook}, so another person must settle it.", next="Ask a reviewer.")
    payload = {"finding": standing[name].digest, "how": how[:2000]}
    workspace.record(Draft(action="finding.settled", subject=model, payload=payload))
    return f"{name} of {model} is settled."


def quiet(workspace: Workspace) -> tuple[str, ...]:
    """Look at every model in production for what should have been measured and was not: an alarm and a shut gate, once a silence."""
    entries = tuple(workspace.journal.entries())
    said = []
    for model in sorted({entry.subject for entry in entries if entry.action in INTENDING}):
        try:
            now = running(workspace, model)
        except NotReady:
            continue
        except MlgovError as error:
            said.append(f"{model}: {error.what}")
            workspace.record(Draft(action="alarm.raised", subject=model, payload={"kind": "monitor plan", "problem": error.what}))
            continue
        for one in silent(entries, model, now.move.version, now.move.since, now.plan, workspace.clock.now()):
            said.append(f"{model} version {now.move.version}: {one.sentence}.")
            if one.name in _standing(workspace, now):
                continue
            watched = next(item for item in now.plan if item.name == one.name)
            _alarmed(workspace, now, watched, "monitor silent", one.sentence)
            payload = {"version": now.move.version, "reason": one.sentence, "watched": one.name, "silence": True, "serving": "keep"}
            workspace.record(Draft(action="evidence.refuted", subject=model, payload=payload))
    return tuple(said)


def state(workspace: Workspace, now: Running) -> dict[str, dict[str, str]]:
    """Watched name -> `said`: when it was last measured, whether that is overdue, and what stands against it."""
    entries = tuple(workspace.journal.entries(actions=("monitor.ran",), subject=now.move.model))
    late = {one.name for one in silent(entries, now.move.model, now.move.version, now.move.since, now.plan, workspace.clock.now())}
    standing = _standing(workspace, now)
    found = {}
    for one in now.plan:
        mine = [entry for entry in entries if entry.payload.get("version") == now.move.version and one.name in measured(entry)]
        said = f"last measured {mine[-1].time:%Y-%m-%d %H:%M} UTC" if mine else "never measured"
        said += ", overdue" if one.name in late else ""
        said += f"; found: {standing[one.name].payload.get('reason')}" if one.name in standing else ""
        found[one.name] = {"said": said}
    return found
