"""File formats of values that cross between steps: none of them runs code when it is opened, except the pickle that a team allowed."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.lineage.contents import is_a, is_sparse
from jupyter_mlgov.lineage.facts import Fingerprint
from jupyter_mlgov.lineage.fingerprint import measured
from jupyter_mlgov.lineage.typenames import Unfit as NoFingerprint
from jupyter_mlgov.pipelines.chance import SharedState, generator_of, state_of
from jupyter_mlgov.pipelines.unfit import Unfit

# Packages whose types skops may build again; anything else in a file closes it.
TRUSTED = frozenset({"sklearn", "numpy", "scipy", "lightgbm", "xgboost", "builtins", "collections"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """How one kind of value is written (path without suffix -> file and what to remember), read, and known by its content.

    `verifies`: the value that was read is measured again; a pickle has no content that could be measured.
    """

    name: str
    kind: str
    write: Callable[[Any, Path], tuple[Path, object]]
    read: Callable[[Path, Any], object]
    root: Callable[[Any], Digest]
    verifies: bool = True


def format_of(value: object) -> Format | None:
    """The format for a value; None where there is none but pickle."""
    kind = type(value)
    for test, name in _CHOICE:
        if test(kind, value):
            return FORMATS[name]
    return None


def _root(value: object) -> Digest:
    """The root of the value's fingerprint. Raises Unfit where it has no canonical form."""
    try:
        found = measured(value)
    except NoFingerprint as error:
        raise Unfit(str(error)) from None
    if found is None:
        raise Unfit(f"a {type(value).__name__} has no fingerprint")
    return Digest.of_json({"method": found.method, "root": found.root, "type": type(value).__name__})


def roots_from(found: Fingerprint) -> frozenset[Digest]:
    """The roots that a value with this recorded fingerprint can have: the record does not tell a table from a Series of it."""
    names = ["DataFrame", "Series", "Table", "ndarray", "csr_matrix", "csr_array", "csc_matrix", "csc_array", "coo_matrix", "coo_array"]
    names += [found.schema["class"].rpartition(".")[2]] if "class" in found.schema else []
    leaves = [Digest.of_json({"method": found.method, "root": found.root, "type": name}) for name in names]
    kinds = [Digest.of_json(["array", found.schema["dtype"], leaf]) for leaf in leaves] if "dtype" in found.schema else []
    return frozenset(Digest.of_json({"root": one}) for one in (*leaves, *kinds))


# -- tables ------------------------------------------------------------------------------------------------------------


def _write_pandas(value: Any, stem: Path) -> tuple[Path, object]:
    """Parquet with pandas' own notes on index and types; Arrow's file format where Parquet would not give the same back."""
    import pyarrow as pa

    series = is_a(type(value), "pandas", "Series")
    frame = value.to_frame(name="0" if value.name is None else value.name) if series else value
    name = _label(value.name) if series else None
    try:
        table = pa.Table.from_pandas(frame)
    except (pa.ArrowException, ValueError, TypeError) as error:
        raise Unfit(f"Arrow cannot hold this table ({_first(error)})") from None
    form: dict[str, object] = {"series": series, "name": name, "freq": getattr(value.index, "freqstr", None)}
    if not series and type(value.columns).__name__ == "RangeIndex":
        form["columns"] = [value.columns.start, value.columns.stop, value.columns.step, value.columns.name]
    for suffix in (".parquet", ".arrow"):
        path = stem.with_name(stem.name + suffix)
        if _same_back(value, table, path, form):
            return path, form
    raise Unfit("the table would not come back the same: a column or its index holds what Arrow does not keep apart")


def _label(name: object) -> list[object]:
    if name is None or isinstance(name, (str, bool, int, float)):
        return [type(name).__name__, name]
    raise Unfit(f"a Series is called {name!r}, which is no text or number")


def _same_back(value: Any, table: Any, path: Path, form: dict[str, object]) -> bool:
    import pyarrow as pa

    try:
        _write_arrow(table, path)
        back = _read_pandas(path, form)
    except (pa.ArrowException, ValueError, TypeError, KeyError):
        path.unlink(missing_ok=True)
        return False
    if type(back) is type(value) and _types(back) == _types(value) and _root(back) == _root(value):
        return True
    path.unlink(missing_ok=True)
    return False


def _types(value: Any) -> object:
    columns = [value.dtype] if hasattr(value, "name") else list(value.dtypes)
    levels = [value.index, *([] if hasattr(value, "name") else [value.columns])]
    shapes = [
        (type(level).__name__, [str(one) for one in level.names], str(getattr(level, "dtype", "")), str(getattr(level, "freq", "")))
        for level in levels
    ]
    return [str(one) for one in columns], shapes, dict(value.attrs)


