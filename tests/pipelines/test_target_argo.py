"""Argo: both documents hold against the CRDs with nothing pruned, survive hera, and their commands are run by `sh` as a pod would."""

from __future__ import annotations

import copy
import json
import re
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from jupyter_mlgov.core.errors import UsageError
from jupyter_mlgov.pipelines.plan import Deployment
from jupyter_mlgov.pipelines.targets import argo
from jupyter_mlgov.pipelines.targets.job import WORK, Job
from tests.pipelines.jobs import IMAGE, Make, calls, hostile, job, sh, stand_in
from tests.pipelines.test_target_quoting import expanded_by_kubernetes

Document = dict[str, Any]


def documents(one: Job, root: Path) -> list[Document]:
    ((path, content),) = argo.files(one, root).items()
    assert path.name == f"{one.name}.argo.yaml"
    return list(yaml.safe_load_all(content))


@pytest.mark.parametrize("make", [job, hostile])
def test_both_documents_hold_against_the_crds(tmp_path: Path, custom_faults: Callable[[Document], list[str]], make: Make) -> None:
    found = documents(make(tmp_path), tmp_path)
    assert [one["kind"] for one in found] == ["WorkflowTemplate", "CronWorkflow"]
    assert [fault for one in found for fault in custom_faults(one)] == []


def test_a_planted_typo_and_a_wrong_type_are_refused(tmp_path: Path, custom_faults: Callable[[Document], list[str]]) -> None:
    template, cron = documents(job(tmp_path), tmp_path)
    broken = copy.deepcopy(template)
    broken["spec"]["templates"][1]["container"]["imagePullPolice"] = "Always"
    assert any("imagePullPolice" in fault for fault in custom_faults(broken))
    cron["spec"]["schedules"] = "0 6 * * 1"
    assert any("schedules" in fault for fault in custom_faults(cron))


@pytest.mark.parametrize("make", [job, hostile])
def test_hera_reads_both_and_writes_the_same(tmp_path: Path, make: Make) -> None:
    from hera.workflows import models

    template, cron = documents(make(tmp_path), tmp_path)
    for document, model in ((template, models.WorkflowTemplate), (cron, models.CronWorkflow)):
        there = model.model_validate(document)
        assert json.loads(there.model_dump_json(exclude_none=True, by_alias=True)) == json.loads(json.dumps(document))


def pods(document: Document) -> dict[str, Document]:
    return {one["name"]: one["container"] for one in document["spec"]["templates"] if "container" in one}


@pytest.mark.parametrize("make", [job, hostile])
def test_pods_run_as_nobody_within_limits_and_take_secrets_by_reference(tmp_path: Path, make: Make) -> None:
    template, _ = documents(make(tmp_path), tmp_path)
    security = template["spec"]["securityContext"]
    assert security["runAsNonRoot"] is True
    assert security["runAsUser"] > 0
    assert len(pods(template)) == 5
    for pod in pods(template).values():
        assert pod["image"] == IMAGE
        assert pod["securityContext"]["allowPrivilegeEscalation"] is False
        assert pod["securityContext"]["capabilities"] == {"drop": ["ALL"]}
        assert set(pod["resources"]["limits"]) >= {"cpu", "memory"}
        secret = {one["name"]: one for one in pod["env"] if one["name"].startswith("MLGOV_DATABASE") or "TRACKING" in one["name"]}
        assert len(secret) == 2
        assert all(set(one) == {"name", "valueFrom"} and "secretKeyRef" in one["valueFrom"] for one in secret.values())


def filled(text: str, values: dict[str, str]) -> str:
    """Argo's own substitution: `{{name}}` by its value; a name it does not know is an error."""
    return re.sub(r"\{\{(.*?)\}\}", lambda match: values[match[1].strip()], text)


def run(pod: Document, root: Path, mlgov: Path, values: dict[str, str], **more: str) -> int:
    """A container as Argo and the kubelet start it, with the workspace at `root`."""
    assert pod["workingDir"] == WORK
    environ = {one["name"]: expanded_by_kubernetes(filled(one["value"], values)) for one in pod["env"] if "value" in one}
    command = [expanded_by_kubernetes(filled(word, values)) for word in [*pod["command"], *pod["args"]]]
    assert command[:2] == ["sh", "-c"]
    return sh(command[2].replace("/tmp/gate", str(root / "gate")), mlgov, cwd=root, **environ, **more).returncode


