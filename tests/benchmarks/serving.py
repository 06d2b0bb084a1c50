"""Serving: latency against the same work in process, against `mlflow models serve`, throughput under wrk, memory, malformed requests."""

from __future__ import annotations

import itertools
import json
import os
import random
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.benchmarks.measure import Figure

REQUESTS = 1500
SOAK = int(os.environ.get("MLGOV_SOAK", "100000"))
MALFORMED = 10_000


class Line:
    """One kept-alive connection with as little of a client as can be: what is measured is the server."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def post(self, path: str, body: bytes) -> bytes:
        self.socket.sendall(
            b"POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % (path.encode(), len(body))
            + body
        )
        data = b""
        while b"\r\n\r\n" not in data:
            data += self.socket.recv(65536)
        head, _, rest = data.partition(b"\r\n\r\n")
        found = re.search(rb"(?i)content-length: (\d+)", head)
        assert found, head
        while len(rest) < int(found[1]):
            rest += self.socket.recv(65536)
        if b" 200 " not in head.split(b"\r\n")[0]:
            raise RuntimeError(f"{head!r} {rest!r}")
        return rest


def p50(act: Callable[[int], object], count: int = REQUESTS) -> float:
    """Median milliseconds of one act, after a tenth of them as warm-up."""
    for number in range(count // 10):
        act(-number - 1)
    times = []
    for number in range(count):
        start = time.perf_counter()
        act(number)
        times.append(time.perf_counter() - start)
    return statistics.median(times) * 1000


@contextmanager
def started(words: list[str], env: dict[str, str], path: str) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """A server that answers at a free port, with the threads that it takes by itself: what this process was told about them stays here."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    running = subprocess.Popen(
        [*words, "--port", str(port)],
        env={name: text for name, text in {**os.environ, **env}.items() if name != "OMP_NUM_THREADS"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        import urllib.request

        for _ in range(1200):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=1).close()
                break
            except OSError:
                if running.poll() is not None:
                    raise RuntimeError(f"{words} ended") from None
                time.sleep(0.1)
        yield running, port
    finally:
        if running.poll() is None:
            os.killpg(running.pid, signal.SIGKILL)
        running.wait()


def linear() -> list[Figure]:
    """A linear model: latency, throughput under wrk, memory, malformed requests."""
    from sklearn.linear_model import LogisticRegression

    return _in_a_house("linear", LogisticRegression())


