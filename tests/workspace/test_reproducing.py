"""`mlgov reproduce` with real git, DVC, Delta, papermill and kernels: the grade, the first cell that parts, and why."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import nbformat
import pandas as pd
import pytest
from click.testing import CliRunner

from jupyter_mlgov.cli import mlgov
from jupyter_mlgov.core.errors import BadInput, NotReady, UsageError
from jupyter_mlgov.core.settings import Settings
from jupyter_mlgov.integrations.dvc import push, track
from jupyter_mlgov.integrations.papermill import run_notebook
from jupyter_mlgov.pipelines.reproduce import Grade
from jupyter_mlgov.pipelines.reproduction import Reproduction
from jupyter_mlgov.testing import FixedClock
from jupyter_mlgov.workspace import Workspace
from jupyter_mlgov.workspace.reproducing import Wish, reproduce

pytestmark = pytest.mark.slow

PYTHON = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}, "language_info": {"name": "python"}}
NAME = "études/my loans.ipynb"
DATA = "études/data ü/loans.csv"
CELLS = (
    ("c1", "rows: int = 40", ["parameters"]),
    ("c2", "import pandas as pd\nloans = pd.read_csv('data ü/loans.csv').head(rows)", ["mlgov:data"]),
    ("c3", "import time\nimport numpy as np\nnoise = {noise}", []),
    ("c4", "scored = loans.assign(score=loans['x'] * 0.5 + noise)", ["mlgov:features"]),
    ("c5", "mean = float(scored['score'].mean())", ["mlgov:evaluate"]),
)
TEAM = '[model]\nname = "loans"\n\n[subject]\ntable = "scored"\nscore = "score"\noutcome = "y"\nfavourable = 1\n'


def git(folder: Path, *words: str) -> None:
    subprocess.run(["git", *words], cwd=folder, check=True, capture_output=True)


def written(path: Path, cells: Any = CELLS, noise: str = "0.25", metadata: object = PYTHON) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    made = []
    for name, source, tags in cells:
        cell = nbformat.v4.new_code_cell(source.replace("{noise}", noise), id=name)
        cell.metadata["tags"] = tags
        made.append(cell)
    nbformat.write(nbformat.v4.new_notebook(cells=made, metadata=metadata), path)


def made(root: Path, *, noise: str = "0.25", team: str = TEAM, given: dict[str, object] | None = None, under: str = "git") -> Workspace:
    """A workspace in git whose notebook ran once, with spaces and umlauts in every path."""
    root.mkdir(parents=True)
    git(root, "init", "-q", "-b", "main")
    git(root, "config", "user.email", "ana@example.org")
    git(root, "config", "user.name", "Ana")
    written(root / NAME, noise=noise)
    (root / DATA).parent.mkdir(parents=True)
    pd.DataFrame({"x": range(60), "y": [i % 2 for i in range(60)]}).to_csv(root / DATA, index=False)
    (root / "mlgov.toml").write_text(team)
    workspace = Workspace.create(root, Settings(deliver="manual"))
    if under == "dvc":
        track(root, root / DATA)
        push(root, root.parent / "store")
    git(root, "add", "-A")
    git(root, "commit", "-qm", "loans")
    ran(workspace, given)
    return workspace


def ran(workspace: Workspace, given: dict[str, object] | None = None) -> None:
    path = workspace.root / NAME
    result = run_notebook(path, workspace.root.parent / "out.ipynb", given or {}, cwd=path.parent, notebook_name=NAME)
    assert str(result.outcome) == "ok", result.error


@pytest.fixture(scope="module")
def settled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One recorded run for all that do not change what ran."""
    root = tmp_path_factory.mktemp("settled") / "wörk space"
    made(root, given={"rows": 30}, under="dvc").close()
    return root


@pytest.fixture
def place(settled: Path, tmp_path: Path) -> Callable[[], Workspace]:
    """A copy of it, to be damaged."""

    def copied() -> Workspace:
        shutil.copytree(settled.parent, tmp_path / "copy", symlinks=True)
        return Workspace(tmp_path / "copy" / settled.name, Settings(deliver="manual"))

    return copied


