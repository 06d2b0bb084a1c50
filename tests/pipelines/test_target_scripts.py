"""Cron, GitHub and GitLab: the job is run by `sh` with the words it was exported for, and its exit code is the gate's."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from jupyter_mlgov.core.errors import BadInput, UsageError
from jupyter_mlgov.pipelines.plan import Deployment
from jupyter_mlgov.pipelines.targets import cron, github, gitlab
from jupyter_mlgov.pipelines.targets.job import WORK, Job
from tests.pipelines.jobs import IMAGE, Make, calls, hostile, job, sh, stand_in, write

JOBS = (job, hostile)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "100% w's \\ ü"
    folder.mkdir()
    return folder


def expected(one: Job) -> list[list[str]]:
    about = ["--notebook", one.notebook, "--workspace", "."]
    return [["run", one.notebook, "--workspace", "."], ["validate", *about], ["promote", "staging", *about]]


def words(folder: Path) -> list[object]:
    return [call["words"] for call in calls(folder)]


def by_cron(table: str) -> tuple[str, dict[str, str]]:
    """What cron makes of a crontab (crontab(5)): variables as they stand, and a command that ends at the first bare `%`."""
    environ: dict[str, str] = {}
    command = ""
    for line in table.splitlines():
        if line.startswith("0 6 * * 1 "):
            command = line.removeprefix("0 6 * * 1 ").partition("%")[0]
        elif line and not line.startswith("#"):
            name, _, value = line.partition("=")
            environ[name.strip()] = value.strip()
    return command, environ


@pytest.mark.parametrize("make", JOBS)
def test_the_crontab_runs_the_job_in_the_workspace(root: Path, tmp_path: Path, make: Make) -> None:
    """The lines that the file tells to install are run by `sh`, with a `crontab` that keeps what it is given."""
    one = make(root)
    mlgov = stand_in(tmp_path / "bin with 'q' 50%")
    (mlgov / "crontab").write_text('#!/bin/sh\n[ "$1" = -l ] || cat > "$KEPT"\n')
    (mlgov / "crontab").chmod(0o755)
    files = cron.files(one, root / "jobs ü")
    write(files)
    table = next(path for path in files if path.suffix == ".crontab")
    assert str(tmp_path).encode() not in b"".join(files.values())
    (install,) = [line[4:] for line in table.read_text("utf-8").splitlines() if line.startswith("#   {")]
    done = sh(install, mlgov, cwd=table.parent, KEPT=str(tmp_path / "kept"))
    assert done.returncode == 0, done.stderr
    command, environ = by_cron((tmp_path / "kept").read_text("utf-8"))
    assert subprocess.run(["sh", "-c", command], env=environ, cwd="/", check=False).returncode == 0
    assert words(mlgov) == expected(one)
    assert {call["cwd"] for call in calls(mlgov)} == {str(root)}
    assert not list(tmp_path.rglob("pwned"))


@pytest.mark.parametrize("make", JOBS)
def test_the_script_is_portable_shell(root: Path, make: Make) -> None:
    files = cron.files(make(root), root)
    write(files)
    script = next(path for path in files if path.suffix == ".sh")
    assert subprocess.run(["sh", "-n", str(script)], check=False).returncode == 0
    if shutil.which("shellcheck"):
        lint = ["shellcheck", "--severity=style", "--exclude=SC2016", str(script)]  # a name with `$(` in it is meant as it stands
        done = subprocess.run(lint, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("codes", "code", "verbs"),
    [
        ({}, 0, ["run", "validate", "promote"]),
        ({"run": 1}, 1, ["run"]),
        ({"run": 2}, 2, ["run"]),
        ({"validate": 1, "promote": 1}, 1, ["run", "validate", "promote"]),
        ({"validate": 3, "promote": 1}, 3, ["run", "validate", "promote"]),
        ({"promote": 1}, 1, ["run", "validate", "promote"]),
    ],
)
def test_the_exit_code_is_that_of_the_first_part_that_is_not_clear(
    root: Path, tmp_path: Path, codes: dict[str, int], code: int, verbs: list[str]
) -> None:
    mlgov = stand_in(tmp_path / "bin")
    files = cron.files(job(root), root)
    write(files)
    script = next(path for path in files if path.suffix == ".sh")
    done = sh(f'sh "{script}" "$@"', mlgov, "-p", "folds=3 $(x)", CODES=json.dumps(codes))
    assert done.returncode == code
    assert [one[0] for one in words(mlgov)] == verbs
    assert words(mlgov)[0][-2:] == ["-p", "folds=3 $(x)"]


def test_without_mlgov_on_the_path_the_script_says_so(root: Path, tmp_path: Path) -> None:
    files = cron.files(job(root), root)
    write(files)
    done = sh(f'sh "{next(iter(files))}"', tmp_path / "nothing")
    assert done.returncode == 127
    assert "pip install" in done.stderr


def in_the_image(script: str, root: Path) -> str:
    """The script with the image's folder put where the test has it."""
    return script.replace(f"cd {WORK}\n", f"cd {shlex.quote(str(root))}\n")