def boosted() -> list[Figure]:
    """A boosted model: latency."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    return _in_a_house("boosted", HistGradientBoostingClassifier(max_iter=100))


def _in_a_house(title: str, model: Any) -> list[Figure]:
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as name:
        return _of(title, model, Path(name))


def _of(title: str, model: Any, root: Path) -> list[Figure]:
    from jupyter_mlgov.integrations.mlflow.connection import connected
    from tests.serving.world import NAMES, TEAM, House, sample

    frame = sample(1, 2000)
    model.fit(frame[list(NAMES)], frame["good"])
    store = root / "store.db"
    with connected(f"sqlite:///{store}") as client:
        client.search_registered_models(max_results=1)
    (root / "w").mkdir()
    house = House(root / "w", store, team=TEAM.replace("seconds = 0.2", "seconds = 5"))
    house.promote(model, frame=frame)
    house.workspace.close()
    words = [sys.executable, "-W", "ignore", "-m", "jupyter_mlgov.cli", "serve", "credit", "--workspace", str(house.workspace.root)]
    env = {"MLGOV_TRACKING_URI": house.workspace.settings.tracking_uri, "MLGOV_ACTOR": "ana"}
    figures = [] if title == "linear" else _tables(model, frame)
    with started(words, env, "/v2/health/ready") as (running, port):
        line = Line(port)

        fresh = itertools.count(1)

        def over_http(_: int) -> object:
            return line.post("/v2/models/credit/infer", body_of(next(fresh) * 1e-5))  # a row that was never asked: nothing is cached

        inside = _in_process(house, model, frame)
        # In turns: inside, over HTTP, inside, over HTTP.
        pairs = [(p50(over_http), p50(inside)) for _ in range(3)]
        ours, peer = (statistics.median(pair[side] for pair in pairs) for side in (0, 1))
        figures.append(
            Figure(
                name=f"{title}: one row p50, over HTTP / predict + explain",
                ours=ours,
                peer=peer,
                unit="ms",
                asked="+ < 0.3 ms",
                holds=ours - peer < 0.3,
            )
        )
        cached = p50(lambda _: line.post("/v2/models/credit/infer", body_of(7.0)))
        figures.append(
            Figure(name=f"{title}: one row p50, cached", ours=cached, peer=0.35, unit="ms", asked="< 0.35 ms", holds=cached < 0.35)
        )
        theirs = _mlflow(model, frame, root)
        figures.append(
            Figure(
                name=f"{title}: one row p50 / mlflow models serve",
                ours=ours,
                peer=theirs,
                unit="ms",
                asked="peer >= 4 x",
                holds=theirs >= 4 * ours,
            )
        )
        if title == "linear":
            figures += _throughput(port, root)
            figures.append(_memory(running.pid, port, root))
            figures.append(_malformed(port, model))
    return figures


def _tables(model: Any, frame: Any) -> list[Figure]:
    """What the tables of the leaves cost at load: their MiB against the bound, and seconds against loading without them."""
    import numpy as np
    from shap import TreeExplainer

    from jupyter_mlgov.integrations.estimators.leaves import MOST, leaves_of

    start = time.perf_counter()
    trees = TreeExplainer(model).model
    before = time.perf_counter() - start
    made = leaves_of(trees, 0, frame.shape[1])
    took = time.perf_counter() - start - before
    if made is None:
        return [Figure(name="boosted: tables of leaves", ours=0, peer=1, unit="MiB", asked="made", holds=False)]
    held, most = sum(np.asarray(getattr(made, name)).nbytes for name in made.__slots__) / 2**20, MOST * 8 / 2**20
    return [
        Figure(name="boosted: tables of leaves / bound", ours=held, peer=most, unit="MiB", asked="< bound", holds=held < most),
        Figure(name="boosted: load of tables / of shap", ours=took, peer=before, unit="s", asked="< 3 s", holds=took < 3),
    ]


def body_of(value: float) -> bytes:
    """A row that no other request has."""
    from tests.serving.world import asked

    return json.dumps(asked(income=[value])).encode()


def _in_process(house: Any, model: Any, frame: Any) -> Callable[[int], object]:
    """The model's own predict_proba of a frame of one row, and its Shapley values, as somebody would write it in a notebook.

    Held as fast as it can be had there: one thread (as the server has), the closed form of a linear model, one explainer for all rows.
    """
    import numpy as np
    import pandas as pd
    from threadpoolctl import threadpool_limits

    from tests.serving.world import NAMES

    if hasattr(model, "coef_"):
        mean = frame[list(NAMES)].mean().to_numpy()

        def explain(row: Any) -> Any:
            return (row.to_numpy() - mean) * model.coef_[0]
    else:
        from shap import TreeExplainer

        explainer = TreeExplainer(model)

        def explain(row: Any) -> Any:
            return explainer.shap_values(row.to_numpy(), check_additivity=False)

    threadpool_limits(1)

    def act(number: int) -> object:
        row = pd.DataFrame({"income": [number * 1e-4], "debt": [0.5], "age": [0.75], "late": [1.0]})
        return model.predict_proba(row)[:, 1], np.asarray(explain(row))

    return act


def _mlflow(model: Any, frame: Any, root: Path) -> float:
    """The same row at /invocations of `mlflow models serve`."""
    import mlflow.sklearn

    from tests.serving.world import NAMES

    folder = root / f"mlflow-{type(model).__name__}"
    mlflow.sklearn.save_model(
        model, str(folder), serialization_format="cloudpickle", input_example=frame[list(NAMES)].head(2), pip_requirements=[]
    )
    words = [str(Path(sys.executable).parent / "mlflow"), "models", "serve", "-m", str(folder), "--env-manager", "local", "--workers", "1"]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"  # it starts uvicorn by its name
    with started(words, {"MLFLOW_DISABLE_TELEMETRY": "true", "PATH": path}, "/ping") as (_, port):
        line = Line(port)
        body = json.dumps({"dataframe_split": {"columns": list(NAMES), "data": [[0.1, 0.5, 0.75, 1.0]]}}).encode()
        return p50(lambda _: line.post("/invocations", body), 400)


_SCRIPT = """
counter = 0
request = function()
  counter = counter + 1
  local value = string.format("%.7f", math.random() * 6 - 3)
  local one = '{"name": "%s", "datatype": "FP64", "shape": [1], "data": [%s]}'
  local body = '{"inputs": [' .. string.format(one, "income", value) .. ',' .. string.format(one, "debt", "0.5") .. ',' ..
    string.format(one, "age", "0.75") .. ',' .. string.format(one, "late", "1.0") .. ']}'
  return wrk.format("POST", "/v2/models/credit/infer", {["Content-Type"] = "application/json"}, body)
