"""Big tables are measured beside the kernel: after the cell returned, before any other code runs, or not at all."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from jupyter_mlgov.lineage import boundary
from jupyter_mlgov.lineage import later as room
from jupyter_mlgov.lineage.facts import CellRun, Outcome
from jupyter_mlgov.lineage.fingerprint import measured
from jupyter_mlgov.lineage.later import BIG, NOT_YET, Later, runs_beside
from tests.lineage.test_recorder import Bench

ROWS = BIG // 8 + 1000
MAKE = f"table = pd.DataFrame({{'a': np.arange({ROWS})}})"


class Gate:
    """Holds up every measurement of a big table until it is opened."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.open, self.reached = threading.Event(), threading.Event()
        self.open.set()
        self.count = 0

        def slow(value: Any) -> Any:
            if boundary.weight(value) > BIG:
                self.count += 1
                self.reached.set()
                assert self.open.wait(120)
            return measured(value)

        monkeypatch.setattr(boundary, "measured", slow)


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Gate:
    return Gate(monkeypatch)


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(room, "_CONCURRENT_LIBRARIES", ())  # other tests of this process may have loaded one
    made = Bench(tmp_path)
    made.names.update(pd=pd, np=np)
    yield made
    made.recorder.close()


def stored(bench: Bench) -> CellRun:
    return bench.runs()[-1]


def test_the_cell_returns_before_its_table_is_measured_and_a_verdict_waits_for_it(bench: Bench, gate: Gate) -> None:
    gate.open.clear()
    run = bench.run(MAKE, "mlgov:data")
    assert [(ref.name, ref.fingerprint, ref.note) for ref in run.outputs] == [("table", None, NOT_YET)]
    opener = threading.Timer(0.05, gate.open.set)
    opener.start()
    (ref,) = stored(bench).outputs  # flush() waits, as every verdict does
    opener.join()
    assert ref.fingerprint == measured(bench.names["table"]) and ref.note == ""
    assert [entry.action for entry in bench.entries()].count("cell.measured") == 1


def test_the_next_cell_cannot_change_a_table_that_is_being_measured(bench: Bench, gate: Gate) -> None:
    gate.open.clear()
    bench.run(MAKE, "mlgov:data")
    whole = measured(bench.names["table"])
    assert gate.reached.wait(120)
    began = threading.Event()
    bench.names["began"] = began.set
    cell = threading.Thread(target=lambda: bench.run("began()\ntable.iloc[0, 0] = 99"))
    cell.start()
    assert not began.wait(0.2), "the cell waits at its begin"
    gate.open.set()
    cell.join()
    first = bench.runs()[0]
    assert first.outputs[0].fingerprint == whole != measured(bench.names["table"])


def test_a_kernel_that_dies_while_measuring_has_recorded_the_cell_and_no_fingerprint(bench: Bench, gate: Gate) -> None:
    from jupyter_mlgov.lineage.fold import fold
    from jupyter_mlgov.lineage.spool import Spools

    gate.open.clear()
    bench.run(MAKE, "mlgov:data")
    Spools(bench.root / "spool").drain(bench.journal)  # what the next process finds
    (run,) = fold(bench.journal.entries(), "credit.ipynb", dead=lambda _: True).runs
    assert run.outcome is Outcome.OK
    assert [(ref.name, ref.fingerprint, ref.note) for ref in run.outputs] == [("table", None, NOT_YET)]
    gate.open.set()


def test_a_table_just_measured_is_not_measured_again_at_the_next_begin(bench: Bench, gate: Gate) -> None:
    bench.run(MAKE, "mlgov:data")
    bench.recorder.before_code()
    used = bench.run("total = int(table.a.sum())", "mlgov:features")
    bench.recorder.flush()
    assert gate.count == 2, "once after it was made, once after the cell that read it; none at the begin between them"
    assert used.inputs[0].fingerprint == measured(bench.names["table"])