def again(workspace: Workspace, target: str = NAME, **wish: Any) -> Reproduction:
    return reproduce(workspace, Wish(target=target, **wish), lambda _: None)


def state(root: Path) -> dict[str, tuple[int, bytes]]:
    """Every file of the user's, with its time of change; the trail's own folder apart."""
    return {
        str(path): (path.stat().st_mtime_ns, path.read_bytes())
        for path in sorted(root.rglob("*"))
        if path.is_file() and ".mlgov" not in path.parts
    }


def test_a_seeded_notebook_is_identical_and_nothing_of_the_users_is_touched(place: Callable[[], Workspace]) -> None:
    workspace = place()
    before = state(workspace.root)
    heard: list[str] = []
    done = reproduce(workspace, Wish(target=NAME), heard.append)
    assert (done.grade, done.exit_code, done.why) == (Grade.IDENTICAL, 0, ""), done
    assert {(one.cell, one.name) for one in done.artefacts if one.side == "out"} == {("c2", "loans"), ("c4", "scored"), ("c5", "mean")}
    assert done.difference == 0.0
    assert state(workspace.root) == before
    assert any("cell 4 of" in line for line in heard)
    (act,) = workspace.journal.entries(actions=("reproduce.done",))
    assert (act.subject, act.payload["grade"], act.payload["notebook"]) == ("loans", "identical", NAME)
    assert str(act).endswith("ran loans version  again: identical") or "identical" in str(act)


def test_the_given_parameters_are_given_again(settled: Path) -> None:
    """The recorded run had rows=30 where the notebook says 40: with 40 the tables would have other rows."""
    workspace = Workspace(settled, Settings(deliver="manual"))
    recorded = workspace.lineage(NAME)
    assert recorded.last_output("scored").fingerprint.rows == 30  # type: ignore[union-attr]  # recorded just now


def test_an_unseeded_generator_is_found_with_its_cell_and_the_first_that_parts(tmp_path: Path) -> None:
    workspace = made(tmp_path / "w", noise="np.random.default_rng().normal()")
    done = again(workspace)
    assert (done.grade, done.exit_code) == (Grade.DIVERGENT, 1)
    assert done.first is not None
    assert (done.first.cell, done.first.name) == ("c4", "scored")
    assert (done.causes[0].kind, done.causes[0].cell) == ("generator", "c3"), done.causes
    assert "Cell [4] is the first that differs, in scored" in done.why
    assert "without a seed" in done.why


def test_a_tolerance_and_a_distribution_count_only_when_they_are_declared(tmp_path: Path) -> None:
    """One notebook, three team files: its clock moves the score by less than 1e-3."""
    clock = "time.time() % 1e-3"
    workspace = made(tmp_path / "w", noise=clock)
    done = again(workspace)
    assert (done.grade, done.causes[0].kind, done.causes[0].cell) == (Grade.DIVERGENT, "clock", "c3")
    (workspace.root / "mlgov.toml").write_text(TEAM + "\n[reproduce]\ntolerance = { score = 1e-3, mean = 1e-3 }\n")
    done = again(workspace)
    assert (done.grade, done.exit_code) == (Grade.WITHIN, 0), done.why
    (workspace.root / "mlgov.toml").write_text(TEAM + '\n[reproduce]\ndistribution = ["score"]\ntolerance = { mean = 1e-3 }\n')
    done = again(workspace)
    assert (done.grade, done.exit_code) == (Grade.SAME, 3), done.why


def test_data_comes_back_from_dvc_when_the_file_changed(place: Callable[[], Workspace]) -> None:
    workspace = place()
    (workspace.root / DATA).write_text("x,y\n1,1\n")
    assert again(workspace).grade is Grade.IDENTICAL
    shutil.rmtree(workspace.root / ".dvc" / "cache")  # the remote still has it
    before = state(workspace.root)
    assert again(workspace).grade is Grade.IDENTICAL
    assert state(workspace.root) == before, "the fetched file went elsewhere, and not into the user's cache"


