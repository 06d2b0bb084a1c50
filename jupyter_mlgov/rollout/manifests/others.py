"""KServe and Seldon: two platforms that split traffic by themselves. Each look's answer is applied by rendering the next share."""

from __future__ import annotations

from jupyter_mlgov.rollout.manifests.pods import PORT, USER, Document, container, metadata, volumes
from jupyter_mlgov.rollout.manifests.release import Release

SELDON_WARNING = """\
# Seldon (the company) is being wound up, MLServer has had no release since June 2025, and seldon-core's licence (BSL 1.1) allows
# production use only to non-profit education. This file is for those who run it already; nothing of jupyter_mlgov rests on it.
"""


def kserve(release: Release, share: int) -> dict[str, Document]:
    """An InferenceService whose latest revision gets `share` percent; KServe keeps the rest at the last one that was rolled out."""
    predictor: Document = {
        "minReplicas": release.place.replicas,
        "maxReplicas": release.place.replicas * 4,
        "automountServiceAccountToken": False,
        "serviceAccountName": release.name,
        "securityContext": {"runAsNonRoot": True, "runAsUser": USER, "fsGroup": USER, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [
            {**_without_start(container(release)), "name": "kserve-container", "ports": [{"containerPort": PORT, "protocol": "TCP"}]}
        ],
        "volumes": volumes(release),
    }
    if share < 100:
        predictor["canaryTrafficPercent"] = share
    return {
        "inferenceservice": {
            "apiVersion": "serving.kserve.io/v1beta1",
            "kind": "InferenceService",
            "metadata": metadata(release),
            "spec": {"predictor": predictor},
        }
    }


def _without_start(document: Document) -> Document:
    """Knative allows readiness and liveness only, and names the port itself."""
    found = {key: value for key, value in document.items() if key != "startupProbe"}
    return {
        **found,
        "name": "kserve-container",
        "ports": [{"containerPort": PORT, "protocol": "TCP"}],
        "readinessProbe": {"httpGet": {"path": "/v2/health/ready", "port": PORT}, "periodSeconds": 5},
        "livenessProbe": {"httpGet": {"path": "/v2/health/live", "port": PORT}, "periodSeconds": 10},
    }


def seldon(release: Release, share: int, storage: str, before: str = "") -> dict[str, Document]:
    """A Model from `storage` (a URI that the operator's Seldon reads), and beside a champion `before` an Experiment: `share` percent."""
    name = f"{release.name}-{release.version}"
    found: dict[str, Document] = {
        "model": {
            "apiVersion": "mlops.seldon.io/v1alpha1",
            "kind": "Model",
            "metadata": metadata(release, name),
            "spec": {
                "storageUri": storage,
                "requirements": ["mlflow"],
                "replicas": release.place.replicas,
                "memory": release.place.memory,
            },
        }
    }
    if before:
        champion = f"{release.name}-{before}"
        found["experiment"] = {
            "apiVersion": "mlops.seldon.io/v1alpha1",
            "kind": "Experiment",
            "metadata": metadata(release),
            "spec": {
                "default": champion,
                "candidates": [{"name": champion, "weight": 100 - share}, {"name": name, "weight": share}],
            },
        }
    return found
