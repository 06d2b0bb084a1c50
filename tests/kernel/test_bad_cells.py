"""Cells that bite: whatever a cell holds or does, it runs as without us, and the record tells what it can."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlgov.lineage.facts import CellRun, Outcome
from jupyter_mlgov.workspace import Workspace
from tests.kernel.test_load import shell
from tests.lineage.test_recorder import Bench

# label -> the cell's source; each leaves True in `ok_LABEL`.
CELLS = {
    "eq": "class Eq:\n    def __eq__(self, other): raise RuntimeError\n    __hash__ = None\neq = [Eq(), Eq()]\nok_eq = True",
    "len": (
        "class Len(dict):\n    def __len__(self): raise RuntimeError\n    def __iter__(self): raise RuntimeError\n"
        "bad = Len()\nok_len = True"
    ),
    "repr": "class Repr:\n    def __repr__(self): raise RuntimeError\nshown = Repr()\nok_repr = True",
    "class": (
        "class Lies:\n    @property\n    def __class__(self): raise RuntimeError\n"
        "    def __getattr__(self, name): raise RuntimeError\nlies = Lies()\nok_class = True"
    ),
    "mutate": "bad['x'] = 1\neq.append(lies)\nok_mutate = True",
    "cycle": "circle = []\ncircle.append(circle)\ntree = {}\ntree['tree'] = tree\nok_cycle = True",
    "generator": "numbers = (n for n in range(3))\nother = iter([1, 2])\nok_generator = True",
    "consumed": "ok_consumed = list(numbers) == [0, 1, 2] and list(other) == [1, 2]",
    "nested": "get_ipython().run_cell('inner = 1')\nok_nested = inner == 1",
    "run": "%run -i other.py\nok_run = from_file == 7",
    "await": "import asyncio\nawait asyncio.sleep(0)\nok_await = True",
    "thread": "import threading\nt = threading.Thread(target=lambda: open('t.txt', 'w').close())\nt.start(); t.join()\nok_thread = True",
    "fork": ("import os\npid = os.fork()\nif pid == 0:\n    os._exit(0)\nok_fork = os.waitpid(pid, 0)[1] == 0"),
    "environ": (
        "import os\nos.environ['MLGOV_Y'] = 'z'\nok_environ = os.environ.copy()['MLGOV_Y'] == 'z' and os.environ == dict(os.environ)"
    ),
    "surrogate": "text = 'a\\udc80b'\nd = {text: text}\nok_surrogate = True",
    "autoreload": "%load_ext autoreload\n%autoreload 2\nimport module\nok_autoreload = module.value == 1",
    "unknown": "%nosuchmagic\n",
    "unwritable": "try: open('/proc/no/such')\nexcept OSError: ok_unwritable = True",
}


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], dict[str, CellRun]]:
    """All of CELLS in one shell, in order: what the shell says of each, and what the trail says."""
    folder = tmp_path_factory.mktemp("cells")
    (folder / "other.py").write_text("from_file = 7\n")
    (folder / "module.py").write_text("value = 1\n")
    program = f"""
import contextlib, io, warnings
warnings.simplefilter('ignore')
sys.path.insert(0, os.getcwd())
shell.run_line_magic('load_ext', 'jupyter_mlgov')
told = {{}}
for label, source in {CELLS!r}.items():
    said = io.StringIO()
    with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()):
        result = shell.run_cell(source, store_history=True, cell_id=label)
    told[label] = [result.success, shell.user_ns.get('ok_' + label) is True, said.getvalue()]
