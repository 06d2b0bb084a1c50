"""The spool: nothing that was acknowledged is lost when the kernel dies, and nothing is in the trail twice."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_mlgov.audit.entries import Draft
from jupyter_mlgov.audit.verify import verify
from jupyter_mlgov.core.errors import StorageProblem
from jupyter_mlgov.lineage import outbound as room
from jupyter_mlgov.lineage.facts import Outcome
from jupyter_mlgov.lineage.outbound import Outbound
from jupyter_mlgov.lineage.spool import Spools, read_segment
from jupyter_mlgov.testing import ANA, MemoryJournal
from jupyter_mlgov.workspace import Workspace

NOTEBOOK = "credit.ipynb"

# A session that says on stdout which cell runs were acknowledged, until it is killed. Small QUIET and MANY: it moves all the time.
KERNEL = """
import os, sys
from pathlib import Path
from jupyter_mlgov.lineage import outbound
from jupyter_mlgov.lineage.facts import Outcome
from jupyter_mlgov.workspace import Workspace
outbound.QUIET, outbound.MANY, outbound.PAUSE = 0.002, 20, 0.0
workspace = Workspace(Path.cwd())
recorder = workspace.recorder("credit.ipynb", "ipython")
number = 0
while True:
    number += 1
    recorder.begin(cell_id=f"c{number}", source=f"x = {number}", namespace={})
    recorder.end(outcome=Outcome.OK, namespace={"x": number})
    os.write(1, b"%d\\n" % number)
"""


def draft(number: int) -> Draft:
    return Draft(action="recording.gap", subject=NOTEBOOK, payload={"problem": f"p{number}", "session": "s", "cell_id": ""})


def made(journal: MemoryJournal, folder: Path, session: str = "s") -> Outbound:
    return Outbound(journal=journal, folder=folder, session=session, notebook=NOTEBOOK, actor=ANA)


def problems(journal: MemoryJournal) -> list[str]:
    return [str(entry.payload["problem"]) for entry in journal.entries()]


def gone(folder: Path) -> None:
    """Let the segments say that their process died long ago."""
    import re
    import zlib

    for path in folder.glob("*.spool"):
        head, _, rest = path.read_bytes().partition(b"\n")
        text = re.sub(rb'"start":"\d+"', b'"start":"1"', head[9:])
        path.write_bytes(b"%08x %s\n" % (zlib.crc32(text), text) + rest)


def test_a_kernel_killed_at_any_moment_loses_no_cell_it_acknowledged(tmp_path: Path) -> None:
    """kill -9, again and again, at random moments; each time the next process finds every finished cell, once, in order."""
    Workspace.create(tmp_path).close()
    chance = random.Random(7)
    for _ in range(12):
        child = subprocess.Popen([sys.executable, "-c", KERNEL], cwd=tmp_path, stdout=subprocess.PIPE)
        assert child.stdout is not None
        for _ in range(chance.randrange(1, 120)):
            told = child.stdout.readline()
        os.kill(child.pid, signal.SIGKILL)
        rest = child.stdout.read()
        child.wait(timeout=30)
        child.stdout.close()
        acknowledged = int((told + rest).rpartition(b"\n")[0].rpartition(b"\n")[2])
        workspace = Workspace(tmp_path)
        runs = workspace.lineage(NOTEBOOK).runs
        entries = list(workspace.journal.entries())
        assert workspace.audit().ok
        workspace.close()
        finished = [run.cell_id for run in runs if run.outcome is Outcome.OK]
        assert finished == [f"c{number}" for number in range(1, len(finished) + 1)]
        assert len(finished) in (acknowledged, acknowledged + 1), "one may be written and not yet told"
        acts = [(entry.action, str(entry.payload.get("id"))) for entry in entries if entry.action.startswith("cell.")]
        assert len(acts) == len(set(acts))
        places = {act: place for place, act in enumerate(acts)}
        assert all(places["cell.started", run.id] < places["cell.finished", run.id] for run in runs if run.outcome is Outcome.OK)
        assert not list((tmp_path / ".mlgov" / "spool").glob("*.spool")), "the spool of a dead kernel is cleared"


class Killed(BaseException):
    """Stands for the death of the process at this very place."""


class Mortal(MemoryJournal):
    """A journal whose process dies right after, or right before, the commit number `at`."""

    def __init__(self, at: int, *, after: bool) -> None:
        super().__init__()
        self.at, self.after, self.commits = at, after, 0

    def append(self, drafts: Sequence[Draft], **more: Any) -> Any:
        self.commits += 1
        if self.commits == self.at and not self.after:
            raise Killed
        done = super().append(drafts, **more)
        if self.commits == self.at:
            raise Killed
        return done


@settings(max_examples=40, deadline=None)
@given(
    count=st.integers(1, 30),
    chunk=st.integers(1, 7),
    deaths=st.lists(st.tuples(st.integers(1, 4), st.booleans()), max_size=6),
    cuts=st.sets(st.integers(0, 29)),
)
def test_moving_is_exactly_once_wherever_it_is_killed(
    tmp_path_factory: pytest.TempPathFactory, count: int, chunk: int, deaths: list[tuple[int, bool]], cuts: set[int]
) -> None:
    """Law: any number of movers, each killed around any commit, then one that lives = each record once, in order."""
    folder = tmp_path_factory.mktemp("w") / "spool"
    journal = Mortal(0, after=False)
    session = made(journal, folder)
    for number in range(count):
        session.write([draft(number)])
        if number in cuts:
            with session._writing:
                session._seal()
    for at, after in deaths:
        journal.commits, journal.at, journal.after = 0, at, after
        try:
            Spools(folder).drain(journal, chunk=chunk)
        except Killed:
            continue
    journal.at = 0
    session.close()
    assert problems(journal) == [f"p{number}" for number in range(count)]
    assert verify(journal.entries()).ok
    assert not list(folder.glob("*.spool"))


def test_another_process_sees_what_a_living_kernel_finished_and_takes_nothing_away(tmp_path: Path) -> None:
    journal = MemoryJournal()
    session = made(journal, tmp_path / "spool")
    session.write([draft(0)])
    Spools(tmp_path / "spool").drain(journal)
    session.write([draft(1)])
    reader = Spools(tmp_path / "spool")
    reader.drain(journal)
    reader.drain(journal)
    assert problems(journal) == ["p0", "p1"] and len(list((tmp_path / "spool").glob("*.spool"))) >= 1
    session.write([draft(2)])
    session.close()
    assert problems(journal) == ["p0", "p1", "p2"]


def test_a_cell_that_runs_comes_before_moving(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Records that come while the thread moves end the moving behind the chunk it is at; nothing is lost, and flush() moves it all."""
    journal = MemoryJournal()
    session = made(journal, tmp_path / "spool")
    monkeypatch.setattr(room, "QUIET", 3600.0)  # the thread itself stays asleep
    session.write([draft(number) for number in range(100)])
    with pytest.raises(room._CellsRun):
        session._move(16, lambda last: (session.write([draft(last)]), session._while_quiet(last))[1])
    assert problems(journal) == [f"p{number}" for number in range(16)]
    monkeypatch.setattr(room, "MANY", 50)
    session._move(16, session._while_quiet)  # so many that they are moved beside cells
    assert problems(journal) == [f"p{number}" for number in range(101)]
    session.write([draft(101)])
    session.close()
    assert problems(journal) == [f"p{number}" for number in range(102)]
    assert not list((tmp_path / "spool").glob("*.spool"))


