"""The recorder against a journal: what is written, when, and what happens when it cannot be."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from jupyter_mlgov.audit.entries import AuditEntry, Draft
from jupyter_mlgov.audit.verify import verify
from jupyter_mlgov.core.canonical import canonical_json
from jupyter_mlgov.core.clock import SystemClock
from jupyter_mlgov.core.errors import StorageProblem
from jupyter_mlgov.integrations.sql import open_journal
from jupyter_mlgov.lineage.current import running
from jupyter_mlgov.lineage.facts import CellRun, Outcome, Step, Surroundings
from jupyter_mlgov.lineage.fold import fold
from jupyter_mlgov.lineage.outbound import Outbound
from jupyter_mlgov.lineage.recorder import Recorder
from jupyter_mlgov.lineage.seen import run_payload
from jupyter_mlgov.testing import ANA, MemoryJournal, MemoryObjects, session

NOTEBOOK = "credit.ipynb"


class Locked(MemoryJournal):
    """A journal that can be locked, for the time a test wants."""

    locked = False

    def append(self, drafts: Sequence[Draft], **more: Any) -> Any:
        if self.locked:
            raise StorageProblem("mlgov.db is locked by another kernel.", next="Stop the one that holds it, or try again.")
        return super().append(drafts, **more)


class Bench:
    """A notebook with a recorder and without IPython."""

    def __init__(self, root: Path, journal: Any = None, session_id: str = "session-1") -> None:
        self.journal = journal or Locked()
        self.objects = MemoryObjects()
        self.root = root
        self.said: list[str] = []
        self.names: dict[str, object] = {"P": Path}
        self.outbound = Outbound(journal=self.journal, folder=root / "spool", session=session_id, notebook=NOTEBOOK, actor=ANA)
        self.recorder = Recorder(
            outbound=self.outbound, objects=self.objects, clock=SystemClock(), session=session(notebook=NOTEBOOK, id=session_id), root=root,
            keep=frozenset({"scored"}), warn=self.said.append,
        )  # fmt: skip

    def run(self, source: str, *tags: str, cell: str = "", before_end: Callable[[], None] | None = None) -> CellRun:
        self.recorder.begin(cell_id=cell, source=source, tags=tags, namespace=self.names)
        outcome, error = Outcome.OK, ""
        try:
            exec(compile(source, "cell", "exec"), self.names)
        except SyntaxError as problem:
            outcome, error = Outcome.SYNTAX, f"SyntaxError: {problem}"
        except Exception as problem:
            outcome, error = Outcome.FAILED, f"{type(problem).__name__}: {problem}"
        if before_end:
            before_end()
        run = self.recorder.end(outcome=outcome, namespace=self.names, error=error)
        assert run is not None
        return run

    def entries(self, *actions: str) -> list[AuditEntry]:
        self.recorder.flush()
        return list(self.journal.entries(actions=actions))

    def runs(self) -> tuple[CellRun, ...]:
        return fold(self.entries(), NOTEBOOK, dead=lambda _: False).runs


def test_what_is_recorded_folds_back_to_the_same_facts(bench: Bench) -> None:
    runs = (
        bench.run("import pandas as pd\nscored = pd.DataFrame({'a': [1, 2]})\nscored.to_csv('t.csv')", "mlgov:data", cell="c1"),
        bench.run("mean = float(scored.a.mean())\nbad = float('nan')\nmetrics = {'b': 2}", "mlgov:evaluate", "other", cell="c2"),
        bench.run("limit = 0.8\nname = 'x'\nhuge = 2**70\napi_key = 'abc'", "parameters", cell="c3"),
    )
    assert [canonical_json(run_payload(run)) for run in bench.runs()] == [canonical_json(run_payload(run)) for run in runs]
    assert bench.runs()[0] == runs[0]
    assert bench.said == []
    assert verify(bench.entries()).ok


def test_the_start_is_written_before_the_code_runs(bench: Bench) -> None:
    seen: list[Outcome] = []
    bench.run("x = 1", cell="c1", before_end=lambda: seen.extend(run.outcome for run in bench.runs()))
    assert seen == [Outcome.RUNNING]
    assert [run.outcome for run in bench.runs()] == [Outcome.OK]


def test_who_is_called_from_a_cell_can_ask_which_one_runs(bench: Bench) -> None:
    """From its beginning, with its step, to its end; a step said in its middle counts from then on."""
    seen: list[CellRun | None] = [running()]
    run = bench.run("x = 1", "mlgov:train", cell="c1", before_end=lambda: seen.append(running()))
    seen.append(running())
    assert seen[0] is None and seen[2] is None
    assert seen[1] is not None
    assert (seen[1].id, seen[1].cell_id, seen[1].step) == (run.id, "c1", run.step)

    def say() -> None:
        bench.recorder.step(Step(kind="evaluate"), "y = 2", bench.names)
        seen.append(running())

    bench.run("y = 2", cell="c2", before_end=say)
    assert seen[3] is not None
    assert seen[3].step == Step(kind="evaluate")
    assert running() is None


def test_the_document_names_every_field_of_a_run() -> None:
    """docs/formats/cell-run.md is the record's page: a field it leaves out cannot be read by anybody else."""
    page = (Path(__file__).parents[2] / "docs/formats/cell-run.md").read_text()
    table = [line.split("|")[1] for line in page.splitlines() if line.startswith("| ")]
    named = {name for cell in table for name in re.findall(r"`([a-z_.]+)`", cell)}
    fields = {*CellRun.__slots__, *(f"surroundings.{name}" for name in Surroundings.__slots__)} - {"surroundings"}
    assert named == fields


