"""Whether a text is a CycloneDX BOM, by cyclonedx-python-lib's strict validator and the rules its schema cannot say."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from typing import NoReturn

from jupyter_mlgov.core.errors import BadInput, NotReady
from jupyter_mlgov.reports.clean import visible

# Formulas may name a workspace twice, in each place where it is used (CycloneDX's own valid cases do).
_REPEATED = frozenset({"formulation"})
MOST = 5


def check_bom(content: bytes) -> str:
    """The BOM's version of the specification. Raises BadInput naming what is wrong and where, NotReady without the extra `sbom`."""
    body = _parsed(content)
    if not isinstance(body, dict) or body.get("bomFormat") != "CycloneDX":
        raise _no("it does not say `bomFormat` CycloneDX")
    validator = _validator(body.get("specVersion"))
    problems = [*_schema(validator, content.decode("utf-8")), *_twice(body)]
    if problems:
        more = f"; and {len(problems) - MOST} more" if len(problems) > MOST else ""
        raise _no("; ".join(problems[:MOST]) + more)
    return str(body["specVersion"])


def _parsed(content: bytes) -> object:
    try:
        return json.loads(content.decode("utf-8"), object_pairs_hook=_once, parse_constant=_constant)
    except UnicodeDecodeError:
        raise _no("it is not UTF-8") from None
    except RecursionError:
        raise _no("it is nested too deeply") from None
    except ValueError as error:
        raise _no(f"it is not JSON: {visible(error, limit=200)}") from None


def _once(pairs: Iterable[tuple[str, object]]) -> dict[str, object]:
    found: dict[str, object] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"the key {key!r} stands twice in one object")
        found[key] = value
    return found


def _constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON")


def _validator(version: object) -> object:
    try:
        from cyclonedx.schema import SchemaVersion
        from cyclonedx.validation.json import JsonStrictValidator
    except ImportError:
        raise NotReady("CycloneDX needs the package cyclonedx-python-lib.", next='`pip install "jupyter-mlgov[sbom]"`.') from None
    known = {one.to_version(): one for one in SchemaVersion if one.value >= (1, 2)}
    if not isinstance(version, str) or version not in known:
        raise _no(f"specVersion {visible(version, limit=40)!r} is none of {', '.join(sorted(known))} in JSON")
    return _opened(JsonStrictValidator, known[version])


@cache
def _opened(kind: Callable[[object], object], version: object) -> object:
    """One validator a version: it reads its schemas once."""
    return kind(version)


def _schema(validator: object, text: str) -> Iterator[str]:
    from cyclonedx.exception import MissingOptionalDependencyException
    from cyclonedx.validation.json import JsonStrictValidator

    assert isinstance(validator, JsonStrictValidator)  # noqa: S101  # _validator() made it
    try:
        found = validator.validate_str(text, all_errors=True)
    except MissingOptionalDependencyException:
        raise NotReady("CycloneDX's validator needs jsonschema.", next='`pip install "jupyter-mlgov[sbom]"`.') from None
    for error in found or ():
        place = "/".join(str(part) for part in getattr(error.data, "absolute_path", ()))
        yield f"{visible(place) or 'the whole'}: {visible(getattr(error.data, 'message', error), limit=200)}"


def _twice(body: dict[str, object]) -> Iterator[str]:
    counted = Counter(_refs({key: value for key, value in body.items() if key not in _REPEATED}))
    return (f"bom-ref {visible(ref, limit=80)!r} stands {number} times" for ref, number in counted.items() if number > 1)


def _refs(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("bom-ref"), str):
            yield value["bom-ref"]
        for item in value.values():
            yield from _refs(item)
    elif isinstance(value, list):
        for item in value:
            yield from _refs(item)


def _no(problem: str) -> BadInput:
    return BadInput(f"This is no valid CycloneDX BOM: {problem}.", next="Ask whoever wrote it for a valid one.")
