"""Two who ask at once: their decisions stand one after the other, and at the end log and registry say the same."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from jupyter_mlgov.promotion.docket import replay
from jupyter_mlgov.promotion.intended import intended
from jupyter_mlgov.testing import FixedClock
from tests.workspace.gated import NOTEBOOK, gated, validated

# A registry that is a file, and slow: between the decision and the alias another process has all the time it needs.
ASKS = """
import sys, time
from pathlib import Path
from jupyter_mlgov.core.settings import Settings
from jupyter_mlgov.promotion.registry import ModelVersion
from tests.workspace.gated import Gated, NOTEBOOK, Registry

root, mine = Path(sys.argv[1]), sys.argv[2]

class Slow(Registry):
    def find(self, model, model_digest):
        return ModelVersion(model=model, version=mine, run_id="r", model_digest=model_digest)
    def promote(self, version, decision, entry):
        time.sleep(0.3 if mine == "1" else 0)
        (root / "alias").write_text(version.version)

class Asking(Gated):
    registry = property(lambda self: Slow({}))

workspace = Asking(root, Settings(actor="ana@firm.example", deliver="manual"))
workspace.shown = {}
(root / f"ready-{mine}").touch()
while not (root / "go").exists():
    time.sleep(0.005)
decision = workspace.promote("staging", NOTEBOOK)
assert not decision.reasons, decision.reasons
"""


def test_the_alias_is_what_the_newest_decision_says(tmp_path: Path) -> None:
    house = gated(tmp_path, FixedClock())
    validated(house)
    house.acting("bob@firm.example").review(NOTEBOOK, "approve", "fine", attests_unchecked=True)
    root = Path(__file__).parents[2]
    asking = [subprocess.Popen([sys.executable, "-c", ASKS, str(tmp_path), mine], cwd=root) for mine in ("1", "2")]
    while not all((tmp_path / f"ready-{mine}").exists() for mine in ("1", "2")):
        assert all(process.poll() is None for process in asking)
    (tmp_path / "go").touch()
    assert [process.wait(60) for process in asking] == [0, 0]
    entries = tuple(house.journal.entries())
    newest = intended(entries, "credit", "staging")
    assert newest and (tmp_path / "alias").read_text() == newest.version
    acts = [entry.action for entry in entries if entry.action in ("promotion.decided", "promotion.applied")]
    assert acts == ["promotion.decided", "promotion.applied"] * 2, "nobody decides between another's decision and its alias"
    assert {one.outcome for one in replay(entries)} == {"agrees"}
    assert house.audit().ok
