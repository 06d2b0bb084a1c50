"""A canary in this workspace: started, looked at, ended; each decision is in the trail before it moves traffic, and replays from there."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from jupyter_mlgov.audit.entries import AuditEntry, Draft
from jupyter_mlgov.core.errors import BadInput, NotReady, UsageError
from jupyter_mlgov.core.facts import fields_of
from jupyter_mlgov.core.restoring import Unreadable, restore
from jupyter_mlgov.rollout.canary.counts import COLUMNS, Counts, count
from jupyter_mlgov.rollout.canary.judging import Before, Judged, judge
from jupyter_mlgov.rollout.canary.plan import CanaryPlan, read_plan
from jupyter_mlgov.rollout.steps import Rollout, State, beyond

if TYPE_CHECKING:
    from jupyter_mlgov.workspace.composition import Workspace

ACTS = ("canary.started", "canary.judged", "canary.ordered", "canary.settled")


@dataclass(frozen=True, slots=True, kw_only=True)
class Canary:
    """One canary, folded from the trail. `since` is when its step began; `split_ok` … are those of the last look."""

    id: str
    plan: CanaryPlan
    rollout: Rollout
    before: Before
    since: datetime
    looks: tuple[AuditEntry, ...] = ()
    settled: AuditEntry | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """A look judged again from what the trail says it saw. `agrees` None: it cannot be read."""

    seq: int
    agrees: bool | None
    said: str


def canaries(entries: Iterable[AuditEntry], model: str) -> tuple[Canary, ...]:
    """Every canary of `model`, oldest first. Raises BadInput for an entry of this model that is none of ours."""
    found: list[Canary] = []
    for entry in entries:
        if entry.subject != model or entry.action not in ACTS:
            continue
        if entry.action == "canary.started":
            plan = _restored(CanaryPlan, entry.payload.get("plan"), entry)
            found.append(Canary(id=str(entry.digest), plan=plan, rollout=Rollout(route=plan.route), before=Before(), since=entry.time))
        elif found and entry.payload.get("canary") == found[-1].id:
            found[-1] = _after(found[-1], entry)
    return tuple(found)


def _restored(kind: Any, value: object, entry: AuditEntry) -> Any:  # what `kind` names
    try:
        return restore(kind, value, "")
    except (Unreadable, ValueError) as error:
        raise BadInput(f"Entry {entry.seq} cannot be read: {error}.", next="See `mlgov audit verify`.") from None


def _after(canary: Canary, entry: AuditEntry) -> Canary:
    if entry.action == "canary.settled":
        return replace(canary, settled=entry)
    state, step = str(entry.payload.get("state", "")), entry.payload.get("step")
    if state not in {one.value for one in State} or not isinstance(step, int):
        raise BadInput(f"Entry {entry.seq} names no state of a canary.", next="See `mlgov audit verify`.")
    rollout = replace(canary.rollout, state=State(state), step=step, why=str(entry.payload.get("why", "")))
    moved = (rollout.step, rollout.state.ended) != (canary.rollout.step, canary.rollout.state.ended)
    before = canary.before if entry.action == "canary.ordered" else _restored(Before, entry.payload.get("before"), entry)
    looks = (*canary.looks, entry) if entry.action == "canary.judged" else canary.looks
    return replace(canary, rollout=rollout, before=before, since=entry.time if moved else canary.since, looks=looks)


def current(workspace: Workspace, model: str) -> Canary:
    """The newest canary. Raises NotReady where there is none."""
    found = canaries(workspace.journal.entries(actions=ACTS, subject=model), model)
    if not found:
        raise NotReady(f"There is no canary of {model}.", next=f"Start one: `mlgov canary start {model}`.")
    return found[-1]


# -- start ------------------------------------------------------------------------------------------------------------


def start(workspace: Workspace, model: str, *, stage: str = "", champion: str = "", challenger: str = "") -> Canary:
    """Begin in shadow. Raises UsageError where one runs already or the versions are not two that were let in; the plan is in the trail."""
    from jupyter_mlgov.rollout.serving.field import MOVING
    from jupyter_mlgov.rollout.serving.field import field as folded
    from jupyter_mlgov.rollout.serving.rules import read_rules
    from jupyter_mlgov.workspace.vouching import VOUCHING, granted

    entries = tuple(workspace.journal.entries(actions=(*MOVING, *VOUCHING, "canary.settled")))
    _, team = workspace.decided(model)
    stage = stage or team.stages[-1]
    running = canaries(entries, model)
    if running and not running[-1].rollout.state.ended:
        raise UsageError(f"A canary of {model} runs already.", next=f"See `mlgov canary status {model}`, or end it: `mlgov canary abort`.")
    rules = read_rules(team.register)
    now = folded(entries, model, stage, rules.switch)
    if rules.switch == "at once":
        champion, challenger = champion or now.kept, challenger or now.champion
    champion, challenger = champion or now.champion, challenger or now.waiting
    if not champion or not challenger or champion == challenger:
        raise UsageError(
            f"A canary needs two versions of {model}, and {stage} has champion {champion or 'none'}, challenger {challenger or 'none'}.",
            next=f'Let another version in (`mlgov promote {stage}`, with `switch = "canary"` under [serving]), or name both.',
        )
    mine = tuple(entry for entry in entries if entry.subject == model)
    today = workspace.clock.now().date().isoformat()
    granted(mine, model, champion, stage, today)
    _, decision = granted(mine, model, challenger, stage, today)
    most = {limit.name: limit.most for limit in decision.limits}.get("traffic", 1.0) * 100
    plan = read_plan(team.register, model=model, stage=stage, champion=champion, challenger=challenger, groups=rules.groups, most=most)
    facts = {"plan": plan, "stage": stage, "champion": champion, "challenger": challenger, "team": team.digest}
    workspace.record(Draft(action="canary.started", subject=model, payload=fields_of(facts)))
    return current(workspace, model)


# -- looks ------------------------------------------------------------------------------------------------------------


def look(workspace: Workspace, model: str, *, hold: bool = False, abort: bool = False, reason: str = "") -> tuple[Canary, Judged]:
    """Count, judge, write, and only then move. An abort brings the stage back to the champion. One at a time in this workspace.

    Raises NotReady without a canary, UsageError for one that has ended.
    """
    from jupyter_mlgov.workspace.delivery import alone

    with alone(workspace, "canary"):
        canary = current(workspace, model)
        if canary.rollout.state.ended:
            raise UsageError(f"The canary of {model} has ended: {canary.rollout.state}, {canary.rollout.why}.", next="Start another.")
        now = workspace.clock.now()
        counts = counted(workspace, canary, now)
        hours = max(0.0, (now - canary.since).total_seconds() / 3600)
        found = judge(canary.plan, canary.rollout, counts, canary.before, hours=hours, hold=hold, abort=abort)
        payload = _told(canary, found, counts, hours, hold=hold, abort=abort, reason=reason)
        workspace.record(Draft(action="canary.judged", subject=model, payload=payload))
        after = current(workspace, model)
    if found.after.state in (State.ABORTED, State.INCONCLUSIVE):
        _bring_back(workspace, after)
    return after, found


def look_for(workspace: Workspace, model: str, version: str, share: float) -> tuple[Canary, Judged | None, bool | None]:
    """A look for a cluster's rollout of `version` that stands at `share` percent: (the canary, the look, may the rollout go on).

    No look is taken where the canary has gone past that share or has ended. Raises NotReady where it is about another version.
    """
    canary = current(workspace, model)
    if canary.plan.challenger != version:
        raise NotReady(
            f"The canary of {model} is about version {canary.plan.challenger}, and nobody judges version {version}.",
            next=f"Start it before the rollout is applied: `mlgov canary start {model}`.",
        )
    known = beyond(canary.rollout, share)
    if known is not None:
        return canary, None, known
    canary, found = look(workspace, model)
    return canary, found, beyond(canary.rollout, share)


def _told(canary: Canary, found: Judged, counts: Counts, hours: float, *, hold: bool, abort: bool, reason: str) -> dict[str, object]:
    """Everything the decision rests on. The first keys are those that `deploy.canary` reads."""
    worst, after = found.worst, found.after
    facts = {
        "srm_p": found.split_p,
        "harm_p": worst.adjusted if worst else None,
        "guardrail": worst.guard if worst else "",
        "noninferior": found.observation.proven,
        "final": after.state.ended,
        "traffic": after.share,
        "requests": _by_customer(counts),
        "canary": canary.id,
        "stage": canary.plan.stage,
        "state": after.state,
        "step": after.step,
        "share": after.share,
        "why": after.why,
        "reason": reason,
        "hours": hours,
        "hold": hold,
        "abort": abort,
        "counts": counts,
        "observation": found.observation,
        "guards": found.guards,
        "labels": found.labels,
        "before": found.before,
    }
    return fields_of(facts)


def _by_customer(counts: Counts) -> dict[str, object]:
    """Adverse decisions a request in the newest step with two customers in each arm, its standard error clustered by customer."""
    from jupyter_mlgov.rollout.clustered import pooled_design_effect, standard_error

    for one in reversed(counts.requests):
        if min(one.champion.clusters, one.challenger.clusters) >= 2:
            effect = pooled_design_effect(one.champion, one.challenger)
            return {
                "step": one.step,
                "rates": [one.champion.rate, one.challenger.rate],
                "clusters": [one.champion.clusters, one.challenger.clusters],
                "counted": [one.champion.requests, one.challenger.requests],
                "standard_error": standard_error(one.champion, one.challenger),
                "design_effect": effect if math.isfinite(effect) else None,
            }
    return {}


def _bring_back(workspace: Workspace, canary: Canary) -> None:
    """The stage shows the champion again, where it shows the challenger."""
    from jupyter_mlgov.promotion.intended import INTENDING, intended
    from jupyter_mlgov.workspace.rollback import Order, roll_back

    plan = canary.plan
    there = intended(tuple(workspace.journal.entries(actions=INTENDING)), plan.model, plan.stage)
    if there is not None and there.version == plan.challenger:
        why = f"the canary was {canary.rollout.state}: {canary.rollout.why}"
        roll_back(workspace, Order(model=plan.model, stage=plan.stage, reason=why, to=plan.champion))


def promote(workspace: Workspace, model: str, reason: str) -> Canary:
    """A person's word instead of the planned proof. Raises UsageError without a reason, or where the last look found a guard not clear."""
    if not reason.strip():
        raise UsageError("Promoting before the planned end needs a reason.", next='Add --reason "…".')
    canary = current(workspace, model)
    if canary.rollout.state.ended:
        raise UsageError(f"The canary of {model} has ended: {canary.rollout.state}.", next="Start another.")
    seen: Any = canary.looks[-1].payload.get("observation") if canary.looks else None
    clear = isinstance(seen, Mapping) and seen.get("split_ok") is True and seen.get("harm") is False and seen.get("errors_double") is False
    if not clear or canary.rollout.step < 0:
        raise UsageError(
            "The last look did not find every guard clear in live traffic, so nobody can promote.", next=f"`mlgov canary look {model}`."
        )
    if canary.plan.most < 100:
        raise UsageError(
            f"The approvals allow {canary.plan.most:g} % of the traffic.", next="Ask for another approval: `mlgov review ask`."
        )
    payload = {
        "canary": canary.id,
        "stage": canary.plan.stage,
        "order": "promote",
        "reason": reason,
        "state": State.PROMOTED,
        "step": canary.rollout.step,
        "share": 100,
        "why": f"by order: {reason}",
    }
    workspace.record(Draft(action="canary.ordered", subject=model, payload=fields_of(payload)))
    return current(workspace, model)


