"""Notebooks nobody here wrote, of the shapes that Kale, Elyra and papermill have: correct through run, export and reproduce, or refused
with the reason; never silently another result."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nbformat
import pytest

from jupyter_mlgov.core.errors import BadInput, MlgovError, UsageError
from jupyter_mlgov.core.settings import Settings
from jupyter_mlgov.pipelines.reproduce import Grade
from jupyter_mlgov.pipelines.reproduction import Reproduction
from jupyter_mlgov.workspace import Workspace
from jupyter_mlgov.workspace.jobs import Done, drafted, export_notebook, run_governed
from jupyter_mlgov.workspace.reproducing import Wish, reproduce

PYTHON = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}, "language_info": {"name": "python"}}
DATA, TRAIN, EVALUATE = "mlgov:data", "mlgov:train", "mlgov:evaluate"
# A table that is compared at the end, so that `reproduce` has something to grade.
FRAME = "import pandas as pd\ntable = pd.DataFrame({'x': range(5), 'y': [0.5] * 5})"


def notebook(
    path: Path, *cells: tuple[Any, ...], metadata: dict[str, Any] | None = None, minor: int = 5, outputs: Sequence[Any] = ()
) -> Path:
    """A file of (tags with blanks between, source[, type]); below nbformat 4.5 cells have no ids."""
    made = []
    for number, (tags, source, *more) in enumerate(cells, 1):
        kind = more[0] if more else "code"
        cell: dict[str, Any] = {"cell_type": kind, "metadata": {"tags": tags.split()} if tags else {}, "source": source}
        cell |= {"outputs": list(outputs), "execution_count": None} if kind == "code" else {}
        made.append(cell | ({"id": f"c{number}"} if minor >= 5 else {}))
    document = {"cells": made, "metadata": PYTHON if metadata is None else metadata, "nbformat": 4, "nbformat_minor": minor}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document), "utf-8")
    return path


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace.create(tmp_path / "främmande mapp", Settings(deliver="manual"))


def ran(workspace: Workspace, path: Path, *given: str) -> Done:
    return run_governed(workspace, path, given=given)


def again(workspace: Workspace, path: Path) -> Reproduction:
    return reproduce(workspace, Wish(target=workspace.name_of(path), environment="current"), lambda _: None)


def by_papermill(path: Path, *words: str) -> str:
    """What the exported notebook prints, run by papermill as its users do. Its last cell, the gate, is shut and fails the run."""
    out = path.with_name("out of papermill.ipynb")
    command = [sys.executable, "-m", "papermill", "--engine", "mlgov", "--no-progress-bar", str(path), str(out), *words]
    done = subprocess.run(command, cwd=path.parent, capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "The gate to staging stays shut: refused" in done.stderr, done.stderr[-2000:]
    cells = [cell for cell in nbformat.read(out, 4).cells if cell.cell_type == "code" and "%mlgov" not in cell.source]
    return "".join(output.get("text", "") for cell in cells for output in cell.outputs)


# -- Kale --------------------------------------------------------------------------------------------------------------

KALE = (
    ("imports", "import math\nimport pandas as pd"),
    ("functions", "def root(value):\n    return math.sqrt(value)"),
    ("pipeline-parameters", "rows = 3\nrate = 0.5"),
    ("step:load_data", "table = pd.DataFrame({'x': [root(one) for one in range(rows)]})"),
    ("skip", "table.describe()"),
    ("step:train_model prev:load_data", "weights = table['x'] * rate"),
    ("", "total = float(weights.sum())"),
    ("step:evaluate_model prev:train_model", "accuracy = total / rows"),
    ("pipeline-metrics", "print(accuracy)"),
)


@pytest.mark.slow
def test_kales_tags_and_parameters_mean_what_they_mean_there(workspace: Workspace) -> None:
    """Its parameters are set by -p, in one kernel, step by step (the proof) and in the exported notebook: Kale itself may ignore one."""
    path = notebook(workspace.root / "å b" / "kale.ipynb", *KALE)
    name = workspace.name_of(path)
    done = ran(workspace, path, "rows=5")
    assert done.outcome == "ok", done.sentence
    expected = sum(one**0.5 for one in range(5)) * 0.5 / 5
    recorded = workspace.lineage(name)
    assert recorded.parameters == {"rows": 5, "rate": 0.5}
    assert recorded.metrics["accuracy"] == pytest.approx(expected)
    assert [one.step.label for one in recorded.steps] == [
        "data:load_data", "train:train_model", "evaluate:evaluate_model", "evaluate:pipeline-metrics",
    ]  # fmt: skip
    written = export_notebook(workspace, name, ("papermill", "dvc"), None)
    (proof,) = workspace.journal.entries(actions=("export.proven",))
    assert "data-load-data.table" in proof.payload["equal"] and "evaluate-evaluate-model.accuracy" in proof.payload["equal"]
    assert float(by_papermill(written[0], "-p", "rows", "5")) == pytest.approx(expected)
    assert again(workspace, path).grade is Grade.IDENTICAL
    with pytest.raises(UsageError, match='Did you mean "rows"'):
        ran(workspace, path, "rowz=5")


# -- papermill ---------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_values_of_an_earlier_papermill_run_are_neither_lost_nor_doubled(workspace: Workspace) -> None:
    """The output of one run as the input of the next: papermill keeps the injected cell, so the exported notebook does; steps cannot."""
    cells = (("parameters", "n = 1\nlabel = None"), ("injected-parameters", "# Parameters\nn = 5"), (DATA, FRAME), (TRAIN, "m = n * 2"))
    path = notebook(workspace.root / "utdata.ipynb", *cells, (EVALUATE, "score = m + 1\nprint(score)"))
    assert ran(workspace, path).outcome == "ok"
    assert workspace.lineage("utdata.ipynb").metrics == {"score": 11}
    with pytest.raises(BadInput, match=r"Cell \[2\] holds values that an earlier papermill run put there"):
        export_notebook(workspace, "utdata.ipynb", ("airflow",), None)
    (exported, *_) = export_notebook(workspace, "utdata.ipynb", ("papermill",), None)
    assert by_papermill(exported) == "11\n"
    assert ran(workspace, path, "n=7").outcome == "ok"
    assert workspace.lineage("utdata.ipynb").metrics == {"score": 15}
    assert again(workspace, path).grade is Grade.IDENTICAL, "the second run is given what the first was"


@pytest.mark.slow
def test_a_parameters_tag_on_text_does_not_make_given_values_lose(workspace: Workspace) -> None:
    """papermill puts values behind the first cell of any type with the tag; the code cell below would overwrite them."""
    cells = (("parameters", "# Settings", "markdown"), ("parameters", "x = 1"), (DATA, "y = [x]"), (TRAIN, "about this step", "markdown"))
    path = notebook(workspace.root / "text.ipynb", *cells, (EVALUATE, "score = y[0] * 1.5\nprint(score)"))
    assert ran(workspace, path, "x=9").outcome == "ok"
    assert workspace.lineage("text.ipynb").metrics == {"score": 13.5}
    (exported, *_) = export_notebook(workspace, "text.ipynb", ("papermill",), None)
    assert by_papermill(exported, "-p", "x", "9") == "13.5\n"


# -- everyday notebooks ------------------------------------------------------------------------------------------------

EVERYDAY = (
    ("", "# Title", "markdown"),
    ("", ""),
    ("", "%matplotlib inline\nimport matplotlib.pyplot as plt\n%config InlineBackend.figure_format = 'png'"),
    ("", "!echo from a shell\n%pip --version"),
    ("", "%run andra.ipynb"),
    ("raises-exception", "raise ValueError('shown to the reader')"),
    (DATA, "%%writefile hjälp.py\nFACTOR = 3"),
    (DATA, "   "),
    (DATA, "import asyncio\n" + FRAME + "\ntable['x'] = table['x'] + await asyncio.sleep(0, 2)"),
    ("", "import ipywidgets\nfrom IPython.display import HTML, display\ndisplay(HTML('<b>seen</b>'), ipywidgets.IntSlider(3))"),
    (TRAIN, "%%capture quiet\nfrom hjälp import FACTOR\nprint('kept quiet')\nmade = table['x'].sum() * FACTOR + shared"),
    (EVALUATE, "plt.plot(table['x'])\nplt.show()\n%time score = float(made)"),
)


@pytest.mark.slow
@pytest.mark.parametrize("minor", [0, 5])
def test_an_everyday_notebook_is_recorded_cut_proven_and_reproduced(workspace: Workspace, minor: int) -> None:
    """Magics, shells, another notebook, await at the top, widgets, plots, an expected exception, empty cells; also without cell ids.

    What `%run` makes cannot be followed, so such a notebook is one job and no steps; without it the steps are proven.
    """
    cells = EVERYDAY if not minor else tuple(("", "shared = 41") if cell[1].startswith("%run") else cell for cell in EVERYDAY)
    path = notebook(workspace.root / "vardag" / "en bok.ipynb", *cells, minor=minor)
    notebook(path.with_name("andra.ipynb"), ("", "shared = 41"))
    name = workspace.name_of(path)
    done = ran(workspace, path)
    assert done.outcome == "ok", done.sentence
    recorded = workspace.lineage(name)
    assert recorded.metrics["score"] == (0 + 1 + 2 + 3 + 4 + 10) * 3 + 41
    assert {one.step.label: str(one.state) for one in recorded.steps} == {"data": "fresh", "train": "fresh", "evaluate": "fresh"}
    if not minor:
        with pytest.raises(BadInput, match="`%run` may make or change any name"):
            export_notebook(workspace, name, ("airflow",), None)
    else:
        export_notebook(workspace, name, ("papermill", "dvc"), None)
        (proof,) = workspace.journal.entries(actions=("export.proven",))
        assert {"data.table", "train.made", "evaluate.score"} <= set(proof.payload["equal"]), proof.payload
    found = again(workspace, path)
    assert found.grade is Grade.IDENTICAL, found.why


@pytest.mark.slow
def test_what_asks_a_person_or_lacks_a_library_fails_and_says_where(workspace: Workspace) -> None:
    path = notebook(workspace.root / "ask.ipynb", ("", "rows = 1"), (DATA, "answer = input('How many?')"), (TRAIN, "m = answer"))
    done = ran(workspace, path)
    assert done.outcome == "failed" and "Cell [2] of ask.ipynb raised StdinNotImplementedError" in done.sentence
    assert "1 code cell after it did not run" in done.sentence
    with pytest.raises(MlgovError, match=r"Cell \[2\] of ask.ipynb raised StdinNotImplementedError"):
        export_notebook(workspace, "ask.ipynb", ("airflow",), None)
    assert not list(workspace.root.glob("*_dag.py"))
    found = again(workspace, path)
    assert found.grade is Grade.UNKNOWN and "StdinNotImplementedError" in found.why


# -- Elyra: notebooks that leave files to each other, told by the environment -------------------------------------------


@pytest.mark.slow
def test_notebooks_that_hand_files_on_are_recorded_with_the_digest_they_had(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OUT_FOLDER", "delat/ü")
    place = "import os, pathlib\nfolder = pathlib.Path(os.environ['OUT_FOLDER'])"
    one = notebook(
        workspace.root / "load.ipynb",
        ("", place),
        ("", FRAME + "\nfolder.mkdir(parents=True, exist_ok=True)\ntable.to_csv(folder / 't.csv')"),
    )
    two = notebook(
        workspace.root / "use.ipynb",
        ("", place),
        (EVALUATE, "import pandas as pd\nscore = float(pd.read_csv(folder / 't.csv')['x'].sum())"),
    )
    assert (ran(workspace, one).outcome, ran(workspace, two).outcome) == ("ok", "ok")
    wrote = {ref.path: ref.digest for run in workspace.lineage("load.ipynb").runs for ref in run.files_written}
    read = {ref.path: ref.digest for run in workspace.lineage("use.ipynb").runs for ref in run.files_read}
    assert wrote["delat/ü/t.csv"] == read["delat/ü/t.csv"] is not None
    with pytest.raises(BadInput, match=r"has no tagged steps.*mlgov suggest load.ipynb"):
        export_notebook(workspace, "load.ipynb", ("papermill",), None)
    assert again(workspace, two).grade is Grade.IDENTICAL
    untagged = again(workspace, one)
    assert untagged.grade is Grade.UNKNOWN and "tag the notebook's steps" in untagged.why


# -- refused, with the reason, and nothing written ---------------------------------------------------------------------

R = {"kernelspec": {"name": "ir", "display_name": "R", "language": "R"}, "language_info": {"name": "R"}}
JULIA = {"kernelspec": {"name": "julia-1.10", "display_name": "Julia", "language": "julia"}, "language_info": {"name": "julia"}}
REFUSED: dict[str, tuple[tuple[tuple[str, ...], ...], dict[str, Any], str]] = {
    "R": (((DATA, "x <- 1"),), R, "is written in R, which is not supported"),
    "Julia": (((DATA, "x = 1"),), JULIA, "is written in julia, which is not supported"),
    "no kernel": (((DATA, "x = 1"),), {}, "does not say which kernel runs it"),
    "no tags": ((("", "x = 1"),), PYTHON, "no tagged steps.*mlgov suggest"),
    "two parameters cells": ((("parameters", "x = 1"), ("parameters", "x = 2"), (DATA, "y = x")), PYTHON, r"2 cells tagged .*\[1\], \[2\]"),
    "Kale's and papermill's": ((("pipeline-parameters", "x = 1"), ("parameters", "x = 2"), (DATA, "y = x")), PYTHON, r"\[1\], \[2\]"),
    "a circle": (((DATA, "a = open('x').read()"), (TRAIN, "m = len(a)"), (DATA, "b = len(a) + m")), PYTHON, "need each other in a circle"),
    "a skipped cell that is needed": ((("skip", "a = open('x')"), (TRAIN, "m = a.read()")), PYTHON, r"only the skipped cell \[1\] makes"),
    "a skipped cell that changes": (
        ((DATA, "a = open('x').read()"), ("skip", "a = a[:9]"), (TRAIN, "m = len(a)")),
        PYTHON,
        r"Cell \[3\] takes `a`, which the skipped cell \[2\] changes",
    ),
    "a parameter before its cell": (
        ((DATA, "a = [n]"), ("parameters", "n = 1"), (TRAIN, "m = a")),
        PYTHON,
        r"uses the parameter `n` before",
    ),
    "a wrong tag": ((("mlgov:trian", "a = 1"),), PYTHON, "mlgov:trian"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_a_pipeline_is_refused_with_the_reason(workspace: Workspace, case: str) -> None:
    cells, metadata, sentence = REFUSED[case]
    notebook(workspace.root / "n b.ipynb", *cells, metadata=metadata)
    with pytest.raises(MlgovError, match=f"(?s){sentence}"):
        export_notebook(workspace, "n b.ipynb", ("airflow",), None)
    assert sorted(path.name for path in workspace.root.iterdir()) == [".mlgov", "n b.ipynb"]


def test_a_skipped_look_at_the_data_changes_nothing_and_is_left_out(workspace: Workspace) -> None:
    notebook(workspace.root / "look.ipynb", (DATA, "a = open('x').read()"), ("skip", "a.title()\nb = a[:3]"), (TRAIN, "m = len(a)"))
    made = drafted(workspace, "look.ipynb", ("dvc",), None)
    assert [one.name for one in made.plan.graph.steps] == ["data", "train"] and made.plan.graph.refusals == ()


def test_outputs_of_hundreds_of_megabytes_are_read_and_not_exported(workspace: Workspace) -> None:
    large = {"output_type": "stream", "name": "stdout", "text": "x" * 200_000_000}
    path = notebook(workspace.root / "large.ipynb", (DATA, "y = 1"), outputs=(large,))
    assert path.stat().st_size > 200_000_000
    (exported, *_) = export_notebook(workspace, "large.ipynb", ("papermill",), None)
    assert exported.stat().st_size < 10_000


def test_a_notebook_edited_during_export_is_noticed_and_nothing_is_written(workspace: Workspace) -> None:
    from jupyter_mlgov.pipelines.export import write

    path = notebook(workspace.root / "edited.ipynb", (DATA, "y = 1"))
    made = drafted(workspace, "edited.ipynb", ("papermill", "dvc"), None)
    notebook(path, (DATA, "y = 2"))
    with pytest.raises(BadInput, match="was edited while it was exported, so nothing was written"):
        write(made)
    assert sorted(one.name for one in workspace.root.iterdir()) == [".mlgov", "edited.ipynb"]


@pytest.mark.slow
def test_a_step_that_writes_outside_its_folder_is_said_and_not_done_again(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Elsewhere is not the temporary folder: the kernel is told of another one, since pytest's own folders lie in it."""
    (tmp_path / "temporary").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    outside = tmp_path / "elsewhere.txt"
    path = notebook(workspace.root / "spill.ipynb", (DATA, f"{FRAME}\nopen({str(outside)!r}, 'w').write('1')"), (TRAIN, "m = len(table)"))
    assert ran(workspace, path).outcome == "ok"
    outside.write_text("edited since")
    found = again(workspace, path)
    assert found.grade is Grade.UNKNOWN and "outside the workspace, and a second run would overwrite it" in found.why
    assert outside.read_text() == "edited since"
    from jupyter_mlgov.pipelines.plan import Deployment
    from jupyter_mlgov.pipelines.shown import draft_text

    assert "note: it writes " in draft_text(drafted(workspace, "spill.ipynb", ("dvc",), None))
    image = Deployment(image="registry.example.com/x@sha256:" + "a" * 64, schedule="0 6 * * 1")
    with pytest.raises(BadInput, match="outside the workspace; in a container that is lost"):
        drafted(workspace, "spill.ipynb", ("argo",), None, image)
