"""Bad input gets a clear sentence and loses nothing. Every case runs the real thing: a kernel, a database, a dead server."""

from __future__ import annotations

import json
import sqlite3
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nbformat
import pandas as pd
import pytest

from jupyter_mlgov.lineage.facts import Outcome
from jupyter_mlgov.workspace import Workspace

from .conftest import mlgov

pytestmark = pytest.mark.slow
PYTHON3 = {"name": "python3", "display_name": "Python 3", "language": "python"}


def notebook(path: Path, cells: Sequence[tuple[str, str]], kernel: dict[str, str] | None = PYTHON3) -> Path:
    """Write a notebook of (source, tag) code cells with the ids c0, c1, …"""
    made = nbformat.v4.new_notebook(metadata={"kernelspec": kernel} if kernel else {})
    for number, (source, tag) in enumerate(cells):
        cell = nbformat.v4.new_code_cell(source, id=f"c{number}", metadata={"tags": [tag]} if tag else {})
        made.cells.append(cell)
    nbformat.write(made, path)
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    Workspace.create(tmp_path)
    return tmp_path


def run(folder: Path, name: str = "x.ipynb", *words: str, **env: str) -> Any:
    return mlgov("run", name, *words, "--workspace", str(folder), **env)


def said(done: Any) -> str:
    assert "Traceback" not in done.stderr, done.stderr
    return str(done.stdout + done.stderr)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [("not json", "JSON"), ("[1, 2]", "notebook"), ('{"cells": 3}', "notebook"), ("", "JSON")],
)
def test_a_file_that_is_no_notebook(folder: Path, content: str, sentence: str) -> None:
    (folder / "x.ipynb").write_text(content)
    done = run(folder)
    assert done.returncode == 3
    assert sentence in said(done)
    assert (folder / "x.ipynb").read_text() == content


def test_a_missing_notebook_names_those_that_are_there(folder: Path) -> None:
    notebook(folder / "model.ipynb", [("1", "")])
    done = run(folder, "modle.ipynb")
    assert done.returncode == 3
    assert "model.ipynb" in said(done)


def test_a_notebook_without_a_kernel(folder: Path) -> None:
    notebook(folder / "x.ipynb", [("1", "mlgov:data")], kernel=None)
    done = run(folder)
    assert done.returncode == 3
    assert "kernel" in said(done)


def test_an_unknown_kernel_names_the_installed_ones(folder: Path) -> None:
    notebook(folder / "x.ipynb", [("1", "mlgov:data")], kernel={"name": "pyton3", "display_name": "?", "language": "python"})
    done = run(folder)
    assert done.returncode == 3
    assert "pyton3" in said(done) and "python3" in said(done)


def test_a_syntax_error_in_a_tagged_cell_is_recorded(folder: Path) -> None:
    notebook(folder / "x.ipynb", [("a = 1", "mlgov:data"), ("b = = 2", "mlgov:train"), ("c = 3", "")])
    done = run(folder)
    assert done.returncode == 1
    assert "SyntaxError" in said(done)
    runs = {one.cell_id: one.outcome for one in Workspace(folder).lineage("x.ipynb").runs}
    assert runs == {"c0": Outcome.OK, "c1": Outcome.SYNTAX}


def test_a_cell_that_raises_half_way_leaves_the_record_of_what_ran(folder: Path) -> None:
    half_way = "b = a + 1\nopen('made.txt', 'w').write('x')\n1 / 0"
    notebook(folder / "x.ipynb", [("a = 1", "mlgov:data"), (half_way, "mlgov:train"), ("c = 3", "")])
    done = run(folder)
    assert done.returncode == 1
    assert "ZeroDivisionError" in said(done)
    first, second = Workspace(folder).lineage("x.ipynb").runs
    assert (first.outcome, second.outcome) == (Outcome.OK, Outcome.FAILED)
    assert "ZeroDivisionError" in second.error
    assert [ref.path for ref in second.files_written] == ["made.txt"]
    executed = nbformat.read(folder / "runs" / "x.ipynb", 4)
    assert any("ZeroDivisionError" in json.dumps(cell.get("outputs", [])) for cell in executed.cells)


@pytest.mark.parametrize("tag", ["mlgov:trian", "mlgov:", "mlgov:train:", "mlgov:Train"])
def test_a_tag_in_a_wrong_grammar_names_the_cell_and_what_was_expected(folder: Path, tag: str) -> None:
    notebook(folder / "x.ipynb", [("a = 1", "mlgov:data"), ("b = 2", tag)])
    done = run(folder)
    assert done.returncode != 0
    assert "Cell [2]" in said(done)
    assert "train" in said(done)
    assert Workspace(folder).notebooks() == (), "nothing ran"


def test_a_missing_data_file_is_named(folder: Path) -> None:
    notebook(folder / "x.ipynb", [("import pandas as pd\nt = pd.read_csv('data/no.csv')", "mlgov:data")])
    done = run(folder)
    assert done.returncode == 1
    assert "data/no.csv" in said(done)


