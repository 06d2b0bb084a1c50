"""All content, one root: published vectors by hashlib and struct alone, and the laws of docs/formats/fingerprint.md."""

from __future__ import annotations

import hashlib
import json
import re
import struct
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_mlgov.lineage.columns import Unfit
from jupyter_mlgov.lineage.contents import kind_of
from jupyter_mlgov.lineage.facts import Fingerprint
from jupyter_mlgov.lineage.fingerprint import fingerprint, measured


def of(value: object) -> Fingerprint:
    found = measured(value)
    assert found is not None
    return found


# -- published vectors ------------------------------------------------------------------------------------------------


def sha(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()


def column(kind: str, valid: Sequence[int], lengths: bytes, data: bytes) -> str:
    header = b"mlgov-column-1\n" + kind.encode() + b"\n" + struct.pack("<Q", len(valid))
    return "sha256:" + hashlib.sha256(header + sha(bytes(valid)) + sha(lengths) + sha(data)).hexdigest()


def root(rows: int, columns: Sequence[tuple[str, str, str]]) -> str:
    """RFC 8785 by hand: keys sorted, no blanks; names here are plain ASCII."""
    body = ",".join(f'{{"name":"{name}","root":"{digest}","type":"{kind}"}}' for name, kind, digest in columns)
    return "sha256:" + hashlib.sha256(f'{{"columns":[{body}],"method":"mlgov-table-1","rows":{rows}}}'.encode()).hexdigest()


WHEN = datetime(2026, 11, 23, 12, 0, 0, 123456, tzinfo=UTC)
SECONDS = int(datetime(2026, 11, 23, 12, tzinfo=UTC).timestamp())

VECTORS: list[tuple[str, pa.Table, list[tuple[str, str, str]]]] = [
    (
        "numbers",
        pa.table({"n": pa.array([1, None, -3], pa.int32())}),
        [("n", "int64", column("int64", [1, 0, 1], b"", struct.pack("<3q", 1, 0, -3)))],
    ),
    (
        "floats",
        pa.table({"x": pa.array([0.5, float("nan"), -0.0, None])}),
        [("x", "float64", column("float64", [1, 0, 1, 0], b"", struct.pack("<4d", 0.5, 0.0, 0.0, 0.0)))],
    ),
    (
        "texts",
        pa.table({"t": pa.array(["a", None, "", "été"])}),
        [("t", "string", column("string", [1, 0, 1, 1], struct.pack("<4Q", 1, 0, 0, 5), "aété".encode()))],
    ),
    (
        "mixed",
        pa.table(
            {"b": pa.array([True, None]), "when": pa.array([WHEN, None], pa.timestamp("us", "UTC")), "d": pa.array([Decimal("1.50"), None])}
        ),
        [
            ("b", "bool", column("bool", [1, 0], b"", b"\x01\x00")),
            ("when", "timestamp[UTC]", column("timestamp[UTC]", [1, 0], b"", struct.pack("<qIqI", SECONDS, 123456000, 0, 0))),
            ("d", "decimal", column("decimal", [1, 0], struct.pack("<2Q", 3, 0), b"1.5")),
        ],
    ),
]


@pytest.mark.parametrize(("name", "table", "columns"), VECTORS, ids=[name for name, *_ in VECTORS])
def test_vector_by_hashlib_and_struct_alone(name: str, table: pa.Table, columns: list[tuple[str, str, str]]) -> None:
    found = of(table)
    assert dict(found.columns) == {column: digest for column, _, digest in columns}
    assert dict(found.schema) == {column: kind for column, kind, _ in columns}
    assert found.root == root(table.num_rows, columns)


def test_the_published_vectors_are_these(checkout: Path) -> None:
    """The roots printed in the document are computed here a second time; a changed rule must change the document."""
    text = (checkout / "docs/formats/fingerprint.md").read_text("utf-8")
    printed = dict(re.findall(r"^\| `(\w+)` \|.*\| `(sha256:[0-9a-f]{64})` \|$", text, re.MULTILINE))
    assert printed == {name: root(table.num_rows, columns) for name, table, columns in VECTORS}


# -- the same content in other clothes --------------------------------------------------------------------------------

FRAME = pd.DataFrame(
    {
        "n": [1, 2, 3],
        "x": [0.25, None, -0.0],
        "t": ["a", None, "été"],
        "b": [True, False, True],
        "when": pd.to_datetime(["2026-01-01 00:00:00", None, "2026-11-23 12:00:00.5"], format="ISO8601"),
        "zone": pd.to_datetime(["2026-01-01", None, "2026-11-23"]).tz_localize("Europe/Paris"),
        "c": pd.Categorical(["u", "v", "u"]),
    }
)


def _clothes(folder: Path) -> dict[str, object]:
    table = pa.Table.from_pandas(FRAME)
    FRAME.to_parquet(folder / "f.parquet")
    return {
        "object strings": FRAME.astype({"t": object}),
        "nullable strings": FRAME.astype({"t": "string"}),
        "arrow dtypes": table.to_pandas(types_mapper=pd.ArrowDtype),
        "decoded category": FRAME.astype({"c": object}),
        "arrow": table,
        "batch": table.combine_chunks().to_batches()[0],
        "parquet file": folder / "f.parquet",
        "parquet read": pd.read_parquet(folder / "f.parquet"),
        "an index that only counts": FRAME.set_axis(pd.Index([0, 1, 2])),
        "milliseconds": table.set_column(4, "when", table["when"].cast(pa.timestamp("ms"))),
        "large strings": table.set_column(2, "t", table["t"].cast(pa.large_string())),
        "narrow integers": table.set_column(0, "n", table["n"].cast(pa.int8())),
    }


def test_the_same_content_has_the_same_root_everywhere(tmp_path: Path) -> None:
    roots = {name: of(value).root for name, value in _clothes(tmp_path).items()}
    assert set(roots.values()) == {of(FRAME).root}, roots


def test_looking_changes_nothing() -> None:
    """pandas 3.0.6 turns NaT into 1970 in the *original* frame on `convert_dtypes(dtype_backend="pyarrow")`; we must not."""
    frame = FRAME.copy(deep=True)
    of(frame)
    pd.testing.assert_frame_equal(frame, FRAME)
    assert frame["when"].isna().tolist() == [False, True, False]


def test_polars_frames_have_the_same_root() -> None:
    polars = pytest.importorskip("polars")
    assert of(polars.from_arrow(pa.table({"a": [1, 2], "t": ["x", None]}))).root == of(pd.DataFrame({"a": [1, 2], "t": ["x", None]})).root


def test_an_index_that_says_something_is_content() -> None:
    frame = pd.DataFrame({"a": [1, 2]}, index=[5, 6])
    assert list(of(frame).columns) == ["a", "__index__"]
    assert of(frame).columns["a"] == of(frame.reset_index(drop=True)).columns["a"]
    levels = pd.DataFrame({"a": [1, 2]}, index=pd.MultiIndex.from_tuples([(1, "x"), (2, "y")]))
    assert list(of(levels).columns) == ["a", "__index__", "__index_1__"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"a": ["ab", "c"]}, {"a": ["a", "bc"]}),
        ({"a": ["", None]}, {"a": [None, ""]}),
        ({"a": [1, 0]}, {"a": [True, False]}),
        ({"a": [1, 0]}, {"a": [1.0, 0.0]}),
        ({"a": [1], "b": [2]}, {"b": [2], "a": [1]}),
        ({"a": [1], "b": [2]}, {"a": [2], "b": [1]}),
        ({"a": [[1], [2, 3]]}, {"a": [[1, 2], [3]]}),
        ({"a": [{"x": 1}]}, {"a": [{"x": 2}]}),
        ({"a": [0]}, {"a": [None]}),
    ],
)
def test_other_content_has_another_root(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert of(pa.table(one)).root != of(pa.table(other)).root


def test_two_columns_of_one_name_both_count() -> None:
    one, other = (pd.DataFrame([[1, second]], columns=["a", "a"]) for second in (2, 3))
    assert list(of(one).columns) == ["a", "a#2"]
    assert of(one).columns["a"] == of(other).columns["a"] and of(one).root != of(other).root


def test_columns_of_mixed_objects_are_content_or_refused_with_the_reason() -> None:
    assert of(pd.DataFrame({"a": [1, "1"]})).root != of(pd.DataFrame({"a": ["1", 1]})).root
    with pytest.raises(Unfit, match="column 'a'"):
        measured(pd.DataFrame({"a": [object(), 1]}))
    assert fingerprint(pd.DataFrame({"a": [object(), 1]})) is None


def test_late_rows_count() -> None:
    """MLflow's dataset digest looks at the first 10,000 rows; a label flipped after them does not move it."""
    frame = pd.DataFrame({"x": np.arange(20_000.0), "label": np.zeros(20_000, "int64")})
    flipped = frame.copy()
    flipped.loc[19_999, "label"] = 1
    assert of(frame).columns["x"] == of(flipped).columns["x"]
    assert of(frame).columns["label"] != of(flipped).columns["label"] and of(frame).root != of(flipped).root


# -- laws -------------------------------------------------------------------------------------------------------------

CELLS = {
    "i": st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1)),
    "x": st.one_of(st.none(), st.floats()),
    "t": st.one_of(st.none(), st.text(st.characters(exclude_categories=["Cs"]))),
    "b": st.one_of(st.none(), st.booleans()),
    "y": st.one_of(st.none(), st.binary()),
    "l": st.one_of(st.none(), st.lists(st.one_of(st.none(), st.floats()))),
}
TYPES = {"i": pa.int64(), "x": pa.float64(), "t": pa.string(), "b": pa.bool_(), "y": pa.binary(), "l": pa.list_(pa.float64())}
SCHEMA = pa.schema(list(TYPES.items()))
ROWS = st.lists(st.fixed_dictionaries(CELLS), max_size=12)


