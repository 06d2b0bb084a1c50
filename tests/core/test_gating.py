"""Gates, roles and the review clock in mlgov.toml: read, and a wrong word refused with the nearest."""

from __future__ import annotations

import pytest

from jupyter_mlgov.core.errors import MlgovError
from jupyter_mlgov.core.facts import plain
from jupyter_mlgov.core.gating import ReviewClock
from jupyter_mlgov.core.restoring import restore
from jupyter_mlgov.core.team import Team, parse_team

WHOLE = """
[model]
tier = 2
[policy]
packs = ["a", "b"]
[promotion]
stages = ["dev", "shadow", "live"]
reviewers = ["ann", "bob"]
[promotion.roles]
risk = ["Bob ", "carl"]
legal = ["dora"]
[promotion.gates.live]
packs = ["b"]
approvals = 2
role = "risk"
evidence_days = 30
drill_days = 31
needs = ["pushed-data", "rerun"]
[promotion.gates.live.tier.1]
approvals = 3
[promotion.gates.shadow]
role = "legal"
[promotion.clock]
hours = 8
business = true
zone = "Europe/Zurich"
opens = 08:30:00
holidays = [2026-12-25]
"""


def test_a_gate_takes_its_own_table_over_the_teams_defaults() -> None:
    team = parse_team(WHOLE)
    live = team.gate("live")
    assert (live.policies, live.approvals, live.role, live.evidence_days, live.drill_days) == (("b",), 2, "risk", 30, 31)
    assert live.needs == ("pushed-data", "rerun")
    assert team.gate("shadow").policies == ("a", "b")
    assert parse_team(WHOLE.replace("tier = 2", "tier = 1")).gate("live").approvals == 3


def test_who_may_approve_are_those_of_the_role_among_the_reviewers_and_an_empty_meeting_is_nobody() -> None:
    team = parse_team(WHOLE)
    assert team.approvers(team.gate("live")) == ("Bob ",)
    (nobody,) = team.approvers(team.gate("shadow"))
    assert "nobody" in nobody


def test_the_clock_is_read() -> None:
    assert parse_team(WHOLE).clock == ReviewClock(hours=8, business="yes", zone="Europe/Zurich", opens="08:30", holidays=("2026-12-25",))


def test_a_team_comes_back_from_its_recorded_form_with_the_same_digest() -> None:
    team = parse_team(WHOLE)
    again = restore(Team, plain(team), "team")
    assert again.digest == team.digest
    assert again.gate("live") == team.gate("live")


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("evidence_days = 30", "evidence_day = 30", 'Did you mean "evidence_days"'),
        ("gates.live]", "gates.life]", 'Did you mean "live"'),
        ("gates.shadow]", "gates.dev]", "No stage"),
        ('role = "risk"', 'role = "risks"', 'Did you mean "risk"'),
        ('packs = ["b"]', 'packs = ["c"]', "No pack"),
        ('"rerun"]', '"re-run"]', 'Did you mean "rerun"'),
        ("live.tier.1]", "live.tier.4]", "No tier"),
        ("approvals = 3", 'approvals = "3"', "must be a number"),
        ("approvals = 2", "approvals = -1", "must be a number"),
        ("hours = 8", "hour = 8", 'Did you mean "hours"'),
        ("hours = 8", "hours = 0", "at least 1"),
        ('zone = "Europe/Zurich"', 'zone = "Europe/Zurigo"', "cannot be read"),
        ("opens = 08:30:00", 'opens = "19:00"', "leaves no hour"),
        ("business = true", 'business = "yes"', "true or false"),
        ("holidays = [2026-12-25]", 'holidays = ["Christmas"]', "cannot be read"),
        ('legal = ["dora"]', "legal = []", "names nobody"),
        ('legal = ["dora"]', 'legal = "dora"', "list of texts"),
    ],
)
def test_a_wrong_word_is_refused(old: str, new: str, told: str) -> None:
    assert old in WHOLE
    with pytest.raises(MlgovError, match=told):
        parse_team(WHOLE.replace(old, new, 1))
