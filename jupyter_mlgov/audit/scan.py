"""The quick way through a long log: every digest, link and tree hash recomputed from the raw bytes of the rows.

It only ever says "this all holds". Where anything does not, it says None, and verify() goes through the log again slowly and names it.
"""

from __future__ import annotations

import binascii
import hashlib
import json
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from json.encoder import encode_basestring

from jupyter_mlgov.audit.merkle import levels_over
from jupyter_mlgov.audit.stored import actor_of
from jupyter_mlgov.audit.tiles import HEIGHT, WIDTH, Ledger, Row

SPAN = WIDTH * WIDTH
SHARED_FROM = 2 * SPAN  # entries from which on a second process pays
# A whole tile in 64 bytes: the root over its 256 hashes, and the SHA-256 of the hashes as they are stored.
Seal = tuple[bytes, bytes]
_TIME = re.compile(rb"\d{4}-[01]\d-[0-3]\dT[0-2]\d:[0-5]\d:[0-5]\d\.\d{6}Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """Entry `seq` carries an earlier time than the entry before it."""

    seq: int
    before: str
    time: str
    action: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Entries first..last hold among themselves: digest before them, last digest, and each whole tile over them.

    `times` are those of the first and the last entry, `action` the first one's; `turns` where time ran backwards.
    """

    first: int
    last: int
    previous: bytes
    digest: bytes
    tiles: tuple[Seal, ...]
    times: tuple[bytes, bytes]
    action: str = ""
    turns: tuple[Turn, ...] = ()


def scan(rows: Iterable[Row], first: int) -> Span | None:
    """Recompute every row from number `first` on; None as soon as one does not hold. An empty span is None too."""
    try:
        return _scan(rows, first)
    except UnicodeDecodeError:
        return None


def _scan(rows: Iterable[Row], first: int) -> Span | None:
    sha256, hexlify, expected, start, last = hashlib.sha256, binascii.hexlify, first, b"", b""
    leaves: list[bytes] = []
    turns: list[Turn] = []
    begun = before = b""
    opening = ""
    for seq, time, actor, action, subject, payload, payload_digest, previous, digest in rows:
        fields = b'{"action":%b,"actor":%b,"payload":"%b","previous":"%b","seq":%d,"subject":%b,"time":"%b"}' % (
            _quoted(action),
            actor,
            payload_digest,
            previous,
            seq,
            _quoted(subject),
            time,
        )
        own = sha256(fields).digest()
        if (
            seq != expected
            or b"sha256:" + hexlify(own) != digest
            or b"sha256:" + hexlify(sha256(payload).digest()) != payload_digest
            or (last and previous != last)
            or not _TIME.fullmatch(time)
            or not _is_actor(actor)
            or not _is_object(payload)
        ):
            return None
        if time < before:
            turns.append(Turn(seq=seq, before=before.decode(), time=time.decode(), action=action.decode()))
        if not start:
            start, begun, opening = previous, time, action.decode()
        last, before, expected = digest, time, expected + 1
        leaves.append(sha256(b"\x00" + own).digest())
    if not leaves:
        return None
    tiles = _seals(leaves)
    return Span(
        first=first, last=expected - 1, previous=start, digest=last, tiles=tiles, times=(begun, before), action=opening, turns=tuple(turns)
    )


def scan_log(ledger: Ledger, *, processes: int | None = None) -> tuple[Span, ...] | None:
    """Every entry of the log as spans that follow one another, or None where something does not hold."""
    size = ledger.size()
    bounds = [(at, min(at + SPAN, size)) for at in range(0, size, SPAN)]
    hands = min(processes or os.cpu_count() or 1, 4)
    place = ledger.place()
    shared = _together(place, bounds, hands) if size >= SHARED_FROM and hands > 1 and place else None
    spans = shared if shared is not None else [scan(ledger.rows(after, upto), after + 1) for after, upto in bounds]
    whole = tuple(span for span in spans if span)
    if len(whole) != len(bounds) or any(span.last != upto for span, (_, upto) in zip(whole, bounds, strict=True)):
        return None
    if any(behind.previous != before.digest for before, behind in pairwise(whole)):
        return None
    return whole


def roots_agree(ledger: Ledger, spans: Sequence[Span]) -> bool:
    """Are the stored tiles what the rows give? Asks for every whole tile of every level, and that there is none beyond them."""
    level, seals = 0, tuple(seal for span in spans for seal in span.tiles)
    while True:
        stored = ledger.whole_tiles(level, 0, len(seals) + 1)
        if tuple((root, hashlib.sha256(hashes).digest()) for root, hashes in stored) != seals:
            return False
        if not seals:
            return True
        level, seals = level + 1, _seals([root for root, _ in seals])


def _seals(hashes: Sequence[bytes]) -> tuple[Seal, ...]:
    """Each whole tile over `hashes`; what does not fill one is left out."""
    whole = [hashes[at : at + WIDTH] for at in range(0, len(hashes) - WIDTH + 1, WIDTH)]
    return tuple((levels_over(tile)[HEIGHT][0], hashlib.sha256(b"".join(tile)).digest()) for tile in whole)


def _together(place: str, bounds: Sequence[tuple[int, int]], hands: int) -> list[Span | None] | None:
    """Several processes, a span each; None where this program cannot start others (then one does it all).

    Spawned: a fork would carry open databases and threads along.
    """
    from concurrent.futures import ProcessPoolExecutor
    from concurrent.futures.process import BrokenProcessPool
    from multiprocessing import get_context

    try:
        with ProcessPoolExecutor(hands, mp_context=get_context("spawn")) as pool:
            return list(pool.map(_scan_place, [(place, after, upto) for after, upto in bounds]))
    except BrokenProcessPool:
        return None


def _scan_place(asked: tuple[str, int, int]) -> Span | None:
    import importlib

    place, after, upto = asked
    module, _, url = place.partition("|")
    ledger: Ledger = importlib.import_module(module).open_ledger(url)
    return scan(ledger.rows(after, upto), after + 1)


@lru_cache(maxsize=4096)
def _quoted(text: bytes) -> bytes:
    """`text` as a JSON string. Raises UnicodeDecodeError for bytes that are no UTF-8."""
    return encode_basestring(text.decode("utf-8")).encode()


@lru_cache(maxsize=1024)
def _is_actor(text: bytes) -> bool:
    try:
        return actor_of(text.decode("utf-8")) is not None
    except UnicodeDecodeError:
        return False


# The scanner of json.loads() without what it does around it, a third of the time of short payloads.
_scan_once = json.JSONDecoder().scan_once  # type: ignore[attr-defined]  # it is there, and typeshed does not name it


def _is_object(payload: bytes) -> bool:
    """Is it the JSON text of an object, nothing less and nothing more?"""
    if payload[:1] == b"{":
        try:
            text = payload.decode("utf-8")
            if _scan_once(text, 0)[1] == len(text):
                return True
        except (ValueError, StopIteration, RecursionError):
            return False
    try:
        return isinstance(json.loads(payload), dict)
    except (ValueError, RecursionError):
        return False
