"""Which anchors this workspace has, from the words in `MLGOV_ANCHORS`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_mlgov.core.errors import UsageError

if TYPE_CHECKING:
    from jupyter_mlgov.audit.anchors import Anchor
    from jupyter_mlgov.workspace.composition import Workspace

_EXPECTED = "Expected a comma-separated list of `mlflow`, `git`, `file:/path`, `https://webhook`, `rfc3161:https://authority`, or `none`."


def named_anchors(workspace: Workspace) -> tuple[Anchor, ...]:
    """Every anchor, in the order named. By default `mlflow`, and `git` where there is a repository. Raises UsageError for another word."""
    from jupyter_mlgov.integrations.anchors.git import in_repository

    words = [word.strip() for word in workspace.settings.anchors.split(",") if word.strip()]
    if not words:
        words = ["mlflow", "git"] if in_repository(workspace.root) else ["mlflow"]
    return tuple(_anchor(workspace, word) for word in words if word != "none")


def _anchor(workspace: Workspace, word: str) -> Anchor:
    from jupyter_mlgov.integrations.anchors import FileAnchor, GitAnchor, TimestampAnchor, WebhookAnchor
    from jupyter_mlgov.integrations.mlflow.anchor import MlflowAnchor

    kind, _, rest = word.partition(":")
    if word == "mlflow":
        return MlflowAnchor(workspace.tracking_uri, shared=bool(workspace.settings.tracking_uri))
    if word == "git":
        return GitAnchor(workspace.root)
    if kind == "file" and rest:
        return FileAnchor(workspace.root / Path(rest).expanduser())
    if kind == "rfc3161" and rest:
        roots = Path(workspace.settings.tsa_roots) if workspace.settings.tsa_roots else None
        return TimestampAnchor(rest, roots)
    if kind in ("http", "https"):
        return WebhookAnchor(word)
    raise UsageError(f"No anchor {word[:40]!r} in MLGOV_ANCHORS.", expected=_EXPECTED)
