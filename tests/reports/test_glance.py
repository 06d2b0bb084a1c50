"""What one look takes in: everything that keeps a gate shut is there with its number and fix, and only what opens it is merely counted."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.core.verdicts import Severity, Verdict
from jupyter_mlgov.promotion.facts import Reason
from jupyter_mlgov.reports.context import Context
from jupyter_mlgov.reports.glance import glance
from jupyter_mlgov.reports.terminal import columns
from jupyter_mlgov.reports.text import text
from jupyter_mlgov.testing import report, requirement
from jupyter_mlgov.validation.results import CheckResult, Finding


def flat(drawn: str) -> str:
    return re.sub(r"\s+", "", drawn)


def check(number: int, verdict: Verdict, findings: tuple[Finding, ...] = ()) -> CheckResult:
    return CheckResult(
        validator=f"x.check{number}", version="1", title=f"Check {number}", verdict=verdict, summary=f"Number {number}.25 is told.",
        findings=findings, fix=f"Mend number {number}. Then rest.",
    )  # fmt: skip


REASONS = st.lists(st.sampled_from(["approvals", "stale", "data", "verdict-fail"]), max_size=4)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.sampled_from(Verdict), st.sampled_from(Severity)), max_size=12), REASONS, st.integers(40, 120))
def test_nothing_that_keeps_a_gate_shut_is_left_out(drawn: list[tuple[Verdict, Severity]], codes: list[str], width: int) -> None:
    results = tuple(check(number, verdict) for number, (verdict, _) in enumerate(drawn))
    asked = tuple(
        requirement(validator=one.validator, verdict=one.verdict, severity=severity)
        for one, (_, severity) in zip(results, drawn, strict=True)
    )
    given_ = replace(report(), results=results, requirements=asked)
    why = tuple(Reason(code=code, sentence=f"Reason {at} stands.", next=f"Do thing {at}.") for at, code in enumerate(codes))
    seen = glance(given_, Context(stage="staging", why=why), width=width, more="more")
    assert max(columns(line) for line in seen.splitlines()) <= width
    for one in results:
        assert flat(one.validator) in flat(seen)
        shown = one.verdict not in (Verdict.PASS, Verdict.NOT_APPLICABLE)
        assert (flat(one.summary) in flat(seen)) is shown
        assert (flat(f"Next: {one.fix.partition('. ')[0]}.") in flat(seen)) is shown
    assert {one.validator for one in given_.blocking} <= {one.validator for one in results if one.verdict is not Verdict.PASS}
    for reason in why:
        assert flat(reason.sentence) in flat(seen)
        assert flat(reason.next) in flat(seen)
    assert str(Digest(given_.digest)) in seen.replace("\n", "")


def test_findings_behind_the_first_are_counted_with_their_places() -> None:
    findings = [Finding(message="Number 3.25 is told.", verdict=Verdict.FAIL, fix="Mend this very one. Or not.")]
    findings += [Finding(message=f"Column c{at} fails.", verdict=Verdict.FAIL, where=f"c{at}") for at in range(9)]
    findings += [Finding(message="Fine.", verdict=Verdict.PASS, where="elsewhere"), Finding(message="Look.", verdict=Verdict.WARN)]
    seen = flat(glance(replace(report(), results=(check(3, Verdict.FAIL, tuple(findings)),), requirements=())))
    assert flat("✕ 9 more failed: c0, c1, c2, c3, c4, c5 and 3 more. ! 1 more passed, look.") in seen
    assert flat("Next: Mend this very one.") in seen
    assert "elsewhere" not in seen


def test_it_is_shorter_than_the_whole_and_says_where_that_is(sample_reports: Mapping[str, Any]) -> None:
    for sample in sample_reports.values():
        short = glance(sample.report, sample.context, width=100, more="Type this for more.")
        assert short.endswith("Type this for more.")
        assert len(short.splitlines()) <= len(text(sample.report, sample.context, width=100).splitlines()) + 1
    mixed = sample_reports["mixed"]
    assert "✕ critical Adverse impact ratio — failed (fair.air · cell 7)" in glance(mixed.report, mixed.context, width=100)


def test_nothing_checked_is_no_clear_report(sample_reports: Mapping[str, Any]) -> None:
    assert "This is no verdict: nothing here opens a gate." in glance(sample_reports["empty"].report, width=100)


def test_hostile_words_draw_nothing(sample_reports: Mapping[str, Any]) -> None:
    sample = sample_reports["hostile"]
    seen = glance(sample.report, sample.context)
    assert "\x1b" not in seen
    assert "\u202e" not in seen
