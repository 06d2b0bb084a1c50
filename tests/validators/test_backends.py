"""The same checks where the data live: equal numbers from DuckDB, from Spark, and from Snowflake's SQL (run by fakesnow)."""

from __future__ import annotations

import os
import re
import shutil
import warnings
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from jupyter_mlgov.core.team import Roles
from jupyter_mlgov.sdk import Check, Finding, Subject, SubjectRef, Warehouse, table_subject
from mlgov_validators.backtest import backtest
from mlgov_validators.calibrated import calibrated, calibrated_groups
from mlgov_validators.conditional import conditional
from mlgov_validators.drift import monitor_drift
from mlgov_validators.error_rates import error_rates
from mlgov_validators.fairness import adverse_impact, significance
from mlgov_validators.intersections import intersections
from mlgov_validators.performance import benchmark, discrimination

from .conftest import judged

ROLES = Roles(
    outcome="approved", favourable="1", protected=("race", "sex"), score="score", label="repaid", baseline="simple", cutoff="0.5",
    legitimate=("band",),
)  # fmt: skip
CHECKS = (
    adverse_impact, significance, error_rates, conditional, intersections,
    calibrated, calibrated_groups, discrimination, benchmark, backtest,
)  # fmt: skip
TYPES = {
    "race": "string",
    "sex": "string",
    "band": "string",
    "approved": "int64",
    "repaid": "int64",
    "score": "float64",
    "simple": "float64",
}


def loans(rows: int = 2000) -> pa.Table:
    """Rows with nulls and NaN, scores of two digits (ties)."""
    rng = np.random.default_rng(20261123)
    race, sex = rng.choice(["white", "black", "asian"], rows), rng.choice(["f", "m"], rows)
    odds = rng.normal(1, 1, rows) - 0.4 * (race == "black")
    repaid = (rng.random(rows) < 1 / (1 + np.exp(-odds))).astype(int)
    score = np.round(1 / (1 + np.exp(-odds)), 2)
    columns: dict[str, object] = {
        "race": [None if number % 97 == 0 else str(one) for number, one in enumerate(race)],
        "sex": [str(one) for one in sex],
        "band": [str(one) for one in rng.choice(["low", "mid", "high"], rows)],
        "approved": (score >= 0.7).astype(int),
        "repaid": repaid,
        "score": [float("nan") if number % 211 == 0 else float(one) for number, one in enumerate(score)],
        "simple": np.round(rng.random(rows) * 0.3 + score * 0.7, 2),
    }
    return pa.table(columns)


def numbers(found: Finding) -> tuple[object, ...]:
    """What a finding says, without the SQL text, which differs from place to place."""
    details = {name: value for name, value in found.details.items() if name != "sql"}
    return found.message, found.verdict, found.measured, found.interval, found.n, found.estimates, details


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[tuple[object, ...]]]:
    path = tmp_path_factory.mktemp("loans") / "loans.parquet"
    pq.write_table(loans(), path)
    subject = Subject(ref=SubjectRef(kind="table", name="loans", roles=asdict(ROLES)), roles=ROLES, table_path=path)
    found = {check.id: judged(check, subject).findings for check in CHECKS}
    assert all(found.values())
    assert all(one.measured is not None or one.where for findings in found.values() for one in findings)
    return {name: [numbers(one) for one in findings] for name, findings in found.items()}


def places(folder: Path) -> dict[str, Callable[[], object]]:
    table = loans()

    def delta() -> Path:
        import deltalake

        deltalake.write_deltalake(str(folder / "delta"), table)
        return folder / "delta"

    def csv() -> Path:
        table.to_pandas().to_csv(folder / "loans.csv", index=False)
        return folder / "loans.csv"

    def categories() -> pd.DataFrame:
        frame = table.to_pandas()
        return frame.assign(race=frame.race.astype("category"), sex=frame.sex.astype("category"), band=frame.band.astype(object))

    return {
        "pandas": table.to_pandas, "categories": categories, "polars": lambda: pl.from_arrow(table), "arrow": lambda: table, "csv": csv,
        "delta": delta,
    }  # fmt: skip


