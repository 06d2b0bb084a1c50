"""`%mlgov` in a real interpreter: sentences for wrong words, completion, the report in the cell."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from IPython.core.interactiveshell import InteractiveShell

# IPython 9 marks its own completion hook, which JupyterLab reaches through the kernel, as on its way out.
pytestmark = pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[InteractiveShell]:
    monkeypatch.chdir(tmp_path)
    InteractiveShell.clear_instance()
    made = InteractiveShell.instance()
    made.run_line_magic("load_ext", "jupyter_mlgov")
    yield made
    made.run_line_magic("unload_ext", "jupyter_mlgov")
    InteractiveShell.clear_instance()


def run(shell: InteractiveShell, source: str) -> object:
    return shell.run_cell(source, store_history=True)


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("%mlgov valdate", 'No verb "valdate". Did you mean "validate"?'),
        ("%mlgov promote prd", 'No stage "prd"'),
        ("%mlgov review maybe", "%mlgov review"),
        ("%mlgov validate 'x", "cannot be read"),
        ("%mlgov report", "no report"),
        ("%mlgov validate", "nothing to validate"),
        ("%%mlgov stp train\nx = 1", 'No cell verb "stp". Did you mean "step"?'),
        ("%%mlgov step trian\nx = 1", "train"),
    ],
)
def test_a_wrong_word_is_a_sentence_and_not_a_traceback(
    shell: InteractiveShell, capsys: pytest.CaptureFixture[str], line: str, sentence: str
) -> None:
    result = shell.run_cell(line, store_history=True)
    said = "".join(capsys.readouterr())
    assert not result.success
    assert sentence in said, said
    assert "Traceback" not in said


def test_mlgov_alone_says_what_to_do_next(shell: InteractiveShell, capsys: pytest.CaptureFixture[str]) -> None:
    assert shell.run_cell("%mlgov", store_history=True).success
    assert "No steps yet" in capsys.readouterr().out


def test_a_cell_run_as_a_step_is_recorded_as_one(shell: InteractiveShell, tmp_path: Path) -> None:
    from jupyter_mlgov.workspace import Workspace

    assert shell.run_cell("%%mlgov step train:first\nanswer = 6 * 7", store_history=True).success
    assert shell.user_ns["answer"] == 42
    workspace = Workspace.find(tmp_path)
    (notebook,) = workspace.notebooks()
    steps = [run.step.label for run in workspace.lineage(notebook).runs if run.step]
    assert steps == ["train:first"]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("%mlgov va", "validate"),
        ("%mlgov ", "promote"),
        ("%mlgov promote sta", "staging"),
        ("%mlgov audit ", "verify"),
        ("%%mlgov step tr", "train"),
        ("%%mlgov st", "step"),
    ],
)
def test_completion_of_verbs_and_steps(shell: InteractiveShell, line: str, expected: str) -> None:
    _, matches = shell.complete("", line, len(line))
    assert expected in matches, matches


def test_loading_twice_registers_once(shell: InteractiveShell, tmp_path: Path) -> None:
    from jupyter_mlgov import load_ipython_extension
    from jupyter_mlgov.workspace import Workspace

    load_ipython_extension(shell)
    shell.run_cell("x = 1", store_history=True)
    workspace = Workspace.find(tmp_path)
    assert len(workspace.lineage(workspace.notebooks()[0]).runs) == 1


def test_the_trail_is_told_proven_and_packed_in_the_notebook_too(
    shell: InteractiveShell, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    from jupyter_mlgov.audit.offline import check
    from jupyter_mlgov.workspace import Workspace
    from tests.promotion.test_intended import Answer, decided

    hostile = "cr\x1b[2Jedit"
    workspace = Workspace.create(tmp_path)
    workspace.record(decided("1", model=hostile, answer=Answer.REFUSED))
    shell.run_cell("%mlgov audit log --last 3", store_history=True)
    told = capsys.readouterr().out
    assert len(told.splitlines()) == 3
    assert "cr\\x1b[2Jedit" in told
    assert "\x1b" not in told
    for line, said in (
        ("%mlgov audit", "✓"),
        ("%mlgov audit replay", "0 of 1 decisions were decided again"),
        ("%mlgov audit reconcile", "The registry shows what the trail says"),
        (f'%mlgov audit bundle "{hostile}" -o a.zip --without-objects', "Wrote a.zip"),
    ):
        assert shell.run_cell(line, store_history=True).success, line
        assert said in capsys.readouterr().out, line
    assert check(tmp_path / "a.zip").exit_code in (0, 3)
    assert not check(tmp_path / "a.zip").broken
    for line, said in (("%mlgov audit bundle nobody", 'No model "nobody"'), ("%mlgov audit log credit", "takes no model")):
        assert not shell.run_cell(line, store_history=True).success
        assert said in "".join(capsys.readouterr())


def test_export_shows_steps_and_files_before_it_makes_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import nbformat

    about = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    cells = [("mlgov:data", "rows = open('x.csv').read()"), ("mlgov:train", "fitted = len(rows)")]
    made = [nbformat.v4.new_code_cell(source, metadata={"tags": [tag]}) for tag, source in cells]
    nbformat.write(nbformat.v4.new_notebook(cells=made, metadata=about), tmp_path / "min bok.ipynb")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("JPY_SESSION_NAME", str(tmp_path / "min bok.ipynb"))
    InteractiveShell.clear_instance()
    shell = InteractiveShell.instance()
    shell.run_line_magic("load_ext", "jupyter_mlgov")
    try:
        assert shell.run_cell("%mlgov export --to papermill --dry-run", store_history=True).success
        shown = capsys.readouterr().out
        assert not list(tmp_path.glob("*.papermill.ipynb"))
        assert shell.run_cell("%mlgov export --to papermill", store_history=True).success
        said = capsys.readouterr().out
        stopped = shell.run_cell("%mlgov promote staging --or-stop", store_history=True)
    finally:
        shell.run_line_magic("unload_ext", "jupyter_mlgov")
        InteractiveShell.clear_instance()
    assert "data  cell [1]" in shown and "takes rows of data" in shown and "papermill would write" in shown
    assert said.startswith(shown.rstrip("\n")) and "Wrote " in said.removeprefix(shown.rstrip("\n")), "first what, then that it is done"
    assert (tmp_path / "min bok.papermill.ipynb").exists()
    assert type(stopped.error_in_exec).__name__ == "GateShut" and "stays shut: refused" in str(stopped.error_in_exec)
