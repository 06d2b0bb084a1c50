"""Python, packages, extras, git, the panel, the server extension, the kernels."""

from __future__ import annotations

import importlib.metadata
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING

from jupyter_mlgov._version import __version__
from jupyter_mlgov.cli.doctor.line import Line, install
from jupyter_mlgov.core.errors import MlgovError

if TYPE_CHECKING:
    from jupyter_mlgov.cli.doctor import World
    from jupyter_mlgov.core.settings import Settings
    from jupyter_mlgov.workspace import Workspace

PANEL = "jupyter-mlgov"
KERNEL_SECONDS = 20
_ASK_KERNEL = "import importlib.metadata as m, importlib.util as u; print(m.version('jupyter-mlgov'), u.find_spec('pip') is not None)"
_ASK_PIP = "import importlib.util as u; print(u.find_spec('pip') is not None)"


def installation(settings: Settings, workspace: Workspace | None, world: World) -> list[Line]:
    """One line each."""
    return [
        _python(),
        *(_package(name) for name in ("jupyterlab", "ipykernel", "papermill", "mlflow", "dvc")),
        *_extras(settings, workspace, world),
        _git(),
        *_panel(),
        _server(),
        *_kernels(),
    ]


def _python() -> Line:
    version = ".".join(map(str, sys.version_info[:3]))
    return Line(what="Python", fine=sys.version_info >= (3, 11), found=f"{version}, jupyter_mlgov {__version__}")


def _package(name: str) -> Line:
    try:
        return Line(what=name, fine=True, found=importlib.metadata.version(name))
    except importlib.metadata.PackageNotFoundError:
        return Line(what=name, fine=False, found="not installed", command=install(name))


def _extras(settings: Settings, workspace: Workspace | None, world: World) -> Iterator[Line]:
    """What settings and team file ask for, and whether the extra that does it is there."""
    team = ""
    if workspace is not None:
        try:
            team = " ".join(workspace.team.register)
        except MlgovError:
            team = ""  # the workspace's own line says so
    asked = (
        (settings.database_url.startswith("postgres"), "MLGOV_DATABASE_URL", "psycopg", "postgres"),
        (settings.openlineage, "MLGOV_OPENLINEAGE", "openlineage", "openlineage"),
        (settings.notify, "MLGOV_NOTIFY", "apprise", "notify"),
        ("rfc3161:" in settings.anchors, "MLGOV_ANCHORS", "rfc3161_client", "signing"),
        (world.environ.get("MLGOV_OIDC_TOKEN"), "MLGOV_OIDC_TOKEN", "jwt", "oidc"),
        ("serving" in team, "[serving] in mlgov.toml", "starlette", "serve"),
    )
    for wanted, by, module, extra in asked:
        if wanted and find_spec(module) is None:
            yield Line(
                what=f"extra {extra}",
                fine=False,
                found=f"{by} asks for it and {module} is not installed",
                command=install(f"jupyter-mlgov[{extra}]"),
            )
        elif wanted:
            yield Line(what=f"extra {extra}", fine=True, found=f"installed, for {by}")


def _git() -> Line:
    if shutil.which("git"):
        return Line(what="git", fine=True, found="found")
    return Line(what="git", fine=False, found="not on PATH", next="Install git: commits are part of lineage.")


def _panel() -> Iterator[Line]:
    """The copy that JupyterLab takes is the first on its path; a setting of any level may switch it off."""
    from jupyter_core.paths import jupyter_path

    places = [Path(place) / PANEL for place in jupyter_path("labextensions")]
    taken = next((place for place in places if (place / "package.json").is_file()), None)
    if taken is None:
        command = install(f"jupyter-mlgov=={__version__}", more="--force-reinstall --no-deps")
        next_ = "In a checkout: `make lab`."
        yield Line(what="JupyterLab panel", fine=False, found="not installed in this environment", next=next_, command=command)
        return
    version = _version(taken / "package.json")
    if version != __version__:
        ours = taken.is_relative_to(sys.prefix)
        again = install(f"jupyter-mlgov=={__version__}", more="--force-reinstall --no-deps")
        command = again if ours else f"rm -r {quote(str(taken))}"
        found = f"version {version or 'unknown'} in {taken}, while this is {__version__}"
        yield Line(what="JupyterLab panel", fine=False, found=found, next="Then reload JupyterLab's page.", command=command)
        return
    off = list(_switched_off())
    if not off:
        yield Line(what="JupyterLab panel", fine=True, found=f"version {version}, enabled")
    for name, level, path in off:
        command = f"jupyter labextension enable {quote(name)} --level={level}"
        found = f"{name} is disabled in {path}"
        yield Line(what="JupyterLab panel", fine=False, found=found, next="Then reload JupyterLab's page.", command=command)


