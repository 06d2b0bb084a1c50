"""One demo for all journeys: run once, with everything real, and looked at from many sides."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlgov.core.settings import Settings
from jupyter_mlgov.workspace import Workspace


def mlgov(*words: str, cwd: Path | None = None, **env: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "jupyter_mlgov.cli", *words]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, env={**os.environ, "PATH": path, **env})


@dataclass(frozen=True)
class Demo:
    """The folder a demo left behind, and what it printed."""

    folder: Path
    told: dict[str, Any]

    def workspace(self, actor: str = "") -> Workspace:
        return Workspace(self.folder, Settings(actor=actor))

    def ask(self, *words: str) -> Any:
        """A verb's JSON."""
        done = mlgov(*words, "--workspace", str(self.folder), "--format", "json")
        assert done.stdout, done.stderr
        return json.loads(done.stdout)


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    home = tmp_path_factory.mktemp("demo-home")
    folder = tmp_path_factory.mktemp("demo") / "a folder with spaces"
    done = mlgov("demo", "--workspace", str(folder), "--format", "json", HOME=str(home))
    assert done.returncode == 0, done.stdout + done.stderr
    return Demo(folder, json.loads(done.stdout))
