"""Every number that decides stands in its pack with its source and how that was seen, and people see all three."""

from __future__ import annotations

import html
import json
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from jupyter_mlgov.cli.policy import policy
from jupyter_mlgov.reports.html import page
from jupyter_mlgov.reports.text import text
from jupyter_mlgov.sdk import Check, Roles, Verdict, table_subject
from jupyter_mlgov.testing import report as a_report
from jupyter_mlgov.testing import result as a_result
from jupyter_mlgov.validation.engine import validate
from jupyter_mlgov.validation.plugins import Registry, installed_policies, installed_validators, policy_ids
from jupyter_mlgov.validation.policy import MARKS, Requirement, load_policy
from jupyter_mlgov.validation.results import Report, report_json
from jupyter_mlgov.validation.running import evidence
from jupyter_mlgov.validation.settings import settle
from mlgov_validators.fairness import adverse_impact

# Parameters that say how a thing is measured, not from where on it counts; the validator's page says where each comes from.
HOW = {
    "bins": "the resolution of a curve",
    "draws": "bootstrap draws",
    "rows": "the size of a sample",
    "seeds": "repetitions",
    "permutations": "repetitions",
    "budget": "models tried in a search",
    "flipped": "the strength of an attack; what it may do is `most_influence`",
    "evidently": "detail that decides nothing",
    "deep": "a second engine that can only add findings",
    "min_cell": "what leaves the warehouse; what is kept back is not judged",
    "all_applicants": "whose reasons are looked at",
    "cost_approved": "weights of the two errors; the line is that the interval of the difference is not above 0",
    "cost_refused": "likewise",
}
# ... and of one validator alone.
HOW_OF = {
    ("priv.minimise", "seconds"): "time to measure in; what was not measured is inconclusive",
    ("data.quality", "max_age_days"): "0: nobody asks how old rows may be; a pack that does sets it",
    ("audit.completeness", "reconciled"): "the catalogue's own figure; one gap among fewer than a thousand entries is under it",
}


def test_no_exemption_is_left_over() -> None:
    """Each name in HOW is a parameter that some pack leaves to its validator."""
    left = {
        (ask.validator, name)
        for pack in installed_policies(policy_ids())
        for control in pack.controls
        for ask in control.requirements
        for name in set(_check(ask.validator).defaults) - set(ask.parameters)
    }
    assert {name for _, name in left} - {name for _, name in HOW_OF} == set(HOW)
    assert set(HOW_OF) <= left


def _check(name: str) -> Check:
    found = installed_validators().get(name)
    assert isinstance(found, Check)
    return found


@pytest.mark.parametrize("name", policy_ids())
def test_every_threshold_of_a_requirement_is_in_the_pack_with_source_and_mark(name: str) -> None:
    registry = installed_validators()
    (pack,) = installed_policies((name,))
    for control in pack.controls:
        for ask in control.requirements:
            assert set(ask.sources) == set(ask.marks) == set(ask.parameters), (control.id, ask.validator)
            check = registry.get(ask.validator)
            assert isinstance(check, Check)
            left = {name for name in set(check.defaults) - set(ask.parameters) - set(HOW) if (check.id, name) not in HOW_OF}
            assert not left, (control.id, ask.validator)
            for parameter, mark in ask.marks.items():
                assert mark == "H" or not ask.sources[parameter].startswith("house figure")


def test_all_packs_can_be_met_together_by_every_validator() -> None:
    registry = installed_validators()
    packs = installed_policies(policy_ids())
    for name in registry.ids:
        check = registry.get(name)
        assert isinstance(check, Check)
        settle(check, packs, {})


def test_people_see_value_source_and_mark_of_each() -> None:
    shown = CliRunner().invoke(policy, ["show", "FAIR.AIR.1"]).output
    assert "limit = 4/5 (29 CFR 1607.4(D): four fifths; in lending by convention, firm policy; verbatim quotes seen)" in shown
    assert "early = 9/10 (house early warning)" in shown
    assert "min_cell = 0 (the validator's own default; its page names the source)" in shown
    told = json.loads(CliRunner().invoke(policy, ["show", "--format", "json"]).output)
    assert len(told) == 92
    lines = [line for one in told for ask in one["decided_by"] for line in ask["thresholds"]]
    assert lines
    ends = ("house", *MARKS.values(), "its page names the source")
    assert [line for line in lines if not any(end in line for end in ends)] == []


def test_the_list_is_a_line_a_pack_and_says_what_is_not_in_force() -> None:
    lines = CliRunner().invoke(policy, ["list"]).output.splitlines()
    assert len(lines) == len(policy_ids()) + 2
    assert max(map(len, lines)) <= 110
    assert any(line.startswith("sr-11-7-legacy") and "2 not in force" in line for line in lines)
    assert "92 controls" in lines[-1]
    packs = json.loads(CliRunner().invoke(policy, ["list", "--format", "json"]).output)
    assert sum(len(pack["controls"]) for pack in packs) == 92


def test_a_number_reads_the_same_before_and_after_the_record() -> None:
    """The demo's report changed its digest once, because a reused answer said 0 where the first one said 0.0."""
    asked = Requirement(validator="perf.discrim", parameters={"floor": 1.0}, sources={"floor": "house"}, marks={"floor": "H"})
    for name in ("floor", "pr_floor"):
        assert asked.told(name, 1.0) == asked.told(name, 1)
    assert asked.told("floor", True) != asked.told("floor", 1)


