"""`cp` of a notebook, run for real by somebody else: who wrote it is still its author, and cannot approve."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import nbformat
import pytest

from jupyter_mlgov.core.settings import Settings
from jupyter_mlgov.promotion.authorship import copied_from
from jupyter_mlgov.workspace import Workspace
from jupyter_mlgov.workspace.jobs import run_governed
from jupyter_mlgov.workspace.reviewing import objection_to
from jupyter_mlgov.workspace.subjects import records

PYTHON = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}, "language_info": {"name": "python"}}
DRAFT = ("import math", "rows = [1.5, 2.5]", "total = math.fsum(rows)", "total")
OTHER = ("import math", "angle = math.pi / 3", "height = math.sin(angle)", "height")


def written(path: Path, *cells: str) -> Path:
    made = [nbformat.v4.new_code_cell(source, id=f"c{number}") for number, source in enumerate(cells)]
    nbformat.write(nbformat.v4.new_notebook(cells=made, metadata=PYTHON), path)
    return path


@pytest.mark.slow
def test_self_approval_through_a_copied_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mlgov.toml").write_text('[model]\nname = "m"\ntier = 3\n[policy]\npacks = ["optional"]\n', "utf-8")
    carl = Workspace.create(tmp_path, Settings(actor="carl@firm.example", deliver="manual"))
    ana, bob = (Workspace(tmp_path, replace(carl.settings, actor=f"{name}@firm.example")) for name in ("ana", "bob"))

    def run(workspace: Workspace, path: Path) -> None:
        monkeypatch.setenv("MLGOV_ACTOR", workspace.settings.actor)
        monkeypatch.setenv("MLGOV_DELIVER", "manual")
        assert run_governed(workspace, path).outcome == "ok"

    run(carl, written(tmp_path / "draft.ipynb", *DRAFT))
    run(bob, written(tmp_path / "other.ipynb", *OTHER))
    shutil.copy(tmp_path / "draft.ipynb", tmp_path / "final.ipynb")
    run(ana, tmp_path / "final.ipynb")

    entries = tuple(ana.journal.entries())
    assert [(one.notebook, one.cells, one.of) for one in copied_from(entries, "final.ipynb")] == [("draft.ipynb", 2, 2)]
    assert copied_from(entries, "other.ipynb") == ()
    assert sorted(actor.id for actor in records(ana, "m", "final.ipynb").authors) == ["ana@firm.example", "carl@firm.example"]
    refused = objection_to(carl, "final.ipynb", "staging")
    assert "four eyes" in refused
    assert "2 of its 2 working cells ran in draft.ipynb before" in refused
    assert objection_to(bob, "final.ipynb", "staging") == "", "an import in common makes nobody an author"
