"""A canary whose versions have pods of their own: real processes, a router as Istio splits by its header, and the looks of Argo's Job."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from jupyter_mlgov.core.errors import UsageError
from jupyter_mlgov.rollout.serving.lineup import bucketed
from jupyter_mlgov.rollout.steps import Rollout, Route, State, beyond
from jupyter_mlgov.workspace.canaries import start
from jupyter_mlgov.workspace.killing import kill
from jupyter_mlgov.workspace.labels import predictions
from jupyter_mlgov.workspace.running import application
from jupyter_mlgov.workspace.serving import predictions_folder
from jupyter_mlgov.workspace.traffic import moved
from tests.serving.test_faults import process
from tests.serving.world import TEAM, Client, House

HEADER = "x-mlgov-bucket"
CANARY = """
[canary]
steps = [50, 100]
units = 40
hours = 0.000001
slow = 60
differ = 1.0
"""


def test_a_step_is_passed_ended_or_neither() -> None:
    route = Route(steps=(5, 50, 100))
    states = [
        (State.SHADOW, -1),
        (State.CANARY, 0),
        (State.HOLD, 0),
        (State.CANARY, 1),
        (State.PROMOTED, 2),
        (State.ABORTED, 0),
        (State.INCONCLUSIVE, 1),
    ]
    at = [Rollout(route=route, state=state, step=step) for state, step in states]
    assert [beyond(one, 0) for one in at] == [None, True, True, True, True, False, False]
    assert [beyond(one, 5) for one in at] == [None, None, None, True, True, False, False]
    assert [beyond(one, 50) for one in at] == [None, None, None, None, True, False, False]


@pytest.mark.parametrize("said", ["", "5", "100", "-1", "0x", "٥٥", " 5", "5 ", "nan"])
def test_a_place_that_no_router_says_is_none(said: str) -> None:
    assert bucketed(said) is None
    assert bucketed("00") == 0.5


def test_a_header_without_a_version_is_a_sentence(two: House) -> None:
    with pytest.raises(UsageError, match="names no version"):
        application(two.workspace, ("credit",), bucket=HEADER)


class Mesh:
    """Istio's route: the header's lowest hundredths to the canary's pod, the rest to the stable one; in shadow, all copied to both."""

    def __init__(self, stable: Client, canary: Client) -> None:
        self.stable, self.canary, self.share, self.mirrored = stable, canary, 0, True
        self.entity = 0

    def send(self, n: int, *, drifted: int = 0) -> set[str]:
        """`n` new entities; returns the versions that answered. `drifted`: so many hundredths more reach the canary than the route says."""
        told = set()
        for _ in range(n):
            self.entity += 1
            bucket = self.entity * 37 % 100
            body = {"parameters": {"entity": f"c{self.entity}"}, **_row(self.entity)}
            there = self.canary if bucket < self.share else self.stable
            said = {HEADER: f"{min(bucket, 99):02d}"}
            if drifted and bucket >= self.share and bucket < self.share + drifted:
                there, said = self.canary, {HEADER: f"{bucket - self.share:02d}"}
            status, headers, _ = there.post("/v2/models/credit/infer", body, **said)
            assert status == 200
            told.add(headers["mlgov-version"])
            if self.mirrored:
                self.canary.post("/v2/models/credit/infer", body, **said)
        return told


def _row(number: int) -> dict[str, object]:
    data = {"income": number % 7 - 3.0, "debt": 0.1, "age": 0.2, "late": number % 3 - 1.0}
    return {"inputs": [{"name": name, "datatype": "FP64", "shape": [1], "data": [value]} for name, value in data.items()]}


@pytest.fixture
def mesh(house: Callable[..., House]) -> Iterator[tuple[House, Mesh]]:
    built = house(TEAM.replace("[serving]", '[serving]\nswitch = "canary"').replace('entity = "customer"\n', "") + CANARY)
    built.promote(seed=1)
    built.promote(seed=1)
    start(built.workspace, "credit")
    with ExitStack() as pods:
        clients = [
            pods.enter_context(process(built, "--bucket", HEADER, model=f"credit@production:{version}"))[1] for version in ("1", "2")
        ]
        yield built, Mesh(*clients)


