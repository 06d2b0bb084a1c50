"""A workspace with a real (embedded) MLflow whose versions were trained, signed, decided and applied, and a real server before it."""

from __future__ import annotations

import asyncio
import json
import shutil
import threading
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import skops.io
from sklearn.linear_model import LogisticRegression

from jupyter_mlgov.audit.entries import Draft
from jupyter_mlgov.core.clock import Clock
from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.core.facts import fields_of
from jupyter_mlgov.core.settings import Settings
from jupyter_mlgov.integrations.mlflow.connection import connected
from jupyter_mlgov.promotion.facts import Answer, Decision, Limit
from jupyter_mlgov.workspace import Workspace, golden
from jupyter_mlgov.workspace.model_keys import sign_folder, sign_object
from tests.promotion.test_intended import ANA

NAMES = ("income", "debt", "age", "late")
TEAM = """
[model]
name = "credit"
[subject]
favourable = "1"
cutoff = 0.5
key = "customer"
declared_personal = ["age"]
[features.income]
reason = "Income insufficient for amount of credit requested"
[features.debt]
reason = "Excessive obligations in relation to income"
[features.late]
reason = "Delinquent past or present credit obligations"
[serving]
entity = "customer"
rest = 0.3
slow = 20
deadline = 30
seconds = 0.2
"""


def sample(seed: int, n: int = 400) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(rng.normal(size=(n, len(NAMES))), columns=list(NAMES))
    odds = frame.income - frame.debt - 0.5 * frame.late
    frame["good"] = (odds + rng.logistic(size=n) > 0).astype(int)
    return frame


class House:
    """Versions 1..n of `credit`; `promote()` takes any estimator fitted on NAMES."""

    def __init__(self, root: Path, store: Path, *, team: str = TEAM, clock: Clock | None = None) -> None:
        shutil.copy(store, root / "mlflow.db")
        (root / "mlgov.toml").write_text(team, "utf-8")
        Workspace.create(root, Settings(actor="ana"))
        settings = Settings(actor="ana", tracking_uri=f"sqlite:///{root / 'mlflow.db'}", deliver="manual")
        self.workspace = Workspace(root, settings, clock=clock)
        self.folders: dict[str, Path] = {}

    def promote(
        self,
        model: Any = None,
        *,
        seed: int = 1,
        name: str = "credit",
        stage: str = "production",
        frame: pd.DataFrame | None = None,
        limits: tuple[Limit, ...] = (),
        decide: bool = True,
        **facts: Any,
    ) -> str:
        table = sample(seed) if frame is None else frame
        features = [column for column in table.columns if column != "good"]
        model = model if model is not None else LogisticRegression().fit(table[features], table["good"])
        stored = self.workspace.objects.put(skops.io.dumps(model))
        folder = self.workspace.root / "files" / f"{name}-{uuid.uuid4().hex}"
        folder.mkdir(parents=True)
        (folder / "model.skops").write_bytes(self.workspace.objects.get(stored))
        digest = Digest.of_text(f"model {stored}")
        (folder / "MLmodel").write_text(f"flavors: {{}}\nmetadata:\n  mlgov.model: {digest}\n")
        sign_folder(self.workspace, folder)
        with connected(self.workspace.tracking_uri) as client:
            if not client.search_registered_models(filter_string=f"name = '{name}'"):
                client.create_registered_model(name)
            version = str(client.create_model_version(name, folder.as_uri()).version)
        path = self.workspace.root / "scored.parquet"
        pq.write_table(pa.Table.from_pandas(table, preserve_index=False), path)
        kept, why = golden.take(self.workspace, path, stored, self.workspace.team.roles.favourable)
        payload: dict[str, Any] = {
            "stage": stage,
            "version": version,
            "object": stored,
            "signature": sign_object(self.workspace, stored),
            "table": self.workspace.objects.put_file(path),
            "requirements": ["scikit-learn==" + __import__("sklearn").__version__],
            **({"golden": kept} if kept else {"no_golden": why}),
            **facts,
        }
        if decide:
            self.workspace.record(self.decided(version, digest, name=name, stage=stage, limits=limits))
            self.workspace.registry.point(name, stage, version, {})
        self.workspace.record(Draft(action="promotion.applied", subject=name, payload=payload))
        self.folders[version] = folder
        return version

    def decided(
        self, version: str, digest: Digest, *, name: str = "credit", stage: str = "production", limits: tuple[Limit, ...] = ()
    ) -> Draft:
        decision = Decision(
            model=name,
            version=version,
            stage=stage,
            answer=Answer.GRANTED,
            reasons=(),
            report=Digest.of_text("r"),
            team=self.workspace.team.digest,
            asked_by=ANA,
            limits=limits,
        )
        docket = {"version": {"version": version, "model_digest": digest}}
        return Draft(action="promotion.decided", subject=name, payload={**fields_of(decision), "docket": docket})

    def acts(self, *actions: str) -> list[Any]:
        return list(self.workspace.journal.entries(actions=actions))


