"""How large was what a check saw: one figure a check, so that a log and a metric can hold it whatever the columns are called."""

from __future__ import annotations

import math

from jupyter_mlgov.validation.results import CheckResult, Report


def effects(report: Report) -> dict[str, float]:
    """Check -> the figure that decided its verdict, in the check's own unit; a check that measured none is left out."""
    found = {result.validator: effect(result) for result in report.results}
    return {check: size for check, size in found.items() if size is not None}


def effect(result: CheckResult) -> float | None:
    """The first finite figure among the findings with the result's own verdict: validators put what decided first."""
    sizes = [one.measured for one in result.findings if one.verdict is result.verdict and one.measured is not None]
    return next((size for size in sizes if math.isfinite(size)), None)
