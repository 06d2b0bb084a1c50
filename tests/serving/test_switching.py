"""Who may answer, and what happens when that changes: loading, hot switch, rollback, breaker, kill switch. Over real sockets."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlgov.audit.entries import Draft
from jupyter_mlgov.core.errors import MlgovError, NotReady, UsageError
from jupyter_mlgov.integrations.model_signing import SIGNATURE, Tampered
from jupyter_mlgov.rollout.serving.breaker import Position
from jupyter_mlgov.workspace.killing import kill, kill_file, lift, order_breaker
from jupyter_mlgov.workspace.rollback import Order, roll_back
from jupyter_mlgov.workspace.running import application
from tests.serving.world import TEAM, House, Served, asked, serving

pytestmark = pytest.mark.filterwarnings("ignore")
BACKED = TEAM + 'baseline = "1"\n'
SLOW = 1.0  # seconds: what a busy machine does not take for a row, and a test can wait for


# -- what is loaded ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "harm", ["undecided", "refuted", "swapped", "unsigned", "pickle", "environment", "unrecorded", "golden", "foreign", "older"]
)
def test_what_was_not_let_in_signed_and_tried_is_not_served(two: House, harm: str, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = Path(registered(two, "2"))
    error: type[MlgovError] = NotReady
    if harm == "undecided":
        version = two.promote(seed=3, decide=False)
        two.workspace.record(
            Draft(action="rollback.ordered", subject="credit", payload={"stage": "production", "from": "2", "to": version, "reason": "x"})
        )
        sentence = "No decision that stands lets any version"
    elif harm == "refuted":
        two.workspace.record(Draft(action="evidence.refuted", subject="credit", payload={"version": "2", "reason": "forged"}))
        sentence = "was refuted|No version"
    elif harm in ("environment", "unrecorded"):
        two.promote(seed=3, requirements=["scikit-learn==0.9.1"] if harm == "environment" else [])
        sentence = "was 0.9.1" if harm == "environment" else "not recorded"
    elif harm == "golden":
        two.promote(seed=3, golden=last(two, "promotion.applied").payload["golden"])
        sentence = "golden predictions"
    elif harm == "older":  # signed by us, and not what the decision was about
        older = Path(registered(two, "1"))
        for name in ("model.skops", "MLmodel", SIGNATURE):
            (folder / name).write_bytes((older / name).read_bytes())
        error, sentence = Tampered, "they are of the model"
    else:
        monkeypatch.setattr("jupyter_mlgov.workspace.models.opened", never)
        error, sentence = Tampered, "not what was signed|no signature"
        content = (folder / "model.skops").read_bytes()
        if harm == "swapped":
            (folder / "model.skops").write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
        elif harm == "unsigned":
            (folder / SIGNATURE).unlink()
        else:
            (folder / ("model.pkl" if harm == "pickle" else "more.py")).write_bytes(b"cos\nsystem\n(S'true'\ntR.")
    try:
        with pytest.raises(error, match=sentence) if error is NotReady else pytest.raises(MlgovError, match=sentence):
            application(two.workspace, ("credit",))
    finally:
        mended(folder)


def never(_: object) -> None:
    raise AssertionError("it was opened")


def registered(house: House, version: str) -> str:
    from urllib.parse import urlsplit

    from jupyter_mlgov.integrations.mlflow.connection import connected

    with connected(house.workspace.tracking_uri) as client:
        path = Path(urlsplit(client.get_model_version_download_uri("credit", version)).path)
    kept = path.with_name(path.name + ".kept")
    if not kept.exists():
        import shutil

        shutil.copytree(path, kept)
    return str(path)


def mended(folder: Path) -> None:
    import shutil

    shutil.rmtree(folder)
    shutil.copytree(folder.with_name(folder.name + ".kept"), folder)


def last(house: House, action: str) -> Any:
    return house.acts(action)[-1]


def test_unknown_models_and_stages_are_sentences(two: House) -> None:
    with pytest.raises(UsageError, match='Did you mean "credit"'):
        application(two.workspace, ("credti",))
    with pytest.raises(UsageError, match="stage"):
        application(two.workspace, ("credit@prod",))
    with pytest.raises(NotReady, match="into staging"):
        application(two.workspace, ("credit@staging",))


# -- hot switch and rollback ------------------------------------------------------------------------------------------


class Load:
    """Requests from several threads until it is told to end; every answer is kept, behind the moment at which it was asked for."""

    def __init__(self, served: Served, threads: int = 4) -> None:
        self.served, self.answers, self.ended = served, [], threading.Event()
        self.threads = [threading.Thread(target=self._run, args=(place,)) for place in range(threads)]

    def _run(self, place: int) -> None:
        number = 0
        while not self.ended.is_set():
            number += 1
            value = float(place * 100_000 + number) / 50_000
            asked_at = time.monotonic()
            status, headers, body = self.served.client.infer(income=[value])
            self.answers.append((asked_at, value, status, headers, body))

    def asked_after(self, moment: float) -> list[Any]:
        """The answers to what was asked after `moment`, so that no answer under way then, however slow, is among them."""
        return [answer for answer in self.answers if answer[0] > moment]

    def __enter__(self) -> Load:
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.ended.set()
        for thread in self.threads:
            thread.join()


def own_score(house: House, version: str, value: float) -> float:
    """What the version itself says, opened apart from any server."""
    import pandas as pd
    import skops.io

    from jupyter_mlgov.core.digests import Digest

    payload = next(entry.payload for entry in house.acts("promotion.applied") if entry.payload["version"] == version)
    model = skops.io.loads(house.workspace.objects.get(Digest(payload["object"])))
    row = {one["name"]: one["data"] for one in asked(income=[value])["inputs"]}
    return float(model.predict_proba(pd.DataFrame(row))[0, 1])


def test_a_version_is_switched_while_requests_flow_and_none_fails_or_is_mixed(two: House) -> None:
    with serving(two.workspace) as served, Load(served) as load:
        served.until(lambda: len(load.answers) > 50)
        third = two.promote(seed=3)
        served.until(lambda: served.service.lineup.champion.vouched.version == third)
        seen = len(load.answers)
        served.until(lambda: len(load.answers) > seen + 50)
        receipt = roll_back(two.workspace, Order(model="credit", stage="production", reason="too many alarms"))
        back = time.monotonic()
        served.until(lambda: len(load.asked_after(back)) > 50)
    assert {status for _, _, status, _, _ in load.answers} == {200}
    assert {headers["mlgov-version"] for *_, headers, _ in load.answers} == {"2", third}
    for _, value, _, headers, body in load.answers[:: max(1, len(load.answers) // 60)]:
        assert headers["mlgov-version"] == body["model_version"]
        assert body["outputs"][0]["data"][0] == own_score(two, body["model_version"], value)
    assert receipt.outcome == "done"
    traffic = [str(one) for one in receipt.after if one.name == "traffic"]
    assert traffic
    assert traffic[0].startswith("✓")
    assert {headers["mlgov-version"] for *_, headers, _ in load.asked_after(back)} == {"2"}
    assert [entry.payload["version"] for entry in two.acts("rollout.started")] == ["2", third]


def test_every_replica_of_a_workspace_switches_and_comes_back_and_the_receipt_counts_them(two: House) -> None:
    with serving(two.workspace) as one, serving(two.workspace) as other, Load(one, 2) as load, Load(other, 2) as more:
        third = two.promote(seed=3)
        one.until(lambda: all(served.client.infer()[1]["mlgov-version"] == third for served in (one, other)), 60)
        receipt = roll_back(two.workspace, Order(model="credit", stage="production", reason="too many alarms"))
        assert {served.client.infer()[1]["mlgov-version"] for served in (one, other)} == {"2"}
    assert receipt.outcome == "done"
    (traffic,) = [one for one in receipt.after if one.name == "traffic"]
    assert traffic.said.startswith("2 replicas answer with version 2")
    told = [*load.answers, *more.answers]
    assert {status for _, _, status, _, _ in told} == {200}
    assert {headers["mlgov-version"] for *_, headers, _ in told} == {"2", third}


def test_a_rollback_of_traffic_that_nobody_can_see_is_said(two: House) -> None:
    with serving(two.workspace):
        pass
    receipt = roll_back(two.workspace, Order(model="credit", stage="production", reason="x"))
    assert receipt.outcome == "done"
    assert [one for one in receipt.after if one.name == "traffic"] == []  # that replica said that it left


def test_a_promoted_version_that_cannot_be_loaded_leaves_the_one_before_and_is_told(two: House) -> None:
    with serving(two.workspace) as served:
        third = two.promote(seed=3, requirements=["scikit-learn==0.9.1"])
        served.until(lambda: bool(two.acts("serving.refused")))
        assert served.client.infer()[1]["mlgov-version"] == "2"
    assert last(two, "serving.refused").payload["version"] == third


def test_a_stage_that_was_emptied_answers_nobody(two: House) -> None:
    with serving(two.workspace) as served:
        two.workspace.record(Draft(action="stage.emptied", subject="credit", payload={"stage": "production", "to": "", "reason": "x"}))
        served.until(lambda: served.client.infer()[0] == 503)
        assert served.client.get("/v2/health/ready")[0] == 503
        assert served.client.get("/v2/health/live")[0] == 200


# -- the breaker ------------------------------------------------------------------------------------------------------


class Broken:
    """The champion's predictor, made to harm in one way while `how` says so."""

    def __init__(self, inner: Any, brief: int) -> None:
        self.inner, self.how = inner, ""
        self.contract, self.bounded, self.cacheable, self.brief = inner.contract, inner.bounded, False, brief

    def compute(self, rows: Any) -> Any:
        import numpy as np

        from jupyter_mlgov.rollout.serving.arms import Computed

        if self.how == "raises":
            raise RuntimeError("boom")
        if self.how == "slow":
            time.sleep(SLOW * 1.25)
        scores = {"nan": np.array([np.nan] * rows.n), "shape": np.array([0.5] * (rows.n + 1)), "outside": np.array([1.5] * rows.n)}.get(
            self.how
        )
        return Computed(scores=scores) if scores is not None else self.inner.compute(rows)


