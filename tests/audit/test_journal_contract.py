"""The one suite that every Journal passes: in memory, on SQLite and on a real PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import count
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jupyter_mlgov.audit.entries import ACTIONS, GENESIS, Draft
from jupyter_mlgov.audit.journal import Journal, Parcel
from jupyter_mlgov.audit.verify import verify
from jupyter_mlgov.core.actors import Actor
from jupyter_mlgov.core.canonical import NotCanonical
from jupyter_mlgov.integrations.sql import open_journal
from jupyter_mlgov.testing import ANA, BEN, NOON, FixedClock, MemoryJournal
from tests.postgres import schema

MakeJournal = Callable[[], Journal]


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[MakeJournal]:
    made: list[Journal] = []
    numbers = count()

    def build() -> Journal:
        clock = FixedClock(step=timedelta(milliseconds=1))
        journal: Journal
        if request.param == "memory":
            journal = MemoryJournal(clock)
        elif request.param == "sqlite":
            journal = open_journal(tmp_path / f"{next(numbers)}.db", clock)
        else:
            journal = open_journal(schema(request.getfixturevalue("postgres")), clock)
        made.append(journal)
        return journal

    yield build
    for journal in made:
        journal.close()


@pytest.fixture
def journal(make: MakeJournal) -> Journal:
    return make()


def ran(cell: str, subject: str = "credit.ipynb") -> Draft:
    return Draft(action="cell.finished", subject=subject, payload={"cell_id": cell, "outcome": "ok"})


PARCEL = Parcel(key="run-1", target="mlflow", kind="run", payload={"metrics": {"auc": 0.75}})
DELIVERED = Draft(action="projection.delivered", subject="credit.ipynb", payload={"kind": "run", "target": "mlflow"})

scalars = st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(allow_nan=False, allow_infinity=False) | st.text()
values = st.recursive(scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3), max_leaves=8)
drafts = st.builds(
    lambda action, subject, payload: Draft(action=action, subject=subject, payload=payload),
    st.sampled_from(sorted(ACTIONS)),
    st.text(),
    st.dictionaries(st.text(), values, max_size=4),
)
actors = st.builds(
    lambda who, source, name: Actor(id=who, source=source, name=name),
    st.text(),
    st.sampled_from(["jupyter", "git", "os", "declared"]),
    st.text(),
)
histories = st.lists(st.tuples(st.lists(drafts, min_size=1, max_size=3), actors), min_size=1, max_size=6)


def test_an_empty_log_has_the_genesis_head_and_no_entries(journal: Journal) -> None:
    assert journal.head() == (0, GENESIS)
    assert list(journal.entries()) == []
    assert journal.pending() == ()
    assert journal.damage() == ""


def test_append_links_each_entry_to_the_one_before(journal: Journal) -> None:
    first, second = journal.append([ran("a"), ran("b")], actor=ANA)
    (third,) = journal.append([ran("c")], actor=BEN)
    assert [first.seq, second.seq, third.seq] == [1, 2, 3]
    assert (first.previous, second.previous, third.previous) == (GENESIS, first.digest, second.digest)
    assert journal.head() == (3, third.digest)
    assert third.actor == BEN
    assert first.time == NOON
    assert second.time > first.time


def test_what_append_returns_is_what_is_read_back(journal: Journal) -> None:
    payload = {"large": 1e20, "small": 5e-324, "one": 1.0, "minus": -0.0, "text": 'é\x00\u2028"\\', "list": (1, (2, None)), "none": None}
    written = journal.append([Draft(action="cell.finished", subject="a\x00b\n<script>'", payload=payload)], actor=ANA)
    assert tuple(journal.entries()) == written
    assert verify(journal.entries()).ok


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(history=histories)
def test_append_then_verify_holds_for_any_history(make: MakeJournal, history: list[tuple[list[Draft], Actor]]) -> None:
    journal = make()
    written = [entry for drafts, actor in history for entry in journal.append(drafts, actor=actor)]
    assert list(journal.entries()) == written
    answer = verify(journal.entries(), damage=journal.damage())
    assert (answer.ok, answer.checked, answer.bad_seq, answer.head) == (True, len(written), None, written[-1].digest)
    journal.close()


def test_entries_are_chosen_by_place_action_and_subject(journal: Journal) -> None:
    journal.append([ran("a"), ran("b", "other.ipynb"), Draft(action="review.given", subject="credit.ipynb")], actor=ANA)
    assert [entry.seq for entry in journal.entries(after=1)] == [2, 3]
    assert [entry.seq for entry in journal.entries(subject="credit.ipynb")] == [1, 3]
    assert [entry.seq for entry in journal.entries(actions=["cell.finished"])] == [1, 2]
    assert [entry.seq for entry in journal.entries(after=1, actions={"cell.finished", "review.given"}, subject="credit.ipynb")] == [3]
    assert list(journal.entries(subject="CREDIT.ipynb")) == []


def test_a_log_longer_than_a_page_is_read_whole_and_in_order(journal: Journal) -> None:
    for _ in range(3):
        journal.append([ran(str(index)) for index in range(500)], actor=ANA)
    assert [entry.seq for entry in journal.entries()] == list(range(1, 1501))
    assert [entry.seq for entry in journal.entries(after=999)] == list(range(1000, 1501))


def test_appending_while_reading_neither_blocks_nor_disturbs_the_order(journal: Journal) -> None:
    journal.append([ran("a"), ran("b")], actor=ANA)
    seen = []
    for entry in journal.entries():
        seen.append(entry.seq)
        if entry.seq <= 2:
            journal.append([ran("again")], actor=ANA)
    assert seen[:2] == [1, 2]
    assert seen == sorted(seen)
    assert verify(journal.entries()).checked == 4


def test_a_payload_that_json_cannot_carry_leaves_the_log_as_it_was(journal: Journal) -> None:
    journal.append([ran("a")], actor=ANA)
    with pytest.raises(NotCanonical):
        journal.append([ran("b"), Draft(action="cell.finished", subject="x", payload={"auc": float("nan")})], actor=ANA, parcels=[PARCEL])
    assert journal.head()[0] == 1
    assert journal.pending() == ()
    with pytest.raises(NotCanonical):
        journal.append([ran("b")], actor=ANA, parcels=[Parcel(key="k", target="mlflow", kind="run", payload={"auc": float("nan")})])
    assert journal.head()[0] == 1


def test_appending_nothing_writes_nothing(journal: Journal) -> None:
    assert journal.append([], actor=ANA) == ()
    assert journal.head() == (0, GENESIS)


def test_parcels_wait_oldest_first_until_they_are_delivered(journal: Journal) -> None:
    later = Parcel(key="a-later-one", target="dvc", kind="file")
    journal.append([ran("a")], actor=ANA, parcels=[PARCEL])
    journal.append([ran("b")], actor=ANA, parcels=[later])
    assert journal.pending() == (PARCEL, later)
    journal.delivered(PARCEL, DELIVERED, actor=ANA)
    assert journal.pending() == (later,)
    assert [entry.action for entry in journal.entries()] == ["cell.finished", "cell.finished", "projection.delivered"]


def test_parcels_need_no_entry_beside_them(journal: Journal) -> None:
    journal.append([], actor=ANA, parcels=[PARCEL])
    assert journal.pending() == (PARCEL,)
    assert journal.head() == (0, GENESIS)


def test_delivering_twice_is_one_deed(journal: Journal) -> None:
    journal.append([ran("a")], actor=ANA, parcels=[PARCEL])
    journal.delivered(PARCEL, DELIVERED, actor=ANA)
    journal.delivered(PARCEL, DELIVERED, actor=BEN)
    assert [entry.seq for entry in journal.entries(actions=["projection.delivered"])] == [2]


def test_a_key_that_already_waits_is_queued_once(journal: Journal) -> None:
    journal.append([ran("a")], actor=ANA, parcels=[PARCEL, PARCEL])
    journal.append([ran("b")], actor=ANA, parcels=[PARCEL])
    assert journal.pending() == (PARCEL,)


def test_a_failed_delivery_is_counted_with_its_problem_and_stays(journal: Journal) -> None:
    journal.append([ran("a")], actor=ANA, parcels=[PARCEL])
    journal.failed(PARCEL, "no answer")
    journal.failed(PARCEL, "still no answer " + "x" * 10_000)
    (waiting,) = journal.pending()
    assert (waiting.key, waiting.attempts) == ("run-1", 2)
    assert waiting.last_problem.startswith("still no answer")
    assert len(waiting.last_problem) == 2000
    assert verify(journal.entries()).checked == 1
