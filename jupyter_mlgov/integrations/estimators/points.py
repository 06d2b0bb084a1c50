"""Shapley values of linear models and trees, given back to the columns that a request brings."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jupyter_mlgov.integrations.estimators.columns import steps_of
from jupyter_mlgov.integrations.estimators.forest import Forest, forest

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]

BACKGROUND = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class Points:
    """What the last step sees of some rows -> the points of each column of the model. `spread` None: its columns are the model's own."""

    raw: Callable[[Numbers], Numbers]
    spread: Numbers | None = None

    def __call__(self, inner: Numbers) -> Numbers:
        return self.given(self.raw(inner))

    def given(self, found: Numbers) -> Numbers:
        """Points of what the last step sees, given back to the model's columns."""
        return found if self.spread is None else found @ self.spread


def explainer(model: Any, names: tuple[str, ...], sample: Any, place: int | None) -> tuple[Points | None, float, str]:
    """(points of what the last step sees, where they count from, why there are none)."""
    import numpy as np

    before, last = halves(model)
    if sample is None or any(name not in sample.column_names for name in names):
        return None, 0.0, "no rows were kept at the promotion that points could be counted from"
    frame = evenly(sample, names)
    try:
        matrix, owners = _transformed(before, frame, names)
        if hasattr(last, "coef_"):
            raw, base = _linear(last, matrix, place)
        elif is_tree(last):
            raw, base = _trees(last, matrix, place)
        else:
            return None, 0.0, f"a {type(last).__name__} is neither linear nor made of trees"
    except _Opaque as error:
        return None, 0.0, str(error)
    spread = np.zeros((matrix.shape[1], len(names)))
    spread[np.arange(matrix.shape[1]), owners] = 1.0
    same = matrix.shape[1] == len(names) and owners == list(range(len(names)))

    return Points(raw=raw, spread=None if same else spread), base, ""


def halves(model: Any) -> tuple[Any, Any]:
    """(what comes before the last step, if anything; the last step)."""
    steps = steps_of(model)
    return (model[:-1] if hasattr(model, "steps") and len(steps) > 1 else None), steps[-1]


def dense(inner: Any) -> Numbers:
    """What a step made, as numbers."""
    import numpy as np

    return np.asarray(inner.toarray() if hasattr(inner, "toarray") else inner, np.float64)


class _Opaque(Exception):
    """The points of this model cannot be given back to the columns it reads."""


def evenly(sample: Any, names: tuple[str, ...]) -> pd.DataFrame:
    """At most BACKGROUND rows, evenly spread, so that the same table always gives the same mean."""
    count = min(BACKGROUND, sample.num_rows)
    places = sorted({index * (sample.num_rows - 1) // max(count - 1, 1) for index in range(count)})
    frame: pd.DataFrame = sample.select(list(names)).take(places).to_pandas()
    return frame


def _transformed(before: Any, frame: pd.DataFrame, names: tuple[str, ...]) -> tuple[Numbers, list[int]]:
    """(what the last step sees of the sample, for each of its columns the column of the model it comes from)."""
    if before is None:
        if any(kind.kind not in "fiub" for kind in frame.dtypes):
            raise _Opaque("the model reads text by itself, and its points cannot be counted")
        return dense(frame), list(range(len(names)))
    matrix = dense(before.transform(frame))
    try:
        inner = [str(name) for name in before.get_feature_names_out()]
    except Exception:  # noqa: BLE001 # a transformer of anybody's may not say, in its own way
        raise _Opaque("its first steps do not say what they make of which column") from None
    owners = []
    for name in inner:
        short = name.split("__", 1)[-1]
        found = [place for place, own in enumerate(names) if own in (name, short)] or [
            place for place, own in enumerate(names) if short.startswith(f"{own}_")
        ]
        if not found:
            raise _Opaque(f"nobody can say which column {name} comes from")
        owners.append(max(found, key=lambda place: len(names[place])))
    return matrix, owners


def _linear(last: Any, matrix: Numbers, place: int | None) -> tuple[Callable[[Numbers], Numbers], float]:
    """Shapley values of a linear model are w (x - mean) (Lundberg & Lee 2017, corollary 1); on the log-odds for a classifier."""
    import numpy as np

    weights = np.atleast_2d(np.asarray(last.coef_, np.float64))
    if weights.shape[0] > 1 and place is not None:
        vector, start = weights[place], float(np.atleast_1d(last.intercept_)[place])
    elif weights.shape[0] == 1:
        sign = -1.0 if place == 0 else 1.0
        vector, start = sign * weights[0], sign * float(np.atleast_1d(last.intercept_)[0])
    else:
        raise _Opaque("it has several outcomes at once")
    mean = matrix.mean(axis=0)
    if not np.isfinite(mean).all():
        mean = np.nanmean(matrix, axis=0)
    return (lambda rows: (rows - mean) * vector), start + float(mean @ vector)


_TREES = ("RandomForest", "ExtraTrees", "GradientBoosting", "HistGradientBoosting", "DecisionTree", "LGBM", "XGB")


def is_tree(last: Any) -> bool:
    """Made of trees that shap knows."""
    return type(last).__name__.startswith(_TREES)


def _trees(last: Any, matrix: Numbers, place: int | None) -> tuple[Callable[[Numbers], Numbers], float]:
    """Exact Shapley values along the trees' own paths, by shap's TreeExplainer (Lundberg et al. 2020), from tables where those agree."""
    import numpy as np

    if getattr(last, "is_categorical_", None) is not None:
        raise _Opaque("it splits by categories, which shap takes for numbers")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # shap imports what numpy and numba deprecate
            from shap import TreeExplainer

            explainer = TreeExplainer(last)
    except ImportError:
        raise _Opaque('shap is not installed (pip install "jupyter-mlgov[explain]")') from None
    except Exception as error:  # noqa: BLE001 # shap raises its own errors for forests it does not know
        raise _Opaque(f"shap does not explain it: {type(error).__name__}") from None
    start = np.atleast_1d(np.asarray(explainer.expected_value, np.float64))

    def raw(rows: Numbers) -> Numbers:
        found = np.asarray(explainer.shap_values(rows, check_additivity=False), np.float64)
        if found.ndim == 3:
            return np.ascontiguousarray(found[:, :, place or 0])
        return -found if place == 0 else found

    base = float(start[place or 0]) if len(start) > 1 else float(-start[0] if place == 0 else start[0])
    tabled: Forest | None = forest(explainer.model, raw, matrix, place)
    return tabled or raw, base if math.isfinite(base) else 0.0
