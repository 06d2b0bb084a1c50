"""Acts on the trail: signing keys, checkpoints, leaving them outside, and the whole verification."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_mlgov.audit.anchors import Anchor, Occasion, Receipt, Testimony
from jupyter_mlgov.audit.entries import AuditEntry, Draft
from jupyter_mlgov.audit.keys import KEY_ACTIONS, KeyLife, key_lives, made_draft, revoked_draft
from jupyter_mlgov.audit.notes import Checkpoint, PublicKey, Signer, origin_of, sign_note
from jupyter_mlgov.audit.statements import decision_statement, envelope
from jupyter_mlgov.audit.tiles import Tree
from jupyter_mlgov.audit.trail import Outside, verify_trail
from jupyter_mlgov.audit.verify import Verification
from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.core.errors import MlgovError, NotReady, StorageProblem, UsageError, unknown

if TYPE_CHECKING:
    from jupyter_mlgov.workspace.composition import Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchored:
    """A checkpoint and what became of it: the places that keep it, and a sentence for each that did not take it."""

    note: str
    size: int
    kept: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()


def origin(workspace: Workspace) -> str:
    """The name of this workspace's log. Raises NotReady for an empty one."""
    first = next(workspace.journal.entries(), None)
    if first is None:
        raise NotReady("The log is empty, so it has no name yet.", next="See `mlgov init`.")
    return origin_of(first.digest)


def keys(workspace: Workspace) -> tuple[KeyLife, ...]:
    """Every signing key of this log, oldest first."""
    return key_lives(workspace.journal.entries(actions=KEY_ACTIONS))


def signer(workspace: Workspace) -> Signer:
    """The newest key of this log that may sign now and whose private half is here; on first use one is made.

    Raises NotReady when the newest one expired: a new key is a decision of a person, not of a program.
    """
    from jupyter_mlgov.integrations.signing import load_key

    with _alone(_folder(workspace)):
        now = workspace.clock.now()
        expired = None
        for life in reversed(keys(workspace)):
            if life.revoked is not None:
                continue
            found = load_key(_folder(workspace), life.key)
            if found is None:
                continue
            if now < life.expires:
                return found
            expired = expired or life
        if expired is not None:
            raise NotReady(
                f"The signing key {expired.key.id} expired on {expired.expires:%Y-%m-%d}, so nothing was signed.",
                next="Make a new one: `mlgov audit keys rotate`.",
            )
        return _make(workspace)


def rotate(workspace: Workspace) -> PublicKey:
    """A new key signs from now on; the ones of this machine before it are retired by an entry each."""
    from jupyter_mlgov.integrations.signing import load_key

    with _alone(_folder(workspace)):
        old = [life for life in keys(workspace) if life.revoked is None and load_key(_folder(workspace), life.key) is not None]
        made = _make(workspace)
        workspace.record(*(revoked_draft(life.key, f"replaced by {made.key.id}") for life in old))
        return made.key


def revoke(workspace: Workspace, key_id: str, reason: str) -> PublicKey:
    """From now on nothing signed by this key counts. What it signed before, at its place in the log, stays valid."""
    lives = {life.key.id: life for life in keys(workspace)}
    if key_id not in lives:
        raise unknown("signing key", key_id, lives, next="See `mlgov audit keys`.")
    if lives[key_id].revoked is not None:
        raise NotReady(f"Key {key_id} was revoked before, at entry {lives[key_id].revoked:,}.")
    workspace.record(revoked_draft(lives[key_id].key, reason))
    return lives[key_id].key


def checkpoint(workspace: Workspace) -> tuple[str, int]:
    """Sign the head of the log as it is now, and write that to the log. Returns the note and the number of entries under it."""
    chosen = signer(workspace)
    size, _ = workspace.journal.head()
    point = Checkpoint(origin=origin(workspace), size=size, root=Tree(workspace.ledger).root(size))
    note = str(sign_note(point.body, chosen))
    payload = {"size": size, "root": point.root.hex(), "key_id": chosen.key.id, "note": note}
    workspace.record(Draft(action="checkpoint.signed", subject=point.origin, payload=payload))
    return note, size


def anchor_checkpoint(workspace: Workspace, occasion: Occasion | None = None) -> Anchored:
    """Sign a checkpoint and leave it with every anchor the operator named. A failure is written to the log and told, never silent.

    Raises nothing for an anchor that does not answer: see Anchored.problems. Raises MlgovError when nothing could be signed.
    """
    note, size = checkpoint(workspace)
    kept, problems = [], []
    for anchor in anchors(workspace):
        try:
            answer = anchor.leave(note, occasion or Occasion())
        except MlgovError as error:
            problems.append(f"The checkpoint could not be left with {anchor.name}: {error}")
            payload = {"size": size, "anchor": anchor.name, "problem": str(error)}
            workspace.record(Draft(action="checkpoint.failed", subject=anchor.name, payload=payload))
            continue
        kept.append(anchor.name)
        payload = {"size": size, "anchor": anchor.name, "note": note, "answer": dict(answer)}
        workspace.record(Draft(action="checkpoint.anchored", subject=anchor.name, payload=payload))
    return Anchored(note=note, size=size, kept=tuple(kept), problems=tuple(problems))


