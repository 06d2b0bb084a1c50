"""What every test may count on: no telemetry, no identity of the machine's user, no colour."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from jupyter_mlgov.core.settings import QUIET

os.environ.update(QUIET)
os.environ["NO_COLOR"] = "1"
for name in ("MLGOV_ACTOR", "MLGOV_WORKSPACE", "MLGOV_TRACKING_URI", "JUPYTERHUB_USER", "JPY_SESSION_NAME"):
    os.environ.pop(name, None)

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(autouse=True)
def _a_home_of_its_own(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """git, IPython and Jupyter find no settings of the person who runs the tests."""
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("IPYTHONDIR", str(home / "ipython"))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")


@pytest.fixture(scope="session")
def checkout() -> Path:
    """The root of this checkout."""
    return ROOT
