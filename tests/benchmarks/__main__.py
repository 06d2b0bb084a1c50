"""`make bench`: the figures the house was asked for, each with its peer and the machine's load."""

from __future__ import annotations

import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import nbformat

from tests.benchmarks.dataflow import dataflow
from tests.benchmarks.documents import documents
from tests.benchmarks.drift import DRIFT
from tests.benchmarks.exporter import scrapes
from tests.benchmarks.fairness import FIGURES as FAIRNESS
from tests.benchmarks.fingerprints import fingerprint_memory, fingerprints
from tests.benchmarks.measure import Figure, command, in_turns
from tests.benchmarks.opening import opening
from tests.benchmarks.personal import personal_data
from tests.benchmarks.portfolio import portfolios
from tests.benchmarks.serving import SERVING
from tests.benchmarks.trail import commits, first_question, million
from tests.benchmarks.validation import judgements
from tests.benchmarks.watching import WATCHING

PYTHON = sys.executable
BIN = Path(sys.executable).parent
CELLS = 200
NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"


def load_ext() -> Figure:
    """`%load_ext jupyter_mlgov` in a fresh shell, less the bare shell, against `import mlflow`."""
    shell = "import time; from IPython.core.interactiveshell import InteractiveShell as S; s = S.instance(); "
    timed = "t = time.perf_counter(); {}; open(1, 'w').write(str(time.perf_counter() - t))"

    def inside(what: str) -> Callable[[], float]:
        import subprocess

        def run() -> float:
            done = subprocess.run([PYTHON, "-c", shell + timed.format(what)], capture_output=True, text=True, check=True)
            return float(done.stdout.strip().splitlines()[-1])

        return run

    ours, peer = in_turns(inside("s.run_line_magic('load_ext', 'jupyter_mlgov')"), inside("import mlflow"))
    return Figure(name="%load_ext jupyter_mlgov / import mlflow", ours=ours, peer=peer, unit="s", asked="< 0.05", holds=ours / peer < 0.05)


def trivial_cell() -> list[Figure]:
    """A trivial cell with 500 others behind it: what the recorder adds, by the clock and by the work of the cell's own thread.

    On a busy machine the clock's 99th percentile is the machine's; the thread's is the recorder's.
    """
    figures = []
    for clock in ("perf_counter", "thread_time"):
        with tempfile.TemporaryDirectory() as name:
            pairs = [tuple(_cells(which, name, count=500, behind=500, clock=clock) for which in (None, "jupyter_mlgov")) for _ in range(3)]
        plain, recorded = ([time * 1000 for pair in pairs for time in pair[side]] for side in (0, 1))
        for what, place, limit in (("median", 0.5, 0.5), ("p99", 0.99, 2.0)):
            ours, peer = _quantile(recorded, place), _quantile(plain, place)
            title = f"a trivial cell, 500 behind it, {what} ({clock}): with / without"
            figures.append(Figure(name=title, ours=ours, peer=peer, unit="ms", asked=f"+ < {limit} ms", holds=ours - peer < limit))
    return figures


def _quantile(times: list[float], place: float) -> float:
    return sorted(times)[min(len(times) - 1, int(len(times) * place))]


def hot_loop() -> Figure:
    """Twenty million turns of a loop in one cell: long enough that the cell's own cost does not show."""
    loop = "total = 0\nfor number in range(20_000_000):\n    total += number"
    with tempfile.TemporaryDirectory() as name:
        recorded, plain = in_turns(
            lambda: statistics.median(_cells("jupyter_mlgov", name, loop, 3)),
            lambda: statistics.median(_cells(None, name, loop, 3)),
            runs=3,
        )
    name = "a hot loop with / without the recorder"
    return Figure(name=name, ours=recorded, peer=plain, unit="s", asked="no difference", holds=recorded / plain < 1.05)


