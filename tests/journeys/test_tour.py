"""The tour notebooks (credit, fraud, a trading signal) with their team files: tagged, run, judged, exported to every target, run as
those jobs, and reproduced. One workspace a notebook for all of it; fraud has few rows here, and its million in one test of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from jupyter_mlgov.core.settings import Settings
from jupyter_mlgov.core.verdicts import Verdict
from jupyter_mlgov.pipelines.plan import Deployment
from jupyter_mlgov.pipelines.reproduce import Grade
from jupyter_mlgov.workspace import Workspace
from jupyter_mlgov.workspace.demo import git
from jupyter_mlgov.workspace.jobs import export_notebook, run_governed
from jupyter_mlgov.workspace.reproducing import Wish, reproduce

from .conftest import Demo

pytestmark = pytest.mark.slow

PINNED = "registry.example.com/risk/tour@sha256:" + "ab" * 32
ALL = ("papermill", "dvc", "kfp", "argo", "airflow", "scheduler", "cron", "github", "gitlab", "image")
SMALL = {"fraud": ("rows=20000", "rounds=10"), "trading_signal": ("days=400", "assets=4")}


@dataclass(frozen=True)
class Tour:
    """A workspace in which the notebook ran once and was judged."""

    workspace: Workspace
    name: str
    given: tuple[str, ...]


def prepared(checkout: Path, root: Path, stem: str) -> Workspace:
    root.mkdir(parents=True)
    shutil.copyfile(checkout / "notebooks" / f"{stem}.ipynb", root / f"{stem}.ipynb")
    shutil.copyfile(checkout / "notebooks" / f"{stem}.mlgov.toml", root / "mlgov.toml")
    (root / "requirements.lock").write_text("jupyter-mlgov==0.1.0\n", "utf-8")
    (root / ".gitignore").write_text(".mlgov/\nruns/\n", "utf-8")
    git(root, "init", "--quiet", "--initial-branch=main")
    git(root, "config", "user.name", "Tour")
    git(root, "config", "user.email", "tour@demo.invalid")
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message=tour")
    return Workspace.create(root, Settings(deliver="manual"))


@pytest.fixture(scope="module", params=["credit_approval", "fraud", "trading_signal"])
def tour(request: pytest.FixtureRequest, checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tour]:
    stem = str(request.param)
    root = tmp_path_factory.mktemp("tour") / f"en tur {stem}"
    if stem == "credit_approval":
        demo: Demo = request.getfixturevalue("demo")
        shutil.copytree(demo.folder, root, symlinks=True)
        workspace, given = Workspace(root, Settings(deliver="manual")), ()
    else:
        workspace, given = prepared(checkout, root, stem), SMALL[stem]
        done = run_governed(workspace, root / f"{stem}.ipynb", given=given)
        assert done.outcome == "ok", done.sentence
        workspace.validate(f"{stem}.ipynb")
    yield Tour(workspace, f"{stem}.ipynb", given)
    workspace.close()


def test_its_tags_are_its_steps_and_everything_is_fresh(tour: Tour) -> None:
    found = tour.workspace.lineage(tour.name)
    assert [one.step.label for one in found.steps] == ["data", "features", "train", "evaluate"]
    assert {str(one.state) for one in found.steps} == {"fresh"}
    assert found.model is not None and found.last_output("scored") is not None and found.metrics


def test_it_was_judged_by_its_own_policy_and_no_check_broke(tour: Tour) -> None:
    report = tour.workspace.report(tour.name)
    assert report is not None and len(report.results) > 5
    assert [one.validator for one in report.results if one.verdict is Verdict.ERROR] == []


def test_it_is_exported_to_every_target_once_its_steps_are_proven_and_reproduced(tour: Tour) -> None:
    """All at once, below one folder; jobs of three of them are then really run, with the gate's exit code."""
    workspace, root = tour.workspace, tour.workspace.root
    assert reproduce(workspace, Wish(target=tour.name, environment="current"), lambda _: None).grade is Grade.IDENTICAL
    deployment = Deployment(image=PINNED, base=PINNED, schedule="0 6 * * 1")
    written = export_notebook(workspace, tour.name, ALL, root / "jobb", deployment=deployment)
    (proof,) = workspace.journal.entries(actions=("export.proven",))
    assert {"train.model", "evaluate.scored"} <= set(proof.payload["equal"]) and proof.payload["recorded"]
    entry = list(workspace.journal.entries(actions=("export.written",)))[-1]
    assert tuple(entry.payload["targets"]) == ALL
    digests = entry.payload["digests"]
    texts = {
        path.name: path.read_text("utf-8")
        for path in written
        if path.suffix in (".yaml", ".yml", ".py", ".ipynb", ".crontab", ".sh", ".json")
    }
    carriers = [name for name, text in texts.items() if digests["notebook"] in text and digests["policy"] in text]
    assert len(carriers) >= 9, texts.keys() - set(carriers)
    stages = yaml.safe_load((root / "jobb" / "dvc.yaml").read_text("utf-8"))["stages"]
    assert list(stages) == ["data", "features", "train", "evaluate", "gate"]
    for job in JOBS[Path(tour.name).stem]:
        _records_judges_asks_and_stays_shut(job, tour, root / "jobb")


