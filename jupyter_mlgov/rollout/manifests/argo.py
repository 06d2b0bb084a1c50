"""Argo Rollouts over Istio: the canary's steps, the analyses that stop it, and the routes that carry it.

Semantics (argo-rollouts documentation, "Canary", "Istio", "Analysis & Progressive Delivery"): a failed analysis aborts, an inconclusive
one pauses until a person decides, and an aborted rollout sends all traffic to the stable version at once.
"""

from __future__ import annotations

from jupyter_mlgov.rollout.manifests.guards import guards
from jupyter_mlgov.rollout.manifests.looking import look, look_policy
from jupyter_mlgov.rollout.manifests.pods import Document, labels, metadata, pod_spec
from jupyter_mlgov.rollout.manifests.release import BUCKETS, Release

API = "argoproj.io/v1alpha1"
ISTIO = "networking.istio.io/v1"
ROUTE = "model"
STICKY, SHADOW = "mlgov-canary", "mlgov-shadow"
_HASH = "rollouts-pod-template-hash"


def documents(release: Release) -> dict[str, Document]:
    """Rollout, analyses, virtual service and destination rule, by file name."""
    return {
        "rollout": rollout(release),
        "analysis-guards": guards(release),
        **({"analysis-look": look(release)} if release.place.look else {}),
        **({"networkpolicy-look": look_policy(release)} if release.place.look == "job" else {}),
        "virtualservice": virtual_service(release),
        "destinationrule": destination_rule(release),
    }


def rollout(release: Release) -> Document:
    """The Rollout: shadow first, then each share with its look; guards run behind all of it."""
    return {
        "apiVersion": API,
        "kind": "Rollout",
        "metadata": metadata(release),
        "spec": {
            "replicas": release.place.replicas,
            "revisionHistoryLimit": 3,
            "progressDeadlineSeconds": 600,
            "progressDeadlineAbort": True,
            "selector": {"matchLabels": labels(release)},
            "template": {"metadata": _pod_metadata(release), "spec": pod_spec(release)},
            "strategy": {
                "canary": {
                    "maxUnavailable": 0,
                    "maxSurge": 1,
                    "abortScaleDownDelaySeconds": 600,
                    "scaleDownDelaySeconds": 600,
                    "trafficRouting": {
                        "managedRoutes": [{"name": STICKY}, {"name": SHADOW}],
                        "istio": {
                            "virtualService": {"name": release.name, "routes": [ROUTE]},
                            "destinationRule": {"name": release.name, "stableSubsetName": "stable", "canarySubsetName": "canary"},
                        },
                    },
                    "analysis": {
                        "templates": [{"templateName": f"{release.name}-guards"}],
                        "startingStep": 2,
                        "args": [{"name": "hash", "valueFrom": {"podTemplateHashValue": "Latest"}}],
                    },
                    "steps": steps(release),
                }
            },
        },
    }


def steps(release: Release) -> list[Document]:
    """Shadow by mirrored requests, then each share: route, wait, look. Where approvals allow less than all, it ends in a pause.

    Where nothing answers a look, a person does: the rollout pauses behind each share, and nothing goes on by itself.
    """
    wait: Document = {"pause": {"duration": _hours(release.place.route.hours)}}
    found: list[Document] = [
        {"setCanaryScale": {"replicas": 1}},
        {"setMirrorRoute": {"name": SHADOW, "percentage": 100, "match": [{"method": {"exact": "POST"}}]}},
        wait,
        _look_step(release, 0),
        {"setMirrorRoute": {"name": SHADOW}},
    ]
    for share in release.shares:
        if share == BUCKETS:
            continue  # behind the last look Argo itself makes the canary the stable version
        found += [{"setCanaryScale": {"weight": share}}, _share(release, share), wait, _look_step(release, share)]
    return found if release.share == BUCKETS else [*found, {"pause": {}}]


def _share(release: Release, share: int) -> Document:
    if release.place.split == "request":
        return {"setWeight": share}
    match = {"headerName": release.place.header, "headerValue": {"regex": buckets(share)}}
    return {"setHeaderRoute": {"name": STICKY, "match": [match]}}


def buckets(share: int) -> str:
    """A regular expression (RE2) for exactly the two-digit numbers 00 to `share` - 1; 0 < share < 100."""
    tens, ones = divmod(share, 10)
    parts = []
    if tens:
        parts.append(f"[0-{tens - 1}][0-9]" if tens > 1 else "0[0-9]")
    if ones:
        parts.append(f"{tens}[0-{ones - 1}]" if ones > 1 else f"{tens}0")
    return f"^({'|'.join(parts)})$"


def _look_step(release: Release, share: int) -> Document:
    held = release.place.look == "job" and share == release.share < BUCKETS  # past what the approvals allow no look ever goes
    if not release.place.look or held:
        return {"pause": {}}
    return {
        "analysis": {
            "templates": [{"templateName": f"{release.name}-look"}],
            "args": [{"name": "share", "value": str(share)}],
        }
    }


def _hours(hours: float) -> str:
    return f"{round(hours * 3600)}s"


def virtual_service(release: Release) -> Document:
    """All traffic to the stable subset; Argo moves the weights and writes the managed routes before this one."""

    def to(subset: str, weight: int) -> Document:
        return {"destination": {"host": release.name, "subset": subset}, "weight": weight}

    return {
        "apiVersion": ISTIO,
        "kind": "VirtualService",
        "metadata": metadata(release),
        "spec": {
            "hosts": [release.host] if release.host == release.name else [release.host, release.name],
            "http": [
                {
                    "name": ROUTE,
                    "timeout": "5s",
                    "retries": {"attempts": 1, "perTryTimeout": "2s", "retryOn": "connect-failure,refused-stream,unavailable"},
                    "route": [to("stable", 100), to("canary", 0)],
                }
            ],
        },
    }


def destination_rule(release: Release) -> Document:
    """Mutual TLS, bounded queues, and a pod that fails five times in a row rests; Argo adds the hash to each subset."""
    return {
        "apiVersion": ISTIO,
        "kind": "DestinationRule",
        "metadata": metadata(release),
        "spec": {
            "host": release.name,
            "trafficPolicy": {
                "tls": {"mode": "ISTIO_MUTUAL"},
                "connectionPool": {"http": {"http1MaxPendingRequests": 256, "http2MaxRequests": 1024}},
                "outlierDetection": {
                    "consecutive5xxErrors": 5,
                    "interval": "10s",
                    "baseEjectionTime": "30s",
                    "maxEjectionPercent": 50,
                },
            },
            "subsets": [{"name": name, "labels": labels(release)} for name in ("stable", "canary")],
        },
    }


def _pod_metadata(release: Release) -> Document:
    found = metadata(release)
    return {"labels": {**labels(release), "sidecar.istio.io/inject": "true"}, "annotations": found["annotations"]}
