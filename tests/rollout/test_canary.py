"""A canary's statistics as they are used in traffic: units, steps, guards, labels; type I error, power, and traps."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_mlgov.core.facts import fields_of
from jupyter_mlgov.core.restoring import restore
from jupyter_mlgov.rollout.canary.counts import Counts, GuardCount, LabelCount, StepCount, count
from jupyter_mlgov.rollout.canary.evidence import coin, holm, over_steps
from jupyter_mlgov.rollout.canary.judging import Before, judge
from jupyter_mlgov.rollout.canary.plan import CanaryPlan, Primary
from jupyter_mlgov.rollout.sequential import Arm, msprt, paired
from jupyter_mlgov.rollout.serving.lineup import position
from jupyter_mlgov.rollout.steps import Rollout, Route, State

PLAN = CanaryPlan(model="m", stage="production", champion="1", challenger="2", route=Route(units=100, hours=1))
SHARES = (0, 1, 5, 25, 50)
SEED = 20261124


def step(number: int, guards: dict[str, tuple[tuple[int, int], tuple[int, int]]], paired_: bool = False) -> StepCount:
    low, high = (0, 0) if number < 0 else (SHARES[number], SHARES[number + 1])
    made = tuple(
        GuardCount(guard=name, champion=Arm(n=one[0], events=one[1]), challenger=Arm(n=other[0], events=other[1]), paired=paired_)
        for name, (one, other) in guards.items()
    )
    first = made[0]
    weights = (1.0, 1.0) if number < 0 else (100.0 - high, float(high - low))
    return StepCount(step=number, units=(first.champion.n, first.challenger.n), weights=weights, guards=made)


# -- evidence ---------------------------------------------------------------------------------------------------------


def test_msprt_of_one_step_is_the_published_formula() -> None:
    """Oracle msprt-value of the catalogue is tested in test_sequential; here that a guard is exactly that test, with tau = MDE."""
    one, other = Arm(n=4000, events=400), Arm(n=1000, events=150)
    n, d, variance = paired(one, other)
    found = over_steps([step(3, {"adverse decisions": ((4000, 400), (1000, 150))})], PLAN)[0]
    assert found.likelihood == pytest.approx(msprt(n, d, variance, PLAN.mde**2))
    assert found.lean > 0


@given(st.integers(0, 200), st.floats(0.01, 0.99))
def test_the_coin_is_a_martingale(m: int, q: float) -> None:
    """Its mean over the next event is its value: what makes it valid at any stopping time."""
    x = m // 3
    expected = q * coin(x + 1, m + 1, q) + (1 - q) * coin(x, m + 1, q)
    assert expected == pytest.approx(coin(x, m, q), rel=1e-9)


def test_holm_is_the_textbook_example() -> None:
    """Holm 1979: .01, .04, .03, .005 become .03, .06, .06, .02."""
    assert holm({"a": 0.01, "b": 0.04, "c": 0.03, "d": 0.005}) == pytest.approx({"a": 0.03, "b": 0.06, "c": 0.06, "d": 0.02})


def simulated(rng: np.random.Generator, plan: CanaryPlan, rates, effect: float, looks: int = 12) -> bool:
    """Whether harm is said at any of `looks` looks within each of four steps. `rates(step)` drifts from step to step."""
    rollout, before, done = Rollout(route=plan.route, state=State.CANARY, step=0), Before(), []
    for number in range(4):
        low, high = SHARES[number], SHARES[number + 1]
        whole = 40_000
        counts = np.zeros((2, 5), int)  # arm x (n, adverse, errors, slow, missing)
        for _ in range(looks):
            other = rng.binomial(whole // looks, (high - low) / (100 - low))
            for arm, n in enumerate((whole // looks - other, other)):
                p = rates(number)
                events = rng.binomial(n, [p + (effect if arm else 0), 0.001, 0.002, 0.01])
                counts[arm] += [n, *events]
            names = ("adverse decisions", "errors", "slow answers", "missing features")
            guards = {name: ((counts[0, 0], counts[0, k + 1]), (counts[1, 0], counts[1, k + 1])) for k, name in enumerate(names)}
            now = step(number, {name: tuple(tuple(map(int, arm)) for arm in arms) for name, arms in guards.items()})  # type: ignore[misc] # two pairs
            found = judge(plan, replace(rollout, step=number), Counts(steps=(*done, now)), before, hours=2)
            before = found.before
            if found.observation.harm:
                return True
        done.append(now)
    return False


def share(effect: float, rates, runs: int) -> float:
    rng = np.random.default_rng(SEED)
    return float(np.mean([simulated(rng, PLAN, rates, effect) for _ in range(runs)]))


@pytest.mark.parametrize("drift", [False, True])
def test_type_one_error_is_held_under_continuous_looks_over_all_steps_also_while_the_baseline_drifts(drift: bool) -> None:
    """48 looks, four guards, four steps with other weights. Pooling the steps would fail here when the rate drifts from 10 to 40 %."""
    found = share(0.0, (lambda number: (0.1, 0.2, 0.3, 0.4)[number]) if drift else (lambda _: 0.2), 250)
    assert found <= 0.05 + 2.5 * np.sqrt(0.05 * 0.95 / 250)


def test_pooling_over_steps_would_be_wrong_where_the_baseline_drifts() -> None:
    """Simpson: no effect at any step, and the pooled rates differ by far; our evidence says nothing."""
    steps = [step(0, {"adverse decisions": ((9900, 990), (100, 10))}), step(3, {"adverse decisions": ((5000, 2000), (2500, 1000))})]
    pooled = paired(Arm(n=14900, events=2990), Arm(n=2600, events=1010))
    assert msprt(*pooled, PLAN.mde**2) > 1e6
    assert over_steps(steps, PLAN)[0].likelihood < 1


def test_power_is_there_for_the_smallest_change_that_matters_times_two() -> None:
    assert share(2 * PLAN.mde, lambda _: 0.2, 40) >= 0.9


def test_naive_looks_would_say_harm_most_of_the_time() -> None:
    """What the always-valid tests are for: the fixed test at each of 48 looks, no effect."""
    rng = np.random.default_rng(SEED)
    hits = 0
    for _ in range(300):
        a, b = np.cumsum(rng.binomial(200, 0.2, 48)), np.cumsum(rng.binomial(200, 0.2, 48))
        n = 200 * np.arange(1, 49)
        p = (a + b) / (2 * n)
        hits += bool((np.abs(a - b) / n / np.sqrt(2 * p * (1 - p) / n) > 1.96).any())
    assert hits / 300 > 0.2


# -- units and the split ----------------------------------------------------------------------------------------------


def log(rows: list[dict[str, object]]) -> pa.Table:
    base = {
        "time": datetime(2026, 11, 24, tzinfo=UTC),
        "row": 0,
        "canary": "c",
        "score": 0.6,
        "adverse": False,
        "missing": False,
        "seconds": 0.01,
        "problem": None,
    }
    whole = [{**base, "request": str(number), **row} for number, row in enumerate(rows)]
    schema = pa.schema(
        [
            ("time", pa.timestamp("us", "UTC")),
            *((name, pa.string()) for name in ("request", "arm", "canary", "entity", "problem")),
            *((name, pa.int32()) for name in ("row", "step")),
            *((name, pa.float64()) for name in ("position", "score", "seconds")),
            *((name, pa.bool_()) for name in ("adverse", "missing")),
        ]
    )
    return pa.Table.from_pylist(whole, schema=schema)


def traffic(entities: int, number: int, requests: int = 1, rate: float = 0.2, seed: int = SEED) -> list[dict[str, object]]:
    """Requests of a step; a customer's requests are all alike, as customers are."""
    rng = np.random.default_rng(seed)
    rows = []
    for name in (f"e{index}" for index in range(entities)):
        place = position(name, "c")
        arm = "challenger" if place < SHARES[number + 1] else "champion"
        adverse = bool(rng.random() < rate)
        rows += [{"entity": name, "position": place, "arm": arm, "step": number, "adverse": adverse}] * requests
    return rows


