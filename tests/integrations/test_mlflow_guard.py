"""A real MLflow registry behind the trail: embedded, and as a tracking server that others reach by REST."""

from __future__ import annotations

import json
import shutil
import urllib.error
import urllib.request
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient
from mlflow.entities.model_registry import ModelVersionTag
from mlflow.exceptions import MlflowException

from jupyter_mlgov.audit.entries import Draft
from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.core.settings import Settings
from jupyter_mlgov.workspace import Workspace
from jupyter_mlgov.workspace.guard import Nobody, TrailGatekeeper, governed_store
from jupyter_mlgov.workspace.reconciling import reconcile
from tests.mlflow_server import guarded_server
from tests.promotion.test_intended import back, decided
from tests.promotion.world import let_in

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
    for number in (1, 2, 3):
        made.create_model_version("credit", (tmp_path / "files").as_uri(), tags=[carrying(number)])
    return made


def carrying(number: int) -> ModelVersionTag:
    """Which model a version carries: that of World's decision about this number."""
    return ModelVersionTag("mlgov.model", str(Digest.of_text(f"model {number}")))


def denied(act: Any) -> str:
    with pytest.raises(MlflowException) as caught:
        act()
    assert caught.value.error_code == "PERMISSION_DENIED"
    return str(caught.value)


def test_no_stage_without_a_decision_and_other_aliases_are_free(workspace: Workspace, store: GuardedStore) -> None:
    for stage in ("staging", "production", "champion", "Production"):
        assert "No decision lets version 1 of credit" in denied(lambda stage=stage: store.set_registered_model_alias("credit", stage, "1"))
    store.set_registered_model_alias("credit", "experiment-7", "1")
    let_in(workspace.journal, "1")
    store.set_registered_model_alias("credit", "production", "1")
    store.set_registered_model_alias("credit", "champion", "1")
    assert "version 1 of credit is in production since" in denied(lambda: store.set_registered_model_alias("credit", "production", "2"))
    assert store.get_model_version_by_alias("credit", "production").version in (1, "1")


