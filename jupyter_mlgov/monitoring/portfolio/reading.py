"""Payloads of foreign shape, read without trust: what is not what it should be reads as nothing said."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime


def text(value: object) -> str:
    """The text, or an empty one."""
    return value if isinstance(value, str) else ""


def table(value: object) -> Mapping[str, object]:
    """The object, or an empty one."""
    return value if isinstance(value, Mapping) else {}


def items(value: object) -> tuple[object, ...]:
    """The list, or an empty one."""
    return tuple(value) if isinstance(value, (list, tuple)) else ()


def hours(begin: str, end: str) -> float:
    """Hours from `begin` to `end`, never below 0: a clock that is set back measures nothing."""
    return round(max(0.0, (datetime.fromisoformat(end) - datetime.fromisoformat(begin)).total_seconds() / 3600), 4)
