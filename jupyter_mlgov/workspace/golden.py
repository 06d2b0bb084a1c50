"""Golden predictions: a few rows and the scores the promoted model gave them, kept so that a way back can be tried before it is taken."""

from __future__ import annotations

import json
from collections.abc import Sequence
from io import BytesIO
from typing import TYPE_CHECKING, Any

from jupyter_mlgov.core.canonical import canonical_json
from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.promotion.rollback import Looked
from jupyter_mlgov.validation.subjects import Missing

if TYPE_CHECKING:
    from pathlib import Path

    from jupyter_mlgov.workspace.composition import Workspace

ROWS = 20
# The same file scored on the same machine gives the same bits; another BLAS may differ in the last ones.
TOLERANCE = 1e-9


def take(workspace: Workspace, table: Path, model: Digest, favourable: str) -> tuple[Digest | None, str]:
    """(digest of the golden object, why there is none). ROWS rows spread over `table`, and the stored model's scores of them."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from jupyter_mlgov.workspace.models import StoredModel

    try:
        whole = pq.read_table(table)
        places = [index * (whole.num_rows - 1) // max(ROWS - 1, 1) for index in range(min(ROWS, whole.num_rows))]
        rows = whole.take(sorted(set(places)))
        scores = StoredModel(path=workspace.objects.path(model), digest=model, favourable=favourable)(rows)
    except Missing as error:
        return None, str(error)
    except Exception as error:  # noqa: BLE001 # a model may raise anything on a table; the promotion goes on and says what it lacks
        return None, f"the model gave no scores of `{table.name}`: {type(error).__name__}"
    sink = BytesIO()
    with pa.ipc.new_stream(sink, rows.schema) as writer:
        writer.write_table(rows)
    body = {"rows": workspace.objects.put(sink.getvalue()), "scores": [float(score).hex() for score in scores], "favourable": favourable}
    return workspace.objects.put(canonical_json(body)), ""


def look(workspace: Workspace, golden: Digest, model: Digest) -> Looked:
    """Score the golden rows again with the stored model, in this environment, and compare."""
    import pyarrow as pa

    from jupyter_mlgov.workspace.models import StoredModel

    name = "golden predictions"
    try:
        body = json.loads(workspace.objects.get(golden))
        rows = pa.ipc.open_stream(workspace.objects.get(Digest(body["rows"]))).read_all()
        wanted = [float.fromhex(score) for score in body["scores"]]
        now = StoredModel(path=workspace.objects.path(model), digest=model, favourable=body["favourable"])(rows)
    except Exception as error:  # noqa: BLE001 # whatever stops it, the model does not answer as it did
        return Looked(
            name=name, answer="failed", said=f"the model does not answer: {type(error).__name__}: {' '.join(str(error).split())[:160]}"
        )
    worst = _worst(wanted, now)
    if worst > TOLERANCE:
        return Looked(name=name, answer="failed", said=f"scores differ by up to {worst:.3g} from those at its promotion")
    return Looked(name=name, answer="ok", said=f"{len(wanted)} rows scored as at its promotion")


def _worst(wanted: Sequence[float], now: Any) -> float:
    return max((abs(float(one) - other) for one, other in zip(now, wanted, strict=True)), default=0.0)
