"""An MLflow model registry that asks the trail first: no alias, stage or copy without a granted decision.

Used as `mlgov+sqlite:///…` or `mlgov+postgresql://…` (entry point `mlflow.model_registry_store`), by a client or by a tracking server
that others reach over REST. A write that goes around it, straight into the database, is found by `mlgov audit reconcile`.
"""

from __future__ import annotations

from typing import Any, Protocol

from mlflow.entities.model_registry import ModelVersion, ModelVersionTag
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import PERMISSION_DENIED
from mlflow.store.model_registry.sqlalchemy_store import SqlAlchemyStore

SCHEME = "mlgov+"
# MLflow's own four stages, deprecated and still writable; `None` and `Archived` take a model away from users.
_HARMLESS_STAGES = frozenset({"none", "archived"})


class Gatekeeper(Protocol):
    """What the store asks. Implementations read the trail; one that cannot read it lets nothing through (and says why)."""

    def stage_of(self, alias: str) -> str:
        """The stage that an alias stands for, however it is typed; empty for an alias that is none. One that cannot tell says yes."""
        ...

    def objection(self, model: str, stage: str, version: str, carries: str | None = None) -> str:
        """Why `version` may not be in `stage` now, in a sentence; empty when the newest decision or rollback says it is to be there.

        `carries` is the digest of the model that the registry says this version carries; one that was deleted and made anew under its
        number carries another. None: not asked.
        """
        ...

    def granted(self, model: str, version: str) -> bool:
        """Whether `version` is in any stage by decision now."""
        ...

    def kept(self, model: str, version: str = "") -> str:
        """Why `version` (default: any of the model) may not be deleted, in a sentence; empty when it is in no stage by decision."""
        ...


def refused(sentence: str) -> MlflowException:
    """MLflow's PERMISSION_DENIED, which a server answers as HTTP 403."""
    return MlflowException(f"{sentence} Ask for it: `mlgov promote`; see what is missing: `mlgov why`.", error_code=PERMISSION_DENIED)


def _spoken_for(key: str, value: str) -> str:
    """The stage that a tag speaks for: `mlgov.STAGE.by`, `stage`, `mlgov.stage`; empty for any other tag."""
    parts = key.split(".")
    if parts[0].lower() == "mlgov" and len(parts) == 3:
        return parts[1]
    return value if key.lower() in ("stage", "mlgov.stage") else ""


def _copied(source: str) -> tuple[str, str] | None:
    """(model, version) of a source that names a registered version; None for files and logged models. By stage or alias is no version."""
    from urllib.parse import unquote, urlparse

    parts = urlparse(source)
    if parts.scheme.lower() != "models":
        return None
    name, _, version = parts.path.strip("/").rpartition("/")
    return (unquote(name), version) if name else None


