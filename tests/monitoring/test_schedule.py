"""A monitor that runs by itself: each target's files are what that system takes, and do what `mlgov monitor run` and `watch` do."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pyarrow.parquet as pq
import pytest
import yaml

from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.core.errors import BadInput, UsageError
from jupyter_mlgov.monitoring.schedule import TARGETS, WHEN, Scheduled, cron_workflow, files, frequency_of, pipeline
from jupyter_mlgov.workspace.schedules import write_schedule
from tests.workspace.gated import Gated
from tests.workspace.watched import against, house, rows

PINNED = "registry.example.com/risk/credit@sha256:" + "ab" * 32
HOSTILE = "cré'dit $(touch x) {{workflow.name}} `id` %s; rm -rf /"


def job(**more: Any) -> Scheduled:
    given = {
        "model": "credit",
        "window": "windows/credit",
        "schedule": "7 5 * * 1",
        "plan": Digest.of_text("p"),
        "team": Digest.of_text("t"),
    }
    return Scheduled(**{**given, "image": PINNED, **more})


@pytest.fixture
def workspace(tmp_path: Path) -> Gated:
    made = house(tmp_path)
    (tmp_path / "windows").mkdir()
    pq.write_table(rows(2, shift=1.0), tmp_path / "windows" / "2026-11-16.parquet")
    return made


def environment() -> dict[str, str]:
    import os

    return {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "MLGOV_ACTOR": "service@firm.example"}


def test_the_cron_script_looks_and_watches_and_ends_as_the_monitor_does(workspace: Gated, tmp_path: Path) -> None:
    made = write_schedule(workspace, "credit", ("cron",), window="windows", output=tmp_path / "jobs")
    workspace.close()
    script, table = made
    assert (script.name, table.name) == ("monitor-credit.sh", "monitor-credit.crontab")
    assert '7 5 * * 1 sh -- "$MLGOV_JOBS/monitor-credit.sh"' in table.read_text("utf-8")
    done = subprocess.run(["sh", str(script)], cwd="/", env=environment(), capture_output=True, text=True, check=False, timeout=240)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "window 2026-11-16" in done.stdout
    assert "Every monitor ran when it was due." in done.stdout
    again = Gated(workspace.root, workspace.settings, clock=workspace.clock)
    assert any(said.startswith("drift in window 2026-11-16") for said in against(again))


def test_the_template_runs_under_papermill_and_fails_where_the_monitor_is_not_content(workspace: Gated, tmp_path: Path) -> None:
    (path,) = write_schedule(workspace, "credit", ("papermill",), window="windows")
    workspace.close()
    nbformat.validate(nbformat.read(path, 4))
    words = [str(Path(sys.executable).parent / "papermill"), str(path), str(tmp_path / "out.ipynb"), "--cwd", str(tmp_path)]
    done = subprocess.run(words, env=environment(), capture_output=True, text=True, check=False, timeout=240)
    assert done.returncode != 0
    assert "credit, window 2026-11-16: found a problem" in done.stderr or "credit, window 2026-11-16:" in done.stderr
    out = nbformat.read(tmp_path / "out.ipynb", 4)
    shown = json.dumps([output for cell in out.cells for output in cell.get("outputs", [])])
    assert "application/vnd.mlgov.report+json" in shown, "the report is in the executed notebook"
    assert "Alarm (critical): drift in window 2026-11-16" in shown


@pytest.mark.filterwarnings("ignore")  # of its libraries at import
def test_the_definition_is_one_that_jupyter_scheduler_takes(tmp_path: Path) -> None:
    from jupyter_scheduler.models import CreateJobDefinition

    made = files(job(), ("scheduler",), tmp_path)
    (body,) = [json.loads(content) for path, content in made.items() if path.suffix == ".json"]
    taken = CreateJobDefinition(**body)
    assert (taken.schedule, taken.parameters) == ("7 5 * * 1", {"model": "credit", "window": "windows/credit"})
    assert f"{taken.input_uri}" in {path.name for path in made}


def test_the_cron_workflow_holds_against_argos_own_schema(custom_faults: Callable[[dict[str, Any]], list[str]]) -> None:
    assert custom_faults(cron_workflow(job())) == []
    assert custom_faults({**cron_workflow(job()), "spec": {"schedule_": "x"}}) != [], "the check can fail"


def test_the_pipeline_is_one_that_kubeflow_takes(tmp_path: Path) -> None:
    from jupyter_mlgov.integrations.kfp import check_ir

    (content,) = files(job(), ("kfp",), tmp_path).values()
    first, second = yaml.safe_load_all(content.decode())
    assert first == pipeline(job())
    check_ir(first, second)


@pytest.mark.parametrize("target", ["argo", "kfp"])
@pytest.mark.parametrize("image", ["", "credit:latest"])
def test_a_container_asks_for_a_pinned_image(target: str, image: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="pinned by its digest"):
        files(job(image=image), (target,), tmp_path)


def test_no_name_is_read_as_code_anywhere(tmp_path: Path) -> None:
    """A shell reads the very words back; no template language finds anything to fill in."""
    import shlex

    hostile = job(model=HOSTILE, window=f"w/{HOSTILE}")
    made = {path.name.rpartition(".")[2]: content.decode() for path, content in files(hostile, tuple(sorted(TARGETS)), tmp_path).items()}
    (line,) = [one for one in made["sh"].splitlines() if one.startswith("mlgov monitor run")]
    words = ["mlgov", "monitor", "run", "--window", f"w/{HOSTILE}", "--workspace", ".", "--", HOSTILE]
    assert shlex.split(line.removesuffix(" || ran=$?")) == words
    (args,) = cron_workflow(hostile)["spec"]["workflowSpec"]["templates"][0]["container"]["args"]  # type: ignore[index]  # data
    assert "{{workflow" not in args
    assert HOSTILE in json.loads(made["ipynb"])["cells"][1]["source"] or repr(HOSTILE) in json.loads(made["ipynb"])["cells"][1]["source"]


def test_what_a_person_changed_is_never_written_over(tmp_path: Path) -> None:
    for target in sorted(TARGETS):
        for path, content in files(job(), (target,), tmp_path).items():
            path.write_bytes(content)
    assert files(job(), tuple(TARGETS), tmp_path), "what is as we wrote it may be written again"
    for path in tmp_path.iterdir():
        before = path.read_bytes()
        path.write_bytes(before.replace(b"windows/credit", b"windows/other").replace(b"7 5 * * 1", b"8 5 * * 1"))
        target = {"sh": "cron", "crontab": "cron", "ipynb": "papermill", "json": "scheduler"}.get(path.suffix[1:], path.suffixes[0][1:])
        with pytest.raises(BadInput, match=r"changed by hand|not written by"):
            files(job(), (target,), tmp_path)
        path.write_bytes(before)


def test_a_notebook_that_was_run_is_still_ours(tmp_path: Path) -> None:
    ((path, content),) = files(job(), ("papermill",), tmp_path).items()
    body = json.loads(content)
    body["cells"][2] |= {"execution_count": 3, "outputs": [{"output_type": "stream", "name": "stdout", "text": "x"}]}
    path.write_text(json.dumps(body), "utf-8")
    assert files(job(), ("papermill",), tmp_path)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"targets": ("cronn",)}, "target of a monitor"),
        ({"targets": ()}, "No target"),
        ({"window": "/etc/passwd"}, "outside the workspace"),
        ({"window": "../w"}, "outside the workspace"),
        ({"schedule": "every day"}, "no schedule"),
        ({"schedule": "1 2 3 4 5; rm"}, "no schedule"),
    ],
)
def test_wrong_words_are_sentences_and_write_nothing(workspace: Gated, tmp_path: Path, words: dict[str, Any], said: str) -> None:
    given = {"targets": ("cron",), "window": "windows", "output": tmp_path / "jobs", **words}
    with pytest.raises(UsageError, match=said):
        write_schedule(workspace, "credit", given.pop("targets"), **given)
    assert not (tmp_path / "jobs").exists()


def test_the_default_schedule_is_as_often_as_the_plan() -> None:
    assert frequency_of(("monthly", "daily")) == WHEN["daily"]
    assert frequency_of(()) == WHEN["weekly"]
