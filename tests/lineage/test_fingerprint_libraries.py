"""One content, one root, whichever library holds it and however it lays it out."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import deltalake
import duckdb
import ibis
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import csv

from jupyter_mlgov.core.errors import BadInput
from jupyter_mlgov.lineage.contents import kind_of
from jupyter_mlgov.lineage.facts import Fingerprint
from jupyter_mlgov.lineage.fingerprint import measured
from jupyter_mlgov.lineage.typenames import Unfit
from jupyter_mlgov.sdk import fingerprint

CONNECTION = duckdb.connect()  # a relation lives as long as its connection
WHEN, EARLY, LATE = (datetime.fromisoformat(one) for one in ("2026-11-23T12:00:00.123456", "1700-01-01", "2200-01-01"))


def of(value: object, **more: Any) -> Fingerprint:
    found = measured(value, **more)
    assert found is not None
    return found


def mixed() -> pa.Table:
    """Every kind of column that all nine homes below can hold, each with a missing value."""
    return pa.table(
        {
            "n": pa.array([1, None, -3], pa.int32()),
            "u": pa.array([1, None, 2**64 - 1], pa.uint64()),
            "x": [0.1, None, -0.0],
            "f": pa.array([0.5, None, 2.0], pa.float32()),
            "t": ["a", None, "été"],
            "b": [True, None, False],
            "y": [b"\x00\xff", None, b""],
            "when": pa.array([WHEN, None, WHEN], pa.timestamp("us")),
            "zone": pa.array([WHEN.replace(tzinfo=UTC), None, WHEN.replace(tzinfo=UTC)], pa.timestamp("us", "Europe/Paris")),
            "day": [date(2026, 1, 1), None, date(1960, 1, 1)],
            "d": pa.array([Decimal("1.50"), None, Decimal("-2")], pa.decimal128(9, 2)),
            "l": pa.array([[1, None], None, []], pa.list_(pa.int64())),
            "s": [{"a": 1, "b": "x"}, None, {"a": None, "b": "y"}],
            "c": pa.array(["u", None, "v"]),
            "z": pa.array([None] * 3, pa.string()),
        }
    )


@pytest.fixture(scope="module")
def homes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder, table = tmp_path_factory.mktemp("homes"), mixed()
    pq.write_table(table, folder / "t.parquet", row_group_size=2)
    # Delta has no unsigned integers: its readers are compared without `u`.
    deltalake.write_deltalake(str(folder / "delta"), table.drop_columns(["u"]))
    return {
        "pandas over Arrow": table.to_pandas(types_mapper=pd.ArrowDtype),
        "polars": pl.from_arrow(table),
        "record batch": table.combine_chunks().to_batches()[0],
        "parquet": folder / "t.parquet",
        "parquet read by polars": pl.read_parquet(folder / "t.parquet"),
        "duckdb": CONNECTION.from_arrow(table),
        "duckdb over parquet": CONNECTION.read_parquet(str(folder / "t.parquet")),
        "ibis": ibis.memtable(table),
        "dataset": ds.dataset(folder / "t.parquet"),
        "delta": deltalake.DeltaTable(str(folder / "delta")),
    }


HOMES = (
    "pandas over Arrow",
    "polars",
    "record batch",
    "parquet",
    "parquet read by polars",
    "duckdb",
    "duckdb over parquet",
    "ibis",
    "dataset",
    "delta",
)


@pytest.mark.parametrize("home", HOMES)
@pytest.mark.parametrize("ordered", [True, False])
def test_the_same_content_has_the_same_root_in_every_home(homes: dict[str, Any], home: str, ordered: bool) -> None:
    here = mixed().drop_columns(["u"]) if home == "delta" else mixed()
    wanted, found = of(here, ordered=ordered), of(homes[home], ordered=ordered)
    assert dict(found.columns) == dict(wanted.columns)
    assert (found.root, found.rows) == (wanted.root, wanted.rows)


def _column(array: Any) -> str:
    return of(pa.table({"a": array})).root


TEXTS = pa.array(["a", None, "b", "a", "long enough for a view"])
SAME: dict[str, list[Any]] = {
    "widths of whole numbers": [pa.array([1, None, 3], kind()) for kind in (pa.int8, pa.int16, pa.int32, pa.int64, pa.uint8, pa.uint64)],
    "widths of floats": [pa.array([0.5, None, -0.0], kind) for kind in (pa.float16(), pa.float32(), pa.float64())],
    "null, NaN and both": [pa.array([1.5, None, None]), pa.array([1.5, float("nan"), None]), pa.array([1.5, -float("nan"), float("nan")])],
    "texts": [
        TEXTS,
        TEXTS.cast(pa.large_string()),
        TEXTS.cast(pa.string_view()),
        TEXTS.dictionary_encode(),
        pa.chunked_array([TEXTS[:2], TEXTS[2:]]),
        pa.DictionaryArray.from_arrays(pa.array([2, None, 1, 2, 3], pa.int8()), pa.array(["unused", "b", "a", "long enough for a view"])),
        pa.DictionaryArray.from_arrays(pa.array([0, 1, 2, 0, 3]), pa.array(["a", None, "b", "long enough for a view"])),
        pa.concat_arrays([pa.array(["before"]), TEXTS])[1:],
    ],
    "bytes": [pa.array([b"ab", None, b"cd"], kind) for kind in (pa.binary(), pa.large_binary(), pa.binary(2), pa.binary_view())],
    "units": [pa.array([86400, None, -1], pa.int64()).cast(pa.timestamp("s")).cast(pa.timestamp(unit)) for unit in ("s", "ms", "us", "ns")],
    "zones": [pa.array([0, None], pa.timestamp("us", zone)) for zone in ("UTC", "Europe/Paris", "America/New_York", "+02:00")],
    "durations": [pa.array([timedelta(seconds=-90), None], pa.duration(unit)) for unit in ("s", "ms", "us", "ns")],
    "times": [pa.array([3600, None], pa.time32("s")), pa.array([3_600_000_000_000, None], pa.time64("ns"))],
    "dates": [pa.array([date(1969, 12, 31), None], pa.date32()), pa.array([date(1969, 12, 31), None], pa.date64())],
    "decimals": [
        pa.array([Decimal("1.50"), None, Decimal("-2")], kind)
        for kind in (pa.decimal32(9, 2), pa.decimal64(18, 4), pa.decimal128(38, 20), pa.decimal256(76, 40), pa.decimal128(4, 2))
    ],
    "wide decimals": [pa.array([Decimal(10) ** 30, None, Decimal("0.5")], kind) for kind in (pa.decimal128(38, 1), pa.decimal256(70, 30))],
    "lists": [
        pa.array([[1, 2], None, [3, None]], kind)
        for kind in (pa.list_(pa.int64()), pa.large_list(pa.int8()), pa.list_view(pa.int32()), pa.list_(pa.int64(), 2))
    ],
    "run ends": [pa.array([1, 1, None, None, 2]), pa.RunEndEncodedArray.from_arrays([2, 4, 5], pa.array([1, None, 2]))],
    "maps": [pa.array([[("a", 1), ("b", None)], None, []], pa.map_(pa.string(), kind)) for kind in (pa.int64(), pa.int8())],
    "maps to structs of nothing": [
        pa.array([[("a", {"f": None, "g": 1})], None, [("b", None)]], pa.map_("string", pa.struct({"f": "null", "g": "int8"})))
    ],
    "lists of two nothings": [pa.array([[None, None], None, [None, None]], pa.list_(pa.null(), 2))],
    "lists of views": [
        pa.array([["a", None], None, ["long enough for a view"]], pa.list_(kind)) for kind in (pa.string(), pa.string_view())
    ],
    "nothing": [pa.nulls(3), pa.array([None] * 3, pa.string()), pa.array([float("nan")] * 3), pa.array([None] * 3, pa.list_(pa.int64()))],
    "nothing inside": [pa.array([[], None], pa.list_(pa.int64())), pa.array([[], None], pa.list_(pa.string()))],
    "structs with nothing under a null": [
        pa.array([{"a": 1}, None]),
        pa.StructArray.from_arrays([pa.array([1, 7])], ["a"], mask=pa.array([False, True])),
    ],
}


@pytest.mark.parametrize("name", SAME)
def test_layout_is_no_content(name: str) -> None:
    assert len({_column(array) for array in SAME[name]}) == 1


@pytest.mark.parametrize("name", SAME)
def test_layout_is_no_content_in_any_order_either(name: str) -> None:
    assert len({of(pa.table({"a": array}), ordered=False).root for array in SAME[name]}) == 1


OTHER: dict[str, list[Any]] = {
    "a timestamp without a zone is no instant": [pa.array([0], pa.timestamp("us")), pa.array([0], pa.timestamp("us", "UTC"))],
    "whole numbers and floats": [pa.array([1]), pa.array([1.0]), pa.array([Decimal(1)]), pa.array([True]), pa.array(["1"])],
    "text and bytes": [pa.array(["a"]), pa.array([b"a"])],
    "moments": [pa.array([1], pa.timestamp("ms")), pa.array([1], pa.timestamp("us")), pa.array([1], pa.duration("us"))],
    "where a list is cut": [pa.array([[1], [2, 3]]), pa.array([[1, 2], [3]]), pa.array([[1, 2, 3], []]), pa.array([[1, 2, 3], None])],
    "names of fields": [pa.array([{"a": 1}]), pa.array([{"b": 1}]), pa.array([{"a": 1, "b": None}])],
    "names that look like types": [pa.array([{"a:int,b": 1}]), pa.array([{"a": 1, "b": 1}])],
    "what a null is nested in": [pa.array([[None]], pa.list_(pa.int64())), pa.array([[]], pa.list_(pa.int64()))],
    "order of a map": [
        pa.array([[("a", 1), ("b", 2)]], pa.map_("string", "int64")),
        pa.array([[("b", 2), ("a", 1)]], pa.map_("string", "int64")),
    ],
}


@pytest.mark.parametrize("name", OTHER)
def test_other_content_has_another_root(name: str) -> None:
    roots = {_column(array) for array in OTHER[name]}
    assert len(roots) == len(OTHER[name])


def test_the_zone_is_said_though_it_is_no_content() -> None:
    assert of(mixed()).schema["zone"] == "timestamp[Europe/Paris]"


def test_an_empty_table_keeps_its_declared_types() -> None:
    numbers, texts = (of(pa.table({"a": pa.array([], kind)})) for kind in (pa.int64(), pa.string()))
    assert (numbers.schema["a"], texts.schema["a"]) == ("int", "string") and numbers.root != texts.root
    assert of(pl.DataFrame({"a": pl.Series([], dtype=pl.Int8)})).root == numbers.root


FRAMES = {
    "named index": pd.DataFrame({"a": [1, 2]}, index=pd.Index([7, 8], name="id")),
    "levels": pd.DataFrame({"a": [1, 2]}, index=pd.MultiIndex.from_tuples([(1, "x"), (2, "y")], names=["k", None])),
    "a cut of a range": pd.DataFrame({"a": range(10)}).iloc[5:8],
    "dates as index": pd.DataFrame({"a": [1, 2]}, index=pd.to_datetime(["2026-01-01", "2026-01-02"])),
    "categories": pd.DataFrame({"a": pd.Categorical(["u", None, "v"], categories=["unused", "v", "u"])}),
    "nullable": pd.DataFrame(
        {"a": pd.array([1, None], "Int64"), "b": pd.array([True, None], "boolean"), "x": pd.array([0.5, None], "Float64")}
    ),
    "zones": pd.DataFrame({"a": pd.to_datetime(["2026-01-01", None]).tz_localize("Asia/Tokyo")}),
    "intervals": pd.DataFrame({"b": pd.interval_range(0, 3)}),
    "periods": pd.DataFrame({"a": pd.period_range("2026-01", periods=3, freq="M")}),
    "categories of dates": pd.DataFrame({"a": pd.Categorical(pd.to_datetime(["2026-01-01", None, "2026-01-02"]))}),
    "objects": pd.DataFrame({"a": [Decimal("1.5"), None], "b": [b"x", None], "c": [date(2026, 1, 1), None], "d": [[1], None]}),
    "no rows": pd.DataFrame({"a": pd.Series([], dtype="int64"), "b": pd.Series([], dtype="datetime64[ns]")}),
}


@pytest.mark.parametrize("name", FRAMES)
def test_a_frame_and_its_parquet_file_have_one_root(name: str, tmp_path: Path) -> None:
    FRAMES[name].to_parquet(tmp_path / "f.parquet")
    assert of(tmp_path / "f.parquet") == of(FRAMES[name]) == of(pa.Table.from_pandas(FRAMES[name]))


def test_bins_of_pd_cut_are_intervals() -> None:
    binned = pd.DataFrame({"a": pd.cut([1, 2, 2, 3], [0, 1, 2, 3])})
    assert of(binned).root == of(pd.DataFrame({"a": binned["a"].astype(pd.IntervalDtype("int64", "right"))})).root
    assert of(binned).root != of(pd.DataFrame({"a": pd.cut([1, 2, 2, 3], [0, 1, 2, 4])})).root
    assert of(pd.DataFrame({"a": pd.interval_range(0, 3, closed="left")})).root != of(pd.DataFrame({"a": pd.interval_range(0, 3)})).root


def test_a_sparse_column_is_its_dense_content() -> None:
    dense = pd.DataFrame({"a": [0.0, 0.0, 1.5], "b": [0, 7, 0]})
    assert of(dense.astype({"a": pd.SparseDtype(float), "b": pd.SparseDtype(int, 0)})) == of(dense)


@pytest.mark.parametrize(
    "value",
    [
        pl.DataFrame({"a": pl.Series([object()], dtype=pl.Object)}),
        pd.DataFrame({"a": [1j]}),
        pd.DataFrame({"a": [object(), 1]}),
        pa.table({"a": pa.array([(1, 2, 3)], pa.month_day_nano_interval())}),
        pl.DataFrame({"a": pl.Series([1], dtype=pl.Int128)}),
    ],
    ids=["objects in polars", "complex", "objects in pandas", "month intervals", "128 bits"],
)
def test_content_without_a_canonical_form_is_refused_with_the_reason(value: object) -> None:
    with pytest.raises(BadInput, match=r"No fingerprint: .{15,}"):
        fingerprint(value)


@pytest.mark.parametrize("name", SAME)
@pytest.mark.parametrize("ordered", [True, False])
def test_a_slice_has_the_root_of_its_rows_alone(name: str, ordered: bool) -> None:
    """A slice shares its parent's buffers, offsets and bits."""
    for array in SAME[name]:
        parts = array.chunks if isinstance(array, pa.ChunkedArray) else [array]
        cut = pa.concat_arrays([*parts, *parts, *parts]).slice(len(array), len(array))
        assert of(pa.table({"a": cut}), ordered=ordered) == of(pa.table({"a": array}), ordered=ordered)


