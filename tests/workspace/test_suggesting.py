"""What `%mlgov suggest` says beside an open notebook: it proposes, and leaves the writing to the editor."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from jupyter_mlgov.core.errors import NotReady, UsageError
from jupyter_mlgov.workspace.composition import Workspace
from jupyter_mlgov.workspace.suggesting import suggestions


def test_proposals_are_made_and_the_file_is_left_to_its_editor(tmp_path: Path) -> None:
    path = tmp_path / "n.ipynb"
    cell = {"cell_type": "code", "id": "c", "metadata": {}, "source": "df = pd.read_csv('a')", "outputs": [], "execution_count": None}
    path.write_text(json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}), "utf-8")
    workspace, before = Workspace.create(tmp_path), path.read_bytes()
    assert "[1] data: it calls `read_csv`" in suggestions(workspace, "n.ipynb")
    told = suggestions(workspace, "n.ipynb", "all")
    assert "[1] set the tag mlgov:data" in told and "notebook is open" in told
    assert path.read_bytes() == before
    with pytest.raises(UsageError, match="No untagged cell"):
        suggestions(workspace, "n.ipynb", "9")
    with pytest.raises(NotReady, match="no saved notebook"):
        suggestions(workspace, "ipython")
    workspace.close()