def broken(served: Served, brief: int = 0) -> Broken:
    made = Broken(served.service.lineup.champion.predictor, brief)
    served.service.lineup.champion.predictor = made
    return made


@pytest.fixture
def backed(two: House) -> House:
    (two.workspace.root / "mlgov.toml").write_text(BACKED, "utf-8")
    return two


def rested(served: Served) -> None:
    """Let the rest of the breaker be over."""
    breaker = served.service.breaker
    served.service.breaker = replace(breaker, since=breaker.since - breaker.rules.rest)


@pytest.mark.parametrize(
    ("how", "brief"), [("raises", 0), ("nan", 0), ("shape", 0), ("outside", 0), ("slow", 0), ("raises", 16), ("nan", 16), ("slow", 16)]
)
def test_the_baseline_takes_over_when_the_champion_breaks_and_probes_bring_it_back(backed: House, how: str, brief: int) -> None:
    """In a thread, or where it is asked (`brief`). Its rest is over when the test says so: on a busy machine it was over too early."""
    slow = SLOW if how == "slow" else 20
    team = BACKED.replace("rest = 0.3", "rest = 3600").replace("slow = 20", f"slow = {slow}")
    (backed.workspace.root / "mlgov.toml").write_text(team, "utf-8")
    with serving(backed.workspace) as served:
        champion = broken(served, brief)
        assert served.client.infer()[1]["mlgov-served-by"] == "champion"
        champion.how = how
        replies = [served.client.infer(income=[float(number)]) for number in range(8)]
        assert {status for status, *_ in replies} == {200}
        assert served.service.breaker.position is Position.OPEN
        assert replies[-1][1]["mlgov-served-by"] == "baseline"
        assert replies[-1][1]["mlgov-version"] == "1"
        assert replies[-1][2]["outputs"][0]["data"][0] == own_score(backed, "1", 7.0)
        champion.how = ""
        rested(served)
        served.until(
            lambda: served.client.infer()[1]["mlgov-served-by"] == "champion" and served.service.breaker.position is Position.CLOSED
        )
        served.until(lambda: len(backed.acts("breaker.switched")) >= 3)
        told = [(entry.payload["was"], entry.payload["now"]) for entry in backed.acts("breaker.switched")]
    assert told == [("closed", "open"), ("open", "half-open"), ("half-open", "closed")]


