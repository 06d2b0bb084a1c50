"""MLflow for real: a SQLite store in a fresh folder, runs, versions, aliases, and what happens when it does not answer."""

from __future__ import annotations

import json
import os
import socket
import sqlite3
import subprocess
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from jupyter_mlgov.audit.journal import Parcel
from jupyter_mlgov.core.actors import Actor
from jupyter_mlgov.core.canonical import canonical_json
from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.core.errors import BadInput, MlgovError, NotReady, SystemUnreachable
from jupyter_mlgov.core.team import Team
from jupyter_mlgov.integrations.mlflow import MlflowProjector, MlflowRegistry, run_parcel
from jupyter_mlgov.integrations.mlflow import projector as inside
from jupyter_mlgov.integrations.mlflow.connection import clean, connected, environment, shown
from jupyter_mlgov.integrations.mlflow.names import alias, keys, model_name
from jupyter_mlgov.integrations.objects import FileObjects
from jupyter_mlgov.lineage.facts import CellRun, CodeState, Environment, FileRef, Fingerprint, Lineage, ObjectRef, Outcome, Session, Step
from jupyter_mlgov.promotion.facts import Answer, Decision, Reason
from jupyter_mlgov.promotion.registry import ModelVersion

MOMENT = datetime(2026, 11, 23, 14, 2, 7, tzinfo=UTC)
ANA = Actor(id="ana@firm.example", source="git")
BOB = Actor(id="bob@firm.example", source="jupyter")
MODEL_DIGEST = Digest.of_text("the model")


def a_lineage(stored: Digest | None, **more: object) -> Lineage:
    packages = {"scikit-learn": "1.9.1", "skops": "0.16.0", "numpy": "2.4.6", "IPython": "9.18.1"}
    session = Session(
        id="s1",
        notebook="credit.ipynb",
        host="papermill",
        started=MOMENT,
        environment=Environment(python="3.11.7", platform="linux", packages=packages),
        code=CodeState(commit="4e1c" * 10, dirty=("credit.ipynb",)),
    )
    model = ObjectRef(
        name="model",
        kind="model",
        fingerprint=Fingerprint(method="m", root=MODEL_DIGEST),
        stored=stored,
        note="" if stored else "skops cannot hold a lambda",
    )
    table = ObjectRef(
        name="train", kind="table", fingerprint=Fingerprint(method="t", root=Digest.of_text("t"), schema={"income": "double"}, rows=10)
    )
    run = CellRun(
        id="r1",
        session="s1",
        notebook="credit.ipynb",
        cell_id="c1",
        order=1,
        started=MOMENT,
        source_digest=Digest.of_text("x = 1"),
        step=Step(kind="train"),
        files_read=(FileRef(path="data/loanapp.parquet", digest=Digest.of_text("data")),),
        inputs=(table,),
        outputs=(model,),
        parameters={"C": 0.5, "columns": ["income", "debt"], "note": "it's <b>"},
        metrics={"auc": 0.81, "auc (test)": 0.79, "undefined": float("nan")},
        outcome=Outcome.OK,
        distributions=("numpy", "scikit-learn", "IPython"),
    )
    return Lineage(notebook="credit.ipynb", session=session, runs=(replace(run, **more),), steps=())


def a_decision(version: str, stage: str = "staging", model: str = "credit") -> Decision:
    return Decision(
        model=model,
        version=version,
        stage=stage,
        answer=Answer.GRANTED,
        reasons=(),
        report=Digest.of_text("report"),
        team=Team().digest,
        asked_by=ANA,
        approved_by=(BOB,),
    )


@pytest.fixture
def objects(tmp_path: Path) -> FileObjects:
    return FileObjects(tmp_path / "objects")


@pytest.fixture
def uri(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'store' / 'mlflow.db'}"


@pytest.fixture
def stored(objects: FileObjects) -> Digest:
    return a_stored_model(objects)


def a_stored_model(objects: FileObjects) -> Digest:
    import skops.io
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = make_pipeline(StandardScaler(), LogisticRegression()).fit([[0.0], [1.0], [2.0], [3.0]], [0, 0, 1, 1])
    return objects.put(skops.io.dumps(model))


# -- the parcel: pure ---------------------------------------------------------------------------------------------------


def test_a_parcel_is_canonical_json_even_with_an_undefined_metric_and_says_which_one_it_was() -> None:
    parcel = run_parcel(a_lineage(None), Team(model="credit"))
    canonical_json(parcel.payload)
    assert parcel.payload["metrics"] == {"auc": 0.81, "auc (test)": 0.79}
    assert parcel.payload["tags"]["mlgov.metrics.undefined"] == "undefined"


