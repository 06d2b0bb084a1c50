"""One command back: the target is looked at before, the registry after, and a receipt says both. It never waits for an approval."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from jupyter_mlgov.audit.entries import AuditEntry, Draft
from jupyter_mlgov.core.clock import stamp
from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.core.errors import MlgovError, NotReady, UsageError, unknown
from jupyter_mlgov.core.facts import fields_of
from jupyter_mlgov.promotion.intended import Intended, history
from jupyter_mlgov.promotion.rollback import Looked, PassedOver, Receipt, blocking
from jupyter_mlgov.promotion.since import refuted
from jupyter_mlgov.promotion.words import words
from jupyter_mlgov.reports.clean import visible

if TYPE_CHECKING:
    from jupyter_mlgov.workspace.composition import Workspace

_ACTIONS = ("promotion.decided", "promotion.applied", "rollback.ordered", "stage.emptied", "evidence.refuted", "finding.settled")


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What somebody asks for. `to` empty: the newest version that held the stage before and passes; `drill`: move nothing."""

    model: str
    stage: str
    reason: str
    to: str = ""
    drill: bool = False


def roll_back(workspace: Workspace, order: Order) -> Receipt:
    """Bring a stage back to an earlier version, or try it without moving anything. The receipt is in the trail before it is returned.

    Raises UsageError without a reason or for an unknown model, stage or version; NotReady where nothing was ever in the stage.
    """
    if not order.reason.strip():
        raise UsageError("A rollback needs a reason.", expected="A sentence that will stand in the trail.", next='Add --reason "…".')
    words(order.reason, "reason")
    begun, clock = workspace.clock.now(), time.perf_counter()
    entries = tuple(workspace.journal.entries(actions=_ACTIONS))
    candidates, left = _candidates(entries, order)
    passed: list[PassedOver] = []
    chosen = ""
    before: tuple[Looked, ...] = ()
    for version in candidates:
        before = _look(workspace, entries, order, version)
        problem = blocking(before)
        if not problem:
            chosen = version
            break
        passed.append(PassedOver(version=version, why=problem))

    def receipt(outcome: Any, problem: str = "", after: tuple[Looked, ...] = ()) -> Receipt:  # one of Receipt.outcome's words
        return Receipt(
            model=order.model,
            stage=order.stage,
            outcome=outcome,
            left=left,
            to=chosen,
            reason=order.reason,
            actor=workspace.actor(),
            ordered=begun,
            finished=workspace.clock.now(),
            seconds=round(time.perf_counter() - clock, 3),
            before=before,
            after=after,
            passed_over=tuple(passed),
            problem=problem,
        )

    if not chosen:
        why = "; ".join(f"version {item.version}: {item.why}" for item in passed) or "no earlier version was ever in it"
        return _told(workspace, receipt("refused", why), "rollback.drilled" if order.drill else "rollback.refused")
    if order.drill:
        return _told(workspace, receipt("drilled"), "rollback.drilled")
    return _moved(workspace, order, left, chosen, receipt)


def _moved(workspace: Workspace, order: Order, left: str, to: str, receipt: Callable[..., Receipt]) -> Receipt:
    """Write the order first, so that a guarded registry takes it; then move, look, and write what became of it."""
    payload = {"stage": order.stage, "from": left, "to": to, "reason": order.reason}
    entry = workspace.journal.append([Draft(action="rollback.ordered", subject=order.model, payload=payload)], actor=workspace.actor())[-1]
    tags = {
        f"mlgov.{order.stage}.by": workspace.actor().id,
        f"mlgov.{order.stage}.at": stamp(entry.time),
        f"mlgov.{order.stage}.why": visible(order.reason, limit=500),
        f"mlgov.{order.stage}.entry": entry.digest,
    }
    try:
        workspace.registry.point(order.model, order.stage, to, tags)
    except MlgovError as error:
        return _told(workspace, receipt("failed", str(error)), "rollback.failed")
    from jupyter_mlgov.workspace.traffic import moved

    traffic = moved(workspace, order.model, to) if order.stage == _served(workspace, order) else ()
    after = (Looked(name="registry", answer="ok", said=f"{order.stage} is version {to}"), *traffic)
    if any(item.answer == "failed" for item in traffic):
        return _told(workspace, receipt("failed", traffic[0].said, after=after), "rollback.failed")
    return _told(workspace, receipt("done", after=after), "rollback.done")


def _served(workspace: Workspace, order: Order) -> str:
    """The stage that the replicas of the model said they serve; the order's own where nobody said."""
    said = [entry.payload.get("stage") for entry in workspace.journal.entries(actions=("endpoint.serving",), subject=order.model)]
    return str(said[-1]) if said and said[-1] else order.stage


def _candidates(entries: tuple[AuditEntry, ...], order: Order) -> tuple[list[str], str]:
    """(versions to try, the one that is left). Newest first; one that was itself taken back is not tried unless it is named."""
    moves = [move for move in history(entries, order.model) if move.stage == order.stage]
    if not moves:
        known = sorted({entry.subject for entry in entries if entry.action == "promotion.decided"})
        if order.model not in known:
            raise unknown("model", order.model, known, next="See `mlgov status`.")
        raise NotReady(f"Nothing of {order.model} was ever in {order.stage}, so there is no way back.", next="See `mlgov audit log`.")
    now = moves[-1].version
    held = list(dict.fromkeys(move.version for move in reversed(moves) if move.version and move.version != now))
    if order.to:
        if order.to == now:
            raise UsageError(f"Version {now} of {order.model} is in {order.stage} already.", next="Name another version with --to.")
        if order.to not in held:
            raise unknown(
                f"earlier version in {order.stage}", order.to, held, next="Only a version that was let in by decision can come back."
            )
        return [order.to], now
    taken = _taken_back(entries, order)
    return [version for version in held if version not in taken], now


