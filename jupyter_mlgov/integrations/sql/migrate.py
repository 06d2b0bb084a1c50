"""Brings the tables to the version this program writes. Alembic is imported only when something must change."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, inspect, text

from jupyter_mlgov.core.errors import StorageProblem
from jupyter_mlgov.integrations.sql.backend import Backend
from jupyter_mlgov.integrations.sql.tables import HEAD, VERSION_TABLE

SCRIPTS = Path(__file__).with_name("migrations")


def bring_up_to_date(backend: Backend) -> None:
    """Make or change the tables, in one transaction. Raises StorageProblem for a database that is not ours or is newer."""
    version = version_of(backend)
    if version == HEAD:
        return
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
    if version and version not in known_versions():
        raise StorageProblem(
            f"The database has version {version[:40]!r}, which this program does not know.",
            expected=f"It knows versions up to {HEAD}.",
            next="Install a newer jupyter_mlgov, or restore the workspace from a copy.",
        )
    with backend.writing() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def version_of(backend: Backend) -> str:
    """The version of the tables; empty for a database without any. Raises StorageProblem for one that is not ours."""
    with backend.reading() as connection:
        return _version(connection)


def known_versions() -> tuple[str, ...]:
    """Every version this program can bring up to date, oldest first: a file each, named by it."""
    return tuple(sorted(path.name.partition("_")[0] for path in (SCRIPTS / "versions").glob("[0-9]*_*.py")))


def _version(connection: Connection) -> str:
    tables = inspect(connection).get_table_names()
    if VERSION_TABLE in tables:
        found = connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalars().all()  # noqa: S608 a constant of ours
        return str(found[0]) if found else ""
    if tables:
        raise StorageProblem(
            "The database belongs to another program: it has tables, and none of them is ours.",
            next="Name another file, or move this one away.",
        )
    return ""
