"""MLflow's run context: any run that is started in a governed cell, by hand or by autolog, says where it comes from."""

from __future__ import annotations

from mlflow.tracking.context.abstract_context import RunContextProvider

from jupyter_mlgov.lineage.current import running


class GovernedRunContext(RunContextProvider):  # type: ignore[misc] # MLflow ships no types
    """Entry point `mlflow.run_context_provider`. Its tags are what `run_parcel()` finds the scientist's own runs by."""

    def in_context(self) -> bool:
        """Whether a recorded cell runs in this process."""
        return running() is not None

    def tags(self) -> dict[str, str]:
        """Session, notebook, cell, cell run and, in a tagged cell, its step."""
        run = running()
        if run is None:
            return {}
        tags = {"mlgov.session": run.session, "mlgov.notebook": run.notebook, "mlgov.cell": run.cell_id, "mlgov.cell_run": run.id}
        return tags | ({"mlgov.step": run.step.label} if run.step else {})
