"""Any single change to a stored log is found and named; what a chain cannot see is said."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_mlgov.audit.entries import GENESIS, AuditEntry, Draft, link
from jupyter_mlgov.audit.stored import COLUMNS, DamagedEntry, restore, store
from jupyter_mlgov.audit.verify import CANNOT_SEE, Verification, verify
from jupyter_mlgov.core.actors import Actor
from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.testing import ANA, BEN, NOON, FixedClock, MemoryJournal, digest


def history(length: int = 20) -> MemoryJournal:
    journal = MemoryJournal(FixedClock(step=timedelta(seconds=1)))
    for index in range(length):
        draft = Draft(
            action="cell.finished", subject=f"nb-{index % 3}.ipynb", payload={"cell_id": f"c{index}", "auc": index / 7, "é": ["ü", None]}
        )
        journal.append([draft], actor=ANA if index % 2 else BEN)
    return journal


def rewritten(entry: AuditEntry, **changes: object) -> AuditEntry:
    """A forger's entry: changed, and every digest of its own computed anew."""
    forged = replace(entry, **changes)
    draft = Draft(action=forged.action, subject=forged.subject, payload=forged.payload)
    return link(draft, seq=forged.seq, time=forged.time, actor=forged.actor, previous=forged.previous)


def test_an_unbroken_log_is_counted_and_its_last_digest_shown() -> None:
    journal = history(1204)
    answer = verify(journal.entries())
    assert answer.ok
    assert answer.sentence == f"1,204 entries, unbroken; the last is {journal.head()[1]}."
    assert answer.head == journal.head()[1]


def test_every_answer_says_what_a_chain_cannot_see() -> None:
    for answer in (verify(history(3).entries()), verify([]), verify(history(3).entries(), damage="a torn page")):
        assert str(answer) == f"{answer.sentence}\n{CANNOT_SEE}"
    assert "cut off at the end" in CANNOT_SEE
    assert "replaced as a whole" in CANNOT_SEE


def test_an_empty_log_proves_nothing_and_is_not_ok() -> None:
    answer = verify([])
    assert (answer.ok, answer.checked, answer.bad_seq, answer.head) == (False, 0, None, GENESIS)
    assert "nothing is proven" in answer.sentence


def test_damage_the_storage_reports_is_never_ok() -> None:
    answer = verify(history(5).entries(), damage="row 3 missing from index")
    assert (answer.ok, answer.checked, answer.bad_seq) == (False, 5, None)
    assert "row 3 missing from index" in answer.sentence