JOBS = {"credit_approval": ("dvc",), "fraud": ("papermill", "cron"), "trading_signal": ("cron",)}


def _records_judges_asks_and_stays_shut(job: str, tour: Tour, folder: Path) -> None:
    """The exported job, run as its scheduler would: a session, a report and a decision more, and no clean end while the gate is shut."""
    before = _acts(tour)
    done = _JOBS[job](folder, tour)
    made = {action: now - before[action] for action, now in _acts(tour).items()}
    told = (job, made, done.stdout + done.stderr)
    assert made["session.started"] >= 1 and made["validation.done"] >= 1 and made["promotion.decided"] == 1, told
    decided = list(tour.workspace.journal.entries(actions=("promotion.decided",)))[-1]
    assert decided.payload["notebook"] == (f"jobb/{Path(tour.name).stem}.papermill.ipynb" if job == "papermill" else tour.name)
    assert decided.payload["answer"] != "granted", "nobody reviewed it"
    assert done.returncode != 0, told
    given = dict(pair.split("=") for pair in tour.given)
    found = tour.workspace.lineage(str(decided.payload["notebook"])).parameters
    assert {name: str(found[name]) for name in given} == given


def _acts(tour: Tour) -> dict[str, int]:
    actions = ("session.started", "validation.done", "promotion.decided")
    return {action: len(list(tour.workspace.journal.entries(actions=(action,)))) for action in actions}


def _cron(folder: Path, tour: Tour) -> subprocess.CompletedProcess[str]:
    return _run(["sh", str(next(folder.glob("*.job.sh"))), *(word for one in tour.given for word in ("-p", one))], folder)


def _dvc(folder: Path, tour: Tour) -> subprocess.CompletedProcess[str]:  # its parameters stand in params.yaml
    return _run([sys.executable, "-m", "dvc", "repro"], folder)


def _papermill(folder: Path, tour: Tour) -> subprocess.CompletedProcess[str]:
    words = [word for one in tour.given for word in ("-p", *one.split("="))]
    book = next(path for path in folder.glob("*.papermill.ipynb"))
    return _run([sys.executable, "-m", "papermill", "--engine", "mlgov", book.name, "out.ipynb", *words], folder)


_JOBS = {"cron": _cron, "dvc": _dvc, "papermill": _papermill}


def _run(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, env={**os.environ, "PATH": path})


def test_a_million_transactions_run_as_a_governed_job(checkout: Path, tmp_path: Path) -> None:
    workspace = prepared(checkout, tmp_path / "miljon", "fraud")
    done = run_governed(workspace, workspace.root / "fraud.ipynb", given=["rounds=5"])
    assert done.outcome == "ok", done.sentence
    found = workspace.lineage("fraud.ipynb")
    tables = {
        ref.name: ref.fingerprint.rows for run in found.runs for ref in run.outputs if ref.fingerprint is not None and ref.fingerprint.rows
    }
    assert (tables["table"], tables["features"], tables["scored"]) == (1_000_000, 1_000_000, 200_000)
    assert 0.8 < found.metrics["auc"] < 1 and found.metrics["auc"] > found.metrics["auc_baseline"]
    workspace.close()
