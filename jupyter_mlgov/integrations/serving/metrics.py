"""What Prometheus scrapes: KServe's and MLServer's names where they have one, ours for what only we know."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jupyter_mlgov.rollout.serving.breaker import Position
from jupyter_mlgov.rollout.serving.service import Service

_BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
_POSITIONS = {Position.CLOSED: 0, Position.HALF_OPEN: 1, Position.OPEN: 2}


class PrometheusMeter:
    """The Meter port of one model, and the page of all of them."""

    def __init__(self, shared: Any, model: str) -> None:
        self._shared, self._model = shared, model
        self._known: dict[tuple[str, str, bool], tuple[Any, Any, Any]] = {}

    def answered(self, arm: str, version: str, seconds: float, rows: int, *, cached: bool) -> None:
        """One answer of one arm."""
        key = (arm, version, cached)
        found = self._known.get(key)
        if found is None:
            labels = {"model_name": self._model, "version": version, "arm": arm}
            found = (
                self._shared.success.labels(**labels),
                self._shared.seconds.labels(model_name=self._model, arm=arm, cached=str(cached).lower()),
                self._shared.rows.labels(**labels),
            )
            self._known[key] = found
        found[0].inc()
        found[1].observe(seconds)
        found[2].inc(rows)

    def failed(self, arm: str, version: str, kind: str) -> None:
        """One failure of a model: what it raised, or `InvalidOutput`, `TimeoutError`, `Busy`."""
        self._shared.failure.labels(model_name=self._model, version=version, arm=arm, kind=kind[:60]).inc()


class Metrics:
    """The families of one process; a replica is one process, and Prometheus adds replicas up."""

    def __init__(self) -> None:
        from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

        self.registry = CollectorRegistry()
        three = ["model_name", "version", "arm"]
        where: Any = {"registry": self.registry}
        self.success = Counter("model_infer_request_success", "Answers given.", three, **where)
        self.failure = Counter("model_infer_request_failure", "Answers that a model failed to give.", [*three, "kind"], **where)
        self.seconds = Histogram(
            "request_predict_seconds", "From the decoded request to the answer.", ["model_name", "arm", "cached"], buckets=_BUCKETS, **where
        )
        self.explain = Histogram("request_explain_seconds", "The same for /explain.", ["model_name"], buckets=_BUCKETS, **where)
        self.rows = Counter("mlgov_scored_rows", "Rows scored.", three, **where)
        self.refused = Counter("mlgov_requests_refused", "Requests answered with a 4xx or 503.", ["model_name", "status"], **where)
        self.breaker = Gauge("mlgov_breaker_position", "0 closed, 1 half-open, 2 open.", ["model_name"], **where)
        self.waiting = Gauge("mlgov_predictions_waiting", "Predictions that are not written yet.", ["model_name"], **where)
        self.ready = Gauge("mlgov_ready", "1 where this replica may get traffic.", ["model_name"], **where)
        self.killed = Gauge("mlgov_killed", "1 where the kill switch is thrown.", ["model_name"], **where)
        self.share = Gauge("mlgov_canary_share", "Percent of entities that the challenger answers.", ["model_name"], **where)
        self.version = Gauge("mlgov_model_version", "1 for the version that answers.", ["model_name", "version", "fingerprint"], **where)

    def meter(self, model: str) -> PrometheusMeter:
        """The Meter port of one model."""
        return PrometheusMeter(self, model)

    def page(self, services: Mapping[str, Service]) -> tuple[bytes, str]:
        """(the page, its content type). What stands is looked up now."""
        from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

        for name, service in services.items():
            lineup = service.lineup
            self.breaker.labels(name).set(_POSITIONS[service.breaker.position])
            self.waiting.labels(name).set(service.log.waiting if service.log else 0)
            self.ready.labels(name).set(0 if service.unready() else 1)
            self.killed.labels(name).set(1 if lineup.killed else 0)
            self.share.labels(name).set(lineup.share)
            self.version.clear()
            if lineup.champion is not None:
                self.version.labels(name, lineup.champion.vouched.version, lineup.champion.vouched.fingerprint).set(1)
        return generate_latest(self.registry), CONTENT_TYPE_LATEST
