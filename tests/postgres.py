"""A real PostgreSQL for the tests: made, started and stopped by them, on a socket in a folder of its own."""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_KNOWN = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)


def binaries() -> Path:
    """The folder of initdb and pg_ctl. Fails loudly where there is none: these tests prove nothing without it."""
    found = shutil.which("initdb")
    for folder in [*([Path(found).resolve().parent] if found else []), *_KNOWN]:
        if (folder / "pg_ctl").exists():
            return folder
    raise AssertionError("No PostgreSQL on this machine. Install it (Debian: apt-get install postgresql), then run the tests again.")


class Server:
    """One server. As root it runs as the user `postgres`, since initdb refuses root."""

    def __init__(self, folder: Path) -> None:
        self.folder, self._tools = folder, binaries()
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = probe.getsockname()[1]
        self.url = f"postgresql://postgres@/postgres?host={folder}&port={self._port}"
        self._user = "postgres" if os.getuid() == 0 else pwd.getpwuid(os.getuid()).pw_name
        if os.getuid() == 0:
            shutil.chown(folder, "postgres", "postgres")
        self._run("initdb", "-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync", "--no-instructions")

    def start(self) -> None:
        options = f"-p {self._port} -c listen_addresses= -c max_connections=120 -k {self.folder}"
        self._run("pg_ctl", "-w", "-s", "-l", str(self.folder / "log"), "-o", options, "start")

    def stop(self) -> None:
        if (self.folder / "data" / "postmaster.pid").exists():
            self._run("pg_ctl", "-w", "-s", "-m", "immediate", "stop")

    def kill(self) -> None:
        """What a power cut does to the processes: kill -9 for all of them at once."""
        leader = int((self.folder / "data" / "postmaster.pid").read_text().splitlines()[0])
        processes = [leader, *_children(leader)]
        for process in processes:
            os.kill(process, signal.SIGKILL)
        while any(_alive(process) for process in processes):
            os.sched_yield()
        # A container's first process may leave the dead unburied, and the server then believes that they live.
        for lock in (self.folder / "data" / "postmaster.pid", self.folder / f".s.PGSQL.{self._port}.lock"):
            lock.unlink()

    def _run(self, tool: str, *words: str) -> None:
        command = [str(self._tools / tool), "-D", str(self.folder / "data"), *words]
        user = self._user if os.getuid() == 0 else None
        # Not through pipes: the server inherits them, and reading would wait for its end.
        with tempfile.TemporaryFile() as said:
            done = subprocess.run(command, user=user, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=said, stderr=said, check=False)
            said.seek(0)
            log = self.folder / "log"
            told = log.read_text()[-2000:] if done.returncode and log.exists() else ""
            assert done.returncode == 0, f"{command}: {said.read().decode()}{told}"


def _children(leader: int) -> list[int]:
    found = []
    for path in Path("/proc").glob("[0-9]*/status"):
        try:
            mine = f"PPid:\t{leader}\n" in path.read_text()
        except OSError:
            continue
        found += [int(path.parent.name)] if mine else []
    return found


def _alive(process: int) -> bool:
    try:
        return "State:\tZ" not in Path(f"/proc/{process}/status").read_text()
    except FileNotFoundError:
        return False


@contextmanager
def running() -> Iterator[Server]:
    """A fresh server for the time of the block."""
    folder = Path(tempfile.mkdtemp(prefix="mlgov-pg-"))
    server = Server(folder)
    server.start()
    try:
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder)


def schema(url: str) -> str:
    """A URL of the same server with an empty schema of its own."""
    import psycopg

    name = f"log_{secrets.token_hex(6)}"
    with psycopg.connect(url, autocommit=True) as link:
        link.execute(f"CREATE SCHEMA {name}")
    return f"{url}&options=-csearch_path%3D{name}"
