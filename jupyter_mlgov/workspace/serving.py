"""One replica of `mlgov serve`: it reads the trail, puts the right versions on the field, and tells the trail what it did."""

from __future__ import annotations

import os
import queue
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_mlgov.audit.entries import AuditEntry, Draft
from jupyter_mlgov.core.errors import MlgovError, NotReady, UsageError, unknown
from jupyter_mlgov.promotion.intended import intended
from jupyter_mlgov.rollout.serving.arms import Arm
from jupyter_mlgov.rollout.serving.field import MOVING, Field, pinned
from jupyter_mlgov.rollout.serving.field import field as folded
from jupyter_mlgov.rollout.serving.lineup import Lineup
from jupyter_mlgov.rollout.serving.records import PredictionLog, Privacy, Sink, parquet_sink
from jupyter_mlgov.rollout.serving.rules import ServingRules, read_rules
from jupyter_mlgov.rollout.serving.service import Meter, Service, Terms
from jupyter_mlgov.workspace.killing import stopped
from jupyter_mlgov.workspace.vouching import VOUCHING, Wanted, vouched_arm

if TYPE_CHECKING:
    from jupyter_mlgov.core.team import Team
    from jupyter_mlgov.workspace.composition import Workspace

LOOK = 0.5  # seconds between two looks at the trail: a kill reaches every replica in a fraction of its five seconds
AGAIN = 30.0  # seconds until a version that could not be loaded is tried again


@dataclass(slots=True)
class Seat:
    """One served model here: its service, what the trail was last seen to say, and the versions that are loaded."""

    model: str
    stage: str
    rules: ServingRules
    team: Team
    service: Service
    pin: str = ""
    entries: list[AuditEntry] = field(default_factory=list)
    arms: dict[tuple[str, str], Arm] = field(default_factory=dict)
    refused: dict[tuple[str, str], tuple[float, str]] = field(default_factory=dict)
    tripped: str = ""
    killed: str = ""
    started: set[str] = field(default_factory=set)


