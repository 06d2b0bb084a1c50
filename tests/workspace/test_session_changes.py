"""One recorded session in a real kernel: what an edit of the notebook does to its report, its evidence and its gate."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest
from IPython.core.interactiveshell import InteractiveShell

from jupyter_mlgov.core.errors import BadInput, UsageError
from jupyter_mlgov.core.settings import Settings
from jupyter_mlgov.core.verdicts import Verdict
from jupyter_mlgov.integrations.papermill import run_notebook
from jupyter_mlgov.kernel.magics import GovernanceMagics
from jupyter_mlgov.validation.results import Report
from jupyter_mlgov.workspace import Workspace
from jupyter_mlgov.workspace.judging import changes, last_report

NAME = "n.ipynb"
CELLS = {
    "base": ("step = 2", ()),
    "scores": (
        "import pandas as pd\nscored = pd.DataFrame({'approve': [1, 1, 0, 1] * 25 * step, 'white': [0, 1] * 50 * step})",
        ("mlgov:data",),
    ),
    "evaluate": ("rows = len(scored)  # how many", ("mlgov:evaluate",)),
    "aside": ("note = 'nobody reads this'", ()),
}
TEAM = """
[model]
name = "credit"
[subject]
outcome = "approve"
favourable = 1
protected = ["white"]
[policy]
packs = ["{pack}"]
"""
PACK = """
[policy]
id = "small"
version = "1"
title = "Small"
framework = "F"
"""
CONTROL = """
[[control]]
id = "{id}"
cite = "c"
url = ""
verified = "P"
obligation = "do"
automation = "auto"
severity = "high"
gates = ["train"]
basis = "b"
[[control.requirements]]
validator = "{validator}"
"""


def written(path: Path, cells: dict[str, tuple[str, tuple[str, ...]]]) -> None:
    made = [nbformat.v4.new_code_cell(source, id=cell_id, metadata={"tags": list(tags)}) for cell_id, (source, tags) in cells.items()]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    nbformat.write(nbformat.v4.new_notebook(cells=made, metadata=kernel), path)


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace in which the notebook ran once, and was validated."""
    folder = tmp_path_factory.mktemp("session")
    pack = folder / "small.toml"
    asked = ("fair.air", "lineage.complete", "repro.rerun", "code.sast")
    pack.write_text(PACK + "".join(CONTROL.format(id=f"C.{name}", validator=name) for name in asked), "utf-8")
    (folder / "mlgov.toml").write_text(TEAM.format(pack="small.toml"), "utf-8")
    Workspace.create(folder, Settings(actor="ann")).close()
    written(folder / NAME, CELLS)
    run_notebook(folder / NAME, folder / "out.ipynb", {}, cwd=folder)
    Workspace(folder, Settings(actor="ann", anchors="none")).judge(NAME)
    return folder


@pytest.fixture
def workspace(ran: Path, tmp_path: Path) -> Iterator[Workspace]:
    folder = shutil.copytree(ran, tmp_path / "w")
    found = Workspace(folder, Settings(actor="ann", anchors="none", deliver="manual"))
    yield found
    found.close()


Edit = Callable[[dict[str, tuple[str, tuple[str, ...]]]], dict[str, tuple[str, tuple[str, ...]]]]


def saying(cell: str, source: str) -> Edit:
    return lambda cells: {**cells, cell: (source, cells[cell][1])}


def codes(workspace: Workspace) -> list[tuple[str, str]]:
    return [(reason.code, reason.cell) for reason in workspace.why("staging", NAME).reasons]


def told(workspace: Workspace) -> Report:
    found = last_report(workspace, NAME)
    assert found is not None
    return found


@pytest.mark.parametrize(
    "edit",
    [
        saying("evaluate", "rows = len(scored)  # another comment"),
        saying("evaluate", "# above\nrows   =   len( scored )\n\n"),
        saying("base", "step = 2  # a comment in a cell without a tag"),
    ],
    ids=["comment", "layout", "untagged"],
)
def test_a_formatting_change_keeps_report_evidence_and_gate(workspace: Workspace, edit: Edit) -> None:
    before, shut = told(workspace), codes(workspace)
    written(workspace.path_of(NAME), edit(CELLS))
    assert changes(workspace, before, workspace.lineage(NAME), workspace.team_for(NAME)) == ()
    assert codes(workspace) == shut
    again = workspace.judge(NAME)
    assert again.report.digest == before.digest
    assert [result.evidence for result in again.report.results] == [result.evidence for result in before.results]
    ran_again = {one.validator for one in again.reuse if not one.reused}
    assert ran_again <= {"code.sast"}, "only what reads comments looks again"


def git(folder: Path, *words: str) -> None:
    identity = ["-c", "user.name=Ann", "-c", "user.email=ann@firm.example"]
    subprocess.run(["git", *identity, *words], cwd=folder, check=True, capture_output=True)


def committed(folder: Path, cells: dict[str, tuple[str, tuple[str, ...]]]) -> None:
    """The notebook with these cells, committed, and run in a new session."""
    written(folder / NAME, cells)
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "another state", "--allow-empty")
    run_notebook(folder / NAME, folder / "out.ipynb", {}, cwd=folder)