def test_equal_facts_have_one_key_and_another_metric_has_another() -> None:
    one, same = run_parcel(a_lineage(None), Team(model="credit")), run_parcel(a_lineage(None), Team(model="credit"))
    other = run_parcel(a_lineage(None, metrics={"auc": 0.8}), Team(model="credit"))
    assert one.key == same.key
    assert one.key.startswith("run:s1:")
    assert one.key != other.key


def test_a_parcel_carries_our_digests_and_the_schema_but_no_row() -> None:
    payload = run_parcel(a_lineage(None), Team(model="credit")).payload
    tags = payload["tags"]
    assert tags["mlgov.model"] == MODEL_DIGEST
    assert tags["mlgov.commit"] == "4e1c" * 10 + "+dirty"
    assert Digest.of_text("data") in tags["mlgov.inputs"]
    table, file = payload["inputs"]
    assert (table["name"], table["digest"], table["schema"], table["rows"]) == ("train", Digest.of_text("t"), {"income": "double"}, 10)
    assert file == {"name": "data/loanapp.parquet", "digest": Digest.of_text("data"), "file": True}
    assert payload["requirements"] == ["scikit-learn==1.9.1", "skops==0.16.0", "numpy==2.4.6"]


def test_nothing_run_is_nothing_to_tell() -> None:
    with pytest.raises(NotReady, match="has not run here"):
        run_parcel(Lineage(notebook="n.ipynb", session=None, runs=(), steps=()), Team())


# -- names --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["", " x", "a/b", "models:/x", "Bob's", 'a"b', "a\nb", "a`b", "x" * 251])
def test_a_name_mlflow_cannot_hold_is_refused_with_a_sentence(name: str) -> None:
    with pytest.raises(BadInput, match=r"\[model\] in mlgov.toml"):
        model_name(name)


@pytest.mark.parametrize("stage", ["", "v1", "Latest", "pre prod", "a/b"])
def test_a_stage_that_is_no_alias_is_refused(stage: str) -> None:
    with pytest.raises(BadInput, match="alias"):
        alias(stage)


def test_hostile_metric_names_stay_distinct() -> None:
    fit = keys(["auc", "a/b", "a:b", "a_b", "..", "<script>", "x" * 400])
    assert len(set(fit.values())) == 7
    assert fit["auc"] == "auc"
    assert fit["a_b"] == "a_b"
    assert all(len(name) <= 250 and "/" not in name and "<" not in name for name in fit.values())


# -- real runs ----------------------------------------------------------------------------------------------------------


