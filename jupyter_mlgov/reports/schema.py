"""The JSON Schema of the published report, written by pydantic from the dataclasses, so that it cannot lag behind them."""

from __future__ import annotations

import dataclasses
import json
import types
import typing
from enum import Enum

from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.reports.published import PublishedReport
from jupyter_mlgov.validation.results import REPORT_SCHEMA

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def report_schema() -> dict[str, object]:
    """JSON Schema (2020-12) of what `report_json` writes; every key is always there.

    A bundle's keys `context` and `headline` are allowed and not described: the digest does not cover them.
    """
    from pydantic import TypeAdapter

    body = TypeAdapter(_mirror(PublishedReport, {})).json_schema(mode="serialization")
    properties = body["properties"]
    properties["schema"] = {"const": REPORT_SCHEMA, "title": "Schema", "type": "string"}
    for name in ("context", "headline"):
        properties[name] = {"title": name.capitalize(), "description": "What a surface adds; outside the digest.", "type": "object"}
    return {"$schema": DIALECT, "$id": f"urn:jupyter-mlgov:{REPORT_SCHEMA}", **body, "title": "mlgov report", "additionalProperties": False}


def fact_schema(fact: type) -> dict[str, object]:
    """JSON Schema (2020-12) of a fact as `core.facts.plain` writes it, with what it holds under `$defs`."""
    from pydantic import TypeAdapter

    return TypeAdapter(_mirror(fact, {})).json_schema(mode="serialization")


def schema_text() -> str:
    """The file docs/formats/report.schema.json."""
    return json.dumps(report_schema(), indent=2, ensure_ascii=False, sort_keys=True) + "\n"


def matrix_schema() -> dict[str, object]:
    """JSON Schema (2020-12) of what `matrix_json` writes."""
    from pydantic import TypeAdapter

    from jupyter_mlgov.reports.machine.matrix import SCHEMA, Trace

    path = TypeAdapter(_mirror(Trace, {})).json_schema(mode="serialization")
    ends = {"type": "object", "additionalProperties": {"type": "array", "items": {"type": "string"}}}
    texts = {name: {"type": "string"} for name in ("model", "version", "report", "caveat")}
    properties = {"schema": {"const": SCHEMA}, **texts, "paths": {"type": "array", "items": path}, "forward": ends, "backward": ends}
    whole = {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}
    return {"$schema": DIALECT, "$id": f"urn:jupyter-mlgov:{SCHEMA}", "title": "mlgov traceability matrix", **whole}


def matrix_schema_text() -> str:
    """The file docs/formats/matrix.schema.json."""
    return json.dumps(matrix_schema(), indent=2, ensure_ascii=False, sort_keys=True) + "\n"


def _mirror(kind: type, seen: dict[type, type]) -> type:
    """`kind` with each Digest as text of its form, which pydantic can describe; no key beyond the fields."""
    from pydantic import ConfigDict

    if kind not in seen:
        hints = typing.get_type_hints(kind)
        fields = [(one.name, _described(hints[one.name], seen)) for one in dataclasses.fields(kind)]
        made = dataclasses.make_dataclass(kind.__name__, fields, kw_only=True)
        made.__doc__ = kind.__doc__
        made.__pydantic_config__ = ConfigDict(extra="forbid")  # type: ignore[attr-defined]  # pydantic reads it from a plain dataclass
        seen[kind] = made
    return seen[kind]


def _described(hint: typing.Any, seen: dict[type, type]) -> typing.Any:
    from pydantic import StringConstraints

    if hint is Digest:
        return typing.Annotated[str, StringConstraints(pattern=r"^sha256:[0-9a-f]{64}$")]
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return _mirror(hint, seen)
    arguments = typing.get_args(hint)
    if not arguments or (isinstance(hint, type) and issubclass(hint, Enum)):
        return hint
    inner = tuple(argument if argument is Ellipsis else _described(argument, seen) for argument in arguments)
    if isinstance(hint, types.UnionType) or typing.get_origin(hint) is typing.Union:
        return typing.Union[inner]  # noqa: UP007  # built at run time from a tuple
    return typing.get_origin(hint)[inner]