def _same(one: object, other: object) -> bool:
    """Equal as content: NaN and null are the same missing value."""
    spelled = [json.dumps(item, default=repr).replace("NaN", "null").replace("-0.0", "0.0") for item in (one, other)]
    return spelled[0] == spelled[1]


@given(ROWS, st.data())
def test_a_changed_cell_changes_its_column_and_the_table_only(rows: list[dict[str, Any]], data: st.DataObject) -> None:
    if not rows:
        return
    name, place = data.draw(st.sampled_from(sorted(CELLS))), data.draw(st.integers(0, len(rows) - 1))
    value = data.draw(CELLS[name])
    changed = [dict(row) for row in rows]
    changed[place][name] = value
    before, after = (of(pa.Table.from_pylist(table, SCHEMA)) for table in (rows, changed))
    moved = {column for column in CELLS if before.columns[column] != after.columns[column]}
    assert moved == (set() if _same(rows[place][name], value) else {name})
    assert (before.root == after.root) == (not moved)


@given(ROWS, st.lists(st.integers(0, 12), max_size=3))
def test_chunks_never_matter(rows: list[dict[str, Any]], cuts: list[int]) -> None:
    table = pa.Table.from_pylist(rows, SCHEMA)
    places = [0, *sorted(min(cut, len(rows)) for cut in cuts), len(rows)]
    parts = [table.slice(start, end - start) for start, end in pairwise(places)]
    assert of(pa.concat_tables(parts)).root == of(table).root


