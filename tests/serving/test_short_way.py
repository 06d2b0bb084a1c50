"""The way of a row through a model: without names where that gives the same bits, at once where it is arithmetic, else as before."""

from __future__ import annotations

import asyncio
import warnings
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier, VotingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.integrations.estimators import model as inner
from jupyter_mlgov.integrations.estimators.columns import steps_of
from jupyter_mlgov.integrations.estimators.model import estimator
from jupyter_mlgov.rollout.serving import arms
from jupyter_mlgov.rollout.serving.arms import Arm, Computed, Vouched
from jupyter_mlgov.rollout.serving.inputs import Contract, Rows
from tests.loops import in_a_loop_of_its_own
from tests.serving.world import NAMES, sample

FRAME = sample(3, 300)
X, Y = FRAME[list(NAMES)], FRAME["good"]
TABLE = pa.Table.from_pandas(FRAME, preserve_index=False)

NUMERIC = (
    LogisticRegression(),
    make_pipeline(StandardScaler(), LogisticRegression()),
    make_pipeline(SimpleImputer(), StandardScaler(), LogisticRegression()),
    LinearRegression(),
    HistGradientBoostingClassifier(max_iter=20),
    RandomForestClassifier(n_estimators=10, random_state=1),
    KNeighborsClassifier(),
)


@pytest.mark.parametrize("model", NUMERIC, ids=lambda model: "-".join(type(part).__name__ for part in steps_of(model)))
def test_the_way_without_names_gives_the_same_bits_and_no_warning(model) -> None:
    made = estimator(clone(model).fit(X, Y), TABLE, "1")
    assert made.bare is not None
    assert hasattr(made.model, "feature_names_in_")  # the model itself keeps its names
    named = replace(made, bare=None)
    rng = np.random.default_rng(5)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for n in (1, 1, 1, 7, 300):
            rows = Rows(n=n, columns={name: rng.normal(scale=3, size=n) for name in NAMES})
            one, other = made.compute(rows), named.compute(rows)
            assert one.scores.tobytes() == other.scores.tobytes()
            assert (one.points is None and other.points is None) or np.array_equal(one.points, other.points)


def test_a_model_that_needs_its_names_keeps_them_and_only_arithmetic_is_done_where_it_is_asked() -> None:
    by_name = make_pipeline(ColumnTransformer([("n", StandardScaler(), ["income", "debt"])], remainder="passthrough"), LogisticRegression())
    inside = VotingClassifier([("a", LogisticRegression())], voting="soft")
    anybodys = make_pipeline(FunctionTransformer(np.tanh), LogisticRegression())
    text = make_pipeline(ColumnTransformer([("c", OneHotEncoder(), ["income"])]), LogisticRegression())
    words = X.assign(income=np.where(X.income > 0, "much", "little"))
    table = pa.Table.from_pandas(words, preserve_index=False)
    frames = make_pipeline(SimpleImputer().set_output(transform="pandas"), LogisticRegression())
    assert estimator(by_name.fit(X, Y), TABLE, "1").bare is None
    assert estimator(frames.fit(X, Y), TABLE, "1").bare is None
    assert estimator(text.fit(words, Y), table, "1").bare is None
    assert estimator(inside.fit(X, Y), TABLE, "1").brief == 0
    assert estimator(anybodys.fit(X, Y), TABLE, "1").brief == 0
    assert estimator(KNeighborsClassifier().fit(X, Y), TABLE, "1").brief == 0
    assert estimator(LogisticRegression().fit(X, Y), None, "1").brief == 0  # nothing was there to show that it gives the same bits


def test_a_short_way_that_gives_another_bit_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    model = LogisticRegression().fit(X, Y)
    monkeypatch.setattr(inner, "_nameless", lambda whole: LogisticRegression(max_iter=3).fit(X.to_numpy(), Y))
    assert estimator(model, TABLE, "1").bare is None


class Counting:
    """A predictor that says whether it computed in the thread of the loop."""

    bounded, cacheable, contract = True, False, Contract(columns=())

    def __init__(self, brief: int) -> None:
        self.brief, self.threads = brief, []

    def compute(self, rows: Rows) -> Computed:
        self.threads.append(asyncio._get_running_loop() is not None)
        return Computed(scores=np.full(rows.n, 0.5))


@pytest.mark.parametrize(("held", "where"), [(60.0, [True, True, True, False, False]), (0.0, [True, False, False, False, False])])
def test_what_is_brief_is_computed_where_it_is_asked_and_what_once_held_others_up_goes_to_a_thread(
    monkeypatch: pytest.MonkeyPatch, held: float, where: list[bool]
) -> None:
    vouched = Vouched(model="m", version="1", stage="s", decision=Digest.of_text("d"), fingerprint="f", key="k")
    monkeypatch.setattr(arms, "HELD", held)
    made = Counting(2)

    async def main() -> None:
        arm = Arm(vouched, made)
        for n in (1, 2, 1, 3):
            await arm.compute(Rows(n=n, columns={}), 60)
        await arm.compute(Rows(n=1, columns={}), 60, apart=True)
        arm.close()

    in_a_loop_of_its_own(main())
    assert made.threads == where
