"""`mlgov diff`: names the columns and counts the rows, prints nobody's data, and says what it cannot tell."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from IPython.core.interactiveshell import InteractiveShell

from jupyter_mlgov.cli import mlgov
from jupyter_mlgov.core.errors import BadInput, UsageError
from jupyter_mlgov.lineage.cells import differing
from jupyter_mlgov.lineage.columns import of_table
from jupyter_mlgov.lineage.compare import Difference, compare, compare_rows
from jupyter_mlgov.lineage.fingerprint import measured
from jupyter_mlgov.lineage.typenames import Unfit

ROWS = 70_000  # more than one block


def table(rows: int = ROWS, **more: Any) -> pa.Table:
    columns = {"id": np.arange(rows), "x": np.arange(rows) / 7, "name": pa.array(["Ann", "Bob", None]).take(pa.array(np.arange(rows) % 3))}
    return pa.table({**columns, "label": np.arange(rows) % 2, **more})


def flipped(original: pa.Table, start: int) -> pa.Table:
    """Every label from row `start` on turned round."""
    label = original["label"].to_numpy().copy()
    label[start:] = 1 - label[start:]
    return original.set_column(original.schema.get_field_index("label"), "label", pa.array(label))


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def diff(*words: str) -> tuple[int, str]:
    done = CliRunner().invoke(mlgov, ["diff", *words])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.exit_code, done.output


def told(*words: str) -> dict[str, Any]:
    code, output = diff(*words, "--format", "json")
    found: dict[str, Any] = json.loads(output)
    assert code == (0 if found["same"] else 1)
    return found


# -- the label flip -----------------------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore")  # MLflow warns about integer columns
def test_labels_flipped_after_row_10000_leave_mlflow_s_digest_alone_and_are_named_by_ours(here: Path) -> None:
    import mlflow.data

    before = table(20_000).to_pandas()
    after = before.copy()
    after.loc[10_000:, "label"] = 1 - after.loc[10_000:, "label"]
    assert mlflow.data.from_pandas(before).digest == mlflow.data.from_pandas(after).digest
    before.to_parquet("before.parquet")
    after.to_parquet("after.parquet")
    found = told("before.parquet", "after.parquet")
    assert [(one["column"], one["rows"], one["first"][:2]) for one in found["changed"]] == [("label", 10_000, [10_000, 10_001])]
    code, said = diff("before.parquet", "after.parquet")
    assert code == 1 and "label  10,000 rows differ, at 10000, 10001" in said
    assert measured(before) != measured(after)


# -- tables -------------------------------------------------------------------------------------------------------------


def test_the_same_table_in_two_formats_is_the_same(here: Path) -> None:
    import deltalake

    pq.write_table(table(), "a.parquet")
    deltalake.write_deltalake("delta", table())
    assert diff("a.parquet", "delta") == (
        0,
        f"A  a.parquet  ({ROWS:,} rows)\nB  delta  ({ROWS:,} rows)\n✓ the same content (mlgov-table-2)\n",
    )


def test_new_gone_renamed_and_retyped_columns_are_told_apart(here: Path) -> None:
    pq.write_table(table(5, gone=range(5)), "a.parquet")
    after = table(5, new=[0.5] * 5).rename_columns(["id", "amount", "name", "label", "new"])
    after = after.set_column(3, "label", after["label"].cast(pa.float64()))
    pq.write_table(after, "b.parquet")
    found = told("a.parquet", "b.parquet")
    assert (found["added"], found["removed"]) == (["new"], ["gone"])
    assert found["renamed"] == [{"was": "x", "now": "amount"}]
    assert found["retyped"] == [{"column": "label", "was": "int", "now": "float"}]
    assert [(one["column"], one["rows"]) for one in found["changed"]] == [("label", None)]
    code, said = diff("a.parquet", "b.parquet")
    assert code == 1 and "int → float" in said and "is now called amount" in said


def test_rows_that_only_one_side_has_are_counted(here: Path) -> None:
    pq.write_table(table(), "a.parquet")
    pq.write_table(table(ROWS + 5), "b.parquet")
    found = told("a.parquet", "b.parquet")
    assert (found["left_rows"], found["right_rows"]) == (ROWS, ROWS + 5)
    assert {one["rows"] for one in found["changed"]} == {0}
    assert "+5 rows" in diff("a.parquet", "b.parquet")[1]


def test_columns_in_another_order_and_another_zone_are_said(here: Path) -> None:
    zones = [pa.array([0, 1], pa.timestamp("us", zone)) for zone in ("UTC", "Asia/Tokyo")]
    pq.write_table(pa.table({"a": [1, 2], "when": zones[0]}), "a.parquet")
    pq.write_table(pa.table({"when": zones[1], "a": [1, 2]}), "b.parquet")
    found = told("a.parquet", "b.parquet")
    assert found["reordered"] and not found["changed"]
    assert found["retyped"] == [{"column": "when", "was": "timestamp[UTC]", "now": "timestamp[Asia/Tokyo]"}]


def test_any_order_is_by_request(here: Path) -> None:
    pq.write_table(table(), "a.parquet")
    pq.write_table(table().take(pa.array(np.random.default_rng(1).permutation(ROWS))), "b.parquet")
    assert diff("a.parquet", "b.parquet")[0] == 1
    code, said = diff("a.parquet", "b.parquet", "--any-order")
    assert code == 0 and "mlgov-table-2-unordered" in said


def test_no_value_is_printed_unless_asked_and_then_harmlessly(here: Path) -> None:
    pq.write_table(pa.table({"who": ["Ann Secret", "x"]}), "a.parquet")
    pq.write_table(pa.table({"who": ["Bob \x1b[31m\u202eSecret", "x"]}), "b.parquet")
    for style in ("text", "json"):
        assert "Secret" not in diff("a.parquet", "b.parquet", "--format", style)[1]
    said = diff("a.parquet", "b.parquet", "--values", "3")[1]
    assert "'Ann Secret' became" in said
    assert "\x1b" not in said and "\u202e" not in said


def test_hostile_names_of_columns_are_shown_harmlessly(here: Path) -> None:
    name = "\x1b[2J\u202e<script>" + "n" * 500
    pq.write_table(pa.table({name: [1]}), "a.parquet")
    pq.write_table(pa.table({name: [2]}), "b.parquet")
    said = diff("a.parquet", "b.parquet")[1]
    assert "\x1b" not in said and "\u202e" not in said and len(said) < 600


def test_only_so_many_rows_are_named(here: Path) -> None:
    pq.write_table(table(), "a.parquet")
    pq.write_table(flipped(table(), 0), "b.parquet")
    assert len(told("a.parquet", "b.parquet")["changed"][0]["first"]) == 10
    found = told("a.parquet", "b.parquet", "--rows", "3")["changed"][0]
    assert (found["first"], found["rows"]) == ([0, 1, 2], ROWS)


# -- CSV ----------------------------------------------------------------------------------------------------------------


def test_a_csv_file_has_the_types_of_the_table_beside_it(here: Path) -> None:
    pq.write_table(table(9), "a.parquet")
    table(9).to_pandas().to_csv("b.csv", index=False)
    assert diff("a.parquet", "b.csv")[0] == diff("b.csv", "a.parquet")[0] == 0
    flipped(table(9), 7).to_pandas().to_csv("b.csv", index=False)
    assert [one["rows"] for one in told("a.parquet", "b.csv")["changed"]] == [2]


@pytest.mark.parametrize("separator", [";", "\t", "|"])
def test_the_header_says_what_separates_the_fields(here: Path, separator: str) -> None:
    Path("a.csv").write_text("id,x,y\n1,a b,3\n2,c,4\n")
    Path("b.csv").write_text("\ufeffid,x,y\n1,a b,3\n2,c,4\n".replace(",", separator), encoding="utf-8")
    assert diff("a.csv", "b.csv")[0] == 0
    Path("b.csv").write_text("id,x,y\n1,a b,3\n2,c,5\n".replace(",", separator))
    found = told("a.csv", "b.csv")
    assert ([one["column"] for one in found["changed"]], found["changed"][0]["rows"]) == (["y"], 1)


def test_two_csv_files_are_text_unless_a_schema_says_more(here: Path) -> None:
    Path("a.csv").write_text("id,x\n1,0.50\n")
    Path("b.csv").write_text("id,x\n1,0.5\n")
    assert [one["column"] for one in told("a.csv", "b.csv")["changed"]] == ["x"]
    Path("s.json").write_text('{"id": "int64", "x": "float64"}')
    assert diff("a.csv", "b.csv", "--schema", "s.json")[0] == 0
    pq.write_table(pa.table({"id": [1], "x": [1.5]}), "s.parquet")
    assert diff("a.csv", "b.csv", "--schema", "s.parquet")[0] == 0


# -- other files and folders --------------------------------------------------------------------------------------------


def test_plain_files_say_where_they_part(here: Path) -> None:
    Path("a.bin").write_bytes(b"x" * 100_000)
    Path("b.bin").write_bytes(b"x" * 70_000 + b"y" + b"x" * 29_999)
    assert "The first differing byte is number 70,000" in diff("a.bin", "b.bin")[1]
    assert diff("a.bin", "a.bin")[0] == 0
    Path("b.bin").write_bytes(b"x" * 99_999)
    assert "number 99,999" in diff("a.bin", "b.bin")[1]


def test_folders_name_their_files(here: Path) -> None:
    for side, content in (("a", b"1"), ("b", b"2")):
        (here / side / "deep").mkdir(parents=True)
        (here / side / "deep" / "same").write_bytes(b"s")
        (here / side / "changed").write_bytes(content)
        (here / side / f"only-{side}").write_bytes(content * 2)
        (here / side / f"moved-{side}").write_bytes(b"moved")
    found = told("a", "b")
    assert [one["column"] for one in found["changed"]] == ["changed"]
    assert (found["removed"], found["added"]) == (["only-a"], ["only-b"])
    assert found["renamed"] == [{"was": "moved-a", "now": "moved-b"}]
    assert diff("a", "a")[0] == 0


# -- what cannot be compared --------------------------------------------------------------------------------------------


def test_wrong_words_and_unreadable_files_are_sentences_with_the_right_exit_code(here: Path) -> None:
    pq.write_table(table(3), "a.parquet")
    Path("b.parquet").write_bytes(b"PAR1 and nothing more")
    Path("c.bin").write_bytes(b"x")
    with pytest.raises(UsageError, match=r'"missing.parquet" is no file or folder') as wrong:
        diff("a.parquet", "missing.parquet")
    assert wrong.value.exit_code == 2
    with pytest.raises(BadInput, match=r"b.parquet cannot be read as Parquet") as broken:
        diff("a.parquet", "b.parquet")
    assert broken.value.exit_code == 3
    with pytest.raises(BadInput, match=r"c.bin is no table"):
        diff("a.parquet", "c.bin")
    Path("s.json").write_text("[]")
    with pytest.raises(UsageError, match="is no schema"):
        diff("a.parquet", "a.parquet", "--schema", "s.json")


def test_fingerprints_of_two_methods_are_not_compared() -> None:
    one, other = measured(table(3)), measured(table(3), ordered=False)
    assert one is not None and other is not None
    with pytest.raises(Unfit, match="only one method can be compared"):
        compare(one, other)


# -- recorded states ----------------------------------------------------------------------------------------------------


@pytest.fixture
def shell(here: Path) -> Iterator[InteractiveShell]:
    InteractiveShell.clear_instance()
    made = InteractiveShell.instance()
    made.run_line_magic("load_ext", "jupyter_mlgov")
    yield made
    made.run_line_magic("unload_ext", "jupyter_mlgov")
    InteractiveShell.clear_instance()


@pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")  # IPython's own completion hook
def test_a_recorded_table_against_a_file_in_the_notebook_and_in_the_shell(
    shell: InteractiveShell, capsys: pytest.CaptureFixture[str]
) -> None:
    frame = pd.DataFrame({"a": [1, 2, 3], "label": [0, 1, 1]})
    frame.to_parquet("file.parquet")
    assert shell.run_cell("%%mlgov step data\nimport pandas as pd\nloans = pd.read_parquet('file.parquet')", store_history=True).success
    frame.assign(label=[0, 1, 0]).to_parquet("file.parquet")
    capsys.readouterr()
    assert shell.run_cell("%mlgov diff run:loans file.parquet", store_history=True).success
    said = capsys.readouterr().out
    assert "label  content differs" in said and "run:loans is a record without its rows" in said
    shell.run_cell("%mlgov diff run:loan file.parquet", store_history=True)
    assert 'Did you mean "run:loans"?' in "".join(capsys.readouterr())
    shell.run_line_magic("unload_ext", "jupyter_mlgov")
    assert [one["column"] for one in told("run:loans", "file.parquet")["changed"]] == ["label"]
    shell.run_line_magic("load_ext", "jupyter_mlgov")


# -- laws ---------------------------------------------------------------------------------------------------------------

KINDS = {
    "int": (st.none() | st.integers(0, 200), (pa.int64(), pa.int16(), pa.uint8())),
    "big": (st.none() | st.integers(0, 2**64 - 1), (pa.uint64(),)),
    "float": (st.none() | st.floats(width=32), (pa.float64(), pa.float32())),
    "text": (
        st.none() | st.text("ab", max_size=2),
        (pa.string(), pa.large_string(), pa.string_view(), pa.dictionary(pa.int8(), pa.string())),
    ),
    "flag": (st.none() | st.booleans(), (pa.bool_(),)),
    "list": (st.none() | st.lists(st.none() | st.integers(0, 3), max_size=2), (pa.list_(pa.int64()), pa.large_list(pa.int8()))),
    "bytes": (st.none() | st.binary(min_size=1, max_size=1), (pa.binary(), pa.binary(1))),
}


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_row_is_counted_exactly_where_the_fingerprint_of_that_row_differs(data: st.DataObject) -> None:
    values, kinds = KINDS[data.draw(st.sampled_from(sorted(KINDS)))]
    rows = st.lists(values, min_size=4, max_size=4)
    one, other = (pa.array(data.draw(rows), data.draw(st.sampled_from(kinds))) for _ in range(2))
    flags = differing(*(array.dictionary_decode() if pa.types.is_dictionary(array.type) else array for array in (one, other)))

    def root(array: pa.Array, row: int) -> Any:
        found = measured(pa.table({"a": array.slice(row, 1)}))
        assert found is not None
        return found.columns["a"]

    assert flags.tolist() == [root(one, row) != root(other, row) for row in range(4)]


def test_counts_go_on_over_the_border_of_a_block() -> None:
    before = table()
    after = flipped(before, 65_530)
    one, other = measured(before), measured(after)
    assert one is not None and other is not None
    found: Difference = compare_rows(compare(one, other), of_table(before), of_table(after), most=8)
    assert [(change.column, change.rows, change.first) for change in found.changed] == [
        ("label", ROWS - 65_530, tuple(range(65_530, 65_538)))
    ]
