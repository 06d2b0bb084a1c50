"""The `argo` target: a WorkflowTemplate, a CronWorkflow that starts it, and a stop where a person must review."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from jupyter_mlgov.pipelines.parameters import Parameter
from jupyter_mlgov.pipelines.target import Files, FileTarget
from jupyter_mlgov.pipelines.targets.job import (
    CLAIM,
    SECRET,
    WORK,
    Job,
    Work,
    contained,
    judge_words,
    needed_schedule,
    pinned_image,
    promote_words,
    step_places,
    step_words,
)
from jupyter_mlgov.pipelines.targets.placing import signed
from jupyter_mlgov.pipelines.targets.quoting import comment, kubernetes, slug, templated_shell, yaml_text

API = "argoproj.io/v1alpha1"
RUN = "{{workflow.uid}}"
_WORD = "/tmp/gate"  # noqa: S108  # the pod is alone in its file system
_LIMITS = {"cpu": "2", "memory": "4Gi", "ephemeral-storage": "4Gi"}
_REQUESTS = {"cpu": "500m", "memory": "1Gi", "ephemeral-storage": "1Gi"}
_NOBODY = {"runAsNonRoot": True, "runAsUser": 10001, "runAsGroup": 0, "fsGroup": 10001, "seccompProfile": {"type": "RuntimeDefault"}}
_LOCKED = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}, "readOnlyRootFilesystem": False}


def files(job: Job, folder: Path) -> Files:
    """NAME.argo.yaml with both documents. Raises UsageError for an image that is not pinned, and without a schedule."""
    path = folder / f"{job.name}.argo.yaml"
    note = (
        f"# Needs in its namespace: a ReadWriteMany claim `{CLAIM}` (the record lies there), a Secret `{SECRET}` with the keys\n"
        f"# {', '.join(job.secrets.values())}, and a service account `{SECRET}` that may report task results.\n"
        "# Resume a review with `argo resume` after `mlgov review approve` or `refuse`: resuming alone opens no gate.\n"
    )
    kept = [*job.kept, *(one.name for one in job.settable if not _sayable(one))]
    note += f"# As in the notebook, because a workflow cannot hold them: {', '.join(map(comment, kept))}\n" if kept else ""
    body = note + yaml_text(workflow_template(job)) + "---\n" + yaml_text(cron_workflow(job))
    return {path: signed(job.notebook, job.digests, "argo", path, body)}


def workflow_template(job: Job) -> dict[str, object]:
    """The WorkflowTemplate as data: every step a pod of the pinned image, then judge, a stop for the review, and the question."""
    image = pinned_image(job, "argo")
    return {
        "apiVersion": API,
        "kind": "WorkflowTemplate",
        "metadata": _metadata(job, _name(job)),
        "spec": {
            "entrypoint": "job",
            "serviceAccountName": SECRET,
            "activeDeadlineSeconds": 7 * 86400,
            "synchronization": {"mutexes": [{"name": _name(job)}]},
            "securityContext": _NOBODY,
            "podMetadata": {"labels": {"app.kubernetes.io/name": _name(job), "app.kubernetes.io/part-of": "mlgov"}},
            "arguments": {"parameters": [_argument(one) for one in job.settable if _sayable(one)]},
            "volumes": [{"name": "workspace", "persistentVolumeClaim": {"claimName": CLAIM}}],
            "templates": [_dag(job), *_steps(job, image), _judge(job, image), _review(), _promote(job, image)],
        },
    }


def cron_workflow(job: Job) -> dict[str, object]:
    """The CronWorkflow as data; it runs one at a time and never what it missed."""
    return {
        "apiVersion": API,
        "kind": "CronWorkflow",
        "metadata": _metadata(job, _name(job)),
        "spec": {
            "schedules": [needed_schedule(job, "argo")],
            "timezone": "Etc/UTC",
            "concurrencyPolicy": "Forbid",
            "startingDeadlineSeconds": 0,
            "successfulJobsHistoryLimit": 10,
            "failedJobsHistoryLimit": 10,
            "workflowSpec": {"workflowTemplateRef": {"name": _name(job)}},
        },
    }


def _name(job: Job) -> str:
    return f"mlgov-{slug(job.name, 44)}"


def _metadata(job: Job, name: str) -> dict[str, object]:
    about = {f"jupyter-mlgov.org/{what}": digest for what, digest in job.digests.told().items()}
    return {
        "name": name,
        "labels": {"app.kubernetes.io/name": name, "app.kubernetes.io/part-of": "mlgov"},
        "annotations": {**about, "jupyter-mlgov.org/source": json.dumps(job.notebook), "jupyter-mlgov.org/name": json.dumps(job.model)},
    }


def _argument(one: Parameter) -> dict[str, object]:
    found: dict[str, object] = {"name": one.name, "value": _text(one)}
    return found | ({"description": one.comment} if one.comment else {})


def _dag(job: Job) -> dict[str, object]:
    tasks: list[dict[str, object]] = []
    for step in job.steps:
        after = {"depends": " && ".join(_task(name) for name in step.after)} if step.after else {}
        tasks.append({"name": _task(step.name), "template": _task(step.name), **after})
    last = [step.name for step in job.last]
    tasks += [
        {"name": "judge", "template": "judge", "depends": " && ".join(_task(name) for name in last)},
        {"name": "review", "template": "review", "depends": "judge", "when": "'{{tasks.judge.outputs.parameters.gate}}' == 'review'"},
        {"name": "promote", "template": "promote", "depends": "judge.Succeeded && (review.Succeeded || review.Skipped)"},
    ]
    return {"name": "job", "dag": {"tasks": tasks}}


def _task(name: str) -> str:
    return f"step-{name}"


def _steps(job: Job, image: str) -> list[dict[str, object]]:
    return [
        {
            "name": _task(step.name),
            "metadata": {"annotations": {"jupyter-mlgov.org/fingerprint": step.fingerprint}},
            **_container(job, image, step_words(job, step), f"{step_places(step)}{_given(job, step)}", _takes(job, step)),
        }
        for step in job.steps
    ]


def _given(job: Job, step: Work) -> str:
    """` -p "folds=$P0"`: the value comes from the environment, so nothing in it is read by the shell."""
    return "".join(f' -p "{name}=$P{number}"' for number, name in enumerate(_takes(job, step)))


def _takes(job: Job, step: Work) -> tuple[str, ...]:
    return tuple(one.name for one in job.needs(step) if _sayable(one))


def _sayable(one: Parameter) -> bool:
    """Whether Argo and Kubernetes pass name and default on unchanged: they fill in `{{…}}` and `$(…)`, and `$$` is `$` to them."""
    text = _text(one)
    return one.name.isascii() and "{{" not in text and "$$" not in text and "$(" not in text and "\x00" not in text


def _text(one: Parameter) -> str:
    return one.default if isinstance(one.default, str) else json.dumps(one.default)


def _judge(job: Job, image: str) -> dict[str, object]:
    found = _container(job, image, judge_words(job, "--write", _WORD), "", ())
    return {"name": "judge", **found, "outputs": {"parameters": [{"name": "gate", "valueFrom": {"path": _WORD}}]}}


def _review() -> dict[str, object]:
    return {"name": "review", "suspend": {"duration": "6d"}}


def _promote(job: Job, image: str) -> dict[str, object]:
    return {"name": "promote", **_container(job, image, promote_words(job), "", ())}


def _variable(name: str, value: str) -> dict[str, object]:
    return {"name": name, "value": value}


def _secret(name: str, key: str) -> dict[str, object]:
    return {"name": name, "valueFrom": {"secretKeyRef": {"name": SECRET, "key": key, "optional": False}}}


def _container(job: Job, image: str, words: Sequence[str], more: str, parameters: Sequence[str]) -> dict[str, object]:
    line = f"exec {templated_shell(words)} {more}".strip()
    environment: list[dict[str, object]] = [
        _variable("MLGOV_RUN", RUN),
        _variable("MLGOV_IMAGE_DIGEST", image.partition("@")[2]),
        *(_secret(name, key) for name, key in job.secrets.items()),
        *(_variable(f"P{number}", f"{{{{workflow.parameters.{name}}}}}") for number, name in enumerate(parameters)),
    ]
    return {
        "container": {
            "image": image,
            "imagePullPolicy": "IfNotPresent",
            "command": ["sh", "-c"],
            "args": [kubernetes(line)],
            "workingDir": WORK,
            "env": environment,
            "resources": {"requests": _REQUESTS, "limits": _LIMITS},
            "securityContext": _LOCKED,
            "volumeMounts": [{"name": "workspace", "mountPath": f"{WORK}/.mlgov", "subPath": job.name}],
        }
    }


TARGET = FileTarget("argo", lambda plan, folder: files(contained(plan), folder), lambda _: True)