class GuardedStore(SqlAlchemyStore):  # type: ignore[misc] # MLflow ships no types
    """MLflow's SQL registry behind a Gatekeeper. Raises MlflowException (PERMISSION_DENIED) for what no decision allows."""

    def __init__(self, store_uri: str, gatekeeper: Gatekeeper) -> None:
        self._gate = gatekeeper
        super().__init__(store_uri.removeprefix(SCHEME))

    def set_registered_model_alias(self, name: str, alias: str, version: str) -> None:
        """Set an alias; one that is a stage only where the trail says so."""
        self._ask(name, alias, str(version))
        super().set_registered_model_alias(name, alias, version)

    def delete_registered_model_alias(self, name: str, alias: str) -> None:
        """Take an alias away; one that is a stage only where the trail says that it is empty."""
        stage = self._gate.stage_of(alias)
        objection = self._gate.objection(name, stage, "") if stage else ""
        if objection:
            raise refused(objection)
        super().delete_registered_model_alias(name, alias)

    def transition_model_version_stage(self, name: str, version: str, stage: str, archive_existing_versions: bool) -> ModelVersion:
        """MLflow's deprecated stages are asked for like ours of the same name."""
        if stage.strip().lower() not in _HARMLESS_STAGES:
            objection = self._gate.objection(name, stage.strip().lower(), str(version), self._carried(name, str(version)))
            if objection:
                raise refused(objection)
        return super().transition_model_version_stage(name, version, stage, archive_existing_versions)

    def set_model_version_tag(self, name: str, version: str, tag: ModelVersionTag) -> None:
        """Set a tag; one that speaks for a stage, or that says which model this is, only as decided."""
        self._ask_for_tag(name, str(version), str(tag.key), str(tag.value))
        super().set_model_version_tag(name, version, tag)

    def delete_model_version_tag(self, name: str, version: str, key: str) -> None:
        """Take a tag away, but not one of ours: who, when and why stay with the version."""
        if key.startswith("mlgov."):
            raise refused(f"The tag {key} of version {version} of {name} is part of its record and stays.")
        super().delete_model_version_tag(name, version, key)

    def create_model_version(
        self,
        name: str,
        source: str,
        run_id: str | None = None,
        tags: list[ModelVersionTag] | None = None,
        run_link: str | None = None,
        description: str | None = None,
        local_model_path: str | None = None,
        model_id: str | None = None,
    ) -> ModelVersion:
        """Register a version. A new one is in no stage, so no tag of it may say so; a copy of another one is asked for.

        copy_model_version() comes down to this, here and in a client that copies over REST: `models:/NAME/VERSION` is the source, and
        the tags are those of what it copies; the ones that speak for a stage stay behind.
        """
        copied = _copied(source)
        if copied:
            self._may_be_copied(*copied, name)
        spoken = [tag for tag in tags or [] if self._gate.stage_of(_spoken_for(str(tag.key), str(tag.value)))]
        if spoken and not copied:
            raise refused(f"A new version of {name} is in no stage, and its tag {spoken[0].key} says otherwise.")
        kept = [tag for tag in tags or [] if tag not in spoken]
        return super().create_model_version(name, source, run_id, kept, run_link, description, local_model_path, model_id)

    def copy_model_version(self, src_mv: ModelVersion, dst_name: str) -> ModelVersion:
        """Copy a version to another registered model, MLflow's way between environments: only one that is in a stage by decision."""
        self._may_be_copied(str(src_mv.name), str(src_mv.version), dst_name)
        return super().copy_model_version(src_mv, dst_name)

    def _may_be_copied(self, name: str, version: str, to: str) -> None:
        if not self._gate.granted(name, version):
            raise refused(f"Version {version} of {name} was not let into any stage, so it is not copied to {to}.")

    def delete_model_version(self, name: str, version: str) -> None:
        """Delete a version that is in no stage."""
        self._in_no_stage(name, str(version))
        super().delete_model_version(name, version)

    def delete_registered_model(self, name: str) -> None:
        """Delete a model of which no version is in a stage."""
        self._in_no_stage(name)
        super().delete_registered_model(name)

    def rename_registered_model(self, name: str, new_name: str) -> Any:
        """Rename a model of which no version is in a stage: decisions name it by its name."""
        self._in_no_stage(name)
        return super().rename_registered_model(name, new_name)

    def _ask(self, name: str, alias: str, version: str) -> None:
        """A stage is set under its own name alone: `Production` beside `production` would be two truths."""
        stage = self._gate.stage_of(alias)
        objection = self._gate.objection(name, stage, version, self._carried(name, version)) if stage else ""
        if stage and not objection and alias != stage:
            objection = f"The stage is called {stage}, not {alias}."
        if objection:
            raise refused(objection)

    def _ask_for_tag(self, name: str, version: str, key: str, value: str) -> None:
        stage = _spoken_for(key, value)
        if stage:
            self._ask(name, stage, version)
        elif key in ("mlgov.model", "mlgov.key"):
            was = self.get_model_version(name, version).tags.get(key, "")
            if was and was != value:
                raise refused(f"Version {version} of {name} says which model it carries ({key}); that cannot be changed.")

    def _in_no_stage(self, name: str, version: str = "") -> None:
        held = {str(alias): str(at) for alias, at in self.get_registered_model(name).aliases.items() if self._gate.stage_of(str(alias))}
        mine = sorted(alias for alias, at in held.items() if not version or at == version)
        if mine:
            raise refused(f"{name} {f'version {version} ' if version else ''}is in {', '.join(mine)}; roll back first: `mlgov rollback`.")
        # An alias that somebody took away around the gate does not make a version free: its number would come again.
        kept = self._gate.kept(name, version)
        if kept:
            raise refused(kept)

    def _carried(self, name: str, version: str) -> str:
        """The digest of the model that this version says it carries; MLflow's own error for a version that is not there."""
        return str(self.get_model_version(name, version).tags.get("mlgov.model", ""))
