"""What a cell of a table says, as text: so that 1, 1.0, True and '1' are one value, and no name is read as anything else."""

from __future__ import annotations

import math
import re
from decimal import Decimal

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
_WORDS = {"true": "1", "false": "0"}


def text_of(value: object) -> str | None:
    """The value as text; None where there is none (null, NaN, blank)."""
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (float, Decimal)):
        if math.isnan(value):
            return None
        return str(int(value)) if math.isfinite(value) and value == int(value) else str(value)
    return str(value) if str(value).strip() else None


def same(value: str, wanted: str) -> bool:
    """Do two texts name one value? Equal when stripped, or equal as numbers, true counting as 1 and false as 0."""
    left, right = value.strip(), wanted.strip()
    if left == right:
        return True
    first, second = _number(left), _number(right)
    return first is not None and first == second


def _number(text: str) -> Decimal | None:
    text = _WORDS.get(text.lower(), text)
    return Decimal(text) if _NUMBER.fullmatch(text) and len(text) <= 40 else None
