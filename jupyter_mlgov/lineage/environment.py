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
from pathlib import Path

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
def _owners(path: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """Top-level module -> distributions, as importlib.metadata.packages_distributions() has it, without parsing each METADATA file."""
    owners: dict[str, dict[str, None]] = {}
    for name, folder in _folders(path):
        for module in _modules(folder):
            owners.setdefault(module, {})[name] = None
    return {module: tuple(names) for module, names in owners.items()}


def _folders(path: tuple[str, ...]) -> Iterator[tuple[str, Path]]:
    for folder in map(Path, path):
        try:
            found = sorted(folder.glob("*.dist-info")) if folder.is_dir() else []
        except OSError:
            continue
        for info in found:
            yield normalised(info.name.removesuffix(".dist-info").rpartition("-")[0]), info


def _modules(info: Path) -> set[str]:
    """What `top_level.txt` names, else the first part of each installed file's path (RECORD)."""
    named = _read(info / "top_level.txt").split()
    if named:
        return set(named)
    found = set()
    for line in _read(info / "RECORD").splitlines():
        first, slash, _ = line.partition(",")[0].strip('"').partition("/")
        if slash or first.endswith((".py", ".so", ".pyd")):
            found.add(first if slash else first.partition(".")[0])
    return {name for name in found if name.isidentifier()}


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return ""
