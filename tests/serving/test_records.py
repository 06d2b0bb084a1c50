"""The log of predictions: nothing lost, nothing personal, nothing pretended while the disk takes nothing."""

from __future__ import annotations

import resource
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from jupyter_mlgov.core.clock import SystemClock
from jupyter_mlgov.rollout.serving.inputs import Rows
from jupyter_mlgov.rollout.serving.records import Prediction, PredictionLog, Privacy, join_labels, parquet_sink, read_predictions, table_of
from jupyter_mlgov.workspace.labels import add_labels, labels, predictions
from tests.serving.world import TEAM, House, serving

pytestmark = pytest.mark.filterwarnings("ignore")
PRIVACY = Privacy(key=b"k" * 32, dropped=frozenset({"age"}), keyed=frozenset({"name"}), groups=("sex",))


def prediction(number: int = 0, **more: object) -> Prediction:
    rows = Rows(
        n=1,
        columns={"income": np.array([1.5]), "age": np.array([44.0]), "name": np.array(["Ada"], object)},
        also={"sex": ("f",), "customer": ("c-1",)},
        missing=(False,),
    )
    return Prediction(
        moment=datetime(2026, 11, 24, tzinfo=UTC),
        request=f"r{number}",
        version="1",
        arm="champion",
        seconds=0.001,
        rows=rows,
        scores=(0.25,),
        entity="c-1",
        **more,  # type: ignore[arg-type] # fields of the fact
    )


def test_personal_columns_are_dropped_or_keyed_and_entities_always_keyed() -> None:
    table = table_of([prediction()], PRIVACY)
    row = table.to_pylist()[0]
    assert "x_age" not in table.column_names
    assert row["x_income"] == 1.5
    assert row["x_name"] == PRIVACY.hidden("Ada") != PRIVACY.hidden("Bob")
    assert row["entity"] == PRIVACY.hidden("c-1")
    assert row["group_sex"] == "f"
    assert "Ada" not in str(table.to_pylist())
    assert "c-1" not in str(table.to_pylist())
    assert Privacy(key=b"other").hidden("Ada") != PRIVACY.hidden("Ada")


def test_batches_with_other_features_are_read_together(tmp_path: Path) -> None:
    sink = parquet_sink(tmp_path, SystemClock())
    sink(table_of([prediction(1), prediction(2)], PRIVACY))
    other = Prediction(
        moment=datetime(2026, 11, 25, tzinfo=UTC),
        request="r3",
        version="2",
        arm="baseline",
        seconds=0.1,
        rows=Rows(n=2, columns={"debt": np.array([1.0, 2.0])}),
        scores=None,
        problem="RuntimeError: boom",
    )
    sink(table_of([other], PRIVACY))
    whole = read_predictions(tmp_path)
    assert whole.num_rows == 4
    assert whole["x_debt"].to_pylist() == [None, None, 1.0, 2.0]
    assert join_labels(whole, {"r2": 1})["label"].to_pylist() == [None, "1", None, None]
    assert read_predictions(tmp_path / "none").num_rows == 0


@contextmanager
def no_room() -> Iterator[None]:
    """The operating system lets no file grow: what a full disk does to a writer (Linux says EFBIG instead of ENOSPC)."""
    import signal

    before, handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


def test_a_full_disk_is_told_and_what_waited_is_written_when_there_is_room(tmp_path: Path) -> None:
    log = PredictionLog(parquet_sink(tmp_path, SystemClock()), PRIVACY, batch=1000, seconds=3600, most=5)
    with no_room():
        for number in range(4):
            log.add(prediction(number))
        assert not log.flush()
        assert "cannot be written" in log.problem
        assert log.waiting == 4
        assert not log.full
        log.add(prediction(4))
        assert log.full
        log.add(prediction(5))  # one more than may wait
    assert list(tmp_path.rglob("*.parquet")) == []
    assert log.close()
    assert read_predictions(tmp_path)["request"].to_pylist() == [f"r{number}" for number in range(5)]


def test_half_a_batch_is_never_seen(tmp_path: Path) -> None:
    sink = parquet_sink(tmp_path, SystemClock())
    with no_room(), pytest.raises(OSError, match="large"):
        sink(table_of([prediction()], PRIVACY))
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_server_whose_log_takes_nothing_is_not_ready_and_then_refuses(two: House) -> None:
    (two.workspace.root / "mlgov.toml").write_text(TEAM.replace("seconds = 0.2", "seconds = 0.05") + "most = 3\n", "utf-8")
    with serving(two.workspace) as served:

        def full(_: pa.Table) -> None:
            raise OSError(28, "No space left on device")

        good, served.service.log._sink = served.service.log._sink, full
        assert served.client.infer()[0] == 200
        served.until(lambda: served.client.get("/v2/health/ready")[0] == 503)
        assert "No space left" in served.client.get("/v2/health/ready")[2]["error"]
        served.client.infer()
        served.client.infer()
        status, _, body = served.client.infer()
        assert status == 503
        assert "does not answer what it cannot write down" in body["error"]
        served.service.log._sink = good
        served.until(lambda: served.client.get("/v2/health/ready")[0] == 200)
        assert served.client.infer()[0] == 200
    written = predictions(two.workspace, "credit")
    assert written.num_rows == 4


