"""Standings as the numbers that Prometheus is told, bounded: what is left out is counted, and what needs a person is left out last."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import TypeVar

from jupyter_mlgov.audit.entries import AuditEntry
from jupyter_mlgov.core.team import Team
from jupyter_mlgov.core.verdicts import Severity, Verdict
from jupyter_mlgov.monitoring.plan import Watched
from jupyter_mlgov.monitoring.silence import GRACE
from jupyter_mlgov.monitoring.standing import Standing, severity
from jupyter_mlgov.promotion.cases import Case, cases
from jupyter_mlgov.promotion.counting import lapsed
from jupyter_mlgov.promotion.deadlines import after, deadline
from jupyter_mlgov.promotion.facts import Answer
from jupyter_mlgov.promotion.fold import decisions
from jupyter_mlgov.promotion.intended import history
from jupyter_mlgov.rollout.serving.field import Field
from jupyter_mlgov.rollout.serving.field import field as answering

_T = TypeVar("_T")
Row = tuple[str, tuple[str, ...], float]  # metric, label values, value
BY_CHANCE = 6  # beside the ranks of the verdicts
LONGEST = 200  # characters of a label
SEVERITIES = tuple(one.value for one in Severity)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """The most that a page holds: models, series about them, and of each model watched things, checks and stages."""

    models: int = 10_000
    series: int = 500_000
    watched: int = 20
    checks: int = 30
    stages: int = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What the team file says of a model now. `problem` is why it cannot be read; nothing is then known to be due."""

    team: Team = field(default_factory=Team)
    plan: tuple[Watched, ...] = ()
    canary: bool = False
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One model's rows, and what the figures over all models need of it. `urgent`: something about it waits for a person.

    All of it holds until `until` if no entry comes; None: for good.
    """

    rows: tuple[Row, ...]
    until: datetime | None
    urgent: bool
    production: bool
    findings: Mapping[str, int]
    silent: int
    waiting: int
    readable: bool
    dropped: Mapping[str, int]


def rows_of(one: Standing, terms: Terms, now: datetime, killed: bool, bound: Bound) -> Told:
    """Everything that is told about one model at `now`. `killed`: the file of its kill switch is there."""
    model, team = label(one.model), terms.team
    dropped: Counter[str] = Counter()
    stages = _most(team.stages[1:], bound.stages, "stages", dropped)
    last = team.stages[-1]
    moves = {move.stage: move for move in history(one.moves, one.model)}
    there = moves.get(last)
    version = there.version if there else ""
    switch = answering(one.moves, one.model, last, "canary" if terms.canary else "at once")
    due = {watched.name: _due(one, watched, version, there.since) for watched in terms.plan} if version and there else {}
    silent = sum(now > end for end in due.values())
    findings = _findings(one, version, team.tier)
    waiting = [case for case in cases(one.asked) if case.is_due]
    rows: list[Row] = [] if terms.problem else [("mlgov_model_tier", (model,), team.tier)]
    rows += [
        ("mlgov_model_version_info", (model, label(stage), label(moves[stage].version)), 1)
        for stage in stages
        if stage in moves and moves[stage].version
    ]
    rows += _evidence(one, model)
    rows += _gates(one, model, stages, now)
    rows += _switches(one, model, switch, killed)
    rows += _monitored(one, model, version, due, bound, dropped)
    rows += _checked(one, model, _by_chance(one, terms.plan), bound, dropped)
    rows += _found(one, model, findings, bound, dropped)
    clocked, soon = _reviews(waiting, model, terms)
    rows += clocked
    rows += _canary(one, model, switch)
    late = any(now >= end for end in soon)
    urgent = bool(silent or findings or late or switch.killed or killed or switch.tripped or terms.problem)
    counted = Counter(word for word, _ in findings.values())
    turns = (*due.values(), *soon, *_ends(one))
    return Told(
        rows=tuple(rows),
        until=min((turn for turn in turns if turn > now), default=None),
        urgent=urgent,
        production=bool(version),
        findings=counted,
        silent=silent,
        waiting=len(waiting),
        readable=not terms.problem,
        dropped=dropped,
    )


def page(models: Iterable[Told], bound: Bound, ahead: timedelta = timedelta(0)) -> Iterator[Row]:
    """The sums over all models, and the rows of those that fit: first where something waits for a person, then what is in production.

    `ahead` is how far the time by the log is before the clock's; Prometheus goes by the clock.
    """
    told = sorted(models, key=lambda one: (not one.urgent, not one.production))  # stable: the order given decides between equals
    fit = _fitting(told, bound)
    dropped: Counter[str] = Counter({"models": len(told) - fit, "watched": 0, "checks": 0, "stages": 0})
    for one in told:
        dropped.update(one.dropped)
    yield "mlgov_models", (), len(told)
    yield "mlgov_models_in_production", (), sum(one.production for one in told)
    yield "mlgov_models_unreadable", (), sum(not one.readable for one in told)
    findings = sum((Counter(one.findings) for one in told), Counter())
    for word in dict.fromkeys((*SEVERITIES, *findings)):
        yield "mlgov_findings", (word,), findings[word]
    yield "mlgov_monitors_silent", (), sum(one.silent for one in told)
    yield "mlgov_reviews_waiting", (), sum(one.waiting for one in told)
    for kind, number in dropped.items():
        yield "mlgov_series_dropped", (kind,), number
    for one in told[:fit]:
        yield from (_by_the_clock(row, ahead.total_seconds()) for row in one.rows) if ahead else one.rows


def _by_the_clock(row: Row, ahead: float) -> Row:
    name, labels, value = row
    return (name, labels, value - ahead) if name.endswith("_timestamp_seconds") else row


def _fitting(told: list[Told], bound: Bound) -> int:
    """How many models from the first on are within the bounds."""
    series = 0
    for number, one in enumerate(told[: bound.models]):
        series += len(one.rows)
        if series > bound.series:
            return number
    return min(len(told), bound.models)


def label(text: str) -> str:
    """`text` as a label's value: what no encoder takes is replaced, and a long one ends in a digest, so that two never become one."""
    clean = text.encode("utf-8", "replace").decode("utf-8")
    if len(clean) <= LONGEST and clean == text:
        return clean
    return f"{clean[: LONGEST - 13]}…{hashlib.sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()[:12]}"


