"""The door to Kubeflow Pipelines: the `kfp` target, checked by the SDK when it is written, and the task that runs in its containers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jupyter_mlgov.core.errors import BadInput, NotReady
from jupyter_mlgov.pipelines.target import Files, FileTarget
from jupyter_mlgov.pipelines.targets import kfp as target
from jupyter_mlgov.pipelines.targets.job import Job, contained


def files(job: Job, folder: Path) -> Files:
    """NAME.kfp.yaml. Raises NotReady without the extra `kfp`: what nobody checked against PipelineSpec is not written."""
    found = target.files(job, folder)
    check_ir(target.pipeline(job), target.platform(job))
    return found


def check_ir(pipeline: Mapping[str, Any], platform: Mapping[str, Any] | None = None) -> None:
    """Raises BadInput where a document has a field or type that its protobuf message has not, NotReady without the extra."""
    try:
        from google.protobuf import json_format
        from kfp.kubernetes import kubernetes_executor_config_pb2
        from kfp.pipeline_spec import pipeline_spec_pb2
    except ImportError:
        raise NotReady(
            "Kubeflow Pipelines is not installed, so the pipeline cannot be checked.", next='`pip install "jupyter-mlgov[kfp]"`.'
        ) from None
    parts = [(pipeline, pipeline_spec_pb2.PipelineSpec()), (pipeline["deploymentSpec"], pipeline_spec_pb2.PipelineDeploymentConfig())]
    if platform is not None:
        parts.append((platform, pipeline_spec_pb2.PlatformSpec()))
        executors = platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
        parts += [(one, kubernetes_executor_config_pb2.KubernetesExecutorConfig()) for one in executors.values()]
    for document, message in parts:
        try:
            json_format.ParseDict(dict(document), message)
        except json_format.ParseError as error:
            raise BadInput(f"This is no Kubeflow pipeline: {error}.", expected=f"Expected a {message.DESCRIPTOR.name}.") from None


TARGET = FileTarget("kfp", lambda plan, folder: files(contained(plan), folder), lambda _: True)

__all__ = ["TARGET", "check_ir", "files"]
