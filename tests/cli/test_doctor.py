"""`mlgov doctor`: each disease is planted, found, and gone after the very command that the doctor says."""

from __future__ import annotations

import json
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Event, Thread

import pytest
from click.testing import CliRunner

from jupyter_mlgov.cli import mlgov
from jupyter_mlgov.cli.doctor import World, examine, the_world
from jupyter_mlgov.cli.doctor.line import Line
from jupyter_mlgov.core.clock import SystemClock
from jupyter_mlgov.core.settings import Settings
from jupyter_mlgov.integrations.mlflow.connection import knock
from jupyter_mlgov.integrations.sql import tables, versions
from jupyter_mlgov.workspace import Workspace
from jupyter_mlgov.workspace.arriving import arrive
from jupyter_mlgov.workspace.trail import checkpoint
from tests.installed import LATER, a_later_release, environment, only_from, our_wheel, packed


def git(folder: Path, *words: str) -> None:
    subprocess.run(["git", *words], cwd=folder, check=True, capture_output=True)


@pytest.fixture(scope="session")
def healthy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace in a repository with an identity, a lock, a signing key and a DVC remote; copied for each disease."""
    folder = tmp_path_factory.mktemp("healthy") / "ours"
    folder.mkdir()
    git(folder, "init", "-q")
    git(folder, "config", "user.name", "Ana")
    git(folder, "config", "user.email", "ana@example.org")
    pins = subprocess.run([sys.executable, "-m", "pip", "freeze"], check=True, capture_output=True, text=True)
    (folder / "requirements.lock").write_text(pins.stdout)
    workspace = Workspace(arrive(folder, Settings(), {}).folder.root, clock=SystemClock())
    checkpoint(workspace)
    workspace.close()
    (folder / ".dvc").mkdir()
    (folder / ".dvc" / "config").write_text("[core]\n    remote = store\n['remote \"store\"']\n    url = s3://bucket/data\n")
    return folder


@dataclass(slots=True, kw_only=True)
class Patient:
    """A workspace, the world around it, and the shell that commands are typed into."""

    folder: Path
    world: World
    shell: dict[str, str] = field(default_factory=dict)

    def outside(self, **environ: str) -> None:
        """The world with these variables in it."""
        self.world = replace(self.world, environ={**self.world.environ, **environ})

    def lines(self, what: str) -> list[Line]:
        return [line for line in examine(self.folder, self.world) if line.what == what]

    def type(self, command: str) -> None:
        with (self.folder.parent / "said").open("w+") as said:
            done = subprocess.run(["bash", "-c", command], cwd=self.folder, env=self.shell, stdout=said, stderr=said, check=False)
            said.seek(0)
            assert done.returncode == 0, f"{command}\n{said.read()}"


@pytest.fixture
def patient(healthy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Patient:
    folder = tmp_path / "our work"
    shutil.copytree(healthy, folder, symlinks=True)
    monkeypatch.chdir(folder)
    (tmp_path / "wheels").mkdir()
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))
    monkeypatch.setenv("JUPYTER_PREFER_ENV_PATH", "1")
    monkeypatch.setenv("MLGOV_ANCHORS", "none")  # asking MLflow for its word is tested elsewhere, and takes seconds
    return Patient(folder=folder, world=replace(the_world(), environ={"MLGOV_ANCHORS": "none"}), shell=only_from(tmp_path / "wheels"))


def test_a_healthy_workspace_has_no_complaint_and_exit_code_0(patient: Patient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    assert [line for line in examine(patient.folder, patient.world) if not line.fine] == []
    done = CliRunner().invoke(mlgov, ["doctor", "--format", "json"], standalone_mode=False)
    assert (done.return_value or done.exit_code, {"what", "fine", "found", "next", "command"}) == (0, set(json.loads(done.stdout)[0]))


# -- the diseases: each plants itself and returns the line it must show on -------------------------------------------------


def open_key(patient: Patient) -> str:
    (key,) = (patient.folder / ".mlgov" / "keys").glob("*.pem")
    key.chmod(0o644)
    return "keys"


def no_remote(patient: Patient) -> str:
    shutil.rmtree(patient.folder / ".dvc")
    subprocess.run(["dvc", "init", "-q"], cwd=patient.folder, env=patient.shell, check=True, capture_output=True)
    return "DVC"


def remote_that_is_gone(patient: Patient) -> str:
    (patient.folder / ".dvc" / "config").write_text("['remote \"store\"']\n    url = " + str(patient.folder.parent / "gone here") + "\n")
    return "DVC"


def lock_of_a_dead_git(patient: Patient) -> str:
    path = patient.folder / ".git" / "index.lock"
    path.touch()
    os.utime(path, (1, 1))
    return "left locks"


def lock_of_a_dead_dvc(patient: Patient) -> str:
    dead = subprocess.Popen(["true"])
    dead.wait()
    (patient.folder / ".dvc" / "tmp").mkdir()
    (patient.folder / ".dvc" / "tmp" / "rwlock").write_text(json.dumps({"x": {"write": {"pid": dead.pid, "cmd": "dvc add"}}}))
    return "left locks"


def no_lock(patient: Patient) -> str:
    (patient.folder / "requirements.lock").unlink()
    return "lock"


def stale_lock(patient: Patient) -> str:
    (patient.folder / "requirements.lock").write_text("numpy==1.0\n")
    return "lock"


def full_disk(patient: Patient) -> str:
    """A disk of 1.1 GB, 0.2 GB of it in pip's cache: a sparse file, counted as long as it says it is."""
    cache = patient.folder.parent / "pip"
    (cache / "http-v2").mkdir(parents=True)
    with (cache / "http-v2" / "body").open("wb") as stream:
        stream.truncate(200_000_000)
    patient.shell["PIP_CACHE_DIR"] = str(cache)
    used = lambda: sum(path.stat().st_size for path in cache.rglob("*") if path.is_file())  # noqa: E731 # one line, used below
    patient.outside(PIP_CACHE_DIR=str(cache))
    patient.world = replace(patient.world, free=lambda _: 1_100_000_000 - used())
    return "disk"


