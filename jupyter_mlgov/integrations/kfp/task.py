"""What a Kubeflow container runs: `python3 -m jupyter_mlgov.integrations.kfp.task EXECUTOR_INPUT WORDS NUMBERS RUN`.

It gives the words of the job (`mlgov run-step …`) their values and folders, runs them, and writes the executor's output file. Its exit
code is theirs. Neither a shell nor Kubeflow's SDK is in between.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jupyter_mlgov.core.digests import Digest

FINGERPRINT = "mlgov-fingerprint"


def main(arguments: Sequence[str]) -> int:
    """Run one task; returns its exit code."""
    told, words, numbers, run = json.loads(arguments[0]), json.loads(arguments[1]), json.loads(arguments[2]), arguments[3]
    with tempfile.TemporaryDirectory(prefix="mlgov-task-") as scratch:
        command = [*words, *given(told, words, numbers, run, Path(scratch))]
        print("mlgov task:", json.dumps(command), flush=True)  # noqa: T201  # the pod's log
        code = subprocess.run(command, check=False).returncode
    if code == 0:
        write_output(told)
    return code


def given(told: Mapping[str, Any], words: Sequence[str], numbers: Mapping[str, str], run: str, scratch: Path) -> list[str]:
    """The options that this verb takes from the executor's input."""
    if words[1] == "run-step":
        return _step_options(told, numbers, run, scratch)
    if words[1] == "judge":
        outputs = told["outputs"]
        gate = _made(outputs["parameters"]["gate"]["outputFile"])
        artifacts = {name: _made(_path(one)) for name, one in outputs["artifacts"].items()}
        return ["--write", gate, "--report", artifacts["report"], "--metrics", artifacts["metrics"]]
    return []


def _step_options(told: Mapping[str, Any], numbers: Mapping[str, str], run: str, scratch: Path) -> list[str]:
    inputs = told.get("inputs", {})
    values = {name: whole(value, numbers.get(name, "")) for name, value in inputs.get("parameterValues", {}).items() if name != FINGERPRINT}
    file = scratch / "parameters.json"
    file.write_text(json.dumps(values), "utf-8")
    folders = [word for one in inputs.get("artifacts", {}).values() for word in ("--in", _path(one))]
    out = _made(_path(told["outputs"]["artifacts"]["values"]))
    return [*folders, "--out", out, "--params-file", str(file), "--token", run or _token(inputs.get("parameterValues", {}))]


def _token(parameters: Mapping[str, object]) -> str:
    """One run of the notebook: equal fingerprint and values, whichever Kubeflow run a step was first run in."""
    return "kfp-" + Digest.of_json(dict(parameters)).hex[:32]


def whole(value: object, kind: str) -> object:
    """`value` with its numbers as `kind` (int or float): Kubeflow hands every number over as a double."""
    if isinstance(value, list):
        return [whole(item, kind) for item in value]
    if isinstance(value, dict):
        return {name: whole(item, kind) for name, item in value.items()}
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return value
    if kind == "int" and value == int(value):
        return int(value)
    return float(value) if kind == "float" else value


def _path(artifact: Mapping[str, Any]) -> str:
    """Where an artifact lies in the container: Kubeflow mounts object stores under the scheme's name."""
    one = artifact["artifacts"][0]
    if one.get("customPath"):
        return str(one["customPath"])
    uri = str(one["uri"])
    for scheme, place in (("gs://", "/gcs/"), ("minio://", "/minio/"), ("s3://", "/s3/"), ("oci://", "/oci/")):
        if uri.startswith(scheme):
            return place + uri[len(scheme) :]
    return uri


def _made(path: str) -> str:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    return path


def write_output(told: Mapping[str, Any]) -> None:
    """executor_output.json: the artifacts as they were announced, metrics with their values, and parameters from their files."""
    outputs = told.get("outputs", {})
    if "outputFile" not in outputs:
        return
    artifacts: dict[str, object] = {}
    for name, announced in outputs.get("artifacts", {}).items():
        one = dict(announced["artifacts"][0])
        if one.get("type", {}).get("schemaTitle") == "system.Metrics":
            one["metadata"] = json.loads(Path(_path(announced)).read_text("utf-8"))
        artifacts[name] = {"artifacts": [one]}
    parameters = {name: Path(one["outputFile"]).read_text("utf-8") for name, one in outputs.get("parameters", {}).items()}
    path = Path(_made(outputs["outputFile"]))
    path.write_text(json.dumps({"artifacts": artifacts, "parameterValues": parameters}), "utf-8")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
