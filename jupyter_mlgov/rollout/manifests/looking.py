"""Who answers a look at a cluster's canary: a Job of the same image that reads what the pods wrote down, or an address of the operator's.

Semantics (argo-rollouts documentation, "Job Metrics"): a Job that completes is a success, one that fails is a failure; there is no third
answer, so a Job that cannot tell yet goes on looking, and the rollout waits with it.
"""

from __future__ import annotations

from jupyter_mlgov.rollout.manifests.pods import (
    NOBODY,
    Document,
    confined,
    environment,
    labels,
    metadata,
    quoted,
    volumes,
    ways_out,
)
from jupyter_mlgov.rollout.manifests.release import Release


def look(release: Release) -> Document:
    """The AnalysisTemplate of one look, for the share in its argument."""
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "AnalysisTemplate",
        "metadata": metadata(release, f"{release.name}-look"),
        "spec": {"args": [{"name": "share"}], "metrics": [_by_job(release) if release.place.look == "job" else _by_address(release)]},
    }


def _by_job(release: Release) -> Document:
    """`mlgov canary look --rollout`: exit code 0 goes on, 1 aborts; a pod that was moved away or found no trail is tried again."""
    words = [
        f"--rollout={quoted(_untemplated(release.version))}",
        "--share={{args.share}}",
        f"--every={release.place.every:g}",
        "--",
        quoted(_untemplated(release.model)),
    ]
    container: Document = {
        "name": "look",
        "image": release.place.image,
        "imagePullPolicy": "IfNotPresent",
        "command": ["mlgov", "canary", "look"],
        "args": words,
        "env": environment(release),
        "resources": {
            "requests": {"cpu": release.place.cpu, "memory": release.place.memory},
            "limits": {"memory": release.place.memory},
        },
        **confined(release),
    }
    pod: Document = {
        "serviceAccountName": release.name,
        "automountServiceAccountToken": False,
        "restartPolicy": "Never",
        "securityContext": NOBODY,
        "containers": [container],
        "volumes": volumes(release),
    }
    job: Document = {
        "backoffLimit": 3,
        "podFailurePolicy": {
            "rules": [
                {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]},
                {"action": "FailJob", "onExitCodes": {"containerName": "look", "operator": "In", "values": [1]}},
            ]
        },
        "ttlSecondsAfterFinished": 86400,
        "template": {"metadata": {"labels": {**_own(release), "sidecar.istio.io/inject": "false"}}, "spec": pod},
    }
    return {"name": "look", "count": 1, "failureLimit": 0, "provider": {"job": {"metadata": {"labels": _own(release)}, "spec": job}}}


def _own(release: Release) -> dict[str, str]:
    """Labels that no Service of the model selects."""
    return {**labels(release), "app.kubernetes.io/name": f"{release.name}-look"}


def look_policy(release: Release) -> Document:
    """Nobody talks to the Job; it talks to the registry and the trail alone."""
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": metadata(release, f"{release.name}-look"),
        "spec": {"podSelector": {"matchLabels": _own(release)}, "policyTypes": ["Ingress", "Egress"], "ingress": [], "egress": ways_out()},
    }


def _by_address(release: Release) -> Document:
    """Asked of the address that the operator named. Advance goes on, abort aborts; anything else is inconclusive and pauses."""
    asked = {"model": _untemplated(release.model), "version": _untemplated(release.version), "share": "{{args.share}}"}
    return {
        "name": "look",
        "count": 1,
        "successCondition": "result.verdict == 'advance'",
        "failureCondition": "result.verdict == 'abort'",
        "failureLimit": 0,
        "inconclusiveLimit": 0,
        "provider": {
            "web": {
                "url": release.place.look,
                "method": "POST",
                "timeoutSeconds": 30,
                "headers": [{"key": "Content-Type", "value": "application/json"}],
                "jsonBody": asked,
                "jsonPath": "{$}",
            }
        },
    }


def _untemplated(text: str) -> str:
    """Argo fills in `{{…}}`: a name that holds it is sent with a space between, and the answer then says that it knows no such model."""
    return text.replace("{{", "{ {")
