"""What a training step took in, as MLflow datasets under our digests.

MLflow keeps 36 characters of a dataset's digest: the first 36 hex digits of our root (144 bits) stand there,
the whole root in the input's tag `mlgov.fingerprint`. Its own digest samples 10,000 rows; this one covers all.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from jupyter_mlgov.integrations.mlflow.names import cut
from jupyter_mlgov.lineage.facts import Lineage, ObjectRef

if TYPE_CHECKING:
    from mlflow.entities import DatasetInput

DIGEST_LENGTH = 36
NAME_LENGTH = 500
SCHEMA_LENGTH = 1_048_575  # MAX_DATASET_SCHEMA_SIZE of MLflow 3.17
# Our names of types (docs/formats/fingerprint.md) in MLflow's; a type it has no name for is told as text.
_TYPES = {"int": "long", "float": "double", "bool": "boolean", "string": "string", "binary": "binary", "date": "datetime"}


def described(lineage: Lineage) -> list[dict[str, object]]:
    """The tables and files that train steps read, as plain values for a parcel: names, digests, types; no rows."""
    trained = [run for run in lineage.runs if run.step is not None and run.step.kind == "train"]
    tables = {ref.name: ref for run in trained for ref in run.inputs if ref.kind == "table"}
    data = ({"name": path, "digest": digest, "file": True} for path, digest in lineage.data.items() if digest != "unread")
    return [*(table for ref in tables.values() for table in _table(ref, lineage.notebook)), *data]


def _table(ref: ObjectRef, notebook: str) -> Iterator[dict[str, object]]:
    found = ref.fingerprint
    if found is not None:
        yield {
            "name": ref.name,
            "notebook": notebook,
            "digest": found.root,
            "method": found.method,
            "rows": found.rows,
            "schema": dict(found.schema),
            "file": False,
        }


def dataset_input(item: Mapping[str, Any]) -> DatasetInput:
    """MLflow's entity for one item of described(). Raises KeyError or TypeError for anything else."""
    from mlflow.entities import Dataset, DatasetInput, InputTag

    root = str(item["digest"])
    source = {"uri": item["name"]} if item["file"] else {"notebook": item["notebook"], "name": item["name"], "fingerprint": root}
    schema = json.dumps({"mlflow_colspec": list(_colspec(item.get("schema") or {}))}, ensure_ascii=False)
    rows = int(item.get("rows", -1))
    dataset = Dataset(
        name=cut(str(item["name"]), NAME_LENGTH),
        digest=root.removeprefix("sha256:")[:DIGEST_LENGTH],
        source_type="local" if item["file"] else "mlgov",
        source=json.dumps(source, ensure_ascii=False),
        schema=schema if item.get("schema") and len(schema) <= SCHEMA_LENGTH else None,
        profile=json.dumps({"num_rows": rows}) if rows >= 0 else None,
    )
    tags = {"mlflow.data.context": "training", "mlgov.fingerprint": root, "mlgov.method": str(item.get("method", "mlgov-file-1"))}
    return DatasetInput(dataset=dataset, tags=[InputTag(name, value) for name, value in tags.items()])


def _colspec(schema: Mapping[str, str]) -> Iterator[dict[str, object]]:
    for name, kind in schema.items():
        yield {"name": name, "type": "datetime" if kind.startswith("timestamp") else _TYPES.get(kind, "string"), "required": True}
