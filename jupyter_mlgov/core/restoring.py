"""Plain JSON values back to facts: the strict inverse of facts.plain()."""

from __future__ import annotations

import dataclasses
import functools
import types
import typing
from collections.abc import Mapping
from datetime import datetime
from enum import Enum

from jupyter_mlgov.core.digests import Digest


class Unreadable(ValueError):
    """The value is not what the fact is made of; the text says which part."""


def _shown(value: object, most: int) -> str:
    return str(value)[:most]


def restore(hint: typing.Any, value: object, where: str) -> typing.Any:
    """`value` as the fact that `hint` names; strict: text is no number, a missing or unknown key is an error."""
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return _fact(hint, value, where)
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if isinstance(hint, types.UnionType) or origin is typing.Union:
        return None if value is None else restore(next(one for one in arguments if one is not type(None)), value, where)
    if origin is tuple:
        return _tuple(arguments, value, where)
    if origin is typing.Literal:
        _expect(value in arguments, f"one of {', '.join(map(str, arguments))}", value, where)
        return value
    if origin is not None:
        return {str(key): restore(arguments[1], item, f"{where}.{key}") for key, item in _mapping(value, where).items()}
    return _scalar(hint, value, where)


@functools.cache
def _hints(kind: type) -> dict[str, typing.Any]:
    return typing.get_type_hints(kind)


def _fact(kind: type, value: object, where: str) -> object:
    given, hints = _mapping(value, where), _hints(kind)
    if set(given) != set(hints):
        odd = sorted(str(key) for key in set(given) ^ set(hints))
        raise Unreadable(f"{where or 'it'} misses or has unknown keys: {_shown(', '.join(odd), 200)}")
    return kind(**{name: restore(hints[name], item, f"{where}.{name}".lstrip(".")) for name, item in given.items()})


def _tuple(arguments: tuple[typing.Any, ...], value: object, where: str) -> tuple[object, ...]:
    if not isinstance(value, (list, tuple)):
        raise _wrong("a list", value, where)
    if arguments[-1] is Ellipsis:
        return tuple(restore(arguments[0], item, f"{where}[{index}]") for index, item in enumerate(value))
    _expect(len(value) == len(arguments), f"{len(arguments)} numbers", value, where)
    return tuple(restore(one, item, where) for one, item in zip(arguments, value, strict=True))


def _scalar(hint: typing.Any, value: object, where: str) -> object:
    if hint is object:
        return value
    if hint is bool:
        _expect(isinstance(value, bool), "true or false", value, where)
        return value
    if hint is float:
        _expect(isinstance(value, (int, float)) and not isinstance(value, bool), "a number", value, where)
        return value
    if hint is int:
        _expect(isinstance(value, int) and not isinstance(value, bool), "a whole number", value, where)
        return value
    if not isinstance(value, str):
        raise _wrong("text", value, where)
    if hint is datetime:
        return _moment(value, where)
    if isinstance(hint, type) and issubclass(hint, (Enum, Digest)):
        try:
            return hint(value)
        except ValueError:
            raise Unreadable(f"{where} is {_shown(value, 60)!r}, which is no {hint.__name__.lower()}") from None
    return value


def _moment(text: str, where: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise _wrong("a time", text, where) from None
    if found.tzinfo is None:
        raise _wrong("a time with its zone", text, where)
    return found


def _mapping(value: object, where: str) -> Mapping[str, object]:
    if not isinstance(value, Mapping):
        raise _wrong("an object", value, where)
    return value


def _expect(holds: bool, form: str, value: object, where: str) -> None:
    if not holds:
        raise _wrong(form, value, where)


def _wrong(form: str, value: object, where: str) -> Unreadable:
    return Unreadable(f"{_shown(where, 200) or 'it'} must be {form}, not {_shown(value, 60)!r}")
