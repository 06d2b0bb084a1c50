"""The engine `mlgov` with real papermill and real kernels: refused before it starts, or run, saved and marked whatever happens."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import papermill
import pytest
from papermill.engines import papermill_engines

from jupyter_mlgov.core.errors import BadInput, NotReady, StorageProblem, UsageError
from jupyter_mlgov.core.settings import Settings
from jupyter_mlgov.integrations.papermill import GovernedEngine, RunResult, run_notebook
from jupyter_mlgov.integrations.papermill.manager import GovernedManager
from jupyter_mlgov.lineage.facts import Outcome
from jupyter_mlgov.workspace import Workspace

pytestmark = pytest.mark.slow
papermill_engines.register("mlgov", GovernedEngine)

PYTHON = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}, "language_info": {"name": "python"}}
SEEN = "import json\nprint(json.dumps(get_ipython().kernel.get_parent()['metadata']))"

# A kernel's environment without jupyter_mlgov: the import system there does not find it.
HIDDEN = """\
import sys
class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name == "jupyter_mlgov":
            raise ModuleNotFoundError(f"No module named {name!r}")
sys.meta_path.insert(0, Hidden())
"""


def written(path: Path, *sources: str, tags: dict[int, list[str]] | None = None, metadata: object = PYTHON) -> Path:
    cells = [nbformat.v4.new_code_cell(source, id=f"c{number}") for number, source in enumerate(sources, 1)]
    for number, names in (tags or {}).items():
        cells[number - 1].metadata["tags"] = names
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=metadata), path)
    return path


def run(path: Path, parameters: dict[str, object] | None = None, **options: Any) -> tuple[RunResult, Any]:
    output = path.parent / "runs" / path.name
    result = run_notebook(path, output, parameters or {}, cwd=path.parent, **options)
    return result, nbformat.read(output, 4)


def text(cell: Any) -> str:
    return "".join(output.get("text", "") for output in cell.outputs if output.get("name") == "stdout")


def by_id(notebook: Any) -> dict[str, Any]:
    return {cell.id: cell for cell in notebook.cells}


def test_each_cell_tells_the_kernel_what_jupyterlab_would(tmp_path: Path) -> None:
    heard: list[tuple[int, int, str]] = []
    (tmp_path / "deep").mkdir()
    Workspace.create(tmp_path, Settings()).close()
    path = written(tmp_path / "deep" / "a.ipynb", SEEN, SEEN, tags={2: ["mlgov:train"]})
    result, notebook = run(path, notebook_name="deep/a.ipynb", progress=lambda *said: heard.append(said))
    assert result.outcome is Outcome.OK and result.error == "" and result.seconds > 0
    seen = json.loads(text(by_id(notebook)["c2"]))
    assert (seen["cellId"], seen["tags"], seen["mlgov_notebook"], seen["mlgov_host"]) == (
        "c2",
        ["mlgov:train"],
        "deep/a.ipynb",
        "papermill",
    )
    assert heard == [(1, 2, ""), (2, 2, "train")]


def test_the_kernel_has_the_recorder_no_telemetry_and_the_folder(tmp_path: Path) -> None:
    source = "import os\nprint('mlgov' in get_ipython().magics_manager.magics['line'], os.environ['DO_NOT_TRACK'], os.getcwd())"
    _, notebook = run(written(tmp_path / "a.ipynb", source, "%load_ext jupyter_mlgov"))
    told = [output.text for output in notebook.cells[0].outputs if output.get("name") == "stdout"]
    assert told == [f"True 1 {tmp_path}\n"]
    assert notebook.cells[1].outputs == [], "the notebook's own %load_ext is no news"


def test_what_ran_is_in_the_trail_of_the_notebooks_workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also when papermill was started elsewhere, and with the cell that failed."""
    place, elsewhere = tmp_path / "place", tmp_path / "elsewhere"
    (place / "deep").mkdir(parents=True)
    elsewhere.mkdir()
    workspace = Workspace.create(place, Settings())
    monkeypatch.chdir(elsewhere)
    path = written(place / "deep" / "a.ipynb", "x = 1", "y = x / 0", tags={1: ["mlgov:data"], 2: ["mlgov:train"]})
    with pytest.raises(papermill.PapermillExecutionError):
        papermill.execute_notebook(path, elsewhere / "out.ipynb", engine_name="mlgov", progress_bar=False)
    found = workspace.lineage("deep/a.ipynb")
    workspace.close()
    assert found.session is not None and found.session.host == "papermill"
    assert [(run.cell_id, str(run.outcome)) for run in found.runs] == [("c1", "ok"), ("c2", "failed")]
    assert [one.name for one in elsewhere.iterdir()] == ["out.ipynb"]


