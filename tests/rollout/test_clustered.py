"""Standard errors of rates over requests, clustered by customer: against theory, against statsmodels, and in a canary's counts."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_mlgov.rollout.clustered import clustered, pooled_design_effect, standard_error


def requests(rows: dict[str, list[bool]]) -> list[tuple[object, bool]]:
    return [(who, shown) for who, all_ in rows.items() for shown in all_]


def test_customers_who_always_do_the_same_are_as_many_observations_as_customers() -> None:
    """Kish 1965: 1 + (m - 1) rho with rho = 1 is m, here times K / (K - 1) for the mean that was estimated."""
    told = clustered(requests({str(k): [k < 12] * 5 for k in range(40)}))
    assert told.rate == 12 / 40
    assert told.design_effect == pytest.approx(5 * 40 / 39, rel=1e-12)


def test_one_request_a_customer_is_the_plain_binomial() -> None:
    told = clustered(requests({str(k): [k < 12] for k in range(40)}))
    assert told.variance == pytest.approx(0.3 * 0.7 / 39, rel=1e-12)


@pytest.mark.parametrize(("m", "rho"), [(2, 0.1), (5, 0.25), (20, 0.05)])
def test_drawn_customers_have_the_design_effect_of_kish(m: int, rho: float) -> None:
    """Beta-binomial customers with correlation rho within: 1 + (m - 1) rho."""
    chance = np.random.default_rng(20261124)
    total = 1 / rho - 1
    shown = chance.random((20_000, m)) < chance.beta(0.3 * total, 0.7 * total, 20_000)[:, None]
    told = clustered((k, bool(one)) for k, row in enumerate(shown) for one in row)
    assert told.design_effect == pytest.approx(1 + (m - 1) * rho, rel=0.03)


@given(st.lists(st.tuples(st.integers(0, 8), st.booleans(), st.booleans()), min_size=12, max_size=60))
def test_it_is_what_statsmodels_gives_clustered_by_customer(rows: list[tuple[int, bool, bool]]) -> None:
    """OLS of the event on the arm, sandwich by customer; statsmodels is asked for no correction and ours K / (K - 1) is put on."""
    from statsmodels.api import OLS

    arms = [[((arm, who), shown) for who, arm, shown in rows if arm is side] for side in (False, True)]
    one, other = (clustered(arm) for arm in arms)
    if min(one.clusters, other.clusters) < 2:
        return
    for told, arm in zip((one, other), arms, strict=True):
        y = np.array([float(shown) for _, shown in arm])
        places = {who: at for at, who in enumerate(dict.fromkeys(who for who, _ in arm))}
        groups = np.array([places[who] for who, _ in arm])
        fit = OLS(y, np.ones((len(y), 1))).fit(cov_type="cluster", cov_kwds={"groups": groups, "use_correction": False})
        assert told.rate == pytest.approx(float(fit.params[0]), abs=1e-12)
        assert told.variance == pytest.approx(float(fit.cov_params()[0, 0]) * told.clusters / (told.clusters - 1), rel=1e-9, abs=1e-15)
    assert standard_error(one, other) == pytest.approx(math.sqrt(one.variance + other.variance))


def test_what_cannot_be_told_is_undefined_and_not_0() -> None:
    alone = clustered(requests({"a": [True, False]}))
    assert math.isnan(alone.variance)
    assert math.isnan(clustered([]).rate)
    never = clustered(requests({str(k): [False, False] for k in range(9)}))
    assert never.variance == 0
    assert math.isnan(pooled_design_effect(never, never))
