"""code.sast: every rule finds its example at its cell and line, and what was not read is never clean."""

from __future__ import annotations

import socket
import sys
from typing import NoReturn

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_mlgov.core.facts import plain
from jupyter_mlgov.sdk import Finding, Roles, Subject, SubjectRef, Text, Verdict
from jupyter_mlgov.validation.results import CheckResult
from mlgov_validators.program import programs, python_lines
from mlgov_validators.rules import issues
from mlgov_validators.static import static_analysis

from .conftest import judged


def notebook(*sources: str, output: str = "", protected: tuple[str, ...] = ()) -> Subject:
    cells = [Text(where=f"cell [{n}]", content=source, kind="code", path="n.ipynb", cell=n) for n, source in enumerate(sources, 1)]
    outputs = [Text(where="output of cell [1]", content=output, kind="output", path="n.ipynb", cell=1)] if output else []
    return Subject(ref=SubjectRef(kind="model", name="m"), roles=Roles(protected=protected), texts=(*cells, *outputs))


def found(result: CheckResult, rule: str) -> list[Finding]:
    return [one for one in result.findings if one.details.get("rule") == rule]


EXAMPLES = [
    ("eval(x)", "MG101", "fail", 1),
    ("\nimport pickle\npickle.load(open('/shared/m.pkl', 'rb'))", "MG102", "fail", 3),
    ("import joblib as j\nj.load('model.joblib')", "MG102", "warn", 2),
    ("from torch import load\nload('https://example.org/m.pt')", "MG102", "fail", 2),
    ("import pandas as pd\npd.read_pickle(where)", "MG102", "warn", 2),
    ("import numpy as np\nnp.load('a.npy', allow_pickle=True)", "MG102", "warn", 2),
    ("import requests\nrequests.get(u, verify=False)", "MG103", "fail", 2),
    ("import subprocess\nsubprocess.run(c, shell=True)", "MG104", "fail", 2),
    ("import os\nos.system('ls')", "MG104", "warn", 2),
    ("import warnings\nwarnings.filterwarnings('ignore')", "MG105", "pass", 2),
    ("m.fit(X_test, y_test)", "MG106", "warn", 1),
    ("import requests\nrequests.get(u, timeout=3)", "MG107", "pass", 2),
    ("u = 'http://example.org/d.csv'", "MG108", "warn", 1),
    ("p = '/srv/ana/d.csv'", "MG109", "warn", 1),
    ("p = 'C:\\\\data\\\\d.csv'", "MG109", "warn", 1),
    ("since = '2024-01-01'", "MG110", "pass", 1),
    ("FEATURES = ['income', 'race']", "MG111", "fail", 1),
    ("x = 1\n%pip install pandas", "MG112", "warn", 2),
    ("!pip install pandas==2.0 numpy>=1", "MG112", "warn", 1),
    ("!ls", "MG113", "pass", 1),
    ("!cat {path}", "MG113", "warn", 1),
    ("%%bash\nset -e\ncurl https://example.org/i.sh | sh", "MG113", "fail", 3),
    ("import hashlib\nhashlib.md5(b'')", "B324", "fail", 2),
    ("import yaml\nyaml.load(t)", "B506", "warn", 2),
    ("q = f'select * from t where a = {a}'\ncon.execute(f'select * from t where a = {a}')", "B608", "warn", 1),
    ("password = 'correct-horse-7'", "secret", "fail", 1),
]  # fmt: skip


@pytest.mark.parametrize(("source", "rule", "verdict", "line"), EXAMPLES)
def test_each_rule_finds_its_example_at_its_line(source: str, rule: str, verdict: str, line: int) -> None:
    told = found(judged(static_analysis, notebook("a = 1", source, protected=("race",))), rule)
    assert [(one.verdict.value, one.details["cell"]) for one in told][:1] == [(verdict, 2)]
    assert told[0].details["line"] == line
    assert told[0].message.startswith("Cell [2]")


@pytest.mark.parametrize(
    "source",
    ["ast.literal_eval(x)", "import torch\ntorch.load('a.pt', weights_only=True)", "import numpy as np\nnp.load('a.npy')",
     "u = 'http://localhost:8888'", "FEATURES = ['income']", "%pip install pandas==2.2.3", "%pip install -r requirements.lock",
     "x = 7 % 3", "%matplotlib inline", "%%time\ny = 1", "df.head?", "await f()"],
)  # fmt: skip
def test_what_is_fine_has_no_grave_issue(source: str) -> None:
    assert judged(static_analysis, notebook(source, protected=("race",))).verdict is Verdict.PASS


def test_a_name_imported_in_one_cell_is_known_in_the_next() -> None:
    assert found(judged(static_analysis, notebook("import pickle as p", "x = 1", "p.load(f)")), "MG102")


def test_a_secret_in_an_output_is_found_and_never_printed() -> None:
    key = "AKIA" + "IOSFODNN7EXAMPLA"
    result = judged(static_analysis, notebook("a = 1", output=f"line\n{key}\n"))
    assert found(result, "secret")[0].message.startswith("Output of cell [1], line 2 holds a secret: AWS Access Key")
    assert result.verdict is Verdict.FAIL
    assert key not in str(plain(result))


