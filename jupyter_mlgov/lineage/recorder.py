"""Writes down what each cell ran on and what it made. It never raises into a user's cell: it says once what it could not record."""

from __future__ import annotations

import os
import sys
import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from jupyter_mlgov.audit.entries import Draft
from jupyter_mlgov.audit.journal import ObjectStore
from jupyter_mlgov.core.clock import Clock
from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.core.errors import MlgovError
from jupyter_mlgov.core.facts import fields_of
from jupyter_mlgov.lineage import boundary
from jupyter_mlgov.lineage.bigfiles import BigFile, BigFiles, Digests, hashed
from jupyter_mlgov.lineage.chance import Generators, drawn
from jupyter_mlgov.lineage.current import now_running
from jupyter_mlgov.lineage.dataflow import names
from jupyter_mlgov.lineage.describing import Description
from jupyter_mlgov.lineage.facts import CellRun, Outcome, Session, Step
from jupyter_mlgov.lineage.files import FileDigests, Opened, release, unwatch, watch
from jupyter_mlgov.lineage.flows import Dataflow, Definitions
from jupyter_mlgov.lineage.inplace import Marks
from jupyter_mlgov.lineage.later import Later
from jupyter_mlgov.lineage.native import unwatched
from jupyter_mlgov.lineage.outbound import Outbound
from jupyter_mlgov.lineage.process import this_process
from jupyter_mlgov.lineage.seen import ERROR_LIMIT, first_line, named_paths, run_payload, surroundings, with_changes, with_sources
from jupyter_mlgov.lineage.sources import Sources, collect
from jupyter_mlgov.lineage.tables import Late, Tables
from jupyter_mlgov.lineage.tags import BadTag, step_of


def say(sentence: str) -> None:
    """One line in the cell's output."""
    print(f"jupyter_mlgov: {sentence}", file=sys.stderr)  # noqa: T201  # the reader of the cell must see it


@dataclass(slots=True, kw_only=True)
class _Running:
    """A cell between begin() and end()."""

    run: CellRun
    code: str
    flow: Dataflow
    opened: Opened
    sources: Sources
    before: frozenset[str]
    clock: float
    problems: list[str]


