"""One wheel: server extension enabled, prebuilt panel, entry points, scripts, migrations; no Node needed."""

from __future__ import annotations

import configparser
import io
import json
import os
import re
import subprocess
import sys
import tarfile
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow
PACKS = {
    *("eu-ai-act", "gdpr", "mifid2-rts6", "nist-ai-rmf", "optional", "pra-ss1-23", "sr-11-7-legacy", "sr-26-2", "us-fair-lending"),
}
NO_NODE = {**os.environ, "PATH": "/usr/bin:/bin", "npm_config_offline": "true"}


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory, checkout: Path) -> tuple[Path, Path]:
    """(wheel, sdist) of this checkout with its built panel; the wheel is made from the sdist, with no node on the way."""
    assert (checkout / "jupyter_mlgov" / "labextension" / "package.json").is_file(), "build the panel first: make labextension"
    out = tmp_path_factory.mktemp("dist")
    build = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(out)]
    subprocess.run([*build, "--sdist", str(checkout)], check=True, capture_output=True)
    (sdist,) = out.glob("*.tar.gz")
    source = tmp_path_factory.mktemp("sdist")
    with tarfile.open(sdist) as archive:
        archive.extractall(source, filter="data")
    (unpacked,) = source.iterdir()
    without_node = {**os.environ, "PATH": str(tmp_path_factory.mktemp("empty-path"))}
    done = subprocess.run([*build, "--wheel", str(unpacked)], env=without_node, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (wheel,) = out.glob("*.whl")
    return wheel, sdist


def test_the_wheel_holds_the_house_and_the_panel_once(built: tuple[Path, Path]) -> None:
    names = zipfile.ZipFile(built[0]).namelist()
    share = "jupyter_mlgov-0.1.0.data/data/share/jupyter/labextensions/jupyter-mlgov/"
    assert {f"{share}package.json", f"{share}install.json", f"{share}static/style.js"} <= set(names)
    assert "jupyter_mlgov-0.1.0.data/data/etc/jupyter/jupyter_server_config.d/jupyter_mlgov.json" in names
    assert "jupyter_mlgov/notebooks/credit_approval.ipynb" in names
    assert "mlgov_validators/policies/us-fair-lending.toml" in names
    assert any("migrations" in name for name in names)
    assert {"jupyter_mlgov/monitoring/prometheus/mlgov.rules.yml", "jupyter_mlgov/monitoring/grafana/mlgov-models.json"} <= set(names)
    assert "jupyter_mlgov/py.typed" in names
    assert not any(name.startswith(("validators/", "tests/", "jupyter_mlgov/labextension/")) for name in names)
    assert not any("node_modules" in name or "__pycache__" in name for name in names)


def test_the_wheel_has_its_entry_points_and_scripts(built: tuple[Path, Path], checkout: Path) -> None:
    with zipfile.ZipFile(built[0]) as archive:
        points = configparser.ConfigParser(delimiters="=", strict=True)
        points.optionxform = str  # type: ignore[assignment,method-assign]  # ids are case-sensitive
        points.read_file(io.StringIO(archive.read("jupyter_mlgov-0.1.0.dist-info/entry_points.txt").decode()))
    assert set(points["console_scripts"]) == {"mlgov", "jupyter-mlgov"}
    assert "mlgov" in points["papermill.engine"]
    declared = tomllib.loads((checkout / "pyproject.toml").read_text("utf-8"))["project"]["entry-points"]
    assert {group: set(points[group]) for group in declared} == {group: set(names) for group, names in declared.items()}
    assert len(points["jupyter_mlgov.validators"]) == 57
    assert set(points["jupyter_mlgov.policies"]) == PACKS


def test_installed_from_the_wheel_both_extensions_are_enabled(built: tuple[Path, Path], tmp_path: Path) -> None:
    """In an environment of its own that sees this one's packages, so that only ours comes from the wheel."""
    home = tmp_path / "env"
    venv.create(home, with_pip=False, symlinks=True)
    python = home / "bin" / "python"
    ours = Path(sys.prefix) / "lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}" / "site-packages"
    target = home / "lib" / ours.parent.name / "site-packages"
    subprocess.run([sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--no-deps", str(built[0])], check=True)
    (target / "zz-others.pth").write_text(f"{ours}\n")
    env = {**NO_NODE, "JUPYTER_CONFIG_DIR": str(tmp_path / "config"), "JUPYTER_DATA_DIR": str(tmp_path / "data")}

    def said(*words: str | Path) -> str:
        done = subprocess.run([str(word) for word in words], env=env, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return re.sub(r"\x1b\[[0-9;]*m", "", done.stdout + done.stderr)

    panel = next(line for line in said(python, "-m", "jupyterlab.labextensions", "list").splitlines() if "jupyter-mlgov v0.1.0" in line)
    assert "enabled" in panel and "OK" in panel
    assert "jupyter_mlgov 0.1.0" in said(python, "-m", "jupyter_server", "extension", "list")
    assert str(home) in said(python, "-c", "import jupyter_mlgov; print(jupyter_mlgov.__file__)")
    packs = json.loads(said(home / "bin" / "jupyter-mlgov", "policy", "list", "--format", "json"))
    assert {pack["id"] for pack in packs} == PACKS


def test_the_sdist_carries_the_built_panel_and_no_node_modules(built: tuple[Path, Path]) -> None:
    with tarfile.open(built[1]) as archive:
        names = archive.getnames()
    assert any(name.endswith("jupyter_mlgov/labextension/static/style.js") for name in names)
    assert not any("node_modules" in name for name in names)


@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13"])
def test_every_supported_python_resolves_under_the_constraints(checkout: Path, python: str) -> None:
    """Feast asks for pandas < 3 and is locked apart (requirements/feast.txt); all other extras go together."""
    uv = Path(sys.executable).parent / "uv"
    named = tomllib.loads((checkout / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
    extras = [word for name in sorted(set(named) - {"feast"}) for word in ("--extra", name)]
    words = ["--quiet", "--python-version", python, *extras, "-c", "requirements/constraints.txt", "pyproject.toml"]
    done = subprocess.run([str(uv), "pip", "compile", *words], cwd=checkout, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "mlflow==" in done.stdout
