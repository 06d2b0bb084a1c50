"""The rules that are shipped are those of the code; promtool reads them, and each alert is proven to call and to keep quiet."""

from __future__ import annotations

import re
import shutil
import subprocess
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import yaml

from jupyter_mlgov.monitoring.families import FAMILIES, Family
from jupyter_mlgov.monitoring.rules import ALERTS, RECORDS, text
from jupyter_mlgov.rollout.alerts import RUNBOOK, Scope, absent, serving
from jupyter_mlgov.rollout.manifests.watch import rules as manifest
from tests.rollout.releases import release

SHIPPED = files("jupyter_mlgov.monitoring").joinpath("prometheus")
NAMES = sorted(one.name for one in ALERTS)


def promtool(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    assert shutil.which("promtool"), "promtool is not installed. `make machine` installs Debian's package."
    return subprocess.run(["promtool", *words], cwd=folder, capture_output=True, text=True, check=False)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for one in SHIPPED.iterdir():
        (tmp_path / one.name).write_text(one.read_text("utf-8"))
    return tmp_path


def test_the_shipped_file_is_the_one_of_the_code() -> None:
    shipped = SHIPPED.joinpath("mlgov.rules.yml").read_text("utf-8")
    assert shipped == text(), "write it again: python -m tests.monitoring.golden"


def test_promtool_reads_the_rules_and_both_examples(folder: Path) -> None:
    done = promtool(folder, "check", "rules", "mlgov.rules.yml")
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(ALERTS) + len(RECORDS)} rules found" in done.stdout
    assert promtool(folder, "check", "config", "prometheus.example.yml").returncode == 0
    assert (
        subprocess.run(["amtool", "check-config", "alertmanager.example.yml"], cwd=folder, capture_output=True, check=False).returncode == 0
    )


def test_the_unit_tests_of_the_rules_hold(folder: Path) -> None:
    done = promtool(folder, "test", "rules", "mlgov.rules.test.yml")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(("expression", "what"), [("vector(1) < 0", "never"), ("vector(1)", "always")])
def test_rules_that_never_or_always_call_fail_for_every_alert_by_name(folder: Path, expression: str, what: str) -> None:
    """The mutation of all rules at once: whichever alert's expectation still held would be named by no failure."""
    rules = yaml.safe_load((folder / "mlgov.rules.yml").read_text())
    for group in rules["groups"]:
        for rule in group["rules"]:
            if "alert" in rule:
                rule |= {"expr": expression, "for": "0m"}
    (folder / "mlgov.rules.yml").write_text(yaml.safe_dump(rules))
    done = promtool(folder, "test", "rules", "mlgov.rules.test.yml")
    assert done.returncode != 0
    said = done.stdout + done.stderr
    wanted = rf"alertname: (\w+), time: \S+, \s*exp:\[\s*{'0:' if what == 'never' else ']'}"
    assert sorted(set(re.findall(wanted, said))) == NAMES


def test_a_wrong_expectation_fails(folder: Path) -> None:
    tests = (folder / "mlgov.rules.test.yml").read_text()
    assert tests.count("value: 6600") == 1
    (folder / "mlgov.rules.test.yml").write_text(tests.replace("value: 6600", "value: 6601"))
    assert promtool(folder, "test", "rules", "mlgov.rules.test.yml").returncode != 0


def test_every_alert_says_how_grave_it_is_what_it_is_about_and_where_to_read_on(checkout: Path) -> None:
    groups: list[dict[str, Any]] = yaml.safe_load(text())["groups"]
    page = (checkout / RUNBOOK).read_text("utf-8")
    anchors = {f"#{heading.lower()}" for heading in re.findall(r"^#+ (\w+)$", page, re.MULTILINE)}
    found = [rule for group in groups for rule in group["rules"] if "alert" in rule]
    assert len(found) == len(NAMES)
    for rule in found:
        assert rule["labels"]["severity"] in ("critical", "warning")
        assert rule["annotations"]["summary"].endswith(".")
        path, _, anchor = rule["annotations"]["runbook_url"].partition("#")
        assert path == RUNBOOK
        assert f"#{anchor}" in anchors, f"{rule['alert']} has no heading in {RUNBOOK}"


def test_the_table_of_the_operators_guide_is_what_the_exporter_tells(checkout: Path) -> None:
    page = (checkout / RUNBOOK).read_text("utf-8")
    told = re.findall(r"^\| `(mlgov_\w+)` \| ([^|]+) \| (.+) \|$", page, re.MULTILINE)
    ours = [(one.name, ", ".join(f"`{label}`" for label in one.labels) or "–", one.help) for one in FAMILIES]
    assert told == ours


@pytest.mark.parametrize("family", FAMILIES, ids=lambda one: one.name)
def test_a_metric_is_named_by_the_conventions_and_no_label_is_unbounded(family: Family) -> None:
    assert re.fullmatch(r"mlgov_[a-z_]+", family.name)
    assert family.name.endswith("_total") == (family.kind == "counter")
    assert not re.search(r"_(ms|millis|minutes|hours|days|percent|kb|mb)$", family.name), "base units"
    assert set(family.labels) <= {"model", "stage", "version", "watched", "check", "severity", "kind"}


def test_every_metric_that_a_rule_asks_of_the_record_is_one_that_the_exporter_tells() -> None:
    served = {"mlgov_killed", "mlgov_breaker_position", "mlgov_ready", "mlgov_predictions_waiting"}
    asked = set(re.findall(r"\bmlgov_\w+", " ".join((*RECORDS.values(), *(one.expression for one in ALERTS)))))
    assert asked - served <= {family.name for family in FAMILIES}


def test_the_rules_of_a_cluster_are_these_for_its_own_pods() -> None:
    """One source: the same names, waits, severities and summaries; only the pods that are meant differ."""
    one = release()
    found = manifest(one)["spec"]["groups"][0]["rules"]  # type: ignore[index]  # a document of ours
    scope = Scope(matchers=f'namespace="models",service="{one.name}"', errors=one.place.limit_errors, seconds=one.place.limit_seconds)
    assert found == [alert.rule(model=one.name) for alert in (absent(scope), *serving(scope))]
    mine = {alert.name: (alert.wait, alert.severity, alert.summary) for alert in ALERTS}
    for alert in serving(scope):
        assert mine[alert.name] == (alert.wait, alert.severity, alert.summary)
