"""A decided version to files and to an API: only what a granted decision let in, never over foreign files, told in the trail.

No cluster can be had here: the API below answers discovery and server-side apply as recorded from the API's documentation.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from jupyter_mlgov.audit.entries import Draft
from jupyter_mlgov.cli.options import opened
from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.core.errors import BadInput, NotReady, SystemUnreachable, UsageError
from jupyter_mlgov.core.settings import Settings
from jupyter_mlgov.workspace import Workspace
from jupyter_mlgov.workspace.releasing import Ask, apply, difference, rendered, write
from tests.promotion.test_intended import decided
from tests.rollout.releases import IMAGE

KINDS = {
    "v1": {"ServiceAccount": "serviceaccounts", "Service": "services"},
    "policy/v1": {"PodDisruptionBudget": "poddisruptionbudgets"},
    "networking.k8s.io/v1": {"NetworkPolicy": "networkpolicies"},
    "argoproj.io/v1alpha1": {"Rollout": "rollouts", "AnalysisTemplate": "analysistemplates"},
    "networking.istio.io/v1": {"VirtualService": "virtualservices", "DestinationRule": "destinationrules"},
    "monitoring.coreos.com/v1": {"ServiceMonitor": "servicemonitors", "PrometheusRule": "prometheusrules"},
}


class Api:
    """Discovery, and PATCH with application/apply-patch+yaml; `refuses` maps a plural to (status, message)."""

    def __init__(self, folder: Path) -> None:
        self.taken: list[tuple[str, dict[str, Any], dict[str, Any]]] = []
        self.refuses: dict[str, tuple[int, str]] = {}
        self.kinds = dict(KINDS)
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._say(200, outer.found(self.path))

            def do_PATCH(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                path, _, query = self.path.partition("?")
                plural = path.split("/")[-2]
                if plural in outer.refuses:
                    status, message = outer.refuses[plural]
                    self._say(status, {"kind": "Status", "message": message, "code": status})
                    return
                outer.taken.append((path, body, {"query": query, "type": self.headers["Content-Type"]}))
                self._say(200, body)

            def _say(self, status: int, body: dict[str, Any]) -> None:
                text = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_: object) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.config = folder / "kubeconfig"
        self.config.write_text(
            yaml.safe_dump(
                {
                    "apiVersion": "v1",
                    "kind": "Config",
                    "current-context": "here",
                    "clusters": [{"name": "here", "cluster": {"server": self.url}}],
                    "users": [{"name": "ops", "user": {"token": "secret-token"}}],
                    "contexts": [{"name": "here", "context": {"cluster": "here", "user": "ops"}}],
                }
            )
        )

    def found(self, path: str) -> dict[str, Any]:
        if path == "/version":
            return {"major": "1", "minor": "33"}
        if path == "/api":
            return {"kind": "APIVersions", "versions": ["v1"]}
        if path == "/apis":
            groups = []
            for version in (one for one in self.kinds if "/" in one):
                here = {"groupVersion": version, "version": version.split("/")[1]}
                groups.append({"name": version.split("/")[0], "versions": [here], "preferredVersion": here})
            return {"kind": "APIGroupList", "groups": groups}
        version = path.removeprefix("/apis/").removeprefix("/api/")
        verbs = ["create", "get", "patch"]
        found = [{"name": plural, "kind": kind, "namespaced": True, "verbs": verbs} for kind, plural in self.kinds[version].items()]
        return {"kind": "APIResourceList", "groupVersion": version, "resources": found}


@pytest.fixture
def api(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    made = Api(tmp_path)
    monkeypatch.setenv("KUBECONFIG", str(made.config))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    root = tmp_path / "place"
    root.mkdir()
    (root / "mlgov.toml").write_text(f'[model]\nname = "credit"\n[rollout]\nimage = "{IMAGE}"\n', "utf-8")
    made = Workspace.create(root, Settings(actor="ana"))
    let_in(made, "7")
    return made


def let_in(workspace: Workspace, version: str, *, model: str = "credit", **more: Any) -> None:
    draft = decided(version, model=model)
    workspace.record(Draft(action=draft.action, subject=draft.subject, payload={**draft.payload, **more}))
    payload = {"stage": "production", "version": version, "object": Digest.of_text(f"model {version}")}
    workspace.record(Draft(action="promotion.applied", subject=model, payload=payload))


def ask(**more: Any) -> Ask:
    return Ask(**{"model": "credit", "target": "argo", **more})


def test_what_is_rendered_names_the_decision_and_the_model(workspace: Workspace) -> None:
    made = rendered(workspace, ask())
    entry = next(one for one in workspace.journal.entries() if one.action == "promotion.decided")
    annotations = made.found["rollout"]["metadata"]["annotations"]  # type: ignore[index]  # a document is a plain dict
    assert annotations["jupyter-mlgov.org/decision"] == entry.digest
    assert annotations["jupyter-mlgov.org/fingerprint"] == Digest.of_text("model 7")
    assert rendered(workspace, ask(model="credit@production")) == made == rendered(workspace, ask(model="credit@7"))


@pytest.mark.parametrize(
    ("words", "kind", "said"),
    [
        ({"model": "cerdit"}, UsageError, '"credit"'),
        ({"model": "credit@8"}, NotReady, "version 7 in production"),
        ({"model": "credit@staging"}, NotReady, "version 7 in production"),
        ({"target": "helm"}, UsageError, "argo, kserve, seldon"),
        ({"target": "seldon"}, UsageError, "--storage"),
        ({"image": "credit:latest"}, UsageError, "not pinned"),
    ],
)
def test_what_no_decision_let_in_is_not_rendered(workspace: Workspace, words: dict[str, Any], kind: type[Exception], said: str) -> None:
    with pytest.raises(kind) as error:
        rendered(workspace, ask(**words))
    assert said in str(error.value)


def test_a_model_of_a_folder_below_goes_by_the_team_file_there(workspace: Workspace) -> None:
    there = workspace.root / "other"
    there.mkdir()
    (there / "mlgov.toml").write_text(f'[model]\nname = "other"\n[rollout]\nimage = "{IMAGE}"\nnamespace = "theirs"\n', "utf-8")
    (workspace.root / "mlgov.toml").write_text('[model]\nname = "credit"\n', "utf-8")
    let_in(workspace, "3", model="other", notebook="other/n.ipynb")
    assert rendered(workspace, ask(model="other")).release.place.namespace == "theirs"
    with pytest.raises(UsageError, match="Which image"):
        rendered(workspace, ask())


def test_a_version_that_was_replaced_is_not_rendered_any_more(workspace: Workspace) -> None:
    let_in(workspace, "8")
    assert rendered(workspace, ask()).release.version == "8"
    with pytest.raises(NotReady, match="version 8 in production"):
        rendered(workspace, ask(model="credit@7"))


def test_the_approvals_share_and_last_day_bind(workspace: Workspace) -> None:
    let_in(workspace, "8", limits=[{"name": "traffic", "most": 0.2}])
    assert rendered(workspace, ask()).release.share == 20
    let_in(workspace, "9", until="2020-01-31")
    with pytest.raises(NotReady, match="2020-01-31"):
        rendered(workspace, ask())


def test_files_are_written_again_but_never_over_a_foreign_one(workspace: Workspace, tmp_path: Path) -> None:
    made, folder = rendered(workspace, ask()), tmp_path / "deploy"
    paths = write(made, folder)
    assert difference(made, folder) == ""
    assert write(made, folder) == paths
    edited = next(path for path in paths if path.name == "rollout.yaml")
    edited.write_text(edited.read_text("utf-8").replace("replicas: 2", "replicas: 9"), "utf-8")
    extra = edited.parent / "more.yaml"
    extra.write_text("kind: ConfigMap\n")
    told = difference(made, folder)
    assert "-  replicas: 9" in told
    assert "+  replicas: 2" in told
    assert "-kind: ConfigMap" in told
    edited.write_text("kind: Rollout\n")
    before = {path: path.read_text("utf-8") for path in paths}
    with pytest.raises(BadInput, match=r"rollout\.yaml is there and not written by mlgov"):
        write(made, folder)
    assert before == {path: path.read_text("utf-8") for path in paths}


def test_apply_brings_pods_last_and_the_trail_says_who_and_what(workspace: Workspace, api: Api) -> None:
    made = rendered(workspace, ask())
    told: list[str] = []
    assert apply(workspace, made, "", told.append).problem == ""
    assert len(api.taken) == len(made.found) == len(told)
    assert api.taken[-1][0] == "/apis/argoproj.io/v1alpha1/namespaces/models/rollouts/mlgov-credit"
    assert {about["type"] for _, _, about in api.taken} == {"application/apply-patch+yaml"}
    assert all("fieldManager=mlgov" in about["query"] and "force=true" not in about["query"].lower() for _, _, about in api.taken)
    sent = {body["kind"]: body for _, body, _ in api.taken}
    assert sent["Rollout"] == made.found["rollout"]
    entry = [one for one in workspace.journal.entries() if one.action == "rollout.applied"][-1]
    assert (entry.payload["version"], entry.payload["problem"], entry.payload["done"]) == ("7", "", told)
    assert "secret-token" not in json.dumps(dict(entry.payload))


def test_a_refused_object_stops_before_the_pods_and_is_told(workspace: Workspace, api: Api) -> None:
    api.refuses["virtualservices"] = (409, 'Apply failed with 1 conflict: conflict with "kubectl": .spec.http')
    found = apply(workspace, rendered(workspace, ask()), "", lambda _: None)
    assert "409 Apply failed" in found.problem
    assert not any(path.endswith("rollouts/mlgov-credit") for path, _, _ in api.taken)
    entry = [one for one in workspace.journal.entries() if one.action == "rollout.applied"][-1]
    assert entry.payload["problem"] == found.problem


def test_a_cluster_without_argo_is_a_sentence(workspace: Workspace, api: Api) -> None:
    del api.kinds["argoproj.io/v1alpha1"]
    found = apply(workspace, rendered(workspace, ask()), "", lambda _: None)
    assert "knows no AnalysisTemplate of argoproj.io/v1alpha1" in found.problem


def test_a_dry_run_asks_for_one_and_leaves_no_entry(workspace: Workspace, api: Api) -> None:
    apply(workspace, rendered(workspace, ask()), "", lambda _: None, dry_run=True)
    assert all("dryRun=All" in about["query"] for _, _, about in api.taken)
    assert not [one for one in workspace.journal.entries() if one.action == "rollout.applied"]


def test_nobody_answering_and_nothing_configured_are_sentences(workspace: Workspace, api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    made = rendered(workspace, ask())
    with pytest.raises(NotReady, match="--context"):
        apply(workspace, made, "elsewhere", lambda _: None)
    api.server.shutdown()
    api.server.server_close()
    with pytest.raises(SystemUnreachable, match="did not answer") as error:
        apply(workspace, made, "", lambda _: None)
    assert "secret-token" not in str(error.value)
    monkeypatch.setenv("KUBECONFIG", "/nowhere/config")
    with pytest.raises(NotReady, match="KUBECONFIG"):
        apply(workspace, made, "", lambda _: None)


def test_the_shell_renders_tells_edits_and_applies(workspace: Workspace, api: Api, tmp_path: Path) -> None:
    from click.testing import CliRunner

    from jupyter_mlgov.cli.rollout import rollout

    shell, folder = CliRunner(), str(tmp_path / "deploy")
    words = ["credit", "--workspace", str(workspace.root)]
    done = shell.invoke(rollout, ["render", *words, "-o", folder])
    assert done.exit_code == 0, done.output
    assert "credit version 7, let into production; up to 100 % of traffic." in done.output
    assert shell.invoke(rollout, ["diff", *words, "-o", folder]).exit_code == 0
    path = Path(folder) / "mlgov-credit" / "argo" / "base" / "rollout.yaml"
    path.write_text(path.read_text("utf-8").replace("replicas: 2", "replicas: 3"), "utf-8")
    done = shell.invoke(rollout, ["diff", *words, "-o", folder])
    assert (done.exit_code, "-  replicas: 3" in done.output) == (1, True)
    done = shell.invoke(rollout, ["apply", *words])
    assert (done.exit_code, f"The cluster took {len(api.taken)} of {len(api.taken)} objects." in done.output) == (0, True)
    assert opened(workspace.root) is not None