def _cells(
    extension: str | None, folder: str, source: str = "x = 1", count: int = 300, behind: int = 1, clock: str = "perf_counter"
) -> list[float]:
    """Seconds of each of `count` runs of a cell in a fresh interpreter, `behind` other cells with a name each having run before."""
    import json
    import subprocess

    program = f"""
import json, os, time
os.chdir({folder!r})
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
if {extension!r}:
    shell.run_line_magic('load_ext', {extension!r})
for number in range({behind}):
    shell.run_cell(f'warm{{number}} = 1', store_history=True)
times = []
for _ in range({count}):
    start = time.{clock}()
    shell.run_cell({source!r}, store_history=True)
    times.append(time.{clock}() - start)
print(json.dumps(times))
"""
    done = subprocess.run([PYTHON, "-c", program], capture_output=True, text=True, check=True)
    found: list[float] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def many_cells() -> list[Figure]:
    """200 trivial cells: our papermill engine against papermill's own, and nbclient for the scale."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / ".mlgov").mkdir()
        notebook = nbformat.v4.new_notebook(
            cells=[nbformat.v4.new_code_cell(f"x{number} = {number}") for number in range(CELLS)],
            metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
        )
        nbformat.write(notebook, folder / "in.ipynb")
        ours, peer = in_turns(_papermill(folder, "mlgov"), _papermill(folder, "nbclient"), runs=3)
        client = command([PYTHON, "-c", f"import nbformat, nbclient; nbclient.execute(nbformat.read({str(folder / 'in.ipynb')!r}, 4))"])
        bare = statistics.median(client() for _ in range(2))
    name = f"{CELLS} trivial cells, governed papermill"
    more = (ours - peer) / CELLS * 1000
    return [
        Figure(name=f"{name} / plain papermill", ours=ours, peer=peer, unit="s", asked="<= 1", holds=ours <= peer),
        Figure(name=f"{name}, more a cell", ours=more, peer=10.0, unit="ms", asked="< 10 ms", holds=more < 10),
        Figure(name=f"{name} / nbclient alone", ours=ours, peer=bare, unit="s", asked="(for the scale)", holds=True),
    ]


def _papermill(folder: Path, engine: str, notebook: str = "in.ipynb", *more: str) -> Callable[[], float]:
    source, output = str(folder / notebook), str(folder / f"out-{engine}.ipynb")
    # MLflow is told by a process of its own after the run; here it would only take turns away from the next one.
    env = {"MLGOV_DELIVER": "manual"}
    return command([str(BIN / "papermill"), "--engine", engine, "--cwd", str(folder), "--no-progress-bar", source, output, *more], env)


def demo() -> Figure:
    """The credit notebook: governed, against plain papermill on the same cells without our magics."""
    from jupyter_mlgov.core.settings import Settings
    from jupyter_mlgov.workspace.demo import NOTEBOOK, prepare

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "demo"
        prepare(folder, Settings(), print)
        notebook = nbformat.read(folder / NOTEBOOK, 4)
        notebook.cells = [cell for cell in notebook.cells if "mlgov" not in cell.source.splitlines()[0]]
        nbformat.write(notebook, folder / "bare.ipynb")
        ours, peer = in_turns(_papermill(folder, "mlgov", "bare.ipynb"), _papermill(folder, "nbclient", "bare.ipynb"), runs=3)
        shutil.rmtree(folder)
    name = "the credit notebook, governed / plain papermill"
    return Figure(name=name, ours=ours, peer=peer, unit="s", asked="< 1.05 x + 1 s", holds=ours < 1.05 * peer + 1)


def tours() -> list[Figure]:
    """The fraud notebook (its million rows) and the trading signal: governed, against plain papermill on the same cells."""
    from jupyter_mlgov.core.settings import Settings
    from jupyter_mlgov.workspace import Workspace

    figures = []
    for name in ("fraud", "trading_signal"):
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place)
            Workspace.create(folder, Settings()).close()
            shutil.copyfile(NOTEBOOKS / f"{name}.mlgov.toml", folder / "mlgov.toml")
            notebook = nbformat.read(NOTEBOOKS / f"{name}.ipynb", 4)
            notebook.cells = [cell for cell in notebook.cells if "mlgov" not in cell.source.splitlines()[0]]
            nbformat.write(notebook, folder / "bare.ipynb")
            ours, peer = in_turns(_papermill(folder, "mlgov", "bare.ipynb"), _papermill(folder, "nbclient", "bare.ipynb"), runs=2)
        title = f"the {name.replace('_', ' ')} notebook, governed / plain papermill"
        figures.append(Figure(name=title, ours=ours, peer=peer, unit="s", asked="< 1.05 x + 1 s", holds=ours < 1.05 * peer + 1))
    return figures


def help_page() -> list[Figure]:
    """`mlgov --help` against dvc's and MLflow's."""
    ours, dvc = in_turns(command([str(BIN / "mlgov"), "--help"]), command([str(BIN / "dvc"), "--help"]))
    mlflow = command([str(BIN / "mlflow"), "--help"])()
    return [
        Figure(name="mlgov --help / dvc --help", ours=ours, peer=dvc, unit="s", asked="< 0.2 s", holds=ours < 0.2),
        Figure(name="mlgov --help / mlflow --help", ours=ours, peer=mlflow, unit="s", asked="(for the scale)", holds=True),
    ]


def main() -> None:
    print(f"load {os.getloadavg()[0]:.2f} on {os.cpu_count()} cores, Python {sys.version.split()[0]}, {time.strftime('%Y-%m-%d %H:%M')}")
    figures = (load_ext, trivial_cell, hot_loop, many_cells, demo, tours, help_page, dataflow, fingerprints, fingerprint_memory)
    for take in (
        *figures,
        *FAIRNESS,
        personal_data,
        commits,
        million,
        first_question,
        judgements,
        documents,
        opening,
        scrapes,
        *DRIFT,
        *WATCHING,
        portfolios,
        *SERVING,
    ):
        taken = take()
        for figure in taken if isinstance(taken, list) else [taken]:
            print(figure, flush=True)
    print(f"load {os.getloadavg()[0]:.2f}")


if __name__ == "__main__":  # verification starts processes of its own, which read this file again
    main()
