"""Feast for real: which views, in which version, for which entities and times a training set was made."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from feast import Entity, FeatureService, FeatureView, Field, FileSource, ValueType
from feast.types import Float32, Float64

from jupyter_mlgov.integrations import feast as door
from jupyter_mlgov.lineage.facts import SourceRef
from jupyter_mlgov.lineage.fingerprint import fingerprint
from jupyter_mlgov.lineage.native import observe
from jupyter_mlgov.lineage.sources import Sources, collect

from .conftest import NOW

ENTITIES = pd.DataFrame({"customer": [1, 2], "event_timestamp": pd.to_datetime([NOW, NOW - timedelta(days=1)], utc=True)})


def view(tmp_path: Path, kind: Any = Float64) -> FeatureView:
    customer = Entity(name="customer", join_keys=["customer"], value_type=ValueType.INT64)
    source = FileSource(path=str(tmp_path / "income.parquet"), timestamp_field="event_timestamp")
    return FeatureView(name="money", entities=[customer], ttl=timedelta(days=30), schema=[Field(name="income", dtype=kind)], source=source)


@pytest.fixture
def applied(store: Any, tmp_path: Path) -> Iterator[Any]:
    for module in door.MODULES:
        observe(module, door.observe)
    made = view(tmp_path)
    customer = Entity(name="customer", join_keys=["customer"], value_type=ValueType.INT64)
    store.apply([customer, made, FeatureService(name="scoring", features=[made])])
    yield store
    collect(None)


def read(act: Any) -> SourceRef:
    sources = Sources()
    collect(sources)
    act()
    collect(None)
    (ref,), _ = sources.refs()
    assert sources.problems == []
    return ref


def test_a_training_set_names_views_versions_entities_and_times(applied: Any) -> None:
    ref = read(lambda: applied.get_historical_features(entity_df=ENTITIES, features=["money:income"]))
    wanted = fingerprint(ENTITIES)
    assert wanted is not None
    assert (ref.system, ref.name) == ("feast", "money")
    assert ref.facts["entities"] == wanted.root
    assert ref.facts["features"] == "money:income"
    assert ref.facts["project"] == "risk"
    assert str(ref.facts["min_event_timestamp"]).startswith("2026-11-19")
    assert str(ref.facts["max_event_timestamp"]).startswith("2026-11-20")
    assert ref.version.startswith("money@")


def test_other_entities_are_another_fact_and_the_same_views_the_same_digest(applied: Any) -> None:
    first = read(lambda: applied.get_historical_features(ENTITIES, ["money:income"]))
    second = read(lambda: applied.get_historical_features(ENTITIES.head(1), ["money:income"]))
    assert first.digest == second.digest
    assert first.facts["entities"] != second.facts["entities"]


def test_a_view_whose_schema_changed_is_another_version(applied: Any, tmp_path: Path) -> None:
    before = read(lambda: applied.get_historical_features(ENTITIES, ["money:income"]))
    applied.apply([view(tmp_path, Float32)])
    after = read(lambda: applied.get_historical_features(ENTITIES, ["money:income"]))
    assert before.digest != after.digest
    assert before.version != after.version


def test_a_service_is_named_and_the_frame_may_change_afterwards(applied: Any) -> None:
    frame = ENTITIES.copy()
    wanted = fingerprint(frame)

    def act() -> None:
        applied.get_historical_features(frame, applied.get_feature_service("scoring"))
        frame.loc[0, "customer"] = 3

    ref = read(act)
    assert ref.name == ref.facts["service"] == "scoring"
    assert ref.facts["features"] == "money:income"
    assert wanted is not None
    assert ref.facts["entities"] == wanted.root


def test_online_features_come_from_the_online_store_and_are_noted(applied: Any) -> None:
    """SQLite and a real Redis give what was materialised."""
    applied.materialize(NOW - timedelta(days=10), NOW)
    found: dict[str, Any] = {}

    def act() -> None:
        found.update(applied.get_online_features(features=["money:income"], entity_rows=[{"customer": 2}]).to_dict())

    ref = read(act)
    assert found["income"] == [20.0]
    assert ref.facts["retrieval"] == "online"