def test_requests_are_told_by_customer_beside_the_guards_that_count_customers() -> None:
    """Each customer's seven requests are decided alike, so the design effect is 7 (times K / (K - 1)), and the trail keeps its sums."""
    rows = [{**row, "adverse": hash_of(row["entity"]) % 4 == 0} for row in traffic(400, 3, 7)]
    counts = count(log(rows), PLAN, "c")
    (told,) = counts.requests
    for arm, guard in ((told.champion, counts.steps[0].guards[2].champion), (told.challenger, counts.steps[0].guards[2].challenger)):
        assert counts.steps[0].guards[2].guard == "adverse decisions"
        assert (arm.clusters, arm.requests, arm.events) == (guard.n, 7 * guard.n, 7 * guard.events)
        assert arm.design_effect == pytest.approx(7 * arm.clusters / (arm.clusters - 1))
    assert restore(Counts, fields_of(counts), "") == counts


def hash_of(entity: object) -> int:
    return sum(str(entity).encode())


def test_a_thousand_requests_of_one_customer_are_one_unit() -> None:
    once, often = (count(log(traffic(2000, 3, requests)), PLAN, "c").steps[0] for requests in (1, 7))
    assert replace(often, guards=()) == replace(once, guards=())
    assert often.guards == once.guards


def test_units_of_a_step_are_those_who_just_moved_and_those_who_did_not() -> None:
    found = count(log(traffic(4000, 3)), PLAN, "c").steps[0]
    places = [position(f"e{index}", "c") for index in range(4000)]
    assert found.units == (sum(place >= 50 for place in places), sum(25 <= place < 50 for place in places))
    assert found.weights == (50.0, 25.0)