def test_without_a_baseline_nobody_answers_rather_than_anything_wrong(two: House) -> None:
    with serving(two.workspace) as served:
        broken(served).how = "nan"
        assert served.client.infer()[0] == 503
        assert "no baseline stands in" in served.client.infer()[2]["error"]
        for _ in range(8):
            served.client.infer()
        status, _, body = served.client.get("/v2/health/ready")
        assert status == 503
        assert "breaker is open" in body["error"]


def test_a_hand_and_a_drift_alarm_open_the_breaker_until_a_hand_closes_it(backed: House) -> None:
    with serving(backed.workspace) as served:
        order_breaker(backed.workspace, "credit", "odd answers", open=True)
        served.until(lambda: served.client.infer()[1]["mlgov-served-by"] == "baseline")
        time.sleep(0.4)  # longer than its rest: no probe is let through
        assert served.client.infer()[1]["mlgov-served-by"] == "baseline"
        order_breaker(backed.workspace, "credit", "mended", open=False)
        served.until(lambda: served.client.infer()[1]["mlgov-served-by"].startswith("champion"))
        backed.workspace.record(Draft(action="alarm.raised", subject="credit", payload={"kind": "drift", "problem": "PSI 0.4 of income"}))
        served.until(lambda: served.client.infer()[1]["mlgov-served-by"] == "baseline")
        served.until(lambda: len(backed.acts("breaker.switched")) == 3)
    assert "drift alarm: PSI 0.4 of income" in last(backed, "breaker.switched").payload["why"]


