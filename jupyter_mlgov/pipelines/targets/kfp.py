"""The `kfp` target as data: Kubeflow Pipelines IR (PipelineSpec 2.1.0), one container component a step, and the gate as branches.

Caching: Kubeflow makes its own key from image, command, inputs and outputs. The job's fingerprint and all parameters are inputs of every
step, so a change of code, data, policy, lock or value makes new keys for all, and what is reused is reused within one run of the notebook:
a verdict never mixes the records of two. `cachingOptions.cacheKey` is not used, for backends take it instead of the parameters.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

from jupyter_mlgov.pipelines.parameters import Parameter
from jupyter_mlgov.pipelines.target import Files
from jupyter_mlgov.pipelines.targets.job import (
    CLAIM,
    SECRET,
    WORK,
    Job,
    Work,
    judge_words,
    pinned_image,
    promote_words,
    step_words,
)
from jupyter_mlgov.pipelines.targets.placing import signed
from jupyter_mlgov.pipelines.targets.quoting import as_json, comment, yaml_text

TASK = ("python3", "-m", "jupyter_mlgov.integrations.kfp.task", "{{$}}")
TYPES = {"int": "NUMBER_INTEGER", "float": "NUMBER_DOUBLE", "bool": "BOOLEAN", "str": "STRING", "list": "LIST", "dict": "STRUCT"}
_GATE = "inputs.parameter_values['gate']"
RUN = "{{$.pipeline_job_uuid}}"


def files(job: Job, folder: Path) -> Files:
    """NAME.kfp.yaml: the pipeline, and what it needs of the cluster. Raises UsageError for an image that is not pinned."""
    path = folder / f"{job.name}.kfp.yaml"
    kept = [*job.kept, *(one.name for one in job.settable if not _sayable(one))]
    keys = ", ".join(job.secrets.values())
    note = f"# Needs in its namespace: a ReadWriteMany claim `{CLAIM}`, and a Secret `{SECRET}` with the keys {keys}.\n"
    note += f"# As in the notebook, because a pipeline cannot hold them: {', '.join(map(comment, kept))}\n" if kept else ""
    return {path: signed(job.notebook, job.digests, "kfp", path, note + yaml_text(pipeline(job)) + "---\n" + yaml_text(platform(job)))}


def pipeline(job: Job) -> dict[str, object]:
    """The PipelineSpec as data."""
    image = pinned_image(job, "kfp")
    components: dict[str, object] = {f"comp-step-{step.name}": _step_component(job, step) for step in job.steps}
    run = "" if job.cacheable else RUN
    executors: dict[str, object] = {
        f"exec-step-{one.name}": _executor(image, step_words(job, one), _numbers(job), run) for one in job.steps
    }
    components["comp-judge"] = {
        "executorLabel": "exec-judge",
        "outputDefinitions": {
            "parameters": {"gate": {"parameterType": "STRING"}},
            "artifacts": {"report": _artifact("system.HTML"), "metrics": _artifact("system.Metrics")},
        },
    }
    executors["exec-judge"] = _executor(image, judge_words(job))
    for branch, (_, words) in _branches(job).items():
        components[f"comp-{branch}"] = {"executorLabel": f"exec-{branch}"}
        executors[f"exec-{branch}"] = _executor(image, words)
        components[f"comp-if-{branch}"] = {"dag": {"tasks": {branch: _task(branch, cached=False)}}, "inputDefinitions": _gate_input()}
    components["comp-gate"] = {"dag": {"tasks": _gate_tasks(job)}, "inputDefinitions": _gate_input()}
    return {
        "pipelineInfo": {
            "name": f"mlgov-{job.name}",
            "description": json.dumps({"model": job.model, "notebook": job.notebook, **_digests(job)}),
        },
        "schemaVersion": "2.1.0",
        "sdkVersion": "kfp-2.17.0",
        "deploymentSpec": {"executors": executors},
        "components": components,
        "root": {
            "dag": {"tasks": _tasks(job)},
            "inputDefinitions": {"parameters": {one.name: _declared(one) for one in _sayables(job.settable)}},
        },
    }


def platform(job: Job) -> dict[str, object]:
    """What Kubernetes adds to each executor: the workspace's volume, and secrets by reference."""
    names = [f"step-{step.name}" for step in job.steps] + ["judge", *_branches(job)]
    return {"platforms": {"kubernetes": {"deploymentSpec": {"executors": {f"exec-{name}": _kubernetes(job) for name in names}}}}}


def _kubernetes(job: Job) -> dict[str, object]:
    return {
        "pvcMount": [{"mountPath": f"{WORK}/.mlgov", "pvcNameParameter": _constant(CLAIM), "subPath": job.name}],
        "secretAsEnv": [
            {
                "secretNameParameter": _constant(SECRET),
                "keyToEnv": [{"envVar": name, "secretKey": key} for name, key in job.secrets.items()],
                "optional": False,
            }
        ],
        "securityContext": {"runAsUser": "10001", "runAsGroup": "0", "runAsNonRoot": True},
    }


def _digests(job: Job) -> dict[str, str]:
    return {f"{name}_digest": digest for name, digest in job.digests.told().items()}


def _branches(job: Job) -> Mapping[str, tuple[str, list[str]]]:
    """The three ends: what the gate must have said, and the question that is asked then. In each the trail has the decision."""
    passed, review = f"{_GATE} == 'pass'", f"{_GATE} == 'review'"
    return {
        "promote": (passed, promote_words(job)),
        "request-review": (review, [*promote_words(job), "--until-review"]),
        "refused": (f"!({passed}) && !({review})", promote_words(job)),
    }