def test_many_movers_at_once_write_each_record_once(tmp_path: Path) -> None:
    journal = MemoryJournal()
    session = made(journal, tmp_path / "spool")
    session.write([draft(number) for number in range(200)])
    movers = [threading.Thread(target=lambda: Spools(tmp_path / "spool").drain(journal, chunk=3)) for _ in range(4)]
    for mover in movers:
        mover.start()
    session.write([draft(number) for number in range(200, 300)])
    for mover in movers:
        mover.join()
    session.close()
    assert problems(journal) == [f"p{number}" for number in range(300)]


def test_the_thread_moves_what_was_written_without_being_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "QUIET", 0.01)
    done = threading.Event()

    class Telling(MemoryJournal):
        def append(self, drafts: Sequence[Draft], **more: Any) -> Any:
            entries = super().append(drafts, **more)
            done.set()
            return entries

    journal = Telling()
    session = made(journal, tmp_path / "spool")
    session.write([draft(0)])
    assert done.wait(60)
    session.close()
    assert problems(journal) == ["p0"]


def test_a_line_torn_by_the_death_of_its_kernel_is_a_gap_and_the_rest_is_kept(tmp_path: Path) -> None:
    journal = MemoryJournal()
    session = made(journal, tmp_path / "spool")
    session._stop.set()
    session.write([draft(0), draft(1)])
    gone(tmp_path / "spool")
    (path,) = (tmp_path / "spool").glob("*.spool")
    path.write_bytes(path.read_bytes()[:-20])
    Spools(tmp_path / "spool").drain(journal)
    Spools(tmp_path / "spool").drain(journal)
    first, torn = problems(journal)
    assert first == "p0" and "ended while it wrote" in torn
    assert not path.exists()


def test_a_damaged_line_is_a_gap_and_its_file_is_kept(tmp_path: Path) -> None:
    journal = MemoryJournal()
    session = made(journal, tmp_path / "spool")
    session._stop.set()
    session.write([draft(number) for number in range(3)])
    gone(tmp_path / "spool")
    (path,) = (tmp_path / "spool").glob("*.spool")
    path.write_bytes(path.read_bytes().replace(b'"p1"', b'"pX"'))
    Spools(tmp_path / "spool").drain(journal)
    first, third, damaged = problems(journal)
    assert (first, third) == ("p0", "p2") and "1 lines" in damaged and path.name in damaged
    assert path.with_suffix(".damaged").exists()