@pytest.mark.parametrize("place", ["pandas", "categories", "polars", "arrow", "csv", "delta"])
def test_every_check_gives_the_same_numbers_wherever_the_table_is(
    place: str, tmp_path: Path, expected: dict[str, list[tuple[object, ...]]]
) -> None:
    subject = table_subject(places(tmp_path)[place](), ROLES, "loans")
    assert {check.id: [numbers(one) for one in judged(check, subject).findings] for check in CHECKS} == expected


# -- Spark ------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[object]:
    """One local Spark for this module."""
    assert shutil.which("java"), "Spark needs Java 17 or newer on PATH."
    folder = tmp_path_factory.mktemp("spark")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pyspark on newer Python and pandas
        from pyspark.sql import SparkSession

        settings = {
            "spark.ui.enabled": "false", "spark.sql.shuffle.partitions": "1", "spark.sql.warehouse.dir": str(folder / "warehouse"),
            "spark.driver.memory": "1g", "spark.driver.host": "127.0.0.1", "spark.sql.session.timeZone": "UTC",
            "spark.driver.extraJavaOptions": f"-Dderby.system.home={folder} -XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
            "spark.sql.execution.arrow.pyspark.enabled": "true",
            "spark.sql.codegen.wholeStage": "false", "spark.sql.adaptive.enabled": "false",  # compiling costs more than 2,000 rows do

        }  # fmt: skip
        builder = SparkSession.builder.master("local[1]").appName("mlgov-tests")
        for name, value in settings.items():
            builder = builder.config(name, value)
        session = builder.getOrCreate()
        session.sparkContext.setLogLevel("OFF")
        yield session
        session.stop()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # pyspark's own
def test_every_check_by_group_gives_the_same_numbers_on_spark(
    spark: object, tmp_path: Path, expected: dict[str, list[tuple[object, ...]]]
) -> None:
    import ibis

    pq.write_table(loans(), tmp_path / "loans.parquet")
    spark.read.parquet(str(tmp_path / "loans.parquet")).createOrReplaceTempView("loans")  # type: ignore[attr-defined]  # a SparkSession
    table = ibis.pyspark.connect(spark).table("loans")
    subject = table_subject(table, ROLES, "loans")
    assert (subject.ref.rows, subject.local) == (2000, False)
    found = {check.id: judged(check, subject).findings for check in CHECKS}
    assert {name: [numbers(one) for one in findings] for name, findings in found.items()} == expected
    assert "`loans`" in str(found["fair.air"][0].details["sql"])


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # pyspark's own
def test_a_window_on_spark_is_held_against_the_kept_profile(spark: object, tmp_path: Path) -> None:
    """No row of the reference is there any more, none of the window leaves Spark: drift and performance are as on DuckDB."""
    import ibis

    from jupyter_mlgov.validation.profiling import profile_of
    from mlgov_validators.live import live_performance

    (tmp_path / "profile.json").write_text(profile_of(table_subject(loans(), ROLES, "loans")), "utf-8")
    pq.write_table(moved().select(["score", "repaid"]), tmp_path / "moved.parquet")
    spark.read.parquet(str(tmp_path / "moved.parquet")).createOrReplaceTempView("moved")  # type: ignore[attr-defined]  # a SparkSession
    told = []
    for source in (tmp_path / "moved.parquet", ibis.pyspark.connect(spark).table("moved")):
        subject = replace(table_subject(source, ROLES, "loans"), reference_path=tmp_path / "profile.json")
        told.append([(one.message, one.verdict) for check in (monitor_drift, live_performance) for one in judged(check, subject).findings])
    assert told[0] == told[1]
    assert any("Matured: AUC" in message for message, _ in told[0])


