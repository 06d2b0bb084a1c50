"""Witnesses outside are asked once an hour, and what they said is taken again only while the trail they spoke of is the same."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from jupyter_mlgov.audit.anchors import Receipt
from jupyter_mlgov.audit.anchors import Testimony as Said
from jupyter_mlgov.audit.entries import Draft
from jupyter_mlgov.core.facts import fields_of
from jupyter_mlgov.core.settings import Settings
from jupyter_mlgov.integrations.anchors import FileAnchor
from jupyter_mlgov.testing import NOON, FixedClock
from jupyter_mlgov.validation.records import Chain
from jupyter_mlgov.workspace import Workspace
from jupyter_mlgov.workspace.chain import chain
from jupyter_mlgov.workspace.trail import anchor_checkpoint


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """One number for each time the file was asked."""
    times: list[int] = []
    plain = FileAnchor.testify

    def counted(self: FileAnchor, receipts: list[Receipt]) -> Said:
        times.append(len(receipts))
        return plain(self, receipts)

    monkeypatch.setattr(FileAnchor, "testify", counted)
    return times


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    settings = Settings(actor="ann", anchors=f"file:{tmp_path / 'witness.txt'}")
    Workspace.create(tmp_path / "w", settings)
    return Workspace(tmp_path / "w", settings, clock=FixedClock(NOON))


def validated(workspace: Workspace) -> Chain:
    """The state of the trail, left in a report's entry as validate() leaves it."""
    found = chain(workspace, "n.ipynb")
    payload = {"notebook": "n.ipynb", "verdict": "passed", "chain": fields_of(found)}
    workspace.record(Draft(action="validation.done", subject="m", payload=payload))
    return found


def test_within_the_hour_nobody_is_asked_twice_and_the_answer_is_the_same(workspace: Workspace, asked: list[int]) -> None:
    anchor_checkpoint(workspace)
    first = validated(workspace)
    assert first.ok
    assert 0 < first.signed < first.size, "the checkpoint and its receipt came after what it covers"
    assert first.anchored is not None
    assert chain(workspace, "n.ipynb") == first
    assert len(asked) == 1
    later = Workspace(workspace.root, workspace.settings, clock=FixedClock(NOON + timedelta(hours=1)))
    assert chain(later, "n.ipynb").asked == first.asked + timedelta(hours=1)  # type: ignore[operator]  # ok says it was asked
    assert len(asked) == 2


@pytest.mark.parametrize("change", ["checkpoint", "witness named", "other notebook", "root"])
def test_what_changed_since_is_asked_about(workspace: Workspace, asked: list[int], change: str, tmp_path: Path) -> None:
    found = validated(workspace)
    notebook = "n.ipynb"
    if change == "checkpoint":
        anchor_checkpoint(workspace)
    if change == "witness named":
        workspace = Workspace(workspace.root, replace(workspace.settings, anchors=f"file:{tmp_path / 'b.txt'}"), clock=FixedClock(NOON))
    if change == "other notebook":
        notebook = "other.ipynb"
    if change == "root":
        payload = {"notebook": notebook, "verdict": "passed", "chain": fields_of(replace(found, root="00" * 32))}
        workspace.record(Draft(action="validation.done", subject="m", payload=payload))
    chain(workspace, notebook)
    assert len(asked) == 2


def test_a_witness_who_is_gone_is_a_sentence_and_never_silence(workspace: Workspace, tmp_path: Path) -> None:
    anchor_checkpoint(workspace)
    (tmp_path / "witness.txt").unlink()
    found = chain(workspace, "n.ipynb")
    assert found.anchored is None
    assert any("could not be asked" in sentence for sentence in found.silent)


def test_a_trail_that_contradicts_its_witness_is_broken_each_time(workspace: Workspace, tmp_path: Path) -> None:
    anchor_checkpoint(workspace)
    (tmp_path / "witness.txt").write_text("", "utf-8")
    assert not validated(workspace).ok
    assert not chain(workspace, "n.ipynb").ok
