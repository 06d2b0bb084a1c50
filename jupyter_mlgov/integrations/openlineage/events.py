"""A step run in OpenLineage's words (spec 2-0-2), built from the library's own classes.

Naming (OpenLineage's naming guide): a file is `file` + its absolute path; a table, array or model between two steps
is the job's namespace + `NOTEBOOK/NAME`. A dataset's version is our fingerprint, so a changed value is a new version whatever wrote it.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from jupyter_mlgov._version import __version__
from jupyter_mlgov.core.clock import stamp
from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.lineage.facts import CellRun, FileRef, ObjectRef, Outcome, Session

if TYPE_CHECKING:
    from openlineage.client.event_v2 import RunEvent

PRODUCER = f"urn:jupyter-mlgov:{__version__}"
MOST_FIELDS = 1000
_TYPES = {"table": "TABLE", "array": "ARRAY", "model": "MODEL"}


def events(run: CellRun, session: Session, *, namespace: str, root: Path) -> tuple[RunEvent, RunEvent]:
    """The START event and the one that ends it: COMPLETE, FAIL, or ABORT for a run that was killed. `root` is the workspace's folder."""
    from openlineage.client import event_v2 as ol

    known = ol.Run(runId=_uuid(run.id), facets=_run_facets(run, session, namespace))
    job = ol.Job(namespace=namespace, name=f"{run.notebook}.{run.step.label if run.step else run.cell_id}", facets=_job_facets())
    ending = {Outcome.OK: ol.RunState.COMPLETE, Outcome.KILLED: ol.RunState.ABORT}.get(run.outcome, ol.RunState.FAIL)
    inputs = [
        *(_file(ref, root, ol.InputDataset) for ref in run.files_read),
        *(_object(ref, run.notebook, namespace, ol.InputDataset) for ref in run.inputs),
    ]
    outputs = [
        *(_file(ref, root, ol.OutputDataset) for ref in run.files_written),
        *(_object(ref, run.notebook, namespace, ol.OutputDataset) for ref in run.outputs),
    ]

    def event(state: Any, moment: datetime, made: list[Any]) -> RunEvent:
        return ol.RunEvent(eventType=state, eventTime=stamp(moment), run=known, job=job, inputs=inputs, outputs=made, producer=PRODUCER)

    ended = run.started + timedelta(milliseconds=run.duration_ms)
    return event(ol.RunState.START, run.started, []), event(ending, ended, outputs)


def _uuid(hexadecimal: str) -> str:
    """Our run and session ids are UUIDs without dashes; any other text gets the UUID that its name stands for."""
    try:
        return str(uuid.UUID(hexadecimal))
    except ValueError:
        return str(uuid.uuid5(uuid.NAMESPACE_URL, f"urn:jupyter-mlgov:{hexadecimal}"))


def _run_facets(run: CellRun, session: Session, namespace: str) -> dict[str, Any]:
    from openlineage.client.facet_v2 import error_message_run, execution_parameters_run, parent_run, processing_engine_run

    facets: dict[str, Any] = {
        "parent": parent_run.ParentRunFacet(
            run=parent_run.Run(runId=_uuid(session.id)), job=parent_run.Job(namespace=namespace, name=run.notebook), producer=PRODUCER
        ),
        "processing_engine": processing_engine_run.ProcessingEngineRunFacet(
            name="Python", version=session.environment.python, openlineageAdapterVersion=__version__, producer=PRODUCER
        ),
        "mlgov_cellRun": _own(
            "cellRun",
            cell=run.cell_id,
            order=run.order,
            source=run.source_digest,
            environment=session.environment.digest,
            commit=session.code.commit,
            dirty=bool(session.code.dirty),
            outcome=run.outcome.value,
        ),
    }
    if run.outcome is not Outcome.OK:
        facets["errorMessage"] = error_message_run.ErrorMessageRunFacet(
            message=run.error or run.outcome.value, programmingLanguage="Python", producer=PRODUCER
        )
    if run.parameters:
        values = [execution_parameters_run.ExecutionParameter(key=name, value=str(value)) for name, value in run.parameters.items()]
        facets["executionParameters"] = execution_parameters_run.ExecutionParametersRunFacet(parameters=values, producer=PRODUCER)
    return facets


