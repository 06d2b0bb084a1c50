"""The canary's state machine: total, pure, and nothing unknown ever moves it on."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_mlgov.rollout.steps import Observation, Rollout, Route, State, beyond, next_state

MAYBE = st.sampled_from([None, True, False])
SEEN = st.builds(
    Observation,
    split_ok=MAYBE,
    harm=MAYBE,
    errors_double=MAYBE,
    proven=MAYBE,
    units=st.integers(0, 3000),
    hours=st.floats(0, 72),
    total=st.integers(0, 2_000_000),
    abort=st.booleans(),
    hold=st.booleans(),
)
CLEAR = Observation(split_ok=True, harm=False, errors_double=False, units=1000, hours=24)


@given(st.lists(SEEN, max_size=40))
def test_every_way_keeps_the_laws(seen: list[Observation]) -> None:
    now = Rollout(route=Route())
    for look in seen:
        after = next_state(now, look)
        assert after == next_state(now, look)
        clear = look.split_ok is True and look.harm is False and look.errors_double is False
        if now.state.ended:
            assert after == now
        if after.share > now.share:
            assert clear
            assert not look.abort
            assert after.step == now.step + 1 or after.state is State.PROMOTED
        if after.state is State.PROMOTED and now.state is not State.PROMOTED:
            assert clear
            assert look.proven is True
            assert now.share == 100
        if (look.abort or look.harm is True or look.split_ok is False or look.errors_double is True) and not now.state.ended:
            assert after.state is State.ABORTED
            assert after.share == 0
        now = after


def test_a_clear_canary_goes_all_the_way_and_is_promoted_on_proof_only() -> None:
    now, shares = Rollout(route=Route()), []
    for _ in range(6):
        now = next_state(now, CLEAR)
        shares.append(now.share)
    assert shares == [1, 5, 25, 50, 100, 100]
    assert now.state is State.CANARY
    assert (
        next_state(now, Observation(split_ok=True, harm=False, errors_double=False, units=1000, hours=24, proven=True)).state
        is State.PROMOTED
    )


def test_units_used_up_without_proof_end_undecided() -> None:
    now = Rollout(route=Route(), state=State.CANARY, step=2)
    ended = next_state(now, Observation(split_ok=True, harm=False, errors_double=False, total=1_000_000))
    assert ended.state is State.INCONCLUSIVE
    assert ended.share == 0


@pytest.mark.parametrize("steps", [(), (0, 100), (5, 5, 100), (1, 50), (50, 1, 100)])
def test_a_route_that_does_not_rise_to_all_is_refused(steps: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="Steps rise"):
        Route(steps=steps)


@pytest.mark.parametrize(
    ("state", "known"), [(State.CANARY, None), (State.PROMOTED, True), (State.ABORTED, False), (State.INCONCLUSIVE, False)]
)
def test_a_cluster_at_the_full_share_is_told_how_the_canary_ended(state: State, known: bool | None) -> None:
    """`mlgov canary look --rollout --share 100` looks until it is closed: it could never be told that it was."""
    assert beyond(Rollout(route=Route(), state=state, step=len(Route().steps) - 1), 100) is known
