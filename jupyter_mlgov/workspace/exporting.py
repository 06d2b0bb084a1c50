"""The record as Prometheus reads it: folded once, then only what is new is read; written to a page, a file, and by a process of its own."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

from jupyter_mlgov._version import __version__
from jupyter_mlgov.audit.entries import AuditEntry
from jupyter_mlgov.core.clock import stamp
from jupyter_mlgov.core.errors import BadInput, MlgovError, NotReady, UsageError
from jupyter_mlgov.core.team import TEAM_FILE
from jupyter_mlgov.monitoring.families import FAMILIES
from jupyter_mlgov.monitoring.plan import plan_of
from jupyter_mlgov.monitoring.samples import Bound, Row, Terms, Told, moment, page, rows_of
from jupyter_mlgov.monitoring.standing import ACTIONS, Standing, told
from jupyter_mlgov.promotion.since import LogClock

if TYPE_CHECKING:
    from jupyter_mlgov.workspace.composition import Workspace

SHAPES = tuple((one.name, one.help, one.labels, one.kind) for one in FAMILIES)
SETBACK = "clock.setback"
FINDINGS = ("monitor.ran", "evidence.refuted", "finding.settled")
LEAST = 16  # characters of a secret


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kept:
    """What was told of a model, and what it rested on."""

    standing: Standing
    terms: Terms
    killed: bool
    told: Told


class Exporter:
    """The page of one workspace. Its lock lets one scrape read at a time; `verify()` looks at the whole trail and takes longer."""

    def __init__(self, workspace: Workspace, bound: Bound | None = None) -> None:
        self._workspace, self._bound = workspace, bound or Bound()
        self._standings: dict[str, Standing] = {}
        self._kept: dict[str, _Kept] = {}
        self._terms: dict[Path, tuple[tuple[int, int], Terms]] = {}
        self._seq = 0
        self._ahead = timedelta()
        self._own: dict[str, LogClock] = {}
        self._latest: datetime | None = None
        self._verified: tuple[bool, datetime] | None = None
        self._lock = threading.Lock()

    def text(self) -> bytes:
        """The page. Raises NotReady without the extra `serve`."""
        try:
            from jupyter_mlgov.integrations.serving.telling import text
        except ImportError:
            raise _extra() from None
        return text(SHAPES, self.rows())

    def rows(self) -> list[Row]:
        """Every row. A record that cannot be read is told as such, with no model: yesterday's figures would look like today's."""
        with self._lock:
            start = time.perf_counter()
            try:
                rows, readable = self._models(), 1
            except MlgovError:
                rows, readable = [], 0
            spent = time.perf_counter() - start
        rows.append(("mlgov_record_readable", (), readable))
        rows.append(("mlgov_record_entries", (), self._seq))
        rows.append(("mlgov_record_read_timestamp_seconds", (), self._workspace.clock.now().timestamp()))
        rows.append(("mlgov_exporter_read_seconds", (), spent))
        rows.append(("mlgov_exporter_info", (__version__,), 1))
        if self._verified is not None:
            rows.append(("mlgov_trail_verifies", (), self._verified[0]))
            rows.append(("mlgov_trail_verified_timestamp_seconds", (), self._verified[1].timestamp()))
        return rows

    def verify(self) -> bool:
        """Look at the whole trail, for the next page. Anchors are not asked: a scrape is no reason to go on the network."""
        from jupyter_mlgov.workspace.trail import verify

        try:
            good = verify(self._workspace, ask_anchors=False).ok
        except MlgovError:
            good = False
        self._verified = (good, self._workspace.clock.now())
        return good

    def _models(self) -> list[Row]:
        self._advance()
        now = self._workspace.clock.now() + self._ahead
        now = max(now, self._latest) if self._latest else now
        folder = self._workspace.root / ".mlgov" / "killed"
        killed = {unquote(path.stem) for path in folder.glob("*.json")}
        seen: dict[Path, Terms] = {}
        for model, standing in self._standings.items():
            terms = self._terms_of(standing, seen)
            kept, stopped = self._kept.get(model), model in killed
            fresh = kept and kept.standing is standing and kept.terms is terms and kept.killed == stopped
            if not (fresh and kept and (kept.told.until is None or now <= kept.told.until)):
                found = rows_of(standing, terms, now, stopped, self._bound)
                self._kept[model] = _Kept(standing=standing, terms=terms, killed=stopped, told=found)
        ordered = (self._kept[model].told for model in sorted(self._kept))
        rows = list(page(ordered, self._bound, self._ahead))
        rows.append(("mlgov_outbox_waiting", (), len(self._workspace.database.pending())))
        return rows

    def _advance(self) -> None:
        """Moments are kept by the log (promotion/since.LogClock): what a clock was set back is added to all that came after it."""
        head = self._workspace.database.head()[0]
        for entry in self._workspace.database.entries(after=self._seq, actions=(*ACTIONS, SETBACK)):
            self._seq = entry.seq
            if entry.action == SETBACK:
                self._ahead += _seconds(entry.payload.get("seconds"))
                continue
            entry = self._by_the_log(entry)
            self._latest = max(self._latest or entry.time, entry.time)
            known = self._standings.get(entry.subject)
            if known is None and entry.action == "alarm.raised":
                continue  # about the workspace, or about what is no model
            self._standings[entry.subject] = told(known or Standing(model=entry.subject), entry)
        self._seq = max(self._seq, head)

    def _by_the_log(self, entry: AuditEntry) -> AuditEntry:
        """Its moments by the whole log; a finding's deadline was written by the entries about that model alone (findings.log_moment)."""
        payload = entry.payload
        if entry.action in FINDINGS:
            own = self._own.setdefault(entry.subject, LogClock()).read(entry.time) - entry.time
            due = moment(payload.get("due"))
            payload = {**payload, "due": stamp(due - own + self._ahead)} if due else payload
        return replace(entry, time=entry.time + self._ahead, payload=payload)

    def _terms_of(self, standing: Standing, seen: dict[Path, Terms]) -> Terms:
        """What the team file says now, read again only where the file changed."""
        folder = self._workspace.path_of(standing.notebook).parent
        if folder not in seen:
            seen[folder] = self._read(folder, standing.notebook)
        return seen[folder]

    def _read(self, folder: Path, notebook: str) -> Terms:
        root = self._workspace.root
        file = next((one / TEAM_FILE for one in (folder, *folder.parents) if one == root or (one / TEAM_FILE).is_file()), root / TEAM_FILE)
        try:
            found = file.stat()
            state = (found.st_mtime_ns, found.st_size)
        except OSError:
            state = (0, -1)
        known = self._terms.get(file)
        if known is None or known[0] != state:
            known = (state, _terms(self._workspace, notebook))
            self._terms[file] = known
        return known[1]


