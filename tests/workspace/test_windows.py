"""Odd windows, each with its sentence: empty, of the future, overlapping, the same again, renamed, without values, in other zones."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from jupyter_mlgov.core.errors import BadInput
from jupyter_mlgov.core.verdicts import Verdict
from jupyter_mlgov.workspace.monitoring import look, quiet, running
from tests.workspace.gated import Gated
from tests.workspace.watched import TEAM, alarms, house, later, rows, window

pytestmark = pytest.mark.usefixtures("checks_here")
TIMED = TEAM.replace('score = "score"', 'score = "score"\ntime = "at"')
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)  # of the fixed clock


def timed(seed: int, start: datetime, days: float, *, zone: str | None = "UTC") -> pa.Table:
    table = rows(seed)
    seconds = np.linspace(0, days * 86_400, table.num_rows)
    times = [start + timedelta(seconds=float(one)) for one in seconds]
    plain = [one.replace(tzinfo=None) for one in times]
    return table.append_column("at", pa.array(times if zone else plain, pa.timestamp("us", zone)))


@pytest.fixture
def workspace(tmp_path: Path) -> Gated:
    return house(tmp_path, TIMED, timed(1, NOW - timedelta(days=200), 30))


def put(workspace: Gated, name: str, table: pa.Table) -> Path:
    pq.write_table(table, workspace.root / f"{name}.parquet")
    return workspace.root / f"{name}.parquet"


def ran(workspace: Gated) -> list[dict[str, object]]:
    return [dict(entry.payload) for entry in workspace.journal.entries(actions=("monitor.ran",))]


def test_the_times_of_a_window_are_on_record_in_utc_whatever_its_zone(workspace: Gated) -> None:
    start = NOW - timedelta(days=8)
    look(workspace, "credit", put(workspace, "utc", timed(2, start, 1)))
    look(workspace, "credit", put(workspace, "tokyo", timed(3, start, 1, zone="Asia/Tokyo")))
    look(workspace, "credit", put(workspace, "none", timed(4, start, 1, zone=None)))
    spans = [(one["from"], one["to"]) for one in ran(workspace)]
    assert len(spans) == 3
    assert len(set(spans)) == 1
    assert str(spans[0][0]).startswith("2026-11-15T12:00:00")


def test_rows_of_the_future_are_refused_with_both_times_and_leave_no_measurement(workspace: Gated) -> None:
    with pytest.raises(BadInput, match="newest row of ahead is from 2026-11-26") as error:
        look(workspace, "credit", put(workspace, "ahead", timed(2, NOW, 3)))
    assert "now is 2026-11-23 12:00 UTC" in str(error.value)
    assert ran(workspace) == []
    assert look(workspace, "credit", put(workspace, "today", timed(3, NOW - timedelta(days=1), 1.5))).verdict is Verdict.PASS


def test_windows_that_overlap_say_so(workspace: Gated) -> None:
    start = NOW - timedelta(days=8)
    assert look(workspace, "credit", put(workspace, "first", timed(2, start, 2))).notes == ()
    second = look(workspace, "credit", put(workspace, "second", timed(3, start + timedelta(days=1), 2)))
    assert second.notes == ("It overlaps with window first (2026-11-15 to 2026-11-17): rows count in both.",)
    assert look(workspace, "credit", put(workspace, "third", timed(4, start + timedelta(days=4), 2))).notes == ()


def test_the_same_rows_again_are_no_measurement_raise_an_alarm_once_and_end_no_silence(workspace: Gated) -> None:
    path = put(workspace, "w1", timed(2, NOW - timedelta(days=3), 1))
    assert look(workspace, "credit", path).verdict is Verdict.PASS
    later(workspace, 8)
    stuck = look(workspace, "credit", path, name="w2")
    assert stuck.verdict is Verdict.INCONCLUSIVE
    assert stuck.measured == ()
    assert "the same rows were judged as window w1" in stuck.unmeasured["drift"]
    number = len(alarms(workspace))
    look(workspace, "credit", path, name="w3")
    assert len(alarms(workspace)) == number
    assert len(quiet(workspace)) == 4, "a feed that stands still looks healthy to nobody"


def test_labels_that_came_in_since_are_new(workspace: Gated) -> None:
    table = timed(2, NOW - timedelta(days=3), 1)
    early = table.set_column(table.column_names.index("good"), "good", pa.nulls(table.num_rows, pa.int64()))
    first = look(workspace, "credit", put(workspace, "w1", early))
    assert "performance" in first.unmeasured
    assert "performance" in look(workspace, "credit", put(workspace, "w1", table)).measured


def test_a_renamed_column_is_found_and_its_new_name_is_named(workspace: Gated) -> None:
    table = timed(2, NOW - timedelta(days=3), 1)
    tick = look(workspace, "credit", put(workspace, "w1", table.rename_columns(["income" if n == "x" else n for n in table.column_names])))
    assert "quality" in tick.found
    assert "x is in the reference and not in the window. New of the same kind: income; was it renamed?" in str(tick.acts)


def test_a_column_of_another_kind_is_found(workspace: Gated) -> None:
    table = timed(2, NOW - timedelta(days=3), 1)
    texts = pa.array([f"{one:.2f}" for one in table["x"].to_pylist()])
    tick = look(workspace, "credit", put(workspace, "w1", table.set_column(0, "x", texts)))
    assert "x was number and is text." in " ".join(
        one.message for result in tick.report.results if result.validator == "monitor.schema" for one in result.findings
    )
    assert {"quality", "drift"} <= set(tick.found)


def test_a_column_without_a_value_is_found(workspace: Gated) -> None:
    table = timed(2, NOW - timedelta(days=3), 1)
    tick = look(workspace, "credit", put(workspace, "w1", table.set_column(0, "x", pa.array([float("nan")] * table.num_rows))))
    assert {"quality", "drift"} <= set(tick.found)
    assert "x holds no value in 4,000 rows." in " ".join(one.message for result in tick.found["quality"] for one in result.findings)


def test_the_last_file_of_a_folder_is_its_window(workspace: Gated) -> None:
    folder = workspace.root / "windows"
    folder.mkdir()
    with pytest.raises(BadInput, match="holds no window"):
        look(workspace, "credit", folder)
    pq.write_table(timed(2, NOW - timedelta(days=6), 1), folder / "2026-11-17.parquet")
    pq.write_table(timed(3, NOW - timedelta(days=5), 1), folder / "2026-11-18.parquet")
    assert look(workspace, "credit", folder).window == "2026-11-18"


def test_a_delta_table_is_a_window(workspace: Gated) -> None:
    import deltalake

    deltalake.write_deltalake(str(workspace.root / "delta"), timed(2, NOW - timedelta(days=3), 1))
    tick = look(workspace, "credit", workspace.root / "delta")
    assert (tick.window, tick.verdict) == ("delta", Verdict.PASS)


@pytest.mark.parametrize("content", [b"", b"PAR1 and no more", b"x,x\n1,2\n"])
def test_what_is_no_table_is_a_sentence(workspace: Gated, content: bytes) -> None:
    path = workspace.root / "w.csv"
    path.write_bytes(content)
    with pytest.raises(BadInput):
        look(workspace, "credit", path)
    assert ran(workspace) == []


def test_evidently_is_attached_while_the_reference_rows_are_kept_and_agrees(tmp_path: Path) -> None:
    """Both find the column that moved and not the one that stood still; without the rows it is said, and nothing is called measured."""
    asked = TEAM + '[monitoring.drift]\nfrequency = "daily"\n[policy.parameters."monitor.drift"]\nevidently = true\n'
    made = house(tmp_path, asked.replace("[policy]\npacks", "[policy]\npacks"))
    tick = look(made, "credit", window(made, shift=0.8))
    (result,) = tick.report.results
    (theirs,) = [one.details["evidently"] for one in result.findings if "evidently" in one.details]
    assert isinstance(theirs, dict)
    moved = {name: value for name, value in theirs.items() if name.startswith("ValueDrift")}
    assert {name.partition("column=")[2].split(",")[0] for name, value in moved.items() if float(str(value)) > 0.1} >= {"x", "score"}
    ours = {one.where for one in result.findings if one.verdict is Verdict.FAIL}
    assert {"x", "score"} <= ours
    assert "sex" not in ours
    for path in (made.root / ".mlgov" / "objects").rglob("*"):
        if path.is_file() and path.read_bytes()[:4] == b"PAR1":
            path.unlink()
    again = look(made, "credit", window(made, "w2", seed=3))
    assert "needs the rows of the reference" in again.unmeasured["drift"]


def test_the_clock_of_the_log_counts_where_the_machines_was_set_back(workspace: Gated) -> None:
    look(workspace, "credit", put(workspace, "w1", timed(2, NOW - timedelta(days=3), 1)))
    later(workspace, 5)
    look(workspace, "credit", put(workspace, "w2", timed(3, NOW + timedelta(days=3), 1)))
    later(workspace, -5)
    tick = look(workspace, "credit", put(workspace, "w3", timed(4, NOW + timedelta(days=4), 0.5)))
    assert tick.verdict is Verdict.PASS
    assert running(workspace, "credit").move.version == "1"
