"""What a step takes in and gives out: references to tables, arrays and models, parameters and metrics, from the notebook's names."""

from __future__ import annotations

import math
import numbers
import re
from collections.abc import Iterable, Mapping
from types import FunctionType, ModuleType
from typing import Any

from jupyter_mlgov.audit.journal import ObjectStore
from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.core.errors import MlgovError
from jupyter_mlgov.lineage.contents import Kind, arrow, kind_of
from jupyter_mlgov.lineage.facts import Fingerprint, ObjectRef
from jupyter_mlgov.lineage.fingerprint import measured
from jupyter_mlgov.lineage.keeper import ModelKeeper
from jupyter_mlgov.lineage.typenames import Unfit

PARAMETER_TAGS = frozenset({"parameters", "injected-parameters", "pipeline-parameters"})  # papermill's, its own, Kale's
_SECRET = re.compile(r"pass(word|wd|phrase)|secret|token|api_?key|credential|private_?key", re.IGNORECASE)
_WHOLE = 2**53 - 1


def known(names: Iterable[str], namespace: Mapping[str, object]) -> tuple[str, ...]:
    """Those of `names` that the notebook has. Left out: modules (they are distributions or files), and what IPython itself puts there."""
    return tuple(name for name in names if name in namespace and not _is_furniture(name, namespace[name]))


def _is_furniture(name: str, value: object) -> bool:
    """Told from the class, so that a value with a broken `__class__` does not break us."""
    if issubclass(type(value), ModuleType) or name in ("In", "Out", "get_ipython", "exit", "quit"):
        return True
    return name == "open" and type(value) is FunctionType and (value.__module__ or "").startswith("IPython")


def references(names: Iterable[str], namespace: Mapping[str, object]) -> tuple[ObjectRef, ...]:
    """A reference to each name that holds a table, array or fitted model now; where it has no fingerprint, `note` says why."""
    found = []
    for name in names:
        kind = kind_of(namespace.get(name))
        if kind is not None:
            found.append(_reference(name, kind, namespace[name]))
    return tuple(found)


def _reference(name: str, kind: Kind, value: object) -> ObjectRef:
    print_: Fingerprint | None = None
    note = ""
    try:
        print_ = measured(value)
    except Unfit as error:
        note = str(error) if str(error).startswith("unstable") else f"no fingerprint: {error}"
    return ObjectRef(name=name, kind=kind, fingerprint=print_, note=clean(note, 300))


def unmeasured(name: str, namespace: Mapping[str, object], note: str) -> ObjectRef:
    """A reference without a fingerprint, and why."""
    return ObjectRef(name=name, kind="array" if kind_of(namespace.get(name)) == "array" else "table", fingerprint=None, note=note)


def weight(value: object) -> int:
    """Bytes of a table or array as it tells them itself, without looking into its values; 0 where it does not tell."""
    if kind_of(value) not in ("table", "array"):
        return 0
    known: Any = value
    try:
        if hasattr(known, "memory_usage"):
            told = known.memory_usage(index=True, deep=False)
            return int(told.sum() if hasattr(told, "sum") else told)
        size = getattr(known, "nbytes", None)
        return int(size if size is not None else known.estimated_size())
    except Exception:  # noqa: BLE001  # a lazy or broken object: it is measured like a small one
        return 0


def store_table(value: object, objects: ObjectStore) -> tuple[Digest | None, str]:
    """Put the table into the store as Parquet. (None, why) when it cannot be written."""
    try:
        import io

        import pyarrow.parquet as pq

        buffer = io.BytesIO()
        pq.write_table(_whole_table(value), buffer)
        return objects.put(buffer.getvalue()), ""
    except MlgovError as error:
        return None, f"not stored: {error}"
    except Exception as error:  # noqa: BLE001  # pyarrow raises many kinds; the cell must go on and the note says so
        return None, f"not stored: {type(error).__name__} while writing Parquet"


def _whole_table(value: object) -> Any:
    return arrow(value)


def store_model(value: object, objects: ObjectStore, keeper: ModelKeeper) -> tuple[Digest | None, str]:
    """Put the model into the store in skops' format, which is read without pickle. (None, why) when skops cannot hold it."""
    import warnings

    try:
        written = keeper.dumps(value)
        if written is not None:
            return objects.put(written), ""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # skops' own, while it looks for the version of a package
            import skops.io

            return objects.put(skops.io.dumps(value)), ""
    except MlgovError as error:
        return None, f"not stored: {error}"
    except Exception as error:  # noqa: BLE001  # skops refuses in many ways; the note says so and the gate reads it
        return None, f"skops cannot hold it ({type(error).__name__}: {clean(str(error), 120)})"


def parameters(names: Iterable[str], namespace: Mapping[str, object]) -> dict[str, object]:
    """Literal values of these names. What looks like a secret by its name is not written down."""
    found: dict[str, object] = {}
    for name in names:
        if name in namespace and _is_literal(namespace[name]):
            found[name] = "(not recorded: the name says it is secret)" if _SECRET.search(name) else _literal(namespace[name])
    return found


def _is_literal(value: object) -> bool:
    kind = type(value)
    if kind in (list, tuple):
        return all(_is_literal(item) for item in value)  # type: ignore[attr-defined]  # exactly a list or tuple
    if kind is dict:
        return all(type(key) is str and _is_literal(item) for key, item in value.items())  # type: ignore[attr-defined]  # exactly a dict
    return value is None or kind in (bool, int, float, str)


def _literal(value: Any) -> object:
    if isinstance(value, (list, tuple)):
        return [_literal(item) for item in value]
    if isinstance(value, dict):
        return {
            clean(key, 200): "(not recorded: the name says it is secret)" if _SECRET.search(key) else _literal(item)
            for key, item in value.items()
        }
    if isinstance(value, str):
        return clean(value, 4000)
    too_large = isinstance(value, int) and abs(value) > _WHOLE
    return str(value) if too_large or (isinstance(value, float) and not math.isfinite(value)) else value


def metrics(names: Iterable[str], namespace: Mapping[str, object]) -> dict[str, float]:
    """Real numbers among these names, and those in a dict called `metrics`. NaN and infinities stay: undefined is not left out."""
    found: dict[str, float] = {}
    for name in names:
        value = namespace.get(name)
        if name == "metrics" and type(value) is dict:
            found.update(
                {clean(key, 200): number for key, item in value.items() if type(key) is str and (number := _real(item)) is not None}
            )
        elif not name.startswith("_") and (number := _real(value)) is not None:
            found[name] = number
    return found


def _real(value: object) -> float | None:
    kind = type(value)
    if kind is bool or kind.__module__ not in ("builtins", "numpy") or not issubclass(kind, numbers.Real):
        return None
    try:
        return float(value)  # type: ignore[arg-type]  # a real number, told from its class
    except (OverflowError, ValueError):
        return None


def clean(text: str, limit: int) -> str:
    """At most `limit` signs that JSON can carry."""
    text = text.encode("utf-8", "backslashreplace").decode("utf-8")
    return text if len(text) <= limit else text[: limit - 1] + "…"
