"""What an answer carries: version, decision, fingerprint and true reasons, in headers and body."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import GradientBoostingClassifier, HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import SVC

from jupyter_mlgov.integrations.estimators.model import estimator
from jupyter_mlgov.rollout.serving.reasons import top
from jupyter_mlgov.workspace.vouching import as_rows
from tests.serving.world import NAMES, Served, sample

pytestmark = pytest.mark.filterwarnings("ignore")


def test_headers_and_body_say_who_answered_by_which_decision_and_why(shared: Served) -> None:
    status, headers, body = shared.client.infer(income=[-2.0], debt=[2.0], age=[0.0], late=[0.1])
    assert status == 200
    vouched = shared.service.lineup.champion.vouched
    decided = list(shared.replica.workspace.journal.entries(actions=("promotion.decided",)))[-1]
    assert headers["mlgov-version"] == body["model_version"] == "2"
    assert headers["mlgov-decision"] == body["parameters"]["mlgov_decision"] == decided.digest
    assert headers["mlgov-fingerprint"] == body["parameters"]["mlgov_fingerprint"] == vouched.fingerprint
    assert headers["mlgov-served-by"].startswith("champion")
    reasons = json.loads(headers["mlgov-reasons"])
    told = {one["name"]: one["data"] for one in body["outputs"]}
    assert told["decision"] == ["adverse"]
    assert [one["factor"] for one in reasons][:2] == ["income", "debt"] or [one["factor"] for one in reasons][:2] == ["debt", "income"]
    assert all(one["points"] < 0 for one in reasons)
    words = {"Income insufficient for amount of credit requested", "Excessive obligations in relation to income"}
    assert set(told["reasons"][:2]) == words == {one["reason"] for one in reasons[:2]}


def test_explain_gives_every_factor_and_they_add_up_to_the_log_odds(shared: Served) -> None:
    status, _, body = shared.client.infer(verb="explain", rows=3)
    assert status == 200
    scores = body["outputs"][0]["data"]
    for told, score in zip(body["explanations"], scores, strict=True):
        assert set(told["points"]) == set(NAMES)
        assert told["base"] + sum(told["points"].values()) == pytest.approx(np.log(score / (1 - score)))
    assert body["words"]["late"] == "Delinquent past or present credit obligations"


FRAME = sample(3, 300)
X, Y = FRAME[list(NAMES)], FRAME["good"]
TABLE = __import__("pyarrow").Table.from_pandas(FRAME, preserve_index=False)


def margin(model, frame) -> np.ndarray:
    """What Shapley values of this model add up to."""
    if hasattr(model, "decision_function"):
        return model.decision_function(frame)
    return model.predict_proba(frame)[:, 1] if hasattr(model, "predict_proba") else model.predict(frame)


@pytest.mark.parametrize(
    "model",
    [
        LogisticRegression(),
        make_pipeline(StandardScaler(), LogisticRegression()),
        LinearRegression(),
        GradientBoostingClassifier(n_estimators=20),
        HistGradientBoostingClassifier(max_iter=20),
        RandomForestClassifier(n_estimators=10, random_state=1),
        make_pipeline(StandardScaler(), GradientBoostingClassifier(n_estimators=10)),
    ],
    ids=lambda model: type(model).__name__ + type(getattr(model, "steps", [("", model)])[-1][1]).__name__,
)
def test_points_add_up_and_are_shaps_own(model) -> None:
    import shap

    model.fit(X, Y)
    made = estimator(model, TABLE, "1")
    found = made.compute(as_rows(TABLE.slice(0, 40), NAMES))
    assert np.allclose(found.base + found.points.sum(axis=1), margin(model, X[:40]), atol=1e-6)
    before, last = made.halves
    if hasattr(last, "coef_"):  # the closed form against shap's own explainer of linear models
        seen = before.transform(X.to_numpy()) if before is not None else X.to_numpy()
        theirs = shap.LinearExplainer(last, shap.maskers.Independent(seen, max_samples=len(X))).shap_values(seen[:40])
        assert np.allclose(found.points, theirs, atol=1e-9)


def test_the_other_class_as_favourable_turns_scores_and_points_round() -> None:
    for model in (
        LogisticRegression().fit(X, Y),
        HistGradientBoostingClassifier(max_iter=10).fit(X, Y),
        RandomForestClassifier(5).fit(X, Y),
    ):
        rows = as_rows(TABLE.slice(0, 10), NAMES)
        one, other = (estimator(model, TABLE, favourable).compute(rows) for favourable in ("1", "0"))
        assert np.allclose(one.scores + other.scores, 1)
        assert np.allclose(one.points, -other.points, atol=1e-9)


def test_columns_behind_encoders_get_their_own_points_back() -> None:
    frame = X.assign(region=np.where(X.age > 0, "north", "south"), region_code=X.late > 0)
    before = ColumnTransformer([("n", StandardScaler(), list(NAMES)), ("c", OneHotEncoder(), ["region", "region_code"])])
    model = make_pipeline(before, LogisticRegression()).fit(frame, Y)
    table = __import__("pyarrow").Table.from_pandas(frame, preserve_index=False)
    made = estimator(model, table, "1")
    kinds = {column.name: column for column in made.contract.columns}
    assert (kinds["region"].kind, kinds["region"].known) == ("text", ("north", "south"))
    assert kinds["region_code"].kind == "flag"
    found = made.compute(as_rows(table.slice(0, 20), made.contract.names))
    assert found.factors == (*NAMES, "region", "region_code")
    assert np.allclose(found.base + found.points.sum(axis=1), model.decision_function(frame[:20]))


def test_a_model_nobody_can_explain_says_so() -> None:
    made = estimator(SVC(probability=True).fit(X, Y), TABLE, "1")
    found = made.compute(as_rows(TABLE.slice(0, 2), NAMES))
    assert found.points is None
    assert "neither linear nor made of trees" in found.silent


def test_gaps_are_taken_only_where_the_model_takes_them() -> None:
    assert all(column.missing for column in estimator(HistGradientBoostingClassifier(max_iter=3).fit(X, Y), TABLE, "1").contract.columns)
    assert not any(column.missing for column in estimator(LogisticRegression().fit(X, Y), TABLE, "1").contract.columns)


def test_a_refused_person_is_told_at_most_four_factors_and_only_those_that_cost() -> None:
    from jupyter_mlgov.rollout.serving.arms import Computed

    points = np.array([[-5.0, 3.0, -1.0, -0.5, -0.2, -0.1, 0.0]])
    computed = Computed(scores=np.array([0.1]), points=points, factors=tuple("abcdefg"))
    assert [one.factor for one in top(computed, 0, 7, {}, adverse=True)] == ["a", "c", "d", "e"]
    assert [one.factor for one in top(computed, 0, 3, {}, adverse=False)] == ["a", "b", "c"]
    assert pd.isna([one.points for one in top(computed, 0, 7, {}, adverse=None)]).sum() == 0