def test_structs_without_fields_and_frames_without_columns_still_have_rows() -> None:
    assert of(pl.DataFrame({"s": pl.Series([{}, {}], dtype=pl.Struct([]))})).schema["s"] == "struct<>"
    assert of(pd.DataFrame(index=range(5))).rows == 5 != of(pd.DataFrame()).rows


def test_csv_has_the_root_of_its_table_by_the_declared_schema(tmp_path: Path) -> None:
    path, table = tmp_path / "t.csv", mixed().drop_columns(["l", "s", "y", "u", "z"])
    table = table.set_column(table.schema.get_field_index("t"), "t", pa.array(["a", None, ""]))
    csv.write_csv(table, path)
    assert of(path, schema=table.schema).root == of(table).root
    declared = {"n": "int64", **{field.name: field.type for field in table.schema if field.name != "n"}}
    assert fingerprint(path, schema=declared).root == of(table).root
    assert of(path).method == "mlgov-file-1"


@pytest.mark.parametrize(
    ("content", "schema", "said"),
    [
        (b"a\nx\n", {"a": "int64"}, "cannot be read as CSV of the declared types"),
        (b"a\n1\n", {"b": "int64"}, r"has the columns \['a'\]"),
        (b"a\n1\n", {"a": "whole"}, "declared schema cannot be used"),
        (b"a\n\xff\n", {"a": "string"}, "cannot be read as CSV"),
    ],
)
def test_a_csv_file_that_is_not_as_declared_is_refused(tmp_path: Path, content: bytes, schema: dict[str, str], said: str) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(content)
    with pytest.raises(BadInput, match=said):
        fingerprint(path, schema=schema)