def _job_facets() -> dict[str, Any]:
    from openlineage.client.facet_v2 import job_type_job

    return {"jobType": job_type_job.JobTypeJobFacet(processingType="BATCH", integration="JUPYTER", jobType="STEP", producer=PRODUCER)}


def _own(name: str, **values: object) -> Any:
    """A facet of ours (docs/formats/openlineage.md), under the prefix that the specification asks of a producer."""
    import attr
    from openlineage.client.generated.base import BaseFacet

    schema = staticmethod(lambda: f"urn:jupyter-mlgov:openlineage:{name}-1")
    made = attr.make_class(
        f"Mlgov{name[0].upper()}{name[1:]}Facet", list(values), bases=(BaseFacet,), class_body={"_get_schema": schema}, slots=False
    )
    return made(**values, producer=PRODUCER)


def _file(ref: FileRef, root: Path, kind: Any) -> Any:  # a dataset of `kind`, one of the library's two
    """`path` of a FileRef is below the workspace where it lies inside, absolute elsewhere; OpenLineage wants it absolute."""
    from openlineage.client.facet_v2 import dataset_type_dataset

    path = PurePosixPath(ref.path)
    name = path if path.is_absolute() else PurePosixPath(root.as_posix()) / path
    facets: dict[str, Any] = {"datasetType": dataset_type_dataset.DatasetTypeDatasetFacet(datasetType="FILE", producer=PRODUCER)}
    facets |= _version(ref.digest)
    dataset = kind(namespace="file", name=str(name), facets=facets)
    _count(dataset, size=ref.size)
    return dataset


def _object(ref: ObjectRef, notebook: str, namespace: str, kind: Any) -> Any:  # a dataset of `kind`, one of the library's two
    from openlineage.client.facet_v2 import dataset_type_dataset

    found = ref.fingerprint
    facets: dict[str, Any] = {
        "datasetType": dataset_type_dataset.DatasetTypeDatasetFacet(datasetType=_TYPES[ref.kind], producer=PRODUCER),
        **_version(found.root if found else None),
    }
    if found is not None and ref.kind == "table":
        facets["schema"] = _schema(found.schema.items())
        columns = dict(list(found.columns.items())[:MOST_FIELDS])
        facets["mlgov_fingerprint"] = _own("fingerprint", method=found.method, root=found.root, rows=found.rows, columns=columns)
    dataset = kind(namespace=namespace, name=f"{notebook}/{ref.name}", facets=facets)
    if found is not None:
        _count(dataset, rows=found.rows)
    return dataset


def _schema(columns: Iterable[tuple[str, str]]) -> Any:
    from openlineage.client.facet_v2 import schema_dataset

    def fields() -> Iterator[Any]:
        for position, (name, kind) in enumerate(columns, start=1):
            if position > MOST_FIELDS:
                return
            yield schema_dataset.SchemaDatasetFacetFields(name=name, type=kind, ordinal_position=position)

    return schema_dataset.SchemaDatasetFacet(fields=list(fields()), producer=PRODUCER)


def _version(digest: Digest | None) -> dict[str, Any]:
    from openlineage.client.facet_v2 import dataset_version_dataset

    if digest is None:
        return {}
    return {"version": dataset_version_dataset.DatasetVersionDatasetFacet(datasetVersion=str(digest), producer=PRODUCER)}


def _count(dataset: Any, *, rows: int = -1, size: int = -1) -> None:
    """Rows and bytes where they are known, in the facet that a dataset on this side of a run has for them."""
    from openlineage.client.facet_v2 import input_statistics_input_dataset, output_statistics_output_dataset

    known = {name: value for name, value in (("rowCount", rows), ("size", size)) if value >= 0}
    if not known:
        return
    if hasattr(dataset, "inputFacets"):
        facet = input_statistics_input_dataset.InputStatisticsInputDatasetFacet(**known, producer=PRODUCER)
        dataset.inputFacets = {"inputStatistics": facet}
    else:
        dataset.outputFacets = {
            "outputStatistics": output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet(**known, producer=PRODUCER)
        }
