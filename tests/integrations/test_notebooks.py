"""Notebook files: read as facts, refused in sentences, tagged in one line, never harmed."""

from __future__ import annotations

import json
from pathlib import Path

import nbformat
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jupyter_mlgov.core.errors import BadInput, StorageProblem, UsageError
from jupyter_mlgov.integrations.notebooks import check_runnable, kernels, read_notebook, set_step, write_notebook

PYTHON = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}, "language_info": {"name": "python"}}


def written(path: Path, *sources: str, metadata: object = PYTHON, tags: dict[int, list[str]] | None = None) -> Path:
    cells = [nbformat.v4.new_code_cell(source, id=f"c{number}") for number, source in enumerate(sources, 1)]
    for number, names in (tags or {}).items():
        cells[number - 1].metadata["tags"] = names
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=metadata), path)
    return path


def test_cells_tags_and_kernel_are_read(tmp_path: Path) -> None:
    found = read_notebook(written(tmp_path / "a.ipynb", "x = 1", "y = 2\nz", tags={2: ["mlgov:train", "other"]}))
    assert (found.kernel, found.language) == ("python3", "python")
    assert [(cell.id, cell.index, cell.type, cell.source, cell.tags) for cell in found.cells] == [
        ("c1", 1, "code", "x = 1", ()),
        ("c2", 2, "code", "y = 2\nz", ("mlgov:train", "other")),
    ]


def test_every_text_of_an_output_is_there_for_the_scan(tmp_path: Path) -> None:
    outputs = [
        nbformat.v4.new_output("stream", name="stdout", text="ann@example.org"),
        nbformat.v4.new_output(
            "execute_result",
            data={"text/html": "<td>bob&#64;example.org</td>", "application/json": {"mail": "c@example.org"}, "image/png": "aGk="},
        ),
        nbformat.v4.new_output("error", ename="ValueError", evalue="d@example.org", traceback=["\x1b[31me@example.org\x1b[0m"]),
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1", outputs=outputs)], metadata=PYTHON)
    nbformat.write(notebook, tmp_path / "a.ipynb")
    text = "\n".join(read_notebook(tmp_path / "a.ipynb").cells[0].outputs)
    assert all(mail in text for mail in ("ann@example.org", "bob@example.org", "c@example.org", "d@example.org", "e@example.org"))
    assert "\x1b" not in text and "<td>" not in text and "aGk=" not in text


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"not json", r"is not a notebook: it is not JSON \(line 1, column 1"),
        (b"", "it is not JSON"),
        (b"\xff\xfe{}", "byte 0 is not UTF-8"),
        (b"[1, 2]", "JSON but not a notebook: it holds a list"),
        (b"{}", "it has no `cells` and no `nbformat`"),
        (b'{"cells": [], "nbformat": "x"}', '`nbformat` is "x"'),
        (b'{"cells": {}, "nbformat": 4}', "`cells` is not a list"),
        (b'{"worksheets": [], "nbformat": 3}', "notebook of format 3"),
        (b'{"cells": [1], "nbformat": 4}', r"Cell \[1\] of .* is a number"),
        (b'{"cells": [{"cell_type": "cod"}], "nbformat": 4}', r'cell \[1\] of .* has the type "cod"'),
        (b'{"cells": [{"cell_type": "code", "source": 3}], "nbformat": 4}', "source that is not text"),
        (b'{"cells": [{"cell_type": "code", "source": "", "metadata": {"tags": "x"}}], "nbformat": 4}', "tags that are not a list"),
        (b"[" * 100_000, "it is not JSON"),
    ],
)
def test_what_is_no_notebook_is_said_in_a_sentence_and_stays_as_it_is(tmp_path: Path, content: bytes, sentence: str) -> None:
    path = tmp_path / "a.ipynb"
    path.write_bytes(content)
    with pytest.raises(BadInput, match=sentence):
        read_notebook(path)
    assert path.read_bytes() == content


def test_a_missing_file_is_answered_with_the_ones_that_are_there(tmp_path: Path) -> None:
    written(tmp_path / "train.ipynb", "1")
    with pytest.raises(BadInput, match=r"There is no notebook .*tran.ipynb. Notebooks in that folder: train.ipynb"):
        read_notebook(tmp_path / "tran.ipynb")
    with pytest.raises(BadInput, match="cannot be read"):
        read_notebook(tmp_path)


def test_no_kernel_says_how_to_set_one(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"does not say which kernel runs it.*kernelspec.*Change Kernel"):
        check_runnable(read_notebook(written(tmp_path / "a.ipynb", "1", metadata={})))


def test_a_kernel_that_is_not_installed_is_answered_with_the_nearest(tmp_path: Path) -> None:
    spec = {"kernelspec": {"name": "pyhton3", "display_name": "x"}}
    with pytest.raises(
        BadInput, match=r'asks for the kernel "pyhton3", which is not installed. Did you mean "python3"[?] Installed: .*python3'
    ):
        check_runnable(read_notebook(written(tmp_path / "a.ipynb", "1", metadata=spec)))


