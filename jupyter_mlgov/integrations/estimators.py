"""The door to scikit-learn's models at work: what they read, their scores, and Shapley values of linear models and trees."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jupyter_mlgov.core.errors import NotReady
from jupyter_mlgov.rollout.serving.arms import Computed
from jupyter_mlgov.rollout.serving.inputs import Column, Contract, Kind, Rows

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]
    Points = Callable[[pd.DataFrame], Numbers]

BACKGROUND = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimator:
    """The Predictor port over one fitted estimator. `place` is the favourable class; None for a regressor."""

    model: Any
    contract: Contract
    place: int | None
    points: Points | None
    base: float
    silent: str
    cacheable: bool = True

    @property
    def bounded(self) -> bool:
        return self.place is not None

    def compute(self, rows: Rows) -> Computed:
        """Scores and points. One frame is made for both, with the names and order that the model was fitted on."""
        import numpy as np
        import pandas as pd

        frame = pd.DataFrame(dict(rows.columns), copy=False)
        shown: Any = frame if hasattr(self.model, "feature_names_in_") else frame.to_numpy()
        found = self.model.predict(shown) if self.place is None else self.model.predict_proba(shown)[:, self.place]
        scores = np.asarray(found, np.float64)
        if self.points is None:
            return Computed(scores=scores, silent=self.silent)
        return Computed(scores=scores, points=self.points(frame), factors=self.contract.names, base=self.base)


def estimator(model: Any, sample: Any, favourable: str, *, also: tuple[str, ...] = (), cacheable: bool = True) -> Estimator:
    """`model` made ready to answer. `sample`: a pyarrow table of rows it was judged on, for types and for the mean points count from.

    Raises NotReady where the model does not know its columns or the favourable class.
    """
    names = _names(model)
    place = _place(model, favourable)
    contract = Contract(columns=tuple(_column(name, model, sample) for name in names), also=tuple(n for n in also))
    points, base, silent = _explainer(model, names, sample, place)
    return Estimator(model=model, contract=contract, place=place, points=points, base=base, silent=silent, cacheable=cacheable)


def _names(model: Any) -> tuple[str, ...]:
    names = getattr(model, "feature_names_in_", None)
    if names is not None:
        return tuple(str(name) for name in names)
    count = getattr(model, "n_features_in_", None)
    if not isinstance(count, int):
        raise NotReady("The model does not say which columns it reads.", next="Fit it on a data frame, and register it again.")
    return tuple(f"x{place}" for place in range(count))


def _place(model: Any, favourable: str) -> int | None:
    if not hasattr(model, "predict_proba"):
        return None
    classes = [_text(one) for one in model.classes_]
    if _text(favourable) not in classes:
        raise NotReady(
            f"The model knows the classes {', '.join(classes[:6])}, and {favourable!r} is none of them.",
            next="Mend `favourable` under [subject] in mlgov.toml.",
        )
    return classes.index(_text(favourable))


def _text(value: object) -> str:
    """1, 1.0, True and "1" are one class."""
    text = str(value).strip().lower()
    text = {"true": "1", "false": "0"}.get(text, text)
    return text.removesuffix(".0")


def _column(name: str, model: Any, sample: Any) -> Column:
    kind: Kind = "any" if sample is not None and name in sample.column_names else "number"
    if kind == "any":
        import pyarrow as pa

        type_ = sample.schema.field(name).type
        type_ = type_.value_type if pa.types.is_dictionary(type_) else type_
        if pa.types.is_boolean(type_):
            kind = "flag"
        elif pa.types.is_integer(type_) or pa.types.is_floating(type_) or pa.types.is_decimal(type_):
            kind = "number"
        elif pa.types.is_string(type_) or pa.types.is_large_string(type_) or pa.types.is_string_view(type_):
            kind = "text"
    return Column(name=name, kind=kind, missing=_takes_gaps(model, name), known=_categories(model, name))


def _takes_gaps(model: Any, name: str) -> bool:
    """Whether NaN is let in under this name, as the first estimator that reads it says itself."""
    from sklearn.utils import get_tags

    for part in _readers(model, name):
        try:
            return bool(get_tags(part).input_tags.allow_nan)
        except Exception:  # noqa: BLE001 # an estimator without tags has promised nothing
            return False
    return False


def _categories(model: Any, name: str) -> tuple[str, ...]:
    """The only values that an encoder takes here, where it raises at any other."""
    for part, names in _encoders(model):
        if name in names and getattr(part, "handle_unknown", "") == "error":
            known = part.categories_[names.index(name)]
            return tuple(str(value) for value in known if isinstance(value, str))
    return ()


def _steps(model: Any) -> list[Any]:
    steps = getattr(model, "steps", None)
    return [part for _, part in steps if part is not None and part != "passthrough"] if steps else [model]


def _readers(model: Any, name: str) -> list[Any]:
    """The estimators that see column `name` first."""
    first = _steps(model)[0]
    if hasattr(first, "transformers_"):
        return [_steps(part)[0] for _, part, columns in first.transformers_ if name in _listed(columns, first) and hasattr(part, "fit")]
    return [first]


def _encoders(model: Any) -> list[tuple[Any, list[str]]]:
    first = _steps(model)[0]
    if hasattr(first, "transformers_"):
        pairs = [(part, _listed(columns, first)) for _, part, columns in first.transformers_ if hasattr(part, "fit")]
    else:
        pairs = [(first, list(_names(model)))] if hasattr(first, "n_features_in_") else []
    return [(one, names) for part, names in pairs for one in _steps(part) if hasattr(one, "categories_")]


def _listed(columns: Any, first: Any) -> list[str]:
    names = [str(name) for name in getattr(first, "feature_names_in_", ())]
    if isinstance(columns, str):
        return [columns]
    if isinstance(columns, slice):
        return names[columns]
    found = []
    for place, one in enumerate(columns):
        if isinstance(one, str):
            found.append(one)
        elif isinstance(one, bool) or type(one).__name__ == "bool":
            found += [names[place]] if one else []
        elif 0 <= int(one) < len(names):
            found.append(names[int(one)])
    return found


# -- Shapley values ---------------------------------------------------------------------------------------------------


def _explainer(model: Any, names: tuple[str, ...], sample: Any, place: int | None) -> tuple[Points | None, float, str]:
    """(points of a frame, where they count from, why there are none)."""
    import numpy as np

    steps = _steps(model)
    last, before = steps[-1], model[:-1] if hasattr(model, "steps") and len(steps) > 1 else None
    if sample is None or any(name not in sample.column_names for name in names):
        return None, 0.0, "no rows were kept at the promotion that points could be counted from"
    frame = _spread(sample, names)
    try:
        matrix, owners = _transformed(before, frame, names)
        if hasattr(last, "coef_"):
            raw, base = _linear(last, matrix, place)
        elif _is_tree(last):
            raw, base = _trees(last, place)
        else:
            return None, 0.0, f"a {type(last).__name__} is neither linear nor made of trees"
    except _Opaque as error:
        return None, 0.0, str(error)
    spread = np.zeros((matrix.shape[1], len(names)))
    spread[np.arange(matrix.shape[1]), owners] = 1.0
    same = matrix.shape[1] == len(names) and owners == list(range(len(names)))

    def points(rows: pd.DataFrame) -> Numbers:
        inner = _matrix(before, rows, named=hasattr(model, "feature_names_in_"))
        found = raw(inner)
        return found if same else found @ spread

    return points, base, ""


class _Opaque(Exception):
    """The points of this model cannot be given back to the columns it reads."""


def _spread(sample: Any, names: tuple[str, ...]) -> pd.DataFrame:
    """At most BACKGROUND rows, evenly spread, so that the same table always gives the same mean."""
    count = min(BACKGROUND, sample.num_rows)
    places = sorted({index * (sample.num_rows - 1) // max(count - 1, 1) for index in range(count)})
    frame: pd.DataFrame = sample.select(list(names)).take(places).to_pandas()
    return frame


def _matrix(before: Any, frame: pd.DataFrame, *, named: bool) -> Numbers:
    import numpy as np

    inner: Any = before.transform(frame if named else frame.to_numpy()) if before is not None else frame
    inner = inner.toarray() if hasattr(inner, "toarray") else inner
    return np.asarray(inner, np.float64)


def _transformed(before: Any, frame: pd.DataFrame, names: tuple[str, ...]) -> tuple[Numbers, list[int]]:
    """(what the last step sees of the sample, for each of its columns the column of the model it comes from)."""
    if before is None:
        if any(kind.kind not in "fiub" for kind in frame.dtypes):
            raise _Opaque("the model reads text by itself, and its points cannot be counted")
        return _matrix(None, frame, named=True), list(range(len(names)))
    matrix = _matrix(before, frame, named=True)
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


def _is_tree(last: Any) -> bool:
    return type(last).__name__.startswith(_TREES)


def _trees(last: Any, place: int | None) -> tuple[Callable[[Numbers], Numbers], float]:
    """Exact Shapley values along the trees' own paths, by shap's TreeExplainer (Lundberg et al. 2020)."""
    import numpy as np

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
    return raw, base if math.isfinite(base) else 0.0
