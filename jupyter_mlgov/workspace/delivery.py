"""The outbox: what foreign systems must be told, sent again until they heard it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from jupyter_mlgov.audit.entries import Draft
from jupyter_mlgov.audit.journal import Parcel
from jupyter_mlgov.core.errors import MlgovError, StorageProblem
from jupyter_mlgov.lineage.facts import Outcome
from jupyter_mlgov.lineage.process import is_dead
from jupyter_mlgov.workspace import tracking

if TYPE_CHECKING:
    from jupyter_mlgov.workspace.composition import Workspace


def post(workspace: Workspace, notebook: str) -> None:
    """Put the last session of `notebook` into the outbox, once for each state of it. Nothing tagged has run: nothing to tell."""
    from jupyter_mlgov.integrations.mlflow import close_parcel, run_parcel

    lineage = workspace.lineage(notebook)
    parcels = [close_parcel(session, notebook) for session in _dead_sessions(workspace, notebook)]
    if any(run.step is not None and run.outcome is Outcome.OK for run in lineage.runs):
        parcels.append(run_parcel(lineage, workspace.team_for(notebook)))
    if workspace.settings.openlineage:
        from jupyter_mlgov.integrations.openlineage import run_parcels

        parcels.extend(run_parcels(lineage))
    parcels.extend(tracking.parcels(workspace, lineage))
    if not parcels:
        return
    known = {entry.payload.get("key") for entry in workspace.journal.entries(actions=("projection.delivered",))}
    known |= {waiting.key for waiting in workspace.journal.pending()}
    new = [parcel for parcel in parcels if parcel.key not in known]
    if new:
        workspace.journal.append([], actor=workspace.actor(), parcels=new)


def _dead_sessions(workspace: Workspace, notebook: str) -> Iterator[str]:
    """Sessions of `notebook` whose kernel is gone without having said so."""
    started: dict[str, Mapping[str, object]] = {}
    for entry in workspace.journal.entries(actions=("session.started", "session.ended"), subject=notebook):
        if entry.action == "session.started":
            process = entry.payload.get("process")
            started[str(entry.payload.get("id"))] = process if isinstance(process, dict) else {}
        else:
            started.pop(str(entry.payload.get("session")), None)
    return (session for session, process in started.items() if is_dead(process))


_under_way: list[subprocess.Popen[bytes]] = []  # a Popen that is dropped while it runs warns


def deliver_later(workspace: Workspace) -> None:
    """Start `mlgov sync` on its own, so that no cell waits for MLflow. What it cannot send stays in the outbox."""
    if workspace.settings.deliver != "auto" or not workspace.journal.pending():
        return
    command = [sys.executable, "-m", "jupyter_mlgov.cli", "sync", "--workspace", str(workspace.root)]
    nowhere = subprocess.DEVNULL
    _under_way[:] = [started for started in _under_way if started.poll() is None]
    _under_way.append(subprocess.Popen(command, stdin=nowhere, stdout=nowhere, stderr=nowhere, start_new_session=True))


def deliver(workspace: Workspace, say: Callable[[str], None] | None = None) -> tuple[str, ...]:
    """Send each waiting parcel, oldest first; after the first failure of a target the rest of that target waits too.

    One process at a time: a second one waits, then finds nothing left to send, so no run is told twice.
    """
    if not workspace.journal.pending():
        return ()
    with alone(workspace, "deliver"):
        return _deliver(workspace, say)


@contextmanager
def alone(workspace: Workspace, deed: Literal["deliver", "promote", "canary", "alerts"]) -> Iterator[None]:
    """One at a time; the others wait: processes of this machine by a file, machines that share a database by the database."""
    import fcntl

    path = workspace.root / ".mlgov" / f"{deed}.lock"
    try:
        stream = path.open("w")
    except OSError as error:
        raise StorageProblem(f"{path.name} cannot be written: {error.strerror or error}.", next="Make the workspace writable.") from None
    with stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        with workspace.database.alone(deed):
            yield


def _deliver(workspace: Workspace, say: Callable[[str], None] | None) -> tuple[str, ...]:
    problems: dict[str, str] = {}
    for parcel in workspace.journal.pending():
        # Each place to tell stands alone: one that is down keeps no other waiting.
        line = f"{parcel.target} {parcel.payload.get('place', '')}"
        if line in problems:
            continue
        if say:
            say(f"telling {parcel.target} about {parcel.kind} …")
        try:
            answer = _send(workspace, parcel)
        except MlgovError as error:
            problems[line] = str(error)
            workspace.journal.failed(parcel, str(error))
            payload = {
                "key": parcel.key,
                "kind": parcel.kind,
                "target": parcel.target,
                "attempt": parcel.attempts + 1,
                "problem": str(error),
            }
            workspace.record(Draft(action="projection.failed", subject=_subject(parcel), payload=payload))
            continue
        payload = {"key": parcel.key, "kind": parcel.kind, "target": parcel.target, **answer}
        draft = Draft(action="projection.delivered", subject=_subject(parcel), payload=payload)
        workspace.journal.delivered(parcel, draft, actor=workspace.actor())
    return tuple(problems.values())


def _send(workspace: Workspace, parcel: Parcel) -> dict[str, object]:
    if parcel.target == "mlflow":
        from jupyter_mlgov.integrations.mlflow import MlflowProjector
        from jupyter_mlgov.workspace.uncommitted import keep

        if parcel.payload.get("model_digest"):
            keep(workspace, str(parcel.payload.get("notebook")), str(parcel.payload.get("session")))

        artifacts = "" if workspace.settings.tracking_uri else str(workspace.root / ".mlgov" / "mlartifacts")
        unsigned: list[str] = []
        projector = MlflowProjector(workspace.tracking_uri, artifacts, sign=lambda folder: _sign(workspace, folder, unsigned))
        answer = dict(projector.deliver(parcel, workspace.objects))
        return {**answer, "unsigned": unsigned[0]} if unsigned else answer
    if parcel.target == "openlineage":
        from jupyter_mlgov.integrations.openlineage import OpenLineageSender

        # A target that was taken out of the settings since: what waits for it is told to whoever OpenLineage's own settings name.
        return OpenLineageSender(workspace.settings.openlineage or "auto", workspace.root).deliver(parcel)
    if parcel.target == "notify":
        from jupyter_mlgov.integrations.notify import deliver as tell

        return tell(parcel, workspace.settings.notify, workspace.settings.notify_allow)
    return tracking.deliver(workspace, parcel)


def _sign(workspace: Workspace, folder: Path, unsigned: list[str]) -> None:
    """Sign a model's files. One that cannot be signed is registered all the same, says so, and cannot be loaded through us."""
    from jupyter_mlgov.workspace.model_keys import sign_folder

    try:
        sign_folder(workspace, folder)
    except MlgovError as error:
        unsigned.append(str(error))


def _subject(parcel: Parcel) -> str:
    return str(parcel.payload.get("model") or parcel.payload.get("path") or parcel.payload.get("notebook") or parcel.key)
