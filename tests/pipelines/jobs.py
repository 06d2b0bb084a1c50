"""Jobs for the tests of targets: a plain one, one with hostile names, and a stand-in for `mlgov` that notes how it was called."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.pipelines.parameters import declared
from jupyter_mlgov.pipelines.plan import Deployment, Digests
from jupyter_mlgov.pipelines.targets.job import Job, Work

Make = Callable[[Path], Job]
IMAGE = "registry.example.com:5000/risk/credit@sha256:" + "ab" * 32
BASE = "docker.io/library/python@sha256:" + "cd" * 32
HOSTILE = "it's 100% $(touch pwned) `id` ${{ secrets.X }} {{workflow.uid}} {% raw %} \\% ü.ipynb"
SOURCE = "folds: int = 5  # 2..20\nrate = 1e-05\nname = 'yes'\nshare: float = 1\nflag = True\nsizes = [1, 2]\npair = (1, 2)"

STAND_IN = """\
#!{python} -SE
import json, os, sys
words = sys.argv[1:]
values = words[words.index("--params-file") + 1] if "--params-file" in words else ""
note = {{"words": words, "cwd": os.getcwd(), "parameters": json.load(open(values)) if values else None}}
with open({log!r}, "a") as log: log.write(json.dumps(note) + "\\n")
codes = json.loads(os.environ.get("CODES", "{{}}"))
sys.exit(codes.get(words[0], 0))
"""


def job(root: Path, notebook: str = "sub/credit.ipynb", *, deployment: Deployment | None = None) -> Job:
    path = root / notebook
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("{}", "utf-8")
    return Job(
        root=root,
        notebook=notebook,
        model="credit",
        stage="staging",
        digests=Digests(
            notebook=Digest.of_text("n"), policy=Digest.of_text("p"), model=Digest.of_text("m"), environment=Digest.of_text("e")
        ),
        steps=(
            Work(name="data", label="data", fingerprint=Digest.of_text("1"), parameters=("rate",)),
            Work(
                name="train-champion",
                label="train:champion",
                fingerprint=Digest.of_text("2"),
                after=("data",),
                parameters=("folds", "name"),
            ),
            Work(name="evaluate", label="evaluate", fingerprint=Digest.of_text("3"), after=("train-champion", "data")),
        ),
        parameters=declared(SOURCE),
        deployment=deployment or Deployment(image=IMAGE, base=BASE, schedule="0 6 * * 1"),
    )


def hostile(root: Path) -> Job:
    found = job(root, f"a 'b' $c/{HOSTILE}")
    text = "name = \"$(touch pwned) `id` '%' \\\\ {{x}} ü\""
    return replace(found, model="credit: 'yes' # {{x}} %", parameters=(*declared(SOURCE)[:2], *declared(text)))


def stand_in(folder: Path) -> Path:
    """A folder for PATH. What was called is in calls()."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "mlgov"
    path.write_text(STAND_IN.format(python=sys.executable, log=str(folder / "calls.jsonl")), "utf-8")
    path.chmod(0o755)
    return folder


def calls(folder: Path) -> list[dict[str, Any]]:
    path = folder / "calls.jsonl"
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()] if path.exists() else []


def sh(line: str, folder: Path, *words: str, cwd: Path | None = None, **env: str) -> subprocess.CompletedProcess[str]:
    """Run shell text with the stand-in first on PATH."""
    path = f"{folder}{os.pathsep}/usr/bin{os.pathsep}/bin"
    clean = {name: value for name, value in os.environ.items() if not name.startswith("MLGOV_")}
    return subprocess.run(
        ["sh", "-c", line, "sh", *words], cwd=cwd, env={**clean, "PATH": path, **env}, capture_output=True, text=True, check=False
    )


def write(files: dict[Path, bytes]) -> None:
    for path, content in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
