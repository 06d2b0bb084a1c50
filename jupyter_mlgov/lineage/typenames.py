"""The normalised name of an Arrow type: widths, units and encodings that do not change the content are left out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from jupyter_mlgov.core.canonical import canonical_json


class Unfit(ValueError):
    """Content that has no canonical form here; the text says why."""


class Node(NamedTuple):
    """A type as we see it: its family, a detail (time zone, names of a struct's fields), and the types inside."""

    family: str
    detail: str = ""
    names: tuple[str, ...] = ()
    inner: tuple[Node, ...] = ()


NULL = Node("null")


def text(name: object) -> str:
    """A name as UTF-8 can carry it; lone surrogates are spelled out."""
    return str(name).encode("utf-8", "backslashreplace").decode("utf-8")


def node_of(kind: Any) -> Node:  # a pyarrow.DataType; pyarrow ships no types
    """The normalised type. Raises Unfit for one without a canonical form (unions, intervals, unknown extension types)."""
    import pyarrow as pa
    from pyarrow import types as is_

    if is_.is_dictionary(kind) or is_.is_run_end_encoded(kind):
        return node_of(kind.value_type)
    if isinstance(kind, pa.BaseExtensionType):
        return _extension(kind)
    for family, tests in _SIMPLE.items():
        if any(getattr(is_, test)(kind) for test in tests):
            return Node(family)
    if is_.is_timestamp(kind):
        return Node("timestamp", "UTC" if kind.tz else "")  # an instant is the same in every zone; see zone_of()
    if is_.is_struct(kind):
        inner = [kind.field(index) for index in range(kind.num_fields)]
        return Node("struct", "", tuple(text(field.name) for field in inner), tuple(node_of(field.type) for field in inner))
    if is_.is_map(kind):
        return Node("map", inner=(node_of(kind.key_type), node_of(kind.item_type)))
    if any(getattr(is_, test)(kind) for test in _LISTS):
        return Node("list", inner=(node_of(kind.value_type),))
    raise Unfit(f"the type {text(kind)[:80]} has no canonical form")


_SIMPLE = {
    "null": ("is_null",),
    "bool": ("is_boolean",),
    "int": ("is_integer",),
    "float": ("is_floating",),
    "string": ("is_string", "is_large_string", "is_string_view"),
    "binary": ("is_binary", "is_large_binary", "is_binary_view", "is_fixed_size_binary"),
    "date": ("is_date",),
    "time": ("is_time",),
    "duration": ("is_duration",),
    "decimal": ("is_decimal",),
}
_LISTS = ("is_list", "is_large_list", "is_fixed_size_list", "is_list_view", "is_large_list_view")
# The canonical extension types that only give a name to their storage (Arrow columnar format, "Canonical Extension Types").
_NAMED_STORAGE = {"arrow.uuid": "binary", "arrow.json": "string", "arrow.bool8": "bool"}


def _extension(kind: Any) -> Node:
    name = getattr(kind, "extension_name", "")
    if name == "pandas.period":
        return Node("period", text(kind.freq))
    if name == "pandas.interval":
        # left, right and which of them belongs to it
        return node_of(kind.storage_type)._replace(detail=text(kind.closed))
    if name not in _NAMED_STORAGE:
        raise Unfit(f"the extension type {text(kind)[:80]} has no canonical form")
    return Node(_NAMED_STORAGE[name])


def zone_of(kind: Any) -> str:
    """The zone in which a column of instants is shown; "" for every other column. Arrow keeps it beside the values, not in them."""
    from pyarrow import types as is_

    zone = text(kind.tz or "") if is_.is_timestamp(kind) else ""
    return "UTC" if zone in _UTC else zone


_UTC = frozenset({"UTC", "Etc/UTC", "Z", "+00:00", "-00:00", "+0000", "Etc/GMT", "GMT", "Zulu", "Etc/Zulu", "Universal", "Etc/UCT"})


def spelled(node: Node, has_values: Callable[[tuple[int, ...]], bool] = lambda _: True, path: tuple[int, ...] = ()) -> str:
    """The name of the type. A part in which no row has a value is `null`, since not every library can say what it would have been."""
    if not has_values(path):
        return "null"
    inner = [spelled(part, has_values, (*path, place)) for place, part in enumerate(node.inner)]
    if node.family == "struct":
        named = (f"{canonical_json(name).decode()}:{kind}" for name, kind in zip(node.names, inner, strict=True))
        return f"struct{f'[{node.detail}]' if node.detail else ''}<{','.join(named)}>"
    if inner:
        return f"{node.family}<{','.join(inner)}>"
    return f"{node.family}[{node.detail}]" if node.detail else node.family
