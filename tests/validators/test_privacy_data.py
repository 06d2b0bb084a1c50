"""priv.retention and priv.minimise: ages, erased people and columns nobody needs, counted where the data live."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from jupyter_mlgov.core.facts import plain
from jupyter_mlgov.sdk import Subject, Verdict
from jupyter_mlgov.validation.records import Records
from mlgov_validators.minimise import minimisation
from mlgov_validators.retention import person, retention

from .conftest import Make, judged
from .told import verdict

NOW = datetime(2026, 11, 23, tzinfo=UTC)


def aged(table: Make, rules: dict[str, object], days: list[object] | None = None, **roles: Any) -> Subject:
    """Three rows of people 1, 2, 3; their dates are 10, 100 and 1,000 days old unless said otherwise."""
    ages = [NOW.replace(tzinfo=None) - timedelta(days=age) for age in (10, 100, 1000)] if days is None else days
    given = table({"person": [1, 2, 3], "day": ages}, **{"time": "day", "key": "person", **roles})
    return replace(given, register={"retention": rules}, records=Records(now=NOW, model="m"))


def ages(subject: Subject) -> tuple[Verdict, str]:
    first = judged(retention, subject).findings[0]
    return first.verdict, first.message


@pytest.mark.parametrize(("days", "expired"), [(1000, 0), (999, 1), (100, 1), (99, 2), (9, 3), (0.5, 3)])
def test_rows_past_their_limit_are_counted_to_the_day(table: Make, days: float, expired: int) -> None:
    """A row exactly as old as the limit is not past it."""
    found, said = ages(aged(table, {"days": days}))
    assert found is (Verdict.FAIL if expired else Verdict.PASS)
    assert said == f"{expired} of 3 rows are past their limit ({days:g} days)."


def test_dates_as_text_count_and_what_is_no_date_is_said(table: Make) -> None:
    findings = judged(retention, aged(table, {"days": 30}, ["2026-11-20", "2020-01-01", "soon"])).findings
    assert findings[0].message == "1 of 3 rows have no time in day, so their age is not known."
    assert findings[1].message == "1 of 2 rows are past their limit (30 days)."
    assert ages(aged(table, {"days": 30}, ["a", "b", None]))[0] is Verdict.INCONCLUSIVE


@pytest.mark.parametrize(
    ("rules", "roles"),
    [({}, {}), ({"days": 0}, {}), ({"days": True}, {}), ({"days": "many"}, {}), ({"days": 9}, {"time": ""}), ({"days": 9}, {"time": "x"})],
)
def test_no_limit_or_no_time_is_never_clean(table: Make, rules: dict[str, object], roles: dict[str, str]) -> None:
    result = judged(retention, aged(table, {"erased": [], **rules}, **roles))
    assert result.verdict is Verdict.INCONCLUSIVE


def test_without_a_clock_or_rules_nothing_is_known(table: Make) -> None:
    assert judged(retention, replace(aged(table, {"days": 1}), records=None)).verdict is Verdict.INCONCLUSIVE
    assert verdict(retention, replace(aged(table, {}), register={})) is None


def erased(subject: Subject) -> tuple[Verdict, str]:
    last = judged(retention, subject).findings[-1]
    return last.verdict, last.message


def test_erased_people_are_found_by_salted_hash_alone(table: Make) -> None:
    gone = [person("pepper", 2), person("pepper", 77)]
    subject = aged(table, {"days": 9999, "salt": "pepper", "erased": gone})
    assert erased(subject) == (Verdict.FAIL, "1 of 3 rows are of 1 people who were erased (2 stand in the register).")
    assert gone[0] not in str(plain(judged(retention, subject)))
    other = aged(table, {"days": 9999, "salt": "salt", "erased": gone})
    assert erased(other)[0] is Verdict.PASS


def test_a_decision_about_a_live_model_makes_it_a_warning(table: Make) -> None:
    rules = {"days": 9999, "salt": "p", "erased": [person("p", 2)], "live_decision": "DPO 2026-11-02"}
    assert erased(aged(table, rules))[0] is Verdict.WARN


def test_the_register_can_be_a_file(table: Make, tmp_path: Path) -> None:
    (tmp_path / "erased.txt").write_text(f"{person('p', 1)}\n\n{person('p', 3).upper()}\n", "utf-8")
    subject = replace(aged(table, {"days": 9999, "salt": "p", "register": "erased.txt"}), folder=tmp_path)
    assert erased(subject)[1].startswith("2 of 3 rows are of 2 people")


@pytest.mark.parametrize("content", [b"abc\n", b"\xff\xfe", None])
def test_a_register_that_cannot_be_read_is_not_an_empty_one(table: Make, tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "erased.txt").write_bytes(content)
    subject = replace(aged(table, {"days": 9999, "salt": "p", "register": "erased.txt"}), folder=tmp_path)
    assert judged(retention, subject).verdict is Verdict.INCONCLUSIVE


@pytest.mark.parametrize(
    ("rules", "verdict"), [({}, Verdict.INCONCLUSIVE), ({"erased": []}, Verdict.PASS), ({"erased": [person("p", 2)]}, Verdict.INCONCLUSIVE)]
)
def test_no_register_is_said_an_empty_one_passes_one_without_salt_does_not(table: Make, rules: dict[str, object], verdict: Verdict) -> None:
    assert erased(aged(table, {"days": 9999, **rules}))[0] is verdict


def test_what_was_learned_from_is_looked_at_before_what_was_scored(table: Make, tmp_path: Path) -> None:
    pq.write_table(pa.table({"person": [9], "day": [NOW.replace(tzinfo=None) - timedelta(days=5000)]}), tmp_path / "train.parquet")
    subject = replace(aged(table, {"days": 2000}), split_paths={"train": tmp_path / "train.parquet"})
    assert ages(subject) == (Verdict.FAIL, "1 of 1 rows are past their limit (2000 days).")


# -- minimisation -----------------------------------------------------------------------------------------------------


def people(rows: int = 600) -> dict[str, Any]:
    random = np.random.default_rng(7)
    income, phone = random.normal(size=rows), random.normal(size=rows)
    good = (income + random.normal(size=rows) > 0).astype(int)
    return {"income": income, "phone": phone, "good": good, "city": [f"c{number % 40}" for number in range(rows)]}


def test_a_personal_feature_without_gain_is_a_warning_and_one_with_gain_is_not(table: Make) -> None:
    subject = table(people(), features=("income", "phone"), label="good", declared_personal=("income",))
    told = {one.where: one for one in judged(minimisation, subject).findings if one.where}
    assert told["phone"].verdict is Verdict.WARN
    assert "no need is shown" in told["phone"].message
    assert told["income"].verdict is Verdict.PASS
    assert told["income"].measured is not None
    assert told["income"].measured > 0.1
    assert "1 were used without measurable gain" in judged(minimisation, subject).findings[-1].message


def test_a_personal_column_that_is_never_used_fails_and_is_named(table: Make) -> None:
    columns = {**people(), "email": ["a@b.org"] * 600}
    result = judged(minimisation, table(columns, features=("income",), label="good"))
    assert result.verdict is Verdict.FAIL
    assert result.summary == "2 personal columns were loaded and never used: phone, email."


def test_the_order_of_rows_does_not_change_the_answer(table: Make) -> None:
    columns = people(300)
    turned = {name: list(values)[::-1] for name, values in columns.items()}
    roles: dict[str, Any] = {"features": ("income", "phone"), "label": "good"}
    assert judged(minimisation, table(columns, **roles)).findings == judged(minimisation, table(turned, **roles)).findings


def test_time_that_is_over_is_said_and_is_no_pass(table: Make) -> None:
    subject = table(people(), features=("income", "phone"), label="good")
    from jupyter_mlgov.validation.engine import validate
    from jupyter_mlgov.validation.plugins import Registry

    result = validate(replace(subject), (), Registry.of(replace(minimisation, defaults={"seconds": 0.0, "k": 5}))).results[0]
    assert result.verdict is Verdict.INCONCLUSIVE
    assert "before phone was measured" in result.summary


@pytest.mark.parametrize("good", [[1] * 60, [0, 1, 2] * 20, [1] * 58 + [0] * 2])
def test_a_label_that_gives_no_auc_is_inconclusive(table: Make, good: list[int]) -> None:
    columns = {"phone": list(range(60)), "good": good}
    assert judged(minimisation, table(columns, features=("phone",), label="good")).verdict is Verdict.INCONCLUSIVE


def test_the_smallest_group_of_what_tells_people_apart(table: Make) -> None:
    subject = table(people(), features=("income",), label="good", declared_personal=("phone",))
    subject = replace(subject, register={"personal": {"quasi": ["city"]}})
    assert "The smallest of 40 groups by city has 15 rows; 0 have fewer than 5." in [
        one.message for one in judged(minimisation, subject).findings
    ]
    absent = replace(subject, register={"personal": {"quasi": ["nowhere"]}})
    assert any(one.verdict is Verdict.INCONCLUSIVE for one in judged(minimisation, absent).findings)
