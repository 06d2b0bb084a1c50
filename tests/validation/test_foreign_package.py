"""A foreign package, with a pyproject of its own, really installed: its validator and its pack are there, in a shell of their own."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from jupyter_mlgov.core.team import Roles
from jupyter_mlgov.sdk import table_subject
from jupyter_mlgov.testing import assert_catches

from .acme import acme_checks

ACME = Path(__file__).parent / "acme"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `pip install` made of it, in a folder of its own; the build tool is ours, so no index is asked."""
    target = tmp_path_factory.mktemp("site")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    done = subprocess.run([*pip, "--target", str(target), str(ACME)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return target


def mlgov(site: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "jupyter_mlgov.cli", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": str(site)})


def test_its_pack_judges_with_its_validator(site: Path, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a\n1\n2\n", "utf-8")
    done = mlgov(site, "validate", "--data", str(tmp_path / "t.csv"), "--policy", "acme", "--format", "json")
    report = json.loads(done.stdout)
    assert done.returncode == 1, done.stderr
    assert [(one["validator"], one["verdict"]) for one in report["results"]] == [("acme.rows", "fail")]
    assert [(one["validator"], one["verdict"]) for one in report["requirements"]] == [("acme.rows", "fail"), ("form:ACME.4", None)]


def test_it_is_listed_beside_ours(site: Path) -> None:
    listed = json.loads(mlgov(site, "policy", "list", "--format", "json").stdout)
    controls = {one["id"]: one["controls"] for one in listed}
    assert controls["acme"] == ["ACME.4"]
    assert sum(len(ids) for name, ids in controls.items() if name != "acme") == 92


def test_its_author_tests_it_in_one_line(tmp_path: Path) -> None:
    for name, number in (("few", 2), ("many", 1000)):
        (tmp_path / f"{name}.csv").write_text("a\n" + "1\n" * number, "utf-8")
    few, many = (table_subject(tmp_path / f"{name}.csv", Roles()) for name in ("few", "many"))
    assert_catches(acme_checks.rows, good=many, bad=few)
    with pytest.raises(AssertionError, match="on the good case says fail, expected pass or warn"):
        assert_catches(acme_checks.rows, good=few, bad=many)
    with pytest.raises(AssertionError, match="on the bad case says pass"):
        assert_catches(acme_checks.rows, good=many, bad=many)
    (tmp_path / "none.csv").write_text("a\n", "utf-8")
    with pytest.raises(AssertionError, match="says inconclusive"):
        assert_catches(acme_checks.rows, good=many, bad=table_subject(tmp_path / "none.csv", Roles()))


def test_a_newcomer_who_follows_the_readme_has_a_validator(checkout: Path, tmp_path: Path) -> None:
    """The two blocks of validators/README.md, put into files as they are, installed and run with the command that stands there."""
    text = (checkout / "validators" / "README.md").read_text("utf-8")
    python, toml = re.findall(r"```(?:python|toml)\n(.*?)```", text, re.DOTALL)[:2]
    package, site = tmp_path / "package", tmp_path / "site"
    package.mkdir()
    (package / "acme_checks.py").write_text(python, "utf-8")
    (package / "pyproject.toml").write_text(toml, "utf-8")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    done = subprocess.run([*pip, "--target", str(site), str(package)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (command,) = re.findall(r"`mlgov (validate --data t\.csv [^`]+)`", text)
    for rows, code, said in ((999, 1, "999 rows."), (1000, 0, "1,000 rows.")):
        (tmp_path / "t.csv").write_text("a\n" + "1\n" * rows, "utf-8")
        told = mlgov(site, *command.replace("t.csv", str(tmp_path / "t.csv")).split(), "--format", "json")
        assert told.returncode == code, told.stderr
        (result,) = json.loads(told.stdout)["results"]
        assert (result["validator"], result["summary"], result["source"], result["fix"]) == ("acme.rows", said, "house.", "Collect longer.")