def look(house: House, share: int, *more: str) -> subprocess.CompletedProcess[str]:
    """What the Job's container runs."""
    words = [sys.executable, "-m", "jupyter_mlgov.cli", "canary", "look", "--rollout=2", f"--share={share}", *more]
    env = {**os.environ, "MLGOV_TRACKING_URI": house.workspace.settings.tracking_uri, "MLGOV_ACTOR": "ana", "PYTHONWARNINGS": "ignore"}
    return subprocess.run(
        [*words, "--workspace", str(house.workspace.root), "--", "credit"], capture_output=True, text=True, check=False, env=env
    )


def written(house: House, count: int) -> None:
    """Wait until both pods wrote so many answers down."""
    late = time.monotonic() + 60
    while (table := predictions(house.workspace, "credit")).num_rows < count:
        assert time.monotonic() < late, f"{table.num_rows} of {count}"
        time.sleep(0.05)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_two_pods_write_one_log_and_a_look_answers_as_argos_job_asks(mesh: tuple[House, Mesh]) -> None:
    house, route = mesh
    assert route.send(10) == {"1"}
    written(house, 20)
    assert look(house, 0).returncode == 3  # too few to tell: a Job that waits goes on, one that does not is tried again
    assert route.send(60) == {"1"}
    written(house, 140)
    told = look(house, 0, "--every=0.001")
    assert told.returncode == 0, told.stdout + told.stderr  # shadow is passed
    assert look(house, 0).returncode == 0, "a Job that was moved away and began again says the same"
    assert look(house, 50).returncode == 3
    route.share, route.mirrored = 50, False
    # Each pod learns the step from the trail within a second.
    late = time.monotonic() + 60
    while {tuple(client.get("/mlgov/status")[2]["credit"]["canary"].values())[-1] for client in (route.stable, route.canary)} != {0}:
        assert time.monotonic() < late
        time.sleep(0.05)
    before = predictions(house.workspace, "credit").num_rows
    assert route.send(120) == {"1", "2"}
    written(house, before + 120)
    table = predictions(house.workspace, "credit").to_pandas()
    here = table[table.step == 0]
    assert set(here.arm) == {"champion", "challenger"}
    assert (here[here.arm == "challenger"].position < 50).all()
    assert (here[here.arm == "champion"].position > 50).all()
    assert set(table[table.step == -1].arm) == {"champion", "shadow"}
    told = look(house, 50)
    assert (told.returncode, "at 100 %" in told.stdout) == (0, True), told.stdout + told.stderr
    kept = list(predictions_folder(house.workspace.root, "credit").glob("date=*/*.parquet"))
    assert len(kept) > 2
    # The kill switch reaches both pods, also in the middle of a canary.
    receipt = kill(house.workspace, "credit", "drill in a cluster", drill=True)
    assert receipt.good
    assert receipt.open == 2
    assert all(one.seconds is not None and one.seconds < 5 for one in receipt.heard)
    assert [one.answer for one in moved(house.workspace, "credit", "1")] == ["unknown"], "which pod gets whom is the cluster's"


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_a_route_that_sends_others_than_it_says_aborts_and_the_version_stops(mesh: tuple[House, Mesh]) -> None:
    house, route = mesh
    route.send(60)
    written(house, 120)
    assert look(house, 0).returncode == 0
    route.share, route.mirrored = 50, False
    late = time.monotonic() + 60
    while route.canary.get("/mlgov/status")[2]["credit"]["canary"]["step"] != 0:
        assert time.monotonic() < late
        time.sleep(0.05)
    before = predictions(house.workspace, "credit").num_rows
    route.send(300, drifted=25)
    written(house, before + 300)
    told = look(house, 50)
    assert told.returncode == 1, told.stdout + told.stderr
    assert "the split is broken" in told.stdout
    assert look(house, 50).returncode == 1
    late = time.monotonic() + 60
    while route.canary.get("/v2/health/ready")[0] != 503:  # Argo sends everybody to the stable pods; this one says so itself
        assert time.monotonic() < late
        time.sleep(0.05)
    route.share = 0
    assert route.send(10) == {"1"}
    assert look(house, 50).stderr == ""


@pytest.mark.filterwarnings("ignore")
def test_a_look_for_a_version_that_no_canary_is_about_never_lets_it_on(two: House) -> None:
    told = look(two, 0)
    assert told.returncode == 3
    assert "There is no canary of credit" in told.stderr
