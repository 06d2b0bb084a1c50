"""The way of a finding, by itself: alarm, refuted evidence and a shut gate at once; then review, breaker, rollback and retraining."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from jupyter_mlgov.audit.entries import AuditEntry, Draft
from jupyter_mlgov.core.clock import stamp
from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.core.errors import MlgovError, UsageError, unknown
from jupyter_mlgov.promotion.authorship import authors, reason
from jupyter_mlgov.promotion.counting import person, same
from jupyter_mlgov.promotion.since import log_time
from jupyter_mlgov.workspace.watched import Running, running

if TYPE_CHECKING:
    from jupyter_mlgov.monitoring.plan import Watched
    from jupyter_mlgov.workspace.composition import Workspace
    from jupyter_mlgov.workspace.monitoring import Tick

_ENTRIES = ("evidence.refuted", "finding.settled")
# What was done about a finding, each under its `finding`; a rollback carries it in its reason.
_DONE = ("breaker.ordered", "retraining.proposed", "rollback.ordered", "rollback.refused", "rollback.failed", "alarm.raised")


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What is to be recorded in one piece about a tick, and the sentences of it."""

    drafts: tuple[Draft, ...]
    sentences: tuple[str, ...]


@contextmanager
def one_at_a_time(workspace: Workspace, model: str) -> Iterator[None]:
    """Two monitors of one model on this machine write after one another, so that each sees what the other found."""
    import fcntl

    folder = workspace.root / ".mlgov" / "monitor"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"{Digest.of_text(model).hex[:24]}.lock").open("a") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield


def told(workspace: Workspace, now: Running, tick: Tick) -> Told:
    """Alarms and refutations of a tick: an alarm once for a window's rows, a refutation once until somebody settles it."""
    watched = {one.name: one for one in now.plan}
    moment, table = log_moment(workspace, now), tick.report.subject.table
    raised = [one.payload for one in workspace.journal.entries(actions=("alarm.raised",), subject=tick.model)]
    known = {(one.get("kind"), one.get("watched"), one.get("version"), one.get("table")) for one in raised if one.get("table")}
    standing_now = standing(workspace, now)
    drafts: list[Draft] = []
    said: list[str] = []

    def alarm(one: Watched, kind: str, problem: str) -> None:
        if (kind, one.name, tick.version, table) not in known or table is None:
            draft = alarm_of(now, one, kind, problem, moment, table)
            drafts.append(draft)
            said.append(f"Alarm ({draft.payload['severity']}): {problem}")

    for name, results in tick.found.items():
        reason = f"{name} in window {tick.window}: {results[0].summary}"[:500]
        alarm(watched[name], f"monitor {name}", reason)
        if name not in standing_now:
            drafts.append(refutation(now, watched[name], reason, tick.report.digest, moment))
            said.append(f"The evidence of version {tick.version} no longer stands; its gates are shut.")
    for name, why in tick.unmeasured.items():
        alarm(watched[name], "monitor could not tell", f"{name} in window {tick.window}: {why}"[:500])
    for name, entry in standing_now.items():
        if entry.payload.get("silence") and name in tick.measured:
            payload = {"finding": entry.digest, "how": "it was measured again", "by": tick.report.digest}
            drafts.append(Draft(action="finding.settled", subject=tick.model, payload=payload))
    return Told(drafts=tuple(drafts), sentences=tuple(said))


def log_moment(workspace: Workspace, now: Running) -> datetime:
    """Now by the log: a clock that was set back hides no silence and no deadline."""
    return log_time(workspace.journal.entries(actions=("monitor.ran", *_ENTRIES), subject=now.move.model), workspace.clock.now())


def alarm_of(now: Running, watched: Watched, kind: str, problem: str, moment: datetime, table: object = None) -> Draft:
    """An alarm with its severity, owner and the time by which somebody must have settled what it is about."""
    payload = {
        "kind": kind,
        "severity": _severity(now),
        "problem": problem,
        "version": now.move.version,
        "watched": watched.name,
        "owner": watched.owner,
        "due": stamp(moment + timedelta(hours=watched.deadline)),
        **({"table": table} if table is not None else {}),
    }
    return Draft(action="alarm.raised", subject=now.move.model, payload=payload)


def _severity(now: Running) -> str:
    """How grave what a monitor finds is: as its alarm says, so the list of findings says it too."""
    return "critical" if now.team.tier == 1 else "high"


