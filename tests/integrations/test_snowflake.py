"""Snowflake through its connector, on fakesnow: query ids, digests and tables of statements. Not proven against a live Snowflake."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import snowflake.connector
import sqlglot

from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.core.errors import NotReady
from jupyter_mlgov.integrations import snowflake as door
from jupyter_mlgov.lineage.facts import SourceRef
from jupyter_mlgov.lineage.native import observe
from jupyter_mlgov.lineage.sources import Sources, collect

pytestmark = [pytest.mark.filterwarnings("ignore::DeprecationWarning"), pytest.mark.filterwarnings("ignore::ResourceWarning")]


@pytest.fixture
def cursor() -> Iterator[Any]:
    import fakesnow.cursor  # loaded, so that it is watched

    for module in door.MODULES:
        observe(module, door.observe)
    with fakesnow.patch():
        connection = snowflake.connector.connect(user="u", password="hidden-pw", account="acme", database="risk", schema="public")
        cursor = connection.cursor()
        cursor.execute("create table loans (id int, ssn varchar, paid boolean)")
        cursor.execute("insert into loans values (1, '123-45-6789', true), (2, 'x', false)")
        yield cursor
        collect(None)


def noted(cursor: Any, *statements: str) -> tuple[tuple[SourceRef, ...], tuple[SourceRef, ...]]:
    sources = Sources()
    collect(sources)
    for text in statements:
        cursor.execute(text)
    collect(None)
    refs = sources.refs()
    assert sources.problems == []
    return refs


def test_a_query_is_known_by_its_id_its_digest_its_moment_and_its_tables(cursor: Any) -> None:
    text = "with paid as (select * from loans where paid) select count(*) from paid join risk.public.loans as l on true"
    (ref,), written = noted(cursor, text)
    assert written == ()
    assert ref.version == cursor.sfqid
    assert ref.digest == ref.facts["sql"] == Digest.of_text(text)
    assert ref.facts["tables"].upper() == "LOANS, RISK.PUBLIC.LOANS"
    moment = datetime.fromisoformat(str(ref.facts["time"]))
    assert timedelta(0) <= datetime.now(UTC) - moment < timedelta(minutes=1)


def test_each_statement_is_one_reference_and_writes_are_told_apart(cursor: Any) -> None:
    read, written = noted(
        cursor, "select * from loans", "select * from loans", "/* x */ -- y\n insert into loans values (3, 'z', true)", "use schema public"
    )
    assert len(read) == 2
    assert len({ref.version for ref in read}) == 2
    assert [ref.facts["tables"].upper() for ref in written] == ["LOANS"]


def test_no_value_and_no_password_is_kept(cursor: Any) -> None:
    (ref,), _ = noted(cursor, "select * from loans where ssn = '123-45-6789'")
    assert "123-45-6789" not in repr(ref)
    assert "hidden-pw" not in repr(ref)


def test_a_statement_that_fails_is_the_users_error_and_no_reference(cursor: Any) -> None:
    sources = Sources()
    collect(sources)
    with pytest.raises(snowflake.connector.errors.ProgrammingError):
        cursor.execute("select * from no_such_table")
    collect(None)
    assert sources.refs() == ((), ())


@pytest.mark.parametrize(
    ("text", "word"),
    [("/* a */ ( SELECT 1 )", "SELECT"), ("-- c\nWITH x AS (SELECT 1) SELECT 2", "WITH"), ("alter session set a = 1", "ALTER"), ("", "")],
)
def test_the_first_word_is_found_behind_comments(text: str, word: str) -> None:
    assert door.first_word(text) == word


def test_what_sqlglot_cannot_read_has_no_tables_but_a_digest() -> None:
    assert door.tables_of("select from where )))") == []


NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
REF = SourceRef(system="snowflake", name="t", version="01b2-aa", facts={"time": "2026-11-20T12:00:00.000000Z"})
AT = "AT(STATEMENT => '01b2-aa')"


def test_time_travel_is_asked_for_by_query_id_then_by_time_and_nothing_slips_in() -> None:
    assert door.time_travel(REF, NOW) == AT
    assert door.time_travel(REF, NOW + timedelta(days=11)) == "AT(TIMESTAMP => '2026-11-20T12:00:00.000000Z'::TIMESTAMP_TZ)"
    good = "2026-11-20T12:00:00Z"
    for version, moment in (("x'; drop table t; --", good), ("01b2", "'; drop"), ("01b2", "2026-11-20"), ("", good)):
        with pytest.raises(NotReady, match="no Snowflake query id"):
            door.time_travel(replace(REF, version=version, facts={"time": moment}), NOW)


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("select * from loans", f"select * from loans {AT}"),
        ("SELECT  x -- why\nFROM db.s.Loans  AS l;", f"SELECT  x -- why\nFROM db.s.Loans {AT}  AS l;"),
        ('select a.x from "MiXed é" a, b where b.y = \'from c\'', f'select a.x from "MiXed é" {AT} a, b {AT} where b.y = \'from c\''),
        ("with r as (select 1 x from t) select * from r join u on r.x in (select x from v)",
         f"with r as (select 1 x from t {AT}) select * from r join u {AT} on r.x in (select x from v {AT})"),
        ("select 1 from t union all select 2 from db.t", f"select 1 from t {AT} union all select 2 from db.t {AT}"),
        ("select f.value from t, lateral flatten(input => t.a) f", f"select f.value from t {AT}, lateral flatten(input => t.a) f"),
    ],
)  # fmt: skip
def test_a_statement_is_asked_as_of_then_and_keeps_every_other_character(text: str, asked: str) -> None:
    """The text that would be sent. Proven as text, by its grammar, and not against a live Snowflake."""
    assert door.as_of(text, AT) == asked
    (tree,) = (one for one in sqlglot.parse(asked, dialect="snowflake") if one is not None)
    for table in tree.find_all(sqlglot.exp.Table):
        table.set("when", None)
    (plain,) = (one for one in sqlglot.parse(text, dialect="snowflake") if one is not None)
    assert tree.sql(dialect="snowflake", comments=False) == plain.sql(dialect="snowflake", comments=False)


@pytest.mark.parametrize(
    "text",
    ["select * from @stage/x.csv", "select * from t at(offset => -60)", "select 1; select 2", "show tables", "select from where )))",
     "select * from table(result_scan('01'))", "insert into t select * from u", ""],
)  # fmt: skip
def test_what_cannot_be_asked_as_of_then_is_refused_and_not_asked_of_today(text: str) -> None:
    with pytest.raises(NotReady, match="cannot be asked as of then"):
        door.as_of(text, AT)


def test_in_a_second_run_a_cursor_sends_the_clause_writes_nothing_and_asks_nothing_that_was_not_recorded(
    cursor: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """fakesnow cannot travel; its refusal quotes what it was sent."""
    kind = type(cursor)
    monkeypatch.setattr(kind, "execute", kind.execute)
    door.travelling(sys.modules[kind.__module__], {Digest.of_text("select * from loans"): AT})
    with pytest.raises(snowflake.connector.errors.ProgrammingError, match=r"LOANS AT \(STATEMENT => '01b2-aa'\)"):
        cursor.execute("select * from loans")
    with pytest.raises(NotReady, match="was not recorded"):
        cursor.execute("select count(*) from loans")
    with pytest.raises(NotReady, match="does not write into Snowflake"):
        cursor.execute("insert into loans values (9, 'z', true)")
    cursor.execute("use schema public")


def test_a_cell_of_a_real_session_records_it(tmp_path: Any, cursor: Any) -> None:
    """Through the recorder and back from the trail."""
    from jupyter_mlgov.core.settings import Settings
    from jupyter_mlgov.lineage.facts import Outcome
    from jupyter_mlgov.workspace import Workspace

    workspace = Workspace.create(tmp_path, Settings(actor="ana"))
    recorder = workspace.recorder("n.ipynb", "ipython")
    recorder.begin(source="rows = cursor.execute('select * from loans').fetchall()", cell_id="a", namespace={})
    cursor.execute("select * from loans")
    recorder.end(outcome=Outcome.OK, namespace={})
    recorder.close()
    (run,) = workspace.lineage("n.ipynb").runs
    assert [(ref.system, ref.version) for ref in run.sources_read] == [("snowflake", cursor.sfqid)]
