"""The probe of parameters: real runs with other values show what each changes, or say which one changes nothing."""

from __future__ import annotations

import json
import time
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from jupyter_mlgov.cli import mlgov
from jupyter_mlgov.core.errors import NotReady
from jupyter_mlgov.core.settings import Settings
from jupyter_mlgov.pipelines.alternatives import alternatives
from jupyter_mlgov.pipelines.parameters import declared
from jupyter_mlgov.pipelines.probe import Probe, differing, exit_code
from jupyter_mlgov.workspace import Workspace
from jupyter_mlgov.workspace.probing import Bounds, ChangesNothing, probe, probed
from jupyter_mlgov.workspace.probing_files import Files, copied

PYTHON = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}, "language_info": {"name": "python"}}
NAME = "prövning/a b.ipynb"
PARAMETERS = """\
rows: int = 4  # 1..50
flat: bool = True  # read and thrown away
idle: int = 7
source: str = "x.csv"
limit: int = 9  # 0..9"""
CELLS = (
    (["parameters"], PARAMETERS),
    (["mlgov:data"], "numbers = [float(open(source).read()) + one for one in range(rows)]\nassert limit == 9"),
    (["mlgov:features"], "flat is None\nwide = [one * 2 for one in numbers]\n__import__('pathlib').Path('made.txt').write_text(str(wide))"),
    (["mlgov:evaluate"], "import random\ntotal = float(len(open('made.txt').read()))\nnoise = random.random()"),
)  # fmt: skip


def written(root: Path, cells: tuple[tuple[list[str], str], ...] = CELLS) -> Workspace:
    path = root / NAME
    path.parent.mkdir(parents=True)
    made = [nbformat.v4.new_code_cell(source, id=f"c{number}", metadata={"tags": tags}) for number, (tags, source) in enumerate(cells, 1)]
    nbformat.write(nbformat.v4.new_notebook(cells=made, metadata=PYTHON), path)
    (path.parent / "x.csv").write_text("1")
    return Workspace.create(root, Settings())


@pytest.mark.slow
def test_each_parameter_is_said_to_change_something_or_nothing_and_the_users_files_stay(tmp_path: Path) -> None:
    workspace = written(tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file() and ".mlgov" not in path.parts}
    said: list[str] = []
    found = {one.parameter: one for one in probe(workspace, NAME, Bounds(values={"rows": 3}), said.append)}
    assert {name: one.sensitivity for name, one in found.items()} == {
        "rows": "changes", "flat": "unknown", "idle": "nothing", "source": "unknown", "limit": "changes",
    }, found  # fmt: skip
    files_too = ("data.numbers", "features.wide", "features.file prövning/made.txt", "evaluate.total")
    assert found["rows"].changed == files_too
    assert found["rows"].tried == ("4",) and found["rows"].default == "3", "the value that was given is what others are held against"
    assert found["flat"].tried == ("False",)
    assert "differs between equal runs" in found["flat"].why and found["flat"].unstable == ("evaluate.noise",)
    assert "CHANGES NOTHING" in found["idle"].sentence and found["idle"].tried == ()
    assert "--try source=VALUE" in found["source"].why
    assert "step data" in found["limit"].failed and "AssertionError" in found["limit"].failed
    assert "probing: rows = 4, step data" in said
    after = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file() and ".mlgov" not in path.parts}
    assert after == before, "it ran in a copy"
    assert workspace.lineage(NAME).session is None, "a probe is no run of the model"
    (act,) = workspace.journal.entries(actions=("parameters.probed",))
    assert str(act).endswith("limit changes") and len(act.payload["probes"]) == 5
    workspace.close()


SMALL = ((["parameters"], "kept: int = 2\nidle: str = 'a'  # a|b"), (["mlgov:data"], "numbers = [kept]"))


@pytest.mark.slow
def test_the_shell_and_the_export_say_which_changes_nothing(tmp_path: Path) -> None:
    workspace = written(tmp_path, (SMALL[0], (["mlgov:data"], "numbers = [kept]\nidle.upper()")))
    done = CliRunner().invoke(mlgov, ["parameters", str(tmp_path / NAME), "--probe", "-w", str(tmp_path), "--format", "json"])
    told = {one["parameter"]: one for one in json.loads(done.stdout)}
    assert done.exit_code == 1
    assert (told["kept"]["sensitivity"], told["idle"]["sensitivity"], told["idle"]["tried"]) == ("changes", "nothing", ["'b'"])
    with pytest.raises(ChangesNothing, match=r"idle .*CHANGES NOTHING") as error:
        probed(workspace, NAME)
    assert error.value.exit_code == 1
    done = CliRunner().invoke(mlgov, ["export", "-n", NAME, "--to", "papermill", "--probe", "-w", str(tmp_path)])
    assert isinstance(done.exception, ChangesNothing) and not list(tmp_path.rglob("*.papermill.ipynb"))
    workspace.close()


