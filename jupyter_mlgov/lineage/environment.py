"""Where code runs: Python, platform, installed distributions with the digests of their files, and those a session really uses."""

from __future__ import annotations

import json
import os
import platform
import re
import sys
import sysconfig
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import lru_cache
from importlib import metadata
from pathlib import Path
from typing import Any

from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.core.errors import BadInput
from jupyter_mlgov.lineage.facts import Environment, Machine
from jupyter_mlgov.lineage.machine import machine


def environment() -> Environment:
    """This interpreter and every distribution it can import. Names are normalised as in PEP 503 (`scikit-learn`)."""
    packages: dict[str, str] = {}
    for name, version in _installed(tuple(sys.path)):
        packages.setdefault(name, version)
    return Environment(python=platform.python_version(), platform=sysconfig.get_platform(), packages=dict(sorted(packages.items())))


def described(cache: Path | None = None) -> Environment:
    """environment() with the digests of all RECORD files and the machine. `cache` keeps digests of files that did not change.

    Takes part of a second the first time: call it beside a cell, not before one.
    """
    return replace(environment(), records=records(cache), machine=machine())


def records(cache: Path | None = None) -> dict[str, Digest]:
    """Distribution -> digest of its RECORD. One that has none (a conda or system package) is left out.

    A digest in `cache` counts while size, time of change and inode of the file are what they were.
    """
    known = _kept(cache)
    fresh: dict[str, list[object]] = {}
    found: dict[str, Digest] = {}
    for name, folder in _folders(tuple(sys.path)):
        path = folder / "RECORD"
        try:
            state = path.stat()
            mark = [state.st_size, state.st_mtime_ns, state.st_ino]
            kept = known.get(str(path), [])
            digest = Digest(str(kept[3])) if kept[:3] == mark else Digest.of_file(path)
        except (OSError, ValueError, IndexError):
            continue
        fresh[str(path)] = [*mark, digest]
        found.setdefault(name, digest)
    if cache is not None and fresh != known:
        _keep(cache, fresh)
    return found


def _kept(cache: Path | None) -> dict[str, list[object]]:
    try:
        value = json.loads(cache.read_text("utf-8")) if cache else {}
    except (OSError, ValueError):
        return {}
    return {key: item for key, item in value.items() if isinstance(item, list) and len(item) == 4} if isinstance(value, dict) else {}


def _keep(cache: Path, fresh: Mapping[str, object]) -> None:
    with suppress(OSError):  # a cache that cannot be written is slower, not wrong
        beside = cache.with_name(f"{cache.name}.{os.getpid()}")
        beside.write_text(json.dumps(fresh), "utf-8")
        beside.replace(cache)


def read_environment(payload: Mapping[str, Any]) -> Environment:
    """The environment that `plain()` made this payload of; what an older program did not record has its default."""
    told = payload.get("machine")
    return Environment(
        python=payload["python"],
        platform=payload["platform"],
        packages=dict(payload["packages"]),
        records={name: Digest(digest) for name, digest in (payload.get("records") or {}).items()},
        machine=_machine(told) if told else None,
    )


def _machine(payload: Mapping[str, Any]) -> Machine:
    return Machine(
        cpu=payload["cpu"],
        features=tuple(payload["features"]),
        blas=tuple(payload["blas"]),
        image=payload.get("image", ""),
        settings=dict(payload.get("settings", {})),
    )


_PIN = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^\]]*\])?\s*===?\s*([^\s;#\\,]+)")
_TABLE = re.compile(r'^name = "([^"]+)"\nversion = "([^"]+)"', re.MULTILINE)


def read_lock(text: str, name: str) -> Environment:
    """The packages of a lock: `NAME==VERSION` lines (requirements, constraints), or uv.lock, poetry.lock, pylock.toml.

    Python, platform and machine are empty: a lock does not say them. Raises BadInput for a text without any pinned version.
    """
    pins = dict(_TABLE.findall(text)) if name.endswith((".lock", ".toml")) else {}
    pins = pins or {found[1]: found[2] for line in text.splitlines() if (found := _PIN.match(line.strip()))}
    if not pins:
        raise BadInput(f"{name} pins no version.", expected="Expected lines `NAME==VERSION`, a uv.lock, poetry.lock or pylock.toml.")
    return Environment(python="", platform="", packages={normalised(package): version for package, version in pins.items()})


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
