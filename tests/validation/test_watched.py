"""A table on somebody's own connection: a query that hangs is an `error` in time, and so is whatever would have to wait for it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import ibis
import pytest

from jupyter_mlgov.sdk import Check, Finding, Roles, Subject, SubjectRef, Verdict, Warehouse, validator
from jupyter_mlgov.validation import here
from jupyter_mlgov.validation.engine import validate
from jupyter_mlgov.validation.plugins import Registry
from jupyter_mlgov.validation.runners import runner_for


def counting(name: str, timeout: float = 60.0) -> Check:
    @validator(name, title="Rows", needs=("table",), timeout=timeout)
    def rows(subject: Subject) -> Finding:
        """Counts the rows."""
        told = subject.ask(subject.table.aggregate(rows=subject.table.count())).rows[0]["rows"]
        return Finding(message=f"{told} rows", verdict=Verdict.PASS, measured=1.0)

    return rows


def subject(run: Callable[[str], list[tuple[object, ...]]], cancel: Callable[[], object] | None = None) -> Subject:
    source = Warehouse(name="T", schema={"x": "int64"}, dialect="snowflake", run=run, cancel=cancel)
    return Subject(ref=SubjectRef(kind="table", name="t"), roles=Roles(), source=source)


class Slow:
    """A warehouse of which the second question (the first is whether there are rows) hangs until it is let go."""

    def __init__(self) -> None:
        self.free = threading.Event()
        self.asked = 0

    def run(self, sql: str) -> list[tuple[object, ...]]:
        self.asked += 1
        if self.asked == 2:
            self.free.wait()
        return [(7,)]


@pytest.fixture
def slow() -> Iterator[Slow]:
    found = Slow()
    yield found
    found.free.set()


def test_a_query_that_hangs_is_an_error_and_so_is_what_waits_for_it(slow: Slow, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(here, "GRACE", 0.1)
    begun = time.monotonic()
    report = validate(subject(slow.run), (), Registry.of(counting("a.hangs", 0.5), counting("b.waits")))
    assert time.monotonic() - begun < 60
    hung, waited = report.results
    assert (hung.verdict, hung.summary) == (Verdict.ERROR, "a.hangs ran longer than 0.5 s and was stopped.")
    assert waited.verdict is Verdict.ERROR
    assert waited.summary == "b.waits was not run: the connection is still busy with a.hangs, which was told to stop."
    assert {result.validator for result in report.blocking} == set()  # low severity: nobody asked; neither is a pass
    assert not hung.verdict.opens


def test_a_query_that_can_be_cancelled_leaves_the_connection_to_the_next_check(slow: Slow) -> None:
    report = validate(subject(slow.run, slow.free.set), (), Registry.of(counting("a.hangs", 0.5), counting("b.follows")))
    assert [result.verdict for result in report.results] == [Verdict.ERROR, Verdict.PASS]
    assert report.results[1].summary == "7 rows"


def test_a_query_of_duckdb_is_interrupted() -> None:
    connection = ibis.duckdb.connect()
    big = connection.sql("SELECT a.range AS x FROM range(200000) a")
    given = Subject(ref=SubjectRef(kind="table", name="t"), roles=Roles(), source=big)

    @validator("a.sorts", title="Sorts", needs=("table",), timeout=1.0)
    def sorts(subject: Subject) -> Finding:
        """Takes an hour."""
        pairs = subject.table.cross_join(subject.table.view())
        told = subject.ask(pairs.aggregate(most=(pairs.x * pairs.x_right).cast("string").hexdigest("md5").max())).rows
        return Finding(message=str(told), verdict=Verdict.PASS, measured=1.0)

    @validator("b.follows", title="Follows", needs=("table",))
    def follows(subject: Subject) -> Finding:
        """Asks for one row."""
        return Finding(message=f"{len(subject.ask(subject.table.limit(1)).rows)} row", verdict=Verdict.PASS, measured=1.0)

    first, second = validate(given, (), Registry.of(sorts, follows)).results
    assert (first.verdict, first.summary) == (Verdict.ERROR, "a.sorts ran longer than 1 s and was stopped.")
    assert (second.verdict, second.summary) == (Verdict.PASS, "1 row")


def test_an_interrupt_reaches_who_waits() -> None:
    @validator("a.interrupted", title="Interrupted")
    def interrupted(subject: Subject) -> Finding:
        """Somebody pressed the key."""
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        validate(subject(lambda sql: [(7,)]), (), Registry.of(interrupted))


def test_every_table_on_a_connection_is_watched_whoever_wrote_the_checks() -> None:
    given = subject(lambda sql: [(7,)])
    assert all(type(runner_for(given, installed=installed)) is here.Watched for installed in (True, False))
