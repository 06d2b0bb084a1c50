"""A session's spool: what a kernel must not lose is appended to a file before the cell goes on, and moved into the journal later.

Layout and guarantees are described in docs/formats/spool.md. A line that was written survives the death of the process;
a loss of power may take the lines of the last moments, which were not yet in the journal.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jupyter_mlgov.audit.entries import Draft
from jupyter_mlgov.audit.journal import Journal
from jupyter_mlgov.core.actors import Actor
from jupyter_mlgov.core.errors import StorageProblem
from jupyter_mlgov.core.facts import fields_of
from jupyter_mlgov.lineage.process import is_dead

VERSION = 1
SUFFIX = ".spool"
CHUNK = 500
PATIENCE = 15.0

# Open locks of this process: a forked child must not keep them when its parent dies.
_HELD: set[int] = set()


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """The first line of a segment: whose records follow. `after` is a place in the journal that lies before all of them."""

    session: str
    notebook: str
    actor: Actor
    process: Mapping[str, object]
    after: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One draft with its number in the session; the number makes moving it twice one deed."""

    number: int
    draft: Draft


def encode(body: Mapping[str, object]) -> bytes:
    """One line: eight hex digits of CRC-32, a blank, JSON. Raises ValueError or TypeError for what JSON cannot carry."""
    text = json.dumps(body, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode("utf-8")
    return b"%08x %s\n" % (zlib.crc32(text), text)


def encode_header(header: Header) -> bytes:
    """The first line of a segment."""
    return encode({"spool": VERSION, **fields_of(header)})


def encode_record(record: Record) -> bytes:
    """One record's line; its number stands in the payload too, so that the journal knows it."""
    draft = record.draft
    payload = {**draft.payload, "record": record.number}
    return encode({"n": record.number, "action": draft.action, "subject": draft.subject, "payload": payload})


def _decode(line: bytes) -> dict[str, Any] | None:
    """The object of a line, or None for one that is torn or damaged."""
    head, blank, text = line.partition(b" ")
    try:
        if not blank or int(head, 16) != zlib.crc32(text):
            return None
        value = json.loads(text)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _header(line: bytes) -> Header | None:
    value = _decode(line)
    if value is None or value.get("spool") != VERSION:
        return None
    try:
        return Header(
            session=value["session"],
            notebook=value["notebook"],
            actor=Actor(**value["actor"]),
            process=value["process"],
            after=int(value["after"]),
        )
    except (KeyError, TypeError, ValueError):
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """One file as it was read. `broken` lines could not be read; `torn` is the length of a last line that has no end."""

    path: Path
    header: Header | None
    records: tuple[Record, ...]
    broken: int
    torn: int


def read_segment(path: Path) -> Segment:
    """Raises OSError when the file cannot be read; bad lines are counted, never raised."""
    *lines, tail = path.read_bytes().split(b"\n")
    header = _header(lines[0]) if lines else None
    records, broken = [], 0
    for line in lines[1:]:
        value = _decode(line)
        try:
            draft = Draft(action=value["action"], subject=value["subject"], payload=value["payload"]) if value else None
            records += [Record(number=int(value["n"]), draft=draft)] if value and draft else []
        except (KeyError, TypeError, ValueError):
            draft = None
        broken += draft is None
    return Segment(path=path, header=header, records=tuple(records), broken=broken, torn=len(tail))


def segments(folder: Path) -> dict[str, list[Path]]:
    """Segments by session, each session's in the order they were begun: `SESSION.NUMBER.spool`."""
    found: dict[str, list[Path]] = {}
    try:
        names = sorted(entry.name for entry in os.scandir(folder) if entry.name.endswith(SUFFIX))
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise StorageProblem(f"The spool {folder} cannot be read: {error.strerror}.", next="Give read access to it.") from None
    for name in names:
        found.setdefault(name.partition(".")[0], []).append(folder / name)
    return found


def _go_on() -> None:
    """Nothing stands against the next chunk."""


class Spools:
    """All spools of a workspace, seen from any process. drain() is exactly once: kill it anywhere and run it again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._drained: dict[str, int] = {}

    def drain(
        self, journal: Journal, *, sealed: frozenset[str] = frozenset(), chunk: int = CHUNK, between: Callable[[], None] = _go_on
    ) -> int:
        """Move every record that the journal has not got, in order, and remove the files nobody writes any more.

        `sealed` names files that their own session gives up. `between` is called between two chunks; what it raises ends the moving
        there, and the rest stays where it is. Returns the last place written, 0 for none.
        Raises StorageProblem: nothing is lost then, the rest stays where it is.
        """
        if not any(self._is_new(path) or path.name in sealed for paths in segments(self.folder).values() for path in paths):
            return 0
        last = 0
        with _alone(self.folder):
            for paths in segments(self.folder).values():
                try:
                    last = max(last, self._carry(journal, paths, sealed, chunk, between))
                except OSError as error:
                    raise StorageProblem(
                        f"What a kernel left in {self.folder} cannot be moved into the trail: {error.strerror or error}.",
                        next="Give write access to that folder.",
                    ) from None
        return last

    def _is_new(self, path: Path) -> bool:
        try:
            return path.stat().st_size != self._drained.get(path.name)
        except OSError:
            return False

    def _carry(self, journal: Journal, paths: Sequence[Path], sealed: frozenset[str], chunk: int, between: Callable[[], None]) -> int:
        read = [read_segment(path) for path in paths]
        header = next((segment.header for segment in read if segment.header), None)
        if header is None:
            # A kernel killed while it made the file leaves it empty; anything longer is kept for people to look at.
            for segment in read:
                if segment.torn or segment.broken or segment.path.stat().st_size:
                    segment.path.rename(segment.path.with_suffix(".damaged"))
                elif time.time() - segment.path.stat().st_mtime > 60:
                    segment.path.unlink()
            return 0
        dead = is_dead(header.process)
        moved = last_moved(journal, header)
        records = list(_complete(read, header, dead))
        last = 0
        fresh = [record for record in records if record.number > moved]
        for start in range(0, len(fresh), chunk):
            if start:
                between()
            last = _append(journal, fresh[start : start + chunk], header)
        for segment in read:
            if segment.broken:
                segment.path.rename(segment.path.with_suffix(".damaged"))
            elif dead or segment.path.name in sealed:
                segment.path.unlink(missing_ok=True)
            else:
                self._drained[segment.path.name] = segment.path.stat().st_size if not segment.torn else -1
        return last


def _complete(read: Sequence[Segment], header: Header, dead: bool) -> Iterator[Record]:  # a fact about the owner, not a mode
    """The records in order, each number once, with one gap behind a segment that lost lines."""
    number = 0
    for segment in read:
        for record in segment.records:
            if record.number > number:
                number = record.number
                yield record
        problem = ""
        if segment.broken:
            problem = f"{segment.broken} lines of the spool {segment.path.name} were damaged; it is kept beside the others"
        elif segment.torn and dead:
            problem = f"the kernel ended while it wrote a line of its spool ({segment.torn} bytes)"
        if problem:
            number += 1
            yield gap(header, number, problem)


def gap(header: Header, number: int, problem: str) -> Record:
    """Say under `number` that something of this session could not be recorded."""
    payload = {"problem": problem, "session": header.session, "cell_id": "", "record": number}
    return Record(number=number, draft=Draft(action="recording.gap", subject=header.notebook, payload=payload))


def last_moved(journal: Journal, header: Header) -> int:
    """The highest record number of this session that the journal holds."""
    highest = 0
    for entry in journal.entries(after=header.after, subject=header.notebook):
        payload = entry.payload
        owner = payload.get("id") if entry.action == "session.started" else payload.get("session")
        number = payload.get("record")
        if owner == header.session and isinstance(number, int):
            highest = max(highest, number)
    return highest


def _append(journal: Journal, records: Sequence[Record], header: Header) -> int:
    """One transaction; a record that the trail refuses for its content is replaced by a gap that says so."""
    try:
        return journal.append([record.draft for record in records], actor=header.actor)[-1].seq
    except (ValueError, TypeError) as error:
        if len(records) > 1:
            return max(_append(journal, [record], header) for record in records)
        refused = gap(header, records[0].number, f"{records[0].draft.action} had no canonical form: {error}"[:400])
        return journal.append([refused.draft], actor=header.actor)[-1].seq


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold the folder's lock: one mover at a time, of all processes. The system frees it when its holder dies."""
    try:
        lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    except OSError as error:
        raise StorageProblem(
            f"What a kernel left in {folder} cannot be moved into the trail: {error.strerror}.", next="Give write access to that folder."
        ) from None
    _HELD.add(lock)
    try:
        _wait_for(lock, folder)
        yield
    finally:
        _HELD.discard(lock)
        with suppress(OSError):  # closing frees it as well
            fcntl.flock(lock, fcntl.LOCK_UN)
        os.close(lock)


def _wait_for(lock: int, folder: Path) -> None:
    until = time.monotonic() + PATIENCE
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > until:
                raise StorageProblem(f"Another process has been moving {folder} for {PATIENCE:g} s.", next="Try again.") from None
            time.sleep(0.005)  # flock has no wait with an end
        else:
            return


def _close_in_child() -> None:
    for lock in tuple(_HELD):
        with suppress(OSError):
            os.close(lock)
    _HELD.clear()


os.register_at_fork(after_in_child=_close_in_child)
