"""The vocabulary of the trail: every act that is recorded, and how it reads in English."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from jupyter_mlgov.core.actors import Actor
from jupyter_mlgov.core.clock import stamp
from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.core.facts import fields_of, plain

GENESIS = Digest("sha256:" + "0" * 64)

# action -> sentence; {names} come from the payload, {subject} and {actor} from the entry.
ACTIONS: dict[str, str] = {
    "workspace.created": "{actor} made this workspace",
    "session.started": "{actor} opened {subject} in a kernel",
    "session.described": "the environment of {subject} was looked at file by file",
    "session.ended": "the kernel of {subject} ended: {outcome}",
    "cell.started": "cell {cell_id} of {subject} began",
    "cell.finished": "cell {cell_id} of {subject} ran: {outcome}",
    "cell.measured": "the tables of cell {cell_id} of {subject} were measured",
    "cell.hashed": "the big files of cell {cell_id} of {subject} were hashed",
    "code.kept": "what was not committed of {subject} was looked at: {outcome}",
    "recording.gap": "something in {subject} could not be recorded: {problem}",
    "file.tracked": "{subject} is tracked by DVC as {hash}",
    "data.checked": "{actor} looked whether the data of {subject} is kept: {states}",
    "projection.delivered": "{kind} was delivered to {target}",
    "projection.failed": "{kind} could not be delivered to {target} (try {attempt}): {problem}",
    "thresholds.fixed": "{actor} fixed the thresholds for {subject}: {digest}",
    "form.answered": "{actor} answered the questions of {control} for {subject}",
    "validation.done": "{actor} validated {subject}: {verdict}",
    "review.asked": "{actor} asked for a review of {subject} for {stage}",
    "review.claimed": "{actor} took review {review} of {subject}",
    "review.released": "{actor} let review {review} of {subject} go",
    "review.said": "{actor} wrote in review {review} of {subject}",
    "review.reran": "{actor} validated {subject} again: report {found}",
    "review.given": "{actor} gave {verdict} on report {report}",
    "waiver.asked": "{actor} asked to waive {waives} for {subject} until {until}",
    "waiver.answered": "{actor} gave {verdict} on the waiver of {waives} for {subject}",
    "waiver.withdrawn": "{actor} withdrew the waiver of {waives} for {subject}",
    "promotion.decided": "{actor} asked for {stage} for {subject}: {outcome}",
    "promotion.applied": "{subject} carries the alias {stage} in the registry",
    "rollout.applied": "{actor} brought version {version} of {subject} to the cluster {cluster}",
    "rollback.ordered": "{actor} ordered {stage} of {subject} back from version {from} to {to}: {reason}",
    "rollback.done": "{stage} of {subject} is back at version {to}, {seconds} s after the order",
    "rollback.failed": "{stage} of {subject} could not be brought back to version {to}: {problem}",
    "rollback.refused": "{stage} of {subject} was not brought back to version {to}: {problem}",
    "rollback.drilled": "{actor} drilled a rollback of {stage} of {subject} to version {to}: {outcome}",
    "canary.started": "{actor} started a canary of {subject}: version {challenger} against {champion}",
    "canary.judged": "the canary of {subject} was judged: split p {srm_p}, harm p {harm_p}",
    "canary.ordered": "{actor} ended the canary of {subject} by order ({order}): {reason}",
    "canary.settled": "the canary of {subject} predicted {predicted}, and labels say {actual}",
    "limits.set": "{actor} set the limits of {subject}",
    "limits.breached": "the limit {limit} of {subject} was breached: {value}, allowed {allowed}",
    "rollout.started": "{actor} let version {version} of {subject} serve",
    "endpoint.serving": "{endpoint} serves {subject}",
    "endpoint.gone": "{endpoint} no longer serves {subject}",
    "serving.refused": "version {version} of {model} is not served: {problem}",
    "breaker.switched": "the breaker of {subject} is {now}, was {was}: {why}",
    "breaker.ordered": "{actor} had the {to} of {subject} answer: {reason}",
    "killswitch.thrown": "{actor} threw the kill switch of {subject}: {reason}",
    "killswitch.obeyed": "{endpoint} stopped answering for {subject}: {reason}",
    "killswitch.lifted": "{actor} let {subject} answer again: {reason}",
    "killswitch.drilled": "{actor} tried the kill switch of {subject}: {cancelled} of {open} that were open stopped",
    "evidence.refuted": "{actor} refuted what version {version} of {subject} rests on: {reason}",
    "model.signer.made": "{actor} made the key {key_id} that signs models",
    "model.signer.revoked": "{actor} revoked the key {key_id} that signed models: {reason}",
    "stage.emptied": "{actor} took {subject} out of {stage}: {reason}",
    "registry.reconciled": "{actor} held the registry against the trail: {outcome}",
    "alert.received": "Alertmanager told of {alert} about {subject}: {status}",
    "reference.kept": "{actor} kept the reference of version {version} of {subject} as a profile: {profile}",
    "monitor.planned": "{actor} fixed what is watched of version {version} of {subject}: {plan}",
    "monitor.ran": "{actor} looked at version {version} of {subject} in window {window}: {verdict}",
    "finding.settled": "{actor} settled a finding about {subject}: {how}",
    "alarm.raised": "alarm about {subject}: {problem}",
    "retraining.proposed": "{actor} proposed to train {subject} again: {reason}",
    "inventory.declared": "{actor} declared {names} of {subject} (from {source})",
    "inventory.imported": "{actor} imported {models} models into the inventory from {source}",
    "export.written": "{actor} exported {subject} to {targets}",
    "reproduce.done": "{actor} ran {subject} version {version} again: {grade}",
    "step.finished": "step {step} of {subject} finished in {seconds} s",
    "step.retried": "step {step} of {subject} is run again: {problem}",
    "pipeline.started": "{actor} started {subject} step by step as {pipeline}",
    "pipeline.ended": "the run {pipeline} of {subject} ended: {outcome}",
    "export.proven": "the steps of {subject} gave what the notebook gives: {sentence}",
    "export.unproven": "{actor} exported {subject} to {targets} without proof that the steps equal the notebook",
    "parameters.probed": "{actor} probed the parameters of {subject}: {outcome}",
    "run.refused": "a run of {subject} was refused: {problem}",
    "clock.setback": "the clock of {actor} was set back by {seconds} s",
    "key.made": "{actor} made the signing key {key_id}, valid to {expires}",
    "key.revoked": "{actor} revoked the signing key {key_id}: {reason}",
    "statement.signed": "decision {decision} was signed with key {key_id}",
    "statement.failed": "decision {decision} could not be signed: {problem}",
    "checkpoint.signed": "a checkpoint over {size} entries was signed with key {key_id}",
    "checkpoint.anchored": "the checkpoint over {size} entries was left with {anchor}",
    "checkpoint.failed": "the checkpoint over {size} entries could not be left with {anchor}: {problem}",
    "bundle.written": "{actor} packed the story of {subject}",
    "person.erased": "{actor} erased the personal fields of {subject}: {reason}",
    "erasure.refused": "the personal fields of {subject} were not erased: {problem}",
    "hold.placed": "{actor} placed a legal hold on {subject}: {reason}",
    "hold.lifted": "{actor} lifted the legal hold on {subject}: {reason}",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """An entry before it has a place in the log. Raises ValueError for an action that is not in ACTIONS."""

    action: str
    subject: str
    payload: Mapping[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.action not in ACTIONS:
            raise ValueError(f"No action {self.action!r} in the vocabulary of the trail (audit/entries.py).")


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """One act at its place in the chain. `digest` covers every other field, and `previous` the whole history."""

    seq: int
    time: datetime
    actor: Actor
    action: str
    subject: str
    payload: Mapping[str, object]
    payload_digest: Digest
    previous: Digest
    digest: Digest

    def __str__(self) -> str:
        return sentence(self.action, self.subject, self.actor, self.payload)


def sentence(action: str, subject: str, actor: Actor, payload: Mapping[str, object]) -> str:
    """How an act reads in English; a word that its payload has not got is said to be missing."""
    words = {key: _words(value) for key, value in payload.items()}
    words.update(actor=str(actor), subject=subject)
    return ACTIONS.get(action, action + " {subject}").format_map(_Lenient(words))


class _Lenient(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return f"(no {key})"


def _words(value: object) -> str:
    text = ", ".join(str(item) for item in value) if isinstance(value, (list, tuple)) else str(value)
    return text if len(text) <= 200 else text[:199] + "…"


def entry_digest(*, seq: int, time: datetime, actor: Actor, action: str, subject: str, payload_digest: Digest, previous: Digest) -> Digest:
    """The chain rule (docs/formats/trail.md): SHA-256 of the canonical JSON of these seven fields."""
    return Digest.of_json(
        {
            "seq": seq,
            "time": stamp(time),
            "actor": plain(actor),
            "action": action,
            "subject": subject,
            "payload": payload_digest,
            "previous": previous,
        }
    )


def link(draft: Draft, *, seq: int, time: datetime, actor: Actor, previous: Digest) -> AuditEntry:
    """Give `draft` its place behind the entry whose digest is `previous`."""
    payload = fields_of(draft.payload)
    payload_digest = Digest.of_json(payload)
    digest = entry_digest(
        seq=seq, time=time, actor=actor, action=draft.action, subject=draft.subject, payload_digest=payload_digest, previous=previous
    )
    return AuditEntry(
        seq=seq,
        time=time,
        actor=actor,
        action=draft.action,
        subject=draft.subject,
        payload=payload,
        payload_digest=payload_digest,
        previous=previous,
        digest=digest,
    )


CLOCK_TOLERANCE = timedelta(minutes=2)  # two honest machines on one log differ by less


def clock_setback(before: str, now: datetime) -> Draft | None:
    """The entry a journal puts first when the clock reads earlier than the last entry's time `before` by more than the tolerance."""
    if not before or stamp(now) >= before:
        return None
    behind = datetime.fromisoformat(before) - now
    return (
        Draft(action="clock.setback", subject="clock", payload={"seconds": round(behind.total_seconds())})
        if behind > CLOCK_TOLERANCE
        else None
    )
