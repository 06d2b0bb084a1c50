"""A plain table as a subject: one content, one digest, in CSV and Parquet; a file that is no table gets a sentence."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from jupyter_mlgov.core.errors import BadInput
from jupyter_mlgov.core.team import Roles
from jupyter_mlgov.validation.tables import table_subject


def test_csv_and_parquet_of_one_content_are_one_subject(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text('g,y,x\na,1,0.5\nb,0,1.5\n"c,d",1,\n', "utf-8")
    pq.write_table(pa.table({"g": ["a", "b", "c,d"], "y": [1, 0, 1], "x": [0.5, 1.5, None]}), tmp_path / "t.parquet")
    first, second = (table_subject(tmp_path / name, Roles()).ref for name in ("t.csv", "t.parquet"))
    assert first == second
    assert (first.rows, first.kind, first.name) == (3, "table", "t")


@pytest.mark.parametrize("words", [("yes", "no"), ("YES", "NO"), ("t", "f"), ("yes", "true")])
def test_a_csv_file_keeps_the_words_that_are_not_true_and_false(tmp_path: Path, words: tuple[str, str]) -> None:
    """DuckDB takes yes and no for true and false: `--favourable yes` found none, and Parquet of that content had another digest."""
    rows = [*words, "", *words]
    (tmp_path / "t.csv").write_text("n,y,b\n" + "".join(f"{at},{word},True\n" for at, word in enumerate(rows)), "utf-8")
    pq.write_table(pa.table({"n": range(5), "y": [word or None for word in rows], "b": [True] * 5}), tmp_path / "t.parquet")
    first, second = (table_subject(tmp_path / name, Roles()) for name in ("t.csv", "t.parquet"))
    assert first.ref == second.ref
    assert first.table.y.execute().dropna().tolist() == [*words, *words]


def test_a_csv_file_of_another_encoding_is_told_so(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes("g,y\nhöher,1\ngröße,0\n".encode("latin-1"))
    with pytest.raises(BadInput, match=r"t\.csv cannot be read as CSV: its text is not UTF-8"):
        table_subject(tmp_path / "t.csv", Roles())


def test_every_row_counts(tmp_path: Path) -> None:
    """A tool in use today hashes the first 10,000 rows and does not see this."""
    values = list(range(20_000))
    pq.write_table(pa.table({"x": values}), tmp_path / "a.parquet")
    pq.write_table(pa.table({"x": [*values[:-1], -1]}), tmp_path / "b.parquet")
    assert table_subject(tmp_path / "a.parquet", Roles()).ref.table != table_subject(tmp_path / "b.parquet", Roles()).ref.table


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("no.csv", None),
        ("t.csv", b""),
        ("t.parquet", b"no parquet"),
        ("t.parquet", b"PAR1 broken"),
        ("t.xyz", b"a\n1\n"),
        ("t.csv", b"\xff\xfe\x00\x00"),
    ],
)
def test_a_file_that_is_no_table_gets_a_sentence(tmp_path: Path, name: str, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(BadInput) as raised:
        table_subject(tmp_path / name, Roles())
    assert name in str(raised.value)
