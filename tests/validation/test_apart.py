"""Validators in a process of their own: whatever they do to it is an `error` with a sentence, and the next one still runs."""

from __future__ import annotations

import os
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
from jupyter_mlgov.sdk import CheckResult, Finding, Missing, Subject, Unanswered, Verdict, validator
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
    "bad.segfault": ("os.kill(os.getpid(), 11)", "ended without an answer (exit code -11)"),
    "bad.starve": ("[__import__('numpy').zeros(1 << 27) for _ in range(1 << 20)]", "ran out of memory"),
    "bad.sysexit": ("sys.exit(0)", "SystemExit"),
    "bad.panic": ("raise BaseException('a panic')", "BaseException: a panic"),
    "bad.interrupt": ("raise KeyboardInterrupt", "ended without an answer"),
    "bad.loop": ("while True: pass", "ran longer than 1 s and was stopped"),
    "bad.noise": ("[print('x' * (1 << 26), file=to) for to in (sys.stdout, sys.stderr)]; return 1", "returned int"),
    "bad.word": ("return Finding(message='m', verdict='pass', measured=1.0)", "A verdict is str"),
    "bad.nan": ("return Finding(message='m', verdict=Verdict.PASS, measured=float('nan'))", "a value that a record cannot carry"),
    "bad.count": ("return Finding(message='m', verdict=Verdict.PASS, measured=1.0, n=-5)", "counted -5 rows"),
    "bad.other": (
        "return CheckResult(validator='fine.last', version='1', title='t', verdict=Verdict.PASS, summary='s', findings=(passed(),))",
        'returned the answer of "fine.last"',
    ),
    "bad.text": ("return 'pass'", "returned str"),
    "bad.object": ("return Finding(message='m', verdict=Verdict.PASS, measured=1.0, details={'x': object()})", "a record cannot carry"),
    "bad.deep": ("x = []; [x := [x] for _ in range(10**5)]; return Finding(message='m', verdict=Verdict.PASS, details={'x': x})", ""),
    "bad.forge": ('os.write(1, b\'{"result": {"verdict": "pass"}}\\n\') and 1 / 0', "ZeroDivisionError"),
}


SLOW = ("bad.hang", "bad.loop")  # the others must have time to say what they are, on a busy machine too
# Plug-ins that break while they are imported.
BROKEN = {
    "broken.import": "import no_such_library_here\n",
    "broken.syntax": "def (:\n",
    "broken.exit": "sys.exit(0)\n",
    "broken.signature": "@validator('broken.signature', title='Bad')\ndef check(subject, limit, *, more): return passed()\n",
    "broken.nothing": "check = None\n",
    "broken.name": "@validator('fine.other', title='Bad')\ndef check(subject): return passed()\n",
}


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, CheckResult]]:
    """All of them in one run, with one that passes after them."""
    site = tmp_path_factory.mktemp("site")
    body = HEAD + "import re\n"
    offers = []
    for name, (deed, _) in DEEDS.items():
        function = name.replace(".", "_")
        limit = 1.0 if name in SLOW else 30.0
        body += f"@validator({name!r}, title='Bad', timeout={limit})\ndef {function}(subject: Subject):\n    {deed}\n    return passed()\n"
        offers.append(f"{name} = bad_checks:{function}")
    body += "@validator('fine.last', title='Fine')\ndef fine(subject: Subject):\n    print('{}')\n    return passed()\n"
    (site / "bad_checks.py").write_text(body)
    info = site / "bad_checks-1.0.dist-info"
    info.mkdir()
    for name, text in BROKEN.items():
        (site / f"{name.replace('.', '_')}.py").write_text(HEAD + text, "utf-8")
        offers.append(f"{name} = {name.replace('.', '_')}:check")
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: bad-checks\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[jupyter_mlgov.validators]\nfine.last = bad_checks:fine\n" + "\n".join(offers) + "\n")
    sys.path.insert(0, str(site))
    try:
        subject = Subject(ref=SubjectRef(kind="model", name="m"), roles=Roles())
        report = validate(subject, (), installed_validators(), only=(*DEEDS, *BROKEN, "fine.last"))
        yield {result.validator: result for result in report.results}
    finally:
        sys.path.remove(str(site))
        sys.modules.pop("bad_checks", None)