# -- Snowflake --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def snowflake() -> Iterator[tuple[Warehouse, list[str]]]:
    import fakesnow
    import snowflake.connector
    import snowflake.connector.pandas_tools

    said: list[str] = []
    with warnings.catch_warnings(), fakesnow.patch():
        warnings.simplefilter("ignore")  # the connector's own
        with snowflake.connector.connect(database="RISK", schema="PUBLIC") as connection:
            cursor = connection.cursor()
            words = {"string": "VARCHAR", "int64": "BIGINT", "float64": "DOUBLE"}
            columns = ", ".join(f'"{name}" {words[kind]}' for name, kind in TYPES.items())
            for name, content in (("LOANS", loans()), ("MONTHS", moved())):
                cursor.execute(f'CREATE TABLE "{name}" ({columns})')
                snowflake.connector.pandas_tools.write_pandas(connection, content.select(list(TYPES)).to_pandas(), name)

            def run(sql: str) -> list[tuple[object, ...]]:
                said.append(sql)
                return list(cursor.execute(sql).fetchall())

            yield Warehouse(name="LOANS", schema=TYPES, dialect="snowflake", run=run), said


@pytest.mark.filterwarnings("ignore")  # fakesnow's and the connector's own
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.id)
def test_every_check_compiles_to_snowflakes_sql_and_gives_the_same_numbers(
    check: Check, snowflake: tuple[Warehouse, list[str]], expected: dict[str, list[tuple[object, ...]]]
) -> None:
    warehouse, said = snowflake
    subject = table_subject(warehouse, ROLES, "loans")
    del said[:]
    result = judged(check, subject)
    assert [numbers(one) for one in result.findings] == expected[check.id], result.summary
    assert said
    texts = [text for one in result.findings for text in sql_of(one.details)]
    assert texts, "the SQL text is part of the evidence"
    assert set(texts) <= set(said), "the text in the evidence is the text that was run"


@pytest.mark.filterwarnings("ignore")  # as above
def test_no_row_of_a_warehouse_travels_only_counts(snowflake: tuple[Warehouse, list[str]]) -> None:
    warehouse, said = snowflake
    counted: list[int] = []

    def run(sql: str) -> list[tuple[object, ...]]:
        rows = list(warehouse.run(sql))
        counted.append(len(rows))
        return rows

    subject = table_subject(replace(warehouse, run=run), ROLES, "loans")
    for check in (adverse_impact, significance, error_rates, conditional, intersections):
        judged(check, subject)
    assert max(counted) < 100, "2,000 rows were counted where they are"
    del said[:]
    judged(discrimination, subject)
    assert all("GROUP BY" in sql or "DISTINCT" in sql.upper() for sql in said if "COUNT" not in sql.upper().split("FROM")[0])


def sql_of(details: object) -> list[str]:
    """Every text under a key `sql`, however deep."""
    if not isinstance(details, dict):
        return []
    own = details.get("sql", ())
    return [*([own] if isinstance(own, str) else own), *(text for inner in details.values() for text in sql_of(inner))]


LARGE = {"fair.air": 300, "fair.sig": 300, "fair.errors": 60, "fair.conditional": 100, "fair.intersect": 100}
SUPPRESSING = (adverse_impact, significance, error_rates, conditional, intersections)


@pytest.mark.filterwarnings("ignore")  # as above
@pytest.mark.parametrize("check", SUPPRESSING, ids=lambda check: check.id)
def test_small_cells_are_left_out_by_the_query_itself(check: Check, snowflake: tuple[Warehouse, list[str]]) -> None:
    from jupyter_mlgov.validation.engine import validate
    from jupyter_mlgov.validation.plugins import Registry

    warehouse, _ = snowflake
    seen: list[tuple[object, ...]] = []

    def run(sql: str) -> list[tuple[object, ...]]:
        rows = list(warehouse.run(sql))
        seen.extend(rows)
        return rows

    subject = table_subject(replace(warehouse, run=run), ROLES, "loans")
    (result,) = validate(subject, (), Registry.of(check), parameters={check.id: {"min_cell": LARGE[check.id]}}).results
    cells = [row for row in seen if len(row) > 1]
    assert cells
    assert all(row[-1] >= LARGE[check.id] for row in cells if isinstance(row[-1], int))
    assert not result.verdict.opens
    assert re.search("Policy keeps them back|suppression of small cells", " ".join(one.message for one in result.findings))


# -- Drift ------------------------------------------------------------------------------------------------------------


DRIFTING = ["race", "repaid", "score"]


