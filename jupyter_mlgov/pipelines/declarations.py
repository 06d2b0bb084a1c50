"""What the comment and the annotation of a parameter declare: bounds, choices, a unit, and that it is a secret."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass

_NUMBER = r"[+-]?(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
_RANGE = re.compile(rf"({_NUMBER})?\s*\.\.\s*({_NUMBER})?")
_COMPARED = re.compile(rf"(<=|>=|<|>|≤|≥)\s*({_NUMBER})")
_CHOICES = re.compile(r"[^\s|]+(?:\s*\|\s*[^\s|]+)+")
_UNIT = re.compile(r"\[([^\[\]]{1,30})\]")
_SECRET_NAME = re.compile(
    r"(?i)(^|_)(password|passwd|passphrase|secret|token|api_?key|access_?key|private_?key|credentials?|connection_string|dsn)(_|$)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Declaration:
    """`low` and `high` are bounds, open where `above` or `below` say so; no `choices` means any value."""

    low: float | None = None
    high: float | None = None
    above: bool = False
    below: bool = False
    choices: tuple[object, ...] = ()
    unit: str = ""
    secret: bool = False

    @property
    def told(self) -> str:
        """` from 1 to 1000`, ` above 0`, `: "a" or "b"`, ` in s`; empty where nothing is declared."""
        if self.choices:
            return f": {' or '.join(repr(one) for one in self.choices)}"
        low = "" if self.low is None else f" above {self.low:g}" if self.above else f" from {self.low:g}" if self.high is not None else ""
        low = low or ("" if self.low is None else f" of {self.low:g} or more")
        high = "" if self.high is None else f" below {self.high:g}" if self.below else f" to {self.high:g}" if self.low is not None else ""
        high = high or ("" if self.high is None else f" of {self.high:g} or less")
        return low + high + (f" in {self.unit}" if self.unit else "")

    def admits(self, value: object) -> bool:
        """Is the value one of the choices and within the bounds? Numbers in lists are held against the bounds one by one."""
        if value is None:
            return True
        if isinstance(value, (list, tuple)):
            return all(self.admits(item) for item in value)
        if self.choices:
            return any(type(value) is type(one) and value == one for one in self.choices)
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return True
        low = self.low is None or (value > self.low if self.above else value >= self.low)
        return low and (self.high is None or (value < self.high if self.below else value <= self.high))

    @property
    def bounded(self) -> bool:
        return self.low is not None or self.high is not None or bool(self.choices)


def declaration(name: str, comment: str, annotation: ast.expr | None, default: object) -> Declaration:
    """What stands beside a parameter. In a comment each part between commas or semicolons counts if it is a declaration as a whole.

    `# 1..1000 [s]`, `# share, > 0, <= 1`, `# a|b|c`, `# secret`. A name like `api_token` is a secret without being asked.
    """
    unit = _UNIT.search(comment)
    found = {"unit": unit[1].strip() if unit else "", "choices": _literals(annotation), "secret": bool(_SECRET_NAME.search(name))}
    bounds: dict[str, object] = {}
    for part in re.split(r"[,;]", _UNIT.sub(" ", comment)):
        text = part.strip().rstrip(".") if not part.strip().endswith("..") else part.strip()
        if text.lower() == "secret":
            found["secret"] = True
        elif (span := _RANGE.fullmatch(text)) and (span[1] or span[2]):
            bounds |= {side: float(number) for side, number in (("low", span[1]), ("high", span[2])) if number}
        elif one := _COMPARED.fullmatch(text):
            side, strict = ("low", "above") if one[1] in (">", ">=", "≥") else ("high", "below")
            bounds |= {side: float(one[2]), strict: one[1] in ("<", ">")}
        elif _CHOICES.fullmatch(text) and not found["choices"]:
            found["choices"] = tuple(_choice(word.strip(), default) for word in text.split("|"))
    return Declaration(**found, **bounds)  # type: ignore[arg-type]  # built by name


def _choice(word: str, default: object) -> object:
    """A choice as a value of the default's type: `1|2|4` beside a number are numbers."""
    if isinstance(default, str):
        return word.strip("'\"")
    try:
        return ast.literal_eval(word)
    except (ValueError, SyntaxError):
        return word


def _literals(annotation: ast.expr | None) -> tuple[object, ...]:
    """The values of `Literal["a", "b"]`, also in a union with None or as a text."""
    if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
        try:
            return _literals(ast.parse(annotation.value, mode="eval").body)
        except SyntaxError:
            return ()
    if isinstance(annotation, ast.BinOp):
        return (*_literals(annotation.left), *_literals(annotation.right))
    if not isinstance(annotation, ast.Subscript):
        return ()
    name = annotation.value.attr if isinstance(annotation.value, ast.Attribute) else getattr(annotation.value, "id", "")
    parts = annotation.slice.elts if isinstance(annotation.slice, ast.Tuple) else [annotation.slice]
    if name == "Literal":
        return tuple(part.value for part in parts if isinstance(part, ast.Constant))
    return tuple(one for part in parts for one in _literals(part)) if name in ("Optional", "Union", "Annotated", "Final") else ()
