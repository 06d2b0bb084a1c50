"""Real Delta tables: which version a cell saw, and what a vacuum takes from it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import deltalake
import pandas as pd
import pytest
from deltalake import DeltaTable

from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.core.errors import NotReady
from jupyter_mlgov.integrations import delta
from jupyter_mlgov.lineage.facts import SourceRef
from jupyter_mlgov.lineage.native import observe
from jupyter_mlgov.lineage.sources import Sources, collect


@pytest.fixture(autouse=True)
def _watched() -> Any:
    for module in delta.MODULES:
        observe(module, delta.observe)
    yield
    collect(None)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Three versions: two rows, four rows, then only those over 1."""
    folder = tmp_path / "a ü table"
    deltalake.write_deltalake(str(folder), pd.DataFrame({"x": [1, 2]}))
    deltalake.write_deltalake(str(folder), pd.DataFrame({"x": [3, 4]}), mode="append")
    DeltaTable(str(folder)).delete("x < 2")
    return folder


def cell(act: Any) -> tuple[tuple[SourceRef, ...], tuple[SourceRef, ...]]:
    """What a cell that does `act` is recorded to have read and written."""
    sources = Sources()
    collect(sources)
    act()
    collect(None)
    refs = sources.refs()
    assert sources.problems == []
    return refs


def test_reading_names_table_version_and_files(path: Path) -> None:
    read, written = cell(lambda: DeltaTable(str(path), version=1).to_pandas())
    (ref,) = read
    assert written == ()
    table = DeltaTable(str(path), version=1)
    assert (ref.system, ref.name, ref.version) == ("delta", str(path), "1")
    assert ref.facts == {"table_id": table.metadata().id, "files": 2}
    assert ref.digest == delta.reference(table).digest != delta.reference(DeltaTable(str(path))).digest


def test_a_table_that_moves_on_after_the_read_is_recorded_as_it_was_read(path: Path) -> None:
    def act() -> None:
        table = DeltaTable(str(path), version=0)
        table.to_pyarrow_table()
        table.load_as_version(2)

    read, _ = cell(act)
    assert {ref.version for ref in read} == {"0", "2"}


def test_a_table_opened_in_an_earlier_cell_is_read_in_a_later_one(path: Path) -> None:
    table = DeltaTable(str(path))
    read, _ = cell(table.to_pandas)
    assert [ref.version for ref in read] == ["2"]


def test_polars_reads_through_the_same_door(path: Path, tmp_path: Path) -> None:
    import polars as pl

    plain = path.rename(tmp_path / "plain")  # Polars 2.1 itself cannot read a Delta table in a folder whose name is percent-encoded
    read, _ = cell(lambda: pl.read_delta(str(plain), version=1))
    assert [ref.version for ref in read] == ["1"]


def test_writing_is_a_new_version(path: Path) -> None:
    _, written = cell(lambda: deltalake.write_deltalake(str(path), pd.DataFrame({"x": [9]}), mode="append"))
    assert [(ref.name, ref.version) for ref in written] == [(str(path), "3")]
    _, written = cell(lambda: DeltaTable(str(path)).delete("x = 9"))
    assert "4" in [ref.version for ref in written]


def test_every_version_can_be_had_again_until_a_vacuum(path: Path) -> None:
    first, last = delta.reference(DeltaTable(str(path), version=1)), delta.reference(DeltaTable(str(path)))
    assert delta.available(first).verdict == delta.available(last).verdict == "pass"
    assert delta.at_version(first).to_pandas()["x"].sort_values().tolist() == [1, 2, 3, 4]
    DeltaTable(str(path)).vacuum(retention_hours=0, enforce_retention_duration=False, dry_run=False)
    lost = delta.available(first)
    assert lost.verdict == "inconclusive"
    assert "1 of 2 data files of version 1" in lost.reason
    assert delta.available(last).verdict == "pass"


def test_another_table_in_its_place_fails_and_a_missing_one_cannot_be_told(path: Path, tmp_path: Path) -> None:
    ref = delta.reference(DeltaTable(str(path), version=0))
    other = tmp_path / "other"
    deltalake.write_deltalake(str(other), pd.DataFrame({"x": [1, 2]}))
    imposter = SourceRef(system="delta", name=str(other), version="0", digest=ref.digest, facts=ref.facts)
    assert delta.available(imposter).verdict == "fail"
    forged = SourceRef(system="delta", name=str(path), version="0", digest=Digest.of_text("x"), facts=ref.facts)
    assert delta.available(forged).verdict == "fail"
    nowhere = SourceRef(system="delta", name=str(tmp_path / "none"), version="0", digest=ref.digest, facts=ref.facts)
    assert delta.available(nowhere).verdict == "inconclusive"
    future = SourceRef(system="delta", name=str(path), version="99", digest=ref.digest, facts=ref.facts)
    with pytest.raises(NotReady, match="Version 99 of the Delta table"):
        delta.at_version(future)


def test_outside_of_a_cell_nothing_is_noted_and_nothing_breaks(path: Path) -> None:
    assert len(DeltaTable(str(path)).to_pandas()) == 3
    assert delta._shown("s3://key:secret@bucket/t?token=x") == "s3://bucket/t"
