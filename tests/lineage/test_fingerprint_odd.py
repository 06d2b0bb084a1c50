"""Odd content: one content has one root wherever it lies, other content another; what has no canonical form is refused in a sentence."""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Callable
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import scipy.sparse as sp

from jupyter_mlgov.core.errors import BadInput
from jupyter_mlgov.sdk import fingerprint

Make = Callable[[], object]
NOON = pd.Timestamp("2024-01-01 12:00", tz="UTC")
MATRIX = sp.csr_matrix(np.array([[0, 1.0], [2, 0]]))


def column(values: object, kind: object = None) -> object:
    return pa.table({"a": pa.array(values, kind)})


def relation(query: str) -> object:
    import duckdb

    return duckdb.sql(query)


SAME: dict[str, tuple[Make, ...]] = {
    "durations of any unit": (
        lambda: pd.DataFrame({"a": pd.to_timedelta([1, 2], unit="s").astype("timedelta64[ns]")}),
        lambda: pd.DataFrame({"a": pd.to_timedelta([1, 2], unit="s").astype("timedelta64[s]")}),
        lambda: column([1000, 2000], pa.duration("ms")),
        lambda: pl.DataFrame({"a": [dt.timedelta(seconds=1), dt.timedelta(seconds=2)]}),
    ),
    "decimals of any scale": (
        lambda: column([Decimal("1.50"), Decimal("2.00")], pa.decimal128(10, 2)),
        lambda: column([Decimal("1.5"), Decimal("2.0")], pa.decimal256(40, 5)),
        lambda: pd.DataFrame({"a": [Decimal("1.50"), Decimal("2")]}),
        lambda: relation("select 1.50::decimal(9, 3) a union all select 2"),
    ),
    "a dictionary inside a list": (
        lambda: column([["x", "y"], None], pa.list_(pa.dictionary(pa.int8(), pa.string()))),
        lambda: column([["x", "y"], None]),
        lambda: pl.DataFrame({"a": [["x", "y"], None]}),
    ),
    "one instant in several zones": (
        lambda: pd.DataFrame({"a": [NOON]}),
        lambda: pd.DataFrame({"a": [NOON.tz_convert("Europe/Berlin")]}),
        lambda: pd.DataFrame({"a": [NOON.tz_convert("Asia/Tokyo")]}),
    ),
    "whole numbers with a gap": (
        lambda: pd.DataFrame({"a": pd.array([1, None], "Int64")}),
        lambda: column([1, None], pa.int8()),
        lambda: pl.DataFrame({"a": [1, None]}),
        lambda: relation("select 1::hugeint::integer a union all select null"),
    ),
    "flags with a gap": (
        lambda: pd.DataFrame({"a": pd.array([True, None], "boolean")}),
        lambda: pd.DataFrame({"a": pd.Series([True, None], dtype=object)}),
        lambda: column([True, None]),
    ),
    "texts of any kind": (
        *(lambda kind=kind: column(["x\0", None, ""], kind) for kind in (pa.string(), pa.large_string(), pa.string_view())),
        lambda: pd.DataFrame({"a": pd.Series(["x\0", None, ""], dtype=object)}),
        lambda: pl.DataFrame({"a": ["x\0", None, ""]}),
    ),
    "bytes of any kind": (
        *(lambda kind=kind: column([b"x\0", None], kind) for kind in (pa.binary(), pa.large_binary(), pa.binary_view())),
        lambda: pd.DataFrame({"a": [b"x\0", None]}),
        lambda: pl.DataFrame({"a": [b"x\0", None]}),
    ),
    "times of day": (
        lambda: column([dt.time(1, 2, 3)], pa.time64("us")),
        lambda: column([dt.time(1, 2, 3)], pa.time32("s")),
        lambda: pl.DataFrame({"a": [dt.time(1, 2, 3)]}),
        lambda: pd.DataFrame({"a": [dt.time(1, 2, 3)]}),
    ),
    "dates": (
        lambda: column([dt.date(2020, 1, 1)], pa.date32()),
        lambda: column([dt.date(2020, 1, 1)], pa.date64()),
        lambda: pl.DataFrame({"a": [dt.date(2020, 1, 1)]}),
        lambda: pd.DataFrame({"a": [dt.date(2020, 1, 1)]}),
    ),
    "a sparse matrix in every format, unsorted, with explicit zeros, with doubles": (
        *(lambda kind=kind: MATRIX.asformat(kind) for kind in ("csr", "csc", "coo", "bsr", "dok", "lil", "dia")),
        lambda: sp.csr_matrix((np.array([1.0, 0.0, 2.0]), np.array([1, 0, 0]), np.array([0, 2, 3])), shape=(2, 2)),
        lambda: sp.coo_matrix(([1.0, 1.0, 1.0], ([1, 1, 0], [0, 0, 1])), shape=(2, 2)),
        lambda: sp.csr_array(MATRIX),
    ),
    "arrays of either byte order": (lambda: np.array([1, 2], ">i4"), lambda: np.array([1, 2], "<i4")),
}