def _seconds(value: object) -> timedelta:
    return timedelta(seconds=min(value, 10**10)) if isinstance(value, int) and value > 0 else timedelta()


def _terms(workspace: Workspace, notebook: str) -> Terms:
    from jupyter_mlgov.rollout.serving.rules import read_rules
    from jupyter_mlgov.validation.plugins import installed_validators

    try:
        team = workspace.team_for(notebook)
        plan = plan_of(team, installed_validators().ids)
        return Terms(team=team, plan=plan, canary=read_rules(team.register).switch == "canary")
    except MlgovError as error:
        return Terms(problem=error.what)


# -- the processes ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """Where to listen, and the secret that is asked for; empty: none."""

    host: str = "127.0.0.1"
    port: int = 0
    secret: str = ""


def secret_in(path: Path | None) -> str:
    """The first line of the file. Raises BadInput for a file that cannot be read or holds too little to be a secret."""
    if path is None:
        return ""
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{path} cannot be read: {error}.", next="Name the file that holds the secret.") from None
    secret = lines[0].strip() if lines else ""
    if len(secret) < LEAST or not secret.isascii() or not secret.isprintable():
        raise BadInput(
            f"{path} holds no secret of at least {LEAST} printable ASCII characters.", next=f"Make one: openssl rand -hex 32 > {path}"
        )
    return secret


