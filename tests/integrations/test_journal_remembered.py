"""An entry that was checked is not checked again, and nothing that was changed since is ever taken for it."""

from __future__ import annotations

from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_mlgov.audit.entries import GENESIS, Draft
from jupyter_mlgov.audit.personal import PersonalJournal
from jupyter_mlgov.audit.stored import DamagedEntry, restore, written
from jupyter_mlgov.core.errors import StorageProblem
from jupyter_mlgov.integrations.sql import open_journal
from jupyter_mlgov.integrations.sql.remembered import Remembered
from jupyter_mlgov.testing import ANA, NOON, FixedClock


def row(seq: int, text: str = "") -> tuple[int | str, ...]:
    draft = Draft(action="cell.finished", subject="nb.ipynb", payload={"cell_id": "c", "text": text})
    return written(draft, seq=seq, time=NOON, actor=ANA, previous=GENESIS)[1]


@given(st.integers(0, 8), st.sampled_from([1.0, True, "", "x", None, b"x", 2**70]))
def test_a_row_with_one_changed_column_is_checked_as_if_it_were_new(column: int, other: object) -> None:
    memory, whole = Remembered(), row(1)
    assert memory.restore(whole) is memory.restore(list(whole))
    changed = (*whole[:column], other, *whole[column + 1 :])
    try:
        expected: object = restore(changed)
    except DamagedEntry as damage:
        expected = str(damage)
    try:
        found: object = memory.restore(changed)
    except DamagedEntry as damage:
        found = str(damage)
    assert found == expected


@given(st.lists(st.tuples(st.integers(1, 9), st.text(max_size=400)), max_size=40))
def test_what_is_kept_never_passes_its_bound_and_changes_no_answer(rows: list[tuple[int, str]]) -> None:
    memory = Remembered(signs=600)
    for seq, text in rows:
        one = row(seq, text)
        assert memory.restore(one) == restore(one)
        kept = [str(texts[5]) for texts, _ in memory._kept.values()]
        assert memory._signs == sum(map(len, kept)) <= 600


def test_a_row_changed_behind_an_open_journal_is_found_at_the_next_reading(tmp_path: Path) -> None:
    with closing(open_journal(tmp_path / "mlgov.db", FixedClock(step=timedelta(seconds=1)))) as journal:
        journal.append([Draft(action="session.started", subject="nb.ipynb")], actor=ANA)
        assert len(list(journal.entries())) == len(list(journal.entries())) == 1
        with journal._backend.writing() as connection:
            connection.exec_driver_sql("DROP TRIGGER log_keeps_words")
            connection.exec_driver_sql("UPDATE log SET payload = '{\"a\":1}'")
        with pytest.raises(StorageProblem, match="no longer matches its digest"):
            list(journal.entries())


def test_a_key_destroyed_after_a_first_reading_opens_nothing_at_the_second(tmp_path: Path) -> None:
    with closing(open_journal(tmp_path / "mlgov.db", FixedClock(step=timedelta(seconds=1)))) as journal:
        people = journal.people()
        personal = PersonalJournal(journal, people)
        said = {"comment": "Ana said so", "verdict": "approve"}
        personal.append([Draft(action="review.given", subject="nb.ipynb", payload=said)], actor=ANA)
        personal.append([Draft(action="session.started", subject="nb.ipynb", payload={"id": "s"})], actor=ANA)
        for _ in range(2):
            assert [entry.actor.id for entry in personal.entries()] == [ANA.id, ANA.id]
        assert next(personal.entries()).payload["comment"] == "Ana said so"
        everybody = [one.pseudonym for one in people.everybody()]
        people.erase(everybody)
        after = list(personal.entries())
        assert [entry.actor.id for entry in after] == everybody * 2
        assert after[0].payload["comment"] == "(erased)"
        assert after[1].payload == {"id": "s"}