def test_a_broken_split_stops_everything() -> None:
    rows = [row for row in traffic(4000, 3) if row["arm"] == "champion" or int(str(row["entity"])[1:]) % 3]
    found = judge(PLAN, Rollout(route=PLAN.route, state=State.CANARY, step=3), count(log(rows), PLAN, "c"), Before(), hours=2)
    assert found.after.state is State.ABORTED
    assert found.after.why == "the split is broken"
    assert found.split_p is not None
    assert found.split_p < 0.001


def test_entities_that_met_both_versions_break_the_split_though_the_sizes_are_right() -> None:
    rows = traffic(4000, 3)
    moved = [
        row | {"arm": "challenger" if row["arm"] == "champion" else "champion", "position": 100.0 - float(str(row["position"]))}
        for row in rows
    ]
    few, many = (count(log(rows + moved[:extra]), PLAN, "c") for extra in (20, 400))
    state = Rollout(route=PLAN.route, state=State.CANARY, step=3)
    assert 0 < few.steps[0].astray <= 20
    assert judge(PLAN, state, few, Before(), hours=2).after.state is not State.ABORTED
    found = judge(PLAN, state, many, Before(), hours=2)
    assert (found.after.state, found.after.why) == (State.ABORTED, "the split is broken")


def test_a_request_the_champion_answered_for_a_broken_challenger_counts_as_the_challengers_error() -> None:
    rows = traffic(4000, 3)
    broken: list[dict[str, object]] = []
    for row in rows:
        if row["arm"] == "challenger":
            broken += [{**row, "problem": "RuntimeError", "score": None, "adverse": None}, {**row, "arm": "champion"}]
        else:
            broken.append(row)
    counts = count(log(broken), PLAN, "c")
    errors = next(one for one in counts.steps[0].guards if one.guard == "errors")
    assert (errors.champion.events, errors.challenger.events) == (0, errors.challenger.n)
    found = judge(PLAN, Rollout(route=PLAN.route, state=State.CANARY, step=3), counts, Before(), hours=2)
    assert found.after.state is State.ABORTED


def test_in_shadow_both_arms_see_the_same_and_only_what_differs_counts() -> None:
    rows = []
    for index in range(600):
        name = f"e{index}"
        common = {"entity": name, "position": position(name, "c"), "step": -1}
        rows += [
            {**common, "arm": "champion", "adverse": index % 5 == 0},
            {**common, "arm": "shadow", "adverse": index % 5 == 0 or index < 60},
        ]
    counts = count(log(rows), PLAN, "c")
    guard = next(one for one in counts.steps[0].guards if one.guard == "adverse decisions")
    assert (guard.champion.events, guard.challenger.events, guard.paired) == (0, 48, True)
    found = judge(PLAN, Rollout(route=PLAN.route), counts, Before(), hours=2)
    assert found.after.state is State.ABORTED
    assert found.after.why.startswith("harm was shown: adverse decisions")