# -- lazy things --------------------------------------------------------------------------------------------------------


def test_lazy_frames_are_not_run_and_readers_are_not_consumed() -> None:
    ran: list[int] = []
    lazy = pl.LazyFrame({"a": [1]}).map_batches(lambda frame: ran.append(1) or frame)  # type: ignore[func-returns-value]  # a note
    reader = pa.RecordBatchReader.from_batches(pa.schema([("a", pa.int64())]), iter([pa.record_batch({"a": [1]})]))
    for value, said in ((lazy, r"\.collect\(\)"), (reader, r"\.read_all\(\)")):
        assert kind_of(value) is None
        with pytest.raises(BadInput, match=said):
            fingerprint(value)
    assert ran == []
    assert reader.read_all().num_rows == 1


def test_a_query_is_for_who_asks_and_the_relation_stays_where_it_was() -> None:
    relation = CONNECTION.sql("select range as a from range(5)")
    assert kind_of(relation) is None and kind_of(ibis.memtable({"a": [1]})) is None
    assert of(relation).root == of(pa.table({"a": range(5)})).root == of(relation).root
    assert relation.fetchone() == (0,)
    relation_half_read = relation
    assert of(relation_half_read).rows == 5 and relation_half_read.fetchone() == (1,)


# -- laws ---------------------------------------------------------------------------------------------------------------

ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "i": st.none() | st.integers(-(2**63), 2**63 - 1),
            "x": st.none() | st.floats(allow_nan=True),
            "t": st.none() | st.text(st.characters(exclude_categories=["Cs"])),
            "b": st.none() | st.booleans(),
            "w": st.none() | st.datetimes(EARLY, LATE),
            "d": st.none() | st.decimals(-(10**20), 10**20, places=3),
            "l": st.none() | st.lists(st.none() | st.floats(allow_nan=False), max_size=3),
        }
    ),
    max_size=12,
)
SCHEMA = pa.schema(
    {
        "i": pa.int64(),
        "x": pa.float64(),
        "t": pa.string(),
        "b": pa.bool_(),
        "w": pa.timestamp("us"),
        "d": pa.decimal128(30, 3),
        "l": pa.list_(pa.float64()),
    }
)


