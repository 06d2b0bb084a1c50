"""Feast's online store held against its offline store: the same keys, the same features, at one moment; and how fresh each view is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from jupyter_mlgov.core.errors import BadInput, NotReady, SystemUnreachable
from jupyter_mlgov.monitoring.features import Compared, Fresh, compared

MOST_KEYS = 1000
INSTALL = 'pip install "jupyter-mlgov[feast]"'


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """What was compared of each feature and how fresh each view is; `keys` of `known` keys were sampled."""

    features: tuple[Compared, ...]
    fresh: tuple[Fresh, ...]
    keys: int
    known: int


def agreement(
    repo: Path,
    features: Sequence[str],
    now: datetime,
    *,
    tolerance: float = 1e-6,
    hours: float = 24.0,
    most: int = MOST_KEYS,
    seed: int = 0,
) -> Agreement:
    """Compare `view:feature` names for up to `most` keys of the offline sources, drawn with `seed`; the offline values are those at `now`.

    Raises NotReady without the extra, BadInput for a repository or feature that is not there, SystemUnreachable for a store that is silent.
    """
    try:
        from feast import FeatureStore
        from feast.errors import FeastObjectNotFoundException
    except ImportError:
        raise NotReady("Feast is not installed.", next=f"`{INSTALL}` (it asks for pandas < 3: use an environment of its own).") from None
    if not (repo / "feature_store.yaml").is_file():
        raise BadInput(f"{repo} is no Feast repository.", expected="Expected a folder with feature_store.yaml.")
    if not features:
        raise BadInput("No feature was named.", expected="Expected names as `view:feature`.")
    store = FeatureStore(repo_path=str(repo))
    try:
        views = {name: store.get_feature_view(name) for name in sorted({one.partition(":")[0] for one in features})}
        lacking = [one for one in features if one.partition(":")[2] not in {field.name for field in views[one.partition(":")[0]].features}]
    except FeastObjectNotFoundException as error:
        raise BadInput(f"Feast knows no such view: {error}.", next="See `feast feature-views list`.") from None
    if lacking:
        raise BadInput(f"Feast knows no feature {lacking[0]}.", next="See `feast feature-views describe`.")
    try:
        entities, known = _entities(store, views, now, most, seed)
        rows = _both(store, list(features), entities)
    except (ConnectionError, TimeoutError, OSError) as error:
        raise SystemUnreachable(f"The feature store did not answer: {type(error).__name__}.", next="See that it runs.") from None
    except Exception as error:
        if type(error).__module__.startswith("redis"):
            raise SystemUnreachable(f"The online store did not answer: {type(error).__name__}.", next="See that it runs.") from None
        raise
    told = tuple(compared(name, *rows[name], tolerance=tolerance) for name in features)
    allowed = timedelta(hours=hours)
    fresh = tuple(_fresh(store, view, now, allowed) for view in views.values())
    return Agreement(features=told, fresh=fresh, keys=len(entities), known=known)


def _entities(store: Any, views: dict[str, Any], now: datetime, most: int, seed: int) -> tuple[Any, int]:
    """(an entity frame of sampled keys at `now`, how many keys there are)."""
    import pandas as pd

    frames = []
    for view in views.values():
        source = view.batch_source
        keys = list(view.join_keys)
        columns = [source.timestamp_field]
        job = store._get_provider().offline_store.pull_latest_from_table_or_query(  # noqa: SLF001  # as materialize() reads it
            config=store.config,
            data_source=source,
            join_key_columns=keys,
            feature_name_columns=[],
            timestamp_field=columns[0],
            created_timestamp_column=source.created_timestamp_column or None,
            start_date=datetime(1970, 1, 1, tzinfo=UTC),
            end_date=now,
        )
        frames.append(job.to_df()[keys])
    whole = frames[0]
    for frame in frames[1:]:
        shared = [name for name in whole.columns if name in frame.columns]
        whole = whole.merge(frame, how="outer", on=shared) if shared else whole.merge(frame, how="cross")
    whole = whole.drop_duplicates().dropna().reset_index(drop=True)
    if whole.empty:
        raise BadInput("The offline sources have no key up to now, so nothing can be compared.")
    sample = whole.sample(n=min(most, len(whole)), random_state=seed).sort_values(list(whole.columns)).reset_index(drop=True)
    return sample.assign(event_timestamp=pd.Timestamp(now)), len(whole)


def _both(store: Any, features: list[str], entities: Any) -> dict[str, tuple[dict[str, object], dict[str, object]]]:
    """feature -> (online by key, offline by key); a key is its values as text."""
    keys = [name for name in entities.columns if name != "event_timestamp"]
    online = store.get_online_features(features=features, entity_rows=entities[keys].to_dict("records")).to_dict()
    offline = store.get_historical_features(entity_df=entities, features=features).to_df()
    names = [str(tuple(row)) for row in offline[keys].itertuples(index=False)]
    online_names = [str(tuple(row)) for row in zip(*(online[name] for name in keys), strict=True)]
    found = {}
    for feature in features:
        column = feature.partition(":")[2]
        found[feature] = (
            dict(zip(online_names, online[column], strict=True)),
            dict(zip(names, [_plain(value) for value in offline[column].tolist()], strict=True)),
        )
    return found


def _plain(value: object) -> object:
    import pandas as pd

    return None if value is pd.NA or value is pd.NaT else value


def _fresh(store: Any, view: Any, now: datetime, allowed: timedelta) -> Fresh:
    """The end of the last materialisation, and the newest event of the offline source up to `now`."""
    ends = [end for _, end in view.materialization_intervals]
    source = view.batch_source
    job = store._get_provider().offline_store.pull_all_from_table_or_query(  # noqa: SLF001  # Feast has no public way to a source's rows
        config=store.config,
        data_source=source,
        join_key_columns=list(view.join_keys),
        feature_name_columns=[],
        timestamp_field=source.timestamp_field,
        start_date=datetime(1970, 1, 1, tzinfo=UTC),
        end_date=now,
    )
    times = job.to_df()[source.timestamp_field]
    newest = times.max().to_pydatetime() if len(times) else None
    return Fresh(view=view.name, online=_utc(max(ends, default=None)), offline=_utc(newest), now=now, allowed=allowed)


def _utc(value: datetime | None) -> datetime | None:
    return None if value is None else value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
