"""A monitor that runs by itself: the files by which cron, jupyter-scheduler, papermill, Kubeflow or Argo start it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.core.errors import BadInput, UsageError, unknown
from jupyter_mlgov.pipelines.plan import Digests
from jupyter_mlgov.pipelines.target import Files
from jupyter_mlgov.pipelines.targets.job import CLAIM, SECRET, SECRETS, WORK
from jupyter_mlgov.pipelines.targets.placing import in_the_way, signed
from jupyter_mlgov.pipelines.targets.quoting import check_text, kubernetes, shell, slug, templated_shell, yaml_text
from jupyter_mlgov.pipelines.targets.script import change_to

BY = "mlgov monitor schedule"
_PINNED = re.compile(r"[a-z0-9][a-z0-9._:/-]*@sha256:[0-9a-f]{64}")
_FIELD = re.compile(r"[0-9A-Za-z*,/-]+")
# Five cron fields of each frequency of a plan; a job more often than the plan asks is no harm.
WHEN = {
    "hourly": "7 * * * *",
    "daily": "7 5 * * *",
    "weekly": "7 5 * * 1",
    "monthly": "7 5 1 * *",
    "quarterly": "7 5 1 1,4,7,10 *",
    "yearly": "7 5 1 1 *",
}
_NOBODY = {"runAsNonRoot": True, "runAsUser": 10001, "runAsGroup": 0, "fsGroup": 10001, "seccompProfile": {"type": "RuntimeDefault"}}


_ABOUT = """\
# A window of a model in production

Written by `mlgov monitor schedule`. Its parameters are the model and the window; it fails where the monitor is not content."""
_LOOK = """\
from pathlib import Path

from jupyter_mlgov.reports.bundle import Shown
from jupyter_mlgov.workspace import Workspace
from jupyter_mlgov.workspace.monitoring import look, quiet

workspace = Workspace.find(Path.cwd())
tick = look(workspace, model, workspace.root / window)
Shown(tick.report)"""
_FOUND = """\
for line in (*tick.notes, *tick.acts, *(f"not measured: {name}: {why}" for name, why in tick.unmeasured.items())):
    print(line)"""
_VERDICT = """\
if tick.verdict.value != "pass":
    raise RuntimeError(f"{model}, window {tick.window}: {tick.verdict.word}")"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scheduled:
    """A monitor as a job. `window` is a path below the workspace: a file, a Delta folder, or a folder whose newest file is the window.

    `image` is pinned by digest and needed by targets that run in a container; `here` leads from the files' folder to the workspace.
    """

    model: str
    window: str
    schedule: str
    plan: Digest
    team: Digest
    image: str = ""
    here: str = "."

    def __post_init__(self) -> None:
        check_text("The model's name", self.model)
        check_text("The window", self.window)
        fields = self.schedule.split()
        if len(fields) != 5 or not all(_FIELD.fullmatch(one) for one in fields):
            raise UsageError(
                f'"{self.schedule}" is no schedule.', expected="Five cron fields.", next="For instance `--schedule '7 5 * * 1'`."
            )

    @property
    def name(self) -> str:
        return f"monitor-{slug(self.model)}"

    @property
    def digests(self) -> Digests:
        return Digests(notebook=str(self.plan), policy=str(self.team))


def frequency_of(plan: tuple[str, ...]) -> str:
    """The schedule of the most frequent thing in a plan."""
    return next((when for name, when in WHEN.items() if name in plan), WHEN["weekly"])


def files(job: Scheduled, targets: tuple[str, ...], folder: Path) -> Files:
    """Every file of these targets below `folder`, whole; nothing is written. Raises UsageError, or BadInput for a file in the way."""
    found: Files = {}
    for name in targets:
        if name not in TARGETS:
            raise unknown("target of a monitor", name, sorted(TARGETS))
        found |= TARGETS[name](job, folder)
    return found


def run_words(job: Scheduled) -> list[str]:
    """One look; the model comes last, so that no name is taken for an option."""
    return ["mlgov", "monitor", "run", "--window", job.window, "--workspace", ".", "--", job.model]


def watch_words() -> list[str]:
    """Silence, overdue findings and telling people."""
    return ["mlgov", "monitor", "watch", "--workspace", "."]


def _script(job: Scheduled, folder: Path) -> Files:
    path = folder / f"{job.name}.sh"
    body = f"""\
# Exit code: 0 all that was due is measured and good, 1 a finding or silence, 3 could not tell.
set -eu
{change_to(job.here)}
command -v mlgov >/dev/null || {{ echo 'mlgov is not on PATH: pip install jupyter-mlgov, or set PATH.' >&2; exit 127; }}
ran=0
{shell(run_words(job))} || ran=$?
watched=0
{shell(watch_words())} || watched=$?
[ "$ran" -eq 0 ] || exit "$ran"
exit "$watched"
"""
    return {path: signed(job.model, job.digests, "cron", path, body, first="#!/bin/sh", by=BY)}