@settings(max_examples=40, deadline=None)
@given(ROWS)
def test_every_library_agrees_on_any_content(rows: list[dict[str, Any]]) -> None:
    table = pa.Table.from_pylist(rows, SCHEMA)
    homes = [table.to_pandas(types_mapper=pd.ArrowDtype), pl.from_arrow(table), CONNECTION.from_arrow(table)]
    assert {of(home).root for home in homes} == {of(table).root}


@settings(max_examples=40, deadline=None)
@given(ROWS, st.randoms(use_true_random=False))
def test_any_order_has_one_root_when_order_is_not_asked_for(rows: list[dict[str, Any]], random: Any) -> None:
    table = pa.Table.from_pylist(rows, SCHEMA)
    order = list(range(len(rows)))
    random.shuffle(order)
    shuffled = table.take(pa.array(order, pa.int64()))
    assert of(shuffled, ordered=False) == of(table, ordered=False)
    kept = [of(table).columns[name] == of(shuffled).columns[name] for name in table.column_names]
    assert (of(shuffled).root == of(table).root) == all(kept)
    assert of(table).method != of(table, ordered=False).method


@settings(max_examples=40, deadline=None)
@given(ROWS, st.data())
def test_in_any_order_a_changed_cell_and_a_second_copy_of_a_row_are_seen(rows: list[dict[str, Any]], data: st.DataObject) -> None:
    if not rows:
        return
    table = pa.Table.from_pylist(rows, SCHEMA)
    place = data.draw(st.integers(0, len(rows) - 1))
    changed = [dict(row) for row in rows]
    changed[place]["i"] = 5 if rows[place]["i"] != 5 else 6
    other = of(pa.Table.from_pylist(changed, SCHEMA), ordered=False)
    before = of(table, ordered=False)
    assert other.root != before.root
    assert {name for name in before.columns if before.columns[name] != other.columns[name]} == {"i"}
    assert of(pa.concat_tables([table, table.slice(place, 1)]), ordered=False).root != before.root


