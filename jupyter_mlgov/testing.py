"""Fakes, builders and assertions for tests of this package and of plug-ins. Each fake passes the contract suite of its port."""

from __future__ import annotations

import shutil
import weakref
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import mkdtemp
from typing import cast

from jupyter_mlgov.audit.entries import GENESIS, AuditEntry, Draft, clock_setback, link
from jupyter_mlgov.audit.journal import Parcel
from jupyter_mlgov.audit.merkle import leaf_hash, levels_over
from jupyter_mlgov.audit.stored import COLUMNS, restore, restore_parcel, store, store_parcel
from jupyter_mlgov.audit.tiles import Row
from jupyter_mlgov.core.actors import Actor
from jupyter_mlgov.core.clock import Clock
from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.core.errors import BadInput, StorageProblem
from jupyter_mlgov.core.verdicts import Severity, Verdict
from jupyter_mlgov.lineage.facts import CellRun, Environment, Fingerprint, ObjectRef, Outcome, Session, Step
from jupyter_mlgov.validation.checks import Check
from jupyter_mlgov.validation.results import CheckResult, Finding, PolicyRef, Report, RequirementResult, SubjectRef
from jupyter_mlgov.validation.subjects import Subject

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
ANA = Actor(id="ana@example.org", source="git", name="Ana")
BEN = Actor(id="ben@example.org", source="jupyter", name="Ben")


class FixedClock:
    """A clock that stands still until it is told to move, or moves by `step` after each look."""

    def __init__(self, moment: datetime = NOON, *, step: timedelta = timedelta(0)) -> None:
        self._moment, self._step = moment, step

    def now(self) -> datetime:
        moment = self._moment
        self._moment += self._step
        return moment

    def advance(self, by: timedelta) -> None:
        self._moment += by


class MemoryJournal:
    """The Journal port in memory. `rows` is its storage, open to tampering: one dict of columns an entry."""

    def __init__(self, clock: Clock | None = None) -> None:
        self.rows: list[dict[str, object]] = []
        self._clock = clock or FixedClock()
        self._outbox: dict[str, Mapping[str, object]] = {}

    def append(self, drafts: Sequence[Draft], *, actor: Actor, parcels: Sequence[Parcel] = ()) -> tuple[AuditEntry, ...]:
        seq, previous = self.head()
        entries: list[AuditEntry] = []
        moments = [self._clock.now() for _ in drafts]
        before = str(self.rows[-1]["time"]) if self.rows else ""
        setback = clock_setback(before, moments[0]) if drafts else None
        given = [(setback, moments[0])] if setback else []
        for draft, moment in [*given, *zip(drafts, moments, strict=True)]:
            entry = link(draft, seq=seq + 1, time=moment, actor=actor, previous=previous)
            entries.append(entry)
            seq, previous = entry.seq, entry.digest
        waiting = {parcel.key: store_parcel(parcel) for parcel in reversed(parcels)}
        self.rows.extend(dict(store(entry)) for entry in entries)
        for key, row in reversed(waiting.items()):
            self._outbox.setdefault(key, row)
        return tuple(entries[len(given) :])

    def ledger(self) -> MemoryLedger:
        return MemoryLedger(self.rows)

    def entries(self, *, after: int = 0, actions: Collection[str] = (), subject: str | None = None) -> Iterator[AuditEntry]:
        for row in self.rows[:]:
            number = row["seq"]
            wanted = (not actions or row["action"] in actions) and (subject is None or row["subject"] == subject)
            if wanted and not (after and isinstance(number, int) and number <= after):
                yield restore([row[name] for name in COLUMNS])

    def head(self) -> tuple[int, Digest]:
        if not self.rows:
            return 0, GENESIS
        return int(str(self.rows[-1]["seq"])), Digest(str(self.rows[-1]["digest"]))

    def pending(self) -> tuple[Parcel, ...]:
        return tuple(restore_parcel(list(row.values())) for row in self._outbox.values())

    def delivered(self, parcel: Parcel, draft: Draft, *, actor: Actor) -> None:
        if parcel.key in self._outbox:
            self.append([draft], actor=actor)
            del self._outbox[parcel.key]

    def failed(self, parcel: Parcel, problem: str) -> None:
        if parcel.key in self._outbox:
            waiting = restore_parcel(list(self._outbox[parcel.key].values()))
            tried = replace(waiting, attempts=waiting.attempts + 1, last_problem=problem[:2000])
            self._outbox[parcel.key] = store_parcel(tried)

    def damage(self) -> str:
        return ""

    def close(self) -> None:
        """Nothing to let go of."""