@settings(max_examples=25)
@given(ROWS)
def test_parquet_keeps_the_root(tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, Any]]) -> None:
    table = pa.Table.from_pylist(rows, SCHEMA)
    path = tmp_path_factory.mktemp("p") / "t.parquet"
    pq.write_table(table, path, row_group_size=3)
    assert of(path) == of(table)


# -- objects that bite ------------------------------------------------------------------------------------------------


class Bites:
    """Everything raises."""

    def __getattribute__(self, name: str) -> object:
        raise RuntimeError(name)

    def __eq__(self, other: object) -> bool:
        raise RuntimeError

    def __hash__(self) -> int:
        raise RuntimeError

    def __len__(self) -> int:
        raise RuntimeError

    def __repr__(self) -> str:
        raise RuntimeError


def test_objects_that_raise_and_generators_are_left_alone() -> None:
    endless = (number for number in iter(int, 1))
    assert kind_of(Bites()) is None and kind_of(endless) is None
    assert fingerprint(Bites()) is None and fingerprint(endless) is None
    assert next(endless) == 0


@pytest.mark.parametrize("value", [None, 1, "x", [1], {"a": 1}, object(), pd, int])
def test_plain_values_have_no_fingerprint(value: object) -> None:
    assert fingerprint(value) is None


# -- arrays -----------------------------------------------------------------------------------------------------------