def test_a_notebook_outside_the_named_workspace_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLGOV_WORKSPACE", str(tmp_path / "other"))
    with pytest.raises(UsageError, match="outside the workspace"):
        run_notebook(written(tmp_path / "a.ipynb", "1"), tmp_path / "out.ipynb", {}, cwd=tmp_path)


def test_parameters_reach_the_kernel_under_a_stable_cell_id(tmp_path: Path) -> None:
    path = written(tmp_path / "a.ipynb", "folds: int = 5\noptions = {}", "print(folds, options)", tags={1: ["parameters"]})
    _, notebook = run(path, {"folds": 7, "options": {"a": {"b": [1]}}})
    assert [cell.id for cell in notebook.cells] == ["c1", "injected-parameters", "c2"]
    assert text(notebook.cells[2]) == "7 {'a': {'b': [1]}}\n"


@pytest.mark.parametrize(("given", "sentence"), [({"fold": 3}, 'Did you mean "folds"'), ({"folds": "3"}, "Expected int")])
def test_parameters_that_do_not_fit_are_refused_before_anything_runs(tmp_path: Path, given: dict[str, object], sentence: str) -> None:
    path = written(tmp_path / "a.ipynb", "folds: int = 5", f"open({str(tmp_path / 'ran')!r}, 'w').close()", tags={1: ["parameters"]})
    with pytest.raises(UsageError, match=sentence):
        run_notebook(path, tmp_path / "out.ipynb", given, cwd=tmp_path)
    with pytest.raises(UsageError, match=sentence):
        papermill.execute_notebook(path, tmp_path / "out.ipynb", given, engine_name="mlgov", progress_bar=False)
    assert sorted(one.name for one in tmp_path.iterdir()) == ["a.ipynb"]


def test_a_cell_that_raises_keeps_what_ran(tmp_path: Path) -> None:
    result, notebook = run(written(tmp_path / "a.ipynb", "print('before')", "raise ValueError('no such column')", "print('after')"))
    assert (result.outcome, result.failed_cell) == (Outcome.FAILED, "c2")
    assert result.error == "Cell [2] of a.ipynb raised ValueError: no such column. 1 code cell after it did not run."
    cells = by_id(notebook)
    assert text(cells["c1"]) == "before\n"
    assert cells["c2"].outputs[0].ename == "ValueError"
    assert [cells[name].metadata.papermill.status for name in ("c1", "c2", "c3")] == ["completed", "failed", "pending"]
    assert notebook.metadata.mlgov["outcome"] == "failed"
    assert "papermill-error-cell-tag" in notebook.cells[0].metadata.tags


def test_a_killed_kernel_is_said_and_keeps_its_outputs(tmp_path: Path) -> None:
    kill = "import os, time\nprint('half', flush=True)\ntime.sleep(1)\nos.kill(os.getpid(), 9)"
    result, notebook = run(written(tmp_path / "a.ipynb", "print('before')", kill, "print('after')"))
    assert (result.outcome, result.failed_cell) == (Outcome.KILLED, "c2")
    assert "Cell [2] of a.ipynb did not end: the kernel was killed" in result.error
    cells = by_id(notebook)
    assert (text(cells["c1"]), text(cells["c2"])) == ("before\n", "half\n")
    assert [cells[name].metadata.papermill.status for name in ("c1", "c2", "c3")] == ["completed", "failed", "pending"]
    assert notebook.metadata.mlgov["outcome"] == "killed"
    assert "papermill-error-cell-tag" in notebook.cells[0].metadata.tags