@pytest.mark.parametrize("make", [job, hostile])
def test_the_pods_do_what_the_notebook_did(tmp_path: Path, make: Make) -> None:
    one: Job = make(tmp_path / "w")
    template, _ = documents(one, tmp_path)
    mlgov = stand_in(tmp_path / "bin")
    arguments = {item["name"]: item["value"] for item in template["spec"]["arguments"]["parameters"]}
    values = {"workflow.uid": "u-1", **{f"workflow.parameters.{name}": value for name, value in arguments.items()}}
    values["workflow.parameters.folds"] = "7"
    for pod in pods(template).values():
        assert run(pod, one.root, mlgov, values) == 0
    ran = {call["words"][3 if call["words"][0] == "run-step" else 0]: call["words"] for call in calls(mlgov)}
    given = [
        word
        for name in arguments
        if name in ("folds", "rate", "name")
        for word in ("-p", f"{name}={values[f'workflow.parameters.{name}']}")
    ]
    about = ["--notebook", one.notebook, "--workspace", "."]
    assert list(calls(mlgov)[1]["words"]) == [
        *("run-step", one.notebook, "train-champion", "--workspace", ".", "--in", ".mlgov/pipelines/u-1"),
        *("--out", ".mlgov/pipelines/u-1/train-champion", "--token", "u-1", *given),
    ]
    assert ran["judge"] == ["judge", "staging", *about, "--write", str(one.root / "gate")]
    assert ran["promote"] == ["promote", "staging", *about]
    assert not list(tmp_path.rglob("pwned"))


def test_a_step_that_fails_and_a_gate_that_stays_shut_fail_their_pod(tmp_path: Path) -> None:
    one = job(tmp_path)
    template, _ = documents(one, tmp_path)
    mlgov = stand_in(tmp_path / "bin")
    values = {"workflow.uid": "u", **dict.fromkeys((f"workflow.parameters.{item.name}" for item in one.settable), "1")}
    codes = json.dumps({"run-step": 1, "judge": 3, "promote": 1})
    found = {name: run(pod, tmp_path, mlgov, values, CODES=codes) for name, pod in pods(template).items()}
    assert found == {"step-data": 1, "step-train-champion": 1, "step-evaluate": 1, "judge": 3, "promote": 1}


def test_a_person_reviews_before_the_question_and_only_where_a_review_is_missing(tmp_path: Path) -> None:
    template, cron = documents(job(tmp_path), tmp_path)
    templates = {one["name"]: one for one in template["spec"]["templates"]}
    assert templates["review"]["suspend"] == {"duration": "6d"}
    tasks = {one["name"]: one for one in templates["job"]["dag"]["tasks"]}
    assert tasks["review"]["when"] == "'{{tasks.judge.outputs.parameters.gate}}' == 'review'"
    assert tasks["promote"]["depends"] == "judge.Succeeded && (review.Succeeded || review.Skipped)"
    assert tasks["judge"]["depends"] == "step-evaluate"
    assert tasks["step-evaluate"]["depends"] == "step-train-champion && step-data"
    assert cron["spec"]["workflowSpec"] == {"workflowTemplateRef": {"name": template["metadata"]["name"]}}
    assert cron["spec"]["concurrencyPolicy"] == "Forbid"


def test_digests_are_annotations(tmp_path: Path) -> None:
    one = job(tmp_path)
    for document in documents(one, tmp_path):
        about = document["metadata"]["annotations"]
        assert {name: about[f"jupyter-mlgov.org/{name}"] for name in one.digests.told()} == one.digests.told()


def test_a_default_that_argo_would_change_stays_in_the_notebook_and_the_file_says_so(tmp_path: Path) -> None:
    from jupyter_mlgov.pipelines.parameters import declared

    one = replace(job(tmp_path), parameters=declared("a = '{{workflow.name}}'\nb = '$$x'\nc = '$(HOME)'\nd = 'fine'\ngröße = 1"))
    ((_, content),) = argo.files(one, tmp_path).items()
    template = next(yaml.safe_load_all(content))
    assert [item["name"] for item in template["spec"]["arguments"]["parameters"]] == ["d"]
    assert "'a', 'b', 'c', 'gr\\xf6\\xdfe'" in content.decode()


def test_image_and_schedule_are_asked_for(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--image"):
        argo.files(job(tmp_path, deployment=Deployment(schedule="0 6 * * 1", image="credit:latest")), tmp_path)
    with pytest.raises(UsageError, match="--schedule"):
        argo.files(job(tmp_path, deployment=Deployment(image=IMAGE)), tmp_path)


def test_importing_the_target_imports_no_sdk() -> None:
    import subprocess

    code = "import sys, jupyter_mlgov.pipelines.targets.argo, jupyter_mlgov.integrations.kfp.task\n"
    code += "print([name for name in sys.modules if name.partition('.')[0] in ('hera', 'kfp', 'google', 'yaml')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
