"""Values that cross come back as they were, or are refused by name; a changed byte closes them before they are opened."""

from __future__ import annotations

import json
import random
import sqlite3
import threading
from collections import Counter, OrderedDict
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from scipy import sparse
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from jupyter_mlgov.core.errors import BadInput, NotReady
from jupyter_mlgov.lineage.fingerprint import fingerprint
from jupyter_mlgov.pipelines.crossing import CannotCross, read_values, write_manifest, write_values


def crossed(folder: Path, **values: object) -> dict[str, Any]:
    write_manifest(folder, {"step": "s"}, write_values(values, folder, step="s"))
    return read_values(folder, values)


TABLES = {
    "range index": pd.DataFrame({"a": [1, 2], "b": ["x", None]}),
    "named index": pd.DataFrame({"a": [1.5, np.nan]}, index=pd.Index(["k", "l"], name="key")),
    "two levels": pd.DataFrame({"a": [1, 2]}, index=pd.MultiIndex.from_tuples([("x", 1), ("y", 2)], names=["p", "q"])),
    "times": pd.DataFrame({"t": pd.date_range("2026-01-01", periods=3, tz="Europe/Paris")}, index=pd.date_range("2026", periods=3)),
    "categories": pd.DataFrame({"c": pd.Categorical(["a", "b", "a"], categories=["b", "a", "z"], ordered=True)}),
    "numbers for columns": pd.DataFrame(np.arange(4).reshape(2, 2)),
    "nullable": pd.DataFrame({"a": pd.array([1, None], dtype="Int64"), "b": pd.array([True, None], dtype="boolean")}),
    "empty": pd.DataFrame({"a": pd.Series([], dtype="float32")}),
}


@pytest.mark.parametrize("case", TABLES)
def test_a_pandas_table_comes_back_with_its_index_and_types(case: str, tmp_path: Path) -> None:
    table = TABLES[case]
    pd.testing.assert_frame_equal(crossed(tmp_path, table=table)["table"], table)


def test_series_polars_arrow_and_sparse_come_back(tmp_path: Path) -> None:
    series = pd.Series([1, 2], index=["a", "b"], name="s")
    frame, table = pl.DataFrame({"a": [1, None], "b": ["x", "y"]}), pa.table({"a": [1, 2]})
    matrix = sparse.csr_matrix(np.eye(3))
    back = crossed(tmp_path, series=series, frame=frame, table=table, matrix=matrix)
    pd.testing.assert_series_equal(back["series"], series)
    assert back["frame"].equals(frame) and back["table"].equals(table) and (back["matrix"] != matrix).nnz == 0


def test_a_model_comes_back_with_the_same_fingerprint(tmp_path: Path) -> None:
    rows = np.arange(12.0).reshape(6, 2)
    model, scaler = LogisticRegression().fit(rows, [0, 1, 0, 1, 0, 1]), StandardScaler().fit(rows)
    back = crossed(tmp_path, model=model, scaler=scaler, unfitted=LogisticRegression(C=3))
    assert fingerprint(back["model"]) == fingerprint(model) and back["unfitted"].C == 3
    assert (back["scaler"].mean_ == scaler.mean_).all() and (tmp_path / "00-model.skops").is_file()


PLAIN = [
    *(None, True, 1, 2**70, -0.0, float("inf"), "ä\ud800", b"\0", 1j, (1, [2, {"a": (3,)}]), {1: "a", "1": "b", (1, 2): None}),
    *({1, 2}, frozenset("ab"), OrderedDict(a=1), Counter("aab"), range(3), date(2026, 1, 2), datetime(2026, 1, 2, 3, tzinfo=UTC)),
    *(timedelta(seconds=1.5), Decimal("1.10"), Path("a/b c"), 1.0, slice(1, None)),
]


def test_plain_values_come_back_with_their_types(tmp_path: Path) -> None:
    for number, value in enumerate(PLAIN):
        back = crossed(tmp_path / str(number), value=value)["value"]
        assert type(back) is type(value) and repr(back) == repr(value)


