"""The door to uv: an environment built from pinned versions, once, in a cache, with a kernel that our recorder can be loaded into."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.core.errors import NotReady

TIMEOUT = 1800.0
# Ours comes from the running program: the recorder of another version would write another record.
_OURS = "jupyter-mlgov"


def cache_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """Where built environments are kept: `MLGOV_CACHE`, else the user's cache folder."""
    named = environ.get("MLGOV_CACHE", "")
    return Path(named) if named else Path(environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "mlgov"


def built(packages: Mapping[str, str], python: str, cache: Path, *, offline: bool = False) -> Path:
    """The Python of an environment with exactly these packages; built by uv the first time, taken from `cache` after that.

    An unfinished build is never used. Raises NotReady where uv is missing, the Python is, or the pins cannot be installed.
    """
    pins = sorted(f"{name}=={version}" for name, version in packages.items() if name != _OURS)
    version = ".".join(python.split(".")[:2])
    place = cache / "environments" / Digest.of_json({"pins": pins, "python": version}).hex[:32]
    if (place / "bin" / "python").exists():
        return place / "bin" / "python"
    uv = _uv()
    place.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=place.parent, prefix=".building-") as folder:
        draft, lock = Path(folder) / "venv", Path(folder) / "pins.txt"
        lock.write_text("\n".join(pins) + "\n", "utf-8")
        _run([uv, "venv", "--quiet", "--relocatable", "--no-python-downloads", "--python", version, str(draft)], f"Python {version}")
        words = [uv, "pip", "install", "--quiet", "--no-deps", "--python", str(draft / "bin" / "python"), "-r", str(lock)]
        _run([*words, *(["--offline"] if offline else [])], "the locked environment")
        _lend(draft)
        try:
            draft.rename(place)
        except OSError:  # somebody else built the same meanwhile
            if not (place / "bin" / "python").exists():
                raise
    return place / "bin" / "python"


def _uv() -> str:
    try:
        from uv import find_uv_bin

        return str(find_uv_bin())
    except (ImportError, FileNotFoundError):
        found = shutil.which("uv")
    if found is None:
        raise NotReady("The environment of a lock is built by uv, which is not installed.", next="Type: pip install uv")
    return found


def _run(words: list[str], what: str) -> None:
    environ = {name: value for name, value in os.environ.items() if name not in ("VIRTUAL_ENV", "PYTHONPATH")}
    try:
        done = subprocess.run(words, env=environ, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=TIMEOUT, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotReady(f"uv could not make {what}: {type(error).__name__}.", next="Try again.") from None
    if done.returncode:
        said = " ".join(done.stderr.replace("×", " ").split())[:300]
        raise NotReady(
            f"uv could not make {what}: {said}.",
            expected="Every pinned version must still be there to install.",
            next="Look at the registry, or run in this environment: `--environment current`.",
        )


def _lend(venv: Path) -> None:
    """Put our own package, and nothing else of this environment, on the path of the new one."""
    source = Path(__file__).resolve().parent.parent
    for site in venv.glob("lib/python*/site-packages"):
        if not (site / source.name).exists():
            (site / source.name).symlink_to(source, target_is_directory=True)


_ASK = "import json; from ipykernel.kernelspec import get_kernel_dict; print(json.dumps(get_kernel_dict()))"


def kernel_in(folder: Path, name: str, python: Path) -> Path:
    """Write a kernel `name` that runs `python` into `folder`, which then goes first on JUPYTER_PATH.

    Its own ipykernel says how it is started and whether it can encrypt. Raises NotReady for an environment without one.
    """
    try:
        done = subprocess.run([str(python), "-c", _ASK], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False)
        spec = json.loads(done.stdout) if done.returncode == 0 else None
    except (OSError, ValueError, subprocess.TimeoutExpired):
        spec = None
    if not isinstance(spec, dict):
        raise NotReady(
            "The locked environment has no ipykernel, so no notebook can run in it.",
            next="Put ipykernel and jupyter-mlgov into the lock, or run here: `--environment current`.",
        )
    place = folder / "kernels" / name
    place.mkdir(parents=True)
    argv = [str(python), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    (place / "kernel.json").write_text(json.dumps({**spec, "argv": argv, "display_name": name}), "utf-8")
    return folder
