"""The shipped packs say what controls.json says, and the shipped plug-ins come through the public door."""

from __future__ import annotations

import json
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlgov.sdk import Check
from jupyter_mlgov.validation.plugins import POLICIES, VALIDATORS, installed_policies, installed_validators, policy_ids
from jupyter_mlgov.validation.policy import Policy
from jupyter_mlgov.validation.settings import settle

FRAMEWORKS = {
    "sr-26-2": ("SR26-2", 18),
    "us-fair-lending": ("US-FAIR-LENDING", 8),
    "gdpr": ("GDPR", 13),
    "mifid2-rts6": ("MiFID2/RTS6", 16),
    "eu-ai-act": ("EU-AI-Act", 15),
    "nist-ai-rmf": ("NIST-AI-RMF", 7),
    "pra-ss1-23": ("PRA-SS1/23", 9),
    "sr-11-7-legacy": ("SR11-7(legacy)", 2),
    "optional": ("OPTIONAL-PACKS", 4),
}
SEVEN = {"fair.air", "fair.sig", "perf.discrim", "perf.benchmark", "priv.pii", "lineage.complete", "env.pin"}


@pytest.fixture(params=sorted(FRAMEWORKS))
def pack(request: pytest.FixtureRequest) -> Policy:
    return installed_policies((request.param,))[0]


def published(checkout: Path) -> list[dict[str, Any]]:
    path = checkout.parent / "shared" / "controls" / "controls.json"
    assert path.exists(), f"{path} is missing: it is what this test holds the packs against."
    found: list[dict[str, Any]] = json.loads(path.read_text("utf-8"))
    return found


def test_the_pack_has_every_control_of_its_framework(pack: Policy, checkout: Path) -> None:
    framework, number = FRAMEWORKS[pack.id]
    wanted = [one for one in published(checkout) if one["framework"] == framework]
    assert len(pack.controls) == len(wanted) == number
    for ours, theirs in zip(pack.controls, wanted, strict=True):
        for key in ("id", "cite", "url", "verified", "obligation", "evidence", "automation", "basis"):
            assert getattr(ours, key) == theirs[key], theirs["id"]
        assert ours.severity.value == theirs["severity"]
        assert list(ours.gates) == theirs["gates"]
        assert ours.threshold == theirs["metric_threshold"]
        assert [ask.validator for ask in ours.requirements] == theirs["validators"]
        assert (ours.status, ours.profile) == (theirs.get("status", ""), theirs.get("profile", ""))
        if "applies_from" in theirs:
            assert theirs["applies_from"].startswith(ours.applies_from)
        assert bool(ours.questions) == (ours.automation != "auto"), "people are asked exactly where a machine cannot decide alone"


def test_the_nine_packs_hold_all_controls_once(checkout: Path) -> None:
    ours = [control.id for name in FRAMEWORKS for control in installed_policies((name,))[0].controls]
    assert sorted(ours) == sorted(one["id"] for one in published(checkout))
    assert len(ours) == 92


def test_every_number_of_a_pack_has_its_source_and_fits_its_validator(pack: Policy) -> None:
    registry = installed_validators()
    for control in pack.controls:
        for ask in control.requirements:
            assert set(ask.sources) == set(ask.parameters)
            if ask.validator in registry.ids:
                check = registry.get(ask.validator)
                assert isinstance(check, Check)
                assert set(settle(check, (pack,), {})) == set(check.defaults)


def test_all_packs_can_be_met_together() -> None:
    registry = installed_validators()
    for name in SEVEN:
        check = registry.get(name)
        assert isinstance(check, Check)
        settle(check, installed_policies(policy_ids()), {})


def test_the_seven_are_installed_each_with_page_source_and_fix() -> None:
    registry = installed_validators()
    assert set(registry.ids) >= SEVEN
    for name in SEVEN:
        check = registry.get(name)
        assert isinstance(check, Check)
        assert check.source
        assert check.fix
        for verdict in ("fail:", "inconclusive:"):
            assert verdict in check.page, f"the page of {name} does not say when it is {verdict}"


@pytest.mark.parametrize("group", [VALIDATORS, POLICIES])
def test_every_id_stands_in_the_pages(checkout: Path, group: str) -> None:
    page = (checkout / "docs" / "validators.md").read_text("utf-8")
    ours = {entry.name for entry in entry_points(group=group) if entry.value.startswith("mlgov_validators")}
    assert ours
    assert {name for name in ours if f"`{name}`" not in page} == set()


def test_the_page_shows_each_validators_own_words(checkout: Path) -> None:
    page = (checkout / "docs" / "validators.md").read_text("utf-8")
    registry = installed_validators()
    for name in registry.ids:
        check = registry.get(name)
        assert isinstance(check, Check)
        if not check.measure.__module__.startswith("mlgov_validators"):
            continue
        assert check.page in page, f"docs/validators.md is older than the docstring of {name}"


def test_how_to_write_a_validator_fits_on_forty_lines(checkout: Path) -> None:
    assert len((checkout / "validators" / "README.md").read_text("utf-8").splitlines()) <= 40
