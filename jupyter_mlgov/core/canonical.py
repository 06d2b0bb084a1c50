"""One byte string per JSON value (RFC 8785), so that equal content has an equal digest on every machine."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from json import encoder
from json.encoder import JSONEncoder, encode_basestring

type_error = "Canonical JSON holds null, booleans, numbers, strings, lists and objects with string keys; got {kind}."

Json = None | bool | int | float | str | Sequence["Json"] | Mapping[str, "Json"]


class NotCanonical(ValueError):
    """A value that JSON cannot carry without loss (NaN, infinity, an integer past 2**53, a lone surrogate, another type)."""


def canonical_json(value: object) -> bytes:
    """Return the RFC 8785 (JCS) bytes of `value`.

    Raises NotCanonical for NaN, infinities, integers that a double cannot carry (past 2**53 - 1), lone surrogates and foreign types.
    """
    try:
        text = _quick(value) if _is_simple(value) else "".join(_write(value))
        return text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise NotCanonical(f"A string holds a lone surrogate, which JSON text cannot carry: {error.reason}.") from None


# Python's own writer agrees with RFC 8785 on what _is_simple() lets through, and is written in C. The tests hold both against each other.
_QUICK = JSONEncoder(ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":"))
# What JSONEncoder makes anew for each value, made once. It remembers no containers: _is_simple() has been through the value already.
_MAKE = getattr(encoder, "c_make_encoder", None)  # None where Python has no C writer; typeshed does not name it
_ENCODE = _MAKE and _MAKE(None, _QUICK.default, encode_basestring, None, ":", ",", True, False, False)


def _quick(value: object) -> str:
    return "".join(_ENCODE(value, 0)) if _ENCODE else _QUICK.encode(value)


def _is_simple(value: object) -> bool:
    """Texts, small integers, floats that both write without exponent and with a fraction; keys that sort alike as UTF-16."""
    kind = type(value)
    if kind is str or value is None or kind is bool:
        return True
    if isinstance(value, int):
        return kind is int and -(2**53) < value < 2**53
    if isinstance(value, float):
        return kind is float and 1e-4 <= abs(value) < 1e16 and not value.is_integer()
    if isinstance(value, dict):
        return kind is dict and all(type(key) is str and key.isascii() and _is_simple(item) for key, item in value.items())
    if kind is list or kind is tuple:
        return all(map(_is_simple, value))  # type: ignore[call-overload, arg-type, unused-ignore]  # a list or tuple, by the line above
    return False


def _write(value: object) -> list[str]:
    if value is None:
        return ["null"]
    if value is True:
        return ["true"]
    if value is False:
        return ["false"]
    if isinstance(value, str):
        return [encode_basestring(str(value))]
    if isinstance(value, int):
        # JSON numbers are doubles: a larger integer passes only where the double's own text is that integer.
        if abs(value) > 2**53 - 1 and (abs(value) >= 10**21 or _number(float(value)) != str(int(value))):
            raise NotCanonical(f"Integer {value} is past 2**53 - 1 and JSON readers would round it; write it as a string.")
        return [str(int(value))]
    if isinstance(value, float):
        return [_number(float(value))]
    if isinstance(value, Mapping):
        return _object(value)
    if isinstance(value, (list, tuple)):
        parts = ["["]
        for index, item in enumerate(value):
            parts.extend([","] if index else [])
            parts.extend(_write(item))
        return [*parts, "]"]
    raise NotCanonical(type_error.format(kind=type(value).__name__))


def _object(value: Mapping[object, object]) -> list[str]:
    keys: list[str] = []
    for key in value:
        if not isinstance(key, str):
            raise NotCanonical(type_error.format(kind=f"a key of type {type(key).__name__}"))
        keys.append(key)
    parts = ["{"]
    # RFC 8785, 3.2.3: keys are sorted by their UTF-16 code units.
    ordered = sorted(keys) if all(map(str.isascii, keys)) else sorted(keys, key=lambda text: text.encode("utf-16-be", "surrogatepass"))
    for index, key in enumerate(ordered):
        parts.append("," if index else "")
        parts.append(encode_basestring(str(key)))
        parts.append(":")
        parts.extend(_write(value[key]))
    return [*parts, "}"]


def _number(value: float) -> str:
    """ECMAScript's Number::toString (ECMA-262, 6.1.6.1.20), which RFC 8785 prescribes."""
    if not math.isfinite(value):
        raise NotCanonical(f"{value} has no JSON form; record that it is undefined instead.")
    if value == 0:
        return "0"
    if 1e-4 <= abs(value) < 1e16 and not value.is_integer():
        return repr(value)  # written alike, as in _is_simple()
    sign = "-" if value < 0 else ""
    mantissa, _, exponent_text = f"{abs(value)!r}".partition("e")
    whole, _, fraction = mantissa.partition(".")
    fraction = "" if fraction == "0" else fraction
    exponent = int(exponent_text or 0)
    digits = (whole + fraction).lstrip("0")
    point = len(whole) + exponent - (len(whole + fraction) - len(digits))
    digits = digits.rstrip("0")
    count = len(digits)
    if count <= point <= 21:
        return sign + digits + "0" * (point - count)
    if 0 < point <= 21:
        return f"{sign}{digits[:point]}.{digits[point:]}"
    if -6 < point <= 0:
        return f"{sign}0.{'0' * -point}{digits}"
    tail = f".{digits[1:]}" if count > 1 else ""
    return f"{sign}{digits[0]}{tail}e{'+' if point > 0 else '-'}{abs(point - 1)}"
