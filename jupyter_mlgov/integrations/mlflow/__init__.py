"""The door to MLflow: one run for each governed session, and the registry that says which version is in which stage."""

from jupyter_mlgov.integrations.mlflow.parcel import close_parcel, run_parcel
from jupyter_mlgov.integrations.mlflow.projector import MlflowProjector
from jupyter_mlgov.integrations.mlflow.registry import MlflowRegistry

__all__ = ["MlflowProjector", "MlflowRegistry", "close_parcel", "run_parcel"]