def _version(path: Path) -> str:
    return str(_json(path).get("version", ""))


def _switched_off() -> Iterator[tuple[str, str, Path]]:
    """(extension or plugin, level as JupyterLab names it, the file) for each of ours that a page_config.json disables."""
    for level, folder in _levels():
        path = folder / "labconfig" / "page_config.json"
        disabled = _json(path).get("disabledExtensions", {})
        names = [str(name) for name, off in disabled.items() if off] if isinstance(disabled, dict) else []
        names += map(str, disabled) if isinstance(disabled, list) else ()
        yield from ((name, level.replace("-", "_"), path) for name in names if name.partition(":")[0] == PANEL)


def _levels() -> Iterator[tuple[str, Path]]:
    """(level as Jupyter's flags name it, folder of settings), for a user, this environment, and the machine."""
    from jupyter_core.paths import ENV_CONFIG_PATH, SYSTEM_CONFIG_PATH, jupyter_config_dir

    yield "user", Path(jupyter_config_dir())
    yield from (("sys-prefix", Path(folder)) for folder in ENV_CONFIG_PATH)
    yield from (("system", Path(folder)) for folder in SYSTEM_CONFIG_PATH)


def _json(path: Path) -> dict[str, object]:
    """A file's JSON object; empty where there is none: Jupyter passes over such a file too."""
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _server() -> Line:
    """The first folder of settings that says anything decides."""
    said = next(_server_said(), None)
    if said and said[0]:
        return Line(what="server extension", fine=True, found="enabled")
    level = "sys-prefix" if said is None else next((level for level, folder in _levels() if said[1].is_relative_to(folder)), "system")
    command = f"jupyter server extension enable jupyter_mlgov --{level}"
    found = "not enabled" if said is None else f"disabled in {said[1]}"
    return Line(what="server extension", fine=False, found=found, next="Then start JupyterLab again.", command=command)


def _server_said() -> Iterator[tuple[bool, Path]]:
    """(whether the server extension is on, the file that says so), what counts most first."""
    from jupyter_core.paths import jupyter_config_path

    for folder in map(Path, jupyter_config_path()):
        for path in (folder / "jupyter_server_config.d" / "jupyter_mlgov.json", folder / "jupyter_server_config.json"):
            app = _json(path).get("ServerApp", {})
            extensions = app.get("jpserver_extensions", {}) if isinstance(app, dict) else {}
            if isinstance(extensions, dict) and "jupyter_mlgov" in extensions:
                yield bool(extensions["jupyter_mlgov"]), path


def _kernels() -> Iterator[Line]:
    """Each Python that a notebook here could run in."""
    from jupyter_mlgov.integrations.notebooks import python_kernels

    for name, program in sorted(python_kernels().items()):
        yield _kernel(name, program)


def _kernel(name: str, program: str) -> Line:
    what = f"kernel {name}"
    # Jupyter itself puts its own Python in the place of these words.
    own = {"python", f"python{sys.version_info[0]}", f"python{sys.version_info[0]}.{sys.version_info[1]}"}
    python = sys.executable if program in own else shutil.which(program)
    if python is None:
        return Line(what=what, fine=False, found=f"{program} is gone", command=f"jupyter kernelspec remove -f {quote(name)}")
    if Path(python) == Path(sys.executable):
        return Line(what=what, fine=True, found="this environment")
    code, said = _asked(python, _ASK_KERNEL)
    if code == 0 and said.startswith(f"{__version__} "):
        return Line(what=what, fine=True, found=f"{python}, jupyter_mlgov {__version__}")
    found = f"{python} has no jupyter_mlgov" if code else f"{python} has jupyter_mlgov {said.split()[0]}, while this is {__version__}"
    pip = _asked(python, _ASK_PIP)[1] == "True"
    command = install(f"jupyter-mlgov=={__version__}", python=python, pip=pip)
    return Line(what=what, fine=False, found=found, next="Its notebooks are not recorded.", command=command)


def _asked(python: str, program: str) -> tuple[int, str]:
    """(exit code, output); a Python that cannot be started or does not answer has neither."""
    try:
        done = subprocess.run(
            [python, "-c", program], capture_output=True, text=True, timeout=KERNEL_SECONDS, stdin=subprocess.DEVNULL, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return 1, ""
    return done.returncode, done.stdout.strip()