def test_another_language_is_not_supported(tmp_path: Path) -> None:
    spec = {"kernelspec": {"name": "python3", "display_name": "x"}, "language_info": {"name": "R"}}
    with pytest.raises(BadInput, match="written in R, which is not supported"):
        check_runnable(read_notebook(written(tmp_path / "a.ipynb", "1", metadata=spec)))


def test_a_wrong_tag_is_named_with_its_cell(tmp_path: Path) -> None:
    path = written(tmp_path / "a.ipynb", "1", "2", tags={2: ["mlgov:trian"]})
    with pytest.raises(BadInput, match=r"[cC]ell \[2\].*mlgov:trian.*mlgov:train"):
        check_runnable(read_notebook(path))


def test_two_parameters_cells_are_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "a.ipynb", "x = 1", "2", "x = 3", tags={1: ["parameters"], 3: ["parameters"]})
    with pytest.raises(BadInput, match=r"2 cells tagged `parameters`: \[1\], \[3\]"):
        check_runnable(read_notebook(path))


def test_a_right_notebook_names_its_kernel(tmp_path: Path) -> None:
    assert check_runnable(read_notebook(written(tmp_path / "a.ipynb", "1"))) == "python3"
    assert kernels()["python3"] == "python"


def test_cells_without_ids_get_stable_ones_and_the_file_stays(tmp_path: Path) -> None:
    old = {
        "cells": [{"cell_type": "code", "source": ["x"], "metadata": {}, "outputs": [], "execution_count": None}] * 2,
        "metadata": PYTHON,
        "nbformat": 4,
        "nbformat_minor": 4,
    }
    path = tmp_path / "a.ipynb"
    path.write_text(json.dumps(old))
    before = path.read_bytes()
    first, again = read_notebook(path).cells, read_notebook(path).cells
    assert [cell.id for cell in first] == [cell.id for cell in again]
    assert len({cell.id for cell in first}) == 2
    assert path.read_bytes() == before


def test_two_cells_with_one_id_are_told_apart(tmp_path: Path) -> None:
    path = written(tmp_path / "a.ipynb", "1", "2")
    path.write_text(path.read_text().replace('"c2"', '"c1"'))
    ids = [cell.id for cell in read_notebook(path).cells]
    assert ids[0] == "c1" and ids[1] != "c1"


def test_a_step_is_set_and_taken_away_in_one_line(tmp_path: Path) -> None:
    path = written(tmp_path / "a.ipynb", "1", "2", tags={1: ["keep", "mlgov:data"]})
    before = path.read_text()
    assert set_step(path, "1", "train:champion").tags == ("keep", "mlgov:train:champion")
    changed = [line for line in path.read_text().splitlines() if line not in before.splitlines()]
    assert [line.strip() for line in changed] == ['"mlgov:train:champion"']
    set_step(path, "c1", "data")
    assert path.read_text() == before
    set_step(path, "1", None)
    assert read_notebook(path).cells[0].tags == ("keep",)


def test_a_wrong_step_or_cell_changes_nothing(tmp_path: Path) -> None:
    path = written(tmp_path / "a.ipynb", "1", "2")
    before = path.read_bytes()
    with pytest.raises(BadInput, match="mlgov:trian"):
        set_step(path, "1", "trian")
    with pytest.raises(UsageError, match=r"has no cell 3. Its cells are 1 to 2"):
        set_step(path, "3", "train")
    with pytest.raises(UsageError, match='Did you mean "c1"'):
        set_step(path, "c11", "train")
    assert path.read_bytes() == before


def test_a_markdown_cell_is_no_step(tmp_path: Path) -> None:
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("# x")]), tmp_path / "a.ipynb")
    with pytest.raises(UsageError, match="is markdown, not code"):
        set_step(tmp_path / "a.ipynb", "1", "train")


def test_a_wrong_tag_can_be_mended_with_the_same_command(tmp_path: Path) -> None:
    path = written(tmp_path / "a.ipynb", "1", tags={1: ["mlgov:trian"]})
    assert set_step(path, "1", "train").tags == ("mlgov:train",)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(sources=st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=1, max_size=4), data=st.data())
def test_setting_and_removing_a_step_gives_the_same_document(tmp_path: Path, sources: list[str], data: st.DataObject) -> None:
    path = written(tmp_path / "a.ipynb", *sources)
    before = json.loads(path.read_text("utf-8"))
    number = str(data.draw(st.integers(1, len(sources))))
    set_step(path, number, "evaluate")
    set_step(path, number, None)
    assert json.loads(path.read_text("utf-8")) == before
    assert [cell.source for cell in read_notebook(path).cells] == sources


def test_a_place_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    with pytest.raises(StorageProblem, match="cannot be written"):
        write_notebook(tmp_path / "none" / "a.ipynb", {"cells": []})
    assert list(tmp_path.iterdir()) == []
