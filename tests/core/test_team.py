"""`mlgov.toml`: read strictly, refused with the nearest key."""

from __future__ import annotations

from pathlib import Path

import pytest

from jupyter_mlgov.core.errors import MlgovError
from jupyter_mlgov.core.team import Roles, Scope, Team, parse_team, read_team


def test_a_whole_file_is_read() -> None:
    team = parse_team(
        '[model]\nname = "credit"\ntier = 2\n[subject]\noutcome = "approve"\nfavourable = 1\nprotected = ["white"]\n'
        '[policy]\npacks = ["sr-26-2"]\n[promotion]\nreviewers = ["ann"]\n[promotion.approvals]\nproduction = 2\n'
    )
    assert team.model == "credit"
    assert team.roles == Roles(outcome="approve", favourable="1", protected=("white",))
    assert team.gate("production").approvals == 2
    assert team.gate("staging").approvals == 1


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[modl]\n", 'No section in mlgov.toml "modl". Did you mean "model"?'),
        ("[model]\nnam = 'x'\n", 'No key in \\[model\\] of mlgov.toml "nam". Did you mean "name"?'),
        ("[subject]\noutcom = 'x'\n", 'Did you mean "outcome"?'),
        ("[model]\ntier = 9\n", "tier in \\[model\\] must be 1, 2 or 3"),
        ("[policy]\npacks = 'sr-26-2'\n", "packs in \\[policy\\] must be a list of texts"),
        ("[promotion]\napprovals = { staging = -1 }\n", "must be a table of stage = number"),
        ("[model]\nmateriality = 3\n", "materiality in \\[model\\] must be text"),
        ("[model]\nuse = 3\n", "use in \\[model\\] must be a list of texts"),
        ("[monitorng]\n", 'Did you mean "monitoring"?'),
        ("[limits]\nmost = nan\n", "must be finite"),
        ("model = 3\n", "must be a table"),
        ("[model\n", "not valid TOML"),
    ],
)
def test_a_wrong_file_is_refused_with_a_sentence(text: str, sentence: str) -> None:
    with pytest.raises(MlgovError, match=sentence.replace("?", "\\?")):
        parse_team(text)


def test_no_file_means_the_defaults(tmp_path: Path) -> None:
    assert read_team(tmp_path) == Team()


def test_the_first_stage_has_no_gate() -> None:
    with pytest.raises(MlgovError, match="Known: staging, production"):
        Team().gate("development")


def test_a_changed_threshold_changes_the_digest() -> None:
    assert Team().digest != parse_team("[policy.parameters.'fair.air']\nmin_n = 40\n").digest


def test_scope_facts_and_the_tables_of_validators_are_read() -> None:
    team = parse_team(
        '[model]\nuse = "credit"\njurisdiction = ["US", "EU"]\n[inventory]\nreviewed = 2026-11-24\n[inventory.owner]\nid = "ann"\n'
    )
    assert team.scope == Scope(use=("credit",), jurisdiction=("US", "EU"))
    assert (team.scope.known("use"), team.scope.known("materiality")) == (("credit",), ())
    assert team.register == {"inventory": {"reviewed": "2026-11-24", "owner": {"id": "ann"}}}
    assert team.digest != Team().digest


def test_every_table_a_verdict_looks_at_is_named_once() -> None:
    assert Roles(reference="train", train="train", test="held").tables == ("scored", "train", "held")
