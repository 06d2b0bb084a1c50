"""What every test may count on: no telemetry, no identity of the machine's user, no colour."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from jupyter_mlgov.core.settings import QUIET

os.environ.update(QUIET)
os.environ["NO_COLOR"] = "1"
os.environ["MLGOV_DELIVER"] = "manual"  # no process that outlives its test
for name in ("MLGOV_ACTOR", "MLGOV_WORKSPACE", "MLGOV_TRACKING_URI", "JUPYTERHUB_USER", "JPY_SESSION_NAME"):
    os.environ.pop(name, None)

# How long an example takes says how busy the machine is, not whether a law holds. CI looks at the same examples each time, so that what
# landed lands again; everybody's own runs look for new ones.
settings.register_profile("house", deadline=None, derandomize="CI" in os.environ, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("house")

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(autouse=True)
def _a_home_of_its_own(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """git, IPython and Jupyter find no settings of the person who runs the tests."""
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("IPYTHONDIR", str(home / "ipython"))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")


CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or "/usr/bin/chromium"
QUIET_CHROMIUM = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session")
def browser() -> Iterator[object]:
    """One headless Chromium for all that look at a page: two Playwrights in one process do not get on."""
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=60_000)  # its own is 5 s, which a busy machine may need to draw a page
    assert Path(CHROMIUM).exists(), f"No Chromium at {CHROMIUM}. Install Debian's `chromium`, or set CHROMIUM to its path."
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=CHROMIUM, headless=True, args=QUIET_CHROMIUM)
        yield found
        found.close()


@pytest.fixture(scope="session")
def checkout() -> Path:
    """The root of this checkout."""
    return ROOT


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The URL of one real PostgreSQL, started when first asked for and stopped at the end."""
    from tests.postgres import running

    with running() as server:
        yield server.url


@pytest.fixture(scope="session")
def empty_mlflow(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated and empty MLflow store in SQLite, to be copied: making one takes seconds."""
    from jupyter_mlgov.integrations.mlflow.connection import connected

    path = tmp_path_factory.mktemp("mlflow") / "mlflow.db"
    with connected(f"sqlite:///{path}") as client:
        client.search_registered_models(max_results=1)
    return path


@pytest.fixture(scope="session")
def custom_faults(checkout: Path) -> Callable[[dict[str, Any]], list[str]]:
    """The strict check of the shared CRDs for one custom resource: what an API server would prune is a fault. Each schema is read once."""
    import jsonschema

    path = checkout.parent / "shared" / "schemas" / "check_manifests.py"
    assert path.is_file(), f"{path} is missing: it holds the CRDs that these tests check against."
    spec = importlib.util.spec_from_file_location("check_manifests", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    @cache
    def schema(version: str, kind: str) -> Any:
        read = module.strict(json.loads((path.parent / "k8s" / f"{version.replace('/', '_')}_{kind}.json").read_text("utf-8")))
        read["properties"] |= {"metadata": {"type": "object"}, "apiVersion": {"type": "string"}, "kind": {"type": "string"}}
        return jsonschema.Draft202012Validator(read)

    def found(document: dict[str, Any]) -> list[str]:
        errors = schema(document["apiVersion"], document["kind"]).iter_errors(document)
        return [f"{'/'.join(map(str, error.absolute_path)) or '.'}: {error.message[:200]}" for error in errors]

    return found