def moved() -> pa.Table:
    """The loans of another month: scores lower, one race more often."""
    found = loans(1500)
    scores = [None if one is None else one - 0.05 for one in found["score"].to_pylist()]
    race = ["black" if number % 7 == 0 else one for number, one in enumerate(found["race"].to_pylist())]
    return found.set_column(found.schema.get_field_index("score"), "score", pa.array(scores, "float64")).set_column(
        0, "race", pa.array(race)
    )


def drifts(subject: Subject) -> list[tuple[object, ...]]:
    """What monitor.drift says, with its numbers to eight digits: an engine adds up in an order of its own."""

    def rounded(value: object) -> object:
        if isinstance(value, float):
            return float(f"{value:.8g}")
        if isinstance(value, (list, tuple)):
            return [rounded(one) for one in value]
        return {name: rounded(one) for name, one in value.items() if name != "sql"} if isinstance(value, dict) else value

    found = judged(monitor_drift, subject).findings
    assert any(one.details.get("ks_exact") for one in found)
    return [(one.message, one.verdict, rounded(one.measured), rounded(one.details)) for one in found]


@pytest.fixture(scope="module")
def drifted(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[object, ...]]:
    """In memory, with the kernel."""
    path = tmp_path_factory.mktemp("drift") / "reference.parquet"
    pq.write_table(loans().select(DRIFTING), path)
    return drifts(table_subject(moved().select(DRIFTING), ROLES, "loans", reference=path))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # pyspark's own
def test_drift_in_spark_gives_the_kernels_numbers(spark: object, tmp_path: Path, drifted: list[tuple[object, ...]]) -> None:
    import ibis

    connection = ibis.pyspark.connect(spark)
    for name, content in (("months", moved()), ("built_on", loans())):
        pq.write_table(content, tmp_path / f"{name}.parquet")
        spark.read.parquet(str(tmp_path / f"{name}.parquet")).createOrReplaceTempView(name)  # type: ignore[attr-defined]  # a SparkSession
    sides = [connection.table(name).select(*DRIFTING) for name in ("months", "built_on")]
    assert drifts(table_subject(sides[0], ROLES, "loans", reference=sides[1])) == drifted


@pytest.mark.filterwarnings("ignore")  # fakesnow's and the connector's own
def test_drift_in_snowflakes_sql_gives_the_kernels_numbers_and_no_row_travels(
    snowflake: tuple[Warehouse, list[str]], drifted: list[tuple[object, ...]]
) -> None:
    warehouse, _ = snowflake
    counted: list[int] = []

    def run(sql: str) -> list[tuple[object, ...]]:
        rows = list(warehouse.run(sql))
        counted.append(len(rows))
        return rows

    here = replace(warehouse, run=run, schema={name: TYPES[name] for name in DRIFTING})
    subject = table_subject(replace(here, name="MONTHS"), ROLES, "loans", reference=here)
    assert subject.one_engine
    assert drifts(subject) == drifted
    assert max(counted) <= 110


@pytest.mark.filterwarnings("ignore")  # as above
def test_a_reference_in_another_engine_has_the_same_psi_and_says_that_ks_is_off_the_grid(
    snowflake: tuple[Warehouse, list[str]], tmp_path: Path
) -> None:
    warehouse, _ = snowflake
    pq.write_table(moved(), tmp_path / "reference.parquet")
    away = table_subject(warehouse, ROLES, "loans", reference=tmp_path / "reference.parquet")
    assert not away.one_engine
    here = table_subject(loans(), ROLES, "loans", reference=tmp_path / "reference.parquet")
    for one, other in zip(judged(monitor_drift, away).findings, judged(monitor_drift, here).findings, strict=True):
        assert one.measured == other.measured
        if other.details.get("ks") is not None:
            assert (one.details["ks_exact"], other.details["ks_exact"]) == (False, True)
            assert one.details["ks"] <= other.details["ks"] + 1e-12 <= one.details["ks_at_most"] + 1e-11  # type: ignore[operator]  # numbers


def test_spark_and_the_connector_start_nothing_at_import() -> None:
    import subprocess
    import sys

    code = (
        "import sys, mlgov_validators.fairness, mlgov_validators.performance;"
        "print({'pyspark', 'snowflake', 'duckdb', 'ibis'} & {*sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env={**os.environ})
    assert done.stdout.strip() == "set()"
