"""What became of the requests: labels brought in later, and the log of predictions they are joined with."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_mlgov.core.errors import BadInput
from jupyter_mlgov.workspace.serving import predictions_folder

if TYPE_CHECKING:
    from jupyter_mlgov.workspace.composition import Workspace

_EXPECTED = "Columns request and label, as CSV or Parquet; request is the id in the header mlgov-request."
_numbers = itertools.count()


def predictions(workspace: Workspace, model: str, columns: list[str] | None = None) -> Any:
    """The log of predictions of a model as a pyarrow table, Parquet or Delta, as it was written."""
    from jupyter_mlgov.rollout.serving.records import read_predictions

    folder = predictions_folder(workspace.root, model)
    if (folder / "_delta_log").is_dir():
        from jupyter_mlgov.integrations.delta import table_of

        return table_of(folder, columns)
    return read_predictions(folder, columns)


def add_labels(workspace: Workspace, model: str, path: Path) -> int:
    """Keep the labels of a file; a later label for a request replaces the one before. Returns how many it has. Raises BadInput."""
    import pyarrow as pa
    import pyarrow.csv as csv
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path) if path.suffix == ".parquet" else csv.read_csv(path, convert_options=_as_text(csv, pa))
    except (OSError, pa.ArrowException) as error:
        raise BadInput(f"{path.name} cannot be read: {' '.join(str(error).split())[:160]}.", expected=_EXPECTED) from None
    lacking = [name for name in ("request", "label") if name not in table.column_names]
    if lacking:
        raise BadInput(f"{path.name} has no column {lacking[0]}.", expected=_EXPECTED)
    kept = pa.table({name: [None if value is None else str(value) for value in table[name].to_pylist()] for name in ("request", "label")})
    folder = _folder(workspace, model)
    folder.mkdir(parents=True, exist_ok=True)
    name = f"{workspace.clock.now():%Y%m%d%H%M%S%f}-{os.getpid()}-{next(_numbers)}.parquet"
    pq.write_table(kept, folder / f".{name}")
    (folder / f".{name}").rename(folder / name)
    return int(kept.num_rows)


def labels(workspace: Workspace, model: str) -> dict[str, object]:
    """request -> label, the newest word."""
    return {request: label for request, label in told(workspace, model) if label is not None}


def told(workspace: Workspace, model: str) -> Iterator[tuple[str, object]]:
    """Every (request, label) that was ever brought in, oldest file first; one request may come again."""
    import pyarrow.parquet as pq

    for path in sorted(path for path in _folder(workspace, model).glob("*.parquet") if not path.name.startswith(".")):
        table = pq.read_table(path)
        yield from zip(table["request"].to_pylist(), table["label"].to_pylist(), strict=True)


def _as_text(csv: Any, pa: Any) -> Any:
    return csv.ConvertOptions(column_types={"request": pa.string(), "label": pa.string()})


def _folder(workspace: Workspace, model: str) -> Path:
    folder = predictions_folder(workspace.root, model)
    return folder.with_name(folder.name + ".labels")