def test_rows_count_as_wholes_in_any_order() -> None:
    """The same values in each column, dealt out to other rows: the bags of the columns are equal, the table is not."""
    one, other = (of(pa.table({"a": [1, 2], "b": second}), ordered=False) for second in ([1, 2], [2, 1]))
    assert one.columns == other.columns and one.root != other.root


def test_bags_larger_than_memory_give_the_same_answer() -> None:
    from jupyter_mlgov.lineage.bags import Bag

    records = np.random.default_rng(3).integers(0, 4, (40_000, 6)).astype("u1")
    whole, spilled = Bag(6), Bag(6, run=1000)
    whole.add(records)
    for start in range(0, len(records), 700):
        spilled.add(records[::-1][start : start + 700])
    assert whole.digest() == spilled.digest()


@pytest.mark.parametrize("rows", [65_535, 65_536, 65_537, 131_072, 200_001])
def test_blocks_are_the_same_however_the_rows_come(rows: int, tmp_path: Path) -> None:
    table = pa.table(
        {"n": np.arange(rows) % 1000, "t": pa.array([None, "x", "yy"]).take(pa.array(np.arange(rows) % 3)), "b": np.arange(rows) % 7 == 0}
    )
    pq.write_table(table, tmp_path / "t.parquet", row_group_size=9_999)
    pieces = pa.concat_tables([table.slice(start, 7_777) for start in range(0, rows, 7_777)])
    homes = [pieces, table.to_pandas(types_mapper=pd.ArrowDtype), pl.from_arrow(table), tmp_path / "t.parquet", table.to_pandas()]
    assert {of(home).root for home in homes} == {of(table).root}