def _cron(job: Scheduled, folder: Path) -> Files:
    path, script = folder / f"{job.name}.crontab", folder / f"{job.name}.sh"
    note = (
        "# Install it from this folder, in the environment that has mlgov:\n"
        f'#   {{ crontab -l; echo "PATH=$PATH"; echo "MLGOV_JOBS=$PWD"; cat {path.name}; }} | crontab -\n'
    )
    table = f'{note}{job.schedule} sh -- "$MLGOV_JOBS/{script.name}"\n'
    return {**_script(job, folder), path: signed(job.model, job.digests, "cron", path, table, by=BY)}


def notebook(job: Scheduled) -> dict[str, object]:
    """The template notebook: its parameters are the model and the window; it fails where the monitor is not content."""

    def cell(kind: str, name: str, source: str, *tags: str) -> dict[str, object]:
        more: dict[str, object] = {"execution_count": None, "outputs": []} if kind == "code" else {}
        return {"cell_type": kind, "id": name, "metadata": {"tags": list(tags)} if tags else {}, "source": source, **more}

    about = {"plan": str(job.plan), "team": str(job.team)}
    parameters = f"model: str = {job.model!r}\nwindow: str = {job.window!r}"
    cells = [
        cell("markdown", "about", _ABOUT),
        cell("code", "parameters", parameters, "parameters"),
        cell("code", "look", _LOOK),
        cell("code", "found", _FOUND),
        cell("code", "silence", "for line in quiet(workspace):\n    print(line)"),
        cell("code", "verdict", _VERDICT),
    ]
    plain = _notebook(cells, about)
    return _notebook(cells, {**about, "file": str(Digest.of_json(plain))})


def _notebook(cells: list[dict[str, object]], about: Mapping[str, str]) -> dict[str, object]:
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    metadata = {"kernelspec": kernel, "language_info": {"name": "python"}, "mlgov_monitor": dict(about)}
    return {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}


def _papermill(job: Scheduled, folder: Path) -> Files:
    path = folder / f"{job.name}.ipynb"
    _mine(path)
    return {path: (json.dumps(notebook(job), indent=1, ensure_ascii=True) + "\n").encode()}


def _mine(path: Path) -> None:
    """Raises BadInput where a notebook is in the way that is not ours, or was changed since. Outputs are no change."""
    if not path.exists():
        return
    try:
        there = json.loads(path.read_bytes())
        about = dict(there["metadata"]["mlgov_monitor"])
        wanted = about.pop("file")
        cells = [{**one, **({"outputs": [], "execution_count": None} if one["cell_type"] == "code" else {})} for one in there["cells"]]
        plain = _notebook(cells, about)
    except (OSError, ValueError, KeyError, TypeError):
        raise in_the_way(path, "was not written by this export") from None
    if wanted != Digest.of_json(plain):
        raise in_the_way(path, "was changed by hand since it was exported")


def _scheduler(job: Scheduled, folder: Path) -> Files:
    """The template and a job definition for jupyter-scheduler (`POST scheduler/job_definitions`)."""
    path = folder / f"{job.name}.scheduler.json"
    tags = [f"mlgov:monitor={job.model}", f"mlgov:plan-digest={job.plan}"]
    body: dict[str, object] = {
        "name": f"monitor {job.model}",
        "input_uri": f"{job.name}.ipynb",
        "runtime_environment_name": "python3",
        "output_formats": ["ipynb", "html"],
        "parameters": {"model": job.model, "window": job.window},
        "tags": tags,
        "timezone": "UTC",
        "schedule": job.schedule,
    }
    if path.exists():
        _mine_json(path)
    signed_body = {**body, "tags": [*tags, f"mlgov:file={Digest.of_json(body)}"]}
    return {**_papermill(job, folder), path: (json.dumps(signed_body, indent=2, ensure_ascii=True) + "\n").encode()}


def _mine_json(path: Path) -> None:
    try:
        there = json.loads(path.read_bytes())
        *tags, last = there["tags"]
        if last == f"mlgov:file={Digest.of_json({**there, 'tags': tags})}":
            return
    except (OSError, ValueError, KeyError, TypeError):
        raise in_the_way(path, "was not written by this export") from None
    raise in_the_way(path, "was changed by hand since it was exported")


