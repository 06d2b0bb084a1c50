"""The shell's edges: help is instant and light, wrong words get a sentence, exit codes mean what the docs say."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import click
import pytest

from jupyter_mlgov.cli import VERBS
from jupyter_mlgov.cli import mlgov as shell


def mlgov(*words: str, cwd: Path | None = None, **env: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "jupyter_mlgov.cli", *words]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, env={**os.environ, **env})


def test_help_lists_every_verb() -> None:
    done = mlgov("--help")
    assert done.returncode == 0
    assert all(f"  {verb} " in done.stdout for verb in VERBS)


def test_help_tells_a_newcomer_where_to_begin_and_each_verb_in_one_line() -> None:
    said = mlgov("--help", COLUMNS="80").stdout
    assert "New here: `mlgov init`" in said
    listed = said.partition("Verbs:")[2].strip().splitlines()
    assert len(listed) == len(VERBS), "a line that wraps is read twice"


def test_help_imports_nothing_heavy() -> None:
    program = (
        "import sys\nfrom jupyter_mlgov.cli import mlgov\nmlgov.main(['--help'], standalone_mode=False)\n"
        "print({'pandas', 'sklearn', 'mlflow', 'duckdb', 'pyarrow', 'sqlalchemy', 'pydantic', 'rich', 'IPython'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "set()"


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_explains_itself(verb: str) -> None:
    done = mlgov(verb, "--help")
    assert done.returncode == 0, done.stderr
    assert "Usage:" in done.stdout


# Verbs that make or take away one thing and say so in a line; and those that run until they are stopped.
SAYS_A_LINE = {
    "audit": {"bundle", "checkpoint", "copy", "erase", "hold", "prove"},
    "canary": {"abort", "labels", "promote"},
    "monitor": {"dashboards", "metrics", "rules", "schedule", "settle", "webhook"},
    "serve": {"serve"},
}


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_takes_a_format(verb: str) -> None:
    command = shell.get_command(click.Context(shell), verb)
    within = command.commands if isinstance(command, click.Group) else {verb: command}
    mute = {name for name, one in within.items() if one and not any("--format" in option.opts for option in one.params)}
    assert mute == SAYS_A_LINE.get(verb, set())


def test_a_mistyped_verb_is_answered_with_the_nearest() -> None:
    done = mlgov("valdate")
    assert done.returncode == 2
    assert 'No verb "valdate". Did you mean "validate"?' in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("words", ["status", "validate", "why", "promote staging", "audit verify", "lineage", "sync"])
def test_without_a_workspace_each_verb_says_how_to_make_one(words: str, tmp_path: Path) -> None:
    done = mlgov(*words.split(), cwd=tmp_path)
    assert done.returncode == 3
    assert "No workspace in" in done.stderr
    assert "mlgov init" in done.stderr


def test_a_named_folder_that_is_no_workspace_is_refused(tmp_path: Path) -> None:
    done = mlgov("status", "--workspace", str(tmp_path))
    assert done.returncode == 3
    assert "is not a workspace" in done.stderr


def test_init_makes_a_workspace_and_keeps_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "mlgov.toml").write_text('[model]\nname = "mine"\n')
    done = mlgov("init", "--workspace", str(tmp_path), "--format", "json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["team_file_made"] is False
    assert 'name = "mine"' in (tmp_path / "mlgov.toml").read_text()
    assert mlgov("audit", "verify", "--workspace", str(tmp_path)).returncode == 0


def test_the_nearest_parent_workspace_is_taken(tmp_path: Path) -> None:
    mlgov("init", "--workspace", str(tmp_path))
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    log = mlgov("audit", "log", "--format", "json", cwd=below)
    assert [entry["action"] for entry in json.loads(log.stdout)] == ["workspace.created"]


def test_a_read_only_folder_is_said(tmp_path: Path) -> None:
    done = mlgov("init", "--workspace", "/proc/mlgov")
    assert done.returncode == 3
    assert "No workspace can be made in" in done.stderr
    assert "--workspace DIR" in done.stderr


def test_an_unknown_option_is_wrong_usage() -> None:
    assert mlgov("validate", "--dat", "x").returncode == 2


def test_the_demo_refuses_a_folder_with_other_things_in_it(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("keep me")
    done = mlgov("demo", "--workspace", str(tmp_path))
    assert done.returncode == 3
    assert "is not an empty folder" in done.stderr
    assert (tmp_path / "mine.txt").read_text() == "keep me"


def test_a_wrong_team_file_is_named_with_the_nearest_key(tmp_path: Path) -> None:
    mlgov("init", "--workspace", str(tmp_path))
    (tmp_path / "mlgov.toml").write_text('[policy]\npack = ["sr-26-2"]\n')
    (tmp_path / "x.ipynb").write_text("{}")
    done = mlgov("status", "--workspace", str(tmp_path), "--notebook", "x.ipynb")
    assert 'Did you mean "packs"?' in done.stdout + done.stderr


def test_a_notebook_nobody_knows_is_refused(tmp_path: Path) -> None:
    """`mlgov lineage` of a mistyped name once said that nothing was recorded, and exit code 0."""
    mlgov("init", "--workspace", str(tmp_path))
    done = mlgov("lineage", "--workspace", str(tmp_path), "--notebook", "no.ipynb")
    assert done.returncode == 2
    assert 'No notebook "no.ipynb"' in done.stderr


def test_a_mistyped_step_is_wrong_usage_and_changes_nothing(tmp_path: Path) -> None:
    cell = {"cell_type": "code", "id": "a", "metadata": {}, "source": "1", "outputs": [], "execution_count": None}
    path = tmp_path / "x.ipynb"
    path.write_text(json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}))
    before = path.read_text()
    done = mlgov("tag", str(path), "1", "trian")
    assert done.returncode == 2
    assert 'Did you mean "train"?' in done.stderr
    assert path.read_text() == before
    assert mlgov("tag", str(path), "1", "train").returncode == 0
    assert json.loads(path.read_text())["cells"][0]["metadata"]["tags"] == ["mlgov:train"]


def test_a_notebook_outside_the_workspace_is_refused(tmp_path: Path) -> None:
    (tmp_path / "w").mkdir()
    mlgov("init", "--workspace", str(tmp_path / "w"))
    (tmp_path / "x.ipynb").write_text("{}")
    done = mlgov("run", str(tmp_path / "x.ipynb"), "--workspace", str(tmp_path / "w"))
    assert done.returncode == 2
    assert "lies outside the workspace" in done.stderr


@pytest.mark.parametrize(
    ("words", "said"), [(["-p", "limit", "5"], "Write -p limit=5."), (["-p", "limit=5", "more"], "`mlgov run --help`"), (["5"], "--help")]
)
def test_a_parameter_in_two_words_as_papermill_has_it_is_told_in_one(tmp_path: Path, words: list[str], said: str) -> None:
    done = mlgov("run", "credit.ipynb", *words, "--workspace", str(tmp_path / "w"))
    assert done.returncode == 2
    assert f"{words[-1]!r} is one word too many. Expected one NOTEBOOK, and -p NAME=VALUE." in done.stderr
    assert said in done.stderr
    assert not (tmp_path / "w").exists()