"""
    told = shell(folder, program)
    workspace = Workspace(folder)
    runs = {run.cell_id: run for run in workspace.lineage("ipython").runs}
    assert workspace.audit().ok
    workspace.close()
    return told, runs


@pytest.mark.parametrize("label", [label for label in CELLS if label != "unknown"])
def test_a_cell_that_bites_runs_and_is_recorded(ran: tuple[dict[str, Any], dict[str, CellRun]], label: str) -> None:
    told, runs = ran
    success, ok, said = told[label]
    assert success and ok, said
    assert "stumbled" not in said
    assert runs[label].outcome is Outcome.OK
    assert not [gap for gap in runs[label].gaps if "stumbled" in gap]


def test_a_magic_nobody_knows_is_recorded_as_it_is(ran: tuple[dict[str, Any], dict[str, CellRun]]) -> None:
    assert "unknown" in ran[1]


def test_what_the_awkward_cells_did_is_known(ran: tuple[dict[str, Any], dict[str, CellRun]]) -> None:
    runs = ran[1]
    assert [ref.path for ref in runs["thread"].files_written] == ["t.txt"]
    assert "(fork)" in runs["fork"].surroundings.programs
    assert "*" in runs["environ"].surroundings.variables
    assert set(runs) == set(CELLS), "a cell inside a cell is no cell of its own"


def test_lazy_frames_are_not_executed_for_us(tmp_path: Path) -> None:
    """A lazy frame whose computation would fail is carried through a tagged step untouched."""
    bench = Bench(tmp_path)
    run = bench.run(
        "import polars as pl\ncalled = []\n"
        "lazy = pl.LazyFrame({'a': [1]}).map_batches(lambda frame: called.append(1) or frame)\nscored = lazy",
        "mlgov:features",
    )
    bench.run("again = lazy", "mlgov:train")
    bench.recorder.close()
    assert bench.names["called"] == [] and run.error == ""


def test_a_data_file_that_changes_while_it_is_read_has_no_digest_and_a_gap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in.csv").write_text("a\n1\n")
    os.utime(tmp_path / "in.csv", (1, 1))
    bench = Bench(tmp_path)
    outside = [sys.executable, "-c", "with open('in.csv', 'a') as f: f.write('2')"]
    run = bench.run(f"text = P('in.csv').read_text()\nimport subprocess\nsubprocess.run({outside!r}, check=True)", cell="c")
    bench.recorder.close()
    assert [(ref.path, ref.digest) for ref in run.files_read] == [("in.csv", None)]
    assert any("changed while the cell read it" in gap for gap in run.gaps)


def test_an_interrupt_inside_the_recorder_leaves_the_cell_and_a_gap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from jupyter_mlgov.lineage import boundary

    monkeypatch.chdir(tmp_path)
    bench = Bench(tmp_path)

    def interrupted(*_: object) -> None:
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(boundary, "references", interrupted)
    run = bench.run("x = 1", "mlgov:train", cell="c")
    assert bench.names["x"] == 1 and run.outcome is Outcome.OK
    assert any("KeyboardInterrupt" in gap for gap in run.gaps)
    assert bench.runs() == (run,)
    bench.recorder.close()


def test_where_the_spool_cannot_be_written_cells_run_it_is_said_once_and_a_gap_follows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk, as the kernel sees it: a tmpfs would need rights that tests have not got, so the write itself fails."""
    monkeypatch.chdir(tmp_path)
    bench = Bench(tmp_path)
    real = os.write

    def full(file: int, content: bytes) -> int:
        raise OSError(28, "No space left on device")

    first = bench.run("a = 1", cell="c1")
    monkeypatch.setattr(os, "write", full)
    second, third = bench.run("b = 2", cell="c2"), bench.run("c = 3", cell="c3")
    assert len(bench.said) == 1 and "No space left" in bench.said[0] and bench.recorder.waiting == 4
    monkeypatch.setattr(os, "write", real)
    fourth = bench.run("d = 4", cell="c4")
    assert bench.runs() == (first, second, third, fourth)
    (gap,) = bench.entries("recording.gap")
    assert "No space left" in str(gap.payload["problem"]) and len(bench.said) == 1
    bench.recorder.close()


def test_an_interrupted_cell_is_recorded_as_failed_and_the_next_one_runs(tmp_path: Path) -> None:
    program = """
import os, signal, warnings
warnings.simplefilter('ignore')
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
shell.run_line_magic('load_ext', 'jupyter_mlgov')
shell.run_cell('import os, signal\\nos.kill(os.getpid(), signal.SIGINT)\\nwhile True: pass', store_history=True, cell_id='c1')
shell.run_cell('x = 1', store_history=True, cell_id='c2')
os._exit(0)
"""
    subprocess.run([sys.executable, "-c", program], cwd=tmp_path, check=True, timeout=120, capture_output=True)
    workspace = Workspace(tmp_path)
    runs = workspace.lineage("ipython").runs
    workspace.close()
    assert [(run.cell_id, run.outcome) for run in runs] == [("c1", Outcome.FAILED), ("c2", Outcome.OK)]
