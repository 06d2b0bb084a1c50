"""Online and offline features of a real Feast, SQLite and Redis: equal, planted differences, missing keys, staleness, a silent store."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from feast import Entity, FeatureView, Field, FileSource, ValueType
from feast.types import Float64

from jupyter_mlgov.core.errors import BadInput, SystemUnreachable
from jupyter_mlgov.core.verdicts import Verdict
from jupyter_mlgov.integrations.feast.agreement import agreement
from jupyter_mlgov.workspace.feature_watch import Wanted, judged

from .conftest import NOW

KEYS = 60
WANTED = Wanted(features=("money:income",))


@pytest.fixture
def filled(store: Any, tmp_path: Path) -> Any:
    """Sixty customers, two of whom have no income, materialised online an hour ago."""
    income = [float("nan") if key in (3, 4) else 100.0 * key for key in range(1, KEYS + 1)]
    frame = pd.DataFrame({"customer": range(1, KEYS + 1), "event_timestamp": pd.to_datetime([NOW - timedelta(hours=2)] * KEYS, utc=True)})
    frame.assign(income=income).to_parquet(tmp_path / "income.parquet")
    customer = Entity(name="customer", join_keys=["customer"], value_type=ValueType.INT64)
    source = FileSource(path=str(tmp_path / "income.parquet"), timestamp_field="event_timestamp")
    fields = [Field(name="income", dtype=Float64)]
    store.apply([customer, FeatureView(name="money", entities=[customer], ttl=timedelta(days=30), schema=fields, source=source)])
    store.materialize(start_date=NOW - timedelta(days=3), end_date=NOW - timedelta(hours=1))
    return store


def changed(tmp_path: Path, change: Any) -> None:
    """The offline source after it was materialised: what came late, or was mended, and never reached the online store."""
    frame = pd.read_parquet(tmp_path / "income.parquet")
    change(frame).to_parquet(tmp_path / "income.parquet")


def seen(tmp_path: Path, now: datetime = NOW, **more: Any) -> Any:
    return judged(agreement(tmp_path, WANTED.features, now, **more), WANTED)


def test_what_was_materialised_agrees_and_is_fresh(filled: Any, tmp_path: Path) -> None:
    found = agreement(tmp_path, WANTED.features, NOW)
    (income,) = found.features
    assert (income.keys, income.equal, income.both_missing, income.wrong) == (KEYS, KEYS - 2, 2, 0)
    (view,) = found.fresh
    assert view.online == NOW - timedelta(hours=1)
    assert judged(found, WANTED).verdict is Verdict.PASS


def test_planted_differences_are_counted_and_shown(filled: Any, tmp_path: Path) -> None:
    changed(tmp_path, lambda frame: frame.assign(income=np.where(frame.customer <= 12, frame.income + 5, frame.income)))
    told = seen(tmp_path)
    assert told.verdict is Verdict.FAIL
    assert any("10 differ" in line and "online," in line for _, line in told.lines), told.lines


def test_a_difference_within_the_tolerance_is_none(filled: Any, tmp_path: Path) -> None:
    changed(tmp_path, lambda frame: frame.assign(income=frame.income * (1 + 1e-9)))
    assert seen(tmp_path).verdict is Verdict.PASS


def test_keys_that_never_came_online_are_missing_and_no_zero(filled: Any, tmp_path: Path) -> None:
    late = pd.DataFrame(
        {"customer": range(101, 111), "event_timestamp": pd.to_datetime([NOW - timedelta(minutes=30)] * 10, utc=True), "income": [7.0] * 10}
    )
    changed(tmp_path, lambda frame: pd.concat([frame, late]))
    told = seen(tmp_path)
    assert told.verdict is Verdict.FAIL
    assert any("10 are missing online" in line for _, line in told.lines), told.lines


def test_stale_values_are_found_with_their_age(filled: Any, tmp_path: Path) -> None:
    told = seen(tmp_path, NOW + timedelta(days=2))
    assert (Verdict.FAIL, "money: online values are up to 49.0 hours old; 24 are allowed.") in told.lines


def test_a_sample_is_the_same_each_time_and_says_its_size(filled: Any, tmp_path: Path) -> None:
    first, second = (agreement(tmp_path, WANTED.features, NOW, most=30) for _ in range(2))
    assert first == second
    assert (first.keys, first.known) == (30, KEYS)


def test_too_few_keys_are_no_verdict(filled: Any, tmp_path: Path) -> None:
    assert judged(agreement(tmp_path, WANTED.features, NOW, most=5), WANTED).verdict is Verdict.INCONCLUSIVE


@pytest.mark.parametrize(("name", "said"), [("nothing:income", "no such view"), ("money:wage", "no feature money:wage")])
def test_an_unknown_view_or_feature_is_a_sentence(filled: Any, tmp_path: Path, name: str, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        agreement(tmp_path, (name,), NOW)


def test_a_folder_that_is_no_repository_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no Feast repository"):
        agreement(tmp_path / "none", WANTED.features, NOW)


@pytest.mark.parametrize("store", ["redis"], indirect=True)
def test_a_redis_that_is_gone_is_no_agreement(filled: Any, tmp_path: Path) -> None:
    text = (tmp_path / "feature_store.yaml").read_text("utf-8")
    place = text.partition("connection_string: ")[2].splitlines()[0]
    (tmp_path / "feature_store.yaml").write_text(text.replace(place, "127.0.0.1:1"), "utf-8")
    with pytest.raises(SystemUnreachable, match="online store did not answer"):
        agreement(tmp_path, WANTED.features, NOW)


def test_a_finding_goes_its_way(filled: Any, tmp_path: Path) -> None:
    """Over a real workspace: the alarm and the shut gate of the model that reads them."""
    from jupyter_mlgov.testing import FixedClock
    from jupyter_mlgov.workspace.feature_watch import watch_features
    from tests.workspace.watched import against, alarms, house

    (tmp_path / "house").mkdir()
    made = house(tmp_path / "house")
    clock = made.clock
    assert isinstance(clock, FixedClock)
    clock.advance(NOW - clock.now())
    assert watch_features(made, tmp_path, WANTED, model="credit").verdict is Verdict.PASS
    assert against(made) == ()
    changed(tmp_path, lambda frame: frame.assign(income=frame.income + 5))
    assert watch_features(made, tmp_path, WANTED, model="credit").verdict is Verdict.FAIL
    (said,) = against(made)
    assert said.startswith("features: money:income")
    assert [alarm["kind"] for alarm in alarms(made)] == ["monitor features"]