def _taken_back(entries: tuple[AuditEntry, ...], order: Order) -> set[str]:
    return {
        str(entry.payload.get("from"))
        for entry in entries
        if entry.action == "rollback.ordered" and entry.subject == order.model and entry.payload.get("stage") == order.stage
    }


def _look(workspace: Workspace, entries: tuple[AuditEntry, ...], order: Order, version: str) -> tuple[Looked, ...]:
    """Is the target what was let in, does it load and answer here, and does its evidence still stand?"""
    applied = _applied(entries, order, version)
    facts = applied.payload if applied else {}
    model, golden = _digest(facts.get("object")), _digest(facts.get("golden"))
    looked = [_evidence(entries, order.model, version), _signature(workspace, facts)]
    if model is None:
        return (*looked, Looked(name="model", answer="unknown", said="no copy of it was kept at its promotion"))
    try:
        workspace.objects.get(model)
        looked.append(Looked(name="model", answer="ok", said="the file is the one that was promoted"))
    except MlgovError as error:
        return (*looked, Looked(name="model", answer="failed", said=error.what))
    looked.append(environment(facts))
    if golden is None:
        why = str(facts.get("no_golden") or "none were kept at its promotion")
        return (*looked, Looked(name="golden predictions", answer="unknown", said=why))
    from jupyter_mlgov.workspace import golden as kept

    return (*looked, kept.look(workspace, golden, model))


def _applied(entries: tuple[AuditEntry, ...], order: Order, version: str) -> AuditEntry | None:
    found = [
        entry
        for entry in entries
        if entry.action == "promotion.applied"
        and entry.subject == order.model
        and entry.payload.get("stage") == order.stage
        and entry.payload.get("version") == version
    ]
    return found[-1] if found else None


def _evidence(entries: tuple[AuditEntry, ...], model: str, version: str) -> Looked:
    against = refuted(entries, model, (version,))
    if against:
        return Looked(name="evidence", answer="failed", said=f"refuted: {against[-1]}")
    return Looked(name="evidence", answer="ok", said="nothing refuted it since")


def _signature(workspace: Workspace, facts: Any) -> Looked:
    from jupyter_mlgov.workspace.model_keys import look

    return look(workspace, str(facts.get("signature") or ""), str(facts.get("object") or ""))


def environment(facts: Any) -> Looked:
    """The packages that the model was stored with, against the ones here: another major or minor version may read it otherwise."""
    from importlib.metadata import PackageNotFoundError
    from importlib.metadata import version as installed

    wanted = facts.get("requirements")
    if not isinstance(wanted, list) or not wanted:
        return Looked(name="environment", answer="unknown", said="its packages were not recorded")
    differ, lacking = [], []
    for line in wanted:
        name, _, version = str(line).partition("==")
        try:
            here = installed(name)
        except PackageNotFoundError:
            lacking.append(str(line))
            continue
        if here.split(".")[:2] != version.split(".")[:2]:
            differ.append(f"{name} {here}, was {version}")
    if lacking:
        return Looked(name="environment", answer="failed", said=f"not installed here: {', '.join(lacking)}")
    if differ:
        return Looked(name="environment", answer="failed", said="; ".join(differ))
    return Looked(name="environment", answer="ok", said=f"{len(wanted)} packages as at its promotion")


def _digest(value: object) -> Digest | None:
    try:
        return Digest(value) if isinstance(value, str) and value else None
    except ValueError:
        return None


def _told(workspace: Workspace, receipt: Receipt, action: str) -> Receipt:
    """The receipt in the trail. Anything but a drill that would work raises an alarm as well: somebody must know."""
    drafts = [Draft(action=action, subject=receipt.model, payload={**fields_of(receipt), "said": receipt.sentence})]
    if receipt.outcome != "drilled":
        kind = "rollback" if receipt.outcome == "done" else "rollback failed"
        payload = {"kind": kind, "severity": "high", "problem": receipt.sentence, "stage": receipt.stage, "reason": receipt.reason}
        drafts.append(Draft(action="alarm.raised", subject=receipt.model, payload=payload))
    workspace.record(*drafts)
    return receipt


def champion(workspace: Workspace, model: str, at: datetime | None, stage: str = "") -> Intended | None:
    """The version that the log says was in `stage` (default: the last one of the model's own team) at `at`.

    Raises UsageError for a model without any decision.
    """
    from jupyter_mlgov.promotion.intended import INTENDING, intended

    entries = tuple(workspace.journal.entries(actions=INTENDING))
    known = sorted({entry.subject for entry in entries})
    if model not in known:
        raise unknown("model with a decision", model, known, next="See `mlgov status`.")
    return intended(entries, model, stage or workspace.decided(model)[1].stages[-1], at)
