"""The door to a cluster: server-side apply by the official client, whose errors become sentences."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any

from jupyter_mlgov.core.errors import BadInput, NotReady, SystemUnreachable

_MANAGER = "mlgov"
_SECONDS = 10


class Cluster:
    """One cluster, by a context of the kubeconfig ("" is the current one), or from inside a pod."""

    def __init__(self, context: str = "") -> None:
        """Raises NotReady without the client or a configuration, SystemUnreachable where nothing answers."""
        try:
            from kubernetes import client, config, dynamic
        except ImportError:
            raise NotReady("Applying needs the Kubernetes client.", next='`pip install "jupyter-mlgov[kubernetes]"`') from None
        settings = client.Configuration()
        settings.retries = False
        try:
            # The variable as it is now; the client looks once, when it is imported.
            config.load_kube_config(
                config_file=os.environ.get("KUBECONFIG") or None, context=context or None, client_configuration=settings
            )
        except config.ConfigException as error:
            self._inside(config, settings, str(error))
        self.name = str(settings.host)
        try:
            # What the cluster knows is asked anew: the client's own cache is a file in /tmp that anybody may have written.
            with tempfile.TemporaryDirectory(prefix="mlgov-kubernetes-") as folder:
                self._cluster = dynamic.DynamicClient(client.ApiClient(settings), cache_file=str(Path(folder) / "known.json"))
        except Exception as error:  # noqa: BLE001  # urllib3, TLS and the client's own errors: all mean that nobody answers
            raise SystemUnreachable(
                f"The cluster at {self.name} did not answer: {_short(error)}.", next="See `kubectl cluster-info`, then try again."
            ) from None

    @staticmethod
    def _inside(config: Any, settings: Any, problem: str) -> None:
        """From a pod; in that module a missing configuration is the same error."""
        try:
            config.load_incluster_config(client_configuration=settings)
        except config.ConfigException:
            raise NotReady(f"No cluster is configured here: {problem}.", next="Set KUBECONFIG, or name a context with --context.") from None

    def apply(self, document: dict[str, object], namespace: str, *, dry_run: bool = False) -> None:
        """Server-side apply; what another manager owns is not taken from it. Raises BadInput with the API server's reason."""
        from kubernetes.client import ApiException
        from kubernetes.dynamic.exceptions import ResourceNotFoundError

        try:
            kind = self._cluster.resources.get(api_version=str(document["apiVersion"]), kind=str(document["kind"]))
            more = {"dry_run": "All"} if dry_run else {}
            self._cluster.server_side_apply(
                kind, document, namespace=namespace, field_manager=_MANAGER, force_conflicts=False, _request_timeout=_SECONDS, **more
            )
        except ResourceNotFoundError:
            raise BadInput(
                f"the cluster knows no {document['kind']} of {document['apiVersion']}",
                next="Install its operator, or render for another target.",
            ) from None
        except ApiException as error:
            raise BadInput(_reason(error), next="Mend what it names, and apply again.") from None
        except Exception as error:  # noqa: BLE001  # the line went dead in the middle
            raise SystemUnreachable(f"the cluster went away: {_short(error)}", next="Apply again; what was taken stays.") from None


def _reason(error: Any) -> str:
    try:
        message = json.loads(error.body)["message"]
    except (TypeError, ValueError, KeyError):
        message = error.reason
    return f"{error.status} {str(message)[:500]}"


def _short(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())[:200]
