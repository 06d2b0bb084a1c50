"""Facts as plain JSON values: how a dataclass becomes what is stored, hashed and shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime
from enum import Enum
from pathlib import PurePath

from jupyter_mlgov.core.clock import stamp

_PLAIN = frozenset({str, int, float, bool})


def plain(value: object) -> object:
    """Return `value` with dataclasses as objects, tuples as lists, times as RFC 3339 text and enums as their values."""
    if value is None or type(value) in _PLAIN:
        return value
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, (set, frozenset)):
        return sorted((plain(item) for item in value), key=str)
    if isinstance(value, datetime):
        return stamp(value)
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, PurePath):
        return value.as_posix()
    return value


def fields_of(fact: object) -> dict[str, object]:
    """plain() of a dataclass or mapping, known to be an object. Raises TypeError for anything else."""
    value = plain(fact)
    if not isinstance(value, dict):
        raise TypeError(f"{type(fact).__name__} has no fields.")
    return value
