"""What models share, and what a policy to come would close: counted by hand."""

from __future__ import annotations

from datetime import date
from fractions import Fraction

import pytest

from jupyter_mlgov.core.verdicts import Severity
from jupyter_mlgov.monitoring.portfolio.coming import coming
from jupyter_mlgov.monitoring.portfolio.concentration import dependencies
from jupyter_mlgov.monitoring.portfolio.facts import Ahead
from jupyter_mlgov.monitoring.portfolio.store import Edges
from jupyter_mlgov.validation.plugins import installed_policies
from jupyter_mlgov.validation.policy import Control, Policy


def edges(model: str, tier: int = 1, digest: str = "", data: dict[str, str] | None = None, **named: object) -> Edges:
    return Edges(model=model, tier=tier, model_digest=digest, data=data or {}, dependencies=named)


def test_the_same_content_under_two_names_is_one_node_and_hhi_is_the_sum_of_squared_shares() -> None:
    graph = dependencies(
        [
            edges("a", data={"a/loans.csv": "sha256:1", "own.csv": "sha256:9"}),
            edges("b", data={"b/loans.csv": "sha256:1"}),
            edges("c", data={"b/loans.csv": "sha256:2"}),
        ]
    )
    (node,) = graph.nodes
    assert (node.kind, node.names, node.feeds) == ("data", ("a/loans.csv", "b/loans.csv"), ("a", "b", "c"))
    assert graph.hhi == float(Fraction(9, 16) + Fraction(1, 16))
    assert (graph.alone, graph.links, graph.models, graph.unknown) == (1, 4, 3, 0)
    assert graph.concentrated
    assert "100% of 3 models rest on it" in node.flags


def test_a_file_that_is_another_model_makes_that_model_the_node() -> None:
    graph = dependencies([edges("up", digest="sha256:m"), edges("down", data={"up.skops": "sha256:m"})])
    assert [(one.kind, one.id, one.feeds) for one in graph.nodes] == [("model", "up", ("down",))]
    assert graph.unknown == 1


def test_a_shared_node_that_teams_name_counts_known_models_only_and_five_of_tier_1_are_flagged() -> None:
    feed = {"kind": "vendor", "feeds": [*(f"m{n}" for n in range(6)), "nobody"], "fallback": "none yet"}
    graph = dependencies([edges("m0", bureau=feed), *(edges(f"m{n}", tier=1 if n < 5 else 2) for n in range(1, 6))])
    (node,) = graph.nodes
    assert (node.kind, len(node.feeds), node.tier1, node.fallback) == ("declared", 6, 5, "none yet")
    assert node.flags[0] == "5 models of tier 1 rest on it"


def test_nothing_known_is_no_data() -> None:
    graph = dependencies([edges("a"), edges("b")])
    assert (graph.hhi, graph.nodes, graph.unknown, graph.concentrated) == (None, (), 2, False)


PACK = Policy(
    id="p",
    version="1",
    title="Pack",
    framework="f",
    controls=tuple(
        Control(
            id=name,
            cite="c",
            url="",
            verified="P",
            obligation="o",
            automation="auto",
            severity=Severity.HIGH,
            gates=(),
            basis="b",
            applies_from=begins,
            status=status,
        )
        for name, begins, status in (
            ("A", "2027-12-02", ""),
            ("B", "2027-12-02", ""),
            ("LATE", "2026-11-01", ""),
            ("BILL", "2027-01-01", "a bill"),
        )
    ),
)


def test_a_control_to_come_closes_what_fails_under_it_and_knows_nothing_of_models_not_judged() -> None:
    def demand(control: str, verdict: str, severity: str = "high") -> Ahead:
        return Ahead(policy="p", control=control, severity=severity, verdict=verdict)

    told = [
        ((demand("A", "fail", "low"), demand("B", "pass")), ("fails",)),
        ((demand("A", "pass"), demand("B", "inconclusive")), ("dark",)),
        ((demand("A", "pass"), demand("B", "error", "low")), ("mild",)),
        ((demand("A", ""), demand("B", "pass")), ("open",)),
        ((demand("A", "pass"), demand("B", "warn")), ("fine",)),
        ((demand("LATE", "fail"),), ("stale report",)),
        ((), ("elsewhere",)),
    ]
    old, new = coming([PACK], told, 8, date(2026, 11, 24))
    assert (new.date, new.days, new.controls) == ("2027-12-02", 373, ("A", "B"))
    assert (new.closes, new.unchecked, new.clear, new.unjudged) == (("dark", "fails"), ("open",), 2, 3)
    assert (old.date, old.days, old.closes) == ("2026-11-01", -23, ("stale report",))


@pytest.mark.parametrize(("day", "there"), [(date(2026, 11, 24), True), (date(2027, 12, 2), False)])
def test_the_ai_acts_rules_for_credit_scoring_are_to_come_until_2_december_2027(day: date, there: bool) -> None:
    found = coming(installed_policies(["eu-ai-act"]), (), 0, day)
    assert any(one.date == "2027-12-02" and one.policy == "eu-ai-act" for one in found) is there