def test_one_session_is_one_run_with_one_version_however_often_it_is_told(
    uri: str, objects: FileObjects, stored: Digest, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then promoted, found again by digest, and read back at its stage; and MLflow says nothing on the reader's screen."""
    monkeypatch.chdir(tmp_path)
    before = dict(os.environ)
    parcel = run_parcel(a_lineage(stored, parameters={"long": "x" * 7000, "C": 0.5}), Team(model="credit"))
    projector, registry = MlflowProjector(uri, str(tmp_path / "artifacts")), MlflowRegistry(uri)
    first = projector.deliver(parcel, objects)
    again = projector.deliver(parcel, objects)
    assert first == again
    assert first["version"] == "1"
    assert first["note"] == ""

    with connected(uri) as client:
        run = client.get_run(str(first["run_id"]))
        assert run.info.status == "FINISHED"
        assert len(client.search_runs([run.info.experiment_id])) == 1
        assert len(client.search_model_versions("name = 'credit'")) == 1
    assert run.data.params["C"] == "0.5"
    assert len(run.data.params["long"]) == 6000
    assert run.data.tags["mlgov.cut.long"] == Digest.of_text("x" * 7000)
    assert run.data.metrics["auc"] == 0.81
    assert run.data.tags["mlgov.key"] == parcel.key
    assert run.data.tags["mlgov.model"] == MODEL_DIGEST

    found = registry.find("credit", MODEL_DIGEST, ("1",))
    assert found == ModelVersion(model="credit", version="1", run_id=str(first["run_id"]), model_digest=MODEL_DIGEST)
    assert found is not None
    assert registry.latest("credit") == found
    assert registry.find("credit", Digest.of_text("another"), ("1",)) is None
    assert registry.find("credit", MODEL_DIGEST, ()) is None, "somebody else registered it, whatever its tags say"
    assert registry.find("other", MODEL_DIGEST, ("1",)) is None
    assert registry.latest("nobody") is None
    assert registry.at_stage("credit", "staging") is None
    assert registry.at_stage("nobody", "staging") is None

    registry.promote(found, a_decision("1"), "sha256:entry")
    assert registry.at_stage("credit", "staging") == found
    with connected(uri) as client:
        tags = client.get_model_version("credit", "1").tags
    assert tags["mlgov.staging.by"] == ANA.id
    assert tags["mlgov.staging.approved_by"] == BOB.id
    assert tags["mlgov.staging.report"] == Digest.of_text("report")
    assert tags["mlgov.staging.entry"] == "sha256:entry"
    assert tags["mlgov.staging.at"].startswith("2")

    assert _predicts(uri, "staging") == [0, 1]
    said = capfd.readouterr()
    assert said.out == ""
    assert said.err == ""
    assert sorted(path.name for path in tmp_path.iterdir()) == ["artifacts", "objects", "store"]
    changed = {name for name in {*before, *os.environ} if before.get(name) != os.environ.get(name)}
    assert {name for name in changed if "MLFLOW" in name} <= {"MLFLOW_DISABLE_TELEMETRY"}


def _predicts(uri: str, stage: str) -> list[int]:
    """What the version at `stage` says of an applicant far below and far above, loaded as any user of MLflow would."""
    import mlflow.pyfunc

    with connected(uri), environment({"MLFLOW_TRACKING_URI": uri}):
        return [int(label) for label in mlflow.pyfunc.load_model(f"models:/credit@{stage}").predict([[-5.0], [9.0]])]


def test_a_delivery_that_dies_before_registration_is_closed_as_failed_and_finished_the_next_time(
    uri: str, objects: FileObjects, stored: Digest, monkeypatch: pytest.MonkeyPatch
) -> None:
    parcel = run_parcel(a_lineage(stored), Team(model="credit"))
    projector = MlflowProjector(uri)

    def dies(*_: object) -> None:
        raise ConnectionResetError("the line went dead")

    with monkeypatch.context() as broken:
        broken.setattr(inside, "_register_name", dies)
        with pytest.raises(SystemUnreachable, match="the line went dead"):
            projector.deliver(parcel, objects)
    with connected(uri) as client:
        experiment = client.get_experiment_by_name("credit").experiment_id
        assert [run.info.status for run in client.search_runs([experiment])] == ["FAILED"]
    done = projector.deliver(parcel, objects)
    with connected(uri) as client:
        assert [run.info.status for run in client.search_runs([experiment])] == ["FINISHED"]
        assert [model.status for model in client.search_logged_models([experiment])] == ["READY"]
    assert done["version"] == "1"


def test_a_model_without_stored_form_is_told_without_a_version_and_says_so(uri: str, objects: FileObjects) -> None:
    done = MlflowProjector(uri).deliver(run_parcel(a_lineage(None), Team(model="credit")), objects)
    assert done["version"] == ""
    assert "skops cannot hold a lambda" in str(done["note"])
    assert MlflowRegistry(uri).find("credit", MODEL_DIGEST, ("1",)) is None


def test_an_alias_moves_for_a_granted_decision_about_this_very_version_only(uri: str) -> None:
    """MLflow itself lets anyone set `champion` on a version tagged rejected."""
    version = ModelVersion(model="credit", version="1", run_id="", model_digest=MODEL_DIGEST)
    registry = MlflowRegistry(uri)
    refused = replace(a_decision("1"), answer=Answer.REFUSED, reasons=(Reason(code="x", sentence="x", next="x"),))
    with pytest.raises(MlgovError, match="was not opened"):
        registry.promote(version, refused, "e")
    with pytest.raises(MlgovError, match="about credit version 2"):
        registry.promote(version, a_decision("2"), "e")
    with connected(uri) as client:
        client.create_registered_model("credit")
        client.create_model_version("credit", source="file:///nowhere", tags={"mlgov.model": Digest.of_text("swapped")})
    with pytest.raises(NotReady, match="no longer carries"):
        registry.promote(version, a_decision("1"), "e")
    assert registry.at_stage("credit", "staging") is None


def test_a_model_that_this_process_cannot_load_is_said_and_registers_nothing(uri: str, objects: FileObjects) -> None:
    parcel = run_parcel(a_lineage(objects.put(b"no model at all")), Team(model="credit"))
    with pytest.raises(NotReady, match="cannot be loaded"):
        MlflowProjector(uri).deliver(parcel, objects)
    with connected(uri) as client:
        (run,) = client.search_runs([client.get_experiment_by_name("credit").experiment_id])
    assert run.info.status == "FAILED"
    assert MlflowRegistry(uri).latest("credit") is None


def test_a_parcel_of_another_shape_is_refused(uri: str, objects: FileObjects) -> None:
    with pytest.raises(BadInput, match="cannot be read"):
        MlflowProjector(uri).deliver(Parcel(key="k", target="mlflow", kind="run", payload={"model": "credit"}), objects)


IN_A_KERNEL = """
import json, sys
from pathlib import Path
seen = []
sys.addaudithook(lambda event, args: seen.append(str(args)) if event in ("socket.getaddrinfo", "socket.connect") else None)
folder = Path(sys.argv[1])
from jupyter_mlgov.audit.journal import Parcel
from jupyter_mlgov.integrations.mlflow import MlflowProjector
from jupyter_mlgov.integrations.objects import FileObjects
def told(name):
    parcel = Parcel(key=name, target="mlflow", kind="run", payload=json.loads((folder / "payload.json").read_text()))
    return MlflowProjector(f"sqlite:///{folder / 'ours.db'}").deliver(parcel, FileObjects(folder / "objects"))
first = told("one")
import mlflow
mlflow.set_tracking_uri(f"sqlite:///{folder / 'theirs.db'}")
with mlflow.start_run() as run:
    second = told("two")
    same = mlflow.active_run().info.run_id == run.info.run_id and mlflow.get_tracking_uri().endswith("theirs.db")
    mlflow.log_metric("mine", 1.0)
print(json.dumps({"seen": seen, "same": same, "versions": [first["version"], second["version"]]}))
"""


def test_in_a_fresh_process_nothing_phones_home_and_the_readers_own_mlflow_run_stays_theirs(
    objects: FileObjects, stored: Digest, tmp_path: Path
) -> None:
    """MLflow 3.17 looks up config.mlflow-telemetry.io by default; it spares pytest and CI, so those marks are taken away here."""
    (tmp_path / "payload.json").write_bytes(canonical_json(run_parcel(a_lineage(stored), Team(model="credit")).payload))
    spared = ("CI", "PYTEST", "GITHUB", "TELEMETRY", "DO_NOT_TRACK")
    bare = {name: value for name, value in os.environ.items() if not any(mark in name for mark in spared)}
    done = subprocess.run(
        [sys.executable, "-c", IN_A_KERNEL, str(tmp_path)], cwd=tmp_path, env=bare, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout.splitlines()[-1])
    assert said == {"seen": [], "same": True, "versions": ["1", "2"]}
    ours = done.stderr.replace("\r", "\n").splitlines()
    assert [line for line in ours if "ours.db" in line or "credit" in line] == []


# -- when it does not answer --------------------------------------------------------------------------------------------


def test_a_dead_server_is_said_in_time_without_the_password() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    began = time.monotonic()
    with pytest.raises(SystemUnreachable) as caught:
        MlflowRegistry(f"http://ana:hunter2@127.0.0.1:{port}").latest("credit")
    assert time.monotonic() - began < 60
    assert "hunter2" not in str(caught.value)
    assert f"http://127.0.0.1:{port}" in str(caught.value)


def test_a_server_that_accepts_and_never_answers_is_no_hang() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(16)
        began = time.monotonic()
        with pytest.raises(SystemUnreachable):
            MlflowRegistry(f"http://127.0.0.1:{silent.getsockname()[1]}").latest("credit")
    assert time.monotonic() - began < 60


def test_a_dead_database_is_no_hang_either() -> None:
    """MLflow's own client tries a dead database ten times, 100 s in all."""
    began = time.monotonic()
    with pytest.raises(SystemUnreachable) as caught:
        MlflowRegistry("postgresql+psycopg://ana:hunter2@127.0.0.1:1/mlflow").latest("credit")
    assert time.monotonic() - began < 60
    assert "hunter2" not in str(caught.value)


def test_a_damaged_store_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "mlflow.db").write_bytes(b"not a database at all" * 100)
    with pytest.raises(SystemUnreachable, match="not a database"):
        MlflowRegistry(f"sqlite:///{tmp_path / 'mlflow.db'}").latest("credit")
    with pytest.raises(sqlite3.DatabaseError):
        sqlite3.connect(tmp_path / "mlflow.db").execute("PRAGMA schema_version")


def test_secrets_leave_no_trace_in_what_is_shown() -> None:
    uri = "https://ana:p%40ss@mlflow.example/x?token=abc"
    told = clean(f"GET {uri} failed: p@ss or p%40ss, password=zzz", uri)
    assert not any(secret in told for secret in ("p@ss", "p%40ss", "abc", "zzz", "ana"))
    assert shown(uri) == "https://mlflow.example/x"
