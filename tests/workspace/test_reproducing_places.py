"""`reproduce` where people meet it: in a kernel whose loop is running, and in an environment built from pins."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from jupyter_client.manager import start_new_kernel

from jupyter_mlgov.core.errors import NotReady
from jupyter_mlgov.integrations.environments import built, kernel_in
from tests.workspace.test_reproducing import NAME, made

pytestmark = pytest.mark.slow


def test_the_magic_runs_it_in_another_kernel_and_prints_the_grade(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace = made(tmp_path / "w")
    workspace.close()
    path = workspace.root / NAME
    monkeypatch.setenv("JPY_SESSION_NAME", str(path.with_name("console.ipynb")))  # asked from beside the notebook
    manager, client = start_new_kernel(kernel_name="python3", cwd=str(path.parent))
    said: list[str] = []
    try:
        for source in ("%load_ext jupyter_mlgov", f"%mlgov reproduce '{NAME}'"):
            client.execute_interactive(source, timeout=120, output_hook=lambda message: said.append(str(message["content"])))
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    told = "".join(said)
    assert "identical" in told, told
    assert "its last session" in told


def wheel(folder: Path, name: str, version: str) -> None:
    """A whole wheel of one module, made by hand."""
    about = f"{name}-{version}.dist-info"
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as made_here:
        made_here.writestr(f"{name}.py", f"VERSION = {version!r}\n")
        made_here.writestr(f"{about}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        made_here.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nGenerator: by-hand\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        made_here.writestr(f"{about}/RECORD", "")


def test_an_environment_is_built_once_with_the_pinned_versions_and_our_recorder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = tmp_path / "wheels"
    store.mkdir()
    wheel(store, "housepackage", "1.2")
    wheel(store, "housepackage", "1.3")
    monkeypatch.setenv("UV_FIND_LINKS", str(store))
    monkeypatch.setenv("UV_NO_INDEX", "1")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv"))
    cache = tmp_path / "ü cache"
    version = ".".join(map(str, sys.version_info[:2]))
    python = built({"housepackage": "1.2", "jupyter-mlgov": "0.0.1"}, version, cache)
    code = "import housepackage, jupyter_mlgov._version; print(housepackage.VERSION)"
    done = subprocess.run([str(python), "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert done.stdout.strip() == "1.2"
    monkeypatch.setenv("UV_FIND_LINKS", str(tmp_path / "nothing"))
    assert built({"housepackage": "1.2"}, version, cache) == python, "the second time it is taken from the cache"
    with pytest.raises(NotReady, match="uv could not make the locked environment"):
        built({"housepackage": "1.3"}, version, cache)
    assert sorted(one.name for one in (cache / "environments").iterdir()) == [python.parent.parent.name], "no half-built one stays"
    with pytest.raises(NotReady, match=r"uv could not make Python 2\.2"):
        built({"housepackage": "1.2"}, "2.2.1", cache)
    with pytest.raises(NotReady, match="has no ipykernel"):
        kernel_in(tmp_path / "jupyter", "python3", python)
    spec = json.loads((kernel_in(tmp_path / "jupyter", "python3", Path(sys.executable)) / "kernels/python3/kernel.json").read_text())
    assert (spec["argv"][0], spec["metadata"]["supported_encryption"]) == (sys.executable, ["curve"])
