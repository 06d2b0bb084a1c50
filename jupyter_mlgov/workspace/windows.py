"""A window as a subject: rows of a file, a Delta table, a warehouse or our own log of predictions, and what is odd about them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_mlgov.core.errors import BadInput
from jupyter_mlgov.promotion.since import log_time

if TYPE_CHECKING:
    from jupyter_mlgov.audit.entries import AuditEntry
    from jupyter_mlgov.validation.records import Records
    from jupyter_mlgov.validation.subjects import Subject
    from jupyter_mlgov.workspace.composition import Workspace
    from jupyter_mlgov.workspace.watched import Running

AHEAD = timedelta(days=1)  # clocks of feeds differ; a row beyond it is from no past
MOST_NAME = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Where the rows of a window are: a Path (Parquet, CSV, a Delta folder), a frame, an Arrow or Ibis table, a Warehouse.

    `notes` say what was odd when it was put together.
    """

    source: object
    name: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A window that can be judged; `begin` and `end` are the times of its oldest and newest row, None where no column says."""

    subject: Subject
    name: str
    begin: datetime | None
    end: datetime | None
    notes: tuple[str, ...]


def window_of(source: object, name: str = "") -> Window:
    """A window from whatever names its rows."""
    if isinstance(source, Window):
        return replace(source, name=name or source.name)
    source = _newest(source) if isinstance(source, Path) else source
    called = name or (source.stem if isinstance(source, Path) else str(getattr(source, "name", "") or "window"))
    return Window(source=source, name=called[:MOST_NAME])


def _newest(path: Path) -> Path:
    """The last file by name of a folder that is no Delta table: a feed that writes a file a day. Raises BadInput for an empty one."""
    if not path.is_dir() or (path / "_delta_log").is_dir():
        return path
    files = sorted(one for one in path.iterdir() if one.suffix in (".parquet", ".csv") and not one.name.startswith("."))
    if not files:
        raise BadInput(f"{path} holds no window.", expected="Expected Parquet or CSV files, or a Delta table.")
    return files[-1]


def open_window(workspace: Workspace, now: Running, window: Window) -> Opened:
    """The window with the kept profile of the version as its reference.

    Raises BadInput for one that cannot be read, has no row, or has rows of the future.
    """
    from jupyter_mlgov.validation.tables import table_subject
    from jupyter_mlgov.workspace.reference import path_of, reference_of

    source, roles = window.source, now.team.roles
    if isinstance(source, Path) and not source.exists():
        raise BadInput(
            f"{source} is not there.", expected="Expected a Parquet or CSV file, or a Delta folder, with the rows of the window."
        )
    subject = table_subject(source, roles, now.move.model)
    if subject.ref.rows == 0:
        raise BadInput(f"{window.name} has no row.", expected="A window without a row is silence, not health.")
    reference = path_of(workspace, reference_of(workspace, now.move, roles))
    begin, end = _span(subject)
    moment = log_time(workspace.journal.entries(actions=("monitor.ran",), subject=now.move.model), workspace.clock.now())
    if end is not None and end > moment + AHEAD:
        raise BadInput(
            f"The newest row of {window.name} is from {end:%Y-%m-%d %H:%M} UTC, and now is {moment:%Y-%m-%d %H:%M} UTC.",
            expected="Rows of the future are a wrong clock, unit or time zone.",
            next=f"Mend the column {roles.time}, then run again.",
        )
    subject = replace(
        subject,
        reference_path=reference,
        split_paths=_rows_of_reference(workspace, now),
        records=_earlier(workspace, now),
        tier=now.team.tier,
        scope=now.team.scope,
        register=now.team.register,
        folder=workspace.root,
    )
    return Opened(subject=subject, name=window.name, begin=begin, end=end, notes=window.notes)


def overlaps(entries: tuple[AuditEntry, ...], version: str, begin: datetime | None, end: datetime | None, table: object) -> tuple[str, ...]:
    """The earlier windows of this version whose times overlap with these, in words; the same rows are no overlap."""
    if begin is None or end is None:
        return ()
    found = []
    for entry in entries:
        first, last = _time(entry.payload.get("from")), _time(entry.payload.get("to"))
        if entry.payload.get("version") != version or first is None or last is None or entry.payload.get("table") == table:
            continue
        if first < end and begin < last:
            found.append(
                f"It overlaps with window {entry.payload.get('window')} ({first:%Y-%m-%d} to {last:%Y-%m-%d}): rows count in both."
            )
    return tuple(dict.fromkeys(found))


def _time(value: object) -> datetime | None:
    try:
        return datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _span(subject: Subject) -> tuple[datetime | None, datetime | None]:
    """Times of the oldest and newest row in UTC; a time without a zone is taken for UTC."""
    name, table = subject.roles.time, subject.table
    if not name or name not in table.columns or not table[name].type().is_temporal() or table[name].type().is_time():
        return None, None
    x = table.select(t=table[name])
    zone = getattr(table[name].type(), "timezone", None)
    first, last = (x.t.min(), x.t.max())
    if zone is None:
        first, last = first.cast("timestamp"), last.cast("timestamp")
    row = subject.ask(x.agg(a=first, b=last)).rows[0]
    return _utc(row["a"]), _utc(row["b"])


def _utc(value: object) -> datetime | None:
    if not isinstance(value, datetime):
        return None
    return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)


def _rows_of_reference(workspace: Workspace, now: Running) -> Mapping[str, Path]:
    """The reference's own rows where they are kept still and Evidently was asked for: it takes no profile."""
    from jupyter_mlgov.core.errors import MlgovError
    from jupyter_mlgov.workspace.reference import kept_table

    if not now.team.parameters.get("monitor.drift", {}).get("evidently"):
        return {}
    try:
        _, stored = kept_table(workspace, now.move, now.team.roles)
        return {"reference": workspace.objects.path(stored)}
    except MlgovError:
        return {}


def _earlier(workspace: Workspace, now: Running) -> Records:
    from jupyter_mlgov.validation.records import Act, Records

    acts = tuple(
        Act(action=one.action, subject=one.subject, actor=one.actor, time=one.time, payload=one.payload, entry=one.digest)
        for one in workspace.journal.entries(actions=("monitor.ran",), subject=now.move.model)
    )
    return Records(now=workspace.clock.now(), model=now.move.model, acts=acts[-100:])
