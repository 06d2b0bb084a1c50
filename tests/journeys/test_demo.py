"""The main job on real input: recorded, projected, validated, shown, gated, exported, audited."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlgov.lineage.facts import Outcome, StepState
from jupyter_mlgov.workspace.demo import BY_SEX, DATA, NOTEBOOK, REVIEWER

from .conftest import Demo, mlgov

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore"),  # MLflow 3.17's own models warn under SQLAlchemy 2.1 when a test asks MLflow directly
]


# -- recorded ---------------------------------------------------------------------------------------------------------


def test_every_code_cell_is_recorded_with_what_it_read_and_made(demo: Demo) -> None:
    lineage = demo.workspace().lineage(NOTEBOOK)
    cells = json.loads((demo.folder / NOTEBOOK).read_text())["cells"]
    code = [cell["id"] for cell in cells if cell["cell_type"] == "code"]
    ran = {run.cell_id: run for run in lineage.runs}
    assert set(code) - set(ran) <= {"load"}, "only the cell that loads the recorder may be missing"
    assert all(run.outcome is Outcome.OK and run.duration_ms > 0 for run in lineage.runs)
    assert [run.order for run in lineage.runs] == sorted(run.order for run in lineage.runs)
    assert {"features", "approved", "scorecard"} <= set(ran["train"].reads) | set(ran["train"].writes)
    assert "model" in ran["train"].writes
    assert [ref.path for ref in ran["data"].files_read] == [DATA]


def test_tables_and_files_at_step_boundaries_have_fingerprints(demo: Demo) -> None:
    lineage = demo.workspace().lineage(NOTEBOOK)
    applications = lineage.last_output("applications")
    assert applications is not None and applications.fingerprint is not None
    assert applications.fingerprint.rows == 1989
    assert len(applications.fingerprint.columns) == 59
    assert lineage.model is not None and lineage.model.fingerprint is not None and lineage.model.stored is not None


def test_the_environment_and_the_clean_commit_are_recorded(demo: Demo) -> None:
    session = demo.workspace().lineage(NOTEBOOK).session
    assert session is not None
    assert session.environment.packages["scikit-learn"]
    command = ["git", "rev-list", "--max-parents=0", "HEAD"]
    first = subprocess.run(command, cwd=demo.folder, capture_output=True, text=True, check=True)
    assert session.code.commit == first.stdout.strip()
    assert session.code.dirty == ()
    assert session.host == "papermill"


def test_all_steps_are_fresh(demo: Demo) -> None:
    steps = demo.workspace().lineage(NOTEBOOK).steps
    assert [status.step.label for status in steps] == ["data", "features", "train", "evaluate"]
    assert {status.state for status in steps} == {StepState.FRESH}


# -- projected --------------------------------------------------------------------------------------------------------


def test_one_mlflow_run_carries_parameters_metrics_model_and_our_digests(demo: Demo) -> None:
    import mlflow

    workspace = demo.workspace()
    client = mlflow.MlflowClient(workspace.tracking_uri, workspace.tracking_uri)
    lineage = workspace.lineage(NOTEBOOK)
    assert lineage.session is not None and lineage.model is not None and lineage.model.fingerprint is not None
    experiments = [one.experiment_id for one in client.search_experiments()]
    runs = [run for run in client.search_runs(experiments) if run.data.tags.get("mlgov.session") == lineage.session.id]
    assert len(runs) == 1
    run = runs[0]
    assert run.info.status == "FINISHED"
    assert run.data.params["folds"] == "5"
    assert run.data.metrics["auc"] == pytest.approx(lineage.metrics["auc"])
    assert run.data.tags["mlgov.model"] == lineage.model.fingerprint.root
    versions = client.search_model_versions("name='credit-approval'")
    assert [version.run_id for version in versions] == [run.info.run_id]


def test_the_input_is_tracked_by_dvc_and_its_hash_is_in_the_trail(demo: Demo) -> None:
    entries = list(demo.workspace().journal.entries(actions=("file.tracked",)))
    assert len(entries) == 1
    assert str(entries[0].payload["hash"]) in (demo.folder / f"{DATA}.dvc").read_text()


def test_the_registered_model_loads_and_scores_like_the_recorded_one(demo: Demo, monkeypatch: pytest.MonkeyPatch) -> None:
    import mlflow
    import pandas as pd

    workspace = demo.workspace()
    client = mlflow.MlflowClient(workspace.tracking_uri, workspace.tracking_uri)
    version = client.search_model_versions("name='credit-approval'")[0]
    monkeypatch.setenv("MLFLOW_TRACKING_URI", workspace.tracking_uri)  # `set_tracking_uri` would stay for the tests after this one
    model = mlflow.sklearn.load_model(f"runs:/{version.run_id}/model" if not version.model_id else f"models:/{version.model_id}")
    table = pd.read_parquet(demo.folder / DATA)
    names = list(model[0].feature_names_in_)
    assert model.predict_proba(table[names]).shape == (1989, 2)
    assert not {"white", "black", "hispan", "male", "married", "old"} & set(names)


# -- validated --------------------------------------------------------------------------------------------------------


def test_fair_air_finds_the_published_counts(demo: Demo) -> None:
    """LA1 of the oracles: 218/308 = .707792 against 1527/1681 = .908388, ratio .779174, Katz (.72407, .83847)."""
    report = demo.ask("report", "--notebook", NOTEBOOK)
    air = next(result for result in report["results"] if result["validator"] == "fair.air")
    assert air["verdict"] == "fail"
    finding = air["findings"][0]
    assert finding["measured"] == pytest.approx(218 / 308 / (1527 / 1681), abs=1e-12)
    assert finding["measured"] == pytest.approx(0.779174, abs=1e-6)
    assert finding["interval"] == pytest.approx([0.72407, 0.83847], abs=1e-5)
    assert {(one["k"], one["n"]) for one in finding["estimates"]} == {(218, 308), (1527, 1681)}


def test_all_seven_validators_answered_and_none_broke(demo: Demo) -> None:
    report = demo.ask("report", "--notebook", NOTEBOOK)
    verdicts = {result["validator"]: result["verdict"] for result in report["results"]}
    seven = {"fair.air", "fair.sig", "perf.discrim", "perf.benchmark", "priv.pii", "lineage.complete", "env.pin"}
    assert not {"error", "inconclusive"} & {verdicts[name] for name in seven}, verdicts
    assert "error" not in verdicts.values(), verdicts
    assert [policy["id"] for policy in report["policies"]] == ["us-fair-lending", "sr-26-2"]


def test_what_nobody_checked_is_listed_and_not_counted_as_passed(demo: Demo) -> None:
    report = demo.ask("report", "--notebook", NOTEBOOK)
    unchecked = [one for one in report["requirements"] if one["verdict"] is None]
    assert {"SR26-2.III.3", "REGB.9.b2"} <= {one["control"] for one in unchecked}
    assert sum(report["counts"].values()) == len(report["results"])


# -- shown ------------------------------------------------------------------------------------------------------------


def outputs(notebook: Path, mime: str) -> list[Any]:
    cells = json.loads(notebook.read_text())["cells"]
    return [out["data"][mime] for cell in cells for out in cell.get("outputs", []) if mime in out.get("data", {})]


def test_the_same_digest_stands_in_notebook_terminal_file_and_json(demo: Demo) -> None:
    digest = demo.ask("report", "--notebook", NOTEBOOK)["digest"]
    (drawn,) = outputs(demo.folder / "runs" / NOTEBOOK, "application/vnd.mlgov.report+json")
    assert drawn["digest"] == digest == demo.told["digest"]
    page = Path(demo.told["report"]).read_text()
    assert digest in page
    again = mlgov("validate", "--workspace", str(demo.folder))
    assert again.returncode == 1
    assert digest[:13] in again.stdout
    assert demo.ask("report", "--notebook", NOTEBOOK)["digest"] == digest


def test_the_report_file_loads_nothing_from_anywhere(demo: Demo) -> None:
    page = Path(demo.told["report"]).read_text()
    assert not re.search(r"<(script|link|iframe|img|object|embed)\b|@import|url\(", page)


# -- gated ------------------------------------------------------------------------------------------------------------


def test_the_author_is_refused_with_every_reason(demo: Demo) -> None:
    refused = demo.told["refused"]
    assert refused["answer"] == "refused"
    sentences = " ".join(reason["sentence"] for reason in refused["reasons"])
    assert "0.78" in sentences
    assert {"fair.air", "fair.sig"} <= {reason["validator"] for reason in refused["reasons"]}
    assert any("approv" in reason["sentence"] for reason in refused["reasons"])
    assert all(reason["next"] for reason in refused["reasons"])


def test_why_is_shorter_or_as_short_and_writes_nothing(demo: Demo) -> None:
    before = demo.workspace().journal.head()
    told = demo.ask("why", "--notebook", NOTEBOOK)
    assert 0 < len(told["shortest"]) <= len(told["reasons"])
    assert demo.workspace().journal.head() == before


def test_a_reviewer_who_is_not_the_author_opens_the_gate_for_a_passing_subject(demo: Demo) -> None:
    import mlflow

    granted = demo.told["granted"]
    assert granted["answer"] == "granted"
    assert [actor["id"] for actor in granted["approved_by"]] == [REVIEWER]
    workspace = demo.workspace()
    client = mlflow.MlflowClient(workspace.tracking_uri, workspace.tracking_uri)
    version = client.get_model_version_by_alias("credit-approval-by-sex", "staging")
    entry = next(one for one in workspace.journal.entries(actions=("promotion.decided",)) if one.payload["answer"] == "granted")
    assert str(version.version) == granted["version"]
    assert {"mlgov.staging.by", "mlgov.staging.at", "mlgov.staging.why"} <= set(version.tags)
    assert entry.actor.id == "scientist@demo.invalid"
    author = "scientist@demo.invalid"
    assert [one.actor.id for one in workspace.journal.entries(actions=("review.given",))] == [author, REVIEWER, REVIEWER]
    applied = list(workspace.journal.entries(actions=("promotion.applied",)))
    assert applied[0].payload["decision"] == entry.digest


def test_the_author_s_own_approval_opened_nothing(demo: Demo) -> None:
    decided = [one for one in demo.workspace().journal.entries(actions=("promotion.decided",)) if one.subject == "credit-approval-by-sex"]
    assert [one.payload["answer"] for one in decided] == ["awaiting review", "granted", "granted"]
    assert "four eyes" in str(decided[0].payload["notes"])


def test_one_edited_cell_shut_the_gate(demo: Demo) -> None:
    shut = demo.told["shut"]
    assert shut["answer"] == "refused"
    assert shut["reasons"][0]["fix"]["kind"] == "run-cell"


def test_the_way_back_left_a_receipt_with_times(demo: Demo) -> None:
    receipt = demo.told["receipt"]
    assert (receipt["outcome"], receipt["left"], receipt["to"]) == ("done", "2", "1")
    assert receipt["seconds"] < 10
    assert {look["answer"] for look in receipt["before"]} == {"ok"}
    (done,) = demo.workspace().journal.entries(actions=("rollback.done",))
    assert done.payload["ordered"] == receipt["ordered"]


def test_every_decision_replays(demo: Demo) -> None:
    done = mlgov("audit", "replay", "--workspace", str(demo.folder))
    assert done.returncode == 0, done.stdout
    assert "4 of 4 decisions" in done.stdout


def test_the_author_cannot_approve_the_own_model(demo: Demo, tmp_path: Path) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(demo.folder, folder)
    words = ("--workspace", str(folder), "--notebook", BY_SEX)
    assert mlgov("review", "refuse", "-m", "withdrawn", *words, MLGOV_ACTOR=REVIEWER).returncode == 0
    assert mlgov("promote", "staging", *words).returncode == 1
    assert mlgov("review", "approve", "-m", "looks fine to me", "--attest-unchecked", *words).returncode == 0
    done = mlgov("promote", "staging", *words)
    assert done.returncode == 1
    assert "author" in done.stdout


def test_an_edited_cell_closes_the_gate_again(demo: Demo, tmp_path: Path) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(demo.folder, folder)
    path = folder / BY_SEX
    path.write_text(path.read_text().replace("max_iter=500", "max_iter=501"))
    done = mlgov("promote", "staging", "--workspace", str(folder), "--notebook", BY_SEX)
    assert done.returncode == 1
    assert "train" in done.stdout
    assert "edited" in done.stdout or "changed" in done.stdout


def test_an_unknown_stage_is_refused_with_the_nearest(demo: Demo) -> None:
    done = mlgov("promote", "stagin", "--workspace", str(demo.folder))
    assert done.returncode == 2
    assert 'Did you mean "staging"?' in done.stderr


# -- exported ---------------------------------------------------------------------------------------------------------


def test_dvc_repro_in_a_clean_clone_has_the_same_results(demo: Demo, tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "--quiet", str(demo.folder), str(clone)], check=True, capture_output=True)
    assert not (clone / DATA).exists() and not (clone / ".mlgov").exists()
    env = {"PATH": f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin", "HOME": str(tmp_path), "DVC_NO_ANALYTICS": "1"}
    for words in (["pull"], ["repro", "evaluate"]):
        done = subprocess.run([sys.executable, "-m", "dvc", *words], cwd=clone, env=env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    metrics = json.loads((clone / "metrics" / "evaluate.json").read_text())
    assert metrics == pytest.approx(demo.workspace().lineage(NOTEBOOK).metrics)
    again = subprocess.run(
        [sys.executable, "-m", "dvc", "repro", "evaluate"], cwd=clone, env=env, capture_output=True, text=True, check=True
    )
    assert "up to date" in again.stdout + again.stderr
    gate = subprocess.run([sys.executable, "-m", "dvc", "repro", "gate"], cwd=clone, env=env, capture_output=True, text=True, check=False)
    assert gate.returncode != 0 and "failed to reproduce 'gate'" in gate.stdout + gate.stderr, "the gate is shut, and the job says so"


def test_an_unknown_parameter_is_refused_with_the_nearest_before_anything_runs(demo: Demo) -> None:
    before = demo.workspace().lineage(NOTEBOOK).session
    done = mlgov("run", NOTEBOOK, "-p", "fold=3", "--workspace", str(demo.folder))
    assert done.returncode == 2
    assert 'Did you mean "folds"?' in done.stderr
    assert demo.workspace().lineage(NOTEBOOK).session == before
    refused = list(demo.workspace().journal.entries(actions=("run.refused",)))
    assert refused


def test_a_parameter_of_the_wrong_type_is_refused(demo: Demo) -> None:
    done = mlgov("run", NOTEBOOK, "-p", "folds=many", "--workspace", str(demo.folder))
    assert done.returncode == 2
    assert "folds" in done.stderr and "int" in done.stderr


# -- audited ----------------------------------------------------------------------------------------------------------


def test_each_act_is_in_the_trail(demo: Demo) -> None:
    acts = {entry.action for entry in demo.workspace().journal.entries()}
    assert acts >= {
        "workspace.created",
        "session.started",
        "cell.started",
        "cell.finished",
        "file.tracked",
        "projection.delivered",
        "validation.done",
        "review.given",
        "promotion.decided",
        "promotion.applied",
        "export.written",
        "run.refused",
    }


def test_the_trail_is_unbroken_and_one_changed_byte_is_named(demo: Demo, tmp_path: Path) -> None:
    whole = mlgov("audit", "verify", "--workspace", str(demo.folder))
    assert whole.returncode == 0, whole.stdout
    folder = tmp_path / "copy"
    shutil.copytree(demo.folder / ".mlgov", folder / ".mlgov")
    database = folder / ".mlgov" / "mlgov.db"
    with sqlite3.connect(database) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    content = database.read_bytes()
    place = content.index(b'"answer":"refused"')
    database.write_bytes(content[: place + 10] + b"R" + content[place + 11 :])
    done = mlgov("audit", "verify", "--workspace", str(folder))
    assert done.returncode == 1
    entry = next(one for one in demo.workspace().journal.entries(actions=("promotion.decided",)))
    assert re.search(rf"\b{entry.seq:,}\b|\b{entry.seq}\b", done.stdout), done.stdout


def test_labels_flipped_late_are_found_where_mlflow_s_digest_stands_still(demo: Demo) -> None:
    flip = demo.told["flip"]
    assert flip["mlflow_before"] == flip["mlflow_after"]
    assert [(one["column"], one["rows"], one["first"]) for one in flip["found"]["changed"]] == [("approve", 10_000, [10_000])]
    again = mlgov("diff", "runs/labels.parquet", "runs/labels-flipped.parquet", cwd=demo.folder)
    assert again.returncode == 1
    assert "approve  10,000 rows differ" in again.stdout


def test_the_demo_can_be_run_again_in_its_folder(demo: Demo, tmp_path: Path) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(demo.folder, folder)
    done = mlgov("demo", "--workspace", str(folder))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Where things lie" in done.stdout
