"""All content, one root: published vectors by hashlib and struct alone, and the laws of docs/formats/fingerprint.md."""

from __future__ import annotations

import hashlib
import json
import re
import struct
from collections.abc import Sequence
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

from jupyter_mlgov.lineage.contents import kind_of
from jupyter_mlgov.lineage.facts import Fingerprint
from jupyter_mlgov.lineage.fingerprint import fingerprint, measured
from jupyter_mlgov.lineage.typenames import Unfit


def of(value: object) -> Fingerprint:
    found = measured(value)
    assert found is not None
    return found


# -- published vectors ------------------------------------------------------------------------------------------------

VECTORS = json.loads((Path(__file__).parents[2] / "docs/formats/fingerprint.vectors.json").read_text("utf-8"))["vectors"]
WIDTHS = {1: "b", 2: "h", 4: "i", 8: "q"}


def whole(numbers: Sequence[int]) -> bytes:
    """The document's "whole numbers", by struct alone."""
    width = next(one for one in (1, 2, 4, 8, 16) if all(-(2 ** (8 * one - 1)) <= number < 2 ** (8 * one - 1) for number in numbers))
    return bytes([width]) + b"".join(number.to_bytes(width, "little", signed=True) for number in numbers)


def validity(values: Sequence[object]) -> bytes:
    if all(value is not None for value in values):
        return b"\0"
    bits = sum(1 << place for place, value in enumerate(values) if value is not None)
    return b"\1" + bits.to_bytes((len(values) + 7) // 8, "little")


def by_hand(kind: str, values: list[Any]) -> bytes:
    """The bytes of one block, from the document's words, with struct alone."""
    values = [None if value == "NaN" else value for value in values]
    if all(value is None for value in values):
        return b"\2"
    head, filled = validity(values), [0 if value is None else value for value in values]
    if kind == "int":
        return head + whole([int(value) for value in filled])
    if kind == "bool":
        return head + sum(1 << place for place, value in enumerate(filled) if value).to_bytes((len(values) + 7) // 8, "little")
    if kind == "float":
        numbers = [float(value) + 0.0 for value in filled]
        short = all(struct.unpack("<f", struct.pack("<f", number))[0] == number for number in numbers)
        return head + (b"\4" if short else b"\x08") + struct.pack(f"<{len(numbers)}{'f' if short else 'd'}", *numbers)
    if kind == "string":
        texts = [str(value).encode() if value else b"" for value in filled]
        return head + whole([len(one) for one in texts]) + b"".join(texts)
    raise AssertionError(kind)


def built(column: dict[str, Any]) -> pa.Array:
    """The Arrow array that a vector describes: ticks, unscaled text and hex stand for what JSON has no word for."""
    kind = eval(column["arrow"], {"__builtins__": {}}, {"pa": pa})  # our own file
    values = column["values"]
    if pa.types.is_floating(kind):
        return pa.array([None if value is None else float(value) for value in values], kind)
    if pa.types.is_decimal(kind):
        return pa.array([None if value is None else Decimal(value) for value in values], kind)
    if pa.types.is_binary(kind) or pa.types.is_fixed_size_binary(kind):
        return pa.array([None if value is None else bytes.fromhex(value) for value in values], kind)
    if pa.types.is_temporal(kind):
        return pa.array(values, pa.int32() if kind.bit_width == 32 else pa.int64()).cast(kind)
    if pa.types.is_map(kind):
        return pa.array([None if value is None else list(value.items()) for value in values], kind)
    return pa.array(values, kind)


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_vector(vector: dict[str, Any]) -> None:
    table = pa.Table.from_arrays([built(one) for one in vector["columns"]], names=[one["name"] for one in vector["columns"]])
    found = of(table)
    assert [found.schema[one["name"]] for one in vector["columns"]] == [one["type"] for one in vector["columns"]]
    assert [found.columns[one["name"]] for one in vector["columns"]] == [one["root"] for one in vector["columns"]]
    assert found.root == vector["root"]
    unordered = measured(table, ordered=False)
    assert unordered is not None and unordered.root == vector["unordered"]


HAND = ("int", "bool", "float", "string", "null")
BY_HAND = [(vector["name"], one) for vector in VECTORS for one in vector["columns"] if one["type"] in HAND]


@pytest.mark.parametrize(("name", "one"), BY_HAND, ids=[f"{name}-{one['name']}" for name, one in BY_HAND])
def test_vector_by_hashlib_and_struct_alone(name: str, one: dict[str, Any]) -> None:
    values = one["values"]
    blocks = [struct.pack("<Q", len(values)) + by_hand(one["type"], values)] if values else []
    header = b"mlgov-column-2\n" + one["type"].encode() + b"\n" + struct.pack("<Q", len(values))
    digests = b"".join(hashlib.sha256(block).digest() for block in blocks)
    assert one["root"] == "sha256:" + hashlib.sha256(header + digests).hexdigest()


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_the_table_root_is_canonical_json_over_its_columns(vector: dict[str, Any]) -> None:
    """RFC 8785 by hand: keys sorted, no blanks; the names of these vectors are plain ASCII."""
    kinds = [(one["name"], one["type"].replace("Europe/Paris", "UTC"), one["root"]) for one in vector["columns"]]
    body = ",".join(f'{{"name":"{name}","root":"{root}","type":{json.dumps(kind)}}}' for name, kind, root in kinds)
    rows = len(vector["columns"][0]["values"]) if vector["columns"] else 0
    text = f'{{"columns":[{body}],"method":"mlgov-table-2","rows":{rows}}}'
    assert vector["root"] == "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def test_the_document_prints_these_roots(checkout: Path) -> None:
    text = (checkout / "docs/formats/fingerprint.md").read_text("utf-8")
    printed = dict(re.findall(r"^\| `([\w-]+)` \|.*\| `(sha256:[0-9a-f]{64})` \|$", text, re.MULTILINE))
    assert printed == {vector["name"]: vector["root"] for vector in VECTORS}


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
    import polars

    assert of(polars.from_arrow(pa.table({"a": [1, 2], "t": ["x", None]}))).root == of(pd.DataFrame({"a": [1, 2], "t": ["x", None]})).root


def test_an_index_that_says_something_is_content() -> None:
    frame = pd.DataFrame({"a": [1, 2]}, index=[5, 6])
    assert list(of(frame).columns) == ["a", "__index_level_0__"]
    assert of(frame).columns["a"] == of(frame.reset_index(drop=True)).columns["a"]
    levels = pd.DataFrame({"a": [1, 2]}, index=pd.MultiIndex.from_tuples([(1, "x"), (2, "y")]))
    assert list(of(levels).columns) == ["a", "__index_level_0__", "__index_level_1__"]


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


def objects(*values: object) -> np.ndarray[Any, Any]:
    made = np.empty(len(values), object)
    for place, value in enumerate(values):
        made[place] = value
    return made


def endless(kind: type) -> object:
    made: Any = kind()
    made.append(made) if kind is list else made.update(me=made)
    return made


BAD: dict[str, Any] = {
    "raises on everything": lambda: pd.Series(objects(Bites(), 1), dtype=object),
    "a list that holds itself": lambda: pd.Series(objects(endless(list), [1]), dtype=object).to_frame("a"),
    "a dict that holds itself": lambda: pd.DataFrame({"a": [endless(dict), endless(dict)]}),
    "an array of lists that hold themselves": lambda: objects(endless(list)),
    "an array that raises": lambda: objects(Bites()),
}


@pytest.mark.parametrize("name", BAD)
def test_content_that_bites_is_a_reason_and_no_crash(name: str) -> None:
    """pyarrow 25 follows a list that holds itself until the process dies of a full stack."""
    with pytest.raises(Unfit, match=r"holds itself|reading it raised|no canonical form"):
        measured(BAD[name]())


def test_sets_in_cells_do_not_hang_on_the_hash_seed() -> None:
    words = [f"word {number}" for number in range(9)]
    assert of(pd.DataFrame({"a": [set(words), None]})) == of(pd.DataFrame({"a": [{*reversed(words)}, None]}))
    assert of(pd.DataFrame({"a": [set(words)]})).root != of(pd.DataFrame({"a": [set(words[1:])]})).root
    assert of(objects(set(words))) == of(objects({*reversed(words)}))


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
