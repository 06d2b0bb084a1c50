"""Faults from outside: malformed requests, killed and stopped processes, a damaged model file, a clock that jumps, Prometheus' page."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_mlgov.core.errors import NotReady
from jupyter_mlgov.rollout.serving.protocol import BadRequest, Tensor, answer, encoded, parse
from jupyter_mlgov.workspace.labels import predictions
from jupyter_mlgov.workspace.running import application
from jupyter_mlgov.workspace.traffic import replicas
from tests.serving.fuzzing import request, wrong
from tests.serving.world import NAMES, Client, House, Served, asked, serving

pytestmark = pytest.mark.filterwarnings("ignore")


# -- malformed requests -----------------------------------------------------------------------------------------------


def test_no_malformed_request_is_a_crash_or_a_wrong_answer(shared: Served) -> None:
    """500 here; `make bench` sends 10,000."""
    rng, model = random.Random(8), shared.service.lineup.champion.predictor.model
    seen: dict[int, int] = {}
    for _ in range(500):
        raw, headers = request(rng)
        status, _, body = shared.client.post(
            "/v2/models/credit/infer", raw, **{name.replace("-", "_"): text for name, text in headers.items()}
        )
        assert wrong(status, body, raw, model) == "", (raw, headers, status, body)
        seen[status] = seen.get(status, 0) + 1
    assert seen[400] > 300
    assert seen[200] > 5
    assert shared.client.get("/v2/health/ready")[0] == 200
    assert shared.service.breaker.position.value == "closed"  # nobody opens it from outside


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
)
TENSOR = st.fixed_dictionaries(
    {
        "name": st.sampled_from(NAMES) | JSON,
        "datatype": st.sampled_from(["FP64", "INT8", "BYTES", "BOOL"]) | JSON,
        "shape": st.lists(st.integers(-1, 3), max_size=3) | JSON,
        "data": JSON,
    }
)


@given(
    st.fixed_dictionaries({"inputs": st.lists(TENSOR, max_size=4) | JSON}, optional={"id": JSON, "parameters": JSON, "outputs": JSON}),
    st.binary(max_size=16),
)
@settings(max_examples=150)
def test_whatever_is_parsed_is_refused_or_whole(document: Any, tail: bytes) -> None:
    try:
        found = parse(document, tail)
    except BadRequest:
        return
    for tensor in found.inputs:
        count = 1
        for size in tensor.shape:
            count *= size
        assert len(tensor.values) == count


@given(st.lists(st.text(max_size=5), max_size=5), st.lists(st.floats(allow_nan=False, width=32), max_size=5))
def test_binary_tensors_come_back_as_they_went(texts: list[str], numbers: list[float]) -> None:
    import numpy as np

    tensors = (
        Tensor(name="t", datatype="BYTES", shape=(len(texts),), values=texts),
        Tensor(name="n", datatype="FP32", shape=(len(numbers),), values=np.array(numbers, "f4")),
    )
    sizes = [len(encoded(one)) for one in tensors]
    inputs = [
        {"name": one.name, "datatype": one.datatype, "shape": list(one.shape), "parameters": {"binary_data_size": size}}
        for one, size in zip(tensors, sizes, strict=True)
    ]
    back = parse({"inputs": inputs}, b"".join(map(encoded, tensors)))
    assert list(back.inputs[0].values) == texts
    assert back.inputs[1].values.tolist() == np.array(numbers, "f4").tolist()
    body, _ = answer(back.inputs, back, model="m", version="1", parameters={})
    assert body["model_name"] == "m"


# -- processes --------------------------------------------------------------------------------------------------------


@contextmanager
def process(house: House, *more: str, model: str = "credit") -> Iterator[tuple[subprocess.Popen[str], Client]]:
    """`mlgov serve` as people start it."""
    words = [sys.executable, "-m", "jupyter_mlgov.cli", "serve", model, "--port", "0", "--workspace", str(house.workspace.root), *more]
    env = {**os.environ, "MLGOV_TRACKING_URI": house.workspace.settings.tracking_uri, "MLGOV_ACTOR": "ana", "PYTHONWARNINGS": "ignore"}
    running = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env)
    try:
        assert running.stdout is not None
        assert running.stderr is not None
        line = running.stdout.readline()
        found = re.search(r"http://[\d.]+:\d+", line)
        assert found, line + running.stderr.read()
        client = Client(found[0])
        yield running, client
    finally:
        running.kill()
        running.communicate()


@pytest.mark.slow
def test_a_stop_ends_what_runs_writes_the_log_and_says_goodbye(two: House) -> None:
    with process(two) as (running, client):
        assert client.infer()[0] == 200
        answers: list[int] = []
        threads = [threading.Thread(target=lambda: [answers.append(client.infer(rows=2)[0]) for _ in range(10)]) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(replicas(two.workspace, "credit")) == 1
        running.send_signal(signal.SIGTERM)
        assert running.wait(30) == 0 or running.returncode == -signal.SIGTERM
    assert answers == [200] * 40
    assert predictions(two.workspace, "credit").num_rows == 81
    assert replicas(two.workspace, "credit") == {}
    assert two.acts("endpoint.gone")[-1].payload["unwritten"] == 0
    assert [entry.payload["version"] for entry in two.acts("rollout.started")] == ["2"]


@pytest.mark.slow
def test_a_killed_replica_is_no_longer_counted_and_another_answers_the_same(two: House) -> None:
    from jupyter_mlgov.workspace.killing import kill

    with process(two) as (running, client), serving(two.workspace) as other:
        mine, theirs = client.infer()[2]["outputs"], other.client.infer()[2]["outputs"]
        assert mine == theirs
        running.send_signal(signal.SIGKILL)
        running.wait(10)
        assert other.client.infer()[2]["outputs"] == theirs
        receipt = kill(two.workspace, "credit", "drill", drill=True)
        assert receipt.good
        assert receipt.open == 1


@pytest.mark.slow
def test_the_shell_says_in_one_sentence_why_nothing_is_served(two: House) -> None:
    words = [sys.executable, "-m", "jupyter_mlgov.cli", "serve", "credit@staging", "--port", "0", "--workspace", str(two.workspace.root)]
    env = {**os.environ, "MLGOV_TRACKING_URI": two.workspace.settings.tracking_uri, "PYTHONWARNINGS": "ignore"}
    done = subprocess.run(words, capture_output=True, text=True, check=False, env=env)
    assert done.returncode == 3
    assert done.stderr.startswith("mlgov: No decision that stands lets any version of credit into staging.")
    assert "Traceback" not in done.stderr


def test_a_damaged_model_file_is_refused_and_the_running_replica_goes_on(two: House) -> None:
    with serving(two.workspace) as served:
        third = two.promote(seed=3)
        served.until(lambda: served.service.lineup.champion.vouched.version == third)
        folder: Path = two.folders[third]
        content = (folder / "model.skops").read_bytes()
        (folder / "model.skops").write_bytes(content[: len(content) // 2])
        assert served.client.infer()[0] == 200
        with pytest.raises(Exception, match="not what was signed"):
            application(two.workspace, ("credit",))


# -- time and metrics -------------------------------------------------------------------------------------------------


class Jumping:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.moment = datetime(2026, 11, 24, 12, tzinfo=UTC)

    def now(self) -> datetime:
        return self.moment


def test_a_clock_that_jumps_changes_no_answer_and_no_breaker(house: Any) -> None:
    clock = Jumping()
    built = house(clock=clock)
    built.promote(seed=1)
    with serving(built.workspace) as served:
        before = served.client.infer()[2]["outputs"]
        for jump in (timedelta(days=-400), timedelta(days=800), timedelta(hours=-1)):
            clock.moment += jump
            served.look()
            assert served.client.infer()[2]["outputs"] == before
            assert served.client.get("/v2/health/ready")[0] == 200
        assert served.service.breaker.position.value == "closed"


def test_prometheus_reads_the_page_and_it_counts_what_happened(two: House) -> None:
    from prometheus_client.parser import text_string_to_metric_families

    with serving(two.workspace) as served:
        for _ in range(3):
            served.client.infer()
        served.client.infer(rows=0)
        status, headers, page = served.client.get("/metrics")
        assert status == 200
        assert headers["content-type"].startswith("text/plain")
        families = {family.name: family for family in text_string_to_metric_families(page)}
        value = {
            sample.name: sample.value
            for family in families.values()
            for sample in family.samples
            if sample.labels.get("arm", "champion") == "champion"
        }
    assert value["model_infer_request_success_total"] == 3
    assert families["request_predict_seconds"].type == "histogram"
    assert value["mlgov_ready"] == 1
    assert value["mlgov_breaker_position"] == 0
    assert value["mlgov_requests_refused_total"] == 1


def test_no_secret_and_no_person_is_on_any_page(two: House) -> None:
    with serving(two.workspace) as served:
        served.client.infer(entity="ada@example.com")
        pages = [served.client.get(path)[2] for path in ("/metrics", "/mlgov/status", "/v2/models/credit")]
        key = (two.workspace.root / ".mlgov" / "keys" / "predictions.key").read_text("ascii")
    assert "ada@example.com" not in json.dumps(pages)
    assert key not in json.dumps(pages)
    assert (two.workspace.root / ".mlgov" / "keys" / "predictions.key").stat().st_mode & 0o77 == 0


def test_without_the_extra_one_sentence_says_what_to_install(two: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jupyter_mlgov.integrations.serving.app", None)
    with pytest.raises(NotReady, match=r"jupyter-mlgov\[serve\]"):
        application(two.workspace, ("credit",))


def test_a_slow_request_harms_no_other(two: House) -> None:
    with serving(two.workspace) as served:
        inner = served.service.lineup.champion.predictor
        gate = threading.Event()

        class Slow:
            contract, bounded, cacheable, brief = inner.contract, True, False, 0

            def compute(self, rows: Any) -> Any:
                if rows.columns["income"][0] == 99.0:
                    gate.wait(60)
                return inner.compute(rows)

        served.service.lineup.champion.predictor = Slow()
        slow = threading.Thread(target=lambda: served.client.infer(income=[99.0]))
        slow.start()
        assert served.client.infer()[0] == 200
        assert urllib.request.urlopen(served.address + "/v2/health/live", timeout=30).status == 200
        assert slow.is_alive(), "the slow one is still waiting"
        gate.set()
        slow.join()
    assert asked()["inputs"]


def test_a_row_is_computed_by_one_thread_unless_the_operator_says_otherwise() -> None:
    from jupyter_mlgov.cli.serve import one_thread_a_row

    unset: dict[str, str] = {}
    one_thread_a_row(unset)
    said = {"OMP_NUM_THREADS": "4"}
    one_thread_a_row(said)
    assert (unset["OMP_NUM_THREADS"], said["OMP_NUM_THREADS"]) == ("1", "4")
