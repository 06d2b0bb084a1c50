"""A real MLflow registry behind the trail: embedded, and as a tracking server that others reach by REST."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from jupyter_mlgov.audit.entries import Draft
from jupyter_mlgov.core.settings import QUIET, Settings
from jupyter_mlgov.workspace import Workspace
from jupyter_mlgov.workspace.guard import Nobody, TrailGatekeeper, governed_store
from jupyter_mlgov.workspace.reconciling import reconcile
from tests.promotion.test_intended import back, decided

with warnings.catch_warnings():
    # MLflow's mappers use what SQLAlchemy deprecates; they are set up once, here, where that is no error.
    warnings.simplefilter("ignore")
    from sqlalchemy.orm import configure_mappers

    from jupyter_mlgov.integrations.mlflow.guarded import GuardedStore

    configure_mappers()

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]


@pytest.fixture
def workspace(tmp_path: Path, empty_mlflow: Path) -> Workspace:
    shutil.copy(empty_mlflow, tmp_path / "registry.db")
    uri = f"sqlite:///{tmp_path / 'registry.db'}"
    return Workspace.create(tmp_path / "w", Settings(actor="ana", tracking_uri=uri))


@pytest.fixture
def store(workspace: Workspace, tmp_path: Path) -> GuardedStore:
    made = GuardedStore(f"mlgov+{workspace.settings.tracking_uri}", TrailGatekeeper(workspace))
    made.create_registered_model("credit")
    for _ in range(3):
        made.create_model_version("credit", (tmp_path / "files").as_uri())
    return made


def denied(act: Any) -> str:
    with pytest.raises(MlflowException) as caught:
        act()
    assert caught.value.error_code == "PERMISSION_DENIED"
    return str(caught.value)


def test_no_stage_without_a_decision_and_other_aliases_are_free(workspace: Workspace, store: GuardedStore) -> None:
    for stage in ("staging", "production", "champion", "Production"):
        assert "No decision lets version 1 of credit" in denied(lambda stage=stage: store.set_registered_model_alias("credit", stage, "1"))
    store.set_registered_model_alias("credit", "experiment-7", "1")
    workspace.record(decided("1"))
    store.set_registered_model_alias("credit", "production", "1")
    store.set_registered_model_alias("credit", "champion", "1")
    assert "version 1 of credit is in production since" in denied(lambda: store.set_registered_model_alias("credit", "production", "2"))
    assert store.get_model_version_by_alias("credit", "production").version in (1, "1")


def test_a_version_that_was_there_once_needs_a_rollback_to_return(workspace: Workspace, store: GuardedStore) -> None:
    workspace.record(decided("1"), decided("2"))
    assert denied(lambda: store.set_registered_model_alias("credit", "production", "1"))
    workspace.record(back("2", "1"))
    store.set_registered_model_alias("credit", "production", "1")


def test_tags_copies_stages_and_deletions_are_asked_for_too(workspace: Workspace, store: GuardedStore) -> None:
    from mlflow.entities.model_registry import ModelVersionTag

    version = store.get_model_version("credit", "1")
    for key, value in (("mlgov.production.approved_by", "me"), ("stage", "production"), ("mlgov.stage", "staging")):
        assert denied(lambda key=key, value=value: store.set_model_version_tag("credit", "1", ModelVersionTag(key, value)))
    assert denied(lambda: store.copy_model_version(version, "credit-prod"))
    assert denied(lambda: store.transition_model_version_stage("credit", "1", "Production", False))
    store.transition_model_version_stage("credit", "1", "Archived", False)
    store.set_model_version_tag("credit", "1", ModelVersionTag("mlgov.model", "sha256:a"))
    assert denied(lambda: store.set_model_version_tag("credit", "1", ModelVersionTag("mlgov.model", "sha256:b")))
    assert denied(lambda: store.delete_model_version_tag("credit", "1", "mlgov.model"))
    workspace.record(decided("1"))
    store.set_registered_model_alias("credit", "production", "1")
    store.copy_model_version(version, "credit-prod")
    for act in (
        lambda: store.delete_model_version("credit", "1"),
        lambda: store.delete_registered_model("credit"),
        lambda: store.rename_registered_model("credit", "other"),
        lambda: store.delete_registered_model_alias("credit", "production"),
    ):
        assert denied(act)
    store.delete_model_version("credit", "3")


def test_a_trail_that_cannot_be_read_or_found_lets_nothing_through(
    workspace: Workspace, store: GuardedStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace.record(decided("1"))
    workspace.close()
    for leftover in (workspace.root / ".mlgov").glob("mlgov.db-*"):
        leftover.unlink()
    (workspace.root / ".mlgov" / "mlgov.db").write_bytes(b"not a database" * 100)
    fresh = Workspace(workspace.root, workspace.settings)
    assert "cannot be read" in TrailGatekeeper(fresh).objection("credit", "production", "1")
    assert not TrailGatekeeper(fresh).granted("credit", "1")
    empty = tmp_path / "nothing here"
    empty.mkdir()
    monkeypatch.chdir(empty)
    monkeypatch.setenv("MLGOV_WORKSPACE", str(empty))
    lost = governed_store(f"mlgov+{workspace.settings.tracking_uri}")
    assert isinstance(lost._gate, Nobody)
    assert "No trail was found" in denied(lambda: lost.set_registered_model_alias("credit", "production", "1"))


def test_what_goes_around_the_gate_is_found_and_is_one_alarm(workspace: Workspace, store: GuardedStore) -> None:
    workspace.record(decided("1"))
    store.set_registered_model_alias("credit", "production", "1")
    assert reconcile(workspace).drifted == ()
    around = MlflowClient(tracking_uri=workspace.settings.tracking_uri, registry_uri=workspace.settings.tracking_uri)
    around.set_registered_model_alias("credit", "production", "2")
    around.set_registered_model_alias("credit", "staging", "3")
    found = reconcile(workspace)
    assert {(item.stage, item.trail, item.registry) for item in found.drifted} == {("production", "1", "2"), ("staging", "", "3")}
    reconcile(workspace)
    alarms = list(workspace.journal.entries(actions=("alarm.raised",)))
    assert len(alarms) == 2
    assert "shows version 2 in the registry; the trail says version 1, by decision of" in str(alarms[0].payload["problem"])
    around.delete_registered_model_alias("credit", "production")
    assert "shows nothing in the registry" in reconcile(workspace).drifted[0].sentence


@pytest.fixture
def server(workspace: Workspace, store: GuardedStore, tmp_path: Path) -> Iterator[str]:
    """`mlflow server` with the guarded registry, as an operator would start it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    uri = workspace.settings.tracking_uri
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    command += ["--backend-store-uri", uri, "--registry-store-uri", f"mlgov+{uri}", "--artifacts-destination", str(tmp_path / "files")]
    env = {**os.environ, **QUIET, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLGOV_WORKSPACE": str(workspace.root)}
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(command, env=env, cwd=tmp_path, stdout=log, stderr=log, start_new_session=True)
    try:
        for _ in range(240):
            assert process.poll() is None, (tmp_path / "log").read_text()
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=2).close()
                break
            except OSError:
                time.sleep(0.5)
        yield f"http://127.0.0.1:{port}"
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(10)


