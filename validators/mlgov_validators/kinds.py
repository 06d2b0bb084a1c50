"""One kind of personal data, and one hit of it: a core that Python and RE2 share, borders and a check that only Python has."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

# Between two digits of one value stand at most seven other characters, none of them a letter: `+49 (0) 30`.
SIX_DIGITS = r"[0-9](?:[^0-9A-Za-z]{0,7}[0-9]){5}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of personal data.

    `checked` tells a check digit (or rules as strict). `context`: a bare number is this kind only where one of these words stands
    before it, in the name of its column, or where most of a column passes. A value cannot be without `holds` nor with fewer `digits`.
    `screen` is a quicker pattern that every match of `core` also matches: six digits with little between them, unless said otherwise.
    """

    name: str
    core: str
    valid: Callable[[str], bool]
    checked: bool
    context: re.Pattern[str] | None = None
    before: str = r"(?<![\w.+-])"
    after: str = r"(?!\w|[.,-][0-9])"
    holds: str = ""
    digits: int = 0
    screen: str = ""
    pattern: re.Pattern[str] = field(init=False)

    @property
    def one(self) -> str:
        """`an IBAN`, `a telephone number`."""
        return f"{'an' if self.name[0] in 'AEIOaeio' else 'a'} {self.name}"

    def __post_init__(self) -> None:
        object.__setattr__(self, "pattern", re.compile(f"{self.before}(?:{self.core}){self.after}"))
        if not self.screen:
            object.__setattr__(self, "screen", SIX_DIGITS if self.digits >= 6 else self.core)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """A valid value: its kind, its mask, where it starts and ends. `sure` is False for a bare number without its context."""

    kind: Kind
    mask: str
    start: int
    end: int
    sure: bool = True


def words(*items: str) -> re.Pattern[str]:
    """Any of these words, whole, in any case, `_` and digits counting as borders."""
    return re.compile(rf"(?<![^\W\d_])(?:{'|'.join(items)})(?![^\W\d_])", re.IGNORECASE)


def mask(text: str) -> str:
    """The first two characters and no more."""
    return f"{text.strip()[:2]}…"