class Replica:
    """The seats of one process. `look()` is called at the start and then by a thread of its own, until `close()`."""

    def __init__(self, workspace: Workspace, names: tuple[str, ...], meter: Callable[[str], Meter], *, bucket: str = "") -> None:
        self.workspace = workspace
        self.id = secrets.token_hex(8)
        self.endpoint = ""
        self.whole = True
        self._seen, self._sight = 0, time.monotonic()
        self._drafts: queue.SimpleQueue[Draft | None] = queue.SimpleQueue()
        self.untold = 0
        self._call: Callable[[Callable[[], None]], None] = lambda act: act()
        self._ended = threading.Event()
        self._threads: list[threading.Thread] = []
        self.seats = {seat.model: seat for seat in (_seat(workspace, name, meter, self.tell, bucket) for name in names)}

    @property
    def services(self) -> Mapping[str, Service]:
        return {name: seat.service for name, seat in self.seats.items()}

    # -- the trail ----------------------------------------------------------------------------------------------------

    def tell(self, model: str, action: str, facts: Mapping[str, object]) -> None:
        """Put an act into the trail soon, from a thread of its own: no request waits for the database."""
        self.untold += 1
        self._drafts.put(Draft(action=action, subject=model, payload={**facts, "replica": self.id}))

    def _told(self) -> None:
        while (draft := self._drafts.get()) is not None:
            while True:
                try:
                    self.workspace.personal.append([draft], actor=self.workspace.actor())
                    break
                except MlgovError:
                    if self._ended.wait(1.0):
                        return  # the process ends and the trail takes nothing: `untold` says how much is lost
            self.untold -= 1

    def look(self, *, first: bool = False) -> None:
        """Read what is new in the trail, and put the right versions on the field. `first`: raises what stands in the way."""
        try:
            # Raw order matters, and a replica that lost sight must not guess: everything since the last look, or nothing.
            fresh = list(self.workspace.personal.entries(after=self._seen, actions=(*MOVING, *VOUCHING)))
        except MlgovError as error:
            if first:
                raise
            self._blinded(str(error.what))
            fresh = []
        else:
            self._sight = time.monotonic()
            self._blinded("")
        if fresh:
            self._seen = fresh[-1].seq
        for seat in self.seats.values():
            seat.entries += [entry for entry in fresh if entry.subject == seat.model]
            self._seated(seat, first=first)

    def _blinded(self, why: str) -> None:
        for seat in self.seats.values():
            dark = why and time.monotonic() - self._sight > seat.rules.blind
            said = f"The trail could not be read for {seat.rules.blind:g} s, so nobody knows who may answer: {why}" if dark else ""
            self._call(lambda seat=seat, said=said: setattr(seat.service, "blind", said))  # type: ignore[misc]  # bound now

    def _seated(self, seat: Seat, *, first: bool) -> None:
        now = folded(seat.entries, seat.model, seat.stage, seat.rules.switch)
        now = pinned(now, seat.pin) if seat.pin else now
        halted = stopped(self.workspace.root, seat.model) or now.killed
        if halted and not seat.killed:
            # The switch first: nothing is loaded or looked at before it holds.
            self._call(lambda: seat.service.place(replace(seat.service.lineup, killed=halted)))
            self.tell(seat.model, "killswitch.obeyed", {"endpoint": self.endpoint, "reason": halted[:300]})
        seat.killed = halted
        lineup = self._lineup(seat, now, halted, first=first)
        if lineup != seat.service.lineup:
            self._call(lambda: seat.service.place(lineup))
            self._started(seat, lineup)
        if now.tripped != seat.tripped:
            seat.tripped = now.tripped
            act = (lambda: seat.service.trip(now.tripped)) if now.tripped else (lambda: seat.service.untrip("by order"))
            self._call(act)

    def _lineup(self, seat: Seat, now: Field, halted: str, *, first: bool) -> Lineup:
        problems: list[str] = []

        def arm(version: str, model: str = "", stage: str = "") -> Arm | None:
            if not version:
                return None
            if not model and version in now.refuted:
                problems.append(f"What version {version} of {seat.model} rests on was refuted, so it answers nobody.")
                return None
            found, why = self._arm(seat, model or seat.model, version, stage or seat.stage)
            if why:
                problems.append(why)
            return found

        champion = arm(now.champion)
        if champion is not None and champion.vouched.traffic < 1 and not now.canary and not seat.pin:
            # An approval for a part of the traffic lets nobody answer all of it: that is a canary's, or the one before goes on.
            most = champion.vouched.traffic * 100
            problems.append(
                f"The approval of version {now.champion} of {seat.model} allows {most:g} % of the traffic, and nobody answers the rest."
            )
            champion = arm(now.kept)
        if champion is None and now.champion not in now.refuted:
            champion = seat.arms.get((seat.model, now.kept))  # it answers until now and goes on; a start never begins with it
        name, stage, version = self._baseline(seat)
        baseline = arm(version, name, stage) if version and now.champion else None
        if first and champion is None and baseline is None and not halted:
            which = f"version {seat.pin}" if seat.pin else "any version"
            said = problems[0] if problems else f"No decision that stands lets {which} of {seat.model} into {seat.stage}."
            raise NotReady(said, next="" if problems else f"Ask for it: `mlgov promote {seat.stage}`.")
        challenger = arm(now.challenger)
        if now.challenger and challenger is None:
            now = replace(now, share=0.0, shadow=False)
        share = now.share
        if challenger is not None and share > challenger.vouched.traffic * 100:
            facts = {"limit": "traffic", "value": share / 100, "allowed": challenger.vouched.traffic, "version": now.challenger}
            share = challenger.vouched.traffic * 100
            if seat.service.lineup.share != share:
                self.tell(seat.model, "limits.breached", facts)
        wanted = {(seat.model, one.vouched.version) for one in (champion, challenger) if one is not None}
        wanted |= {(name or seat.model, version)} if baseline is not None else set()
        for key in [key for key in seat.arms if key not in wanted]:
            del seat.arms[key]
        return Lineup(
            champion=champion,
            challenger=challenger,
            baseline=baseline,
            share=share if challenger is not None else 0.0,
            shadow=now.shadow and challenger is not None,
            canary=now.canary,
            step=now.step,
            killed=halted,
            pod=now.pod,
        )

    def _arm(self, seat: Seat, model: str, version: str, stage: str) -> tuple[Arm | None, str]:
        """(the loaded version, why it is not). One that could not be loaded is tried again after a while."""
        key = (model, version)
        if key in seat.arms:
            return seat.arms[key], ""
        applied = any(entry.action == "promotion.applied" and entry.payload.get("version") == version for entry in seat.entries)
        if model == seat.model and not applied:
            return None, f"Version {version} of {model} was let in, and its promotion is not finished."
        tried = seat.refused.get(key)
        if tried and time.monotonic() - tried[0] < AGAIN:
            return None, tried[1]
        also = tuple(dict.fromkeys(filter(None, (seat.rules.entity, seat.team.roles.key, seat.team.roles.time, *seat.rules.groups))))
        wanted = Wanted(
            model=model,
            version=version,
            stage=stage,
            favourable=seat.team.roles.favourable or "1",
            also=also,
        )
        try:
            seat.arms[key] = vouched_arm(self.workspace, wanted)
        except MlgovError as error:
            if not tried or tried[1] != str(error):
                self.tell(seat.model, "serving.refused", {"version": version, "problem": str(error)[:500], "model": model})
            seat.refused[key] = time.monotonic(), str(error)
            return None, str(error)
        seat.refused.pop(key, None)
        return seat.arms[key], ""

    def _baseline(self, seat: Seat) -> tuple[str, str, str]:
        """(model, stage, version) that stands in: a version of the same model, or what is in a stage of another one."""
        said = seat.rules.baseline
        if "@" not in said:
            return "", "", said
        name, _, stage = said.partition("@")
        try:
            found = intended(tuple(self.workspace.personal.entries(actions=MOVING[:3], subject=name)), name, stage)
        except MlgovError:
            return "", "", ""
        return (name, stage, found.version) if found is not None else ("", "", "")

    def _started(self, seat: Seat, lineup: Lineup) -> None:
        """`rollout.started` once a version, behind the limits it starts under."""
        from jupyter_mlgov.workspace.limits import started

        for arm in (lineup.champion, lineup.challenger):
            if arm is not None and arm.vouched.version not in seat.started:
                seat.started.add(arm.vouched.version)
                for draft in started(self.workspace, seat.team, arm.vouched):
                    self.tell(seat.model, draft.action, draft.payload)

    # -- its life -----------------------------------------------------------------------------------------------------

    def begin(self, call: Callable[[Callable[[], None]], None], endpoint: str) -> None:
        """Watch from now on; `call` runs an act in the event loop of the services.

        Raises StorageProblem where the trail does not take that this replica is here: one that nobody knows of could not be stopped.
        """
        self.endpoint = endpoint
        for seat in self.seats.values():
            facts = {"endpoint": endpoint, "stage": seat.stage, "pid": os.getpid(), "replica": self.id, "pin": seat.pin}
            here = Draft(action="endpoint.serving", subject=seat.model, payload=facts)
            self.workspace.personal.append([here], actor=self.workspace.actor())
        self._call = call
        self._threads = [threading.Thread(target=target, daemon=True, name="mlgov-trail") for target in (self._told, self._watch)]
        for thread in self._threads:
            thread.start()

    def _watch(self) -> None:
        while not self._ended.wait(LOOK):
            try:
                self.look()
            except Exception as error:  # noqa: BLE001 # the watch must not die: a replica that no longer looks is blind, and says so
                self._blinded(f"{type(error).__name__}: {error}"[:200])

    def end(self) -> bool:
        """Flush, and tell the trail that this endpoint is gone. False where predictions or acts were lost."""
        closed = [seat.service.close() for seat in self.seats.values()]  # every one, also behind one that lost something
        whole = all(closed)
        for seat in self.seats.values():
            self.tell(
                seat.model, "endpoint.gone", {"endpoint": self.endpoint, "unwritten": seat.service.log.waiting if seat.service.log else 0}
            )
        self._drafts.put(None)
        if self._threads:
            self._threads[0].join(timeout=5)
        self._ended.set()
        self.whole = whole and self.untold == 0
        return self.whole


