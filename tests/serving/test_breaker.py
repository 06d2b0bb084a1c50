"""Laws of the breaker, the cache and the split, for any history."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from jupyter_mlgov.rollout.serving.breaker import Breaker, BreakerRules, Position, admit, hold, record, release
from jupyter_mlgov.rollout.serving.cache import Cache
from jupyter_mlgov.rollout.serving.lineup import position

RULES = BreakerRules(window=10, least=4, share=0.5, rest=5.0, probes=2)
EVENTS = st.lists(st.tuples(st.sampled_from(["ask", "good", "bad", "hold", "release"]), st.floats(0, 4)), max_size=80)


@given(EVENTS)
def test_every_history_keeps_the_laws(events: list[tuple[str, float]]) -> None:
    now, breaker, probes = 0.0, Breaker(rules=RULES), 0
    for what, later in events:
        now += later
        before = breaker
        if what == "ask":
            breaker, may = admit(breaker, now)
            if before.position is Position.CLOSED:
                assert may
            if before.position is Position.OPEN and (before.held or now - before.since < RULES.rest):
                assert not may
                assert breaker == before
        elif what in ("good", "bad"):
            breaker = record(breaker, what == "good", now, "x")
            if before.position is Position.OPEN:
                assert breaker == before
            if before.position is Position.HALF_OPEN and what == "bad":
                assert breaker.position is Position.OPEN
            if what == "good":
                assert breaker.position is not Position.OPEN or before.position is Position.OPEN
                probes = probes + 1 if before.position is Position.HALF_OPEN else 0
                if before.position is Position.HALF_OPEN and breaker.position is Position.CLOSED:
                    assert breaker.recent == ()
        elif what == "hold":
            breaker = hold(breaker, now, "hand")
            assert admit(breaker, now + 1e9) == (breaker, False)
        else:
            breaker = release(breaker, now, "hand")
            assert admit(breaker, now)[1]
        assert len(breaker.recent) <= RULES.window


def test_it_opens_at_its_share_and_not_before_its_least() -> None:
    breaker = Breaker(rules=RULES)
    for _ in range(3):
        breaker = record(breaker, False, 0.0, "x")
    assert breaker.position is Position.CLOSED
    assert record(breaker, False, 0.0, "x").position is Position.OPEN
    assert record(replace(breaker, recent=(True,) * 7 + (False,) * 2), False, 0.0, "x").position is Position.CLOSED


def test_probes_are_counted_and_close_it() -> None:
    breaker = hold(Breaker(rules=RULES), 0.0, "x")
    breaker = replace(breaker, held=False)
    breaker, first = admit(breaker, 6.0)
    breaker, second = admit(breaker, 6.0)
    breaker, third = admit(breaker, 6.0)
    assert (first, second, third) == (True, True, False)
    breaker = record(record(breaker, True, 6.1), True, 6.2)
    assert breaker.position is Position.CLOSED


@given(st.lists(st.integers(0, 30), max_size=200), st.integers(0, 8))
def test_the_cache_is_bounded_and_gives_what_was_put(keys: list[int], most: int) -> None:
    cache: Cache[int] = Cache(most)
    for key in keys:
        found = cache.get(str(key))
        assert found in (None, key)
        cache.put(str(key), key)
        assert len(cache) <= most
        if most:
            assert cache.get(str(key)) == key


def test_places_are_sticky_uniform_and_new_for_each_canary() -> None:
    from scipy.stats import kstest

    names = [f"customer-{number}" for number in range(5000)]
    places = [position(name, "one") for name in names]
    assert places == [position(name, "one") for name in names]
    assert kstest(places, "uniform", args=(0, 100)).pvalue > 0.001
    others = [position(name, "two") for name in names]
    assert abs(sum(a < 5 and b < 5 for a, b in zip(places, others, strict=True)) - 12.5) < 20