def test_a_missing_dvc_remote_is_no_verdict(place: Callable[[], Workspace]) -> None:
    workspace = place()
    (workspace.root / DATA).unlink()
    shutil.rmtree(workspace.root / ".dvc" / "cache")
    (workspace.root / ".dvc" / "config").write_text("")
    done = again(workspace)
    assert (done.grade, done.exit_code) == (Grade.UNKNOWN, 3)
    assert "DVC has no default remote" in done.why
    assert done.artefacts == ()


def test_a_plain_file_that_changed_is_named_as_the_cause(tmp_path: Path) -> None:
    workspace = made(tmp_path / "w")
    git(workspace.root, "rm", "-q", "--cached", DATA)
    git(workspace.root, "commit", "-qm", "data are not git's")
    ran(workspace)
    (workspace.root / DATA).write_text((workspace.root / DATA).read_text().replace("5,1", "5,0"))
    done = again(workspace)
    assert (done.grade, done.first.cell if done.first else "") == (Grade.DIVERGENT, "c2")
    assert done.causes[0].kind == "data"
    assert "loans.csv" in done.causes[0].sentence
    (workspace.root / DATA).unlink()
    done = again(workspace)
    assert done.grade is Grade.UNKNOWN
    assert "is no longer there" in done.why


def test_an_edited_notebook_is_taken_from_its_commit(place: Callable[[], Workspace]) -> None:
    workspace = place()
    written(workspace.root / NAME, noise="0.5")
    git(workspace.root, "commit", "-qam", "another noise")
    done = again(workspace)
    assert done.grade is Grade.IDENTICAL


def test_text_that_no_commit_has_is_no_verdict(place: Callable[[], Workspace]) -> None:
    workspace = place()
    written(workspace.root / NAME, noise="0.7")
    ran(workspace)
    written(workspace.root / NAME, noise="0.8")
    done = again(workspace)
    assert done.grade is Grade.UNKNOWN
    assert "No version of" in done.why
    assert "c3 ran with another text" in done.why


def test_a_commit_that_is_gone_is_no_verdict(place: Callable[[], Workspace]) -> None:
    workspace = place()
    shutil.rmtree(workspace.root / ".git")
    git(workspace.root, "init", "-q")
    done = again(workspace)
    assert done.grade is Grade.UNKNOWN
    assert "is no longer in the repository" in done.why


def test_a_module_that_was_not_committed_limits_the_grade_unless_it_is_still_the_same(tmp_path: Path) -> None:
    workspace = made(tmp_path / "w")
    module = workspace.root / "études" / "house.py"
    module.write_text("NOISE = 0.25\n")
    git(workspace.root, "add", "-A")
    git(workspace.root, "commit", "-qm", "a module")
    module.write_text("NOISE = 0.75\n")
    written(workspace.root / NAME, noise="__import__('house').NOISE")
    ran(workspace)
    assert again(workspace).grade is Grade.IDENTICAL
    module.write_text("NOISE = 0.5\n")
    done = again(workspace)
    assert (done.grade, done.exit_code) == (Grade.UNKNOWN, 3)
    assert "house.py had changes that were not committed" in done.why


def test_a_changed_package_is_named(place: Callable[[], Workspace], monkeypatch: pytest.MonkeyPatch) -> None:
    """The record says pandas 1.0: the second run is told to diverge by its data, and names both."""
    from jupyter_mlgov.pipelines.reproduce_causes import causes

    workspace = place()
    recorded = workspace.lineage(NAME)
    assert recorded.session is not None
    from dataclasses import replace

    from jupyter_mlgov.lineage.comparison import compare

    now = recorded.session.environment
    then = replace(now, packages={**now.packages, "pandas": "1.0"})
    found = causes("c4", recorded, recorded, compare(then, now))
    assert (found[0].kind, "pandas: 1.0" in found[0].sentence) == ("package", True)


