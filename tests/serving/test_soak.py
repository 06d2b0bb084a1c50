"""What the soak says at its end: the criterion in words, first minute against last, and a verdict that names what failed."""

from __future__ import annotations

import pytest

from tests.benchmarks.measure import Figure
from tests.benchmarks.serving import CRITERION, verdict

TOLD = [(900.0, 9.5, 100, 0)] * 6 + [(900.0, 12.0, 100, 0)] * 6


@pytest.mark.parametrize(("holds", "said"), [([True, True], "SOAK HELD"), ([True, False], "SOAK NOT HELD: b"), ([], "SOAK NOT HELD: ")])
def test_the_soak_says_whether_its_criterion_held(holds: list[bool], said: str) -> None:
    figures = [Figure(name=name, ours=1, peer=2, unit="", asked="", holds=one) for name, one in zip("ab", holds, strict=False)]
    told = verdict(figures, TOLD, [150.0, 160.0])
    assert told.endswith(said)
    assert CRITERION in told
    assert "p99 first minute 9.50 ms, last 12.00 ms; memory first 150 MB, last 160 MB; 0 bad answers of 1,200" in told
