"""How numbers read: enough digits to see which side of a limit they are on, never rounded into certainty."""

from __future__ import annotations

import math

from jupyter_mlgov.core.verdicts import Verdict
from jupyter_mlgov.validation.results import Estimate, Finding


def figure(value: float | None) -> str:
    """Four significant digits; whole numbers whole; `undefined` for None and for what is not finite."""
    if value is None or not math.isfinite(value):
        return "undefined"
    if value == int(value) and abs(value) < 1e15:
        return count(int(value))
    if 1e-4 <= abs(value) < 1e6:
        digits = max(0, 3 - math.floor(math.log10(abs(value))))
        return f"{value:,.{digits}f}"
    return f"{value:.3g}"


def count(value: int) -> str:
    """`1,989`."""
    return f"{value:,}"


def percent(value: float) -> str:
    """One decimal. What is not quite 0 or 1 is never written as 0.0 or 100.0."""
    if 0 < value < 0.0005:
        return "under 0.1 %"
    if 0.9995 <= value < 1:
        return "over 99.9 %"
    return f"{value * 100:.1f} %"


def span(interval: tuple[float, float], *, as_percent: bool = False) -> str:
    """`0.7241–0.8385`, or with `to` where a minus sign would meet the dash."""
    low, high = interval
    texts = (f"{low * 100:.1f}", f"{high * 100:.1f}") if as_percent else (figure(low), figure(high))
    return f"{texts[0]} to {texts[1]}" if min(low, high) < 0 else f"{texts[0]}–{texts[1]}"


def measured(finding: Finding) -> str:
    """`0.7792 (95 % 0.7241–0.8385)`, `undefined`, or nothing where the finding measures nothing.

    Undefined is a measure that was asked for and could not be had, so it could not be told: a yes or no has no measure at all.
    """
    if finding.measured is None:
        asked = finding.allowed or finding.n is not None or finding.estimates
        untold = finding.verdict is Verdict.INCONCLUSIVE or any(one.value is None for one in finding.estimates)
        return "undefined" if asked and untold and not finding.details.get("kept_back") else ""
    if finding.interval is None:
        return figure(finding.measured)
    return f"{figure(finding.measured)} ({finding.confidence * 100:g} % {span(finding.interval)})"


def is_rate(estimate: Estimate) -> bool:
    """Whether all its numbers lie in 0..1, so that it can be read in per cent."""
    found = [estimate.value, *(estimate.interval or ())]
    return all(number is None or 0 <= number <= 1 for number in found)


def rate(estimate: Estimate) -> str:
    """`70.8 % (65.5–75.6)`, or `undefined`."""
    if estimate.value is None or not math.isfinite(estimate.value):
        return "undefined"
    as_percent = is_rate(estimate)
    shown = percent(estimate.value) if as_percent else figure(estimate.value)
    return f"{shown} ({span(estimate.interval, as_percent=as_percent)})" if estimate.interval else shown


def share(estimate: Estimate) -> str:
    """`218 of 308`."""
    return f"{count(estimate.k)} of {count(estimate.n)}"
