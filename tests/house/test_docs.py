"""Docs are under test: every verb, magic, route, trait, setting, validator, policy and team key appears in them."""

from __future__ import annotations

import re
import subprocess
from importlib.metadata import entry_points
from pathlib import Path

import pytest
import yaml

from jupyter_mlgov.cli import VERBS, mlgov
from jupyter_mlgov.core import team
from jupyter_mlgov.core.settings import QUIET, Settings
from jupyter_mlgov.core.verdicts import Verdict
from jupyter_mlgov.kernel import magics


def text(checkout: Path, *names: str) -> str:
    return "\n".join((checkout / name).read_text("utf-8") for name in names)


@pytest.mark.parametrize("verb", VERBS)
def test_every_shell_verb_is_in_the_users_guide(checkout: Path, verb: str) -> None:
    assert f"`mlgov {verb}" in text(checkout, "docs/users/cli.md")


@pytest.mark.parametrize("verb", VERBS)
def test_every_option_of_a_verb_is_named_somewhere_in_the_users_guide(checkout: Path, verb: str) -> None:
    guide = text(checkout, "docs/users/cli.md", "docs/users/magics.md", "docs/users/README.md")
    command = mlgov.get_command(None, verb)  # type: ignore[arg-type]  # our group looks at the name alone
    assert command is not None
    long = {option for parameter in command.params for option in parameter.opts if option.startswith("--")}
    shared = {"--workspace", "--format", "--notebook", "--parameter"}
    assert {option for option in long - shared if option not in guide} == set()


@pytest.mark.parametrize("verb", magics.VERBS)
def test_every_magic_is_in_the_users_guide(checkout: Path, verb: str) -> None:
    assert f"`%mlgov {verb}" in text(checkout, "docs/users/magics.md")


def test_completion_knows_every_magic() -> None:
    from jupyter_mlgov.kernel.completion import WORDS

    assert set(WORDS) == set(magics.VERBS)


def test_every_route_and_trait_is_in_the_operators_guide(checkout: Path) -> None:
    from jupyter_mlgov.server import GovernanceApp
    from jupyter_mlgov.server.handlers import ROUTES

    guide = text(checkout, "docs/operators/README.md")
    ours = {name for name in GovernanceApp.class_own_traits(config=True) if name not in ("serverapp_config",)}
    assert {name for name in ours if f"GovernanceApp.{name}" not in guide} == set()
    routes = {route for route, _ in ROUTES}
    assert routes
    assert {route for route in routes if f"mlgov/api/{route}" not in guide} == set()


def test_every_setting_and_switch_is_in_the_operators_guide(checkout: Path) -> None:
    guide = text(checkout, "docs/operators/README.md", "docs/operators/privacy.md")
    asked: list[str] = []

    class Environ(dict[str, str]):
        def get(self, key: str, default: object = None) -> str:  # type: ignore[override]  # only what Settings calls
            asked.append(key)
            return ""

    Settings.from_environment(Environ())
    assert asked
    assert {name for name in [*asked, *QUIET] if name not in guide} == set()


@pytest.mark.parametrize("group", ["jupyter_mlgov.validators", "jupyter_mlgov.policies"])
def test_every_validator_and_policy_is_in_the_docs(checkout: Path, group: str) -> None:
    pages = "\n".join(path.read_text("utf-8") for path in (checkout / "docs").rglob("*.md"))
    ids = {entry.name for entry in entry_points(group=group) if entry.value.startswith("mlgov_validators")}
    assert ids
    assert {name for name in ids if f"`{name}`" not in pages} == set()


def test_every_key_of_the_team_file_is_in_its_page(checkout: Path) -> None:
    page = text(checkout, "docs/users/team-file.md")
    keys = {key for section in team._KEYS.values() for key in section} | set(team.Roles.__dataclass_fields__)
    assert {key for key in keys if not re.search(rf"\b{key}\b", page)} == set()


def test_the_team_file_of_the_docs_is_read(checkout: Path) -> None:
    block = re.search(r"```toml\n(.*?)```", text(checkout, "docs/users/team-file.md"), re.DOTALL)
    assert block
    assert team.parse_team(block[1]).roles.protected == ("white",)


@pytest.mark.parametrize("verdict", Verdict)
def test_every_verdict_is_explained(checkout: Path, verdict: Verdict) -> None:
    page = text(checkout, "docs/users/README.md")
    assert verdict.mark in page
    assert verdict.word in page or f"the {verdict.word}" in page or verdict.word.removeprefix("check ") in page


def test_links_between_pages_lead_somewhere(checkout: Path) -> None:
    dead = []
    for page in [checkout / "README.md", checkout / "jupyter_mlgov" / "README.md", *(checkout / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\(([^)#]+)", page.read_text("utf-8")):
            if "://" not in target and not (page.parent / target).exists():
                dead.append(f"{page.name} -> {target}")
    assert dead == []


def test_the_binder_files_are_well_formed(checkout: Path) -> None:
    environment = yaml.safe_load(text(checkout, "binder/environment.yml"))
    assert "python=3.11" in environment["dependencies"]
    for script in ("postBuild", "start"):
        path = checkout / "binder" / script
        assert path.stat().st_mode & 0o111, f"{script} cannot be executed"
        assert subprocess.run(["bash", "-n", path], check=False).returncode == 0


def test_the_page_of_every_validator_is_its_docstring(checkout: Path) -> None:
    """docs/validators.md is what people read and the docstring what is kept: they say the same, word for word."""
    from jupyter_mlgov.validation.checks import Check
    from jupyter_mlgov.validation.plugins import installed_validators

    registry, text = installed_validators(), (checkout / "docs" / "validators.md").read_text("utf-8")
    stale = []
    for name in registry.ids:
        check = registry.get(name)
        assert isinstance(check, Check), name
        part = text.partition(f"## `{name}`")[2].partition("\n## ")[0]
        if "```text" in part and check.page.strip() not in part:
            stale.append(name)
    assert stale == [], f"Copy the docstring of {', '.join(stale)} into docs/validators.md."


def test_every_threat_names_its_tests_and_each_of_them_exists(checkout: Path) -> None:
    """A threat without a test is a wish; a test that was renamed is no test."""
    page = text(checkout, "docs/threat-model.md")
    rows = [row.split("|") for row in re.findall(r"^\| \d+ \|.*$", page, re.MULTILINE)]
    assert len(rows) >= 30
    assert {row[2].strip() for row in rows} == set("STRIDE"), "each letter has a threat"
    written = set(re.findall(r"def (test_\w+)", "\n".join(path.read_text("utf-8") for path in (checkout / "tests").rglob("test_*.py"))))
    named = {row[1].strip(): set(re.findall(r"`(test_\w+)`", row[6])) for row in rows}
    assert {number: names - written for number, names in named.items() if not names or names - written} == {}
    boundaries = ("notebook", "kernel", "server", "store", "registry", "bundle", "serving", "monitors", "webhook")
    assert [word for word in boundaries if word not in page.partition("## Trust boundaries")[2].partition("## Threats")[0]] == []