def old_database(patient: Patient) -> str:
    """The tables of version 0002, by undoing what came after it."""
    with closing(sqlite3.connect(patient.folder / ".mlgov" / "mlgov.db")) as link:
        since = {table.name for table in tables.metadata.sorted_tables} - {"log", "outbox", "tiles"}
        for name in since:
            link.execute(f'DROP TABLE "{name}"')
        link.execute(f"UPDATE {tables.VERSION_TABLE} SET version_num = '0002'")
        link.commit()
    return "database"


def git_without_identity(patient: Patient) -> str:
    git(patient.folder, "config", "--unset", "user.email")
    return "git identity"


def disabled_panel(patient: Patient) -> str:
    folder = Path.home() / ".jupyter" / "labconfig"
    folder.mkdir(parents=True)
    (folder / "page_config.json").write_text(json.dumps({"disabledExtensions": {"jupyter-mlgov": True}}))
    return "JupyterLab panel"


def panel_of_another_version(patient: Patient) -> str:
    """A copy that somebody put before ours on JupyterLab's path."""
    other = patient.folder.parent / "jupyter" / "labextensions" / "jupyter-mlgov"
    other.mkdir(parents=True)
    (other / "package.json").write_text(json.dumps({"name": "jupyter-mlgov", "version": "0.0.9"}))
    return "JupyterLab panel"


def disabled_server(patient: Patient) -> str:
    patient.shell["JUPYTER_PREFER_ENV_PATH"] = os.environ["JUPYTER_PREFER_ENV_PATH"] = "0"  # in an environment that would win over the user
    folder = Path.home() / ".jupyter" / "jupyter_server_config.d"
    folder.mkdir(parents=True)
    (folder / "jupyter_mlgov.json").write_text(json.dumps({"ServerApp": {"jpserver_extensions": {"jupyter_mlgov": False}}}))
    return "server extension"


def kernel_whose_python_is_gone(patient: Patient) -> str:
    return kernel(patient, patient.folder.parent / "no" / "python")


def kernel(patient: Patient, python: Path) -> str:
    folder = patient.folder.parent / "jupyter" / "kernels" / "other"
    folder.mkdir(parents=True)
    spec = {"argv": [str(python), "-m", "ipykernel_launcher", "-f", "{connection_file}"], "display_name": "Other", "language": "python"}
    (folder / "kernel.json").write_text(json.dumps(spec))
    return "kernel other"


def broken_trail(patient: Patient) -> str:
    copied(patient)
    with closing(sqlite3.connect(patient.folder / ".mlgov" / "mlgov.db")) as link:
        link.execute("DROP TRIGGER log_keeps_words")
        link.execute("UPDATE log SET subject = 'another' WHERE seq = 1")
        link.commit()
    return "trail"


def overwritten_database(patient: Patient) -> str:
    copied(patient)
    (patient.folder / ".mlgov" / "mlgov.db").write_bytes(b"\x00" * 8192)
    return "database"


def copied(patient: Patient) -> None:
    done = CliRunner().invoke(mlgov, ["audit", "copy"], standalone_mode=False)
    assert done.exception is None
    # One that is newer and broken must not be taken.
    (patient.folder / ".mlgov" / "copies" / "mlgov-99.db").write_bytes(b"no database")