def refutation(now: Running, watched: Watched, reason: str, by: Digest, moment: datetime) -> Draft:
    """What shuts the gates of the version until somebody settles it, with what the plan says is to be done; `by` names the evidence."""
    payload = {
        "version": now.move.version,
        "reason": reason,
        "severity": _severity(now),
        "watched": watched.name,
        "by": by,
        "serving": "keep",
        "action": watched.action,
        "retrain": watched.retrain,
        "owner": watched.owner,
        "due": stamp(moment + timedelta(hours=watched.deadline)),
    }
    return Draft(action="evidence.refuted", subject=now.move.model, payload=payload)


def silence_of(now: Running, watched: Watched, sentence: str, moment: datetime) -> tuple[Draft, ...]:
    """The alarm and the refutation of a monitor that did not run."""
    payload = {
        "version": now.move.version,
        "reason": sentence,
        "severity": _severity(now),
        "watched": watched.name,
        "silence": True,
        "serving": "keep",
        "owner": watched.owner,
        "due": stamp(moment + timedelta(hours=watched.deadline)),
    }
    return (
        alarm_of(now, watched, "monitor silent", sentence, moment),
        Draft(action="evidence.refuted", subject=now.move.model, payload=payload),
    )


def standing(workspace: Workspace, now: Running) -> dict[str, AuditEntry]:
    """Watched name -> the refutation of this version that nobody settled yet."""
    entries = tuple(workspace.journal.entries(actions=_ENTRIES, subject=now.move.model))
    settled = {entry.payload.get("finding") for entry in entries if entry.action == "finding.settled"}
    return {
        str(entry.payload.get("watched")): entry
        for entry in entries
        if entry.action == "evidence.refuted"
        and "watched" in entry.payload
        and entry.payload.get("version") == now.move.version
        and entry.digest not in settled
    }


# -- what follows a finding -------------------------------------------------------------------------------------------


def follow(workspace: Workspace, now: Running) -> tuple[str, ...]:
    """Do what the plan says about each finding that stands and was not done yet: a monitor that was killed left it to the next."""
    said: list[str] = []
    for entry in standing(workspace, now).values():
        if entry.payload.get("silence"):
            continue
        done = tuple(workspace.journal.entries(actions=_DONE, subject=now.move.model))
        for act in (_reviewed, _answered, _retrained):
            try:
                said += act(workspace, now, entry, done)
            except MlgovError as error:
                said.append(f"{error.what} {error.next}".strip())
    return tuple(said)


def _mine(done: tuple[AuditEntry, ...], finding: AuditEntry, *actions: str) -> bool:
    marked = f"finding {finding.seq}:"
    return any(
        one.action in actions and (one.payload.get("finding") == finding.digest or str(one.payload.get("reason", "")).startswith(marked))
        for one in done
    )


def _reviewed(workspace: Workspace, now: Running, finding: AuditEntry, _: tuple[AuditEntry, ...]) -> list[str]:
    """A review of the newest report for the stage the version is in, with the finding as its first question; one for each stage."""
    from jupyter_mlgov.promotion.words import words
    from jupyter_mlgov.workspace.reviewing import ask, say

    text = words(f"finding {finding.seq}: {finding.payload.get('reason')}"[:1000], "question")
    try:
        case = ask(workspace, now.notebook, now.move.stage).case
    except MlgovError as error:
        return [f"No review could be opened: {error.what}"]
    if any(one.text.startswith(f"finding {finding.seq}:") for one in case.talk):
        return []
    say(workspace, case.number, "question", text)
    return [f"Review {case.number} asks about it."]


def _answered(workspace: Workspace, now: Running, finding: AuditEntry, done: tuple[AuditEntry, ...]) -> list[str]:
    """What the plan says beyond the gate: the baseline answers, or the version before comes back."""
    reason = f"finding {finding.seq}: {finding.payload.get('reason')}"[:500]
    if finding.payload.get("action") == "baseline" and not _mine(done, finding, "breaker.ordered"):
        payload = {"to": "baseline", "reason": reason, "finding": finding.digest}
        workspace.record(Draft(action="breaker.ordered", subject=now.move.model, payload=payload))
        return ["The baseline answers in its stead."]
    if finding.payload.get("action") == "rollback" and not _mine(done, finding, "rollback.ordered", "rollback.refused", "rollback.failed"):
        return [_rolled_back(workspace, now, finding, reason, done)]
    return []


