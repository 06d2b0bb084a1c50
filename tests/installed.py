"""Environments and wheels for tests of installing: real ones, made of what is installed here, so that no registry is asked."""

from __future__ import annotations

import importlib.metadata
import os
import re
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

from jupyter_mlgov.integrations.sql.tables import HEAD

# The version of the tables that no release has yet.
LATER = f"{int(HEAD) + 1:04}"
SITE = Path(*Path(importlib.metadata.distribution("pip").locate_file("")).parts)  # type: ignore[arg-type]  # a path


def environment(place: Path, *without: str) -> Path:
    """A Python at `place` that sees every package of ours but those named. Returns its interpreter."""
    venv.create(place, with_pip=False, symlinks=True)
    site = place / "lib" / SITE.parent.name / "site-packages"
    left_out = {re.sub(r"[-_.]+", "_", name).lower() for name in without}
    for entry in SITE.iterdir():
        name = re.sub(r"[-_.]+", "_", re.sub(r"(-[^-]*)?\.(dist-info|pth|py)$", "", entry.name)).lower()
        if name.removeprefix("_editable_impl_") not in left_out and entry.name != "__pycache__":
            _seen_from(site, entry)
    return place / "bin" / "python"


def _seen_from(site: Path, entry: Path) -> None:
    """`entry` through a link; uv passes over a dist-info that is one, so that is a folder of links."""
    if entry.suffix != ".dist-info":
        (site / entry.name).symlink_to(entry)
        return
    (site / entry.name).mkdir()
    for file in entry.iterdir():
        (site / entry.name / file.name).symlink_to(file)


def packed(name: str, into: Path) -> None:
    """The installed distribution `name` as the wheel it came from."""
    found = importlib.metadata.distribution(name)
    path = into / f"{re.sub(r'[-.]+', '_', name)}-{found.version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for file in found.files or ():
            if ".." not in file.parts and file.suffix != ".pyc":
                archive.write(found.locate_file(file), file.as_posix())  # type: ignore[arg-type]  # a path


def our_wheel(checkout: Path, into: Path) -> Path:
    """The wheel of this checkout, by its own build."""
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(into), str(checkout)]
    subprocess.run(build, check=True, capture_output=True)
    (wheel,) = into.glob("jupyter_mlgov-*.whl")
    return wheel


def a_later_release(wheel: Path, into: Path) -> Path:
    """The wheel as the next release might be: version 99.0.0, with one more version of the database's tables."""
    with zipfile.ZipFile(wheel) as archive:
        old = re.search(r"-([^-]+)-py3", wheel.name)[1]  # type: ignore[index]  # a wheel's name
        files = {name: archive.read(name) for name in archive.namelist()}
    files = {name.replace(f"jupyter_mlgov-{old}.", "jupyter_mlgov-99.0.0."): content for name, content in files.items()}
    edits = {
        "jupyter_mlgov/_version.py": (old, "99.0.0"),
        "jupyter_mlgov-99.0.0.dist-info/METADATA": (f"\nVersion: {old}", "\nVersion: 99.0.0"),
        "jupyter_mlgov/integrations/sql/tables.py": (f'HEAD = "{HEAD}"', f'HEAD = "{LATER}"'),
    }
    for name, (before, after) in edits.items():
        assert before in files[name].decode(), name
        files[name] = files[name].decode().replace(before, after).encode()
    revision = f'revision = "{LATER}"\ndown_revision = "{HEAD}"\nbranch_labels = depends_on = None\n\n\ndef upgrade() -> None:\n    pass\n'
    files[f"jupyter_mlgov/integrations/sql/migrations/versions/{LATER}_later.py"] = revision.encode()
    record = "jupyter_mlgov-99.0.0.dist-info/RECORD"
    files[record] = "".join(f"{name},,\n" for name in files).encode()
    path = into / "jupyter_mlgov-99.0.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def only_from(wheels: Path) -> dict[str, str]:
    """The environment of a shell in which pip and uv know the wheels of one folder, and nothing else."""
    tools = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    quiet = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(wheels), "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_ROOT_USER_ACTION": "ignore"}
    return {**os.environ, "PATH": tools, **quiet, "UV_NO_INDEX": "1", "UV_FIND_LINKS": str(wheels), "UV_OFFLINE": "1", "UV_NO_CONFIG": "1"}
