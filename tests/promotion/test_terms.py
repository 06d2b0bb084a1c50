"""The rules of a gate: equal by digest exactly where nothing differs in words, and read with tiers, roles and defaults resolved."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_mlgov.core.team import Team, parse_team
from jupyter_mlgov.promotion.terms import changed, differences, every, terms

PEOPLE = st.lists(st.sampled_from(["ana", "Bob", " bob", "carl"]), max_size=3).map(tuple)
GATES = st.fixed_dictionaries(
    {},
    optional={
        "approvals": st.integers(0, 3),
        "evidence_days": st.integers(0, 2),
        "drill_days": st.integers(0, 2),
        "needs": st.sampled_from([("rerun",), ("pushed-data", "rerun")]),
        "packs": st.sampled_from([("p",), ("q", "p"), ("p", "q")]),
        "role": st.just("risk"),
    },
)
TEAMS = st.builds(
    Team,
    policies=st.just(("p", "q")),
    reviewers=PEOPLE,
    gates=st.fixed_dictionaries({"staging": GATES}),
    groups=st.fixed_dictionaries({"risk": PEOPLE}),
    stages=st.sampled_from([("development", "staging", "production"), ("development", "test", "staging")]),
)


@given(TEAMS, TEAMS)
def test_two_sets_of_rules_have_one_digest_exactly_where_no_difference_can_be_named(one: Team, other: Team) -> None:
    before, now = terms(one, "staging"), terms(other, "staging")
    assert (before.digest == now.digest) == (not differences(before, now))


@pytest.mark.parametrize(
    ("gate", "more", "told"),
    [
        ({"approvals": 1}, {}, "approvals was 2, is 1"),
        ({"packs": ["p"]}, {}, "packs was p, q, is p"),
        ({"evidence_days": 0}, {}, "evidence_days was 30, is 0"),
        ({"needs": []}, {}, "needs was rerun, is nothing"),
        ({"role": "desk"}, {}, "the role was risk, is desk"),
        ({}, {"reviewers": ["bob"]}, "who may approve was 2 people, is 1 person"),
        ({}, {"stages": ["development", "staging", "production", "live"]}, ""),
        ({}, {"stages": ["staging", "production"]}, "there was no gate"),
        ({}, {"tier": 3}, "approvals was 2, is 1"),
    ],
)
def test_each_rule_is_named_with_both_values(gate: dict[str, Any], more: dict[str, Any], told: str) -> None:
    before, now = terms(team({}, {}), "production"), terms(team(gate, more), "production")
    if told != "there was no gate":
        assert "; ".join(differences(before, now)).startswith(told)
        assert bool(told) == bool(differences(before, now))
    else:
        assert changed(every(team(gate, more)), terms(team({}, {}), "staging")) == ("there was no gate into staging",)


def team(gate: dict[str, Any], more: dict[str, Any]) -> Team:
    rule = {"approvals": 2, "packs": ["p", "q"], "evidence_days": 30, "needs": ["rerun"], "role": "risk", **gate}
    facts = {"reviewers": ["bob", "carl"], "stages": ["development", "staging", "production"], "tier": 1, **more}
    return parse_team(
        f'[model]\nname = "credit"\ntier = {facts["tier"]}\n[policy]\npacks = ["p", "q"]\n'
        f"[promotion]\nreviewers = {facts['reviewers']}\nstages = {facts['stages']}\n[promotion.roles]\nrisk = ['bob', 'carl']\n"
        f"desk = ['bob', 'carl']\n[promotion.gates.production]\n"
        + "".join(f"{key} = {value!r}\n" for key, value in rule.items())
        + "[promotion.gates.production.tier.3]\napprovals = 1\n"
    )
