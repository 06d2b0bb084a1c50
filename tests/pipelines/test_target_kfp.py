"""Kubeflow: strictly a PipelineSpec, and really run by kfp's local runner in every branch.

The local runner refuses container components by a check of its own; the tests take that check away and nothing else (facts of 2026-11-23).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import nbformat
import pytest
import yaml

from jupyter_mlgov.core.errors import BadInput, NotReady, UsageError
from jupyter_mlgov.integrations import kfp as door
from jupyter_mlgov.integrations.kfp.task import whole
from jupyter_mlgov.pipelines.parameters import declared
from jupyter_mlgov.pipelines.plan import Deployment
from jupyter_mlgov.pipelines.targets import kfp as target
from jupyter_mlgov.pipelines.targets.job import Job
from tests.pipelines.jobs import IMAGE, Make, calls, hostile, job

pytestmark = pytest.mark.filterwarnings("ignore")  # kfp warns at import and of what its local runner leaves out

# Does what the verbs leave behind, as small as it can be, and notes how it was called.
STAND_IN = """\
#!{python} -SE
import json, os, sys
words = sys.argv[1:]
after = lambda name: words[words.index(name) + 1] if name in words else None
values = json.load(open(after("--params-file"))) if after("--params-file") else None
came = [words[place + 1] for place, word in enumerate(words) if word == "--in"]
assert all(os.path.isfile(folder + "/step.json") for folder in came), came
with open({log!r}, "a") as log: log.write(json.dumps({{"words": words, "parameters": values}}) + "\\n")
gate = os.environ["GATE"]
if words[0] == "run-step":
    if gate == "broken" and words[2] == "train-champion": sys.exit(1)
    os.makedirs(after("--out")); open(after("--out") + "/step.json", "w").write("{{}}")
if words[0] == "judge":
    for name, text in (("--write", gate), ("--report", "<p>"), ("--metrics", '{{"auc": 0.5}}')): open(after(name), "w").write(text)
if words[0] == "promote":
    sys.exit(0 if gate == "pass" or (gate == "review" and "--until-review" in words) else 1)
