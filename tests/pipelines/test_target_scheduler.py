"""jupyter-scheduler: the definition is taken by a real one, and its job is COMPLETED only where the notebook ran and the gate opened."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import nbformat
import psutil
import pytest

from jupyter_mlgov.core.errors import BadInput, UsageError
from jupyter_mlgov.pipelines.plan import Deployment
from jupyter_mlgov.pipelines.targets import scheduler as target
from tests.pipelines.jobs import Make, hostile, job

pytestmark = pytest.mark.filterwarnings("ignore")  # jupyter-scheduler on pydantic 2 warns at import

TEAM = '[model]\nname = "m"\n[policy]\npacks = ["optional"]\n'


@pytest.mark.parametrize("make", [job, hostile])
def test_the_definition_carries_digests_and_texts_that_are_read_back(tmp_path: Path, make: Make) -> None:
    from jupyter_mlgov.pipelines.parameters import parse_values

    one = make(tmp_path)
    files = target.files(one, tmp_path)
    ((path, content),) = files.items()
    found = json.loads(content.decode("ascii"))
    assert path.name == f"{one.name}.scheduler.json"
    assert found["input_uri"] == one.notebook
    assert {f"mlgov:{name}-digest={digest}" for name, digest in one.digests.told().items()} <= set(found["tags"])
    texts = [f"{name}={text}" for name, text in found["parameters"].items()]
    assert parse_values(texts, one.parameters) == {item.name: item.default for item in one.settable}
    path.write_bytes(content)
    assert target.files(one, tmp_path) == files
    path.write_bytes(content.replace(b"html", b"pdf"))
    with pytest.raises(BadInput, match="changed by hand"):
        target.files(one, tmp_path)
    path.write_text("{}")
    with pytest.raises(BadInput, match="not written by this export"):
        target.files(one, tmp_path)


def test_a_schedule_that_is_none_is_refused(tmp_path: Path) -> None:
    assert "schedule" not in target.definition(job(tmp_path, deployment=Deployment()))
    with pytest.raises(UsageError, match="five cron fields"):
        target.definition(job(tmp_path, deployment=Deployment(schedule="hourly")))


class Bench:
    """A real scheduler on a workspace."""

    def __init__(self, root: Path, manager: str = target.MANAGER) -> None:
        from jupyter_scheduler.environments import StaticEnvironmentManager
        from jupyter_scheduler.orm import create_tables
        from jupyter_scheduler.scheduler import Scheduler
        from traitlets.config import Config

        self.root = root
        url = f"sqlite:///{root.parent / (manager.rpartition('.')[2] + '.sqlite')}"
        create_tables(url)
        config = Config()
        config.Scheduler.execution_manager_class = manager
        config.Scheduler.task_runner_class = None
        config.BaseScheduler.staging_path = str(root.parent / "staging")
        self.scheduler = Scheduler(root_dir=str(root), environments_manager=StaticEnvironmentManager(), db_url=url, config=config)

    def define(self, body: dict[str, Any]) -> str:
        from jupyter_scheduler.models import CreateJobDefinition

        return str(self.scheduler.create_job_definition(CreateJobDefinition(**body)))

    def run(self, definition: str, **parameters: str) -> Any:
        from jupyter_scheduler.models import CreateJobFromDefinition
        from jupyter_scheduler.orm import Job

        job_id = self.scheduler.create_job_from_definition(definition, CreateJobFromDefinition(parameters=parameters or None))
        with self.scheduler.db_session() as session:
            pid = session.query(Job).filter(Job.job_id == job_id).first().pid
        with contextlib.suppress(psutil.NoSuchProcess):
            psutil.Process(pid).wait(120)
        return self.scheduler.get_job(job_id, job_files=False)


def workspace(root: Path, *sources: str, name: str = "sub/train 'ü'.ipynb") -> str:
    from jupyter_mlgov.workspace import Workspace

    root.mkdir(parents=True, exist_ok=True)
    Workspace.create(root)
    (root / "mlgov.toml").write_text(TEAM)
    cells = [nbformat.v4.new_code_cell(source, id=f"c{place}") for place, source in enumerate(sources)]
    cells[0].metadata["tags"] = ["parameters"]
    cells[1].metadata["tags"] = ["mlgov:train"]
    about = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=about), root / name)
    return name


def body(name: str, stage: str = "", **parameters: str) -> dict[str, Any]:
    tags = [f"{target.NOTEBOOK}{name}"] + ([f"{target.STAGE}{stage}"] if stage else [])
    return {
        "name": "m", "input_uri": name, "runtime_environment_name": "python3", "output_formats": ["ipynb"], "tags": tags,
        "parameters": parameters, "timezone": "UTC",
    }  # fmt: skip


@pytest.mark.slow
def test_a_failed_notebook_is_not_shown_as_completed(tmp_path: Path) -> None:
    """jupyter-scheduler's own ArchivingExecutionManager swallows the error of a cell, so its job reads COMPLETED. Ours reads FAILED."""
    root = tmp_path / "w"
    name = workspace(root, "n: int = 1", "assert n == 2, 'no luck'")
    found = Bench(root)
    definition = found.define(body(name))
    done = found.run(definition)
    assert str(done.status) == "FAILED"
    assert "no luck" in done.status_message
    executed = nbformat.read(found.scheduler.get_staging_paths(done)["ipynb"], 4)
    assert "no luck" in json.dumps(executed)
    theirs = Bench(root, "jupyter_scheduler.executors.ArchivingExecutionManager")
    swallowed = theirs.run(theirs.define({**body(name), "output_formats": ["tar.gz", "ipynb"]}))
    assert str(swallowed.status) == "COMPLETED"


@pytest.mark.slow
def test_a_job_is_completed_only_where_the_gate_opens_and_its_record_is_the_notebooks(tmp_path: Path) -> None:
    from jupyter_mlgov.workspace import Workspace

    root = tmp_path / "w"
    name = workspace(root, "n: int = 1", "assert n == 2, 'no luck'")
    found = Bench(root)
    definition = found.define(body(name, n="2"))
    done = found.run(definition)
    assert str(done.status) == "COMPLETED", done.status_message
    lineage = Workspace(root).lineage(name)
    assert lineage.session is not None
    assert [str(run.outcome) for run in lineage.runs if run.step] == ["ok"]
    shut = found.run(found.define(body(name, "staging", n="2")))
    assert str(shut.status) == "FAILED"
    assert "The gate to staging stayed shut" in shut.status_message
    assert [entry.payload["answer"] for entry in Workspace(root).journal.entries(actions=("promotion.decided",))] == ["refused"]


@pytest.mark.slow
def test_what_cannot_be_the_scheduled_job_fails_with_a_sentence(tmp_path: Path) -> None:
    root = tmp_path / "w"
    name = workspace(root, "n: int = 1", "x = n")
    found = Bench(root)
    definition = found.define(body(name))
    mistyped = found.run(definition, m="2")
    assert str(mistyped.status) == "FAILED"
    assert 'No parameter "m". Known: n.' in mistyped.status_message
    workspace(root, "n: int = 1", "x = n + 1")
    changed = found.run(definition)
    assert str(changed.status) == "FAILED"
    assert "was changed since it was scheduled" in changed.status_message
