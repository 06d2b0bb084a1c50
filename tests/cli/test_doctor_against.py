"""`mlgov doctor --against`: two environments, what matters apart from what does not, and honest exit codes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from jupyter_mlgov.cli import mlgov
from jupyter_mlgov.core.errors import BadInput, NotReady, UsageError
from jupyter_mlgov.lineage.environment import environment
from jupyter_mlgov.lineage.facts import Outcome
from jupyter_mlgov.workspace import Workspace


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Workspace.create(tmp_path).close()
    return tmp_path


def ask(*words: str) -> tuple[int, str]:
    done = CliRunner().invoke(mlgov, ["doctor", *words], standalone_mode=False)
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    code = done.return_value if isinstance(done.return_value, int) else done.exit_code
    return code, done.output


def session(folder: Path, notebook: str = "credit.ipynb") -> str:
    workspace = Workspace(folder)
    recorder = workspace.recorder(notebook, "ipython")
    recorder.begin(source="x = 1", cell_id="c", tags=("mlgov:data",), namespace={})
    recorder.end(outcome=Outcome.OK, namespace={})
    recorder.close()
    workspace.close()
    return recorder.session.id


def test_an_environment_equals_itself_and_what_it_wrote(folder: Path) -> None:
    assert ask("--write", "env.json")[0] == 0
    code, text = ask("--against", "env.json")
    assert (code, "Nothing that can change numbers differs" in text) == (0, True), text


def test_a_numerical_difference_is_exit_code_1_and_named_first(folder: Path) -> None:
    ask("--write", "env.json")
    told: dict[str, Any] = json.loads(Path("env.json").read_text())
    told["packages"]["numpy"], told["packages"]["rich"] = "1.0.0", "0.1"
    Path("other.json").write_text(json.dumps(told))
    code, text = ask("--against", "other.json")
    assert code == 1 and text.index("numpy") < text.index("Other differences") < text.index("rich")
    code, text = ask("--against", "other.json", "--format", "json")
    body = json.loads(text)
    assert (code, body["exit_code"], body["differences"][0]["what"], body["differences"][0]["matters"]) == (1, 1, "numpy", True)
    told["packages"] = dict(environment().packages) | {"rich": "0.1"}
    Path("other.json").write_text(json.dumps(told))
    assert ask("--against", "other.json")[0] == 0, "rich changes no number"


def test_a_recorded_session_is_compared_by_notebook_or_id(folder: Path) -> None:
    first, second = session(folder), session(folder)
    for word in (second, second[:8], "credit.ipynb"):
        code, text = ask("--against", word, "--format", "json")
        assert [each for each in json.loads(text)["differences"] if each["kind"] in ("python", "package", "files")] == [], text
        assert code in (0, 1), "this process may have loaded BLAS, or set variables, that the session had not"
    assert ask("--against", first, "--of", second)[0] == 0


def test_a_session_whose_machine_was_not_recorded_is_exit_code_3(folder: Path) -> None:
    from jupyter_mlgov.core.facts import plain

    Path("old.json").write_text(json.dumps({key: value for key, value in dict(plain(environment())).items() if key != "machine"}))  # type: ignore[call-overload]  # an object
    code, text = ask("--against", "old.json")
    assert code == 3 and "Not known" in text


def test_a_lock_is_found_and_its_pins_are_compared(folder: Path) -> None:
    with pytest.raises(NotReady, match="no lock"):
        ask("--against", "lock")
    pins = "".join(f"{name}=={version}\n" for name, version in environment().packages.items())
    Path("requirements.txt").write_text(pins)
    assert ask("--against", "lock")[0] == 0
    Path("requirements.txt").write_text(pins.replace("numpy==", "numpy==0."))
    code, text = ask("--against", "lock")
    assert code == 1 and "numpy" in text


@pytest.mark.parametrize(("word", "error"), [("nothing.ipynb", UsageError), ("ffffffffffff", UsageError)])
def test_a_word_that_names_nothing_is_a_sentence(folder: Path, word: str, error: type[Exception]) -> None:
    session(folder)
    with pytest.raises(error):
        ask("--against", word)


def test_a_file_that_is_no_environment_is_a_sentence(folder: Path) -> None:
    for text in ("{", "[]", '{"python": 3}'):
        Path("x.json").write_text(text)
        with pytest.raises(BadInput, match="no environment"):
            ask("--against", "x.json")
    Path("x.txt").write_bytes(b"\xff\xfe")
    with pytest.raises(BadInput):
        ask("--against", "x.txt")


def test_the_session_is_described_with_records_machine_and_blas(folder: Path) -> None:
    session(folder)
    workspace = Workspace(folder)
    found = workspace.lineage("credit.ipynb").session
    entries = [entry.action for entry in workspace.journal.entries()]
    workspace.close()
    assert found is not None and found.environment.machine is not None and len(found.environment.records) > 50
    assert found.environment.packages == environment().packages
    assert entries.count("session.described") == 1
    assert (folder / ".mlgov" / "records.json").is_file()


def test_a_damaged_spool_is_not_fine(folder: Path) -> None:
    from jupyter_mlgov.cli.doctor import examine

    assert next(line for line in examine(folder) if line.what == "spool").fine
    (folder / ".mlgov" / "spool").mkdir()
    (folder / ".mlgov" / "spool" / "s.000001.damaged").write_text("x")
    line = next(line for line in examine(folder) if line.what == "spool")
    assert not line.fine and "s.000001.damaged" in line.found