CHANGES = {
    "time": {"time": NOON},
    "actor": {"actor": Actor(id="eve@example.org", source="git")},
    "source of the actor": {"actor": Actor(id=ANA.id, source="declared", name=ANA.name)},
    "action": {"action": "review.given"},
    "subject": {"subject": "other.ipynb"},
    "payload": {"payload": {"cell_id": "c16", "auc": 0.99}},
    "payload digest": {"payload_digest": digest("other")},
    "previous": {"previous": digest("other")},
    "digest": {"digest": digest("other")},
    "a payload without canonical form": {"payload": {"auc": float("nan")}},
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_change_of_one_field_names_its_entry(what: str) -> None:
    entries = list(history().entries())
    entries[16] = replace(entries[16], **CHANGES[what])
    answer = verify(entries)
    assert (answer.ok, answer.checked, answer.bad_seq) == (False, 16, 17)
    assert answer.sentence.startswith("Entry 17 (`")
    assert "was changed" in answer.sentence


def test_the_sentence_says_which_act_when_and_what_of_it_does_not_hold() -> None:
    entries = list(history().entries())
    entries[16] = replace(entries[16], payload={"auc": 1})
    assert verify(entries).sentence == (
        "Entry 17 (`cell.finished`, 2026-11-23T12:00:16.000000Z) was changed: its payload no longer matches its digest."
    )


def test_an_entry_rewritten_with_its_own_digests_is_named_by_the_one_after_it() -> None:
    entries = list(history().entries())
    entries[16] = rewritten(entries[16], payload={"auc": 1})
    answer = verify(entries)
    assert (answer.ok, answer.checked, answer.bad_seq) == (False, 16, 17)
    assert "was replaced: entry 18, whole in itself, was written behind another one" in answer.sentence


@pytest.mark.parametrize(
    ("gone", "named"),
    [([0], 1), ([4], 5), ([4, 5, 6], 5), ([0, 1], 1)],
)
def test_a_missing_entry_is_named(gone: list[int], named: int) -> None:
    entries = [entry for index, entry in enumerate(history().entries()) if index not in gone]
    answer = verify(entries)
    assert (answer.ok, answer.bad_seq, answer.checked) == (False, named, named - 1)
    assert f"Entry {named} is missing or carries another number" in answer.sentence


def test_entries_that_changed_places_are_named() -> None:
    entries = list(history().entries())
    entries[4], entries[5] = entries[5], entries[4]
    assert verify(entries).bad_seq == 5


def test_a_renumbered_tail_after_a_removed_entry_is_named() -> None:
    entries = list(history().entries())
    tail = [replace(entry, seq=entry.seq - 1) for entry in entries[5:]]
    assert verify(entries[:4] + tail).bad_seq == 5


def test_a_log_that_starts_behind_another_one_is_named() -> None:
    first = next(history().entries())
    answer = verify([rewritten(first, previous=digest("an older log"))])
    assert (answer.ok, answer.bad_seq) == (False, 1)


def test_a_tail_that_was_cut_shows_only_against_a_digest_noted_elsewhere() -> None:
    journal = history()
    seq, head = journal.head()
    shorter = list(journal.entries())[:12]
    assert verify(shorter).ok
    answer = verify(shorter, known={seq: head})
    assert (answer.ok, answer.checked, answer.bad_seq) == (False, 12, 13)
    assert "its tail was cut off" in answer.sentence
    assert verify(journal.entries(), known={seq: head}).ok


def test_a_log_replaced_as_a_whole_shows_only_against_a_digest_noted_elsewhere() -> None:
    entries = list(history().entries())
    other = MemoryJournal()
    for entry in entries:
        other.append([Draft(action=entry.action, subject=entry.subject, payload={"forged": True})], actor=entry.actor)
    assert verify(other.entries()).ok
    answer = verify(other.entries(), known={9: entries[8].digest})
    assert (answer.ok, answer.bad_seq) == (False, 9)
    assert "another digest was noted" in answer.sentence


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_any_change_of_any_character_of_any_column_is_found(data: st.DataObject) -> None:
    journal = history(8)
    index = data.draw(st.integers(0, 7))
    column = data.draw(st.sampled_from(COLUMNS[1:]))
    text = str(journal.rows[index][column])
    place = data.draw(st.integers(0, len(text)))
    new = data.draw(st.one_of(st.characters(codec="utf-8"), st.sampled_from([" ", "0", "\\u0031", ""])))
    width = data.draw(st.integers(0, 2))
    changed = text[:place] + new + text[place + width :]
    if changed == text:
        return
    journal.rows[index][column] = changed
    answer = verify(journal.entries())
    assert (answer.ok, answer.bad_seq, answer.checked) == (False, index + 1, index)


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("payload", b"\x00", "its payload is no longer text"),
        ("payload", "\udcff", "its payload is no longer text"),
        ("payload", None, "its payload is no longer text"),
        ("payload", 17, "its payload is no longer text"),
        ("payload", "[" * 100_000, "its payload no longer matches its digest"),
        ("time", "yesterday", "its time is no longer one"),
        ("time", "2026-11-23T12:00:00Z", "its time is no longer one"),
        ("time", "2026-11-23 12:00:00.000000", "its time is no longer one"),
        ("actor", '{"id":"ana@example.org","name":"Ana"}', "its actor is no longer one"),
        ("actor", '{"id":"ana@example.org","name":"Ana","source":"king"}', "its actor is no longer one"),
        ("actor", '{"id":"a","extra":"b"}', "its actor is no longer one"),
        ("actor", "{", "its actor is no longer one"),
        ("digest", "sha256:" + "A" * 64, "its digest is no longer a digest"),
        ("previous", "", "its previous is no longer a digest"),
    ],
)
def test_a_row_that_is_no_entry_is_named_and_never_a_traceback(column: str, value: object, said: str) -> None:
    journal = history(5)
    journal.rows[2][column] = value
    answer = verify(journal.entries())
    assert (answer.ok, answer.checked, answer.bad_seq) == (False, 2, 3)
    assert said in answer.sentence
    with pytest.raises(DamagedEntry, match="Entry 3 "):
        list(journal.entries())


@pytest.mark.parametrize("body", ["[1]", '{"a":1', "NaN", "[" * 50_000, '{"a": 1}'])
def test_a_payload_forged_with_its_digest_is_still_named(body: str) -> None:
    journal = history(5)
    journal.rows[2].update(payload=body, payload_digest=str(Digest.of_text(body)))
    assert verify(journal.entries()).bad_seq == 3


def test_a_number_that_was_changed_names_the_place_where_it_is_missed() -> None:
    journal = history(5)
    journal.rows[2]["seq"] = 1041
    answer = verify(journal.entries())
    assert (answer.bad_seq, answer.checked) == (3, 2)
    assert "after entry 2 comes 1,041" in answer.sentence
    journal.rows[2]["seq"] = "3"
    assert verify(journal.entries()).bad_seq == 3


def test_a_stored_entry_comes_back_as_it_was() -> None:
    for entry in history().entries():
        assert restore(list(store(entry).values())) == entry


def test_hostile_words_in_a_damaged_row_are_shown_as_plain_short_text() -> None:
    journal = history(2)
    journal.rows[1].update(action="<script>\x1b[31m\n" + "x" * 500, payload="{}")
    sentence = verify(journal.entries()).sentence
    assert "\n" not in sentence
    assert "\x1b" not in sentence
    assert len(sentence) < 300


def test_a_verification_is_a_fact() -> None:
    assert isinstance(verify([]), Verification)
    with pytest.raises(AttributeError):
        verify([]).ok = True
