"""What every target has in common: the labels, the pod that serves the model, and the core objects around it."""

from __future__ import annotations

import json

from jupyter_mlgov.pipelines.targets.job import SECRETS, WORK
from jupyter_mlgov.rollout.manifests.release import Release

Document = dict[str, object]
PORT = 8080
USER = 10001
NOBODY: Document = {
    "runAsNonRoot": True,
    "runAsUser": USER,
    "runAsGroup": USER,
    "fsGroup": USER,
    "seccompProfile": {"type": "RuntimeDefault"},
}


def labels(release: Release) -> dict[str, str]:
    """Labels that select the model's pods; they must not change between versions."""
    return {"app.kubernetes.io/name": release.name, "app.kubernetes.io/part-of": "mlgov"}


def metadata(release: Release, name: str = "") -> Document:
    """Name, labels, and what the object stands for: model, version, decision and fingerprint."""
    about = {"model": json.dumps(release.model), "version": json.dumps(release.version), "stage": json.dumps(release.stage)}
    about |= {"decision": release.decision, "fingerprint": release.fingerprint}
    return {
        "name": name or release.name,
        "labels": labels(release),
        "annotations": {f"jupyter-mlgov.org/{key}": value for key, value in about.items()},
    }


def pod_spec(release: Release) -> Document:
    """One container of the pinned image that runs `mlgov serve`: as nobody, root read-only, secrets by reference."""
    return {
        "serviceAccountName": release.name,
        "automountServiceAccountToken": False,
        "terminationGracePeriodSeconds": 60,
        "securityContext": NOBODY,
        "topologySpreadConstraints": [
            {
                "maxSkew": 1,
                "topologyKey": "kubernetes.io/hostname",
                "whenUnsatisfiable": "ScheduleAnyway",
                "labelSelector": {"matchLabels": labels(release)},
            }
        ],
        "containers": [container(release, split_by(release))],
        "volumes": volumes(release),
    }


def split_by(release: Release) -> tuple[str, ...]:
    """The option by which a pod learns where the route puts an entity; none where Istio draws for each request."""
    return (f"--bucket={release.place.header}",) if release.place.split == "entity" else ()


def container(release: Release, more: tuple[str, ...] = ()) -> Document:
    """`mlgov serve` on port 8080, ready only when the model may answer; it writes to /scratch and to the record, on the claim, alone."""
    place = release.place
    words = ["--host=0.0.0.0", f"--port={PORT}", *more, "--", quoted(f"{release.model}@{release.stage}:{release.version}")]
    return {
        "name": "model",
        "image": place.image,
        "imagePullPolicy": "IfNotPresent",
        "command": ["mlgov", "serve"],
        "args": words,
        "ports": [{"name": "http", "containerPort": PORT}],
        "env": environment(release),
        "readinessProbe": {"httpGet": {"path": "/v2/health/ready", "port": "http"}, "periodSeconds": 5, "failureThreshold": 1},
        "livenessProbe": {"httpGet": {"path": "/v2/health/live", "port": "http"}, "periodSeconds": 10},
        "startupProbe": {"httpGet": {"path": "/v2/health/live", "port": "http"}, "periodSeconds": 2, "failureThreshold": 90},
        "resources": {
            "requests": {"cpu": place.cpu, "memory": place.memory},
            "limits": {"memory": place.memory},
        },
        **confined(release),
    }


def environment(release: Release) -> list[Document]:
    """Variables of a container: where it may write, which image it is, and secrets by reference."""
    return [
        {"name": "HOME", "value": "/scratch"},
        {"name": "TMPDIR", "value": "/scratch"},
        {"name": "MLGOV_IMAGE_DIGEST", "value": release.place.image.partition("@")[2]},
        *(secret(release, name, key) for name, key in SECRETS.items()),
    ]


def confined(release: Release) -> Document:
    """What a container may: no privilege, a read-only root, and to write to /scratch and to the record."""
    place = release.place
    return {
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [
            {"name": "scratch", "mountPath": "/scratch"},
            {"name": "record", "mountPath": f"{WORK}/.mlgov", **({"subPath": place.record} if place.record else {})},
        ],
        "workingDir": WORK,
    }


def volumes(release: Release) -> list[Document]:
    """A scratch folder, and the claim on which the workspace's record lies: objects, predictions, the kill switch's file."""
    return [
        {"name": "scratch", "emptyDir": {"sizeLimit": "2Gi"}},
        {"name": "record", "persistentVolumeClaim": {"claimName": release.place.claim}},
    ]


def quoted(text: str) -> str:
    """`text` as an item of a container's command or args, where Kubernetes fills in `$(NAME)` and reads `$$` as `$`."""
    return text.replace("$", "$$")


def secret(release: Release, name: str, key: str) -> Document:
    """A variable whose value is under `key` of the Secret; without it the pod does not start, rather than start poorer."""
    return {"name": name, "valueFrom": {"secretKeyRef": {"name": release.place.secret, "key": key, "optional": False}}}


def core(release: Release) -> dict[str, Document]:
    """Service account, service, network policy and disruption budget, by file name."""
    selector = {"matchLabels": labels(release)}
    return {
        "serviceaccount": {
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": metadata(release),
            "automountServiceAccountToken": False,
        },
        "service": {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": metadata(release),
            "spec": {
                "selector": labels(release),
                "ports": [{"name": "http", "port": 80, "targetPort": "http", "protocol": "TCP", "appProtocol": "http"}],
            },
        },
        "networkpolicy": {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "NetworkPolicy",
            "metadata": metadata(release),
            "spec": {
                "podSelector": selector,
                "policyTypes": ["Ingress", "Egress"],
                "ingress": [
                    {"from": [{"namespaceSelector": _team("callers")}, {"podSelector": {}}], "ports": [_port(PORT)]},
                    {"from": [{"namespaceSelector": _team("monitoring")}], "ports": [_port(PORT), _port(15020)]},
                ],
                "egress": ways_out(),
            },
        },
        "poddisruptionbudget": {
            "apiVersion": "policy/v1",
            "kind": "PodDisruptionBudget",
            "metadata": metadata(release),
            "spec": {"maxUnavailable": 1, "selector": selector},
        },
    }


def ways_out() -> list[Document]:
    """Names, the namespaces where registry and trail are, and the mesh's own; nothing else."""
    return [
        {"ports": [_port(53, "UDP"), _port(53)]},
        {"to": [{"namespaceSelector": _team("registry")}], "ports": [_port(443), _port(5000), _port(5432)]},
        {"to": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "istio-system"}}}]},
    ]


def _team(part: str) -> Document:
    """Namespaces that the operator labelled for this: who may call, who watches, where registry and trail are."""
    return {"matchLabels": {f"jupyter-mlgov.org/{part}": "true"}}


def _port(number: int, protocol: str = "TCP") -> Document:
    return {"port": number, "protocol": protocol}
