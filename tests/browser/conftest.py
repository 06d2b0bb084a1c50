"""A real `jupyter lab` on loopback, in an empty home, and a headless Chromium that tells all it saw."""

from __future__ import annotations

import contextlib
import os
import secrets
import socket
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest


@dataclass(frozen=True)
class Lab:
    """A running server: where it listens, its token, the folder it serves, its home."""

    url: str
    token: str
    root: Path
    home: Path

    def page_of(self, notebook: str) -> str:
        return f"{self.url}/lab/tree/{quote(notebook)}?token={self.token}&reset"


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def empty_home(home: Path) -> dict[str, str]:
    """An environment that knows nothing of the machine's user, and settings that ask no questions."""
    settings = home / "settings" / "@jupyterlab" / "apputils-extension" / "notification.jupyterlab-settings"
    settings.parent.mkdir(parents=True)
    settings.write_text('{"fetchNews": "false", "checkForUpdates": false}')
    env = {name: value for name, value in os.environ.items() if not name.startswith(("JUPYTER_", "JPY_", "MLGOV_", "PYTEST_"))}
    return env | {
        "HOME": str(home),
        "JUPYTER_CONFIG_DIR": str(home / "config"),
        "JUPYTER_DATA_DIR": str(home / "data"),
        "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
        "IPYTHONDIR": str(home / "ipython"),
        "JUPYTERLAB_SETTINGS_DIR": str(home / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(home / "workspaces"),
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "DO_NOT_TRACK": "1",
        "DVC_NO_ANALYTICS": "1",
    }


def language_pack(folder: Path) -> str:
    """A German language pack as JupyterLab looks for one (the entry point and a folder), without a word of JupyterLab's own in it.

    JupyterLab offers a language, and asks extensions for theirs, where such a pack is installed.
    """
    name = "jupyterlab_language_pack_de_DE"
    (folder / name).mkdir(parents=True)
    (folder / name / "__init__.py").touch()
    told = folder / "jupyterlab_language_pack_de_de-1.dist-info"
    told.mkdir()
    (told / "METADATA").write_text("Metadata-Version: 2.1\nName: jupyterlab-language-pack-de-DE\nVersion: 1\n")
    (told / "entry_points.txt").write_text(f"[jupyterlab.languagepack]\nde_DE = {name}\n")
    return os.pathsep.join(filter(None, (str(folder), os.environ.get("PYTHONPATH", ""))))


def lab_command(port: int, token: str, root: Path) -> list[str]:
    return [
        sys.executable,
        "-m",
        "jupyterlab",
        "--no-browser",
        "--allow-root",
        "--ServerApp.ip=127.0.0.1",
        f"--ServerApp.port={port}",
        "--ServerApp.port_retries=0",
        f"--IdentityProvider.token={token}",
        f"--ServerApp.root_dir={root}",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        "--LabApp.extension_manager=readonly",
        "--LabApp.expose_app_in_browser=True",
    ]


def wait_until_up(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(600):
        assert process.poll() is None, log.read_text()
        with contextlib.suppress(OSError):
            urllib.request.urlopen(f"{url}/api", timeout=1).close()
            return
        time.sleep(0.1)
    raise AssertionError(f"jupyter lab did not answer within a minute:\n{log.read_text()}")


@pytest.fixture(scope="session")
def lab(tmp_path_factory):
    """One server for all browser tests, ended by its own process alone."""
    home, root = tmp_path_factory.mktemp("home"), tmp_path_factory.mktemp("notebooks")
    port, token, log = free_port(), secrets.token_hex(16), home / "lab.log"
    env = empty_home(home) | {"PYTHONPATH": language_pack(home / "packs")}
    with log.open("wb") as stream:
        process = subprocess.Popen(lab_command(port, token, root), env=env, cwd=root, stdout=stream, stderr=subprocess.STDOUT)
    try:
        wait_until_up(f"http://127.0.0.1:{port}", process, log)
        yield Lab(url=f"http://127.0.0.1:{port}", token=token, root=root, home=home)
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


# JupyterLab's own, on a slow machine: its debugger asks a kernel for its state that is just being shut down or restarted, and gives up by
# itself. Ours does not debug. The text is the whole beginning of that one message (@jupyterlab/debugger-extension, restoreState).
NOT_OURS = ("Could not restore the debugger state:",)


@dataclass
class Seen:
    """What a page complained of, and whom it called."""

    complaints: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)
    # Chromium writes a console error for each refused request: a test that provokes one, or knows of one that is not ours, names it here.
    provoked: list[str] = field(default_factory=list)

    def watch(self, page) -> None:
        page.on("console", self.console)
        page.on("pageerror", self.error)
        page.on("request", self.request)

    def error(self, error) -> None:
        if not any(word in str(error) for word in self.provoked):
            self.complaints.append(f"pageerror: {error}")

    def console(self, message) -> None:
        if message.text.startswith(NOT_OURS):
            return
        if message.type == "error" and not any(word in message.text for word in self.provoked):
            self.complaints.append(f"console: {message.text} ({message.location.get('url', '')})")

    def request(self, request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme not in ("data", "blob") and parts.hostname != "127.0.0.1":
            self.outside.append(request.url)


@pytest.fixture
def seen() -> Seen:
    return Seen()


@pytest.fixture
def page(browser, shots, seen):
    """A page that fails its test on any console error and on any request off loopback."""
    context = browser.new_context(viewport={"width": 1440, "height": 1000})
    context.set_default_timeout(60_000)
    page = context.new_page()
    seen.watch(page)
    yield page
    page.screenshot(path=shots / "last.png")
    context.close()
    assert seen.complaints == []
    assert seen.outside == []


@pytest.fixture(scope="session")
def shots(tmp_path_factory) -> Path:
    """Where screenshots go: $MLGOV_SCREENSHOTS, else a folder of pytest's."""
    named = os.environ.get("MLGOV_SCREENSHOTS")
    folder = Path(named) if named else tmp_path_factory.mktemp("screenshots")
    folder.mkdir(parents=True, exist_ok=True)
    return folder
