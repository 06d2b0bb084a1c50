"""A checkpoint as tags of the registered model version it was made for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from jupyter_mlgov.audit.anchors import Occasion, Receipt, Testimony, Witness
from jupyter_mlgov.core.errors import MlgovError, NotReady, SystemUnreachable
from jupyter_mlgov.integrations.mlflow.connection import connected
from jupyter_mlgov.integrations.mlflow.names import alias, model_name

_TAG = "mlgov.checkpoint"


class MlflowAnchor:
    """The Anchor port over MLflow's registry. Reads every version of every model that carries such a tag.

    A server is shared, so a note of another log on it is said, and is not this log's fault.
    """

    name = "mlflow"

    def __init__(self, tracking_uri: str, *, shared: bool) -> None:
        self._uri, self._shared = tracking_uri, shared

    def leave(self, note: str, occasion: Occasion) -> Mapping[str, str]:
        if not occasion.model or not occasion.version:
            raise NotReady("MLflow keeps checkpoints on a model version, and this one belongs to none.")
        name = f"{_TAG}.{alias(occasion.stage)}" if occasion.stage else _TAG
        with connected(self._uri) as client:
            client.set_model_version_tag(model_name(occasion.model), occasion.version, name, note)
            took = client.get_model_version(occasion.model, occasion.version).tags.get(name)
        if took != note:
            raise SystemUnreachable("MLflow took the checkpoint but does not show it.")
        return {"model": occasion.model, "version": occasion.version, "tag": name}

    def testify(self, receipts: Sequence[Receipt]) -> Testimony:
        models = sorted({receipt.answer.get("model", "") for receipt in receipts} - {""})
        try:
            with connected(self._uri) as client:
                models = sorted({*models, *(model.name for model in client.search_registered_models(max_results=1000))})
                found = [version for name in models for version in client.search_model_versions(f"name = '{model_name(name)}'")]
        except MlgovError as error:
            return Testimony(anchor=self.name, cannot=error.what)
        held = {
            (version.name, str(version.version), tag): text
            for version in found
            for tag, text in version.tags.items()
            if tag == _TAG or tag.startswith(_TAG + ".")
        }
        # The tag of a version holds the newest checkpoint of its stage, so only the newest receipt for each must be there.
        newest = {(one.answer.get("model"), one.answer.get("version"), one.answer.get("tag")): one.note for one in receipts}
        gone = [place for place, note in newest.items() if held.get((str(place[0]), str(place[1]), str(place[2]))) != note]
        denied = (f"{len(gone)} of {len(newest)} tags that were set are gone or changed.",) if gone else ()
        witnesses = tuple(
            Witness(where=f"tag {tag} of {model} version {version}", note=text, exclusive=not self._shared)
            for (model, version, tag), text in sorted(held.items())
        )
        return Testimony(anchor=self.name, witnesses=witnesses, denied=denied)