class Recorder:
    """One kernel's life on one notebook: begin() before a cell's code, end() behind it, close() at the end.

    What is recorded survives the death of the process when begin() or end() returns: it is in the session's spool, and moves into
    the journal when the kernel rests (outbound.py). What the spool cannot take waits in memory, in order, and goes with the next
    write that succeeds, together with a `recording.gap` that says so. Names in `keep` are tables whose content is stored
    whenever a cell changed them.
    """

    def __init__(
        self,
        *,
        outbound: Outbound,
        objects: ObjectStore,
        clock: Clock,
        session: Session,
        root: Path,
        keep: frozenset[str] = frozenset(),
        description: Description | None = None,
        warn: Callable[[str], None] = say,
    ) -> None:
        self.session = session
        self._outbound, self._clock, self._warn = outbound, clock, warn
        self._description = description
        self._tables, self._later, self._late = Tables(objects=objects, keep=keep), Later(), Late()
        self._generators = Generators()
        self._marks = Marks()
        self._files = FileDigests(root.resolve())
        self._big_files = BigFiles(self._files.digest)
        self._late_files: tuple[BigFile, ...] = ()
        self._definitions = Definitions()
        self._running: _Running | None = None
        self._order = 0
        self._closed = False
        self._outage = ""
        self._pid = os.getpid()
        self._pending = [
            Draft(action="session.started", subject=session.notebook, payload={**fields_of(session), "process": this_process()})
        ]

    @property
    def waiting(self) -> int:
        """How many entries are only in memory, because the spool could not be written."""
        return self._outbound.waiting

    def before_code(self) -> None:
        """Code is about to run, a cell's or other: wait for tables that are being measured. What was measured holds for this code only."""
        self._guard(self._later.settle)
        self._tables.before_code()

    # -- a cell -------------------------------------------------------------------------------------------------------

    def begin(
        self,
        *,
        source: str,
        cell_id: str = "",
        tags: Iterable[str] = (),
        code: str | None = None,
        namespace: Mapping[str, object] | None = None,
        order: int | None = None,
        deleted: Iterable[str] = (),
    ) -> None:
        """Record that a cell starts; a forked child records nothing. `deleted`: cells that left the notebook since the last one ran.

        `code` is `source` with its magics turned into Python, where somebody can do that.
        """
        if os.getpid() != self._pid:
            return
        self._guard(self._later.settle)
        gone = tuple(boundary.clean(str(cell), ERROR_LIMIT) for cell in deleted)
        self._guard(lambda: self._begin(source, cell_id, tuple(tags), code, namespace or {}, order, gone))

    def step(self, step: Step, code: str, namespace: Mapping[str, object]) -> None:
        """Say in the middle of a cell that it is `step` and what its code is (`%%mlgov step NAME`)."""

        def change(running: _Running) -> None:
            running.flow, running.code = self._definitions.flow(_flow(code)), code
            read = boundary.known(running.flow.reads, namespace)
            running.run = replace(running.run, step=step, reads=read, inputs=boundary.references(read, namespace))
            now_running(running.run)

        if self._running is not None:
            now = self._running
            self._guard(lambda: change(now))

    def end(self, *, outcome: Outcome, namespace: Mapping[str, object] | None = None, error: str = "") -> CellRun | None:
        """Record how the cell ended; without begin() nothing happens. `error` is the exception's type and first line."""
        running, self._running = self._running, None
        now_running(None)
        if running is None or os.getpid() != self._pid:
            return None
        spent = (time.perf_counter() - running.clock) * 1000
        unwatch()
        collect(None)
        done = replace(running.run, duration_ms=round(spent, 3), outcome=outcome, error=first_line(error))
        found = self._guard(lambda: self._made(running, done, namespace or {}), running.problems)
        done = found if isinstance(found, CellRun) else done
        done = replace(done, gaps=tuple(dict.fromkeys([*done.gaps, *running.problems])))
        self._guard(lambda: self._write([Draft(action="cell.finished", subject=done.notebook, payload=run_payload(done))]))
        self._measure_later(done, namespace or {})
        self._hash_later(done)
        if self._description is not None:
            self._description.start(done.step)
        return done

    def close(self, outcome: str = "closed") -> None:
        """Record the end of the session, once. A session without any cell leaves nothing behind."""
        if self._closed or os.getpid() != self._pid:
            return
        self._closed = True
        release()
        self._settle()
        self._tables.keeper.close()
        if self._description is not None:
            self._description.wait()
        if self._order:
            draft = Draft(action="session.ended", subject=self.session.notebook, payload={"session": self.session.id, "outcome": outcome})
            self._guard(lambda: self._write([draft]))
        self._guard(lambda: self._moved(self._outbound.close))

    def flush(self) -> None:
        """Bring all that is recorded into the journal now, when all is measured: a verdict may follow."""
        self._settle()
        if self._description is not None:
            self._description.wait()
        if self._order:
            self._guard(lambda: self._moved(self._outbound.move))

    def gap(self, problem: str, *, cell_id: str = "") -> None:
        """Record that something could not be recorded."""
        self._guard(lambda: self._write([self._gap(problem, cell_id)]))

    # -- inside -------------------------------------------------------------------------------------------------------

    def _begin(
        self,
        source: str,
        cell_id: str,
        tags: tuple[str, ...],
        code: str | None,
        namespace: Mapping[str, object],
        order: int | None,
        deleted: tuple[str, ...],
    ) -> None:
        self._running = None
        self._order = max(self._order + 1, order or 0)
        problems: list[str] = []
        cell_id = boundary.clean(cell_id, ERROR_LIMIT) or f"in-{self._order}"
        tags = tuple(boundary.clean(str(tag), ERROR_LIMIT) for tag in tags)
        step = self._step(tags, cell_id, problems)
        code = source if code is None else code
        flow = self._definitions.flow(_flow(code))
        read = boundary.known(flow.reads, namespace)
        run = CellRun(
            id=uuid.uuid4().hex,
            session=self.session.id,
            notebook=self.session.notebook,
            cell_id=cell_id,
            order=self._order,
            started=self._clock.now(),
            source_digest=Digest.of_text(source),
            step=step,
            tags=tags,
            reads=read,
            meaning=flow.meaning,
            deleted=deleted,
        )
        if step is not None:
            self._tables.keeper.start()
            found = self._guard(lambda: self._tables.inputs(read, namespace), problems)
            run = replace(run, inputs=tuple(found) if isinstance(found, tuple) else ())
        self._tables.begin(code)
        gaps = [self._gap(problem, cell_id) for problem in problems]
        self._write([Draft(action="cell.started", subject=run.notebook, payload=run_payload(run)), *gaps])
        before = frozenset(namespace) if "*" in flow.writes else frozenset()
        self._generators.begin(code)
        opened, sources = watch(self._big_files.before_change), Sources()
        collect(sources)
        now_running(run)
        self._running = _Running(
            run=run, code=code, flow=flow, opened=opened, sources=sources, before=before, problems=problems, clock=time.perf_counter()
        )

    def _step(self, tags: tuple[str, ...], cell_id: str, problems: list[str]) -> Step | None:
        try:
            return step_of(tags, f"cell {cell_id}")
        except BadTag as error:
            self._warn(str(error))
            problems.append(str(error))
            return None

    def _made(self, running: _Running, done: CellRun, namespace: Mapping[str, object]) -> CellRun:
        """`done` with what the cell wrote, opened, took in and gave out."""
        flow, step = running.flow, done.step
        written = [name for name in flow.writes if name != "*"]
        if running.before:
            written += [name for name in namespace if name not in running.before and not name.startswith("_")]
        # An assignment that a failing cell never reached made nothing; a deleted name was written all the same.
        ran = done.outcome is Outcome.OK
        bound = [name for name in written if ran or name in namespace]
        changed = boundary.known(flow.mutates, namespace)
        done = replace(done, writes=tuple(dict.fromkeys([*bound, *changed])), imports=tuple(name for name in flow.imports if name in bound))
        if flow.problem and done.outcome is not Outcome.SYNTAX:
            running.problems.append(f"The names of this cell are not known: {flow.problem}")
        done, self._late = self._tables.outputs(done, namespace)
        done = with_changes(done, changed, self._marks.changes(namespace), namespace)
        files = self._files.refs(running.opened, named_paths(done.reads, namespace, flow, every=step is not None))
        gaps = (*done.gaps, *(boundary.clean(gap, ERROR_LIMIT) for gap in files.gaps))
        done = replace(done, files_read=files.read, files_written=files.written, gaps=gaps)
        self._late_files = files.later
        asked = drawn(running.code, namespace)
        done = replace(done, surroundings=surroundings(running.opened.ambient, asked, self._generators.end(asked.seeds), running.code))
        done = with_sources(done, running.sources)
        running.problems += _unseen(running)
        if boundary.PARAMETER_TAGS & set(done.tags):
            done = replace(done, parameters=boundary.parameters(done.writes, namespace))
        if step is None:
            return done
        from jupyter_mlgov.lineage.environment import distributions_in_use

        numbers = [name for name in done.writes if name not in done.imports] if step.kind == "evaluate" else []
        return replace(done, metrics=boundary.metrics(numbers, namespace), distributions=distributions_in_use())

    def _measure_later(self, done: CellRun, namespace: Mapping[str, object]) -> None:
        """Measure the big tables of the cell that ended; what comes of it counts only if no code ran meanwhile (Later)."""
        late, self._late = self._late, Late()
        if not late.names:
            return
        bare = replace(done, outputs=tuple(ref for ref in done.outputs if ref.name not in late.names))
        tables = {name: namespace[name] for name in late.names if name in namespace}

        def measure() -> Callable[[], None]:
            found = self._tables.measure(bare, late.names, late, tables)
            run = found.run
            facts = {"id": run.id, "session": run.session, "cell_id": run.cell_id, "outputs": run.outputs, "writes": run.writes}
            draft = Draft(action="cell.measured", subject=run.notebook, payload=fields_of(facts))

            def write() -> None:
                self._tables.trust(found, tables)
                self._quietly(draft)

            return write

        self._later.start(measure, lambda problem: self._quietly(self._gap(problem, done.cell_id)))

    def _hash_later(self, done: CellRun) -> None:
        """Hash the big files of the cell that ended, beside the cells that follow; a file that changes before is recorded as such."""
        files, self._late_files = self._late_files, ()
        if not files:
            return

        def write(found: Digests) -> None:
            run = hashed(done, files, found)
            files_ = {"files_read": run.files_read, "files_written": run.files_written}
            facts = {"id": run.id, "session": run.session, "cell_id": run.cell_id, "gaps": run.gaps, **files_}
            self._quietly(Draft(action="cell.hashed", subject=run.notebook, payload=fields_of(facts)))

        self._big_files.add(files, write, lambda problem: self._quietly(self._gap(problem, done.cell_id)))

    def _quietly(self, draft: Draft) -> None:
        """Write from a thread of ours: what the spool cannot take waits in memory, and the next cell says so."""
        with suppress(MlgovError):
            self._outbound.write([draft])

    def _settle(self) -> None:
        self._guard(self._later.settle)
        self._guard(self._big_files.settle)

    # -- the journal --------------------------------------------------------------------------------------------------

    def _write(self, drafts: list[Draft]) -> None:
        """Into the spool. What goes wrong there, or on the way into the journal, is said once and becomes a gap when it is over."""
        try:
            self._outbound.write([*self._pending, *drafts])
        except MlgovError as error:
            self._pending = []  # in memory there, and first in line
            self._refused(error)
            return
        self._pending = []
        if self._outbound.problem is not None:
            self._refused(self._outbound.problem)
        elif self._outage:
            outage, self._outage = self._outage, ""
            self._outbound.write([self._gap(outage)])

    def _moved(self, act: Callable[[], None]) -> None:
        try:
            act()
        except MlgovError as error:
            self._refused(error)
        else:
            if self._outage and not self._closed:
                self._write([])

    def _refused(self, error: MlgovError) -> None:
        if not self._outage:
            self._warn(f"The cell runs, but its record must wait: {error}")
        self._outage = f"entries had to wait: {boundary.clean(error.what, ERROR_LIMIT)}"

    def _gap(self, problem: str, cell_id: str = "") -> Draft:
        payload = {"problem": boundary.clean(problem, 600), "session": self.session.id, "cell_id": cell_id}
        return Draft(action="recording.gap", subject=self.session.notebook, payload=payload)

    def _guard(self, act: Callable[[], object], problems: list[str] | None = None) -> object:
        """Run `act`; what it raises becomes one sentence and a gap, never an error of the user's cell."""
        try:
            return act()
        except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001  # the user's cell must go on whatever breaks in here
            problem = f"The recorder stumbled ({type(error).__name__}: {first_line(str(error))}); this cell's record is incomplete."
            self._warn(problem)
            if problems is not None:
                problems.append(problem)
            else:
                self._pending.append(self._gap(problem))
            return None


def _unseen(running: _Running) -> list[str]:
    """What the cell took from outside that was not noted, in sentences."""
    many = ["more connections, programs or variables were used than are noted"] if running.opened.ambient.overflow else []
    return [*many, *running.sources.problems, *(f"calls of {name} could not be watched" for name in sorted(unwatched))]


@lru_cache(maxsize=256)
def _flow(code: str) -> Dataflow:
    return names(code)
