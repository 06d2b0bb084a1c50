"""Tells MLflow about a session: one run, its model, one registered version; asked twice, still one."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from jupyter_mlgov.audit.journal import ObjectStore, Parcel
from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.core.errors import BadInput, NotReady
from jupyter_mlgov.integrations.mlflow.connection import connected, shown
from jupyter_mlgov.integrations.mlflow.inputs import dataset_input
from jupyter_mlgov.integrations.mlflow.names import KEY_LENGTH, PARAM_LENGTH, TAG_LENGTH, cut, keys, model_name
from jupyter_mlgov.integrations.mlflow.own_runs import close_dead, own_runs, told_in_training

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

_BATCH = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class _Order:
    """A parcel's payload, with its types checked."""

    key: str
    model: str
    started_ms: int
    parameters: Mapping[str, str]
    metrics: Mapping[str, float]
    tags: Mapping[str, str]
    model_digest: str
    model_object: Digest | None
    model_note: str
    requirements: tuple[str, ...]
    session: str
    status: str
    inputs: tuple[Mapping[str, Any], ...]


class MlflowProjector:
    """Delivers parcels of kind `run` and `close`. `artifact_root` is where a new experiment keeps its files; empty: where MLflow says.

    `sign` is shown the folder of each model before it is handed over, and may add a file to it.
    """

    def __init__(
        self,
        tracking_uri: str,
        artifact_root: str = "",
        *,
        say: Callable[[str], None] | None = None,
        sign: Callable[[Path], None] | None = None,
    ) -> None:
        self.tracking_uri = tracking_uri
        self.artifact_root = artifact_root
        self.say = say or (lambda _: None)
        self.sign = sign or (lambda _: None)

    def deliver(self, parcel: Parcel, objects: ObjectStore) -> dict[str, object]:
        """Make, or finish, the run of `parcel`. Returns `run_id`, `version` (empty where none), `model`, `uri`, `note`.

        Idempotent by the tag `mlgov.key`: a delivery that died half-way is taken up where it stopped. A run that cannot be finished
        is closed as FAILED. Raises SystemUnreachable, and BadInput for a parcel or a model name that cannot be told.
        """
        self.say("opening MLflow …")
        if parcel.kind == "close":
            with connected(self.tracking_uri, self.artifact_root) as client:
                closed = close_dead(client, str(parcel.payload.get("session", "")))
            return {"closed": closed, "uri": shown(self.tracking_uri)}
        order = _read(parcel)
        with connected(self.tracking_uri, self.artifact_root) as client:
            experiment = self._experiment(client, order.model)
            run_id = _find_run(client, experiment, order.key) or _open_run(client, experiment, order)
            try:
                own = own_runs(client, order.session)
                _tell(client, run_id, _with_own(order, own))
                _link(client, run_id, own)
                client.log_inputs(run_id, [dataset_input(item) for item in order.inputs])
                version = self._version(client, experiment, run_id, order, objects)
            except BaseException:
                with suppress(Exception):  # where not even this gets through, the next delivery finds the run and finishes it
                    client.set_terminated(run_id, status="FAILED")
                raise
            if client.get_run(run_id).info.status != order.status:
                client.set_terminated(run_id, status=order.status)
        note = "" if version else f"No version was registered: {order.model_note or 'the model has no stored form'}."
        return {"run_id": run_id, "version": version, "model": order.model, "uri": shown(self.tracking_uri), "note": note}

    def _experiment(self, client: MlflowClient, name: str) -> str:
        found = client.get_experiment_by_name(name)
        if found is not None and found.lifecycle_stage == "deleted":
            raise BadInput(
                f"The MLflow experiment {name} was deleted.", next="Restore it there, or set another `name` under [model] in mlgov.toml."
            )
        if found is not None:
            return str(found.experiment_id)
        location = (
            Path(self.artifact_root).absolute().as_uri() if self.artifact_root and "://" not in self.artifact_root else self.artifact_root
        )
        return str(client.create_experiment(name, artifact_location=location or None))

    def _version(self, client: MlflowClient, experiment: str, run_id: str, order: _Order, objects: ObjectStore) -> str:
        """The registered version of this run; the one there is, or a new one."""
        if order.model_object is None or not order.model_digest:
            return ""
        for version in client.search_model_versions(f"run_id = '{run_id}'"):
            if version.name == order.model and version.tags.get("mlgov.key") == order.key:
                return str(version.version)
        model_id = _finished_model(client, experiment, run_id)
        if not model_id:
            self.say("logging the model …")
            model_id = _log_model(client, experiment, run_id, order, objects.get(order.model_object), self.sign)
        _register_name(client, order.model)
        tags = {name: cut(value, TAG_LENGTH) for name, value in order.tags.items()}
        # Not `models:/…` as the source: MLflow's database store would look that up under the process's own tracking URI, not the client's.
        source = client.get_logged_model(model_id).artifact_location
        made = client.create_model_version(order.model, source, run_id, {**tags, "mlgov.key": order.key}, model_id=model_id)
        return str(made.version)