DISEASES: list[Callable[[Patient], str]] = [
    open_key,
    no_remote,
    remote_that_is_gone,
    lock_of_a_dead_git,
    lock_of_a_dead_dvc,
    no_lock,
    stale_lock,
    full_disk,
    old_database,
    git_without_identity,
    disabled_panel,
    panel_of_another_version,
    disabled_server,
    kernel_whose_python_is_gone,
    broken_trail,
    overwritten_database,
]


@pytest.mark.parametrize("plant", DISEASES, ids=lambda plant: plant.__name__)
def test_a_planted_disease_is_found_and_the_command_it_names_mends_it(patient: Patient, plant: Callable[[Patient], str]) -> None:
    what = plant(patient)
    (line,) = patient.lines(what)
    assert not line.fine and line.command, line
    patient.type(line.command)
    after = patient.lines(what)
    assert after or "kernel" in what
    assert all(one.fine for one in after), after


def test_a_key_that_others_could_read_signs_no_more_after_it(patient: Patient) -> None:
    from jupyter_mlgov.workspace.trail import keys

    open_key(patient)
    patient.type(patient.lines("keys")[0].command)
    workspace = Workspace(patient.folder)
    (life,) = keys(workspace)
    workspace.close()
    assert life.reason == "others could read it"


def test_an_old_database_is_copied_before_it_is_brought_up_and_its_trail_holds(patient: Patient) -> None:
    old_database(patient)
    assert patient.lines("trail") == [], "what was not looked at is not called fine"
    patient.type(patient.lines("database")[0].command)
    (copy,) = (patient.folder / ".mlgov" / "copies").glob("*.db")
    assert versions(copy)[0] == "0002"
    assert patient.lines("trail")[0].fine


def test_a_broken_trail_without_a_whole_copy_has_no_command_and_says_so(patient: Patient) -> None:
    broken_trail(patient)
    for copy in (patient.folder / ".mlgov" / "copies").glob("*.db"):
        copy.write_bytes(b"no database either")
    (line,) = patient.lines("trail")
    assert (line.fine, line.command) == (False, "") and "mlgov audit copy" in line.next


def test_a_copy_is_whole_and_never_overwrites_one(patient: Patient) -> None:
    for _ in range(2):
        assert CliRunner().invoke(mlgov, ["audit", "copy"], standalone_mode=False).exception is None
    copies = sorted((patient.folder / ".mlgov" / "copies").glob("*.db"))
    assert len(copies) == 2
    assert {path.stat().st_mode & 0o777 for path in copies} == {0o600}


def test_a_git_at_work_and_a_dvc_at_work_are_not_called_dead(patient: Patient) -> None:
    (patient.folder / ".git" / "index.lock").touch()
    (patient.folder / ".dvc" / "tmp").mkdir()
    held = {"x": {"read": [{"pid": os.getpid(), "cmd": "dvc repro"}]}}
    (patient.folder / ".dvc" / "tmp" / "rwlock").write_text(json.dumps(held))
    assert patient.lines("left locks")[0].fine


def test_without_a_workspace_the_command_makes_one(patient: Patient, monkeypatch: pytest.MonkeyPatch) -> None:
    empty = patient.folder.parent / "empty"
    empty.mkdir()
    monkeypatch.chdir(empty)
    line = examine(None, patient.world)[-1]
    assert (line.what, line.fine) == ("workspace", False)
    subprocess.run(["bash", "-c", line.command], cwd=empty, env=patient.shell, check=True, capture_output=True)
    assert "workspace" in [one.what for one in examine(None, patient.world) if one.fine]


# -- installing: in environments of their own, from wheels in a folder -----------------------------------------------------


