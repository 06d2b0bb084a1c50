"""The tables and their migrations say the same, and only one module speaks SQLite."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from jupyter_mlgov.audit.stored import COLUMNS
from jupyter_mlgov.integrations.sql import open_journal, tables
from jupyter_mlgov.integrations.sql.migrate import SCRIPTS
from jupyter_mlgov.testing import FixedClock

DOOR = SCRIPTS.parent


def test_the_newest_revision_is_the_one_an_up_to_date_database_is_held_against() -> None:
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    assert ScriptDirectory.from_config(config).get_heads() == [tables.HEAD]


def test_the_migrations_make_exactly_the_tables_we_write(tmp_path: Path) -> None:
    journal = open_journal(tmp_path / "mlgov.db", FixedClock())
    with journal._backend.reading() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": tables.VERSION_TABLE, "compare_type": True})
        assert compare_metadata(context, tables.metadata) == []
        assert journal.damage() == ""
    journal.close()


def test_the_log_has_the_columns_of_the_format_and_no_index_of_its_own(tmp_path: Path) -> None:
    """Less redundancy, fewer bytes whose change nobody would see."""
    assert tuple(column.name for column in tables.log.columns) == COLUMNS
    open_journal(tmp_path / "mlgov.db", FixedClock()).close()
    link = sqlite3.connect(tmp_path / "mlgov.db")
    assert link.execute("SELECT name FROM sqlite_master WHERE type = 'index' AND tbl_name = 'log'").fetchall() == []
    link.close()


def test_migrations_are_shipped_inside_the_package_and_leave_nothing_in_the_users_folder(tmp_path: Path) -> None:
    open_journal(tmp_path / "mlgov.db", FixedClock()).close()
    assert [path.name for path in tmp_path.iterdir()] == ["mlgov.db"]
    assert (SCRIPTS / "env.py").is_file()
    assert not list(DOOR.rglob("alembic.ini"))


def test_sqlite_is_spoken_in_one_module() -> None:
    for path in DOOR.rglob("*.py"):
        if path.name != "sqlite.py":
            text = path.read_text("utf-8")
            for word in ("PRAGMA", "sqlite_master", "BEGIN IMMEDIATE", "import sqlite3", "CREATE TRIGGER"):
                assert word not in text, (path.name, word)