"""


def documents(one: Job, folder: Path) -> tuple[dict[str, Any], dict[str, Any], str]:
    ((path, content),) = door.files(one, folder).items()
    assert path.name == f"{one.name}.kfp.yaml"
    text = content.decode()
    pipeline, platform = yaml.safe_load_all(text)
    return pipeline, platform, text


@pytest.mark.parametrize("make", [job, hostile])
def test_it_is_a_pipeline_spec_and_kfp_loads_it(tmp_path: Path, make: Make) -> None:
    from kfp import components

    one = make(tmp_path)
    pipeline, platform, text = documents(one, tmp_path)
    door.check_ir(pipeline, platform)
    assert components.load_component_from_text(text).name == f"mlgov-{one.name}"


def damaged(pipeline: dict[str, Any], platform: dict[str, Any], place: str) -> None:
    deployment = pipeline["deploymentSpec"]["executors"]["exec-judge"]
    kubernetes = platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]["exec-judge"]
    {
        "task": lambda: pipeline["root"]["dag"]["tasks"]["judge"].update(cachingOption={}),
        "type": lambda: pipeline["components"]["comp-judge"]["outputDefinitions"]["parameters"]["gate"].update(parameterType="TEXT"),
        "container": lambda: deployment["container"].update(imag="x"),
        "platform": lambda: platform.update(platfroms={}),
        "kubernetes": lambda: kubernetes.update(pvcMounts=[]),
    }[place]()


@pytest.mark.parametrize("place", ["task", "type", "container", "platform", "kubernetes"])
def test_a_planted_typo_is_refused(tmp_path: Path, place: str) -> None:
    pipeline, platform, _ = documents(job(tmp_path), tmp_path)
    damaged(pipeline, platform, place)
    with pytest.raises(BadInput, match="no Kubeflow pipeline"):
        door.check_ir(pipeline, platform)


def test_without_the_extra_nothing_is_written_and_the_way_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "kfp.pipeline_spec", None)
    with pytest.raises(NotReady, match=r'pip install "jupyter-mlgov\[kfp\]"'):
        door.files(job(tmp_path), tmp_path)


def test_images_are_pinned_digests_are_carried_and_secrets_are_references(tmp_path: Path) -> None:
    one = job(tmp_path)
    pipeline, platform, text = documents(one, tmp_path)
    executors = pipeline["deploymentSpec"]["executors"]
    assert {item["container"]["image"] for item in executors.values()} == {IMAGE}
    told = json.loads(pipeline["pipelineInfo"]["description"])
    assert {name: told[f"{name}_digest"] for name in one.digests.told()} == one.digests.told()
    added = platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    assert added.keys() == executors.keys()
    for item in added.values():
        assert {pair["envVar"] for pair in item["secretAsEnv"][0]["keyToEnv"]} == {"MLGOV_DATABASE_URL", "MLGOV_TRACKING_URI"}
        assert item["securityContext"]["runAsNonRoot"] is True
    assert "postgresql" not in text
    with pytest.raises(UsageError, match="--image"):
        door.files(job(tmp_path, deployment=Deployment(image="credit:latest")), tmp_path)


def test_a_changed_fingerprint_changes_what_every_step_is_cached_by(tmp_path: Path) -> None:
    one = replace(job(tmp_path), cacheable=True)
    other = replace(one, steps=(replace(one.steps[0], fingerprint="sha256:" + "1" * 64), *one.steps[1:]))

    def keys(which: Job) -> list[object]:
        tasks = target.pipeline(which)["root"]["dag"]["tasks"]  # type: ignore[index]  # IR as plain data
        return [tasks[f"step-{step.name}"]["inputs"]["parameters"]["mlgov-fingerprint"] for step in which.steps]

    assert all(before != after for before, after in zip(keys(one), keys(other), strict=True))
    tasks = target.pipeline(one)["root"]["dag"]["tasks"]  # type: ignore[index]  # IR as plain data
    assert {name: task.get("cachingOptions", {}) for name, task in tasks.items()} == {
        **{f"step-{step.name}": {"enableCache": True} for step in one.steps}, "judge": {}, "gate": {},
    }  # fmt: skip
    fresh = target.pipeline(replace(one, cacheable=False))["root"]["dag"]["tasks"]  # type: ignore[index]  # IR as plain data
    assert all(not task.get("cachingOptions") for task in fresh.values())


@pytest.mark.parametrize(
    ("value", "kind", "expected"),
    [
        (5.0, "int", 5),
        (5, "float", 5.0),
        ([1.0, 2.0], "int", [1, 2]),
        ({"a": [1]}, "float", {"a": [1.0]}),
        (True, "int", True),
        ("5", "int", "5"),
        (1.5, "int", 1.5),
    ],
)
def test_numbers_are_made_what_the_notebook_means(value: object, kind: str, expected: object) -> None:
    found = whole(value, kind)
    assert found == expected
    assert repr(found) == repr(expected)


def test_what_a_double_cannot_hold_stays_in_the_notebook_and_the_file_says_so(tmp_path: Path) -> None:
    one = replace(job(tmp_path), parameters=declared("a = 2**53 + 1\nb = 9007199254740993\nc = [1, 2.5]\ngröße = 1\nd = 5"))
    pipeline, _, text = documents(one, tmp_path)
    assert list(pipeline["root"]["inputDefinitions"]["parameters"]) == ["d"]
    assert "'a', 'b', 'c', 'gr\\xf6\\xdfe'" in text


@contextmanager
def local_runner(folder: Path, place: Path) -> Iterator[None]:
    """kfp's SubprocessRunner, which may run containers' commands here, with the workspace as the current folder."""
    from kfp import local
    from kfp.local.subprocess_task_handler import SubprocessTaskHandler

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SubprocessTaskHandler, "validate_not_container_component", lambda *_: None)
        patch.chdir(place)
        local.init(local.SubprocessRunner(use_venv=False), pipeline_root=str(folder / "artifacts"), enable_caching=True)
        yield


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "mlgov").write_text(STAND_IN.format(python=sys.executable, log=str(folder / "calls.jsonl")))
    (folder / "mlgov").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return folder


@pytest.mark.slow
@pytest.mark.parametrize(
    ("gate", "last", "ends_well"),
    [("pass", [], True), ("review", ["--until-review"], True), ("fail", [], False), ("odd", [], False)],
)
def test_each_branch_asks_and_only_a_shut_gate_fails_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bench: Path, gate: str, last: list[str], ends_well: bool
) -> None:
    from kfp import components

    one = hostile(tmp_path / "w") if gate == "review" else job(tmp_path / "w")
    run: Callable[..., Any] = components.load_component_from_text(documents(one, tmp_path)[2])
    monkeypatch.setenv("GATE", gate)
    with local_runner(tmp_path, one.root):
        if ends_well:
            run(folds=7)
        else:
            with pytest.raises(RuntimeError, match="refused"):
                run(folds=7)
    ran = calls(bench)
    assert [call["words"][0] for call in ran] == ["run-step"] * 3 + ["judge", "promote"]
    assert ran[-1]["words"] == ["promote", "staging", "--notebook", one.notebook, "--workspace", ".", *last]
    expected = {item.name: item.default for item in one.settable} | {"folds": 7}
    assert [call["parameters"] for call in ran[:3]] == [expected] * 3
    assert repr(ran[0]["parameters"]["folds"]) == "7"
    assert len({call["words"][call["words"].index("--token") + 1] for call in ran[:3]}) == 1
    assert [call["words"].count("--in") for call in ran[:3]] == [0, 1, 2]
    assert not list(tmp_path.rglob("pwned"))


@pytest.mark.slow
def test_a_step_that_fails_fails_the_run_and_nothing_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bench: Path) -> None:
    from kfp import components

    one = job(tmp_path / "w")
    run: Callable[..., Any] = components.load_component_from_text(documents(one, tmp_path)[2])
    monkeypatch.setenv("GATE", "broken")
    with local_runner(tmp_path, one.root), pytest.raises(RuntimeError, match="step-train-champion"):
        run()
    assert [call["words"][:3:2] for call in calls(bench)] == [["run-step", "data"], ["run-step", "train-champion"]]


CELLS = (
    (["parameters"], "n: int = 20  # 4..100"),
    (["mlgov:data"], "import pandas as pd\nscored = pd.DataFrame({'x': range(n), 'y': [i % 2 for i in range(n)]})"),
    (["mlgov:train"], "from sklearn.linear_model import LogisticRegression\nmodel = LogisticRegression().fit(scored[['x']], scored['y'])"),
)


MEASURED = '[model]\nname = "tiny"\ntier = 3\n[policy]\npacks = ["optional"]\nalso = ["priv.pii"]\n'


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    from jupyter_mlgov.workspace import Workspace

    root = tmp_path / "work space"
    root.mkdir()
    Workspace.create(root)
    (root / "mlgov.toml").write_text(MEASURED.replace('also = ["priv.pii"]', ""))
    cells = [nbformat.v4.new_code_cell(source, id=f"c{place}", metadata={"tags": tags}) for place, (tags, source) in enumerate(CELLS)]
    about = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=about), root / "tiny ü.ipynb")
    return root


@pytest.mark.slow
def test_steps_are_reused_only_while_nothing_they_rest_on_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bench: Path) -> None:
    """kfp's local cache makes its key of the same parts as the backend: command, inputs, environment."""
    from kfp import components

    monkeypatch.setenv("GATE", "review")
    one = replace(job(tmp_path / "w"), cacheable=True)
    changed = replace(one, steps=(*one.steps[:2], replace(one.steps[2], fingerprint="sha256:" + "2" * 64)))
    ran: list[int] = []
    with local_runner(tmp_path, one.root):
        for which, folds in ((one, 5), (one, 5), (one, 7), (changed, 5), (replace(one, cacheable=False), 5)):
            before = len(calls(bench))
            components.load_component_from_text(documents(which, tmp_path)[2])(folds=folds)
            ran.append(len(calls(bench)) - before)
    assert ran == [5, 2, 5, 5, 5]


