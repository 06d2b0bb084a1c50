"""A tick of the monitor: judge a window of what came in, and let a finding go its way by itself."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING

from jupyter_mlgov.audit.entries import AuditEntry, Draft
from jupyter_mlgov.core.clock import stamp
from jupyter_mlgov.core.errors import MlgovError, NotReady, UsageError, unknown
from jupyter_mlgov.core.verdicts import Verdict, worst
from jupyter_mlgov.monitoring.discovery import Chosen, by_chance, choose, hypotheses
from jupyter_mlgov.monitoring.effects import effects
from jupyter_mlgov.monitoring.plan import Watched, false_discovery, plan_digest
from jupyter_mlgov.monitoring.silence import measured, silent
from jupyter_mlgov.promotion.intended import INTENDING
from jupyter_mlgov.validation.results import CheckResult, Report
from jupyter_mlgov.workspace import findings
from jupyter_mlgov.workspace.findings import settle, standing
from jupyter_mlgov.workspace.watched import Running, fix_plan, running
from jupyter_mlgov.workspace.windows import Opened, open_window, overlaps, window_of

if TYPE_CHECKING:
    from jupyter_mlgov.validation.subjects import Subject
    from jupyter_mlgov.workspace.composition import Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """What one look at a window found. `unmeasured` maps a watched name to why; `acts` are sentences of what was done about it.

    `held` maps a name to what was found and is no more than chance brings in a run over so many models; `notes` say what was odd.
    `seconds` is from the first look at the window to the shut gate.
    """

    model: str
    version: str
    window: str
    rows: int
    report: Report
    found: Mapping[str, tuple[CheckResult, ...]]
    measured: tuple[str, ...]
    unmeasured: Mapping[str, str]
    held: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    begin: datetime | None = None
    end: datetime | None = None
    acts: tuple[str, ...] = ()
    seconds: float = 0.0

    @property
    def verdict(self) -> Verdict:
        """Fail where something was found, inconclusive where something due could not be told, else pass."""
        if self.found:
            return Verdict.FAIL
        return Verdict.INCONCLUSIVE if self.unmeasured or self.held else Verdict.PASS


@dataclass(frozen=True, slots=True, kw_only=True)
class Looks:
    """A run over several models: their ticks, and in sentences which could not be looked at."""

    ticks: tuple[Tick, ...]
    problems: Mapping[str, str]

    @property
    def verdict(self) -> Verdict:
        """A model that could not be looked at is not good."""
        verdicts = [tick.verdict for tick in self.ticks] + [Verdict.INCONCLUSIVE for _ in self.problems]
        return worst(verdicts) if verdicts else Verdict.INCONCLUSIVE


def look(workspace: Workspace, model: str, window: object, *, name: str = "", only: tuple[str, ...] = ()) -> Tick:
    """Judge the rows of `window` by the plan, against the profile of what the version was judged on, and act on what is found.

    `window` is a Window, a Path (Parquet, CSV, Delta), a frame, an Ibis table or a Warehouse. Raises UsageError for an unknown name in
    `only`, BadInput for a window that cannot be read, has no row or comes from the future.
    """
    begun = time.perf_counter()
    now, tick = _looked(workspace, model, window, name, only)
    return _concluded(workspace, now, tick, begun)


def look_all(workspace: Workspace, windows: Mapping[str, object]) -> Looks:
    """Look at a window of each of these models; of all that they find, at most the declared share may be there by chance.

    The share is the least `false_discovery` of their teams. A model that cannot be looked at stops no other.
    """
    begun = time.perf_counter()
    looked: dict[str, tuple[Running, Tick]] = {}
    problems: dict[str, str] = {}
    for model, window in windows.items():
        try:
            looked[model] = _looked(workspace, model, window, "", ())
        except MlgovError as error:
            problems[model] = str(error)
    q = min((false_discovery(now.team) for now, _ in looked.values()), default=0.05)
    families = {
        (model, one.name): hypotheses([result for result in tick.report.results if result.validator in one.checks])
        for model, (now, tick) in looked.items()
        for one in now.plan
    }
    chosen = choose(families, q)
    ticks = []
    for model, (now, tick) in looked.items():
        try:
            ticks.append(_concluded(workspace, now, _held(tick, chosen, q), begun))
        except MlgovError as error:
            problems[model] = str(error)
    return Looks(ticks=tuple(ticks), problems=problems)


def _looked(workspace: Workspace, model: str, window: object, name: str, only: tuple[str, ...]) -> tuple[Running, Tick]:
    now = running(workspace, model)
    for one in only:
        if one not in {watched.name for watched in now.plan}:
            raise unknown("watched thing", one, [watched.name for watched in now.plan], next=f"See `mlgov monitor plan {model}`.")
    plan = tuple(one for one in now.plan if not only or one.name in only)
    opened = open_window(workspace, now, window_of(window, name))
    report = _judged(workspace, now, plan, opened.subject)
    return now, _told(now, plan, report, opened)


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


def _told(now: Running, plan: tuple[Watched, ...], report: Report, opened: Opened) -> Tick:
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
    return Tick(
        model=now.move.model,
        version=now.move.version,
        window=opened.name,
        rows=report.subject.rows,
        report=report,
        found=found,
        measured=tuple(one.name for one in plan if one.name not in unmeasured),
        unmeasured=unmeasured,
        notes=opened.notes,
        begin=opened.begin,
        end=opened.end,
    )


def _held(tick: Tick, chosen: Chosen, q: float) -> Tick:
    """The tick without findings that a run over so many models brings by chance; they were measured, and they are no health."""
    chance = {name: results for name, results in tick.found.items() if by_chance(results, (tick.model, name), chosen)}
    why = f"no more than chance brings among {chosen.families} families of tests at a false discovery rate of {q:g}"
    held = {name: f"{results[0].summary} That is {why}."[:500] for name, results in chance.items()}
    return replace(tick, found={name: results for name, results in tick.found.items() if name not in held}, held=held)


def _concluded(workspace: Workspace, now: Running, tick: Tick, begun: float) -> Tick:
    """Record the tick with its alarms and refutations in one piece, then do what the plan says beyond."""
    changed = tuple(f"The plan changed: {one}." for one in fix_plan(workspace, now))
    with findings.one_at_a_time(workspace, tick.model):
        earlier = tuple(workspace.journal.entries(actions=("monitor.ran",), subject=tick.model))
        tick = replace(
            tick, notes=(*tick.notes, *changed, *overlaps(earlier, tick.version, tick.begin, tick.end, tick.report.subject.table))
        )
        tick = _fresh(tick, earlier)
        told = findings.told(workspace, now, tick)
        tick = replace(tick, seconds=round(time.perf_counter() - begun, 3))
        workspace.record(_recorded(tick, now), *told.drafts)
        return replace(tick, acts=(*told.sentences, *findings.follow(workspace, now)))


def _fresh(tick: Tick, earlier: tuple[AuditEntry, ...]) -> Tick:
    """Rows that were judged before are no new measurement: a feed that stands still would else look healthy for ever."""
    table = tick.report.subject.table
    mine = [one for one in earlier if one.payload.get("version") == tick.version and one.payload.get("table") == table]
    if table is None or not mine:
        return tick
    before = {name: str(one.payload.get("window")) for one in mine for name in measured(one)}
    again = {
        name: f"the same rows were judged as window {before[name]}, so this measures nothing new"
        for name in tick.measured
        if name in before
    }
    return replace(
        tick,
        measured=tuple(name for name in tick.measured if name not in again),
        unmeasured={**tick.unmeasured, **{name: why for name, why in again.items() if name not in tick.found}},
    )


def _recorded(tick: Tick, now: Running) -> Draft:
    payload = {
        "version": tick.version,
        "window": tick.window[:200],
        "rows": tick.rows,
        "table": tick.report.subject.table,
        "report": tick.report.digest,
        "verdict": tick.verdict.word,
        "verdicts": {result.validator: result.verdict.word for result in tick.report.results},
        "effects": effects(tick.report),
        "worst": worst([result.verdict for result in tick.report.results]).word,
        "measured": list(tick.measured),
        "unmeasured": dict(tick.unmeasured),
        "held": dict(tick.held),
        "notes": list(tick.notes),
        "plan": plan_digest(now.plan),
        "from": stamp(tick.begin) if tick.begin else None,
        "to": stamp(tick.end) if tick.end else None,
        "seconds": tick.seconds,
    }
    return Draft(action="monitor.ran", subject=tick.model, payload=payload)


def watched_models(workspace: Workspace) -> tuple[str, ...]:
    """Every model that a decision, a rollback or an emptied stage is about."""
    return tuple(sorted({entry.subject for entry in workspace.journal.entries(actions=INTENDING)}))


def quiet(workspace: Workspace) -> tuple[str, ...]:
    """Look at every model in production for what should have been measured and was not: an alarm and a shut gate, once a silence.

    What an earlier monitor found and did not carry out is carried out, and what nobody settled in time escalates.
    """
    said: list[str] = []
    for model in watched_models(workspace):
        try:
            now = running(workspace, model)
            said += _quiet(workspace, now)
        except NotReady:
            continue
        except MlgovError as error:
            said.append(f"{model}: {error.what}")
            workspace.record(Draft(action="alarm.raised", subject=model, payload={"kind": "monitor plan", "problem": error.what}))
    return tuple(said)


def _quiet(workspace: Workspace, now: Running) -> list[str]:
    fix_plan(workspace, now)
    moment, model, said = findings.log_moment(workspace, now), now.move.model, []
    watched = {one.name: one for one in now.plan}
    with findings.one_at_a_time(workspace, model):
        ran = tuple(workspace.journal.entries(actions=("monitor.ran",), subject=model))
        for one in silent(ran, model, now.move.version, now.move.since, now.plan, moment):
            said.append(f"{model} version {now.move.version}: {one.sentence}.")
            if one.name not in standing(workspace, now):
                workspace.record(*findings.silence_of(now, watched[one.name], one.sentence, moment))
        findings.follow(workspace, now)
        said += findings.overdue(workspace, now)
    return said


def state(workspace: Workspace, now: Running) -> dict[str, dict[str, str]]:
    """Watched name -> `said`: when it was last measured, whether that is overdue, and what stands against it."""
    entries = tuple(workspace.journal.entries(actions=("monitor.ran",), subject=now.move.model))
    moment = findings.log_moment(workspace, now)
    late = {one.name for one in silent(entries, now.move.model, now.move.version, now.move.since, now.plan, moment)}
    against = standing(workspace, now)
    found = {}
    for one in now.plan:
        mine = [entry for entry in entries if entry.payload.get("version") == now.move.version and one.name in measured(entry)]
        said = f"last measured {mine[-1].time:%Y-%m-%d %H:%M} UTC" if mine else "never measured"
        said += ", overdue" if one.name in late else ""
        said += f"; found: {against[one.name].payload.get('reason')}" if one.name in against else ""
        found[one.name] = {"said": said}
    return found


__all__ = ["Looks", "Running", "Tick", "look", "look_all", "quiet", "running", "settle", "state", "watched_models"]
