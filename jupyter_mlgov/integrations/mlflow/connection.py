"""Talking to MLflow without its noise: no telemetry, no chatter, short waits, no secret in a message."""

from __future__ import annotations

import logging
import os
import re
import socket
import sqlite3
import threading
import warnings
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from jupyter_mlgov.core.errors import MlgovError, SystemUnreachable
from jupyter_mlgov.core.settings import QUIET

if TYPE_CHECKING:
    from mlflow import MlflowClient

PROBE_SECONDS = 5
REQUEST_SECONDS = 30
_PORTS = {"postgresql": 5432, "mysql": 3306, "mssql": 1433}
_NOISY = ("mlflow", "alembic", "urllib3", "skops")
_USERINFO = re.compile(r"(?<=://)[^/@\s]+@")
_QUERY_SECRET = re.compile(r"(?i)\b(password|passwd|token|secret|key)=[^&\s]+")
# One caller at a time: the environment variables below belong to the whole process.
_ONE_AT_A_TIME = threading.RLock()


def shown(uri: str) -> str:
    """The address without user, password and query, for people's eyes."""
    return _USERINFO.sub("", uri.partition("?")[0])


def clean(message: str, uri: str) -> str:
    """A foreign message on one line of at most 300 characters, without the secrets of `uri`."""
    parts = urlsplit(uri)
    secrets = [parts.password or "", unquote(parts.password or ""), parts.username if parts.password else "", parts.query]
    for secret in filter(None, secrets):
        message = message.replace(secret, "***")
    message = _QUERY_SECRET.sub(r"\1=***", _USERINFO.sub("***@", message))
    message = " ".join(message.split())
    return message if len(message) <= 300 else message[:299] + "…"


@contextmanager
def connected(uri: str, artifact_root: str = "") -> Iterator[MlflowClient]:
    """A client for the time of the block. Raises SystemUnreachable, within about 10 s, where nothing answers.

    No global state of MLflow is touched: neither the tracking URI nor the active run of the person whose kernel this is.
    """
    with _ONE_AT_A_TIME, ExitStack() as stack:
        for name, value in QUIET.items():
            os.environ.setdefault(name, value)  # before the import: MLflow reads its telemetry switch there
        stack.enter_context(translated(uri))
        stack.enter_context(environment(_variables(uri, artifact_root, PROBE_SECONDS, retries=0)))
        stack.enter_context(_no_warnings())
        _preflight(uri)
        from mlflow import MlflowClient

        stack.enter_context(_hushed())  # after the import, which sets the level of its loggers itself
        client = MlflowClient(tracking_uri=uri, registry_uri=uri)
        client.search_experiments(max_results=1)
        stack.enter_context(environment(_variables(uri, artifact_root, REQUEST_SECONDS, retries=1)))
        yield client


@contextmanager
def translated(uri: str) -> Iterator[None]:
    """Whatever MLflow, its HTTP client or its database raises becomes a SystemUnreachable with a clean sentence."""
    try:
        yield
    except MlgovError:
        raise
    except Exception as error:  # noqa: BLE001  # MLflow lets exceptions of requests, SQLAlchemy, boto3 … through; all mean the same here
        cause = clean(f"{type(error).__name__}: {error}", uri).rstrip(". :")
        raise SystemUnreachable(
            f"MLflow at {shown(uri)} did not do what was asked: {cause}.",
            next="See that it runs, then `mlgov promote` or `mlgov validate` tells it again; nothing is lost.",
        ) from None


@contextmanager
def environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Set environment variables for the time of the block and put back what was there."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _variables(uri: str, artifact_root: str, seconds: int, *, retries: int) -> dict[str, str]:
    variables = {
        "MLFLOW_HTTP_REQUEST_TIMEOUT": str(seconds),
        "MLFLOW_HTTP_REQUEST_MAX_RETRIES": str(retries),
        "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
        "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    }
    root = artifact_root or _beside(uri)
    if root:
        # Without it a database store makes a folder `mlruns` in whatever folder the kernel happens to be.
        variables["_MLFLOW_SERVER_ARTIFACT_ROOT"] = root
    return variables


def _beside(uri: str) -> str:
    path = _sqlite_path(uri)
    return str(path.parent / "mlartifacts") if path else ""


def _sqlite_path(uri: str) -> Path | None:
    return Path(uri.removeprefix("sqlite:///").partition("?")[0]) if uri.startswith("sqlite:///") else None


def knock(uri: str) -> tuple[str, datetime | None]:
    """(why nothing answers at `uri`, empty where something does; what time it is there, where it says so), within 5 s, without MLflow.

    A store in a file that is not there yet is no problem: it is made when first needed.
    """
    path = _sqlite_path(uri)
    if path is not None and not path.exists():
        return ("" if path.parent.is_dir() else f"there is no folder {path.parent}"), None
    try:
        if urlsplit(uri).scheme in ("http", "https"):
            return "", _http_date(uri)
        _preflight(uri)
    except (OSError, sqlite3.Error, ValueError, HTTPException) as error:
        return clean(str(error) or type(error).__name__, uri), None
    return "", None


def _http_date(uri: str) -> datetime | None:
    """The `Date` of its answer (RFC 9110 6.6.1); any answer but "the server failed" is one. Raises OSError, HTTPException, ValueError."""
    parts = urlsplit(uri)
    kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    link = kind(parts.hostname or "localhost", parts.port, timeout=PROBE_SECONDS)
    try:
        link.request("GET", f"{parts.path.rstrip('/')}/health")
        answer = link.getresponse()
        if answer.status >= 500:
            raise HTTPException(f"it answers {answer.status} {answer.reason}")
        said = answer.getheader("Date", "")
    finally:
        link.close()
    try:
        return parsedate_to_datetime(said).astimezone(UTC) if said else None
    except ValueError:
        return None


def _preflight(uri: str) -> None:
    """Knock before MLflow does: its database client tries a dead address for 100 s, printing each try."""
    scheme = urlsplit(uri).scheme.partition("+")[0]
    path = _sqlite_path(uri)
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        with sqlite3.connect(path, timeout=PROBE_SECONDS) as store:
            store.execute("PRAGMA schema_version").fetchone()
            store.execute("SELECT count(*) FROM sqlite_master").fetchone()
        store.close()
    elif scheme in _PORTS:
        parts = urlsplit(uri)
        socket.create_connection((parts.hostname or "localhost", parts.port or _PORTS[scheme]), timeout=PROBE_SECONDS).close()


@contextmanager
def _no_warnings() -> Iterator[None]:
    """None of them is about the reader's code: they come from within MLflow, its store and its web client."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@contextmanager
def _hushed() -> Iterator[None]:
    """Keep MLflow's migration logs and progress from the reader's cell; errors still come as exceptions."""
    loggers = [logging.getLogger(name) for name in _NOISY]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
