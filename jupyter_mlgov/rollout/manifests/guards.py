"""What watches a canary without labels: queries to Prometheus that no missing series and no NaN can turn green.

Names of the metrics are those of `mlgov serve`. An empty answer or NaN meets neither condition: Argo calls that inconclusive and pauses.
"""

from __future__ import annotations

from jupyter_mlgov.rollout.manifests.pods import Document, metadata
from jupyter_mlgov.rollout.manifests.release import Release

_MINUTES = "5m"


def guards(release: Release) -> Document:
    """An AnalysisTemplate with the share of failed answers, the share that a fallback gave, and the 99th percentile of latency."""
    place = release.place
    pods = f'rollouts_pod_template_hash="{{{{args.hash}}}}",namespace="{place.namespace}"'

    def rate(counter: str, more: str = "") -> str:
        return f"sum(rate({counter}{{{pods}{more}}}[{_MINUTES}]))"

    answered = rate("model_infer_request_success_total")
    # A counter that never moved has no series: `or answered * 0` makes it 0, and only where answers came at all.
    failures = f"({rate('model_infer_request_failure_total')} or {answered} * 0)"
    failed = f"{failures} / ({answered} + {failures})"
    by_baseline = rate("model_infer_request_success_total", ',arm="baseline"')
    fallen = f"({by_baseline} or {answered} * 0) / {answered}"
    slow = f"histogram_quantile(0.99, sum by (le) (rate(request_predict_seconds_bucket{{{pods}}}[{_MINUTES}])))"
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "AnalysisTemplate",
        "metadata": metadata(release, f"{release.name}-guards"),
        "spec": {
            "args": [{"name": "hash"}],
            "metrics": [
                _metric(release, "failed-answers", failed, place.limit_errors),
                _metric(release, "fallback-answers", fallen, place.limit_errors),
                _metric(release, "latency-p99-seconds", slow, place.limit_seconds),
            ],
        },
    }


def _metric(release: Release, name: str, query: str, limit: float) -> Document:
    known = "len(result) > 0 && !isNaN(result[0])"
    return {
        "name": name,
        "initialDelay": "300s",
        "interval": "60s",
        "successCondition": f"{known} && result[0] <= {limit:g}",
        "failureCondition": f"{known} && result[0] > {limit:g}",
        "failureLimit": 2,
        "inconclusiveLimit": 10,
        "consecutiveErrorLimit": 5,
        "provider": {"prometheus": {"address": release.place.prometheus, "query": query}},
    }