def test_tables_inside_of_containers_and_numbers_of_numpy_come_back(tmp_path: Path) -> None:
    split = (np.arange(3), {"train": pd.DataFrame({"a": [1]})}, np.float32(0.5), pd.Timestamp("2026-01-01", tz="UTC"))
    back = crossed(tmp_path, split=split)["split"]
    assert type(back) is tuple and (back[0] == split[0]).all() and back[1]["train"].equals(split[1]["train"])
    assert type(back[2]) is np.float32 and back[2] == split[2] and back[3] == split[3]


def test_generators_go_on_where_they_stopped(tmp_path: Path) -> None:
    made = {"new": np.random.default_rng(1), "old": np.random.RandomState(2), "plain": random.Random(3)}
    for one in made.values():
        one.random()
    back = crossed(tmp_path, **made)
    assert [back[name].random() for name in made] == [one.random() for one in made.values()]


def test_one_object_under_two_names_stays_one(tmp_path: Path) -> None:
    table = pd.DataFrame({"a": [1]})
    back = crossed(tmp_path, a=table, b=table)
    assert back["a"] is back["b"]


REFUSED = {
    "a generator": (lambda: (one for one in [1]), "make a list of it"),
    "a connection": (lambda: sqlite3.connect(":memory:"), "open it in the step that uses it"),
    "a lock": (threading.Lock, "a lock of this process"),
    "a captured value": (lambda: (lambda held: lambda: held)(3), "captured values"),
    "an object of its own": (lambda: Odd(), "has no form that is safe"),
    "objects": (lambda: np.array([Odd()], dtype=object), "array of Python objects"),
    "a module": (lambda: json, "import it in the step"),
    "itself": (lambda: (held := [], held.append(held))[0], "holds itself"),
}  # fmt: skip


class Odd:
    """A class of nobody's library."""


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_cross_is_named_with_the_way_out(case: str, tmp_path: Path) -> None:
    make, sentence = REFUSED[case]
    with pytest.raises(CannotCross, match="`held`: ") as told:
        write_values({"fine": 1, "held": make()}, tmp_path, step="data")
    assert sentence in str(told.value)


def test_a_pickle_needs_the_teams_word_to_be_written_and_to_be_read(tmp_path: Path) -> None:
    written = write_values({"odd": {"a": Odd}}, tmp_path, step="s", allow_pickle=True)
    assert written[0].pickled
    write_manifest(tmp_path, {"step": "s"}, written)
    with pytest.raises(BadInput, match="runs code when it is opened"):
        read_values(tmp_path, ["odd"])
    assert set(read_values(tmp_path, ["odd"], allow_pickle=True)["odd"]) == {"a"}


@pytest.mark.parametrize("value", [pd.DataFrame({"a": [1, 2]}), np.arange(3), StandardScaler().fit([[1.0], [2.0]])])
def test_a_changed_byte_is_refused_before_the_file_is_opened(value: object, tmp_path: Path) -> None:
    crossed(tmp_path, value=value)
    file = next(one for one in tmp_path.iterdir() if one.name.startswith("00-"))
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(bytes(content))
    with pytest.raises(BadInput, match=r"was changed\. It was not opened"):
        read_values(tmp_path, ["value"])


def test_a_changed_plain_value_and_a_missing_file_are_refused(tmp_path: Path) -> None:
    crossed(tmp_path, n=1, table=np.arange(3))
    document = json.loads((tmp_path / "step.json").read_text())
    document["values"]["n"]["content"] = 2
    (tmp_path / "step.json").write_text(json.dumps(document))
    with pytest.raises(BadInput, match="its content was changed"):
        read_values(tmp_path, ["n"])
    (tmp_path / "01-table.npy").unlink()
    with pytest.raises(BadInput, match="is missing"):
        read_values(tmp_path, ["table"])
    with pytest.raises(NotReady, match="no finished step"):
        read_values(tmp_path / "elsewhere", ["n"])
