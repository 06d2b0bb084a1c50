"""The scientist's own MLflow runs of a session: found by the tags our run context gave them, linked, and closed when their kernel died."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

MOST = 1000


def own_runs(client: MlflowClient, session: str) -> list[Run]:
    """Runs that cells of `session` started in this store, oldest first; not the one we made of the session."""
    experiments = [str(item.experiment_id) for item in client.search_experiments()]
    if not experiments or not session.isalnum():
        return []
    query = f"tags.`mlgov.session` = '{session}'"
    found = client.search_runs(experiments, filter_string=query, order_by=["attributes.start_time ASC"], max_results=MOST)
    return [run for run in found if "mlgov.key" not in run.data.tags and "mlgov.cell_run" in run.data.tags]


def told_in_training(runs: list[Run]) -> tuple[dict[str, str], dict[str, float]]:
    """Parameters and last metrics that MLflow's autologging, or the scientist, logged in train steps; a later run's win."""
    mine = [run for run in runs if run.data.tags.get("mlgov.step", "").split(":")[0] == "train"]
    parameters = {name: str(value) for run in mine for name, value in run.data.params.items()}
    metrics = {name: float(value) for run in mine for name, value in run.data.metrics.items()}
    return parameters, metrics


def close_dead(client: MlflowClient, session: str) -> list[str]:
    """End as FAILED what a dead kernel left `RUNNING`; its ids."""
    left = [run for run in own_runs(client, session) if run.info.status == "RUNNING"]
    for run in left:
        client.set_tag(run.info.run_id, "mlgov.ended", "the kernel died")
        client.set_terminated(run.info.run_id, status="FAILED")
    return [str(run.info.run_id) for run in left]