def _most(found: tuple[_T, ...], most: int, kind: str, dropped: Counter[str]) -> tuple[_T, ...]:
    dropped[kind] += max(0, len(found) - most)
    return found[:most]


def _due(one: Standing, watched: Watched, version: str, since: datetime) -> datetime:
    """The moment after which silence.silent() calls it silent."""
    return (one.measured.get((version, watched.name)) or since) + timedelta(days=watched.every * (1 + GRACE))


def _evidence(one: Standing, model: str) -> Iterator[Row]:
    if one.validated is not None:
        yield "mlgov_model_validated_timestamp_seconds", (model,), one.validated.timestamp()
    if one.verdict is not None:
        yield "mlgov_model_verdict", (model,), one.verdict.rank


def _gates(one: Standing, model: str, stages: tuple[str, ...], now: datetime) -> Iterator[Row]:
    """By the record alone; what `mlgov why` would answer on what changed since is asked there."""
    newest = {decision.stage: decision for decision in decisions(one.moves, one.model)}
    times = {str(entry.payload.get("stage")): entry.time for entry in one.moves if entry.action == "promotion.decided"}
    refuted = {str(entry.payload.get("version")) for entry in one.refuted}
    for stage in stages:
        if stage not in times:
            continue
        decision = newest.get(stage)
        open_ = decision is not None and decision.answer is Answer.GRANTED and decision.version not in refuted
        open_ = open_ and decision is not None and not lapsed(decision.until, now)
        yield "mlgov_gate_open", (model, label(stage)), float(open_)
        yield "mlgov_gate_decided_timestamp_seconds", (model, label(stage)), times[stage].timestamp()


def _ends(one: Standing) -> Iterator[datetime]:
    """The first moment after each day on which an approval ends."""
    for decision in decisions(one.moves, one.model):
        if decision.until:
            yield datetime.combine(date.fromisoformat(decision.until) + timedelta(days=1), time(), UTC)


def _switches(one: Standing, model: str, switch: Field, killed: bool) -> Iterator[Row]:
    yield "mlgov_model_killed", (model,), float(killed or bool(switch.killed))
    open_ = bool(switch.tripped) or any(now == "open" for now in one.breakers.values())
    yield "mlgov_model_breaker_open", (model,), float(open_)


def _monitored(one: Standing, model: str, version: str, due: Mapping[str, datetime], bound: Bound, dropped: Counter[str]) -> Iterator[Row]:
    yield "mlgov_monitor_runs_total", (model,), one.runs
    if one.rows is not None:
        yield "mlgov_monitor_window_rows", (model,), one.rows
    first = sorted(due.items(), key=lambda item: item[1])  # what is silent is left out last
    for name, end in _most(tuple(first), bound.watched, "watched", dropped):
        last = one.measured.get((version, name))
        if last is not None:
            yield "mlgov_monitor_last_run_timestamp_seconds", (model, label(name)), last.timestamp()
        yield "mlgov_monitor_due_timestamp_seconds", (model, label(name)), end.timestamp()


