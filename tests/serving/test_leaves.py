"""Points from tables of leaves are shap's, scores from the same pass are the model's bits; where they would not be, nothing is tabled."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sklearn.ensemble import (
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from jupyter_mlgov.integrations.estimators import boosted as passing
from jupyter_mlgov.integrations.estimators import forest as tabling
from jupyter_mlgov.integrations.estimators import leaves as inner
from jupyter_mlgov.integrations.estimators.forest import Forest
from jupyter_mlgov.integrations.estimators.leaves import leaves_of
from jupyter_mlgov.integrations.estimators.model import estimator
from jupyter_mlgov.rollout.serving.inputs import Rows
from tests.serving.world import NAMES, sample

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # shap imports what matplotlib and numba deprecate
    from shap import TreeExplainer


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    """Small trees fitted by several threads on a busy machine wait for one another."""
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):
        yield


MAKES = {
    "hist": lambda n, depth: HistGradientBoostingClassifier(max_iter=n, max_depth=depth, min_samples_leaf=3, early_stopping=False),
    "hist of numbers": lambda n, depth: HistGradientBoostingRegressor(
        max_iter=n, max_depth=depth, min_samples_leaf=3, early_stopping=False
    ),
    "hist of counts": lambda n, depth: HistGradientBoostingRegressor(loss="poisson", max_iter=n, max_depth=depth, early_stopping=False),
    "boosted": lambda n, depth: GradientBoostingClassifier(n_estimators=n, max_depth=depth),
    "boosted of numbers": lambda n, depth: GradientBoostingRegressor(n_estimators=n, max_depth=depth),
    "forest": lambda n, depth: RandomForestClassifier(n, max_depth=depth, random_state=1),
    "forest of numbers": lambda n, depth: RandomForestRegressor(n, max_depth=depth, random_state=1),
    "extra": lambda n, depth: ExtraTreesClassifier(n, max_depth=depth, random_state=1),
    "tree": lambda n, depth: DecisionTreeClassifier(max_depth=depth),
    "tree of numbers": lambda n, depth: DecisionTreeRegressor(max_depth=depth),
}


def world(seed: int, width: int, *, coarse: bool, gaps: bool) -> tuple[Any, Any, Any]:
    """(rows, classes, numbers): `coarse` has many equal values, so that splits lie on values."""
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(160, width))
    rows = np.round(rows, 0 if coarse else 6)
    numbers = np.abs(rows[:, 0] + rows[:, -1] ** 2 + rng.normal(size=160))
    if gaps:
        rows[rng.random(rows.shape) < 0.15] = np.nan
    return rows, (numbers > np.median(numbers)).astype(int), numbers


@given(
    kind=st.sampled_from(sorted(MAKES)),
    seed=st.integers(0, 2**32 - 1),
    width=st.integers(1, 9),
    count=st.integers(1, 12),
    depth=st.integers(1, 8),
    coarse=st.booleans(),
    gaps=st.booleans(),
)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_tables_say_what_shap_says(kind: str, seed: int, width: int, count: int, depth: int, coarse: bool, gaps: bool) -> None:
    gaps = gaps and not kind.startswith("boosted")  # it takes none
    rows, classes, numbers = world(seed, width, coarse=coarse, gaps=gaps)
    model = MAKES[kind](count, depth)
    model.fit(rows, numbers if "of " in kind else classes)
    explainer = TreeExplainer(model)
    place = None if "of " in kind else seed % 2

    def shap(some: Any) -> Any:
        found = np.asarray(explainer.shap_values(some, check_additivity=False))
        if found.ndim == 3:
            return found[:, :, place or 0]
        return -found if place == 0 else found

    made = tabling.forest(explainer.model, shap, rows, place)
    assert made is not None
    rng = np.random.default_rng(seed)
    others = np.concatenate([rows[:20], rng.normal(size=(20, width)), np.full((1, width), 1e30), np.full((1, width), -1e30)])
    wanted = shap(others)
    assert np.abs(made(others) - wanted).max() <= 1e-9 * max(np.abs(wanted).max(), 1e-300)


@given(
    kind=st.sampled_from(["hist", "hist of numbers", "hist of counts"]),
    seed=st.integers(0, 2**32 - 1),
    width=st.integers(1, 9),
    count=st.integers(1, 12),
    coarse=st.booleans(),
    gaps=st.booleans(),
)
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_one_pass_gives_the_bits_of_the_model(kind: str, seed: int, width: int, count: int, coarse: bool, gaps: bool) -> None:
    rows, classes, numbers = world(seed, width, coarse=coarse, gaps=gaps)
    names = [f"x{place}" for place in range(width)]
    frame = pd.DataFrame(rows, columns=names)
    model = MAKES[kind](count, 6).fit(frame, numbers if "of " in kind else classes)
    made = estimator(model, pa.Table.from_pandas(frame, preserve_index=False), "1")
    assert made.boosted is not None
    odd = np.random.default_rng(seed).choice([np.nan, np.inf, -np.inf, 0.0, -0.0, 1e-320, 1.0, -1.0, 1e308], size=(40, width))
    for some in (rows, odd, odd[:1]):
        found = made.compute(Rows(n=len(some), columns={name: some[:, place] for place, name in enumerate(names)}))
        shown = pd.DataFrame(some, columns=names)
        wanted = model.predict(shown) if "of " in kind else model.predict_proba(shown)[:, 1]
        assert found.scores.tobytes() == wanted.tobytes()
        assert np.isfinite(found.points).all()
        if kind != "hist of counts":
            sums = wanted if "of " in kind else model.decision_function(shown)
            np.testing.assert_allclose(found.points.sum(axis=1) + found.base, sums, rtol=1e-9, atol=1e-9)


FRAME = sample(3, 300)
X, Y = FRAME[list(NAMES)], FRAME["good"]
TABLE = pa.Table.from_pandas(FRAME, preserve_index=False)
ROWS = Rows(n=300, columns={name: X[name].to_numpy() for name in NAMES})


def test_steps_before_the_trees_are_gone_through_and_the_other_class_is_the_mirror() -> None:
    model = make_pipeline(StandardScaler(), HistGradientBoostingClassifier(max_iter=20)).fit(X, Y)
    good, bad = (estimator(model, TABLE, name) for name in ("1", "0"))
    assert good.boosted is not None
    assert good.bare is not None
    one, other = good.compute(ROWS), bad.compute(ROWS)
    assert one.scores.tobytes() == model.predict_proba(X)[:, 1].tobytes()
    assert other.scores.tobytes() == model.predict_proba(X)[:, 0].tobytes()
    assert one.points is not None
    assert np.array_equal(one.points, -other.points)
    alone = good.compute(Rows(n=1, columns={name: values[:1] for name, values in ROWS.columns.items()}))
    assert np.array_equal(alone.points[0], one.points[0])  # a row is told the same however many are asked with it


def test_a_split_by_category_is_not_explained_as_if_it_were_by_number() -> None:
    """shap reads the threshold of such a node, which has none: its points would not add up to the score."""
    coded = X.assign(late=(X["late"].abs() * 3).round() % 5)
    model = HistGradientBoostingClassifier(max_iter=20, categorical_features=["late"]).fit(coded, Y)
    made = estimator(model, pa.Table.from_pandas(coded, preserve_index=False), "1")
    found = made.compute(Rows(n=300, columns={name: coded[name].to_numpy() for name in NAMES}))
    assert found.points is None
    assert "categories" in found.silent
    assert np.array_equal(found.scores, model.predict_proba(coded)[:, 1])


def test_beyond_its_bounds_nothing_is_tabled_and_shap_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    model = HistGradientBoostingClassifier(max_iter=20).fit(X, Y)
    whole = estimator(model, TABLE, "1")
    assert whole.points is not None
    assert isinstance(whole.points.raw, Forest)
    assert whole.points.raw.leaves.table.size <= inner.MOST
    for name, bound in (("MOST", whole.points.raw.leaves.table.size - 1), ("DEEPEST", 2)):
        with monkeypatch.context() as patch:
            patch.setattr(inner, name, bound)
            small = estimator(model, TABLE, "1")
        assert small.boosted is None
        one, other = small.compute(ROWS), whole.compute(ROWS)
        assert one.scores.tobytes() == other.scores.tobytes()
        np.testing.assert_allclose(one.points, other.points, rtol=0, atol=1e-9 * np.abs(other.points).max())


def test_tables_that_are_not_what_shap_says_are_not_used() -> None:
    model = HistGradientBoostingClassifier(max_iter=20).fit(X, Y)
    explainer = TreeExplainer(model)

    def shap(rows: Any) -> Any:
        return np.asarray(explainer.shap_values(rows, check_additivity=False))

    matrix = X.to_numpy()
    assert tabling.forest(explainer.model, shap, matrix, 1) is not None
    assert tabling.forest(explainer.model, lambda rows: shap(rows) * (1 + 1e-8), matrix, 1) is None
    explainer.model.thresholds[0, 0] += 1.0
    explainer.model.node_sample_weight[0, 0] = 0.0
    assert tabling.forest(explainer.model, shap, matrix, 1) is None


def test_scores_that_are_not_the_models_bits_are_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    model = HistGradientBoostingClassifier(max_iter=20).fit(X, Y)
    own = passing._outcome
    monkeypatch.setattr(passing, "_outcome", lambda last, place: lambda sums: np.nextafter(own(last, place)(sums), 1))
    made = estimator(model, TABLE, "1")
    assert made.boosted is None
    assert made.compute(ROWS).scores.tobytes() == model.predict_proba(X)[:, 1].tobytes()


def test_a_node_asked_as_a_category_is_not_tabled() -> None:
    explainer = TreeExplainer(HistGradientBoostingClassifier(max_iter=3).fit(X, Y))
    explainer.model.threshold_types = np.zeros_like(explainer.model.features)
    assert leaves_of(explainer.model, 0, len(NAMES)) is not None
    explainer.model.threshold_types[0, 0] = 1
    assert leaves_of(explainer.model, 0, len(NAMES)) is None


def test_a_row_that_is_not_in_one_leaf_of_each_tree_is_asked_of_the_model_itself() -> None:
    model = HistGradientBoostingClassifier(max_iter=20).fit(X, Y)
    made = estimator(model, TABLE, "1")
    assert made.boosted is not None
    lost = replace(made, boosted=replace(made.boosted, trees=21))
    assert lost.compute(ROWS).scores.tobytes() == model.predict_proba(X)[:, 1].tobytes()
    assert np.array_equal(lost.compute(ROWS).points, made.compute(ROWS).points)