PACK = """
[policy]
id = "house"
version = "1"
title = "House rules"
framework = "House"
[[control]]
id = "H.1"
cite = "29 CFR 1607.4(D)"
url = ""
verified = "S"
obligation = "Compare selection rates."
automation = "auto"
severity = "high"
gates = ["staging"]
basis = "binding"
[[control.requirements]]
validator = "fair.air"
parameters = { limit = LIMIT }
sources = { limit = "SOURCE" }
marks = { limit = "M" }
"""


def judged_under(tmp_path: Path, *packs: str, team: dict[str, dict[str, object]] | None = None) -> Report:
    """fair.air on a table that fails it, in this process."""
    content = {"white": [0, 1] * 200, "approve": [0, 1, 1, 1] * 100}
    pq.write_table(pa.table(content), tmp_path / "t.parquet")
    subject = table_subject(tmp_path / "t.parquet", Roles(outcome="approve", favourable="1", protected=("white",)))
    policies = [load_policy(text, f"{number}.toml") for number, text in enumerate(packs)]
    return validate(subject, policies, Registry.of(adverse_impact), parameters=team)


def test_every_report_prints_each_threshold_with_its_source_and_how_that_was_seen(tmp_path: Path) -> None:
    report = judged_under(tmp_path, PACK.replace("LIMIT", '"4/5"').replace("SOURCE", "29 CFR 1607.4(D)"))
    assert report.results[0].verdict is Verdict.FAIL
    said = "limit = 4/5 (29 CFR 1607.4(D); from memory, to be checked)"
    own = "min_n = 30 (the validator's own default; its page names the source)"
    for drawn in (text(report, width=4000), html.unescape(page(report)), json.dumps(report_json(report))):
        assert said in drawn
        assert own in drawn
        assert "primary text seen" not in drawn, "surer than the pack says"
    assert "29 CFR 1607.4(D) (paraphrased)" in text(report, width=4000)


def test_evidence_carries_the_packs_digest_the_sources_and_their_marks(tmp_path: Path) -> None:
    pack = PACK.replace("LIMIT", '"4/5"').replace("SOURCE", "29 CFR 1607.4(D)")
    report = judged_under(tmp_path, pack)
    (result,) = report.results
    kept = evidence(result, report.subject, report.policies, report.requirements)
    assert result.evidence == (kept.id,)
    (asked,) = kept.plain["payload"]["asked"]  # type: ignore[index]  # the record above
    assert (asked["policy"], asked["digest"], asked["verified"]) == ("house", load_policy(pack, "p").digest, "S")
    assert "limit = 4/5 (29 CFR 1607.4(D); from memory, to be checked)" in asked["thresholds"]
    other = judged_under(tmp_path, pack.replace('marks = { limit = "M" }', 'marks = { limit = "P" }'))
    assert other.results[0].findings == result.findings
    assert other.results[0].evidence != result.evidence, "the same numbers under another text are other evidence"


def test_a_packs_source_vouches_for_its_own_number_alone(tmp_path: Path) -> None:
    """The stricter of two packs, or the team, sets the limit: no pack's citation may stand behind another's number."""
    mild = PACK.replace("LIMIT", '"4/5"').replace("SOURCE", "29 CFR 1607.4(D)")
    harsh = PACK.replace("LIMIT", '"9/10"').replace("SOURCE", "house").replace('id = "house"', 'id = "harsh"').replace("H.1", "H.2")
    for report in (judged_under(tmp_path, mild, harsh), judged_under(tmp_path, mild, team={"fair.air": {"limit": "9/10"}})):
        asks = [ask for item in report.requirements if item.policy == "house" for ask in item.asks if ask.startswith("limit")]
        assert asks == [
            "limit = 9/10 (set by another pack or by mlgov.toml; asked here is 4/5: 29 CFR 1607.4(D); from memory, to be checked)"
        ]


def test_evidence_on_record_is_judged_again_under_the_other_pack() -> None:
    """What ran with the very numbers the new pack asks for is answered; what ran with others must run again, and is not passed."""
    from jupyter_mlgov.validation.compare import rejudged

    (pack,) = installed_policies(("sr-26-2",))
    benchmark = {"margin": 0.01, "gain": 0.005, "min_events": 10, "max_missing": 0.05}
    discrim = {"floor": 0.6, "ks_floor": 0.2, "min_events": 10, "max_missing": 0.05}
    told = a_report(
        a_result("perf.benchmark", Verdict.PASS, parameters=benchmark),
        a_result("perf.discrim", Verdict.PASS, parameters=discrim),
        a_result("audit.retention", Verdict.PASS, parameters={"years": 7}),
    )
    found = {item.validator: item for item in rejudged(told, pack, date(2026, 11, 24))}
    assert found["perf.benchmark"].verdict is Verdict.PASS
    assert (found["perf.discrim"].verdict, "another floor" in found["perf.discrim"].note) == (None, True)
    assert found["gov.sod"].verdict is None
    (mifid,) = installed_policies(("mifid2-rts6",))
    kept = {item.validator: item for item in rejudged(told, mifid, date(2026, 11, 24))}
    assert kept["audit.retention"].verdict is Verdict.PASS, "7 and 7.0 are the same demand"


def test_what_changed_from_sr_11_7_to_sr_26_2_reads_line_by_line(tmp_path: Path) -> None:
    done = CliRunner().invoke(policy, ["diff", "sr-11-7-legacy", "sr-26-2", "--workspace", str(tmp_path)])
    assert done.exit_code == 0, done.output
    lines = done.output.splitlines()
    assert sum(line.startswith("- SR11-7.") for line in lines) == 2
    assert sum(line.startswith("+ SR26-2.") for line in lines) == 18
    assert "+ perf.backtest  is asked for now" in lines
    assert lines[-1].startswith("No evidence on record here")
