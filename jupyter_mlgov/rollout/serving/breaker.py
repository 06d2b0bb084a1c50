"""The circuit breaker: pure, total, with the time handed in. Closed, the model answers; open, the baseline does; half-open, probes try.

Nygard 2007, "Release It!", chapter 5; the words are his.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum


class Position(StrEnum):
    """Where the switch stands."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half-open"


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerRules:
    """Opens when, of the last `window` answers (at least `least` of them), the share `share` failed. A failure is an error, an answer
    slower than `slow` seconds, or an invalid output. It stays open for `rest` seconds; then `probes` good answers in a row close it.
    """

    window: int = 20
    least: int = 5
    share: float = 0.5
    slow: float = 1.0
    rest: float = 30.0
    probes: int = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Breaker:
    """One breaker. `since` is on a monotonic clock, in seconds; `held`: opened by hand or by an alarm, and only an order closes it."""

    rules: BreakerRules
    position: Position = Position.CLOSED
    since: float = 0.0
    recent: tuple[bool, ...] = ()
    good: int = 0
    asked: int = 0
    held: bool = False
    why: str = ""


def admit(breaker: Breaker, now: float) -> tuple[Breaker, bool]:
    """(breaker after the question, may the model answer this request). Half-open, `probes` requests at a time are let through."""
    if breaker.position is Position.OPEN:
        if breaker.held or now - breaker.since < breaker.rules.rest:
            return breaker, False
        breaker = replace(breaker, position=Position.HALF_OPEN, since=now, good=0, asked=0, why="its rest is over; probes try it")
    if breaker.position is Position.HALF_OPEN:
        if breaker.asked >= breaker.rules.probes and now - breaker.since < breaker.rules.rest:
            return breaker, False
        fresh = breaker.asked if breaker.asked < breaker.rules.probes else 0  # probes that never came back are tried again
        return replace(breaker, asked=fresh + 1, since=now if fresh == 0 else breaker.since), True
    return breaker, True


def record(breaker: Breaker, good: bool, now: float, why: str = "") -> Breaker:
    """After one answer of the model. Laws: an open breaker stays open; one bad probe opens it again; only `probes` good ones close it."""
    rules = breaker.rules
    if breaker.position is Position.OPEN:
        return breaker
    if breaker.position is Position.HALF_OPEN:
        if not good:
            return replace(breaker, position=Position.OPEN, since=now, good=0, asked=0, why=f"a probe failed: {why}")
        if breaker.good + 1 >= rules.probes:
            return replace(
                breaker, position=Position.CLOSED, since=now, recent=(), good=0, asked=0, why=f"{rules.probes} probes in a row were good"
            )
        return replace(breaker, good=breaker.good + 1)
    if good and (not breaker.recent or all(breaker.recent)) and len(breaker.recent) == rules.window:
        return breaker  # nothing changes, which is nearly always
    recent = (*breaker.recent[-(rules.window - 1) :], good) if rules.window > 1 else (good,)
    failed = recent.count(False)
    if not good and len(recent) >= rules.least and failed >= rules.share * len(recent):
        said = f"{failed} of the last {len(recent)} answers failed: {why}"
        return replace(breaker, position=Position.OPEN, since=now, recent=recent, good=0, asked=0, why=said)
    return replace(breaker, recent=recent)


def hold(breaker: Breaker, now: float, why: str) -> Breaker:
    """Open by order or by an alarm, until somebody closes it."""
    return replace(breaker, position=Position.OPEN, since=now, held=True, good=0, asked=0, why=why)


def release(breaker: Breaker, now: float, why: str) -> Breaker:
    """Closed by order; what was seen before is forgotten."""
    return Breaker(rules=breaker.rules, since=now, why=why)