def counted(workspace: Workspace, canary: Canary, now: datetime) -> Counts:
    """What the log of predictions and the labels say now."""
    from jupyter_mlgov.workspace.labels import labels, predictions

    columns = [*COLUMNS, *(f"group_{name}" for name in canary.plan.groups)]
    table = predictions(workspace, canary.plan.model, columns)
    primary = canary.plan.primary
    before = now - timedelta(hours=primary.maturity) if primary is not None and primary.maturity else None
    known = labels(workspace, canary.plan.model) if primary is not None else None
    return count(table, canary.plan, canary.id, known, before)


# -- what became of it ------------------------------------------------------------------------------------------------


def settle(workspace: Workspace, model: str) -> AuditEntry | None:
    """Hold what the canary predicted against the labels that matured since; written once for each answer. None: nothing is known yet."""
    canary = current(workspace, model)
    primary = canary.plan.primary
    if not canary.rollout.state.ended or primary is None:
        return None
    counts = counted(workspace, canary, workspace.clock.now())
    strata = [one for one in counts.labels if one.champion.n and one.challenger.n]
    sizes = [2 / (1 / one.champion.n + 1 / one.challenger.n) for one in strata]
    if not sizes:
        return None
    total = sum(sizes)
    harm = sum(size * (one.challenger.rate - one.champion.rate) for size, one in zip(sizes, strata, strict=True)) / total
    harm = harm if primary.harm == "higher" else -harm
    spread = sum(
        (size / total) ** 2 * (one.champion.variance / one.champion.n + one.challenger.variance / one.challenger.n)
        for size, one in zip(sizes, strata, strict=True)
    )
    radius = 1.96 * math.sqrt(spread)
    actual = "not worse" if harm + radius < primary.margin else "worse" if harm - radius > 0 else "unclear"
    predicted = {State.PROMOTED: "not worse", State.ABORTED: "worse"}.get(canary.rollout.state, "unclear")
    agreed = None if "unclear" in (actual, predicted) else actual == predicted
    payload = {
        "canary": canary.id,
        "predicted": predicted,
        "actual": actual,
        "agreed": agreed,
        "harm": harm,
        "interval": [harm - radius, harm + radius],
        "n": [sum(one.champion.n for one in strata), sum(one.challenger.n for one in strata)],
    }
    if canary.settled is None or canary.settled.payload.get("actual") != actual:
        workspace.record(Draft(action="canary.settled", subject=model, payload=payload))
    return current(workspace, model).settled