def posted(url: str, body: dict[str, str]) -> int:
    """The status of a raw request; a refusal's text is looked at by the client's test below."""
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"}, method="POST")
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def test_raw_rest_is_refused_by_a_server_that_was_started_with_it(workspace: Workspace, server: str) -> None:
    alias = f"{server}/api/2.0/mlflow/registered-models/alias"
    body = {"name": "credit", "alias": "production", "version": "1"}
    assert posted(alias, body) == 403
    assert posted(f"{server}/api/2.0/mlflow/model-versions/transition-stage", {**body, "stage": "Production"}) == 403
    assert posted(f"{server}/api/2.0/mlflow/model-versions/set-tag", {**body, "key": "mlgov.production.by", "value": "me"}) == 403
    client = MlflowClient(tracking_uri=server, registry_uri=server)
    with pytest.raises(MlflowException, match="No decision lets version 1 of credit into production"):
        client.set_registered_model_alias("credit", "production", "1")
    workspace.record(decided("1"))
    assert posted(alias, body) == 200
    workspace.record(
        Draft(action="rollback.ordered", subject="credit", payload={"stage": "production", "from": "1", "to": "2", "reason": "x"})
    )
    assert posted(alias, body) == 403
    assert posted(alias, {**body, "version": "2"}) == 200
