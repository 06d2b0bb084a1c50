"""The door to Feast: which feature views, in which version, a training set was made of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from types import ModuleType
from typing import Any

from jupyter_mlgov.core.clock import stamp
from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.lineage.facts import SourceRef
from jupyter_mlgov.lineage.fingerprint import fingerprint
from jupyter_mlgov.lineage.sources import note, watch

MODULES = ("feast.feature_store",)


def observe(module: ModuleType) -> None:
    """Watch `get_historical_features` and `get_online_features`. Asking twice changes nothing."""
    store = getattr(module, "FeatureStore", None)
    if isinstance(store, type):
        watch(store, "get_historical_features", _after_historical)
        watch(store, "get_online_features", _after_online)


def _after_historical(args: tuple[Any, ...], more: Mapping[str, Any], job: Any) -> None:
    store, entities = args[0], args[1] if len(args) > 1 else more.get("entity_df")
    features = args[2] if len(args) > 2 else more.get("features", [])
    # Taken now: the frame is the caller's, who may change it before the cell ends.
    root = _entities(entities)
    note(f"feast {id(job)}", lambda: historical(store, features, job, root))


def _after_online(args: tuple[Any, ...], more: Mapping[str, Any], answer: Any) -> None:
    store, features = args[0], args[1] if len(args) > 1 else more.get("features", [])
    note(f"feast online {id(answer)}", lambda: _reference(store, features, {"retrieval": "online"}))


def historical(store: Any, features: Any, job: Any, entities: str) -> SourceRef:
    """The reference of one `get_historical_features`: views with versions, the entity frame's digest, the time range of its rows."""
    facts: dict[str, str | int | float | bool] = {"retrieval": "historical", "entities": entities}
    metadata = getattr(job, "metadata", None)
    for name in ("min_event_timestamp", "max_event_timestamp"):
        moment = getattr(metadata, name, None)
        if isinstance(moment, datetime):
            facts[name] = stamp(moment) if moment.tzinfo else moment.isoformat()
    if metadata is not None:
        facts["keys"] = ", ".join(sorted(metadata.keys))
    return _reference(store, features, facts)


def _entities(frame: object) -> str:
    """Our fingerprint of an entity frame; for SQL the text's digest; `none` for retrieval by dates alone."""
    if isinstance(frame, str):
        return f"sql {Digest.of_text(frame)}"
    found = fingerprint(frame) if frame is not None else None
    return found.root if found else "none" if frame is None else "unknown"


def _reference(store: Any, features: Any, facts: dict[str, str | int | float | bool]) -> SourceRef:
    service = "" if isinstance(features, (list, tuple)) else str(features.name)
    wanted = sorted(_named(features))
    views = {name: _view(store, name) for name in sorted({item.partition(":")[0] for item in wanted})}
    facts |= {"project": str(store.project), "features": ", ".join(wanted)}
    facts |= {f"view.{name}": text for name, (text, _) in views.items()}
    if service:
        facts["service"] = service
    spec = {"features": wanted, "views": {name: digest for name, (_, digest) in views.items()}}
    version = ", ".join(f"{name}@{text}" for name, (text, _) in views.items())
    return SourceRef(
        system="feast",
        name=service or ", ".join(views),
        version=version,
        digest=Digest.of_json({"method": "mlgov-feast-1", **spec}),
        facts=facts,
    )


def _named(features: Any) -> Iterable[str]:
    """`view:feature` for each, whether asked for by name or through a feature service."""
    if isinstance(features, (list, tuple)):
        return (str(item) for item in features)
    return (
        f"{projection.name_to_use()}:{feature.name}" for projection in features.feature_view_projections for feature in projection.features
    )


def _view(store: Any, name: str) -> tuple[str, str]:
    """(version as Feast numbers it, digest of its specification). A view that changes its schema gets another digest, numbered or not."""
    view = store.registry.get_any_feature_view(name.partition("@")[0], store.project)
    number = getattr(view, "current_version_number", None)
    spec = view.to_proto().spec.SerializeToString(deterministic=True)
    digest = Digest.of_bytes(spec)
    return (str(number) if number is not None else digest.short), digest
