"""Does the trail still say what was written? Recomputes every digest and link, and names the first entry that does not hold.

What a hash chain alone cannot see, and what each answer therefore says with it:
a tail that was cut off (the rest is a whole, shorter chain), and a log replaced from its first entry on by somebody who
recomputed every digest. Both show only against a digest noted somewhere else: pass it as `known`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from jupyter_mlgov.audit.entries import GENESIS, AuditEntry, entry_digest
from jupyter_mlgov.audit.stored import DamagedEntry, entry_label
from jupyter_mlgov.core.clock import stamp
from jupyter_mlgov.core.digests import Digest

CANNOT_SEE = (
    "What this cannot see: entries cut off at the end, and a log that was replaced as a whole. "
    "Compare the last digest with one noted elsewhere (a report, a registry tag, a colleague's copy)."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """The answer: `checked` entries hold from the first on; `bad_seq` is the first that does not, None where none can be named.

    verify_trail() adds what was `proven` beyond that, what is `broken`, and what could not be proven.

    `head` is the digest of the last entry that holds. `signed` and `held` count the first entries under a signed checkpoint of the log
    and under one that a witness outside showed. `cannot_see` belongs beside every `sentence`; str() prints both.
    """

    ok: bool
    checked: int
    bad_seq: int | None
    sentence: str
    head: Digest = GENESIS
    cannot_see: str = CANNOT_SEE
    proven: tuple[str, ...] = ()
    broken: tuple[str, ...] = ()
    unproven: tuple[str, ...] = ()
    signed: int = 0
    held: int = 0

    def __str__(self) -> str:
        lines = [
            self.sentence,
            *(f"✓ {line}" for line in self.proven),
            *(f"✕ {line}" for line in self.broken),
            *(f"? {line}" for line in self.unproven),
            self.cannot_see,
        ]
        return "\n".join(lines)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fault:
    seq: int
    sentence: str


def verify(entries: Iterable[AuditEntry], *, damage: str = "", known: Mapping[int, Digest] | None = None) -> Verification:
    """Check `entries` from the first on: payload digests, entry digests, links, numbers, and `known` digests noted elsewhere.

    `damage` is what the storage says of itself (Journal.damage()). append() then verify() holds for any history of at least
    one entry; an empty log proves nothing and is not ok. Never raises for a damaged entry: it names it.
    """
    noted = dict(known or {})
    checked, last, fault = 0, None, None
    try:
        for entry in entries:
            fault = _fault(entry, last, noted)
            if fault:
                break
            checked, last = entry.seq, entry
    except DamagedEntry as error:
        fault = _unreadable(error, checked + 1)
    if fault is None:
        fault = _missing_tail(checked, noted)
    head = last.digest if last else GENESIS
    if fault:
        return _answer(fault.sentence, damage, checked=min(checked, fault.seq - 1), bad_seq=fault.seq, head=head)
    if last is None:
        return _answer("The log holds no entry, so nothing is proven. Every workspace begins with entry 1.", damage, checked=0)
    count = "1 entry" if checked == 1 else f"{checked:,} entries"
    if damage:
        return _answer(f"{count} can be read and are linked.", damage, checked=checked, head=head)
    return Verification(ok=True, checked=checked, bad_seq=None, sentence=f"{count}, unbroken; the last is {head}.", head=head)


def _answer(sentence: str, damage: str, *, checked: int, bad_seq: int | None = None, head: Digest = GENESIS) -> Verification:
    if damage:
        sentence = f"{sentence} The storage itself reports damage: {damage}"
    return Verification(ok=False, checked=checked, bad_seq=bad_seq, sentence=sentence, head=head)


def _fault(entry: AuditEntry, last: AuditEntry | None, known: Mapping[int, Digest]) -> _Fault | None:
    expected = last.seq + 1 if last else 1
    if entry.seq != expected:
        return _gap(expected, entry.seq)
    own = _own_fault(entry)
    if own:
        return _Fault(seq=entry.seq, sentence=f"{_name(entry)} was changed: {own}.")
    if entry.previous != (last.digest if last else GENESIS):
        return _broken_link(entry, last)
    if known.get(entry.seq, entry.digest) != entry.digest:
        return _Fault(seq=entry.seq, sentence=f"{_name(entry)} was replaced: another digest was noted for it ({known[entry.seq]}).")
    return None


def _own_fault(entry: AuditEntry) -> str:
    """What of the entry contradicts itself, or an empty text."""
    try:
        if Digest.of_json(entry.payload) != entry.payload_digest:
            return "its payload no longer matches its digest"
        digest = entry_digest(
            seq=entry.seq,
            time=entry.time,
            actor=entry.actor,
            action=entry.action,
            subject=entry.subject,
            payload_digest=entry.payload_digest,
            previous=entry.previous,
        )
    except ValueError as error:
        return f"it has no canonical form ({error})"
    return "" if digest == entry.digest else "its own digest does not cover what it says"


def _broken_link(entry: AuditEntry, last: AuditEntry | None) -> _Fault:
    """`entry` is whole in itself, so it is the witness: what stood before it was another entry."""
    if last is None:
        return _Fault(seq=entry.seq, sentence=f"{_name(entry)} is not the first of its log: it follows an entry that is gone.")
    witness = f"entry {entry.seq:,}, whole in itself, was written behind another one"
    return _Fault(seq=last.seq, sentence=f"{_name(last)} was replaced: {witness}.")


def _gap(expected: int, found: int) -> _Fault:
    where = f"after entry {expected - 1:,} comes" if expected > 1 else "the log begins with"
    return _Fault(seq=expected, sentence=f"Entry {expected:,} is missing or carries another number: {where} {found:,}.")


def _unreadable(error: DamagedEntry, expected: int) -> _Fault:
    return _Fault(seq=expected, sentence=error.what) if error.seq in (expected, -1) else _gap(expected, error.seq)


def _missing_tail(checked: int, known: Mapping[int, Digest]) -> _Fault | None:
    furthest = max(known, default=0)
    if furthest <= checked:
        return None
    sentence = f"The log ends with entry {checked:,}, but a digest was noted for entry {furthest:,}: its tail was cut off."
    return _Fault(seq=checked + 1, sentence=sentence)


def _name(entry: AuditEntry) -> str:
    return f"Entry {entry.seq:,}{entry_label(entry.action, stamp(entry.time))}"
