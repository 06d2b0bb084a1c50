"""One version that may answer, with what vouches for it, and the threads it computes in."""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.rollout.serving.inputs import Contract, Rows

if TYPE_CHECKING:
    from numpy.typing import NDArray

THREADS = 4
# A computation where it is asked that took longer than this (seconds) was the last one there.
HELD = 0.1
# As many computations of one version may wait; one more is turned away at once, which is an answer too.
WAITING = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Vouched:
    """A version and what lets it answer: the decision's entry, the fingerprint of the model, the key that signed its files.

    `looked` are the sentences of what was checked before it was loaded; `traffic` is the most its approvals allow (1: all).
    """

    model: str
    version: str
    stage: str
    decision: Digest
    fingerprint: str
    key: str
    looked: tuple[str, ...] = ()
    traffic: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Computed:
    """Scores of rows (higher is favourable) and the points that each factor gave each of them; `silent` says why there are none."""

    scores: NDArray[Any]
    points: NDArray[Any] | None = None
    factors: tuple[str, ...] = ()
    base: float = 0.0
    silent: str = ""


class Predictor(Protocol):
    """Port: a model that was opened. `compute` may raise anything; who calls it takes that for a failure of the model."""

    @property
    def contract(self) -> Contract: ...

    @property
    def bounded(self) -> bool:
        """Its scores are probabilities."""
        ...

    @property
    def cacheable(self) -> bool:
        """Equal rows always get equal scores."""
        ...

    @property
    def brief(self) -> int:
        """So many rows are computed in a moment, by code that cannot hang: no thread is needed for them. 0: always one."""
        ...

    def compute(self, rows: Rows) -> Computed: ...


class InvalidOutput(Exception):
    """A score that cannot be: not a number, not finite, no probability, or not one a row."""


class Busy(Exception):
    """Too many computations wait for this version."""


def judged(computed: Computed, rows: int, *, bounded: bool) -> Computed:
    """`computed`, if it can be. Raises InvalidOutput."""
    import numpy as np

    scores = np.asarray(computed.scores)
    if scores.shape != (rows,):
        raise InvalidOutput(f"scores of shape {scores.shape} for {rows} rows")
    if scores.dtype.kind != "f" or not np.isfinite(scores).all():
        raise InvalidOutput("a score that is no finite number")
    if bounded and not ((scores >= 0.0) & (scores <= 1.0)).all():
        raise InvalidOutput("a probability outside 0..1")
    if computed.points is not None and (computed.points.shape != (rows, len(computed.factors)) or not np.isfinite(computed.points).all()):
        raise InvalidOutput("an explanation that is no finite number a factor")
    return computed


class Arm:
    """A loaded version. Its threads are daemons: one that hangs in a model keeps no process from ending."""

    def __init__(self, vouched: Vouched, predictor: Predictor) -> None:
        self.vouched, self.predictor = vouched, predictor
        self.inside = 0
        self.held = False
        self._jobs: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._threads = [threading.Thread(target=self._work, daemon=True, name=f"mlgov-model-{vouched.version}") for _ in range(THREADS)]
        for thread in self._threads:
            thread.start()

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            job()

    def close(self) -> None:
        """No more computations; those that run end by themselves."""
        for _ in self._threads:
            self._jobs.put(None)

    async def compute(self, rows: Rows, deadline: float, *, apart: bool = False) -> Computed:
        """The model's answer. Raises Busy, TimeoutError, InvalidOutput, or whatever the model raised. `apart`: in a thread in any case.

        What is brief is computed at once: handing it to a thread takes longer. Where that once held others up, threads do it from then on.
        """
        if rows.n <= self.predictor.brief and not apart and not self.held:
            return self._at_once(rows)
        if self.inside >= WAITING:
            raise Busy(f"{self.inside} computations wait")
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Computed] = loop.create_future()
        late = time.monotonic() + deadline

        def settle(found: Computed | None, error: BaseException | None) -> None:
            self.inside -= 1
            if future.done():
                return
            if error is not None:
                future.set_exception(error)
            elif found is not None:
                future.set_result(found)

        def job() -> None:
            found, failed = None, None
            try:
                if time.monotonic() > late:
                    raise TimeoutError("it waited too long")  # nobody waits for it any more: the work is spared
                found = judged(self.predictor.compute(rows), rows.n, bounded=self.predictor.bounded)
            except BaseException as error:  # noqa: BLE001 # a model may raise anything; whoever waits is told
                failed = error if not isinstance(error, StopIteration) else RuntimeError("the model raised StopIteration")
            try:
                loop.call_soon_threadsafe(settle, found, failed)
            except RuntimeError:  # the loop is closed: nobody waits
                return

        self.inside += 1
        self._jobs.put(job)
        async with asyncio.timeout(deadline):
            return await future

    def _at_once(self, rows: Rows) -> Computed:
        start = time.perf_counter()
        try:
            return judged(self.predictor.compute(rows), rows.n, bounded=self.predictor.bounded)
        finally:
            self.held = time.perf_counter() - start > HELD
