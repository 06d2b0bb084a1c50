"""`mlgov stale OLD NEW`: the exact cells, their reasons, and the exit code; other languages are unsupported, not broken."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from jupyter_mlgov.cli import mlgov
from jupyter_mlgov.core.errors import BadInput


def notebook(path: Path, cells: Sequence[str], *, ids: bool = True, language: str = "python") -> Path:
    raw = [{"cell_type": "markdown", "id": "text", "metadata": {}, "source": "# Title"}]
    raw += [
        {"cell_type": "code", "id": f"c{n}", "metadata": {}, "source": one, "outputs": [], "execution_count": None}
        for n, one in enumerate(cells)
    ]
    if not ids:
        for cell in raw:
            del cell["id"]
    document = {"cells": raw, "metadata": {"language_info": {"name": language}}, "nbformat": 4, "nbformat_minor": 5 if ids else 4}
    path.write_text(json.dumps(document), "utf-8")
    return path


def asked(*words: object) -> Result:
    return CliRunner().invoke(mlgov, ["stale", *map(str, words)])


@pytest.mark.parametrize("ids", [True, False])
def test_the_cells_to_run_again_are_told_with_their_numbers_in_the_file(tmp_path: Path, ids: bool) -> None:
    old = notebook(tmp_path / "old.ipynb", ["x = 1", "y = 2", "print(x)", "print(y)"], ids=ids)
    new = notebook(tmp_path / "new.ipynb", ["x = 1", "y = 3", "print(x)", "print(y)"], ids=ids)
    done = asked(old, new, "--format", "json")
    told = json.loads(done.stdout)
    assert done.exit_code == 1
    assert [(one["index"], one["because"]) for one in told["rerun"]] == [(3, "edited"), (5, "upstream")]
    text = asked(old, new).stdout
    assert "Run 2 cells again" in text and "[3] was edited after it ran" in text and "takes `y`" in text


def test_a_comment_asks_for_nothing(tmp_path: Path) -> None:
    old = notebook(tmp_path / "old.ipynb", ["x = 1", "print(x)"])
    done = asked(old, notebook(tmp_path / "new.ipynb", ["x = 1  # one", "print( x )"]))
    assert (done.exit_code, "Nothing to run again" in done.stdout) == (0, True)


@pytest.mark.parametrize("language", ["R", "julia"])
def test_another_language_is_said_to_be_unsupported(tmp_path: Path, language: str) -> None:
    path = notebook(tmp_path / "other.ipynb", ["x <- 1"], language=language)
    done = asked(path, path)
    assert isinstance(done.exception, BadInput) and f"written in {language}, which is not supported" in str(done.exception)
