"""The recorder in a real kernel: tags, failures, syntax errors, a kill in the middle of a cell."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.manager import start_new_kernel

from jupyter_mlgov.lineage.facts import CellRun, Lineage, Outcome, StepState
from jupyter_mlgov.workspace import Workspace

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]


class Kernel:
    """A kernel and what its cells said, driven as JupyterLab and our papermill engine drive it: the metadata goes with each cell."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.manager, self.client = start_new_kernel(kernel_name="python3", cwd=str(folder), startup_timeout=120)
        self.ask("%load_ext jupyter_mlgov")

    def send(self, source: str, *tags: str, cell: str = "", **metadata: str) -> str:
        self.client.session.metadata = {
            "tags": list(tags),
            "cellId": cell,
            "mlgov_notebook": "credit.ipynb",
            "mlgov_host": "papermill",
            **metadata,
        }
        return str(self.client.execute(source))

    def ask(self, source: str, *tags: str, cell: str = "", **metadata: str) -> str:
        """Run a cell to its end; what it printed and the error, if any."""
        return self.listen(self.send(source, *tags, cell=cell, **metadata))

    def listen(self, asked: str) -> str:
        said = ""
        while True:
            message = self.client.get_iopub_msg(timeout=60)
            if message["parent_header"].get("msg_id") != asked:
                continue
            content: dict[str, Any] = message["content"]
            said += content.get("text", "") + content.get("evalue", "") + content.get("data", {}).get("text/plain", "")
            if message["msg_type"] == "status" and content["execution_state"] == "idle":
                return said

    def lineage(self) -> Lineage:
        workspace = Workspace(self.folder)
        try:
            return workspace.lineage("credit.ipynb")
        finally:
            workspace.close()

    def run(self, cell: str) -> CellRun:
        return next(run for run in self.lineage().runs if run.cell_id == cell)


@pytest.fixture
def kernel(tmp_path: Path) -> Iterator[Kernel]:
    made = Kernel(tmp_path)
    yield made
    made.client.stop_channels()
    if made.manager.is_alive():
        made.manager.shutdown_kernel(now=True)
    made.manager.cleanup_resources()


def test_a_notebook_is_recorded_cell_by_cell(kernel: Kernel) -> None:
    said = kernel.ask("limit = 3", "parameters", cell="p")
    assert said.count("made a workspace") == 1
    kernel.ask("import pandas as pd\ntable = pd.DataFrame({'a': range(limit)})\ntable.to_csv('t.csv')", "mlgov:data", "keep", cell="d")
    kernel.ask("%time total = int(table.a.sum())", "mlgov:evaluate:total", cell="e")
    lineage = kernel.lineage()
    parameters, data, evaluate = lineage.runs
    assert lineage.session is not None and lineage.session.host == "papermill"
    assert parameters.parameters == {"limit": 3}
    assert (data.tags, str(data.step), data.reads) == (("mlgov:data", "keep"), "mlgov:data", ("limit",))
    assert [ref.path for ref in data.files_written] == ["t.csv"]
    assert [ref.name for ref in data.outputs] == ["table"] and "pandas" in data.distributions
    assert str(evaluate.step) == "mlgov:evaluate:total" and evaluate.inputs == data.outputs
    assert {run.outcome for run in lineage.runs} == {Outcome.OK}
    assert [status.state for status in lineage.steps] == [StepState.FRESH, StepState.FRESH]


def test_failures_are_recorded_as_what_they_are(kernel: Kernel) -> None:
    kernel.ask("a = 1\n1 / 0", "mlgov:data", cell="f")
    kernel.ask("b = = 2", "mlgov:train", cell="s")
    kernel.ask("%%mlgov step features\nc = = 2", cell="t")
    kernel.ask("import asyncio\nawait asyncio.sleep(0)\nd = 1", "mlgov:evaluate", cell="a")
    kernel.ask("raise KeyboardInterrupt", "mlgov:report", cell="k")
    found = {run.cell_id: (run.outcome, run.error) for run in kernel.lineage().runs}
    assert found["f"] == (Outcome.FAILED, "ZeroDivisionError: division by zero")
    assert found["s"][0] is Outcome.SYNTAX and found["s"][1].startswith("SyntaxError")
    assert found["t"][0] is Outcome.SYNTAX
    assert found["a"] == (Outcome.OK, "")
    assert found["k"][0] is Outcome.FAILED
    assert kernel.run("f").writes == ("a",)


