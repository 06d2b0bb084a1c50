"""Looks at a session's environment file by file, beside its cells: hundreds of files are not read before the first one."""

from __future__ import annotations

import sys
import threading
from contextlib import suppress
from pathlib import Path

from jupyter_mlgov.audit.entries import Draft
from jupyter_mlgov.core.errors import MlgovError
from jupyter_mlgov.core.facts import fields_of, plain
from jupyter_mlgov.lineage.ambient import our_work
from jupyter_mlgov.lineage.facts import Session, Step
from jupyter_mlgov.lineage.outbound import Outbound

PATIENCE = 30.0


class Description:
    """Writes `session.described` after the first cell, and once more after the first step that has NumPy: its BLAS is known then."""

    def __init__(self, *, outbound: Outbound, session: Session, cache: Path | None = None) -> None:
        self._outbound, self._session, self._cache = outbound, session, cache
        self._thread: threading.Thread | None = None
        self._told_blas = False

    def start(self, step: Step | None) -> None:
        """A cell has ended. Looks once, and once more when there is more to see."""
        numbers = step is not None and "numpy" in sys.modules and not self._told_blas
        if self._thread is not None and (self._thread.is_alive() or not numbers):
            return
        self._told_blas = "numpy" in sys.modules
        self._thread = threading.Thread(target=self._look, name="mlgov-environment", daemon=True)
        self._thread.start()

    def wait(self) -> None:
        """Until what is being looked at is written. A verdict rests on it."""
        if self._thread is not None:
            self._thread.join(PATIENCE)

    def _look(self) -> None:
        from jupyter_mlgov.lineage.environment import records
        from jupyter_mlgov.lineage.machine import machine

        try:
            with our_work():
                environment = {"records": records(self._cache), "machine": fields_of(machine())}
            payload = {"session": self._session.id, "environment": plain(environment)}
        except Exception as error:  # noqa: BLE001  # whatever cannot be read, the session goes on and the record says so
            payload = {
                "problem": f"the environment could not be looked at: {type(error).__name__}",
                "session": self._session.id,
                "cell_id": "",
            }
        action = "recording.gap" if "problem" in payload else "session.described"
        with suppress(MlgovError):  # it waits in memory, and the cell's thread says so
            self._outbound.write([Draft(action=action, subject=self._session.notebook, payload=payload)])