def sign_decision(workspace: Workspace, entry: AuditEntry, model_digest: Digest | None = None) -> str:
    """Sign what entry `promotion.decided` says (DSSE, in-toto v1) and keep the statement in the log.

    Returns an empty text, or a sentence that says why it could not be signed; that is recorded, too.
    """
    try:
        chosen = signer(workspace)
        # As the log has it, with pseudonyms: a statement must not keep what can be erased elsewhere.
        stored = next(workspace.database.entries(after=entry.seq - 1))
        signed = envelope(decision_statement(stored, origin(workspace), model_digest), chosen)
    except MlgovError as error:
        payload: dict[str, object] = {"decision": entry.digest, "problem": str(error)}
        workspace.record(Draft(action="statement.failed", subject=entry.subject, payload=payload))
        return f"The decision was not signed: {error}"
    payload = {"decision": entry.digest, "key_id": chosen.key.id, "envelope": signed}
    workspace.record(Draft(action="statement.signed", subject=entry.subject, payload=payload))
    return ""


def bundle(workspace: Workspace, model: str, *, with_objects: bool = True) -> bytes:
    """Everything the log holds about `model`, under a fresh checkpoint, as zip bytes. Raises UsageError for an unknown model.

    An object that is gone or was changed is left out, and the bundle says so.
    """
    from jupyter_mlgov.audit.bundle import Story, concerning, named_objects, pack

    entries = list(workspace.journal.entries())
    models = {entry.subject for entry in entries if entry.action in ("validation.done", "promotion.decided")}
    if model not in models:
        raise unknown("model", model, sorted(models), next="See `mlgov audit log`.")
    note, size = checkpoint(workspace)
    chosen = concerning(workspace.database.entries(), model, size)
    objects: dict[Digest, bytes] = {}
    left_out = []
    for digest in named_objects(chosen):
        if not with_objects:
            left_out.append(f"object {digest.hex}")
            continue
        try:
            objects[digest] = workspace.objects.get(digest)
        except StorageProblem as problem:
            left_out.append(f"object {digest.hex} ({problem.what})")
    story = Story(model=model, note=note, entries=chosen, objects=objects, left_out=tuple(left_out))
    packed = pack(story, Tree(workspace.ledger), signer(workspace))
    workspace.record(Draft(action="bundle.written", subject=model, payload={"size": size, "digest": Digest.of_bytes(packed)}))
    return packed


def proof(workspace: Workspace, number: int, since: int | None = None) -> dict[str, object]:
    """The inclusion proof of entry `number` in the log as it is now, or the consistency proof between two sizes; hashes in hex.

    Raises UsageError when the log has no such entry.
    """
    tree, size = Tree(workspace.ledger), workspace.journal.head()[0]
    if number > size or (since or 1) > number:
        raise UsageError(f"There is no such proof: the log has {size:,} entries.", expected=f"Expected numbers from 1 to {size:,}.")
    log = origin(workspace)
    if since is not None:
        path = tree.consistency(since, number)
        return {"log": log, "old": since, "new": number, "path": [step.hex() for step in path], "root": tree.root(number).hex()}
    entry = next(workspace.journal.entries(after=number - 1))
    path = tree.inclusion(number - 1, size)
    return {
        "log": log,
        "entry": number,
        "digest": entry.digest,
        "size": size,
        "path": [step.hex() for step in path],
        "root": tree.root(size).hex(),
    }


def anchors(workspace: Workspace) -> tuple[Anchor, ...]:
    """The places named by `MLGOV_ANCHORS`; by default the registry, and git where the workspace lies in a repository."""
    from jupyter_mlgov.workspace.anchoring import named_anchors

    return named_anchors(workspace)


def testimonies(workspace: Workspace) -> tuple[Testimony, ...]:
    """What every anchor says now."""
    receipts = [
        Receipt(
            anchor=str(entry.payload.get("anchor", "")),
            note=str(entry.payload.get("note", "")),
            answer=_texts(entry.payload.get("answer")),
        )
        for entry in workspace.journal.entries(actions=("checkpoint.anchored",))
    ]
    asked = anchors(workspace)
    told = [anchor.testify([one for one in receipts if one.anchor == anchor.name]) for anchor in asked]
    gone = sorted({one.anchor for one in receipts} - {anchor.name for anchor in asked})
    lost = [Testimony(anchor=name, cannot="the log has receipts from it, and `MLGOV_ANCHORS` no longer names it.") for name in gone]
    return (*told, *lost)


def verify(
    workspace: Workspace, checkpoints: Sequence[tuple[str, str]] = (), trusted: Sequence[PublicKey] = (), *, ask_anchors: bool = True
) -> Verification:
    """The log against itself, its signatures, the checkpoints that were brought along, and the anchors."""
    from jupyter_mlgov.integrations.signing import Ed25519Verifier

    heard: tuple[Testimony, ...] = ()
    with suppress(StorageProblem):  # a log that cannot be read or written is named by verify_trail()
        workspace.spools.drain(workspace.personal)
        heard = testimonies(workspace) if ask_anchors else ()
    outside = Outside(checkpoints=tuple(checkpoints), keys=tuple(trusted), testimonies=heard)
    return verify_trail(workspace.database, workspace.ledger, Ed25519Verifier(), outside)


def _make(workspace: Workspace) -> Signer:
    from jupyter_mlgov.integrations.signing import make_key

    made = make_key(_folder(workspace), origin(workspace))
    workspace.record(made_draft(made.key, workspace.clock.now()))
    return made


def _texts(value: object) -> dict[str, str]:
    return {str(key): str(item) for key, item in value.items()} if isinstance(value, dict) else {}


def _folder(workspace: Workspace) -> Path:
    return workspace.root / ".mlgov" / "keys"


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One process at a time makes or retires keys, so that a first use makes one key and not eight."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        stream = (folder / "lock").open("w")
    except OSError as error:
        raise StorageProblem(f"{folder} cannot be written: {error.strerror or error}.", next="Make the workspace writable.") from None
    with stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield
