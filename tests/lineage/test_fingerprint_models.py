"""Models, arrays and sparse matrices by content: in any process, by any route; what has no stable content says so."""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler
from sklearn.svm import SVC

from jupyter_mlgov.core.errors import BadInput
from jupyter_mlgov.lineage.contents import kind_of
from jupyter_mlgov.lineage.fingerprint import measured
from jupyter_mlgov.sdk import Fingerprint, fingerprint

RNG = np.random.default_rng(7)
X = RNG.normal(size=(60, 3))
Y = (X[:, 0] > 0).astype(int)


# -- in any process -----------------------------------------------------------------------------------------------------

ELSEWHERE = """
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.ensemble import RandomForestClassifier
from sklearn.compose import make_column_transformer
from sklearn.preprocessing import OneHotEncoder, StandardScaler
import pandas as pd
from jupyter_mlgov.sdk import fingerprint
words = make_pipeline(TfidfVectorizer(stop_words=["the", "a", "of", "and"]), LogisticRegression(class_weight={"yes": 1.0, "no": 2.0}))
words.fit(["the cat", "a dog of war", "cat and dog", "war"], ["yes", "no", "yes", "no"])
frame = pd.DataFrame({"c": ["u", "v", "u", "w"] * 5, "x": range(20)})
columns = make_column_transformer((OneHotEncoder(), ["c"]), (StandardScaler(), ["x"]))
forest = make_pipeline(columns, RandomForestClassifier(4, random_state=1)).fit(frame, [0, 1] * 10)
print(fingerprint(words).root, fingerprint(forest).root)
"""


def test_the_same_fit_has_one_root_in_every_process_whatever_its_hash_seed() -> None:
    said = {
        subprocess.run(
            [sys.executable, "-W", "ignore", "-c", ELSEWHERE],
            capture_output=True,
            text=True,
            check=True,
            env={"PYTHONHASHSEED": seed, "PATH": ""},
        ).stdout
        for seed in ("0", "4711")
    }
    assert len(said) == 1 and said.pop().count("sha256:") == 2


def test_the_order_of_a_dict_and_who_shares_an_array_are_no_content() -> None:
    weights = ({0: 1.0, 1: 2.0}, {1: 2.0, 0: 1.0})
    one, other = (LogisticRegression(class_weight=weight).fit(X, Y) for weight in weights)
    assert fingerprint(one) == fingerprint(other)
    one.extra_, one.again_ = one.coef_, one.coef_
    other.extra_, other.again_ = other.coef_.copy(), other.coef_
    assert fingerprint(one) == fingerprint(other)
    other.again_ = other.coef_ + 1
    assert fingerprint(one) != fingerprint(other)


def test_a_model_that_holds_itself_has_an_end() -> None:
    one, other = (LogisticRegression().fit(X, Y) for _ in range(2))
    for model in (one, other):
        model.notes_ = {"of": [model]}
    assert fingerprint(one) == fingerprint(other) == fingerprint(pickle.loads(pickle.dumps(one)))
    other.notes_ = {"of": [[other]]}
    assert fingerprint(one) != fingerprint(other)


@pytest.mark.parametrize(
    "make",
    [
        lambda: SVC().fit(sp.csr_matrix(X), Y),
        lambda: KNeighborsClassifier(algorithm="brute").fit(sp.csr_matrix(X), Y),
        lambda: StandardScaler().fit(X),
        lambda: OneHotEncoder().fit([["a"], ["b"]]),
        lambda: TfidfVectorizer().fit(["a text", "another text"]),
    ],
    ids=["sparse SVC", "sparse neighbours", "scaler", "one-hot", "tf-idf"],
)
def test_transformers_and_models_over_sparse_data_have_content(make: Callable[[], Any]) -> None:
    model = make()
    assert fingerprint(model) == fingerprint(pickle.loads(pickle.dumps(model)))
    assert fingerprint(model).method == "mlgov-model-1"


# -- unstable -----------------------------------------------------------------------------------------------------------


class Holder(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn ships no types
    """A fitted model that holds whatever it is given."""

    def __init__(self, held: object = None) -> None:
        self.held = held

    def fit(self, _x: object, _y: object) -> Holder:
        self.learned_ = 1
        return self

    def predict(self, x: Any) -> Any:
        return x


def a_function_of_this_file(x: Any) -> Any:
    return x


@pytest.mark.parametrize(
    "held",
    [lambda: 1, object(), iter([1]), (number for number in [1]), Path.cwd, sys.stdout],
    ids=["lambda", "object", "iterator", "generator", "bound method", "open handle"],
)
def test_what_has_no_stable_content_is_called_unstable_with_its_place(held: object) -> None:
    with pytest.raises(BadInput, match=r"unstable: model\.held holds"):
        fingerprint(Holder(held).fit(X, Y))


def test_a_lambda_in_a_pipeline_is_named() -> None:
    with pytest.raises(BadInput, match=r"unstable: .*lambda"):
        fingerprint(make_pipeline(FunctionTransformer(lambda rows: rows), LogisticRegression()).fit(X, Y))


@pytest.mark.parametrize(
    "value", [3, "text", object(), [1], {"a": 1}, lambda: 1, (number for number in [1])], ids=lambda value: type(value).__name__
)
def test_things_without_content_of_their_own_are_called_unstable(value: object) -> None:
    with pytest.raises(BadInput, match="unstable: a builtins"):
        fingerprint(value)


def test_a_generator_is_not_consumed() -> None:
    numbers = (number for number in [1, 2])
    with pytest.raises(BadInput):
        fingerprint(numbers)
    assert list(numbers) == [1, 2]


def test_an_unfitted_model_says_so() -> None:
    with pytest.raises(BadInput, match="LogisticRegression is not fitted"):
        fingerprint(LogisticRegression())


def test_only_tables_go_without_order() -> None:
    with pytest.raises(BadInput, match="only a table"):
        fingerprint(X, ordered=False)


class Bites(BaseEstimator):  # type: ignore[misc]  # scikit-learn ships no types
    """A fitted model that raises, whatever it is asked."""

    def fit(self, _x: object, _y: object) -> Bites:
        return self

    def predict(self, x: Any) -> Any:
        return x

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def __eq__(self, other: object) -> bool:
        raise RuntimeError("no ==")

    def __hash__(self) -> int:
        raise RuntimeError("no hash")

    def __len__(self) -> int:
        raise RuntimeError("no len")

    def __repr__(self) -> str:
        raise RuntimeError("no repr")

    def __getstate__(self) -> object:
        raise RuntimeError("no state")


def test_a_model_that_raises_on_everything_still_has_its_content() -> None:
    one, other = Bites(), Bites()
    one.learned_, other.learned_ = 1, 2  # type: ignore[attr-defined]  # as fit() would
    assert kind_of(one) == "model"
    assert fingerprint(one).root != fingerprint(other).root


# -- arrays -------------------------------------------------------------------------------------------------------------


def test_a_big_array_of_any_layout_is_hashed_in_parts() -> None:
    """Over 8 MB, so that the parts show; a transposed and a big-endian one have the same content."""
    array = RNG.random((1500, 1000))
    wanted = fingerprint(array)
    for same in (np.asfortranarray(array), array.astype(">f8"), array[::-1][::-1], np.lib.stride_tricks.as_strided(array)):
        assert fingerprint(same) == wanted
    changed = array.copy()
    changed[-1, -1] += 1
    assert fingerprint(changed) != wanted
    long = np.arange(3_000_000.0).reshape(2, -1)
    assert fingerprint(np.asfortranarray(long)) == fingerprint(long)


FORMATS = ("csr", "csc", "coo", "bsr", "dok", "lil", "dia")


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 3), st.integers(-3, 3)), max_size=12), st.sampled_from(FORMATS), st.booleans())
def test_a_sparse_matrix_has_one_root_in_every_format(entries: list[tuple[int, int, int]], form: str, array: bool) -> None:
    """Duplicates are added up, in whatever order they stand, and stored zeros are no content."""
    import warnings

    rows, columns, numbers = ([entry[place] for entry in entries] for place in range(3))
    make = sp.coo_array if array else sp.coo_matrix
    stored = make((np.array(numbers, float), (np.array(rows, int), np.array(columns, int))), shape=(5, 4))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scipy thinks that a diagonal form of these is wasteful
        other = stored.asformat(form)
    assert fingerprint(other) == fingerprint(stored) == fingerprint(sp.csr_array(stored.toarray()))
    assert fingerprint(other).schema == {"dtype": "float64", "shape": "(5, 4)"}
    changed = stored.toarray()
    changed[4, 3] += 1
    assert fingerprint(sp.csc_array(changed)).root != fingerprint(stored).root


def test_looking_at_a_sparse_matrix_changes_nothing() -> None:
    stored = sp.coo_array((np.array([1.0, 2.0, 0.0]), (np.array([1, 1, 0]), np.array([1, 1, 0]))), shape=(2, 2))
    fingerprint(stored)
    assert stored.nnz == 3
    unsorted = sp.csr_array((np.array([1.0, 2.0]), np.array([1, 0]), np.array([0, 2])), shape=(1, 2))
    fingerprint(unsorted)
    assert unsorted.indices.tolist() == [1, 0]


def test_shape_and_type_of_a_sparse_matrix_are_content() -> None:
    roots = {fingerprint(sp.csr_array(shape, dtype=kind)).root for shape in ((2, 3), (3, 2), (2, 4)) for kind in ("f8", "f4", "i8")}
    assert len(roots) == 9


def test_a_recorded_sparse_matrix_is_an_array() -> None:
    assert kind_of(sp.csr_matrix(X)) == kind_of(sp.coo_array(X)) == kind_of(X) == "array"
    found = measured(sp.csr_matrix(X))
    assert isinstance(found, Fingerprint) and found.method == "mlgov-sparse-1" and found.rows == 60
