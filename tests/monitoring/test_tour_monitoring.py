"""The monitoring tour runs from the top in a fresh kernel, in well under two minutes, and shows what it says."""

from __future__ import annotations

import shutil
from pathlib import Path

import nbclient
import nbformat


def test_the_monitoring_tour_finds_what_it_plants_and_calls_nothing_measured_that_is_not(checkout: Path, tmp_path: Path) -> None:
    shutil.copyfile(checkout / "notebooks" / "monitoring.ipynb", tmp_path / "monitoring.ipynb")
    (tmp_path / ".mlgov").mkdir()
    notebook = nbformat.read(tmp_path / "monitoring.ipynb", 4)
    nbformat.validate(notebook)
    assert all(not cell.get("outputs") for cell in notebook.cells), "the notebook in git has no outputs"
    nbclient.NotebookClient(notebook, timeout=110, resources={"metadata": {"path": str(tmp_path)}}).execute()
    shown = "\n".join(output.get("text", "") for cell in notebook.cells for output in cell.get("outputs", []))
    assert shown.count("passed ") >= 5
    assert "failed             Input and score drift: score: PSI" in shown
    assert "New of the same kind: debt_ratio; was it renamed?" in shown
    assert "could not tell     Live performance" in shown
    assert "Estimated, not measured (CBPE): AUC" in shown
