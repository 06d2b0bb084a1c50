"""What Prometheus scrapes and when it calls somebody: a ServiceMonitor and a PrometheusRule (prometheus-operator)."""

from __future__ import annotations

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
    """Silence is an alarm as well: a model whose metrics are gone is not healthy."""
    mine = f'namespace="{release.place.namespace}",service="{release.name}"'
    place = release.place
    failures = f"sum(rate(model_infer_request_failure_total{{{mine}}}[5m]))"
    share = f"{failures} / (sum(rate(model_infer_request_success_total{{{mine}}}[5m])) + {failures})"
    slow = f"histogram_quantile(0.99, sum by (le) (rate(request_predict_seconds_bucket{{{mine}}}[5m])))"
    alerts = [
        _alert(release, "Absent", f"absent(mlgov_ready{{{mine}}})", "2m", "critical", "No pod tells of itself."),
        _alert(release, "NotReady", f"min(mlgov_ready{{{mine}}}) == 0", "2m", "critical", "A pod may not get traffic."),
        _alert(release, "Killed", f"max(mlgov_killed{{{mine}}}) == 1", "0m", "critical", "The kill switch is thrown."),
        _alert(release, "Errors", f"{share} > {place.limit_errors:g}", "2m", "critical", "Too many answers failed."),
        _alert(release, "Slow", f"{slow} > {place.limit_seconds:g}", "5m", "warning", "The 99th percentile of latency is over its limit."),
        _alert(release, "BreakerOpen", f"max(mlgov_breaker_position{{{mine}}}) == 2", "0m", "critical", "The baseline answers instead."),
        _alert(release, "LogWaits", f"max(mlgov_predictions_waiting{{{mine}}}) > 100000", "5m", "warning", "Predictions are not written."),
    ]
    return {
        "apiVersion": API,
        "kind": "PrometheusRule",
        "metadata": metadata(release),
        "spec": {"groups": [{"name": release.name, "interval": "15s", "rules": alerts}]},
    }


def _alert(release: Release, name: str, expression: str, wait: str, severity: str, summary: str) -> Document:
    return {
        "alert": f"Mlgov{name}",
        "expr": expression,
        "for": wait,
        "labels": {"severity": severity, "model": release.name},
        "annotations": {"summary": summary, "runbook": "mlgov status, then mlgov rollback MODEL --reason WHY"},
    }
