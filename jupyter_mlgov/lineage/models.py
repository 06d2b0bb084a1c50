"""One root for a fitted scikit-learn model: its class, its parameters and all that it learned (method `mlgov-model-1`)."""

from __future__ import annotations

import functools
import sys
import types
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.lineage.arrays import array_root, sparse_root
from jupyter_mlgov.lineage.columns import table_fingerprint
from jupyter_mlgov.lineage.contents import content_of, is_a, is_sparse, kind_of
from jupyter_mlgov.lineage.tagging import tagged
from jupyter_mlgov.lineage.typenames import Unfit

METHOD = "mlgov-model-1"
DEEPEST = 60
# How long a fit took is no part of what was learned, nor where in memory a vectoriser's stop words lay (scikit-learn keeps their id()).
PASSING = frozenset({"refit_time_", "mean_fit_time", "std_fit_time", "mean_score_time", "std_score_time", "_stop_words_id"})
_MAKERS = frozenset({"sklearn", "numpy", "scipy", "lightgbm", "xgboost"})
_PLAIN = (bytearray, complex, range, type(...), datetime, date, time, timedelta, Decimal)


def model_root(model: object) -> Digest:
    """The digest of everything the model holds. Raises Unfit naming the first part that has no canonical form."""
    return Digest.of_json({"method": METHOD, "model": _Walk().describe(model, "model")})


class _Walk:
    """Walks an object graph. A part is its own content wherever it stands: two that are one object and two that are equal are the same.

    A part that holds itself is written as the number of steps up to where it stands.
    """

    def __init__(self) -> None:
        self._path: list[int] = []
        self._done: dict[int, object] = {}
        self._kept: list[object] = []  # keeps temporaries alive, so that no id is used twice
        self._highest = 0  # how far up the last part reached; more than its own depth where it holds nothing above it

    def describe(self, value: object, where: str) -> object:
        if value is None or isinstance(value, (bool, int, float, str, bytes)):
            return _scalar(value)
        depth = len(self._path)
        if depth > DEEPEST:
            raise Unfit(f"unstable: {where[:120]} is nested too deeply")
        if id(value) in self._path:
            place = self._path.index(id(value))
            self._highest = min(self._highest, place)
            return {"up": depth - place}
        if id(value) in self._done:
            return self._done[id(value)]
        self._kept.append(value)
        outside, self._highest = self._highest, depth + 1
        self._path.append(id(value))
        found = {"part": Digest.of_json(self._part(value, where))}
        self._path.pop()
        if self._highest > depth:  # what reaches above itself means something else at another place
            self._done[id(value)] = found
        self._highest = min(outside, self._highest)
        return found

    def _part(self, value: Any, where: str) -> object:
        if isinstance(value, Mapping):
            return {"pairs": self._pairs(value, where)}
        if isinstance(value, (list, tuple)):
            return {"items": [self.describe(item, f"{where}[{place}]") for place, item in enumerate(value)]}
        if isinstance(value, (set, frozenset)):
            return {"set": sorted(Digest.of_json(self.describe(item, where)) for item in value)}
        if isinstance(value, slice):
            return {"slice": [_scalar(part) for part in (value.start, value.stop, value.step)]}
        return self._known(value, where)

    def _pairs(self, value: Mapping[Any, Any], where: str) -> list[list[object]]:
        """By key: the order in which keys came in is no content, and it can hang on the hash seed of the process."""
        keyed = [(Digest.of_json(self.describe(key, where)), key) for key in value if not (isinstance(key, str) and key in PASSING)]
        return [[digest, self.describe(value[key], f"{where}[…]")] for digest, key in sorted(keyed, key=lambda pair: pair[0])]

    def _known(self, value: Any, where: str) -> object:
        import numpy as np

        if isinstance(value, np.ma.MaskedArray):
            mask = np.ma.getmaskarray(value)
            return {"masked": self.describe([mask, np.where(mask, np.zeros((), value.dtype), value.data)], where)}
        if isinstance(value, np.ndarray):
            if value.dtype.kind == "O":
                return {"shape": list(value.shape), "items": [self.describe(item, f"{where}[…]") for item in value.ravel()]}
            return {"array": array_root(value)}
        if isinstance(value, np.generic):
            return {"number": array_root(np.asarray(value))}
        if isinstance(value, np.dtype):
            return {"dtype": value.str}
        if kind_of(value) == "table":
            return {"table": table_fingerprint(content_of(value)).root}
        if is_sparse(value):
            return {"class": type(value).__name__, "sparse": sparse_root(value)}
        if isinstance(value, (type, types.FunctionType, np.ufunc)) or _is_compiled_function(value):
            return {"named": _named(value, where)}
        if isinstance(value, functools.partial):
            return {"partial": self.describe([value.func, value.args, value.keywords], where)}
        return self._object(value, where)

    def _object(self, value: Any, where: str) -> object:
        """Objects of the libraries that make models, by their attributes or their pickle state. Others are not guessed at."""
        kind = type(value)
        name = f"{kind.__module__}.{kind.__qualname__}"
        package = kind.__module__.partition(".")[0]
        if package not in _MAKERS and not _is_estimator(value) and not isinstance(value, _PLAIN):
            raise Unfit(f"unstable: {where[:120]} holds a {name}, whose content cannot be read canonically")
        if _is_estimator(value) or (hasattr(value, "__dict__") and package == "sklearn" and "__reduce__" not in vars(kind)):
            held = {key: item for key, item in vars(value).items() if key not in PASSING}
            return {"class": name, "holds": [[key, self.describe(held[key], f"{where}.{key}")] for key in sorted(held)]}
        try:
            reduced = value.__reduce_ex__(2)
        except Exception as error:  # noqa: BLE001  # a foreign __reduce__ raises what it likes; the reason is told
            raise Unfit(f"unstable: {where[:120]} holds a {name}, which cannot be taken apart ({type(error).__name__})") from None
        parts = list(reduced[:3]) if isinstance(reduced, tuple) else [reduced]
        return {"class": name, "made": self.describe(parts, where)}


def _scalar(value: object) -> object:
    return tagged(value) if not isinstance(value, float) or value == value else ["f", "nan"]


def _is_estimator(value: object) -> bool:
    return is_a(type(value), "sklearn.base", "BaseEstimator")


def _is_compiled_function(value: object) -> bool:
    return type(value).__name__ in ("builtin_function_or_method", "cython_function_or_method", "fused_cython_function") and (
        getattr(value, "__self__", None) is None or isinstance(getattr(value, "__self__", None), types.ModuleType)
    )


def _named(value: Any, where: str) -> str:
    """`module.name` of a function or class that an import finds again; a lambda or a notebook's own function is not its name."""
    module, name = getattr(value, "__module__", None) or "numpy", getattr(value, "__qualname__", getattr(value, "__name__", ""))
    found: Any = sys.modules.get(module)
    for part in name.split("."):
        found = getattr(found, part, None)
    if found is not value or module == "__main__":
        raise Unfit(f"unstable: {where[:120]} holds the function {module}.{name}, whose source is not part of the model")
    return f"{module}.{name}"