def test_a_record_without_a_canonical_form_becomes_a_gap_and_stops_nobody(tmp_path: Path) -> None:
    journal = MemoryJournal()
    session = made(journal, tmp_path / "spool")
    session.write([draft(0)])
    session.write([Draft(action="recording.gap", subject=NOTEBOOK, payload={"problem": 2**60 + 1, "session": "s", "cell_id": ""})])
    session.write([draft(2)])
    session.close()
    first, refused, third = problems(journal)
    assert (first, third) == ("p0", "p2") and "no canonical form" in refused
    with pytest.raises(ValueError):
        made(journal, tmp_path / "spool").write([Draft(action="recording.gap", subject=NOTEBOOK, payload={"problem": float("nan")})])


def test_a_full_disk_tears_no_line_and_what_waited_goes_with_the_next_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = MemoryJournal()
    session = made(journal, tmp_path / "spool")
    session._stop.set()
    session.write([draft(0)])
    real, room_left = os.write, [10]

    def full(file: int, content: bytes) -> int:
        if not room_left[0]:
            raise OSError(28, "No space left on device")
        done = real(file, content[: room_left[0]])
        room_left[0] = 0
        return done

    monkeypatch.setattr(os, "write", full)
    for number in (1, 2):
        with pytest.raises(StorageProblem, match="No space left"):
            session.write([draft(number)])
    monkeypatch.undo()
    assert session.waiting == 2
    session.write([draft(3)])
    (path,) = (tmp_path / "spool").glob("*.spool")
    segment = read_segment(path)
    assert (segment.torn, segment.broken, session.waiting) == (0, 0, 0)
    session.close()
    assert problems(journal) == ["p0", "p1", "p2", "p3"]


def test_memory_is_bounded_while_nothing_can_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "MOST_WAITING", 10)
    journal = MemoryJournal()
    session = made(journal, tmp_path / "no" / "such" / "folder")
    for number in range(30):
        with pytest.raises(StorageProblem):
            session.write([draft(number)])
    assert session.waiting == 10
    (tmp_path / "no" / "such").mkdir(parents=True)
    session.write([draft(30)])
    session.close()
    *kept, lost = problems(journal)
    assert kept == ["p0", *(f"p{number}" for number in range(22, 31))]
    assert lost.startswith("21 entries were lost")


def test_a_forked_child_writes_nothing_and_its_parent_goes_on(tmp_path: Path) -> None:
    program = """
import multiprocessing, os, sys
from pathlib import Path
from jupyter_mlgov.lineage.facts import Outcome
from jupyter_mlgov.workspace import Workspace
workspace = Workspace.create(Path.cwd())
recorder = workspace.recorder("credit.ipynb", "ipython")
def work(number):
    recorder.begin(source="child = 1", cell_id="child", namespace={})
    recorder.end(outcome=Outcome.OK, namespace={})
    recorder.close()
    return number
recorder.begin(source="x = 1", cell_id="parent", namespace={})
with multiprocessing.get_context("fork").Pool(3) as pool:
    pool.map(work, range(30))
recorder.end(outcome=Outcome.OK, namespace={})
recorder.close()
workspace.close()
"""
    subprocess.run([sys.executable, "-W", "ignore", "-c", program], cwd=tmp_path, check=True, timeout=120)
    workspace = Workspace(tmp_path)
    acts = [(entry.action, entry.payload.get("cell_id")) for entry in workspace.journal.entries() if entry.subject == NOTEBOOK]
    workspace.close()
    assert [act for act, _ in acts if act != "session.described"] == ["session.started", "cell.started", "cell.finished", "session.ended"]
    assert {cell for _, cell in acts} <= {"parent", None}


def test_an_exit_without_goodbye_keeps_the_finished_cells(tmp_path: Path) -> None:
    """`os._exit` in a cell runs no handlers; the cell that called it was killed, those before it are whole."""
    program = KERNEL.replace('os.write(1, b"%d\\n" % number)', "os._exit(3) if number == 5 else None")
    done = subprocess.run([sys.executable, "-c", program], cwd=Workspace.create(tmp_path).root, check=False, timeout=120)
    assert done.returncode == 3
    workspace = Workspace(tmp_path)
    assert [run.cell_id for run in workspace.lineage(NOTEBOOK).runs] == [f"c{number}" for number in range(1, 6)]
    workspace.close()


def test_the_format_document_has_a_line_that_reads_back(tmp_path: Path) -> None:
    """The test vector of docs/formats/spool.md, byte for byte."""
    text = (Path(__file__).parents[2] / "docs" / "formats" / "spool.md").read_text("utf-8")
    lines = text.partition("```text\n")[2].partition("```")[0]
    path = tmp_path / "s.000001.spool"
    path.write_text(lines, "utf-8")
    segment = read_segment(path)
    assert segment.header is not None and segment.header.session == "s" and segment.header.after == 41
    assert [(record.number, record.draft.action) for record in segment.records] == [(1, "session.ended")]
    assert (segment.broken, segment.torn) == (0, 0)
    assert json.loads(lines.splitlines()[1].partition(" ")[2])["payload"]["record"] == 1