@pytest.mark.parametrize("name", BROKEN)
def test_a_plug_in_that_cannot_be_taken_is_an_error_that_names_it(results: dict[str, CheckResult], name: str) -> None:
    assert results[name].verdict is Verdict.ERROR
    assert "bad-checks" in results[name].summary


@pytest.mark.parametrize("name", DEEDS)
def test_what_breaks_its_process_is_an_error_that_says_how(results: dict[str, CheckResult], name: str) -> None:
    assert results[name].verdict is Verdict.ERROR
    assert DEEDS[name][1] in results[name].summary


def test_the_one_after_them_still_runs_and_what_it_prints_is_no_answer(results: dict[str, CheckResult]) -> None:
    assert results["fine.last"].verdict is Verdict.PASS


def test_a_missing_library_names_what_to_install(results: dict[str, CheckResult]) -> None:
    assert results["bad.module"].fix == "pip install no_such_library_here"


def installed(site: Path, body: str, *names: str) -> None:
    """A distribution with these validators, whose functions are named like them, with `_` for the dot."""
    (site / "side_checks.py").write_text(HEAD + body, "utf-8")
    info = site / "side_checks-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: side-checks\nVersion: 1.0\n")
    offers = "".join(f"{name} = side_checks:{name.replace('.', '_')}\n" for name in names)
    (info / "entry_points.txt").write_text(f"[jupyter_mlgov.validators]\n{offers}")


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path
    sys.modules.pop("side_checks", None)


SUBJECT = Subject(ref=SubjectRef(kind="model", name="m"), roles=Roles())


def test_two_work_side_by_side_and_the_report_is_that_of_one(site: Path) -> None:
    """`side.a` and `side.z` wait for one another: one lane would never end. Order and digest are the plan's, whoever was first."""
    from jupyter_mlgov.validation.runners import SideBySide

    pipe = site / "pipe"
    os.mkfifo(pipe)
    names = ("side.a", *(f"side.m{number}" for number in range(5)), "side.z")
    body = "".join(
        f"@validator({name!r}, title='T')\ndef {name.replace('.', '_')}(subject):\n    {deed}\n    return passed()\n"
        for name in names
        for deed in [{"side.a": f"open({str(pipe)!r}, 'w').close()", "side.z": f"open({str(pipe)!r}).close()"}.get(name, "pass")]
    )
    installed(site, body, *names)
    seen: list[tuple[int, int, str]] = []
    both = validate(
        SUBJECT, (), installed_validators(), only=names, progress=lambda *said: seen.append(said), runner=SideBySide(SUBJECT, 2)
    )
    assert [one.validator for one in both.results] == list(names)
    assert {one.verdict for one in both.results} == {Verdict.PASS}, [one.summary for one in both.results]
    assert [number for number, _, _ in seen] == [*range(7), 7]
    assert [name for _, _, name in seen] == [*names, ""]
    some = names[1:-1]
    reports = [validate(SUBJECT, (), installed_validators(), only=some, runner=SideBySide(SUBJECT, lanes)) for lanes in (1, 2, 2)]
    assert len({one.digest for one in reports}) == 1


def test_an_interrupt_ends_every_worker(site: Path) -> None:
    from jupyter_mlgov.validation.runners import SideBySide

    names = tuple(f"side.hang{number}" for number in range(6))
    body = "".join(
        f"@validator({name!r}, title='T')\ndef {name.replace('.', '_')}(subject):\n    open(os.devnull); os.read(os.pipe()[0], 1)\n"
        for name in names
    )
    installed(site, body, *names)
    runner = SideBySide(SUBJECT, 2)

    def interrupted(number: int, total: int, name: str) -> None:
        if number == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        validate(SUBJECT, (), installed_validators(), only=names, progress=interrupted, runner=runner)
    assert [lane.running for lane in runner.lanes] == [False, False]


def test_a_table_that_lives_elsewhere_is_judged_here(tmp_path: Path) -> None:
    from jupyter_mlgov.validation.runners import Here, SideBySide, runner_for

    ref = SubjectRef(kind="table", name="t")
    make: Callable[..., Subject] = lambda **more: Subject(ref=ref, roles=Roles(), **more)  # noqa: E731  # a name for one call
    assert isinstance(runner_for(make(), installed=True), SideBySide)
    assert isinstance(runner_for(make(source=object()), installed=True), Here)
    assert isinstance(runner_for(make(), installed=False), Here)
