"""The kill switch: a file beside the trail and an entry in it, either of which stops every replica that sees it; and its drill."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from jupyter_mlgov.audit.entries import AuditEntry, Draft
from jupyter_mlgov.core.actors import Actor
from jupyter_mlgov.core.clock import stamp
from jupyter_mlgov.core.errors import MlgovError, StorageProblem, UsageError, unknown
from jupyter_mlgov.core.facts import fields_of
from jupyter_mlgov.workspace.traffic import replicas

if TYPE_CHECKING:
    from jupyter_mlgov.workspace.composition import Workspace

WITHIN = 5.0  # seconds in which every replica has stopped; RTS 6 Art 16(5) asks as much of an alert


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """One replica after the order. `seconds` None: it did not say that it stopped, and `said` tells what is known of it."""

    replica: str
    endpoint: str
    seconds: float | None
    said: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KillReceipt:
    """What the switch did: who answered before, who stopped and how fast. `out_of_band`: the file alone reached them all (drills)."""

    model: str
    drill: bool
    reason: str
    actor: Actor
    ordered: datetime
    open: int
    cancelled: int
    alert_seconds: float | None
    out_of_band: bool | None
    heard: tuple[Heard, ...]
    lifted: bool = False

    @property
    def good(self) -> bool:
        return self.cancelled == self.open and all(one.seconds is not None and one.seconds <= WITHIN for one in self.heard)

    @property
    def sentence(self) -> str:
        """What happened, in one sentence."""
        if not self.open:
            return f"{self.model} answers nobody; no replica was serving it."
        slowest = max((one.seconds for one in self.heard if one.seconds is not None), default=0.0)
        told = f"{self.cancelled} of {self.open} replicas stopped answering for {self.model}, the last after {slowest:.1f} s"
        return told + (" (a drill; they answer again)." if self.drill else ".")


def kill_file(root: Path, model: str) -> Path:
    """The out-of-band switch: who can write this file can stop the model, with the database down."""
    return root / ".mlgov" / "killed" / f"{quote(model, safe='')}.json"


def stopped(root: Path, model: str) -> str:
    """Why the file says that nobody may be answered; empty where there is none. One that cannot be read stops as well."""
    path = kill_file(root, model)
    try:
        body = json.loads(path.read_text("utf-8"))
        return str(body.get("reason") or "no reason was given")[:500]
    except FileNotFoundError:
        return ""
    except (OSError, ValueError, AttributeError):
        return f"{path.name} is there and cannot be read"


def kill(workspace: Workspace, model: str, reason: str, *, drill: bool = False, wait: float = WITHIN) -> KillReceipt:
    """Stop every replica, or try it and let them answer again. The file is written first, then the trail.

    Raises UsageError without a reason or for a model that was never let in; StorageProblem where neither file nor trail takes it.
    """
    _known(workspace, model, reason)
    ordered, begun = workspace.clock.now(), time.monotonic()
    listed = replicas(workspace, model)
    after = _head(workspace)
    _write(workspace, model, reason, ordered, drill)
    out_of_band = None
    if drill:
        heard = _listen(workspace, model, listed, after, begun, wait)
        out_of_band = bool(listed) and all(one.seconds is not None for one in heard)
    _thrown(workspace, model, reason, drill)
    alert = time.monotonic() - begun
    heard = _listen(workspace, model, listed, after, begun, wait)
    receipt = KillReceipt(
        model=model,
        drill=drill,
        reason=reason,
        actor=workspace.actor(),
        ordered=ordered,
        open=len(listed),
        cancelled=sum(one.seconds is not None for one in heard),
        alert_seconds=round(alert, 3),
        out_of_band=out_of_band,
        heard=heard,
        lifted=drill,
    )
    if drill:
        lift(workspace, model, "the drill is over")
        payload = {**fields_of(receipt), "said": receipt.sentence, "counted": "replicas"}
        workspace.record(Draft(action="killswitch.drilled", subject=model, payload=payload))
    else:
        payload = {"kind": "kill switch", "severity": "high", "problem": receipt.sentence, "reason": reason, "receipt": fields_of(receipt)}
        workspace.record(Draft(action="alarm.raised", subject=model, payload=payload))
    return receipt


def lift(workspace: Workspace, model: str, reason: str) -> None:
    """Let the model answer again. Raises UsageError where it is not stopped."""
    path = kill_file(workspace.root, model)
    thrown = list(workspace.journal.entries(actions=("killswitch.thrown", "killswitch.lifted"), subject=model))
    if not path.exists() and (not thrown or thrown[-1].action == "killswitch.lifted"):
        raise UsageError(f"{model} is not stopped by its kill switch.", next="See `mlgov audit log --action killswitch.thrown`.")
    if not reason.strip():
        raise UsageError("Lifting a kill switch needs a reason.", next='Add --reason "…".')
    workspace.record(Draft(action="killswitch.lifted", subject=model, payload={"reason": reason}))
    path.unlink(missing_ok=True)


def order_breaker(workspace: Workspace, model: str, reason: str, *, open: bool) -> None:
    """Have the baseline answer in the model's place, or the model again. Raises as kill()."""
    _known(workspace, model, reason)
    workspace.record(Draft(action="breaker.ordered", subject=model, payload={"to": "baseline" if open else "model", "reason": reason}))


def _known(workspace: Workspace, model: str, reason: str) -> None:
    if not reason.strip():
        raise UsageError("A kill switch needs a reason.", expected="A sentence that will stand in the trail.", next='Add --reason "…".')
    known = sorted({entry.subject for entry in workspace.journal.entries(actions=("promotion.decided",))})
    if model not in known:
        raise unknown("model", model, known, next="See `mlgov status`.")


def _write(workspace: Workspace, model: str, reason: str, at: datetime, drill: bool) -> None:
    path = kill_file(workspace.root, model)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(f".{os.getpid()}")
        draft.write_text(json.dumps({"reason": reason, "at": stamp(at), "drill": drill}), "utf-8")
        draft.replace(path)
    except OSError as error:
        if drill:
            raise StorageProblem(f"{path} cannot be written: {error.strerror or error}.", next="Make the workspace writable.") from None


def _thrown(workspace: Workspace, model: str, reason: str, drill: bool) -> None:
    try:
        workspace.record(Draft(action="killswitch.thrown", subject=model, payload={"reason": reason, "drill": drill}))
    except MlgovError:
        if not kill_file(workspace.root, model).exists():
            raise  # neither way worked


def _head(workspace: Workspace) -> int:
    try:
        return workspace.database.head()[0]
    except MlgovError:
        return 0


def _listen(
    workspace: Workspace,
    model: str,
    listed: dict[str, str],
    after: int,
    begun: float,
    wait: float,
    pause: Callable[[float], None] = time.sleep,
) -> tuple[Heard, ...]:
    """Until every replica said that it stopped, or the time is over."""
    found: dict[str, float] = {}
    while True:
        try:
            entries: list[AuditEntry] = list(workspace.personal.entries(after=after, actions=("killswitch.obeyed",), subject=model))
        except MlgovError:
            entries = []
        for entry in entries:
            found.setdefault(str(entry.payload.get("replica", "")), round(time.monotonic() - begun, 3))
        if set(listed) <= set(found) or time.monotonic() - begun > wait:
            break
        pause(0.05)
    return tuple(
        Heard(replica=name, endpoint=endpoint, seconds=found.get(name), said="stopped" if name in found else "did not say that it stopped")
        for name, endpoint in listed.items()
    )
