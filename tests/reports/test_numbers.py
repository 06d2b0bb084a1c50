"""Numbers never round across a limit or into certainty, and plots keep a common scale."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_mlgov.core.verdicts import Verdict
from jupyter_mlgov.reports.look import DARK, LIGHT
from jupyter_mlgov.reports.numbers import figure, measured, percent, rate, span
from jupyter_mlgov.reports.svg import scale, track
from jupyter_mlgov.validation.results import Estimate, Finding


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0.779174, "0.7792"), (6.606e-19, "6.61e-19"), (3.0, "3"), (1989, "1,989"), (0.0, "0"), (12345.678, "12,346"), (-0.05, "-0.05000"),
        (None, "undefined"), (float("nan"), "undefined"), (float("inf"), "undefined"),
    ],
)  # fmt: skip
def test_figures_read_with_four_digits(value: float | None, words: str) -> None:
    assert figure(value) == words


@pytest.mark.parametrize(
    ("value", "words"), [(0.0, "0.0 %"), (0.0001, "under 0.1 %"), (0.9999, "over 99.9 %"), (1.0, "100.0 %"), (218 / 308, "70.8 %")]
)
def test_nearly_all_is_never_written_as_all(value: float, words: str) -> None:
    assert percent(value) == words


def test_undefined_is_said_and_never_zero() -> None:
    assert measured(Finding(message="", verdict=Verdict.INCONCLUSIVE, allowed="at least 0.80")) == "undefined"
    assert measured(Finding(message="It crashed.", verdict=Verdict.FAIL, allowed="no crash", n=500)) == ""  # a yes or no: nothing to define
    kept = Finding(message="Kept back.", verdict=Verdict.INCONCLUSIVE, allowed="cells of at least 10 rows", details={"kept_back": True})
    assert measured(kept) == ""
    assert rate(Estimate(label="none", value=None, interval=None, k=0, n=0)) == "undefined"


def test_a_minus_sign_never_meets_the_dash() -> None:
    assert span((-0.2, 0.1)) == "-0.2000 to 0.1000"


ENDS = st.floats(-1e6, 1e6)


@given(st.lists(st.tuples(ENDS, ENDS), min_size=1, max_size=5), st.none() | ENDS)
def test_each_number_lies_inside_the_scale_and_in_order(pairs: list[tuple[float, float]], reference: float | None) -> None:
    groups = [Estimate(label="", value=low, interval=(min(low, high), max(low, high)), k=0, n=1) for low, high in pairs]
    on = scale(groups, reference)
    assert on is not None
    numbers = sorted([end for pair in pairs for end in pair] + ([] if reference is None else [reference]))
    assert on.low <= numbers[0] + 1e-6 * abs(numbers[0])
    assert on.high >= numbers[-1] - 1e-6 * abs(numbers[-1])
    places = [on.place(number) for number in numbers]
    assert places == sorted(places)
    assert 2 <= len(on.ticks) <= 9


@pytest.mark.parametrize("edge", [0.0, 1.0])
def test_intervals_at_zero_and_one_stay_on_the_scale(edge: float) -> None:
    one = Estimate(label="", value=edge, interval=(min(edge, 0.9), max(edge, 0.1)), k=1, n=1)
    on = scale([one], None)
    assert on is not None
    assert 0 <= on.low < on.high <= 1.0000001
    assert f'cx="{on.place(edge)}%"' in track(one, on, None)


def test_nothing_to_compare_draws_nothing(made: SimpleNamespace) -> None:
    assert scale([made.group("none", 0, 0)], None) is None


def luminance(colour: str) -> float:
    parts = [int(colour[index : index + 2], 16) / 255 for index in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("palette", [LIGHT, DARK])
@pytest.mark.parametrize("role", ["ink", "soft", "link", "fail", "warn", "pass", "unknown", "mute"])
@pytest.mark.parametrize("ground", ["bg", "well"])
def test_each_text_colour_has_the_contrast_that_wcag_asks(palette: dict[str, str], role: str, ground: str) -> None:
    """WCAG 2.2, 1.4.3: 4.5 to 1 for text of this size."""
    lighter, darker = sorted((luminance(palette[role]), luminance(palette[ground])), reverse=True)
    assert (lighter + 0.05) / (darker + 0.05) >= 4.5