def test_arrays_by_content_not_by_layout() -> None:
    array = np.arange(6.0).reshape(2, 3)
    same = [np.asfortranarray(array), array.astype(">f8"), array[:, ::-1][:, ::-1]]
    assert {of(one).root for one in same} == {of(array).root}
    others = [array.reshape(3, 2), array.astype("f4"), array + 1, array.ravel()]
    assert of(array).root not in {of(one).root for one in others}
    assert of(np.array([np.nan, -0.0])).root == of(np.array([-np.nan, 0.0])).root


# -- models -----------------------------------------------------------------------------------------------------------


def _data() -> tuple[Any, Any]:
    rng = np.random.default_rng(7)
    table = pd.DataFrame(rng.normal(size=(120, 3)), columns=["a", "b", "c"])
    return table, (table["a"] + rng.normal(size=120) > 0).astype(int)


def _makers() -> dict[str, Any]:
    from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GridSearchCV
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.tree import DecisionTreeClassifier

    return {
        "logistic": lambda: LogisticRegression(),
        "tree": lambda: DecisionTreeClassifier(random_state=1),
        "forest": lambda: RandomForestClassifier(5, random_state=1),
        "boosting": lambda: HistGradientBoostingClassifier(max_iter=4, random_state=1),
        "neighbours": lambda: KNeighborsClassifier(),
        "pipeline": lambda: make_pipeline(StandardScaler(), LogisticRegression()),
        "search": lambda: GridSearchCV(LogisticRegression(), {"C": [0.1, 1.0]}),
    }


@pytest.mark.parametrize("name", ["logistic", "tree", "forest", "boosting", "neighbours", "pipeline", "search"])
def test_a_model_is_known_by_what_it_learned(name: str) -> None:
    import pickle

    make, (table, label) = _makers()[name], _data()
    model = make().fit(table, label)
    assert kind_of(model) == "model"
    assert of(model).root == of(make().fit(table, label)).root == of(pickle.loads(pickle.dumps(model))).root
    assert of(model).root != of(make().fit(table, 1 - label)).root


def test_a_parameter_is_part_of_the_model() -> None:
    from sklearn.linear_model import LogisticRegression

    table, label = _data()
    assert of(LogisticRegression(C=1).fit(table, label)).root != of(LogisticRegression(C=2).fit(table, label)).root


def test_an_unfitted_model_is_not_one_and_an_unstable_one_says_why() -> None:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer

    table, label = _data()
    assert kind_of(LogisticRegression()) is None
    with pytest.raises(Unfit, match=r"unstable: .*lambda"):
        measured(make_pipeline(FunctionTransformer(lambda rows: rows), LogisticRegression()).fit(table, label))


def test_a_file_is_known_by_its_bytes(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(b"abc")
    assert of(path).root == "sha256:" + hashlib.sha256(b"abc").hexdigest()
    assert fingerprint(tmp_path / "missing.bin") is None