def _write_arrow(table: Any, path: Path) -> None:
    if path.suffix == ".parquet":
        import pyarrow.parquet as pq

        pq.write_table(table, path)
        return
    from pyarrow import feather

    feather.write_feather(table, str(path), compression="lz4")


def _read_arrow(path: Path) -> Any:
    if path.suffix == ".parquet":
        import pyarrow.parquet as pq

        return pq.ParquetFile(path, memory_map=False).read()
    from pyarrow import feather

    return feather.read_table(str(path), memory_map=False)


def _read_pandas(path: Path, form: Any) -> object:
    frame = _read_arrow(path).to_pandas()
    if form["freq"] is not None:
        frame.index.freq = form["freq"]
    if "columns" in form:
        import pandas as pd

        start, stop, step, label = form["columns"]
        frame.columns = pd.RangeIndex(start, stop, step, name=label)
    if not form["series"]:
        return frame
    series = frame.iloc[:, 0]
    series.name = form["name"][1]
    return series


def _write_polars(value: Any, stem: Path) -> tuple[Path, object]:
    path = stem.with_name(stem.name + ".parquet")
    series = is_a(type(value), "polars", "Series")
    (value.to_frame() if series else value).write_parquet(path)
    return path, {"series": series}


def _read_polars(path: Path, form: Any) -> object:
    import polars

    frame = polars.read_parquet(path, use_pyarrow=False)
    return frame.to_series() if form["series"] else frame


def _write_table(value: Any, stem: Path) -> tuple[Path, object]:
    path = stem.with_name(stem.name + ".arrow")
    _write_arrow(value, path)
    return path, None


# -- models, arrays, generators ------------------------------------------------------------------------------------------


def _write_model(value: Any, stem: Path) -> tuple[Path, object]:
    try:
        import skops.io
    except ImportError:
        raise Unfit('a model is written with skops, which is not installed: `pip install "jupyter-mlgov[models]"`') from None

    path = stem.with_name(stem.name + ".skops")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # skops' own, while it looks for the version of a package
        try:
            skops.io.dump(value, path)
        except Exception as error:  # noqa: BLE001  # skops refuses in many ways; each is a reason why the model cannot cross
            raise Unfit(f"skops cannot hold this {type(value).__name__} ({_first(error)})") from None
    foreign = _foreign(path)
    if foreign:
        path.unlink()
        raise Unfit(f"the model holds types that nobody vouches for: {', '.join(foreign[:5])}")
    return path, None


def _foreign(path: Path) -> list[str]:
    import skops.io

    return sorted(name for name in skops.io.get_untrusted_types(file=path) if name.partition(".")[0] not in TRUSTED)


def _read_model(path: Path, _: object) -> object:
    import skops.io

    foreign = _foreign(path)
    if foreign:
        raise Unfit(f"the model holds types that nobody vouches for: {', '.join(foreign[:5])}")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # as above
        return skops.io.load(path, trusted=skops.io.get_untrusted_types(file=path))


def _model_root(value: Any) -> Digest:
    """Of what it learned; of its class and parameters where it learned nothing yet."""
    try:
        return _root(value)
    except Unfit:
        from jupyter_mlgov.lineage.models import model_root

        try:
            return model_root(value)
        except NoFingerprint as error:
            raise Unfit(str(error)) from None


def _write_array(value: Any, stem: Path) -> tuple[Path, object]:
    import numpy as np

    if value.dtype.hasobject:
        raise Unfit("an array of Python objects has no form that is safe to open again; make a list or a table of it")
    path = stem.with_name(stem.name + ".npy")
    np.save(path, value, allow_pickle=False)
    return path, {"scalar": isinstance(value, np.generic)}


def _read_array(path: Path, form: Any) -> object:
    import numpy as np

    found = np.load(path, allow_pickle=False)
    return found[()] if form["scalar"] else found


def _array_root(value: Any) -> Digest:
    import numpy as np

    kind = "scalar" if isinstance(value, np.generic) else "array"
    return Digest.of_json([kind, str(value.dtype), _root(np.asarray(value))])


def _write_sparse(value: Any, stem: Path) -> tuple[Path, object]:
    from scipy import sparse

    path = stem.with_name(stem.name + ".npz")
    sparse.save_npz(path, value)
    return path, None


def _read_sparse(path: Path, _: object) -> object:
    from scipy import sparse

    return sparse.load_npz(path)


