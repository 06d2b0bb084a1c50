"""Plain Python values as JSON that gives back exactly what was put in: 1 and 1.0, lists and tuples, keys of any kind, times, paths."""

from __future__ import annotations

import base64
import math
from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path, PurePath, PurePosixPath
from typing import Any
from uuid import UUID

from jupyter_mlgov.pipelines.unfit import Unfit

DEEPEST = 50
_WHOLE = 2**53


def encoded(value: object, leaf: Callable[[object], object], depth: int = 0) -> object:
    """`value` as JSON; what is not plain goes to `leaf`, which answers an object with `format`. Raises Unfit for what is too deep."""
    if depth > DEEPEST:
        raise Unfit("it is nested too deeply or holds itself")
    kind = type(value)
    if value is None or kind is bool or (kind is str and _is_text(value)):  # type: ignore[arg-type]  # exactly a str
        return value
    if kind is int:
        return value if abs(value) < _WHOLE else {"type": "int", "value": str(value)}  # type: ignore[arg-type]  # exactly an int
    if kind is float:
        return {"type": "float", "value": value.hex() if math.isfinite(value) else repr(value)}  # type: ignore[attr-defined,arg-type]  # exactly a float
    if kind is list:
        return [encoded(item, leaf, depth + 1) for item in value]  # type: ignore[attr-defined]  # exactly a list
    if kind in _SEQUENCES:
        return {"type": kind.__name__, "value": [encoded(item, leaf, depth + 1) for item in _ordered(value)]}
    if kind in _MAPPINGS:
        pairs = [[encoded(key, leaf, depth + 1), encoded(item, leaf, depth + 1)] for key, item in value.items()]  # type: ignore[attr-defined]  # exactly a mapping
        return {"type": kind.__name__, "value": pairs}
    for name, (own, write, _) in _SCALARS.items():
        if kind is own:
            return {"type": name, "value": write(value)}
    if isinstance(value, PurePath):
        return {"type": "path" if isinstance(value, Path) else "purepath", "value": str(value)}
    return leaf(value)


def decoded(content: object, leaf: Callable[[Mapping[str, Any]], object]) -> object:
    """The value that encoded() was given. Raises Unfit for content it did not make."""
    if isinstance(content, list):
        return [decoded(item, leaf) for item in content]
    if not isinstance(content, dict):
        return content
    if "format" in content:
        return leaf(content)
    kind, value = content.get("type"), content.get("value")
    if kind in _BY_NAME and isinstance(value, list):
        return _BY_NAME[kind](decoded(item, leaf) for item in value)
    if kind in _MAPPING_NAMES and isinstance(value, list):
        return _mapping(kind, [(decoded(key, leaf), decoded(item, leaf)) for key, item in value])
    if kind in _SCALARS:
        return _SCALARS[kind][2](value)
    if kind in ("path", "purepath"):
        return (Path if kind == "path" else PurePosixPath)(str(value))
    raise Unfit(f"it holds a {kind!r}, which is not known here")


def _mapping(kind: str, pairs: list[tuple[Any, Any]]) -> object:
    if kind == "Counter":
        return Counter(dict(pairs))
    return OrderedDict(pairs) if kind == "OrderedDict" else dict(pairs)


def _ordered(value: Any) -> list[Any]:
    """Sets in an order that no hash seed decides."""
    return list(value) if isinstance(value, tuple) else sorted(value, key=lambda item: (type(item).__name__, repr(item)))


def _is_text(value: str) -> bool:
    """No half of a character, which JSON's readers do not agree on."""
    return value.isascii() or value.encode("utf-8", "replace").decode("utf-8") == value


def _time_text(value: Any) -> str:
    if value.tzinfo is not None and type(value.tzinfo).__module__ != "datetime":
        raise Unfit("its time zone has a name that its text does not carry; use pandas.Timestamp or UTC")
    return str(value.isoformat())


_SEQUENCES = {tuple, set, frozenset}
_BY_NAME: dict[object, Callable[[Any], object]] = {"tuple": tuple, "set": set, "frozenset": frozenset}
_MAPPINGS = {dict, OrderedDict, Counter}
_MAPPING_NAMES = {"dict", "OrderedDict", "Counter"}
_SCALARS: dict[object, tuple[type, Callable[[Any], object], Callable[[Any], object]]] = {
    "int": (int, str, int),
    "str": (
        str,
        lambda value: value.encode("utf-8", "surrogatepass").hex(),
        lambda text: bytes.fromhex(text).decode("utf-8", "surrogatepass"),
    ),
    "float": (float, float.hex, lambda text: float(text) if text in ("inf", "-inf", "nan") else float.fromhex(text)),
    "complex": (complex, lambda value: [value.real.hex(), value.imag.hex()], lambda pair: complex(*map(float.fromhex, pair))),
    "bytes": (bytes, lambda value: base64.b64encode(value).decode(), base64.b64decode),
    "datetime": (datetime, _time_text, datetime.fromisoformat),
    "date": (date, date.isoformat, date.fromisoformat),
    "time": (time, _time_text, time.fromisoformat),
    "timedelta": (
        timedelta,
        lambda value: [value.days, value.seconds, value.microseconds],
        lambda parts: timedelta(days=parts[0], seconds=parts[1], microseconds=parts[2]),
    ),
    "decimal": (Decimal, str, Decimal),
    "fraction": (Fraction, str, Fraction),
    "uuid": (UUID, str, UUID),
    "range": (range, lambda value: [value.start, value.stop, value.step], lambda parts: range(*parts)),
    "slice": (slice, lambda value: [value.start, value.stop, value.step], lambda parts: slice(*parts)),
}
