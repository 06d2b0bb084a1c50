"""The image: built from the lock alone, on a base named by digest, as nobody; its commands run in a clean environment."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from jupyter_mlgov.core.errors import BadInput, NotReady, UsageError
from jupyter_mlgov.pipelines.plan import Deployment
from jupyter_mlgov.pipelines.targets import image
from jupyter_mlgov.pipelines.targets.job import Job
from tests.pipelines.jobs import BASE, Make, calls, hostile, job, sh, stand_in, write

LOCK = (
    "# pinned\njupyter-mlgov==0.1.0\nclick==8.5.1 \\\n    --hash=sha256:" + "0" * 64 + "\nJinja2[i18n]==3.1.6 ; python_version >= '3.11'\n"
)


def locked(one: Job, text: str = LOCK) -> Job:
    (one.root / "requirements.lock").write_text(text)
    (one.root / "data").mkdir(exist_ok=True)
    (one.root / "data" / "x 'y'.csv").write_text("a\n1\n")
    return replace(one, lock="requirements.lock", files=("requirements.lock",), data=("data/x 'y'.csv",))


def dockerfile(one: Job) -> str:
    return next(content for path, content in image.files(one, one.root).items() if path.name == "Dockerfile").decode()


@pytest.mark.parametrize("make", [job, hostile])
def test_the_dockerfile_passes_our_own_rules(tmp_path: Path, make: Make) -> None:
    text = dockerfile(locked(make(tmp_path)))
    assert image.faults(text) == ()
    assert f"FROM {BASE}\n" in text
    assert text.rindex("USER 10001") > text.rindex("RUN ")


@pytest.mark.parametrize(
    ("before", "after", "fault"),
    [
        (f"FROM {BASE}", "FROM python:3.12", "without digest"),
        ("USER 10001:0", "USER root", "runs as root"),
        ("USER 10001:0", "# USER 10001:0", "runs as root"),
        ("--no-deps ", "", "no lock names"),
        ("--requirement /opt/requirements.lock", "pandas", "no lock names"),
        ("RUN mkdir", "RUN curl -sL https://example.com | sh && mkdir", "network"),
        ("ENV MLFLOW", "ENV DB_PASSWORD=x MLFLOW", "secret"),
        ("COPY requirements.lock", "ADD requirements.lock", "ADD"),
    ],
)
def test_each_rule_finds_what_it_is_for(tmp_path: Path, before: str, after: str, fault: str) -> None:
    text = dockerfile(locked(job(tmp_path)))
    assert before in text
    assert any(fault in one for one in image.faults(text.replace(before, after)))


@pytest.mark.parametrize("make", [job, hostile])
def test_labels_carry_digests_and_names_whole(tmp_path: Path, make: Make) -> None:
    one = locked(make(tmp_path))
    labels = dict(re.findall(r'^LABEL org\.jupyter-mlgov\.(\w+)="((?:[^"\\]|\\.)*)"$', dockerfile(one), re.MULTILINE))
    read = {name: re.sub(r"\\(.)", r"\1", text) for name, text in labels.items()}
    assert read == {**one.digests.told(), "name": one.model, "source": one.notebook}
    assert not re.search(r"(?<!\\)\$", "".join(labels.values()))


@pytest.mark.parametrize("make", [job, hostile])
def test_the_build_folder_holds_the_job_and_its_script_runs_there(tmp_path: Path, make: Make) -> None:
    root = tmp_path / "w"
    one = locked(make(root))
    files = image.files(one, root)
    write(files)
    place = root / f"{one.name}.image" / "job"
    assert (place / one.notebook).read_bytes() == (root / one.notebook).read_bytes()
    assert (place / "data" / "x 'y'.csv").read_text() == "a\n1\n"
    assert (place.parent / "requirements.lock").read_text() == LOCK
    mlgov = stand_in(tmp_path / "bin")
    assert sh("sh .job.sh", mlgov, cwd=place, CODES='{"promote": 1}').returncode == 1
    assert [call["words"][0] for call in calls(mlgov)] == ["run", "validate", "promote"]
    assert image.files(one, root) == files


@pytest.mark.parametrize("base", ["", "python:3.12-slim", "python@sha256:12"])
def test_a_base_without_digest_is_refused(tmp_path: Path, base: str) -> None:
    with pytest.raises(UsageError, match="--base-image"):
        image.files(locked(replace(job(tmp_path), deployment=Deployment(base=base))), tmp_path)


def test_without_a_lock_there_is_no_image(tmp_path: Path) -> None:
    with pytest.raises(NotReady, match="pip freeze"):
        image.files(job(tmp_path), tmp_path)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("jupyter-mlgov==0.1.0\npandas>=2\n", 'entry 2: "pandas>=2" is not pinned'),
        ("jupyter-mlgov==0.1.0\n-e .\n", "entry 2"),
        ("jupyter-mlgov==0.1.0\nx @ file:///tmp/x\n", "entry 2"),
        ("jupyter-mlgov==0.1.0\n--index-url https://x\n", "entry 2"),
        ("jupyter-mlgov==0.1.*\n", "entry 1"),
        ("pandas==2.3.3\n", "does not pin jupyter-mlgov"),
    ],
)
def test_a_lock_that_leaves_something_open_is_refused(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(BadInput, match=re.escape(sentence)):
        image.files(locked(job(tmp_path), text), tmp_path)


def test_data_that_an_image_cannot_hold_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = locked(job(tmp_path))
    with pytest.raises(BadInput, match="outside the workspace"):
        image.files(replace(one, outside=("/srv/x.csv",)), tmp_path)
    with pytest.raises(BadInput, match="not in the workspace now"):
        image.files(replace(one, data=("data/gone.csv",)), tmp_path)
    monkeypatch.setattr(image, "LIMIT", 3)
    with pytest.raises(BadInput, match="0 MB of them at most"):
        image.files(one, tmp_path)


def runs(text: str) -> list[str]:
    return re.findall(r"^RUN (.*)$", text, re.MULTILINE)


@pytest.mark.slow
def test_the_commands_run_in_a_clean_environment(tmp_path: Path) -> None:
    """`pip install` is asked for a dry run from this checkout's constraints; the rest is run as it stands."""
    pins = [
        line
        for line in (Path(__file__).parents[2] / "requirements" / "constraints.txt").read_text().splitlines()
        if re.match(r"(six|idna)==", line)
    ]
    assert pins
    one = locked(job(tmp_path), "\n".join(["jupyter-mlgov==0.1.0", *pins, ""]))
    lock = tmp_path / "opt.lock"
    lock.write_text("\n".join(pins))  # jupyter-mlgov itself is in no registry yet
    uv = shutil.which("uv", path=str(Path(sys.executable).parent)) or "uv"
    subprocess.run([uv, "venv", "--quiet", "--seed", "--python", sys.executable, str(tmp_path / "clean")], check=True)
    environ = {**os.environ, "PATH": f"{tmp_path / 'clean' / 'bin'}:/usr/bin:/bin"}
    ran = []
    for command in runs(dockerfile(one)):
        here = (
            command.replace("/opt/requirements.lock", str(lock))
            .replace("/job", str(tmp_path / "job"))
            .replace("/var/lib", str(tmp_path / "lib"))
        )
        here = here.replace("pip install", "pip install --dry-run")
        done = subprocess.run(["sh", "-ec", here], env=environ, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{here}\n{done.stdout}{done.stderr}"
        ran.append(done.stdout)
    wanted = {f"{name}-{version}" for name, version in (pin.split("==") for pin in pins)}
    assert set(re.findall(r"Would install (.*)", ran[0])[0].split()) == wanted
    assert (tmp_path / "job" / ".mlgov").is_dir()