@pytest.mark.parametrize(("apart", "state"), [(120, State.ABORTED), (10, State.CANARY)])
def test_two_versions_with_equal_rates_and_other_people_are_told_apart_in_shadow(apart: int, state: State) -> None:
    rows = []
    for index in range(300):
        common = {"entity": f"e{index}", "position": 50.0, "step": -1}
        rows += [
            {**common, "arm": "champion", "adverse": index < 100},
            {**common, "arm": "shadow", "adverse": apart // 2 <= index < 100 + apart // 2},
        ]
    found = judge(PLAN, Rollout(route=PLAN.route), count(log(rows), PLAN, "c"), Before(), hours=2)
    assert found.after.state is state
    assert ("decisions that differ" in found.after.why) is (state is State.ABORTED)


def test_a_shadow_that_missed_requests_does_not_go_on() -> None:
    rows = [{"entity": f"e{index}", "position": 50.0, "step": -1, "arm": "champion"} for index in range(300)]
    rows += [{**row, "arm": "shadow"} for row in rows[:200]]
    found = judge(PLAN, Rollout(route=PLAN.route), count(log(rows), PLAN, "c"), Before(), hours=2)
    assert found.after.state is State.ABORTED


def test_nothing_seen_moves_nothing() -> None:
    found = judge(PLAN, Rollout(route=PLAN.route), Counts(), Before(), hours=99)
    assert found.after.state is State.SHADOW
    assert found.after.why == "a guard could not tell"


def test_an_approval_for_a_part_of_the_traffic_holds_it_there() -> None:
    plan = replace(PLAN, most=5.0)
    counts = Counts(steps=(step(1, {"errors": ((9500, 0), (400, 0)), "adverse decisions": ((9500, 1900), (400, 80))}),))
    found = judge(plan, Rollout(route=plan.route, state=State.CANARY, step=1), counts, Before(), hours=2)
    assert (found.after.state, found.after.share) == (State.HOLD, 5)
    assert "the approvals allow 5 %" in found.after.why
    assert judge(PLAN, Rollout(route=plan.route, state=State.CANARY, step=1), counts, Before(), hours=2).after.share == 25


# -- labels -----------------------------------------------------------------------------------------------------------


PRIMARY = Primary(rate=0.8, margin=0.1, n=400, looks=4)
LAST = Rollout(route=PLAN.route, state=State.CANARY, step=4)
DONE = step(3, {"errors": ((5000, 0), (2500, 0)), "adverse decisions": ((5000, 1000), (2500, 500))})


def labelled(n: int, one: int, other: int, asked: tuple[int, int] | None = None) -> Counts:
    label = LabelCount(step=3, asked=asked or (n, n), champion=Arm(n=n, events=one), challenger=Arm(n=n, events=other))
    hundred = StepCount(
        step=4,
        units=(0, 2500),
        weights=(0.0, 50.0),
        guards=(GuardCount(guard="errors", champion=Arm(n=0, events=0), challenger=Arm(n=2500, events=0)),),
    )
    return Counts(steps=(DONE, hundred), labels=(label,))


@pytest.mark.parametrize(
    ("n", "one", "other", "state"),
    [(400, 320, 318, State.PROMOTED), (400, 320, 270, State.CANARY), (100, 80, 79, State.CANARY)],
    ids=["not worse", "worse", "too early to say"],
)
def test_only_planned_proof_promotes(n: int, one: int, other: int, state: State) -> None:
    plan = replace(PLAN, primary=PRIMARY)
    assert judge(plan, LAST, labelled(n, one, other), Before(), hours=2).after.state is state


def test_without_labels_it_ends_undecided_and_does_not_promote() -> None:
    plan = replace(PLAN, route=replace(PLAN.route, most=5000))
    found = judge(plan, replace(LAST, route=plan.route), labelled(400, 320, 320), Before(), hours=2)
    assert found.after.state is State.INCONCLUSIVE


def test_looks_between_planned_ones_spend_nothing() -> None:
    plan = replace(PLAN, primary=PRIMARY)
    found = judge(plan, LAST, labelled(120, 96, 95), Before(), hours=2)
    again = judge(plan, LAST, labelled(150, 120, 119), found.before, hours=2)
    assert found.before.fractions == again.before.fractions == (0.3,)
    assert again.labels is not None
    assert again.labels.bound is None


def test_labels_that_come_back_more_often_in_one_arm_prove_nothing() -> None:
    plan = replace(PLAN, primary=PRIMARY)
    found = judge(plan, LAST, labelled(400, 320, 340, asked=(420, 900)), Before(), hours=2)
    assert found.after.state is State.CANARY
    assert found.observation.proven is None


def test_both_arms_wait_equally_long_for_their_labels() -> None:
    plan = replace(PLAN, primary=replace(PRIMARY, among="all", event="1"))
    now = datetime(2026, 11, 24, tzinfo=UTC)
    rows = [{**row, "time": now - timedelta(hours=number % 48)} for number, row in enumerate(traffic(2000, 3))]
    labels: dict[str, object] = {str(number): "1" for number in range(2000)}
    late = count(log(rows), plan, "c", labels, now - timedelta(hours=24)).labels[0]
    all_ = count(log(rows), plan, "c", labels).labels[0]
    assert abs(late.champion.n / all_.champion.n - 0.5) < 0.05
    assert abs(late.challenger.n / all_.challenger.n - 0.5) < 0.08


def test_false_promotion_is_held_at_alpha_over_all_planned_looks() -> None:
    """A challenger worse by exactly the margin is promoted at most alpha of the time, labels arriving little by little."""
    plan = replace(PLAN, primary=PRIMARY)
    rng, promoted, runs = np.random.default_rng(SEED), 0, 250
    for _ in range(runs):
        a, b, before = 0, 0, Before()
        for n in range(50, 401, 50):
            a, b = a + rng.binomial(50, 0.8), b + rng.binomial(50, 0.7)
            found = judge(plan, LAST, labelled(n, int(a), int(b)), before, hours=2)
            before = found.before
        promoted += before.proven
    assert promoted / runs <= 0.025 + 2.5 * np.sqrt(0.025 * 0.975 / runs)


def test_a_look_survives_the_trail() -> None:
    counts = labelled(400, 320, 318)
    assert restore(Counts, fields_of(counts), "") == counts
    plan = replace(PLAN, primary=PRIMARY)
    assert restore(CanaryPlan, fields_of(plan), "") == plan
    found = judge(plan, LAST, counts, Before(), hours=2)
    assert restore(Before, fields_of(found.before), "") == found.before