def test_a_cell_that_takes_too_long_is_stopped(tmp_path: Path) -> None:
    result, notebook = run(written(tmp_path / "a.ipynb", "print('before')", "import time\ntime.sleep(600)"), timeout=10)
    assert result.outcome is Outcome.FAILED
    assert "Cell [2] of a.ipynb ran longer than 10 s" in result.error
    assert text(by_id(notebook)["c1"]) == "before\n"


@pytest.mark.parametrize("word", ["exit()", "quit()"])
def test_ipythons_exit_before_the_end_is_named_and_not_taken_for_a_crash(tmp_path: Path, word: str) -> None:
    """The kernel answers, then goes: the next cell was said to have been killed, out of memory perhaps."""
    result, _ = run(written(tmp_path / "a.ipynb", f"n = 1\n{word}", "print('the model is fine')"))
    assert result.outcome is Outcome.FAILED
    assert "Cell [1] of a.ipynb ended the notebook with exit(). 1 code cell after it did not run." in result.error
    last, _ = run(written(tmp_path / "b.ipynb", "n = 1", word))
    assert last.outcome is Outcome.OK, "nothing was kept from running"


def test_sys_exit_before_the_end_is_no_green_run(tmp_path: Path) -> None:
    """papermill takes `sys.exit(0)` for success; the cells behind it have not run."""
    result, _ = run(written(tmp_path / "a.ipynb", "import sys\nsys.exit(0)", "print('the model is fine')"))
    assert result.outcome is Outcome.FAILED
    assert "Cell [1] of a.ipynb ended the notebook with sys.exit(). 1 code cell after it did not run." in result.error
    result, _ = run(written(tmp_path / "b.ipynb", "1", "import sys\nsys.exit(0)"))
    assert result.outcome is Outcome.OK


def test_a_syntax_error_is_said_with_its_cell(tmp_path: Path) -> None:
    result, _ = run(written(tmp_path / "a.ipynb", "def f(:", "2", tags={1: ["mlgov:train"]}))
    assert result.outcome is Outcome.FAILED
    assert "Cell [1] of a.ipynb raised SyntaxError" in result.error


def test_a_kernel_that_cannot_record_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "share" / "kernels" / "bare"
    place.mkdir(parents=True)
    start = f"{HIDDEN}from ipykernel.kernelapp import launch_new_instance; launch_new_instance()"
    spec = {"argv": [sys.executable, "-c", start, "-f", "{connection_file}"], "display_name": "bare", "language": "python"}
    (place / "kernel.json").write_text(json.dumps(spec))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "share"))
    path = written(tmp_path / "a.ipynb", "print('ran')", metadata={"kernelspec": {"name": "bare", "display_name": "bare"}})
    with pytest.raises(NotReady, match=r'kernel "bare" cannot record this run .*jupyter_mlgov.*Nothing has run.*install jupyter-mlgov'):
        run_notebook(path, tmp_path / "out.ipynb", {}, cwd=tmp_path)
    assert not (tmp_path / "out.ipynb").exists()


def test_a_workspace_that_cannot_be_written_is_known_before_anything_runs(tmp_path: Path) -> None:
    (tmp_path / ".mlgov").mkdir()
    (tmp_path / ".mlgov" / "mlgov.db").write_bytes(b"this is no database at all" * 100)
    path = written(tmp_path / "a.ipynb", f"open({str(tmp_path / 'ran')!r}, 'w').close()")
    with pytest.raises(NotReady, match=r"cannot record this run .*Nothing has run"):
        run_notebook(path, tmp_path / "out.ipynb", {}, cwd=tmp_path)
    assert not (tmp_path / "ran").exists() and not (tmp_path / "out.ipynb").exists()


@pytest.mark.parametrize(
    ("metadata", "sentence"),
    [({}, "does not say which kernel"), ({"kernelspec": {"name": "pyhton3", "display_name": "x"}}, 'Did you mean "python3"')],
)
def test_a_notebook_without_a_usable_kernel_is_refused(tmp_path: Path, metadata: dict[str, object], sentence: str) -> None:
    path = written(tmp_path / "a.ipynb", "1", metadata=metadata)
    with pytest.raises(BadInput, match=sentence):
        run_notebook(path, tmp_path / "out.ipynb", {}, cwd=tmp_path)
    assert not (tmp_path / "out.ipynb").exists()


