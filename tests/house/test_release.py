"""What a release stands on: licences and known faults of its dependencies, its list of parts, a wheel that can be built again."""

from __future__ import annotations

import hashlib
import importlib
import importlib.metadata
import json
import os
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

Installed = dict[str, tuple[str, dict[str, str]]]


@pytest.fixture(scope="module")
def audit(checkout: Path) -> Iterator[Any]:
    sys.path.insert(0, str(checkout / "release"))
    yield importlib.import_module("audit")
    sys.path.remove(str(checkout / "release"))


@pytest.fixture(scope="module")
def rules(checkout: Path) -> dict[str, Any]:
    return tomllib.loads((checkout / "release" / "audit.toml").read_text("utf-8"))


def python(checkout: Path, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *words], cwd=checkout, env={**os.environ, **env}, capture_output=True, text=True, check=False)


def test_what_we_depend_on_today_is_allowed_and_the_age_of_the_list_is_said(checkout: Path, rules: dict[str, Any]) -> None:
    done = python(checkout, "release/audit.py")
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"known faults of {rules['faults']['dated']}" in done.stdout and "Younger faults are not known here" in done.stdout
    assert int(done.stdout.partition(" distributions")[0].split()[-1]) > 300


def planted(audit: Any, rules: dict[str, Any], name: str, version: str, **metadata: str) -> list[str]:
    """What is said of one package beside those that have an exception."""
    others = {known: ("1", {"License-Expression": "MIT"}) for known in rules["licences"]["known"]}
    return list(audit.problems(rules, {**others, name: (version, metadata)}))


@pytest.mark.parametrize("said", ["AGPL-3.0-only", "GPL-3.0-or-later AND MIT", "SSPL-1.0", "LicenseRef-Proprietary", "MIT AND (", ""])
def test_a_licence_that_is_not_on_the_list_is_a_finding(audit: Any, rules: dict[str, Any], said: str) -> None:
    (sentence,) = planted(audit, rules, "planted", "1.0", **{"License-Expression": said})
    assert "planted 1.0 is under" in sentence and "Replace it" in sentence


@pytest.mark.parametrize("said", ["MIT", "GPL-2.0-only OR MIT", "Apache-2.0 WITH LLVM-exception AND (MIT OR GPL-3.0-only)"])
def test_an_allowed_licence_is_none(audit: Any, rules: dict[str, Any], said: str) -> None:
    assert planted(audit, rules, "planted", "1.0", **{"License-Expression": said}) == []


def test_a_version_with_a_known_fault_is_a_finding_and_the_mended_one_is_not(audit: Any, rules: dict[str, Any]) -> None:
    for fault in rules["faults"]["known"]:
        bad = fault["affected"].lstrip("<=")
        old = bad if fault["affected"].startswith("==") else "0.0.1"
        found = planted(audit, rules, fault["package"], old, **{"License-Expression": "MIT"})
        assert any(fault["id"] in sentence and fault["what"] in sentence for sentence in found), found
        if fault["affected"].startswith("<"):
            mended = planted(audit, rules, fault["package"], bad, **{"License-Expression": "MIT"})
            assert not any(fault["id"] in sentence for sentence in mended), mended


def test_an_exception_that_nobody_needs_is_a_finding(audit: Any, rules: dict[str, Any]) -> None:
    assert len(list(audit.problems(rules, {}))) == len(rules["licences"]["known"])


def test_our_own_bill_of_materials_is_strictly_valid_whole_and_the_same_again(checkout: Path, tmp_path: Path) -> None:
    for name in ("one.json", "two.json"):
        done = python(checkout, "release/sbom.py", str(tmp_path / name), SOURCE_DATE_EPOCH="1700000000")
        assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "one.json").read_bytes() == (tmp_path / "two.json").read_bytes()
    bom = json.loads((tmp_path / "one.json").read_text("utf-8"))
    declared = tomllib.loads((checkout / "pyproject.toml").read_text("utf-8"))["project"]["dependencies"]
    named = {part["name"] for part in bom["components"]}
    assert {"mlflow", "sqlalchemy", "psycopg", "starlette"} <= named and len(named) > len(declared)
    assert bom["metadata"]["component"]["name"] == "jupyter-mlgov"
    refs = {part["bom-ref"] for part in (*bom["components"], bom["metadata"]["component"])}
    assert {below for one in bom["dependencies"] for below in (one["ref"], *one["dependsOn"])} == refs


@pytest.mark.slow
def test_two_builds_of_the_wheel_are_the_same_bits(checkout: Path, tmp_path: Path) -> None:
    """In two folders, under two masks, zones and moments of building."""
    found = []
    for number, (mask, zone) in enumerate(((0o022, "UTC"), (0o077, "Asia/Tokyo"))):
        into = tmp_path / str(number)
        command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(into), str(checkout)]
        environ = {**os.environ, "SOURCE_DATE_EPOCH": "1700000000", "TZ": zone, "PYTHONHASHSEED": str(number)}
        subprocess.run(command, env=environ, umask=mask, check=True, capture_output=True)
        (wheel,) = into.glob("*.whl")
        found.append(hashlib.sha256(wheel.read_bytes()).hexdigest())
    assert found[0] == found[1]
