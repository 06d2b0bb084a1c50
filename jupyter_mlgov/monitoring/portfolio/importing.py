"""What people or another registry declare of models: read whole, checked whole, or refused with every place that is wrong."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from jupyter_mlgov.core.errors import BadInput, unknown
from jupyter_mlgov.monitoring.portfolio.inventory import DECLARABLE, FIELDS

LONGEST = 2000
MODEL_LONGEST = 250
_SHOWN = 10
_LEVELS = ("low", "medium", "high")
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%")
_FROM = "_from"
_LOGGED = tuple(field.id for field in FIELDS if not field.declarable and field.id != "model")


@dataclass(frozen=True, slots=True, kw_only=True)
class Declaration:
    """What is declared of one model: field -> text. `where` is the row or name that a reader finds it by."""

    model: str
    fields: Mapping[str, str]
    where: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """The declarations of a file, and the columns that were not taken because only the trail says them."""

    declarations: tuple[Declaration, ...]
    left: tuple[str, ...]


def read_csv(content: bytes, name: str) -> Read:
    """A CSV with a header: `model` and fields of the inventory; separated by comma, semicolon or tab, with or without a byte order mark.

    Our own export is read back: values that it says come from the trail, the team file or nowhere are not taken. Raises BadInput that names
    row and column of everything that is wrong (the header is row 1), UsageError for a column that nobody knows.
    """
    text = _decoded(content, name)
    first = text.partition("\n")[0]
    separator = max(",;\t", key=first.count)
    try:
        lines = list(csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True))
    except csv.Error as error:
        raise BadInput(f"{name} is no CSV: {error}.", next="Save it as CSV again.") from None
    if not lines or not any(cell.strip() for cell in lines[0]):
        raise BadInput(f"{name} is empty.", expected="Expected a header, `model,owner,purpose,…`, and a line a model.")
    header = _header(lines[0], name)
    problems: list[str] = []
    found = tuple(_rows(lines[1:], header, problems))
    _refuse(name, problems)
    return Read(declarations=found, left=tuple(one for one in header if one in _LOGGED))


def checked(declarations: Sequence[Declaration], name: str) -> tuple[Declaration, ...]:
    """The declarations when each can be taken. Raises BadInput that names every one that cannot."""
    problems: list[str] = []
    seen: dict[str, str] = {}
    for one in declarations:
        _check(one, seen, problems)
    _refuse(name, problems)
    return tuple(declarations)


def problem_of(field: str, text: str) -> str:
    """Why a value cannot be taken for a field; empty where it can."""
    if field == "tier" and text not in ("1", "2", "3"):
        return "is neither 1, 2 nor 3"
    if field in ("materiality", "complexity") and text.casefold() not in _LEVELS:
        return "is neither low, medium nor high"
    if field == "next_validation":
        try:
            date.fromisoformat(text)
        except ValueError:
            return "is no date as 2027-06-30"
    return f"is longer than {LONGEST:,} characters" if len(text) > LONGEST else ""


def _decoded(content: bytes, name: str) -> str:
    marked = content.startswith((b"\xff\xfe", b"\xfe\xff"))
    try:
        return content.decode("utf-16" if marked else "utf-8-sig")
    except UnicodeDecodeError:
        raise BadInput(f"{name} is not UTF-8.", next="Save it as CSV UTF-8.") from None


def _header(cells: Sequence[str], name: str) -> tuple[str, ...]:
    header = tuple(cell.strip().casefold().replace(" ", "_") for cell in cells)
    known = ("model", *DECLARABLE)
    for one in header:
        if one not in known and one not in _LOGGED and one.removesuffix(_FROM) not in (*known, *_LOGGED):
            raise unknown(f"column of {name}", one[:80], known, next="Name the columns by the fields of the inventory.")
    twice = sorted({one for one in header if header.count(one) > 1})
    if twice or "model" not in header:
        what = f"the column {twice[0]} twice" if twice else "no column `model`"
        raise BadInput(f"{name} has {what}.", expected="Expected each column once, and one of them `model`.")
    return header


def _rows(lines: Sequence[Sequence[str]], header: Sequence[str], problems: list[str]) -> Iterator[Declaration]:
    seen: dict[str, str] = {}
    for number, cells in enumerate(lines, 2):
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) != len(header):
            problems.append(f"row {number} has {len(cells)} cells, the header {len(header)}")
            continue
        values = {name: _plain(cell) for name, cell in zip(header, cells, strict=True)}
        mine = {name: values[name] for name in header if name in DECLARABLE and values[name] and _is_declared(values, name)}
        one = Declaration(model=values["model"], fields=mine, where=f"row {number}")
        _check(one, seen, problems)
        yield one


def _check(one: Declaration, seen: dict[str, str], problems: list[str]) -> None:
    """An empty, long or unprintable name, one that stands twice, and every value that its field does not take."""
    name = one.model
    if not name or len(name) > MODEL_LONGEST or not name.isprintable():
        problems.append(f"{one.where}, column model: {name[:40]!r} is no name of 1 to {MODEL_LONGEST} printable characters")
    elif name in seen:
        problems.append(f"{one.where}, column model: {name[:80]} stands in {seen[name]} already")
    seen.setdefault(name, one.where)
    for field, text in one.fields.items():
        if why := problem_of(field, text):
            problems.append(f"{one.where}, column {field}: {text[:40]!r} {why}")


def _is_declared(values: Mapping[str, str], name: str) -> bool:
    return values.get(f"{name}{_FROM}", "declared") == "declared"


def _plain(cell: str) -> str:
    """Without the apostrophe that our export puts before what a spreadsheet would run."""
    text = cell.strip()
    return text[1:] if text.startswith("'") and text[1:].lstrip(" ").startswith(_FORMULA) else text


def _refuse(name: str, problems: Sequence[str]) -> None:
    if problems:
        more = f"; and {len(problems) - _SHOWN} more" if len(problems) > _SHOWN else ""
        raise BadInput(f"{name}: {'; '.join(problems[:_SHOWN])}{more}.", expected="Nothing was imported.", next="Mend it first.")
