"""A real Prometheus and a real Alertmanager over a real workspace, on loopback; whoever starts them stops them."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any, TypeVar

import yaml

from jupyter_mlgov.audit.entries import Draft
from jupyter_mlgov.testing import FixedClock, digest
from jupyter_mlgov.workspace.monitoring import look
from tests.promotion.test_intended import decided
from tests.workspace.gated import NOTEBOOK, Gated
from tests.workspace.watched import house, window

WITHIN = 90.0  # seconds: events are waited for, and this is when a machine that stands still is a failure
T = TypeVar("T")


def until(found: Callable[[], T | None], what: str) -> T:
    """The first answer that is none of None, empty or False. Raises AssertionError when it does not come."""
    end = time.monotonic() + WITHIN
    while time.monotonic() < end:
        answer = found()
        if answer:
            return answer
        time.sleep(0.05)
    raise AssertionError(f"{what} did not come within {WITHIN:.0f} s")


@dataclass
class Live:
    """The addresses, the workspace and the secret."""

    workspace: Gated
    prometheus: str
    alertmanager: str
    webhook: str
    secret: str
    meters: Any

    def ask(self, query: str) -> list[dict[str, Any]]:
        """The series that Prometheus answers with now."""
        address = f"{self.prometheus}/api/v1/query?{urllib.parse.urlencode({'query': query})}"
        try:
            with urllib.request.urlopen(address, timeout=10) as answer:
                found: list[dict[str, Any]] = json.load(answer)["data"]["result"]
        except urllib.error.HTTPError as error:
            said = error.read().decode()[:500]
            if error.code != 503:  # it has only just started
                raise AssertionError(f"{query}: {said}") from None
            return []
        except OSError:
            return []
        return found

    def received(self, **said: str) -> list[Any]:
        """Entries of the trail about alerts, those whose payload says so."""
        entries = self.workspace.journal.entries(actions=("alert.received",))
        return [one for one in entries if all(one.payload.get(name) == value for name, value in said.items())]


def planted(folder: Path) -> Gated:
    """Credit is in production for ten days; one window was measured, and had drifted. A review waits, a canary is held, fraud is silent."""
    clock = FixedClock(datetime.now(UTC) - timedelta(days=10))
    made = house(folder, clock=clock)
    look(made, "credit", window(made, shift=1.0), only=("drift",))
    made.record(decided("2", stage="staging"), decided("1", model="fraud"))
    asked = {"notebook": NOTEBOOK, "stage": "production", "report": digest("r"), "packet": digest("p")}
    made.record(Draft(action="review.asked", subject="credit", payload=asked))
    made.record(
        Draft(action="validation.done", subject="credit", payload={"notebook": NOTEBOOK, "verdict": "failed", "digest": digest("r")})
    )
    versions = {"stage": "production", "champion": "1", "challenger": "2"}
    made.record(Draft(action="canary.started", subject="credit", payload=versions))
    canary = list(made.journal.entries(actions=("canary.started",)))[-1].digest
    judged = {"canary": canary, "stage": "production", "state": "hold", "share": 5, "step": 1, "srm_p": 0.4, "harm_p": 0.6}
    made.record(Draft(action="canary.judged", subject="credit", payload=judged))
    return made


@contextmanager
def started(folder: Path) -> Iterator[Live]:
    """Everything up: exporter, replica's metrics, webhook, Alertmanager, Prometheus."""
    from prometheus_client import start_http_server

    from jupyter_mlgov.integrations.serving.metrics import Metrics

    for program in ("prometheus", "prometheus-alertmanager"):
        assert shutil.which(program), f"{program} is not installed. `make machine` installs Debian's package."
    workspace = planted(folder / "w")
    secret = "s3cret-of-the-firm-" + os.urandom(8).hex()
    (folder / "secret").write_text(secret + "\n")
    (folder / "token").write_text("t0ken-of-prometheus-of-ours\n")
    metrics = Metrics()
    serve(metrics)
    with ExitStack() as stack:
        run = _runner(stack, folder)
        mlgov = [str(Path(sys.executable).parent / "mlgov"), "monitor"]
        ours = ["--workspace", str(workspace.root), "--port", "0"]
        exporter = run("exporter", [*mlgov, "metrics", *ours, "--token-file", str(folder / "token")])
        webhook = run("webhook", [*mlgov, "webhook", *ours, "--secret-file", str(folder / "secret")])
        server, thread = start_http_server(0, "127.0.0.1", registry=metrics.registry)
        stack.callback(thread.join)
        stack.callback(server.server_close)
        stack.callback(server.shutdown)
        told = _address(exporter, r"(http://\S+)/metrics")
        takes = _address(webhook, r"(http://\S+)/alerts")
        am, prom = _free(), _free()
        _configure(folder, exporter=told, replica=f"127.0.0.1:{server.server_port}", alertmanager=f"127.0.0.1:{am}", webhook=takes)
        run(
            "alertmanager",
            [
                "prometheus-alertmanager",
                f"--config.file={folder / 'alertmanager.yml'}",
                f"--storage.path={folder / 'am'}",
                f"--web.listen-address=127.0.0.1:{am}",
                "--cluster.listen-address=",
            ],
        )
        run(
            "prometheus",
            [
                "prometheus",
                f"--config.file={folder / 'prometheus.yml'}",
                f"--storage.tsdb.path={folder / 'tsdb'}",
                f"--web.listen-address=127.0.0.1:{prom}",
                "--log.level=warn",
            ],
        )
        yield Live(
            workspace=workspace,
            prometheus=f"http://127.0.0.1:{prom}",
            alertmanager=f"http://127.0.0.1:{am}",
            webhook=f"{takes}/alerts",
            secret=secret,
            meters=metrics,
        )
    workspace.close()


