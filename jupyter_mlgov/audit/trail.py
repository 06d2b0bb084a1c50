"""The whole answer of `mlgov audit verify`: the log against itself, against its signatures, and against what was kept elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from jupyter_mlgov.audit.anchors import Testimony
from jupyter_mlgov.audit.entries import CLOCK_TOLERANCE, AuditEntry
from jupyter_mlgov.audit.journal import Journal
from jupyter_mlgov.audit.keys import KEY_ACTIONS, KeyLife, key_lives
from jupyter_mlgov.audit.notes import Checkpoint, Note, PublicKey, Verifier, origin_of, parse_checkpoint, parse_note
from jupyter_mlgov.audit.scan import Span, Turn, roots_agree, scan_log
from jupyter_mlgov.audit.tiles import Ledger, Tree
from jupyter_mlgov.audit.verify import CANNOT_SEE, Verification, verify
from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.core.errors import BadInput, StorageProblem


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """What the asker brings: checkpoints he kept (where from, text), keys he trusts, and what the anchors said."""

    checkpoints: tuple[tuple[str, str], ...] = ()
    keys: tuple[PublicKey, ...] = ()
    testimonies: tuple[Testimony, ...] = ()


@dataclass(slots=True)
class _Findings:
    proven: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    unproven: list[str] = field(default_factory=list)
    held: int = 0
    signed: int = 0


def verify_trail(journal: Journal, ledger: Ledger, verifier: Verifier, outside: Outside | None = None) -> Verification:
    """Everything that can be proven here and now, everything that is broken, and what could not be proven, in sentences.

    `ok` is true only when nothing is broken. Never raises for a damaged log.
    """
    outside = outside or Outside()
    base, spans = _own(journal, ledger)
    if not base.ok or not spans:
        return base
    found = _Findings()
    found.broken += _back_dated(spans)
    found.unproven += _setbacks(spans)
    lives = key_lives(journal.entries(actions=KEY_ACTIONS))
    judge = _Judge(tree=Tree(ledger), size=base.checked, origin=origin_of(_first(journal)), lives=lives, verifier=verifier, journal=journal)
    _recorded(judge, found)
    for where, text in outside.checkpoints:
        judge.given(where, text, found, trusted=outside.keys)
    for testimony in outside.testimonies:
        _heard(judge, testimony, found)
    sentence = base.sentence if not found.broken else f"{base.checked:,} entries are linked, but: {found.broken[0]}"
    return replace(
        base,
        ok=not found.broken,
        sentence=sentence,
        proven=tuple(found.proven),
        broken=tuple(found.broken),
        unproven=tuple(found.unproven),
        cannot_see=_cannot_see(found.held, base.checked),
        signed=found.signed,
        held=found.held,
    )


def _own(journal: Journal, ledger: Ledger) -> tuple[Verification, tuple[Span, ...] | None]:
    """The log against itself: quickly first, and slowly where the quick way finds anything."""
    damage = journal.damage()
    try:
        spans = None if damage else scan_log(ledger)
        agree = bool(spans) and roots_agree(ledger, spans or ())
    except StorageProblem:
        spans, agree = None, False
    if spans and agree:
        head = Digest(spans[-1].digest.decode())
        count = "1 entry" if spans[-1].last == 1 else f"{spans[-1].last:,} entries"
        return Verification(
            ok=True, checked=spans[-1].last, bad_seq=None, sentence=f"{count}, unbroken; the last is {head}.", head=head
        ), spans
    base = verify(journal.entries(), damage=damage)
    if base.ok and spans:
        return replace(base, ok=False, sentence="The stored tree does not follow from the entries: its tiles were changed."), None
    if base.ok:
        # A log that grew between the two looks is read once more; anything else is a contradiction and never green.
        again = scan_log(ledger)
        if again and roots_agree(ledger, again):
            return base, again
        return replace(base, ok=False, sentence="Two ways of reading the log disagree, so nothing is proven. Please report this."), None
    return base, None


def _back_dated(spans: Sequence[Span]) -> Iterator[str]:
    for turn in _turns(spans):
        if turn.action != "clock.setback" and _behind(turn) > CLOCK_TOLERANCE:
            yield (
                f"Entry {turn.seq:,} was back-dated: it says {turn.time}, and the entry before it {turn.before}. "
                "The journal itself writes no such entry."
            )


def _setbacks(spans: Sequence[Span]) -> Iterator[str]:
    for turn in _turns(spans):
        if turn.action == "clock.setback":
            yield f"The clock was set back at entry {turn.seq:,}, from {turn.before} to {turn.time}: times after it are that clock's word."


def _turns(spans: Sequence[Span]) -> Iterator[Turn]:
    for before, span in zip([None, *spans], spans, strict=False):
        if before and span.times[0] < before.times[1]:
            first = Turn(seq=span.first, before=before.times[1].decode(), time=span.times[0].decode(), action=span.action)
            yield first
        yield from span.turns


def _behind(turn: Turn) -> timedelta:
    return datetime.fromisoformat(turn.before) - datetime.fromisoformat(turn.time)


def _first(journal: Journal) -> Digest:
    return next(journal.entries()).digest


@dataclass(frozen=True, slots=True, kw_only=True)
class _Judge:
    """Holds one note against the log."""

    tree: Tree
    size: int
    origin: str
    lives: tuple[KeyLife, ...]
    verifier: Verifier
    journal: Journal

    def given(self, where: str, text: str, found: _Findings, *, trusted: Sequence[PublicKey] = (), exclusive: bool = True) -> None:
        """A note from outside: its problem, or what it proves."""
        try:
            note = parse_note(text)
            checkpoint = parse_checkpoint(note.text)
        except BadInput as error:
            found.broken.append(f"{where}: {error.what}")
            return
        if checkpoint.origin != self.origin and not exclusive:
            found.unproven.append(f"{where} holds a checkpoint of another log ({checkpoint.origin}), perhaps another workspace's.")
            return
        problem = self.contradiction(checkpoint) or self.unsigned(note, checkpoint, trusted)
        if problem:
            found.broken.append(f"{where}: {problem}")
            return
        found.held = max(found.held, checkpoint.size)
        found.proven.append(f"{where}: the first {checkpoint.size:,} entries are the ones it was signed over.")

    def contradiction(self, checkpoint: Checkpoint) -> str:
        """How the log differs from what the checkpoint saw; empty when it does not."""
        if checkpoint.origin != self.origin:
            return (
                f"the checkpoint is of the log {checkpoint.origin}, and this one is {self.origin}: "
                "the log was replaced as a whole, or this is another workspace's checkpoint."
            )
        if checkpoint.size > self.size:
            return (
                f"the checkpoint saw {checkpoint.size:,} entries, and the log has {self.size:,}: "
                "its end was cut off, or it was restored from an older copy."
            )
        if checkpoint.size == 0 or self.tree.root(checkpoint.size) != checkpoint.root:
            return f"the first {checkpoint.size:,} entries are not the ones it was signed over: they were changed, reordered or replaced."
        return ""

    def unsigned(self, note: Note, checkpoint: Checkpoint, trusted: Sequence[PublicKey] = ()) -> str:
        """Why no signature counts; empty when one does. With `trusted` keys only theirs count."""
        lives = [life for life in self.lives if not trusted or life.key in trusted]
        reasons = []
        moment = self._moment(checkpoint.size)
        for life in lives:
            if note.signed_by(life.key, self.verifier):
                reason = life.why_not(checkpoint.size, moment)
                if not reason:
                    return ""
                reasons.append(reason)
        if reasons:
            return f"its signature does not count: {reasons[0]}."
        return f"it is forged or damaged: no {'trusted key' if trusted else 'key of this log'} signed it."

    def _moment(self, size: int) -> datetime:
        entry = next(self.journal.entries(after=size - 1), None) if size else None
        return entry.time if entry else datetime.min.replace(tzinfo=UTC)


def _recorded(judge: _Judge, found: _Findings) -> None:
    """The checkpoints the log itself has an entry for."""
    count, newest = 0, 0
    for entry in judge.journal.entries(actions=("checkpoint.signed",)):
        problem, size = _recorded_fault(judge, entry)
        if problem:
            found.broken.append(f"The checkpoint in entry {entry.seq:,} does not hold: {problem}")
            continue
        count, newest = count + 1, max(newest, size)
    found.signed = newest
    if count:
        keys = ", ".join(life.key.id for life in judge.lives)
        which = "checkpoint" if count == 1 else "checkpoints"
        found.proven.append(f"{count:,} signed {which} in the log hold, the newest over {newest:,} entries (keys {keys}).")
    else:
        found.unproven.append("No checkpoint was signed yet, so no signature vouches for this log. Make one: `mlgov audit checkpoint`.")


def _recorded_fault(judge: _Judge, entry: AuditEntry) -> tuple[str, int]:
    try:
        note = parse_note(str(entry.payload.get("note", "")))
        checkpoint = parse_checkpoint(note.text)
    except BadInput as error:
        return error.what, 0
    if checkpoint.size >= entry.seq:
        return "it counts entries that were not written yet.", 0
    return judge.contradiction(checkpoint) or judge.unsigned(note, checkpoint), checkpoint.size


def _heard(judge: _Judge, testimony: Testimony, found: _Findings) -> None:
    if testimony.cannot:
        found.unproven.append(f"{testimony.anchor} could not be asked: {testimony.cannot}")
    found.broken += [f"{testimony.anchor}: {sentence}" for sentence in testimony.denied]
    good = _Findings()
    for witness in testimony.witnesses:
        judge.given(witness.where, witness.note, good, exclusive=witness.exclusive)
    found.broken += good.broken
    found.unproven += good.unproven
    if good.proven:
        found.held = max(found.held, good.held)
        which = "checkpoint" if len(good.proven) == 1 else "checkpoints"
        found.proven.append(f"{testimony.anchor} holds {len(good.proven):,} {which} of this log, the newest over {good.held:,} entries.")


def _cannot_see(held: int, size: int) -> str:
    if not held:
        return CANNOT_SEE
    rest = size - held
    if rest <= 0:
        return "Every entry is held by a checkpoint kept outside. What this cannot see: whether a declared name is true."
    return (
        f"Entries 1 to {held:,} are held by a checkpoint kept outside. What this cannot see: "
        f"whether the {rest:,} after them, which no checkpoint from outside covers, were cut off or replaced."
    )


def texts_of(paths: Iterable[tuple[str, bytes]]) -> tuple[tuple[str, str], ...]:
    """(name, bytes) of checkpoint files as texts. Raises BadInput for bytes that are no UTF-8."""
    found = []
    for name, content in paths:
        try:
            found.append((name, content.decode("utf-8")))
        except UnicodeDecodeError:
            raise BadInput(f"{name} is no checkpoint: it is not text.") from None
    return tuple(found)
