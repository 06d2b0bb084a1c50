"""Every distribution that ours brings into an environment, with all extras, from installed metadata alone."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Iterator

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

OURS = "jupyter-mlgov"


def closure(without: tuple[str, ...] = ("feast",)) -> dict[str, tuple[str, ...]]:
    """Distribution -> the distributions it asks for here, by canonical names; ours is the first.

    Extras of ours in `without` are left out: feast lives in an environment of its own. What is asked for and not installed is left out too;
    `pip check` finds that.
    """
    extras = {extra for extra in importlib.metadata.metadata(OURS).get_all("Provides-Extra") or () if extra not in without}
    asked: dict[str, set[str]] = {OURS: set(extras)}
    found: dict[str, set[str]] = {}
    waiting = [OURS]
    while waiting:
        name = waiting.pop()
        for requirement in _requirements(name, asked[name]):
            below = str(canonicalize_name(requirement.name))
            if not _installed(below):
                continue
            found.setdefault(name, set()).add(below)
            if below not in asked or not requirement.extras <= asked[below]:
                asked[below] = asked.get(below, set()) | requirement.extras
                waiting.append(below)
    return {name: tuple(sorted(found.get(name, ()))) for name in (OURS, *sorted(asked.keys() - {OURS}))}


def _requirements(name: str, extras: set[str]) -> Iterator[Requirement]:
    for line in importlib.metadata.distribution(name).requires or ():
        requirement = Requirement(line)
        if requirement.marker is None or any(requirement.marker.evaluate({"extra": extra}) for extra in ("", *extras)):
            yield requirement


def _installed(name: str) -> bool:
    try:
        importlib.metadata.distribution(name)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True
