"""Steps run one by one in kernels of their own: the same as the notebook in one, recorded as one run, or refused."""

from __future__ import annotations

import fcntl
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest

from jupyter_mlgov.core.errors import BadInput, NotReady, UsageError
from jupyter_mlgov.core.settings import Settings
from jupyter_mlgov.workspace import Workspace
from jupyter_mlgov.workspace.pipelines import run_pipeline
from jupyter_mlgov.workspace.proving import NotEquivalent, prove
from jupyter_mlgov.workspace.stepping import StepBook, StepDone, run_step, step_book

pytestmark = pytest.mark.slow

PYTHON = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}, "language_info": {"name": "python"}}
CELLS = (
    (["parameters"], "rows: int = 4\nfactor: float = 2.0"),
    ([], "import pandas as pd\n\ndef twice(column):\n    return column * factor"),
    (["mlgov:data"], "table = pd.DataFrame({'a': range(rows)}, index=list('abcdefgh')[:rows])\nnote = ('made', rows)"),
    (["mlgov:features"], "table['b'] = twice(table['a'])"),
    (["mlgov:evaluate"], "total = float(table['b'].sum()) + note[1]"),
)  # fmt: skip
NAME = "möte 1/a b.ipynb"


def written(root: Path, name: str = NAME, cells: tuple[tuple[list[str], str], ...] = CELLS) -> StepBook:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    made = [nbformat.v4.new_code_cell(source, id=f"c{number}", metadata={"tags": tags}) for number, (tags, source) in enumerate(cells, 1)]
    nbformat.write(nbformat.v4.new_notebook(cells=made, metadata=PYTHON), path)
    return step_book(path, name)


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Workspace, StepBook, Path, list[StepDone]]]:
    """One notebook, its three steps run in order with one token."""
    root = tmp_path_factory.mktemp("steps ä")
    workspace = Workspace.create(root, Settings())
    book, values = written(root), root / "values"
    done = [
        run_step(workspace, book, step, [values], values / step.name, {"rows": 3, "factor": 3.0}, token="t1") for step in book.graph.steps
    ]
    yield workspace, book, values, done
    workspace.close()


def test_steps_give_what_the_notebook_gives(ran: tuple[Workspace, StepBook, Path, list[StepDone]]) -> None:
    workspace, _, values, done = ran
    assert [one.outcome for one in done] == ["ok", "ok", "ok"], done
    assert workspace.lineage(NAME).metrics["total"] == (0 + 1 + 2) * 3.0 + 3
    assert all(one.memory > 1e7 and one.seconds > 0 for one in done)
    assert sorted(one.name for one in (values / "data").iterdir()) == ["00-table.parquet", "data.ipynb", "step.json"]


def test_the_sessions_of_one_token_are_one_run_of_the_notebook(ran: tuple[Workspace, StepBook, Path, list[StepDone]]) -> None:
    found = ran[0].lineage(NAME)
    assert found.session is not None and found.session.pipeline == "t1"
    assert [(one.step.kind, str(one.state), one.why) for one in found.steps] == [
        ("data", "fresh", ""),
        ("features", "fresh", ""),
        ("evaluate", "fresh", ""),
    ]
    assert found.parameters == {"rows": 3, "factor": 3.0}
    finished = [entry.payload["step"] for entry in ran[0].journal.entries(actions=("step.finished",))]
    assert finished == ["data", "features", "evaluate"]


def test_values_of_another_run_or_text_do_not_mix(ran: tuple[Workspace, StepBook, Path, list[StepDone]], tmp_path: Path) -> None:
    workspace, book, values, _ = ran
    with pytest.raises(UsageError, match="was made with rows = 3, and this step is to run with rows = 5"):
        run_step(workspace, book, book.step("features"), [values], tmp_path / "out", {"rows": 5, "factor": 3.0})
    other = written(tmp_path, NAME, (*CELLS[:2], (["mlgov:data"], CELLS[2][1] + "\nrows"), *CELLS[3:]))
    with pytest.raises(BadInput, match="made by another text of step data"):
        run_step(workspace, other, other.step("features"), [values], tmp_path / "out", {"rows": 3, "factor": 3.0})


