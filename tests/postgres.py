"""A real PostgreSQL for the tests: made, started and stopped by them, on a socket in a folder of its own."""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
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


@contextmanager
def running() -> Iterator[str]:
    """The URL of a fresh server. As root it runs as the user `postgres`, since initdb refuses root."""
    tools = binaries()
    folder = Path(tempfile.mkdtemp(prefix="mlgov-pg-"))
    user = "postgres" if os.getuid() == 0 else pwd.getpwuid(os.getuid()).pw_name
    if os.getuid() == 0:
        shutil.chown(folder, "postgres", "postgres")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]

    def run(*words: str) -> None:
        done = subprocess.run(words, user=user if os.getuid() == 0 else None, cwd=folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"

    data = str(folder / "data")
    run(
        str(tools / "initdb"),
        "-D",
        data,
        "-A",
        "trust",
        "-U",
        "postgres",
        "-E",
        "UTF8",
        "--locale=C.UTF-8",
        "--no-sync",
        "--no-instructions",
    )
    options = f"-p {port} -c listen_addresses= -c max_connections=120 -k {folder}"
    run(str(tools / "pg_ctl"), "-D", data, "-w", "-s", "-l", str(folder / "log"), "-o", options, "start")
    try:
        yield f"postgresql://postgres@/postgres?host={folder}&port={port}"
    finally:
        run(str(tools / "pg_ctl"), "-D", data, "-w", "-s", "-m", "immediate", "stop")
        shutil.rmtree(folder)


def schema(url: str) -> str:
    """A URL of the same server with an empty schema of its own."""
    import psycopg

    name = f"log_{secrets.token_hex(6)}"
    with psycopg.connect(url, autocommit=True) as link:
        link.execute(f"CREATE SCHEMA {name}")
    return f"{url}&options=-csearch_path%3D{name}"
