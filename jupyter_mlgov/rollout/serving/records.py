"""The log of predictions: written in batches, kept in memory while the disk takes nothing, and never lost silently."""

from __future__ import annotations

import hashlib
import hmac
import itertools
import os
import secrets
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from jupyter_mlgov.core.clock import Clock
from jupyter_mlgov.rollout.serving.inputs import Rows

if TYPE_CHECKING:
    import pyarrow as pa

Served = Literal["champion", "challenger", "baseline", "shadow"]
FEATURE, GROUP = "x_", "group_"


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """One answered (or failed) request, all its rows. `scores` None: no score was given, and `problem` says why.

    `position` is where the entity stands in 0..100, None where nobody said who it is about. `step` is the canary's step in force.
    """

    moment: datetime
    request: str
    version: str
    arm: Served
    seconds: float
    rows: Rows
    scores: tuple[float, ...] | None
    adverse: tuple[bool, ...] | None = None
    problem: str = ""
    cached: bool = False
    canary: str = ""
    step: int = -1
    entity: str = ""
    position: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Privacy:
    """What the log may hold: `dropped` columns never, `keyed` ones as a keyed digest (HMAC-SHA256), `groups` as they are, beside."""

    key: bytes
    dropped: frozenset[str] = frozenset()
    keyed: frozenset[str] = frozenset()
    groups: tuple[str, ...] = ()

    def hidden(self, value: object) -> str:
        """The same value, the same 32 hex digits; without the key nobody can go back, or try all values."""
        return hmac.new(self.key, str(value).encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()[:32]


# Writes one batch somewhere; raises OSError (or what the store raises) when it did not take.
Sink = Callable[["pa.Table"], None]


class PredictionLog:
    """Predictions wait in memory until a batch is full or some seconds are over; then a thread of its own writes them.

    A batch that could not be written stays, and is tried again; `problem` says so meanwhile, and `full` when no more may wait.
    """

    def __init__(self, sink: Sink, privacy: Privacy, *, batch: int, seconds: float, most: int) -> None:
        self.written = 0
        self.problem = ""
        self._sink, self._privacy, self._batch, self._most = sink, privacy, batch, most
        self._waiting: list[Prediction] = []
        self._lock, self._wake, self._ended = threading.Lock(), threading.Event(), threading.Event()
        self._seconds = seconds
        self._writing = threading.Lock()
        self._thread = threading.Thread(target=self._run, daemon=True, name="mlgov-predictions")
        self._thread.start()

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    @property
    def full(self) -> bool:
        """No more predictions may wait."""
        return len(self._waiting) >= self._most

    def add(self, prediction: Prediction) -> None:
        """Takes microseconds; nothing is written here. One beyond `most` is counted as a problem and not kept."""
        with self._lock:
            if len(self._waiting) >= self._most:
                self.problem = self.problem or f"{self._most:,} predictions wait and no more are kept"
                return
            self._waiting.append(prediction)
        if len(self._waiting) >= self._batch:
            self._wake.set()

    def flush(self) -> bool:
        """Write what waits, now. False: it could not be written and still waits."""
        with self._writing:
            with self._lock:
                batch = self._waiting[:]
            if not batch:
                return True
            try:
                self._sink(table_of(batch, self._privacy))
            except Exception as error:  # noqa: BLE001 # a disk, a store or a library raises its own; the batch stays and the problem is told
                self.problem = f"predictions cannot be written: {' '.join(str(error).split())[:200] or type(error).__name__}"
                return False
            with self._lock:
                del self._waiting[: len(batch)]
            self.written += len(batch)
            self.problem = ""
            return True

    def close(self) -> bool:
        """The last batch, and the thread's end. False where predictions were lost with the process."""
        self._ended.set()
        self._wake.set()
        self._thread.join(timeout=10)
        return self.flush()

    def _run(self) -> None:
        while not self._ended.is_set():
            self._wake.wait(self._seconds)
            self._wake.clear()
            if self._ended.is_set():
                return
            if not self.flush():
                self._ended.wait(min(self._seconds, 1.0))


def table_of(batch: list[Prediction], privacy: Privacy) -> pa.Table:
    """One row a row of each request. Features as `x_NAME`, groups as `group_NAME`; numbers stay numbers, the rest is text."""
    import pyarrow as pa

    plain: dict[str, list[object]] = {name: [] for name in _SCHEMA}
    features: dict[str, list[object]] = {}
    total = 0
    for one in batch:
        for row in range(one.rows.n):
            _plain_row(plain, one, row, privacy)
        _features(features, one.rows, privacy, total)
        total += one.rows.n
    columns = {name: pa.array(values, _type(pa, _SCHEMA[name])) for name, values in plain.items()}
    for name, values in features.items():
        values += [None] * (total - len(values))
        numbers = all(value is None or isinstance(value, (int, float)) for value in values) and not name.startswith(GROUP)
        columns[name] = pa.array(
            [None if v is None else v if numbers else str(v) for v in values], pa.float64() if numbers else pa.string()
        )
    return pa.table(columns)


_SCHEMA = {
    "time": "time",
    "request": "text",
    "row": "int",
    "version": "text",
    "arm": "text",
    "canary": "text",
    "step": "int",
    "entity": "text",
    "position": "float",
    "score": "float",
    "adverse": "flag",
    "missing": "flag",
    "cached": "flag",
    "seconds": "float",
    "problem": "text",
}


def _type(pa: Any, name: str) -> Any:
    kinds = {"text": pa.string(), "int": pa.int32(), "float": pa.float64(), "flag": pa.bool_(), "time": pa.timestamp("us", "UTC")}
    return kinds[name]


def _plain_row(into: dict[str, list[object]], one: Prediction, row: int, privacy: Privacy) -> None:
    into["time"].append(one.moment)
    into["request"].append(one.request)
    into["row"].append(row)
    into["version"].append(one.version)
    into["arm"].append(one.arm)
    into["canary"].append(one.canary)
    into["step"].append(one.step)
    into["entity"].append(privacy.hidden(one.entity) if one.entity else None)
    into["position"].append(one.position)
    into["score"].append(one.scores[row] if one.scores is not None else None)
    into["adverse"].append(one.adverse[row] if one.adverse is not None else None)
    into["missing"].append(bool(one.rows.missing[row]) if one.rows.missing else False)
    into["cached"].append(one.cached)
    into["seconds"].append(one.seconds)
    into["problem"].append(one.problem or None)


def _features(into: dict[str, list[object]], rows: Rows, privacy: Privacy, start: int) -> None:
    def put(name: str, values: list[object]) -> None:
        column = into.setdefault(name, [])
        column += [None] * (start - len(column))
        column += values

    for name, array in rows.columns.items():
        if name in privacy.dropped:
            continue
        values = array.tolist()
        put(FEATURE + name, [privacy.hidden(value) for value in values] if name in privacy.keyed else values)
    for name in privacy.groups:
        if name in rows.also:
            put(GROUP + name, list(rows.also[name]))
        elif name in rows.columns:
            put(GROUP + name, rows.columns[name].tolist())


def parquet_sink(folder: Path, clock: Clock) -> Sink:
    """A file a batch in `folder/date=YYYY-MM-DD/`, written beside and then renamed: nobody ever reads half a file."""
    numbers, own = itertools.count(), secrets.token_hex(4)  # every pod of a cluster is process 1

    def write(table: pa.Table) -> None:
        import pyarrow.parquet as pq

        now = clock.now().astimezone(UTC)
        place = folder / f"date={now:%Y-%m-%d}"
        place.mkdir(parents=True, exist_ok=True)
        name = f"{now:%H%M%S%f}-{own}-{next(numbers)}.parquet"
        draft = place / f".{name}.draft"
        try:
            with draft.open("wb") as stream:
                pq.write_table(table, stream)
                stream.flush()
                os.fsync(stream.fileno())
            draft.rename(place / name)
        finally:
            draft.unlink(missing_ok=True)

    return write


def read_predictions(folder: Path, columns: list[str] | None = None) -> pa.Table:
    """Every prediction in the Parquet files of `folder`, oldest file first. An empty table where there are none."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    files = sorted(path for path in folder.glob("date=*/*.parquet") if not path.name.startswith("."))
    tables = []
    for path in files:
        with pq.ParquetFile(path) as file:  # by itself: the folder's name is no column, and batches may have different features
            wanted = None if columns is None else [name for name in columns if name in file.schema_arrow.names]
            tables.append(file.read(columns=wanted))
    return pa.concat_tables(tables, promote_options="permissive") if tables else pa.table({})


def join_labels(predictions: pa.Table, labels: Mapping[str, object]) -> pa.Table:
    """`predictions` with a column `label` by the request's id; null where none has matured."""
    import pyarrow as pa

    found = [labels.get(str(request)) for request in predictions.column("request").to_pylist()]
    return predictions.append_column("label", pa.array([None if value is None else str(value) for value in found], pa.string()))
