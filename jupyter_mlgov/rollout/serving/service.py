"""One served model: from a decoded request to its answer. No HTTP here, and no model's own library."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from jupyter_mlgov.core.clock import Clock
from jupyter_mlgov.core.errors import NotReady
from jupyter_mlgov.rollout.serving.arms import Arm, Computed
from jupyter_mlgov.rollout.serving.breaker import Breaker, Position, admit, hold, record, release
from jupyter_mlgov.rollout.serving.cache import Cache
from jupyter_mlgov.rollout.serving.inputs import Rows, read
from jupyter_mlgov.rollout.serving.lineup import Lineup, bucketed, chosen, position
from jupyter_mlgov.rollout.serving.protocol import BadRequest, InferRequest
from jupyter_mlgov.rollout.serving.reasons import Reason, top
from jupyter_mlgov.rollout.serving.records import Prediction, PredictionLog, Served
from jupyter_mlgov.rollout.serving.rules import ServingRules


class Unavailable(NotReady):
    """Nobody may answer, or can. HTTP 503, with the reason; never an answer by a model that must not give one."""


class Meter(Protocol):
    """Port: what is counted. Every call takes microseconds."""

    def answered(self, arm: str, version: str, seconds: float, rows: int, *, cached: bool) -> None: ...

    def failed(self, arm: str, version: str, kind: str) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What stays the same while a model is served: its rules, words, cut-off and how it is written down.

    `cutoff`: a score under it is adverse; None: nobody said, and no answer is called adverse. `routed`: others split the traffic, and only
    they know where an entity stands; `bucket` is the header in which they say it (00 to 99), empty: they do not.
    """

    model: str
    rules: ServingRules
    words: Mapping[str, str] = field(default_factory=dict)
    cutoff: float | None = None
    routed: bool = False
    bucket: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """One answer: which arm gave it, its scores, what is adverse, and the reasons of each row."""

    request: InferRequest
    rows: Rows
    arm: Served
    source: Arm
    computed: Computed
    adverse: tuple[bool, ...] | None
    reasons: tuple[tuple[Reason, ...], ...]
    identity: str
    cached: bool


# (what happened, its facts): put into the trail by whoever composes the service.
Tell = Callable[[str, Mapping[str, object]], None]