def test_silent_code_between_two_cells_makes_the_next_one_measure_anew(bench: Bench) -> None:
    bench.run(MAKE, "mlgov:data")
    bench.recorder.before_code()
    bench.names["table"].iloc[0, 0] = 7  # type: ignore[attr-defined]  # a frame; this is a silent execution
    bench.recorder.before_code()
    used = bench.run("total = int(table.a.sum())", "mlgov:features")
    assert used.inputs[0].fingerprint == measured(bench.names["table"])


def test_a_big_input_changed_inside_a_call_is_found_later(bench: Bench) -> None:
    bench.run(MAKE, "mlgov:data")
    bench.names["change"] = lambda frame: frame.__setitem__("b", 1)
    run = bench.run("result = change(table)", "mlgov:features")
    assert run.outputs == ()
    found = stored(bench)
    assert "table" in found.writes and [ref.name for ref in found.outputs] == ["table"]
    assert found.outputs[0].fingerprint != found.inputs[0].fingerprint


def test_the_kept_table_is_stored_later_too(bench: Bench) -> None:
    bench.run(MAKE.replace("table", "scored"))
    (ref,) = stored(bench).outputs
    assert ref.stored is not None and ref.fingerprint == measured(bench.names["scored"])


def test_where_code_may_run_beside_the_kernel_a_table_is_measured_before_the_cell_returns(bench: Bench) -> None:
    bench.run("import threading")
    assert bench.run(MAKE, "mlgov:data").outputs[0].fingerprint is not None


@pytest.mark.parametrize(
    "code", ["await x", "import asyncio", "threading.Thread(target=f)", "from concurrent.futures import X", "import ipywidgets"]
)
def test_what_runs_beside_is_recognised(code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "_CONCURRENT_LIBRARIES", ())
    assert runs_beside(code) and not runs_beside("x = 1\nawaited = asyncs = 2")


def test_an_interrupt_while_waiting_gives_the_measurement_up(bench: Bench, gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    gate.open.clear()
    bench.run(MAKE, "mlgov:data")

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    thread = bench.recorder._later._thread
    assert thread is not None
    monkeypatch.setattr(thread, "join", interrupted)
    bench.run("table.iloc[0, 0] = 99")
    gate.open.set()
    threading.Thread.join(thread)
    first = bench.runs()[0]
    assert first.outputs[0].fingerprint is None and first.outputs[0].note == NOT_YET
    used = bench.run("total = int(table.a.sum())", "mlgov:features")
    assert used.inputs[0].fingerprint == measured(bench.names["table"]), "what was given up is not relied on either"
    assert any("KeyboardInterrupt" in str(entry.payload["problem"]) for entry in bench.entries("recording.gap"))


def test_a_measurement_that_breaks_is_a_gap(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: object) -> None:
        raise RuntimeError("inside")

    monkeypatch.setattr(boundary, "measured", broken)
    bench.run(MAKE, "mlgov:data")
    (ref,) = stored(bench).outputs
    assert ref.fingerprint is None
    assert [entry.payload["problem"] for entry in bench.entries("recording.gap")] == ["a table could not be measured (RuntimeError)"]


def test_one_measurement_at_a_time() -> None:
    later, order = Later(), []
    for number in range(3):
        later.start(lambda number=number: lambda: order.append(number), order.append)  # type: ignore[misc]  # binds the number
    later.settle()
    assert order == [0, 1, 2]


@pytest.mark.parametrize("library", ["pandas", "polars", "pyarrow", "numpy"])
def test_weight_is_told_without_looking_into_the_values(library: str) -> None:
    import polars as pl
    import pyarrow as pa

    values = np.arange(1000)
    made = {
        "pandas": pd.DataFrame({"a": values}),
        "polars": pl.DataFrame({"a": values}),
        "pyarrow": pa.table({"a": values}),
        "numpy": values,
    }
    assert 8000 <= boundary.weight(made[library]) < 9000
    assert boundary.weight([1] * 1000) == 0 == boundary.weight(pl.LazyFrame({"a": values}))
