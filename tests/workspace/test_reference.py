"""The reference of a version is a profile: made once, bound to the version, read instead of the table, and no other than it was."""

from __future__ import annotations

from pathlib import Path

import pytest

from jupyter_mlgov.core.errors import MlgovError, NotReady, StorageProblem
from jupyter_mlgov.core.verdicts import Verdict
from jupyter_mlgov.workspace.monitoring import look, running
from jupyter_mlgov.workspace.reference import path_of, reference_of
from tests.workspace.gated import Gated
from tests.workspace.watched import TEAM, house, window

pytestmark = pytest.mark.usefixtures("checks_here")


@pytest.fixture
def workspace(tmp_path: Path) -> Gated:
    return house(tmp_path)


def kept(workspace: Gated) -> list[dict[str, object]]:
    return [dict(entry.payload) for entry in workspace.journal.entries(actions=("reference.kept",))]


def test_it_is_made_once_by_its_digest_and_bound_to_the_version(workspace: Gated) -> None:
    now = running(workspace, "credit")
    first = reference_of(workspace, now.move, now.team.roles)
    assert reference_of(workspace, now.move, now.team.roles) == first
    (one,) = kept(workspace)
    assert (one["version"], one["profile"], one["rows"]) == ("1", str(first.profile), 4000)
    assert path_of(workspace, first).read_bytes().startswith(b'{"schema": "mlgov-drift-profile-2"'.replace(b'{"', b'{\n "'))


def test_without_the_table_the_profile_still_measures_everything(workspace: Gated) -> None:
    now = running(workspace, "credit")
    reference_of(workspace, now.move, now.team.roles)
    table = next(path for path in (workspace.root / ".mlgov" / "objects").rglob("*") if path.is_file() and path.read_bytes()[:4] == b"PAR1")
    table.unlink()
    tick = look(workspace, "credit", window(workspace))
    assert (tick.verdict, dict(tick.unmeasured)) == (Verdict.PASS, {})
    tick = look(workspace, "credit", window(workspace, "w2", shift=1.0))
    assert "drift" in tick.found


def test_without_table_and_profile_it_is_a_sentence(workspace: Gated) -> None:
    for path in (workspace.root / ".mlgov" / "objects").rglob("*"):
        if path.is_file():
            path.unlink()
    with pytest.raises(MlgovError):
        look(workspace, "credit", window(workspace))
    assert kept(workspace) == []


def test_a_table_that_was_never_kept_says_what_to_declare(tmp_path: Path) -> None:
    made = house(tmp_path, TEAM.replace('table = "scored"', 'table = "scored"\nreference = "before"'))
    with pytest.raises(NotReady, match="Name it as `reference`"):
        look(made, "credit", window(made))


def test_a_profile_that_was_changed_is_refused(workspace: Gated) -> None:
    now = running(workspace, "credit")
    reference = reference_of(workspace, now.move, now.team.roles)
    path = path_of(workspace, reference)
    path.chmod(0o644)
    path.write_text(path.read_text("utf-8").replace('"rows": 4000', '"rows": 4001'), "utf-8")
    with pytest.raises(StorageProblem, match="was changed"):
        look(workspace, "credit", window(workspace))


def test_another_cutoff_makes_another_profile(workspace: Gated) -> None:
    now = running(workspace, "credit")
    first = reference_of(workspace, now.move, now.team.roles)
    (workspace.root / "mlgov.toml").write_text(TEAM.replace('score = "score"', 'score = "score"\ncutoff = 0.4'), "utf-8")
    other = Gated(workspace.root, workspace.settings, clock=workspace.clock)
    now = running(other, "credit")
    second = reference_of(other, now.move, now.team.roles)
    assert first.profile != second.profile
    assert first.table == second.table
    assert len(kept(other)) == 2