class Service:
    """The desk of one model. All methods run in one event loop; computations run in the threads of the arms."""

    def __init__(self, terms: Terms, *, clock: Clock, meter: Meter, log: PredictionLog | None, tell: Tell) -> None:
        self.terms, self.log = terms, log
        self.lineup = Lineup()
        self.breaker = Breaker(rules=terms.rules.breaker)
        self.blind = ""
        self.inside = 0
        self.since = {"answered": 0, "failed": 0}  # by the champion, since it became champion
        self._clock, self._meter, self._tell = clock, meter, tell
        self._cache: Cache[Computed] = Cache(terms.rules.cache)
        self._shadows: set[asyncio.Task[None]] = set()

    # -- who answers --------------------------------------------------------------------------------------------------

    def place(self, lineup: Lineup) -> None:
        """Put another lineup on the field, at once and whole. What is being computed ends with the one it began with."""
        before, self.lineup = self.lineup, lineup
        versions = tuple(arm.vouched.version for arm in lineup.arms)
        if versions != tuple(arm.vouched.version for arm in before.arms):
            self._cache.clear()
        if before.champion is not lineup.champion:
            self.breaker = release(self.breaker, time.monotonic(), "another version answers")
            self.since = {"answered": 0, "failed": 0}
        for arm in before.arms:
            if arm not in lineup.arms:
                arm.close()

    def refusal(self) -> str:
        """Why nobody may be answered now; empty where somebody may."""
        if self.lineup.killed:
            return f"{self.terms.model} is stopped by its kill switch: {self.lineup.killed}"
        if self.blind:
            return self.blind
        if self.lineup.champion is None and self.lineup.baseline is None:
            return f"No version of {self.terms.model} may answer."
        if self.log is not None and self.log.full and self.terms.rules.unlogged == "refuse":
            return f"{self.terms.model} does not answer what it cannot write down: {self.log.problem or 'the log is full'}."
        return ""

    def unready(self) -> str:
        """Why this replica should get no traffic; stricter than refusal(): a log that does not take, or a baseline in the model's place."""
        said = self.refusal()
        if said:
            return said
        if self.log is not None and self.log.problem:
            return self.log.problem
        if self.breaker.position is Position.OPEN and self.lineup.baseline is None:
            return f"the breaker is open ({self.breaker.why}), and there is no baseline"
        return "" if self.lineup.champion is not None else f"Only the baseline of {self.terms.model} is loaded."

    # -- the breaker --------------------------------------------------------------------------------------------------

    def trip(self, why: str) -> None:
        """Open the breaker by hand or by an alarm; release() closes it."""
        self._switch(hold(self.breaker, time.monotonic(), why))

    def untrip(self, why: str) -> None:
        """Close the breaker by order."""
        self._switch(release(self.breaker, time.monotonic(), why))

    def _switch(self, after: Breaker) -> None:
        before, self.breaker = self.breaker, after
        if before.position is not after.position:
            baseline = self.lineup.baseline.vouched.version if self.lineup.baseline else ""
            version = self.lineup.champion.vouched.version if self.lineup.champion else ""
            facts = {"was": before.position.value, "now": after.position.value, "why": after.why, "version": version, "baseline": baseline}
            self._tell("breaker.switched", facts)

    # -- one request --------------------------------------------------------------------------------------------------

    async def answer(self, request: InferRequest, *, entity: str = "", version: str = "", bucket: str = "") -> Answered:
        """The answer. Raises BadRequest for what the model cannot read, Unavailable where nobody may or can answer.

        `version`: only this one may give it; nobody stands in. `bucket`: what the router says, where one splits the traffic.
        """
        lineup = self.lineup  # this request sees this lineup and no other
        said = self.refusal()
        if said:
            raise Unavailable(said, next="See GET /mlgov/status, and `mlgov status` where the workspace is.")
        start, self.inside = time.perf_counter(), self.inside + 1
        try:
            found = await self._answered(lineup, request, (entity, bucket), version, start)
            if self.lineup.killed:  # the switch was thrown while it computed
                raise Unavailable(self.refusal())
            return found
        finally:
            self.inside -= 1

    async def _answered(self, lineup: Lineup, request: InferRequest, who: tuple[str, str], version: str, start: float) -> Answered:
        first = lineup.champion or lineup.baseline
        assert first is not None  # noqa: S101 # refusal() was asked
        rows = read(request, first.predictor.contract)
        entity = who[0] or self._entity(request, rows)
        place = None
        if entity and lineup.canary:
            place = bucketed(who[1]) if self.terms.routed else position(entity, lineup.canary)
        identity = request.id or secrets.token_hex(16)
        mark = {
            "pod": lineup.pod,
            "request": identity,
            "rows": rows,
            "canary": lineup.canary,
            "step": lineup.step,
            "entity": entity,
            "position": place,
        }
        computed, cached, arm, source = None, False, *_first(lineup, place, version)
        if source is not None:
            computed, cached = await self._tried(source, arm, rows, mark, start)
        if computed is None and arm == "challenger" and not version and lineup.champion is not None:
            arm, source = (
                "champion",
                lineup.champion,
            )  # a challenger that breaks harms nobody: the champion answers, and it counts as an error
            computed, cached = await self._tried(source, arm, rows, mark, start)
        if computed is None:
            if version:
                raise Unavailable(f"Version {version} of {self.terms.model} cannot answer now, and no other was asked.")
            arm, source, cached = "baseline", lineup.baseline, False
            computed = await self._fallback(source, rows, mark, start)
        assert source is not None  # noqa: S101 # _fallback() raised otherwise
        adverse = self._adverse(computed)
        self._wrote(arm, source, computed, adverse, cached, mark, start)
        if arm == "champion" and lineup.shadow and lineup.challenger is not None and self._may_shadow(lineup.challenger):
            task = asyncio.ensure_future(self._shadow(lineup.challenger, rows, mark))
            self._shadows.add(task)
            task.add_done_callback(self._shadows.discard)
        return Answered(
            request=request,
            rows=rows,
            arm=arm,
            source=source,
            computed=computed,
            adverse=adverse,
            reasons=tuple(self.reasons(computed, adverse, row, self.terms.rules.reasons) for row in range(rows.n)),
            identity=identity,
            cached=cached,
        )

    async def _tried(self, source: Arm, arm: Served, rows: Rows, mark: Mapping[str, Any], start: float) -> tuple[Computed | None, bool]:
        """The arm's answer, from the cache or fresh; None where it failed or may not be asked. A failure is written down."""
        guarded = arm == "champion"
        keeps = source.predictor.cacheable and self._cache.most > 0
        may = True
        if guarded and (self.breaker.position is not Position.CLOSED):
            after, may = admit(self.breaker, time.monotonic())
            self._switch(after)
        if not may:
            return None, False
        key = f"{source.vouched.fingerprint} {rows.digest()}" if keeps else ""
        found = self._cache.get(key) if keeps else None
        if found is not None and not (guarded and self.breaker.position is Position.HALF_OPEN):
            return found, True
        begun = time.perf_counter()
        try:
            computed = await source.compute(rows, self.terms.rules.deadline)
        except asyncio.CancelledError:
            raise
        except BaseException as error:  # noqa: BLE001 # a model may raise anything, and the baseline answers
            why = f"{type(error).__name__}: {' '.join(str(error).split())[:160]}".rstrip(": ")
            self._failed(source, arm, type(error).__name__, why, mark, start)
            if guarded:
                self._switch(record(self.breaker, False, time.monotonic(), why))
            return None, False
        took = time.perf_counter() - begun
        if guarded:
            slow = took > self.terms.rules.breaker.slow
            self._switch(record(self.breaker, not slow, time.monotonic(), f"{took:.3g} s, allowed {self.terms.rules.breaker.slow:g} s"))
        if keeps:
            self._cache.put(key, computed)
        return computed, False

    async def _fallback(self, baseline: Arm | None, rows: Rows, mark: Mapping[str, Any], start: float) -> Computed:
        if baseline is None:
            raise Unavailable(
                f"{self.terms.model} cannot answer now, and no baseline stands in.", next="Name one: `baseline` under [serving]."
            )
        shown = rows
        if baseline.predictor.contract.names != tuple(rows.columns):
            lacking = [name for name in baseline.predictor.contract.names if name not in rows.columns]
            if lacking:
                raise Unavailable(
                    f"{self.terms.model} cannot answer now, and its baseline reads {lacking[0]!r}, which the request has not got."
                )
            shown = Rows(n=rows.n, columns={name: rows.columns[name] for name in baseline.predictor.contract.names}, also=rows.also)
        try:
            return await baseline.compute(shown, self.terms.rules.deadline)
        except asyncio.CancelledError:
            raise
        except BaseException as error:  # noqa: BLE001 # as above
            self._failed(baseline, "baseline", type(error).__name__, f"{type(error).__name__}: {error}"[:200], mark, start)
            raise Unavailable(f"Neither {self.terms.model} nor its baseline can answer now.") from None

    def _may_shadow(self, challenger: Arm) -> bool:
        return challenger.inside < 64  # a slow challenger must not eat the champion's machine; what it left out is not counted as seen

    async def _shadow(self, challenger: Arm, rows: Rows, mark: Mapping[str, Any]) -> None:
        start = time.perf_counter()
        try:
            computed = await challenger.compute(rows, self.terms.rules.deadline, apart=True)  # no champion's answer waits for it
        except asyncio.CancelledError:
            raise
        except BaseException as error:  # noqa: BLE001 # as above
            self._failed(challenger, "shadow", type(error).__name__, f"{type(error).__name__}: {error}"[:200], mark, start)
            return
        self._wrote("shadow", challenger, computed, self._adverse(computed), False, mark, start)

    # -- what an answer says ------------------------------------------------------------------------------------------

    def _entity(self, request: InferRequest, rows: Rows) -> str:
        """Who the request is about: the parameter `entity`, or the column that mlgov.toml names; nobody where rows are about several."""
        said = request.text("entity")
        name = self.terms.rules.entity
        if said or not name:
            return said[:256]
        if name in rows.also:
            values = {str(value) for value in rows.also[name]}
        elif name in rows.columns:
            values = {str(value) for value in rows.columns[name].tolist()}
        else:
            return request.text(name)[:256]
        return values.pop()[:256] if len(values) == 1 else ""

    def _adverse(self, computed: Computed) -> tuple[bool, ...] | None:
        cutoff = self.terms.cutoff
        return None if cutoff is None else tuple(score < cutoff for score in computed.scores.tolist())

    def reasons(self, computed: Computed, adverse: tuple[bool, ...] | None, row: int, most: int) -> tuple[Reason, ...]:
        """The strongest reasons of a row, in words where it is adverse."""
        return top(computed, row, most, self.terms.words, adverse=adverse[row] if adverse is not None else None)

    def _failed(self, source: Arm, arm: Served, kind: str, why: str, mark: Mapping[str, Any], start: float) -> None:
        self._meter.failed(arm, source.vouched.version, kind)
        self.since["failed"] += source is self.lineup.champion
        if self.log is not None:
            seconds = time.perf_counter() - start
            self.log.add(
                Prediction(
                    moment=self._clock.now(),
                    version=source.vouched.version,
                    seconds=seconds,
                    scores=None,
                    problem=why,
                    **_marked(arm, mark),
                )
            )

    def _wrote(
        self,
        arm: Served,
        source: Arm,
        computed: Computed,
        adverse: tuple[bool, ...] | None,
        cached: bool,
        mark: Mapping[str, Any],
        start: float,
    ) -> None:
        seconds = time.perf_counter() - start
        version = source.vouched.version
        self._meter.answered(arm, version, seconds, mark["rows"].n, cached=cached)
        self.since["answered"] += source is self.lineup.champion
        if self.log is not None:
            scores = tuple(computed.scores.tolist())
            self.log.add(
                Prediction(
                    moment=self._clock.now(),
                    version=version,
                    seconds=seconds,
                    scores=scores,
                    adverse=adverse,
                    cached=cached,
                    **_marked(arm, mark),
                )
            )

    async def drained(self) -> None:
        """Wait for the shadows that still compute."""
        if self._shadows:
            await asyncio.gather(*self._shadows, return_exceptions=True)

    def close(self) -> bool:
        """The arms' threads end and the log's last batch is written. False where predictions were lost."""
        for arm in self.lineup.arms:
            arm.close()
        return self.log.close() if self.log is not None else True


def _marked(arm: Served, mark: Mapping[str, Any]) -> dict[str, Any]:
    """What the log says of an answer: the champion of a pinned replica goes by what its version is in the canary."""
    told = dict(mark)
    pod = told.pop("pod")
    return {**told, "arm": pod if arm == "champion" else arm}


def _first(lineup: Lineup, place: float | None, version: str) -> tuple[Served, Arm | None]:
    """Who is asked first. Raises Unavailable for a version that is not on the field."""
    if not version:
        return ("challenger", lineup.challenger) if chosen(lineup, place) == "challenger" else ("champion", lineup.champion)
    named: tuple[tuple[Served, Arm | None], ...] = (("champion", lineup.champion), ("baseline", lineup.baseline))
    for arm, source in named:
        if source is not None and source.vouched.version == version:
            return arm, source
    raise Unavailable(f"Version {version} does not answer here now.")


__all__ = ["Answered", "BadRequest", "Meter", "Service", "Terms", "Unavailable"]
