"""Big files are hashed beside the kernel: after the cell returned, as they stood when it did, or said to be unknown."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.lineage import bigfiles, files, unchanged
from jupyter_mlgov.lineage.bigfiles import BUDGET, CHANGED, NOT_HASHED, BigFiles
from jupyter_mlgov.lineage.facts import CellRun
from jupyter_mlgov.lineage.fold import fold
from jupyter_mlgov.lineage.spool import Spools
from mlgov_validators.lineage import _inputs
from tests.lineage.test_recorder import Bench

SIZE = BUDGET + 1000
WRITE = f"_ = P('big.bin').write_bytes(b'a' * {SIZE})"
READ = "with open('big.bin', 'rb') as stream:\n    first = stream.read(1)"


class Gate:
    """Holds up the hashing of every big file until it is opened."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.open, self.reached = threading.Event(), threading.Event()
        self.open.set()
        self.read: list[str] = []
        real = Digest.of_file

        def slow(path: Path) -> Digest:
            self.read.append(path.name)
            if path.stat().st_size > BUDGET:
                self.reached.set()
                assert self.open.wait(120)
            return real(path)

        monkeypatch.setattr(files.Digest, "of_file", slow)


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Gate:
    return Gate(monkeypatch)


def of_bytes(content: bytes) -> Digest:
    return Digest.of_bytes(content)


def told(run: CellRun) -> list[tuple[str, Digest | None]]:
    return [(ref.path, ref.digest) for ref in (*run.files_read, *run.files_written)]


def test_the_cell_returns_before_its_files_are_hashed_and_a_verdict_waits_for_them(bench: Bench, gate: Gate) -> None:
    gate.open.clear()
    run = bench.run(WRITE, "mlgov:data")
    assert told(run) == [("big.bin", None)] and run.gaps == (f"big.bin {NOT_HASHED}",)
    opener = threading.Timer(0.05, gate.open.set)
    opener.start()
    (stored,) = bench.runs()  # flush() waits, as every verdict does
    opener.join()
    assert told(stored) == [("big.bin", of_bytes(b"a" * SIZE))] and stored.gaps == ()


def test_cells_that_follow_run_while_a_file_is_hashed(bench: Bench, gate: Gate) -> None:
    gate.open.clear()
    bench.run(WRITE, "mlgov:data")
    assert gate.reached.wait(120)
    bench.run("x = 1")
    bench.run(READ)
    gate.open.set()
    written, _, read = bench.runs()
    assert told(written) == told(read) == [("big.bin", of_bytes(b"a" * SIZE))]


@pytest.mark.parametrize(
    "change",
    [
        "P('big.bin').write_bytes(b'b')",
        "P('big.bin').unlink()",
        "P('big.bin').rename('other.bin')",
        "P('other').write_bytes(b'b')\nP('other').replace('big.bin')",
        "import os\nos.truncate('big.bin', 3)",
    ],
)
def test_a_cell_that_would_change_a_file_waits_until_it_is_hashed(bench: Bench, gate: Gate, change: str) -> None:
    gate.open.clear()
    bench.run(WRITE, "mlgov:data")
    assert gate.reached.wait(120)
    cell = threading.Thread(target=lambda: bench.run(change))
    cell.start()
    cell.join(0.1)
    assert cell.is_alive(), "it waits before it changes the file"
    gate.open.set()
    cell.join(120)
    assert told(bench.runs()[0]) == [("big.bin", of_bytes(b"a" * SIZE))]


def change_in_place(path: Path) -> None:
    """Same size, and the old time of modification set back: only the inode's own time tells."""
    stood = path.stat()
    with path.open("r+b") as stream:
        stream.write(b"b")
    os.utime(path, ns=(stood.st_atime_ns, stood.st_mtime_ns))


def replace(path: Path) -> None:
    other = path.with_name("other")
    other.write_bytes(b"b" * SIZE)
    other.replace(path)


@pytest.mark.parametrize("change", [change_in_place, replace, Path.unlink])
def test_a_file_that_somebody_changes_before_it_is_hashed_has_no_digest_and_that_is_said(bench: Bench, gate: Gate, change: Any) -> None:
    """Another process is not asked to wait. What it leaves is never recorded as what the cell saw."""
    (bench.root / "big.bin").write_bytes(b"a" * SIZE)
    (bench.root / "first.bin").write_bytes(b"f" * SIZE)
    gate.open.clear()
    bench.run("for name in ('first.bin', 'big.bin'):\n    P(name).read_bytes()", "mlgov:data")
    assert gate.reached.wait(120)  # hashing the first one
    change(bench.root / "big.bin")
    gate.open.set()
    (run,) = bench.runs()
    assert told(run) == [("first.bin", of_bytes(b"f" * SIZE)), ("big.bin", None)]
    assert run.gaps == (f"big.bin {CHANGED}",)


