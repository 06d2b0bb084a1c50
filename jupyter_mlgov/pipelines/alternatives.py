"""Other values that a parameter may have, for a probe: near the default, within what it declares, never invented text."""

from __future__ import annotations

import math
from collections.abc import Iterator

from jupyter_mlgov.pipelines.parameters import Parameter

MOST = 3


def alternatives(one: Parameter, given: object) -> tuple[object, ...]:
    """At most three values other than `given` that the declaration admits, the nearest first; none where a value would be a guess.

    Numbers: one up or down, the half, the double. Choices and truth values: the others. A list: itself without its last item. Texts
    name files, tables and hosts, so none is made up; nor is a value for a secret, or beside None (a computed default).
    """
    if one.secret or given is None:
        return ()
    found: list[object] = []
    for value in _near(one, given):
        if value != given and value not in found and one.declares.admits(value):
            found.append(value)
    return tuple(found[:MOST])


def why_none(one: Parameter) -> str:
    """Why alternatives() has none, in words."""
    if one.secret:
        return "a secret is not tried"
    if not one.literal or one.default is None:
        return "its default is computed or None, so another value would be a guess"
    if isinstance(one.default, str):
        return "a text may name a file, a table or a host, so none is made up"
    return "its declaration admits no other value that is near"


def _near(one: Parameter, value: object) -> Iterator[object]:
    declares = one.declares
    if declares.choices:
        yield from declares.choices
    elif isinstance(value, bool):
        yield not value
    elif isinstance(value, int):
        yield from (value + 1, value - 1, value // 2, value * 2)
    elif isinstance(value, float) and math.isfinite(value):
        yield from (value * 1.1, value * 0.9, value / 2, value * 2) if value else (0.1, 1.0, -1.0)
        yield from (bound for bound in (declares.low, declares.high) if bound is not None)
    elif isinstance(value, (list, tuple)) and len(value) > 1:
        yield value[:-1]
