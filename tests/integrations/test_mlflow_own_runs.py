"""The scientist's own MLflow runs in a governed kernel: tagged, linked, autologged values taken over, and closed when the kernel dies."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pandas as pd
import pytest
from mlflow import MlflowClient

from jupyter_mlgov.core.settings import Settings
from jupyter_mlgov.integrations.mlflow.connection import connected
from jupyter_mlgov.integrations.mlflow.inputs import dataset_input
from jupyter_mlgov.lineage.fingerprint import fingerprint
from jupyter_mlgov.workspace import Workspace

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::DeprecationWarning")]

# A governed session without a kernel's costs: the recorder is driven as the kernel's hooks drive it.
DRIVEN = """
    import os, sys, warnings
    warnings.simplefilter("ignore")
    from pathlib import Path
    from jupyter_mlgov.lineage.facts import Outcome
    from jupyter_mlgov.workspace import Workspace
    from jupyter_mlgov.core.settings import Settings

    root, uri = Path(sys.argv[1]), sys.argv[2]
    workspace = Workspace.create(root, Settings(actor="ana", tracking_uri=uri, deliver="manual"))
    recorder = workspace.recorder("credit.ipynb", "ipython")
    space = {}

    def cell(source, *tags):
        recorder.begin(source=source, cell_id=f"c{len(space)}", tags=tags, namespace=space)
        exec(source, space)
        recorder.end(outcome=Outcome.OK, namespace=space)

    import mlflow
    mlflow.set_tracking_uri(uri)
    with mlflow.start_run(run_name="before"):
        pass
"""


def drive(root: Path, uri: str, source: str) -> subprocess.CompletedProcess[str]:
    code = textwrap.dedent(DRIVEN) + textwrap.dedent(source)
    return subprocess.run([sys.executable, "-c", code, str(root), uri], capture_output=True, text=True, check=False, cwd=root)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> tuple[Workspace, str]:
    """A session that trained under autolog and then died with a run open; both were told to MLflow."""
    root = tmp_path_factory.mktemp("own runs")
    uri = f"sqlite:///{root / 'theirs.db'}"
    done = drive(
        root,
        uri,
        """
        cell('''
        import pandas as pd
        frame = pd.DataFrame({"x": [0, 1, 2, 3] * 5, "when": pd.Timestamp("2026-01-01"), "y": [0, 0, 1, 1] * 5})
        ''', "mlgov:data")
        cell('''
        import mlflow
        from sklearn.linear_model import LogisticRegression
        mlflow.sklearn.autolog(log_models=False, silent=True)
        model = LogisticRegression(C=0.25).fit(frame[["x"]], frame["y"])
        ''', "mlgov:train")
        cell("run = mlflow.start_run(run_name='left open')")
        os.kill(os.getpid(), 9)
        """,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    workspace = Workspace(root, Settings(actor="ana", tracking_uri=uri, deliver="manual"))
    workspace.project("credit.ipynb")
    assert workspace.deliver() == ()
    return workspace, uri


def runs(client: MlflowClient) -> dict[str, dict[str, str]]:
    experiments = [item.experiment_id for item in client.search_experiments()]
    return {run.info.run_id: {**run.data.tags, "status": run.info.status} for run in client.search_runs(experiments)}


def test_a_run_started_in_a_governed_cell_says_which(told: tuple[Workspace, str]) -> None:
    workspace, uri = told
    session = workspace.lineage("credit.ipynb").session
    assert session is not None
    with connected(uri) as client:
        found = [tags for tags in runs(client).values() if "mlgov.cell_run" in tags]
        before = [tags for tags in runs(client).values() if tags.get("mlflow.runName") == "before"]
    assert {tags["mlgov.session"] for tags in found} == {session.id}
    assert {tags["mlgov.notebook"] for tags in found} == {"credit.ipynb"}
    assert {tags.get("mlgov.step") for tags in found} == {"train", None}
    assert len(before) == 1
    assert not any(name.startswith("mlgov.") for name in before[0])


def test_what_autolog_found_is_in_the_sessions_run_and_both_name_each_other(told: tuple[Workspace, str]) -> None:
    _, uri = told
    with connected(uri) as client:
        everything = runs(client)
        ours = next(name for name, tags in everything.items() if "mlgov.key" in tags)
        theirs = next(name for name, tags in everything.items() if tags.get("mlgov.step") == "train")
        data = client.get_run(ours).data
    assert data.params["C"] == "0.25"
    assert 0 < data.metrics["training_accuracy_score"] <= 1
    assert theirs in data.tags["mlgov.runs"]
    assert everything[theirs]["mlgov.run"] == ours


def test_a_run_whose_kernel_died_is_closed_as_failed(told: tuple[Workspace, str]) -> None:
    _, uri = told
    with connected(uri) as client:
        left = next(tags for tags in runs(client).values() if tags.get("mlflow.runName") == "left open")
    assert left["status"] == "FAILED"
    assert left["mlgov.ended"] == "the kernel died"


def test_telling_again_changes_nothing(told: tuple[Workspace, str]) -> None:
    workspace, uri = told
    with connected(uri) as client:
        before = runs(client)
    workspace.project("credit.ipynb")
    assert workspace.journal.pending() == ()
    with connected(uri) as client:
        assert runs(client) == before


def test_inputs_are_mlflow_datasets_under_our_digest(told: tuple[Workspace, str]) -> None:
    _, uri = told
    frame = pd.DataFrame({"x": [0, 1, 2, 3] * 5, "when": pd.Timestamp("2026-01-01"), "y": [0, 0, 1, 1] * 5})
    wanted = fingerprint(frame)
    assert wanted is not None
    with connected(uri) as client:
        ours = next(name for name, tags in runs(client).items() if "mlgov.key" in tags)
        (found,) = client.get_run(ours).inputs.dataset_inputs
    assert found.dataset.name == "frame"
    assert found.dataset.digest == wanted.root.hex[:36]
    tags = {tag.key: tag.value for tag in found.tags}
    assert tags == {"mlflow.data.context": "training", "mlgov.fingerprint": wanted.root, "mlgov.method": wanted.method}
    assert '"num_rows": 20' in found.dataset.profile
    for part in ('"name": "x", "type": "long"', '"name": "when", "type": "datetime"'):
        assert part in found.dataset.schema


def test_a_schema_that_mlflow_cannot_hold_is_left_out() -> None:
    wide = {f"column {number}": "int64" for number in range(20_000)}
    item = {"name": "x" * 600, "notebook": "n", "digest": "sha256:" + "a" * 64, "rows": 1, "schema": wide, "file": False}
    made = dataset_input(item).dataset
    assert made.schema is None
    assert len(made.name) == 500


def test_outside_a_governed_cell_the_context_says_nothing() -> None:
    from jupyter_mlgov.integrations.mlflow.context import GovernedRunContext

    assert not GovernedRunContext().in_context()
    assert GovernedRunContext().tags() == {}
