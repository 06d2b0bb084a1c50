"""The models of an existing MLflow registry, read and never written: of an SQLite store a copy is opened, not the store."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from jupyter_mlgov.core.errors import SystemUnreachable
from jupyter_mlgov.integrations.mlflow.connection import connected, shown

_PAGE = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """A registered model: its description, tags, and what is said of its versions and aliases."""

    name: str
    description: str
    status: str
    tags: Mapping[str, str]


def registered(uri: str) -> tuple[Registered, ...]:
    """Every registered model at `uri`, by name. Raises SystemUnreachable where there is no store: none is made."""
    path = Path(uri.removeprefix("sqlite:///").partition("?")[0]) if uri.startswith("sqlite:///") else None
    if path is None:
        return tuple(_pages(uri))
    with TemporaryDirectory() as name:
        copy = Path(name) / "registry.db"
        try:
            with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as here, closing(sqlite3.connect(copy)) as there:
                here.backup(there)
        except sqlite3.Error as error:
            raise SystemUnreachable(f"MLflow at {shown(uri)} cannot be read: {error}.", next="Name the store of a registry.") from None
        return tuple(_pages(f"sqlite:///{copy}"))


def _pages(uri: str) -> Iterator[Registered]:
    with connected(uri) as client:
        token = None
        while True:
            page = client.search_registered_models(max_results=_PAGE, page_token=token, order_by=["name ASC"])
            for model in page:
                aliases = ", ".join(f"{name} = version {version}" for name, version in sorted((model.aliases or {}).items()))
                newest = max((int(one.version) for one in model.latest_versions or ()), default=0)
                parts = [f"newest version {newest}"] if newest else ["no version"]
                parts += [f"aliases: {aliases}"] if aliases else []
                tags = {str(name): str(value) for name, value in (model.tags or {}).items()}
                yield Registered(name=model.name, description=model.description or "", status="; ".join(parts), tags=tags)
            token = page.token
            if not token:
                return
