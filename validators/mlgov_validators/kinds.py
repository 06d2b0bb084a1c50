"""One kind of personal data, and one hit of it: a core that Python and RE2 share, borders and a check that only Python has."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

_BEGINS, _ENDS = r"(?<![^\W\d_])", r"(?![^\W\d_])"
WORD, ASCII_WORD = r"\w", "A-Za-z0-9_"
# Letters that stand for one another where case is ignored, besides the two cases: the dotted and dotless i, the long s, the Kelvin sign.
_FOLDS = {"i": "iIİı", "s": "sSſ", "k": "kK\N{KELVIN SIGN}"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of personal data.

    `checked` tells a check digit (or rules as strict). `context`: a bare number is this kind only where one of these words stands
    before it, in the name of its column, or where most of a column passes. A value cannot be without `holds` nor with fewer `digits`.
    `unless`: right behind one of these words (or under such a name) it is taken for something else, as an order number: not sure.
    `screen` is a quicker pattern that every match of `core` also matches. `form` is what `valid` demands, as far as RE2 can say it with
    its borders: every text with a value that passes `valid` matches it.
    """

    name: str
    core: str
    valid: Callable[[str], bool]
    checked: bool
    context: re.Pattern[str] | None = None
    unless: re.Pattern[str] | None = None
    before: str = r"(?<![\w.+-])"
    after: str = r"(?!\w|[.,-][0-9])"
    holds: str = ""
    digits: int = 0
    screen: str = ""
    form: str = ""
    pattern: re.Pattern[str] = field(init=False)

    @property
    def likely(self) -> str:
        """The core with its borders as RE2 can say them, a weaker demand than Python's: every accepted value matches it."""
        if self.form:
            return f"(?:{self.form})"
        outside = re.match(r"\(\?<!\[?(.*?)\]?\)", self.before)
        before = f"(?:^|[^{outside[1].replace(WORD, ASCII_WORD)}])" if outside else ""
        after = f"(?:$|[^{ASCII_WORD}])" if WORD in self.after else ""
        return f"(?:{before}(?:{self.core}){after})"

    @property
    def nearby(self) -> str:
        """The words of its context for engines that cannot ignore case, no ASCII letter beside them; empty where there are none."""
        if self.context is None:
            return ""
        return f"(?:^|[^A-Za-z])(?:{either_case(self.context.pattern.removeprefix(_BEGINS).removesuffix(_ENDS))})(?:$|[^A-Za-z])"

    @property
    def alone(self) -> str:
        """A text that is this value and nothing else but signs around it."""
        return f"^[^0-9A-Za-z]*(?:{self.core})[^0-9A-Za-z]*$"

    @property
    def one(self) -> str:
        """`an IBAN`, `a telephone number`."""
        return f"{'an' if self.name[0] in 'AEIOaeio' else 'a'} {self.name}"

    def __post_init__(self) -> None:
        object.__setattr__(self, "pattern", re.compile(f"{self.before}(?:{self.core}){self.after}"))


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
    return re.compile(f"{_BEGINS}(?:{'|'.join(items)}){_ENDS}", re.IGNORECASE)


def either_case(pattern: str) -> str:
    """`pattern` with a class for each letter: what re.IGNORECASE does, for engines that have no such flag."""
    made, inside, escaped = [], False, False
    for item in pattern:
        if item in "[]" and not escaped:
            inside = item == "["
        if item.isalpha() and not escaped:
            both = _FOLDS.get(item.lower(), item.lower() + item.upper())
            made.append(both if inside else f"[{both}]")
        else:
            made.append(item)
        escaped = item == "\\" and not escaped
    return "".join(made)


def mask(text: str) -> str:
    """The first two characters and no more."""
    return f"{text.strip()[:2]}…"