# -- the kill switch --------------------------------------------------------------------------------------------------


def test_killed_no_replica_answers_within_five_seconds_and_the_receipt_says_so(two: House) -> None:
    with serving(two.workspace) as one, serving(two.workspace) as other, Load(one, 2) as load, Load(other, 2) as more:
        one.until(lambda: len(load.answers) > 10 and len(more.answers) > 10)
        receipt = kill(two.workspace, "credit", "harm to customers")
        stopped = time.monotonic()
        assert receipt.good
        assert (receipt.open, receipt.cancelled) == (2, 2)
        assert one.client.infer()[0] == other.client.infer()[0] == 503
        assert "kill switch: harm to customers" in one.client.infer()[2]["error"]
        assert one.client.get("/v2/models/credit/ready")[0] == 503
        one.until(lambda: len(load.asked_after(stopped)) > 10 and len(more.asked_after(stopped)) > 10)
    assert {status for _, _, status, _, _ in [*load.asked_after(stopped), *more.asked_after(stopped)]} == {503}
    with serving(two.workspace) as again:  # and a new process is stopped from its first request on
        assert again.client.infer()[0] == 503
        lift(two.workspace, "credit", "the cause is mended")
        again.until(lambda: again.client.infer()[0] == 200)
    assert last(two, "alarm.raised").payload["kind"] == "kill switch"


