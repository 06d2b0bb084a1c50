"""What stands beside a subject's table: other tables, the team file's sections, a model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from jupyter_mlgov.sdk import Predict, Subject


def kept(given: Subject, name: str, columns: Mapping[str, object]) -> Path:
    """Another table, as `reference`, in the folder of the subject's own."""
    assert given.table_path
    path = given.table_path.parent / f"{name}.parquet"
    pq.write_table(pa.table(dict(columns)), path)
    return path


def repeated(columns: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Columns written as values, or as [value, how often] pairs."""
    pairs = {name: bool(values) and all(isinstance(one, list) for one in values) for name, values in columns.items()}
    return {name: [v for v, k in values for _ in range(k)] if pairs[name] else values for name, values in columns.items()}


def beside(given: Subject, case: Mapping[str, Any]) -> Subject:
    """The other tables, the team file's sections and the (linear) model of a case."""
    tables = {name: kept(given, name, repeated(case[name])) for name in ("reference", "train", "test") if name in case}
    return replace(
        given,
        reference_path=tables.pop("reference", None),
        split_paths=tables,
        register=case.get("register"),
        predict=linear(case["predict"]) if "predict" in case else None,
    )


def linear(weights: Mapping[str, float]) -> Predict:
    """A logistic model with these weights; "" is its intercept. With `clip` it guards itself: inputs within it, 0 for what is missing."""
    clip = weights.get("clip")

    def predict(features: Any) -> Any:
        total = np.full(features.num_rows, weights.get("", 0.0))
        for name, weight in weights.items():
            if name not in ("", "clip"):
                x = features.column(name).cast("float64").to_numpy(zero_copy_only=False)
                total += weight * (x if clip is None else np.clip(np.nan_to_num(x), -clip, clip))
        return 1 / (1 + np.exp(-total))

    return predict
