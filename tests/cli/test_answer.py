"""`mlgov answer` at the prompt and from a file, and `%mlgov answer`: the same signed answers in the trail."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner
from IPython.core.interactiveshell import InteractiveShell

from jupyter_mlgov.cli.answer import answer
from jupyter_mlgov.core.errors import BadInput, UsageError
from jupyter_mlgov.validation.records import Form
from jupyter_mlgov.workspace import Workspace
from jupyter_mlgov.workspace.subjects import forms
from tests.answering import CONTROL, NOTEBOOK, WORDS, answerable


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.setenv("MLGOV_ACTOR", "ann")
    return answerable(tmp_path)


def told(workspace: Workspace) -> tuple[Form, ...]:
    return forms(workspace, "credit")


def ask(workspace: Workspace, *words: str, typed: str = "") -> str:
    done = CliRunner().invoke(answer, [CONTROL, "--workspace", str(workspace.root), *words], input=typed)
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.output


def test_what_is_typed_at_the_prompt_is_signed_dated_and_bound_to_the_model(workspace: Workspace) -> None:
    out = ask(workspace, typed="".join(f"{text}\n" for text in WORDS.values()))
    assert f"answered {CONTROL}" in out
    (form,) = told(workspace)
    assert dict(form.answers) == WORDS
    assert (form.actor.id, form.model) == ("ann", workspace.lineage(NOTEBOOK).model.fingerprint.root)  # type: ignore[union-attr]  # it is on record
    assert form.entry is not None


def test_a_file_of_answers_says_the_same(workspace: Workspace, tmp_path: Path) -> None:
    lines = [f"{name} = {'true' if text == 'yes' else json.dumps(text)}" for name, text in WORDS.items()]
    (tmp_path / "answers.toml").write_text("\n".join(lines), "utf-8")
    body = json.loads(ask(workspace, "--from", str(tmp_path / "answers.toml"), "--format", "json"))
    assert body["answers"] == WORDS
    assert [one.entry for one in told(workspace)] == [body["entry"]]
    assert WORDS["misuse"] in ask(workspace, "--show")


@pytest.mark.parametrize(
    ("content", "error"),
    [("misuse = 3", BadInput), ("misuse = ", BadInput), ('misuse = "todo"', BadInput), ('misuuse = "a typed wrong name"', UsageError)],
)
def test_a_file_that_does_not_answer_records_nothing(workspace: Workspace, tmp_path: Path, content: str, error: type[Exception]) -> None:
    (tmp_path / "answers.toml").write_text(content, "utf-8")
    with pytest.raises(error):
        ask(workspace, "--from", str(tmp_path / "answers.toml"))
    assert told(workspace) == ()


def test_silence_at_the_prompt_records_nothing(workspace: Workspace) -> None:
    with pytest.raises(BadInput, match="is missing"):
        ask(workspace, typed="\n" * len(WORDS))
    assert told(workspace) == ()


def test_the_magic_answers_too(workspace: Workspace, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(workspace.root)
    from jupyter_mlgov.kernel.magics import GovernanceMagics

    magics = GovernanceMagics(InteractiveShell.instance(), SimpleNamespace(workspace=workspace, notebook=NOTEBOOK))
    pairs = " ".join(f'{name}="{text}"' for name, text in WORDS.items())
    magics.mlgov(f"answer {CONTROL} {pairs}")
    assert f"answered {CONTROL}" in capsys.readouterr().out
    assert [dict(one.answers) for one in told(workspace)] == [WORDS]
