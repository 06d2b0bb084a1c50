"""Measures big tables after their cell has returned and before any other code runs: the next cell waits for what is left.

A fingerprint is never taken of a table that code may be changing. Where that cannot be promised (threads, tasks and
widgets run code between cells), big tables are measured before the cell returns, like small ones.
"""

from __future__ import annotations

import re
import sys
import threading
from collections.abc import Callable

from jupyter_mlgov.lineage.ambient import our_work

# Tables and arrays of more bytes than this are measured later.
BIG = 4_000_000
NOT_YET = "not measured yet: the kernel ended before, or is still at it"

_CONCURRENT = re.compile(r"\b(await|async|asyncio|[Tt]hread\w*|concurrent|ipywidgets|Timer|joblib|dask|ray|display_id|comm)\b")
_CONCURRENT_LIBRARIES = ("ipywidgets", "dask", "distributed", "ray", "trio")


def runs_beside(code: str) -> bool:
    """May code of the user go on running after a cell with this text has returned?"""
    return bool(_CONCURRENT.search(code)) or any(name in sys.modules for name in _CONCURRENT_LIBRARIES)


class Later:
    """One piece of work at a time. settle() returns when it is done or given up; nothing given up is ever recorded."""

    def __init__(self) -> None:
        self._thread: threading.Thread | None = None
        self._given_up = threading.Event()
        self._writing = threading.Lock()

    def start(self, measure: Callable[[], Callable[[], None]], failed: Callable[[str], None]) -> None:
        """Run `measure` beside the kernel, then the writing it returns. `failed` is told, in a sentence, why there is nothing to write."""
        self.settle()
        self._given_up = given_up = threading.Event()

        def work() -> None:
            try:
                with our_work():
                    write = measure()
            except Exception as error:  # noqa: BLE001  # a thread has nobody to raise to: the record says what is missing
                problem, write = f"a table could not be measured ({type(error).__name__})", None
            with self._writing:
                if given_up.is_set():
                    return
                if write is None:
                    failed(problem)
                else:
                    write()

        self._thread = threading.Thread(target=work, name="mlgov-measure", daemon=True)
        self._thread.start()

    @property
    def busy(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def settle(self) -> None:
        """Wait for the work. An interrupt gives it up: what it measures from then on is not recorded, and the interrupt goes on."""
        thread = self._thread
        if thread is None:
            return
        try:
            thread.join()
        except BaseException:
            with self._writing:
                self._given_up.set()
            raise
        finally:
            self._thread = None
