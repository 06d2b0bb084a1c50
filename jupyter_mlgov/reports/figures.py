"""Figures that stand on their own: groups with intervals, curves of calibration and discrimination, bars of a distribution.

They are drawn in the colour of the text around them, so that they are right on paper, in the light and in the dark.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeGuard

from jupyter_mlgov.reports.clean import visible
from jupyter_mlgov.reports.markup import Html, el
from jupyter_mlgov.reports.numbers import count, figure, percent, rate, span
from jupyter_mlgov.reports.svg import Scale, rows, scale
from jupyter_mlgov.validation.results import Estimate, Finding

_INK, _WIDTH, _LEFT, _RIGHT, _LINE = "currentColor", 600, 185, 185, 22
_SIDE, _EDGE = 240, 56  # of the square of a curve
MOST = 24  # groups or bins that are drawn; the rest is counted below the figure


@dataclass(frozen=True, slots=True, kw_only=True)
class Bin:
    """A point of a calibration curve: mean predicted risk, share that happened, number of cases."""

    predicted: float
    observed: float
    n: int


def figure_of(finding: Finding) -> Html:
    """The figure that fits what the finding holds, or nothing."""
    if points := curve_bins(finding.details):
        return curve(points)
    if rates := roc_points(finding.details):
        return roc(rates)
    if shares := drift_bins(finding.details):
        return bars(shares)
    return intervals(finding)


def curve_bins(details: Mapping[str, object]) -> tuple[Bin, ...]:
    """The bins of a calibration check; none where the details hold something else."""
    body = details.get("bins")
    if not isinstance(body, (list, tuple)):
        return ()
    found = []
    for one in body:
        values = [one.get(name) for name in ("predicted", "observed", "n")] if isinstance(one, Mapping) else []
        numbers = [float(value) for value in values if _number(value)]
        if len(numbers) != 3 or not all(0 <= number <= 1 for number in numbers[:2]) or numbers[2] < 0:
            return ()
        found.append(Bin(predicted=numbers[0], observed=numbers[1], n=int(numbers[2])))
    return tuple(found)


def roc_points(details: Mapping[str, object]) -> tuple[tuple[float, float], ...]:
    """(rate of false positives, rate of true positives) along a ROC curve; none where the details hold something else."""
    body = details.get("roc")
    across, up = (body.get("fpr"), body.get("tpr")) if isinstance(body, Mapping) else (None, None)
    if not isinstance(across, (list, tuple)) or not isinstance(up, (list, tuple)) or len(across) != len(up) or len(across) < 2:
        return ()
    if not all(_number(value) and 0 <= value <= 1 for value in (*across, *up)):
        return ()
    return tuple(sorted((float(x), float(y)) for x, y in zip(across, up, strict=True)))


def drift_bins(details: Mapping[str, object]) -> tuple[tuple[str, float, float], ...]:
    """(bin, its share in the reference, its share now) of a drift check; none where the details hold something else."""
    labels, before, now = (details.get(name) for name in ("bins", "reference", "current"))
    if not (isinstance(labels, list) and isinstance(before, list) and isinstance(now, list)) or not len(labels) == len(before) == len(now):
        return ()
    if not all(_number(value) and value >= 0 for value in (*before, *now)) or not any(before) or not any(now):
        return ()
    totals = (math.fsum(before), math.fsum(now))
    return tuple((str(label), old / totals[0], new / totals[1]) for label, old, new in zip(labels, before, now, strict=True))


def intervals(finding: Finding) -> Html:
    """One line a group: its name, its interval on the common scale, its value in words; the reference runs through all of them."""
    estimates = rows(finding)
    on = scale(estimates, finding.reference) if estimates else None
    if on is None:
        return Html()
    shown = estimates[:MOST]
    height = _LINE * len(shown) + 34
    parts = [part for place, one in enumerate(shown) for part in _group(one, place, on)]
    if finding.reference is not None and math.isfinite(finding.reference):
        x = _across(on, finding.reference)
        parts.append(_line(x, 4, x, _LINE * len(shown) + 8, width=1.2, dash="4 3"))
        label = finding.reference_label or figure(finding.reference)
        parts.append(_text(label[:60], x, height - 2, anchor="middle", size=10))
    parts += _ticks(on, _LINE * len(shown) + 10)
    return _svg(parts, _WIDTH, height, _spoken(f"{len(estimates)} estimates with intervals", told(finding)))


def curve(points: Sequence[Bin]) -> Html:
    """Predicted risk across, what happened up; on the dashed line the two agree. The area of a point grows with its cases."""
    square = _Square(top=max(0.1, *(max(one.predicted, one.observed) for one in points)))
    parts, place = [*square.frame("predicted", "happened, up")], square.place
    largest = max(one.n for one in points) or 1
    ordered = sorted(points, key=lambda one: one.predicted)
    for one, other in pairwise(ordered):
        parts.append(_line(*place(one.predicted, one.observed), *place(other.predicted, other.observed), faint=True))
    for one in ordered:
        x, y = place(one.predicted, one.observed)
        parts.append(el("circle", cx=x, cy=y, r=round(2 + 3 * math.sqrt(one.n / largest), 1), fill=_INK))
    return _svg(parts, _EDGE + _SIDE + 30, _SIDE + 48, _spoken(f"Calibration curve of {len(points)} bins", _curve_words(points)))


def roc(points: Sequence[tuple[float, float]]) -> Html:
    """The rate of false positives across, of true positives up; on the dashed line the score is as good as a coin."""
    square = _Square(top=1.0)
    parts = [*square.frame("false positives", "true positives, up")]
    parts += [_line(*square.place(*one), *square.place(*other), width=1.6) for one, other in pairwise(points)]
    return _svg(parts, _EDGE + _SIDE + 30, _SIDE + 48, _spoken(f"ROC curve of {len(points)} points", _roc_words(points)))


class _Square:
    """A square of rates from 0 to at least `top`, both ways on one scale, with its dashed diagonal."""

    def __init__(self, *, top: float) -> None:
        self.step = _step(top)
        self.most = math.ceil(top / self.step - 1e-9) * self.step

    def place(self, x: float, y: float) -> tuple[float, float]:
        return round(_EDGE + _SIDE * x / self.most, 1), round(8 + _SIDE * (1 - y / self.most), 1)

    def frame(self, across: str, up: str) -> Iterable[Html]:
        corner, most = self.place(0, 0), self.most
        yield from (_line(*corner, *self.place(most, 0)), _line(*corner, *self.place(0, most)))
        yield _line(*corner, *self.place(most, most), dash="4 3", faint=True)
        for tick in range(round(most / self.step) + 1):
            value = tick * self.step
            yield _text(percent(value) if value else "0", *_below(self.place(value, 0)), anchor="middle", size=10)
            if tick:
                x, y = self.place(0, value)
                yield _text(percent(value), x - 4, y + 3, anchor="end", size=10)
        yield _text(across, _EDGE + _SIDE / 2, _SIDE + 42, anchor="middle")
        yield _text(up, _EDGE + 6, 18)


def bars(shares: Sequence[tuple[str, float, float]]) -> Html:
    """Two bars a bin, the reference hollow and the present full, on one scale."""
    shown = shares[:MOST]
    most = max(max(old, new) for _, old, new in shown) or 1.0
    room, parts = _WIDTH - _LEFT - 90, []
    for place, (label, old, new) in enumerate(shown):
        y = 20 + place * 26
        parts.append(_text(_cut(label, 24), _LEFT - 6, y + 13, anchor="end"))
        parts.append(el("rect", x=_LEFT, y=y, width=_long(old, most, room), height=8, fill="none", stroke=_INK, stroke_width=1))
        parts.append(el("rect", x=_LEFT, y=y + 10, width=_long(new, most, room), height=8, fill=_INK))
        parts.append(_text(f"{percent(old)} → {percent(new)}", _WIDTH - 2, y + 13, anchor="end", size=10))
    parts.append(_text("hollow: reference; full: now", _LEFT, 12, size=10))
    return _svg(parts, _WIDTH, 24 + len(shown) * 26, _spoken(f"Shares of {len(shares)} bins, reference and now", _share_words(shares)))


def _group(one: Estimate, place: int, on: Scale) -> Iterable[Html]:
    y = 14 + place * _LINE
    yield _text(_cut(one.label, 24), _LEFT - 8, y + 4, anchor="end")
    yield _line(_LEFT, y, _WIDTH - _RIGHT, y, faint=True, width=0.6)
    if one.interval and all(math.isfinite(end) for end in one.interval):
        yield _line(_across(on, one.interval[0]), y, _across(on, one.interval[1]), y, width=2)
    if one.value is not None and math.isfinite(one.value):
        yield el("circle", cx=_across(on, one.value), cy=y, r=4, fill=_INK)
    yield _text(_value(one), _WIDTH - _RIGHT + 8, y + 4, size=10)


def _ticks(on: Scale, y: float) -> Iterable[Html]:
    for value in on.ticks[:: max(1, math.ceil(len(on.ticks) / 6))]:
        x = _across(on, value)
        yield _line(x, y - 6, x, y - 2, width=0.8)
        yield _text(on.label(value), x, y + 8, anchor="middle", size=10)


def _across(on: Scale, value: float) -> float:
    return round(_LEFT + (_WIDTH - _LEFT - _RIGHT) * on.place(value) / 100, 1)


def _long(share: float, most: float, room: float) -> float:
    return round(room * share / most, 1)


def _below(point: tuple[float, float]) -> tuple[float, float]:
    return point[0], point[1] + 14


def _line(x1: float, y1: float, x2: float, y2: float, *, width: float = 1, dash: str | None = None, faint: bool = False) -> Html:
    shade = 0.45 if faint else None
    ends = {"x1": x1, "y1": y1, "x2": x2, "y2": y2}
    return el("line", **ends, stroke=_INK, stroke_width=width, stroke_dasharray=dash, stroke_opacity=shade)


def _text(words: str, x: float, y: float, *, anchor: str = "start", size: int = 11) -> Html:
    return el("text", words, x=round(x, 1), y=round(y, 1), text_anchor=anchor, font_size=size, fill=_INK)


def _svg(parts: Iterable[Html], width: float, height: float, label: str) -> Html:
    box = f"0 0 {width:g} {height:g}"
    wide = f"max-width:{width:g}px"
    # The title is what a screen reader says in a browser, and the alternative text in a tagged PDF.
    title = el("title", label)
    return el("svg", title, *parts, viewBox=box, width="100%", style=wide, role="img", xmlns="http://www.w3.org/2000/svg")


def _cut(text: str, most: int) -> str:
    shown = visible(text, limit=400)
    return shown if len(shown) <= most else shown[: most - 1] + "…"


def _step(top: float) -> float:
    rough = top / 4
    power = 10.0 ** math.floor(math.log10(rough))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * 0.999)


def _number(value: object) -> TypeGuard[int | float]:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def told(finding: Finding) -> tuple[tuple[str, str], ...]:
    """The numbers of the figure in words, for writers that draw nothing and for readers who see nothing."""
    if points := curve_bins(finding.details):
        return _curve_words(points)
    if shares := drift_bins(finding.details):
        return _share_words(shares)
    if rates := roc_points(finding.details):
        return _roc_words(rates)
    return tuple((one.label, _value(one)) for one in rows(finding))


def _curve_words(points: Sequence[Bin]) -> tuple[tuple[str, str], ...]:
    return tuple((f"predicted {percent(one.predicted)}", f"happened {percent(one.observed)} of {count(one.n)}") for one in points)


def _share_words(shares: Sequence[tuple[str, float, float]]) -> tuple[tuple[str, str], ...]:
    return tuple((label, f"{percent(old)} in the reference, {percent(new)} now") for label, old, new in shares)


def _roc_words(points: Sequence[tuple[float, float]]) -> tuple[tuple[str, str], ...]:
    """About ten points of the curve, and its end."""
    shown = points[:: max(1, len(points) // 10)]
    return tuple((f"false positives {percent(x)}", f"true positives {percent(y)}") for x, y in (*shown, *points[-1:]))


def _spoken(what: str, numbers: Sequence[tuple[str, str]]) -> str:
    """The figure for who cannot see it: what it is, and its numbers."""
    left = len(numbers) - MOST
    said = "; ".join(f"{_cut(name, 60)}: {value}" for name, value in numbers[:MOST])
    return f"{what}. {said}" + (f"; and {left} more." if left > 0 else ".")


def _value(one: Estimate) -> str:
    """A rate in per cent; anything that counts no cases as the number it is."""
    if one.k >= 0:
        return rate(one)
    return f"{figure(one.value)} ({span(one.interval)})" if one.interval else figure(one.value)
