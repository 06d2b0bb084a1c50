"""The `scheduler` target: a job definition for jupyter-scheduler (`POST scheduler/job_definitions`), run by our execution manager."""

from __future__ import annotations

import json
from pathlib import Path

from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.pipelines.parameters import Parameter
from jupyter_mlgov.pipelines.target import Files, FileTarget
from jupyter_mlgov.pipelines.targets.job import Job, job_of, schedule
from jupyter_mlgov.pipelines.targets.placing import in_the_way

MANAGER = "jupyter_mlgov.integrations.scheduler.GovernedExecutionManager"
NOTEBOOK, STAGE, FILE = "mlgov:notebook=", "mlgov:stage=", "mlgov:file="


def files(job: Job, folder: Path) -> Files:
    """NAME.scheduler.json. Raises UsageError for a schedule that is none, BadInput where another's file or an edited one is there."""
    path = folder / f"{job.name}.scheduler.json"
    _check_place(path, job)
    body = definition(job)
    signed = {**body, "tags": [*_tags(job), f"{FILE}{Digest.of_json(body)}"]}
    return {path: (json.dumps(signed, indent=2, ensure_ascii=True) + "\n").encode()}


def definition(job: Job) -> dict[str, object]:
    """The body of CreateJobDefinition (jupyter-scheduler 2). `input_uri` counts from the server's root, which is the workspace."""
    when = schedule(job, "scheduler")
    found: dict[str, object] = {
        "name": f"{job.model}: {job.notebook}",
        "input_uri": job.notebook,
        "runtime_environment_name": "python3",
        "output_formats": ["ipynb", "html"],
        "parameters": {one.name: given(one) for one in job.settable},
        "tags": _tags(job),
        "timezone": "UTC",
    }
    return found | ({"schedule": when} if when else {})


def _tags(job: Job) -> list[str]:
    digests = [f"mlgov:{name}-digest={digest}" for name, digest in job.digests.told().items()]
    return [f"{NOTEBOOK}{job.notebook}", f"{STAGE}{job.stage}", *digests]


def given(one: Parameter) -> str:
    """The default as the text that `mlgov run -p` reads back."""
    return one.default if isinstance(one.default, str) else json.dumps(one.default)


def _check_place(path: Path, job: Job) -> None:
    if not path.exists():
        return
    try:
        there = json.loads(path.read_bytes())
        *tags, last = there["tags"]
        ours = f"{NOTEBOOK}{job.notebook}" in tags
        whole = last == f"{FILE}{Digest.of_json({**there, 'tags': tags})}"
    except (OSError, ValueError, KeyError, TypeError):
        ours, whole = False, False
    if not ours:
        raise in_the_way(path, "was not written by this export")
    if not whole:
        raise in_the_way(path, "was changed by hand since it was exported")


TARGET = FileTarget("scheduler", lambda plan, folder: files(job_of(plan), folder), lambda _: False)
