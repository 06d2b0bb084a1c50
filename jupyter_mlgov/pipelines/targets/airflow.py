"""The `airflow` target: a DAG module of `mlgov run-step` tasks, the verdict and the question. It imports Airflow only where it runs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from jupyter_mlgov.pipelines.parameters import Parameter
from jupyter_mlgov.pipelines.target import Files, FileTarget
from jupyter_mlgov.pipelines.targets.job import Job, Work, judge_words, promote_words, schedule, step_places, step_words, stepped
from jupyter_mlgov.pipelines.targets.placing import signed
from jupyter_mlgov.pipelines.targets.quoting import templated_shell

_MODULE = '''\
"""A governed job: its steps, the verdict, and the question for {stage}. A gate that stays shut fails the run."""

import datetime

try:  # Airflow 3
    from airflow.providers.standard.operators.bash import BashOperator
    from airflow.sdk import DAG, Param
except ImportError:  # Airflow 2
    from airflow import DAG
    from airflow.models.param import Param
    from airflow.operators.bash import BashOperator

DIGESTS = {digests}

with DAG(
    dag_id={dag_id},
    description={description},
    schedule={schedule},
    start_date=datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc),
    catchup=False,
    max_active_runs=1,
    default_args={{"retries": 0, "execution_timeout": datetime.timedelta(hours=6)}},
    params={params},
    render_template_as_native_obj=False,
    tags=["mlgov"],
    doc_md={doc},
) as dag:
'''
_TASK = """\
    {variable} = BashOperator(task_id={task_id}, append_env=True, env={env}, bash_command={command})
"""
TYPES = {"int": "integer", "float": "number", "bool": "boolean", "str": "string", "list": "array", "dict": "object", "tuple": "array"}
# Values go to the step in a file, never through the text of a command.
_PLACE = 'cd -- "${MLGOV_WORKSPACE:?is not set in the workers: it names the workspace folder}" && '
_ENV = {"MLGOV_PARAMETERS": "{{ params | tojson }}", "MLGOV_RUN": "{{ run_id }}"}


def files(job: Job, folder: Path) -> Files:
    """NAME_dag.py. Raises UsageError for a schedule that is none."""
    path = folder / f"{job.name.replace('-', '_')}_dag.py"
    return {path: signed(job.notebook, job.digests, "airflow", path, module(job))}


def module(job: Job) -> str:
    """The text of the module: ASCII, valid for Airflow 2.9 and 3."""
    parts = [
        _MODULE.format(
            stage="a stage",
            digests=ascii(job.digests.told()),
            dag_id=ascii(f"mlgov-{job.name}"),
            description=ascii(f"{job.model}: {job.notebook}"),
            schedule=ascii(schedule(job, "airflow") or None),
            params=_params(job),
            doc=ascii(f"Written by `mlgov export --to airflow` for `{job.notebook}`."),
        )
    ]
    variables = {step.name: f"step_{number}" for number, step in enumerate(job.steps, 1)}
    secret = {name: f"{{{{ var.value.{name.lower()} }}}}" for name in job.secret_parameters}
    parts += [_task(variables[step.name], f"step-{step.name}", _step_command(job, step), secret) for step in job.steps]
    parts.append(_task("judge", "judge", templated_shell(judge_words(job))))
    parts.append(_task("promote", "promote", templated_shell(promote_words(job))))
    for step in job.steps:
        parts += [f"    {variables[before]} >> {variables[step.name]}\n" for before in step.after]
    parts += [f"    {variables[step.name]} >> [judge, promote]\n" for step in job.last]
    parts.append("    judge >> promote\n")
    return "".join(parts)


def _task(variable: str, task_id: str, command: str, more: Mapping[str, str] = MappingProxyType({})) -> str:
    # Values of Airflow Variables whose name holds `secret` are masked in its logs.
    # A command that ends in .sh would be taken for the name of a template file, so it ends in a space.
    return _TASK.format(variable=variable, task_id=ascii(task_id), env=ascii({**_ENV, **more}), command=ascii(f"{_PLACE}{command} "))


def _step_command(job: Job, step: Work) -> str:
    start = 'values=$(mktemp) && trap \'rm -f -- "$values"\' EXIT && printf %s "$MLGOV_PARAMETERS" > "$values" && '
    return start + f'{templated_shell(step_words(job, step))} {step_places(step)} --params-file "$values"'


def _params(job: Job) -> str:
    return "{" + ", ".join(f"{one.name!a}: {_param(one)}" for one in job.settable) + "}"


def _param(one: Parameter) -> str:
    kinds = [TYPES[kind] for kind in one.kinds if kind in TYPES] + (["null"] if "None" in one.kinds else [])
    schema = f", type={kinds[0] if len(kinds) == 1 else kinds!a}" if kinds else ""
    return f"Param({one.default!a}{schema}, description={one.comment!a})"


TARGET = FileTarget("airflow", lambda plan, folder: files(stepped(plan), folder), lambda _: True)
