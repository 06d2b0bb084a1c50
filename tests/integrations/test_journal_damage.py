"""One byte changed in the file, with a hex editor: named when it stands in a row of the log, never a silent green elsewhere."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from jupyter_mlgov.audit.entries import AuditEntry, Draft
from jupyter_mlgov.audit.journal import Parcel
from jupyter_mlgov.audit.stored import COLUMNS, store
from jupyter_mlgov.audit.verify import Verification, verify
from jupyter_mlgov.core.errors import StorageProblem
from jupyter_mlgov.integrations.sql import open_journal
from jupyter_mlgov.testing import ANA, BEN, FixedClock

FLIPS = 400


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, tuple[AuditEntry, ...]]:
    """A log of 60 entries: most in one page, two that spill over several pages, a parcel beside them."""
    file = tmp_path_factory.mktemp("whole") / "mlgov.db"
    journal = open_journal(file, FixedClock(step=timedelta(seconds=1)))
    noise = random.Random(7)
    for index in range(60):
        length = 9000 if index in (20, 45) else 200
        text = f"{index}:" + "".join(noise.choice("abcdef") for _ in range(length))
        draft = Draft(action="cell.finished", subject=f"nötebook-{index}.ipynb", payload={"cell_id": f"c{index}", "text": text, "auc": 0.5})
        journal.append([draft], actor=ANA if index % 2 else BEN)
    journal.append([], actor=ANA, parcels=[Parcel(key="run-1", target="mlflow", kind="run", payload={"auc": 0.5})])
    entries = tuple(journal.entries())
    assert verify(entries, damage=journal.damage()).ok
    journal.close()
    return file.read_bytes(), entries


def answer_of(file: Path, content: bytes) -> Verification | StorageProblem:
    """What a person gets who opens and verifies these bytes: an answer or a sentence, and nothing else."""
    for path in file.parent.glob(file.name + "*"):
        path.unlink()
    file.write_bytes(content)
    try:
        journal = open_journal(file, FixedClock())
    except StorageProblem as problem:
        return problem
    try:
        return verify(journal.entries(), damage=journal.damage())
    except StorageProblem as problem:
        return problem
    finally:
        journal.close()


def places(content: bytes, entry: AuditEntry) -> list[int]:
    """Where the bytes of this entry's texts lie in the raw file; a long payload lies in pieces, of which we take the unique runs."""
    found: list[int] = []
    row = store(entry)
    record = "".join(str(row[name]) for name in COLUMNS[1:]).encode()
    size = 4096
    # The record's texts lie one behind the other; overflow pages cut them, so walk the file by the longest pieces that match.
    at = content.find(record[:150])
    assert at >= 0, entry.seq
    position = 0
    while position < len(record):
        width = 0
        page_end = (at // size + 1) * size
        while position + width < len(record) and at + width < page_end and content[at + width] == record[position + width]:
            width += 1
        found.extend(range(at, at + width))
        position += width
        if position < len(record):
            at = content.find(record[position : position + 40], 0)
            assert at >= 0, (entry.seq, position, len(record))
    assert len(found) == len(record)
    return found


def flipped(content: bytes, place: int, mask: int) -> bytes:
    return content[:place] + bytes([content[place] ^ mask]) + content[place + 1 :]


def test_every_changed_byte_of_a_row_is_named(written: tuple[bytes, tuple[AuditEntry, ...]], tmp_path: Path) -> None:
    content, entries = written
    noise = random.Random(20261123)
    for _ in range(FLIPS):
        entry = noise.choice(entries)
        place, mask = noise.choice(places(content, entry)), noise.choice([1, 2, 4, 8, 16, 32, 64, 128, 0xFF, noise.randrange(1, 256)])
        answer = answer_of(tmp_path / "mlgov.db", flipped(content, place, mask))
        assert isinstance(answer, Verification), (entry.seq, place, mask, answer)
        assert (answer.ok, answer.bad_seq, answer.checked) == (False, entry.seq, entry.seq - 1), (place, mask, answer.sentence)
        assert f"Entry {entry.seq} " in answer.sentence


def test_every_column_of_a_row_was_among_the_bytes_we_change(written: tuple[bytes, tuple[AuditEntry, ...]]) -> None:
    content, entries = written
    for entry in entries:
        held = bytes(content[place] for place in places(content, entry)).decode()
        for name in COLUMNS[1:]:
            assert str(store(entry)[name]) in held


def test_a_changed_byte_anywhere_else_is_reported_or_changes_nothing_that_is_read(
    written: tuple[bytes, tuple[AuditEntry, ...]], tmp_path: Path
) -> None:
    content, entries = written
    rows = {place for entry in entries for place in places(content, entry)}
    others = [place for place in range(len(content)) if place not in rows]
    noise = random.Random(42)
    used = [place for place in others if content[place]]
    for _ in range(FLIPS):
        place, mask = noise.choice(noise.choice([others, used, range(100)])), noise.choice([1, 2, 4, 8, 16, 32, 64, 128, 0xFF])
        answer = answer_of(tmp_path / "mlgov.db", flipped(content, place, mask))
        if isinstance(answer, StorageProblem) or not answer.ok:
            assert str(answer), (place, mask)
            continue
        journal = open_journal(tmp_path / "mlgov.db", FixedClock())
        assert tuple(journal.entries()) == entries, (place, mask)
        journal.close()


def zero_page(content: bytes, number: int) -> bytes:
    return content[: (number - 1) * 4096] + bytes(4096) + content[number * 4096 :]


def test_a_torn_page_is_never_a_traceback_and_never_green(written: tuple[bytes, tuple[AuditEntry, ...]], tmp_path: Path) -> None:
    content, entries = written
    for number in range(1, len(content) // 4096 + 1):
        answer = answer_of(tmp_path / "mlgov.db", zero_page(content, number))
        assert isinstance(answer, StorageProblem) or not answer.ok, number
    leaf = places(content, entries[29])[0] // 4096 + 1
    answer = answer_of(tmp_path / "mlgov.db", zero_page(content, leaf))
    assert isinstance(answer, Verification)
    assert answer.bad_seq is not None
    assert 1 < answer.bad_seq <= 30
    assert answer.checked == answer.bad_seq - 1
    assert f"Entry {answer.bad_seq} " in answer.sentence


@pytest.mark.parametrize("cut", [lambda size: size // 2, lambda size: size - 4096, lambda size: 4096, lambda size: 100, lambda size: 50])
def test_a_file_cut_short_is_never_green(written: tuple[bytes, tuple[AuditEntry, ...]], tmp_path: Path, cut: Callable[[int], int]) -> None:
    content, _ = written
    answer = answer_of(tmp_path / "mlgov.db", content[: cut(len(content))])
    assert isinstance(answer, StorageProblem) or not answer.ok


def test_bytes_of_a_log_in_use_are_named_too(tmp_path: Path) -> None:
    """The newest rows lie in the WAL file until a checkpoint, and SQLite trusts that file while somebody has it open."""
    file = tmp_path / "mlgov.db"
    journal = open_journal(file, FixedClock())
    for index in range(10):
        journal.append([Draft(action="cell.finished", subject="nb.ipynb", payload={"text": f"entry-{index}-" + "x" * 50})], actor=ANA)
    wal = file.with_name("mlgov.db-wal")
    raw = wal.read_bytes()
    last = [found.start() for found in re.finditer(b"entry-6-", raw)]
    with wal.open("r+b") as stream:
        for place in last:
            stream.seek(place)
            stream.write(b"entry-5-")
    other = open_journal(file, FixedClock())
    answer = verify(other.entries(), damage=other.damage())
    assert (answer.ok, answer.bad_seq) == (False, 7)
    other.close()
    journal.close()
