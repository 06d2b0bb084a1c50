"""Places that keep a checkpoint: an annotated git tag, a file, a webhook, a time-stamping authority. MLflow's is in integrations/mlflow."""

from jupyter_mlgov.integrations.anchors.file import FileAnchor
from jupyter_mlgov.integrations.anchors.git import GitAnchor
from jupyter_mlgov.integrations.anchors.rfc3161 import TimestampAnchor
from jupyter_mlgov.integrations.anchors.webhook import WebhookAnchor

__all__ = ["FileAnchor", "GitAnchor", "TimestampAnchor", "WebhookAnchor"]