def _read(parcel: Parcel) -> _Order:
    payload = parcel.payload
    stored = payload.get("model_object") or ""
    try:
        return _Order(
            key=parcel.key,
            model=model_name(_text(payload["model"])),
            started_ms=int(datetime.fromisoformat(_text(payload["started"])).timestamp() * 1000),
            parameters={str(name): _text(value) for name, value in _mapping(payload["parameters"]).items()},
            metrics={str(name): float(cast(float, value)) for name, value in _mapping(payload["metrics"]).items()},
            tags={str(name): _text(value) for name, value in _mapping(payload["tags"]).items()},
            model_digest=_text(payload.get("model_digest") or ""),
            model_object=Digest(_text(stored)) if stored else None,
            model_note=_text(payload.get("model_note") or ""),
            requirements=tuple(_text(item) for item in cast("list[object]", payload.get("requirements") or [])),
            session=_text(payload.get("session") or ""),
            status=_text(payload.get("status") or "FINISHED"),
            inputs=tuple(cast("Mapping[str, Any]", _mapping(item)) for item in cast("list[object]", payload.get("inputs") or [])),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise BadInput(
            f"The parcel {cut(parcel.key, 80)} cannot be read: {type(error).__name__}.", expected="A payload made by run_parcel()."
        ) from None


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("not text")
    return str(value)  # a Digest becomes plain text: MLflow's YAML knows no other


def _mapping(value: object) -> Mapping[object, object]:
    if not isinstance(value, Mapping):
        raise TypeError("not an object")
    return value


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _find_run(client: MlflowClient, experiment: str, key: str) -> str:
    found = client.search_runs([experiment], filter_string=f"tags.`mlgov.key` = {_quoted(key)}", max_results=10)
    same = [run for run in found if run.data.tags.get("mlgov.key") == key]
    return str(same[-1].info.run_id) if same else ""


def _open_run(client: MlflowClient, experiment: str, order: _Order) -> str:
    tags = {"mlgov.key": order.key, "mlflow.source.name": order.tags.get("mlgov.notebook", ""), "mlflow.source.type": "NOTEBOOK"}
    return str(client.create_run(experiment, start_time=order.started_ms, tags=tags).info.run_id)


def _with_own(order: _Order, own: list[Run]) -> _Order:
    """What autologging found while training belongs to the story too; what the recorder saw itself wins."""
    parameters, metrics = told_in_training(own)
    finite = {name: value for name, value in metrics.items() if math.isfinite(value)}
    return replace(order, parameters={**parameters, **order.parameters}, metrics={**finite, **order.metrics})


def _link(client: MlflowClient, run_id: str, own: list[Run]) -> None:
    """The session's run names the scientist's own runs, and each of them names it."""
    if own:
        client.set_tag(run_id, "mlgov.runs", cut(", ".join(str(run.info.run_id) for run in own), TAG_LENGTH))
    for run in own:
        client.set_tag(run.info.run_id, "mlgov.run", run_id)


def _tell(client: MlflowClient, run_id: str, order: _Order) -> None:
    """Parameters, metrics and tags. The same values again change nothing, so a half-told run is told whole."""
    from mlflow.entities import Metric, Param, RunTag

    names = keys(order.parameters)
    tags = {name: cut(value, TAG_LENGTH) for name, value in order.tags.items()}
    for name, value in order.parameters.items():
        if len(value) > PARAM_LENGTH:
            tags[f"mlgov.cut.{names[name]}"[:KEY_LENGTH]] = Digest.of_text(value)
    metric_names = keys(order.metrics)
    params = [Param(names[name], cut(value, PARAM_LENGTH)) for name, value in order.parameters.items()]
    metrics = [Metric(metric_names[name], value, order.started_ms, 0) for name, value in order.metrics.items()]
    marks = [RunTag(name, value) for name, value in tags.items()]
    for start in range(0, max(len(params), len(metrics), len(marks), 1), _BATCH):
        part = slice(start, start + _BATCH)
        client.log_batch(run_id, metrics=metrics[part], params=params[part], tags=marks[part])


def _finished_model(client: MlflowClient, experiment: str, run_id: str) -> str:
    """A model that an interrupted delivery already logged whole; what it left half-logged is closed as FAILED."""
    finished = ""
    for logged in client.search_logged_models([experiment], filter_string=f"source_run_id = '{run_id}'"):
        if str(logged.status) == "READY" and logged.tags.get("mlgov.whole") == "yes":
            finished = str(logged.model_id)
        elif str(logged.status) == "PENDING":
            client.finalize_logged_model(logged.model_id, "FAILED")
    return finished


def _log_model(client: MlflowClient, experiment: str, run_id: str, order: _Order, stored: bytes, sign: Callable[[Path], None]) -> str:
    """Save the stored model in MLflow's form and hand it over. The client alone is used: the fluent API would end the reader's own run."""
    import mlflow.sklearn
    from mlflow.entities import LoggedModelOutput
    from mlflow.models import Model

    model, trusted = _load(stored)
    logged = client.create_logged_model(experiment, name="model", source_run_id=run_id, tags={"mlgov.model": order.model_digest})
    try:
        client.log_outputs(run_id, [LoggedModelOutput(logged.model_id, step=0)])
        with tempfile.TemporaryDirectory(prefix="mlgov-") as folder:
            target = str(Path(folder) / "model")
            mlflow.sklearn.save_model(
                model,
                target,
                mlflow_model=Model(
                    artifact_path=logged.artifact_location, run_id=run_id, model_id=logged.model_id, model_uuid=logged.model_id
                ),
                serialization_format="skops",
                skops_trusted_types=trusted,
                pip_requirements=list(order.requirements) or None,
                metadata={"mlgov.model": order.model_digest},
            )
            sign(Path(target))
            client.log_model_artifacts(logged.model_id, target)
        client.set_logged_model_tags(logged.model_id, {"mlgov.whole": "yes"})
        client.finalize_logged_model(logged.model_id, "READY")
    except BaseException:
        with suppress(Exception):  # the next delivery closes what stayed pending
            client.finalize_logged_model(logged.model_id, "FAILED")
        raise
    return str(logged.model_id)


def _load(stored: bytes) -> tuple[Any, list[str]]:  # the model is any scikit-learn estimator; it does not leave this module
    import skops.io

    # Trusted here, and only here: these bytes come from ObjectStore.get(), which checked them against their digest, and that digest
    # was written by our own recorder when the train cell ended in this person's own kernel. Nothing from outside comes this way.
    try:
        trusted = list(skops.io.get_untrusted_types(data=stored))
        return skops.io.loads(stored, trusted=trusted), trusted
    except Exception as error:  # noqa: BLE001  # a class of the notebook that this process does not have raises whatever its import raises
        raise NotReady(
            f"The stored model cannot be loaded in this process: {cut(' '.join(str(error).split()), 200).rstrip('.')}.",
            expected="Every class it is made of can be imported here.",
            next="Ask from the notebook that made it: `%mlgov promote`. The run without its model is marked FAILED until then.",
        ) from None


def _register_name(client: MlflowClient, name: str) -> None:
    from mlflow.exceptions import MlflowException

    try:
        client.create_registered_model(name)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