def _seat(
    workspace: Workspace, name: str, meter: Callable[[str], Meter], tell: Callable[[str, str, Mapping[str, object]], None], bucket: str
) -> Seat:
    model, _, rest = name.partition("@")
    asked, _, pin = rest.partition(":")
    _, team = workspace.decided(model)
    stage = {"champion": team.stages[-1]}.get(asked, asked) or team.stages[-1]
    if stage not in team.stages[1:]:
        raise unknown("stage", stage, team.stages[1:], next=f"For instance `mlgov serve {model}@{team.stages[-1]}`.")
    if bucket and not pin:
        raise UsageError(
            f"A router splits the traffic between replicas of one version each, and {name} names no version.",
            next=f"For instance `mlgov serve {model}@{stage}:7 --bucket {bucket}`; without --bucket the split is made here.",
        )
    rules = read_rules(team.register)
    terms = Terms(model=model, rules=rules, words=_words(team), cutoff=_cutoff(team), routed=bool(pin), bucket=bucket.lower())
    log = _log(workspace, model, team, rules)
    service = Service(terms, clock=workspace.clock, meter=meter(model), log=log, tell=lambda action, facts: tell(model, action, facts))
    return Seat(model=model, stage=stage, rules=rules, team=team, service=service, pin=pin)


def _words(team: Team) -> dict[str, str]:
    from jupyter_mlgov.rollout.serving.reasons import words_of

    return words_of(team.register)