def test_an_environment_that_no_longer_resolves_is_no_verdict(place: Callable[[], Workspace], monkeypatch: pytest.MonkeyPatch) -> None:
    workspace = place()
    monkeypatch.setenv("UV_OFFLINE", "1")
    monkeypatch.setenv("MLGOV_CACHE", str(workspace.root.parent / "cache"))
    (workspace.root / "requirements.lock").write_text("no-such-package-here==9.9.9\n")
    git(workspace.root, "add", "-A")
    git(workspace.root, "commit", "-qm", "a lock")
    ran(workspace)
    done = again(workspace, environment="lock")
    assert done.grade is Grade.UNKNOWN
    assert "uv could not make the locked environment" in done.why


def test_notebooks_nobody_here_wrote_are_refused_with_the_reason(place: Callable[[], Workspace]) -> None:
    workspace = place()
    spec = {"kernelspec": {"name": "python3", "display_name": "R", "language": "R"}, "language_info": {"name": "R"}}
    written(workspace.root / "r.ipynb", metadata=spec)
    with pytest.raises(BadInput, match="is written in R"):
        again(workspace, "r.ipynb")
    written(workspace.root / "new.ipynb")
    with pytest.raises(NotReady, match="has not run here"):
        again(workspace, "new.ipynb")
    (workspace.root / "no.ipynb").write_text("{")
    with pytest.raises(BadInput, match="is not a notebook"):
        again(workspace, "no.ipynb")


def test_an_unknown_version_says_which_there_are(place: Callable[[], Workspace]) -> None:
    with pytest.raises(UsageError, match="No recorded version"):
        again(place(), "loans@7")


def test_the_shell_says_the_same_as_json(place: Callable[[], Workspace]) -> None:
    workspace = place()
    shutil.rmtree(workspace.root / ".git")
    git(workspace.root, "init", "-q")
    result = CliRunner().invoke(mlgov, ["reproduce", NAME, "-w", str(workspace.root), "--format", "json"], standalone_mode=False)
    told = json.loads(result.stdout)
    assert (told["grade"], told["exit_code"], result.return_value or result.exit_code) == ("could not tell", 3, 3)


def test_a_lost_delta_version_is_no_verdict_and_a_kept_one_is_travelled_to(tmp_path: Path) -> None:
    import deltalake

    workspace = made(tmp_path / "w")
    table = workspace.root / "études" / "lake"
    frame = pd.DataFrame({"x": range(60), "y": [i % 2 for i in range(60)]})
    deltalake.write_deltalake(str(table), frame)
    lake = (("c2", "from deltalake import DeltaTable\nloans = DeltaTable('lake').to_pandas().head(rows)", ["mlgov:data"]),)
    written(workspace.root / NAME, (CELLS[0], *lake, *CELLS[2:]))
    (workspace.root / ".gitignore").write_text("lake\n")
    git(workspace.root, "add", "-A")
    git(workspace.root, "commit", "-qm", "a lake")
    ran(workspace)
    deltalake.write_deltalake(str(table), frame.assign(x=1), mode="overwrite")
    done = again(workspace)
    assert done.grade is Grade.IDENTICAL, done.why
    deltalake.DeltaTable(str(table)).vacuum(retention_hours=0, enforce_retention_duration=False, dry_run=False)
    done = again(workspace)
    assert done.grade is Grade.UNKNOWN
    assert "are gone" in done.why