def test_a_drill_stops_every_replica_out_of_band_and_lets_them_answer_again(two: House) -> None:
    from jupyter_mlgov.validation.plugins import installed_validators

    with serving(two.workspace) as one, serving(two.workspace) as other:
        receipt = kill(two.workspace, "credit", "yearly drill", drill=True)
        one.until(lambda: one.client.infer()[0] == other.client.infer()[0] == 200)
    assert receipt.good
    assert receipt.out_of_band is True
    payload = last(two, "killswitch.drilled").payload
    assert (payload["open"], payload["cancelled"], payload["out_of_band"]) == (2, 2, True)
    assert payload["alert_seconds"] < 5
    assert "deploy.killswitch" in installed_validators().ids


def test_a_replica_that_does_not_stop_is_named_and_the_receipt_is_not_good(two: House) -> None:
    with serving(two.workspace) as served:
        served.replica._ended.set()  # its watch is dead
        served.until(lambda: not served.replica._threads[1].is_alive())
        receipt = kill(two.workspace, "credit", "x", wait=0.3)
        served.replica._ended.clear()
    assert not receipt.good
    assert receipt.heard[0].said == "did not say that it stopped"


def test_the_file_alone_stops_a_model_also_where_it_cannot_be_read(two: House) -> None:
    with serving(two.workspace) as served:
        path = kill_file(two.workspace.root, "credit")
        path.parent.mkdir()
        path.write_bytes(b"\xff")
        served.until(lambda: served.client.infer()[0] == 503)
        assert "cannot be read" in served.client.infer()[2]["error"]


def test_a_kill_needs_a_reason_and_a_model(two: House) -> None:
    with pytest.raises(UsageError, match="reason"):
        kill(two.workspace, "credit", " ")
    with pytest.raises(UsageError, match="credit"):
        kill(two.workspace, "credti", "x")
    with pytest.raises(UsageError, match="not stopped"):
        lift(two.workspace, "credit", "x")


# -- what a replica does when it cannot see ---------------------------------------------------------------------------


def test_a_replica_without_sight_of_the_trail_stops_after_its_time(two: House, monkeypatch: pytest.MonkeyPatch) -> None:
    (two.workspace.root / "mlgov.toml").write_text(TEAM + "blind = 0.5\n", "utf-8")
    with serving(two.workspace) as served:
        from jupyter_mlgov.core.errors import StorageProblem

        def gone(**_: object) -> None:
            raise StorageProblem("The database is gone.")

        monkeypatch.setattr(type(two.workspace.personal), "entries", lambda self, **more: gone())
        served.until(lambda: served.client.infer()[0] == 503)
        assert "could not be read for 0.5 s" in served.client.infer()[2]["error"]
        monkeypatch.undo()
        served.until(lambda: served.client.infer()[0] == 200)


def test_status_says_all_in_one_place(shared: Served, house: Callable[..., House]) -> None:
    told = shared.client.get("/mlgov/status")[2]["credit"]
    assert told["arms"]["champion"]["version"] == "2"
    assert any("golden predictions" in line for line in told["arms"]["champion"]["looked"])
    assert told["breaker"]["position"] == "closed"
    assert json.dumps(told)


# -- what an approval allows ------------------------------------------------------------------------------------------


def test_an_approval_for_a_part_of_the_traffic_lets_nobody_answer_all_of_it(house: Callable[..., House]) -> None:
    from jupyter_mlgov.promotion.facts import Limit

    built = house()
    built.promote(seed=1, limits=(Limit(name="traffic", most=0.05),))
    with pytest.raises(NotReady, match="allows 5 % of the traffic"):
        application(built.workspace, ("credit",))
    built.promote(seed=2)
    third = built.promote(seed=3, limits=(Limit(name="traffic", most=0.05),))
    with serving(built.workspace) as served:
        assert served.client.infer()[1]["mlgov-version"] == "2"
        assert third not in [arm.vouched.version for arm in served.service.lineup.arms]