def serve(metrics: Any) -> None:
    """What a replica's own metrics say after some answers; asked again, it has answered more."""
    meter = metrics.meter("credit")
    for arm, version in (("champion", "1"), ("challenger", "2")):
        for _ in range(50):
            meter.answered(arm, version, 0.004, 1, cached=False)
    meter.failed("champion", "1", "ValueError")
    for gauge, value in ((metrics.breaker, 0), (metrics.waiting, 3), (metrics.ready, 1), (metrics.killed, 0), (metrics.share, 5)):
        gauge.labels("credit").set(value)
    metrics.version.labels("credit", "1", "sha256:0").set(1)
    metrics.refused.labels("credit", "400").inc()


def _configure(folder: Path, *, exporter: str, replica: str, alertmanager: str, webhook: str) -> None:
    """The examples that are shipped, with the addresses and the haste of a test."""
    shipped = files("jupyter_mlgov.monitoring").joinpath("prometheus")
    (folder / "mlgov.rules.yml").write_text(shipped.joinpath("mlgov.rules.yml").read_text("utf-8"))
    config = yaml.safe_load(shipped.joinpath("prometheus.example.yml").read_text("utf-8"))
    config["global"] = {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"}
    record, serving = config["scrape_configs"]
    del record["scrape_timeout"]
    record["authorization"] = {"credentials_file": str(folder / "token")}
    record["static_configs"] = [{"targets": [exporter.removeprefix("http://")]}]
    serving["static_configs"] = [{"targets": [replica]}]
    config["alerting"]["alertmanagers"][0]["static_configs"] = [{"targets": [alertmanager]}]
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
    tells = yaml.safe_load(shipped.joinpath("alertmanager.example.yml").read_text("utf-8"))
    tells["route"] |= {"group_wait": "0s", "group_interval": "1s", "repeat_interval": "2s"}
    hook = tells["receivers"][0]["webhook_configs"][0]
    hook["url"] = f"{webhook}/alerts"
    hook["http_config"]["authorization"]["credentials_file"] = str(folder / "secret")
    (folder / "alertmanager.yml").write_text(yaml.safe_dump(tells))


def _runner(stack: ExitStack, folder: Path) -> Callable[[str, list[str]], Path]:
    def run(name: str, command: list[str]) -> Path:
        """Start it, with what it says in a file; it ends with the test, and a start that failed is told by the file."""
        log = folder / f"{name}.log"
        stream = stack.enter_context(log.open("w"))
        process = subprocess.Popen(
            command, cwd=folder, stdout=stream, stderr=subprocess.STDOUT, env={**os.environ, "PYTHONUNBUFFERED": "1"}
        )

        def end() -> None:
            process.terminate()
            try:
                process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

        stack.callback(end)
        return log

    return run


def _address(log: Path, pattern: str) -> str:
    found = until(lambda: re.search(pattern, log.read_text("utf-8")), f"an address in {log.name} ({log.read_text('utf-8')[:500]})")
    return found[1]


def _free() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