def test_names_parameters_metrics_and_order(bench: Bench) -> None:
    first = bench.run("limit: float = 0.8\nsecret_token = 'zyx-wvu'\nobject_ = object()", "injected-parameters")
    second = bench.run("auc = 0.7\nflag = True\ntext = 'x'\nmetrics = {'gini': 0.4, 'note': 'x'}", "mlgov:evaluate")
    assert first.parameters["limit"] == 0.8
    assert "zyx-wvu" not in str(bench.journal.rows) and set(first.parameters) == {"limit", "secret_token"}
    assert second.metrics == {"auc": 0.7, "gini": 0.4}
    assert (first.order, second.order) == (1, 2)
    assert second.reads == () and first.writes == ("limit", "secret_token", "object_")


def test_a_cell_that_raises_half_way_keeps_what_ran_and_no_more(bench: Bench) -> None:
    run = bench.run("a = 1\nP('made.txt').write_text('x')\nraise ValueError('first\\nsecond' + 'y' * 500)\nb = 2", "mlgov:train", cell="c")
    assert run.outcome is Outcome.FAILED
    assert run.error == "ValueError: first"
    assert run.writes == ("a",)
    assert [ref.path for ref in run.files_written] == ["made.txt"]
    assert bench.runs() == (run,)


def test_files_read_written_and_left_alone(bench: Bench, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    outside = tmp_path_factory.mktemp("outside") / "data.csv"
    for path in (outside, tmp_path / "in.csv", tmp_path / "old.csv"):
        path.write_text("a\n1\n")
    time.sleep(0.05)
    source = f"""
import json, this
for name in ('in.csv', 'in.csv', {str(outside)!r}):
    P(name).read_text()
P('out.csv').write_text('1')
P('out.csv').read_text()
with open('old.csv', 'r+') as f: f.write('2')
P('/proc/self/status').read_text()
import os; os.makedirs('.mlgov/x'); P('.mlgov/x/y').write_text('1')
P(os.devnull).write_text('')
"""
    sys.modules.pop("this", None)
    run = bench.run(source)
    assert [ref.path for ref in run.files_read] == ["in.csv", str(outside), "old.csv"]
    assert [ref.path for ref in run.files_written] == ["out.csv", "old.csv"]
    assert run.files_read[0].digest is not None and run.files_read[0].size == 4
    assert run.files_read[2].digest is None and any("old.csv" in gap for gap in run.gaps), "what was read before the overwrite is not known"


def test_an_unchanged_file_is_not_read_twice_and_a_changed_one_is(bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from jupyter_mlgov.core.digests import Digest

    (tmp_path / "big.csv").write_text("1")
    time.sleep(0.15)
    read: list[Path] = []
    of_file = Digest.of_file
    monkeypatch.setattr(Digest, "of_file", lambda path: read.append(path) or of_file(path))
    first, second = bench.run("P('big.csv').read_text()"), bench.run("P('big.csv').read_text()")
    assert first.files_read == second.files_read and len(read) == 1
    (tmp_path / "big.csv").write_text("2")
    third = bench.run("P('big.csv').read_text()")
    assert len(read) == 2 and third.files_read[0].digest != first.files_read[0].digest


def test_a_file_that_only_arrow_opens_is_seen_by_its_name(bench: Bench, tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.table({"a": [1]}), tmp_path / "t.parquet")
    time.sleep(0.05)
    bench.names["source"] = "t.parquet"
    run = bench.run("import pyarrow.parquet as pq\nt = pq.read_table(source)\npq.write_table(t, 'copy.parquet')", "mlgov:data")
    assert [ref.path for ref in run.files_read] == ["t.parquet"]
    assert [ref.path for ref in run.files_written] == ["copy.parquet"]


def test_tables_at_the_borders_of_a_step(bench: Bench) -> None:
    bench.names["pd"] = pd
    made = bench.run("table = pd.DataFrame({'a': [1, 2, 3]})", "mlgov:data")
    used = bench.run("half = table.iloc[:2]", "mlgov:features")
    assert [(ref.name, ref.fingerprint and ref.fingerprint.rows) for ref in made.outputs] == [("table", 3)]
    assert used.inputs == made.outputs
    assert [ref.name for ref in used.outputs] == ["half"]
    assert bench.run("quarter = table.iloc[:1]").outputs == (), "an untagged cell is not measured"


def test_a_change_inside_a_function_is_found_by_measuring_again(bench: Bench) -> None:
    bench.names.update(pd=pd, table=pd.DataFrame({"a": [1, 2]}), change=lambda frame: frame.__setitem__("b", 1))
    run = bench.run("result = change(table)", "mlgov:features")
    assert "table" in run.writes
    before, after = run.inputs[0].fingerprint, run.outputs[0].fingerprint
    assert before and after and before.root != after.root and list(after.columns) == ["a", "b"]


def test_the_kept_table_is_stored_whenever_a_cell_changed_it(bench: Bench) -> None:
    import io

    bench.names["pd"] = pd
    made = bench.run("scored = pd.DataFrame({'a': [1, 2]})")
    assert bench.run("scored.a.sum()").outputs == (), "reading alone stores nothing"
    changed = bench.run("scored.loc[0, 'a'] = 7")
    bench.names["alias"] = bench.names["scored"]
    by_alias = bench.run("alias.loc[1, 'a'] = 8")
    stored = [run.outputs[0].stored for run in (made, changed, by_alias)]
    tables = [pd.read_parquet(io.BytesIO(bench.objects.get(digest))).a.tolist() for digest in stored if digest]
    assert tables == [[1, 2], [7, 2], [7, 8]]


def test_a_model_is_stored_by_a_train_step_and_loads_again(bench: Bench) -> None:
    import skops.io
    from sklearn.linear_model import LogisticRegression

    bench.names.update(LogisticRegression=LogisticRegression, rows=[[0.0], [1.0]], label=[0, 1])
    run = bench.run("model = LogisticRegression().fit(rows, label)", "mlgov:train")
    (ref,) = run.outputs
    assert ref.kind == "model" and ref.fingerprint is not None and ref.stored is not None
    again = skops.io.loads(bench.objects.get(ref.stored), trusted=skops.io.get_untrusted_types(data=bench.objects.get(ref.stored)))
    assert (again.coef_ == bench.names["model"].coef_).all()
    assert bench.run("model.fit(rows, [1, 0])", "mlgov:train").outputs[0].fingerprint != ref.fingerprint


def test_a_model_without_a_canonical_form_says_why(bench: Bench) -> None:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer

    bench.names.update(make=lambda: make_pipeline(FunctionTransformer(lambda rows: rows), LogisticRegression()))
    run = bench.run("model = make().fit([[0.0], [1.0]], [0, 1])", "mlgov:train")
    (ref,) = run.outputs
    assert ref.fingerprint is None and "unstable" in ref.note


def test_a_bad_tag_is_said_once_recorded_as_a_gap_and_the_cell_runs(bench: Bench) -> None:
    run = bench.run("x = 1", "mlgov:trian", cell="c7")
    assert bench.names["x"] == 1 and run.outcome is Outcome.OK and run.step is None
    assert len(bench.said) == 1 and "c7" in bench.said[0] and "mlgov:train" in bench.said[0]
    assert [entry.payload["problem"] for entry in bench.entries("recording.gap")] == [bench.said[0]]
    assert run.gaps == (bench.said[0],)


def test_while_the_journal_is_locked_cells_run_and_nothing_is_lost(bench: Bench) -> None:
    first = bench.run("a = 1", cell="c1")
    assert bench.runs() == (first,)
    bench.journal.locked = True
    second, third = bench.run("b = 2", cell="c2"), bench.run("c = 3", cell="c3")
    bench.recorder.flush()
    bench.recorder.flush()
    assert len(bench.said) == 1 and "locked" in bench.said[0]
    assert bench.recorder.waiting == 0, "they are in the spool"
    bench.journal.locked = False
    fourth = bench.run("d = 4", cell="c4")
    assert bench.runs() == (first, second, third, fourth)
    (gap,) = bench.entries("recording.gap")
    assert "locked" in str(gap.payload["problem"])
    assert len(bench.said) == 1
    assert verify(bench.entries()).ok


def test_what_waits_is_written_at_the_end_of_the_session(bench: Bench) -> None:
    bench.journal.locked = True
    run = bench.run("a = 1", cell="c1")
    bench.journal.locked = False
    bench.recorder.close()
    bench.recorder.close()
    assert bench.runs() == (run,)
    assert [entry.action for entry in bench.entries()][-1:] == ["session.ended"]
    assert not list((bench.root / "spool").glob("*.spool")), "a session that ended leaves no spool behind"


def test_a_database_locked_by_another_process_costs_the_cell_no_wait_and_no_record(tmp_path: Path) -> None:
    import sqlite3

    journal = open_journal(tmp_path / "m.db", SystemClock(), wait=60)
    bench = Bench(tmp_path, journal)
    bench.run("a = 1", cell="c1")
    bench.recorder.flush()
    other = sqlite3.connect(tmp_path / "m.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    begun = time.perf_counter()
    bench.run("b = 2", cell="c2")
    spent = time.perf_counter() - begun
    other.rollback()
    other.close()
    bench.recorder.flush()
    assert spent < 30, "only the spool is on the cell's path"
    assert [(run.cell_id, run.outcome) for run in bench.runs()] == [("c1", Outcome.OK), ("c2", Outcome.OK)]
    bench.recorder.close()
    journal.close()


def test_a_recorder_that_stumbles_does_not_break_the_cell(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    from jupyter_mlgov.lineage import boundary

    def broken(*_: object) -> None:
        raise RuntimeError("inside")

    monkeypatch.setattr(boundary, "references", broken)
    run = bench.run("x = 1", "mlgov:train", cell="c1")
    assert bench.names["x"] == 1 and run.outcome is Outcome.OK
    assert any("RuntimeError" in gap for gap in run.gaps) and bench.said
    assert bench.runs() == (run,)


def test_names_that_bite_do_not_break_the_record(bench: Bench) -> None:
    class Bites:
        def __getattribute__(self, name: str) -> object:
            raise RuntimeError(name)

        def __eq__(self, other: object) -> bool:
            raise RuntimeError

        __hash__ = None

    bench.names["Bites"] = Bites
    run = bench.run("bites = Bites()\nendless = (x for x in iter(int, 1))", "mlgov:evaluate")
    assert run.writes == ("bites", "endless") and run.gaps == () and run.metrics == {}
    assert bench.run("other = bites", "mlgov:train", "parameters").reads == ("bites",)


def test_a_killed_cell_is_told_from_a_running_one(bench: Bench) -> None:
    bench.run("a = 1", cell="c1")
    bench.recorder.begin(cell_id="c2", source="b = 2", namespace=bench.names)
    states = [fold(bench.entries(), NOTEBOOK, dead=lambda _, gone=gone: gone).runs[-1].outcome for gone in (False, True)]
    assert states == [Outcome.RUNNING, Outcome.KILLED]
    bench.recorder.close()
    assert bench.runs()[-1].outcome is Outcome.KILLED


def test_only_the_last_session_counts(bench: Bench, tmp_path: Path) -> None:
    bench.run("a = 1")
    bench.recorder.flush()
    later = Bench(tmp_path, bench.journal, "session-2")
    run = later.run("b = 2", cell="c9")
    assert later.runs() == (run,)
    assert fold(bench.entries(), "other.ipynb").session is None


def test_this_process_lives_and_a_reaped_one_is_dead() -> None:
    import subprocess

    from jupyter_mlgov.lineage.process import _start, is_dead, this_process

    me = this_process()
    assert not is_dead(me)
    assert is_dead({**me, "start": "1"}) and is_dead({**me, "boot": "another"})
    assert not is_dead({**me, "host": "elsewhere", "start": "1"}) and not is_dead({})
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    told = {**me, "pid": child.pid, "start": _start(child.pid)}
    assert not is_dead(told)
    child.communicate(b"\n")
    assert is_dead(told)
