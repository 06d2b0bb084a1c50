"""MLflow's model registry as ours: which version carries this very model, which one is in which stage."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from jupyter_mlgov.core.clock import Clock, SystemClock, stamp
from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.core.errors import MlgovError, NotReady, SystemUnreachable
from jupyter_mlgov.integrations.mlflow.connection import connected, shown
from jupyter_mlgov.integrations.mlflow.names import alias, model_name
from jupyter_mlgov.promotion.facts import Answer, Decision
from jupyter_mlgov.promotion.registry import ModelVersion

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion as Registered

_NOT_THERE = ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE")


class MlflowRegistry:
    """The ModelRegistry port over MLflow. The alias is the stage; who, when and why stand beside it as tags."""

    def __init__(self, tracking_uri: str, *, clock: Clock | None = None) -> None:
        self.tracking_uri = tracking_uri
        self.clock = clock or SystemClock()

    def latest(self, model: str) -> ModelVersion | None:
        found = self._search(model, f"name = '{model_name(model)}'")
        return found[-1] if found else None

    def find(self, model: str, model_digest: str, among: Collection[str]) -> ModelVersion | None:
        """The newest of these versions that carries this very model, by its tag `mlgov.model`."""
        found = self._search(model, f"tags.`mlgov.model` = '{Digest(model_digest)}'")
        same = [version for version in found if version.model_digest == model_digest and version.version in among]
        return same[-1] if same else None

    def at_stage(self, model: str, stage: str) -> ModelVersion | None:
        with connected(self.tracking_uri) as client:
            found = _by_alias(client, model_name(model), alias(stage))
        return _fact(found) if found is not None else None

    def promote(self, version: ModelVersion, decision: Decision, entry: str) -> None:
        """Tag the version with who, when and why, then set the alias, then read both back.

        Raises MlgovError for a decision that was not granted or is about another version, SystemUnreachable when it did not take.
        """
        self._refuse(version, decision)
        stage = alias(decision.stage)
        tags = {
            f"mlgov.{stage}.by": decision.asked_by.id,
            f"mlgov.{stage}.approved_by": ", ".join(actor.id for actor in decision.approved_by),
            f"mlgov.{stage}.at": stamp(self.clock.now()),
            f"mlgov.{stage}.report": decision.report or "",
            f"mlgov.{stage}.entry": entry,
        }
        with connected(self.tracking_uri) as client:
            now = client.get_model_version(model_name(version.model), version.version)
            if now.tags.get("mlgov.model") != version.model_digest:
                raise NotReady(
                    f"Version {version.version} of {version.model} no longer carries the model that was judged.",
                    next="Look at it in MLflow, then ask again: `mlgov promote`.",
                )
            for name, value in tags.items():
                client.set_model_version_tag(version.model, version.version, name, value)
            client.set_registered_model_alias(version.model, stage, version.version)
            took = _by_alias(client, version.model, stage)
        if took is None or str(took.version) != version.version or any(took.tags.get(name) != value for name, value in tags.items()):
            raise SystemUnreachable(
                f"MLflow at {shown(self.tracking_uri)} took the alias {stage} "
                f"but does not show it on version {version.version} of {version.model}.",
                next=f"Look at the model there, then ask again: `mlgov promote {stage}`.",
            )

    def aliases(self) -> Mapping[str, Mapping[str, str]]:
        """model -> alias -> version, for every registered model that has one."""
        found: dict[str, Mapping[str, str]] = {}
        with connected(self.tracking_uri) as client:
            token: str | None = None
            while True:
                page = client.search_registered_models(max_results=100, page_token=token)
                # A search leaves aliases out in some versions of MLflow; asking for the model itself does not.
                for model in page:
                    whole = client.get_registered_model(model.name)
                    if whole.aliases:
                        found[model.name] = {str(name): str(version) for name, version in whole.aliases.items()}
                token = page.token
                if not token:
                    return found

    def point(self, model: str, stage: str, version: str, tags: Mapping[str, str]) -> None:
        """Set alias `stage` to `version` (empty: take it away), with `tags` on the version, then read it back."""
        name, shown_alias = model_name(model), alias(stage)
        with connected(self.tracking_uri) as client:
            if version:
                for key, value in tags.items():
                    client.set_model_version_tag(name, version, key, value)
                client.set_registered_model_alias(name, shown_alias, version)
            else:
                client.delete_registered_model_alias(name, shown_alias)
            took = _by_alias(client, name, shown_alias)
        if (str(took.version) if took is not None else "") != version:
            raise SystemUnreachable(
                f"MLflow at {shown(self.tracking_uri)} was told that {stage} of {model} is version {version or 'none'} and shows another.",
                next="Look at the model there, and hold it against the trail: `mlgov audit reconcile`.",
            )

    def _refuse(self, version: ModelVersion, decision: Decision) -> None:
        if decision.answer is not Answer.GRANTED or decision.reasons:
            raise MlgovError(
                f"The gate into {decision.stage} was not opened ({decision.answer.value}), so no alias moves.", next="See `mlgov why`."
            )
        if (decision.model, decision.version) != (version.model, version.version):
            raise MlgovError(
                f"The decision is about {decision.model} version {decision.version}, not about {version.model} version {version.version}.",
                next="Ask again: `mlgov promote`.",
            )

    def _search(self, model: str, query: str) -> list[ModelVersion]:
        model_name(model)
        with connected(self.tracking_uri) as client:
            found: list[Registered] = []
            page = client.search_model_versions(query)
            found.extend(page)
            while page.token:
                page = client.search_model_versions(query, page_token=page.token)
                found.extend(page)
        mine = [item for item in found if item.name == model and item.status == "READY" and re.fullmatch(r"\d+", str(item.version))]
        return [_fact(item) for item in sorted(mine, key=lambda item: int(item.version))]


def _by_alias(client: MlflowClient, model: str, stage: str) -> Registered | None:
    from mlflow.exceptions import MlflowException

    try:
        return client.get_model_version_by_alias(model, stage)
    except MlflowException as error:
        # MLflow 3.17 answers INVALID_PARAMETER_VALUE for an alias that nobody set, RESOURCE_DOES_NOT_EXIST for an unknown model.
        if error.error_code in _NOT_THERE:
            return None
        raise


def _fact(found: Registered) -> ModelVersion:
    return ModelVersion(
        model=found.name, version=str(found.version), run_id=found.run_id or "", model_digest=found.tags.get("mlgov.model", "")
    )