end
init = function() math.randomseed(os.time()) end
"""


def _wrk(port: int, root: Path, clients: int, seconds: int) -> tuple[float, float, int, int]:
    """(requests a second, p99 in ms, requests, answers that were not 2xx) by wrk, which nobody here wrote."""
    script = root / "rows.lua"
    script.write_text(_SCRIPT)
    words = ["wrk", "-t1", f"-c{clients}", f"-d{seconds}s", "--latency", "-s", str(script), f"http://127.0.0.1:{port}"]
    told = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    rate, p99 = re.search(r"Requests/sec:\s+([\d.]+)", told), re.search(r"99%\s+([\d.]+)(us|ms|s)", told)
    total, bad = re.search(r"(\d+) requests in", told), re.search(r"Non-2xx or 3xx responses: (\d+)", told)
    assert rate, told
    assert p99, told
    assert total, told
    scale = {"us": 0.001, "ms": 1.0, "s": 1000.0}[p99[2]]
    return float(rate[1]), float(p99[1]) * scale, int(total[1]), int(bad[1]) if bad else 0


def _throughput(port: int, root: Path) -> list[Figure]:
    if shutil.which("wrk") is None:
        print("? throughput: wrk is not installed (Debian: apt-get install wrk); not measured")
        return []
    figures = []
    for clients in (1, 8, 64):
        rate, p99, _, bad = _wrk(port, root, clients, 5)
        figures.append(
            Figure(
                name=f"linear: wrk, {clients} clients, requests a second / p99",
                ours=rate,
                peer=p99,
                unit="/s",
                asked="no bad answer",
                holds=bad == 0,
            )
        )
    return figures


def _rss(pid: int) -> float:
    found = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    assert found
    return int(found[1]) / 1024


def _memory(pid: int, port: int, root: Path) -> Figure:
    """MiB after the cache is full (10,000 rows), and after so many requests more."""
    if shutil.which("wrk") is None:
        return Figure(name="memory: wrk is not installed", ours=0, peer=1, unit="MB", asked="flat", holds=False)
    seen = 0
    while seen < 20_000:
        seen += _wrk(port, root, 8, 5)[2]
    before, seen = _rss(pid), 0
    while seen < SOAK:
        seen += _wrk(port, root, 8, 10)[2]
    after = _rss(pid)
    return Figure(
        name=f"memory after {seen:,} requests / before",
        ours=after,
        peer=before,
        unit="MB",
        asked="flat: < 1.05",
        holds=after < 1.05 * before,
    )


CLIENTS, SLICE = 8, 10


def soak(seconds: int) -> list[Figure]:
    """Eight clients for so long, a version switched in the middle: errors, memory, p99 and that every answer was written down."""
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as name:
        return _soaked(Path(name), seconds)


def _soaked(root: Path, seconds: int) -> list[Figure]:
    from sklearn.linear_model import LogisticRegression

    from jupyter_mlgov.integrations.mlflow.connection import connected
    from jupyter_mlgov.workspace.labels import predictions
    from tests.serving.world import NAMES, TEAM, House, sample

    with connected(f"sqlite:///{root / 'store.db'}") as client:
        client.search_registered_models(max_results=1)
    (root / "w").mkdir()
    house = House(root / "w", root / "store.db", team=TEAM.replace("seconds = 0.2", "seconds = 5"))
    models = []
    for seed in (1, 2):
        frame = sample(seed, 2000)
        models.append((LogisticRegression().fit(frame[list(NAMES)], frame["good"]), frame))
    house.promote(models[0][0], frame=models[0][1])
    words = [sys.executable, "-W", "ignore", "-m", "jupyter_mlgov.cli", "serve", "credit", "--workspace", str(house.workspace.root)]
    slices = max(3, seconds // SLICE)
    told, memory = [], []
    with started(words, {"MLGOV_TRACKING_URI": house.workspace.settings.tracking_uri, "MLGOV_ACTOR": "ana"}, "/v2/health/ready") as (
        running,
        port,
    ):
        for number in range(slices):
            if number == slices // 2:
                house.promote(models[1][0], frame=models[1][1])
            told.append(_wrk(port, root, CLIENTS, SLICE))
            memory.append(_rss(running.pid))
            print(f"  {(number + 1) * SLICE:>4} s  {told[-1][0]:8.0f} /s  p99 {told[-1][1]:7.2f} ms  {memory[-1]:6.0f} MB", flush=True)
        answered, bad = sum(one[2] for one in told), sum(one[3] for one in told)
        running.send_signal(signal.SIGTERM)
        running.wait(60)
    table = predictions(house.workspace, "credit", ["version", "arm", "problem"])
    versions = set(table["version"].to_pylist())
    lost = max(0, answered - bad - table.num_rows)
    warm = statistics.median(memory[1 : max(2, slices // 3)])
    house.workspace.close()
    figures = [
        Figure(name=f"soak {slices * SLICE} s: bad answers / answers", ours=bad, peer=answered, unit="", asked="none", holds=bad == 0),
        Figure(name="soak: answers that the log has not / answers", ours=lost, peer=answered, unit="", asked="none", holds=lost == 0),
        Figure(name="soak: versions that answered", ours=len(versions), peer=2, unit="", asked="both", holds=versions == {"1", "2"}),
        Figure(name="soak: memory at the end / warm", ours=memory[-1], peer=warm, unit="MB", asked="< 1.1", holds=memory[-1] < 1.1 * warm),
        Figure(
            name="soak: median p99, last third / first third",
            ours=statistics.median(one[1] for one in told[-(slices // 3) :]),
            peer=statistics.median(one[1] for one in told[: slices // 3]),
            unit="ms",
            asked="not growing: < 2",
            holds=statistics.median(one[1] for one in told[-(slices // 3) :])
            < 2 * statistics.median(one[1] for one in told[: slices // 3]),
        ),
    ]
    print(verdict(figures, told, memory), flush=True)
    return figures


CRITERION = (
    "no bad answer, every answer in the log, both versions answered, memory at the end under 1.1 x warm, "
    "and the median p99 of the last third under 2 x that of the first"
)


def verdict(figures: list[Figure], told: list[tuple[float, float, int, int]], memory: list[float]) -> str:
    """First minute against last, and whether the criterion held. `told`: rate, p99 in ms, answers, bad ones of each slice; MB beside it."""
    some = max(1, 60 // SLICE)
    first, last = (statistics.median(one[1] for one in part) for part in (told[:some], told[-some:]))
    failed = [figure.name for figure in figures if not figure.holds]
    ended = "NOT HELD: " + "; ".join(failed) if failed or not figures else "HELD"
    return (
        f"  criterion: {CRITERION}\n"
        f"  p99 first minute {first:.2f} ms, last {last:.2f} ms; memory first {memory[0]:.0f} MB, last {memory[-1]:.0f} MB; "
        f"{sum(one[3] for one in told)} bad answers of {sum(one[2] for one in told):,}\n"
        f"  SOAK {ended}"
    )


def _malformed(port: int, model: Any) -> Figure:
    """Malformed requests: a crash or a wrong answer is a failure; the figure counts them."""
    from tests.serving.fuzzing import request, wrong
    from tests.serving.world import Client

    rng, client, bad = random.Random(11), Client(f"http://127.0.0.1:{port}"), 0
    for _ in range(MALFORMED):
        raw, headers = request(rng)
        status, _, body = client.post("/v2/models/credit/infer", raw, **{name.replace("-", "_"): text for name, text in headers.items()})
        bad += wrong(status, body, raw, model) != ""
    alive = client.get("/v2/health/ready")[0] == 200
    return Figure(
        name="malformed requests: crashes and wrong answers / sent",
        ours=bad,
        peer=MALFORMED,
        unit="",
        asked="none",
        holds=alive and not bad,
    )


SERVING = (linear, boosted)

if __name__ == "__main__":
    import argparse

    told = argparse.ArgumentParser(description=__doc__)
    told.add_argument("--soak", type=int, default=0, metavar="SECONDS", help="The soak alone, so long; 600 is what the issue asks for.")
    soaking = told.parse_args().soak
    print(f"load {os.getloadavg()[0]:.2f}")
    takes: tuple[Callable[[], list[Figure]], ...] = (lambda: soak(soaking),) if soaking else SERVING
    for take in takes:
        for figure in take():
            print(figure, flush=True)
    print(f"load {os.getloadavg()[0]:.2f}")