def test_another_layout_in_another_commit_and_session_is_no_change_and_another_module_is(workspace: Workspace) -> None:
    """The commit is recorded, and nothing rests on it: cells by what they say, local modules by their content, compiled or not."""
    folder = workspace.root
    (folder / ".gitignore").write_text(".mlgov\nout.ipynb\n__pycache__\n", "utf-8")
    (folder / "helper.py").write_text("TWO = 2\n", "utf-8")
    git(folder, "init", "-q")
    cells = {**CELLS, "base": ("from helper import TWO\nstep = TWO", ())}
    committed(folder, cells)
    before = workspace.judge(NAME).report
    committed(folder, saying("evaluate", "# above\nrows   =   len( scored )\n")(cells))
    now = workspace.lineage(NAME)
    assert now.session is not None
    assert now.session.code.commit not in ("", before.subject.code)
    assert changes(workspace, before, now, workspace.team_for(NAME)) == ()
    again = workspace.judge(NAME).report
    assert again.subject.digest == before.subject.digest
    assert again.subject.code == now.session.code.commit, "recorded all the same"
    assert [one.evidence for one in again.results if one.validator == "fair.air"] == [before.results[1].evidence]
    (folder / "helper.py").write_text("TWO = 1 + 1\n", "utf-8")
    committed(folder, cells)
    told = changes(workspace, again, workspace.lineage(NAME), workspace.team_for(NAME))
    assert told == ("an input file or a module changed",)


def test_a_pack_in_the_workspace_is_judged_by_its_content_under_its_path(workspace: Workspace) -> None:
    """mlgov.toml names `small.toml`: the gate takes it, a changed word makes the report stale, and it can pass for no installed pack."""
    before = told(workspace)
    assert [(one.id, one.title) for one in before.policies] == [("small.toml", "Small")]
    assert "policy-missing" not in {code for code, _ in codes(workspace)}
    pack = workspace.root / "small.toml"
    text = pack.read_text("utf-8")
    pack.write_text("# another layout\n" + text, "utf-8")
    assert changes(workspace, before, workspace.lineage(NAME), workspace.team_for(NAME)) == ()
    pack.write_text(text.replace('severity = "high"', 'severity = "low"', 1).replace('id = "small"', 'id = "sr-26-2"'), "utf-8")
    assert "stale-report" in {code for code, _ in codes(workspace)}
    again = workspace.judge(NAME).report
    assert [one.id for one in again.policies] == ["small.toml"]
    assert again.policies[0].digest != before.policies[0].digest
    pack.unlink()
    with pytest.raises(BadInput, match=r"The policy file small\.toml cannot be read"):
        workspace.judge(NAME)


@pytest.mark.parametrize("place", ["absolute", "above", "link"])
def test_a_pack_outside_the_workspace_is_refused_with_what_to_do(workspace: Workspace, tmp_path: Path, place: str) -> None:
    outside = tmp_path / "small.toml"
    shutil.move(workspace.root / "small.toml", outside)
    if place == "link":
        (workspace.root / "small.toml").symlink_to(outside)
    name = {"absolute": str(outside), "above": "../small.toml", "link": "small.toml"}[place]
    (workspace.root / "mlgov.toml").write_text(TEAM.format(pack=name), "utf-8")
    with pytest.raises(BadInput, match="lies outside the workspace") as refused:
        workspace.judge(NAME)
    assert "Copy it into the workspace, or install its package" in str(refused.value)


def test_a_partial_run_in_a_cell_says_so_and_no_gate_takes_it(workspace: Workspace) -> None:
    magics = GovernanceMagics(InteractiveShell.instance(), SimpleNamespace(workspace=workspace, notebook=NAME))
    before = told(workspace)
    magics.mlgov("validate fair.* --stage train --quiet")
    entry = list(workspace.journal.entries(actions=("validation.done",)))[-1]
    report = entry.payload["report"]
    assert isinstance(report, dict)
    assert [result["validator"] for result in report["results"]] == ["fair.air"]
    assert report["note"] == "Partial: only fair.* of stage train ran. No gate takes it."
    assert told(workspace).digest == before.digest
    with pytest.raises(UsageError, match="train"):
        workspace.judge(NAME, stage="trian")


def test_a_changed_constant_of_a_step_makes_it_stale_and_shuts_the_gate(workspace: Workspace) -> None:
    written(workspace.path_of(NAME), saying("evaluate", "rows = len(scored) + 1")(CELLS))
    assert ("step-stale", "evaluate") in codes(workspace)
    assert workspace.judge(NAME).report.result("repro.rerun") is not None


@pytest.mark.parametrize(
    ("edit", "cell", "because"),
    [
        (saying("base", "step = 3"), "base", "edited"),
        (lambda cells: {key: value for key, value in cells.items() if key != "aside"}, "aside", "deleted"),
        (lambda cells: {"scores": cells["scores"], "base": cells["base"], **cells}, "scores", "upstream"),
    ],
    ids=["untagged cell edited", "deleted cell lives on", "out of order"],
)
def test_hidden_state_fails_the_control_and_shuts_the_gate_with_the_cell(workspace: Workspace, edit: Edit, cell: str, because: str) -> None:
    assert not [code for code, _ in codes(workspace) if code in ("hidden-state", "step-stale")]
    written(workspace.path_of(NAME), edit(CELLS))
    assert cell in {where for code, where in codes(workspace) if code in ("hidden-state", "step-stale")}
    judged = workspace.judge(NAME)
    result = judged.report.result("repro.rerun")
    assert result is not None
    assert result.verdict is Verdict.FAIL
    assert (cell, because) in {(finding.where, finding.details.get("because")) for finding in result.findings}
    assert "the hidden state of the session changed" in {one.validator: one.why for one in judged.reuse}["repro.rerun"]
    assert "repro.rerun" in [one.validator for one in judged.report.blocking]
