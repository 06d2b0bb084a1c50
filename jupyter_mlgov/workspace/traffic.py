"""What the replicas themselves say they answer with: a rollback ends when they do, not when the registry does."""

from __future__ import annotations

import json
import time
import urllib.request
from typing import TYPE_CHECKING, Any

from jupyter_mlgov.core.errors import MlgovError
from jupyter_mlgov.promotion.rollback import Looked

if TYPE_CHECKING:
    from jupyter_mlgov.workspace.composition import Workspace

WITHIN = 10.0
_MOST = 1 << 20


def replicas(workspace: Workspace, model: str) -> dict[str, str]:
    """replica -> endpoint of everybody who said that he serves the model, did not say that he left, and is not known to be gone."""
    return {name: endpoint for name, (endpoint, _) in _there(workspace, model).items()}


def _there(workspace: Workspace, model: str) -> dict[str, tuple[str, str]]:
    """replica -> (endpoint, the one version that it answers with; empty: whatever the trail says)."""
    try:
        entries = list(workspace.personal.entries(actions=("endpoint.serving", "endpoint.gone"), subject=model))
    except MlgovError:
        return {}
    there: dict[str, tuple[str, str]] = {}
    for entry in entries:
        name = str(entry.payload.get("replica", ""))
        if entry.action == "endpoint.gone":
            there.pop(name, None)
        elif name:
            there[name] = str(entry.payload.get("endpoint", "")), str(entry.payload.get("pin", ""))
    return {name: told for name, told in there.items() if _alive(told[0]) is not False}


def _alive(endpoint: str) -> bool | None:
    """Whether anybody listens at a loopback endpoint: a killed process never said that it left. None: it is elsewhere, or does not say."""
    import socket
    from urllib.parse import urlsplit

    try:
        parts = urlsplit(endpoint)
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    if host not in ("127.0.0.1", "localhost", "::1") or not port:
        return None
    try:
        with socket.create_connection((host, port), timeout=0.5):
            return True
    except OSError:
        return False


def moved(workspace: Workspace, model: str, version: str, *, within: float = WITHIN) -> tuple[Looked, ...]:
    """Does every replica answer with `version`, healthy, within so many seconds? Nothing where nobody serves the model.

    Healthy: loaded with its golden predictions, ready, and none of its answers failed since the switch.
    """
    there = _there(workspace, model)
    left = {name: endpoint for name, (endpoint, pin) in there.items() if not pin}
    if not left:
        # A pod answers with its version or not at all; who is sent to which pod is the cluster's, and cannot be seen from here.
        said = f"{len(there)} replicas answer with one version each, and who is sent to which cannot be seen from here"
        return (Looked(name="traffic", answer="unknown", said=said),) if there else ()
    begun, told, waits = time.monotonic(), [], dict(left)
    while waits and time.monotonic() - begun < within:
        for name, endpoint in list(waits.items()):
            said = _status(endpoint, model)
            if said is not None and _version(said) == version:
                told.append(said)
                del waits[name]
        if waits:
            time.sleep(0.05)
    took = time.monotonic() - begun
    if waits:
        said = f"{len(waits)} of {len(left)} replicas do not answer with version {version} after {took:.1f} s: {', '.join(waits.values())}"
        return (Looked(name="traffic", answer="failed", said=said),)
    failed, answered = (sum(int(one["since"][key]) for one in told) for key in ("failed", "answered"))
    unready = [str(one["why"]) for one in told if not one["ready"]]
    said = "; ".join(
        [
            f"{len(told)} replicas answer with version {version}, {took:.1f} s after the registry",
            f"{failed} of {failed + answered} answers failed since",
            *unready,
        ]
    )
    return (Looked(name="traffic", answer="failed" if unready or failed else "ok", said=said),)


def _version(said: Any) -> str:
    return str(said.get("arms", {}).get("champion", {}).get("version", ""))


def _status(endpoint: str, model: str) -> Any:
    if not endpoint.startswith(("http://", "https://")):
        return None
    try:
        with urllib.request.urlopen(f"{endpoint}/mlgov/status", timeout=2) as reply:  # noqa: S310 # http alone, as was just asked
            found = json.loads(reply.read(_MOST))
    except (OSError, ValueError):
        return None
    said = found.get(model) if isinstance(found, dict) else None
    return said if isinstance(said, dict) else None