@pytest.mark.parametrize("form", ["parquet", "delta"])
def test_what_was_answered_is_in_the_log_and_joins_its_label(two: House, form: str, tmp_path: Path) -> None:
    (two.workspace.root / "mlgov.toml").write_text(TEAM + f'log = "{form}"\n', "utf-8")
    with serving(two.workspace) as served:
        replies = [served.client.infer(income=[float(number)], entity=f"c{number}") for number in range(5)]
        again = served.client.infer(income=[0.0], entity="c0")
    assert again[1]["mlgov-served-by"] == "champion, cached"
    table = predictions(two.workspace, "credit")
    assert sorted(table["request"].to_pylist()) == sorted(headers["mlgov-request"] for _, headers, _ in [*replies, again])
    told = dict(zip(table["request"].to_pylist(), table["score"].to_pylist(), strict=True))
    assert told[replies[3][1]["mlgov-request"]] == replies[3][2]["outputs"][0]["data"][0]
    assert sorted(table["cached"].to_pylist()) == [False] * 5 + [True]
    assert "x_age" not in table.column_names  # declared personal
    assert {len(entity) for entity in table["entity"].to_pylist()} == {32}  # keyed digests, no names
    file = tmp_path / "labels.csv"
    file.write_text(f"request,label\n{replies[1][1]['mlgov-request']},1\n", "utf-8")
    assert add_labels(two.workspace, "credit", file) == 1
    joined = join_labels(table, labels(two.workspace, "credit"))
    assert [value for value in joined["label"].to_pylist() if value is not None] == ["1"]


def test_the_cache_is_off_for_a_model_that_says_so_and_equal_rows_are_computed_once(two: House) -> None:
    with serving(two.workspace) as served:
        first, second = served.client.infer(), served.client.infer()
        assert first[2]["outputs"] == second[2]["outputs"]
        assert (first[2]["parameters"]["mlgov_cached"], second[2]["parameters"]["mlgov_cached"]) == (False, True)
    (two.workspace.root / "mlgov.toml").write_text(TEAM + "cache = 0\n", "utf-8")
    with serving(two.workspace) as served:
        served.client.infer()
        assert served.client.infer()[2]["parameters"]["mlgov_cached"] is False


def test_no_request_waits_for_the_disk(tmp_path: Path) -> None:
    writing, free, in_time = threading.Event(), threading.Event(), list[bool]()

    def stuck(_: pa.Table) -> None:
        writing.set()
        in_time.append(free.wait(30))

    log = PredictionLog(stuck, PRIVACY, batch=1, seconds=0.01, most=1000)
    for number in range(20):
        log.add(prediction(number))
        assert writing.wait(60), "the disk is asked while requests come"
    free.set()
    log.close()
    assert in_time and all(in_time), "all twenty were taken while the first was still being written"


def test_rules_are_read_strictly(house: Callable[..., House]) -> None:
    from jupyter_mlgov.core.errors import BadInput, UsageError
    from jupyter_mlgov.rollout.serving.rules import read_rules

    assert read_rules({"serving": {"slow": 0.2, "cache": 0}}).breaker.slow == 0.2
    with pytest.raises(UsageError, match='Did you mean "baseline"'):
        read_rules({"serving": {"basline": "1"}})
    for bad in ({"cache": -1}, {"cache": True}, {"slow": "1"}, {"log": "csv"}, {"share": 2}, {"groups": "sex"}, {"batch": 1.5}):
        with pytest.raises(BadInput, match="serving"):
            read_rules({"serving": bad})


def test_every_key_of_the_tables_is_in_the_users_guide(checkout: Path) -> None:
    from jupyter_mlgov.rollout.canary import plan
    from jupyter_mlgov.rollout.serving import rules

    guide = "".join((checkout / "docs" / "users" / name).read_text("utf-8") for name in ("serving.md", "canary.md"))
    keys = {*rules.ServingRules.__dataclass_fields__, *rules._BREAKER, *plan._ROUTE, *plan._OWN, *plan.Primary.__dataclass_fields__}
    assert {key for key in keys - {"breaker", "power", "n"} if f"{key} =" not in guide and f"`{key}`" not in guide} == set()
