"""What is, folded from what happened: the last session of a notebook with its cell runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Literal, cast

from jupyter_mlgov.audit.entries import AuditEntry
from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.core.errors import StorageProblem
from jupyter_mlgov.lineage.environment import read_environment
from jupyter_mlgov.lineage.facts import (
    CellRun,
    CodeState,
    FileRef,
    Fingerprint,
    Lineage,
    ObjectRef,
    Outcome,
    Session,
    SourceRef,
    Step,
    Surroundings,
)
from jupyter_mlgov.lineage.process import is_dead
from jupyter_mlgov.lineage.steps import step_statuses

NO_END = "its end was not recorded"
REPEATED = "mlgov-repeated"  # a tag that pipelines/stepbook.py puts on what other steps of the notebook run too
# What is told of a run after it ended, and which of its fields that replaces.
_LATER = {"cell.measured": ("outputs", "writes"), "cell.hashed": ("files_read", "files_written", "gaps")}


def fold(entries: Iterable[AuditEntry], notebook: str, *, dead: Callable[[Mapping[str, object]], bool] = is_dead) -> Lineage:
    """The last session of `notebook` in these entries; steps are judged among the cells that ran.

    A run without an end is `killed` when its session ended, its process is gone (`dead`), or a later
    cell of its session began; else it is `running`. Raises StorageProblem for a payload that
    is not what the recorder writes.
    """
    session: Mapping[str, Any] | None = None
    runs: dict[str, Mapping[str, Any]] = {}
    pipelines: dict[str, tuple[Mapping[str, Any], dict[str, Mapping[str, Any]]]] = {}
    living: dict[str, Mapping[str, Any]] = {}
    steps: dict[str, str] = {}
    for entry in entries:
        if entry.subject != notebook:
            continue
        payload = cast("Mapping[str, Any]", entry.payload)
        if entry.action == "session.started":
            token = payload.get("pipeline")
            steps = {**steps, str(payload.get("id")): str(payload.get("step", ""))} if token else {}
            session, runs = pipelines.setdefault(token, (payload, {})) if token else (payload, {})
            living = {**living, str(payload.get("id")): payload} if runs else {str(payload.get("id")): payload}
        elif session is None or (payload.get("session") != session.get("id") and payload.get("session") not in living):
            continue
        elif entry.action == "session.described":
            if payload.get("session") == session.get("id"):
                session = {**session, "environment": {**session["environment"], **cast("Mapping[str, Any]", payload["environment"])}}
        elif entry.action == "session.ended":
            living[str(payload.get("session"))] = {}
        elif entry.action == "cell.started":
            runs.setdefault(str(payload.get("id")), payload)
        elif entry.action == "cell.finished":
            runs[str(payload.get("id"))] = payload
        elif entry.action in _LATER and str(payload.get("id")) in runs:
            known = str(payload.get("id"))
            runs[known] = {**runs[known], **{name: payload[name] for name in _LATER[entry.action]}}
    if session is None:
        return Lineage(notebook=notebook, session=None, runs=(), steps=())
    try:
        gone = frozenset(one for one, start in living.items() if not start or dead(start.get("process") or {}))
        told = _ended([read_run(run) for run in runs.values()], gone)
        fact = read_session(session)
        told = _joined(told, steps) if fact.pipeline else told
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise StorageProblem(
            f"The record of {notebook} is not in a form this program knows ({type(error).__name__}: {error}).",
            next="Run `mlgov audit verify`; a newer jupyter_mlgov may have written it.",
        ) from None
    return Lineage(notebook=notebook, session=fact, runs=told, steps=step_statuses(told, _cells(told)))


def _ended(runs: list[CellRun], gone: frozenset[str]) -> tuple[CellRun, ...]:
    """`gone`: sessions that ended or whose process did. A session runs one cell at a time, so only its last run can be running."""
    last = {run.session: place for place, run in enumerate(runs)}
    return tuple(
        replace(run, outcome=Outcome.KILLED, gaps=(*run.gaps, NO_END))
        if run.outcome is Outcome.RUNNING and (run.session in gone or place < last[run.session])
        else run
        for place, run in enumerate(runs)
    )


def _joined(runs: Iterable[CellRun], steps: Mapping[str, str]) -> tuple[CellRun, ...]:
    """The sessions of one pipeline run as one; `steps` maps a session to its step, of which the last session counts.

    What sets the scene of several steps again (`mlgov-repeated`) counts once.
    """
    last = {step: session for session, step in steps.items()}
    runs = [run for run in runs if last.get(steps.get(run.session, "")) == run.session]
    kept = [run for run in runs if REPEATED not in run.tags or run.outcome is not Outcome.OK]
    return tuple(replace(run, order=place) for place, run in enumerate(kept, 1))


def _cells(runs: Iterable[CellRun]) -> tuple[tuple[str, Step | None, Digest | None], ...]:
    last = {run.cell_id: run.step for run in runs}
    return tuple((cell_id, step, None) for cell_id, step in last.items())


def read_run(payload: Mapping[str, Any]) -> CellRun:
    """The run that `plain()` made this payload of. Unknown fields are left out, missing ones have their defaults."""
    return CellRun(
        id=payload["id"],
        session=payload["session"],
        notebook=payload["notebook"],
        cell_id=payload["cell_id"],
        order=payload["order"],
        started=datetime.fromisoformat(payload["started"]),
        source_digest=Digest(payload["source_digest"]),
        step=Step(kind=payload["step"]["kind"], name=payload["step"]["name"]) if payload.get("step") else None,
        tags=tuple(payload.get("tags", ())),
        reads=tuple(payload.get("reads", ())),
        writes=tuple(payload.get("writes", ())),
        imports=tuple(payload.get("imports", ())),
        files_read=tuple(_file(ref) for ref in payload.get("files_read", ())),
        files_written=tuple(_file(ref) for ref in payload.get("files_written", ())),
        inputs=tuple(_object(ref) for ref in payload.get("inputs", ())),
        outputs=tuple(_object(ref) for ref in payload.get("outputs", ())),
        parameters=dict(payload.get("parameters", {})),
        metrics={name: float(value) for name, value in payload.get("metrics", {}).items()},
        duration_ms=float(payload.get("duration_ms", 0.0)),
        outcome=Outcome(payload.get("outcome", "running")),
        error=payload.get("error", ""),
        distributions=tuple(payload.get("distributions", ())),
        gaps=tuple(payload.get("gaps", ())),
        meaning=str(payload.get("meaning", "")),
        deleted=tuple(payload.get("deleted", ())),
        changed=tuple(payload.get("changed", ())),
        surroundings=_surroundings(payload.get("surroundings") or {}),
        sources_read=tuple(_source(ref) for ref in payload.get("sources_read", ())),
        sources_written=tuple(_source(ref) for ref in payload.get("sources_written", ())),
    )


def read_session(payload: Mapping[str, Any]) -> Session:
    """The session that `plain()` made this payload of."""
    code = payload.get("code") or {}
    return Session(
        id=payload["id"],
        notebook=payload["notebook"],
        host=cast("Literal['jupyterlab', 'papermill', 'ipython']", payload["host"]),
        started=datetime.fromisoformat(payload["started"]),
        environment=read_environment(payload["environment"]),
        code=CodeState(
            commit=code.get("commit", ""),
            dirty=tuple(code.get("dirty", ())),
            problem=code.get("problem", ""),
            diff=_digest(code.get("diff")),
            left_out=tuple(code.get("left_out", ())),
        ),
        pipeline=payload.get("pipeline", ""),
        step=payload.get("step", ""),
    )


def _surroundings(payload: Mapping[str, Any]) -> Surroundings:
    return Surroundings(**{name: tuple(payload[name]) for name in Surroundings.__slots__ if payload.get(name)})


def _file(payload: Mapping[str, Any]) -> FileRef:
    return FileRef(path=payload["path"], digest=_digest(payload.get("digest")), size=payload.get("size", -1))


def _source(payload: Mapping[str, Any]) -> SourceRef:
    return SourceRef(
        system=payload["system"],
        name=payload["name"],
        version=payload["version"],
        digest=_digest(payload.get("digest")),
        facts=dict(payload.get("facts", {})),
    )


def _object(payload: Mapping[str, Any]) -> ObjectRef:
    found = payload.get("fingerprint")
    return ObjectRef(
        name=payload["name"],
        kind=cast("Literal['table', 'array', 'model']", payload["kind"]),
        fingerprint=_fingerprint(found) if found else None,
        stored=_digest(payload.get("stored")),
        note=payload.get("note", ""),
    )


def _fingerprint(payload: Mapping[str, Any]) -> Fingerprint:
    return Fingerprint(
        method=payload["method"],
        root=Digest(payload["root"]),
        columns={name: Digest(root) for name, root in payload.get("columns", {}).items()},
        schema=dict(payload.get("schema", {})),
        rows=payload.get("rows", -1),
    )


def _digest(text: str | None) -> Digest | None:
    return Digest(text) if text else None
