"""OpenLineage events: valid against the specification's schemas, once, in order, and never lost to a dead collector."""

from __future__ import annotations

import json
import os
import threading
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from jsonschema import Draft202012Validator
from referencing import Registry, Resource

from jupyter_mlgov.audit.entries import Draft
from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.core.errors import BadInput, NotReady, SystemUnreachable
from jupyter_mlgov.core.facts import fields_of
from jupyter_mlgov.core.settings import Settings
from jupyter_mlgov.integrations.openlineage import OpenLineageSender, run_parcels
from jupyter_mlgov.lineage.facts import CellRun, Environment, FileRef, Lineage, ObjectRef, Outcome, Session, Step
from jupyter_mlgov.lineage.fingerprint import fingerprint
from jupyter_mlgov.workspace import Workspace

START = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
SESSION = Session(
    id=uuid.uuid4().hex,
    notebook="a b/ü.ipynb",
    host="papermill",
    started=START,
    environment=Environment(python="3.11.7", platform="x", packages={}),
)


TRAIN = Step(kind="train", name="<b>")


def run(order: int, *, outcome: Outcome = Outcome.OK, error: str = "", step: Step | None = TRAIN) -> CellRun:
    table = fingerprint(pd.DataFrame({"ä": [1, 2], "</script>": ["a", None]}))
    return CellRun(
        id=uuid.uuid4().hex,
        session=SESSION.id,
        notebook=SESSION.notebook,
        cell_id=f"c{order}",
        order=order,
        started=START,
        source_digest=Digest.of_text("x = 1"),
        step=step,
        files_read=(FileRef(path="data/x.csv", digest=Digest.of_text("x"), size=3), FileRef(path="/elsewhere/y.csv", digest=None)),
        files_written=(FileRef(path="out.parquet", digest=Digest.of_text("y"), size=9),),
        inputs=(ObjectRef(name="frame", kind="table", fingerprint=table),),
        outputs=(ObjectRef(name="model", kind="model", fingerprint=None, note="no stable content"),),
        parameters={"folds": 5, "note": "a\nb"},
        duration_ms=1500.0,
        outcome=outcome,
        error=error,
    )


def lineage(*runs: CellRun) -> Lineage:
    return Lineage(notebook=SESSION.notebook, session=SESSION, runs=runs, steps=())


