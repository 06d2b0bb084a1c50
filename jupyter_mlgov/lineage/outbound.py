"""The way of one session's records: into its spool at once, into the journal when the kernel rests."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from jupyter_mlgov.audit.entries import Draft
from jupyter_mlgov.audit.journal import Journal
from jupyter_mlgov.core.actors import Actor
from jupyter_mlgov.core.errors import MlgovError, StorageProblem
from jupyter_mlgov.lineage.ambient import our_work
from jupyter_mlgov.lineage.process import this_process
from jupyter_mlgov.lineage.spool import SUFFIX, Header, Record, Spools, encode_header, encode_record, gap

# Seconds without a new record before the thread moves what is there; many records are moved all the same.
QUIET = 0.2
MANY = 10_000
# The thread moves few records at a time and looks up between: a cell that runs comes first, and does not wait long for the interpreter.
CHUNK, PAUSE = 16, 0.02
MOST_WAITING = 5000
# Seconds before moving is tried again after it failed.
AGAIN = 1.0


class _CellsRun(Exception):
    """Cells run: moving ends here, to go on when the kernel rests."""


class Outbound:
    """write() returns when the operating system has the records; move() when the journal has them.

    Its own thread only moves. A forked child writes nothing.
    """

    def __init__(self, *, journal: Journal, folder: Path, session: str, notebook: str, actor: Actor) -> None:
        self._journal, self._spools, self._actor = journal, Spools(folder), actor
        self._session, self._notebook = session, notebook
        self._pid, self._process = os.getpid(), this_process()
        self._after = journal.head()[0]
        self._last = 0
        self._moved = 0
        self._segment = 0
        self._file = -1
        self._good = 0
        self._sealed: set[str] = set()
        self._waiting: list[bytes] = []
        self._lost = 0
        self._writing = threading.RLock()
        self._moving = threading.Lock()
        self._work = threading.Event()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self.problem: MlgovError | None = None
        _LIVE.add(self)

    @property
    def waiting(self) -> int:
        """Records that the operating system has not got: they would be lost with the kernel."""
        return len(self._waiting)

    def write(self, drafts: Sequence[Draft]) -> None:
        """Append to the spool. Raises ValueError or TypeError for what JSON cannot carry: then nothing is taken.

        Raises StorageProblem when the spool cannot be written: the drafts wait in memory and go with the next ones.
        """
        if os.getpid() != self._pid:
            return
        with self._writing:
            lines = [encode_record(Record(number=self._last + place, draft=draft)) for place, draft in enumerate(drafts, 1)]
            self._waiting += lines
            self._last += len(lines)
            self._bound()
            if self._waiting:
                self._put()
            if self._thread is None:
                self._thread = threading.Thread(target=self._keep_moving, name="mlgov-trail", daemon=True)
                self._thread.start()
        if not self._work.is_set():
            self._work.set()

    def move(self) -> None:
        """Move all that was written into the journal. Raises StorageProblem; what is in the spool stays there."""
        if os.getpid() == self._pid:
            self._move(500, lambda _: None)

    def close(self) -> None:
        """Move the rest and stop the thread. Raises StorageProblem; the next process that opens the workspace moves it then."""
        self._stop.set()
        self._work.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(timeout=10)
        try:
            if self._last:
                self.move()
        finally:
            with self._writing:
                self._seal()

    # -- inside -------------------------------------------------------------------------------------------------------

    def _move(self, chunk: int, rest: Callable[[int], None]) -> None:
        with self._moving:
            with self._writing:
                if self._waiting:
                    self._put()
                last = self._last
                self._seal()
            try:
                place = self._spools.drain(self._journal, sealed=frozenset(self._sealed), chunk=chunk, between=lambda: rest(last))
            except MlgovError as error:
                self.problem = error
                raise
            self.problem = None
            self._sealed = set()
            self._moved, self._after = last, max(self._after, place)

    def _put(self) -> None:
        """One write() for all that waits. What could be written only in part is taken back, so that no line is torn."""
        try:
            if self._file < 0:
                self._open()
            if self._lost:
                self._say_lost()
            content = b"".join(self._waiting)
            done = os.write(self._file, content)
            while done < len(content):
                done += os.write(self._file, content[done:])
        except OSError as error:
            self._take_back()
            raise StorageProblem(
                f"The spool {self._spools.folder} cannot be written: {error.strerror or error}.",
                next="Free some space, or give write access.",
            ) from None
        self._good += len(content)
        self._waiting = []

    def _say_lost(self) -> None:
        self._last += 1
        self._waiting.append(
            encode_record(gap(self._header, self._last, f"{self._lost} entries were lost: the spool could not be written"))
        )
        self._lost = 0

    def _open(self) -> None:
        folder = self._spools.folder
        folder.mkdir(mode=0o777, exist_ok=True)
        path = folder / f"{self._session}.{self._segment + 1:06d}{SUFFIX}"
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            head = encode_header(self._header)
            os.ftruncate(file, 0)
            if os.write(file, head) != len(head):
                raise OSError(28, "No space left on device")
        except OSError:
            os.close(file)
            with suppress(OSError):
                path.unlink()
            raise
        self._segment += 1
        self._file, self._good = file, len(head)

    @property
    def _header(self) -> Header:
        return Header(session=self._session, notebook=self._notebook, actor=self._actor, process=self._process, after=self._after)

    def _take_back(self) -> None:
        if self._file < 0:
            return
        try:
            os.ftruncate(self._file, self._good)
        except OSError:
            self._seal()  # the torn line is the last of its file, where it is known for what it is

    def _seal(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._sealed.add(f"{self._session}.{self._segment:06d}{SUFFIX}")
            self._file = -1

    def _bound(self) -> None:
        """Memory is bounded: the oldest lines but the first are given up; the next write that succeeds says how many."""
        over = len(self._waiting) - MOST_WAITING
        if over > 0:
            del self._waiting[1 : over + 1]
            self._lost += over

    def _keep_moving(self) -> None:
        with our_work():
            while not self._stop.is_set():
                self._work.wait()
                self._wait_for_quiet()
                if not self._stop.is_set():
                    self._work.clear()
                    self._move_on()

    def _move_on(self) -> None:
        try:
            self._move(CHUNK, self._while_quiet)
        except _CellsRun:
            self._work.set()
        except MlgovError:
            self._work.set()  # said by the cell's thread; tried again after a while
            self._stop.wait(AGAIN)
        except Exception as error:  # noqa: BLE001  # a thread that dies would stop the trail without a word
            self.problem = StorageProblem(f"Moving the record stumbled: {type(error).__name__}.", next="Run `mlgov doctor`.")
            self._stop.wait(AGAIN)

    def _wait_for_quiet(self) -> None:
        seen = -1
        while not self._stop.is_set() and seen != self._last and self._last - self._moved < MANY:
            seen = self._last
            self._stop.wait(QUIET)

    def _while_quiet(self, last: int) -> None:
        """Between two chunks: end for cells that ran since `last`, unless there is so much that it has to be moved beside them."""
        self._stop.wait(PAUSE)
        if self._last != last and self._last - self._moved < MANY and not self._stop.is_set():
            raise _CellsRun

    # -- a fork -------------------------------------------------------------------------------------------------------

    def hold(self) -> bool:
        """Wait for the mover, so that no transaction is open across the fork, and close idle connections. False: not held."""
        if self._pid != os.getpid() or not self._moving.acquire(timeout=2):
            return False
        self._journal.close()
        return True

    def go_on(self) -> None:
        """The fork is over, in the parent."""
        self._moving.release()

    def disown(self) -> None:
        """The fork is over, in the child: the file is the parent's."""
        if self._file >= 0:
            with suppress(OSError):
                os.close(self._file)
            self._file = -1


_LIVE: weakref.WeakSet[Outbound] = weakref.WeakSet()
_HELD: list[Outbound] = []


def _before_fork() -> None:
    _HELD.extend([outbound for outbound in tuple(_LIVE) if outbound.hold()])


def _after_fork_in_parent() -> None:
    while _HELD:
        _HELD.pop().go_on()


def _after_fork_in_child() -> None:
    _HELD.clear()
    for outbound in tuple(_LIVE):
        outbound.disown()


os.register_at_fork(before=_before_fork, after_in_parent=_after_fork_in_parent, after_in_child=_after_fork_in_child)