@pytest.mark.slow
def test_a_real_notebook_takes_every_branch_and_the_trail_has_each_decision(workspace: Path, tmp_path: Path) -> None:
    """No stand-ins: kfp runs run-step, judge and promote of this checkout. What the team asks for changes between the runs."""
    from kfp import components

    from jupyter_mlgov.core.team import read_team
    from jupyter_mlgov.pipelines.plan import plan
    from jupyter_mlgov.pipelines.targets.job import contained
    from jupyter_mlgov.workspace import Workspace

    name = "tiny ü.ipynb"
    planned = plan(workspace, name, read_team(workspace), Workspace(workspace).lineage(name), Deployment(image=IMAGE))
    one = replace(contained(planned), cacheable=True)  # so that the steps themselves run once
    run: Callable[..., Any] = components.load_component_from_text(documents(one, tmp_path)[2])
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    with pytest.MonkeyPatch.context() as patch, local_runner(tmp_path, workspace):
        patch.setenv("PATH", path)
        with pytest.raises(RuntimeError, match="refused"):
            run(n=30)
        (workspace / "mlgov.toml").write_text(MEASURED)
        run(n=30)
        (workspace / "mlgov.toml").write_text(MEASURED + "[promotion.approvals]\nstaging = 0\n")
        run(n=30)
    lineage = Workspace(workspace).lineage(name)
    assert [(one.step.label, str(one.outcome)) for one in lineage.runs if one.step] == [("data", "ok"), ("train", "ok")]
    asked = list(Workspace(workspace).journal.entries(actions=("promotion.decided",)))
    assert [entry.payload["answer"] for entry in asked] == ["refused", "awaiting review", "granted"]


def test_importing_the_task_is_light() -> None:
    code = (
        "import sys, jupyter_mlgov.integrations.kfp.task; print([one for one in sys.modules if one.partition('.')[0] in ('kfp', 'pandas')])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
