"""The tables and their migrations say the same, and only one module speaks SQLite."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from jupyter_mlgov.audit import scan
from jupyter_mlgov.audit.entries import Draft
from jupyter_mlgov.audit.scan import roots_agree, scan_log
from jupyter_mlgov.audit.stored import COLUMNS
from jupyter_mlgov.audit.tiles import Tree
from jupyter_mlgov.integrations.sql import open_journal, tables
from jupyter_mlgov.integrations.sql.migrate import SCRIPTS
from jupyter_mlgov.testing import ANA, NOON, FixedClock, MemoryJournal
from tests.postgres import schema

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
            for word in ("PRAGMA", "sqlite_master", "BEGIN IMMEDIATE", "import sqlite3", "RAISE(ABORT"):
                assert word not in text, (path.name, word)


def test_a_database_of_the_first_release_is_brought_up_to_date_and_keeps_every_digest(tmp_path: Path) -> None:
    """As version 0001 wrote it: its own migration, its rows, no tiles."""
    from alembic import command
    from sqlalchemy import create_engine

    journal = MemoryJournal(FixedClock(step=timedelta(seconds=1)))
    for number in range(600):
        journal.append([Draft(action="cell.finished", subject=f"nb-{number}.ipynb", payload={"auc": number / 7})], actor=ANA)
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    engine = create_engine(f"sqlite:///{tmp_path / 'mlgov.db'}")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        connection.exec_driver_sql(f"INSERT INTO log VALUES ({', '.join('?' * 9)})", [tuple(row.values()) for row in journal.rows])
    engine.dispose()
    opened = open_journal(tmp_path / "mlgov.db", FixedClock(NOON + timedelta(days=1)))
    assert opened.head() == journal.head()
    assert tuple(opened.entries()) == tuple(journal.entries())
    ledger = opened.ledger()
    assert len(ledger.roots(0, 0, 9)) == 2
    assert Tree(ledger).root(600) == Tree(journal.ledger()).root(600)
    spans = scan_log(ledger)
    assert spans
    assert roots_agree(ledger, spans)
    assert opened.damage() == ""
    opened.append([Draft(action="session.ended", subject="nb.ipynb")] * 200, actor=ANA)
    assert len(ledger.roots(0, 0, 9)) == 3
    opened.close()


def test_the_tiles_of_postgresql_and_sqlite_are_the_same(tmp_path: Path, postgres: str) -> None:
    drafts = [Draft(action="session.ended", subject=f"nb\x00{number}\U0010fffd") for number in range(300)]
    roots = []
    for url in (tmp_path / "mlgov.db", schema(postgres)):
        journal = open_journal(url, FixedClock())
        journal.append(drafts, actor=ANA)
        spans = scan_log(journal.ledger())
        assert spans
        assert roots_agree(journal.ledger(), spans)
        roots.append((Tree(journal.ledger()).root(300), journal.ledger().tile(0, 0), spans))
        journal.close()
    assert roots[0] == roots[1]


@pytest.mark.parametrize("level", [0, 1])
def test_a_tile_that_no_entries_fill_is_found(tmp_path: Path, level: int) -> None:
    """A stored tile is believed by proofs, so one too many is as bad as a changed one: in a log that is too short for any, too."""
    with closing(open_journal(tmp_path / "mlgov.db", FixedClock())) as journal:
        journal.append([Draft(action="session.ended", subject=f"nb-{number}") for number in range(300 * level + 5)], actor=ANA)
        spans = scan_log(journal.ledger())
        assert spans
        assert roots_agree(journal.ledger(), spans)
        with journal._backend.writing() as connection:
            connection.exec_driver_sql("INSERT INTO tiles (level, idx, root, hashes) VALUES (?, 0, zeroblob(32), zeroblob(8192))", (level,))
        assert not roots_agree(journal.ledger(), spans)


def test_two_processes_find_what_one_finds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = open_journal(tmp_path / "mlgov.db", FixedClock())
    journal.append([Draft(action="session.ended", subject=f"nb-{number}") for number in range(600)], actor=ANA)
    monkeypatch.setattr(scan, "SPAN", 256)
    alone = scan_log(journal.ledger(), processes=1)
    monkeypatch.setattr(scan, "SHARED_FROM", 1)
    assert alone
    assert [(span.first, span.last) for span in alone] == [(1, 256), (257, 512), (513, 600)]
    assert scan_log(journal.ledger(), processes=2) == alone
    monkeypatch.setattr(scan, "_together", lambda *_: None)
    assert scan_log(journal.ledger(), processes=2) == alone
    journal.close()
