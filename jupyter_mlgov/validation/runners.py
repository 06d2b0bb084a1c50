"""Where validators run: in processes of their own that can be killed, two side by side, or in this one."""

from __future__ import annotations

import json
import os
import pickle
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Protocol

from jupyter_mlgov.core.facts import plain
from jupyter_mlgov.core.restoring import Unreadable, restore
from jupyter_mlgov.validation.checks import Check
from jupyter_mlgov.validation.here import Ask, Begun, Here, Told, Watched
from jupyter_mlgov.validation.results import CheckResult, Unchecked
from jupyter_mlgov.validation.running import stopped
from jupyter_mlgov.validation.subjects import Subject
from jupyter_mlgov.validation.worker import READY


class Runner(Protocol):
    """Port: runs checks on the subject it was made for. Never raises for what a validator does.

    `run_all` gives the answers by id; `begun` is told each id when its turn comes, in the caller's thread.
    """

    def run_all(self, asks: Sequence[Ask], begun: Begun) -> Mapping[str, Told]: ...

    def close(self) -> object: ...


class Ended(Exception):  # what happened, not an error; it never leaves this module
    """A runner that was closed was asked once more."""


class Apart:
    """Runs installed checks in a worker process. One that hangs past its limit is killed with it, and the next starts anew."""

    def __init__(self, subject: Subject) -> None:
        self._subject = subject
        self._process: subprocess.Popen[bytes] | None = None
        self._lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._turn = threading.Lock()  # a worker is not ended while it starts: it would be forgotten
        self._ended = False

    def run(self, check: Check, values: Mapping[str, object]) -> Told:
        fresh = self._process is None
        try:
            process = self._started()
            if fresh and self._lines.get(timeout=_START) != READY:
                return self._told(check, values, b"")
            question = {"id": check.id, "parameters": {name: _asked(value) for name, value in values.items()}}
            _write(process, json.dumps(question).encode() + b"\n")
            line = self._lines.get(timeout=check.timeout)
        except queue.Empty:
            self.close()
            return stopped(check, self._subject, values, f"{check.id} ran longer than {check.timeout:g} s and was stopped.")
        except BaseException:
            self.close()
            raise
        return self._told(check, values, line)

    def _told(self, check: Check, values: Mapping[str, object], line: bytes) -> Told:
        if not line:
            code = self.close()
            why = "it was killed, as when memory runs out" if code == -signal.SIGKILL else f"exit code {code}"
            return stopped(check, self._subject, values, f"The process of {check.id} ended without an answer ({why}).")
        try:
            answer = json.loads(line)
            told: Told = restore(CheckResult, answer["result"], "") if "result" in answer else restore(Unchecked, answer["unchecked"], "")
        except (ValueError, KeyError, TypeError, Unreadable) as problem:
            return stopped(check, self._subject, values, f"The answer of {check.id} cannot be read: {problem}")
        return told

    def _started(self) -> subprocess.Popen[bytes]:
        with self._turn:
            if self._process is not None:
                return self._process
            if self._ended:
                raise Ended
            path = os.pathsep.join(filter(None, sys.path))
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "jupyter_mlgov.validation.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={**os.environ, "PYTHONPATH": path},
                start_new_session=True,  # an interrupt in the terminal is ours to pass on; killing the group takes its children too
            )
            self._lines = queue.SimpleQueue()
            process = self._process
            threading.Thread(target=_read, args=(process, self._lines), daemon=True).start()
        subject = pickle.dumps(self._subject)
        _write(process, len(subject).to_bytes(8, "big") + subject)
        return process

    def close(self) -> int | None:
        """End the worker, if there is one, and say how it ended."""
        with self._turn:
            process, self._process = self._process, None
        if process is None:
            return None
        code = process.poll()
        if code is None:
            _kill(process)
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe:
                try:
                    pipe.close()
                except OSError:  # what was still to be written to a dead process
                    continue
        return process.returncode

    def end(self) -> None:
        """End the worker, and start no other."""
        self._ended = True
        self.close()

    @property
    def running(self) -> bool:
        return self._process is not None

    def __enter__(self) -> Apart:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


class SideBySide:
    """Runs installed checks in up to `LANES` worker processes at once. Which lane answers first changes no answer and no order."""

    def __init__(self, subject: Subject, lanes: int = 0) -> None:
        self.lanes = tuple(Apart(subject) for _ in range(lanes or min(LANES, _processors())))
        self._stopped = threading.Event()

    def run_all(self, asks: Sequence[Ask], begun: Begun) -> Mapping[str, Told]:
        waiting = iter(asks)
        turn = threading.Lock()
        told: queue.SimpleQueue[tuple[str, Told | BaseException | None]] = queue.SimpleQueue()

        def work(lane: Apart) -> None:
            while not self._stopped.is_set():
                with turn:
                    ask = next(waiting, None)
                if ask is None:
                    return
                told.put((ask[0].id, None))
                try:
                    told.put((ask[0].id, lane.run(*ask)))
                except BaseException as error:  # noqa: BLE001  # it belongs to the caller's thread
                    told.put((ask[0].id, error))
                    return

        # A process costs a second to start: the second one must have something to do.
        threads = [threading.Thread(target=work, args=(lane,), daemon=True) for lane in self.lanes[: max(1, len(asks) // AT_LEAST)]]
        for thread in threads:
            thread.start()
        try:
            return _gathered(len(asks), told, begun)
        except BaseException:
            self.close()
            raise
        finally:
            for thread in threads:
                thread.join()

    def close(self) -> None:
        """End all workers; what they were asked has no answer."""
        self._stopped.set()
        for lane in self.lanes:
            lane.end()


def _gathered(number: int, told: queue.SimpleQueue[tuple[str, Told | BaseException | None]], begun: Begun) -> Mapping[str, Told]:
    found: dict[str, Told] = {}
    while len(found) < number:
        name, answer = told.get()
        if isinstance(answer, BaseException):
            raise answer
        if answer is None:
            begun(name)
        else:
            found[name] = answer
    return found


LANES = 2
AT_LEAST = 3  # checks a lane


def _processors() -> int:
    """Those this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # only Linux says
        return os.cpu_count() or 1


_START = 60.0  # imports on a cold disk; not the validator's fault


def runner_for(subject: Subject, *, installed: bool) -> Runner:
    """Side by side for installed validators and a subject that can be handed over; watched where a table is on a connection; else here."""
    if subject.source is not None or subject.reference_source is not None:
        return Watched(subject)
    return SideBySide(subject) if installed else Here(subject)


def _write(process: subprocess.Popen[bytes], content: bytes) -> None:
    try:
        if process.stdin:
            process.stdin.write(content)
            process.stdin.flush()
    except (BrokenPipeError, OSError):  # it died; the reader will see the end of its answers
        return


def _read(process: subprocess.Popen[bytes], lines: queue.SimpleQueue[bytes]) -> None:
    try:
        for line in process.stdout or ():
            lines.put(line)
    except (OSError, ValueError):  # closed while we read: it is being killed
        pass
    process.wait()
    lines.put(b"")


def _kill(process: subprocess.Popen[bytes]) -> None:
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (AttributeError, ProcessLookupError, PermissionError):  # no groups on this system, or it ended a moment ago
        process.kill()


def _asked(value: object) -> object:
    """A parameter as JSON; Check.parameter() on the other side gives it its type again."""
    return plain(value) if isinstance(value, (bool, int, float, str, tuple, list)) else str(value)