@pytest.mark.parametrize("comment", ["# pragma: allowlist secret", "# nosec", "# nosec B105"])
def test_a_comment_hides_nothing(comment: str) -> None:
    assert judged(static_analysis, notebook(f"password = 'correct-horse-7'  {comment}")).verdict is Verdict.FAIL


def test_what_is_marked_nosec_is_said() -> None:
    result = judged(static_analysis, notebook("import hashlib\nhashlib.md5(b'')  # nosec"))
    assert result.verdict is Verdict.WARN
    assert "it is marked nosec" in result.summary


def test_no_secret_is_sent_to_anybody_to_ask_whether_it_is_real(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> NoReturn:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    assert judged(static_analysis, notebook(f"key = '{'AKIA' + 'IOSFODNN7EXAMPLA'}'")).verdict is Verdict.FAIL


# -- never silently green ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("source", ["def (", "if (x) { 1 }", "%%R\nx <- 1", "print 'a'", "\x00", "("])
def test_a_cell_nobody_could_read_is_not_clean(source: str) -> None:
    result = judged(static_analysis, notebook("a = 1", source))
    assert result.verdict is Verdict.INCONCLUSIVE
    assert "ell [2]" in result.summary


def test_the_other_cells_are_still_looked_at() -> None:
    assert judged(static_analysis, notebook("def (", "eval(x)")).verdict is Verdict.FAIL


def test_a_bandit_test_that_crashes_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """bandit logs the crash of a test and reports the file as clean (core/tester.py)."""
    from bandit.core.tester import BanditTester  # the class whose except clause it is

    def crash(*_: object) -> NoReturn:
        raise RuntimeError("boom")

    monkeypatch.setattr("bandit.core.context.Context.call_function_name_qual", property(crash))
    assert BanditTester
    result = judged(static_analysis, notebook("import os\nprint(os.sep)"))
    assert result.verdict is Verdict.ERROR
    assert "bandit did not look at n.ipynb" in result.summary


def test_bandit_without_its_tests_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bandit.core.test_set.BanditTestSet._load_tests", lambda self, *_: setattr(self, "tests", {}))
    result = judged(static_analysis, notebook("a = 1"))
    assert result.verdict is Verdict.ERROR
    assert "its silence says nothing" in result.summary


@pytest.mark.parametrize(("module", "name"), [("bandit.core.manager", "bandit"), ("detect_secrets.core.scan", "detect-secrets")])
def test_a_missing_tool_is_said_with_what_mends_it(monkeypatch: pytest.MonkeyPatch, module: str, name: str) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    result = judged(static_analysis, notebook("a = 1"))
    assert result.verdict is Verdict.INCONCLUSIVE
    assert f"{name} is not installed" in result.summary
    assert 'pip install "jupyter-mlgov[scan]"' in result.summary


def test_a_scanner_that_breaks_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> NoReturn:
        raise RuntimeError("boom")

    monkeypatch.setattr("mlgov_validators.scanners.secrets", broken)
    assert judged(static_analysis, notebook("a = 1")).verdict is Verdict.ERROR


def test_no_text_is_no_pass() -> None:
    assert judged(static_analysis, notebook()).verdict is Verdict.INCONCLUSIVE


# -- cells as code ----------------------------------------------------------------------------------------------------


@given(st.lists(st.text(alphabet="ab%!=\\ \n?'\"()#:,1", max_size=40), max_size=4))
@settings(deadline=None)
def test_every_line_of_python_knows_its_cell_and_line(sources: list[str]) -> None:
    """Hostile cells of any shape: no crash, and line n of the program is the line of the cell it says it is."""
    subject = notebook(*sources)
    for program in programs(subject.texts):
        assert len(program.places) == program.source.count("\n") or not program.places
        assert all(1 <= one.line <= one.text.content.count("\n") + 1 for one in program.places)
        read = {one.text.cell for one in (*program.places, *program.unparsed)} | {text.cell for text, _ in program.foreign}
        assert read == {text.cell for text in subject.texts}
        list(issues(program))


def test_a_command_over_several_lines_is_one_command_and_keeps_the_numbers() -> None:
    lines, commands, other = python_lines(Text(where="cell [1]", content="!ls \\\n  -l\nx = !pwd\ny = 1\n", kind="code"))
    assert lines == ["pass", "", "x = None", "y = 1", ""]
    assert [(one.words, one.place.line) for one in commands] == [("ls -l", 1), ("pwd", 3)]
    assert other == ""


def test_hostile_text_in_a_finding_is_cut_and_harmless() -> None:
    result = judged(static_analysis, notebook("import pickle\npickle.load(open('/shared/\\x1b[31m<script>" + "a" * 200 + "'))"))
    message = found(result, "MG102")[0].message
    assert "\x1b" not in message
    assert len(message) < 200
