"""KServe's own inference client against `mlgov serve`. It asks for pandas < 3, so it runs in an environment of its own (`make test`)."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pandas as pd
import pytest

from tests.serving.world import NAMES, House, serving

pytestmark = pytest.mark.filterwarnings("ignore")


def test_kserves_client_gets_the_models_own_scores(tmp_path: Path, empty_mlflow: Path, checkout: Path) -> None:
    python = Path(os.environ.get("KSERVE_PYTHON") or checkout / ".cache" / "kserve" / "bin" / "python")
    assert python.exists(), f"KServe's client is not installed at {python}: `make .cache/kserve/.installed`."
    (tmp_path / "w").mkdir()
    house = House(tmp_path / "w", empty_mlflow)
    house.promote(seed=1)
    with serving(house.workspace) as served:
        words = [str(python), "-W", "ignore", str(Path(__file__).with_name("ask.py")), served.address]
        done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=120)
        assert done.returncode == 0, done.stderr[-2000:]
        told = json.loads(done.stdout.splitlines()[-1])
        rows = pd.DataFrame([[0.1, 0.5, 0.0, 0.0], [-2.0, 2.0, 0.0, 1.0]], columns=list(NAMES))
        own = served.service.lineup.champion.predictor.model.predict_proba(rows)[:, 1].tolist()
    assert (told["live"], told["ready"], told["model"]) == (True, True, True)
    assert told["score"] == own
    assert told["names"] == ["score", "decision", "reasons"]
    assert told["id"] == "k-1"  # the client of 0.21 drops model_version of what it reads
    assert told["binary"] == own
    assert "400" in told["refused"]
    assert "400" in told["empty"]
