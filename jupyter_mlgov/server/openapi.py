"""The routes as an OpenAPI 3.1 document, written from the routes themselves: what is not guarded and described is not in the table."""

from __future__ import annotations

import inspect
import re
import typing
from collections.abc import Iterable, Mapping
from dataclasses import is_dataclass

from jupyter_mlgov._version import __version__
from jupyter_mlgov.server.base import Asks, GovernanceHandler, Operation

METHODS = ("get", "post")
PROBLEM = {
    "type": "object",
    "properties": {key: {"type": "string"} for key in ("message", "expected", "next")},
    "required": ["message", "expected", "next"],
}
REFUSALS = {
    "400": "The request cannot be meant",
    "403": "Not signed in, or without the right",
    "404": "There is none",
    "409": "Something newer stands",
    "413": "Too large",
    "422": "Understood, but not possible as things stand",
    "503": "The record or a system behind it does not answer",
}


def document(routes: Iterable[tuple[str, type[GovernanceHandler]]], base: str) -> dict[str, object]:
    """Every described method of every route, with its query, body, answer and refusals. `base` is the path before the routes."""
    parts: dict[str, object] = {"Problem": PROBLEM}
    paths = {f"/{path}": _methods(path, handler, parts) for path, handler in routes}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "jupyter_mlgov",
            "version": __version__,
            "description": "Rights on mlgov: read, run, review, admin.",
        },
        "servers": [{"url": base}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": parts,
            "securitySchemes": {"token": {"type": "apiKey", "in": "header", "name": "Authorization", "description": "token TOKEN"}},
        },
    }


def operations(handler: type[GovernanceHandler]) -> dict[str, Operation]:
    """Method -> its description, for each method that is described."""
    found = {method: getattr(getattr(handler, method), "operation", None) for method in METHODS}
    return {method: described for method, described in found.items() if described is not None}


def _methods(path: str, handler: type[GovernanceHandler], parts: dict[str, object]) -> dict[str, object]:
    return {method: _operation(path, method, one, parts) for method, one in operations(handler).items()}


def _operation(path: str, method: str, one: Operation, parts: dict[str, object]) -> dict[str, object]:
    name = re.sub(r"\W", "_", path)
    found: dict[str, object] = {
        "operationId": f"{method}_{name}",
        "summary": one.says,
        "x-mlgov-action": " or ".join((one.action, *one.or_else)),
        "parameters": [_parameter(asks) for asks in one.query],
        "responses": {"200": {"description": "As asked", **_json(_schema(one.answers, parts))}}
        | {code: {"description": says, **_json({"$ref": "#/components/schemas/Problem"})} for code, says in REFUSALS.items()},
    }
    if one.body or one.more:
        members = {key: _member(kind) for key, kind in {**one.body, **one.more}.items()}
        body = {"type": "object", "properties": members, "required": list(one.body)}
        found["requestBody"] = {"required": True, **_json(body)}
    return found


def _json(schema: object) -> dict[str, object]:
    return {"content": {"application/json": {"schema": schema}}}


def _parameter(asks: Asks) -> dict[str, object]:
    schema: dict[str, object] = {"type": "integer", "minimum": 0, "maximum": asks.most} if asks.kind is int else {"type": "string"}
    if asks.choices:
        schema["enum"] = list(asks.choices)
    elif asks.kind is str:
        schema["maxLength"] = asks.most
    return {"name": asks.name, "in": "query", "required": asks.required, "description": asks.says, "schema": schema}


_TYPES: Mapping[object, str] = {str: "string", bool: "boolean", int: "integer"}


def _member(kind: object) -> dict[str, object]:
    if isinstance(kind, tuple):
        return {"type": "string", "enum": list(kind)}
    if typing.get_origin(kind) is dict:
        return {"type": "object", "additionalProperties": {"type": "string"}}
    if typing.get_origin(kind) is tuple:
        return {"type": "array", "items": {"type": "string"}}
    return {"type": _TYPES[kind]}


def _schema(answers: object, parts: dict[str, object]) -> dict[str, object]:
    """A fact by reference, a list of facts, or an object with the members named."""
    if isinstance(answers, Mapping):
        members = {key: _member(kind) for key, kind in answers.items()}
        return {"type": "object", "properties": members, "required": list(members)}
    if typing.get_origin(answers) is tuple:
        return {"type": "array", "items": _schema(typing.get_args(answers)[0], parts)}
    if not (inspect.isclass(answers) and is_dataclass(answers)):
        raise TypeError(f"server/openapi.py does not know how to describe {answers!r}.")
    return _fact(answers, parts)


def _fact(fact: type, parts: dict[str, object]) -> dict[str, object]:
    from jupyter_mlgov.reports.schema import fact_schema

    if fact.__name__ not in parts:
        whole = fact_schema(fact)
        inner = typing.cast("dict[str, object]", whole.pop("$defs", {}))
        for name, body in {**inner, fact.__name__: whole}.items():
            if parts.setdefault(name, _local(body)) != _local(body):
                raise TypeError(f"Two facts are named {name}: the document could not tell them apart.")
    reference: dict[str, object] = {"$ref": f"#/components/schemas/{fact.__name__}"}
    return reference


def _local(body: object) -> object:
    """References as they read inside an OpenAPI document."""
    if isinstance(body, dict):
        return {key: value.replace("#/$defs/", "#/components/schemas/") if key == "$ref" else _local(value) for key, value in body.items()}
    return [_local(item) for item in body] if isinstance(body, list) else body