@pytest.mark.parametrize("key", ["metadata", "nbformat_minor"])
def test_a_notebook_without_a_key_that_every_client_needs_is_refused_in_a_sentence(tmp_path: Path, key: str) -> None:
    path = written(tmp_path / "a.ipynb", "1")
    document = json.loads(path.read_text("utf-8"))
    del document[key]
    path.write_text(json.dumps(document), "utf-8")
    with pytest.raises(BadInput, match=rf"has no `{key}`.*Write `\"{key}\": "):
        run_notebook(path, tmp_path / "out.ipynb", {}, cwd=tmp_path)
    assert not (tmp_path / "out.ipynb").exists()


def test_a_wrong_tag_is_refused_with_its_cell(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"[cC]ell \[2\].*mlgov:trian"):
        run_notebook(written(tmp_path / "a.ipynb", "1", "2", tags={2: ["mlgov:trian"]}), tmp_path / "out.ipynb", {}, cwd=tmp_path)


def test_the_notebook_itself_is_never_the_output(tmp_path: Path) -> None:
    path = written(tmp_path / "a.ipynb", "1")
    with pytest.raises(UsageError, match="would overwrite"):
        run_notebook(path, path, {}, cwd=tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageProblem, match="cannot be made"):
        run_notebook(path, tmp_path / "file" / "out.ipynb", {}, cwd=tmp_path)


def test_cells_without_ids_have_the_same_ids_in_every_run(tmp_path: Path) -> None:
    path = written(tmp_path / "a.ipynb", SEEN, "2")
    old = json.loads(path.read_text())
    old["nbformat_minor"] = 4
    for cell in old["cells"]:
        del cell["id"]
    path.write_text(json.dumps(old))
    seen = [json.loads(text(run(path)[1].cells[0]))["cellId"] for _ in range(2)]
    assert seen[0] == seen[1] != ""
    assert "id" not in json.loads(path.read_text())["cells"][0]


def test_a_name_with_braces_and_spaces_is_a_name(tmp_path: Path) -> None:
    result, _ = run(written(tmp_path / "-a {x} 'ü'.ipynb", "1"))
    assert result.outcome is Outcome.OK


