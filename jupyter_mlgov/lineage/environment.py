"""Where code runs: Python, platform, installed distributions, and those a session really uses."""

from __future__ import annotations

import os
import platform
import re
import sys
import sysconfig
from collections.abc import Iterator
from functools import lru_cache
from importlib import metadata

from jupyter_mlgov.lineage.facts import Environment


def environment() -> Environment:
    """This interpreter and every distribution it can import. Names are normalised as in PEP 503 (`scikit-learn`)."""
    packages: dict[str, str] = {}
    for name, version in _installed(tuple(sys.path)):
        packages.setdefault(name, version)
    return Environment(python=platform.python_version(), platform=sysconfig.get_platform(), packages=dict(sorted(packages.items())))


def distributions_in_use() -> tuple[str, ...]:
    """The distributions of all modules that are loaded now, by normalised name; ours and the kernel's own are among them."""
    owners = _owners(tuple(sys.path))
    top = {name.partition(".")[0] for name in tuple(sys.modules)}
    return tuple(sorted({owner for name in top for owner in owners.get(name, ())}))


def normalised(name: str) -> str:
    """PEP 503: lower case, runs of `-_.` as one `-`."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _installed(path: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """(name, version) along the search path. `NAME-VERSION.dist-info` says both, so that hundreds of files stay closed."""
    for folder in path:
        try:
            listed = sorted(entry.name for entry in os.scandir(folder or "."))
        except OSError:
            continue  # a zip file or nothing at all; nothing is installed there by pip
        odd = any(name.endswith((".egg-info", ".egg")) for name in listed)
        for name in (name for name in listed if name.endswith(".dist-info")):
            package, dash, version = name.removesuffix(".dist-info").rpartition("-")
            if dash and "-" not in package:
                yield normalised(package), version
            else:
                odd = True
        if odd:
            yield from _told(folder)


def _told(folder: str) -> Iterator[tuple[str, str]]:
    for distribution in metadata.distributions(path=[folder]):
        if distribution.metadata["Name"]:
            yield normalised(distribution.metadata["Name"]), str(distribution.version)


@lru_cache(maxsize=4)
def _owners(_path: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """Top-level module -> distributions. Read once for a search path; it costs some tenths of a second."""
    return {module: tuple(normalised(name) for name in names) for module, names in metadata.packages_distributions().items()}