def test_the_second_run_has_its_own_surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A trail in a shared database, and an MLflow elsewhere, must not hear of it."""
    from jupyter_mlgov.workspace.reproducing import _surroundings

    monkeypatch.setenv("MLGOV_DATABASE_URL", "postgresql://nobody@nowhere/x")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://nowhere")
    with _surroundings(tmp_path, {"A_B": "c"}):
        assert "MLGOV_DATABASE_URL" not in os.environ
        assert "MLFLOW_TRACKING_URI" not in os.environ
        assert os.environ["MLGOV_WORKSPACE"] == str(tmp_path)
    assert os.environ["MLGOV_DATABASE_URL"] == "postgresql://nobody@nowhere/x"
    assert "A_B" not in os.environ


def test_a_table_of_snowflake_is_no_verdict_and_no_live_connection_is_taken(tmp_path: Path) -> None:
    """On fakesnow; the sentence names the statement, by which a person can ask Time Travel."""
    workspace = made(tmp_path / "w")
    warehouse = (
        "import warnings\nwarnings.simplefilter('ignore')\nimport fakesnow, pandas as pd, snowflake.connector\n"
        "with fakesnow.patch():\n"
        "    cursor = snowflake.connector.connect(database='d', schema='s').cursor()\n"
        "    cursor.execute('create table loans (x int, y int)')\n"
        "    cursor.execute('insert into loans values (1, 0), (2, 1)')\n"
        "    loans = pd.DataFrame(cursor.execute('select x, y from loans').fetchall(), columns=['x', 'y'])"
    )
    written(workspace.root / NAME, (CELLS[0], ("c2", warehouse, ["mlgov:data"]), *CELLS[2:]))
    git(workspace.root, "commit", "-qam", "a warehouse")
    ran(workspace)
    read = [ref for run in workspace.lineage(NAME).runs for ref in run.sources_read]
    assert [ref.system for ref in read] == ["snowflake"], read
    done = again(workspace)
    assert (done.grade, done.artefacts) == (Grade.UNKNOWN, ())
    assert f"Statement {read[0].version} read" in done.why and "no live connection is taken" in done.why

    (workspace.root / "mlgov.toml").write_text(TEAM + "[reproduce]\nsnowflake_days = 7\n")
    assert "a second run would write it again" in again(workspace).why


def test_a_table_of_snowflake_is_asked_as_of_then_where_that_is_allowed_and_never_called_proven(tmp_path: Path) -> None:
    """fakesnow cannot travel in time: the second run ends with its refusal, which quotes what was sent; beyond the retention nothing is."""
    import fakesnow
    import snowflake.connector

    workspace = made(tmp_path / "w", team=TEAM + "[reproduce]\nsnowflake_days = 7\n")
    (tmp_path / "warehouse").mkdir()
    with fakesnow.patch(db_path=tmp_path / "warehouse"):
        connection = snowflake.connector.connect(database="d", schema="s")
        cursor = connection.cursor()
        cursor.execute("create table loans (x int, y int)")
        cursor.execute("insert into loans values (1, 0), (2, 1)")
        connection.close()
    warehouse = (
        "import warnings\nwarnings.simplefilter('ignore')\nimport fakesnow, pandas as pd, snowflake.connector\n"
        f"with fakesnow.patch(db_path={str(tmp_path / 'warehouse')!r}):\n"
        "    cursor = snowflake.connector.connect(database='d', schema='s').cursor()\n"
        "    loans = pd.DataFrame(cursor.execute('select x, y from loans').fetchall(), columns=['x', 'y'])"
    )
    written(workspace.root / NAME, (CELLS[0], ("c2", warehouse, ["mlgov:data"]), *CELLS[2:]))
    git(workspace.root, "commit", "-qam", "a warehouse")
    ran(workspace)
    done = again(workspace)
    assert done.grade is Grade.UNKNOWN
    assert 'raised ProgrammingError: 001003 (42000): Parser Error: syntax error at or near "STATEMENT"' in done.problem
    assert "not proven against a live Snowflake" in " ".join(done.limits)
    workspace.clock = FixedClock(workspace.clock.now() + timedelta(days=8, hours=1))
    late = again(workspace)
    assert late.grade is Grade.UNKNOWN
    assert "8 days ago, and its Time Travel keeps 7 days: what it read then can no longer be had" in late.why
