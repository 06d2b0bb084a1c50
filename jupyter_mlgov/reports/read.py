"""The published JSON back to a Report. What was changed on the way is refused: the digest must be the content's own."""

from __future__ import annotations

import dataclasses
import json
import types
import typing
from collections.abc import Mapping
from enum import Enum

from jupyter_mlgov.core.canonical import NotCanonical
from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.core.errors import BadInput
from jupyter_mlgov.reports.clean import visible
from jupyter_mlgov.reports.published import PublishedReport
from jupyter_mlgov.validation.results import REPORT_SCHEMA, Report, report_json

_NEXT = "Ask for the report again, or validate the subject yourself: `mlgov validate`."


def read_report(source: str | bytes | Mapping[str, object]) -> Report:
    """`read_report(json.dumps(report_json(report))) == report` but for the JSON types of `details` and `parameters`.

    The keys `context` and `headline` are left aside.

    Raises BadInput for what is not a report of this schema, or was changed after it was made.
    """
    body = dict(_object(source))
    for beside in ("context", "headline"):
        body.pop(beside, None)
    if body.get("schema") != REPORT_SCHEMA:
        raise _refuse(f"schema is {visible(body.get('schema'), limit=60)!r}", f"Expected {REPORT_SCHEMA!r}.")
    published: PublishedReport = _read(PublishedReport, body, "")
    report = Report(
        subject=published.subject,
        policies=published.policies,
        results=published.results,
        requirements=published.requirements,
        note=published.note,
    )
    _unchanged(report, published)
    return report


def _object(source: str | bytes | Mapping[str, object]) -> Mapping[str, object]:
    if isinstance(source, Mapping):
        return source
    try:
        body = json.loads(source)
    except (ValueError, RecursionError) as error:
        raise _refuse(f"it is not JSON: {visible(error, limit=120)}", "") from None
    if not isinstance(body, dict):
        raise _refuse("it is not a JSON object", "")
    return body


def _unchanged(report: Report, published: PublishedReport) -> None:
    """The digest covers the results; counts and blocking follow from them and must agree, or a quick reader would be misled."""
    try:
        made = report_json(report)
    except NotCanonical as error:
        raise _refuse(str(error), "") from None
    if made["digest"] != published.digest:
        raise _refuse(
            "it was changed after it was made", f"Its digest says {published.digest.short}, its content is {report.digest.short}."
        )
    if made["counts"] != dict(published.counts) or made["blocking"] != list(published.blocking):
        raise _refuse("its counts or its list of blocking checks do not follow from its results", "")


def _refuse(problem: str, expected: str) -> BadInput:
    return BadInput(f"This report is refused: {problem}.", expected=expected, next=_NEXT)


def _read(hint: typing.Any, value: object, where: str) -> typing.Any:
    """`value` as the fact that `hint` names; strict: text is no number, a missing or unknown key is an error."""
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return _fact(hint, value, where)
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if isinstance(hint, types.UnionType) or origin is typing.Union:
        return None if value is None else _read(next(one for one in arguments if one is not type(None)), value, where)
    if origin is tuple:
        return _tuple(arguments, value, where)
    if origin is not None:
        return {str(key): _read(arguments[1], item, f"{where}.{key}") for key, item in _mapping(value, where).items()}
    return _scalar(hint, value, where)


def _fact(kind: type, value: object, where: str) -> object:
    given, hints = _mapping(value, where), typing.get_type_hints(kind)
    if set(given) != set(hints):
        odd = sorted(str(key) for key in set(given) ^ set(hints))
        raise _refuse(f"{where or 'the report'} misses or has unknown keys: {visible(', '.join(odd), limit=200)}", "")
    return kind(**{name: _read(hints[name], item, f"{where}.{name}".lstrip(".")) for name, item in given.items()})


def _tuple(arguments: tuple[typing.Any, ...], value: object, where: str) -> tuple[object, ...]:
    if not isinstance(value, (list, tuple)):
        raise _wrong("a list", value, where)
    if arguments[-1] is Ellipsis:
        return tuple(_read(arguments[0], item, f"{where}[{index}]") for index, item in enumerate(value))
    _expect(len(value) == len(arguments), f"{len(arguments)} numbers", value, where)
    return tuple(_read(one, item, where) for one, item in zip(arguments, value, strict=True))


def _scalar(hint: typing.Any, value: object, where: str) -> object:
    if hint is object:
        return value
    if hint is float:
        _expect(isinstance(value, (int, float)) and not isinstance(value, bool), "a number", value, where)
        return value
    if hint is int:
        _expect(isinstance(value, int) and not isinstance(value, bool), "a whole number", value, where)
        return value
    if not isinstance(value, str):
        raise _wrong("text", value, where)
    if isinstance(hint, type) and issubclass(hint, (Enum, Digest)):
        try:
            return hint(value)
        except ValueError:
            raise _refuse(f"{where} is {visible(value, limit=60)!r}, which is no {hint.__name__.lower()}", "") from None
    return value


def _mapping(value: object, where: str) -> Mapping[str, object]:
    if not isinstance(value, Mapping):
        raise _wrong("an object", value, where)
    return value


def _expect(holds: bool, form: str, value: object, where: str) -> None:
    if not holds:
        raise _wrong(form, value, where)


def _wrong(form: str, value: object, where: str) -> BadInput:
    return _refuse(f"{visible(where, limit=200) or 'the report'} must be {form}, not {visible(value, limit=60)!r}", "")
