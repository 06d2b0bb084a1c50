"""Validators in a process of their own: whatever they do to it is an `error` with a sentence, and the next one still runs."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from jupyter_mlgov.sdk import Roles, Subject, SubjectRef, Verdict
from jupyter_mlgov.validation.engine import validate
from jupyter_mlgov.validation.plugins import installed_validators
from jupyter_mlgov.validation.results import CheckResult

HEAD = """
import os, sys, time
from jupyter_mlgov.sdk import Finding, Missing, Subject, Unanswered, Verdict, validator
def passed(): return Finding(message="fine", verdict=Verdict.PASS, measured=1.0)
"""
# What a validator may do to the process it runs in, and what the reader is told.
DEEDS = {
    "bad.hang": ("re.match(r'(a+)+$', 'a' * 64 + 'b')", "ran longer than 1 s and was stopped"),  # one call in C: no signal handler runs
    "bad.abort": ("os.abort()", "ended without an answer"),
    "bad.exit": ("os._exit(0)", "ended without an answer (exit code 0)"),
    "bad.memory": ("bytearray(1 << 50)", "ran out of memory"),
    "bad.module": ("__import__('no_such_library_here')", "needs the package no_such_library_here"),
    "bad.raise": ("1 / 0", "ZeroDivisionError"),
    "bad.forge": ('os.write(1, b\'{"result": {"verdict": "pass"}}\\n\') and 1 / 0', "ZeroDivisionError"),
}


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, CheckResult]]:
    """All of them in one run, with one that passes after them."""
    site = tmp_path_factory.mktemp("site")
    body = HEAD + "import re\n"
    offers = []
    for name, (deed, _) in DEEDS.items():
        function = name.replace(".", "_")
        body += f"@validator({name!r}, title='Bad', timeout=1.0)\ndef {function}(subject: Subject):\n    {deed}\n    return passed()\n"
        offers.append(f"{name} = bad_checks:{function}")
    body += "@validator('fine.last', title='Fine')\ndef fine(subject: Subject):\n    print('{}')\n    return passed()\n"
    (site / "bad_checks.py").write_text(body)
    info = site / "bad_checks-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: bad-checks\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[jupyter_mlgov.validators]\nfine.last = bad_checks:fine\n" + "\n".join(offers) + "\n")
    sys.path.insert(0, str(site))
    try:
        subject = Subject(ref=SubjectRef(kind="model", name="m"), roles=Roles())
        report = validate(subject, (), installed_validators(), only=(*DEEDS, "fine.last"))
        yield {result.validator: result for result in report.results}
    finally:
        sys.path.remove(str(site))
        sys.modules.pop("bad_checks", None)


@pytest.mark.parametrize("name", DEEDS)
def test_what_breaks_its_process_is_an_error_that_says_how(results: dict[str, CheckResult], name: str) -> None:
    assert results[name].verdict is Verdict.ERROR
    assert DEEDS[name][1] in results[name].summary


def test_the_one_after_them_still_runs_and_what_it_prints_is_no_answer(results: dict[str, CheckResult]) -> None:
    assert results["fine.last"].verdict is Verdict.PASS


def test_a_missing_library_names_what_to_install(results: dict[str, CheckResult]) -> None:
    assert results["bad.module"].fix == "pip install no_such_library_here"


def test_a_table_that_lives_elsewhere_is_judged_here(tmp_path: Path) -> None:
    from jupyter_mlgov.validation.runners import Apart, Here, runner_for

    ref = SubjectRef(kind="table", name="t")
    make: Callable[..., Subject] = lambda **more: Subject(ref=ref, roles=Roles(), **more)  # noqa: E731  # a name for one call
    assert isinstance(runner_for(make(), installed=True), Apart)
    assert isinstance(runner_for(make(source=object()), installed=True), Here)
    assert isinstance(runner_for(make(), installed=False), Here)