def export(workspace: Workspace, door: Door, bound: Bound, every: float, say: Callable[[str], None]) -> None:
    """Answer scrapes until the process is told to stop; the trail is verified at once and then every so many seconds (0: never).

    Raises UsageError for an address that others reach where no secret is asked.
    """
    try:
        from jupyter_mlgov.integrations.serving.running import LOOPBACK, in_loop, listening, run
        from jupyter_mlgov.integrations.serving.telling import metrics_app
    except ImportError:
        raise _extra() from None
    if door.host not in LOOPBACK and not door.secret:
        raise UsageError(
            f"{door.host} is not loopback, and whoever reaches it would read which models have findings.",
            next="Add --token-file FILE, and give Prometheus the same file as `authorization.credentials_file`.",
        )
    exporter, ended = Exporter(workspace, bound), threading.Event()
    watch = threading.Thread(target=_verify_always, args=(exporter, ended, every), daemon=True, name="mlgov-verify")
    begin, end = in_loop(lambda _: watch.start(), ended.set)
    socket = listening(door.host, door.port)
    exporter.rows()  # the first reading takes longest, and no scrape waits for it
    say(f"The record of {workspace.root.name} is told at http://{door.host}:{socket.getsockname()[1]}/metrics")
    run(lambda: metrics_app(exporter.text, secret=door.secret, begin=begin, end=end), socket, grace=5)


def receive(workspace: Workspace, door: Door, say: Callable[[str], None]) -> None:
    """Take Alertmanager's messages until the process is told to stop. Raises UsageError without a secret."""
    try:
        from jupyter_mlgov.integrations.serving.running import in_loop, listening, run
        from jupyter_mlgov.integrations.serving.telling import alerts_app
    except ImportError:
        raise _extra() from None
    from jupyter_mlgov.workspace.alerting import Desk

    if not door.secret:
        raise UsageError("Whoever writes into the trail must show a secret.", next="Add --secret-file FILE.")
    desk = Desk(workspace)

    def take(document: object) -> dict[str, int]:
        done = desk.take(document)
        return {"recorded": done.recorded, "known": done.known}

    begin, end = in_loop(lambda _: None, lambda: None)
    socket = listening(door.host, door.port)
    say(f"Alerts are taken at http://{door.host}:{socket.getsockname()[1]}/alerts")
    run(lambda: alerts_app(take, secret=door.secret, begin=begin, end=end), socket, grace=5)


def _verify_always(exporter: Exporter, ended: threading.Event, every: float) -> None:
    while every > 0 and not ended.is_set():
        exporter.verify()
        ended.wait(every)


def _extra() -> NotReady:
    return NotReady("Telling Prometheus needs Starlette, uvicorn and prometheus-client.", next='Type: pip install "jupyter-mlgov[serve]"')


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A page that was written to a file. `verifies` is None where nobody looked at the trail."""

    size: int
    readable: bool
    verifies: bool | None


def textfile(workspace: Workspace, path: Path, bound: Bound, *, verify: bool) -> Written:
    """Write the page once, for a scheduler; also one that says that the record cannot be read."""
    try:
        from jupyter_mlgov.integrations.serving.telling import text, write
    except ImportError:
        raise _extra() from None
    exporter = Exporter(workspace, bound)
    verifies = exporter.verify() if verify else None
    rows = exporter.rows()
    content = text(SHAPES, rows)
    write(path, content)
    return Written(size=len(content), readable=("mlgov_record_readable", (), 1) in rows, verifies=verifies)