class MemoryLedger:
    """The Ledger port over the rows of a MemoryJournal. It has no tiles but those put into `tiles`."""

    def __init__(self, rows: list[dict[str, object]]) -> None:
        self.stored = rows
        self.tiles: dict[tuple[int, int], bytes] = {}

    def size(self) -> int:
        return len(self.stored)

    def rows(self, after: int, upto: int) -> Iterator[Row]:
        for row in self.stored[after:upto]:
            seq, *texts = [row[name] for name in COLUMNS]
            yield cast("Row", (seq, *(text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text for text in texts)))

    def leaves(self, start: int, stop: int) -> list[bytes]:
        return [bytes.fromhex(str(row["digest"]).removeprefix("sha256:")) for row in self.stored[start:stop]]

    def tile(self, level: int, index: int) -> bytes | None:
        return self.tiles.get((level, index))

    def roots(self, level: int, start: int, stop: int) -> list[bytes]:
        width = 256 ** (level + 1)
        stop = min(stop, len(self.stored) // width)
        return [levels_over([leaf_hash(leaf) for leaf in self.leaves(at * width, (at + 1) * width)])[-1][0] for at in range(start, stop)]

    def whole_tiles(self, level: int, start: int, stop: int) -> Iterator[tuple[bytes, bytes]]:
        for index in range(start, stop):
            if (found := self.tiles.get((level, index))) is not None:
                yield self.roots(level, index, index + 1)[0], found

    def place(self) -> str | None:
        return None


class MemoryObjects:
    """The ObjectStore port in memory; path() writes into a temporary folder. `contents` is open to tampering."""

    def __init__(self) -> None:
        self.contents: dict[Digest, bytes] = {}
        self._folder: Path | None = None

    def put(self, content: bytes) -> Digest:
        digest = Digest.of_bytes(content)
        self.contents[digest] = bytes(content)
        return digest

    def put_file(self, path: Path) -> Digest:
        try:
            return self.put(path.read_bytes())
        except OSError as error:
            raise BadInput(f"{path} cannot be read: {error.strerror}.") from None

    def get(self, digest: Digest) -> bytes:
        digest = Digest(digest)
        content = self.contents.get(digest)
        if content is None:
            raise StorageProblem(f"Object {digest.short} is not in the store.")
        if Digest.of_bytes(content) != digest:
            raise StorageProblem(f"Object {digest.short} was changed.")
        return content

    def path(self, digest: Digest) -> Path:
        if self._folder is None:
            self._folder = Path(mkdtemp(prefix="mlgov-objects-"))
            weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
        place = self._folder / digest.hex
        place.write_bytes(self.get(digest))
        return place


def digest(text: str) -> Digest:
    """A digest to stand for something: same text, same digest."""
    return Digest.of_text(text)


def table(name: str = "scored", *, rows: int = 100, columns: Sequence[str] = ("approve", "white"), content: str = "") -> ObjectRef:
    """A recorded table; another `content` gives it another fingerprint."""
    roots = {column: digest(f"{name}.{column} {content}") for column in columns}
    schema = dict.fromkeys(columns, "int64")
    return ObjectRef(
        name=name,
        kind="table",
        fingerprint=Fingerprint(method="mlgov-table-2", root=digest(f"{name} {content}"), columns=roots, schema=schema, rows=rows),
        stored=digest(f"{name} {content} parquet"),
    )


def cell_run(step: str = "", **changes: object) -> CellRun:
    """A cell run that went well; `step` is a label such as `train` or `train:champion`."""
    kind, _, name = step.partition(":")
    run = CellRun(
        id="run-1",
        session="session-1",
        notebook="credit.ipynb",
        cell_id="cell-1",
        order=1,
        started=NOON,
        source_digest=digest("x = 1"),
        step=Step(kind=kind, name=name) if step else None,
        tags=(f"mlgov:{step}",) if step else (),
        duration_ms=1.5,
        outcome=Outcome.OK,
    )
    return replace(run, **changes)  # type: ignore[arg-type] # a wrong field name is a TypeError in the test that used it


def session(**changes: object) -> Session:
    """A JupyterLab session on `credit.ipynb`."""
    environment = Environment(python="3.11.7", platform="linux-x86_64", packages={"numpy": "2.1.0"})
    fact = Session(id="session-1", notebook="credit.ipynb", host="jupyterlab", started=NOON, environment=environment)
    return replace(fact, **changes)  # type: ignore[arg-type] # as above


def result(validator: str = "fair.air", verdict: Verdict = Verdict.PASS, **changes: object) -> CheckResult:
    """One check's answer with one finding of the same verdict."""
    finding = Finding(message=f"{validator} measured", verdict=verdict, measured=0.9, allowed="at least 0.8", n=100)
    fact = CheckResult(validator=validator, version="1", title=validator, verdict=verdict, summary=verdict.word, findings=(finding,))
    return replace(fact, **changes)  # type: ignore[arg-type] # as above


def requirement(validator: str = "fair.air", verdict: Verdict | None = Verdict.PASS, **changes: object) -> RequirementResult:
    """A high demand of `us-fair-lending` on one validator."""
    fact = RequirementResult(
        policy="us-fair-lending",
        control="ECOA-1",
        cite="12 CFR 1002.4(a)",
        url="",
        obligation="Do not discriminate.",
        verified="2026-11-01",
        severity=Severity.HIGH,
        automation="full",
        gates=("staging",),
        validator=validator,
        verdict=verdict,
    )
    return replace(fact, **changes)  # type: ignore[arg-type] # as above


def report(*results: CheckResult, **changes: object) -> Report:
    """A report on one table with these results, each asked for by one high requirement; one passing check if none is given."""
    answers = results or (result(),)
    fact = Report(
        subject=SubjectRef(kind="table", name="scored", table=digest("scored"), rows=100),
        policies=(PolicyRef(id="us-fair-lending", version="1", title="US fair lending", digest=digest("us-fair-lending")),),
        results=answers,
        requirements=tuple(requirement(answer.validator, answer.verdict) for answer in answers),
    )
    return replace(fact, **changes)  # type: ignore[arg-type] # as above


def assert_catches(check: Check, *, good: Subject, bad: Subject, parameters: Mapping[str, object] | None = None) -> None:
    """Raise AssertionError, with what it said, unless `check` passes (or warns on) `good` and fails `bad`.

    A validator that breaks, cannot tell, or says nothing on either has caught nothing. Run in this process, as a gate would read it.
    """
    from jupyter_mlgov.validation.here import Here

    values = {**check.defaults, **(parameters or {})}
    for name, subject, wanted in (("good", good, (Verdict.PASS, Verdict.WARN)), ("bad", bad, (Verdict.FAIL,))):
        told = Here(subject).run(check, values)
        verdict = getattr(told, "verdict", None)
        if verdict not in wanted:
            expected = " or ".join(one.value for one in wanted)
            said = verdict.value if isinstance(verdict, Verdict) else "nothing"
            raise AssertionError(f"{check.id} on the {name} case says {said}, expected {expected}: {told.summary}")
