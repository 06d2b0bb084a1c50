"""One table in many places: the same answers from a frame, Arrow, Parquet, CSV, Delta; SQL text that is the same on every machine."""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from jupyter_mlgov.core.errors import BadInput, NotReady
from jupyter_mlgov.core.team import Roles
from jupyter_mlgov.sdk import open_table, table_subject
from jupyter_mlgov.validation.warehouse import Warehouse

CONTENT = {"g": ["a", "b", "a"], "y": [1, 0, 1], "x": [0.5, 1.5, None]}
FORMS = ("pandas", "polars", "lazy", "arrow", "parquet", "csv", "delta")


def form(kind: str, folder: Path) -> object:
    whole = pa.table(CONTENT)
    if kind == "parquet":
        pq.write_table(whole, folder / "t.parquet")
        return folder / "t.parquet"
    if kind == "csv":
        (folder / "t.csv").write_text("g,y,x\na,1,0.5\nb,0,1.5\na,1,\n", "utf-8")
        return folder / "t.csv"
    if kind == "delta":
        import deltalake

        deltalake.write_deltalake(str(folder / "t"), whole)
        return folder / "t"
    return {"pandas": whole.to_pandas(), "polars": pl.DataFrame(CONTENT), "lazy": pl.LazyFrame(CONTENT), "arrow": whole}[kind]


@pytest.mark.parametrize("kind", FORMS)
def test_every_form_gives_the_same_answer_to_the_same_text(kind: str, tmp_path: Path) -> None:
    subject = table_subject(form(kind, tmp_path), Roles(), "t")
    table = subject.columns("g", "y")
    assert tuple(table.columns) == ("g", "y")
    asked = subject.ask(table.group_by("g").agg(n=table.count(), good=table.y.sum()).order_by("g"))
    assert asked.rows == ({"g": "a", "n": 2, "good": 2}, {"g": "b", "n": 1, "good": 0})
    assert "subject" in asked.sql
    assert str(tmp_path) not in asked.sql
    assert (subject.ref.rows, subject.ref.name) == (3, "t")
    assert subject.ref.table is not None


def test_equal_content_has_one_digest_in_every_form(tmp_path: Path) -> None:
    forms = [form(kind, tmp_path) for kind in FORMS]
    assert len({table_subject(one, Roles(), "t").ref.digest for one in forms}) == 1


def test_a_warehouse_runs_text_and_no_row_is_pulled_to_be_fingerprinted() -> None:
    said: list[str] = []

    def run(sql: str) -> list[tuple[int]]:
        said.append(sql)
        return [(7,)]

    subject = table_subject(Warehouse(name="LOANS", schema={"g": "string"}, dialect="snowflake", run=run, database="RISK"), Roles())
    assert (subject.ref.rows, subject.ref.table) == (7, None)
    assert len(said) == 1
    assert 'FROM "RISK"."LOANS"' in said[0]


def test_a_folder_without_a_delta_log_and_a_thing_that_is_no_table_get_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="without a Delta log"):
        open_table(tmp_path)
    with pytest.raises(BadInput, match="A int is no table"):
        open_table(3)
    with pytest.raises(BadInput, match="pandas frame cannot be read"):
        open_table(pd.DataFrame({"x": [1, "a", object()]}))


def test_a_missing_extra_says_which_pip_install_mends_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "_delta_log").mkdir()
    monkeypatch.setitem(sys.modules, "deltalake", None)
    with pytest.raises(NotReady, match=r"jupyter-mlgov\[lake\]"):
        open_table(tmp_path)


def test_the_shell_takes_every_other_role(tmp_path: Path) -> None:
    from jupyter_mlgov.cli import mlgov

    (tmp_path / "t.csv").write_text("g,y,f\n" + "a,1,x\nb,0,y\n" * 40, "utf-8")
    words = ["validate", "--data", str(tmp_path / "t.csv"), "--outcome", "y", "--favourable", "1", "--protected", "g", "--format", "json"]
    done = CliRunner().invoke(mlgov, [*words, "--role", "legitimate=f", "--only", "fair.air"])
    assert '"legitimate":["f"]' in done.output.replace(" ", "").replace("\n", ""), done.output
    assert CliRunner().invoke(mlgov, [*words, "--role", "legitimate"]).exit_code == 2
    assert "Did you mean" in str(CliRunner().invoke(mlgov, [*words, "--role", "legitimat=f"]).exception)
