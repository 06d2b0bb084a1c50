"""What runs inside a step's kernel before its own cells and behind them: taking up the values it needs, leaving those it gives."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, MutableMapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.core.errors import MlgovError
from jupyter_mlgov.pipelines.chance import SharedState
from jupyter_mlgov.pipelines.crossing import Crossed, read_values, told_root, write_values
from jupyter_mlgov.pipelines.formats import format_of
from jupyter_mlgov.pipelines.plainvalues import encoded
from jupyter_mlgov.pipelines.steps import RANDOM
from jupyter_mlgov.pipelines.unfit import Unfit


@dataclass(frozen=True, slots=True, kw_only=True)
class Handover:
    """`takes`: variable -> the folder of the step that made it. `gives` go into `folder`; of `made` only the roots are noted."""

    step: str
    takes: Mapping[str, str]
    gives: tuple[str, ...]
    made: tuple[str, ...]
    folder: str
    allow_pickle: bool = False

    def as_json(self) -> str:
        return json.dumps({name: getattr(self, name) for name in self.__slots__})


def take_up(namespace: MutableMapping[str, Any], request: str) -> str:
    """Put the values that a step takes into its namespace. Returns why that cannot be done, or nothing."""
    asked = json.loads(request)
    folders: dict[str, list[str]] = {}
    for name, folder in asked["takes"].items():
        folders.setdefault(folder, []).append(name)
    try:
        for folder, names in folders.items():
            found = read_values(Path(folder), names, allow_pickle=asked["allow_pickle"])
            shared = found.pop(RANDOM, None)
            namespace.update(found)
            if isinstance(shared, SharedState):
                shared.restore()
    except MlgovError as error:
        return str(error)
    return ""


def leave(namespace: Mapping[str, Any], request: str, report: str) -> str:
    """Write what a step gives, and into the file `report` what it made. Returns why that cannot be done, or nothing."""
    asked = json.loads(request)
    missing = [name for name in asked["gives"] if name not in namespace and name != RANDOM]
    if missing:
        return f"Step {asked['step']} ended without {', '.join(f'`{name}`' for name in missing)}, which a later step takes."
    values = {name: SharedState() if name == RANDOM else namespace[name] for name in asked["gives"]}
    try:
        written = write_values(values, Path(asked["folder"]), step=asked["step"], allow_pickle=asked["allow_pickle"])
    except MlgovError as error:
        return str(error)
    known = {one.name: one.root for one in written}
    made = {name: known.get(name) or root_of(namespace[name]) for name in asked["made"] if name in namespace}
    document = {
        "values": [_fields(one) for one in written],
        "made": {name: str(root) if root is not None else None for name, root in made.items()},
        "memory": peak_memory(),
    }
    Path(report).write_text(json.dumps(document), "utf-8")
    return ""


def _fields(one: Crossed) -> dict[str, object]:
    return {name: getattr(one, name) for name in Crossed.__slots__}


def root_of(value: object) -> Digest | None:
    """The root a value would have if it crossed, without writing it; None for one that has none."""

    def leaf(item: object) -> object:
        kind = format_of(item)
        if kind is None:
            raise Unfit("no format")
        return {"format": kind.name, "root": str(kind.root(item))}

    try:
        return told_root(encoded(value, leaf))
    except Unfit:
        return None


def roots(namespace: Mapping[str, Any], names: Iterable[str]) -> str:
    """The roots of these names as JSON, null where one has none; a name that is not there is left out."""
    return json.dumps({name: root_of(namespace[name]) for name in names if name in namespace})


def peak_memory() -> int:
    """The most bytes this process held at once; -1 where the system does not tell."""
    try:
        import resource
        import sys
    except ImportError:  # Windows
        return -1
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(used if sys.platform == "darwin" else used * 1024)