def accuracy(entries: Iterable[AuditEntry]) -> tuple[int, int, int]:
    """(canaries that ended as the labels later said, those the labels spoke against, those nobody can say about): promotion accuracy."""
    told: dict[str, object] = {}
    ended: set[str] = set()
    for entry in entries:
        if entry.action in ("canary.judged", "canary.ordered") and entry.payload.get("state") in ("promoted", "aborted", "inconclusive"):
            ended.add(str(entry.payload.get("canary")))
        elif entry.action == "canary.settled":
            told[str(entry.payload.get("canary"))] = entry.payload.get("agreed")
    right, wrong = (sum(told.get(name) is said for name in ended) for said in (True, False))
    return right, wrong, len(ended) - right - wrong


def replay(entries: Iterable[AuditEntry], model: str) -> Iterator[Replayed]:
    """Every look of every canary, judged again from its counts alone."""
    canary: Canary | None = None
    for entry in entries:
        if entry.subject != model or entry.action not in ACTS:
            continue
        if entry.action == "canary.started":
            canary = canaries([entry], model)[0]
            continue
        if canary is None or entry.payload.get("canary") != canary.id:
            continue
        if entry.action == "canary.judged":
            yield _again(canary, entry)
        canary = _after(canary, entry)


def _again(canary: Canary, entry: AuditEntry) -> Replayed:
    payload = entry.payload
    try:
        counts = restore(Counts, payload.get("counts"), "counts")
        hours = restore(float, payload.get("hours"), "hours")
    except Unreadable as error:
        return Replayed(seq=entry.seq, agrees=None, said=f"Entry {entry.seq} cannot be judged again: {error}.")
    found = judge(
        canary.plan,
        canary.rollout,
        counts,
        canary.before,
        hours=hours,
        hold=payload.get("hold") is True,
        abort=payload.get("abort") is True,
    )
    now = fields_of({"state": found.after.state, "step": found.after.step, "share": found.after.share, "observation": found.observation})
    agrees = all(payload.get(key) == value for key, value in now.items())
    said = (
        "gives the same answer"
        if agrees
        else f"gives {found.after.state} at {found.after.share} %, and the trail says {payload.get('state')}"
    )
    return Replayed(seq=entry.seq, agrees=agrees, said=f"Entry {entry.seq} {said}.")
