"""A validator as an object: its id, what it needs, its parameters, and the function that measures."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Literal, cast

from jupyter_mlgov.core.errors import BadInput, unknown
from jupyter_mlgov.validation.results import CheckResult, Finding
from jupyter_mlgov.validation.subjects import Subject

Measure = Callable[..., "Finding | Sequence[Finding] | CheckResult"]
Direction = Literal["higher", "lower", "lower, 0 asks nothing"]

# `scored` is the name the subject's table has by default.
NEEDS = (
    *("table", "scored", "protected", "outcome", "score", "label", "baseline", "champion", "legitimate", "features", "grade", "exceeded"),
    *("time", "key", "reference", "splits", "predict"),
    *("lineage", "hidden", "environment", "texts", "lock", "forms", "records", "chain", "register", "files"),
)
# A check that declares one of these may publish counts of rows: the engine holds its answer to the policy's smallest cell.
DATA = frozenset(
    ("table", "outcome", "score", "label", "baseline", "champion", "grade", "exceeded", "reference", "splits", "time", "predict")
)
MIN_CELL = "min_cell"
_ID = re.compile(r"[a-z][a-z0-9]*(?:[._-][a-z0-9]+)+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A validator. Calling it calls the function it was made from.

    `defaults` are the keyword parameters of that function; `stricter` says for a parameter which way is the harder demand.
    "lower, 0 asks nothing" is for a most that nobody need set: any number is harder than 0, and of two the lower.
    `needs` must be there, `uses` may be; together they are all it depends on. `timeout` is in seconds. `extra` names the extra of
    its distribution that brings its libraries.
    """

    id: str
    title: str
    version: str
    needs: tuple[str, ...]
    measure: Measure
    defaults: Mapping[str, object] = field(default_factory=dict)
    stricter: Mapping[str, Direction] = field(default_factory=dict)
    source: str = ""
    fix: str = ""
    page: str = ""
    uses: tuple[str, ...] = ()
    timeout: float = 60.0
    extra: str = ""

    def __call__(self, subject: Subject, **parameters: object) -> Finding | Sequence[Finding] | CheckResult:
        return self.measure(subject, **parameters)

    @property
    def counts_rows(self) -> bool:
        """May its answer hold counts of the subject's rows?"""
        return bool(DATA.intersection((*self.needs, *self.uses)))

    @property
    def settable(self) -> dict[str, object]:
        """What a pack or a team may set: its own parameters, and of every check that counts rows the smallest cell it may show."""
        return {MIN_CELL: 0, **self.defaults} if self.counts_rows else dict(self.defaults)

    def side(self, name: str) -> Direction | None:
        """Which way a parameter is the harder demand; None where nobody can compare."""
        return "higher" if name == MIN_CELL and self.counts_rows else self.stricter.get(name)

    def at_least_as_strict(self, name: str, value: object, other: object) -> bool:
        """Is `value` at least as hard a demand as `other`? Of parameters with a stricter side only."""
        left, right = cast("float", value), cast("float", other)
        if self.side(name) == "higher":
            return left >= right
        if self.side(name) == "lower":
            return left <= right
        return right <= 0 or 0 < left <= right

    def parameter(self, name: str, value: object, where: str) -> object:
        """`value` as the type of the parameter's default. Raises UsageError for an unknown name, BadInput for a wrong type."""
        known = self.settable
        if name not in known:
            raise unknown(f"parameter of {self.id} (asked for in {where})", name, sorted(known))
        taken = _as_type(value, known[name])
        if taken is None:
            raise BadInput(
                f"{where}: {name} of {self.id} is {value!r}.", expected=f"Expected {_wanted(known[name])}.", next=f"Mend {where}."
            )
        return taken


def validator(
    id: str,
    *,
    title: str,
    needs: Sequence[str] = (),
    version: str = "1.0",
    stricter: Mapping[str, Direction] | None = None,
    source: str = "",
    fix: str = "",
    uses: Sequence[str] = (),
    timeout: float = 60.0,
    extra: str = "",
) -> Callable[[Measure], Check]:
    """Make a function `fn(subject, *, parameter=default…)` into a validator.

    The docstring is its page; its paragraphs `Source:` and `Fix:` fill `source` and `fix` where they are not given here.
    Raises BadInput when the id, a need or the signature is not as it should be.
    """
    if not _ID.fullmatch(id):
        raise BadInput(f'"{id[:80]}" is no validator id.', expected='Expected two or more lower-case words with dots, as "fair.air".')
    for need in (*needs, *uses):
        if need not in NEEDS:
            raise unknown(f"need (of {id})", need, NEEDS)

    def decorate(function: Measure) -> Check:
        defaults = _defaults(id, function)
        for name in stricter or {}:
            if name not in defaults:
                raise unknown(f"parameter (in stricter= of {id})", name, sorted(defaults))
        page = inspect.getdoc(function) or ""
        return Check(
            id=id,
            title=title,
            version=version,
            needs=tuple("table" if need == "scored" else need for need in needs),
            measure=function,
            defaults=defaults,
            stricter=dict(stricter or {}),
            source=source or _paragraph(page, "Source"),
            fix=fix or _paragraph(page, "Fix"),
            page=page,
            uses=tuple("table" if need == "scored" else need for need in uses),
            timeout=timeout,
            extra=extra,
        )

    return decorate


def _defaults(id: str, function: Measure) -> dict[str, object]:
    first, *rest = inspect.signature(function).parameters.values()
    free = [item.name for item in rest if item.kind is not inspect.Parameter.KEYWORD_ONLY or item.default is inspect.Parameter.empty]
    if free or first.kind is inspect.Parameter.KEYWORD_ONLY:
        raise BadInput(f"{id}: {', '.join(free) or first.name} in the signature.", expected="Expected fn(subject, *, name=default, …).")
    return {item.name: item.default for item in rest}


def _paragraph(page: str, word: str) -> str:
    found = re.search(rf"(?ms)^{word}: (.*?)(?:\n\s*\n|\Z)", page)
    return re.sub(r"\s+", " ", found[1]).strip() if found else ""


def _as_type(value: object, default: object) -> object:
    """`value` in the type of `default`, or None where it is of another kind."""
    if isinstance(default, bool) or isinstance(value, bool):
        return value if isinstance(default, bool) and isinstance(value, bool) else None
    if isinstance(default, Fraction):
        return _fraction(value)
    if isinstance(default, float) and isinstance(value, int):
        return float(value)
    if isinstance(default, tuple) and isinstance(value, (list, tuple)):
        return tuple(value)
    return value if isinstance(value, type(default)) else None


def _fraction(value: object) -> Fraction | None:
    """A fraction from `4/5`, 0.8 (as written, not as stored) or 1."""
    try:
        return Fraction(value if isinstance(value, (str, int, Fraction)) else str(value))
    except (ValueError, ZeroDivisionError):
        return None


def _wanted(default: object) -> str:
    words = {bool: "true or false", int: "a whole number", float: "a number", str: "text", Fraction: 'a fraction as "4/5", or a number'}
    return words.get(type(default), "a list" if isinstance(default, tuple) else type(default).__name__)