def _checked(one: Standing, model: str, chance: frozenset[str], bound: Bound, dropped: Counter[str]) -> Iterator[Row]:
    checks = sorted(one.verdicts, key=lambda check: (check in chance, one.verdicts[check].rank, check))  # the worst are left out last
    for check in _most(tuple(checks), bound.checks, "checks", dropped):
        yield "mlgov_monitor_check_verdict", (model, label(check)), BY_CHANCE if check in chance else one.verdicts[check].rank
        if check in one.effects:
            yield "mlgov_monitor_effect_size", (model, label(check)), one.effects[check]


def _by_chance(one: Standing, plan: tuple[Watched, ...]) -> frozenset[str]:
    """Failed checks of what was held, and of nothing else that is watched."""
    held = {check for watched in plan if watched.name in one.held for check in watched.checks}
    others = {check for watched in plan if watched.name not in one.held for check in watched.checks}
    return frozenset(check for check in held - others if one.verdicts.get(check) is Verdict.FAIL)


def _findings(one: Standing, version: str, tier: int) -> dict[str, tuple[str, AuditEntry]]:
    """Watched name -> (severity, the oldest entry) of what nobody settled about the version in production."""
    house = "critical" if tier == 1 else "high"
    mine = [entry for entry in one.refuted if "watched" in entry.payload and entry.payload.get("version") == version]
    return {str(entry.payload["watched"]): (severity(entry.payload.get("severity") or house), entry) for entry in reversed(mine)}


def _found(one: Standing, model: str, findings: Mapping[str, tuple[str, AuditEntry]], bound: Bound, dropped: Counter[str]) -> Iterator[Row]:
    counted = Counter(word for word, _ in findings.values())
    for word in dict.fromkeys(("critical", "high", *counted)):
        yield "mlgov_findings_open", (model, word), counted[word]
    oldest = sorted(findings.items(), key=lambda item: item[1][1].time)
    for name, (_, entry) in _most(tuple(oldest), bound.watched, "watched", dropped):
        yield "mlgov_finding_opened_timestamp_seconds", (model, label(name)), entry.time.timestamp()
        end = moment(entry.payload.get("due"))
        if end is not None:
            yield "mlgov_finding_deadline_timestamp_seconds", (model, label(name)), end.timestamp()
    for word, number in sorted(one.alarms.items()):
        yield "mlgov_alarms_total", (model, word), number


def moment(value: object) -> datetime | None:
    """The moment that a payload names; None for what is none."""
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return found if found is not None and found.tzinfo is not None else None


def _reviews(waiting: list[Case], model: str, terms: Terms) -> tuple[list[Row], list[datetime]]:
    """The rows of what waits for a reviewer, by stage, and when the first of each is due soon."""
    clock = terms.team.clock
    rows: list[Row] = []
    soon: list[datetime] = []
    for stage in dict.fromkeys(case.stage for case in waiting):
        mine = [case for case in waiting if case.stage == stage]
        warned = min(after(case.asked_at, max(clock.hours - clock.warn_hours, 0), clock) for case in mine)
        ends = min(deadline(case, clock) for case in mine)
        soon.append(warned)
        labels = (model, label(stage))
        rows.append(("mlgov_reviews_open", labels, len(mine)))
        rows.append(("mlgov_review_warning_timestamp_seconds", labels, warned.timestamp()))
        rows.append(("mlgov_review_deadline_timestamp_seconds", labels, ends.timestamp()))
    return rows, soon


def _canary(one: Standing, model: str, switch: Field) -> Iterator[Row]:
    started = next((entry for entry in one.moves if switch.canary and str(entry.digest) == switch.canary), None)
    if started is None:
        return
    looks = [entry for entry in one.moves if entry.action == "canary.judged" and entry.payload.get("canary") == switch.canary]
    yield "mlgov_canary_share_ratio", (model,), switch.share / 100
    yield "mlgov_canary_started_timestamp_seconds", (model,), started.time.timestamp()
    yield "mlgov_canary_looked_timestamp_seconds", (model,), (looks[-1] if looks else started).time.timestamp()
    yield "mlgov_canary_held", (model,), float(bool(looks) and looks[-1].payload.get("state") == "hold")
