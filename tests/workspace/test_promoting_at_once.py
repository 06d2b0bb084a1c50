"""Two who ask at once: their decisions stand one after the other, and at the end log and registry say the same."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from jupyter_mlgov.core.settings import Settings
from jupyter_mlgov.promotion.docket import replay
from jupyter_mlgov.promotion.intended import intended
from jupyter_mlgov.testing import FixedClock
from jupyter_mlgov.workspace import Workspace
from tests.workspace.gated import NOTEBOOK, TEAM, Gated, gated, train, validated

# A registry that is a file, and slow: between the decision and the alias another process has all the time it needs.
ASKS = """
import sys, time
from pathlib import Path
from jupyter_mlgov.core.settings import Settings
from jupyter_mlgov.promotion.registry import ModelVersion
from tests.workspace.gated import Gated, NOTEBOOK, Registry

root, shared, database, mine = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], sys.argv[4]

class Slow(Registry):
    def find(self, model, model_digest, among):
        return ModelVersion(model=model, version=mine, run_id="r", model_digest=model_digest)
    def promote(self, version, decision, entry):
        time.sleep(0.3 if mine == "1" else 0)
        (shared / "alias").write_text(version.version)

class Asking(Gated):
    registry = property(lambda self: Slow({}))

workspace = Asking(root, Settings(actor="ana@firm.example", deliver="manual", database_url=database))
workspace.shown = {}
workspace.database
(shared / f"ready-{mine}").touch()
while not (shared / "go").exists():
    time.sleep(0.005)
decision = workspace.promote("staging", NOTEBOOK)
assert not decision.reasons, decision.reasons
"""


def ask_at_once(house: Gated, folders: tuple[Path, Path]) -> None:
    """Two processes, each in its folder on the same log, begin at one moment; then log and registry are held against each other."""
    shared = house.root
    root, database = Path(__file__).parents[2], house.settings.database_url
    words = [[str(folder), str(shared), database, mine] for folder, mine in zip(folders, ("1", "2"), strict=True)]
    asking = [subprocess.Popen([sys.executable, "-c", ASKS, *one], cwd=root) for one in words]
    while not all((shared / f"ready-{mine}").exists() for mine in ("1", "2")):
        assert all(process.poll() is None for process in asking)
    (shared / "go").touch()
    assert [process.wait(60) for process in asking] == [0, 0]
    entries = tuple(house.journal.entries())
    newest = intended(entries, "credit", "staging")
    assert newest
    assert (shared / "alias").read_text() == newest.version
    acts = [entry.action for entry in entries if entry.action in ("promotion.decided", "promotion.applied")]
    assert acts == ["promotion.decided", "promotion.applied"] * 2, "nobody decides between another's decision and its alias"
    assert {one.outcome for one in replay(entries)} == {"agrees"}


def test_the_alias_is_what_the_newest_decision_says(tmp_path: Path) -> None:
    house = gated(tmp_path, FixedClock())
    validated(house)
    house.acting("bob@firm.example").review(NOTEBOOK, "approve", "fine", attests_unchecked=True)
    ask_at_once(house, (tmp_path, tmp_path))
    assert house.audit().ok


@pytest.mark.slow
def test_two_machines_with_one_log_on_postgresql_are_kept_apart_too(tmp_path: Path, postgres: str) -> None:
    """Each has a folder, and so a lock file, of its own; only the database stands between them."""
    from tests.postgres import schema

    settings = Settings(actor="ana@firm.example", deliver="manual", database_url=schema(postgres))
    folders = tmp_path / "here", tmp_path / "there"
    for folder in folders:
        folder.mkdir()
        (folder / "mlgov.toml").write_text(TEAM, "utf-8")
        Workspace.create(folder, settings).close()
    house = Gated(folders[0], settings, clock=FixedClock())
    house.shown = {}
    train(house)
    validated(house)
    house.acting("bob@firm.example").review(NOTEBOOK, "approve", "fine", attests_unchecked=True)
    ask_at_once(house, folders)
    house.close()


@pytest.mark.slow
def test_a_deed_that_is_held_up_too_long_elsewhere_is_a_sentence_and_other_deeds_go_on(
    postgres: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from jupyter_mlgov.core.errors import StorageProblem
    from jupyter_mlgov.integrations.sql import open_journal
    from jupyter_mlgov.integrations.sql import postgres as spoken
    from tests.postgres import schema

    url = schema(postgres)
    one, other = (open_journal(url, FixedClock()) for _ in range(2))
    monkeypatch.setattr(spoken, "_TURN", 0.2)
    with one.alone("promote"):
        with pytest.raises(StorageProblem, match="busy with the same \\(promote\\)"), other.alone("promote"):
            raise AssertionError("two at once")
        with other.alone("deliver"):
            pass
    with other.alone("promote"):
        pass
    for journal in (one, other):
        journal.close()