DIFFERENT: dict[str, tuple[Make, ...]] = {
    "whole and real numbers": (lambda: column([1, None]), lambda: column([1.0, None]), lambda: column([True, None])),
    "a zone and none": (lambda: pd.DataFrame({"a": [NOON]}), lambda: pd.DataFrame({"a": [NOON.tz_localize(None)]})),
    "text and bytes": (lambda: column(["x"]), lambda: column([b"x"])),
    "missing, empty and a list of nothing": (lambda: column([None, []]), lambda: column([[], None]), lambda: column([[None], []])),
    "a missing struct and one of missing parts": (
        lambda: column([None, {"x": 1}]),
        lambda: column([{"x": None}, {"x": 1}]),
    ),
    "two columns of one name, the other way round": (
        lambda: pd.DataFrame([[1, 2]], columns=["a", "a"]),
        lambda: pd.DataFrame([[2, 1]], columns=["a", "a"]),
    ),
    "an index of several levels": (
        lambda: pd.DataFrame({"a": [1, 2]}, index=pd.MultiIndex.from_tuples([("x", 1), ("y", 2)])),
        lambda: pd.DataFrame({"a": [1, 2]}, index=pd.MultiIndex.from_tuples([("x", 1), ("y", 3)])),
    ),
    "names of several levels": (
        lambda: pd.DataFrame([[1, 2]], columns=pd.MultiIndex.from_tuples([("x", 1), ("y", 2)])),
        lambda: pd.DataFrame([[1, 2]], columns=pd.MultiIndex.from_tuples([("x", 1), ("y", 3)])),
    ),
    "periods": (
        lambda: pd.DataFrame({"a": pd.period_range("2020-01", periods=2, freq="M")}),
        lambda: pd.DataFrame({"a": pd.period_range("2020-01-01", periods=2, freq="D")}),
    ),
    "intervals": (
        lambda: pd.DataFrame({"a": pd.interval_range(0, 2)}),
        lambda: pd.DataFrame({"a": pd.interval_range(0, 2, closed="left")}),
    ),
    "rows without columns": (lambda: pd.DataFrame(index=range(3)), lambda: pd.DataFrame(index=range(4)), lambda: pd.DataFrame()),
    "no rows of other types": (lambda: column([], pa.int8()), lambda: column([], pa.string())),
    "a lone number and a list of one": (lambda: np.array(3), lambda: np.array([3])),
    "records": (
        lambda: np.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "f8")]),
        lambda: np.array([(1, 2.0)], dtype=[("a", "i4"), ("c", "f8")]),
    ),
    "objects of mixed types": (lambda: pd.DataFrame({"a": [1, "1", None]}), lambda: pd.DataFrame({"a": ["1", 1, None]})),
}

REFUSED: dict[str, Make] = {
    "masked arrays": lambda: np.ma.array([1, 2], mask=[0, 1]),
    "raw bytes without a type": lambda: np.array([b"ab"], "V2"),
    "type complex": lambda: pd.DataFrame({"a": [1j]}),
    "unstable": lambda: pl.DataFrame({"a": pl.Series([object()], dtype=pl.Object)}),
    "month_day_nano_interval": lambda: column([pa.MonthDayNano([1, 2, 3])]),
    "sparse_union": lambda: pa.table({"a": pa.UnionArray.from_sparse(pa.array([0], pa.int8()), [pa.array([1])])}),
}


@pytest.mark.parametrize("name", SAME)
def test_the_same_content_has_one_root(name: str) -> None:
    roots = {fingerprint(make()).root for make in SAME[name]}
    assert len(roots) == 1, name


@pytest.mark.parametrize("name", DIFFERENT)
def test_other_content_has_another_root(name: str) -> None:
    roots = {fingerprint(make()).root for make in DIFFERENT[name]}
    assert len(roots) == len(DIFFERENT[name])


@pytest.mark.parametrize("name", REFUSED)
def test_what_has_no_canonical_form_is_refused_with_the_reason(name: str) -> None:
    with pytest.raises(BadInput, match=name):
        fingerprint(REFUSED[name]())


@pytest.mark.parametrize("make", [lambda sign: pd.DataFrame({"a": pd.Series([sign], dtype=object)}), lambda sign: np.array([sign])])
def test_half_a_surrogate_is_told_apart_or_refused_and_never_a_crash(make: Callable[[str], object]) -> None:
    roots = []
    for sign in ("\ud800", "\ud801", "?"):
        with contextlib.suppress(BadInput):
            roots.append(fingerprint(make(sign)).root)
    assert len(set(roots)) == len(roots) >= 1
