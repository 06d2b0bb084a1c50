"""MLflow's own digest of a table, for whoever wants to see both: it looks at the first 10,000 rows (mlflow/data/digest_utils.py)."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pandas import DataFrame


def sampled_digest(table: DataFrame) -> str:
    """What `mlflow.data.from_pandas(table).digest` says."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # MLflow warns about integer columns, which are no concern here
        from mlflow.data import from_pandas

        return str(from_pandas(table).digest)
