"""The files of a registered version, fetched into a folder and not opened."""

from __future__ import annotations

from pathlib import Path

from jupyter_mlgov.integrations.mlflow.connection import connected
from jupyter_mlgov.integrations.mlflow.names import model_name


def downloaded(tracking_uri: str, model: str, version: str, into: Path) -> Path:
    """The folder in `into` with every file of the version. Raises SystemUnreachable where MLflow or its store does not give them."""
    with connected(tracking_uri) as client:
        import mlflow.artifacts

        source = client.get_model_version_download_uri(model_name(model), version)
        return Path(mlflow.artifacts.download_artifacts(artifact_uri=source, dst_path=str(into), tracking_uri=tracking_uri))


def model_named(description: bytes) -> str:
    """The digest that MLflow's description of a model (its file `MLmodel`) gives it under our name; empty where it gives none."""
    import yaml

    try:
        body = yaml.safe_load(description)
    except (yaml.YAMLError, UnicodeDecodeError):
        return ""
    about = body.get("metadata") if isinstance(body, dict) else None
    return str(about.get("mlgov.model") or "") if isinstance(about, dict) else ""
