"""The demo's folder where it is hard to make one."""

from __future__ import annotations

from pathlib import Path

import pytest

from jupyter_mlgov.core.errors import BadInput
from jupyter_mlgov.core.settings import Settings
from jupyter_mlgov.workspace.demo import DATA, prepare


def test_a_folder_whose_path_dvc_cannot_write_is_said_and_everything_else_is_there(tmp_path: Path) -> None:
    """DVC writes its settings in ASCII: a store below `é` cannot be named. Found by running the demo in such a folder."""
    said: list[str] = []
    workspace = prepare(tmp_path / "dossier é", Settings(), said.append)
    assert ["ASCII" in line for line in said] == [True]
    assert (workspace.root / f"{DATA}.dvc").is_file()
    assert [entry.action for entry in workspace.journal.entries()] == ["workspace.created", "file.tracked"]


def test_an_earlier_demo_is_taken_as_it_is(tmp_path: Path) -> None:
    first = prepare(tmp_path / "demo", Settings(), print)
    head = first.journal.head()
    assert prepare(tmp_path / "demo", Settings(), print).journal.head() == head


def test_a_folder_with_other_things_is_refused_and_kept(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("x")
    with pytest.raises(BadInput, match="is not an empty folder"):
        prepare(tmp_path, Settings(), print)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
