"""Small plots: points with intervals on a common scale. The SVG holds lines and short ticks only; names and numbers are text beside it,
so that nothing can overlap or be cut off, whatever a group is called and however narrow the place is."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from jupyter_mlgov.reports.markup import Html, el
from jupyter_mlgov.reports.numbers import figure
from jupyter_mlgov.validation.results import Estimate, Finding

_TICKS = 4
_HEIGHT = 22


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """A common scale with round ends. `place` maps a value to per cent of the width."""

    low: float
    high: float
    step: float
    as_percent: bool

    def place(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low)
        return round(100 * min(1.0, max(0.0, share)), 2)

    @property
    def ticks(self) -> tuple[float, ...]:
        count = round((self.high - self.low) / self.step)
        return tuple(self.low + self.step * index for index in range(count + 1))

    def label(self, value: float) -> str:
        return f"{value * 100:g} %" if self.as_percent and self.step >= 0.001 else figure(round(value, 10))


def rows(finding: Finding) -> tuple[Estimate, ...]:
    """What the plot of a finding shows: its groups, or the one measured value with its interval; none where there is nothing to compare."""
    if finding.estimates:
        return finding.estimates
    if finding.measured is None or (finding.interval is None and finding.reference is None):
        return ()
    return (Estimate(label="measured", value=finding.measured, interval=finding.interval, k=-1, n=finding.n or -1),)


def scale(estimates: Sequence[Estimate], reference: float | None) -> Scale | None:
    """A scale that holds every value, interval end and the reference, or None where there is no number at all."""
    numbers = list(_numbers(estimates, reference))
    if not numbers:
        return None
    low, high = min(numbers), max(numbers)
    rates = low >= 0 and high <= 1 and bool(estimates) and estimates[0].k >= 0
    room = (high - low) * 0.06 or max(abs(high), 1.0) * 0.05
    step = _round_step((high - low + 2 * room) / _TICKS)
    bottom, top = math.floor((low - room) / step) * step, math.ceil((high + room) / step) * step
    if low >= 0:
        bottom = max(0.0, bottom)
    if rates:
        top = min(math.ceil(1 / step - 1e-9) * step, top)
    return Scale(low=bottom, high=top, step=step, as_percent=rates)


def track(estimate: Estimate, on: Scale, reference: float | None) -> Html:
    """One group's row: its interval as a line, its value as a point, the reference as a dashed line through all rows."""
    parts = [_line(0, 100, _HEIGHT // 2, "mg-rail")]
    if reference is not None and math.isfinite(reference):
        place = on.place(reference)
        parts.append(el("line", x1=f"{place}%", x2=f"{place}%", y1=0, y2=_HEIGHT, class_="mg-limit"))
    if estimate.interval and all(math.isfinite(end) for end in estimate.interval):
        parts.append(_line(on.place(estimate.interval[0]), on.place(estimate.interval[1]), _HEIGHT // 2, "mg-span"))
    if estimate.value is not None and math.isfinite(estimate.value):
        parts.append(el("circle", cx=f"{on.place(estimate.value)}%", cy=_HEIGHT // 2, r=4.5, class_="mg-point"))
    return el("svg", *parts, width="100%", height=_HEIGHT, class_="mg-track", aria_hidden="true", focusable="false")


def axis(on: Scale) -> Html:
    """Tick labels; the outer two are anchored inwards, so none is cut off."""
    ticks = on.ticks
    shown = ticks if len(ticks) <= _TICKS + 1 else ticks[:: math.ceil(len(ticks) / (_TICKS + 1))]
    marks = []
    for index, value in enumerate(shown):
        place = on.place(value)
        anchor = "start" if place < 8 else "end" if place > 92 else "middle"
        marks.append(el("line", x1=f"{place}%", x2=f"{place}%", y1=0, y2=4, class_="mg-tick"))
        # Every other label gives way where the place is narrow.
        marks.append(el("text", on.label(value), x=f"{place}%", y=16, text_anchor=anchor, class_="mg-even" if index % 2 else None))
    base = _line(0, 100, 0.5, "mg-tick")
    return el("svg", base, *marks, width="100%", height=20, class_="mg-axis", aria_hidden="true", focusable="false")


def _line(start: float, end: float, y: float, name: str) -> Html:
    return el("line", x1=f"{start}%", x2=f"{end}%", y1=y, y2=y, class_=name)


def _numbers(estimates: Sequence[Estimate], reference: float | None) -> Iterable[float]:
    for estimate in estimates:
        for number in (estimate.value, *(estimate.interval or ())):
            if number is not None and math.isfinite(number):
                yield number
    if reference is not None and math.isfinite(reference):
        yield reference


def _round_step(rough: float) -> float:
    """The next of 1, 2, 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(rough))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * 0.999)