def test_a_missing_tracked_file_is_named_before_anything_runs(folder: Path) -> None:
    (folder / "mlgov.toml").write_text('[data]\ntrack = ["data/no.csv"]\n')
    notebook(folder / "x.ipynb", [("1", "mlgov:data")])
    done = run(folder)
    assert done.returncode == 3
    assert "data/no.csv" in said(done) and "dvc pull" in said(done)
    assert Workspace(folder).lineage("x.ipynb").session is None


def test_a_workspace_whose_database_cannot_be_written_is_said(folder: Path) -> None:
    """Root ignores permissions, so a folder stands in the database's place: nobody can write it."""
    database = folder / ".mlgov" / "mlgov.db"
    for path in (folder / ".mlgov").glob("mlgov.db*"):
        path.unlink()
    database.mkdir()
    notebook(folder / "x.ipynb", [("open('ran.txt', 'w').write('yes')", "mlgov:data")])
    done = run(folder)
    assert done.returncode == 3
    assert "mlgov.db" in said(done) or "database" in said(done)
    assert stat.S_ISDIR(database.stat().st_mode)


def test_a_database_locked_by_another_kernel_is_said(folder: Path) -> None:
    notebook(folder / "x.ipynb", [("1", "")])
    other = sqlite3.connect(folder / ".mlgov" / "mlgov.db", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    try:
        done = mlgov("review", "approve", "-m", "x", "--workspace", str(folder), "--notebook", "x.ipynb")
        init = mlgov("audit", "verify", "--workspace", str(folder))
    finally:
        other.rollback()
        other.close()
    assert done.returncode == 3, said(done)
    assert "locked" in said(done) or "report" in said(done)
    assert init.returncode in (0, 3)
    assert mlgov("audit", "verify", "--workspace", str(folder)).returncode == 0


def test_an_unreachable_mlflow_is_recorded_retried_and_said(folder: Path) -> None:
    notebook(folder / "x.ipynb", [("n = 5", "mlgov:data"), ("auc = 0.7", "mlgov:evaluate")])
    done = run(folder, "x.ipynb", MLGOV_TRACKING_URI="http://127.0.0.1:9")
    assert done.returncode == 0, said(done)
    assert "MLflow" in said(done)
    journal = Workspace(folder).journal
    assert len(journal.pending()) == 1
    assert list(journal.entries(actions=("projection.failed",)))
    again = mlgov("sync", "--workspace", str(folder))
    assert again.returncode == 0, said(again)
    assert Workspace(folder).journal.pending() == ()
    assert list(Workspace(folder).journal.entries(actions=("projection.delivered",)))


def test_a_kernel_killed_mid_cell_leaves_a_truthful_record(folder: Path) -> None:
    notebook(folder / "x.ipynb", [("a = 1", "mlgov:data"), ("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)", "mlgov:train")])
    done = run(folder)
    assert done.returncode == 1
    assert "kernel" in said(done).lower()
    first, second = Workspace(folder).lineage("x.ipynb").runs
    assert (first.outcome, second.outcome) == (Outcome.OK, Outcome.KILLED)
    assert nbformat.read(folder / "runs" / "x.ipynb", 4).cells
    assert mlgov("audit", "verify", "--workspace", str(folder)).returncode == 0


def test_a_policy_file_with_a_wrong_key_is_refused_with_the_nearest(folder: Path, checkout: Path) -> None:
    pd.DataFrame({"approve": [1, 0], "white": [1, 0]}).to_csv(folder / "t.csv", index=False)
    pack = (checkout / "validators" / "mlgov_validators" / "policies" / "us-fair-lending.toml").read_text("utf-8")
    (folder / "p.toml").write_text(pack.replace("title =", "titel =", 1))
    words = ("--outcome", "approve", "--favourable", "1", "--protected", "white")
    done = mlgov("validate", "--data", str(folder / "t.csv"), "--policy", str(folder / "p.toml"), *words)
    assert done.returncode in (2, 3)
    assert 'Did you mean "title"?' in said(done)


@pytest.mark.parametrize("style", ["text", "html", "json", "sarif"])
def test_a_hostile_column_name_stays_text(folder: Path, style: str) -> None:
    name = '<script>alert(1)</script>"; DROP TABLE x; --'
    table = pd.DataFrame({name: ["a", "b"] * 200, "approve": [1, 1, 1, 0] * 100})
    table.to_parquet(folder / "t.parquet")
    words = ("--outcome", "approve", "--favourable", "1", "--protected", name, "--format", style)
    done = mlgov("validate", "--data", str(folder / "t.parquet"), *words)
    assert done.returncode in (0, 1, 3), said(done)
    if style == "html":
        assert "<script" not in done.stdout
        assert "&lt;script&gt;" in done.stdout
    else:
        assert "script" in done.stdout