def _gate_tasks(job: Job) -> dict[str, object]:
    inputs = {"parameters": {"gate": {"componentInputParameter": "gate"}}}
    return {
        f"if-{branch}": {
            "taskInfo": {"name": f"if-{branch}"},
            "componentRef": {"name": f"comp-if-{branch}"},
            "inputs": inputs,
            "triggerPolicy": {"condition": condition},
        }
        for branch, (condition, _) in _branches(job).items()
    }


def _gate_input() -> dict[str, object]:
    return {"parameters": {"gate": {"parameterType": "STRING"}}}


def _tasks(job: Job) -> dict[str, object]:
    tasks: dict[str, object] = {f"step-{step.name}": _step_task(job, step) for step in job.steps}
    tasks["judge"] = {**_task("judge", cached=False), "dependentTasks": [f"step-{step.name}" for step in job.last]}
    tasks["gate"] = {
        "taskInfo": {"name": "gate"},
        "componentRef": {"name": "comp-gate"},
        "dependentTasks": ["judge"],
        "inputs": {"parameters": {"gate": {"taskOutputParameter": {"producerTask": "judge", "outputParameterKey": "gate"}}}},
    }
    return tasks


def _step_task(job: Job, step: Work) -> dict[str, object]:
    parameters: dict[str, object] = {one.name: {"componentInputParameter": one.name} for one in _sayables(job.settable)}
    parameters["mlgov-fingerprint"] = _constant(job.fingerprint)
    task = _task(f"step-{step.name}", cached=job.cacheable)
    if not step.after:
        return {**task, "inputs": {"parameters": parameters}}
    came = {
        f"values-{name}": {"taskOutputArtifact": {"producerTask": f"step-{name}", "outputArtifactKey": "values"}} for name in step.after
    }
    return {**task, "dependentTasks": [f"step-{name}" for name in step.after], "inputs": {"parameters": parameters, "artifacts": came}}


def _task(name: str, *, cached: bool) -> dict[str, object]:
    return {
        "taskInfo": {"name": name},
        "componentRef": {"name": f"comp-{name}"},
        "cachingOptions": {"enableCache": True} if cached else {},
    }


def _step_component(job: Job, step: Work) -> dict[str, object]:
    parameters: dict[str, object] = {one.name: {"parameterType": kind_of(one)} for one in _sayables(job.settable)}
    parameters["mlgov-fingerprint"] = {"parameterType": "STRING"}
    inputs: dict[str, object] = {"parameters": parameters}
    if step.after:
        inputs["artifacts"] = {f"values-{name}": _artifact("system.Artifact") for name in step.after}
    return {
        "executorLabel": f"exec-step-{step.name}",
        "inputDefinitions": inputs,
        "outputDefinitions": {"artifacts": {"values": _artifact("system.Artifact")}},
    }


def _executor(image: str, words: Iterable[str], numbers: Mapping[str, str] = MappingProxyType({}), run: str = "") -> dict[str, object]:
    return {
        "container": {
            "image": image,
            "command": list(TASK),
            "args": [as_json(list(words)), as_json(dict(numbers)), run],
            "env": [{"name": "MLGOV_IMAGE_DIGEST", "value": image.partition("@")[2]}],
            "resources": {"cpuLimit": 2.0, "memoryLimit": 4.294967296, "resourceCpuLimit": "2", "resourceMemoryLimit": "4Gi"},
        }
    }


def kind_of(one: Parameter) -> str:
    """The KFP type of a parameter: what it declares, else what its default is."""
    declared = one.kinds[0] if len(one.kinds) == 1 else ""
    return TYPES.get(declared) or TYPES[type(one.default).__name__]


def _numbers(job: Job) -> dict[str, str]:
    """Parameter -> `int` or `float`: Kubeflow has one kind of number, so the task makes them what the notebook means again."""
    return {one.name: kind for one in _sayables(job.settable) if (kind := _number_kind(one))}


def _number_kind(one: Parameter) -> str | None:
    """`int`, `float`, empty for no numbers inside, None for both kinds or numbers that a double cannot hold."""
    kinds = {"float"} if one.kinds == ("float",) else {type(item).__name__ for item in _leaves(one.default) if type(item) in (int, float)}
    fits = all(abs(item) <= 2**53 for item in _leaves(one.default) if type(item) is int)
    return "".join(kinds) if len(kinds) < 2 and fits else None


def _leaves(value: object) -> Iterator[object]:
    if isinstance(value, list):
        for item in value:
            yield from _leaves(item)
    elif isinstance(value, dict):
        for item in value.values():
            yield from _leaves(item)
    else:
        yield value


def _sayable(one: Parameter) -> bool:
    return one.name.isascii() and type(one.default).__name__ in TYPES and _number_kind(one) is not None


def _sayables(parameters: Iterable[Parameter]) -> list[Parameter]:
    return [one for one in parameters if _sayable(one)]


def _declared(one: Parameter) -> dict[str, object]:
    found = {"parameterType": kind_of(one), "defaultValue": one.default, "isOptional": True}
    return found | ({"description": one.comment} if one.comment else {})


def _artifact(title: str) -> dict[str, object]:
    return {"artifactType": {"schemaTitle": title, "schemaVersion": "0.0.1"}}


def _constant(text: str) -> dict[str, object]:
    return {"runtimeValue": {"constant": text}}