@pytest.mark.slow
def test_a_probe_ends_in_time_and_says_what_it_did_not_try(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its clock stands still until the slow step begins: on a busy machine the runs before it took all the time that there was."""
    from jupyter_mlgov.workspace import probing

    slow = "import time\nnumbers = [kept]\nif kept != 2:\n    time.sleep(600)"
    workspace = written(tmp_path, (SMALL[0], (["mlgov:data"], slow)))
    run_step, now, cut = probing.run_step, [0.0], []

    def stepped(*given: object, timeout: int, **more: object) -> object:
        if given[5].get("kept", 2) == 2:  # type: ignore[attr-defined]  # the parameters
            return run_step(*given, timeout=240, **more)  # type: ignore[arg-type]  # as it was called
        begun = time.monotonic()
        cut.append(run_step(*given, timeout=timeout, **more))  # type: ignore[arg-type]  # as it was called
        now[0] += time.monotonic() - begun
        return cut[-1]

    monkeypatch.setattr(probing, "run_step", stepped)
    monkeypatch.setattr(probing, "time", SimpleNamespace(monotonic=lambda: now[0]))
    (one, _) = probe(workspace, NAME, Bounds(seconds=5))
    assert [done.outcome for done in cut] == ["failed"] and now[0] < 300, "it was stopped"
    assert (one.sensitivity, "--within" in one.why) == ("unknown", True), one
    workspace.close()


@pytest.mark.slow
def test_a_step_that_the_probes_own_clock_ended_is_never_taken_for_a_change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its limit is in whole seconds: rounded down, the step ended a moment before the probe, and the end passed for an effect."""
    from jupyter_mlgov.workspace import probing

    run_step, now = probing.run_step, [0.9]
    workspace = written(tmp_path, (SMALL[0], (["mlgov:data"], "numbers = [kept]")))

    def stepped(*given: object, timeout: int, **more: object) -> object:
        if given[5].get("kept", 2) == 2:  # type: ignore[attr-defined]  # the parameters
            now[0] += 0.3
            return run_step(*given, timeout=60, **more)  # type: ignore[arg-type]  # as it was called
        now[0] += timeout
        return SimpleNamespace(outcome="failed", sentence=f"ran longer than {timeout} s and was stopped", made={})

    monkeypatch.setattr(probing, "run_step", stepped)
    monkeypatch.setattr(probing, "time", SimpleNamespace(monotonic=lambda: now[0]))
    (one, _) = probe(workspace, NAME, Bounds(seconds=8))
    assert (one.sensitivity, "--within" in one.why) == ("unknown", True), one
    workspace.close()


def test_a_notebook_that_does_not_run_is_no_answer(tmp_path: Path) -> None:
    workspace = written(tmp_path, (SMALL[0], (["mlgov:data"], "numbers = 1 / 0")))
    with pytest.raises(NotReady, match=r"does not run step by step as it is: step data: .*ZeroDivisionError"):
        probe(workspace, NAME, Bounds())
    workspace.close()


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("n: int = 4  # 1..5", (5, 3, 2)),
        ("n = 0", (1, -1)),
        ("share = 0.5  # > 0, < 1", (0.55, 0.45, 0.25)),
        ("zero = 0.0  # 0..1", (0.1, 1.0)),
        ("flag = True", (False,)),
        ("loss = 'l1'  # l1|l2|huber", ("l2", "huber")),
        ("sizes = [1, 2, 3]", ([1, 2],)),
        ("name = 'data.csv'", ()),
        ("api_token = 'x'", ()),
        ("when = None", ()),
        ("when = __import__('os').getpid()", ()),
        ("fixed: int = 3  # 3..3", ()),
    ],
)
def test_values_to_try_are_near_and_allowed_and_never_made_up_texts(line: str, expected: tuple[object, ...]) -> None:
    (one,) = declared(line)
    assert alternatives(one, one.default) == (pytest.approx(expected) if "share" in line else expected)


@given(low=st.integers(-1000, 1000), width=st.integers(0, 1000), share=st.floats(0, 1))
def test_whatever_is_tried_is_admitted_and_is_not_the_default(low: int, width: int, share: float) -> None:
    default = low + int(width * share)
    (one,) = declared(f"n: int = {default}  # {low}..{low + width}")
    assert all(one.declares.admits(value) and value != default for value in alternatives(one, default))


def test_no_answer_is_not_a_yes() -> None:
    changes, nothing = Probe(parameter="a", default="1", changed=("x.y",)), Probe(parameter="b", default="1", tried=("2",))
    unknown = Probe(parameter="c", default="1", why="x")
    codes = {(changes,): 0, (changes, unknown): 3, (unknown, nothing): 1, (changes, nothing): 1, (): 0}
    assert {probes: exit_code(probes) for probes in codes} == codes
    assert differing({"s": {"a": "1", "b": None}}, {"s": {"a": "2", "b": None, "c": "3"}}) == ("s.a", "s.c")


def test_files_are_put_back_as_the_base_run_left_them(tmp_path: Path) -> None:
    origin = tmp_path / "o"
    (origin / ".git").mkdir(parents=True)
    (origin / ".git" / "x").write_text("history")
    (origin / "data.csv").write_text("1")
    root = copied(origin, tmp_path / "copy")
    assert not (root / ".git").exists()
    files = Files(root=root, origin=origin, kept=tmp_path / "kept")
    (root / "made.csv").write_text("base")
    files.keep()
    (root / "made.csv").write_text("trial")
    (root / "data.csv").unlink()
    (root / "more.csv").write_text("trial")
    files.put_back()
    assert {path.name: path.read_text() for path in root.iterdir()} == {"made.csv": "base", "data.csv": "1"}