def _write_random(value: Any, stem: Path) -> tuple[Path, object]:
    path = stem.with_name(stem.name + ".json")
    path.write_bytes(state_of(value))
    return path, None


def _read_random(path: Path, _: object) -> object:
    return generator_of(path.read_bytes())


def _random_root(value: Any) -> Digest:
    return Digest.of_bytes(state_of(value))


def _write_stamp(value: Any, stem: Path) -> tuple[Path, object]:
    import pyarrow as pa

    path = stem.with_name(stem.name + ".arrow")
    try:
        _write_arrow(pa.table({"value": pa.Array.from_pandas([value])}), path)
    except (pa.ArrowException, ValueError, TypeError) as error:
        raise Unfit(f"Arrow cannot hold it ({_first(error)})") from None
    return path, {"unit": value.unit, "kind": type(value).__name__}


def _read_stamp(path: Path, form: Any) -> object:
    value = _read_arrow(path).to_pandas()["value"].iloc[0]
    return value.as_unit(form["unit"])


def _stamp_root(value: Any) -> Digest:
    return Digest.of_json([type(value).__name__, str(value), getattr(value, "unit", ""), str(getattr(value, "tz", ""))])


def _write_pickle(value: Any, stem: Path) -> tuple[Path, object]:
    try:
        import cloudpickle
    except ImportError:
        raise Unfit("cloudpickle is not installed: `pip install cloudpickle`") from None
    path = stem.with_name(stem.name + ".pickle")
    try:
        path.write_bytes(cloudpickle.dumps(value))
    except Exception as error:  # noqa: BLE001  # what a value's own pickling raises is the reason why it cannot cross
        raise Unfit(f"even pickle cannot hold it ({_first(error)})") from None
    return path, None


def _read_pickle(path: Path, _: object) -> object:
    import cloudpickle

    return cloudpickle.loads(path.read_bytes())  # the team allowed it, and its bytes were verified


def _pickle_root(value: Any) -> Digest:
    """Its fingerprint where it has one; else of its pickle, which may differ for equal values but never agree for others."""
    try:
        return _model_root(value)
    except Unfit:
        import cloudpickle

        return Digest.of_bytes(cloudpickle.dumps(value))


def _first(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0][:160]}" if lines else type(error).__name__


def _is_stamp(kind: type, value: object) -> bool:
    return kind.__module__.partition(".")[0] == "pandas" and kind.__name__ in ("Timestamp", "Timedelta") and value is not None


def _is_random(kind: type, _: object) -> bool:
    own = (_class("random", "Random"), SharedState)
    return is_a(kind, "numpy.random", "Generator") or is_a(kind, "numpy.random", "RandomState") or kind in own


_CHOICE: tuple[tuple[Callable[[type, object], bool], str], ...] = (
    (lambda kind, _: kind in (_class("pandas", "DataFrame"), _class("pandas", "Series")), "pandas"),
    (lambda kind, _: kind in (_class("polars", "DataFrame"), _class("polars", "Series")), "polars"),
    (lambda kind, _: kind is _class("pyarrow", "Table"), "arrow"),
    (lambda kind, _: is_a(kind, "sklearn.base", "BaseEstimator"), "skops"),
    (lambda kind, _: kind is _class("numpy", "ndarray") or is_a(kind, "numpy", "generic"), "npy"),
    (lambda _, value: is_sparse(value), "npz"),
    (_is_random, "random"),
    (_is_stamp, "stamp"),
)


def _class(library: str, name: str) -> object:
    return getattr(sys.modules.get(library), name, object())


FORMATS: dict[str, Format] = {
    one.name: one
    for one in (
        Format(name="pandas", kind="table", write=_write_pandas, read=_read_pandas, root=_root),
        Format(name="polars", kind="table", write=_write_polars, read=_read_polars, root=_root),
        Format(name="arrow", kind="table", write=_write_table, read=lambda path, _: _read_arrow(path), root=_root),
        Format(name="skops", kind="model", write=_write_model, read=_read_model, root=_model_root),
        Format(name="npy", kind="array", write=_write_array, read=_read_array, root=_array_root),
        Format(name="npz", kind="array", write=_write_sparse, read=_read_sparse, root=_root),
        Format(name="random", kind="value", write=_write_random, read=_read_random, root=_random_root),
        Format(name="stamp", kind="value", write=_write_stamp, read=_read_stamp, root=_stamp_root),
        Format(name="pickle", kind="pickle", write=_write_pickle, read=_read_pickle, root=_pickle_root, verifies=False),
    )
}