@pytest.fixture(scope="module")
def problems_of(checkout: Path) -> Any:
    """event -> what the specification (2-0-2) and the facets' own schemas say against it."""
    home = checkout.parent / "shared" / "schemas" / "openlineage"
    assert home.is_dir(), f"The OpenLineage schemas belong in {home}; CI lays them there."
    schemas = [json.loads(path.read_text("utf-8")) for path in [home / "OpenLineage.json", *sorted((home / "facets").glob("*.json"))]]
    registry: Registry[Any] = Registry().with_resources((schema["$id"], Resource.from_contents(schema)) for schema in schemas)
    by_facet = {name: schema["$id"] for schema in schemas for name in schema.get("properties", {})}

    def check(event: dict[str, Any]) -> list[str]:
        spec = {"$ref": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent"}
        found = [error.message for error in Draft202012Validator(spec, registry=registry).iter_errors(event)]
        holders = [event["run"], event["job"], *event["inputs"], *event["outputs"]]
        facets = [item for holder in holders for key in ("facets", "inputFacets", "outputFacets") for item in holder.get(key, {}).items()]
        for name, facet in facets:
            if name in by_facet:
                validator = Draft202012Validator({"$ref": by_facet[name]}, registry=registry)
                found += [f"{name}: {error.message}" for error in validator.iter_errors({name: facet})]
            else:
                assert name.startswith("mlgov_"), name
                assert facet["_schemaURL"].startswith("urn:jupyter-mlgov:openlineage:")
        return found

    return check


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def test_every_kind_of_run_is_a_valid_start_and_end(tmp_path: Path, problems_of: Any) -> None:
    runs = [run(1), run(2, outcome=Outcome.FAILED, error="ValueError: no"), run(3, outcome=Outcome.KILLED)]
    sender = OpenLineageSender("file:events.jsonl", tmp_path, {})
    for parcel in run_parcels(lineage(*runs)):
        sender.deliver(parcel)
    told = lines(tmp_path / "events.jsonl")
    assert [event["eventType"] for event in told] == ["START", "COMPLETE", "START", "FAIL", "START", "ABORT"]
    assert [problem for event in told for problem in problems_of(event)] == []
    first, last = told[0], told[1]
    assert last["eventTime"] > first["eventTime"]
    assert last["run"]["runId"] == first["run"]["runId"] == str(uuid.UUID(runs[0].id))
    assert last["run"]["facets"]["parent"]["run"]["runId"] == str(uuid.UUID(SESSION.id))
    assert last["job"] == first["job"]
    assert (last["job"]["namespace"], last["job"]["name"]) == ("mlgov", "a b/ü.ipynb.train:<b>")
    files = [item["name"] for item in last["inputs"] if item["namespace"] == "file"]
    assert files == [f"{tmp_path.as_posix()}/data/x.csv", "/elsewhere/y.csv"]
    (table,) = [item for item in last["inputs"] if item["namespace"] == "mlgov"]
    wanted = runs[0].inputs[0].fingerprint
    assert wanted is not None
    assert table["facets"]["version"]["datasetVersion"] == wanted.root
    assert table["facets"]["mlgov_fingerprint"]["columns"] == dict(wanted.columns)
    assert table["inputFacets"]["inputStatistics"]["rowCount"] == 2
    assert told[3]["run"]["facets"]["errorMessage"]["message"] == "ValueError: no"


def test_a_broken_event_is_seen_by_the_schemas(tmp_path: Path, problems_of: Any) -> None:
    """The check above can fail: three planted faults are each named."""
    OpenLineageSender("file:events.jsonl", tmp_path, {}).deliver(run_parcels(lineage(run(1)))[0])
    for breakage in ({"eventTime": None}, {"run": {"runId": "no uuid"}}, {"inputs": [{"namespace": "file"}]}):
        event = lines(tmp_path / "events.jsonl")[1] | {"outputs": []}
        event |= {"run": {**event["run"], **breakage["run"]}} if "run" in breakage else breakage
        if breakage == {"run": {"runId": "no uuid"}}:
            validator = Draft202012Validator({"type": "string", "format": "uuid"}, format_checker=Draft202012Validator.FORMAT_CHECKER)
            assert not validator.is_valid(event["run"]["runId"])
        else:
            assert problems_of(event), breakage


def test_only_ended_tagged_runs_are_told() -> None:
    parcels = run_parcels(lineage(run(1, step=None), run(2, outcome=Outcome.RUNNING), run(3)))
    assert [parcel.payload["run"]["order"] for parcel in parcels] == [3]
    assert run_parcels(Lineage(notebook="x.ipynb", session=None, runs=(), steps=())) == ()


class Collector(BaseHTTPRequestHandler):
    """A collector that keeps what it is told; `refuse` makes it answer 503."""

    def do_POST(self) -> None:
        server: Any = self.server
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(503 if server.refuse else 201)
        self.end_headers()
        if not server.refuse:
            server.told.append((self.path, self.headers.get("Authorization", ""), json.loads(body)))

    def log_message(self, *words: object) -> None:
        pass


@pytest.fixture
def collector() -> Iterator[Any]:
    server: Any = ThreadingHTTPServer(("127.0.0.1", 0), Collector)
    server.told, server.refuse = [], False
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


def address(server: Any, user: str = "") -> str:
    return f"http://{user}127.0.0.1:{server.server_port}"


def recorded(root: Path, target: str, *runs: CellRun) -> Workspace:
    workspace = Workspace.create(root, Settings(actor="ana", openlineage=target, tracking_uri="http://127.0.0.1:9"))
    drafts = [Draft(action="session.started", subject=SESSION.notebook, payload=fields_of(SESSION))]
    drafts += [Draft(action="cell.finished", subject=SESSION.notebook, payload=fields_of(item)) for item in runs]
    workspace.record(*drafts)
    return workspace


def waiting(workspace: Workspace) -> list[str]:
    return [parcel.key for parcel in workspace.journal.pending() if parcel.target == "openlineage"]


def test_a_collector_that_was_down_gets_everything_once_and_in_order(
    tmp_path: Path, collector: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENLINEAGE_API_KEY", "s3cret-key")
    monkeypatch.setenv("OPENLINEAGE_NAMESPACE", "risk")
    runs = [run(1), run(2), run(3)]
    workspace = recorded(tmp_path, address(collector), *runs)
    collector.refuse = True
    workspace.project(SESSION.notebook)
    problems = workspace.deliver()
    assert any("OpenLineage events did not reach" in problem for problem in problems)
    assert collector.told == []
    assert len(waiting(workspace)) == 3
    collector.refuse = False
    workspace.project(SESSION.notebook)  # asked again while they wait: nothing doubles
    workspace.deliver()
    workspace.project(SESSION.notebook)  # and again after they were told
    workspace.deliver()
    ids = [str(uuid.UUID(item.id)) for item in runs]
    assert [(event["run"]["runId"], event["eventType"]) for _, _, event in collector.told] == [
        (name, kind) for name in ids for kind in ("START", "COMPLETE")
    ]
    assert {(path, auth) for path, auth, _ in collector.told} == {("/api/v1/lineage", "Bearer s3cret-key")}
    assert {event["job"]["namespace"] for _, _, event in collector.told} == {"risk"}
    assert "s3cret-key" not in json.dumps([fields_of(entry) for entry in workspace.journal.entries()])


def test_nothing_is_told_unless_somebody_asked(tmp_path: Path) -> None:
    workspace = recorded(tmp_path, "", run(1))
    workspace.project(SESSION.notebook)
    assert waiting(workspace) == []


def test_a_secret_in_the_address_is_in_no_message(tmp_path: Path, collector: Any) -> None:
    collector.refuse = True
    sender = OpenLineageSender(address(collector, "user:pa55@") + "?token=t0k", tmp_path, {})
    with pytest.raises(SystemUnreachable) as caught:
        sender.deliver(run_parcels(lineage(run(1)))[0])
    assert "pa55" not in str(caught.value)
    assert "t0k" not in str(caught.value)


@pytest.mark.parametrize("target", ["marquez", "ftp://x/y", "kafka:topic"])
def test_an_unknown_place_is_refused_with_what_is_known(tmp_path: Path, target: str) -> None:
    with pytest.raises(BadInput, match="Expected `file:PATH`, an http"):
        OpenLineageSender(target, tmp_path, {}).deliver(run_parcels(lineage(run(1)))[0])


@pytest.mark.parametrize("switch", [{}, {"OPENLINEAGE_DISABLED": "true"}])
def test_auto_without_settings_is_no_delivery(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, switch: dict[str, str]) -> None:
    """The library would print the events, or drop them, and report success."""
    for name, value in switch.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(NotReady, match="name no place"):
        OpenLineageSender("auto", tmp_path, os.environ).deliver(run_parcels(lineage(run(1)))[0])


def test_auto_follows_openlineages_own_settings(tmp_path: Path, collector: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENLINEAGE_URL", address(collector))
    OpenLineageSender("auto", tmp_path, os.environ).deliver(run_parcels(lineage(run(1)))[0])
    assert [event["eventType"] for _, _, event in collector.told] == ["START", "COMPLETE"]