class Client:
    """urllib, nothing clever: what came back as (status, headers, JSON)."""

    def __init__(self, address: str) -> None:
        self.address = address

    def get(self, path: str) -> tuple[int, Mapping[str, str], Any]:
        return self._sent(urllib.request.Request(self.address + path))

    def post(self, path: str, body: Any, **headers: str) -> tuple[int, Mapping[str, str], Any]:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self._sent(
            urllib.request.Request(self.address + path, raw, {name.replace("_", "-"): value for name, value in headers.items()})
        )

    def infer(self, model: str = "credit", verb: str = "infer", **more: Any) -> tuple[int, Mapping[str, str], Any]:
        return self.post(f"/v2/models/{model}/{verb}", asked(**more))

    def _sent(self, request: urllib.request.Request) -> tuple[int, Mapping[str, str], Any]:
        try:
            with urllib.request.urlopen(request, timeout=60) as reply:
                return reply.status, dict(reply.headers), _read(reply.read())
        except urllib.error.HTTPError as error:
            with error:
                return error.code, dict(error.headers), _read(error.read())


def _read(raw: bytes) -> Any:
    try:
        return json.loads(raw)
    except ValueError:
        return raw.decode("utf-8", "replace")


def asked(*, rows: int = 1, names: tuple[str, ...] = NAMES, entity: str = "", **values: Any) -> dict[str, Any]:
    """A request with one tensor a column; `values` replace a column's data."""
    inputs = []
    for place, name in enumerate(names):
        data = values.get(name, [0.25 * (place + 1 + row) for row in range(rows)])
        inputs.append({"name": name, "datatype": "FP64", "shape": [len(data)], "data": data})
    body: dict[str, Any] = {"inputs": inputs}
    if entity:
        body["parameters"] = {"entity": entity}
    return body


class Served:
    """A server in a thread of this process, over real sockets."""

    def __init__(self, replica: Any, address: str, loop: asyncio.AbstractEventLoop) -> None:
        self.replica, self.address, self.loop = replica, address, loop
        self.client = Client(address)

    @property
    def service(self) -> Any:
        return next(iter(self.replica.seats.values())).service

    def look(self) -> None:
        """What the watching thread does twice a second, now; and what it put into the loop has run when this returns."""
        self.replica.look()
        asyncio.run_coroutine_threadsafe(asyncio.sleep(0), self.loop).result(60)

    def until(self, holds: Any, seconds: float = 60.0) -> None:
        """Wait for an event that a thread of the server brings about."""
        event, late = threading.Event(), time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < late, f"it did not come about in {seconds:.0f} s"
            event.wait(0.02)


@contextmanager
def serving(workspace: Workspace, *models: str, most: int = 8 * 2**20) -> Iterator[Served]:
    import uvicorn

    from jupyter_mlgov.integrations.serving.running import listening
    from jupyter_mlgov.workspace.running import application

    place = listening("127.0.0.1", 0)
    address = f"http://127.0.0.1:{place.getsockname()[1]}"
    made, replica = application(workspace, models or ("credit",), endpoint=address, most=most)
    server = uvicorn.Server(uvicorn.Config(made, log_level="error", lifespan="on", timeout_graceful_shutdown=5))
    found: list[asyncio.AbstractEventLoop] = []
    up = threading.Event()

    async def main() -> None:
        found.append(asyncio.get_running_loop())
        task = asyncio.ensure_future(server.serve(sockets=[place]))
        while not server.started and not task.done():
            await asyncio.sleep(0.005)
        up.set()
        await task

    thread = threading.Thread(target=lambda: asyncio.run(main()), daemon=True)
    thread.start()
    assert up.wait(60)
    try:
        yield Served(replica, address, found[0])
    finally:
        server.should_exit = True
        thread.join(60)
        place.close()
        assert not thread.is_alive()


__all__ = ["NAMES", "TEAM", "Client", "House", "Served", "asked", "replace", "sample", "serving"]
