"""At the limits of the machine: a file that may grow no further, as on a full disk, and a table of ten gigabytes."""

from __future__ import annotations

import resource
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from jupyter_mlgov.lineage import boundary
from jupyter_mlgov.lineage import later as room
from jupyter_mlgov.lineage.later import NOT_YET
from tests.lineage.test_recorder import Bench

FULL = """
import resource, signal, sys
from pathlib import Path
from tests.lineage.test_recorder import Bench

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
bench = Bench(Path.cwd())
bench.run("a = 1", cell="before")
most = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
taken = max(one.stat().st_size for one in Path("spool").glob("*.spool"))
resource.setrlimit(resource.RLIMIT_FSIZE, (taken + 40, most))
for number in range(3):
    bench.run(f"b{number} = {number}", cell=f"full-{number}")
assert [bench.names[f"b{number}"] for number in range(3)] == [0, 1, 2]
assert len(bench.said) == 1 and "must wait" in bench.said[0], bench.said
resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
bench.run("c = 3", cell="after")
assert [run.cell_id for run in bench.runs()] == ["before", "full-0", "full-1", "full-2", "after"], bench.runs()
gaps = [str(entry.payload["problem"]) for entry in bench.entries("recording.gap")]
assert any("had to wait" in gap for gap in gaps), gaps
bench.recorder.close()
print("held")
"""

REUSED = """
import threading
from pathlib import Path
from tests.lineage.test_recorder import Bench

bench, ended = Bench(Path.cwd()), Bench(Path("before"))
bench.run("y = 1")  # its own threads are there, so that they do not take the number
others = {thread.ident for thread in threading.enumerate()}
ended.root.mkdir()
ended.run("x = 1")
ours = {thread.ident for thread in threading.enumerate() if thread.name == "mlgov-trail"} - others
ended.recorder.close()
source = "def work():\\n    number.append(threading.get_ident()); P('seen.csv').write_text('1')\\n"
source += "thread = threading.Thread(target=work); thread.start(); thread.join()"
numbers = bench.names["number"] = []
bench.names["threading"] = threading
while not ours & set(numbers) and len(numbers) < 500:
    written = [ref.path for ref in bench.run(source).files_written]
    assert written == ["seen.csv"], (ours, numbers)
bench.recorder.close()
print("held" if ours & set(numbers) else f"no thread got a number of {ours}, so nothing was shown")
"""


def in_a_process_of_its_own(script: str, folder: Path) -> None:
    root = Path(__file__).resolve().parents[2]
    ran = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(root)!r})\n" + textwrap.dedent(script)],
        cwd=folder, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert ran.stdout.strip() == "held", ran.stdout + ran.stderr[-2000:]


def test_a_thread_that_gets_the_number_of_one_of_ours_is_watched_like_any_other(tmp_path: Path) -> None:
    """Systems give the number of a thread that has ended to the next one: to a cell's thread after a reload of the extension, say."""
    in_a_process_of_its_own(REUSED, tmp_path)


def test_when_files_may_not_grow_cells_run_it_is_said_once_and_nothing_is_lost(tmp_path: Path) -> None:
    """The operating system itself refuses the write half-way (RLIMIT_FSIZE)."""
    in_a_process_of_its_own(FULL, tmp_path)


def test_a_table_of_ten_gigabytes_costs_its_cell_neither_time_nor_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its rows are one number seen ten billion bytes long (a broadcast), so that the test needs no such machine; its measuring, which
    would read them all, is held up and breaks: the cell returned long before, with its gap."""

    def unread(_: object) -> None:
        raise RuntimeError

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(room, "_CONCURRENT_LIBRARIES", ())
    monkeypatch.setattr(boundary, "measured", unread)
    bench = Bench(tmp_path)
    bench.names.update(np=np, pd=pd)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    make = "huge = pd.DataFrame(np.broadcast_to(np.float64(1), (1_250_000_000, 1)), columns=['a'], copy=False)"
    run = bench.run(make, "mlgov:data")
    assert [(ref.name, ref.fingerprint, ref.note) for ref in run.outputs] == [("huge", None, NOT_YET)]
    bench.run("shape = huge.shape")
    assert bench.names["shape"] == (1_250_000_000, 1)
    bench.recorder.close()
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000, "kilobytes"