def test_a_file_that_changes_while_it_is_being_hashed_has_no_digest(bench: Bench, gate: Gate) -> None:
    gate.open.clear()
    bench.run(WRITE, "mlgov:data")
    assert gate.reached.wait(120)
    change_in_place(bench.root / "big.bin")
    gate.open.set()
    (run,) = bench.runs()
    assert told(run) == [("big.bin", None)] and run.gaps == (f"big.bin {CHANGED}",)


def test_a_kernel_that_dies_while_hashing_leaves_a_gap_that_lineage_complete_finds(bench: Bench, gate: Gate) -> None:
    gate.open.clear()
    (bench.root / "big.bin").write_bytes(b"a" * SIZE)
    bench.run(READ, "mlgov:data", cell="c1")
    Spools(bench.root / "spool").drain(bench.journal)  # what the next process finds
    found = fold(bench.journal.entries(), "credit.ipynb", dead=lambda _: True)
    assert told(found.runs[0]) == [("big.bin", None)]
    assert found.runs[0].gaps == (f"big.bin {NOT_HASHED}",)
    gate.open.set()
    missing = [edge.missing for edge in _inputs(found) if edge.missing]
    assert "big.bin was read and has no digest." in missing[0]
    assert f"The recorder missed something: big.bin {NOT_HASHED}" in missing


def test_many_files_count_together_and_an_unchanged_one_costs_nothing(bench: Bench, gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "BUDGET", 250)
    for number in range(4):
        (bench.root / f"{number}.bin").write_bytes(bytes([number]) * 100)
    code = "for number in range(4):\n    P(f'{number}.bin').read_bytes()"
    monkeypatch.setattr(unchanged, "RACY_NS", 0)
    run = bench.run(code, "mlgov:data")
    assert [digest is not None for _, digest in told(run)] == [True, True, False, False]
    bench.recorder.flush()
    gate.read.clear()
    assert all(digest is not None for _, digest in told(bench.run(code, "mlgov:data")))
    assert gate.read == [], "what did not change is not read again"


def test_where_a_later_change_could_hide_a_file_is_hashed_before_the_cell_returns(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unchanged, "is_remote", lambda _: True)
    run = bench.run(WRITE, "mlgov:data")
    assert told(run) == [("big.bin", of_bytes(b"a" * SIZE))] and run.gaps == ()


def test_a_file_read_and_overwritten_is_known_as_what_it_is_now_only(bench: Bench) -> None:
    (bench.root / "big.bin").write_bytes(b"a" * SIZE)
    bench.run(f"first = P('big.bin').read_bytes()\n_ = P('big.bin').write_bytes(b'c' * {SIZE})", "mlgov:data")
    (run,) = bench.runs()
    assert [ref.digest for ref in run.files_read] == [None]
    assert [ref.digest for ref in run.files_written] == [of_bytes(b"c" * SIZE)]
    assert run.gaps == ("big.bin was read and then written in one cell, so what was read is not known",)


def test_a_forked_child_that_writes_a_waiting_file_does_not_hang(bench: Bench, gate: Gate) -> None:
    gate.open.clear()
    bench.run(WRITE, "mlgov:data")
    assert gate.reached.wait(120)
    fork = (
        "import os\nchild = os.fork()\nif not child:\n    open('big.bin', 'wb').close()\n    os._exit(0)\n_, status = os.waitpid(child, 0)"
    )
    bench.run(fork)
    assert bench.names["status"] == 0
    gate.open.set()
    assert told(bench.runs()[0]) == [("big.bin", None)]


def test_what_cannot_be_written_down_is_told_and_nobody_waits_for_ever(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"a")
    one = bigfiles.BigFile(path=str(path), place="a", mark=unchanged.mark(path))
    queue, said, found = BigFiles(lambda _: of_bytes(b"a")), list[str](), list[object]()

    def broken(_: object) -> None:
        raise RuntimeError("inside")

    queue.add([one], broken, said.append)
    queue.add([one], found.append, said.append)
    queue.settle()
    queue.before_change(str(path))
    assert said == ["the digests of big files could not be written down (RuntimeError)"]
    assert found == [{str(path): of_bytes(b"a")}]
