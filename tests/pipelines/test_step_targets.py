"""Targets that run step by step, run for real: DVC runs again only what depends on a change, papermill runs a notebook for each step."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import nbformat
import papermill
import pytest
import yaml
from papermill.exceptions import PapermillExecutionError

from jupyter_mlgov.core.errors import NotReady, UsageError
from jupyter_mlgov.core.settings import Settings
from jupyter_mlgov.pipelines.plan import Deployment
from jupyter_mlgov.workspace import Workspace
from jupyter_mlgov.workspace.jobs import export_notebook

pytestmark = pytest.mark.slow

PYTHON = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}, "language_info": {"name": "python"}}
NAME = "ett steg.ipynb"
CELLS = (
    (["parameters"], "rows: int = 3  # 1..9\nfactor: float = 2.0"),
    (["mlgov:data"], "numbers = [number * 1.0 for number in range(rows)]\nnumbers.append(float(open('data/x.csv').read()))"),
    (["mlgov:evaluate"], "total = sum(numbers) * factor"),
)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """A workspace with a notebook of two steps, exported without its proof, which has tests of its own."""
    root = tmp_path / "ö rt"
    (root / "data").mkdir(parents=True)
    (root / "data" / "x.csv").write_text("10")
    (root / "mlgov.toml").write_text('[model]\nname = "m"\n')
    cells = [nbformat.v4.new_code_cell(source, id=f"c{number}", metadata={"tags": tags}) for number, (tags, source) in enumerate(CELLS, 1)]
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=PYTHON), root / NAME)
    return Workspace.create(root, Settings())


def test_dvc_runs_again_only_what_depends_on_the_parameter(workspace: Workspace) -> None:
    root = workspace.root
    export_notebook(workspace, NAME, ("dvc",), None, unproven=True)
    assert [one.subject for one in workspace.journal.entries(actions=("export.unproven",))] == [NAME]
    stages = yaml.safe_load((root / "dvc.yaml").read_text())["stages"]
    assert list(stages) == ["data", "evaluate", "gate"] and stages["evaluate"]["params"] == ["factor"]
    # Without a recorded run nobody knows what `data` reads, so it says always_changed; here it reads one known file.
    text = (root / "dvc.yaml").read_text().replace("    always_changed: true\n", "")
    (root / "dvc.yaml").write_text(text)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path}

    def dvc(*words: str) -> str:
        done = subprocess.run([sys.executable, "-m", "dvc", *words], cwd=root, capture_output=True, text=True, check=False, env=environment)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    dvc("init", "--no-scm", "-q")
    first = dvc("repro", "evaluate")
    assert "Running stage 'data'" in first and "Running stage 'evaluate'" in first
    assert json.loads((root / "metrics" / "evaluate.json").read_text()) == {"total": 26.0}
    (root / "params.yaml").write_text((root / "params.yaml").read_text().replace("factor: 2.0", "factor: 3.0"))
    second = dvc("repro", "evaluate")
    assert "'data' didn't change, skipping" in second and "Running stage 'evaluate'" in second
    assert json.loads((root / "metrics" / "evaluate.json").read_text()) == {"total": 39.0}
    found = workspace.lineage(NAME)
    assert {str(one.state) for one in found.steps} == {"fresh"} and found.parameters["rows"] == 3, "two sessions, one run"


def test_papermill_runs_a_notebook_for_each_step(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    root = workspace.root
    written = export_notebook(workspace, NAME, ("papermill",), None, deployment=Deployment(per_step=True), unproven=True)
    assert [one.name for one in written] == ["01-data.ipynb", "02-evaluate.ipynb", "03-gate.ipynb"]
    monkeypatch.chdir(root)
    data, evaluate, gate = map(str, written)

    def run(path: str, **parameters: object) -> None:
        papermill.execute_notebook(path, path.replace(".ipynb", ".out.ipynb"), parameters, engine_name="mlgov", progress_bar=False)

    with pytest.raises(NotReady, match="needs the values of data"):
        run(evaluate)
    run(data, rows=2)
    run(evaluate, factor=5.0)
    assert workspace.lineage(NAME).metrics == {"total": 55.0}
    with pytest.raises(PapermillExecutionError, match="The gate to staging stays shut: refused"):
        run(gate)
    (asked,) = workspace.journal.entries(actions=("promotion.decided",))
    assert (asked.payload["notebook"], workspace.lineage(NAME).metrics) == (NAME, {"total": 55.0}), "asked about the run of the steps"
    with pytest.raises(UsageError, match="was made with rows = 2"):
        run(data.replace("01-data", "02-evaluate"), factor=5.0, rows=4)


SCORED = (
    ([], "%load_ext jupyter_mlgov"),
    (["parameters"], "n: int = 20  # 4..100"),
    (["mlgov:data"], "import pandas as pd\nscored = pd.DataFrame({'x': range(n), 'y': [i % 2 for i in range(n)]})"),
    (["mlgov:train"], "from sklearn.linear_model import LogisticRegression\nmodel = LogisticRegression().fit(scored[['x']], scored['y'])"),
)
OPEN = '[model]\nname = "tiny"\ntier = 3\n[policy]\npacks = ["optional"]\nalso = ["priv.pii"]\n[promotion.approvals]\nstaging = 0\n'


def test_the_exported_notebook_ends_well_only_where_the_gate_opens(tmp_path: Path) -> None:
    """papermill itself: granted where nothing stands in the way, an error of the last cell where a review is missing; saved both times."""
    (tmp_path / "mlgov.toml").write_text(OPEN)
    cells = [nbformat.v4.new_code_cell(source, id=f"c{number}", metadata={"tags": tags}) for number, (tags, source) in enumerate(SCORED, 1)]
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=PYTHON), tmp_path / "tiny.ipynb")
    workspace = Workspace.create(tmp_path, Settings())
    (exported,) = export_notebook(workspace, "tiny.ipynb", ("papermill",), None)

    def run(name: str) -> None:
        out = tmp_path / "runs" / name
        out.parent.mkdir(exist_ok=True)
        papermill.execute_notebook(str(exported), str(out), {"n": 30}, engine_name="mlgov", progress_bar=False, cwd=str(tmp_path))

    run("open.ipynb")
    (tmp_path / "mlgov.toml").write_text(OPEN.replace("staging = 0", "staging = 1"))
    with pytest.raises(PapermillExecutionError, match="The gate to staging stays shut: awaiting review"):
        run("shut.ipynb")
    saved = nbformat.read(tmp_path / "runs" / "shut.ipynb", 4)
    assert saved.metadata.mlgov.outcome == "failed" and "GateShut" in json.dumps(saved.cells[-1].outputs)
    asked = [one.payload["answer"] for one in workspace.journal.entries(actions=("promotion.decided",))]
    assert asked == ["granted", "awaiting review"]
    workspace.close()