def test_a_bad_tag_is_one_sentence_and_the_cell_runs(kernel: Kernel) -> None:
    said = kernel.ask("print('ran')", "mlgov:trian", cell="c7")
    assert "ran" in said and said.count("c7") == 1 and "Did you mean `mlgov:train`?" in said
    assert kernel.run("c7").step is None and kernel.run("c7").gaps


def test_a_step_by_magic_is_the_same_step(kernel: Kernel) -> None:
    assert "42" in kernel.ask("%%mlgov step evaluate:answer\nauc = 0.5\n6 * 7", cell="m")
    run = kernel.run("m")
    assert (str(run.step), run.writes, run.metrics) == ("mlgov:evaluate:answer", ("auc",), {"auc": 0.5})


def test_a_kernel_killed_in_a_cell_leaves_a_truthful_record(kernel: Kernel) -> None:
    kernel.ask("import os\npid = os.getpid()", "mlgov:data", cell="c1")
    kernel.send("import time\nopen('began', 'w').close()\ntime.sleep(60)", "mlgov:train", cell="c2")
    until = time.monotonic() + 60
    while not (kernel.folder / "began").exists() and time.monotonic() < until:
        time.sleep(0.05)
    assert kernel.run("c2").outcome is Outcome.RUNNING, "the start was on disk before the code ran, and the kernel lives"
    os.kill(int(kernel.manager.provisioner.pid), signal.SIGKILL)
    kernel.manager.provisioner.process.wait(timeout=30)
    assert [run.outcome for run in kernel.lineage().runs] == [Outcome.OK, Outcome.KILLED]
    assert [status.state for status in kernel.lineage().steps] == [StepState.FRESH, StepState.KILLED]
    workspace = Workspace(kernel.folder)
    assert workspace.audit().ok
    workspace.close()


def test_a_kernel_that_shuts_down_ends_its_session(kernel: Kernel) -> None:
    kernel.ask("x = 1", cell="c1")
    kernel.client.shutdown()
    kernel.manager.provisioner.process.wait(timeout=60)
    workspace = Workspace(kernel.folder)
    ends = list(workspace.journal.entries(actions=("session.ended",)))
    workspace.close()
    assert [entry.payload["outcome"] for entry in ends] == ["closed"]


def test_deleted_cells_and_what_a_called_function_reads_are_recorded(kernel: Kernel) -> None:
    """JupyterLab names the cells that were deleted since the last execution; `f` reads `limit` where it is called."""
    kernel.ask("def f():\n    return limit", cell="f")
    kernel.ask("limit = 3", cell="limit")
    kernel.ask("x = f()", cell="x", deletedCells=["old"])  # type: ignore[arg-type]  # JupyterLab sends a list
    assert kernel.run("x").reads == ("f", "limit")
    assert kernel.run("x").deleted == ("old",)
    assert kernel.run("f").reads == ()


def test_a_front_end_without_metadata_is_recorded_too(kernel: Kernel) -> None:
    kernel.client.session.metadata = {}
    kernel.listen(str(kernel.client.execute("x = 1")))
    workspace = Workspace(kernel.folder)
    assert workspace.notebooks() == ("ipython",)
    assert [run.cell_id for run in workspace.lineage("ipython").runs] == ["in-1"]
    workspace.close()


def test_a_silent_cell_is_no_cell(kernel: Kernel) -> None:
    kernel.ask("x = 1", cell="c1")
    kernel.listen(str(kernel.client.execute("y = 2", silent=True)))
    assert [run.cell_id for run in kernel.lineage().runs] == ["c1"]
