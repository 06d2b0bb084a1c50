"""What we hand to plug-in authors for their tests builds true facts of ours."""

from __future__ import annotations

from datetime import timedelta

import pytest

from jupyter_mlgov import testing
from jupyter_mlgov.core.canonical import canonical_json
from jupyter_mlgov.core.facts import plain
from jupyter_mlgov.core.verdicts import Severity, Verdict
from jupyter_mlgov.lineage.facts import Outcome


def test_a_fixed_clock_stands_still_until_told() -> None:
    clock = testing.FixedClock()
    assert clock.now() == clock.now() == testing.NOON
    clock.advance(timedelta(hours=1))
    assert clock.now() == testing.NOON + timedelta(hours=1)


def test_a_stepping_clock_moves_at_each_look() -> None:
    clock = testing.FixedClock(step=timedelta(seconds=1))
    assert [clock.now() - testing.NOON for _ in range(3)] == [timedelta(seconds=count) for count in range(3)]


@pytest.mark.parametrize("build", [testing.cell_run, testing.session, testing.result, testing.requirement, testing.report, testing.table])
def test_every_builder_makes_a_fact_that_can_be_recorded(build: object) -> None:
    assert callable(build)
    canonical_json(plain(build()))


def test_a_builder_takes_any_field_and_refuses_a_wrong_one() -> None:
    run = testing.cell_run("train:champion", outcome=Outcome.FAILED, order=7)
    assert (str(run.step), run.tags, run.outcome, run.order) == ("mlgov:train:champion", ("mlgov:train:champion",), Outcome.FAILED, 7)
    with pytest.raises(TypeError):
        testing.cell_run(colour="red")


def test_a_report_blocks_on_what_its_results_say() -> None:
    bad = testing.result("fair.air", Verdict.FAIL)
    blocked = testing.report(bad, testing.result("perf.discrim"))
    assert blocked.blocking == (bad,)
    assert blocked.severity("fair.air") is Severity.HIGH
    assert testing.report().blocking == ()
    assert blocked.digest != testing.report().digest


def test_other_content_has_another_fingerprint() -> None:
    one, other = testing.table(), testing.table(content="changed")
    assert one.fingerprint
    assert other.fingerprint
    assert one.fingerprint.root != other.fingerprint.root
