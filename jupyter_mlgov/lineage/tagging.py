"""A Python value as JSON in which `1`, `1.0`, `"1"` and True differ: for mixed columns, arrays of objects and models."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from jupyter_mlgov.core.canonical import canonical_json
from jupyter_mlgov.lineage.typenames import Unfit, text

DEEPEST = 60


def tagged(value: object, depth: int = 0) -> object:
    """Raises Unfit for what is no scalar, list or dict of those, and for what holds itself."""
    if depth > DEEPEST:
        raise Unfit("a value is nested too deeply or holds itself")
    if value is None:
        return None
    if isinstance(value, (list, tuple)):
        return ["l", *(tagged(item, depth + 1) for item in value)]
    if isinstance(value, (set, frozenset)):
        return ["u", *sorted((tagged(item, depth + 1) for item in value), key=canonical_json)]
    if isinstance(value, dict):
        return ["o", *_pairs(value, depth + 1)]
    for kind, write in _TAGGED:
        if isinstance(value, kind):
            return write(value)
    raise Unfit(f"a value of type {type(value).__name__} has no canonical form")


def _pairs(value: Mapping[object, object], depth: int) -> Iterator[list[object]]:
    for key, item in value.items():
        yield [tagged(key, depth), tagged(item, depth)]


def _float(value: float) -> object:
    return None if value != value else ["f", (value + 0.0).hex()]


def decimal_text(value: Decimal) -> str:
    """Plain digits without trailing zeros behind the point; never `-0`."""
    spelled = format(value, "f")
    spelled = spelled.rstrip("0").rstrip(".") if "." in spelled else spelled
    return "0" if spelled in ("-0", "") else spelled


_TAGGED: tuple[tuple[Any, Any], ...] = (
    (bool, lambda value: value),
    (int, lambda value: ["i", str(int(value))]),
    (float, _float),
    (str, lambda value: ["s", text(value)]),
    (bytes, lambda value: ["b", value.hex()]),
    (datetime, lambda value: ["t", value.isoformat()]),
    ((date, time), lambda value: ["t", value.isoformat()]),
    (timedelta, lambda value: ["d", value.days, value.seconds, value.microseconds]),
    (Decimal, lambda value: ["n", decimal_text(value)]),
)
