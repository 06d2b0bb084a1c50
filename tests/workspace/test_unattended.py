"""Jobs that nobody watches: an exported folder as a pipeline, limits and retries of steps, one token one run, two at once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest
from click.testing import CliRunner

from jupyter_mlgov.cli import mlgov
from jupyter_mlgov.core.errors import BadInput, UsageError
from jupyter_mlgov.core.settings import Settings
from jupyter_mlgov.pipelines.plan import Deployment
from jupyter_mlgov.workspace import Workspace
from jupyter_mlgov.workspace.exported import exported_pipeline
from jupyter_mlgov.workspace.jobs import export_notebook
from jupyter_mlgov.workspace.pipelines import run_folder, run_pipeline
from jupyter_mlgov.workspace.stepping import step_book

PYTHON = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}, "language_info": {"name": "python"}}
NAME = "jobb/två steg.ipynb"
CELLS = (
    (["parameters"], "n: int = 3  # 1..9\nfactor: float = 2.0\npin: str = ''  # secret"),
    ([], "def times(values):\n    return sum(values) * factor"),
    (["mlgov:data"], "numbers = list(reversed([1.5] * n))"),
    (["mlgov:evaluate"], "total = times(numbers)"),
)  # fmt: skip


def written(root: Path, cells: tuple[tuple[list[str], str], ...] = CELLS, more: str = "") -> Workspace:
    path = root / NAME
    path.parent.mkdir(parents=True)
    made = [nbformat.v4.new_code_cell(source, id=f"c{number}", metadata={"tags": tags}) for number, (tags, source) in enumerate(cells, 1)]
    nbformat.write(nbformat.v4.new_notebook(cells=made, metadata=PYTHON), path)
    (root / "mlgov.toml").write_text(f'[model]\nname = "m"\ntier = 3\n[policy]\npacks = ["optional"]\n{more}')
    return Workspace.create(root, Settings(deliver="manual"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of exported steps in a workspace of its own."""
    workspace = written(tmp_path / "w ö")
    paths = export_notebook(workspace, NAME, ("papermill",), None, deployment=Deployment(per_step=True), unproven=True)
    workspace.close()
    return paths[0].parent


def asked(folder: Path, *words: str) -> Any:
    root = folder.parent.parent
    return CliRunner().invoke(mlgov, ["run", str(folder), "-w", str(root), "--format", "json", *words], standalone_mode=True)


def test_a_dry_run_says_everything_and_runs_nothing(folder: Path) -> None:
    told = json.loads(asked(folder, "--dry-run", "-p", "n=5").stdout)
    assert told == {
        "notebook": NAME,
        "parameters": {"n": "5", "factor": "2.0", "pin": "(secret)"},
        "steps": ["data", "evaluate"],
        "kept": [],
        "then": ["validate", "promote staging"],
    }
    text = CliRunner().invoke(mlgov, ["run", str(folder.parent / Path(NAME).name), "-w", str(folder.parent.parent), "--dry-run"]).stdout
    assert "would run in one kernel" in text and text.endswith("Nothing ran.\n")
    assert isinstance(asked(folder, "--dry-run", "-p", "m=5").exception, UsageError)
    workspace = Workspace(folder.parent.parent, Settings())
    assert not list(workspace.journal.entries(actions=("session.started", "pipeline.started")))
    workspace.close()


def test_a_changed_step_is_not_run_and_an_empty_folder_is_no_pipeline(folder: Path, tmp_path: Path) -> None:
    workspace = Workspace(folder.parent.parent, Settings())
    book = exported_pipeline(workspace, folder).book
    assert [(one.name, one.after, dict(one.takes)) for one in book.graph.steps] == [
        ("data", (), {}), ("evaluate", ("data",), {"numbers": "data"}),
    ]  # fmt: skip
    step = folder / "01-data.ipynb"
    step.write_text(step.read_text().replace("[1.5]", "[2.5]"))
    with pytest.raises(BadInput, match="was changed since it was exported"):
        exported_pipeline(workspace, folder)
    with pytest.raises(BadInput, match=r"holds no exported steps.*--per-step"):
        exported_pipeline(workspace, tmp_path)
    workspace.close()