def test_a_decision_is_decided_again_once_and_not_at_each_write(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """A rollback writes four tags and an alias; each write once read the whole log, which took two seconds at 5,000 entries."""
    let_in(workspace.journal, "1")
    keeper, whole = TrailGatekeeper(workspace), []
    plain = type(workspace.personal).entries

    def counted(self: Any, **chosen: Any) -> Any:
        whole.append(chosen) if not chosen else None
        return plain(self, **chosen)

    monkeypatch.setattr(type(workspace.personal), "entries", counted)
    assert [keeper.objection("credit", "production", "1") for _ in range(5)] == [""] * 5
    assert len(whole) == 1


def test_a_version_that_was_there_once_needs_a_rollback_to_return(workspace: Workspace, store: GuardedStore) -> None:
    let_in(workspace.journal, "1")
    let_in(workspace.journal, "2")
    assert denied(lambda: store.set_registered_model_alias("credit", "production", "1"))
    workspace.record(back("2", "1"))
    store.set_registered_model_alias("credit", "production", "1")


def test_tags_copies_stages_and_deletions_are_asked_for_too(workspace: Workspace, store: GuardedStore) -> None:
    version = store.get_model_version("credit", "1")
    for key, value in (("mlgov.production.approved_by", "me"), ("stage", "production"), ("mlgov.stage", "staging")):
        assert denied(lambda key=key, value=value: store.set_model_version_tag("credit", "1", ModelVersionTag(key, value)))
    assert denied(lambda: store.copy_model_version(version, "credit-prod"))
    assert denied(lambda: store.transition_model_version_stage("credit", "1", "Production", False))
    store.transition_model_version_stage("credit", "1", "Archived", False)
    store.set_model_version_tag("credit", "1", carrying(1))
    assert denied(lambda: store.set_model_version_tag("credit", "1", ModelVersionTag("mlgov.model", "sha256:b")))
    assert denied(lambda: store.delete_model_version_tag("credit", "1", "mlgov.model"))
    let_in(workspace.journal, "1")
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
    let_in(workspace.journal, "1")
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
    let_in(workspace.journal, "1")
    for stage in ("staging", "production"):
        store.set_registered_model_alias("credit", stage, "1")
    assert reconcile(workspace).drifted == ()
    around = MlflowClient(tracking_uri=workspace.settings.tracking_uri, registry_uri=workspace.settings.tracking_uri)
    around.set_registered_model_alias("credit", "production", "2")
    around.set_registered_model_alias("credit", "staging", "3")
    found = reconcile(workspace)
    assert {(item.stage, item.trail, item.registry) for item in found.drifted} == {("production", "1", "2"), ("staging", "1", "3")}
    reconcile(workspace)
    alarms = list(workspace.journal.entries(actions=("alarm.raised",)))
    assert len(alarms) == 2
    assert "shows version 2 in the registry; the trail says version 1, by decision of" in str(alarms[0].payload["problem"])
    around.delete_registered_model_alias("credit", "production")
    assert "shows nothing in the registry" in reconcile(workspace).drifted[0].sentence


def test_an_alias_in_other_letters_is_the_same_stage(workspace: Workspace, store: GuardedStore) -> None:
    let_in(workspace.journal, "1")
    for spelled in ("Production", "PRODUCTION", "Champion"):
        assert "is called" in denied(lambda spelled=spelled: store.set_registered_model_alias("credit", spelled, "1"))
    store.set_registered_model_alias("credit", "production", "1")
    assert denied(lambda: store.delete_registered_model_alias("credit", "Production"))
    assert denied(lambda: store.delete_registered_model_alias("credit", "champion"))


def test_a_version_that_is_born_with_a_stage_in_its_tags_is_refused_and_a_copy_leaves_them_behind(
    workspace: Workspace, store: GuardedStore, tmp_path: Path
) -> None:
    files = (tmp_path / "files").as_uri()
    for key, value in (("mlgov.production.approved_by", "bob"), ("stage", "Production"), ("MLGOV.STAGE", "staging")):
        tags = [ModelVersionTag(key, value)]
        assert "says otherwise" in denied(lambda tags=tags: store.create_model_version("credit", files, tags=tags))
    assert denied(lambda: store.create_model_version("credit", "models:/credit/2"))
    assert denied(lambda: store.create_model_version("credit", "MODELS:/credit/production"))
    store.create_model_version("credit", files, tags=[ModelVersionTag("team", "risk"), ModelVersionTag("mlgov.model", "sha256:a")])
    let_in(workspace.journal, "1")
    store.set_model_version_tag("credit", "1", ModelVersionTag("mlgov.production.by", "ana"))
    store.set_model_version_tag("credit", "1", ModelVersionTag("team", "risk"))
    copy = store.copy_model_version(store.get_model_version("credit", "1"), "elsewhere")
    assert store.get_model_version("elsewhere", copy.version).tags == {"team": "risk", "mlgov.model": carrying(1).value}


def test_a_decision_that_was_copied_for_another_model_version_stage_or_day_lets_nothing_in(
    workspace: Workspace, store: GuardedStore
) -> None:
    granted = let_in(workspace.journal, "1")
    store.set_registered_model_alias("credit", "production", "1")
    store.create_registered_model("other")
    store.create_model_version("other", "file:///nowhere")
    forged = (
        ("other", "production", "1", {"model": "other"}),
        ("credit", "production", "2", {"version": "2"}),
        ("credit", "live", "2", {"stage": "live", "version": "2"}),
    )
    for model, stage, version, lie in forged:
        draft = Draft(action="promotion.decided", subject=model, payload={**granted.payload, **lie})
        workspace.journal.append([draft], actor=granted.actor)
        assert "does not replay" in denied(lambda at=(model, stage, version): store.set_registered_model_alias(*at)), lie
    let_in(workspace.journal, "3")
    workspace.journal.append([Draft(action="promotion.decided", subject="credit", payload=granted.payload)], actor=granted.actor)
    assert "copied" in denied(lambda: store.set_registered_model_alias("credit", "production", "1")), "word for word, and once too often"
    around = MlflowClient(tracking_uri=workspace.settings.tracking_uri, registry_uri=workspace.settings.tracking_uri)
    around.set_registered_model_alias("credit", "production", "2")
    workspace.record(decided("2"))
    told = [item.sentence for item in reconcile(workspace).drifted if (item.model, item.stage) == ("credit", "production")]
    assert len(told) == 1
    assert "does not replay" in told[0], "trail and registry were both written to, and agree"
    workspace.record(back("2", "2"))
    assert "was not recorded with it" in denied(lambda: store.set_registered_model_alias("credit", "production", "2"))


def test_a_rollback_to_what_never_was_there_lets_nothing_in(workspace: Workspace, store: GuardedStore) -> None:
    let_in(workspace.journal, "1")
    workspace.record(back("1", "3"))
    for version in ("1", "3"):
        assert "nothing of credit is in production" in denied(
            lambda version=version: store.set_registered_model_alias("credit", "production", version)
        )


def test_a_stage_that_was_taken_out_of_the_team_file_stays_guarded_and_a_broken_file_guards_every_alias(
    workspace: Workspace, store: GuardedStore
) -> None:
    let_in(workspace.journal, "1")
    file = workspace.root / "mlgov.toml"
    file.write_text('[promotion]\nstages = ["development", "release"]\n', "utf-8")
    assert denied(lambda: store.set_registered_model_alias("credit", "production", "2"))
    assert denied(lambda: store.set_registered_model_alias("credit", "release", "2"))
    file.write_text("[promotion\n", "utf-8")
    assert "cannot be read" in denied(lambda: store.set_registered_model_alias("credit", "experiment-7", "1"))


def test_what_the_trail_has_in_a_stage_is_not_deleted_though_its_alias_is_gone(workspace: Workspace, store: GuardedStore) -> None:
    let_in(workspace.journal, "1")
    store.set_registered_model_alias("credit", "production", "1")
    around = MlflowClient(tracking_uri=workspace.settings.tracking_uri, registry_uri=workspace.settings.tracking_uri)
    around.delete_registered_model_alias("credit", "production")
    assert "The trail says" in denied(lambda: store.delete_model_version("credit", "1"))


def test_of_two_workspaces_on_one_registry_each_finds_what_the_other_moved(
    workspace: Workspace, store: GuardedStore, tmp_path: Path
) -> None:
    let_in(workspace.journal, "1")
    store.set_registered_model_alias("credit", "production", "1")
    other = Workspace.create(tmp_path / "other", workspace.settings)
    let_in(other.journal, "2")
    assert denied(lambda: store.set_registered_model_alias("credit", "production", "2")), "another trail's decision is none here"
    theirs = GuardedStore(f"mlgov+{workspace.settings.tracking_uri}", TrailGatekeeper(other))
    theirs.set_registered_model_alias("credit", "production", "2")
    assert [item.registry for item in reconcile(workspace).drifted if item.stage == "production"] == ["2"]
    store.set_registered_model_alias("credit", "production", "1")
    assert [item.registry for item in reconcile(other).drifted if item.stage == "production"] == ["1"]


LIKE = [
    "production ",
    " Production\t",
    "production\n",
    "PRODUCTION",
    "рroduction",
    "prоductiоn",
    "ｐｒｏｄｕｃｔｉｏｎ",
    "prod\u200buction",
    "próduction",
]
LIKE += ["сhampion", "\ufeffstaging", "ѕtaging", "stagıng", "\U0001d429roduction"]


@pytest.mark.parametrize("alias", LIKE)
def test_an_alias_that_reads_like_a_stage_is_that_stage_and_is_not_set_beside_it(
    workspace: Workspace, store: GuardedStore, alias: str
) -> None:
    assert "No decision lets" in denied(lambda: store.set_registered_model_alias("credit", alias, "1"))
    let_in(workspace.journal, "1")
    assert "is called" in denied(lambda: store.set_registered_model_alias("credit", alias, "1")), "one stage, one name"


@pytest.mark.parametrize("alias", ["производство", "本番", "productions", "prod", "live", "staging-2", "продакшнна", "challenger"])
def test_an_alias_with_a_name_of_its_own_is_free(store: GuardedStore, alias: str) -> None:
    store.set_registered_model_alias("credit", alias, "1")


def test_a_version_deleted_and_made_anew_under_its_number_is_not_let_in_by_the_old_decision(
    workspace: Workspace, store: GuardedStore, tmp_path: Path
) -> None:
    let_in(workspace.journal, "1")
    store.set_registered_model_alias("credit", "production", "1")
    around = MlflowClient(tracking_uri=workspace.settings.tracking_uri, registry_uri=workspace.settings.tracking_uri)
    around.delete_registered_model_alias("credit", "production")
    for act in (lambda: store.delete_registered_model("credit"), lambda: store.rename_registered_model("credit", "old")):
        assert "The trail says that version 1" in denied(act), "no alias is left, and the trail still has it in production"
    around.delete_registered_model("credit")
    around.create_registered_model("credit")
    for tags in ([], [ModelVersionTag("mlgov.model", str(Digest.of_text("another model")))]):
        again = store.create_model_version("credit", (tmp_path / "other").as_uri(), tags=tags)
        wanted = "No decision lets" if str(again.version) != "1" else "that version carries"
        found = denied(lambda again=again: store.set_registered_model_alias("credit", "production", str(again.version)))
        assert wanted in found or "The trail says" in found
        assert str(again.version) != "1" or "that version carries" in found
    assert store.get_model_version("credit", "1").version in (1, "1"), "the number did come again"


def test_a_model_whose_name_differs_in_case_is_another_model(workspace: Workspace, store: GuardedStore, tmp_path: Path) -> None:
    let_in(workspace.journal, "1")
    store.create_registered_model("Credit")
    store.create_model_version("Credit", (tmp_path / "files").as_uri(), tags=[carrying(1)])
    assert "No decision lets version 1 of Credit" in denied(lambda: store.set_registered_model_alias("Credit", "production", "1"))


def test_without_a_trail_nothing_is_deleted_either(store: GuardedStore) -> None:
    store._gate = Nobody("the folder is gone")
    for act in (lambda: store.delete_model_version("credit", "1"), lambda: store.delete_registered_model("credit")):
        assert "No trail was found" in denied(act)


@pytest.fixture
def server(workspace: Workspace, store: GuardedStore, tmp_path: Path) -> Iterator[str]:
    """`mlflow server` with the guarded registry, as an operator would start it."""
    with guarded_server(workspace.root, workspace.settings.tracking_uri, tmp_path) as address:
        yield address


def posted(url: str, body: dict[str, str], method: str = "POST") -> int:
    """The status of a raw request; a refusal's text is looked at by the client's test below."""
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"}, method=method)
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
    copy = {"name": "credit-prod", "source": "models:/credit/1"}
    assert posted(f"{server}/api/2.0/mlflow/registered-models/create", {"name": "credit-prod"}) == 200
    assert posted(f"{server}/api/2.0/mlflow/model-versions/create", copy) == 403, "what copy_model_version sends over REST"
    let_in(workspace.journal, "2")
    assert posted(alias, {**body, "version": "2"}) == 200
    let_in(workspace.journal, "1")
    assert posted(alias, body) == 200
    workspace.record(back("1", "2"))
    assert posted(alias, body) == 403
    assert posted(alias, {**body, "version": "2"}) == 200
    assert posted(f"{server}/api/2.0/mlflow/model-versions/create", copy) == 200, "version 1 is in staging by decision"
    for verb, path, what in (
        ("DELETE", "registered-models/alias", {"name": "credit", "alias": "PRODUCTION"}),
        ("DELETE", "model-versions/delete", {"name": "credit", "version": "2"}),
        ("DELETE", "registered-models/delete", {"name": "credit"}),
        ("POST", "registered-models/rename", {"name": "credit", "new_name": "credit2"}),
    ):
        assert posted(f"{server}/api/2.0/mlflow/{path}", what, verb) == 403, path
