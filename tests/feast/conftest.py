"""Feast asks for pandas < 3: these tests run by themselves, with requirements/feast.txt laid over the lock (`make test` does both)."""

from __future__ import annotations

import shutil
import socket
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

NOW = datetime(2026, 11, 20, tzinfo=UTC)


@pytest.fixture(scope="session")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """`host:port` of a real Redis, started and stopped here."""
    server = shutil.which("redis-server")
    assert server, "redis-server is needed: `make machine` installs it (Debian: apt-get install redis-server)."
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    folder = tmp_path_factory.mktemp("redis")
    words = [server, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", str(folder)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if "Ready to accept connections" in line:
                break
        yield f"127.0.0.1:{port}"
        process.terminate()


@pytest.fixture(params=["sqlite", "redis"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    """A feature store of one view over a Parquet file, its online store in SQLite or in a real Redis."""
    from feast import FeatureStore

    pd.DataFrame(
        {
            "customer": [1, 2, 3],
            "event_timestamp": pd.to_datetime([NOW - timedelta(days=2)] * 3, utc=True),
            "income": [10.0, 20.0, 30.0],
        }
    ).to_parquet(tmp_path / "income.parquet")
    online = (
        f"    type: sqlite\n    path: {tmp_path / 'online.db'}\n"
        if request.param == "sqlite"
        else f"    type: redis\n    connection_string: {request.getfixturevalue('redis')}\n"
    )
    if request.param == "redis":
        from redis import Redis

        Redis.from_url(f"redis://{request.getfixturevalue('redis')}").flushall()  # each test begins with an empty store
    (tmp_path / "feature_store.yaml").write_text(
        f"project: risk\nprovider: local\nregistry: {tmp_path / 'registry.db'}\n"
        f"entity_key_serialization_version: 3\nonline_store:\n{online}"
    )
    return FeatureStore(repo_path=str(tmp_path))