def _cutoff(team: Team) -> float | None:
    if not team.roles.cutoff:
        return None
    try:
        return float(team.roles.cutoff)
    except ValueError:
        raise UsageError(f"cutoff in [subject] is {team.roles.cutoff!r}, which is no number.", next="Mend mlgov.toml.") from None


def predictions_folder(root: Path, model: str) -> Path:
    """Where the predictions of a model are logged, whatever its name: a folder of its own, also for a model called `..`."""
    from urllib.parse import quote

    name = quote(model, safe="")
    return root / ".mlgov" / "predictions" / (name if name.strip(".") else name.replace(".", "%2E"))


def _log(workspace: Workspace, model: str, team: Team, rules: ServingRules) -> PredictionLog | None:
    if rules.log == "none":
        return None
    folder = predictions_folder(workspace.root, model)
    sink: Sink = parquet_sink(folder, workspace.clock)
    if rules.log == "delta":
        from jupyter_mlgov.integrations.delta import appender

        sink = appender(folder)
    personal = frozenset((*team.roles.declared_personal, *filter(None, (rules.entity, team.roles.key))))
    keyed = personal if rules.personal == "key" else frozenset()
    privacy = Privacy(key=_key(workspace.root), dropped=personal - keyed, keyed=keyed, groups=rules.groups)
    return PredictionLog(sink, privacy, batch=rules.batch, seconds=rules.seconds, most=rules.most)


def _key(root: Path) -> bytes:
    """The key under which entities are written; made once, mode 0600. Without it nobody finds a person in the log."""
    folder = root / ".mlgov" / "keys"
    path = folder / "predictions.key"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0), 0o600)
    except FileExistsError:
        return bytes.fromhex(path.read_text("ascii"))
    with os.fdopen(handle, "w") as stream:
        stream.write(secrets.token_hex(32))
    return bytes.fromhex(path.read_text("ascii"))
