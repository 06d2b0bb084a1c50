"""What Prometheus scrapes and when it calls somebody: a ServiceMonitor and a PrometheusRule (prometheus-operator)."""

from __future__ import annotations

from jupyter_mlgov.rollout.alerts import Scope, absent, serving
from jupyter_mlgov.rollout.manifests.pods import Document, labels, metadata
from jupyter_mlgov.rollout.manifests.release import Release

API = "monitoring.coreos.com/v1"


def documents(release: Release) -> dict[str, Document]:
    """By file name."""
    return {"servicemonitor": service_monitor(release), "prometheusrule": rules(release)}


def service_monitor(release: Release) -> Document:
    """Each pod of the service every 15 s; the hash of its template comes along, by which the guards tell canary from stable."""
    endpoint = {"port": "http", "path": "/metrics", "interval": "15s", "scrapeTimeout": "10s"}
    return {
        "apiVersion": API,
        "kind": "ServiceMonitor",
        "metadata": metadata(release),
        "spec": {
            "selector": {"matchLabels": labels(release)},
            "podTargetLabels": ["rollouts-pod-template-hash"],
            "endpoints": [endpoint],
            "sampleLimit": 2000,
        },
    }


def rules(release: Release) -> Document:
    """The alerts of rollout/alerts.py, for the pods of this release alone and under its limits."""
    place = release.place
    mine = f'namespace="{place.namespace}",service="{release.name}"'
    scope = Scope(matchers=mine, errors=place.limit_errors, seconds=place.limit_seconds)
    alerts = [one.rule(model=release.name) for one in (absent(scope), *serving(scope))]
    return {
        "apiVersion": API,
        "kind": "PrometheusRule",
        "metadata": metadata(release),
        "spec": {"groups": [{"name": release.name, "interval": "15s", "rules": alerts}]},
    }
