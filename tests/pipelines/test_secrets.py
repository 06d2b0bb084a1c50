"""Secret parameters reach the kernel and nothing else: by grep over every file that an export, a run or a run by steps makes."""

from __future__ import annotations

import json
from pathlib import Path

import nbformat
import pytest

from jupyter_mlgov.core.errors import BadInput, UsageError
from jupyter_mlgov.core.settings import Settings
from jupyter_mlgov.pipelines.parameters import declared
from jupyter_mlgov.pipelines.plan import Deployment
from jupyter_mlgov.pipelines.secrets import check_no_value, from_environment, secret_key, variable
from jupyter_mlgov.workspace import Workspace
from jupyter_mlgov.workspace.jobs import drafted, run_governed, run_stepwise
from jupyter_mlgov.workspace.stepping import step_book

PYTHON = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}, "language_info": {"name": "python"}}
NAME = "hemlig.ipynb"
VALUE = "s3cr3t-åäö-value-9f"
CELLS = (
    (["parameters"], "rows: int = 3\napi_token: str = ''\npin: int | None = None  # secret"),
    (["mlgov:data"], "import os\nlength = len(api_token) * rows\nseen = [one for one in os.environ if one.startswith('MLGOV_SECRET_')]"),
    (["mlgov:evaluate"], "score = float(length + (pin or 0) + 1000 * len(seen))"),
)
PIN = (
    "image",
    "registry.example.com/x@sha256:" + "a" * 64,
)
ALL = ("papermill", "dvc", "kfp", "argo", "airflow", "scheduler", "cron", "github", "gitlab", "image")


def written(root: Path, source: str = CELLS[0][1]) -> Workspace:
    root.mkdir(parents=True, exist_ok=True)
    cells = [nbformat.v4.new_code_cell(text, id=f"c{number}", metadata={"tags": tags}) for number, (tags, text) in enumerate(CELLS, 1)]
    cells[0].source = source
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=PYTHON), root / NAME)
    (root / "requirements.lock").write_text("jupyter-mlgov==0.1.0\n")
    (root / "mlgov.toml").write_text('[model]\nname = "m"\n[environment]\nlock = "requirements.lock"\n')
    return Workspace.create(root, Settings(deliver="manual"))


def test_every_target_names_the_reference_and_none_the_value(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable("api_token"), VALUE)
    workspace = written(tmp_path)
    deployment = Deployment(image=PIN[1], base=PIN[1], schedule="0 6 * * 1")
    made = drafted(workspace, NAME, ALL, None, deployment)
    assert set(made.files) == set(ALL)
    texts = {target: b"".join(files.values()).decode() for target, files in made.files.items()}
    assert not [target for target, text in texts.items() if VALUE in text]
    for target in ("kfp", "argo", "github", "gitlab", "airflow", "cron", "image", "dvc"):
        assert variable("api_token") in texts[target] and variable("pin") in texts[target], target
    assert "secretKey: parameter-api-token" in texts["kfp"].replace('"', "")
    assert "key: parameter-pin" in texts["argo"].replace('"', "") and "secretKeyRef" in texts["argo"]
    assert "{{ var.value.mlgov_secret_api_token }}" in texts["airflow"]
    assert "${{ secrets.MLGOV_SECRET_PIN }}" in texts["github"]
    assert '"rows"' in texts["scheduler"] and "api_token" not in texts["scheduler"]
    assert "api_token" not in texts["dvc"].replace("run-step", "")
    workspace.close()


@pytest.mark.parametrize("source", ["api_token = 'abc'", "pin: int = 4711  # secret"])
def test_a_secret_that_stands_in_the_notebook_is_exported_nowhere(tmp_path: Path, source: str) -> None:
    workspace = written(tmp_path, source)
    with pytest.raises(BadInput, match=r"is a secret, and its value stands in the cell.*MLGOV_SECRET_") as error:
        drafted(workspace, NAME, ("papermill",), None)
    assert "abc" not in str(error.value) and "4711" not in str(error.value)
    workspace.close()


@pytest.mark.slow
@pytest.mark.parametrize("stepwise", [False, True])
def test_a_run_takes_secrets_from_the_environment_and_leaves_them_in_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stepwise: bool
) -> None:
    monkeypatch.setenv(variable("api_token"), VALUE)
    monkeypatch.setenv(variable("pin"), "4711")
    workspace = written(tmp_path / "ws")
    path = tmp_path / "ws" / NAME
    done = run_stepwise(workspace, step_book(path, NAME), given=["rows=2"], token="t") if stepwise else run_governed(workspace, path)
    assert done.outcome == "ok", done.sentence
    assert workspace.lineage(NAME).metrics == {"score": float(len(VALUE) * (2 if stepwise else 3) + 4711)}, (
        "and not in the cells' environment"
    )
    workspace.close()
    leaks = [one for one in (tmp_path / "ws").rglob("*") if one.is_file() and any(form in one.read_bytes() for form in _forms(VALUE))]
    assert not leaks


def _forms(value: str) -> tuple[bytes, ...]:
    return (value.encode(), json.dumps(value)[1:-1].encode(), ascii(value)[1:-1].encode())


def test_names_for_the_environment_are_plain_and_different() -> None:
    assert (variable("api_token"), secret_key("api_token")) == ("MLGOV_SECRET_API_TOKEN", "parameter-api-token")
    assert variable("lösen_password") != variable("läsen_password") and variable("lösen_password").isascii()


def test_a_secret_of_a_wrong_type_is_refused_without_saying_it() -> None:
    known = declared("pin: int = 0  # secret\nrows = 1")
    assert from_environment(known, {"MLGOV_SECRET_PIN": "7", "MLGOV_SECRET_ROWS": "9"}) == {"pin": 7}
    with pytest.raises(UsageError) as error:
        from_environment(known, {"MLGOV_SECRET_PIN": "hunter2"})
    assert "hunter2" not in str(error.value)
    with pytest.raises(BadInput):
        check_no_value(declared("pin = 7  # secret"), NAME)
