"""The documentation does what it says: every block of code runs in a clean folder, or says why it cannot run here."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from jupyter_mlgov.core.settings import Settings
from jupyter_mlgov.workspace import Workspace
from tests.conftest import ROOT
from tests.pages import blocks, run, shell

START = "docs/getting-started.md"
PAGES = sorted((ROOT / "docs").rglob("*.md"))
DOING = {page.relative_to(ROOT).as_posix(): [block for block in blocks(page, ROOT) if block.does] for page in PAGES}


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a newcomer has after the page "Getting started", and nothing else: an empty folder, and its blocks typed one by one."""
    top = tmp_path_factory.mktemp("newcomer")
    (top / "home").mkdir()
    folder = top / "my first model"
    folder.mkdir()
    run(blocks(ROOT / START, ROOT), folder, shell(top / "home"))
    return folder


@pytest.mark.slow
def test_a_newcomer_who_types_the_first_page_reaches_a_promoted_model(started: Path) -> None:
    workspace = Workspace(started, Settings(deliver="manual"))
    try:
        decisions = [entry.payload for entry in workspace.journal.entries(actions=("promotion.decided",))]
        assert [one["answer"] for one in decisions] == ["awaiting review", "granted"]
        assert workspace.audit().ok
        version = workspace.registry.at_stage("loans", "staging")
        assert version is not None and version.version == "1"
    finally:
        workspace.close()


@pytest.mark.slow
@pytest.mark.parametrize("page", [page for page in DOING if page != START and any("not-run" not in block.words for block in DOING[page])])
def test_the_blocks_of_a_page_run_where_the_first_page_ends(page: str, started: Path, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    shutil.copytree(started, folder, symlinks=True)
    (tmp_path / "home").mkdir()
    run(DOING[page], folder, shell(tmp_path / "home"))


def test_what_cannot_run_here_says_why_and_is_counted(capsys: pytest.CaptureFixture[str]) -> None:
    marked = [block for found in DOING.values() for block in found if "not-run" in block.words]
    assert [block.name for block in marked if len(block.words["not-run"].split()) < 3] == [], "a reason is a sentence"
    doing = [block for found in DOING.values() for block in found if "not-run" not in block.words]
    told = {block.name: block.words["not-run"] for block in marked}
    with capsys.disabled():
        print(f"\n{len(doing)} blocks of the documentation run, {len(told)} do not:\n{json.dumps(told, indent=1)}")
