"""The demo's last proof: every label behind row 10,000 turned round, seen by us and not by a digest that samples."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from jupyter_mlgov.core.errors import MlgovError
from jupyter_mlgov.lineage.compare import Difference

LABEL = "approve"
FROM_ROW = 10_000
ROWS = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class LateFlip:
    """MLflow's digest before and after, and what ours says."""

    mlflow_before: str
    mlflow_after: str
    found: Difference


def late_flip(data: Path, folder: Path) -> LateFlip:
    """Repeat the table in `data` up to `ROWS` rows, flip `LABEL` from `FROM_ROW` on, write both into `folder`, and compare them.

    Raises MlgovError when the flip is not found as it was made: the demo must not claim what it did not see.
    """
    import pandas as pd

    from jupyter_mlgov.integrations.mlflow.sampled import sampled_digest
    from jupyter_mlgov.workspace.comparing import Wish, compared

    table = pd.read_parquet(data)
    before = pd.concat([table] * (ROWS // len(table) + 1), ignore_index=True).iloc[:ROWS]
    after = before.copy()
    after.loc[FROM_ROW:, LABEL] = 1 - after.loc[FROM_ROW:, LABEL]
    folder.mkdir(exist_ok=True)
    paths = folder / "labels.parquet", folder / "labels-flipped.parquet"
    for path, content in zip(paths, (before, after), strict=True):
        content.to_parquet(path, index=False)
    found = compared(str(paths[0]), str(paths[1]), Wish(most=1))
    if [(one.column, one.rows, one.first) for one in found.changed] != [(LABEL, ROWS - FROM_ROW, (FROM_ROW,))]:
        raise MlgovError("The flipped labels were not found.", next="This is a defect; please report it.")
    return LateFlip(mlflow_before=sampled_digest(before), mlflow_after=sampled_digest(after), found=found)