@pytest.mark.slow
def test_an_exported_folder_runs_once_for_a_schedule_and_asks_at_the_gate(folder: Path) -> None:
    """Also without the notebook that it was made from: the folder is the job."""
    root = folder.parent.parent
    done = asked(folder, "-p", "n=4", "--schedule-id", "nightly:2026-11-24", "--then", "validate")
    told = json.loads(done.stdout)
    assert told["outcome"] == "ok" and "token nightly:2026-11-24" in told["sentence"], told
    workspace = Workspace(root, Settings())
    recorded = workspace.lineage(NAME)
    assert (recorded.metrics, recorded.parameters["n"]) == ({"total": 12.0}, 4)
    entries = list(workspace.journal.entries(actions=("step.finished",)))
    assert [entry.payload["step"] for entry in entries] == ["data", "evaluate"]
    assert all(entry.payload["memory_bytes"] > 1e7 and entry.payload["seconds"] > 0 for entry in entries)
    again = json.loads(asked(folder, "-p", "n=4", "--schedule-id", "nightly:2026-11-24", "--then", "validate").stdout)
    assert "nothing ran again" in again["sentence"]
    assert len(list(workspace.journal.entries(actions=("step.finished",)))) == 2
    kept = json.loads(asked(folder, "-p", "n=4", "--token", "nightly:2026-11-24", "--resume", "--dry-run").stdout)
    assert (kept["kept"], kept["steps"]) == (["data", "evaluate"], [])
    workspace.close()


FLAKY = """\
import pathlib
tried = pathlib.Path('tried.txt')
tried.write_text(tried.read_text() + 'x' if tried.exists() else 'x')
if len(tried.read_text()) == 1:
    raise OSError('the first try never works')
numbers = [1.5] * n"""
SLOW = "import time\ntotal = len(numbers) * 1.0\ntime.sleep(120)"


@pytest.mark.slow
def test_a_step_is_tried_again_as_often_as_the_team_says_and_stopped_in_its_time(tmp_path: Path) -> None:
    rules = "[pipelines]\nretries = 1\n[pipelines.step.evaluate]\ntimeout = 2\nretries = 0\n"
    workspace = written(tmp_path, (CELLS[0], (["mlgov:data"], FLAKY), (["mlgov:evaluate"], SLOW)), rules)
    said: list[str] = []
    done = run_pipeline(workspace, step_book(tmp_path / NAME, NAME), {}, token="t", say=said.append)
    assert [(one.step, one.outcome) for one in done.steps] == [("data", "ok"), ("evaluate", "failed")]
    assert "ran longer than" in done.sentence and done.seconds < 100
    (retried,) = workspace.journal.entries(actions=("step.retried",))
    assert "the first try never works" in retried.payload["problem"] and "step 1 of 2 data, again (1 of 1)" in said
    assert {one.step.label: str(one.state) for one in workspace.lineage(NAME).steps} == {"data": "fresh", "evaluate": "failed"}
    workspace.close()


@pytest.mark.slow
def test_two_runs_at_once_do_not_mix(tmp_path: Path) -> None:
    """Two processes, two tokens, two parameters, one notebook, one trail."""
    workspace = written(tmp_path)
    words = [sys.executable, "-m", "jupyter_mlgov.cli", "run", str(tmp_path / NAME), "-w", str(tmp_path)]
    started = {
        n: subprocess.Popen([*words, "--token", f"run-{n}", "-p", f"n={n}"], stdout=subprocess.PIPE, text=True, env=dict(os.environ))
        for n in (2, 5)
    }
    assert [one.wait(300) for one in started.values()] == [0, 0]
    for one in started.values():
        one.communicate()
    for n in (2, 5):
        manifest = json.loads((run_folder(workspace, f"run-{n}") / "data" / "step.json").read_text())
        assert (manifest["parameters"], manifest["pipeline"]) == ({"n": str(n)}, f"run-{n}")
        assert manifest["values"]["numbers"]["content"] == [{"type": "float", "value": (1.5).hex()}] * n
    starts = {entry.payload["id"]: entry.payload["pipeline"] for entry in workspace.journal.entries(actions=("session.started",))}
    cells = workspace.journal.entries(actions=("cell.finished",))
    totals = {starts[cell.payload["session"]]: cell.payload["metrics"] for cell in cells if cell.payload.get("metrics")}
    assert totals == {"run-2": {"total": 6.0}, "run-5": {"total": 15.0}}
    assert len(workspace.lineage(NAME).metrics) == 1, "what is shown is one of the runs, whole"
    workspace.close()
