"""False discovery over many models: a portfolio in which nothing moved stays under the declared rate, what was planted is found."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_mlgov.core.team import Roles
from jupyter_mlgov.core.verdicts import Verdict
from jupyter_mlgov.monitoring.discovery import by_chance, choose, hypotheses, rejected, simes
from jupyter_mlgov.testing import result
from jupyter_mlgov.validation.results import CheckResult, Finding
from mlgov_validators.drift import chi_p

Q = 0.05
ps = st.lists(st.floats(0, 1), min_size=1, max_size=30)


def test_benjamini_and_hochbergs_own_example() -> None:
    """Benjamini & Hochberg 1995, section 3.2: fifteen p-values, four rejected at 0.05."""
    given_ps = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.000]
    assert rejected(given_ps, 0.05) == 0.0095


@settings(max_examples=100, deadline=None)
@given(ps)
def test_simes_is_never_more_than_bonferroni_and_never_less_than_the_least(values: list[float]) -> None:
    assert min(values) <= simes(values) <= min(1.0, len(values) * min(values)) + 1e-12 or simes(values) <= max(values)


@settings(max_examples=60, deadline=None)
@given(st.lists(ps, min_size=1, max_size=12))
def test_more_is_never_chosen_at_a_smaller_rate(many: list[list[float]]) -> None:
    families = {(f"m{number}", "drift"): values for number, values in enumerate(many)}
    assert choose(families, 0.01).kept <= choose(families, 0.05).kept


def test_a_family_without_tests_counts_nowhere() -> None:
    chosen = choose({("a", "drift"): [0.001], ("b", "quality"): []}, Q)
    assert (chosen.families, chosen.kept) == (1, frozenset({("a", "drift")}))


def of(verdict: Verdict, **details: object) -> CheckResult:
    return result("monitor.drift", verdict, findings=(Finding(message="m", verdict=verdict, details=details),))


def test_what_is_no_test_is_never_chance() -> None:
    """A lost column has no p: no number of models makes it likely."""
    assert not by_chance([of(Verdict.FAIL)], ("a", "schema"), choose({}, Q))
    chosen = choose({("a", "drift"): [0.04], **{(f"m{k}", "drift"): [0.5] for k in range(99)}}, Q)
    assert by_chance([of(Verdict.FAIL, p=0.04)], ("a", "drift"), chosen)


def test_the_figures_of_the_columns_that_stand_still_are_tests_too() -> None:
    still = of(Verdict.PASS, income={"p": 0.7}, age={"p": 0.2}, region={"p": None})
    assert sorted(hypotheses([still])) == [0.2, 0.7]


# -- a portfolio ------------------------------------------------------------------------------------------------------

MODELS, COLUMNS, N = 40, 5, 130


def portfolio(seed: int, planted: frozenset[str] = frozenset()) -> dict[str, CheckResult]:
    """The drift of each model's columns, so few rows that chance passes a PSI of 0.1 often; the check's own p-limit is left open."""
    from mlgov_validators.comparing import drift
    from mlgov_validators.samples import Held

    rng = np.random.default_rng(seed)
    found = {}
    for name in (f"m{number}" for number in range(MODELS)):
        told = []
        for place in range(COLUMNS):
            shift = 1.2 if name in planted and place == 0 else 0.0
            one = drift(f"x{place}", Held(rng.normal(size=N)), Held(rng.normal(shift, 1, N)))
            assert not isinstance(one, str)
            details = {"p": one.p, "chi_square_p": chi_p(one)}
            verdict = Verdict.FAIL if (one.psi or 0) >= 0.1 else Verdict.PASS
            told.append(Finding(message=f"PSI {one.psi:.2f}", verdict=verdict, measured=one.psi, details=details))
        found[name] = result("monitor.drift", min((one.verdict for one in told), key=lambda one: one.rank), findings=tuple(told))
    return found


def findings(results: dict[str, CheckResult]) -> tuple[set[str], set[str]]:
    """(models with a finding, those left when the rate over all models is held)."""
    chosen = choose({(name, "drift"): hypotheses([one]) for name, one in results.items()}, Q)
    raw = {name for name, one in results.items() if any(part.verdict is Verdict.FAIL for part in one.findings)}
    return raw, {name for name in raw if not by_chance([results[name]], (name, "drift"), chosen)}


def test_a_portfolio_in_which_nothing_moved_stays_under_the_declared_rate() -> None:
    """Where nothing is there every finding is false, so the rate is the share of runs with one; 20 runs at 0.05 bring 3 at most (98 %)."""
    told = [findings(portfolio(seed)) for seed in range(20)]
    assert min(len(raw) for raw, _ in told) > MODELS / 2, "without it chance speaks up in most models"
    assert sum(bool(kept) for _, kept in told) <= 3


def test_what_was_planted_is_found_and_few_false_ones_beside_it() -> None:
    planted = frozenset(f"m{number}" for number in range(0, MODELS, 5))
    false = []
    for seed in range(100, 110):
        _, kept = findings(portfolio(seed, planted))
        assert planted <= kept
        false.append(len(kept - planted) / len(kept))
    assert sum(false) / len(false) <= Q


def test_an_effect_under_the_limit_is_none_however_small_its_p() -> None:
    from jupyter_mlgov.sdk import table_subject
    from jupyter_mlgov.validation.engine import validate
    from jupyter_mlgov.validation.plugins import Registry
    from mlgov_validators.drift import monitor_drift

    rng = np.random.default_rng(5)
    sides = [pa.table({"x": rng.normal(shift, 1, 100_000)}) for shift in (0.0, 0.05)]
    found = validate(table_subject(sides[1], Roles(), "m", reference=sides[0]), (), Registry.of(monitor_drift)).results[0]
    (p,) = hypotheses([found])
    assert p < 1e-6
    assert found.verdict is Verdict.PASS
