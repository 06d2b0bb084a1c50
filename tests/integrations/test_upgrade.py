"""The upgrade path: a database as each released version wrote it is brought up whole, and one from a later version is left alone."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Engine, create_engine, inspect, text

from jupyter_mlgov.audit.entries import Draft
from jupyter_mlgov.audit.journal import Parcel
from jupyter_mlgov.audit.scan import roots_agree, scan_log
from jupyter_mlgov.audit.stored import COLUMNS, store_parcel
from jupyter_mlgov.audit.tiles import WIDTH, Tree
from jupyter_mlgov.core.errors import StorageProblem
from jupyter_mlgov.integrations.sql import open_journal, tables, versions
from jupyter_mlgov.integrations.sql.migrate import SCRIPTS, known_versions
from jupyter_mlgov.testing import ANA, NOON, FixedClock, MemoryJournal
from tests.installed import LATER
from tests.postgres import schema

ENTRIES = 2 * WIDTH + 88
PARCEL = Parcel(key="run:1", target="mlflow", kind="run", payload={"auc": 0.75})
PERSON = ("p1", "t1", b"\x01" * 32, "x")
# A name with NUL, which PostgreSQL's text cannot hold: it lies there in another form, and the digest is of the name itself.
SUBJECT = "nb-\x00\U0010fffd ü.ipynb"


@pytest.fixture(scope="module")
def history() -> MemoryJournal:
    """What the log of any version holds: the entries' form has not changed since the first."""
    journal = MemoryJournal(FixedClock(step=timedelta(seconds=1)))
    drafts = [Draft(action="cell.finished", subject=SUBJECT, payload={"auc": number / 7}) for number in range(ENTRIES)]
    journal.append(drafts, actor=ANA)
    return journal


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'mlgov.db'}"
    return schema(request.getfixturevalue("postgres"))


def engine_of(url: str) -> Engine:
    return create_engine(url.replace("postgresql:", "postgresql+psycopg:"))


def written_by(version: str, url: str, history: MemoryJournal) -> None:
    """The database as the program of `version` left it: its own migrations, its rows, and nothing that came later."""
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    engine = engine_of(url)
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        connection.execute(tables.log.insert(), [{name: row[name] for name in COLUMNS} for row in history.rows])
        connection.execute(tables.outbox.insert(), [{"id": 1, **store_parcel(PARCEL)}])
        if version != "0001":
            # Programs from 0002 on keep the tiles as they write entries; those of a log written before are made by the migration itself.
            command.upgrade(config, version)
        if version >= "0003":
            connection.execute(tables.people.insert(), [dict(zip(("person", "tag", "key", "sealed"), PERSON, strict=True))])
    engine.dispose()


def test_every_version_but_the_newest_is_one_that_is_tested_from() -> None:
    """A new migration widens this list by itself; its rows need a line in written_by() when it brings a table.

    The portfolio's tables have none: they are folded from the log whenever they are behind it.
    """
    assert known_versions()[-1] == tables.HEAD
    folded = {table.name for table in tables.metadata.sorted_tables if table.name.startswith("portfolio_")}
    assert {table.name for table in tables.metadata.sorted_tables} - folded == {"log", "outbox", "tiles", "people"}


@pytest.mark.parametrize("version", known_versions())
def test_a_database_of_each_released_version_is_brought_up_and_keeps_all_it_held(version: str, place: str, history: MemoryJournal) -> None:
    written_by(version, place, history)
    assert versions(place)[0] == version
    with closing(open_journal(place, FixedClock(NOON + timedelta(days=1)))) as journal:
        assert versions(place)[0] == tables.HEAD
        assert journal.head() == history.head()
        assert tuple(journal.entries()) == tuple(history.entries())
        assert journal.pending() == (PARCEL,)
        ledger = journal.ledger()
        assert Tree(ledger).root(ENTRIES) == Tree(history.ledger()).root(ENTRIES)
        spans = scan_log(ledger)
        assert spans and roots_agree(ledger, spans)
        assert journal.damage() == "", "the guards and columns are those of a new database"
        journal.append([Draft(action="session.ended", subject=SUBJECT)] * WIDTH, actor=ANA)
        assert len(ledger.roots(0, 0, 9)) == 3
    assert dump(place)["people"] == ([PERSON] if version >= "0003" else [])
    with closing(open_journal(place, FixedClock())) as again:
        assert again.head()[0] == ENTRIES + WIDTH


@pytest.mark.parametrize("version", known_versions()[:-1])
def test_a_migration_that_fails_leaves_the_old_version_whole(
    version: str, place: str, history: MemoryJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed between two steps is the same to a database as an error there: one transaction, all or nothing."""
    from alembic import command as alembic

    written_by(version, place, history)
    before = dump(place)
    upgrade: Callable[..., None] = alembic.upgrade

    def broken(config: Config, revision: str) -> None:
        upgrade(config, revision)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(alembic, "upgrade", broken)
    with pytest.raises(StorageProblem):
        open_journal(place, FixedClock())
    assert dump(place) == before


@pytest.mark.parametrize("version", [LATER, "9999", "a' OR 1=1 --"])
def test_a_database_newer_than_the_program_is_refused_and_not_touched(version: str, place: str, history: MemoryJournal) -> None:
    written_by(tables.HEAD, place, history)
    engine = engine_of(place)
    with engine.begin() as connection:
        connection.execute(text(f"UPDATE {tables.VERSION_TABLE} SET version_num = :version"), {"version": version})
    engine.dispose()
    before = dump(place)
    with pytest.raises(StorageProblem) as refused:
        open_journal(place, FixedClock())
    assert f"{version!r}, which this program does not know" in str(refused.value)
    assert f"up to {tables.HEAD}" in str(refused.value) and "Install a newer jupyter_mlgov, or restore the workspace from a copy" in str(
        refused.value
    )
    assert dump(place) == before


def test_there_is_no_way_down() -> None:
    """A downgrade would drop people's keys and tiles: no migration has one, so the older program refuses and a copy is the way back."""
    for path in (SCRIPTS / "versions").glob("[0-9]*.py"):
        assert "def downgrade" not in path.read_text("utf-8"), path.name


def test_a_database_of_another_program_is_left_alone(place: str) -> None:
    engine = engine_of(place)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE theirs (x INTEGER)"))
    engine.dispose()
    before = dump(place)
    with pytest.raises(StorageProblem, match="belongs to another program"):
        open_journal(place, FixedClock())
    assert dump(place) == before


def dump(url: str) -> dict[str, list[tuple[object, ...]]]:
    """Every table with its rows."""
    engine = engine_of(url)
    with engine.connect() as connection:
        names = inspect(connection).get_table_names()
        found = {name: [tuple(row) for row in connection.execute(text(f"SELECT * FROM {name} ORDER BY 1"))] for name in sorted(names)}
    engine.dispose()
    return found