def test_a_type_without_canonical_form_is_refused_with_its_name() -> None:
    union = pa.UnionArray.from_dense(pa.array([0], pa.int8()), pa.array([0], pa.int32()), [pa.array([1])])
    with pytest.raises(Unfit, match="union"):
        of(pa.table({"a": union}))


def test_the_number_of_threads_is_no_content() -> None:
    from jupyter_mlgov.lineage.columns import of_table, table_fingerprint

    table = pa.table(
        {"n": np.arange(300_000), "x": np.arange(300_000) / 7, "t": pa.array(["a", "bb"]).take(pa.array(np.arange(300_000) % 2))}
    )
    assert table_fingerprint(of_table(table), 1) == table_fingerprint(of_table(table), 2) == table_fingerprint(of_table(table), 5)


def test_what_goes_wrong_in_a_thread_is_said_and_stops_the_others() -> None:
    from collections.abc import Iterator

    from jupyter_mlgov.lineage.columns import Block, Content, table_fingerprint

    asked: list[int] = []

    def blocks() -> Iterator[Block]:
        for number in range(1000):
            asked.append(number)
            yield Block(column=0, number=number, read=lambda number=number: 1 / 0 if number == 3 else pa.array([number]))

    with pytest.raises(ZeroDivisionError):
        table_fingerprint(Content(names=("a",), types=(pa.int64(),), blocks=blocks), 2)
    assert len(asked) < 100


def test_the_name_of_a_file_as_text_is_answered_with_what_to_type() -> None:
    with pytest.raises(BadInput, match=r"pathlib\.Path"):
        fingerprint("loans.parquet")