def test_plain_papermill_keeps_its_features(tmp_path: Path) -> None:
    Workspace.create(tmp_path, Settings()).close()
    deep = tmp_path / "deep"
    deep.mkdir()
    written(deep / "in.ipynb", "x = 1", SEEN, "print(x)", tags={1: ["parameters"]})
    command = [
        str(Path(sys.executable).parent / "papermill"),
        "--engine",
        "mlgov",
        "--log-output",
        "--progress-bar",
        "--stdout-file",
        "told.txt",
    ]
    done = subprocess.run(
        [*command, "deep/in.ipynb", "deep/out.ipynb", "-p", "x", "41"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "Executing" in done.stderr and "cell/s" in done.stderr
    assert "41\n" in (tmp_path / "told.txt").read_text()
    notebook = nbformat.read(deep / "out.ipynb", 4)
    assert json.loads(text(by_id(notebook)["c2"]))["mlgov_notebook"] == "deep/in.ipynb"
    assert notebook.metadata.papermill.parameters == {"x": 41}
    assert notebook.metadata.papermill.duration > 0
    assert all(cell.metadata.papermill.status == "completed" and cell.metadata.papermill.duration >= 0 for cell in notebook.cells)
    wrong = subprocess.run(
        [*command, "deep/in.ipynb", "deep/wrong.ipynb", "-p", "y", "41"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert wrong.returncode != 0
    assert 'No parameter "y"' in wrong.stderr.splitlines()[-1]
    assert not (deep / "wrong.ipynb").exists()


def test_plain_papermill_says_that_the_kernel_was_killed(tmp_path: Path) -> None:
    path = written(tmp_path / "in.ipynb", "import os\nos.kill(os.getpid(), 9)")
    command = [str(Path(sys.executable).parent / "papermill"), "--engine", "mlgov", "--no-progress-bar"]
    done = subprocess.run([*command, str(path), str(tmp_path / "out.ipynb")], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 138
    assert "Cell [1] of in.ipynb did not end" in done.stderr
    assert nbformat.read(tmp_path / "out.ipynb", 4).metadata.mlgov["outcome"] == "killed"


def test_papermill_api_raises_its_own_error(tmp_path: Path) -> None:
    path = written(tmp_path / "in.ipynb", "1/0")
    with pytest.raises(papermill.PapermillExecutionError, match="ZeroDivisionError"):
        papermill.execute_notebook(path, tmp_path / "out.ipynb", engine_name="mlgov", progress_bar=False)
    assert nbformat.read(tmp_path / "out.ipynb", 4).metadata.mlgov["failed_cell"] == "c1"


def test_the_notebook_is_written_a_few_times_and_not_twice_a_cell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writes: list[float] = []
    write = GovernedManager._write
    monkeypatch.setattr(GovernedManager, "_write", lambda self: (writes.append(self.now().timestamp()), write(self)))
    result, notebook = run(written(tmp_path / "a.ipynb", *[f"x{number} = {number}" for number in range(60)]))
    assert result.outcome is Outcome.OK
    assert 2 <= len(writes) <= 3 + result.seconds / 5
    assert len(notebook.cells) == 60


def test_a_long_run_is_saved_while_it_runs(tmp_path: Path) -> None:
    """A reader sees a whole notebook at any time, with the outputs of some seconds ago."""
    saved = str(tmp_path / "runs" / "a.ipynb")
    look = "import json, time\nfor _ in range(1200):\n    print('tick', flush=True)\n"
    look += f"    found = json.load(open({saved!r}))['cells'][0]['outputs']\n"
    look += "    if found:\n        break\n    time.sleep(0.1)\nprint(found)"
    _, notebook = run(written(tmp_path / "a.ipynb", "print('first')", look))
    assert "first" in text(notebook.cells[1])
    assert [path.name for path in (tmp_path / "runs").iterdir()] == ["a.ipynb"]


def test_the_value_of_a_secret_reaches_the_kernel_and_no_file(tmp_path: Path) -> None:
    """Not the executed notebook, its metadata, the spool, the journal or an object."""
    Workspace.create(tmp_path, Settings()).close()
    path = written(tmp_path / "a.ipynb", 'key = ""  # secret\nn = 1', "print(len(key), n)", tags={1: ["parameters"], 2: ["mlgov:data"]})
    result, notebook = run(path, {"key": "hunter2-in-the-open", "n": 4})
    assert result.outcome is Outcome.OK and text(notebook.cells[2]) == "19 4\n"
    holding = [one for one in tmp_path.rglob("*") if one.is_file() and b"hunter2" in one.read_bytes()]
    assert holding == []


CONNECTION = "import ipykernel.connect as c; print(c.get_connection_info(unpack=True)['transport'], c.get_connection_file())"


def test_a_kernel_of_this_machine_is_reached_by_no_port_and_leaves_no_socket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A port that another run of this minute picked as well would end one of the two. Where the path is too long it is a port."""
    _, notebook = run(written(tmp_path / "a.ipynb", CONNECTION))
    transport, file = text(notebook.cells[0]).split()
    assert transport == "ipc"
    assert not Path(file).parent.exists(), "sockets, keys and folder go with the run"
    assert sorted(path.name for path in tmp_path.iterdir() if "ipc" in path.name) == []

    long = tmp_path / ("deep" * 20)
    long.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(long))
    _, notebook = run(written(tmp_path / "b.ipynb", CONNECTION))
    assert text(notebook.cells[0]).split()[0] == "tcp"


SLOW_BEHIND_ITS_REPLY = """
import time

def behind(handlers):
    real = handlers["kernel_info_request"]
    async def slow(*message):
        await real(*message)
        time.sleep(0.7)
    handlers["kernel_info_request"] = slow

behind(get_ipython().kernel.shell_handlers)
"""


def test_an_idle_kernel_is_asked_to_go_and_not_interrupted(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """jupyter_client begins each shutdown with an interrupt; one that meets the end of the last message is an ERROR over a good run."""
    result, _ = run(written(tmp_path / "a.ipynb", SLOW_BEHIND_ITS_REPLY))
    assert result.outcome is Outcome.OK
    assert "KeyboardInterrupt" not in capfd.readouterr().err
