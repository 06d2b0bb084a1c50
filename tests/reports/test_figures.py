"""Figures hold what the finding holds, say the same in numbers, and draw nothing from what is not theirs."""

from __future__ import annotations

import math
import re
from types import SimpleNamespace
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_mlgov.core.verdicts import Verdict
from jupyter_mlgov.reports.figures import bars, curve, curve_bins, drift_bins, figure_of, roc, roc_points, told
from jupyter_mlgov.reports.result_html import plot
from jupyter_mlgov.validation.results import Finding

CURVE = {"bins": [{"n": 100, "predicted": 0.1, "observed": 0.12}, {"n": 50, "predicted": 0.4, "observed": 0.35}]}
ROC = {"roc": {"fpr": [0, 0.2, 1], "tpr": [0, 0.7, 1]}}
DRIFT = {"bins": ["under 1", "<script>", "rest"], "reference": [10, 30, 60], "current": [20, 20, 60]}


def finding(**details: object) -> Finding:
    return Finding(message="m", verdict=Verdict.WARN, details=details)


def test_a_calibration_finding_is_a_curve_with_a_point_a_bin() -> None:
    drawn = figure_of(finding(**CURVE))
    tree = ElementTree.fromstring(drawn)
    points = [one for one in tree.iter() if one.tag.endswith("circle")]
    assert len(points) == 2
    places = [(float(one.get("cx") or 0), float(one.get("cy") or 0)) for one in points]
    diagonal = next(one for one in tree.iter() if one.get("stroke-dasharray"))
    x1, y1, x2, y2 = (float(diagonal.get(name) or 0) for name in ("x1", "y1", "x2", "y2"))
    for (x, y), above in zip(places, (True, False), strict=True):
        line = y1 + (y2 - y1) * (x - x1) / (x2 - x1)
        assert (y < line) is above, "more happened than was predicted: over the line"
    assert told(finding(**CURVE)) == (("predicted 10.0 %", "happened 12.0 % of 100"), ("predicted 40.0 %", "happened 35.0 % of 50"))


def test_a_discrimination_finding_is_its_roc_curve_over_the_diagonal() -> None:
    drawn = figure_of(finding(**ROC))
    lines = [one for one in ElementTree.fromstring(drawn).iter() if one.tag.endswith("line") and one.get("stroke-width") == "1.6"]
    assert len(lines) == 2
    assert float(lines[0].get("y2") or 0) < float(lines[0].get("y1") or 0)
    assert told(finding(**ROC))[1] == ("false positives 20.0 %", "true positives 70.0 %")
    shown = plot(finding(**ROC))
    assert shown.count("<svg") == 1
    assert "false positives 20.0 %: true positives 70.0 %" in shown


def test_a_drift_finding_is_two_bars_a_bin_on_one_scale() -> None:
    tree = ElementTree.fromstring(figure_of(finding(**DRIFT)))
    widths = [float(one.get("width") or 0) for one in tree.iter() if one.tag.endswith("rect")]
    assert len(widths) == 6
    assert widths[1] == pytest.approx(2 * widths[0], abs=0.2)
    assert widths[4] == widths[5] == max(widths)
    assert told(finding(**DRIFT))[0] == ("under 1", "10.0 % in the reference, 20.0 % now")


def test_the_inline_report_draws_them_and_says_their_numbers(made: SimpleNamespace) -> None:
    shown = plot(finding(**CURVE))
    assert shown.count("<svg") == 1
    assert "predicted 10.0 %: happened 12.0 % of 100" in shown
    assert "<script" not in plot(finding(**DRIFT))
    assert plot(made.fair_air().findings[0]).count("mg-track") == 2


@pytest.mark.parametrize(
    "details",
    [
        {},
        {"bins": 10},
        {"bins": []},
        {"bins": [{"n": 1, "predicted": None, "observed": 0.1}]},
        {"bins": [{"n": 1, "predicted": 7.0, "observed": 0.1}]},
        {"bins": [{"n": True, "predicted": 0.1, "observed": math.nan}]},
        {"bins": ["a"], "reference": [0], "current": [0]},
        {"bins": ["a", "b"], "reference": [1], "current": [1, 2]},
        {"bins": ["a"], "reference": [-1], "current": [2]},
        {"bins": ["a"], "reference": ["1"], "current": [2]},
        {"roc": 0.7},
        {"roc": {"fpr": [0, 1], "tpr": [0]}},
        {"roc": {"fpr": [0, math.nan], "tpr": [0, 1]}},
        {"roc": {"fpr": ["<b>", 1], "tpr": [0, 1]}},
    ],
)
def test_what_is_no_curve_and_no_distribution_is_not_drawn(details: dict[str, Any]) -> None:
    assert curve_bins(details) == ()
    assert drift_bins(details) == ()
    assert roc_points(details) == ()
    assert figure_of(finding(**details)) == ""


SHARE = st.floats(0, 1, allow_nan=False)


@given(points=st.lists(st.tuples(SHARE, SHARE, st.integers(0, 10**9)), min_size=1, max_size=12))
def test_every_point_lies_inside_its_drawing(points: list[tuple[float, float, int]]) -> None:
    found = curve_bins({"bins": [{"predicted": p, "observed": o, "n": n} for p, o, n in points]})
    tree = ElementTree.fromstring(curve(found))
    _, _, width, height = (float(part) for part in (tree.get("viewBox") or "").split())
    for one in tree.iter():
        if one.tag.endswith("circle"):
            assert 0 <= float(one.get("cx") or -1) <= width
            assert 0 <= float(one.get("cy") or -1) <= height


@given(points=st.lists(st.tuples(SHARE, SHARE), min_size=2, max_size=41))
def test_any_roc_curve_is_a_drawing_inside_its_frame(points: list[tuple[float, float]]) -> None:
    found = roc_points({"roc": {"fpr": [x for x, _ in points], "tpr": [y for _, y in points]}})
    tree = ElementTree.fromstring(roc(found))
    _, _, width, height = (float(part) for part in (tree.get("viewBox") or "").split())
    ends = [(float(one.get("x2") or -1), float(one.get("y2") or -1)) for one in tree.iter() if one.tag.endswith("line")]
    assert all(0 <= x <= width and 0 <= y <= height for x, y in ends)


@given(shares=st.lists(st.tuples(st.text(max_size=40), SHARE, SHARE), min_size=1, max_size=40))
def test_any_bins_make_a_drawing_that_is_xml(shares: list[tuple[str, float, float]]) -> None:
    assert re.match(r"<svg ", bars(shares))
    ElementTree.fromstring(bars(shares))