def _container(job: Scheduled, target: str) -> Container:
    if not _PINNED.fullmatch(job.image):
        raise UsageError(
            f"The target `{target}` needs the image to run in, pinned by its digest.",
            expected="Expected NAME@sha256:… with 64 hex characters.",
            next=f"`mlgov monitor schedule {job.model} --to {target} --image registry.example.com/credit@sha256:…`.",
        )
    line = f"ran=0; {templated_shell(run_words(job))} || ran=$?; {templated_shell(watch_words())} && exit $ran"
    return {"image": job.image, "command": ["sh", "-c"], "args": [line]}


class Container(TypedDict):
    """A container of Kubernetes or Kubeflow."""

    image: str
    command: list[str]
    args: list[str]


def _argo(job: Scheduled, folder: Path) -> Files:
    path = folder / f"{job.name}.argo.yaml"
    return {path: signed(job.model, job.digests, "argo", path, yaml_text(cron_workflow(job)), by=BY)}


def cron_workflow(job: Scheduled) -> dict[str, object]:
    """The CronWorkflow as data: one at a time, and what it missed it starts, for a look that comes late is better than none."""
    container = _container(job, "argo")
    about = {f"jupyter-mlgov.org/{what}": digest for what, digest in (("plan", str(job.plan)), ("policy", str(job.team)))}
    name = f"mlgov-{job.name}"
    keys = {one: {"name": SECRET, "key": key, "optional": False} for one, key in SECRETS.items()}
    environment = [{"name": one, "valueFrom": {"secretKeyRef": key}} for one, key in keys.items()]
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "CronWorkflow",
        "metadata": {"name": name, "labels": {"app.kubernetes.io/name": name, "app.kubernetes.io/part-of": "mlgov"}, "annotations": about},
        "spec": {
            "schedules": [job.schedule],
            "timezone": "Etc/UTC",
            "concurrencyPolicy": "Forbid",
            "startingDeadlineSeconds": 3600,
            "successfulJobsHistoryLimit": 10,
            "failedJobsHistoryLimit": 10,
            "workflowSpec": {
                "entrypoint": "look",
                "serviceAccountName": SECRET,
                "activeDeadlineSeconds": 6 * 3600,
                "securityContext": _NOBODY,
                "volumes": [{"name": "workspace", "persistentVolumeClaim": {"claimName": CLAIM}}],
                "templates": [
                    {
                        "name": "look",
                        "retryStrategy": {"limit": "2", "retryPolicy": "OnError"},
                        "container": {
                            **container,
                            "args": [kubernetes(line) for line in container["args"]],
                            "workingDir": WORK,
                            "env": environment,
                            "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
                            "resources": {"requests": {"cpu": "500m", "memory": "1Gi"}, "limits": {"cpu": "2", "memory": "8Gi"}},
                            "volumeMounts": [{"name": "workspace", "mountPath": WORK}],
                        },
                    }
                ],
            },
        },
    }


def pipeline(job: Scheduled) -> dict[str, object]:
    """The PipelineSpec of Kubeflow as data: one container, never cached; the description says the schedule of its recurring run."""
    about = {"model": job.model, "schedule": job.schedule, "plan": str(job.plan)}
    return {
        "pipelineInfo": {
            "name": f"mlgov-{job.name}",
            "description": json.dumps(about),
        },
        "schemaVersion": "2.1.0",
        "sdkVersion": "kfp-2.17.0",
        "deploymentSpec": {"executors": {"exec-look": {"container": _container(job, "kfp")}}},
        "components": {"comp-look": {"executorLabel": "exec-look"}},
        "root": {
            "dag": {
                "tasks": {
                    "look": {
                        "taskInfo": {"name": "look"},
                        "componentRef": {"name": "comp-look"},
                        "cachingOptions": {},
                        "retryPolicy": {"maxRetryCount": 0},
                    }
                }
            }
        },
    }


def _kfp(job: Scheduled, folder: Path) -> Files:
    path = folder / f"{job.name}.kfp.yaml"
    mount = {"mountPath": WORK, "pvcNameParameter": {"runtimeValue": {"constant": CLAIM}}}
    platform = {"platforms": {"kubernetes": {"deploymentSpec": {"executors": {"exec-look": {"pvcMount": [mount]}}}}}}
    return {path: signed(job.model, job.digests, "kfp", path, yaml_text(pipeline(job)) + "---\n" + yaml_text(platform), by=BY)}


TARGETS: Mapping[str, Callable[[Scheduled, Path], Files]] = {
    "argo": _argo,
    "cron": _cron,
    "kfp": _kfp,
    "papermill": _papermill,
    "scheduler": _scheduler,
}

__all__ = ["TARGETS", "BadInput", "Scheduled", "cron_workflow", "files", "frequency_of", "notebook", "pipeline"]
