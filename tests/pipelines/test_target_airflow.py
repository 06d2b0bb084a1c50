"""The DAG module: Python without Airflow, its tasks with the words of the job. Not proven here: a live Airflow (docs/users/export.md)."""

from __future__ import annotations

import ast
import json
import sys
import types
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlgov.core.errors import UsageError
from jupyter_mlgov.pipelines.plan import Deployment
from jupyter_mlgov.pipelines.targets import airflow
from jupyter_mlgov.pipelines.targets.job import Job
from tests.pipelines.jobs import Make, calls, hostile, job, sh, stand_in


class Param:
    def __init__(self, default: object, *, description: str, type: object = None) -> None:
        self.default, self.type = default, type


class DAG:
    now: DAG

    def __init__(self, **about: Any) -> None:
        self.about, self.tasks, self.edges = about, {}, set()

    def __enter__(self) -> DAG:
        DAG.now = self
        return self

    def __exit__(self, *_: object) -> None:
        return None


class BashOperator:
    def __init__(self, *, task_id: str, bash_command: str, env: dict[str, str], append_env: bool) -> None:
        assert append_env
        self.task_id, self.bash_command, self.env = task_id, bash_command, env
        assert task_id not in DAG.now.tasks
        DAG.now.tasks[task_id] = self

    def __rshift__(self, other: object) -> object:
        for one in other if isinstance(other, list) else [other]:
            DAG.now.edges.add((self.task_id, one.task_id))
        return other


def loaded(text: str, monkeypatch: pytest.MonkeyPatch) -> DAG:
    """The module run with stand-ins for the five names it takes from Airflow 3, one by one named in its imports."""
    for name, members in {
        "airflow": {},
        "airflow.sdk": {"DAG": DAG, "Param": Param},
        "airflow.providers": {},
        "airflow.providers.standard": {},
        "airflow.providers.standard.operators": {},
        "airflow.providers.standard.operators.bash": {"BashOperator": BashOperator},
    }.items():
        module = types.ModuleType(name)
        vars(module).update(members)
        monkeypatch.setitem(sys.modules, name, module)
    scope: dict[str, Any] = {}
    exec(compile(text, "dag", "exec"), scope)
    found = scope["dag"]
    assert isinstance(found, DAG)
    found.about["DIGESTS"] = scope["DIGESTS"]
    return found


def rendered(template: str, **values: object) -> str:
    """Airflow renders bash_command and env with Jinja."""
    from jinja2 import StrictUndefined
    from jinja2.nativetypes import NativeEnvironment
    from jinja2.sandbox import SandboxedEnvironment

    assert NativeEnvironment
    return SandboxedEnvironment(undefined=StrictUndefined, keep_trailing_newline=True).from_string(template).render(**values)


@pytest.mark.parametrize("make", [job, hostile])
def test_the_module_is_ascii_python_that_names_no_value_but_literals(tmp_path: Path, make: Make) -> None:
    one = make(tmp_path)
    ((path, content),) = airflow.files(one, tmp_path).items()
    text = content.decode("ascii")
    assert path.name.endswith("_dag.py")
    called = {ast.unparse(node.func) for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)}
    assert called == {"DAG", "Param", "BashOperator", "datetime.datetime", "datetime.timedelta"}
    assert "dag" in text.lower()
    assert "airflow" in text  # what Airflow's safe mode looks for


@pytest.mark.parametrize("make", [job, hostile])
def test_the_tasks_run_the_steps_in_order_then_judge_then_ask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make: Make) -> None:
    one: Job = make(tmp_path / "w {{x}} 'ü'")
    dag = loaded(airflow.module(one), monkeypatch)
    assert dag.edges == {
        ("step-data", "step-train-champion"),
        ("step-data", "step-evaluate"),
        ("step-train-champion", "step-evaluate"),
        ("step-evaluate", "judge"),
        ("step-evaluate", "promote"),
        ("judge", "promote"),
    }
    assert dag.about["DIGESTS"] == one.digests.told()
    assert dag.about["schedule"] == "0 6 * * 1"
    params = {name: param.default for name, param in dag.about["params"].items()}
    assert params == {one.name: one.default for one in one.settable}
    mlgov = stand_in(tmp_path / "bin")
    given = {**params, next(iter(params)): 7}
    for task in dag.tasks.values():
        env = {name: rendered(value, params=given, run_id="manual__2026-01-01T00:00:00+00:00") for name, value in task.env.items()}
        done = sh(rendered(task.bash_command), mlgov, cwd=tmp_path, MLGOV_WORKSPACE=str(one.root), **env)
        assert done.returncode == 0, done.stderr
    place = ".mlgov/pipelines/manual__2026-01-01T00:00:00+00:00"
    run = place.rpartition("/")[2]
    ran = calls(mlgov)
    *values, _ = ran[1]["words"]
    assert values == [
        *("run-step", one.notebook, "train-champion", "--workspace", ".", "--in", place),
        *("--out", f"{place}/train-champion", "--token", run, "--params-file"),
    ]
    assert [call["parameters"] for call in ran[:3]] == [given] * 3
    assert [call["words"][0] for call in ran] == ["run-step"] * 3 + ["judge", "promote"]
    assert {call["cwd"] for call in ran} == {str(one.root)}
    assert not list(tmp_path.rglob("pwned"))


def test_a_shut_gate_fails_its_task_and_a_failed_step_fails_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dag = loaded(airflow.module(job(tmp_path)), monkeypatch)
    mlgov = stand_in(tmp_path / "bin")
    codes = json.dumps({"run-step": 1, "judge": 3, "promote": 1})
    env = {"MLGOV_PARAMETERS": "{}", "MLGOV_RUN": "r", "CODES": codes, "MLGOV_WORKSPACE": str(tmp_path)}
    found = {name: sh(task.bash_command, mlgov, cwd=tmp_path, **env).returncode for name, task in dag.tasks.items()}
    assert found == {"step-data": 1, "step-train-champion": 1, "step-evaluate": 1, "judge": 3, "promote": 1}


def test_a_worker_that_does_not_know_the_workspace_runs_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dag = loaded(airflow.module(job(tmp_path)), monkeypatch)
    mlgov = stand_in(tmp_path / "bin")
    done = sh(dag.tasks["step-data"].bash_command, mlgov, cwd=tmp_path, MLGOV_PARAMETERS="{}", MLGOV_RUN="r")
    assert done.returncode != 0
    assert "names the workspace folder" in done.stderr
    assert calls(mlgov) == []


def test_no_schedule_is_none_and_a_wrong_one_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert loaded(airflow.module(job(tmp_path, deployment=Deployment())), monkeypatch).about["schedule"] is None
    with pytest.raises(UsageError, match="five cron fields"):
        airflow.module(job(tmp_path, deployment=Deployment(schedule="daily")))


def test_parameters_have_the_types_that_the_notebook_declares(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    params = loaded(airflow.module(job(tmp_path)), monkeypatch).about["params"]
    assert {name: param.type for name, param in params.items()} == {
        "folds": "integer", "rate": "number", "name": "string", "share": "number", "flag": "boolean", "sizes": "array",
    }  # fmt: skip
