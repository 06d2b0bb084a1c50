"""Validators in this process: plainly, or watched where the table lives on a connection that no other process can have."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

from jupyter_mlgov.validation.checks import Check
from jupyter_mlgov.validation.needs import Look, look
from jupyter_mlgov.validation.results import CheckResult, Unchecked
from jupyter_mlgov.validation.running import run, stopped
from jupyter_mlgov.validation.subjects import Subject
from jupyter_mlgov.validation.warehouse import Warehouse

Told = CheckResult | Unchecked
Ask = tuple[Check, Mapping[str, object]]
Begun = Callable[[str], object]
GRACE = 5.0  # seconds a query has to end once it was told to


class Here:
    """Runs checks in this process, in the caller's thread: for validators under test. No limit on time."""

    def __init__(self, subject: Subject) -> None:
        self._subject = subject
        self._looked: list[Look | None] = []

    def run(self, check: Check, values: Mapping[str, object]) -> Told:
        if not self._looked:
            self._looked.append(look(self._subject))
        return run(check, self._subject, values, self._looked[0])

    def run_all(self, asks: Sequence[Ask], begun: Begun) -> Mapping[str, Told]:
        found = {}
        for check, values in asks:
            begun(check.id)
            found[check.id] = self.run(check, values)
        return found

    def close(self) -> object:
        """Nothing was opened."""


class Watched(Here):
    """Runs checks beside the caller's thread, each no longer than its limit: for tables on somebody's own connection.

    A thread cannot be killed. What is past its limit is `error`, its query is cancelled where the connection can do that, and it is left
    behind; as long as it goes on the connection is its own, so every later check is `error` too and says which one it waited for.
    """

    def __init__(self, subject: Subject) -> None:
        super().__init__(subject)
        self._thread: threading.Thread | None = None
        self._asked: queue.SimpleQueue[Ask | None] = queue.SimpleQueue()
        self._answers: queue.SimpleQueue[Told | BaseException] = queue.SimpleQueue()
        self._left_behind: tuple[str, threading.Thread] | None = None

    def run(self, check: Check, values: Mapping[str, object]) -> Told:
        if self._left_behind and self._left_behind[1].is_alive():
            why = f"{check.id} was not run: the connection is still busy with {self._left_behind[0]}, which was told to stop."
            return stopped(check, self._subject, values, why)
        self._started()
        self._asked.put((check, values))
        try:
            told = self._answers.get(timeout=check.timeout)
        except queue.Empty:
            self._abandon(check)
            return stopped(check, self._subject, values, f"{check.id} ran longer than {check.timeout:g} s and was stopped.")
        except BaseException:  # an interrupt: nobody waits for the query any longer
            self._abandon(check)
            raise
        if isinstance(told, BaseException):
            raise told
        return told

    def close(self) -> object:
        self._asked.put(None)
        self._thread = None
        return None

    def _started(self) -> None:
        if self._thread is not None:
            return
        self._asked, self._answers = queue.SimpleQueue(), queue.SimpleQueue()
        self._looked = []  # what a cancelled question saw is not what is there
        self._thread = threading.Thread(target=self._serve, args=(self._asked, self._answers), daemon=True)
        self._thread.start()

    def _serve(self, asked: queue.SimpleQueue[Ask | None], answers: queue.SimpleQueue[Told | BaseException]) -> None:
        while (ask := asked.get()) is not None:
            try:
                answers.put(Here.run(self, *ask))
            except BaseException as error:  # noqa: BLE001  # it belongs to the caller's thread
                answers.put(error)

    def _abandon(self, check: Check) -> None:
        thread, self._thread = self._thread, None
        self._asked.put(None)
        for source in (self._subject.source, self._subject.reference_source):
            _cancel(source)
        if thread is not None:
            thread.join(GRACE)
            self._left_behind = (check.id, thread)


def _cancel(source: object) -> None:
    """Tell the connection behind a table to give up its query, where it can be told."""
    if isinstance(source, Warehouse):
        deed: object = source.cancel
    else:
        connection = None
        with suppress(Exception):  # a table without a connection, or a backend of another make
            connection = getattr(source.get_backend(), "con", None)  # type: ignore[attr-defined]  # ibis ships no types
        deed = getattr(connection, "interrupt", None) or getattr(connection, "cancel", None)
    if callable(deed):
        with suppress(Exception):  # what cannot be cancelled is left behind all the same
            deed()
