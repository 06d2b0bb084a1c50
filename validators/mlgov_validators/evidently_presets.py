"""What Evidently's presets say of the same columns, attached as detail. Their verdicts never decide; ours do.

Their conventions are not ours: PSI and Jensen-Shannon over Sturges' bins of both samples together (or single values, up to 20),
Jensen-Shannon with natural logarithms, the chi-square of a sample against an exact reference, Wasserstein over at least 0.001.
"""

from __future__ import annotations

import json
import math
import warnings
from typing import TYPE_CHECKING, Any

from jupyter_mlgov.sdk import Finding, Missing, Verdict

if TYPE_CHECKING:
    from ibis.expr.types import Table

MOST_ROWS = 100_000
INSTALL = 'pip install "jupyter-mlgov[drift]"'


def drift_preset(reference: Table, table: Table, names: list[str]) -> Finding:
    """Evidently's DataDriftPreset on these columns, as a finding that decides nothing. Raises Missing without the extra."""
    frames = [_frame(side, names) for side in (table, reference)]
    metrics = _run("DataDriftPreset", *frames)
    return _attached("drift", metrics, frames)


def summary_preset(table: Table, names: list[str]) -> Finding:
    """Evidently's DataSummaryPreset on these columns, as a finding that decides nothing. Raises Missing without the extra."""
    frame = _frame(table, names)
    return _attached("data-quality", _run("DataSummaryPreset", frame), [frame])


def _frame(table: Table, names: list[str]) -> Any:  # a pandas frame; Evidently takes no other
    return table.select(*names).limit(MOST_ROWS).to_pandas()


def _run(preset: str, *frames: Any) -> dict[str, object]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its import warns four times of libraries that are not ours
        try:
            from evidently import Report, presets
        except ImportError:
            raise Missing("Evidently's presets were asked for and evidently is not installed.", next=f"`{INSTALL}`.") from None
        told = Report([getattr(presets, preset)()]).run(*frames).dict()
    return {str(metric["metric_name"]): _plain(metric["value"]) for metric in told["metrics"]}


def _plain(value: object) -> object:
    """The value as plain JSON: what has no number is None."""
    text = json.dumps(value, default=lambda one: one.item() if hasattr(one, "item") else str(one))
    plain: object = json.loads(text, parse_constant=lambda _: None)
    return plain


def _attached(what: str, metrics: dict[str, object], frames: list[Any]) -> Finding:
    rows = min(len(frame) for frame in frames)
    cut = f" of the first {MOST_ROWS:,} rows" if any(len(frame) == MOST_ROWS for frame in frames) else ""
    said = f"Evidently's {what} preset{cut}: {len(metrics)} figures, attached. They decide nothing."
    return Finding(message=said, verdict=Verdict.NOT_APPLICABLE, n=rows, details={"evidently": metrics})


def psi_shares(reference: list[float], current: list[float]) -> tuple[list[float], list[float]]:
    """Counts as shares by Evidently's rule for empty bins: 0.0001, or a millionth of the smallest share where that is at most 0.0001.

    Given to `divergence.psi_of_shares`, these give Evidently's PSI over the same bins.
    """

    def filled(counts: list[float]) -> list[float]:
        total = math.fsum(counts)
        smallest = min(count / total for count in counts if count)
        floor = smallest / 10**6 if smallest <= 1e-4 else 1e-4
        return [count / total if count else floor for count in counts]

    return filled(reference), filled(current)