def _rolled_back(workspace: Workspace, now: Running, finding: AuditEntry, reason: str, done: tuple[AuditEntry, ...]) -> str:
    """The receipt's sentence. One that could not even be tried is said, alarmed once, and tried again at the next look."""
    from jupyter_mlgov.workspace import rollback

    order = rollback.Order(model=now.move.model, stage=now.move.stage, reason=reason)
    try:
        return rollback.roll_back(workspace, order).sentence
    except MlgovError as error:
        problem = f"The rollback that the plan orders could not be tried: {error.what}"
        payload = {"kind": "rollback failed", "severity": "critical", "problem": problem, "stage": order.stage, "finding": finding.digest}
        if not _mine(done, finding, "alarm.raised"):
            workspace.record(Draft(action="alarm.raised", subject=order.model, payload=payload))
        return f"{problem} {error.next}".strip()


def _retrained(workspace: Workspace, now: Running, finding: AuditEntry, done: tuple[AuditEntry, ...]) -> list[str]:
    """A training run is proposed, or started through the pipeline; what it makes goes through every gate like any other."""
    how = finding.payload.get("retrain")
    if not how or _mine(done, finding, "retraining.proposed"):
        return []
    payload = {
        "version": now.move.version,
        "reason": f"finding {finding.seq}: {finding.payload.get('reason')}"[:500],
        "finding": finding.digest,
        "notebook": now.notebook,
        "started": how == "start",
    }
    workspace.record(Draft(action="retraining.proposed", subject=now.move.model, payload=payload))
    if how == "propose":
        return [f"Training again is proposed: `mlgov run {now.notebook}`. Nothing is promoted by it."]
    return [f"Trained again: {_run(workspace, now.notebook, finding)} Nothing was promoted by it."]


def _run(workspace: Workspace, notebook: str, finding: AuditEntry) -> str:
    from jupyter_mlgov.workspace.jobs import run_governed

    runs = workspace.root / "runs"
    return run_governed(workspace, workspace.path_of(notebook), output=runs / f"finding-{finding.seq}.ipynb").sentence


def overdue(workspace: Workspace, now: Running) -> tuple[str, ...]:
    """Findings that nobody settled by their deadline: each escalates once, by an alarm that is critical whatever the tier."""
    moment, said = log_moment(workspace, now), []
    watched = {one.name: one for one in now.plan}
    done = tuple(workspace.journal.entries(actions=("alarm.raised",), subject=now.move.model))
    for name, entry in standing(workspace, now).items():
        due = _moment(entry.payload.get("due"))
        if due is None or moment <= due or any(one.payload.get("escalates") == entry.digest for one in done):
            continue
        problem = f"{name} was found on {entry.time:%Y-%m-%d %H:%M} UTC, due {due:%Y-%m-%d %H:%M} UTC, and nobody has settled it"
        payload = {
            "kind": "monitor overdue",
            "severity": "critical",
            "problem": problem,
            "version": now.move.version,
            "watched": name,
            "owner": watched[name].owner if name in watched else "",
            "escalates": entry.digest,
        }
        workspace.record(Draft(action="alarm.raised", subject=now.move.model, payload=payload))
        said.append(f"{now.move.model} version {now.move.version}: {problem}.")
    return tuple(said)


def _moment(value: object) -> datetime | None:
    try:
        return datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None


def settle(workspace: Workspace, model: str, name: str, how: str) -> str:
    """A person who neither worked on the model nor ran the monitor that found it says why a finding is settled.

    Raises UsageError for one who did, for an unknown finding and without a reason.
    """
    from jupyter_mlgov.workspace.judging import committers

    now = running(workspace, model)
    found = standing(workspace, now)
    if name not in found:
        raise unknown("standing finding", name, list(found), next=f"See `mlgov monitor plan {model}`.")
    if not how.strip():
        raise UsageError("Why is it settled?", next='Say it: --reason "what was found and done".')
    actor = workspace.actor()
    people, problem = committers(workspace, now.notebook)
    if problem:
        raise UsageError(f"git cannot say who committed {now.notebook}: {problem}.", next="Mend that first: an author settles nothing.")
    entries = tuple(workspace.journal.entries())
    if any(same(one.id, actor.id) for one in authors(entries, now.notebook, people)):
        because = reason(actor, entries, now.notebook)
        why = f"{actor} worked on {now.notebook}{f' ({because})' if because else ''}"
        raise UsageError(f"{why}, so another person must settle it.", next="Ask a reviewer.")
    if person(found[name].actor.id) == person(actor.id):
        raise UsageError(f"{actor} ran the monitor that found it, so another person must settle it.", next="Ask a reviewer.")
    payload = {"finding": found[name].digest, "how": how[:2000]}
    workspace.record(Draft(action="finding.settled", subject=model, payload=payload))
    return f"{name} of {model} is settled."