@pytest.fixture(scope="session")
def wheels(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Our wheel, a later one of ours in `later/`, and apprise's."""
    folder = tmp_path_factory.mktemp("wheels")
    (folder / "later").mkdir()
    a_later_release(our_wheel(checkout, folder), folder / "later")
    packed("apprise", folder)
    return folder


def asked(python: Path, patient: Patient, what: str, **env: str) -> Line:
    """The line that `mlgov doctor` of another Python shows."""
    command = [str(python), "-m", "jupyter_mlgov.cli", "doctor", "--format", "json", "-w", str(patient.folder)]
    done = subprocess.run(command, env={**patient.shell, **env}, capture_output=True, text=True, check=False)
    (line,) = [Line(**one) for one in json.loads(done.stdout) if one["what"] == what]
    return line


def test_a_missing_extra_is_installed_by_the_command(patient: Patient, wheels: Path) -> None:
    python = environment(patient.folder.parent / "env", "apprise")
    patient.shell = only_from(wheels)
    wanted = {"MLGOV_NOTIFY": "jsons://example.org"}
    line = asked(python, patient, "extra notify", **wanted)
    assert not line.fine and '-m pip install "jupyter-mlgov[notify]"' in line.command, line
    patient.type(line.command)
    assert asked(python, patient, "extra notify", **wanted).fine


def test_a_kernel_without_the_extension_gets_it_by_the_command(patient: Patient, wheels: Path) -> None:
    python = environment(patient.folder.parent / "env", "jupyter_mlgov", "mlgov_validators", "pip")
    patient.shell = only_from(wheels)
    what = kernel(patient, python)
    (line,) = patient.lines(what)
    assert not line.fine and "has no jupyter_mlgov" in line.found and line.command.startswith("uv pip install"), line
    patient.type(line.command)
    assert patient.lines(what)[0].fine


def test_a_database_that_is_newer_than_the_program_is_refused_and_read_after_the_upgrade_it_names(patient: Patient, wheels: Path) -> None:
    place = patient.folder.parent / "env"
    python = environment(place, "jupyter_mlgov", "pip")
    patient.shell = only_from(wheels)
    uv = ["uv", "pip", "install", "-q", "--python", str(python)]
    subprocess.run([*uv, "jupyter-mlgov"], env=patient.shell, check=True, capture_output=True)
    with closing(sqlite3.connect(patient.folder / ".mlgov" / "mlgov.db")) as link:
        link.execute(f"UPDATE {tables.VERSION_TABLE} SET version_num = '{LATER}'")
        link.commit()
    line = asked(python, patient, "database")
    assert not line.fine and f"newer than this program, which knows up to {tables.HEAD}" in line.found, line
    patient.shell = only_from(wheels / "later")
    patient.type(line.command)
    assert asked(python, patient, "database") == Line(what="database", fine=True, found=f"version {LATER}")
    assert asked(python, patient, "trail").fine


# -- MLflow ----------------------------------------------------------------------------------------------------------------


def test_a_registry_that_does_not_answer_is_started_by_the_command(patient: Patient, empty_mlflow: Path) -> None:
    shutil.copy(empty_mlflow, patient.folder / ".mlgov" / "mlflow.db")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        uri = f"http://127.0.0.1:{probe.getsockname()[1]}"
    patient.outside(MLGOV_TRACKING_URI=uri)
    (line,) = patient.lines("MLflow")
    assert not line.fine and "does not answer" in line.found and line.command.endswith("&"), line
    assert "mlflow server" in line.command
    log = patient.folder / ".mlgov" / "mlflow-server.log"
    try:
        patient.type(line.command + ' echo $! > "../pid"')
        deadline = SystemClock().now() + timedelta(seconds=240)
        while knock(uri)[0]:
            assert SystemClock().now() < deadline, log.read_text()
            Event().wait(0.2)
        assert patient.lines("MLflow")[0].fine
    finally:
        stop(int((patient.folder.parent / "pid").read_text()))


def stop(pid: int) -> None:
    """The server and the workers it started."""
    found = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=False)
    for child in found.stdout.split():
        stop(int(child))
    try:
        os.kill(pid, 15)
    except ProcessLookupError:
        return


def test_a_registry_elsewhere_that_does_not_answer_is_said_without_its_password(patient: Patient) -> None:
    patient.world = replace(
        patient.world, environ={"MLGOV_TRACKING_URI": "http://ana:hunter2@mlflow.invalid:5000", "MLGOV_ANCHORS": "none"}
    )
    (line,) = patient.lines("MLflow")
    assert not line.fine and "hunter2" not in str(line) and "waits in the outbox" in line.next


class _AnHourAhead(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()

    def date_time_string(self, timestamp: float | None = None) -> str:
        return super().date_time_string(3600 + SystemClock().now().timestamp())

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture
def ahead() -> Iterator[str]:
    """The address of a server whose clock is an hour ahead."""
    server = HTTPServer(("127.0.0.1", 0), _AnHourAhead)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_a_clock_behind_the_registry_is_found_and_gone_when_it_is_set(patient: Patient, ahead: str) -> None:
    """What the command does (set the machine's clock by the network's time) cannot be done here; what it brings about can."""
    patient.outside(MLGOV_TRACKING_URI=ahead)
    found = [line for line in patient.lines("clock") if not line.fine]
    assert [line.command for line in found] == ["sudo timedatectl set-ntp true"]
    assert "behind MLflow" in found[0].found
    patient.world = replace(patient.world, now=lambda: SystemClock().now() + timedelta(hours=1))
    assert all(line.fine for line in patient.lines("clock"))


def test_a_clock_behind_the_trail_is_found(patient: Patient) -> None:
    patient.world = replace(patient.world, now=lambda: SystemClock().now() - timedelta(hours=1))
    assert [line.fine for line in patient.lines("clock")] == [False]
