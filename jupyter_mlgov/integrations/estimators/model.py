"""A fitted estimator that answers requests: its scores and points, the short way where that gives the very same bits."""

from __future__ import annotations

import copy
import time
import warnings
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from jupyter_mlgov.integrations.estimators.boosted import Boosted, boosted
from jupyter_mlgov.integrations.estimators.columns import column_of, names_of, place_of, steps_of
from jupyter_mlgov.integrations.estimators.points import dense, evenly, explainer, halves, is_tree
from jupyter_mlgov.rollout.serving.arms import Computed
from jupyter_mlgov.rollout.serving.inputs import Contract, Rows

if TYPE_CHECKING:
    import pandas as pd

    from jupyter_mlgov.integrations.estimators.points import Points

# Seconds that one row (or BATCH of them) may take to be computed where it is asked.
BRIEF, BATCH = 0.002, 16
# Steps whose code is arithmetic on their rows, and cannot hang or call anybody.
_ARITHMETIC = ("linear_model", "ensemble", "tree", "preprocessing", "impute", "feature_selection", "decomposition", "discriminant_analysis")


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimator:
    """The Predictor port over one fitted estimator. `place` is the favourable class; None for a regressor.

    `bare`: the same model without its columns' names; it reads the numbers of a request as they are, and a frame need not be made.
    `boosted`: one pass over its leaves gives the very scores and the points, and the last step is not asked.
    """

    model: Any
    contract: Contract
    place: int | None
    points: Points | None
    base: float
    silent: str
    cacheable: bool = True
    bare: Any = None
    brief: int = 0
    boosted: Boosted | None = None
    halves: tuple[Any, Any] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "halves", halves(self.model if self.bare is None else self.bare))

    @property
    def bounded(self) -> bool:
        return self.place is not None

    def compute(self, rows: Rows) -> Computed:
        """Scores and points. What comes before the last step is done once, for both."""
        import numpy as np

        before, last = self.halves
        shown = self._shown(rows)
        inner = shown if before is None else before.transform(shown)
        if self.boosted is not None and self.points is not None:
            both = self.boosted(dense(inner))
            if both is not None:
                return Computed(scores=both[0], points=self.points.given(both[1]), factors=self.contract.names, base=self.base)
        found = last.predict(inner) if self.place is None else last.predict_proba(inner)[:, self.place]
        scores = np.asarray(found, np.float64)
        if self.points is None:
            return Computed(scores=scores, silent=self.silent)
        return Computed(scores=scores, points=self.points(dense(inner)), factors=self.contract.names, base=self.base)

    def _shown(self, rows: Rows) -> Any:
        """Rows with the names and order that the model was fitted on, or without names."""
        import numpy as np

        if self.bare is not None:
            return np.array(list(rows.columns.values())).T
        import pandas as pd

        frame = pd.DataFrame(dict(rows.columns), copy=False)
        return frame if hasattr(self.model, "feature_names_in_") else frame.to_numpy()


def estimator(model: Any, sample: Any, favourable: str, *, also: tuple[str, ...] = (), cacheable: bool = True) -> Estimator:
    """`model` made ready to answer. `sample`: a pyarrow table of rows it was judged on, for types and for the mean points count from.

    Raises NotReady where the model does not know its columns or the favourable class.
    """
    names = names_of(model)
    place = place_of(model, favourable)
    contract = Contract(columns=tuple(column_of(name, model, sample) for name in names), also=tuple(n for n in also))
    points, base, silent = explainer(model, names, sample, place)
    made = Estimator(model=model, contract=contract, place=place, points=points, base=base, silent=silent, cacheable=cacheable)
    if points is not None:
        made = replace(made, boosted=boosted(made.halves[1], points.raw, place))
    if sample is None or any(name not in sample.column_names for name in names):
        return made
    return _shortened(made, evenly(sample, names))


def _shortened(made: Estimator, frame: pd.DataFrame) -> Estimator:
    """The short way, taken only where it gave the same bits on the rows the version was judged on, at once and one by one."""
    import numpy as np

    if any(column.kind not in ("number", "flag") for column in made.contract.columns) or not len(frame):
        return made
    whole = Rows(n=len(frame), columns={name: frame[name].to_numpy(np.float64, na_value=np.nan) for name in made.contract.names})
    single = [Rows(n=1, columns={name: values[place : place + 1] for name, values in whole.columns.items()}) for place in range(len(frame))]
    try:
        short = replace(made, bare=_nameless(made.model))
        with warnings.catch_warnings(record=True) as heard:
            warnings.simplefilter("always")
            same = all(_same(made.compute(rows), short.compute(rows)) for rows in (whole, *single[:16]))
        same = same and not any("feature names" in str(one.message) for one in heard)  # a part inside that misses its names says so
    except Exception:  # noqa: BLE001 # a model of anybody's may need its names in its own way: then it keeps them
        return made
    return replace(short, brief=_brief(short, single[0], whole)) if same else made


def _same(one: Computed, other: Computed) -> bool:
    import numpy as np

    if not np.array_equal(one.scores, other.scores, equal_nan=True):
        return False
    if one.points is None or other.points is None:
        return one.points is other.points
    return np.array_equal(one.points, other.points, equal_nan=True)


def _nameless(model: Any) -> Any:
    """A shallow copy that shares every number of the model and has forgotten its columns' names."""
    found = copy.copy(model)
    if hasattr(found, "steps"):
        found.steps = [(name, part if isinstance(part, str) or part is None else _nameless(part)) for name, part in found.steps]
    else:
        vars(found).pop("feature_names_in_", None)
    return found


def _brief(made: Estimator, one: Rows, whole: Rows) -> int:
    """Rows that are computed in less than BRIEF seconds by arithmetic alone; 0: none. The quickest of nine: others work here too."""
    last = steps_of(made.model)[-1]
    plain = all(
        type(part).__module__.startswith(tuple(f"sklearn.{name}." for name in _ARITHMETIC)) and type(part).__name__ != "FunctionTransformer"
        for part in steps_of(made.model)
    )
    if not plain or not (hasattr(last, "coef_") or is_tree(last)):
        return 0
    some = Rows(n=min(BATCH, whole.n), columns={name: values[:BATCH] for name, values in whole.columns.items()})
    for rows in (some, one):
        took = []
        for _ in range(9):
            start = time.perf_counter()
            made.compute(rows)
            took.append(time.perf_counter() - start)
        if min(took) < BRIEF:
            return rows.n
    return 0