def test_a_changed_byte_stops_the_step_before_its_cells(ran: tuple[Workspace, StepBook, Path, list[StepDone]], tmp_path: Path) -> None:
    workspace, book, values, _ = ran
    copied = tmp_path / "values"
    shutil.copytree(values, copied)
    file = next((copied / "data").glob("*.parquet"))
    file.write_bytes(file.read_bytes()[:-9] + b"X" + file.read_bytes()[-8:])
    with pytest.raises(BadInput, match=r"`table` in .* was changed\. It was not opened"):
        run_step(workspace, book, book.step("features"), [copied], tmp_path / "out", {"rows": 3, "factor": 3.0})
    saved = json.loads((tmp_path / "out" / "features.ipynb").read_text())
    assert all(cell.get("execution_count") is None for cell in saved["cells"] if cell["metadata"].get("mlgov", {}).get("own"))


def test_a_step_without_its_inputs_says_which_to_run(ran: tuple[Workspace, StepBook, Path, list[StepDone]], tmp_path: Path) -> None:
    workspace, book, _, _ = ran
    with pytest.raises(NotReady, match="needs `table` of data, and no --in folder holds a finished data"):
        run_step(workspace, book, book.step("features"), [tmp_path], tmp_path / "out", {})
    with pytest.raises(UsageError, match='Did you mean "features"'):
        book.step("feature")


def test_a_folder_with_other_files_is_left_alone(ran: tuple[Workspace, StepBook, Path, list[StepDone]], tmp_path: Path) -> None:
    workspace, book, _, _ = ran
    (tmp_path / "thesis.tex").write_text("mine")
    with pytest.raises(UsageError, match="holds other files"):
        run_step(workspace, book, book.step("data"), [], tmp_path, {})


def test_export_of_steps_is_proven_or_names_the_first_value_that_differs(tmp_path: Path) -> None:
    workspace = Workspace.create(tmp_path, Settings())
    good = prove(workspace, written(tmp_path), workspace.lineage(NAME))
    assert set(good.equal) == {"data.table", "features.table", "evaluate.total"} | {"data.note"} and good.unknown == ()
    chance = (*CELLS[:3], (["mlgov:features"], "import random\ntable['b'] = random.random()"), CELLS[4])
    with pytest.raises(NotEquivalent, match="`table`, which step features makes"):
        prove(workspace, written(tmp_path, "chance.ipynb", chance), workspace.lineage("chance.ipynb"))
    assert workspace.lineage(NAME).session is None, "a proof is no run of the model"
    workspace.close()


FIVE = (
    (["parameters"], "n: int = 3\nbroken: bool = True"),
    (["mlgov:data"], "rows = [n] * 3 + list(map(str, [n]))"),
    (["mlgov:features"], "wide = rows + [len(rows)]"),
    (["mlgov:train"], "import os\nif broken and not os.path.exists('mended'):\n    os._exit(9)\nfitted = sum(map(len, map(str, wide)))"),
    (["mlgov:evaluate"], "score = fitted * 1.5"),
    (["mlgov:report"], "text = str(score)"),
)


def test_a_kernel_that_dies_in_step_3_of_5_is_said_resumed_and_one_run(tmp_path: Path) -> None:
    """The record is truthful in between, the good steps are kept, and asking once more runs nothing."""
    workspace = Workspace.create(tmp_path, Settings())
    book = written(tmp_path, "five.ipynb", FIVE)
    died = run_pipeline(workspace, book, {}, token="t:1")
    assert died.outcome == "killed" and [one.step for one in died.steps] == ["data", "features", "train"]
    assert "2 steps after it did not run" in died.sentence and "--token t:1 --resume" in died.sentence
    states = {one.step.kind: str(one.state) for one in workspace.lineage("five.ipynb").steps}
    assert states == {"data": "fresh", "features": "fresh", "train": "killed", "evaluate": "never ran", "report": "never ran"}
    (tmp_path / "mended").touch()
    done = run_pipeline(workspace, book, {}, token="t:1", resume=True)
    assert done.outcome == "ok" and done.kept == ("data", "features") and len(done.steps) == 3
    again = run_pipeline(workspace, book, {}, token="t:1")
    assert again.steps == () and "nothing ran again" in again.sentence
    assert {str(one.state) for one in workspace.lineage("five.ipynb").steps} == {"fresh"}
    with pytest.raises(UsageError, match="with other parameters"):
        run_pipeline(workspace, book, {"n": 4}, token="t:1")
    with (tmp_path / ".mlgov" / "pipelines" / "t_1" / "lock").open("a") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        with pytest.raises(NotReady, match="under way in another process"):
            run_pipeline(workspace, book, {}, token="t:1")
    ended = [entry.payload["outcome"] for entry in workspace.journal.entries(actions=("pipeline.ended",))]
    assert ended == ["killed", "ok"]
    workspace.close()
