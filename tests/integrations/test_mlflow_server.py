"""A real `mlflow server` on loopback over a real PostgreSQL: runs, files and aliases go over HTTP, and its death is a sentence."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from jupyter_mlgov.core.actors import Actor
from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.core.errors import SystemUnreachable
from jupyter_mlgov.core.settings import QUIET
from jupyter_mlgov.core.team import Team
from jupyter_mlgov.integrations.mlflow import MlflowProjector, MlflowRegistry, run_parcel
from jupyter_mlgov.integrations.mlflow.connection import connected
from jupyter_mlgov.integrations.objects import FileObjects
from jupyter_mlgov.lineage.facts import CellRun, Environment, Fingerprint, Lineage, ObjectRef, Outcome, Session, Step
from jupyter_mlgov.promotion.facts import Answer, Decision

pytestmark = pytest.mark.slow
MOMENT = datetime(2026, 11, 23, 14, 2, 7, tzinfo=UTC)
ROOT = Digest.of_text("the model")


@pytest.fixture
def server(tmp_path: Path, postgres: str) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    import psycopg

    with psycopg.connect(postgres, autocommit=True) as link:
        link.execute("CREATE DATABASE mlflow")
    store = postgres.replace("postgresql://", "postgresql+psycopg://", 1).replace("@/postgres?", "@/mlflow?", 1)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    command += ["--backend-store-uri", store, "--artifacts-destination", str(tmp_path / "files")]
    quiet = {**os.environ, **QUIET, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    log = (tmp_path / "server.log").open("wb")
    process = subprocess.Popen(command, env=quiet, cwd=tmp_path, stdout=log, stderr=log, start_new_session=True)
    try:
        _wait(f"http://127.0.0.1:{port}/health", process, tmp_path / "server.log")
        yield f"http://127.0.0.1:{port}", process
    finally:
        _stop(process)
        log.close()


def _wait(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(240):
        assert process.poll() is None, log.read_text()
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except OSError:
            time.sleep(0.5)
    pytest.fail(log.read_text())


def _stop(process: subprocess.Popen[bytes]) -> None:
    """The server and the workers it started: they are one process group, made by this test."""
    for sign in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, sign)
        except ProcessLookupError:
            return
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            continue


def a_lineage(stored: Digest) -> Lineage:
    packages = {"scikit-learn": "1.9.1", "skops": "0.16.0"}
    session = Session(
        id="s1",
        notebook="n.ipynb",
        host="papermill",
        started=MOMENT,
        environment=Environment(python="3.11", platform="linux", packages=packages),
    )
    model = ObjectRef(name="model", kind="model", fingerprint=Fingerprint(method="m", root=ROOT), stored=stored)
    run = CellRun(
        id="r", session="s1", notebook="n.ipynb", cell_id="c", order=1, started=MOMENT, source_digest=ROOT, step=Step(kind="train")
    )
    return Lineage(
        notebook="n.ipynb", session=session, runs=(replace(run, outputs=(model,), metrics={"auc": 0.8}, outcome=Outcome.OK),), steps=()
    )


def test_a_run_with_its_model_goes_to_a_server_is_promoted_there_and_the_servers_death_is_a_sentence(
    server: tuple[str, subprocess.Popen[bytes]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import skops.io
    from sklearn.linear_model import LogisticRegression

    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    uri, process = server
    objects = FileObjects(tmp_path / "objects")
    stored = objects.put(skops.io.dumps(LogisticRegression().fit([[0.0], [1.0]], [0, 1])))
    parcel = run_parcel(a_lineage(stored), Team(model="credit"))
    done = MlflowProjector(uri).deliver(parcel, objects)
    assert MlflowProjector(uri).deliver(parcel, objects) == done
    assert done["version"] == "1"
    assert list((tmp_path / "files").rglob("model.skops"))

    registry = MlflowRegistry(uri)
    version = registry.find("credit", ROOT, ("1",))
    assert version is not None
    decision = Decision(
        model="credit",
        version="1",
        stage="staging",
        answer=Answer.GRANTED,
        reasons=(),
        report=ROOT,
        team=Team().digest,
        asked_by=Actor(id="bob", source="os"),
    )
    assert registry.at_stage("credit", "staging") is None
    assert registry.at_stage("nobody", "staging") is None
    registry.promote(version, decision, "sha256:entry")
    assert registry.at_stage("credit", "staging") == version
    with connected(uri) as client:
        assert client.get_model_version("credit", "1").tags["mlgov.staging.entry"] == "sha256:entry"
    assert list(here.iterdir()) == []

    _stop(process)
    began = time.monotonic()
    with pytest.raises(SystemUnreachable, match=uri):
        registry.at_stage("credit", "staging")
    assert time.monotonic() - began < 60