def github_step(one: Job, root: Path) -> tuple[dict[str, object], str]:
    files = github.files(one, root)
    ((path, content),) = files.items()
    assert path == root / ".github" / "workflows" / f"mlgov-{one.name}.yml"
    found = yaml.safe_load(content)
    found["on"] = found.pop("on", None) or found.pop(True)
    step = found["jobs"]["job"]["steps"][0]
    return found, re.sub(r"\$\{\{ '(\$\{\{)' \}\}", r"\1", step["run"])


@pytest.mark.parametrize("make", JOBS)
def test_the_github_job_does_what_the_notebook_did(root: Path, tmp_path: Path, make: Make) -> None:
    one = make(root)
    mlgov = stand_in(tmp_path / "bin")
    found, script = github_step(one, root)
    done = sh(script, mlgov, cwd=root, MLGOV_DATABASE_URL="postgresql://x", CODES='{"promote": 1}')
    assert done.returncode == 1, done.stderr
    assert words(mlgov) == expected(one)
    assert not list(tmp_path.rglob("pwned"))
    body = found["jobs"]["job"]
    assert body["container"] == {"image": IMAGE}
    assert body["defaults"]["run"]["working-directory"] == WORK
    assert found["permissions"] == {"contents": "read"}
    assert found["on"] == {"workflow_dispatch": {}, "schedule": [{"cron": "0 6 * * 1"}]}
    assert [key for step in body["steps"] for key in step if key == "uses"] == []
    assert {body["env"][f"MLGOV_EXPORT_{name.upper()}"] for name in one.digests.told()} == set(one.digests.told().values())


@pytest.mark.parametrize("make", JOBS)
def test_the_gitlab_job_does_what_the_notebook_did(root: Path, tmp_path: Path, make: Make) -> None:
    one = make(root)
    mlgov = stand_in(tmp_path / "bin")
    ((path, content),) = gitlab.files(one, root).items()
    found = yaml.safe_load(content)
    ((name, body),) = found.items()
    assert name == f"mlgov-{one.name}"
    assert body["image"] == {"name": IMAGE, "entrypoint": [""]}
    done = sh(in_the_image(body["script"][0], root), mlgov, MLGOV_DATABASE_URL="postgresql://x", CODES='{"validate": 3}')
    assert done.returncode == 3, done.stderr
    assert words(mlgov) == expected(one)
    assert not list(tmp_path.rglob("pwned"))
    assert path.name == f"{one.name}.gitlab-ci.yml"
    assert set(one.digests.told().values()) <= set(body["variables"].values())


def test_a_machine_that_is_thrown_away_runs_nothing_without_a_place_for_the_record(root: Path, tmp_path: Path) -> None:
    mlgov = stand_in(tmp_path / "bin")
    ((_, content),) = gitlab.files(job(root), root).items()
    texts = [github_step(job(root), root)[1], next(iter(yaml.safe_load(content).values()))["script"][0]]
    for text in texts:
        done = sh(in_the_image(text, root), mlgov, MLGOV_DATABASE_URL="")
        assert done.returncode != 0
        assert "the record would be lost" in done.stderr
    assert calls(mlgov) == []


@pytest.mark.parametrize("target", [github, gitlab])
@pytest.mark.parametrize("image", ["", "registry.example.com/credit:1.2", "credit@sha256:abc", "-x@sha256:" + "0" * 64])
def test_an_image_that_a_registry_could_exchange_is_refused(root: Path, target: Any, image: str) -> None:
    one = job(root, deployment=Deployment(image=image))
    with pytest.raises(UsageError, match=r"--image"):
        target.files(one, root)


@pytest.mark.parametrize("schedule", ["", "0 6 * *", "@daily", "0 6 * * 1; rm -rf", "0 6 * * $(x)", "0 6 * * 1\n* * * * * x"])
def test_cron_without_five_fields_is_refused(root: Path, schedule: str) -> None:
    with pytest.raises(UsageError, match=r"schedule"):
        cron.files(job(root, deployment=Deployment(schedule=schedule)), root)


def test_no_target_carries_a_secret_value(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLGOV_DATABASE_URL", "postgresql://user:hunter2@db/x")
    one = job(root)
    for files in (cron.files(one, root), github.files(one, root), gitlab.files(one, root)):
        for content in files.values():
            assert b"hunter2" not in content


@pytest.mark.parametrize("target", [cron, github, gitlab])
def test_equal_input_gives_equal_bytes_and_an_edited_file_stays(root: Path, target: Any) -> None:
    one = job(root)
    files = target.files(one, root)
    write(files)
    assert target.files(one, root) == files
    path = next(iter(files))
    path.write_bytes(files[path] + b"# mine\n")
    with pytest.raises(BadInput, match="changed by hand"):
        target.files(one, root)
    path.write_bytes(b"mine\n")
    with pytest.raises(BadInput, match="not written by this export"):
        target.files(one, root)
    path.write_bytes(files[path])
    other = replace(one, model="other", stage="production")
    assert target.files(other, root)[path] != files[path]
