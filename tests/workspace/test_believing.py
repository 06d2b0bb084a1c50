"""A decision that replayed once is believed after the next start, and nothing else is: the first question reads one model's moves."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlgov.audit.entries import Draft
from jupyter_mlgov.core.settings import Settings
from jupyter_mlgov.integrations.sql.remembered import Remembered
from jupyter_mlgov.workspace import Workspace, believing
from jupyter_mlgov.workspace.guard import TrailGatekeeper
from tests.promotion.world import let_in

QUESTION = ("credit", "production", "1")


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    made = Workspace.create(tmp_path / "w", Settings(actor="ana"))
    let_in(made.journal, "1")
    return made


@contextmanager
def started(workspace: Workspace) -> Iterator[TrailGatekeeper]:
    """The gatekeeper of a process that has just started."""
    fresh = Workspace(workspace.root, workspace.settings)
    try:
        yield TrailGatekeeper(fresh)
    finally:
        fresh.close()


def asked(workspace: Workspace, version: str = "1") -> str:
    """The objection to `version` in production, in a process that has just started."""
    with started(workspace) as keeper:
        return keeper.objection("credit", "production", version)


def busy(workspace: Workspace, count: int) -> None:
    """What other notebooks and models leave in the same log."""
    workspace.record(
        *(Draft(action="cell.finished", subject=f"nb-{number % 7}.ipynb", payload={"cell_id": str(number)}) for number in range(count)),
        *(Draft(action="alarm.raised", subject="fraud", payload={"problem": str(number)}) for number in range(count)),
    )


@contextmanager
def counted(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """The places of all entries that are read from the database meanwhile."""
    read: list[int] = []
    plain = Remembered.restore

    def restore(memory: Remembered, row: Any) -> Any:
        entry = plain(memory, row)
        read.append(entry.seq)
        return entry

    with monkeypatch.context() as patch:
        patch.setattr(Remembered, "restore", restore)
        yield read


def test_the_first_question_after_a_start_reads_no_more_in_a_long_log_than_in_a_short_one(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert asked(workspace) == ""
    costs = []
    for more in (5, 600):
        busy(workspace, more)
        with counted(monkeypatch) as read, started(workspace) as keeper:
            assert keeper.stage_of("production") == "production"
            assert keeper.objection(*QUESTION) == ""
            assert "version 1 of credit is in production" in keeper.objection("credit", "production", "2")
            assert keeper.granted("credit", "1")
            assert keeper.kept("credit", "1")
        costs.append(len(read))
    assert costs[0] == costs[1]
    assert costs[1] < 25, "the two decisions about the model, a few times over, and one entry that the note names"


def test_what_was_never_decided_again_here_is_decided_from_the_whole_log(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    busy(workspace, 50)
    with counted(monkeypatch) as read:
        assert asked(workspace) == ""
    assert set(read) == set(range(1, workspace.journal.head()[0] + 1))


def forged(workspace: Workspace) -> Any:
    """A decision that lets version 2 in and was never made."""
    granted = list(workspace.journal.entries(actions=("promotion.decided",)))[-1]
    draft = Draft(action="promotion.decided", subject="credit", payload={**granted.payload, "version": "2"})
    return workspace.journal.append([draft], actor=granted.actor)[-1]


def notes(workspace: Workspace) -> Path:
    return workspace.root / ".mlgov" / "replayed"


def test_a_note_that_was_written_by_hand_or_copied_opens_nothing(workspace: Workspace) -> None:
    asked(workspace)
    (mine,) = notes(workspace).iterdir()
    entry = forged(workspace)
    place = notes(workspace) / f"{entry.digest.removeprefix('sha256:')}.json"
    said = json.loads(mine.read_text("utf-8"))
    size, last = workspace.journal.head()
    for note in (
        said,
        {**said, "decision": entry.digest},
        {**said, "decision": entry.digest, "size": size, "last": last},
        {**said, "decision": entry.digest, "size": size, "last": last, "code": ""},
    ):
        place.write_text(json.dumps(note), "utf-8")
        assert "does not replay" in asked(workspace, "2")


@pytest.mark.parametrize(
    "note", ["", "[]", "{}", "[" * 100_000, '{"size": true}', '{"size": 9, "last": 4, "program": "x", "code": "y"}', "\x00" * 9000]
)
def test_a_note_that_is_none_is_as_if_there_were_none(workspace: Workspace, monkeypatch: pytest.MonkeyPatch, note: str) -> None:
    asked(workspace)
    (mine,) = notes(workspace).iterdir()
    mine.write_text(note, "utf-8")
    with counted(monkeypatch) as read:
        assert asked(workspace) == ""
    assert set(read) == set(range(1, workspace.journal.head()[0] + 1))


def whole(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Was the whole log read for the first question?"""
    with counted(monkeypatch) as read:
        assert asked(workspace) == ""
    return set(read) == set(range(1, workspace.journal.head()[0] + 1))


def test_a_log_that_is_not_the_one_it_replayed_on_is_read_again(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """Restored from an old backup and written on: the entry that the note names is gone, or is another."""
    database = workspace.root / ".mlgov" / "mlgov.db"
    workspace.close()
    shutil.copy(database, database.with_suffix(".old"))
    busy(workspace, 3)
    assert whole(workspace, monkeypatch)
    assert not whole(workspace, monkeypatch)
    workspace.close()
    shutil.copy(database.with_suffix(".old"), database)
    assert whole(workspace, monkeypatch), "shorter than the note says"
    assert not whole(workspace, monkeypatch)
    busy(workspace, 2)
    assert not whole(workspace, monkeypatch)
    workspace.close()
    shutil.copy(database.with_suffix(".old"), database)
    asked(workspace)
    workspace.record(Draft(action="alarm.raised", subject="x", payload={}))
    assert not whole(workspace, monkeypatch), "the log only grew"


def test_a_key_that_others_can_read_and_another_version_of_the_program_prove_nothing(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert whole(workspace, monkeypatch)
    assert not whole(workspace, monkeypatch)
    key = workspace.root / ".mlgov" / "keys" / "replayed.key"
    assert key.stat().st_mode & 0o777 == 0o600
    key.chmod(0o640)
    assert whole(workspace, monkeypatch)
    key.chmod(0o600)
    assert not whole(workspace, monkeypatch)
    with monkeypatch.context() as patch:
        patch.setattr(believing, "__version__", "0.0.9")
        assert whole(workspace, patch)


def test_a_log_that_cannot_be_read_objects_with_a_note_or_without(workspace: Workspace) -> None:
    assert asked(workspace) == ""
    workspace.close()
    (workspace.root / ".mlgov" / "mlgov.db").write_bytes(b"no database")
    assert "cannot be read" in asked(workspace)
